/* talk.c - who takes a WebSocket */

#include "signaling/talk.h"

#include "signaling/jsonrpc.h"

unsigned talk_open(struct talk *out, struct door *door,
		   const struct http_request *r, const struct talk_out *to,
		   struct mono now)
{
	return rpc_talk_open(out, door, r, to, now);
}
