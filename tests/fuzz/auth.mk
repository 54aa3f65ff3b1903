FUZZERS += fuzz_jwt
fuzz_jwt_SRC := signaling/jwt.c $(PORT_JWT) $(SIG_JSON) \
	core/session/peer_name.c core/ws/utf8.c
fuzz_jwt_LIBS := jansson ssl
