FUZZERS += fuzz_http fuzz_ws fuzz_jsonrpc
fuzz_http_SRC := $(CORE_HTTP) core/ws/handshake.c core/ws/digest.c \
	signaling/http.c signaling/files.c
fuzz_ws_SRC := core/ws/ws.c core/ws/utf8.c
fuzz_jsonrpc_SRC := $(SIG_RPC) $(SIG_MEMBER) $(SIG_CORE) $(SIG_AUTH) \
	$(SIG_METRICS) $(SIG_JSON) $(CORE_CANDIDATE) core/ws/utf8.c proto/msg.c \
	$(COMMON_LOG) common/clock.c
fuzz_jsonrpc_LIBS := jansson ssl
