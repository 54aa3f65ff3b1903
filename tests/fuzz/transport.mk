# A connection with a fake stream: HTTP/1.1 and WebSocket end to end.
FUZZERS += fuzz_h1_conn
fuzz_h1_conn_SRC := signaling/conn.c signaling/h1_conn.c signaling/ws_conn.c \
	signaling/http.c signaling/source.c signaling/limit.c \
	signaling/files.c $(CORE_HTTP) $(CORE_WS) $(COMMON_LOG) common/clock.c
