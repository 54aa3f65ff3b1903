/*
 * bench_call_delay.c - what a call through the whole system is delayed by
 *
 *	bench_call_delay [SECONDS]
 *
 * The system runs with one media-worker. One native peer sends Opus, soft
 * noise with a click every CLICK_EVERY packets; a second one sends 640x360
 * VP9 at 25 a second. What returns is kept with its time of arrival and
 * decoded after the run, so that the client stays light.
 *
 * Sound, in to out: an instant of the sound is in when its packet is sent,
 * plus its place inside the packet; it is out when the packet in which it is
 * heard arrives, plus its place inside that one. Three parts make it up:
 *
 *  - coder: what a bare decode and encode moves a click by (Opus looks
 *    ahead), found offline with the same packets.
 *  - added: RTP timestamps of returned packets count the moments at which
 *    they were due, but from an unknown zero. So a packet's lateness is known
 *    over the earliest course of the run; that earliest one is counted as
 *    having taken the fastest bare echo and the fastest bare decode + encode.
 *  - hold: the rest, which is the jitter buffer's.
 *
 * The earliest packet took a little more than that, so "server-added" is a
 * lower bound. "beyond 20 ms" is an upper one: it takes the hold as 20 ms and
 * so counts all that the buffer holds above against the server (up to 8 ms
 * above its target the buffer leaves as they are).
 *
 * Picture, in to out: last packet of a picture sent, first packet of the
 * returned picture arrived. Which one it is, its timestamp tells, which the
 * server shifts by one amount for all; the colours of all tell how far.
 *
 * Beside both, in the same run and between them, the same packets go through
 * a forked process that only echoes UDP.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "core/rtp/assembler.h"
#include "core/rtp/seq.h"
#include "media-worker/audio.h"
#include "port/opus.h"
#include "port/vpx.h"
#include "tests/client/rtc_inside.h"
#include "tests/client/server.h"

enum {
	SECONDS = 30, SECONDS_MAX = 120,
	SETTLE_US = 5000000, CONNECT_US = 15000000, PAUSE_US = 100000,
	JOINS = 20,
	FRAME_US = 20000,
	CLICK_EVERY = 12,		/* packets, 240 ms */
	CLICK_FRAMES = CLICK_EVERY * 10,
	CLICK_AT = 480, CLICK_LEN = 240, CLICK_PERIOD = 40,
	CLICK_HIGH = 16000, CLICK_HEARD = 4000, NOISE = 60,
	QUIET = 4800,			/* samples without a click before one */
	HOLD_US = 20000,		/* of the settled jitter buffer */
	PICTURE_WIDTH = 640, PICTURE_HEIGHT = 360, FPS = 25,
	PICTURES = 2 * FPS, PICTURE_BPS = 600000, PICTURE_MAX = 400000,
	UNLIKE = 6,	/* neighbours differ by 2 in colour */
	ROOM = RTP_PACKET_MAX + SRTP_GROW,
	SOUND_KEPT = 60 * (SECONDS_MAX + 10),
	VIDEO_KEPT = 400 * (SECONDS_MAX + 10),
	SENT_MAX = 60 * (SECONDS_MAX + 10),
};

/* What was sent: when, and which frame of the track. */
struct sent {
	int64_t us, media_time;
	unsigned frame;
};

/* What came back. */
struct kept {
	int64_t us;
	uint32_t ts;
	uint16_t seq, len;
	bool marker;
	uint8_t bytes[RTP_PACKET_MAX];
};

struct series {
	double *us;
	size_t n, cap;
};

struct bare {
	int fd;
	struct watch watch;
	struct timer timer;
	uint8_t bytes[ROOM];
	size_t len;
	int64_t sent_us;
	struct series rtt;
};

struct way {
	struct rtc_peer *peer;
	struct timer timer;
	struct mono due;
	struct sent *sent;
	size_t sent_count;
	struct kept *kept;
	size_t kept_count, kept_cap;
	struct bare bare;
};

static struct {
	struct loop *loop;
	struct server server;
	struct track *clicks, *moving;
	struct way way[RTC_KINDS];
	struct timer wake;
	pid_t echo;
	struct sockaddr_in echo_at;
	/* Set when the buffers have settled; sound is kept from then on,
	 * pictures are from the first key picture, but count from then on. */
	bool keeping;
	int64_t kept_from_us;
	unsigned seconds;
	/* Of the tracks: samples from a packet's start to the click in it, -1
	 * without one; a picture's colour. */
	double click_at[CLICK_FRAMES], colour[PICTURES];
	double coder_us, codec_us;
} bench;

static void die(const char *what, int err)
{
	fprintf(stderr, "bench_call_delay: %s: %s\n", what, strerror(-err));
	server_stop(&bench.server);
	if (bench.echo > 0)
		kill(bench.echo, SIGKILL);
	exit(1);
}

static void *need(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p)
		die("memory", -ENOMEM);

	return p;
}

static void add(struct series *s, double us)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 1024;
		s->us = realloc(s->us, s->cap * sizeof(*s->us));
		if (!s->us)
			die("memory", -ENOMEM);
	}
	s->us[s->n++] = us;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts. */
static double at(struct series *s, unsigned percent)
{
	if (!s->n)
		return 0;
	qsort(s->us, s->n, sizeof(*s->us), by_value);

	return s->us[(s->n - 1) * percent / 100];
}

/* ---- the sound and the pictures to send ---- */

/* Finds the first loud sample after some quiet. */
struct ear {
	uint64_t heard;		/* samples so far */
	uint64_t loud;		/* end of the last loud one */
};

/* Place in this frame, or -1. */
static int ear_take(struct ear *e, const int16_t *pcm, int n)
{
	int found = -1;

	for (int i = 0; i < n; i++) {
		if (abs(pcm[i]) < CLICK_HEARD)
			continue;
		if (found < 0 && e->heard + (uint64_t)i > e->loud + QUIET)
			found = i;
		e->loud = e->heard + (uint64_t)i;
	}
	e->heard += (uint64_t)n;

	return found;
}

static void paint_sound(int16_t *pcm, unsigned frame)
{
	static uint32_t noise = 1;

	for (int i = 0; i < OPUS_FRAME; i++) {
		noise = noise * 1664525 + 1013904223;
		pcm[i] = (int16_t)((int)(noise >> 16) % NOISE - NOISE / 2);
	}
	if (frame % CLICK_EVERY)
		return;
	for (int i = 0; i < CLICK_LEN; i++)
		pcm[CLICK_AT + i] = i % CLICK_PERIOD < CLICK_PERIOD / 2 ?
			CLICK_HIGH : -CLICK_HIGH;
}

static struct track *new_clicks(void)
{
	const struct opus_enc_cfg cfg = { 1, 64000, 9, 0 };
	struct track *t = need(1, sizeof(*t));
	struct opus_enc *enc;
	uint8_t bytes[OPUS_ENCODED_MAX];
	int16_t pcm[OPUS_FRAME];
	int n = opus_enc_new(&enc, &cfg);

	*t = (struct track){ .codec = RTP_OPUS, .step = OPUS_FRAME,
			     .step_us = FRAME_US, .cap = CLICK_FRAMES,
			     .frames = need(CLICK_FRAMES,
					    sizeof(*t->frames)) };
	for (unsigned i = 0; n >= 0 && i < CLICK_FRAMES; i++) {
		paint_sound(pcm, i);
		n = opus_enc_run(enc, pcm, bytes, sizeof(bytes));
		if (n < 0)
			break;
		t->frames[i].bytes = need(1, (size_t)n);
		t->frames[i].len = (size_t)n;
		memcpy(t->frames[i].bytes, bytes, (size_t)n);
		t->count++;
	}
	if (n < 0)
		die("coding clicks", n);
	opus_enc_free(enc);

	return t;
}

/* Listens to the track as it is sent and after a bare decode and encode. */
static void study_clicks(void)
{
	const struct opus_enc_cfg cfg = { 1, AUDIO_BITRATE_BPS,
					  AUDIO_COMPLEXITY,
					  AUDIO_LOSS_PERCENT };
	struct ear first = { 0 }, second = { 0 };
	struct series moved = { 0 }, work = { 0 };
	struct opus_dec *a, *b;
	struct opus_enc *enc;
	uint8_t bytes[OPUS_ENCODED_MAX];
	int16_t pcm[OPUS_DECODE_MAX];
	double in = -1;

	if (opus_dec_new(&a, 1) || opus_dec_new(&b, 1) ||
	    opus_enc_new(&enc, &cfg))
		die("opus", -ENOMEM);
	for (unsigned i = 0; i < 2 * CLICK_FRAMES; i++) {
		const struct track_frame *f =
			&bench.clicks->frames[i % CLICK_FRAMES];
		int64_t start = mono_now().us;
		int n = opus_dec_run(a, f->bytes, f->len, pcm,
				     OPUS_DECODE_MAX);
		int len = n == OPUS_FRAME ?
			opus_enc_run(enc, pcm, bytes, sizeof(bytes)) : -EINVAL;
		int found;

		if (len < 0)
			die("studying clicks", len);
		add(&work, (double)(mono_now().us - start));
		found = ear_take(&first, pcm, n);
		bench.click_at[i % CLICK_FRAMES] = found;
		if (found >= 0)
			in = (double)i * OPUS_FRAME + found;
		n = opus_dec_run(b, bytes, (size_t)len, pcm, OPUS_DECODE_MAX);
		found = n > 0 ? ear_take(&second, pcm, n) : -1;
		if (found >= 0 && in >= 0)
			add(&moved, ((double)i * OPUS_FRAME + found - in) *
				    1000 / 48);
	}
	bench.coder_us = at(&moved, 50);
	bench.codec_us = at(&work, 0);
	opus_dec_free(a);
	opus_dec_free(b);
	opus_enc_free(enc);
	free(moved.us);
	free(work.us);
}

static double mean(const struct vpx_picture *p, int plane)
{
	uint32_t w = p->width / 2, h = p->height / 2;
	uint64_t sum = 0;

	for (uint32_t y = 0; y < h; y++)
		for (uint32_t x = 0; x < w; x++)
			sum += p->plane[plane][y * p->stride[plane] + x];

	return (double)sum / (w * h);
}

/* track_moving() changes both colours by one a picture, against each other. */
static double colour_of(const struct vpx_picture *p)
{
	return mean(p, 1) - mean(p, 2);
}

static void study_pictures(void)
{
	struct vpx_picture p;
	struct vpx_dec *dec;

	if (vpx_dec_new(&dec, VPX_VP9))
		die("vpx", -ENOMEM);
	for (unsigned i = 0; i < bench.moving->count; i++) {
		const struct track_frame *f = &bench.moving->frames[i];
		int err = vpx_dec_run(dec, f->bytes, f->len, &p);

		if (err != 1)
			die("studying pictures", err);
		bench.colour[i] = colour_of(&p);
	}
	vpx_dec_free(dec);
}

/* ---- the bare echo ---- */

static void echo(int fd)
{
	struct sockaddr_in from;
	uint8_t bytes[ROOM];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0,
				     (struct sockaddr *)&from, &len);

		if (n < 0)
			_exit(1);
		(void)!sendto(fd, bytes, (size_t)n, 0,
			      (struct sockaddr *)&from, len);
	}
}

static void start_echo(void)
{
	struct sockaddr_in *sin = &bench.echo_at;
	socklen_t len = sizeof(*sin);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)sin, len) ||
	    getsockname(fd, (struct sockaddr *)sin, &len))
		die("echo", -errno);
	bench.echo = fork();
	if (bench.echo < 0)
		die("fork", -errno);
	if (bench.echo == 0)
		echo(fd);
	close(fd);
}

static void on_echo(int fd, uint32_t events, struct mono now, void *arg)
{
	struct bare *b = arg;
	uint8_t bytes[ROOM];

	(void)events;
	(void)now;
	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
		if (b->sent_us && bench.keeping)
			add(&b->rtt, (double)(mono_now().us - b->sent_us));
		b->sent_us = 0;
	}
}

static void on_bare(struct mono now, void *arg)
{
	struct bare *b = arg;

	(void)now;
	b->sent_us = mono_now().us;
	if (send(b->fd, b->bytes, b->len, MSG_DONTWAIT) < 0)
		b->sent_us = 0;
}

static void open_bare(struct bare *b)
{
	int err;

	b->timer.due = MONO_NEVER;
	b->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (b->fd < 0 || connect(b->fd, (struct sockaddr *)&bench.echo_at,
				 sizeof(bench.echo_at)))
		die("echo", -errno);
	err = loop_watch(bench.loop, &b->watch, b->fd, EPOLLIN, on_echo, b);
	if (err)
		die("echo", err);
}

/* ---- sending, with the moment known ---- */

/* The moment before the packet is given to the kernel. */
static int64_t send_packet(enum rtc_kind kind,
			   const struct rtp_send_media *media)
{
	struct way *w = &bench.way[kind];
	struct rtc_peer *p = w->peer;
	uint8_t bytes[ROOM];
	struct rtp_sent sent;
	int64_t us;
	int n;

	if (rtp_send_packet(p->media.out[kind].send, media, mono_now(), bytes,
			    RTP_PACKET_MAX, &sent) < 0)
		die("rtp", -EMSGSIZE);
	n = srtp_evp.protect(p->srtp_out, bytes, sent.len, ROOM, sent.index);
	if (n < 0)
		die("srtp", n);
	us = mono_now().us;
	(void)!agent_send(p->agent, bytes, (size_t)n);
	memcpy(w->bare.bytes, bytes, (size_t)n);
	w->bare.len = (size_t)n;

	return us;
}

static int64_t send_sound(const struct track_frame *f, int64_t media_time)
{
	const struct rtp_send_media media = {
		.payload = f->bytes, .len = f->len, .media_time = media_time,
		.level = 30,
	};

	return send_packet(RTC_AUDIO, &media);
}

/* The moment of the last packet. */
static int64_t send_picture(const struct track_frame *f, int64_t media_time)
{
	struct rtc_media *m = &bench.way[RTC_VIDEO].peer->media;
	const struct pack_picture picture = {
		.bytes = f->bytes, .len = f->len, .key = f->key,
		.width = PICTURE_WIDTH, .height = PICTURE_HEIGHT,
	};
	struct rtp_send_media media = { .media_time = media_time,
					.level = RTP_NO_LEVEL };
	uint8_t payload[RTP_PACKET_MAX];
	int64_t us = 0;
	int n = pack_start(&m->pack, &picture,
			   rtp_send_payload_max(m->out[RTC_VIDEO].send));

	if (n < 0)
		die("pack", n);
	while ((n = pack_next(&m->pack, payload, sizeof(payload),
			      &media.marker)) > 0) {
		media.payload = payload;
		media.len = (size_t)n;
		us = send_packet(RTC_VIDEO, &media);
	}

	return us;
}

static void on_due(struct mono now, void *arg)
{
	struct way *w = arg;
	enum rtc_kind kind = w == &bench.way[RTC_AUDIO] ? RTC_AUDIO :
							  RTC_VIDEO;
	const struct track *t = w->peer->media.track[kind];
	struct rtc_out *out = &w->peer->media.out[kind];
	struct sent *s = &w->sent[w->sent_count];

	/* A key frame wish has set it back. */
	s->frame = out->at;
	s->media_time = out->media_time;
	s->us = kind == RTC_AUDIO ?
		send_sound(&t->frames[out->at], out->media_time) :
		send_picture(&t->frames[out->at], out->media_time);
	if (w->sent_count < SENT_MAX - 1)
		w->sent_count++;
	out->at = (out->at + 1) % t->count;
	out->media_time += t->step;
	w->due = mono_add(w->due, t->step_us);
	loop_timer(bench.loop, &w->timer, w->due, on_due, w);
	/* Half way to the next, where nothing else of this stream runs. */
	loop_timer(bench.loop, &w->bare.timer,
		   mono_add(now, t->step_us / 2), on_bare, &w->bare);
}

static void on_rtp(struct rtc_peer *p, enum rtc_kind kind,
		   const struct rtp_packet *packet, struct mono now, void *arg)
{
	struct way *w = &bench.way[kind];
	struct kept *k = &w->kept[w->kept_count];

	(void)p;
	(void)now;
	(void)arg;
	if ((kind == RTC_AUDIO && !bench.keeping) ||
	    w->kept_count == w->kept_cap)
		return;
	*k = (struct kept){ .us = mono_now().us, .ts = packet->ts,
			    .seq = packet->seq, .marker = packet->marker,
			    .len = (uint16_t)packet->payload_len };
	memcpy(k->bytes, packet->payload, packet->payload_len);
	w->kept_count++;
}

/* ---- peers ---- */

static void on_wake(struct mono now, void *arg)
{
	(void)now;
	(void)arg;
	loop_stop(bench.loop);
}

static void run(int64_t span_us)
{
	int err;

	loop_timer(bench.loop, &bench.wake, mono_add(mono_now(), span_us),
		   on_wake, NULL);
	err = loop_run(bench.loop);
	if (err)
		die("loop", err);
}

static void on_state(struct rtc_peer *p, enum rtc_state state,
		     struct mono now, void *arg)
{
	(void)now;
	(void)arg;
	if (state == RTC_FAILED) {
		fprintf(stderr, "peer: %s\n", rtc_peer_reason(p));
		bench.server.keep_log = true;
		die("a peer failed", -EIO);
	}
	if (state == RTC_CONNECTED)
		loop_stop(bench.loop);
}

static struct rtc_peer *join(const char *name, const struct track *audio,
			     const struct track *video)
{
	const struct rtc_ops ops = { .state = on_state, .rtp = on_rtp };
	const struct rtc_cfg cfg = {
		.ip = "127.0.0.1", .port = bench.server.port, .name = name,
		.audio = audio, .video = video,
	};
	struct rtc_peer *p;
	int err = rtc_peer_new(&p, bench.loop, &cfg, &ops);

	if (err)
		die("peer", err);
	run(CONNECT_US);
	if (rtc_peer_state(p) < RTC_CONNECTED)
		die("a peer did not connect", -ETIMEDOUT);

	return p;
}

static void join_and_leave(unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		struct rtc_peer *p;
		char name[32];

		snprintf(name, sizeof(name), "guest-%u", i);
		p = join(name, bench.clicks, NULL);
		run(PAUSE_US);
		rtc_peer_free(p);
		run(PAUSE_US);
	}
}

/* From here on the bench sends, and knows when. */
static void take_over(enum rtc_kind kind, struct rtc_peer *p, size_t cap)
{
	struct way *w = &bench.way[kind];

	if (!p->media.out[kind].send)
		die("the server did not take the track", -ENOTSUP);
	w->peer = p;
	w->sent = need(SENT_MAX, sizeof(*w->sent));
	w->kept = need(cap, sizeof(*w->kept));
	w->kept_cap = cap;
	w->timer.due = MONO_NEVER;
	open_bare(&w->bare);
	loop_untimer(&p->media.out[kind].timer);
	w->due = mono_now();
	loop_timer(bench.loop, &w->timer, w->due, on_due, w);
}

/* ---- what came back ---- */

struct sound {
	struct series total, hold, beyond, added;
};

/* The last click that was in before this moment. */
static bool click_before(double us, double *out)
{
	const struct way *w = &bench.way[RTC_AUDIO];

	for (size_t i = w->sent_count; i-- > 0;) {
		double place = bench.click_at[w->sent[i].frame];

		*out = (double)w->sent[i].us + place * 1000 / 48;
		if (place >= 0 && *out < us)
			return true;
	}

	return false;
}

/* Arrival less due time, from an unknown zero. */
static double course(const struct kept *k, int64_t *ts)
{
	*ts = ts_extend(*ts, k->ts);

	return (double)k->us - (double)*ts * 1000 / 48;
}

static double earliest_course(const struct way *w)
{
	int64_t ts = w->kept[0].ts;
	double least = course(&w->kept[0], &ts);

	for (size_t i = 1; i < w->kept_count; i++) {
		double c = course(&w->kept[i], &ts);

		least = c < least ? c : least;
	}

	return least;
}

static void hear_click(struct sound *s, double heard_us, double added)
{
	double in, total;

	if (!click_before(heard_us, &in))
		return;
	total = heard_us - in;
	add(&s->total, total);
	add(&s->hold, total - bench.coder_us - added);
	add(&s->beyond, total - bench.coder_us - HOLD_US);
}

static void hear_all(struct sound *s, double floor_us)
{
	const struct way *w = &bench.way[RTC_AUDIO];
	double least = earliest_course(w);
	int64_t ts = w->kept[0].ts;
	struct ear ear = { 0 };
	struct opus_dec *dec;
	int16_t pcm[OPUS_DECODE_MAX];

	if (opus_dec_new(&dec, 1))
		die("opus", -ENOMEM);
	for (size_t i = 0; i < w->kept_count; i++) {
		const struct kept *k = &w->kept[i];
		double added = course(k, &ts) - least + floor_us;
		int n = opus_dec_run(dec, k->bytes, k->len, pcm,
				     OPUS_DECODE_MAX);
		int found = n > 0 ? ear_take(&ear, pcm, n) : -1;

		add(&s->added, added);
		if (found >= 0)
			hear_click(s, (double)k->us + found * 1000.0 / 48,
				   added);
	}
	opus_dec_free(dec);
}

struct back {
	int64_t us, ts;
	double colour;
};

struct seen {
	struct back *all;
	size_t count;
	struct series total;
	size_t unknown;		/* no such picture was sent, or another one */
};

static double apart(double a, double b)
{
	return a < b ? b - a : a - b;
}

/* By colour alone: which of those sent last it resembles most. */
static const struct sent *most_like(const struct back *b)
{
	const struct way *w = &bench.way[RTC_VIDEO];
	const struct sent *best = NULL;
	double least = 1e9;

	for (size_t i = w->sent_count, n = 0; i-- > 0 && n < PICTURES / 2;) {
		const struct sent *s = &w->sent[i];
		double off = apart(bench.colour[s->frame], b->colour);

		if (s->us >= b->us)
			continue;
		n++;
		if (off < least) {
			least = off;
			best = s;
		}
	}

	return best;
}

static const struct sent *sent_with(int64_t media_time)
{
	const struct way *w = &bench.way[RTC_VIDEO];

	for (size_t i = w->sent_count; i-- > 0;)
		if (llabs(w->sent[i].media_time - media_time) <
		    bench.moving->step / 2)
			return &w->sent[i];

	return NULL;
}

/* The server keeps the distances of our timestamps: one shift for all. The
 * colour of a single picture may be taken for its neighbour's, of most not. */
static void pair(struct seen *s)
{
	struct series shifts = { 0 };
	int64_t shift;

	for (size_t i = 0; i < s->count; i++) {
		const struct sent *like = most_like(&s->all[i]);

		if (like)
			add(&shifts, (double)(s->all[i].ts -
					      like->media_time));
	}
	shift = (int64_t)at(&shifts, 50);
	for (size_t i = 0; i < s->count; i++) {
		const struct back *b = &s->all[i];
		const struct sent *in = sent_with(b->ts - shift);

		if (b->us < bench.kept_from_us)
			continue;
		if (in && apart(bench.colour[in->frame], b->colour) < UNLIKE)
			add(&s->total, (double)(b->us - in->us));
		else
			s->unknown++;
	}
	free(shifts.us);
}

static void see_one(struct seen *s, struct vpx_dec *dec, const uint8_t *bytes,
		    const struct picture *picture)
{
	struct vpx_picture p;

	if (vpx_dec_run(dec, bytes, picture->len, &p) == 1)
		s->all[s->count++] = (struct back){
			picture->arrival.us, picture->ts, colour_of(&p),
		};
}

static void see_all(struct seen *s)
{
	const struct assembler_cfg cfg = { RTP_VP9, 1024, 100000 };
	const struct way *w = &bench.way[RTC_VIDEO];
	int64_t seq = w->kept[0].seq, ts = w->kept[0].ts;
	uint8_t *bytes = need(1, PICTURE_MAX);
	struct assembler *a;
	struct vpx_dec *dec;

	/* No more pictures than packets. */
	s->all = need(w->kept_count, sizeof(*s->all));
	if (assembler_new(&a, &cfg) || vpx_dec_new(&dec, VPX_VP9))
		die("pictures", -ENOMEM);
	for (size_t i = 0; i < w->kept_count; i++) {
		const struct kept *k = &w->kept[i];
		struct assembler_packet packet = {
			.seq = seq = seq_extend(seq, k->seq),
			.ts = ts = ts_extend(ts, k->ts),
			.marker = k->marker, .payload = k->bytes,
			.len = k->len,
		};
		struct picture picture;
		enum assembler_turn turn;

		(void)!assembler_push(a, &packet, mono_at(k->us));
		while ((turn = assembler_poll(a, mono_at(k->us), bytes,
					      PICTURE_MAX, &picture)))
			if (turn == ASSEMBLER_PICTURE)
				see_one(s, dec, bytes, &picture);
	}
	assembler_free(a);
	vpx_dec_free(dec);
	free(bytes);
}

/* ---- the report ---- */

static void line(const char *what, struct series *s, const char *note)
{
	printf("  %-28s p50 %8.2f ms   p99 %8.2f ms   (%zu%s)\n", what,
	       at(s, 50) / 1000, at(s, 99) / 1000, s->n, note);
}

static void ratio(const char *what, struct series *a, struct series *b)
{
	printf("  %-28s p50 %8.1f      p99 %8.1f\n", what,
	       at(b, 50) > 0 ? at(a, 50) / at(b, 50) : 0,
	       at(b, 99) > 0 ? at(a, 99) / at(b, 99) : 0);
}

static void report_sound(void)
{
	struct bare *bare = &bench.way[RTC_AUDIO].bare;
	double floor_us = at(&bare->rtt, 0) + bench.codec_us;
	struct sound s = { 0 };

	if (bench.way[RTC_AUDIO].kept_count)
		hear_all(&s, floor_us);
	printf("sound, a click every %d ms; %zu packets came back of %zu\n",
	       CLICK_EVERY * 20, bench.way[RTC_AUDIO].kept_count,
	       (size_t)bench.seconds * 50);
	line("bare UDP echo", &bare->rtt, "");
	line("in to out", &s.total, " clicks; goal: at most 50 ms");
	printf("  %-28s     %8.2f ms\n", "  of it the coder",
	       bench.coder_us / 1000);
	line("  of it the jitter buffer", &s.hold, "; settled: 20 ms");
	printf("  %-28s     %8.2f ms\n", "  earliest packet, counted as",
	       floor_us / 1000);
	line("server-added", &s.added, " packets; goal: under 2 ms, 10 ms");
	line("in to out beyond 20 ms", &s.beyond, "; with the buffer's growth");
	ratio("server-added / bare echo", &s.added, &bare->rtt);
	if (!s.total.n)
		die("no click was heard", -EIO);
	free(s.total.us);
	free(s.hold.us);
	free(s.beyond.us);
	free(s.added.us);
}

static void report_picture(void)
{
	struct bare *bare = &bench.way[RTC_VIDEO].bare;
	struct seen s = { 0 };

	if (bench.way[RTC_VIDEO].kept_count)
		see_all(&s);
	pair(&s);
	printf("picture, VP9 %dx%d at %d/s; %zu came back of %u, %zu more "
	       "were none of ours\n", PICTURE_WIDTH, PICTURE_HEIGHT, FPS,
	       s.total.n, bench.seconds * FPS, s.unknown);
	line("bare UDP echo", &bare->rtt, "");
	line("in to out", &s.total, "; goal: at most 100 ms");
	ratio("in to out / bare echo", &s.total, &bare->rtt);
	if (!s.total.n)
		die("no picture came back", -EIO);
	free(s.all);
	free(s.total.us);
}

static void report_ready(void)
{
	FILE *f = fopen(bench.server.log, "r");
	struct series s = { 0 };
	char text[1024];

	while (f && fgets(text, sizeof(text), f)) {
		const char *after = strstr(text, "after_us=");

		if (after && strstr(text, " ready "))
			add(&s, atof(after + strlen("after_us=")));
	}
	if (f)
		fclose(f);
	printf("peer process ready after fork\n");
	line("born to ready", &s, " joins; goal: p50 under 5 ms");
	if (s.n < JOINS)
		die("the log lacks joins", -EIO);
	free(s.us);
}

static void prepare(int argc, char **argv)
{
	const struct track_picture picture = { RTP_VP9, PICTURE_WIDTH,
		PICTURE_HEIGHT, FPS, PICTURES, PICTURE_BPS };
	int err;

	bench.seconds = argc > 1 ? (unsigned)atoi(argv[1]) : SECONDS;
	if (bench.seconds < 5 || bench.seconds > SECONDS_MAX) {
		fprintf(stderr, "bench_call_delay: 5 to %d seconds\n",
			SECONDS_MAX);
		exit(2);
	}
	bench.wake.due = MONO_NEVER;
	bench.clicks = new_clicks();
	if ((err = loop_new(&bench.loop)) ||
	    (err = track_moving(&bench.moving, &picture)))
		die("preparing", err);
	study_clicks();
	study_pictures();
	start_echo();
	setenv("WEBRTC_MEDIA_WORKERS", "1", 1);
	if (server_start(&bench.server))
		die("the server", -ETIMEDOUT);
}

static void stop(void)
{
	for (int k = 0; k < RTC_KINDS; k++) {
		loop_untimer(&bench.way[k].timer);
		loop_untimer(&bench.way[k].bare.timer);
		loop_unwatch(&bench.way[k].bare.watch);
		close(bench.way[k].bare.fd);
		rtc_peer_free(bench.way[k].peer);
	}
	kill(bench.echo, SIGKILL);
	waitpid(bench.echo, NULL, 0);
	bench.echo = 0;
}

int main(int argc, char **argv)
{
	struct rtc_peer *talker, *shower;

	prepare(argc, argv);
	join_and_leave(JOINS - 2);
	talker = join("talker", bench.clicks, NULL);
	take_over(RTC_AUDIO, talker, SOUND_KEPT);
	shower = join("shower", NULL, bench.moving);
	take_over(RTC_VIDEO, shower, VIDEO_KEPT);
	run(SETTLE_US);
	bench.keeping = true;
	bench.kept_from_us = mono_now().us;
	run((int64_t)bench.seconds * 1000000);
	stop();
	report_sound();
	report_picture();
	report_ready();
	server_stop(&bench.server);
	loop_untimer(&bench.wake);
	loop_free(bench.loop);
	track_free(bench.clicks);
	track_free(bench.moving);
	for (int k = 0; k < RTC_KINDS; k++) {
		free(bench.way[k].sent);
		free(bench.way[k].kept);
		free(bench.way[k].bare.rtt.us);
	}

	return 0;
}
