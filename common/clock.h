/*
 * clock.h - the only door to the clock
 *
 * Units    See mono.h. Wall time is only for logs and file names.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include "common/mono.h"

/* CLOCK_MONOTONIC now. A loop reads it once per wake-up. */
struct mono mono_now(void);

/* Microseconds since 1970 (UTC). */
int64_t wall_us(void);

#endif
