FUZZERS += fuzz_dcep
fuzz_dcep_SRC := $(CORE_SCTP)

FUZZERS += fuzz_sctp
fuzz_sctp_SRC := $(PORT_SCTP)
fuzz_sctp_LIBS := usrsctp thread

FUZZERS += fuzz_trickle
fuzz_trickle_SRC := ice-worker/trickle.c $(CORE_SDP)
