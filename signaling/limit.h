/*
 * limit.h - a token bucket: so many a second, so many at once
 *
 * Pure: the moment is an argument. Plain data.
 */
#ifndef SIGNALING_LIMIT_H
#define SIGNALING_LIMIT_H

#include <stdbool.h>

#include "common/mono.h"

struct limit {
	double level, rate, burst;	/* tokens, tokens a second, tokens */
	struct mono at;
};

void limit_init(struct limit *l, double rate, double burst, struct mono now);

/* Takes n tokens; false when there are too few (then none is taken). */
bool limit_take(struct limit *l, double n, struct mono now);

/* Microseconds until n tokens are there. */
int64_t limit_wait_us(const struct limit *l, double n);

#endif
