FUZZERS += fuzz_sp fuzz_wire
fuzz_sp_SRC := common/sp.c
fuzz_wire_SRC := $(PROTO)
