/*
 * rtcp_out.c - reports and feedback to the far end
 *
 * Every compound begins with a report (RFC 3550 6.1); feedback goes without
 * one where reduced size was agreed (RFC 5506).
 */

#include "common/clock.h"
#include "ice-worker/peer.h"

enum {
	RTCP_ROOM = 1200 - 16 - SRTP_GROW,
	REPORT_FIRST_US = 200000,
	REPORT_EVERY_US = 1000000,
	NACKS_AT_ONCE = 64,
};

/* The SSRC that speaks for us. */
static uint32_t speaker(const struct peer *p)
{
	return p->negotiation.agreed.audio_out >= 0 ?
		       p->negotiation.audio_ssrc :
		       p->negotiation.video_ssrc;
}

static unsigned reports_of(struct peer *p, struct mono now,
			   struct rtcp_report *out)
{
	unsigned count = 0;

	for (int k = 0; k < IN_KINDS; k++)
		if (p->in.streams[k].recv &&
		    rtp_recv_report(p->in.streams[k].recv, now, &out[count]))
			count++;

	return count;
}

static void add_sr(struct buf_out *out, const struct rtp_send *send,
		   uint64_t ntp, struct mono now,
		   const struct rtcp_report *reports, unsigned *count)
{
	struct rtcp_sr sr;

	if (!send || !rtp_send_report(send, ntp, now, &sr))
		return;
	rtcp_write_sr(out, &sr, reports, *count);
	*count = 0;
}

/* One wall clock for both: that is what lets the far end join sound and
 * picture. */
static void send_reports(struct peer *p, struct mono now)
{
	uint8_t bytes[RTCP_ROOM + SRTP_GROW];
	struct buf_out out = buf_out(bytes, RTCP_ROOM);
	struct rtcp_report reports[IN_KINDS];
	unsigned count = reports_of(p, now, reports);
	uint64_t ntp = rtcp_ntp(wall_us());

	add_sr(&out, p->out.audio.send, ntp, now, reports, &count);
	add_sr(&out, p->out.video.send, ntp, now, reports, &count);
	if (count > 0 || buf_len(&out) == 0)
		rtcp_write_rr(&out, speaker(p), reports, count);
	rtcp_write_sdes(&out, speaker(p), p->negotiation.cname);
	if (!out.bad)
		transport_send_rtcp(p, bytes, buf_len(&out));
}

static void on_report_timer(struct mono now, void *arg)
{
	struct peer *p = arg;

	if (p->negotiation.agreed.kinds & (SDP_AUDIO | SDP_VIDEO))
		send_reports(p, now);
	media_out_tell_bitrate(p);
	loop_timer(p->loop, &p->in.report_timer,
		   mono_add(now, REPORT_EVERY_US), on_report_timer, p);
}

void rtcp_out_start(struct peer *p)
{
	loop_timer(p->loop, &p->in.report_timer,
		   mono_add(mono_now(), REPORT_FIRST_US), on_report_timer, p);
}

static void add_nacks(struct peer *p, struct in_stream *s, struct mono now,
		      struct buf_out *out)
{
	uint16_t seqs[NACKS_AT_ONCE];
	size_t count = rtp_recv_nacks(s->recv, now, p->in.rtt_us, seqs,
				      ARRAY_LEN(seqs));

	if (count > 0)
		rtcp_write_nack(out, speaker(p), s->ssrc, seqs, count);
}

static void add_key_question(struct peer *p, struct in_stream *s,
			     struct mono now, struct buf_out *out)
{
	uint8_t seq = 0;

	switch (rtp_recv_poll_key(s->recv, now, &seq)) {
	case RECV_ASK_PLI:
		rtcp_write_pli(out, speaker(p), s->ssrc);
		break;
	case RECV_ASK_FIR:
		rtcp_write_fir(out, speaker(p), s->ssrc, seq);
		break;
	case RECV_ASK_NONE:
		break;
	}
}

static uint32_t any_ssrc_in(const struct peer *p)
{
	for (int k = IN_KINDS - 1; k >= 0; k--)
		if (p->in.streams[k].recv)
			return p->in.streams[k].ssrc;

	return 0;
}

void rtcp_out_feedback(struct peer *p, struct mono now)
{
	uint8_t bytes[RTCP_ROOM + SRTP_GROW];
	struct buf_out out = buf_out(bytes, RTCP_ROOM);
	size_t head;

	if (!p->in.rsize)
		rtcp_write_rr(&out, speaker(p), NULL, 0);
	head = buf_len(&out);
	for (int k = 0; k < IN_KINDS; k++) {
		struct in_stream *s = &p->in.streams[k];

		if (!s->recv)
			continue;
		add_nacks(p, s, now, &out);
		if (k == IN_VIDEO)
			add_key_question(p, s, now, &out);
	}
	for (int i = 0; p->in.arrival && i < 8; i++)
		if (arrival_poll(p->in.arrival, now, speaker(p),
				 any_ssrc_in(p), &out) <= 0)
			break;
	if (!out.bad && buf_len(&out) > head)
		transport_send_rtcp(p, bytes, buf_len(&out));
}

void rtcp_out_bye(struct peer *p)
{
	uint8_t bytes[256 + SRTP_GROW];
	struct buf_out out = buf_out(bytes, 256);
	uint32_t ssrcs[2] = { p->negotiation.audio_ssrc,
			      p->negotiation.video_ssrc };

	if (!(p->negotiation.agreed.kinds & (SDP_AUDIO | SDP_VIDEO)))
		return;
	rtcp_write_rr(&out, speaker(p), NULL, 0);
	rtcp_write_sdes(&out, speaker(p), p->negotiation.cname);
	rtcp_write_bye(&out, ssrcs, 2);
	if (!out.bad)
		transport_send_rtcp(p, bytes, buf_len(&out));
}
