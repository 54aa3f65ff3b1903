/*
 * escrow.h - the outgoing indices of a peer, in memory that outlives it
 *
 * The broker keeps the page; only this peer's own workers ever map it. Each
 * word is stored before the packet that uses it is sent, so that a successor
 * never uses an index twice.
 *
 * Memory   The page belongs to the broker; escrow_open() maps it.
 * Errors   Negative errno.
 */
#ifndef ICE_WORKER_ESCROW_H
#define ICE_WORKER_ESCROW_H

#include <stdint.h>

#include "common/err.h"
#include "shm/region.h"

/* After the region's head; aligned words of one writer each. */
struct escrow_page {
	struct region_head head;
	uint64_t audio_index;	/* next SRTP index of our audio */
	uint64_t video_index;
	uint64_t rtcp_index;	/* next SRTCP index, all our SSRCs */
	uint64_t twcc;		/* next transport-wide number */
	uint64_t picture;	/* pack.h */
	uint64_t zero[3];
};

struct escrow {
	struct region region;
	struct escrow_page *page;
};

/* Maps the page and seeds what is zero. fd stays the caller's. */
int escrow_open(struct escrow *e, int fd) MUST_USE;

/* Takes the next value of a word: it is stored before this returns. */
static inline uint64_t escrow_take(uint64_t *word)
{
	uint64_t v = __atomic_load_n(word, __ATOMIC_RELAXED);

	__atomic_store_n(word, v + 1, __ATOMIC_RELEASE);

	return v;
}

/* Kernel randomness for a whole buffer; -EIO. */
int random_bytes(void *out, uint32_t len) MUST_USE;

#endif
