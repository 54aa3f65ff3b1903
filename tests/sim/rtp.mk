SIM_TESTS += test_rtp_sim test_cc_sim
test_rtp_sim_SRC := tests/sim/rtp_call.c tests/sim/net.c $(CORE_RTP) \
	$(CORE_RTCP) $(CORE_CC)
test_cc_sim_SRC := $(test_rtp_sim_SRC)
