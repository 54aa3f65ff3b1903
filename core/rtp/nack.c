/* nack.c - holes, by sequence number, and their next question */

#include "core/rtp/nack.h"

#include <string.h>

enum { RTT_UNKNOWN_US = 100000 };

void nack_init(struct nack *n)
{
	n->count = 0;
	n->started = 0;
}

static void remove_first(struct nack *n, size_t count)
{
	n->count -= count;
	memmove(n->hole, n->hole + count, n->count * sizeof(n->hole[0]));
}

static void filled(struct nack *n, int64_t seq)
{
	size_t low = 0, high = n->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (n->hole[mid].seq < seq)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == n->count || n->hole[low].seq != seq)
		return;
	n->count--;
	memmove(n->hole + low, n->hole + low + 1,
		(n->count - low) * sizeof(n->hole[0]));
}

int nack_recv(struct nack *n, int64_t seq, struct mono now)
{
	int64_t missing;

	if (!n->started) {
		n->started = 1;
		n->highest = seq;
		return 0;
	}
	if (seq <= n->highest) {
		filled(n, seq);
		return 0;
	}
	missing = seq - n->highest - 1;
	if (missing > NACK_HELD_MAX - (int64_t)n->count) {
		n->count = 0;
		n->highest = seq;
		return 1;
	}
	for (int64_t s = n->highest + 1; s < seq; s++)
		n->hole[n->count++] = (struct nack_hole){ .seq = s,
							  .since = now };
	n->highest = seq;

	return 0;
}

void nack_forget(struct nack *n, int64_t before)
{
	size_t gone = 0;

	while (gone < n->count && n->hole[gone].seq < before)
		gone++;
	if (gone)
		remove_first(n, gone);
}

static struct mono hole_due(const struct nack *n, const struct nack_hole *h,
			    int64_t rtt_us)
{
	if (h->tries == 0)
		return n->highest - h->seq >= NACK_REORDER_PKTS
			       ? h->since
			       : mono_add(h->since, NACK_REORDER_US);
	/* The answer to the last question may still be under way. */
	rtt_us = rtt_us <= 0 ? RTT_UNKNOWN_US : rtt_us + rtt_us / 4;

	return mono_add(h->asked, rtt_us > NACK_RTT_MIN_US ? rtt_us
							   : NACK_RTT_MIN_US);
}

static int is_hopeless(const struct nack_hole *h, struct mono now)
{
	return h->tries >= NACK_TRIES ||
	       mono_since(now, h->since) > NACK_AGE_US;
}

size_t nack_poll(struct nack *n, struct mono now, int64_t rtt_us,
		 uint16_t *out, size_t max)
{
	size_t kept = 0, asked = 0;

	for (size_t i = 0; i < n->count; i++) {
		struct nack_hole h = n->hole[i];

		if (is_hopeless(&h, now))
			continue;
		if (asked < max && !mono_before(now, hole_due(n, &h, rtt_us))) {
			out[asked++] = (uint16_t)h.seq;
			h.asked = now;
			h.tries++;
		}
		n->hole[kept++] = h;
	}
	n->count = kept;

	return asked;
}

struct mono nack_due(const struct nack *n, int64_t rtt_us)
{
	struct mono due = MONO_NEVER;

	for (size_t i = 0; i < n->count; i++)
		due = mono_min(due, hole_due(n, &n->hole[i], rtt_us));

	return due;
}
