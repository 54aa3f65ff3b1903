FUZZERS += fuzz_srtp fuzz_dtls
fuzz_srtp_SRC := $(PORT_SRTP) core/rtp/replay.c
fuzz_srtp_LIBS := ssl
fuzz_dtls_SRC := $(PORT_DTLS) $(PORT_SRTP)
fuzz_dtls_LIBS := ssl
