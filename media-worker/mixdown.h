/*
 * mixdown.h - what one listener hears: the sum of its session's sources
 *
 * Every 20 ms one decoded frame of each source is added (core/media/mix.h)
 * and coded for this listener. Its ticks follow those of the source that woke
 * it by MIXDOWN_LAG_US, so that the frame of the same turn is heard; they
 * end when no source sounded for a second. A source that comes later than
 * this tick is heard at the next one; the sources wait for nobody.
 *
 * Units    48000 Hz. Media time is the tick's own time, as in audio.h.
 * Memory   mixdown_new(), an encoder, some 1 KiB a source.
 * Threads  One owner.
 */
#ifndef MEDIA_WORKER_MIXDOWN_H
#define MEDIA_WORKER_MIXDOWN_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "media-worker/audio.h"
#include "shm/record.h"

struct mixdown;

enum {
	MIXDOWN_SOURCES = 64,	/* more are not heard */
	MIXDOWN_LAG_US = 4000,
	MIXDOWN_IDLE = 50,	/* silent ticks before they end */
};

int mixdown_new(struct mixdown **out) MUST_USE;
void mixdown_free(struct mixdown *m);

/* A source has a frame of that moment. */
void mixdown_wake(struct mixdown *m, struct mono tick);

/* When the next tick is wanted; MONO_NEVER while all is silent. */
struct mono mixdown_due(const struct mixdown *m);

/* A tick: begin, add each source, end. False: it is not due. */
bool mixdown_begin(struct mixdown *m, struct mono now);
void mixdown_add(struct mixdown *m, uint64_t peer, const struct audio *source);

/* 1: *out and out->bytes of packet are the next record. 0: all is silent. A
 * negative errno of the encoder: this tick has no packet. */
int mixdown_end(struct mixdown *m, struct record *out, void *packet,
		size_t cap) MUST_USE;

#endif
