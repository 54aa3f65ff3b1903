/* recv.c - statistics, repair wishes and key-frame wishes of one source */

#include "core/rtp/recv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/rtp/nack.h"
#include "core/rtp/seq.h"

struct rtp_recv {
	struct rtp_recv_cfg cfg;
	bool started;
	int64_t base, highest, ts;	/* extended */
	int64_t doubtful;		/* next number after a jump; -1 none */
	uint64_t seen[RECV_WINDOW / 64];	/* bit: seq % RECV_WINDOW */
	struct rtp_recv_stats stats;
	int64_t received;		/* since base */
	int64_t expected_prior, received_prior;
	int64_t transit;		/* ticks */
	uint32_t jitter16;		/* ticks << 4, RFC 3550 A.8 */
	struct rtcp_sr sr;
	struct mono sr_at;
	bool has_sr;
	bool want_key;
	uint8_t fir_seq;
	struct mono key_asked;
	struct nack nack;
};

int rtp_recv_new(struct rtp_recv **out, const struct rtp_recv_cfg *cfg)
{
	struct rtp_recv *r;

	if (cfg->clock_hz == 0)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->cfg = *cfg;
	r->doubtful = -1;
	*out = r;

	return 0;
}

void rtp_recv_free(struct rtp_recv *r)
{
	free(r);
}

static int64_t ticks_of(const struct rtp_recv *r, struct mono t)
{
	int64_t hz = r->cfg.clock_hz;

	return t.us / 1000000 * hz + t.us % 1000000 * hz / 1000000;
}

static bool mark_seen(struct rtp_recv *r, int64_t seq)
{
	uint64_t bit = (uint64_t)seq % RECV_WINDOW;
	uint64_t mask = 1ull << bit % 64;
	bool was = r->seen[bit / 64] & mask;

	r->seen[bit / 64] |= mask;

	return was;
}

static void forget_seen(struct rtp_recv *r, int64_t seq)
{
	uint64_t bit = (uint64_t)seq % RECV_WINDOW;

	r->seen[bit / 64] &= ~(1ull << bit % 64);
}

static void restart(struct rtp_recv *r, int64_t seq)
{
	r->started = true;
	r->base = seq;
	r->highest = seq - 1;
	r->doubtful = -1;
	r->received = 0;
	r->expected_prior = 0;
	r->received_prior = 0;
	r->transit = 0;
	memset(r->seen, 0, sizeof(r->seen));
	nack_init(&r->nack);
}

/* RFC 3550 A.1: a far jump counts only when its next packet follows. */
static int check_jump(struct rtp_recv *r, int64_t seq)
{
	/* A source that starts over low goes on one cycle higher. */
	if (seq <= r->highest)
		seq += 0x10000;
	if (r->doubtful != seq) {
		r->doubtful = seq + 1;
		return -EAGAIN;
	}
	restart(r, seq);

	return 0;
}

static int place(struct rtp_recv *r, int64_t *seq)
{
	int64_t ahead = *seq - r->highest;
	int err;

	if (ahead >= RECV_JUMP || ahead <= -RECV_JUMP) {
		err = check_jump(r, *seq);
		if (!err)
			*seq = r->base;
		return err;
	}
	if (ahead <= -RECV_WINDOW) {
		r->stats.late++;
		return -ETIME;
	}

	return 0;
}

/* The jitter of RFC 3550 A.8, once per timestamp and only in order: packets
 * of one picture share a timestamp without being sent together. */
static void count_jitter(struct rtp_recv *r, int64_t ts, struct mono now)
{
	int64_t transit = ticks_of(r, now) - ts;
	int64_t d = transit - r->transit;

	if (r->received > 0 && ts == r->ts)
		return;
	r->transit = transit;
	if (r->received == 0)
		return;
	if (d < 0)
		d = -d;
	if (d > (int64_t)r->cfg.clock_hz * 10)
		return;		/* a new timeline, not jitter */
	r->jitter16 += (uint32_t)d - ((r->jitter16 + 8) >> 4);
}

int rtp_recv_packet(struct rtp_recv *r, uint16_t wire_seq, uint32_t wire_ts,
		    size_t bytes, struct mono now, int64_t *seq, int64_t *ts)
{
	int64_t s = wire_seq, t = wire_ts;
	int err;

	if (!r->started) {
		restart(r, s);
		r->ts = t;
	} else {
		s = seq_extend(r->highest, wire_seq);
		t = ts_extend(r->ts, wire_ts);
		err = place(r, &s);
		if (err)
			return err;
	}
	if (s > r->highest) {
		for (int64_t i = r->highest + 1; i <= s; i++)
			forget_seen(r, i);
		count_jitter(r, t, now);
		r->highest = s;
		r->ts = t;
	}
	if (mark_seen(r, s)) {
		r->stats.duplicates++;
		return -EEXIST;
	}
	r->doubtful = -1;
	if (s < r->base)
		r->base = s;
	r->received++;
	r->stats.packets++;
	r->stats.bytes += bytes;
	if (r->cfg.nack && nack_recv(&r->nack, s, now))
		rtp_recv_want_key(r);
	*seq = s;
	*ts = t;

	return 0;
}

void rtp_recv_sr(struct rtp_recv *r, const struct rtcp_sr *sr,
		 struct mono now)
{
	r->sr = *sr;
	r->sr_at = now;
	r->has_sr = true;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

bool rtp_recv_report(struct rtp_recv *r, struct mono now,
		     struct rtcp_report *out)
{
	int64_t expected = r->highest - r->base + 1;
	int64_t in_interval, lost;

	if (!r->started || r->received == 0)
		return false;

	in_interval = expected - r->expected_prior;
	lost = in_interval - (r->received - r->received_prior);
	r->expected_prior = expected;
	r->received_prior = r->received;

	*out = (struct rtcp_report){
		.ssrc = r->cfg.ssrc,
		.lost = (int32_t)clamp(expected - r->received, -0x800000,
				       0x7fffff),
		.highest = (uint32_t)r->highest,
		.jitter = r->jitter16 >> 4,
	};
	if (in_interval > 0 && lost > 0)
		out->fraction_lost =
			(uint8_t)clamp(lost * 256 / in_interval, 0, 255);
	if (r->has_sr) {
		int64_t since = mono_since(now, r->sr_at);

		out->lsr = rtcp_ntp_mid(r->sr.ntp);
		out->dlsr = (uint32_t)(clamp(since, 0, 65535000000) * 65536 /
				       1000000);
	}

	return true;
}

size_t rtp_recv_nacks(struct rtp_recv *r, struct mono now, int64_t rtt_us,
		      uint16_t *out, size_t max)
{
	size_t n = nack_poll(&r->nack, now, rtt_us, out, max);

	r->stats.nacks += n;

	return n;
}

void rtp_recv_forget(struct rtp_recv *r, int64_t before)
{
	nack_forget(&r->nack, before);
}

void rtp_recv_want_key(struct rtp_recv *r)
{
	if (!r->want_key)
		r->fir_seq++;	/* a repeated wish keeps its number */
	r->want_key = true;
}

void rtp_recv_got_key(struct rtp_recv *r)
{
	r->want_key = false;
}

static struct mono key_due(const struct rtp_recv *r)
{
	if (!r->want_key)
		return MONO_NEVER;
	if (r->stats.key_asks == 0)
		return mono_at(0);

	return mono_add(r->key_asked, RECV_KEY_US);
}

enum recv_key_ask rtp_recv_poll_key(struct rtp_recv *r, struct mono now,
				    uint8_t *fir_seq)
{
	if (!r->want_key || mono_before(now, key_due(r)))
		return RECV_ASK_NONE;
	r->key_asked = now;
	r->stats.key_asks++;
	*fir_seq = r->fir_seq;

	return r->cfg.use_fir ? RECV_ASK_FIR : RECV_ASK_PLI;
}

struct mono rtp_recv_due(const struct rtp_recv *r, int64_t rtt_us)
{
	return mono_min(nack_due(&r->nack, rtt_us), key_due(r));
}

void rtp_recv_get_stats(const struct rtp_recv *r, struct rtp_recv_stats *out)
{
	*out = r->stats;
	if (!r->started)
		return;
	out->highest = r->highest;
	out->lost = r->highest - r->base + 1 - r->received;
	out->jitter_us = (uint32_t)((uint64_t)(r->jitter16 >> 4) * 1000000 /
				    r->cfg.clock_hz);
}

bool rtp_recv_ntp_us(const struct rtp_recv *r, int64_t ts, int64_t *ntp_us)
{
	int64_t sr_ts, us;

	if (!r->has_sr || !r->started)
		return false;
	sr_ts = ts_extend(r->ts, r->sr.ts);
	us = (int64_t)(r->sr.ntp >> 32) * 1000000 +
	     (int64_t)((r->sr.ntp & 0xffffffff) * 1000000 >> 32);
	*ntp_us = us + (ts - sr_ts) * 1000000 / (int64_t)r->cfg.clock_hz;

	return true;
}
