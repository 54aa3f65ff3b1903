/* on_signaling.c - calls, as signaling asks for them */

#include "session-broker/broker.h"

#include "common/log.h"

#include <errno.h>
#include <string.h>

static int refuse(struct worker *w, uint64_t call, uint32_t why,
		  const char *text)
{
	(void)send_call_gone(&w->ctl, &(struct msg_call_gone){ call, why, 1 },
			     text, strlen(text), NULL);
	return 0;
}

static void tell_known(struct worker *w, struct peer *p)
{
	p->orphan = true;
	(void)send_call_known(&w->ctl, &(struct msg_call_known){
		p->call, p->state, 0 }, p->name, strlen(p->name), NULL);
}

int on_signaling_hello(struct worker *w, const struct msg_signaling_hello *m,
		       const void *blob, size_t len)
{
	struct broker *b = w->b;

	(void)blob;
	(void)len;
	if (m->abi != msg_abi())
		return -EPROTO;
	w->phase = AT_IDLE;
	worker_alive(w, 0);
	(void)send_signaling_start(&w->ctl, &(struct msg_signaling_start){
		b->opt->max_peers, 0 }, NULL, 0, NULL);
	for (struct peer *p = peer_each(b, NULL); p; p = peer_each(b, p))
		tell_known(w, p);
	broker_check_ready(b);

	return 0;
}

int on_call_open(struct worker *w, const struct msg_call_open *m,
		 const void *blob, size_t len)
{
	struct broker *b = w->b;
	struct peer *p = peer_by_call(b, m->call);
	int err;

	if (!m->call || !len)
		return -EPROTO;
	if (!p && (p = peer_by_name(b, blob, len)))
		peer_set_call(p, m->call);
	if (p) {
		p->orphan = false;
		return 0;
	}
	if (b->peers >= b->opt->max_peers)
		return refuse(w, m->call, WHY_FULL,
			      "the server takes no more peers");
	err = peer_new(&p, b, m->call, blob, len);
	if (err == -ENOMEM)
		return refuse(w, m->call, WHY_RESOURCES, "no memory");

	return err;
}

/* A worker for the first description of a call. */
static int begin(struct peer *p)
{
	if (p->ice || p->forking)
		return 0;
	peer_set_state(p, CALL_CONNECTING);

	return spawn_peer(p);
}

int on_call_description(struct worker *w, const struct msg_call_description *m,
			const void *blob, size_t len)
{
	struct peer *p = peer_by_call(w->b, m->call);
	enum peer_message type = m->kind == DESCRIPTION_WANTED ?
					 TO_MAKE_OFFER : TO_DESCRIBE;
	int err;

	if (m->kind < DESCRIPTION_OFFER || m->kind > DESCRIPTION_WANTED)
		return -EPROTO;
	if (!p)
		return refuse(w, m->call, WHY_CLOSED, "the call has ended");
	if (m->kind == DESCRIPTION_ANSWER && !p->ice) {
		tell_gone(p, WHY_WRONG_STATE, false, "no offer was made");
		return 0;
	}
	if ((err = peer_deliver(p, type, m->kind, m->kinds, blob, len)) ||
	    (err = begin(p))) {
		log_fail(err, "call cannot begin");
		peer_end(p, WHY_RESOURCES, strerror(-err));
	}

	return 0;
}

int on_call_candidate(struct worker *w, const struct msg_call_candidate *m,
		      const void *blob, size_t len)
{
	struct peer *p = peer_by_call(w->b, m->call);

	if (p && peer_deliver(p, TO_TRICKLE, 0, 0, blob, len))
		tell_gone(p, WHY_BAD_CANDIDATE, false,
			  "too many candidates before the answer");

	return 0;
}

int on_call_close(struct worker *w, const struct msg_call_close *m,
		  const void *blob, size_t len)
{
	struct peer *p = peer_by_call(w->b, m->call);

	(void)blob;
	(void)len;
	if (p)
		peer_end(p, m->why < WHYS ? m->why : WHY_CLOSED, "closed");

	return 0;
}

static int relay_log(struct worker *w, const void *blob, size_t len)
{
	(void)w;
	log_relay(blob, len);

	return 0;
}

int on_signaling_log(struct worker *w, const struct msg_signaling_log *m,
		     const void *blob, size_t len)
{
	(void)m;
	return relay_log(w, blob, len);
}

int on_ice_log(struct worker *w, const struct msg_ice_log *m, const void *blob,
	       size_t len)
{
	(void)m;
	return relay_log(w, blob, len);
}

int on_media_log(struct worker *w, const struct msg_media_log *m,
		 const void *blob, size_t len)
{
	(void)m;
	return relay_log(w, blob, len);
}
