UNIT_TESTS += test_jitter test_media_heads test_media_stretch test_media_graph
test_jitter_SRC := $(CORE_JITTER)
test_media_heads_SRC := core/media/opus_head.c core/media/picture_head.c
test_media_stretch_SRC := core/media/stretch.c
test_media_stretch_LIBS := math
test_media_graph_SRC := core/media/graph.c
