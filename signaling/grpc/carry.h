/*
 * carry.h - how an answer's parts travel in each mode
 *
 * gRPC: HTTP headers, frames, HTTP trailers. gRPC-Web: the trailers are a
 * last frame of the body, all in base64 for its text form. grpc-websockets:
 * headers and trailers are frames, one WebSocket message each.
 *
 * Errors   -ENOBUFS: no room, nothing was sent. Others: the far end is lost.
 */
#ifndef SIGNALING_GRPC_CARRY_H
#define SIGNALING_GRPC_CARRY_H

#include "signaling/grpc/call.h"

/* The answer's headers, unless they have left already. */
int carry_head(struct grpc_call *c) MUST_USE;

/* One frame; `message` has its head. Takes the bytes when it returns 0. */
int carry_frame(struct grpc_call *c, struct pb_bytes *message) MUST_USE;

/* More of a large message. 1: all of it has left. 0: it waits for room. */
int carry_rest(struct grpc_call *c) MUST_USE;

/* Status, trailers and the end. The transport is not ours any more. */
void carry_end(struct grpc_call *c);

#endif
