/*
 * bench_vpx.c - the worker's picture path against bare libvpx
 *
 * The same moving picture, coded once, goes through the worker's own path
 * (head check, decode, copy into the frame ring, encode) and through a bare
 * decode and encode with the same settings. CPU time of this thread; the two
 * take turns at every picture, the median of the rounds' ratios counts.
 */

#include "media-worker/coder.h"
#include "port/vpx.h"
#include "tests/media_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PICTURES = 60, ROUNDS = 5, FPS = 30, STEP = 90000 / FPS,
       START_US = 100000000 };

static struct coded {
	uint8_t *bytes;
	size_t len;
} coded[PICTURES];

struct scene {
	enum vpx_kind kind;
	uint32_t width, height, bitrate_bps;
};

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);

	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void die(const char *what, int err)
{
	fprintf(stderr, "bench_vpx: %s: %d\n", what, err);
	exit(1);
}

static struct vpx_enc_cfg cfg_of(const struct scene *s)
{
	return (struct vpx_enc_cfg){ s->kind, s->width, s->height,
				     s->bitrate_bps };
}

static void code_scene(const struct scene *s)
{
	struct vpx_enc_cfg cfg = cfg_of(s);
	struct kit_picture p;
	struct vpx_enc *e;

	if (vpx_enc_new(&e, &cfg) ||
	    kit_picture_new(&p, s->width, s->height))
		die("encoder", 0);
	for (uint32_t i = 0; i < PICTURES; i++) {
		struct vpx_picture in = {
			{ p.plane[0], p.plane[1], p.plane[2] },
			{ p.stride[0], p.stride[1], p.stride[2] },
			p.width, p.height };
		struct vpx_coded out;

		kit_picture_draw(&p, i);
		if (vpx_enc_run(e, &in, (int64_t)i * STEP, STEP, false, &out))
			die("encode", (int)i);
		free(coded[i].bytes);
		coded[i].bytes = out.bytes ? malloc(out.len) : NULL;
		coded[i].len = out.len;
		if (out.bytes)
			memcpy(coded[i].bytes, out.bytes, out.len);
	}
	vpx_enc_free(e);
	free(p.bytes);
}

struct bare {
	struct vpx_enc *enc;
	struct vpx_dec *dec;
};

static double bare_step(struct bare *b, int i)
{
	struct vpx_picture pic;
	struct vpx_coded out;
	double from = cpu_us();

	if (vpx_dec_run(b->dec, coded[i].bytes, coded[i].len, &pic) != 1 ||
	    vpx_enc_run(b->enc, &pic, (int64_t)i * STEP, STEP, false, &out))
		die("bare", i);

	return cpu_us() - from;
}

static void give_frames(struct coder *c)
{
	struct frame_shape shape;
	int fd, err;

	if (!coder_wants_frames(c, &shape))
		return;
	fd = region_create("bench", REGION_FRAMES, frame_ring_bytes(&shape),
			   1, 1);
	err = fd < 0 ? fd : coder_take_frames(c, &shape, fd);
	if (err)
		die("frame ring", err);
	close(fd);
}

static double worker_step(struct coder *c, const struct scene *s, int i)
{
	struct record rec = {
		.kind = RECORD_VIDEO, .bytes = (uint32_t)coded[i].len,
		.codec = s->kind == VPX_VP9 ? CODEC_VP9 : CODEC_VP8,
		.rtp_time = (int64_t)i * STEP,
		.arrival_us = START_US + (int64_t)i * 1000000 / FPS,
	}, out;
	const void *payload;
	double from = cpu_us();

	if (coder_decode(c, &rec, coded[i].bytes) != 1)
		die("decode", i);
	give_frames(c);
	if (coder_take(c, mono_at(rec.arrival_us)) != 1 ||
	    coder_encode(c, coder_codec(c), mono_at(rec.arrival_us), &out,
			 &payload) < 0)
		die("encode", i);

	return cpu_us() - from;
}

/* Both side by side, picture by picture; the first (set-up) does not count. */
static double round_of(const struct scene *s, double *bare_us, double *ours_us)
{
	struct vpx_enc_cfg cfg = cfg_of(s);
	struct coder *c;
	struct bare b;
	double bare = 0, ours = 0;
	int n = 0;

	if (vpx_enc_new(&b.enc, &cfg) || vpx_dec_new(&b.dec, s->kind) ||
	    coder_new(&c, 1))
		die("codecs", 0);
	coder_bitrate(c, CODEC_VP8, s->bitrate_bps);
	coder_bitrate(c, CODEC_VP9, s->bitrate_bps);
	for (int i = 0; i < PICTURES; i++) {
		double x, y;

		if (!coded[i].bytes)
			continue;
		if (i & 1) {
			x = bare_step(&b, i);
			y = worker_step(c, s, i);
		} else {
			y = worker_step(c, s, i);
			x = bare_step(&b, i);
		}
		if (i == 0)
			continue;
		bare += x;
		ours += y;
		n++;
	}
	vpx_enc_free(b.enc);
	vpx_dec_free(b.dec);
	coder_free(c);
	*bare_us += bare / n / ROUNDS;
	*ours_us += ours / n / ROUNDS;

	return ours / bare;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void bench(const struct scene *s)
{
	double ratio[ROUNDS], bare = 0, ours = 0;

	code_scene(s);
	for (int i = 0; i < ROUNDS; i++)
		ratio[i] = round_of(s, &bare, &ours);
	qsort(ratio, ROUNDS, sizeof(ratio[0]), by_value);
	printf("%s %ux%u, %u kbit/s: decode + encode, one thread\n",
	       s->kind == VPX_VP9 ? "VP9" : "VP8", s->width, s->height,
	       s->bitrate_bps / 1000);
	printf("  bare libvpx    %9.0f us a picture\n", bare);
	printf("  media-worker   %9.0f us a picture\n", ours);
	printf("  ratio          %9.3f (median of %d; goal 1.10)\n",
	       ratio[ROUNDS / 2], ROUNDS);
}

int main(void)
{
	static const struct scene scenes[] = {
		{ VPX_VP9, 1280, 720, 2000000 },
		{ VPX_VP9, 640, 360, 600000 },
		{ VPX_VP8, 640, 360, 600000 },
	};

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		bench(&scenes[i]);

	return 0;
}
