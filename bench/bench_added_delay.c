/*
 * bench_added_delay.c - what the worker adds to sound, beside a picture
 *
 * The real media-worker on core 0: one peer speaks (recorded speech through
 * encoded ring, jitter buffer, decode, encode, ring), another one has its
 * picture decoded and encoded at 30 a second on the same core. An outgoing
 * record's media time is the moment at which it was due, so its delay is
 * the moment it is read here minus that: lateness of the timer, decode,
 * encode, ring, wake. The jitter buffer is apart, printed beside.
 *
 * In the same run, a bare wake: a thread on the worker's core with the
 * worker's priority sleeps on a pipe, one byte a time.
 */

#include "common/clock.h"
#include "port/opus.h"
#include "port/vpx.h"
#include "shm/doorbell.h"
#include "tests/media_kit.h"
#include "tests/media_play.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SECONDS = 10, PACKETS = 500, PICTURES = 90, FPS = 30,
	SAMPLES = SECONDS * 60, WARM = 50,
};

static struct coded {
	uint8_t *bytes;
	size_t len;
	bool key;
} sound[PACKETS], pictures[PICTURES];

struct series {
	double us[SAMPLES];
	int n;
};

struct wake {
	int ends[2];
	_Atomic int64_t rung;	/* us; 0: heard */
	_Atomic bool stop;
	struct series got;
};

static uint8_t buffer[RECORD_PAYLOAD_VIDEO];

static void add(struct series *s, double us)
{
	if (s->n < SAMPLES)
		s->us[s->n++] = us;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double at(struct series *s, int percent)
{
	if (!s->n)
		return 0;
	qsort(s->us, (size_t)s->n, sizeof(s->us[0]), by_value);

	return s->us[(s->n - 1) * percent / 100];
}

static void keep(struct coded *c, const void *bytes, size_t len)
{
	free(c->bytes);
	c->bytes = malloc(len);
	c->len = len;
	if (c->bytes)
		memcpy(c->bytes, bytes, len);
}

static void code_sound(void)
{
	struct opus_enc_cfg cfg = { 1, 64000, 9, 0 };
	const int16_t *speech;
	struct opus_enc *e;
	uint8_t packet[1500];
	size_t n;
	int len;

	speech = kit_speech(&n, NULL);
	if (opus_enc_new(&e, &cfg))
		play_die("encoder");
	for (size_t i = 0; i < PACKETS; i++) {
		len = opus_enc_run(e, speech + i * KIT_FRAME, packet,
				   sizeof(packet));
		if (len < 0)
			play_die("speech: %d", len);
		keep(&sound[i], packet, (size_t)len);
	}
	opus_enc_free(e);
}

static void code_pictures(uint32_t width, uint32_t height, uint32_t bps)
{
	struct vpx_enc_cfg cfg = { VPX_VP9, width, height, bps };
	struct kit_picture p;
	struct vpx_enc *e;

	if (vpx_enc_new(&e, &cfg) || kit_picture_new(&p, width, height))
		play_die("video encoder");
	for (uint32_t i = 0; i < PICTURES; i++) {
		struct vpx_picture in = {
			{ p.plane[0], p.plane[1], p.plane[2] },
			{ p.stride[0], p.stride[1], p.stride[2] },
			p.width, p.height };
		struct vpx_coded out;

		kit_picture_draw(&p, i);
		if (vpx_enc_run(e, &in, (int64_t)i * 3000, 3000, i == 0, &out))
			play_die("picture");
		keep(&pictures[i], out.bytes, out.len);
		pictures[i].key = out.key;
	}
	vpx_enc_free(e);
	free(p.bytes);
}

static void place(int core, bool fifo)
{
	struct sched_param p = { .sched_priority = 5 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
	if (fifo)
		(void)sched_setscheduler(0, SCHED_FIFO, &p);
}

static void *run_wake(void *arg)
{
	struct wake *w = arg;
	struct pollfd pfd = { .fd = w->ends[0], .events = POLLIN };

	place(0, true);
	while (!atomic_load(&w->stop)) {
		int64_t now, rung;

		if (poll(&pfd, 1, 100) <= 0)
			continue;
		now = mono_now().us;
		(void)!doorbell_hear(w->ends[0]);
		rung = atomic_exchange(&w->rung, 0);
		if (rung)
			add(&w->got, (double)(now - rung));
	}

	return NULL;
}

static void send_sound(struct play_link *l, int i)
{
	const struct coded *c = &sound[i % PACKETS];
	struct record rec = {
		.kind = RECORD_AUDIO, .codec = CODEC_OPUS, .seq_first = i,
		.seq_last = i, .rtp_time = (int64_t)i * KIT_FRAME,
		.bytes = (uint32_t)c->len, .arrival_us = mono_now().us,
	};

	(void)!link_send_audio(&l->end, &rec, c->bytes);
}

static void send_picture(struct play_link *l, int i)
{
	const struct coded *c = &pictures[i % PICTURES];
	struct record rec = {
		.kind = RECORD_VIDEO, .codec = CODEC_VP9, .seq_first = i,
		.flags = c->key ? RECORD_KEY : 0,
		.seq_last = i, .rtp_time = (int64_t)i * 3000,
		.bytes = (uint32_t)c->len, .arrival_us = mono_now().us,
	};

	if (c->len)
		(void)!link_send_video(&l->end, &rec, c->bytes);
}

struct run {
	struct play *play;
	struct play_link talk, show;
	struct series added, total, picture;
	struct wake wake;
	int heard, seen;
};

static void hear(struct run *r)
{
	struct record rec;
	uint64_t lost;

	while (ering_read(&r->talk.end.audio_in, &rec, buffer, sizeof(buffer),
			  &lost) == 1) {
		double now = (double)mono_now().us;

		if (r->heard++ < WARM)
			continue;
		add(&r->added, now - (double)rec.rtp_time * 125 / 6);
		add(&r->total, now - (double)rec.arrival_us);
	}
}

static void see(struct run *r)
{
	struct record rec;
	uint64_t lost;

	while (ering_read(&r->show.end.video_in, &rec, buffer, sizeof(buffer),
			  &lost) == 1)
		if (rec.kind == RECORD_VIDEO && r->seen++ > 10)
			add(&r->picture, (double)(mono_now().us -
						  rec.arrival_us));
}

/* Reads both rings and sleeps as an ice-worker does, until `due`. */
static void attend(struct run *r, int64_t due)
{
	struct pollfd pfd[3] = {
		{ .fd = r->talk.bell, .events = POLLIN },
		{ .fd = r->show.bell, .events = POLLIN },
		{ .fd = r->play->ctl, .events = POLLIN },
	};

	for (;;) {
		int64_t left = due - mono_now().us;
		struct timespec ts = { 0, left * 1000 };
		bool asleep;

		if (left <= 0)
			return;
		ering_wake(&r->talk.end.audio_in);
		ering_wake(&r->show.end.video_in);
		hear(r);
		see(r);
		asleep = ering_sleep(&r->talk.end.audio_in) &&
			 ering_sleep(&r->show.end.video_in);
		if (asleep && ppoll(pfd, 3, &ts, NULL) > 0) {
			(void)!doorbell_hear(r->talk.bell);
			(void)!doorbell_hear(r->show.bell);
			hear(r);
			see(r);
			if (pfd[2].revents)
				play_turn(r->play, 0);
		}
	}
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void run(struct run *r)
{
	int64_t start = mono_now().us + 20000, end = start + SECONDS * 1000000;
	int64_t audio = start, video = start + 3000, wake = start + 7000;
	int a = 0, v = 0;

	while (mono_now().us < end) {
		int64_t now;

		attend(r, least(audio, least(video, wake)));
		now = mono_now().us;
		if (now >= audio) {
			send_sound(&r->talk, a++);
			audio += 20000;
		}
		if (now >= video) {
			send_picture(&r->show, v++);
			video += 1000000 / FPS;
		}
		if (now >= wake) {
			atomic_store(&r->wake.rung, mono_now().us);
			doorbell_ring(r->wake.ends[1]);
			wake += 21000;
		}
	}
}

static void scene(struct play *p, uint32_t width, uint32_t height,
		  uint32_t bps, uint64_t peer)
{
	struct run *r = calloc(1, sizeof(*r));
	struct record bitrate = { .kind = RECORD_BITRATE, .value = bps };
	pthread_t thread;

	code_pictures(width, height, bps);
	r->play = p;
	play_link(p, &r->talk, peer, 1, LINK_AUDIO);
	play_link(p, &r->show, peer + 1, 1, LINK_VIDEO);
	(void)!link_send_video(&r->show.end, &bitrate, NULL);
	if (doorbell_new(r->wake.ends) ||
	    pthread_create(&thread, NULL, run_wake, &r->wake))
		play_die("no thread for the bare wake");
	run(r);
	atomic_store(&r->wake.stop, true);
	doorbell_ring(r->wake.ends[1]);
	pthread_join(thread, NULL);
	play_unlink(p, &r->talk);
	play_unlink(p, &r->show);
	printf("beside VP9 %ux%u at %d/s on the same core, %d s\n", width,
	       height, FPS, SECONDS);
	printf("  bare wake           p50 %7.0f us   p99 %7.0f us  (%d)\n",
	       at(&r->wake.got, 50), at(&r->wake.got, 99), r->wake.got.n);
	printf("  sound, added delay  p50 %7.0f us   p99 %7.0f us  (%d packets;"
	       " goal 2000, 10000)\n", at(&r->added, 50), at(&r->added, 99),
	       r->added.n);
	printf("  sound, in to out    p50 %7.0f us   p99 %7.0f us  (jitter "
	       "buffer included)\n", at(&r->total, 50), at(&r->total, 99));
	printf("  picture, in to out  p50 %7.0f us   p99 %7.0f us  (%d of %d)"
	       "\n", at(&r->picture, 50), at(&r->picture, 99), r->seen,
	       SECONDS * FPS);
	if (r->heard < SECONDS * 50 - 10)
		play_die("%d of %d packets came back", r->heard, SECONDS * 50);
	free(r);
}

int main(int argc, char **argv)
{
	static struct play play = { .ctl = -1, .fds = -1 };
	char room[512];

	(void)argc;
	code_sound();
	play_start(&play, play_path(argv[0], room, sizeof(room)));
	place(1, true);
	scene(&play, 640, 360, 600000, 1);
	scene(&play, 1280, 720, 2000000, 3);
	play_quit(&play);
	play_end(&play);

	return 0;
}
