/*
 * stretch.h - make speech shorter or longer by whole pitch periods
 *
 * Finds the lag at which a block is most like itself and cross-fades there,
 * so that pitch and timbre stay and only time changes.
 *
 * Units    Samples per channel, 48000 Hz, interleaved.
 * Process  Pure, no memory of its own.
 */
#ifndef CORE_MEDIA_STRETCH_H
#define CORE_MEDIA_STRETCH_H

#include <stdbool.h>
#include <stdint.h>

enum {
	STRETCH_LAG_MIN = 120,	/* 2.5 ms */
	STRETCH_LAG_MAX = 480,	/* 10 ms: a pitch of 100 Hz */
};

struct stretch {
	int16_t *pcm;		/* room for samples + STRETCH_LAG_MAX */
	uint32_t samples;
	uint32_t channels;	/* 1 or 2 */
};

/*
 * Changes the block by up to `wish` samples (negative: removes), in place,
 * and s->samples with it. Returns what was added; 0 when the wish is below
 * STRETCH_LAG_MIN, the block too short, or (unless urgent) the block has no
 * period to hide behind.
 */
int32_t stretch_run(struct stretch *s, int32_t wish, bool urgent);

#endif
