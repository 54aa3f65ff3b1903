#include "tests/client/track.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/opus.h"
#include "port/vpx.h"

#define SPEECH "/usr/share/asterisk/sounds/en_US_f_Allison/"

enum { WAV_HEAD = 44, FROM_HZ = 8000, UP = 48000 / FROM_HZ };

static const char *const spoken[] = {
	"demo-congrats.wav", "demo-instruct.wav", "demo-moreinfo.wav",
	"demo-thanks.wav",
};

void track_free(struct track *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->count; i++)
		free(t->frames[i].bytes);
	free(t->frames);
	free(t);
}

static int track_new(struct track **out, unsigned frames)
{
	struct track *t = calloc(1, sizeof(*t));

	if (t)
		t->frames = calloc(frames, sizeof(*t->frames));
	if (!t || !t->frames) {
		track_free(t);
		return -ENOMEM;
	}
	t->cap = frames;
	*out = t;

	return 0;
}

static int add(struct track *t, const void *bytes, size_t len, bool key)
{
	uint8_t *copy = malloc(len);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, bytes, len);
	t->frames[t->count++] = (struct track_frame){ copy, len, key };

	return 0;
}

/* Samples at 8 kHz of all files, up to max. */
static int read_speech(int16_t *pcm, size_t max, size_t *count)
{
	*count = 0;
	for (size_t i = 0; i < ARRAY_LEN(spoken) && *count < max; i++) {
		char path[256];
		FILE *f;

		snprintf(path, sizeof(path), SPEECH "%s", spoken[i]);
		f = fopen(path, "rb");
		if (!f)
			return -ENOENT;
		fseek(f, WAV_HEAD, SEEK_SET);
		*count += fread(pcm + *count, sizeof(*pcm), max - *count, f);
		fclose(f);
	}

	return *count > 4 ? 0 : -ENOENT;
}

static int16_t clamp(int v)
{
	return (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
}

/* Catmull-Rom between samples: smooth enough for a speech coder. */
static void upsample(const int16_t *in, size_t at, size_t count, int16_t *out)
{
	for (size_t i = 0; i < OPUS_FRAME; i++) {
		size_t k = (at + i / UP) % (count - 3);
		double t = (double)(i % UP) / UP;
		double a = in[k], b = in[k + 1], c = in[k + 2], d = in[k + 3];
		double v = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c -
				d + t * (3 * (b - c) + d - a)));

		out[i] = clamp((int)v);
	}
}

static int code_speech(struct track *t, const int16_t *pcm, size_t count,
		       uint32_t bitrate_bps)
{
	struct opus_enc_cfg cfg = { 1, bitrate_bps, 5, 0 };
	uint8_t bytes[OPUS_ENCODED_MAX];
	int16_t frame[OPUS_FRAME];
	struct opus_enc *enc;
	int n = opus_enc_new(&enc, &cfg);

	if (n < 0)
		return n;
	while (n >= 0 && t->count < t->cap) {
		upsample(pcm, (size_t)t->count * OPUS_FRAME / UP, count,
			 frame);
		n = opus_enc_run(enc, frame, bytes, sizeof(bytes));
		if (n >= 0)
			n = add(t, bytes, (size_t)n, true);
	}
	opus_enc_free(enc);

	return n;
}

int track_speech(struct track **out, unsigned seconds, uint32_t bitrate_bps)
{
	size_t max = (size_t)FROM_HZ * seconds, count;
	int16_t *pcm = malloc(max * sizeof(*pcm));
	struct track *t;
	int err;

	if (!pcm)
		return -ENOMEM;
	err = read_speech(pcm, max, &count);
	if (!err)
		err = track_new(&t, seconds * 50);
	if (!err) {
		t->codec = RTP_OPUS;
		t->step = OPUS_FRAME;
		t->step_us = 20000;
		err = code_speech(t, pcm, count, bitrate_bps);
		if (err < 0)
			track_free(t);
		else
			*out = t;
	}
	free(pcm);

	return err < 0 ? err : 0;
}

/* Diagonal stripes that drift, and a square that crosses them. */
static void paint(uint8_t *planes[3], unsigned w, unsigned h, unsigned n)
{
	unsigned side = h / 4, left = n * 5 % (w - side);
	unsigned top = n * 3 % (h - side);

	for (unsigned y = 0; y < h; y++) {
		for (unsigned x = 0; x < w; x++) {
			bool square = x - left < side && y - top < side;
			unsigned v = (x + y + 2 * n) & 127;

			planes[0][y * w + x] = (uint8_t)(square ? 220 :
							 40 + v);
		}
	}
	memset(planes[1], (int)(100 + n % 50), (size_t)w * h / 4);
	memset(planes[2], (int)(150 - n % 50), (size_t)w * h / 4);
}

static int code_moving(struct track *t, const struct track_picture *p,
		       uint8_t *planes[3])
{
	const struct vpx_enc_cfg cfg = {
		p->codec == RTP_VP8 ? VPX_VP8 : VPX_VP9, p->width, p->height,
		p->bitrate_bps,
	};
	const struct vpx_picture in = {
		.plane = { planes[0], planes[1], planes[2] },
		.stride = { p->width, p->width / 2u, p->width / 2u },
		.width = p->width, .height = p->height,
	};
	struct vpx_coded coded;
	struct vpx_enc *enc;
	int err = vpx_enc_new(&enc, &cfg);

	if (err)
		return err;
	for (unsigned n = 0; !err && n < p->frames; n++) {
		paint(planes, p->width, p->height, n);
		err = vpx_enc_run(enc, &in, (int64_t)n * t->step, t->step,
				  n == 0, &coded);
		if (err >= 0 && coded.bytes)
			err = add(t, coded.bytes, coded.len, coded.key);
		err = err < 0 ? err : 0;
	}
	vpx_enc_free(enc);

	return err;
}

int track_moving(struct track **out, const struct track_picture *p)
{
	size_t size = (size_t)p->width * p->height;
	uint8_t *bytes = malloc(size + size / 2);
	uint8_t *planes[3] = { bytes, bytes + size, bytes + size + size / 4 };
	struct track *t;
	int err;

	if (!bytes)
		return -ENOMEM;
	err = track_new(&t, p->frames);
	if (!err) {
		t->codec = p->codec;
		t->step = 90000 / p->fps;
		t->step_us = 1000000 / p->fps;
		t->width = p->width;
		t->height = p->height;
		err = code_moving(t, p, planes);
		if (err)
			track_free(t);
		else
			*out = t;
	}
	free(bytes);

	return err;
}
