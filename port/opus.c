/* opus.c - libopus, the only file that includes it */

#include "port/opus.h"

#include <errno.h>
#include <opus.h>
#include <stdlib.h>
#include <string.h>

enum { HZ = 48000, STEP = 120 };

struct opus_dec {
	OpusDecoder *state;
	uint32_t channels;
};

struct opus_enc {
	OpusEncoder *state;
};

static int error_of(int opus)
{
	switch (opus) {
	case OPUS_ALLOC_FAIL:
		return -ENOMEM;
	case OPUS_INVALID_PACKET:
	case OPUS_BUFFER_TOO_SMALL:
		return -EBADMSG;
	default:
		return -EINVAL;
	}
}

int opus_dec_new(struct opus_dec **out, uint32_t channels)
{
	struct opus_dec *d;
	int err = 0;

	if (channels < 1 || channels > 2)
		return -EINVAL;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->channels = channels;
	d->state = opus_decoder_create(HZ, (int)channels, &err);
	if (!d->state) {
		free(d);
		return error_of(err);
	}
	*out = d;

	return 0;
}

void opus_dec_free(struct opus_dec *d)
{
	if (!d)
		return;
	opus_decoder_destroy(d->state);
	free(d);
}

int opus_dec_run(struct opus_dec *d, const void *bytes, size_t len,
		 int16_t *pcm, uint32_t cap)
{
	int n;

	if (!len || len > INT32_MAX)
		return -EBADMSG;
	n = opus_decode(d->state, bytes, (opus_int32)len, pcm, (int)cap, 0);

	return n < 0 ? error_of(n) : n;
}

int opus_dec_fec(struct opus_dec *d, const void *next, size_t len,
		 int16_t *pcm, uint32_t samples)
{
	int n;

	if (!len || len > INT32_MAX || samples % STEP)
		return -EINVAL;
	n = opus_decode(d->state, next, (opus_int32)len, pcm, (int)samples, 1);

	return n < 0 ? error_of(n) : n;
}

int opus_dec_conceal(struct opus_dec *d, int16_t *pcm, uint32_t samples)
{
	int n;

	samples -= samples % STEP;
	if (samples < STEP || samples > OPUS_DECODE_MAX)
		return -EINVAL;
	n = opus_decode(d->state, NULL, 0, pcm, (int)samples, 0);

	return n < 0 ? error_of(n) : n;
}

static int configure(OpusEncoder *state, const struct opus_enc_cfg *cfg)
{
	int bad = 0;

	bad |= opus_encoder_ctl(state,
			OPUS_SET_BITRATE((opus_int32)cfg->bitrate_bps));
	bad |= opus_encoder_ctl(state,
			OPUS_SET_COMPLEXITY((opus_int32)cfg->complexity));
	bad |= opus_encoder_ctl(state,
			OPUS_SET_INBAND_FEC(cfg->loss_percent ? 1 : 0));
	bad |= opus_encoder_ctl(state,
			OPUS_SET_PACKET_LOSS_PERC(
				(opus_int32)cfg->loss_percent));
	bad |= opus_encoder_ctl(state, OPUS_SET_DTX(0));

	return bad ? -EINVAL : 0;
}

int opus_enc_new(struct opus_enc **out, const struct opus_enc_cfg *cfg)
{
	struct opus_enc *e;
	int err = 0;

	if (cfg->channels < 1 || cfg->channels > 2 ||
	    cfg->bitrate_bps < OPUS_BPS_MIN ||
	    cfg->bitrate_bps > OPUS_BPS_MAX || cfg->complexity > 10 ||
	    cfg->loss_percent > 100)
		return -EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->state = opus_encoder_create(HZ, (int)cfg->channels,
				       OPUS_APPLICATION_VOIP, &err);
	if (!e->state) {
		free(e);
		return error_of(err);
	}
	err = configure(e->state, cfg);
	if (err) {
		opus_enc_free(e);
		return err;
	}
	*out = e;

	return 0;
}

void opus_enc_free(struct opus_enc *e)
{
	if (!e)
		return;
	opus_encoder_destroy(e->state);
	free(e);
}

int opus_enc_run(struct opus_enc *e, const int16_t *pcm, void *out, size_t cap)
{
	int n = opus_encode(e->state, pcm, OPUS_FRAME, out,
			    cap > OPUS_ENCODED_MAX ? OPUS_ENCODED_MAX :
						     (opus_int32)cap);

	return n < 0 ? error_of(n) : n;
}

void opus_enc_bitrate(struct opus_enc *e, uint32_t bps)
{
	if (bps < OPUS_BPS_MIN)
		bps = OPUS_BPS_MIN;
	if (bps > OPUS_BPS_MAX)
		bps = OPUS_BPS_MAX;
	opus_encoder_ctl(e->state, OPUS_SET_BITRATE((opus_int32)bps));
}
