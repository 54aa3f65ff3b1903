/*
 * coder.h - one peer's picture: decode, stand in the frame ring, encode
 *
 * A coder holds at most one decoded picture. It waits in the decoder until a
 * frame ring large enough is there; then it is copied into a slot, and the
 * encoders read it from the slot: one for each codec that is wanted.
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
	CODER_IDLE = 150,	/* pictures that an encoder does without */
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

/* Of this codec a far end wants a key frame, or another bit rate. Codecs other
 * than VP8 and VP9 are ignored. */
void coder_force_key(struct coder *c, enum record_codec codec);
void coder_bitrate(struct coder *c, enum record_codec codec, uint32_t bps);

/* CODER_KEY_US, or another span. */
void coder_key_span(struct coder *c, enum record_codec codec, uint32_t us);

/* Whether the picture held needs another frame ring; then its shape. */
bool coder_wants_frames(const struct coder *c, struct frame_shape *out);
int coder_take_frames(struct coder *c, const struct frame_shape *shape, int fd)
	MUST_USE;

/* Throws the picture held away, uncoded. */
void coder_drop(struct coder *c);
bool coder_holds(const struct coder *c);

/* The codec that the picture came in. */
enum record_codec coder_codec(const struct coder *c);

/* Puts the picture held into the frame ring. 1: it can be encoded until the
 * next one. 0: nothing is held, or there is no frame ring. Negative: it could
 * not; the picture is held on. */
int coder_take(struct coder *c, struct mono now) MUST_USE;

/*
 * Encodes the picture taken, at most once for each codec. 1: *out and
 * *payload (valid until the next call) are the next record. 0: none (the
 * encoder kept the bit rate by dropping it). Negative: it could not.
 */
int coder_encode(struct coder *c, enum record_codec codec, struct mono now,
		 struct record *out, const void **payload) MUST_USE;

void coder_stats(const struct coder *c, struct coder_stats *out);

#endif
