FUZZERS += fuzz_dcep
fuzz_dcep_SRC := $(CORE_SCTP)

FUZZERS += fuzz_sctp
fuzz_sctp_SRC := $(PORT_SCTP)
fuzz_sctp_LIBS := usrsctp thread
