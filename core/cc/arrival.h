/*
 * arrival.h - when packets of the far end arrived, told back to it
 *
 * Records transport-wide sequence numbers as they come and writes feedback
 * every 50 to 100 ms: the busier, the sooner.
 *
 * Memory   One allocation in arrival_new() (about 32 KB).
 * Threads  One owner, no locks.
 */
#ifndef CORE_CC_ARRIVAL_H
#define CORE_CC_ARRIVAL_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/mono.h"

struct arrival;

enum {
	ARRIVAL_HELD = 2048,		/* packets between two messages */
	ARRIVAL_EVERY_US = 100000,	/* with few packets */
	ARRIVAL_SOON_US = 50000,	/* with ARRIVAL_BUSY or more waiting */
	ARRIVAL_BUSY = 20,
};

/* -ENOMEM. End with arrival_free(). */
int arrival_new(struct arrival **out) MUST_USE;

/* NULL is fine. */
void arrival_free(struct arrival *a);

void arrival_packet(struct arrival *a, uint16_t seq, struct mono now);

/* When feedback is wanted; MONO_NEVER with nothing to tell. */
struct mono arrival_due(const struct arrival *a);

/*
 * Appends one RTCP packet of feedback when it is due: 1, or 0 when there is
 * none, -ENOSPC when it does not fit. Repeat until 0.
 */
int arrival_poll(struct arrival *a, struct mono now, uint32_t sender,
		 uint32_t media, struct buf_out *out) MUST_USE;

#endif
