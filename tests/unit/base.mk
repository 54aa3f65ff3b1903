UNIT_TESTS += test_sp test_wire test_loop test_log test_restart test_channel
test_sp_SRC := common/sp.c
test_wire_SRC := $(PROTO)
test_loop_SRC := $(COMMON_LOOP)
test_log_SRC := $(COMMON_LOG)
test_restart_SRC := core/session/restart.c
test_channel_SRC := $(COMMON_CHANNEL) $(COMMON_LOOP) port/bus_nng.c
test_channel_LIBS := nng
