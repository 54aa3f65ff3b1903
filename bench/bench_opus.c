/*
 * bench_opus.c - the worker's sound path against bare libopus
 *
 * The same recorded speech, coded once, goes packet by packet through the
 * worker's own path (jitter buffer, decode, frame ring, encode) and through
 * a bare decode and encode with the same settings. CPU time of this thread;
 * the two alternate, the median of the ratios counts.
 */

#include "core/media/jitter.h"
#include "media-worker/audio.h"
#include "port/opus.h"
#include "tests/media_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PACKETS = 600, ROUNDS = 7 };

static struct packet {
	uint8_t bytes[1500];
	int len;
} packets[PACKETS];

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);

	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void die(const char *what, int err)
{
	fprintf(stderr, "bench_opus: %s: %d\n", what, err);
	exit(1);
}

static void code_speech(void)
{
	struct opus_enc_cfg cfg = { 1, 64000, 9, 0 };
	struct opus_enc *e;
	const int16_t *speech;
	size_t n;
	int real;

	speech = kit_speech(&n, &real);
	if (opus_enc_new(&e, &cfg))
		die("encoder", 0);
	for (size_t i = 0; i < PACKETS; i++)
		packets[i].len = opus_enc_run(e, speech + i * KIT_FRAME %
			(n - KIT_FRAME), packets[i].bytes, 1500);
	opus_enc_free(e);
	printf("input: %s speech, %d packets of 20 ms\n",
	       real ? "recorded" : "synthetic", PACKETS);
}

static double run_bare(void)
{
	struct opus_enc_cfg cfg = { 1, AUDIO_BITRATE_BPS, AUDIO_COMPLEXITY,
				    AUDIO_LOSS_PERCENT };
	struct opus_enc *e;
	struct opus_dec *d;
	int16_t pcm[KIT_FRAME];
	uint8_t out[1500];
	double from;

	if (opus_enc_new(&e, &cfg) || opus_dec_new(&d, 1))
		die("bare codecs", 0);
	from = cpu_us();
	for (int i = 0; i < PACKETS; i++) {
		int n = opus_dec_run(d, packets[i].bytes,
				     (size_t)packets[i].len, pcm, KIT_FRAME);

		if (n != KIT_FRAME || opus_enc_run(e, pcm, out, 1500) < 0)
			die("bare", n);
	}
	from = cpu_us() - from;
	opus_enc_free(e);
	opus_dec_free(d);

	return from / PACKETS;
}

static void give_frames(struct audio *a)
{
	struct frame_shape shape = frames_pcm(1);
	int fd = region_create("bench", REGION_FRAMES,
			       frame_ring_bytes(&shape), 1, 1);
	int err = fd < 0 ? fd : audio_take_frames(a, &shape, fd);

	if (err)
		die("frame ring", err);
	close(fd);
}

static double run_worker(void)
{
	struct audio_cfg cfg = { 200000, AUDIO_BITRATE_BPS, AUDIO_COMPLEXITY,
				 1 };
	struct record rec = { .kind = RECORD_AUDIO, .codec = CODEC_OPUS }, out;
	struct audio *a;
	uint8_t packet[1500];
	int64_t now = 1000000;
	double from;
	int sent = 0;

	if (audio_new(&a, &cfg))
		die("audio", 0);
	give_frames(a);
	from = cpu_us();
	for (int i = 0; i < PACKETS; i++, now += 20000) {
		rec.seq_first = i;
		rec.rtp_time = (int64_t)i * KIT_FRAME;
		rec.arrival_us = now;
		rec.bytes = (uint32_t)packets[i].len;
		if (audio_push(a, &rec, packets[i].bytes, mono_at(now)))
			die("push", i);
		sent += audio_tick(a, mono_at(now), &out, packet,
				   sizeof(packet)) == 1;
	}
	from = cpu_us() - from;
	audio_free(a);
	if (sent < PACKETS - 2)
		die("packets out", sent);

	return from / sent;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	double ratio[ROUNDS], bare = 0, ours = 0;

	code_speech();
	run_bare();
	for (int i = 0; i < ROUNDS; i++) {
		double b = run_bare(), w = run_worker();

		ratio[i] = w / b;
		bare += b / ROUNDS;
		ours += w / ROUNDS;
	}
	qsort(ratio, ROUNDS, sizeof(ratio[0]), by_value);
	printf("opus decode + encode, VOIP %d kbit/s, complexity %d, FEC for "
	       "%d %% loss\n", AUDIO_BITRATE_BPS / 1000, AUDIO_COMPLEXITY,
	       AUDIO_LOSS_PERCENT);
	printf("  bare libopus   %7.1f us a frame\n", bare);
	printf("  media-worker   %7.1f us a frame\n", ours);
	printf("  ratio          %7.3f (median of %d; goal 1.10)\n",
	       ratio[ROUNDS / 2], ROUNDS);

	return 0;
}
