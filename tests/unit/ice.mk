UNIT_TESTS += test_dcep
test_dcep_SRC := $(CORE_SCTP)

UNIT_TESTS += test_sctp
test_sctp_SRC := $(PORT_SCTP)
test_sctp_LIBS := usrsctp

UNIT_TESTS += test_sandbox
test_sandbox_SRC := $(PORT_SECCOMP)
test_sandbox_LIBS := seccomp

UNIT_TESTS += test_ice
test_ice_SRC := $(PORT_ICE) $(COMMON_LOOP)
test_ice_LIBS := nice

UNIT_TESTS += test_trickle
test_trickle_SRC := ice-worker/trickle.c $(CORE_SDP)
