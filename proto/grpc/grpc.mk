# gRPC: C and descriptors from the .proto files, in build/gen (the same for
# all modes; written aside and moved, since modes build side by side).
GRPC_GEN := build/gen/grpc
GRPC_PROTOS := webrtc_signaling webrtc_signaling_web health reflection_v1 \
	reflection_v1alpha
# Those that are spoken; the others are for reflection alone.
GRPC_MESSAGES := webrtc_signaling health reflection_v1
GRPC_PB_C := $(GRPC_MESSAGES:%=$(GRPC_GEN)/%.pb-c.c)
GRPC_PB_H := $(GRPC_PB_C:.c=.h)
.SECONDARY: $(GRPC_PB_C) $(GRPC_PB_H)
# As the generator writes it.
CFLAGS_gen := -Wno-strict-prototypes -Wno-shadow -Wno-cast-qual

$(GRPC_GEN)/%.pb-c.c: proto/grpc/%.proto
	@mkdir -p $(@D)/new-$(MODE)
	$(call say,PROTO,$<)
	$(Q)protoc-c --proto_path=$(<D) --c_out=$(@D)/new-$(MODE) $(<F)
	$(Q)mv $(@D)/new-$(MODE)/$*.pb-c.h $(@D)/$*.pb-c.h
	$(Q)mv $(@D)/new-$(MODE)/$*.pb-c.c $@
$(GRPC_GEN)/%.pb-c.h: $(GRPC_GEN)/%.pb-c.c ;
$(foreach f,$(GRPC_PB_C),$(eval CFLAGS_$(f) := -I$(GRPC_GEN) \
	$(cflags_protobufc) $(CFLAGS_gen)))

# One FileDescriptorProto a file, as bytes of C.
$(GRPC_GEN)/%.desc.h: proto/grpc/%.proto
	@mkdir -p $(@D)/new-$(MODE)
	$(call say,PROTO,$<)
	$(Q)protoc --proto_path=$(<D) $(<F) \
		--descriptor_set_out=$(@D)/new-$(MODE)/$*.desc
	$(Q)od -An -v -tu1 $(@D)/new-$(MODE)/$*.desc | \
		sed 's/[0-9][0-9]*/&,/g' > $(@D)/new-$(MODE)/$*.desc.h
	$(Q)mv $(@D)/new-$(MODE)/$*.desc.h $@
GRPC_DESC := $(GRPC_PROTOS:%=$(GRPC_GEN)/%.desc.h)

CORE_GRPC := core/grpc/frames.c core/grpc/base64.c core/grpc/meta.c \
	core/grpc/descriptor.c
PORT_PB := port/pb.c port/pb_encode.c $(GRPC_PB_C)
CFLAGS_port/pb.c := -isystem $(GRPC_GEN) $(cflags_protobufc)
CFLAGS_port/pb_encode.c := -isystem $(GRPC_GEN) $(cflags_protobufc) -Wno-cast-qual
$(O)/port/pb.o $(O)/port/pb_encode.o: | $(GRPC_PB_H)
SIG_GRPC := signaling/grpc/call.c signaling/grpc/carry.c signaling/grpc/http.c \
	signaling/grpc/socket.c signaling/grpc/services.c \
	signaling/grpc/signal.c signaling/grpc/events.c \
	signaling/grpc/peers.c signaling/grpc/web.c signaling/grpc/health.c \
	signaling/grpc/reflection.c signaling/grpc/files.c
CFLAGS_signaling/grpc/files.c := -I$(GRPC_GEN)
$(O)/signaling/grpc/files.o: | $(GRPC_DESC)

.PHONY: generated
generated: $(GRPC_PB_H) $(GRPC_DESC)
