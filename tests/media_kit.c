/* media_kit.c - sound and pictures whose return can be judged */

#include "tests/media_kit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 12, CHECK = 4, CELLS = BITS + CHECK, SPEECH_MIN = 480000 };

void kit_tone(int16_t *pcm, size_t n, size_t step, double hz, int64_t from)
{
	for (size_t i = 0; i < n; i++)
		pcm[i * step] = (int16_t)(8000 * sin(2 * M_PI * hz *
			(double)(from + (int64_t)i) / KIT_HZ));
}

double kit_loudness(const int16_t *pcm, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)pcm[i] * pcm[i];

	return n ? sqrt(sum / (double)n) : 0;
}

/* Power of one frequency (Goertzel). */
static double power(const int16_t *pcm, size_t n, size_t step, double hz)
{
	double w = 2 * cos(2 * M_PI * hz / KIT_HZ), a = 0, b = 0, t;

	for (size_t i = 0; i < n; i++) {
		t = pcm[i * step] + w * a - b;
		b = a;
		a = t;
	}

	return a * a + b * b - w * a * b;
}

double kit_pitch(const int16_t *pcm, size_t n, size_t step)
{
	double best = 0, at = 0, from, to;

	for (double hz = 80; hz <= 2000; hz += 5) {
		double p = power(pcm, n, step, hz);

		if (p > best) {
			best = p;
			at = hz;
		}
	}
	if (best < 1e6)
		return 0;
	from = at - 5;
	to = at + 5;
	for (double hz = from; hz <= to; hz += 0.25) {
		double p = power(pcm, n, step, hz);

		if (p > best) {
			best = p;
			at = hz;
		}
	}

	return at;
}

/* 8000 Hz to 48000 Hz by cubic interpolation. */
static int16_t *six_times(const int16_t *in, size_t n)
{
	int16_t *out = malloc(n * 6 * sizeof(*out));

	for (size_t i = 0; out && i < n * 6; i++) {
		size_t k = i / 6;
		double t = (double)(i % 6) / 6, v;
		double p0 = k ? in[k - 1] : 0, p1 = in[k];
		double p2 = k + 1 < n ? in[k + 1] : 0;
		double p3 = k + 2 < n ? in[k + 2] : 0;

		v = p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 -
			p3 + t * (3 * (p1 - p2) + p3 - p0)));
		out[i] = v > 32767 ? 32767 : v < -32768 ? -32768 : (int16_t)v;
	}

	return out;
}

static int16_t *recorded(size_t *n)
{
	FILE *f = fopen("/usr/share/asterisk/sounds/en_US_f_Allison/"
			"demo-instruct.wav", "rb");
	int16_t *in = NULL, *out = NULL;
	size_t len = 0;

	if (!f)
		return NULL;
	in = malloc(600000 * sizeof(*in));
	if (in && fseek(f, 44, SEEK_SET) == 0)
		len = fread(in, sizeof(*in), 600000, f);
	fclose(f);
	if (len * 6 >= SPEECH_MIN)
		out = six_times(in, len);
	*n = len * 6;
	free(in);

	return out;
}

/* Harmonics of a gliding voice under syllables, with breath. */
static int16_t *synthetic(size_t *n)
{
	int16_t *out = malloc(SPEECH_MIN * sizeof(*out));
	uint32_t seed = 1;
	double phase = 0;

	*n = SPEECH_MIN;
	for (size_t i = 0; out && i < SPEECH_MIN; i++) {
		double t = (double)i / KIT_HZ, v = 0;
		double loud = 0.5 + 0.5 * sin(2 * M_PI * 3.1 * t);

		phase += 2 * M_PI * (140 + 30 * sin(2 * M_PI * 0.7 * t)) /
			 KIT_HZ;
		for (int h = 1; h <= 20; h++)
			v += sin(phase * h) / h;
		seed = seed * 1664525 + 1013904223;
		v += 0.3 * ((double)(seed >> 8) / 8388608 - 1);
		out[i] = (int16_t)(4000 * loud * loud * v);
	}

	return out;
}

const int16_t *kit_speech(size_t *n, int *real)
{
	static int16_t *speech;
	static size_t len;
	static int is_real;

	if (!speech) {
		speech = recorded(&len);
		is_real = speech != NULL;
		if (!speech)
			speech = synthetic(&len);
	}
	*n = len;
	if (real)
		*real = is_real;

	return speech;
}

int kit_picture_new(struct kit_picture *p, uint32_t width, uint32_t height)
{
	size_t luma = (size_t)width * height;
	uint32_t cw = (width + 1) / 2, ch = (height + 1) / 2;

	*p = (struct kit_picture){ .width = width, .height = height };
	p->bytes = malloc(luma + 2 * (size_t)cw * ch);
	if (!p->bytes)
		return -ENOMEM;
	p->plane[0] = p->bytes;
	p->plane[1] = p->bytes + luma;
	p->plane[2] = p->plane[1] + (size_t)cw * ch;
	p->stride[0] = width;
	p->stride[1] = p->stride[2] = cw;

	return 0;
}

/* Twelve bits of number and a check of four, in two rows of eight cells
 * that fill the upper quarter. */
static uint32_t cells_of(uint32_t code)
{
	code %= KIT_CODES;

	return code << CHECK |
	       ((code ^ code >> 4 ^ code >> 8 ^ 0x9) & 0xf);
}

static void draw_code(struct kit_picture *p, uint32_t code)
{
	uint32_t cells = cells_of(code);
	uint32_t w = p->width / 8, h = p->height / 8;

	for (uint32_t i = 0; i < CELLS; i++) {
		uint8_t v = cells >> (CELLS - 1 - i) & 1 ? 235 : 16;

		for (uint32_t y = 0; y < h; y++)
			memset(p->plane[0] + (i / 8 * h + y) * p->stride[0] +
			       i % 8 * w, v, w);
	}
}

void kit_picture_draw(struct kit_picture *p, uint32_t code)
{
	uint32_t seed = code * 2654435761u + 1;

	for (uint32_t y = 0; y < p->height; y++) {
		uint8_t *row = p->plane[0] + (size_t)y * p->stride[0];

		for (uint32_t x = 0; x < p->width; x++) {
			uint32_t a = (x + code * 3) / 24 ^ (y + code) / 24;

			seed = seed * 1664525 + 1013904223;
			row[x] = (uint8_t)(60 + (a * 37) % 120 +
					   (x + 2 * y + code * 5) % 24 +
					   (seed >> 29));
		}
	}
	for (int c = 1; c < 3; c++)
		for (uint32_t y = 0; y < (p->height + 1) / 2; y++)
			for (uint32_t x = 0; x < (p->width + 1) / 2; x++)
				p->plane[c][(size_t)y * p->stride[c] + x] =
					(uint8_t)(100 + (x + y + code * c) /
						  8 % 56);
	draw_code(p, code);
}

int kit_picture_read(const uint8_t *luma, uint32_t stride, uint32_t width,
		     uint32_t height)
{
	uint32_t w = width / 8, h = height / 8, cells = 0, code;

	for (uint32_t i = 0; i < CELLS; i++) {
		uint32_t x0 = i % 8 * w + w / 4, y0 = i / 8 * h + h / 4;
		uint32_t sum = 0, n = 0;

		for (uint32_t y = 0; y < h / 2; y++)
			for (uint32_t x = 0; x < w / 2; x++, n++)
				sum += luma[(y0 + y) * (size_t)stride + x0 + x];
		cells = cells << 1 | (n && sum / n > 125);
	}
	code = cells >> CHECK;

	return cells_of(code) == cells ? (int)code : -1;
}
