SIM_TESTS += test_jitter_sim
test_jitter_sim_SRC := $(CORE_JITTER)
test_jitter_sim_LIBS := math
