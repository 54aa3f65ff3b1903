# tokens
UNIT_TESTS += test_auth
test_auth_SRC := $(SIG_AUTH) $(SIG_JSON) core/session/peer_name.c \
	core/ws/utf8.c
test_auth_LIBS := jansson ssl
CFLAGS_tests/unit/token_kit.h := $(cflags_ssl)
