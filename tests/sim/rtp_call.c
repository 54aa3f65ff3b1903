/* rtp_call.c - one simulated call, stepped by the millisecond */

#include "tests/sim/rtp_call.h"

#include <stdlib.h>
#include <string.h>

#include "core/cc/arrival.h"
#include "core/cc/pacer.h"
#include "core/rtcp/twcc.h"
#include "core/rtp/pack.h"
#include "core/rtp/seq.h"

enum {
	PICTURE_US = 33333,
	PICTURE_MAX = 393216,
	HEAD = 12,		/* kind, number, length */
	SSRC = 0x1111, AUDIO_SSRC = 0x2222, FAR_SSRC = 0x3333,
	REPORT_US = 1000000,
	TAG = 16,		/* of SRTP, on the wire */
	TRUTH = 65536,
	QUEUE = 10,		/* pictures the sender holds */
};

struct waiting {
	unsigned number;
	size_t len;
	bool key;
	int64_t media;
	struct mono capture;
};

struct rtp_call {
	struct rtp_call_cfg cfg;
	struct net forth, back;
	struct mono now, next_picture, next_audio, next_report;
	uint64_t rng;
	bool stopped;

	uint64_t index, audio_index, twcc, id;	/* the escrow page */
	struct rtp_send *send, *audio;
	struct pack pack;
	struct pacer pacer;
	struct estimate *estimate;
	uint32_t source_bps;
	int64_t rtt_us;
	bool want_key;
	struct waiting queue[QUEUE], cut;
	unsigned queue_at, queued, number;
	bool cutting;
	uint8_t picture[PICTURE_MAX];

	struct rtp_recv *recv, *audio_recv;
	struct assembler *assembler;
	struct arrival *arrival;
	uint8_t whole[PICTURE_MAX], wanted[PICTURE_MAX];
	int64_t truth[TRUTH];	/* arrival by transport-wide number */
	int64_t last_number;
	struct mono last_given;
	struct mono capture[1 << 16];
	struct rtp_call_stats stats;
};

static const struct rtp_ext_ids ids = { .mid = 4, .twcc = 3 };

/* The bytes of picture n, wholly determined by n, len and key. */
static void make_picture(uint8_t *out, unsigned n, size_t len, bool key,
			 enum rtp_codec codec)
{
	uint32_t x = n * 2654435761u + 1;
	uint32_t size = (uint32_t)len;

	memset(out, 0, HEAD);
	/* The heads of a key frame and of another one. */
	if (codec == RTP_VP8)
		out[0] = key ? 0x10 : 0x11;
	else
		out[0] = key ? 0x82 : 0x86;
	memcpy(out + 4, &n, 4);
	memcpy(out + 8, &size, 4);
	for (size_t i = HEAD; i < len; i++) {
		x = x * 1664525 + 1013904223;
		out[i] = (uint8_t)(x >> 24);
	}
}

static struct rtp_send *new_send(uint32_t ssrc, uint64_t *index,
				 uint64_t *twcc, uint16_t history, bool feed)
{
	struct rtp_send_cfg cfg = {
		.ssrc = ssrc,
		.clock_hz = 90000,
		.pt = 98,
		.first_ts = 0xffff0000,
		.history = history,
		.history_bytes = SEND_VIDEO_HISTORY_BYTES,
		.ext = ids,
		.mid = "0",
		.next_index = index,
		.next_twcc = twcc,
	};
	struct rtp_send *s = NULL;

	if (!feed)
		cfg.ext.twcc = 0;
	if (rtp_send_new(&s, &cfg))
		abort();

	return s;
}

static void new_receiver(struct rtp_call *c)
{
	struct rtp_recv_cfg recv = { .ssrc = SSRC, .clock_hz = 90000,
				     .nack = true };
	struct rtp_recv_cfg audio = { .ssrc = AUDIO_SSRC, .clock_hz = 90000 };
	struct assembler_cfg cfg = { .codec = c->cfg.codec, .slots = 1024,
				     .hole_wait_us = c->cfg.hole_wait_us };

	if (rtp_recv_new(&c->recv, &recv) ||
	    rtp_recv_new(&c->audio_recv, &audio) ||
	    assembler_new(&c->assembler, &cfg) || arrival_new(&c->arrival))
		abort();
}

struct rtp_call *rtp_call_new(const struct rtp_call_cfg *cfg)
{
	struct estimate_cfg est = { .start_bps = 0 };
	struct rtp_call *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->cfg = *cfg;
	c->cfg.forth.seed = cfg->seed * 2 + 1;
	c->cfg.back.seed = cfg->seed * 2 + 2;
	c->rng = cfg->seed ^ 0xabcdef;
	net_init(&c->forth, &c->cfg.forth);
	net_init(&c->back, &c->cfg.back);
	c->now = mono_at(1000000000);
	c->next_picture = c->now;
	c->next_audio = c->now;
	c->next_report = c->now;
	c->index = cfg->first_seq;
	c->twcc = 65000;
	c->id = 0x7f00;
	c->rtt_us = -1;
	c->last_number = -1;
	c->send = new_send(SSRC, &c->index, &c->twcc, 1024, cfg->feedback);
	c->audio = new_send(AUDIO_SSRC, &c->audio_index, &c->twcc, 0,
			    cfg->feedback);
	pack_init(&c->pack, cfg->codec, &c->id);
	if (estimate_new(&c->estimate, &est))
		abort();
	c->source_bps = cfg->bps ? cfg->bps : 1000000;
	pacer_init(&c->pacer, c->source_bps);
	new_receiver(c);

	return c;
}

void rtp_call_free(struct rtp_call *c)
{
	rtp_send_free(c->send);
	rtp_send_free(c->audio);
	estimate_free(c->estimate);
	rtp_recv_free(c->recv);
	rtp_recv_free(c->audio_recv);
	assembler_free(c->assembler);
	arrival_free(c->arrival);
	free(c);
}

/* ---- sender ---- */

static void out(struct rtp_call *c, const uint8_t *bytes,
		const struct rtp_sent *sent)
{
	uint8_t wire[NET_PACKET] = { 0 };

	memcpy(wire, bytes, sent->len);
	if (sent->has_twcc)
		estimate_sent(c->estimate, sent->twcc, sent->len + TAG,
			      c->now);
	pacer_sent(&c->pacer, sent->len + TAG, c->now);
	net_send(&c->forth, wire, sent->len, c->now);
	if (c->forth.free_us - c->now.us > c->stats.queue_max_us)
		c->stats.queue_max_us = c->forth.free_us - c->now.us;
}

static void make(struct rtp_call *c)
{
	struct waiting *w = &c->queue[(c->queue_at + c->queued) % QUEUE];
	size_t mean = (size_t)c->source_bps / 8 * PICTURE_US / 1000000;
	bool key = c->number == 0 || c->want_key ||
		   (c->cfg.key_every && c->number % c->cfg.key_every == 0);

	/* As an encoder's own frame dropper does. */
	if (c->queued == QUEUE)
		return;
	c->want_key = false;
	c->stats.keys_sent += key;
	w->number = c->number++;
	w->key = key;
	/* A key picture is three times as large; all vary by a fifth. */
	w->len = HEAD + mean * (key ? 3 : 1) * (80 + net_below(&c->rng, 40)) /
				100;
	if (w->len > PICTURE_MAX)
		w->len = PICTURE_MAX;
	w->media = (int64_t)w->number * 3000;
	w->capture = c->now;
	c->capture[w->number & 0xffff] = c->now;
	c->queued++;
	c->stats.sent++;
}

static bool begin_cut(struct rtp_call *c)
{
	struct pack_picture pic = { .bytes = c->picture, .width = 640,
				    .height = 360 };

	if (c->queued == 0)
		return false;
	c->cut = c->queue[c->queue_at];
	c->queue_at = (c->queue_at + 1) % QUEUE;
	c->queued--;
	make_picture(c->picture, c->cut.number, c->cut.len, c->cut.key,
		     c->cfg.codec);
	pic.len = c->cut.len;
	pic.key = c->cut.key;
	if (pack_start(&c->pack, &pic, rtp_send_payload_max(c->send)))
		abort();
	c->cutting = true;
	if (c->cut.key)
		rtp_send_drop_resends(c->send);

	return true;
}

/* One packet of the picture in hand; false when there is none. */
static bool cut_one(struct rtp_call *c)
{
	uint8_t payload[1500], bytes[1500];
	struct rtp_send_media m = { .payload = payload,
				    .level = RTP_NO_LEVEL };
	struct rtp_sent sent;
	int n;

	if (!c->cutting && !begin_cut(c))
		return false;
	n = pack_next(&c->pack, payload, rtp_send_payload_max(c->send),
		      &m.marker);
	if (n <= 0)
		abort();
	m.len = (size_t)n;
	m.media_time = c->cut.media;
	m.capture = c->cut.capture;
	if (rtp_send_packet(c->send, &m, c->now, bytes, sizeof(bytes), &sent))
		abort();
	out(c, bytes, &sent);
	if (m.marker)
		c->cutting = false;

	return true;
}

static void send_audio(struct rtp_call *c)
{
	uint8_t payload[1000] = { 0 }, bytes[1500];
	struct rtp_send_media m = {
		.payload = payload,
		.len = c->cfg.audio_bps / 8 / 50 + 1,
		.media_time = c->now.us * 9 / 100,
		.level = RTP_NO_LEVEL,
	};
	struct rtp_sent sent;

	if (rtp_send_packet(c->audio, &m, c->now, bytes, sizeof(bytes), &sent))
		abort();
	out(c, bytes, &sent);
}

static void on_nack(struct rtp_call *c, const struct rtcp_packet *p)
{
	uint16_t seqs[512];
	uint32_t ssrc;
	int n = rtcp_read_nack(p, &ssrc, seqs, 512);

	if (n < 0 || ssrc != SSRC)
		abort();
	for (int i = 0; i < n; i++)
		rtp_send_nack(c->send, seqs[i], c->rtt_us, c->now);
}

static void on_report(struct rtp_call *c, const struct rtcp_packet *p)
{
	struct rtcp_report r;

	for (unsigned i = 0; rtcp_get_report(p, i, &r); i++) {
		int64_t rtt;

		if (r.ssrc != SSRC)
			continue;
		rtp_send_rr(c->send, &r, rtcp_ntp_mid(rtcp_ntp(c->now.us)),
			    &rtt);
		if (rtt >= 0) {
			c->rtt_us = rtt;
			estimate_rtt(c->estimate, rtt);
			assembler_set_hole_wait(c->assembler,
						c->cfg.hole_wait_us);
		}
		estimate_report(c->estimate, r.fraction_lost, c->now);
	}
}

/* Receiver and sender must agree on what arrived and when. */
static void check_feedback(struct rtp_call *c, const struct rtcp_packet *p)
{
	struct twcc_reader r;
	struct twcc_status st;

	if (twcc_read(&r, p))
		abort();
	while (twcc_next(&r, &st)) {
		int64_t truth = c->truth[st.seq], off;

		c->stats.told++;
		if (!st.received)
			continue;	/* it may have come since */
		/* Known on the wire modulo 2^24 * 64 ms only. */
		off = (st.arrival_us - truth) %
		      ((int64_t)TWCC_REF_US << 24);
		if (truth == 0 || off > 125 || off < -125)
			c->stats.told_wrong++;
	}
	if (estimate_feedback(c->estimate, p, c->now))
		abort();
}

static void sender_rtcp(struct rtp_call *c, const uint8_t *b, size_t len)
{
	struct buf_in in = buf_in(b, len);
	struct rtcp_packet p;
	uint32_t ssrc;

	while (rtcp_next(&in, &p) == 1) {
		if (p.type == RTCP_RR)
			on_report(c, &p);
		else if (p.type == RTCP_RTPFB && p.count == RTPFB_NACK)
			on_nack(c, &p);
		else if (p.type == RTCP_RTPFB)
			check_feedback(c, &p);
		else if (rtcp_read_pli(&p, &ssrc) == 0)
			c->want_key = true;
	}
	if (in.bad)
		abort();
}

static void sender_report(struct rtp_call *c)
{
	uint8_t b[200];
	struct buf_out o = buf_out(b, sizeof(b));
	struct rtcp_sr sr;

	if (rtp_send_report(c->send, rtcp_ntp(c->now.us), c->now, &sr)) {
		rtcp_write_sr(&o, &sr, NULL, 0);
		rtcp_write_sdes(&o, SSRC, "sim");
		net_send(&c->forth, b, buf_len(&o), c->now);
	}
}

static void sender_step(struct rtp_call *c)
{
	uint8_t b[1500];
	struct rtp_sent sent;
	size_t len;
	uint32_t bps;

	while ((len = net_recv(&c->back, c->now, b, sizeof(b))))
		sender_rtcp(c, b, len);
	if (estimate_poll(c->estimate, c->now, &bps) && !c->cfg.bps) {
		c->source_bps = bps > c->cfg.audio_bps + 60000
					? bps - c->cfg.audio_bps - 30000
					: 30000;
		pacer_set_target(&c->pacer, bps, c->now);
	}
	c->stats.target = estimate_bps(c->estimate);
	c->stats.target_sum += c->stats.target;
	c->stats.target_ms++;
	if (c->cfg.audio_bps && !mono_before(c->now, c->next_audio)) {
		send_audio(c);
		c->next_audio = mono_add(c->next_audio, 20000);
	}
	if (!c->stopped && !mono_before(c->now, c->next_picture)) {
		make(c);
		c->next_picture = mono_add(c->next_picture, PICTURE_US);
	}
	while (pacer_may(&c->pacer, c->now)) {
		int again = rtp_send_poll_resend(c->send, c->now, b,
						 sizeof(b), &sent);

		if (again == 1)
			out(c, b, &sent);
		if (!cut_one(c) && again != 1)
			break;
	}
}

/* ---- receiver ---- */

static void given(struct rtp_call *c, const struct picture *pic)
{
	bool key = c->whole[0] == 0x10 || c->whole[0] == 0x82;
	struct rtp_call_stats *s = &c->stats;
	unsigned number = 0;
	uint32_t len = 0;
	int64_t delay;

	memcpy(&number, c->whole + 4, 4);
	memcpy(&len, c->whole + 8, 4);
	s->got++;
	if (pic->len < HEAD || len != pic->len || key != pic->key) {
		s->torn++;
		return;
	}
	make_picture(c->wanted, number, len, key, c->cfg.codec);
	if (memcmp(c->wanted, c->whole, len)) {
		s->torn++;
		return;
	}
	if ((int64_t)number <= c->last_number)
		s->out_of_order++;
	if (!key && (int64_t)number != c->last_number + 1)
		s->undecodable++;
	c->last_number = number;
	delay = mono_since(c->now, c->capture[number & 0xffff]);
	s->delay_sum_us += delay;
	if (delay > s->delay_max_us)
		s->delay_max_us = delay;
	if (c->last_given.us && mono_since(c->now, c->last_given) >
					s->longest_gap_us)
		s->longest_gap_us = mono_since(c->now, c->last_given);
	c->last_given = c->now;
	if (key)
		rtp_recv_got_key(c->recv);
	rtp_recv_forget(c->recv, pic->seq_last + 1);
}

static void receiver_rtp(struct rtp_call *c, const uint8_t *b, size_t len)
{
	struct assembler_packet ap;
	struct rtp_ext_values v;
	struct rtp_packet p;

	if (rtp_parse(&p, b, len))
		abort();
	rtp_ext_read(&v, &p, &ids);
	if (v.has_twcc && c->cfg.feedback) {
		/* The first copy counts; an old entry is of another cycle. */
		if (c->now.us - c->truth[v.twcc] > 60000000)
			c->truth[v.twcc] = c->now.us;
		arrival_packet(c->arrival, v.twcc, c->now);
	}
	if (p.ssrc == AUDIO_SSRC) {
		if (rtp_recv_packet(c->audio_recv, p.seq, p.ts, len, c->now,
				    &ap.seq, &ap.ts))
			return;
		return;
	}
	if (rtp_recv_packet(c->recv, p.seq, p.ts, len, c->now, &ap.seq,
			    &ap.ts))
		return;
	ap.marker = p.marker;
	ap.payload = p.payload;
	ap.len = p.payload_len;
	if (assembler_push(c->assembler, &ap, c->now))
		return;		/* too late */
}

static void receiver_in(struct rtp_call *c)
{
	uint8_t b[1500];
	size_t len;

	while ((len = net_recv(&c->forth, c->now, b, sizeof(b)))) {
		struct buf_in in = buf_in(b, len);
		struct rtcp_packet p;
		struct rtcp_sr sr;

		if (packet_kind(b, len) == PACKET_RTP)
			receiver_rtp(c, b, len);
		else if (rtcp_next(&in, &p) == 1 && !rtcp_read_sr(&p, &sr))
			rtp_recv_sr(c->recv, &sr, c->now);
	}
}

static void receiver_rtcp(struct rtp_call *c)
{
	uint16_t seqs[RTCP_NACK_FCI_MAX];
	struct rtcp_report r;
	uint8_t b[1200], fir;
	struct buf_out o = buf_out(b, sizeof(b));
	size_t n;

	if (!mono_before(c->now, c->next_report) &&
	    rtp_recv_report(c->recv, c->now, &r)) {
		rtcp_write_rr(&o, FAR_SSRC, &r, 1);
		rtcp_write_sdes(&o, FAR_SSRC, "far");
		c->next_report = mono_add(c->now, REPORT_US);
	}
	n = rtp_recv_nacks(c->recv, c->now, c->rtt_us, seqs, 200);
	if (n)
		rtcp_write_nack(&o, FAR_SSRC, SSRC, seqs, n);
	if (rtp_recv_poll_key(c->recv, c->now, &fir) == RECV_ASK_PLI) {
		rtcp_write_pli(&o, FAR_SSRC, SSRC);
		c->stats.keys_asked++;
	}
	if (o.bad)
		abort();
	if (buf_len(&o))
		net_send(&c->back, b, buf_len(&o), c->now);
	for (;;) {
		o = buf_out(b, sizeof(b));
		if (arrival_poll(c->arrival, c->now, FAR_SSRC, SSRC, &o) != 1)
			break;
		net_send(&c->back, b, buf_len(&o), c->now);
	}
}

static void receiver_step(struct rtp_call *c)
{
	enum assembler_turn turn;
	struct picture pic;

	receiver_in(c);
	while ((turn = assembler_poll(c->assembler, c->now, c->whole,
				      sizeof(c->whole), &pic)) !=
	       ASSEMBLER_WAIT) {
		if (turn == ASSEMBLER_PICTURE)
			given(c, &pic);
		else
			rtp_recv_want_key(c->recv);
	}
	receiver_rtcp(c);
}

void rtp_call_run(struct rtp_call *c, int64_t ms)
{
	for (int64_t i = 0; i < ms; i++) {
		sender_step(c);
		if (c->now.us % REPORT_US == 0)
			sender_report(c);
		receiver_step(c);
		c->now = mono_add(c->now, 1000);
	}
}

void rtp_call_set_rate(struct rtp_call *c, int64_t bps)
{
	c->forth.cfg.rate_bps = bps;
}

void rtp_call_reset_stats(struct rtp_call *c)
{
	memset(&c->stats, 0, sizeof(c->stats));
}

void rtp_call_stop_source(struct rtp_call *c)
{
	c->stopped = true;
}

const struct rtp_call_stats *rtp_call_stats(struct rtp_call *c)
{
	return &c->stats;
}

void rtp_call_get(struct rtp_call *c, struct rtp_send_stats *send,
		  struct rtp_recv_stats *recv, struct assembler_stats *asm_,
		  struct estimate_stats *est)
{
	rtp_send_get_stats(c->send, send);
	rtp_recv_get_stats(c->recv, recv);
	assembler_get_stats(c->assembler, asm_);
	estimate_get_stats(c->estimate, est);
}
