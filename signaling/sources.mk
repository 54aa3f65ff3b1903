# signaling: pieces that tests link alone, then the process.
SIG_JSON := signaling/text.c signaling/scan.c $(PORT_JSON)
SIG_CORE := signaling/hub.c signaling/calls.c signaling/limit.c \
	core/session/peer_name.c
# What a peer may do: links SIG_CORE, SIG_AUTH, SIG_METRICS too.
SIG_MEMBER := signaling/member.c signaling/permit.c
# Tokens (libs: ssl jansson), and what is counted (with COMMON_LOG).
SIG_AUTH := signaling/auth.c signaling/jwt.c $(PORT_JWT)
SIG_METRICS := signaling/metrics.c
SIG_OPS := signaling/ops_pages.c
SIG_RPC := signaling/jsonrpc.c signaling/rpc_params.c \
	signaling/rpc_announce.c \
	signaling/rpc_methods.c signaling/rpc_methods_b.c \
	signaling/rpc_control.c signaling/rpc_notify.c
# WHIP and WHEP: links SIG_MEMBER and its friends, and CORE_SDP.
SIG_WHIP := signaling/whip.c signaling/whip_peer.c signaling/whip_answer.c
# Listeners, connections and what they speak (libs: ssl nghttp2).
SIG_NET := signaling/stream.c signaling/source.c signaling/files.c \
	signaling/http.c signaling/door.c signaling/conn.c \
	signaling/h1_conn.c signaling/ws_conn.c signaling/h2_conn.c \
	signaling/talk.c signaling/rpc_talk.c signaling/listen.c \
	signaling/certificate.c $(PORT_TLS) $(PORT_H2)

BINS += signaling
signaling_MAIN := signaling/main.c
signaling_SRC := signaling/options.c signaling/server.c signaling/bus.c \
	signaling/host.c \
	signaling/uplink.c $(SIG_NET) $(SIG_RPC) $(SIG_CORE) $(SIG_JSON) \
	$(SIG_MEMBER) $(SIG_AUTH) $(SIG_METRICS) $(SIG_OPS) $(SIG_WHIP) $(CORE_SDP) \
	$(SIG_GRPC) $(CORE_GRPC) $(PORT_PB) \
	$(CORE_HTTP) $(CORE_WS) $(PORT_SECCOMP) $(PROTO) $(COMMON_LOOP) \
	$(COMMON_LOG) $(COMMON_CHANNEL)
signaling_LIBS := jansson seccomp ssl nghttp2 protobufc
