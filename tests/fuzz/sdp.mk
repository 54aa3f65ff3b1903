FUZZERS += fuzz_sdp fuzz_candidate fuzz_manifest
fuzz_sdp_SRC := $(CORE_SDP)
fuzz_candidate_SRC := $(CORE_CANDIDATE)
fuzz_manifest_SRC := $(CORE_PIPELINE) $(PORT_YAML)
fuzz_manifest_LIBS := yaml
