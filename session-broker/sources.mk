BINS += session-broker
session-broker_MAIN := session-broker/main.c
session-broker_SRC := session-broker/setup.c session-broker/rundir.c \
	session-broker/worker.c session-broker/spawn.c session-broker/adopt.c \
	session-broker/dispatch.c session-broker/peer.c session-broker/link.c \
	session-broker/session.c \
	session-broker/on_signaling.c session-broker/on_ice.c \
	session-broker/on_media.c core/session/restart.c \
	core/session/peer_name.c core/ws/utf8.c core/pipeline/manifest.c \
	core/pipeline/tree.c port/yaml.c port/bus_nng.c port/seccomp.c \
	common/options.c $(sort $(SHM_LINK) $(SHM_FRAMES)) $(PROTO) \
	$(COMMON_LOOP) $(COMMON_LOG)
session-broker_LIBS := nng yaml seccomp thread
