/*
 * replay.h - which packet index is this, and was it here before
 *
 * One window per SSRC (RFC 3711 3.3.1, 3.3.2). Estimate the index, check it,
 * authenticate the packet, and only then commit: an index that was not
 * authenticated changes nothing. RTCP uses the same window with the index
 * that its packet carries.
 *
 * Units    RTP index: 48 bits; RTCP index: 31 bits.
 * Memory   Plain storage of the caller; nothing is allocated.
 * Errors   -EEXIST: seen before. -ESTALE: older than the window.
 *          -ENOSPC: no further SSRC fits.
 * Threads  One owner.
 */
#ifndef CORE_RTP_REPLAY_H
#define CORE_RTP_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

enum {
	REPLAY_WINDOW = 2048,	/* packets; a power of two */
	REPLAY_SSRCS = 64,	/* streams of one set */
};

struct replay {
	uint64_t highest;
	bool started;
	uint64_t seen[REPLAY_WINDOW / 64];	/* bit: index % WINDOW */
};

/* Nothing received yet. */
void replay_init(struct replay *r);

/* Takes over a stream: all at or below highest counts as seen. */
void replay_init_at(struct replay *r, uint64_t highest);

/* The index nearest to the highest one (RFC 3711 3.3.1); before the first
 * packet the roll-over counter is 0. */
uint64_t replay_estimate(const struct replay *r, uint16_t seq);

/* 0, -EEXIST or -ESTALE. */
int replay_check(const struct replay *r, uint64_t index) MUST_USE;

/* The packet was authentic. Only after replay_check() gave 0. */
void replay_commit(struct replay *r, uint64_t index);

/* The windows of one direction. An SSRC gets its window with the first
 * authentic packet and keeps it, as a forgotten window could be replayed. */
struct replay_set {
	struct replay_slot {
		uint32_t ssrc;
		struct replay window;
	} slots[REPLAY_SSRCS];
	uint32_t count;
};

void replay_set_init(struct replay_set *set);

/* NULL when this SSRC has no window yet. */
struct replay *replay_set_find(struct replay_set *set, uint32_t ssrc);

/* Its window, made when there is none. -ENOSPC. */
int replay_set_add(struct replay_set *set, uint32_t ssrc,
		   struct replay **out) MUST_USE;

/* The three steps by SSRC; an SSRC without a window is at its start. */
uint64_t replay_set_estimate(struct replay_set *set, uint32_t ssrc,
			     uint16_t seq);
int replay_set_check(struct replay_set *set, uint32_t ssrc,
		     uint64_t index) MUST_USE;
int replay_set_commit(struct replay_set *set, uint32_t ssrc,
		      uint64_t index) MUST_USE;

#endif
