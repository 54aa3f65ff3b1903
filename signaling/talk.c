/* talk.c - who takes a WebSocket */

#include "signaling/talk.h"

#include "signaling/grpc/grpc.h"
#include "signaling/http.h"
#include "signaling/jsonrpc.h"

unsigned talk_open(struct talk *out, struct door *door,
		   const struct http_request *r, const struct talk_out *to,
		   struct mono now)
{
	if (h1_has_token(r->headers, r->headers_len, "Sec-WebSocket-Protocol",
			 GRPC_WS_PROTOCOL))
		return grpc_ws_open(out, door, r, to, now);

	return rpc_talk_open(out, door, r, to, now);
}
