/*
 * hub.c - the peers that announced themselves
 *
 * A held peer is a struct hub_peer of the hub's own, in the place of the
 * door's in list and bucket, without ops. Whatever is sent to a peer that
 * has a queue waits in it; a resume hands the queue on, hub_replay() ends it.
 */

#include "signaling/hub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/session/peer_name.h"

enum { BUCKETS = 1024 };

/* What peers write does not take the room of what the pipeline says: else
 * anybody could end the hold, and the call, of another. */
enum room { OF_PEERS, OF_SERVER, ROOMS };

/* An event and its texts in one piece. */
struct letter {
	struct letter *next;
	struct hub_event ev;
	size_t bytes;
	char texts[];
};

struct hub_queue {
	struct letter *first, **last;
	unsigned count, gossip, of_server;
	size_t bytes[ROOMS];
	struct mono until;	/* held so long */
	bool ended;		/* its call is over, or nobody could be told
				   what was lost */
};

struct hub {
	struct hub_cfg cfg;
	size_t count, held, held_bytes[ROOMS];
	bool ended;		/* some hold has */
	struct mono due;	/* some hold may end */
	struct hub_peer *first, *last;
	struct hub_peer *buckets[BUCKETS];
};

uint64_t hub_hash(uint64_t seed, const char *name)
{
	uint64_t h = 0xcbf29ce484222325u ^ seed;

	while (*name)
		h = (h ^ (unsigned char)*name++) * 0x100000001b3u;

	return h ^ h >> 29 ^ h >> 47;
}

int hub_new(struct hub **out, const struct hub_cfg *cfg)
{
	struct hub *hub = calloc(1, sizeof(*hub));

	if (!hub)
		return -ENOMEM;
	hub->cfg = *cfg;
	hub->due = MONO_NEVER;
	*out = hub;

	return 0;
}

static struct hub_peer **bucket(struct hub *hub, const char *name)
{
	return &hub->buckets[hub_hash(hub->cfg.seed, name) % BUCKETS];
}

struct hub_peer *hub_find(const struct hub *hub, const char *name)
{
	struct hub_peer *p =
		hub->buckets[hub_hash(hub->cfg.seed, name) % BUCKETS];

	while (p && strcmp(p->name, name) != 0)
		p = p->chain;

	return p;
}

bool hub_is_held(const struct hub_peer *peer)
{
	return peer->hub && !peer->ops;
}

static void link_peer(struct hub *hub, struct hub_peer *peer)
{
	struct hub_peer **b = bucket(hub, peer->name);

	peer->hub = hub;
	peer->chain = *b;
	*b = peer;
	peer->next = NULL;
	peer->prev = hub->last;
	if (hub->last)
		hub->last->next = peer;
	else
		hub->first = peer;
	hub->last = peer;
	hub->count++;
}

static void unlink_peer(struct hub *hub, struct hub_peer *peer)
{
	struct hub_peer **b = bucket(hub, peer->name);

	while (*b != peer)
		b = &(*b)->chain;
	*b = peer->chain;
	if (peer->prev)
		peer->prev->next = peer->next;
	else
		hub->first = peer->next;
	if (peer->next)
		peer->next->prev = peer->prev;
	else
		hub->last = peer->prev;
	hub->count--;
	peer->hub = NULL;
}

/* to stands where from stood. */
static void relink_peer(struct hub *hub, struct hub_peer *from,
			struct hub_peer *to)
{
	struct hub_peer **b = bucket(hub, from->name);

	while (*b != from)
		b = &(*b)->chain;
	*b = to;
	to->chain = from->chain;
	to->prev = from->prev;
	to->next = from->next;
	if (to->prev)
		to->prev->next = to;
	else
		hub->first = to;
	if (to->next)
		to->next->prev = to;
	else
		hub->last = to;
	to->hub = hub;
	from->hub = NULL;
}

/* Queues */

static size_t text_size(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static const char *text_copy(char **at, const char *s)
{
	size_t n = text_size(s);
	const char *to = *at;

	if (!s)
		return NULL;
	memcpy(*at, s, n);
	*at += n;

	return to;
}

static struct letter *letter_new(const struct hub_event *ev)
{
	size_t bytes = text_size(ev->peer) + text_size(ev->caps) +
		       text_size(ev->metadata) + text_size(ev->id) +
		       text_size(ev->sdp) + text_size(ev->type) +
		       text_size(ev->reason) + text_size(ev->candidate.line) +
		       text_size(ev->candidate.mid);
	struct letter *l = malloc(sizeof(*l) + bytes);
	char *at;

	if (!l)
		return NULL;
	at = l->texts;
	l->next = NULL;
	l->bytes = bytes;
	l->ev = *ev;
	l->ev.peer = text_copy(&at, ev->peer);
	l->ev.caps = text_copy(&at, ev->caps);
	l->ev.metadata = text_copy(&at, ev->metadata);
	l->ev.id = text_copy(&at, ev->id);
	l->ev.sdp = text_copy(&at, ev->sdp);
	l->ev.type = text_copy(&at, ev->type);
	l->ev.reason = text_copy(&at, ev->reason);
	l->ev.candidate.line = text_copy(&at, ev->candidate.line);
	l->ev.candidate.mid = text_copy(&at, ev->candidate.mid);

	return l;
}

static void queue_free(struct hub *hub, struct hub_queue *q)
{
	struct letter *next;

	if (!q)
		return;
	for (struct letter *l = q->first; l; l = next) {
		next = l->next;
		free(l);
	}
	for (int room = 0; room < ROOMS; room++)
		hub->held_bytes[room] -= q->bytes[room];
	free(q);
}

static int queue_put(struct hub *hub, struct hub_queue *q, enum room room,
		     const struct hub_event *ev)
{
	struct letter *l = letter_new(ev);

	if (!l)
		return -ENOBUFS;
	if (q->bytes[room] + l->bytes > HUB_HELD_BYTES ||
	    hub->held_bytes[room] + l->bytes > HUB_HELD_TOTAL) {
		free(l);
		return -ENOBUFS;
	}
	*q->last = l;
	q->last = &l->next;
	q->bytes[room] += l->bytes;
	hub->held_bytes[room] += l->bytes;

	return 0;
}

/* The result of the announce that resumes lists who is there, so these may
 * be lost without a word. */
static bool is_gossip(const struct hub_event *ev)
{
	return ev->kind == HUB_JOINED || ev->kind == HUB_LEFT;
}

static void end_hold(struct hub *hub, struct hub_queue *q)
{
	q->ended = true;
	hub->ended = true;
}

/* The pipeline cannot be told that its word was lost: then the hold ends,
 * and whoever comes back learns that nothing was resumed. */
static int queue_of_server(struct hub *hub, struct hub_queue *q,
			   const struct hub_event *ev)
{
	if (ev->kind == HUB_DISCONNECTED)
		end_hold(hub, q);
	if (ev->kind == HUB_OFFER_TAKEN)
		return 0;	/* HUB_ANSWER says as much */
	if (q->of_server < HUB_HELD_OF_SERVER &&
	    !queue_put(hub, q, OF_SERVER, ev)) {
		q->of_server++;
		return 0;
	}
	end_hold(hub, q);

	return -ENOBUFS;
}

static int queue(struct hub *hub, struct hub_queue *q,
		 const struct hub_event *ev)
{
	int err;

	if (strcmp(ev->peer, HUB_SERVER) == 0)
		return queue_of_server(hub, q, ev);
	if (is_gossip(ev)) {
		if (q->gossip < HUB_HELD_EVENTS &&
		    !queue_put(hub, q, OF_PEERS, ev))
			q->gossip++;
		return 0;
	}
	if (q->count >= HUB_HELD_EVENTS)
		return -ENOBUFS;
	err = queue_put(hub, q, OF_PEERS, ev);
	q->count += !err;

	return err;
}

static int deliver(struct hub_peer *p, const struct hub_event *ev)
{
	return p->queue ? queue(p->hub, p->queue, ev)
			: p->ops->deliver(ev, p->arg);
}

void hub_replay(struct hub_peer *peer)
{
	struct hub_queue *q = peer->queue;
	struct letter *l;

	if (!q || hub_is_held(peer))
		return;
	peer->queue = NULL;
	for (l = q->first; l; l = l->next)
		if (peer->ops->deliver(&l->ev, peer->arg))
			break;	/* it does not read and is being dropped */
	queue_free(peer->hub, q);
}

static void drop(struct hub *hub, struct hub_peer *peer)
{
	if (hub->cfg.dropped)
		hub->cfg.dropped(peer->name, hub->cfg.arg);
	hub_leave(peer);
}

static void drop_held(struct hub *hub, struct hub_peer *peer)
{
	drop(hub, peer);
	hub->held--;
	free(peer);
}

/* Joining */

static void write_token(struct hub *hub, char token[HUB_TOKEN])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char dice[(HUB_TOKEN - 1) / 2];

	hub->cfg.random(dice, sizeof(dice));
	for (size_t i = 0; i < sizeof(dice); i++) {
		token[2 * i] = hex[dice[i] >> 4];
		token[2 * i + 1] = hex[dice[i] & 15];
	}
	token[HUB_TOKEN - 1] = '\0';
}

/* In a time that does not tell how much of it was right. */
static bool token_matches(const char *ours, const char *theirs)
{
	unsigned char diff = 0;

	if (!theirs || strlen(theirs) != HUB_TOKEN - 1)
		return false;
	for (int i = 0; i < HUB_TOKEN - 1; i++)
		diff |= (unsigned char)(ours[i] ^ theirs[i]);

	return diff == 0;
}

static void free_texts(struct hub_peer *peer)
{
	free(peer->caps);
	free(peer->metadata);
	peer->caps = peer->metadata = NULL;
}

/* What it says of itself; -EINVAL, -ENOMEM. */
static int fill(struct hub_peer *peer, const struct hub_hello *hello,
		const struct hub_ops *ops, void *arg)
{
	const char *session = hello->session ? hello->session : "";

	if (!peer_name_ok(hello->name, strlen(hello->name)) ||
	    (*session && !peer_name_ok(session, strlen(session))))
		return -EINVAL;
	*peer = (struct hub_peer){ .ops = ops, .arg = arg,
				   .since_ms = hello->wall_ms,
				   .source = hello->source,
				   .subject = hello->subject };
	memcpy(peer->name, hello->name, strlen(hello->name) + 1);
	memcpy(peer->session, session, strlen(session) + 1);
	peer->caps = strdup(hello->caps ? hello->caps : "{}");
	peer->metadata = strdup(hello->metadata ? hello->metadata : "{}");
	if (peer->caps && peer->metadata)
		return 0;
	free_texts(peer);

	return -ENOMEM;
}

/* peer goes on as old, which is held or has another connection. */
static void take_over(struct hub *hub, struct hub_peer *old,
		      struct hub_peer *peer)
{
	bool held = hub_is_held(old);

	memcpy(peer->session, old->session, sizeof(peer->session));
	peer->since_ms = old->since_ms;
	peer->calling = old->calling;
	peer->queue = old->queue;
	old->queue = NULL;
	relink_peer(hub, old, peer);
	free_texts(old);
	if (held) {
		hub->held--;
		free(old);
	} else {
		old->ops->superseded(old->arg);
	}
}

/* Streams of HTTP/2 are cheaper than connections: peers are counted, too. */
static bool source_is_full(const struct hub *hub, uint64_t source)
{
	unsigned max = hub->cfg.of_source ? hub->cfg.of_source
					  : HUB_OF_SOURCE;
	unsigned same = 0;

	if (!source || hub->count < max)
		return false;
	for (const struct hub_peer *p = hub->first; p; p = p->next)
		same += p->source == source;

	return same >= max;
}

int hub_join(struct hub *hub, struct hub_peer *peer,
	     const struct hub_hello *hello, const struct hub_ops *ops,
	     void *arg)
{
	struct hub_peer *old;
	int err;

	if (peer->hub)
		return -EISCONN;
	if (strcmp(hello->name, HUB_SERVER) == 0)
		return -EEXIST;
	old = hub_find(hub, hello->name);
	if (old && (!token_matches(old->token, hello->resume_token) ||
		    old->subject != hello->subject))
		return -EEXIST;
	if (!old && source_is_full(hub, hello->source))
		return -EUSERS;
	err = fill(peer, hello, ops, arg);
	if (err)
		return err;
	write_token(hub, peer->token);
	if (old && hub_is_held(old) && old->queue->ended) {
		drop_held(hub, old);
		old = NULL;
	}
	if (old)
		take_over(hub, old, peer);
	else
		link_peer(hub, peer);

	return old != NULL;
}

/* A peer that cannot take it is being dropped by its door; nobody here has
 * anything to answer for that. */
static void broadcast(struct hub *hub, const struct hub_peer *except,
		      const struct hub_event *ev)
{
	for (struct hub_peer *p = hub->first; p; p = p->next)
		if (p != except)
			(void)deliver(p, ev);
}

void hub_tell_joined(struct hub_peer *peer)
{
	struct hub_event ev = { .kind = HUB_JOINED, .peer = peer->name,
				.caps = peer->caps,
				.metadata = peer->metadata };

	if (peer->hub)
		broadcast(peer->hub, peer, &ev);
}

void hub_leave(struct hub_peer *peer)
{
	struct hub *hub = peer->hub;
	struct hub_event ev = { .kind = HUB_LEFT, .peer = peer->name };

	if (!hub)
		return;
	unlink_peer(hub, peer);
	queue_free(hub, peer->queue);
	peer->queue = NULL;
	broadcast(hub, peer, &ev);
	free_texts(peer);
}

/* Holding */

/* Many connections of one client, lost together, must not take the room of
 * all others. */
static bool may_hold(const struct hub *hub, const struct hub_peer *peer)
{
	unsigned same = 0;

	if (hub->held >= HUB_HELD_MAX)
		return false;
	if (!peer->source || hub->held < HUB_HELD_OF_SOURCE)
		return true;
	for (const struct hub_peer *p = hub->first; p; p = p->next)
		same += hub_is_held(p) && p->source == peer->source;

	return same < HUB_HELD_OF_SOURCE;
}

void hub_hold(struct hub_peer *peer, struct mono now)
{
	struct hub *hub = peer->hub;
	struct hub_peer *copy;
	struct hub_queue *q;

	if (!hub || hub_is_held(peer))
		return;
	copy = may_hold(hub, peer) ? malloc(sizeof(*copy)) : NULL;
	q = peer->queue ? peer->queue : calloc(1, sizeof(*q));
	if (!copy || !q) {
		if (q != peer->queue)
			free(q);
		free(copy);
		drop(hub, peer);
		return;
	}
	if (!q->last)
		q->last = &q->first;
	q->until = mono_add(now, hub->cfg.hold_us ? hub->cfg.hold_us
						  : HUB_HOLD_US);
	*copy = *peer;
	copy->ops = NULL;
	copy->arg = NULL;
	copy->queue = q;
	relink_peer(hub, peer, copy);
	peer->caps = peer->metadata = NULL;
	peer->queue = NULL;
	hub->held++;
	hub->due = mono_min(hub->due, q->until);
}

void hub_tick(struct hub *hub, struct mono now)
{
	struct hub_peer *next;

	if (!hub->ended && mono_before(now, hub->due))
		return;
	hub->ended = false;
	hub->due = MONO_NEVER;
	for (struct hub_peer *p = hub->first; p; p = next) {
		next = p->next;
		if (!hub_is_held(p))
			continue;
		if (!p->queue->ended && mono_before(now, p->queue->until)) {
			hub->due = mono_min(hub->due, p->queue->until);
			continue;
		}
		drop_held(hub, p);
	}
}

void hub_free(struct hub *hub)
{
	struct hub_peer *next;

	if (!hub)
		return;
	for (struct hub_peer *p = hub->first; p; p = next) {
		next = p->next;
		if (!hub_is_held(p))
			continue;
		unlink_peer(hub, p);
		queue_free(hub, p->queue);
		free_texts(p);
		free(p);
	}
	free(hub);
}

int hub_send(struct hub *hub, const char *to, const struct hub_event *ev)
{
	struct hub_peer *p = hub_find(hub, to);

	return p ? deliver(p, ev) : -ENOENT;
}

size_t hub_count(const struct hub *hub)
{
	return hub->count;
}

size_t hub_held(const struct hub *hub)
{
	return hub->held;
}

const struct hub_peer *hub_next(const struct hub *hub,
				const struct hub_peer *after)
{
	return after ? after->next : hub->first;
}
