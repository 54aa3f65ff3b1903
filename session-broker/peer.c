/* peer.c - peers, their tables, what waits for their worker */

#include "session-broker/broker.h"

#include "common/log.h"
#include "core/session/peer_name.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct peer **id_bucket(struct broker *b, uint64_t id)
{
	return &b->by_id[id * 0x9e3779b97f4a7c15ull >> 52];
}

static struct peer **call_bucket(struct broker *b, uint64_t call)
{
	return &b->by_call[call * 0x9e3779b97f4a7c15ull >> 52];
}

_Static_assert(PEER_BUCKETS == 1 << 12, "the hash keeps 12 bits");

struct peer *peer_by_id(struct broker *b, uint64_t id)
{
	struct peer *p = *id_bucket(b, id);

	while (p && p->id != id)
		p = p->next_id;

	return p;
}

struct peer *peer_by_call(struct broker *b, uint64_t call)
{
	struct peer *p = *call_bucket(b, call);

	while (p && p->call != call)
		p = p->next_call;

	return p;
}

struct peer *peer_each(struct broker *b, struct peer *after)
{
	size_t i = 0;

	if (after && after->next_id)
		return after->next_id;
	if (after)
		i = (size_t)(id_bucket(b, after->id) - b->by_id) + 1;
	for (; i < PEER_BUCKETS; i++)
		if (b->by_id[i])
			return b->by_id[i];

	return NULL;
}

struct peer *peer_by_name(struct broker *b, const void *name, size_t len)
{
	for (struct peer *p = peer_each(b, NULL); p; p = peer_each(b, p))
		if (strlen(p->name) == len && !memcmp(p->name, name, len))
			return p;
	return NULL;
}

static void unlink_call(struct peer *p)
{
	struct peer **at = call_bucket(p->b, p->call);

	while (*at && *at != p)
		at = &(*at)->next_call;
	if (*at)
		*at = p->next_call;
}

static void unlink_id(struct peer *p)
{
	struct peer **at = id_bucket(p->b, p->id);

	while (*at && *at != p)
		at = &(*at)->next_id;
	if (*at)
		*at = p->next_id;
}

void peer_set_call(struct peer *p, uint64_t call)
{
	struct peer **at = call_bucket(p->b, call);

	unlink_call(p);
	p->call = call;
	p->next_call = *at;
	*at = p;
}

void peer_set_id(struct peer *p, uint64_t id)
{
	struct peer **at = id_bucket(p->b, id);

	unlink_id(p);
	p->id = id;
	p->next_id = *at;
	*at = p;
}

/* Takes the place that the peer has in s. */
static int add(struct peer **out, struct session *s, uint64_t call,
	       const char *name, size_t len)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p) {
		session_leave(s);
		return -ENOMEM;
	}
	p->b = s->b;
	p->session = s;
	memcpy(p->name, name, len);
	for (int i = 0; i < 4; i++)
		p->regions[i] = -1;
	peer_set_id(p, next_number(p->b));
	peer_set_call(p, call);
	p->b->peers++;
	*out = p;

	return 0;
}

int peer_new(struct peer **out, struct broker *b, const struct peer_hello *h)
{
	struct session *s;
	int err;

	if (!peer_name_ok(h->name, h->name_len) ||
	    (h->session_len && !peer_name_ok(h->session, h->session_len)))
		return -EPROTO;
	err = session_join(&s, b, h->session, h->session_len);

	return err ? err : add(out, s, h->call, h->name, h->name_len);
}

int peer_adopt(struct peer **out, struct broker *b,
	       const struct rundir_call *c)
{
	size_t len = strlen(c->name), session_len = strlen(c->session_name);
	uint64_t call = peer_by_call(b, c->call) ? next_number(b) : c->call;
	struct session *s;
	int err;

	if (!peer_name_ok(c->name, len) ||
	    (c->shared && !peer_name_ok(c->session_name, session_len)))
		return -EBADMSG;
	err = session_rejoin(&s, b, c);

	return err ? err : add(out, s, call, c->name, len);
}

static void drop_pending(struct peer *p)
{
	for (uint32_t i = 0; i < p->pending_len; i++)
		free(p->pending[i].blob);
	p->pending_len = 0;
}

void peer_forget_pending(struct peer *p)
{
	drop_pending(p);
	p->answered = false;
}

void peer_free(struct peer *p)
{
	if (!p)
		return;
	link_drop(p);
	unlink_id(p);
	unlink_call(p);
	drop_pending(p);
	port_give(p->b, p->port);
	if (p->state == CALL_CONNECTED)
		p->b->connected--;
	p->b->peers--;
	session_leave(p->session);
	free(p);
}

void peer_set_state(struct peer *p, uint32_t state)
{
	struct wire *w = to_signaling(p->b);

	p->b->connected += (state == CALL_CONNECTED) -
			   (p->state == CALL_CONNECTED);
	p->state = state;
	if (w)
		(void)send_call_state(w, &(struct msg_call_state){
			p->call, state, 0 }, NULL, 0, NULL);
}

static int deliver_now(struct peer *p, const struct pending *m)
{
	struct wire *w = &p->ice->ctl;

	switch (m->type) {
	case TO_DESCRIBE:
		return send_peer_description(w, &(struct msg_peer_description){
			p->id, m->kind, 0 }, m->blob, m->len, NULL);
	case TO_TRICKLE:
		return send_peer_candidate(w, &(struct msg_peer_candidate){
			p->id }, m->blob, m->len, NULL);
	case TO_MAKE_OFFER:
		return send_peer_offer_wanted(w,
			&(struct msg_peer_offer_wanted){ p->id, m->kinds, 0 },
			NULL, 0, NULL);
	}

	return -EINVAL;
}

/*
 * What was sent before the first answer is kept as well: a worker that finds
 * its port taken is replaced, and the successor gets all of it again.
 */
int peer_deliver(struct peer *p, enum peer_message type, uint32_t kind,
		 uint32_t kinds, const void *blob, size_t len)
{
	struct pending m = { type, kind, kinds, len, NULL };
	bool up = p->ice && p->ice->phase != AT_BOOT;

	if (!p->answered) {
		if (p->pending_len == PENDING_MAX)
			return -ENOBUFS;
		m.blob = malloc(len ? len : 1);
		if (!m.blob)
			return -ENOMEM;
		memcpy(m.blob, blob, len);
		p->pending[p->pending_len++] = m;
		return up ? deliver_now(p, &m) : 0;
	}
	m.blob = (uint8_t *)(uintptr_t)blob;

	return up ? deliver_now(p, &m) : -ENOTCONN;
}

void peer_flush(struct peer *p)
{
	for (uint32_t i = 0; i < p->pending_len; i++)
		(void)deliver_now(p, &p->pending[i]);
}

void peer_answered(struct peer *p)
{
	p->answered = true;
	drop_pending(p);
}

struct wire *to_signaling(struct broker *b)
{
	struct worker *w = b->signaling.worker;

	return w && w->phase != AT_BOOT ? &w->ctl : NULL;
}

void tell_gone(struct peer *p, uint32_t why, bool ended, const char *text)
{
	struct wire *w = to_signaling(p->b);

	if (w)
		(void)send_call_gone(w, &(struct msg_call_gone){
			p->call, why, ended }, text, strlen(text), NULL);
}

void peer_end(struct peer *p, uint32_t why, const char *text)
{
	struct worker *ice = p->ice;

	log_info("call ended", "peer=%s call=%016llx why=%s text=\"%s\"",
		 p->name, (unsigned long long)p->call, call_why_name(why),
		 text);
	tell_gone(p, why, true, text);
	p->ice = NULL;
	if (ice)
		worker_dismiss(ice, p->id, why);
	peer_free(p);
}

int port_take(struct broker *b, uint32_t *port)
{
	uint32_t n = b->opt->udp_port_max - b->opt->udp_port_min + 1u;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = (b->port_next + i) % n;

		if (b->ports[at])
			continue;
		b->ports[at] = 1;
		b->port_next = at + 1;
		*port = b->opt->udp_port_min + at;
		return 0;
	}

	return -EADDRNOTAVAIL;
}

void port_mark(struct broker *b, uint32_t port)
{
	if (port >= b->opt->udp_port_min && port <= b->opt->udp_port_max)
		b->ports[port - b->opt->udp_port_min] = 1;
}

void port_give(struct broker *b, uint32_t port)
{
	if (port >= b->opt->udp_port_min && port <= b->opt->udp_port_max)
		b->ports[port - b->opt->udp_port_min] = 0;
}
