BENCHES += bench_srtp
bench_srtp_SRC := $(PORT_SRTP) $(PORT_SRTP_LIB)
bench_srtp_LIBS := ssl srtp2
