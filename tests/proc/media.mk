# Plays broker and ice-worker to a media-worker.
MEDIA_PLAY := tests/media_play.c tests/media_kit.c common/sp.c common/clock.c \
	$(PROTO) $(PORT_OPUS) $(PORT_VPX) $(sort $(SHM_LINK) $(SHM_FRAMES))

PROC_PROGS += media_probe
media_probe_SRC := $(MEDIA_PLAY)
media_probe_LIBS := opus vpx math thread

# Several peers of one session.
PROC_PROGS += media_sessions
media_sessions_SRC := $(MEDIA_PLAY)
media_sessions_LIBS := opus vpx math thread
