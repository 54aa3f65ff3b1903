/* mixdown.c - what one listener hears */

#include "media-worker/mixdown.h"

#include "core/media/mix.h"
#include "port/opus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LATE_US = 100000 };	/* behind by this: skip ticks */

struct heard {
	uint64_t peer;		/* 0: free */
	bool there;		/* added in this tick */
	struct mix_input in;
};

struct mixdown {
	struct opus_enc *enc;
	uint32_t channels;	/* of the encoder, 0: none yet */
	bool ticking;
	struct mono due;
	int64_t media, seq;
	unsigned idle;		/* ticks without a sound */
	bool sounds;		/* this one has */
	struct mix mix;
	struct heard *heard[MIXDOWN_SOURCES];
	int16_t pcm[2 * MIX_SAMPLES];
};

_Static_assert((int)MIX_SAMPLES == (int)OPUS_FRAME, "one packet a tick");

int mixdown_new(struct mixdown **out)
{
	struct mixdown *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	*out = m;

	return 0;
}

void mixdown_free(struct mixdown *m)
{
	if (!m)
		return;
	for (int i = 0; i < MIXDOWN_SOURCES; i++)
		free(m->heard[i]);
	opus_enc_free(m->enc);
	free(m);
}

void mixdown_wake(struct mixdown *m, struct mono tick)
{
	if (m->ticking)
		return;
	m->ticking = true;
	m->idle = 0;
	m->due = mono_add(tick, MIXDOWN_LAG_US);
	m->media = m->due.us * 6 / 125;
}

struct mono mixdown_due(const struct mixdown *m)
{
	return m->ticking ? m->due : MONO_NEVER;
}

bool mixdown_begin(struct mixdown *m, struct mono now)
{
	int64_t behind = mono_since(now, m->due), n;

	if (!m->ticking || behind < 0)
		return false;
	if (behind >= LATE_US) {
		n = behind / AUDIO_TICK_US;
		m->due = mono_add(m->due, n * AUDIO_TICK_US);
		m->media += n * OPUS_FRAME;
	}
	mix_begin(&m->mix);
	m->sounds = false;

	return true;
}

/* The place of this source, or a free one; NULL: all are taken. */
static struct heard *place(struct mixdown *m, uint64_t peer)
{
	struct heard **at = NULL;

	for (int i = 0; i < MIXDOWN_SOURCES; i++) {
		if (m->heard[i] && m->heard[i]->peer == peer)
			return m->heard[i];
		if (!at && !m->heard[i])
			at = &m->heard[i];
	}
	if (!at)
		return NULL;
	*at = calloc(1, sizeof(**at));
	if (*at)
		(*at)->peer = peer;

	return *at;
}

void mixdown_add(struct mixdown *m, uint64_t peer, const struct audio *source)
{
	struct heard *h = place(m, peer);
	uint32_t channels = 0;
	const int16_t *pcm = NULL;
	uint64_t n;

	if (!h)
		return;
	h->there = true;
	n = mix_next(&h->in, audio_frames(source));
	if (n)
		pcm = audio_frame(source, n, &channels);
	if (!pcm) {
		mix_miss(&m->mix, &h->in);
		return;
	}
	mix_add(&m->mix, &h->in, pcm, channels);
	m->sounds = true;
}

/* Sources that were not added are gone. */
static void forget_gone(struct mixdown *m)
{
	for (int i = 0; i < MIXDOWN_SOURCES; i++) {
		struct heard *h = m->heard[i];

		if (!h)
			continue;
		if (!h->there) {
			mix_miss(&m->mix, &h->in);
			free(h);
			m->heard[i] = NULL;
		} else {
			h->there = false;
		}
	}
}

/* Mono until something is stereo. */
static int fit_encoder(struct mixdown *m)
{
	struct opus_enc_cfg cfg = {
		.channels = m->mix.stereo || m->channels == 2 ? 2 : 1,
		.bitrate_bps = AUDIO_BITRATE_BPS,
		.complexity = AUDIO_COMPLEXITY,
		.loss_percent = AUDIO_LOSS_PERCENT,
	};
	struct opus_enc *enc;
	int err;

	if (m->channels == cfg.channels)
		return 0;
	err = opus_enc_new(&enc, &cfg);
	if (err)
		return err;
	opus_enc_free(m->enc);
	m->enc = enc;
	m->channels = cfg.channels;

	return 0;
}

int mixdown_end(struct mixdown *m, struct record *out, void *packet,
		size_t cap)
{
	int n;

	forget_gone(m);
	*out = (struct record){
		.kind = RECORD_AUDIO, .codec = CODEC_OPUS,
		.seq_first = m->seq, .seq_last = m->seq, .rtp_time = m->media,
		.arrival_us = m->due.us,
	};
	m->due = mono_add(m->due, AUDIO_TICK_US);
	m->media += OPUS_FRAME;
	m->idle = m->sounds ? 0 : m->idle + 1;
	if (m->idle >= MIXDOWN_IDLE) {
		m->ticking = false;
		return 0;
	}
	n = fit_encoder(m);
	if (n)
		return n;
	mix_end(&m->mix, m->channels, m->pcm);
	out->level = audio_level(m->pcm, OPUS_FRAME * m->channels);
	n = opus_enc_run(m->enc, m->pcm, packet, cap);
	if (n <= 0)
		return n;
	out->bytes = (uint32_t)n;
	m->seq++;

	return 1;
}
