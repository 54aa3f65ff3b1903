UNIT_TESTS += test_candidate test_sdp_answer
test_candidate_SRC := $(CORE_CANDIDATE)
test_sdp_answer_SRC := $(CORE_SDP)
UNIT_TESTS += test_options
test_options_SRC := $(COMMON_OPTIONS) $(COMMON_LOG)
UNIT_TESTS += test_manifest
test_manifest_SRC := $(CORE_PIPELINE) $(PORT_YAML)
test_manifest_LIBS := yaml_static
# The test's malloc() is libyaml's, too.
libs_yaml_static := -Wl,-Bstatic -lyaml -Wl,-Bdynamic
UNIT_TESTS += test_sdp_offer
test_sdp_offer_SRC := $(CORE_SDP)
UNIT_TESTS += test_sdp_parse
test_sdp_parse_SRC := $(CORE_SDP)
