# WHIP and WHEP: fragments alone, then the door with a fake transport.
UNIT_TESTS += test_frag
test_frag_SRC := $(CORE_SDP)
UNIT_TESTS += test_whip
test_whip_SRC := $(SIG_WHIP) $(SIG_MEMBER) $(SIG_CORE) $(SIG_AUTH) \
	$(SIG_METRICS) $(SIG_JSON) $(CORE_SDP) $(CORE_HTTP) core/ws/utf8.c \
	proto/msg.c $(COMMON_LOOP) $(COMMON_LOG)
test_whip_LIBS := ssl jansson
