/* dispatch.c - call the handler of each message addressed to this process */

#include "media-worker/worker.h"

#include <errno.h>

#define TO_MEDIA(name)                                                        \
	case MSG_##name:                                                      \
		return on_##name(w, in->payload, fds);
#define TO_BROKER(name) case MSG_##name: break;
#define TO_SIGNALING(name) case MSG_##name: break;
#define TO_TEMPLATE(name) case MSG_##name: break;
#define TO_ICE(name) case MSG_##name: break;
#undef ROW
#define ROW(name, from, to, when, fds, blob) TO_##to(name)

int dispatch(struct worker *w, const struct wire_in *in, const int *fds)
{
	switch (in->type) {
	MSG_TABLE(ROW)
	case MSG_COUNT: break;
	}

	return -EPROTO;
}
