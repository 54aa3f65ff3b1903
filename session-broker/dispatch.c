/* dispatch.c - call the handler of each message addressed to the broker */

#include "session-broker/broker.h"

#include <errno.h>

#define TO_BROKER(name)                                                       \
	case MSG_##name:                                                      \
		return on_##name(w, in->payload, in->blob, in->blob_len);
#define TO_SIGNALING(name) case MSG_##name: break;
#define TO_TEMPLATE(name) case MSG_##name: break;
#define TO_ICE(name) case MSG_##name: break;
#define TO_MEDIA(name) case MSG_##name: break;
#define ROW(name, from, to, when, fds, blob) TO_##to(name)

int dispatch(struct worker *w, const struct wire_in *in)
{
	switch (in->type) {
	MSG_TABLE(ROW)
	case MSG_COUNT: break;
	}

	return -EPROTO;
}
