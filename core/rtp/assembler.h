/*
 * assembler.h - RTP packets of one video stream in, whole pictures out
 *
 * Packets come in any order; pictures leave in decode order, whole or not at
 * all. A hole is waited for until its deadline (a repair may be under way),
 * then given up: what cannot be decoded without it is dropped until a key
 * picture or, by picture ids and temporal layers, a picture that needs
 * nothing lost.
 *
 * Units    Extended numbers (seq.h). Moments are struct mono.
 * Memory   All in assembler_new(); packet slots are touched only as far as
 *          packets are held at a time. Pictures are written into the
 *          caller's buffer.
 * Errors   Negative errno; a call that fails has changed nothing.
 * Threads  One owner, no locks.
 */
#ifndef CORE_RTP_ASSEMBLER_H
#define CORE_RTP_ASSEMBLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "core/rtp/header.h"

struct assembler;

struct assembler_cfg {
	enum rtp_codec codec;	/* RTP_VP8 or RTP_VP9 */
	uint16_t slots;		/* packets held at most; a power of two from
				   64 to 4096 */
	uint32_t hole_wait_us;	/* a hole older than this is given up */
};

/* -EINVAL, -ENOMEM. End with assembler_free(). */
int assembler_new(struct assembler **out, const struct assembler_cfg *cfg)
	MUST_USE;

/* NULL is fine. */
void assembler_free(struct assembler *a);

/* Follow the round-trip time: a repair takes one and a bit. */
void assembler_set_hole_wait(struct assembler *a, uint32_t wait_us);

struct assembler_packet {
	int64_t seq, ts;		/* extended */
	bool marker;
	const uint8_t *payload;		/* copied; len 0: padding only */
	size_t len;			/* at most RTP_PACKET_MAX */
};

/*
 * Takes one packet. A packet too far ahead (a jump of `slots` or more) gives
 * up everything before it.
 * -EEXIST   held already
 * -ETIME    its turn has passed
 * -EBADMSG  the payload descriptor is broken; the packet counts as a hole
 * -EMSGSIZE larger than RTP_PACKET_MAX
 */
int assembler_push(struct assembler *a, const struct assembler_packet *p,
		   struct mono now) MUST_USE;

struct picture {
	size_t len;			/* bytes written to the buffer */
	int64_t seq_first, seq_last;	/* extended sequence numbers */
	int64_t ts;			/* extended RTP timestamp */
	struct mono arrival;		/* of its first packet to come */
	bool key;
	bool gap;			/* pictures before it were lost */
	uint16_t width, height;		/* of a key picture; else 0 */
};

enum assembler_turn {
	ASSEMBLER_WAIT,		/* nothing before a packet or _due() */
	ASSEMBLER_PICTURE,	/* *out and buf hold the next picture */
	ASSEMBLER_WANT_KEY,	/* pictures are being dropped: ask the sender
				   for a key picture (told once per dropped
				   picture; limit the rate, see recv.h) */
};

/* Repeat until ASSEMBLER_WAIT. A picture larger than cap is dropped. */
enum assembler_turn assembler_poll(struct assembler *a, struct mono now,
				   void *buf, size_t cap,
				   struct picture *out);

/* When a hole is given up; MONO_NEVER without one. */
struct mono assembler_due(const struct assembler *a);

struct assembler_stats {
	uint64_t pictures;	/* given out */
	uint64_t dropped;	/* pictures begun or known, not given out */
	uint64_t holes;		/* given up */
	uint32_t held;		/* packets now */
};

void assembler_get_stats(const struct assembler *a,
			 struct assembler_stats *out);

#endif
