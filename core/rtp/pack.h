/*
 * pack.h - cut a coded picture into RTP payloads
 *
 * VP8 with 15-bit picture ids (RFC 7741), VP9 in non-flexible mode, one
 * spatial and one temporal layer, scalability structure with every key
 * picture (RFC 9628). The pieces of one picture are of nearly equal size.
 *
 * Picture ids continue whoever encoded the picture: they stand in one word
 * of the caller (the escrow page), stored before the first piece is given.
 *
 * Memory   struct pack is plain; the picture is borrowed from pack_start()
 *          until pack_next() has given the last piece.
 * Threads  One owner, no locks.
 */
#ifndef CORE_RTP_PACK_H
#define CORE_RTP_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "core/rtp/header.h"

enum { PACK_DESCRIPTOR_MAX = 16 };	/* bytes before the coded bytes */

struct pack {
	enum rtp_codec codec;
	uint64_t *next_id;	/* low 15 bits: next picture id; 16..23:
				   next TL0PICIDX */
	const uint8_t *at;	/* rest of the picture in hand */
	size_t left, pieces;
	uint16_t id, width, height;
	uint8_t tl0;
	bool key, first;
};

/* codec is RTP_VP8 or RTP_VP9. Seed *next_id at random for a new stream. */
void pack_init(struct pack *p, enum rtp_codec codec, uint64_t *next_id);

struct pack_picture {
	const uint8_t *bytes;
	size_t len;
	bool key;
	bool gap;		/* a picture before this one was lost on the
				   way here: leave a hole in the ids */
	uint16_t width, height;	/* of a VP9 key picture; 0: not told */
};

/*
 * Begins a picture; what was left of the one before is dropped.
 * payload_max: bytes of one RTP payload, descriptor included.
 * -EINVAL when it is under 64, or the picture is empty.
 */
int pack_start(struct pack *p, const struct pack_picture *picture,
	       size_t payload_max) MUST_USE;

/*
 * The next payload into out; its length, 0 when the picture is done,
 * -ENOSPC (nothing changed) when it does not fit in cap. *marker is set when
 * it is the last one.
 */
int pack_next(struct pack *p, void *out, size_t cap, bool *marker) MUST_USE;

#endif
