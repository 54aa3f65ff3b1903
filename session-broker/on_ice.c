/* on_ice.c - what a peer's ice-worker says */

#include "session-broker/broker.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LIFE_US = 20000000, GOODBYE_US = 2000000, RETRIES = 6, PORT_JUMP = 61 };

/* A row of a worker whose call has ended meanwhile is dropped. */
static struct peer *own(struct worker *w, uint64_t peer)
{
	return w->peer && w->peer->id == peer ? w->peer : NULL;
}

/* A blob as text for a log line or a message. */
static const char *text_of(char out[MSG_LOG + 1], const void *blob, size_t len)
{
	snprintf(out, MSG_LOG + 1, "%.*s", (int)len, (const char *)blob);

	return out;
}

/*
 * After a crash of the broker: a worker tells its peer. Who that is was noted
 * when it was forked; the worker is not believed. Signaling may have told the
 * call before the worker came.
 */
static int adopt(struct worker *w, const struct msg_ice_hello *m)
{
	struct broker *b = w->b;
	struct rundir_call call;
	struct peer *p;
	int err;

	if (m->peer != w->peer_id || peer_by_id(b, m->peer))
		return -EPROTO;
	if ((err = rundir_read_call(b, w->name, &call)))
		return err;
	p = peer_by_name(b, call.name, strlen(call.name));
	if (p && (p->ice || p->forking))
		return -EEXIST;
	if (!p && (err = peer_adopt(&p, b, &call)))
		return err;
	peer_set_id(p, m->peer);
	port_give(b, p->port);
	p->port = call.port;
	port_mark(b, p->port);
	p->ice = w;
	p->answered = true;
	p->generation = m->generation;
	p->kinds = m->kinds;
	p->kinds_in = m->kinds_in;
	p->kinds_out = m->kinds_out;
	p->codecs = m->codecs;
	p->moved = p->session->number != call.session ||
		   p->session->media != call.media;
	/* media_holds of its media-worker turns this into LINK_UP. */
	p->link = m->kinds ? LINK_LOST : LINK_NONE;
	if (m->state < CALL_STATES) {
		b->connected += m->state == CALL_CONNECTED;
		p->state = m->state;
	}
	w->peer = p;
	log_info("peer adopted", "peer=%s state=%s", p->name,
		 call_state_name(p->state));
	if (to_signaling(b))
		tell_known(b->signaling.worker, p);

	return 0;
}

int on_ice_hello(struct worker *w, const struct msg_ice_hello *m,
		 const void *blob, size_t len)
{
	int err = 0;

	(void)blob;
	(void)len;
	if (m->abi != msg_abi() || (w->spawn && m->spawn != w->spawn))
		return -EPROTO;
	if (w->leaving)
		return 0;
	w->spawn = m->spawn;
	if (!w->peer && (err = adopt(w, m)) == -EEXIST) {
		/* That peer has called anew since: this worker's is over. */
		worker_dismiss(w, m->peer, WHY_CLOSED);
		return 0;
	}
	if (err)
		return err;
	w->phase = m->state == CALL_CONNECTED ? AT_FLOW : AT_JOIN;
	worker_alive(w, LIFE_US);
	peer_flush(w->peer);
	/* One that came too late for adopt_settle(). */
	if (w->peer->link == LINK_LOST && !w->b->adopting)
		link_start(w->peer, w->peer->kinds);

	return 0;
}

int on_peer_local(struct worker *w, const struct msg_peer_local *m,
		  const void *blob, size_t len)
{
	struct peer *p = own(w, m->peer);
	struct wire *to = to_signaling(w->b);

	if (!p)
		return 0;
	peer_answered(p);
	if (to)
		(void)send_call_local(to, &(struct msg_call_local){
			p->call, m->kind, 0 }, blob, len, NULL);

	return 0;
}

int on_peer_trickle(struct worker *w, const struct msg_peer_trickle *m,
		    const void *blob, size_t len)
{
	struct peer *p = own(w, m->peer);
	struct wire *to = to_signaling(w->b);

	if (p && to)
		(void)send_call_trickle(to, &(struct msg_call_trickle){
			p->call }, blob, len, NULL);

	return 0;
}

int on_peer_refused(struct worker *w, const struct msg_peer_refused *m,
		    const void *blob, size_t len)
{
	struct peer *p = own(w, m->peer);
	char text[MSG_LOG + 1];

	if (!p)
		return 0;
	/* A call that never had an answer has nothing to go on with. */
	if (m->why == WHY_BAD_SDP && !p->answered)
		peer_end(p, m->why, text_of(text, blob, len));
	else
		tell_gone(p, m->why, false, text_of(text, blob, len));

	return 0;
}

/* Signaling lets a peer make two offers a second. */
static const struct restart_policy often = {
	{ 0, 0, 0, 0 }, 10000000, 12, 1000000,
};

int on_peer_superseded(struct worker *w, const struct msg_peer_superseded *m,
		       const void *blob, size_t len)
{
	struct peer *p = own(w, m->peer);
	int err;

	if (!p)
		return 0;
	if (mono_since(restart_due(&p->superseded, &often, mono_now()),
		       mono_now()) > 0) {
		peer_end(p, WHY_PROTOCOL, "too many new connections");
		return 0;
	}
	log_info("offer of a new connection", "peer=%s", p->name);
	p->ice = NULL;
	worker_dismiss(w, p->id, WHY_CLOSED);
	link_drop(p);
	p->kinds = 0;
	port_give(p->b, p->port);
	p->port = 0;
	p->answered = false;
	peer_set_state(p, CALL_CONNECTING);
	if ((err = peer_deliver(p, TO_DESCRIBE, DESCRIPTION_OFFER, 0, blob,
				len)) ||
	    (err = spawn_peer(p)))
		peer_end(p, WHY_RESOURCES, strerror(-err));

	return 0;
}

int on_peer_state(struct worker *w, const struct msg_peer_state *m,
		  const void *blob, size_t len)
{
	struct peer *p = own(w, m->peer);

	(void)blob;
	(void)len;
	if (m->state >= CALL_STATES)
		return -EPROTO;
	if (!p)
		return 0;
	log_info("call state", "peer=%s state=%s", p->name,
		 call_state_name(m->state));
	w->phase = m->state == CALL_CONNECTED ? AT_FLOW : AT_JOIN;
	peer_set_state(p, m->state);

	return 0;
}

int on_peer_kinds(struct worker *w, const struct msg_peer_kinds *m,
		  const void *blob, size_t len)
{
	struct peer *p = own(w, m->peer);

	(void)blob;
	(void)len;
	if ((m->kinds | m->kinds_in | m->kinds_out) > 7)
		return -EPROTO;
	if (!p)
		return 0;
	p->kinds_in = m->kinds_in & m->kinds;
	p->kinds_out = m->kinds_out & m->kinds;
	p->codecs = m->codecs;
	/* Rings that are no longer needed stay: no gap for those that are. */
	if ((m->kinds & ~p->kinds) || p->link == LINK_NONE)
		link_start(p, m->kinds | p->kinds);
	else
		link_tell_kinds(p);

	return 0;
}

/* Its port is taken by a stranger: another, and all messages again. */
static int retry(struct peer *p, struct worker *w)
{
	w->leaving = true;
	w->peer = NULL;
	p->ice = NULL;
	p->retries++;
	port_give(p->b, p->port);
	p->port = 0;
	p->b->port_next += PORT_JUMP;	/* its neighbours may be taken too */

	return spawn_peer(p);
}

int on_peer_gone(struct worker *w, const struct msg_peer_gone *m,
		 const void *blob, size_t len)
{
	struct peer *p = own(w, m->peer);
	char text[MSG_LOG + 1];

	if (w->peer && !p)
		return -EPROTO;
	w->leaving = true;
	worker_alive(w, GOODBYE_US);
	if (!p)
		return 0;
	if (m->why == WHY_RESOURCES && !p->answered && p->retries < RETRIES &&
	    !retry(p, w))
		return 0;
	peer_end(p, m->why < WHYS ? m->why : WHY_CLOSED,
		 text_of(text, blob, len));

	return 0;
}

int on_peer_stats(struct worker *w, const struct msg_peer_stats *m,
		  const void *blob, size_t len)
{
	struct peer *p = own(w, m->peer);

	(void)blob;
	(void)len;
	worker_alive(w, LIFE_US);
	if (p)
		log_debug("peer statistics",
			  "peer=%s packets_in=%llu packets_out=%llu "
			  "dropped=%llu rtt_us=%u", p->name,
			  (unsigned long long)m->packets_in,
			  (unsigned long long)m->packets_out,
			  (unsigned long long)m->dropped, m->rtt_us);

	return 0;
}

int on_ice_link_mapped(struct worker *w, const struct msg_ice_link_mapped *m,
		       const void *blob, size_t len)
{
	struct peer *p = own(w, m->peer);

	(void)blob;
	(void)len;
	if (p)
		link_mapped(p, m->generation, true);

	return 0;
}
