# signaling's transport: connections, TLS.
UNIT_TESTS += test_h1_conn
CFLAGS_tests/unit/h1_kit.c := $(cflags_check)
SIG_H1 := signaling/conn.c signaling/h1_conn.c signaling/ws_conn.c \
	signaling/http.c signaling/door.c signaling/stream.c \
	signaling/source.c signaling/limit.c signaling/files.c \
	$(PORT_TLS) $(CORE_HTTP) $(CORE_WS) $(COMMON_LOOP) $(COMMON_LOG)
test_h1_conn_SRC := tests/unit/h1_kit.c $(SIG_H1)
test_h1_conn_LIBS := ssl
UNIT_TESTS += test_tls
test_tls_SRC := $(PORT_TLS)
test_tls_LIBS := ssl
