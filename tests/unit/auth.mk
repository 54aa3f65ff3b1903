# tokens, the settings of signaling, its counters
UNIT_TESTS += test_auth
test_auth_SRC := $(SIG_AUTH) $(SIG_JSON) core/session/peer_name.c \
	core/ws/utf8.c
test_auth_LIBS := jansson ssl
CFLAGS_tests/unit/token_kit.h := $(cflags_ssl)
UNIT_TESTS += test_sig_options test_metrics
test_sig_options_SRC := signaling/options.c $(COMMON_LOG) common/clock.c
test_metrics_SRC := $(SIG_METRICS) signaling/text.c signaling/limit.c \
	core/ws/utf8.c $(COMMON_LOG) common/clock.c
