/* hub.c - the peers that announced themselves */

#include "signaling/hub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/session/peer_name.h"

enum { BUCKETS = 1024 };

struct hub {
	uint64_t seed;
	size_t count;
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

int hub_new(struct hub **out, uint64_t seed)
{
	struct hub *hub = calloc(1, sizeof(*hub));

	if (!hub)
		return -ENOMEM;
	hub->seed = seed;
	*out = hub;

	return 0;
}

void hub_free(struct hub *hub)
{
	free(hub);
}

static struct hub_peer **bucket(struct hub *hub, const char *name)
{
	return &hub->buckets[hub_hash(hub->seed, name) % BUCKETS];
}

struct hub_peer *hub_find(const struct hub *hub, const char *name)
{
	struct hub_peer *p =
		hub->buckets[hub_hash(hub->seed, name) % BUCKETS];

	while (p && strcmp(p->name, name) != 0)
		p = p->chain;

	return p;
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

int hub_join(struct hub *hub, struct hub_peer *peer, const char *name,
	     const char *caps, const struct hub_ops *ops, void *arg)
{
	if (peer->hub)
		return -EISCONN;
	if (!peer_name_ok(name, strlen(name)))
		return -EINVAL;
	if (strcmp(name, HUB_SERVER) == 0 || hub_find(hub, name))
		return -EEXIST;
	*peer = (struct hub_peer){ .ops = ops, .arg = arg };
	peer->caps = strdup(caps);
	if (!peer->caps)
		return -ENOMEM;
	memcpy(peer->name, name, strlen(name) + 1);
	link_peer(hub, peer);

	return 0;
}

/* A peer that cannot take it is being dropped by its door; nobody here has
 * anything to answer for that. */
static void broadcast(struct hub *hub, const struct hub_peer *except,
		      const struct hub_event *ev)
{
	for (struct hub_peer *p = hub->first; p; p = p->next)
		if (p != except)
			(void)p->ops->deliver(ev, p->arg);
}

void hub_tell_joined(struct hub_peer *peer)
{
	struct hub_event ev = { .kind = HUB_JOINED, .peer = peer->name,
				.caps = peer->caps };

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
	broadcast(hub, peer, &ev);
	free(peer->caps);
	peer->caps = NULL;
}

int hub_send(struct hub *hub, const char *to, const struct hub_event *ev)
{
	struct hub_peer *p = hub_find(hub, to);

	return p ? p->ops->deliver(ev, p->arg) : -ENOENT;
}

size_t hub_count(const struct hub *hub)
{
	return hub->count;
}

const struct hub_peer *hub_next(const struct hub *hub,
				const struct hub_peer *after)
{
	return after ? after->next : hub->first;
}
