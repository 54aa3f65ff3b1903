/* services.c - the methods that are served */

#include "signaling/grpc/services.h"

const size_t grpc_message_max = PB_MESSAGE_MAX;

static const struct grpc_method *const methods[] = {
	&grpc_signal, &grpc_get_peers, &grpc_health_check, &grpc_subscribe,
	&grpc_web_send, &grpc_check, &grpc_watch, &grpc_reflect_v1,
	&grpc_reflect_v1alpha,
};

const struct grpc_method *grpc_method_find(struct h1_span path)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (h1_is(path, methods[i]->path))
			return methods[i];

	return NULL;
}
