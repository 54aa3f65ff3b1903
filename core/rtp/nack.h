/*
 * nack.h - which missing packets to ask for again, and when
 *
 * A hole is asked for after a short wait (it may only be late), again after
 * each round trip and a quarter, and at most NACK_TRIES times.
 *
 * Units    Extended sequence numbers (seq.h). rtt_us of 0 or less: not
 *          known yet, 100 ms count.
 * Memory   A plain struct, about 10 KB; zero it or call nack_init().
 * Threads  One owner, no locks.
 */
#ifndef CORE_RTP_NACK_H
#define CORE_RTP_NACK_H

#include <stddef.h>
#include <stdint.h>

#include "common/mono.h"

enum {
	NACK_HELD_MAX = 256,		/* holes known at a time */
	NACK_TRIES = 15,
	NACK_REORDER_US = 5000,		/* wait before the first question... */
	NACK_REORDER_PKTS = 3,		/* ...or this many newer packets */
	NACK_AGE_US = 1000000,		/* older holes are nobody's wish */
	NACK_RTT_MIN_US = 10000,	/* not asked again sooner */
};

struct nack_hole {
	int64_t seq;
	struct mono since, asked;
	uint8_t tries;
};

struct nack {
	struct nack_hole hole[NACK_HELD_MAX];	/* by seq, ascending */
	size_t count;
	int64_t highest;
	uint8_t started;
};

void nack_init(struct nack *n);

/*
 * A packet came. A jump that leaves more holes than can be held forgets them
 * all: returns 1 then (ask for a key frame), else 0.
 */
int nack_recv(struct nack *n, int64_t seq, struct mono now);

/* Nothing before seq is wanted any more (given up, or a key frame came). */
void nack_forget(struct nack *n, int64_t before);

/* Up to max sequence numbers to ask for now, ascending; returns how many. */
size_t nack_poll(struct nack *n, struct mono now, int64_t rtt_us,
		 uint16_t *out, size_t max);

/* When nack_poll() has something; MONO_NEVER with no hole. */
struct mono nack_due(const struct nack *n, int64_t rtt_us);

#endif
