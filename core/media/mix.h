/*
 * mix.h - the sum of several sounds, 20 ms at a time
 *
 * Plain addition that saturates; loudness is not evened out. A sound that
 * begins is faded in, and one that stops is faded out by its own last
 * samples, mirrored, over 5 ms, so that neither clicks.
 *
 * Units    48000 Hz, 16-bit samples interleaved, counts per channel.
 * Memory   Plain data of the caller; zero a struct mix_input before use.
 * Process  Pure.
 */
#ifndef CORE_MEDIA_MIX_H
#define CORE_MEDIA_MIX_H

#include <stdbool.h>
#include <stdint.h>

enum {
	MIX_SAMPLES = 960,
	MIX_FADE = 240,
	MIX_KEEP = 4,		/* frames that a source keeps */
	MIX_BACKLOG = 3,	/* more of them waiting: the oldest go */
};

/* One source, as one mix hears it. */
struct mix_input {
	uint64_t next;		/* frame wanted next; 0: none heard yet */
	bool sounding;
	int16_t tail[2 * MIX_FADE];	/* the end of the frame heard last */
};

struct mix {
	bool stereo;		/* something in it is */
	int32_t sum[2 * MIX_SAMPLES];
};

/*
 * Which of a source's frames is to be heard now. They are numbered from 1,
 * newest is the last (0: none yet), of which the source keeps MIX_KEEP. Its
 * number, or 0: it has none for this turn.
 */
uint64_t mix_next(struct mix_input *in, uint64_t newest);

void mix_begin(struct mix *m);

/* channels: 1 or 2. */
void mix_add(struct mix *m, struct mix_input *in, const int16_t *pcm,
	     unsigned channels);

/* Nothing came from this source. */
void mix_miss(struct mix *m, struct mix_input *in);

/* The sum; one channel is the mean of both. */
void mix_end(const struct mix *m, unsigned channels, int16_t *out);

#endif
