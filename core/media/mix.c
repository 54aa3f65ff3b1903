/* mix.c - the sum of several sounds */

#include "core/media/mix.h"

#include <string.h>

uint64_t mix_next(struct mix_input *in, uint64_t newest)
{
	if (!newest)
		return 0;
	/* New here, or the source has begun to count anew. */
	if (!in->next || in->next > newest + 1)
		in->next = newest;
	if (newest + 1 - in->next > MIX_BACKLOG)
		in->next = newest - 1;

	return in->next > newest ? 0 : in->next++;
}

void mix_begin(struct mix *m)
{
	memset(m, 0, sizeof(*m));
}

static void keep_tail(struct mix_input *in, const int16_t *pcm,
		      unsigned channels)
{
	const int16_t *from = pcm + (MIX_SAMPLES - MIX_FADE) * channels;

	for (unsigned i = 0; i < MIX_FADE; i++) {
		in->tail[2 * i] = from[i * channels];
		in->tail[2 * i + 1] = from[i * channels + channels - 1];
	}
}

void mix_add(struct mix *m, struct mix_input *in, const int16_t *pcm,
	     unsigned channels)
{
	unsigned from = in->sounding ? 0 : MIX_FADE;

	for (unsigned i = 0; i < from; i++) {
		m->sum[2 * i] += pcm[i * channels] * (int)i / MIX_FADE;
		m->sum[2 * i + 1] += pcm[i * channels + channels - 1] *
				     (int)i / MIX_FADE;
	}
	for (unsigned i = from; i < MIX_SAMPLES; i++) {
		m->sum[2 * i] += pcm[i * channels];
		m->sum[2 * i + 1] += pcm[i * channels + channels - 1];
	}
	keep_tail(in, pcm, channels);
	in->sounding = true;
	m->stereo |= channels == 2;
}

void mix_miss(struct mix *m, struct mix_input *in)
{
	if (!in->sounding)
		return;
	for (int i = 0; i < MIX_FADE; i++) {
		int at = MIX_FADE - 1 - i;

		m->sum[2 * i] += in->tail[2 * at] * at / MIX_FADE;
		m->sum[2 * i + 1] += in->tail[2 * at + 1] * at / MIX_FADE;
	}
	in->sounding = false;
}

static int16_t saturate(int32_t v)
{
	return (int16_t)(v > INT16_MAX ? INT16_MAX :
			 v < INT16_MIN ? INT16_MIN : v);
}

void mix_end(const struct mix *m, unsigned channels, int16_t *out)
{
	for (unsigned i = 0; i < MIX_SAMPLES; i++) {
		int32_t left = m->sum[2 * i], right = m->sum[2 * i + 1];

		if (channels == 2) {
			out[2 * i] = saturate(left);
			out[2 * i + 1] = saturate(right);
		} else {
			out[i] = saturate((left + right) / 2);
		}
	}
}
