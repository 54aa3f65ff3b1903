/*
 * h2_meter.h - what a client's bytes cost, counted before they are parsed
 *
 * Walks over the frame heads of one connection, the client's preface first,
 * and says when the limits of h2.h on frames are passed, or when the client
 * goes on with a stream that it has ended (RFC 9113 5.1; the library forgets
 * such streams). All other syntax is the library's.
 *
 * Units    struct mono.
 * Memory   None but the struct.
 */
#ifndef PORT_H2_METER_H
#define PORT_H2_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mono.h"

/* A leaky bucket. */
struct h2_bucket {
	double level;
	struct mono at;
};

struct h2_caps;

enum { H2_METER_ENDED = 64 };

struct h2_meter {
	const struct h2_caps *caps;
	uint8_t head[9];	/* of a frame, as far as it came */
	uint8_t head_len;
	uint8_t preface_left;
	uint32_t frame_left;	/* payload bytes still to come */
	uint32_t block_bytes;	/* of the header block that is open */
	uint32_t continuations;
	bool block_ends;	/* with the present frame */
	struct mono block_since;	/* MONO_NEVER: no block is open */
	struct h2_bucket controls, resets, windows;
	uint32_t ended[H2_METER_ENDED];	/* streams; the last ones */
	uint32_t ended_len;
	bool is_closed;		/* a verdict was STREAM_CLOSED */
};

/* caps live as long as the meter. */
void h2_meter_init(struct h2_meter *m, const struct h2_caps *caps,
		   struct mono now);

/* NULL, or what is wrong; the connection is to end then. */
const char *h2_meter_see(struct h2_meter *m, const uint8_t *bytes,
			 size_t len, struct mono now);

/* Adds one; false: over the burst. */
bool h2_bucket_take(struct h2_bucket *b, double per_s, double burst,
		    struct mono now);

#endif
