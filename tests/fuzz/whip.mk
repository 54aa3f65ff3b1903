FUZZERS += fuzz_sdpfrag
fuzz_sdpfrag_SRC := $(CORE_SDP)
