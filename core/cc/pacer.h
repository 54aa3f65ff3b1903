/*
 * pacer.h - when the next video packet may leave
 *
 * A leaky bucket that drains at 2.5 times the target bitrate, so that a
 * large picture does not leave in one burst. Audio, RTCP and data never
 * wait but are charged; repairs and then pictures ask first. The bucket
 * holds no packets: whoever owns the picture cuts the next packet when the
 * pacer allows it.
 *
 * Memory   A plain struct; pacer_init() before use.
 * Threads  One owner, no locks.
 */
#ifndef CORE_CC_PACER_H
#define CORE_CC_PACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mono.h"

enum {
	PACER_BURST_US = 5000,		/* sent at once, then a pause */
	PACER_DEBT_MAX_US = 500000,	/* charges beyond this are forgiven */
};

struct pacer {
	int64_t bps;			/* drain rate, 2.5 x target */
	struct mono free;		/* the bucket is empty from here on */
};

void pacer_init(struct pacer *p, uint32_t target_bps);

/* What is owed already is kept in bytes. */
void pacer_set_target(struct pacer *p, uint32_t target_bps, struct mono now);

/* Whether one more packet may leave now. */
bool pacer_may(const struct pacer *p, struct mono now);

/* Any packet left, whether it asked or not. */
void pacer_sent(struct pacer *p, size_t bytes, struct mono now);

/* From when on pacer_may() is true; may lie in the past. */
struct mono pacer_due(const struct pacer *p);

#endif
