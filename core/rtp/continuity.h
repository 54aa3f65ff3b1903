/*
 * continuity.h - can this picture be decoded, given what came before
 *
 * Judges by picture ids, TL0PICIDX, temporal layers (RFC 7741 4.2, RFC 9628
 * 4.2) and, in VP9 flexible mode, by the listed references.
 *
 * Memory   A plain struct; zeroed it is before the first key picture.
 * Threads  One owner, no locks.
 */
#ifndef CORE_RTP_CONTINUITY_H
#define CORE_RTP_CONTINUITY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/rtp/depay.h"

enum { CONTINUITY_IDS = 128 };	/* P_DIFF reaches 127 back */

struct continuity {
	bool intact;		/* the base layer is whole since the last key */
	uint8_t layers;		/* bit t: temporal layer t is whole */
	int16_t tl0;
	int32_t last_id;
	uint64_t decoded[CONTINUITY_IDS / 64];	/* bit: id % CONTINUITY_IDS */
};

enum continuity_verdict {
	CONTINUITY_TAKE,
	CONTINUITY_DROP,	/* an upper layer without its base: no harm */
	CONTINUITY_BROKEN,	/* only a key picture helps */
};

/* The next whole picture, by its first packet. lost: packets before it were
 * given up. */
enum continuity_verdict continuity_next(struct continuity *c,
					const struct depay *d, bool lost);

/* A picture was given up of which the first packet is known. true when no
 * other one needs it. */
bool continuity_skip(struct continuity *c, const struct depay *d);

/* A picture was taken but is of no use (too large): as if it were lost. */
void continuity_break(struct continuity *c);

#endif
