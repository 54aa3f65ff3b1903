/*
 * mono.h - a moment on the machine's monotonic clock
 *
 * Units    Microseconds of CLOCK_MONOTONIC, wrapped in a struct so that a
 *          moment cannot be added to a count by mistake. Spans are int64_t
 *          and end in _us. One clock serves all processes of a machine.
 * Process  Pure arithmetic. Reading the clock is mono_now() in clock.h;
 *          core/ never calls it, there the moment is an argument.
 */
#ifndef COMMON_MONO_H
#define COMMON_MONO_H

#include <stdbool.h>
#include <stdint.h>

struct mono {
	int64_t us;
};

/* Later than any moment; "no timer wanted". */
#define MONO_NEVER ((struct mono){ INT64_MAX })

static inline struct mono mono_at(int64_t us)
{
	return (struct mono){ us };
}

/* NEVER stays NEVER. */
static inline struct mono mono_add(struct mono t, int64_t span_us)
{
	return t.us == INT64_MAX ? t : (struct mono){ t.us + span_us };
}

/* Microseconds from `from` to `to`; negative when `to` is earlier. */
static inline int64_t mono_since(struct mono to, struct mono from)
{
	return to.us - from.us;
}

static inline bool mono_before(struct mono a, struct mono b)
{
	return a.us < b.us;
}

static inline struct mono mono_min(struct mono a, struct mono b)
{
	return a.us < b.us ? a : b;
}

#endif
