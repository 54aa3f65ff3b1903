FUZZERS += fuzz_sdpfrag
fuzz_sdpfrag_SRC := $(CORE_SDP)
FUZZERS += fuzz_whip
fuzz_whip_SRC := $(SIG_WHIP) $(SIG_MEMBER) $(SIG_CORE) $(SIG_AUTH) \
	$(SIG_METRICS) $(SIG_JSON) $(CORE_SDP) $(CORE_HTTP) core/ws/utf8.c \
	proto/msg.c $(COMMON_LOOP) $(COMMON_LOG)
fuzz_whip_LIBS := ssl jansson
