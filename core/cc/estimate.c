/*
 * estimate.c - bitrate target from delay, loss and the receiver's bound
 *
 *     delay   grows by 8 % a second while the trend is flat (slowly near the
 *             rate at which the path last gave way), falls to 85 % of what
 *             arrived when the queue grows
 *     loss    grows below 2 %, falls by half the loss above 10 %
 *     REMB    taken as it is
 *
 * The target is the lowest of them. It does not grow beyond 1.5 times what
 * arrives: an encoder that sends little proves nothing about the path.
 */

#include "core/cc/estimate.h"

#include <errno.h>
#include <stdlib.h>

#include "core/cc/trend.h"
#include "core/rtcp/twcc.h"
#include "core/rtp/seq.h"

enum {
	SENT_HELD = 4096,	/* packets that feedback may name */
	BUCKET_US = 50000,	/* arrivals are counted in such spans... */
	BUCKETS = 10,		/* ...over half a second */
	BUCKETS_MIN = 4,	/* a rate needs so much time */
	LOSS_PACKETS = 20,	/* judged together, at least */
	LOSS_PAUSE_US = 300000,	/* after a decrease, plus a round trip */
	RTT_FIRST_US = 100000,
	SILENCE_US = 2000000,	/* sent, but no feedback for so long */
	SILENCE_STEP_US = 1000000,
	HEADROOM_BPS = 10000,
	REMB_US = 10000000,	/* repeated each second while it holds */
};

/* Reference times of feedback wrap after this many microseconds. */
#define REF_CYCLE_US ((int64_t)TWCC_REF_US << 24)

enum sent_state { SENT_FREE, SENT_WAITING, SENT_LOST, SENT_ARRIVED };

struct sent {
	int64_t seq, at_us;
	uint32_t bytes;
	uint8_t state;		/* enum sent_state */
	bool again;		/* sent more than once */
};

/* What arrived lately, by arrival time. */
struct meter {
	int64_t bucket;		/* number of the newest: arrival / BUCKET_US */
	int64_t first;		/* number of the first ever */
	uint32_t bytes[BUCKETS];
	bool used;
};

struct estimate {
	struct estimate_cfg cfg;
	struct sent sent[SENT_HELD];
	bool any_sent, any_feedback, any_told;
	int64_t last_seq;
	struct mono last_sent, last_feedback, last_grow, last_cut;
	struct mono last_loss_grow, last_loss_cut, silence, remb_at;
	int64_t ref_us, rtt_us;
	struct trend trend;
	bool grows;
	struct meter meter;
	double capacity_bps;		/* where the path gave way; 0 unknown */
	double delay_bps, loss_bps, remb_bps;
	unsigned lost, arrived;		/* since the last judgement of loss */
	uint32_t told_bps;
	struct estimate_stats stats;
};

static double clamp(const struct estimate *e, double bps)
{
	if (bps < e->cfg.min_bps)
		return e->cfg.min_bps;

	return bps > e->cfg.max_bps ? e->cfg.max_bps : bps;
}

int estimate_new(struct estimate **out, const struct estimate_cfg *cfg)
{
	struct estimate *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->cfg.start_bps = cfg->start_bps ? cfg->start_bps : 1000000;
	e->cfg.min_bps = cfg->min_bps ? cfg->min_bps : 50000;
	e->cfg.max_bps = cfg->max_bps ? cfg->max_bps : 4000000;
	if (e->cfg.min_bps > e->cfg.start_bps ||
	    e->cfg.start_bps > e->cfg.max_bps) {
		free(e);
		return -EINVAL;
	}
	e->delay_bps = e->cfg.start_bps;
	e->loss_bps = e->cfg.start_bps;
	e->rtt_us = RTT_FIRST_US;
	trend_init(&e->trend);
	*out = e;

	return 0;
}

void estimate_free(struct estimate *e)
{
	free(e);
}

void estimate_sent(struct estimate *e, int64_t twcc, size_t bytes,
		   struct mono now)
{
	struct sent *s = &e->sent[(uint64_t)twcc % SENT_HELD];
	bool again = s->state != SENT_FREE && s->seq == twcc;

	*s = (struct sent){
		.seq = twcc,
		.at_us = now.us,
		.bytes = (uint32_t)bytes,
		.state = SENT_WAITING,
		.again = again,
	};
	if (!e->any_sent || twcc > e->last_seq)
		e->last_seq = twcc;
	e->any_sent = true;
	e->last_sent = now;
}

static void meter_add(struct meter *m, int64_t arrival_us, uint32_t bytes)
{
	int64_t bucket = arrival_us / BUCKET_US;

	if (!m->used || bucket - m->bucket > 100 || m->bucket - bucket > 100) {
		*m = (struct meter){ .bucket = bucket, .first = bucket,
				     .used = true };
	}
	while (m->bucket < bucket)
		m->bytes[(uint64_t)++m->bucket % BUCKETS] = 0;
	if (bucket > m->bucket - BUCKETS)
		m->bytes[(uint64_t)bucket % BUCKETS] += bytes;
}

/* bit/s over the whole buckets, without the newest; 0 when unknown. */
static double meter_bps(const struct meter *m)
{
	int64_t spans = m->bucket - m->first;
	double bytes = 0;

	if (!m->used || spans < BUCKETS_MIN)
		return 0;
	for (unsigned i = 0; i < BUCKETS; i++)
		if (i != (uint64_t)m->bucket % BUCKETS)
			bytes += m->bytes[i];
	if (spans > BUCKETS - 1)
		spans = BUCKETS - 1;

	return bytes * 8e6 / (double)(spans * BUCKET_US);
}

/* The wire's reference time made continuous. */
static int64_t unwrap_reference(struct estimate *e, int64_t ref_us)
{
	int64_t step = (ref_us - e->ref_us) % REF_CYCLE_US;

	if (!e->any_feedback) {
		e->ref_us = ref_us;
		return ref_us;
	}
	if (step < 0)
		step += REF_CYCLE_US;
	if (step > REF_CYCLE_US / 2)
		step -= REF_CYCLE_US;
	e->ref_us += step;

	return e->ref_us;
}

static void on_arrived(struct estimate *e, struct sent *s, int64_t arrival_us)
{
	if (s->state == SENT_WAITING)
		e->arrived++;
	s->state = SENT_ARRIVED;
	meter_add(&e->meter, arrival_us, s->bytes);
	if (!s->again)
		trend_packet(&e->trend, s->at_us, arrival_us);
}

static void on_lost(struct estimate *e, struct sent *s)
{
	e->lost++;
	s->state = SENT_LOST;
}

/* Near the rate where the path last gave way: half a packet in the time it
 * takes to hear of it. */
static double slow_growth(const struct estimate *e, double seconds)
{
	double answer_s = (double)(e->rtt_us + 100000) / 1e6;
	double bps = 0.5 * 1200 * 8 / answer_s;

	return seconds * (bps > 4000 ? bps : 4000);
}

static void grow_delay(struct estimate *e, double acked, struct mono now)
{
	double seconds = (double)mono_since(now, e->last_grow) / 1e6;
	double limit = 1.5 * acked + HEADROOM_BPS, next;
	bool near;

	if (acked <= 0 || e->last_grow.us == 0 || seconds > 1)
		seconds = 0;
	e->last_grow = now;
	if (e->capacity_bps > 0 && acked > e->capacity_bps * 1.2)
		e->capacity_bps = 0;	/* the path has become wider */
	near = e->delay_bps > e->capacity_bps * 0.75;
	if (e->capacity_bps <= 0)
		next = e->delay_bps * (1 + 0.08 * seconds);
	else if (near)
		next = e->delay_bps + slow_growth(e, seconds);
	else	/* the path bore more a while ago */
		next = e->delay_bps * (1 + 0.15 * seconds);
	if (next > limit)
		next = limit;
	if (next > e->delay_bps)
		e->delay_bps = clamp(e, next);
}

/* Where the path gives way: a mean of what is alike, else the new one. */
static void note_capacity(struct estimate *e, double acked)
{
	bool alike = acked > e->capacity_bps * 0.75 &&
		     acked < e->capacity_bps * 1.25;

	e->capacity_bps = alike ? 0.8 * e->capacity_bps + 0.2 * acked : acked;
}

static void cut_delay(struct estimate *e, double acked, struct mono now)
{
	int64_t pause = e->rtt_us < 10000 ? 10000
			: e->rtt_us > 200000 ? 200000 : e->rtt_us;
	double base = acked > 0 ? acked : e->delay_bps;

	e->grows = false;
	if (e->last_cut.us && mono_since(now, e->last_cut) < pause)
		return;
	e->last_cut = now;
	e->stats.overuses++;
	if (base < 0.5 * e->delay_bps)
		/* Little was sent, or the path shrank by far: halve first,
		 * the next cut finds what really arrives. */
		base = 0.5 * e->delay_bps;
	else if (acked > 0)
		note_capacity(e, acked);
	if (0.85 * base < e->delay_bps)
		e->delay_bps = clamp(e, 0.85 * base);
}

static void judge_delay(struct estimate *e, struct mono now)
{
	double acked = meter_bps(&e->meter);

	switch (e->trend.state) {
	case TREND_OVER:
		cut_delay(e, acked, now);
		break;
	case TREND_UNDER:	/* the queue drains: let it */
		e->grows = false;
		break;
	case TREND_NORMAL:
		if (e->grows)
			grow_delay(e, acked, now);
		else
			e->last_grow = now;
		e->grows = true;
		break;
	}
}

/* fraction is 0..1 of the packets since the last judgement. */
static void judge_loss(struct estimate *e, double fraction, struct mono now)
{
	double seconds = (double)mono_since(now, e->last_loss_grow) / 1e6;

	if (e->last_loss_grow.us == 0 || seconds > 1)
		seconds = e->last_loss_grow.us ? 1 : 0;
	e->last_loss_grow = now;
	e->stats.fraction_lost = (uint8_t)(fraction * 255);
	if (fraction < 0.02) {
		e->loss_bps = clamp(e, e->loss_bps * (1 + 0.15 * seconds));
		return;
	}
	if (fraction <= 0.1 ||
	    (e->last_loss_cut.us && mono_since(now, e->last_loss_cut) <
					    LOSS_PAUSE_US + e->rtt_us))
		return;
	e->last_loss_cut = now;
	if (e->loss_bps > estimate_bps(e))
		e->loss_bps = estimate_bps(e);
	e->loss_bps = clamp(e, e->loss_bps * (1 - 0.5 * fraction));
}

static void read_statuses(struct estimate *e, struct twcc_reader *r)
{
	int64_t shift = unwrap_reference(e, r->ref_us) - r->ref_us;
	struct twcc_status st;

	while (twcc_next(r, &st)) {
		int64_t seq = seq_extend(e->last_seq, st.seq);
		struct sent *s = &e->sent[(uint64_t)seq % SENT_HELD];

		if (s->seq != seq || s->state == SENT_FREE)
			continue;	/* never sent, or long ago */
		if (st.received && s->state != SENT_ARRIVED)
			on_arrived(e, s, st.arrival_us + shift);
		else if (!st.received && s->state == SENT_WAITING)
			on_lost(e, s);
	}
}

int estimate_feedback(struct estimate *e, const struct rtcp_packet *p,
		      struct mono now)
{
	struct twcc_reader r;
	unsigned judged;
	int err = twcc_read(&r, p);

	if (err)
		return err;
	if (!e->any_sent)
		return 0;

	if (!e->any_feedback)
		e->delay_bps = estimate_bps(e);
	read_statuses(e, &r);
	e->any_feedback = true;
	e->last_feedback = now;
	e->stats.feedbacks++;
	judge_delay(e, now);

	judged = e->lost + e->arrived;
	if (judged >= LOSS_PACKETS) {
		judge_loss(e, (double)e->lost / judged, now);
		e->lost = 0;
		e->arrived = 0;
	}

	return 0;
}

static bool hears_feedback(const struct estimate *e, struct mono now)
{
	return e->any_feedback &&
	       mono_since(now, e->last_feedback) < SILENCE_US;
}

void estimate_report(struct estimate *e, uint8_t fraction_lost,
		     struct mono now)
{
	if (!hears_feedback(e, now))
		judge_loss(e, fraction_lost / 256.0, now);
}

void estimate_remb(struct estimate *e, uint64_t bps, struct mono now)
{
	e->remb_at = now;
	e->remb_bps = bps < e->cfg.max_bps ? clamp(e, (double)bps)
					   : e->cfg.max_bps;
}

void estimate_rtt(struct estimate *e, int64_t rtt_us)
{
	if (rtt_us >= 0)
		e->rtt_us = (e->rtt_us * 7 + rtt_us) / 8;
}

uint32_t estimate_bps(const struct estimate *e)
{
	double bps = e->loss_bps;

	if (e->any_feedback && e->delay_bps < bps)
		bps = e->delay_bps;
	if (e->remb_bps > 0 && e->remb_bps < bps)
		bps = e->remb_bps;

	return (uint32_t)bps;
}

/* Packets leave and nobody says that they arrive: the path may be gone, or
 * so full that feedback does not come through. */
static void heed_silence(struct estimate *e, struct mono now)
{
	if (!e->any_feedback || hears_feedback(e, now) ||
	    mono_since(e->last_sent, e->last_feedback) < SILENCE_US ||
	    (e->silence.us && mono_since(now, e->silence) < SILENCE_STEP_US))
		return;
	e->silence = now;
	e->delay_bps = clamp(e, e->delay_bps * 0.7);
}

bool estimate_poll(struct estimate *e, struct mono now, uint32_t *bps)
{
	uint32_t target, step;

	heed_silence(e, now);
	if (mono_since(now, e->remb_at) > REMB_US)
		e->remb_bps = 0;
	target = estimate_bps(e);
	step = target > e->told_bps ? target - e->told_bps
				    : e->told_bps - target;
	if (e->any_told && (uint64_t)step * 100 < (uint64_t)e->told_bps * 3)
		return false;
	e->any_told = true;
	e->told_bps = target;
	*bps = target;

	return true;
}

void estimate_get_stats(const struct estimate *e, struct estimate_stats *out)
{
	*out = e->stats;
	out->delay_bps = (uint32_t)e->delay_bps;
	out->loss_bps = (uint32_t)e->loss_bps;
	out->remb_bps = (uint32_t)e->remb_bps;
	out->acked_bps = (uint32_t)meter_bps(&e->meter);
}
