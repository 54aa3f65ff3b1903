UNIT_TESTS += test_replay test_srtp
test_replay_SRC := core/rtp/replay.c
test_srtp_SRC := $(PORT_SRTP) $(PORT_SRTP_LIB)
test_srtp_LIBS := ssl srtp2
UNIT_TESTS += test_dtls
test_dtls_SRC := $(PORT_DTLS) $(PORT_SRTP) common/clock.c
test_dtls_LIBS := ssl
