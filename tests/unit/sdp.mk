UNIT_TESTS += test_candidate test_sdp_answer
test_candidate_SRC := $(CORE_CANDIDATE)
test_sdp_answer_SRC := $(CORE_SDP)
UNIT_TESTS += test_options
test_options_SRC := $(COMMON_OPTIONS) $(COMMON_LOG)
UNIT_TESTS += test_manifest
test_manifest_SRC := $(CORE_PIPELINE) $(PORT_YAML)
test_manifest_LIBS := yaml
