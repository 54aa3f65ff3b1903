/* dispatch.c - one handler a row of the table */

#include "common/log.h"
#include "ice-worker/peer.h"

#include <errno.h>
#include <unistd.h>

static int on_peer_description(struct peer *p,
			       const struct msg_peer_description *m,
			       const struct wire_in *in)
{
	if (m->kind == DESCRIPTION_OFFER)
		negotiate_offer(p, in->blob, in->blob_len);
	else if (m->kind == DESCRIPTION_ANSWER)
		negotiate_answer(p, in->blob, in->blob_len);
	else
		return -EPROTO;

	return 0;
}

static int on_peer_close(struct peer *p, const struct msg_peer_close *m)
{
	if (m->why >= WHYS)
		return -EPROTO;
	peer_leave(p, (enum call_why)m->why, "closed by the broker");

	return 0;
}

/* Every payload begins with the peer's number; one process, one peer. */
static int dispatch(struct peer *p, const struct wire_in *in, const int *fds)
{
	const uint64_t *peer = in->payload;
	const struct msg_peer_offer_wanted *wanted = in->payload;

	if (*peer != p->id)
		return -EPROTO;
	switch ((int)in->type) {
	case MSG_peer_description:
		return on_peer_description(p, in->payload, in);
	case MSG_peer_offer_wanted:
		negotiate_wanted(p, wanted->kinds);
		return 0;
	case MSG_peer_candidate:
		negotiate_candidate(p, in->blob, in->blob_len);
		return 0;
	case MSG_peer_close:
		return on_peer_close(p, in->payload);
	case MSG_ice_link_own:
		return links_own(p, in->payload, fds);
	case MSG_ice_link_far:
		return links_far(p, in->payload, fds);
	default:
		return -EPROTO;
	}
}

int peer_frame(const void *bytes, size_t len, const int *fds, unsigned nfds,
	       void *peer)
{
	struct peer *p = peer;
	enum phase now = p->transport.connected ? AT_FLOW : AT_JOIN;
	struct wire_in in;
	int err = wire_open(&in, bytes, len, nfds, BROKER, ICE, now);

	if (err < 0) {
		for (unsigned i = 0; i < nfds; i++)
			close(fds[i]);
		log_warn("a frame breaks the contract");
		return err;
	}
	if (p->leaving && nfds == 0)
		return 0;
	err = dispatch(p, &in, fds);
	if (err < 0)
		log_line(LOG_WARN, "refused a message", "name=%s",
			 msg_name(in.type));

	return err;
}
