FUZZERS += fuzz_jitter fuzz_opus_decode fuzz_vpx_decode fuzz_media_records
fuzz_jitter_SRC := $(CORE_JITTER)
fuzz_opus_decode_SRC := $(PORT_OPUS) core/media/opus_head.c
fuzz_opus_decode_LIBS := opus
fuzz_vpx_decode_SRC := $(PORT_VPX) core/media/picture_head.c
fuzz_vpx_decode_LIBS := vpx
fuzz_media_records_SRC := $(MEDIA_STREAMS) $(MEDIA_FOREIGN) $(SHM_FRAMES)
fuzz_media_records_LIBS := opus vpx math
