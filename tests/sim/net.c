/* net.c - simulated link: a heap of packets by arrival */

#include "tests/sim/net.h"

#include <stdlib.h>
#include <string.h>

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;

	return z ^ z >> 31;
}

double net_chance(uint64_t *state)
{
	return (double)(next_random(state) >> 11) / 9007199254740992.0;
}

uint32_t net_below(uint64_t *state, uint32_t bound)
{
	return bound ? (uint32_t)(next_random(state) % bound) : 0;
}

void net_init(struct net *n, const struct net_cfg *cfg)
{
	n->cfg = *cfg;
	n->state = cfg->seed;
	n->order = 0;
	n->burst = false;
	n->free_us = 0;
	n->last_us = 0;
	n->flying = 0;
	n->sent = 0;
	n->lost = 0;
	n->spares = NET_FLIGHT;
	for (unsigned i = 0; i < NET_FLIGHT; i++)
		n->spare[i] = (uint16_t)(NET_FLIGHT - 1 - i);
}

static bool before(const struct net *n, unsigned a, unsigned b)
{
	const struct net_packet *x = &n->packet[n->heap[a]];
	const struct net_packet *y = &n->packet[n->heap[b]];

	return x->at_us != y->at_us ? x->at_us < y->at_us
				    : x->order < y->order;
}

static void swap(struct net *n, unsigned a, unsigned b)
{
	uint16_t at = n->heap[a];

	n->heap[a] = n->heap[b];
	n->heap[b] = at;
}

static void fly(struct net *n, const void *bytes, size_t len, int64_t at_us)
{
	unsigned i = n->flying;
	struct net_packet *p;

	if (n->spares == 0 || len > NET_PACKET)
		abort();	/* the scenario is wrong */
	n->heap[i] = n->spare[--n->spares];
	p = &n->packet[n->heap[i]];
	p->at_us = at_us;
	p->order = n->order++;
	p->len = len;
	memcpy(p->bytes, bytes, len);
	n->flying++;
	for (; i > 0 && before(n, i, (i - 1) / 2); i = (i - 1) / 2)
		swap(n, i, (i - 1) / 2);
}

static bool is_lost(struct net *n)
{
	double change = n->burst ? n->cfg.burst_end : n->cfg.burst_begin;

	if (change > 0 && net_chance(&n->state) < change)
		n->burst = !n->burst;

	return n->burst ||
	       (n->cfg.loss > 0 && net_chance(&n->state) < n->cfg.loss);
}

/* Through the bottleneck; false when its queue is full. */
static bool queue(struct net *n, size_t len, int64_t *at_us)
{
	if (n->cfg.rate_bps == 0)
		return true;
	if (n->free_us < *at_us)
		n->free_us = *at_us;
	if (n->free_us - *at_us > n->cfg.queue_us)
		return false;
	n->free_us += (int64_t)len * 8000000 / n->cfg.rate_bps;
	*at_us = n->free_us;

	return true;
}

void net_send(struct net *n, const void *bytes, size_t len, struct mono now)
{
	int64_t at = now.us;

	n->sent++;
	if (is_lost(n) || !queue(n, len, &at)) {
		n->lost++;
		return;
	}
	at += n->cfg.delay_us;
	if (n->cfg.jitter_us)
		at += net_below(&n->state, (uint32_t)n->cfg.jitter_us);
	if (at < n->last_us)
		at = n->last_us;
	if (n->cfg.reorder > 0 && net_chance(&n->state) < n->cfg.reorder)
		at += net_below(&n->state, 30000);
	else
		n->last_us = at;
	fly(n, bytes, len, at);
	if (n->cfg.duplicate > 0 &&
	    net_chance(&n->state) < n->cfg.duplicate)
		fly(n, bytes, len, at + net_below(&n->state, 50000));
}

static void pop(struct net *n)
{
	n->spare[n->spares++] = n->heap[0];
	n->heap[0] = n->heap[--n->flying];
	for (unsigned i = 0;;) {
		unsigned child = 2 * i + 1;

		if (child >= n->flying)
			break;
		if (child + 1 < n->flying && before(n, child + 1, child))
			child++;
		if (!before(n, child, i))
			break;
		swap(n, child, i);
		i = child;
	}
}

size_t net_recv(struct net *n, struct mono now, void *bytes, size_t cap)
{
	struct net_packet *p;
	size_t len;

	if (n->flying == 0 || n->packet[n->heap[0]].at_us > now.us)
		return 0;
	p = &n->packet[n->heap[0]];
	len = p->len < cap ? p->len : cap;
	memcpy(bytes, p->bytes, len);
	pop(n);

	return len;
}

struct mono net_due(const struct net *n)
{
	return n->flying ? mono_at(n->packet[n->heap[0]].at_us) : MONO_NEVER;
}
