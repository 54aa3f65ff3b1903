/*
 * services.h - the methods that are served
 *
 * services.c has those of the product. The interop server of the tests links
 * another file in its place, which adds its own.
 */
#ifndef SIGNALING_GRPC_SERVICES_H
#define SIGNALING_GRPC_SERVICES_H

#include "signaling/grpc/call.h"

extern const size_t grpc_message_max;	/* bytes */

/* NULL: not ours. */
const struct grpc_method *grpc_method_find(struct h1_span path);

/* remotemedia.v1.webrtc */
extern const struct grpc_method grpc_signal, grpc_get_peers, grpc_health_check;
extern const struct grpc_method grpc_subscribe, grpc_web_send;
/* grpc.health.v1 */
extern const struct grpc_method grpc_check, grpc_watch;
/* grpc.reflection.v1, v1alpha */
extern const struct grpc_method grpc_reflect_v1, grpc_reflect_v1alpha;

#endif
