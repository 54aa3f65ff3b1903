/*
 * coder.h - one peer's picture: decode, stand in the frame ring, encode
 *
 * A coder holds at most one decoded picture. It waits in the decoder until a
 * frame ring large enough is there; then it is copied into a slot, and the
 * encoder reads it from the slot.
 *
 * Units    Media time counts 90000 Hz.
 * Memory   libvpx allocates when codec or size change.
 * Threads  One owner (the video thread).
 */
#ifndef MEDIA_WORKER_CODER_H
#define MEDIA_WORKER_CODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "media-worker/frames.h"
#include "shm/record.h"

struct coder;

enum {
	CODER_KEY_US = 300000,	/* between two key frames on request */
	CODER_ASK_US = 300000,	/* between two requests to the sender */
};

struct coder_stats {
	uint64_t decoded, encoded, dropped, broken, keys;
};

/* peer: source of the frames. */
int coder_new(struct coder **out, uint64_t peer) MUST_USE;
void coder_free(struct coder *c);

/*
 * Decodes one RECORD_VIDEO. 1: a picture is held (the one before is gone).
 * 0: nothing to show, or waiting for a key frame. -EBADMSG, -EFBIG,
 * -ENOTSUP: refused; a key frame is needed.
 */
int coder_decode(struct coder *c, const struct record *rec,
		 const void *payload) MUST_USE;

/* Pictures were lost before the next one. */
void coder_gap(struct coder *c);

/* Whether to ask the sender for a key frame now; true at most once in
 * CODER_ASK_US. */
bool coder_asks_key(struct coder *c, struct mono now);

/* The far end wants a key frame, or another bit rate. */
void coder_force_key(struct coder *c);
void coder_bitrate(struct coder *c, uint32_t bps);

/* Whether the picture held needs another frame ring; then its shape. */
bool coder_wants_frames(const struct coder *c, struct frame_shape *out);
int coder_take_frames(struct coder *c, const struct frame_shape *shape, int fd)
	MUST_USE;

/* Throws the picture held away, uncoded. */
void coder_drop(struct coder *c);
bool coder_holds(const struct coder *c);

/*
 * Encodes the picture held. 1: *out and *payload (valid until the next
 * call) are the next record. 0: none (nothing held, no frame ring, or the
 * encoder kept the bit rate by dropping it). Negative: it could not.
 */
int coder_encode(struct coder *c, struct mono now, struct record *out,
		 const void **payload) MUST_USE;

void coder_stats(const struct coder *c, struct coder_stats *out);

#endif
