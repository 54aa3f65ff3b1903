/*
 * audio.c - one peer's sound
 *
 * The short way, taken nearly always: one packet of 20 ms is decoded into
 * the slot and encoded from there. The queue serves what is not 20 ms: other
 * packet sizes, stretched blocks, the rest of a concealment.
 */

#include "media-worker/audio.h"

#include "core/media/mix.h"
#include "core/media/opus_head.h"
#include "core/media/stretch.h"
#include "port/opus.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	LATE_US = 100000,	/* behind by this: skip ticks */
	PULLS = 64,		/* turns of the jitter buffer in one tick */
	STEP = 120,		/* what libopus can conceal at a time */
	QUEUE = OPUS_DECODE_MAX + STRETCH_LAG_MAX + OPUS_FRAME,
	JITTER_MIN_US = 20000,
};

/* Decoded frames, for those who mix. */
struct tap {
	uint32_t channels[MIX_KEEP];
	int16_t pcm[MIX_KEEP][2 * OPUS_FRAME];
};

struct audio {
	struct audio_cfg cfg;
	struct jitter *jitter;
	struct opus_dec *dec;
	struct opus_enc *enc;
	struct frames frames;
	uint32_t channels;	/* of codecs and queue */
	bool stereo;		/* the sender has sent stereo */
	bool ticking;
	struct mono due;
	int64_t media;		/* of the next packet out */
	int64_t seq;
	uint16_t track;
	struct mono heard;	/* arrival of what is decoded last */
	uint32_t queued;	/* samples */
	struct audio_stats stats;
	uint64_t frames_made;
	struct mono made;	/* when the last was due */
	struct tap *tap;	/* or NULL */
	int16_t queue[QUEUE * 2];
};

int audio_new(struct audio **out, const struct audio_cfg *cfg)
{
	struct jitter_cfg jitter = { JITTER_MIN_US, cfg->jitter_max_us };
	struct audio *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->cfg = *cfg;
	err = jitter_new(&a->jitter, &jitter);
	if (err) {
		free(a);
		return err;
	}
	*out = a;

	return 0;
}

void audio_free(struct audio *a)
{
	if (!a)
		return;
	frames_drop(&a->frames);
	opus_dec_free(a->dec);
	opus_enc_free(a->enc);
	jitter_free(a->jitter);
	free(a->tap);
	free(a);
}

int audio_push(struct audio *a, const struct record *rec, const void *payload,
	       struct mono now)
{
	struct jitter_packet p = {
		.seq = rec->seq_first, .media = rec->rtp_time,
		.arrival = mono_at(rec->arrival_us),
		.bytes = payload, .len = rec->bytes,
	};
	struct opus_head head;
	int err = jitter_push(a->jitter, &p, now);

	if (err)
		return err;
	a->track = rec->track;
	if (!opus_head_parse(&head, payload, rec->bytes) && head.stereo)
		a->stereo = true;
	if (!a->ticking && frames_fit_pcm(&a->frames, a->channels) &&
	    a->channels) {
		a->ticking = true;
		a->due = jitter_start(a->jitter);
		a->media = a->due.us * 6 / 125;
	}

	return 0;
}

void audio_bitrate(struct audio *a, uint32_t bps)
{
	a->cfg.bitrate_bps = bps < OPUS_BPS_MIN ? OPUS_BPS_MIN :
			     bps > OPUS_BPS_MAX ? OPUS_BPS_MAX : bps;
	if (a->enc)
		opus_enc_bitrate(a->enc, a->cfg.bitrate_bps);
}

void audio_jitter_max(struct audio *a, uint32_t max_us)
{
	if (!jitter_set_max(a->jitter, max_us))
		a->cfg.jitter_max_us = max_us;
}

uint32_t audio_wants_frames(const struct audio *a)
{
	uint32_t channels = a->stereo ? 2 : 1;

	return frames_fit_pcm(&a->frames, channels) ? 0 : channels;
}

/* New codec states; the old ones stay when there is no memory. */
static int make_codecs(struct audio *a, uint32_t channels)
{
	struct opus_enc_cfg cfg = {
		.channels = channels, .bitrate_bps = a->cfg.bitrate_bps,
		.complexity = a->cfg.complexity,
		.loss_percent = AUDIO_LOSS_PERCENT,
	};
	struct opus_dec *dec;
	struct opus_enc *enc;
	int err = opus_dec_new(&dec, channels);

	if (err)
		return err;
	err = opus_enc_new(&enc, &cfg);
	if (err) {
		opus_dec_free(dec);
		return err;
	}
	opus_dec_free(a->dec);
	opus_enc_free(a->enc);
	a->dec = dec;
	a->enc = enc;
	a->channels = channels;
	a->queued = 0;

	return 0;
}

int audio_take_frames(struct audio *a, const struct frame_shape *shape, int fd)
{
	int err = frames_take(&a->frames, shape, fd);

	if (!err && a->channels != shape->channels)
		err = make_codecs(a, shape->channels);
	if (!err && !a->ticking) {
		a->due = jitter_start(a->jitter);
		a->ticking = a->due.us != MONO_NEVER.us;
		if (a->ticking)
			a->media = a->due.us * 6 / 125;
	}

	return err;
}

struct mono audio_due(const struct audio *a)
{
	return a->ticking ? a->due : MONO_NEVER;
}

/* Exactly `samples`, whatever libopus can make at a time. */
static int conceal(struct audio *a, int16_t *pcm, uint32_t samples)
{
	uint32_t whole = samples - samples % STEP, rest = samples % STEP;
	int16_t more[STEP * 2];
	int n = 0;

	if (whole)
		n = opus_dec_conceal(a->dec, pcm, whole);
	if (n < 0 || !rest)
		return n;
	n = opus_dec_conceal(a->dec, more, STEP);
	if (n < 0)
		return n;
	memcpy(pcm + (size_t)whole * a->channels, more,
	       (size_t)rest * a->channels * sizeof(int16_t));

	return (int)samples;
}

/* f->samples of room are enough: a packet that holds more is broken. */
static int decode(struct audio *a, const struct jitter_frame *f, int16_t *pcm)
{
	int n = -EBADMSG;

	if (f->turn == JITTER_PLAY)
		n = opus_dec_run(a->dec, f->bytes, f->len, pcm, f->samples);
	else if (f->turn == JITTER_FEC && f->samples % STEP == 0)
		n = opus_dec_fec(a->dec, f->bytes, f->len, pcm, f->samples);
	if (n >= 0)
		return n;
	if (f->turn == JITTER_PLAY)
		a->stats.bad++;

	return conceal(a, pcm, f->samples);
}

/* Decodes behind what is queued. */
static int decode_queued(struct audio *a, const struct jitter_frame *f)
{
	int16_t *at = a->queue + (size_t)a->queued * a->channels;
	struct stretch s = { .pcm = at, .channels = a->channels };
	int n = decode(a, f, at);
	int32_t by;

	if (n < 0)
		return n;
	s.samples = (uint32_t)n;
	by = f->turn == JITTER_PLAY ? stretch_run(&s, f->stretch, f->urgent) :
				      0;
	if (by < 0)
		a->stats.removed += (uint64_t)-by;
	else
		a->stats.added += (uint64_t)by;
	a->queued += s.samples;

	return 0;
}

static bool is_plain(const struct audio *a, const struct jitter_frame *f)
{
	return f->samples == OPUS_FRAME && !a->queued &&
	       (!f->stretch || f->turn != JITTER_PLAY);
}

static void take_queue(struct audio *a, int16_t *pcm)
{
	size_t frame = (size_t)OPUS_FRAME * a->channels;

	memcpy(pcm, a->queue, frame * sizeof(int16_t));
	a->queued -= OPUS_FRAME;
	memmove(a->queue, a->queue + frame,
		(size_t)a->queued * a->channels * sizeof(int16_t));
}

/* 20 ms into the slot. 1, 0 when the input has ended, or negative. */
static int fill(struct audio *a, int16_t *pcm)
{
	struct jitter_frame f;
	int n;

	for (int i = 0; a->queued < OPUS_FRAME; i++) {
		if (i == PULLS)
			return -EBADMSG;
		jitter_pull(a->jitter, a->due, a->queued, &f);
		if (f.turn == JITTER_NOTHING)
			return 0;
		if (f.arrival.us)
			a->heard = f.arrival;
		if (is_plain(a, &f)) {
			n = decode(a, &f, pcm);
			return n < 0 ? n : 1;
		}
		n = decode_queued(a, &f);
		if (n < 0)
			return n;
	}
	take_queue(a, pcm);

	return 1;
}

int audio_open_tap(struct audio *a)
{
	if (!a->tap)
		a->tap = calloc(1, sizeof(*a->tap));

	return a->tap ? 0 : -ENOMEM;
}

uint64_t audio_frames(const struct audio *a)
{
	return a->frames_made;
}

struct mono audio_heard(const struct audio *a)
{
	return a->made;
}

const int16_t *audio_frame(const struct audio *a, uint64_t number,
			   uint32_t *channels)
{
	unsigned at = number % MIX_KEEP;

	if (!a->tap || number > a->frames_made ||
	    number + MIX_KEEP <= a->frames_made || !a->tap->channels[at])
		return NULL;
	*channels = a->tap->channels[at];

	return a->tap->pcm[at];
}

static void keep_frame(struct audio *a, const int16_t *pcm)
{
	unsigned at = ++a->frames_made % MIX_KEEP;

	a->made = a->due;
	if (!a->tap)
		return;
	a->tap->channels[at] = a->channels;
	memcpy(a->tap->pcm[at], pcm,
	       (size_t)OPUS_FRAME * a->channels * sizeof(int16_t));
}

uint8_t audio_level(const int16_t *pcm, uint32_t values)
{
	int64_t sum = 0;
	double level;

	for (uint32_t i = 0; i < values; i++)
		sum += pcm[i] * pcm[i];
	if (sum == 0)
		return 127;
	level = -10 * log10((double)sum / values / (32768.0 * 32768.0));

	return level > 127 ? 127 : level < 0 ? 0 : (uint8_t)level;
}

/* Decodes into a slot and encodes from it. *filled: there was something. */
static int pass(struct audio *a, struct record *out, void *packet, size_t cap,
		bool *filled)
{
	struct frame_meta meta = { .samples = OPUS_FRAME };
	void *planes[FRAME_PLANES];
	int err = frame_loan(&a->frames.writer, &meta, planes);

	if (err)
		return err;
	err = fill(a, planes[0]);
	if (err <= 0) {
		frame_cancel(&a->frames.writer);
		return err;
	}
	meta.pts_us = a->due.us;
	meta.source = a->cfg.peer;
	err = frame_commit(&a->frames.writer, &meta);
	if (err)
		return err;
	keep_frame(a, planes[0]);
	*filled = true;
	if (!packet)
		return 0;
	out->level = audio_level(planes[0], OPUS_FRAME * a->channels);

	return opus_enc_run(a->enc, planes[0], packet, cap);
}

/* A process that was stopped does not play the past. */
static void skip_missed(struct audio *a, struct mono now)
{
	int64_t behind = mono_since(now, a->due), n;

	if (behind < LATE_US)
		return;
	n = behind / AUDIO_TICK_US;
	a->due = mono_add(a->due, n * AUDIO_TICK_US);
	a->media += n * OPUS_FRAME;
	a->stats.missed += (uint64_t)n;
}

int audio_tick(struct audio *a, struct mono now, struct record *out,
	       void *packet, size_t cap)
{
	bool filled = false;
	int n;

	if (!a->ticking || mono_before(now, a->due))
		return 0;
	skip_missed(a, now);
	*out = (struct record){
		.kind = RECORD_AUDIO, .codec = CODEC_OPUS, .track = a->track,
		.seq_first = a->seq, .seq_last = a->seq, .rtp_time = a->media,
	};
	n = pass(a, out, packet, cap, &filled);
	a->due = mono_add(a->due, AUDIO_TICK_US);
	a->media += OPUS_FRAME;
	if (n == 0 && !filled)
		a->ticking = false;
	if (n <= 0)
		return n;
	a->stats.ticks++;
	a->seq++;
	out->arrival_us = a->heard.us;
	out->bytes = (uint32_t)n;

	return 1;
}

void audio_stats(const struct audio *a, struct audio_stats *out)
{
	*out = a->stats;
	jitter_stats(a->jitter, &out->jitter);
}
