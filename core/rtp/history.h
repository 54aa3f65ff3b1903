/*
 * history.h - the last packets of one stream, for repair
 *
 * Packets stand one behind the other in a ring of bytes: small ones take
 * little, and the oldest are overwritten.
 *
 * Memory   history_init() allocates twice; the bytes are touched as they
 *          fill.
 * Threads  One owner, no locks.
 */
#ifndef CORE_RTP_HISTORY_H
#define CORE_RTP_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"

struct history_packet {
	uint64_t index;		/* 48 bit packet index */
	uint64_t at;		/* byte position, never wraps */
	int64_t twcc;
	struct mono resent;	/* last time; 0 never */
	uint16_t len;		/* 0: place never used */
	bool has_twcc;
};

struct history {
	struct history_packet *packet;	/* index % count */
	uint8_t *bytes;
	uint64_t end;			/* position behind the newest packet */
	uint32_t size;			/* of bytes */
	uint16_t count;
};

/* count: a power of two up to 4096, or 0 for no history. -EINVAL, -ENOMEM. */
int history_init(struct history *h, uint16_t count, uint32_t bytes) MUST_USE;

/* Fine on a zeroed one. */
void history_fini(struct history *h);

/* Copies len bytes; p->at and p->len are filled in. */
void history_put(struct history *h, const struct history_packet *p,
		 const void *bytes, size_t len);

/* Borrowed until the next put; NULL when no longer kept. */
struct history_packet *history_get(struct history *h, uint64_t index);
const uint8_t *history_bytes(const struct history *h,
			     const struct history_packet *p);

#endif
