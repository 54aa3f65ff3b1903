UNIT_TESTS += test_jitter test_media_heads test_media_stretch \
	test_media_graph test_opus test_vpx test_media_audio test_media_coder \
	test_media_lane test_session_route test_mix
test_jitter_SRC := $(CORE_JITTER)
test_media_heads_SRC := core/media/opus_head.c core/media/picture_head.c
test_media_stretch_SRC := core/media/stretch.c tests/media_kit.c
test_media_stretch_LIBS := math
test_media_graph_SRC := core/media/graph.c
test_opus_SRC := $(PORT_OPUS) core/media/opus_head.c tests/media_kit.c
test_opus_LIBS := opus math
test_vpx_SRC := $(PORT_VPX) core/media/picture_head.c tests/media_kit.c
test_vpx_LIBS := vpx math
test_media_audio_SRC := media-worker/audio.c media-worker/frames.c \
	$(CORE_JITTER) core/media/stretch.c $(PORT_OPUS) tests/media_kit.c \
	$(SHM_FRAMES)
test_media_audio_LIBS := opus math
test_media_coder_SRC := media-worker/coder.c media-worker/frames.c \
	core/media/picture_head.c $(PORT_VPX) tests/media_kit.c $(SHM_FRAMES)
test_media_coder_LIBS := vpx math
test_media_lane_SRC := media-worker/lane.c shm/doorbell.c
test_session_route_SRC := core/media/session_route.c
test_mix_SRC := core/media/mix.c
