/*
 * track.h - coded sound and pictures to send, made once and shared by peers
 *
 * Memory   track_free() ends a track; peers only borrow it.
 * Errors   Negative errno; -ENOENT: the recorded speech is not installed
 *          (Debian's asterisk-core-sounds-en-wav).
 */
#ifndef TESTS_CLIENT_TRACK_H
#define TESTS_CLIENT_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "core/rtp/header.h"

struct track_frame {
	uint8_t *bytes;
	size_t len;
	bool key;		/* always of the first one */
};

/* Played in a ring. */
struct track {
	enum rtp_codec codec;
	uint32_t step;		/* RTP ticks of one frame */
	int64_t step_us;
	uint16_t width, height;
	unsigned count, cap;
	struct track_frame *frames;
};

/* Recorded speech as Opus in frames of 20 ms. */
int track_speech(struct track **out, unsigned seconds,
		 uint32_t bitrate_bps) MUST_USE;

struct track_picture {
	enum rtp_codec codec;	/* RTP_VP8 or RTP_VP9 */
	uint16_t width, height;
	unsigned fps, frames;
	uint32_t bitrate_bps;
};

/* A moving picture; only its first frame is a key frame. */
int track_moving(struct track **out, const struct track_picture *p) MUST_USE;

/* NULL is fine. */
void track_free(struct track *t);

#endif
