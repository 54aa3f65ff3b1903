# gRPC: pieces alone, and the server of the interop cases.
UNIT_TESTS += test_grpc_core test_pb test_carry
test_grpc_core_SRC := $(CORE_GRPC) $(CORE_HTTP)
test_carry_SRC := signaling/grpc/carry.c signaling/text.c $(CORE_GRPC) \
	$(CORE_HTTP) $(CORE_WS)
test_pb_SRC := $(PORT_PB) core/ws/utf8.c
test_pb_LIBS := protobufc
CFLAGS_tests/unit/test_grpc_core.c := -isystem $(GRPC_GEN)
$(O)/tests/unit/test_grpc_core.o: | $(GRPC_DESC)

PROC_PROGS += interop_server
interop_server_SRC := signaling/main.c \
	$(filter-out signaling/grpc/services.c,$(signaling_SRC)) \
	$(GRPC_GEN)/interop.pb-c.c
interop_server_LIBS := $(signaling_LIBS)
CFLAGS_tests/proc/interop_server.c := -isystem $(GRPC_GEN) \
	$(cflags_protobufc)
$(GRPC_GEN)/interop.pb-c.c: tests/grpc/interop.proto
	@mkdir -p $(@D)/new-$(MODE)
	$(call say,PROTO,$<)
	$(Q)protoc-c --proto_path=$(<D) --c_out=$(@D)/new-$(MODE) $(<F)
	$(Q)mv $(@D)/new-$(MODE)/interop.pb-c.h $(@D)/interop.pb-c.h
	$(Q)mv $(@D)/new-$(MODE)/interop.pb-c.c $@
$(GRPC_GEN)/interop.pb-c.h: $(GRPC_GEN)/interop.pb-c.c ;
.SECONDARY: $(GRPC_GEN)/interop.pb-c.c
CFLAGS_$(GRPC_GEN)/interop.pb-c.c := -I$(GRPC_GEN) $(cflags_protobufc) \
	$(CFLAGS_gen)
$(O)/tests/proc/interop_server.o: | $(GRPC_GEN)/interop.pb-c.h

FUZZERS += fuzz_grpc fuzz_pb
fuzz_grpc_SRC := $(CORE_GRPC) $(CORE_HTTP)
fuzz_pb_SRC := $(PORT_PB) core/ws/utf8.c
fuzz_pb_LIBS := protobufc
