/*
 * grpc.h - the doors of gRPC: where HTTP and WebSocket hand over
 *
 * gRPC over HTTP/2, gRPC-Web (binary and text) over HTTP/1.1 and HTTP/2, and
 * grpc-websockets. See docs/grpc.md.
 */
#ifndef SIGNALING_GRPC_GRPC_H
#define SIGNALING_GRPC_GRPC_H

#include <stdbool.h>

#include "signaling/http.h"
#include "signaling/talk.h"

/* false: not ours. Else the exchange is, answered now or later. */
bool grpc_begin(struct http_exchange *x, const struct http_request *r,
		struct mono now) MUST_USE;

/* The subprotocol whose upgrades belong to grpc_ws_open(). */
#define GRPC_WS_PROTOCOL "grpc-websockets"

/* As talk_open() in talk.h. */
unsigned grpc_ws_open(struct talk *out, struct door *door,
		      const struct http_request *r, const struct talk_out *to,
		      struct mono now) MUST_USE;

#endif
