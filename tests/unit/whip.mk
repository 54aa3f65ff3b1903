# WHIP and WHEP: fragments alone, then the door with a fake transport.
UNIT_TESTS += test_frag
test_frag_SRC := $(CORE_SDP)
