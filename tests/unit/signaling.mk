# signaling: codecs, hub, calls, JSON-RPC. The rooms' lists are read before
# this file, so their variables are at hand.
UNIT_TESTS += test_http test_ws test_json test_hub test_jsonrpc
test_http_SRC := signaling/http.c signaling/files.c $(CORE_HTTP)
test_ws_SRC := $(CORE_WS) $(CORE_HTTP)
test_json_SRC := $(SIG_JSON) core/ws/utf8.c
test_json_LIBS := jansson
test_hub_SRC := $(SIG_CORE) signaling/source.c core/ws/utf8.c proto/msg.c
test_jsonrpc_SRC := $(SIG_RPC) $(SIG_MEMBER) $(SIG_CORE) $(SIG_AUTH) \
	$(SIG_METRICS) $(SIG_JSON) $(CORE_CANDIDATE) core/ws/utf8.c \
	proto/msg.c $(COMMON_LOG) common/clock.c
test_jsonrpc_LIBS := jansson ssl

# Who may come back, and what a peer may do.
UNIT_TESTS += test_hold test_member
test_hold_SRC := signaling/hub.c core/session/peer_name.c core/ws/utf8.c
test_member_SRC := $(SIG_MEMBER) $(SIG_CORE) $(SIG_METRICS) signaling/text.c \
	$(CORE_CANDIDATE) core/ws/utf8.c proto/msg.c $(COMMON_LOG) \
	common/clock.c
UNIT_TESTS += test_jsonrpc_b
test_jsonrpc_b_SRC := $(test_jsonrpc_SRC)
test_jsonrpc_b_LIBS := jansson ssl
