/*
 * send.c - one outgoing stream: numbers, timeline, history
 *
 * The timeline: out = offset + media_time. When media_time gets a new zero
 * the offset is chosen so that the timestamp has grown since the last packet
 * by as much as the clock has, at least by one tick.
 */

#include "core/rtp/send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/rtp/history.h"
#include "core/rtp/seq.h"

enum { RESEND_MIN_US = 10000, CAPTURE_AGE_US = 10000000 };

#define INDEX_MASK 0xffffffffffffull

struct rtp_send {
	struct rtp_send_cfg cfg;
	struct history history;
	bool started, new_zero;
	int64_t offset, media, ts;	/* of the last packet, extended */
	struct mono at, capture;	/* of the last packet */
	uint64_t last_index;
	struct wish {
		uint64_t index;
		struct mono asked;
	} resend[SEND_RESEND_QUEUE];
	uint16_t resend_at, resends;
	struct rtp_send_stats stats;
};

int rtp_send_new(struct rtp_send **out, const struct rtp_send_cfg *cfg)
{
	struct rtp_send *s;
	int err;

	if (cfg->clock_hz == 0 || !cfg->next_index || cfg->pt > 127 ||
	    (cfg->ext.twcc && !cfg->next_twcc))
		return -EINVAL;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	err = history_init(&s->history, cfg->history, cfg->history_bytes);
	if (err) {
		free(s);
		return err;
	}
	s->cfg = *cfg;
	s->cfg.mid[RTP_MID_MAX] = '\0';
	*out = s;

	return 0;
}

void rtp_send_free(struct rtp_send *s)
{
	if (!s)
		return;
	history_fini(&s->history);
	free(s);
}

void rtp_send_set_format(struct rtp_send *s, uint8_t pt,
			 const struct rtp_ext_ids *ext)
{
	s->cfg.pt = pt & 0x7f;
	s->cfg.ext = *ext;
	if (!s->cfg.next_twcc)
		s->cfg.ext.twcc = 0;
}

/* As if every extension had its two-byte head. */
static size_t ext_bytes_max(const struct rtp_send *s)
{
	size_t n = 0;

	if (s->cfg.ext.mid && s->cfg.mid[0])
		n += 2 + strlen(s->cfg.mid);
	if (s->cfg.ext.twcc)
		n += 2 + 2;
	if (s->cfg.ext.level)
		n += 2 + 1;

	return n ? 4 + (n + 3) / 4 * 4 : 0;
}

size_t rtp_send_payload_max(const struct rtp_send *s)
{
	return SEND_PACKET_MAX - RTP_FIXED_HEADER - ext_bytes_max(s);
}

void rtp_send_new_zero(struct rtp_send *s)
{
	s->new_zero = true;
}

static int64_t ticks(const struct rtp_send *s, int64_t us)
{
	return us * (int64_t)s->cfg.clock_hz / 1000000;
}

static bool jumps(const struct rtp_send *s, int64_t media)
{
	int64_t step;

	/* Media times come from another process: any value, no overflow. */
	if (__builtin_sub_overflow(media, s->media, &step))
		return true;

	return step > ticks(s, SEND_JUMP_US) || step < -ticks(s, SEND_JUMP_US);
}

static int64_t wrapping_add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t timestamp(struct rtp_send *s, int64_t media, struct mono now)
{
	int64_t ts;

	if (!s->started) {
		ts = s->cfg.first_ts;
	} else if (s->new_zero || jumps(s, media)) {
		int64_t step = ticks(s, mono_since(now, s->at));

		ts = wrapping_add(s->ts, step > 0 ? step : 1);
	} else {
		return wrapping_add(s->offset, media);
	}
	s->offset = (int64_t)((uint64_t)ts - (uint64_t)media);
	s->new_zero = false;

	return ts;
}

/* Comes from another process as well: only a likely one counts. */
static struct mono likely_capture(struct mono capture, struct mono now)
{
	bool likely = capture.us > 0 && !mono_before(now, capture) &&
		      mono_since(now, capture) < CAPTURE_AGE_US;

	return likely ? capture : now;
}

static void write_header(const struct rtp_send *s, struct buf_out *out,
			 const struct rtp_packet *head, uint8_t level_value,
			 uint16_t twcc)
{
	uint8_t level = level_value & 0x7f;
	uint8_t wide[2] = { (uint8_t)(twcc >> 8), (uint8_t)twcc };
	struct rtp_ext exts[3];
	size_t n = 0;

	/* The V bit (RFC 6464): anything above silence counts as voice. */
	if (level < 127)
		level |= 0x80;
	if (s->cfg.ext.mid && s->cfg.mid[0])
		exts[n++] = (struct rtp_ext){ s->cfg.ext.mid,
					      (uint8_t)strlen(s->cfg.mid),
					      s->cfg.mid };
	if (s->cfg.ext.twcc)
		exts[n++] = (struct rtp_ext){ s->cfg.ext.twcc, 2, wide };
	if (s->cfg.ext.level && level_value != RTP_NO_LEVEL)
		exts[n++] = (struct rtp_ext){ s->cfg.ext.level, 1, &level };
	rtp_write(out, head, exts, n);
}

static void keep(struct rtp_send *s, const struct rtp_sent *sent,
		 const void *bytes)
{
	struct history_packet p = {
		.index = sent->index,
		.twcc = sent->twcc,
		.has_twcc = sent->has_twcc,
	};

	history_put(&s->history, &p, bytes, sent->len);
}

int rtp_send_packet(struct rtp_send *s, const struct rtp_send_media *m,
		    struct mono now, void *out, size_t cap,
		    struct rtp_sent *sent)
{
	uint64_t index = *s->cfg.next_index & INDEX_MASK;
	uint64_t twcc = s->cfg.ext.twcc ? *s->cfg.next_twcc : 0;
	struct buf_out b = buf_out(out, cap < SEND_PACKET_MAX
						? cap : SEND_PACKET_MAX);
	struct rtp_packet head = {
		.marker = m->marker,
		.pt = s->cfg.pt,
		.seq = (uint16_t)index,
		.ssrc = s->cfg.ssrc,
	};

	if (m->len == 0 || m->len > rtp_send_payload_max(s) ||
	    m->len + RTP_FIXED_HEADER + ext_bytes_max(s) > cap)
		return -EMSGSIZE;

	/* Stored before anyone can send the packet: see the header. */
	__atomic_store_n(s->cfg.next_index, (index + 1) & INDEX_MASK,
			 __ATOMIC_RELEASE);
	if (s->cfg.ext.twcc)
		__atomic_store_n(s->cfg.next_twcc, twcc + 1, __ATOMIC_RELEASE);

	s->ts = timestamp(s, m->media_time, now);
	s->media = m->media_time;
	s->started = true;
	s->at = now;
	s->capture = likely_capture(m->capture, now);
	s->last_index = index;
	s->stats.packets++;
	s->stats.bytes += m->len;

	head.ts = (uint32_t)s->ts;
	write_header(s, &b, &head, m->level, (uint16_t)twcc);
	buf_put(&b, m->payload, m->len);
	*sent = (struct rtp_sent){
		.len = buf_len(&b),
		.index = index,
		.has_twcc = s->cfg.ext.twcc,
		.twcc = (int64_t)twcc,
	};
	keep(s, sent, out);

	return 0;
}

void rtp_send_nack(struct rtp_send *s, uint16_t seq, int64_t rtt_us,
		   struct mono now)
{
	struct history_packet *p;
	int64_t index;

	s->stats.nacks++;
	if (!s->started)
		return;
	index = seq_extend((int64_t)s->last_index, seq);
	p = index < 0 ? NULL : history_get(&s->history, (uint64_t)index);
	if (!p) {
		s->stats.nacks_missed++;
		return;
	}
	/* A question that comes sooner was asked before the last answer could
	 * arrive. The measured round trip may lie above the shortest one. */
	rtt_us -= rtt_us / 4;
	if (rtt_us < RESEND_MIN_US)
		rtt_us = RESEND_MIN_US;
	if (s->resends == SEND_RESEND_QUEUE ||
	    (p->resent.us && mono_since(now, p->resent) < rtt_us))
		return;

	p->resent = now;
	s->resend[(s->resend_at + s->resends) % SEND_RESEND_QUEUE] =
		(struct wish){ p->index, now };
	s->resends++;
}

int rtp_send_poll_resend(struct rtp_send *s, struct mono now, void *out,
			 size_t cap, struct rtp_sent *sent)
{
	while (s->resends) {
		const struct wish *w = &s->resend[s->resend_at];
		struct history_packet *p = history_get(&s->history, w->index);

		if (mono_since(now, w->asked) > SEND_RESEND_WAIT_US)
			p = NULL;
		if (p && p->len > cap)
			return -EMSGSIZE;
		s->resend_at = (s->resend_at + 1) % SEND_RESEND_QUEUE;
		s->resends--;
		if (!p)
			continue;

		memcpy(out, history_bytes(&s->history, p), p->len);
		*sent = (struct rtp_sent){
			.len = p->len,
			.index = p->index,
			.has_twcc = p->has_twcc,
			.twcc = p->twcc,
			.resend = true,
		};
		p->resent = now;
		s->stats.resent++;
		s->stats.resent_bytes += p->len;

		return 1;
	}

	return 0;
}

void rtp_send_drop_resends(struct rtp_send *s)
{
	s->resends = 0;
}

bool rtp_send_wants_resend(const struct rtp_send *s)
{
	return s->resends > 0;
}

bool rtp_send_report(const struct rtp_send *s, uint64_t ntp, struct mono now,
		     struct rtcp_sr *out)
{
	if (!s->started)
		return false;
	*out = (struct rtcp_sr){
		.ssrc = s->cfg.ssrc,
		.ntp = ntp,
		.ts = (uint32_t)(s->ts +
				 ticks(s, mono_since(now, s->capture))),
		.packets = (uint32_t)s->stats.packets,
		.bytes = (uint32_t)s->stats.bytes,
	};

	return true;
}

void rtp_send_rr(struct rtp_send *s, const struct rtcp_report *report,
		 uint32_t now_mid, int64_t *rtt_us)
{
	s->stats.fraction_lost = report->fraction_lost;
	s->stats.lost = report->lost;
	s->stats.jitter = report->jitter;
	*rtt_us = rtcp_rtt_us(report, now_mid);
}

void rtp_send_get_stats(const struct rtp_send *s, struct rtp_send_stats *out)
{
	*out = s->stats;
}

uint32_t rtp_send_ssrc(const struct rtp_send *s)
{
	return s->cfg.ssrc;
}
