/*
 * bench_rtp.c - cost of one RTP packet in and out, without cryptography
 *
 * In: header, extensions, arrival note, statistics, repair list, assembly of
 * whole pictures. Out: cut, number, extensions, history, estimate, pacer.
 * The bare loop reads or writes the fixed header and copies the payload once.
 * Variants take turns in short rounds; the figure is the median.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cc/arrival.h"
#include "core/cc/estimate.h"
#include "core/cc/pacer.h"
#include "core/rtp/assembler.h"
#include "core/rtp/pack.h"
#include "core/rtp/recv.h"
#include "core/rtp/send.h"

enum {
	ROUNDS = 101, PICTURES = 60, PIECES = 8, PACKETS = PICTURES * PIECES,
	PICTURE = PIECES * 1100, AUDIO = 120,
};

struct packet {
	size_t len;
	uint8_t bytes[1300];
};

static struct packet wire[PACKETS];
static size_t wires;
static uint8_t picture[PICTURE], whole[400000];
static const struct rtp_ext_ids ids = { .mid = 4, .twcc = 3, .level = 1 };

static struct rtp_send *send_stream;
static struct rtp_recv *recv_stream;
static struct assembler *assembler;
static struct arrival *arrival;
static struct estimate *estimate;
static struct pacer pacer;
static struct pack pack;
static uint64_t next_index, next_twcc, next_id;
static int64_t media_time;
static int64_t now_us = 1000000;
static unsigned pictures_out;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);

	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_rtp: %s\n", what);
	exit(1);
}

static void begin(bool video)
{
	struct rtp_send_cfg send = {
		.ssrc = 1, .clock_hz = video ? 90000 : 48000, .pt = 98,
		.history = video ? SEND_VIDEO_HISTORY : SEND_AUDIO_HISTORY,
		.history_bytes = video ? SEND_VIDEO_HISTORY_BYTES
				       : SEND_AUDIO_HISTORY_BYTES,
		.ext = ids, .mid = "0", .next_index = &next_index,
		.next_twcc = &next_twcc,
	};
	struct rtp_recv_cfg recv = { .ssrc = 1, .clock_hz = send.clock_hz,
				     .nack = video };
	struct assembler_cfg cfg = { RTP_VP9, 1024, 200000 };
	struct estimate_cfg est = { .start_bps = 0 };

	if (!video)
		send.ext.mid = 0;
	next_index = 0;
	if (rtp_send_new(&send_stream, &send) ||
	    rtp_recv_new(&recv_stream, &recv) ||
	    assembler_new(&assembler, &cfg) || arrival_new(&arrival) ||
	    estimate_new(&estimate, &est))
		die("no memory");
	pack_init(&pack, RTP_VP9, &next_id);
	pacer_init(&pacer, 4000000);
}

static void end(void)
{
	rtp_send_free(send_stream);
	rtp_recv_free(recv_stream);
	assembler_free(assembler);
	arrival_free(arrival);
	estimate_free(estimate);
}

static void send_one(const uint8_t *payload, size_t len, bool marker)
{
	struct rtp_send_media m = { .payload = payload, .len = len,
				    .media_time = media_time,
				    .marker = marker, .level = 30 };
	struct packet *p = &wire[wires++];
	struct rtp_sent sent;

	if (rtp_send_packet(send_stream, &m, mono_at(now_us), p->bytes,
			    sizeof(p->bytes), &sent))
		die("send");
	p->len = sent.len;
	estimate_sent(estimate, sent.twcc, sent.len, mono_at(now_us));
	pacer_sent(&pacer, sent.len, mono_at(now_us));
}

static void video_out(void)
{
	uint8_t payload[1300];

	wires = 0;
	for (int i = 0; i < PICTURES; i++) {
		struct pack_picture pic = { picture, PICTURE, i == 0, false,
					    640, 360 };
		bool marker = false;

		picture[0] = i == 0 ? 0x82 : 0x86;	/* key or not */
		if (pack_start(&pack, &pic,
			       rtp_send_payload_max(send_stream)))
			die("pack");
		while (!marker) {
			int n = pack_next(&pack, payload, sizeof(payload),
					  &marker);

			send_one(payload, (size_t)n, marker);
		}
		media_time += 3000;
		now_us += 33333;
	}
}

static void audio_out(void)
{
	wires = 0;
	for (int i = 0; i < PACKETS; i++) {
		send_one(picture, AUDIO, false);
		media_time += 960;
		now_us += 20000;
	}
}

static void video_in(void)
{
	struct rtp_packet p;
	struct rtp_ext_values v;
	struct assembler_packet ap;
	struct picture pic;

	for (size_t i = 0; i < wires; i++) {
		struct mono now = mono_at(now_us + (int64_t)i * 4000);

		if (rtp_parse(&p, wire[i].bytes, wire[i].len))
			die("parse");
		rtp_ext_read(&v, &p, &ids);
		arrival_packet(arrival, v.twcc, now);
		if (rtp_recv_packet(recv_stream, p.seq, p.ts, wire[i].len,
				    now, &ap.seq, &ap.ts))
			die("recv");
		ap.marker = p.marker;
		ap.payload = p.payload;
		ap.len = p.payload_len;
		if (assembler_push(assembler, &ap, now))
			die("push");
		while (assembler_poll(assembler, now, whole, sizeof(whole),
				      &pic) == ASSEMBLER_PICTURE)
			pictures_out++;
	}
}

static void audio_in(void)
{
	struct rtp_packet p;
	struct rtp_ext_values v;
	int64_t seq, ts;

	for (size_t i = 0; i < wires; i++) {
		struct mono now = mono_at(now_us + (int64_t)i * 20000);

		if (rtp_parse(&p, wire[i].bytes, wire[i].len))
			die("parse");
		rtp_ext_read(&v, &p, &ids);
		arrival_packet(arrival, v.twcc, now);
		if (rtp_recv_packet(recv_stream, p.seq, p.ts, wire[i].len,
				    now, &seq, &ts))
			die("recv");
		memcpy(whole, p.payload, p.payload_len);
	}
}

static void bare_in(void)
{
	size_t at = 0;
	uint32_t sum = 0;

	for (size_t i = 0; i < wires; i++) {
		const uint8_t *b = wire[i].bytes;
		uint32_t ts;

		memcpy(&ts, b + 4, 4);
		sum += ts + b[2] + b[3];
		if (at + wire[i].len > sizeof(whole) || b[1] & 0x80)
			at = 0;
		memcpy(whole + at, b + 12, wire[i].len - 12);
		at += wire[i].len - 12;
	}
	/* Keep the copies: a loop whose result is unused would vanish. */
	__asm__ volatile("" : : "r"(sum), "r"(whole) : "memory");
}

static void bare_out(size_t len)
{
	for (size_t i = 0; i < PACKETS; i++) {
		uint8_t *b = wire[i].bytes;

		memcpy(b, "\x80\x62", 2);
		b[2] = (uint8_t)(i >> 8);
		b[3] = (uint8_t)i;
		memcpy(b + 4, &media_time, 4);
		memcpy(b + 8, &media_time, 4);
		memcpy(b + 12, picture + i % PIECES * 1000, len);
		__asm__ volatile("" : : "r"(b) : "memory");
	}
}

static void bare_video_out(void)
{
	bare_out(1100);
}

static void bare_audio_out(void)
{
	bare_out(AUDIO);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double timed(void (*f)(void))
{
	double start = now_ns();

	f();

	return (now_ns() - start) / PACKETS;
}

static void row(const char *what, double *ours, double *bare)
{
	qsort(ours, ROUNDS, sizeof(*ours), by_value);
	qsort(bare, ROUNDS, sizeof(*bare), by_value);
	printf("rtp %-22s %6.0f ns/packet  bare %5.0f ns  ratio %.2f\n", what,
	       ours[ROUNDS / 2], bare[ROUNDS / 2],
	       ours[ROUNDS / 2] / bare[ROUNDS / 2]);
}

static void measure(const char *kind, bool video)
{
	static double in[ROUNDS], out[ROUNDS], bin[ROUNDS], bout[ROUNDS];
	char what[40];

	begin(video);
	for (int i = 0; i < ROUNDS; i++) {
		/* Bare first: it writes where the packets then stand. */
		bout[i] = timed(video ? bare_video_out : bare_audio_out);
		out[i] = timed(video ? video_out : audio_out);
		bin[i] = timed(bare_in);
		in[i] = timed(video ? video_in : audio_in);
	}
	end();
	snprintf(what, sizeof(what), "%s in, %zu B", kind, wire[0].len);
	row(what, in, bin);
	snprintf(what, sizeof(what), "%s out, %zu B", kind, wire[0].len);
	row(what, out, bout);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(picture); i++)
		picture[i] = (uint8_t)(i * 31);
	measure("picture", true);
	if (pictures_out != PICTURES * ROUNDS)
		die("pictures are missing");
	measure("sound", false);

	return 0;
}
