/*
 * audio.h - one peer's sound: packets in, 20 ms packets out at every tick
 *
 * jitter buffer -> decode into a slot of the frame ring -> encode from that
 * slot. Ticks stand 20 ms apart on the monotonic clock; the first follows
 * the first packet by the jitter buffer's delay, so each peer has a phase of
 * its own. Outgoing media time is the tick's own time in samples: it goes on
 * through silence and through the replacement of this process.
 *
 * Units    48000 Hz.
 * Memory   All in audio_new(), but for codec states when a sender changes
 *          from mono to stereo.
 * Threads  One owner.
 */
#ifndef MEDIA_WORKER_AUDIO_H
#define MEDIA_WORKER_AUDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "core/media/jitter.h"
#include "media-worker/frames.h"
#include "shm/record.h"

struct audio;

struct audio_cfg {
	uint32_t jitter_max_us;
	uint32_t bitrate_bps;	/* until a record says otherwise */
	uint32_t complexity;	/* of the encoder, 0 to 10 */
	uint64_t peer;		/* source of the frames */
};

enum {
	AUDIO_BITRATE_BPS = 64000,
	AUDIO_COMPLEXITY = 5,	/* on speech half the time of 9 */
	AUDIO_LOSS_PERCENT = 5,	/* what in-band FEC prepares for */
	AUDIO_TICK_US = 20000,
};

int audio_new(struct audio **out, const struct audio_cfg *cfg) MUST_USE;
void audio_free(struct audio *a);

/* One RECORD_AUDIO with its payload. -EBADMSG, -EEXIST, -ETIME as
 * jitter_push(). */
int audio_push(struct audio *a, const struct record *rec, const void *payload,
	       struct mono now) MUST_USE;

/* A target for the encoder (RECORD_BITRATE); clamped. */
void audio_bitrate(struct audio *a, uint32_t bps);
void audio_jitter_max(struct audio *a, uint32_t max_us);

/* The channels a frame ring is needed for; 0 when the one held does. */
uint32_t audio_wants_frames(const struct audio *a);
int audio_take_frames(struct audio *a, const struct frame_shape *shape,
		      int fd) MUST_USE;

/* When audio_tick() is wanted; MONO_NEVER while there is nothing to play. */
struct mono audio_due(const struct audio *a);

/*
 * Decodes, and encodes, 20 ms; packet NULL: nobody wants it coded. 1: *out
 * and out->bytes of packet are the next record. 0: nothing to send (not due,
 * no input for seconds, or packet is NULL). A negative errno of the codecs or
 * of the frame ring: this tick has no packet.
 */
int audio_tick(struct audio *a, struct mono now, struct record *out,
	       void *packet, size_t cap) MUST_USE;

/* From now on the last MIX_KEEP decoded frames are kept. */
int audio_open_tap(struct audio *a) MUST_USE;

/* Decoded frames since the start: the number of the last one. */
uint64_t audio_frames(const struct audio *a);

/* When that one was due. */
struct mono audio_heard(const struct audio *a);

/* OPUS_FRAME samples of that frame; NULL when it is not kept (any more). */
const int16_t *audio_frame(const struct audio *a, uint64_t number,
			   uint32_t *channels);

/* RFC 6464: minus dBov, 127 for digital silence. */
uint8_t audio_level(const int16_t *pcm, uint32_t values);

struct audio_stats {
	struct jitter_stats jitter;
	uint64_t ticks, missed;	/* ticks skipped because we came too late */
	uint64_t removed, added;	/* samples, by stretch */
	uint64_t bad;		/* packets the decoder refused */
};

void audio_stats(const struct audio *a, struct audio_stats *out);

#endif
