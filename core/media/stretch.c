/*
 * stretch.c - overlap and add at the best lag
 *
 * The lag is looked for in two steps: on every sixth sample, then sample by
 * sample around the winner. Removing a lag L cross-fades the first L samples
 * into the L after them; adding one plays the first L, fades from the next L
 * back into them, and goes on. Both ends of the block stay as they were, so
 * that it still fits its neighbours.
 */

#include "core/media/stretch.h"

#include <stddef.h>
#include <string.h>

enum { STEP = 6 };

/* The sum over the channels at one place. */
static int32_t at(const struct stretch *s, uint32_t i)
{
	const int16_t *p = s->pcm + (size_t)i * s->channels;

	return s->channels == 2 ? (p[0] + p[1]) / 2 : p[0];
}

struct match {
	double like;	/* -1 to 1 */
	double power;	/* mean square of the block */
};

/* How much the block of `lag` samples is like the one after it. */
static struct match compare(const struct stretch *s, uint32_t lag,
			    uint32_t step)
{
	double cross = 0, first = 0, second = 0;
	uint32_t n = 0;
	struct match m;

	for (uint32_t i = 0; i < lag; i += step, n++) {
		double a = at(s, i), b = at(s, i + lag);

		cross += a * b;
		first += a * a;
		second += b * b;
	}
	m.power = (first + second) / (2.0 * n);
	/* The geometric mean is at most the arithmetic one: no root needed,
	 * and blocks of unequal loudness count as less alike. */
	m.like = first + second > 0 ? 2 * cross / (first + second) : 0;

	return m;
}

static uint32_t best_lag(const struct stretch *s, uint32_t most,
			 struct match *out)
{
	uint32_t best = STRETCH_LAG_MIN, low, high;

	*out = compare(s, best, STEP);
	for (uint32_t lag = STRETCH_LAG_MIN; lag <= most; lag += STEP) {
		struct match m = compare(s, lag, STEP);

		if (m.like > out->like) {
			*out = m;
			best = lag;
		}
	}
	low = best > STRETCH_LAG_MIN + STEP ? best - STEP + 1 :
		STRETCH_LAG_MIN;
	high = best + STEP - 1 < most ? best + STEP - 1 : most;
	for (uint32_t lag = low; lag <= high; lag++) {
		struct match m = compare(s, lag, 2);

		if (m.like > out->like) {
			*out = m;
			best = lag;
		}
	}

	return best;
}

/* out[i] goes from `from` to `to` over len samples; out may be either. */
static void fade(int16_t *out, const int16_t *from, const int16_t *to,
		 uint32_t len, uint32_t channels)
{
	for (uint32_t i = 0; i < len; i++) {
		for (uint32_t c = 0; c < channels; c++) {
			size_t k = (size_t)i * channels + c;
			int32_t left = (int32_t)(len - i);

			out[k] = (int16_t)((from[k] * left +
					    to[k] * (int32_t)i) /
					   (int32_t)len);
		}
	}
}

static void remove_lag(struct stretch *s, uint32_t lag)
{
	size_t ch = s->channels, block = lag * ch;
	size_t rest = (s->samples - 2 * (size_t)lag) * ch;

	fade(s->pcm, s->pcm, s->pcm + block, lag, s->channels);
	memmove(s->pcm + block, s->pcm + 2 * block, rest * sizeof(int16_t));
	s->samples -= lag;
}

static void add_lag(struct stretch *s, uint32_t lag)
{
	size_t ch = s->channels, block = lag * ch;
	int16_t held[STRETCH_LAG_MAX * 2];

	/* The samples from `lag` on move up by one lag; the gap is filled by
	 * the fade from what follows back to what was. */
	memcpy(held, s->pcm + block, block * sizeof(int16_t));
	memmove(s->pcm + 2 * block, s->pcm + block,
		(s->samples - (size_t)lag) * ch * sizeof(int16_t));
	fade(s->pcm + block, held, s->pcm, lag, s->channels);
	s->samples += lag;
}

int32_t stretch_run(struct stretch *s, int32_t wish, bool urgent)
{
	uint32_t most = (uint32_t)(wish < 0 ? -(int64_t)wish : wish), lag;
	struct match m;

	if (most > STRETCH_LAG_MAX)
		most = STRETCH_LAG_MAX;
	if (most > s->samples / 2)
		most = s->samples / 2;
	if (most < STRETCH_LAG_MIN)
		return 0;

	lag = best_lag(s, most, &m);
	if (m.like < 0.8 && m.power > 64.0 * 64.0 && !urgent)
		return 0;
	if (wish < 0) {
		remove_lag(s, lag);
		return -(int32_t)lag;
	}
	add_lag(s, lag);

	return (int32_t)lag;
}
