FUZZERS += fuzz_sp fuzz_wire
fuzz_sp_SRC := common/sp.c
fuzz_wire_SRC := $(PROTO)
FUZZERS += fuzz_broker
fuzz_broker_SRC := session-broker/dispatch.c session-broker/peer.c \
	session-broker/link.c session-broker/session.c \
	session-broker/on_signaling.c \
	session-broker/on_ice.c session-broker/on_media.c \
	core/session/restart.c core/session/peer_name.c core/ws/utf8.c \
	$(sort $(SHM_LINK) $(SHM_FRAMES)) $(PROTO) \
	$(COMMON_LOOP) $(COMMON_LOG)
