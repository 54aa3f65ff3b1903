# The media-worker. MEDIA_STREAMS: what benches and tests link without the
# process around it.
MEDIA_STREAMS := media-worker/audio.c media-worker/coder.c \
	media-worker/frames.c media-worker/mixdown.c
MEDIA_FOREIGN := $(CORE_MEDIA) $(PORT_OPUS) $(PORT_VPX)

BINS += media-worker
media-worker_MAIN := media-worker/main.c
media-worker_SRC := media-worker/worker.c media-worker/dispatch.c \
	media-worker/on_broker.c media-worker/call.c media-worker/room.c \
	media-worker/sound.c \
	media-worker/data.c media-worker/video.c media-worker/ear.c \
	media-worker/lane.c media-worker/stats.c media-worker/alone.c \
	media-worker/shed.c media-worker/options.c $(MEDIA_STREAMS) $(MEDIA_FOREIGN) \
	$(PORT_SECCOMP) $(PROTO) $(COMMON_LOOP) $(COMMON_LOG) \
	$(COMMON_CHANNEL) $(sort $(SHM_LINK) $(SHM_FRAMES))
media-worker_LIBS := opus vpx seccomp math thread
