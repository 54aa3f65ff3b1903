PROTO := proto/msg.c proto/wire.c

# docs/PROTOCOL.md is written by this.
BINS += gen-protocol
gen-protocol_MAIN := scripts/gen-protocol.c
gen-protocol_SRC := proto/msg.c

include proto/grpc/grpc.mk
