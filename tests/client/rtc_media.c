/* rtc_media.c - RTP and RTCP of a test peer, both ways */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "core/rtcp/rtcp.h"
#include "tests/client/rtc_inside.h"

enum {
	REPORT_US = 1000000,
	ROOM = RTP_PACKET_MAX + SRTP_GROW,
	RTT_US = 2000,		/* this machine's; only spaces questions */
	NACKS = 64,
	BEHIND_MAX = 5,		/* frames caught up at once after a stall */
};

static const struct sdp_line *line_of(const struct rtc_peer *p,
				      enum rtc_kind kind, bool in)
{
	const struct sdp_session *s = &p->agreed;
	int8_t i = kind == RTC_AUDIO ? (in ? s->audio_in : s->audio_out) :
				       (in ? s->video_in : s->video_out);

	return i >= 0 ? &s->lines[i] : NULL;
}

static enum sdp_codec sdp_codec_of(enum rtp_codec codec)
{
	return codec == RTP_OPUS ? SDP_OPUS :
	       codec == RTP_VP8 ? SDP_VP8 :
	       codec == RTP_VP9 ? SDP_VP9 : SDP_CODEC_NONE;
}

static struct rtp_ext_ids ids_of(const struct sdp_line *line)
{
	return (struct rtp_ext_ids){ line->ext_mid, line->ext_transport_cc,
				     line->ext_audio_level };
}

int rtc_media_init(struct rtc_peer *p)
{
	struct rtc_media *m = &p->media;
	int err = arrival_new(&m->arrival);

	m->rtp_seen = malloc(sizeof(*m->rtp_seen));
	if (err || !m->rtp_seen)
		return -ENOMEM;
	replay_set_init(m->rtp_seen);
	if (getrandom(m->ssrc, sizeof(m->ssrc), 0) != sizeof(m->ssrc) ||
	    getrandom(&m->picture_id, sizeof(m->picture_id), 0) !=
		    sizeof(m->picture_id))
		return -EIO;
	m->ssrc[RTC_AUDIO] |= 1;
	m->ssrc[RTC_VIDEO] = (m->ssrc[RTC_VIDEO] & ~1u) | 2;
	m->picture_id &= 0x7fff;
	m->report_timer.due = m->feedback_timer.due = MONO_NEVER;
	for (int k = 0; k < RTC_KINDS; k++)
		m->out[k].timer.due = MONO_NEVER;

	return 0;
}

static bool send_rtp(struct rtc_peer *p, uint8_t *bytes,
		     const struct rtp_sent *sent)
{
	int n = srtp_evp.protect(p->srtp_out, bytes, sent->len, ROOM,
				 sent->index);

	return n > 0 && agent_send(p->agent, bytes, (size_t)n) == 0;
}

static void send_media(struct rtc_peer *p, enum rtc_kind kind,
		       const struct rtp_send_media *media, struct mono now)
{
	struct rtp_sent sent;
	uint8_t bytes[ROOM];

	if (rtp_send_packet(p->media.out[kind].send, media, now, bytes,
			    RTP_PACKET_MAX, &sent) == 0 &&
	    send_rtp(p, bytes, &sent))
		p->stats.flow[kind].sent++;
}

static void send_picture(struct rtc_peer *p, const struct track_frame *frame,
			 struct mono now)
{
	struct rtc_media *m = &p->media;
	struct rtc_out *out = &m->out[RTC_VIDEO];
	const struct track *track = m->track[RTC_VIDEO];
	const struct pack_picture picture = {
		.bytes = frame->bytes, .len = frame->len, .key = frame->key,
		.width = track->width, .height = track->height,
	};
	struct rtp_send_media media = { .media_time = out->media_time,
					.level = RTP_NO_LEVEL };
	uint8_t payload[RTP_PACKET_MAX];
	int n;

	if (pack_start(&m->pack, &picture,
		       rtp_send_payload_max(out->send)) < 0)
		return;
	while ((n = pack_next(&m->pack, payload, sizeof(payload),
			      &media.marker)) > 0) {
		media.payload = payload;
		media.len = (size_t)n;
		send_media(p, RTC_VIDEO, &media, now);
	}
}

static void send_frame(struct rtc_peer *p, enum rtc_kind kind,
		       struct mono now)
{
	const struct track *track = p->media.track[kind];
	struct rtc_out *out = &p->media.out[kind];
	const struct track_frame *frame = &track->frames[out->at];
	const struct rtp_send_media media = {
		.payload = frame->bytes, .len = frame->len,
		.media_time = out->media_time, .level = 30,
	};

	if (kind == RTC_VIDEO)
		send_picture(p, frame, now);
	else
		send_media(p, kind, &media, now);
	out->at = (out->at + 1) % track->count;
	out->media_time += track->step;
	out->due = mono_add(out->due, track->step_us);
}

static void on_send(struct rtc_peer *p, enum rtc_kind kind, struct mono now);

static void on_audio(struct mono now, void *arg)
{
	on_send(arg, RTC_AUDIO, now);
}

static void on_video(struct mono now, void *arg)
{
	on_send(arg, RTC_VIDEO, now);
}

static void on_send(struct rtc_peer *p, enum rtc_kind kind, struct mono now)
{
	struct rtc_out *out = &p->media.out[kind];

	for (int i = 0; i < BEHIND_MAX && !mono_before(now, out->due); i++)
		send_frame(p, kind, now);
	if (!mono_before(now, out->due))
		out->due = now;
	loop_timer(p->loop, &out->timer, out->due,
		   kind == RTC_AUDIO ? on_audio : on_video, p);
}

static const struct sdp_line_codec *codec_of(const struct sdp_line *line,
					     enum rtp_codec codec)
{
	for (unsigned i = 0; i < line->codec_count; i++)
		if (line->codecs[i].codec == sdp_codec_of(codec))
			return &line->codecs[i];

	return NULL;
}

static int start_out(struct rtc_peer *p, enum rtc_kind kind, struct mono now)
{
	struct rtc_media *m = &p->media;
	const struct sdp_line *line = line_of(p, kind, false);
	const struct track *track = m->track[kind];
	const struct sdp_line_codec *codec = line && track ?
		codec_of(line, track->codec) : NULL;
	struct rtc_out *out = &m->out[kind];
	struct rtp_send_cfg cfg = {
		.ssrc = m->ssrc[kind], .first_ts = 1000,
		.next_index = &out->index, .next_twcc = &m->twcc,
	};
	int err;

	if (!codec)
		return 0;
	cfg.clock_hz = codec->clock_hz;
	cfg.pt = codec->payload_type;
	cfg.ext = ids_of(line);
	cfg.history = kind == RTC_VIDEO ? 512 : 64;
	cfg.history_bytes = kind == RTC_VIDEO ? SEND_VIDEO_HISTORY_BYTES :
						SEND_AUDIO_HISTORY_BYTES;
	memcpy(cfg.mid, line->mid, strnlen(line->mid, RTP_MID_MAX));
	out->index = m->ssrc[kind] & 0x7fff;
	if (kind == RTC_VIDEO)
		pack_init(&m->pack, track->codec, &m->picture_id);
	err = rtp_send_new(&out->send, &cfg);
	if (err)
		return err;
	out->due = now;
	on_send(p, kind, now);

	return 0;
}

/* ---- RTCP out ---- */

static void send_rtcp(struct rtc_peer *p, struct buf_out *b)
{
	int n;

	if (b->bad || !buf_len(b) || !p->srtp_out)
		return;
	n = srtp_evp.protect_rtcp(p->srtp_out, b->start, buf_len(b), ROOM,
				  (uint32_t)p->media.rtcp_index++);
	if (n > 0)
		(void)!agent_send(p->agent, b->start, (size_t)n);
}

static void on_report(struct mono now, void *arg)
{
	struct rtc_peer *p = arg;
	struct rtcp_report reports[RTC_KINDS];
	uint8_t bytes[ROOM];
	struct buf_out b = buf_out(bytes, RTP_PACKET_MAX);
	uint64_t ntp = rtcp_ntp(wall_us());
	unsigned count = 0;

	for (int k = 0; k < RTC_KINDS; k++)
		if (p->media.in[k].recv &&
		    rtp_recv_report(p->media.in[k].recv, now, &reports[count]))
			count++;
	for (int k = 0; k < RTC_KINDS; k++) {
		struct rtcp_sr sr;

		if (!p->media.out[k].send ||
		    !rtp_send_report(p->media.out[k].send, ntp, now, &sr))
			continue;
		rtcp_write_sr(&b, &sr, reports, count);
		count = 0;
	}
	if (!buf_len(&b) || count)
		rtcp_write_rr(&b, p->media.ssrc[0], reports, count);
	rtcp_write_sdes(&b, p->media.ssrc[0], "testpeer");
	send_rtcp(p, &b);
	loop_timer(p->loop, &p->media.report_timer, mono_add(now, REPORT_US),
		   on_report, p);
}

/* Transport-wide feedback, and questions for what is missing. */
static void on_feedback(struct mono now, void *arg)
{
	struct rtc_peer *p = arg;
	struct rtc_in *in = &p->media.in[RTC_VIDEO];
	uint16_t seqs[NACKS];
	uint8_t bytes[ROOM];
	struct buf_out b = buf_out(bytes, RTP_PACKET_MAX);
	struct mono due;
	size_t n;

	while (arrival_poll(p->media.arrival, now, p->media.ssrc[0], in->ssrc,
			    &b) > 0)
		;
	n = in->recv ? rtp_recv_nacks(in->recv, now, RTT_US, seqs, NACKS) : 0;
	if (n)
		rtcp_write_nack(&b, p->media.ssrc[0], in->ssrc, seqs, n);
	send_rtcp(p, &b);
	due = arrival_due(p->media.arrival);
	if (in->recv)
		due = mono_min(due, rtp_recv_due(in->recv, RTT_US));
	loop_timer(p->loop, &p->media.feedback_timer, due, on_feedback, p);
}

int rtc_media_start(struct rtc_peer *p, struct mono now)
{
	int err = 0;

	if (!p->srtp_out)
		return 0;
	p->media.running = true;
	for (int k = 0; k < RTC_KINDS && !err; k++)
		err = start_out(p, (enum rtc_kind)k, now);
	loop_timer(p->loop, &p->media.report_timer, mono_add(now, REPORT_US),
		   on_report, p);

	return err;
}

void rtc_media_stop(struct rtc_peer *p)
{
	for (int k = 0; k < RTC_KINDS; k++)
		loop_untimer(&p->media.out[k].timer);
	loop_untimer(&p->media.report_timer);
	loop_untimer(&p->media.feedback_timer);
	p->media.running = false;
}

void rtc_media_fini(struct rtc_peer *p)
{
	for (int k = 0; k < RTC_KINDS; k++) {
		rtp_send_free(p->media.out[k].send);
		rtp_recv_free(p->media.in[k].recv);
	}
	arrival_free(p->media.arrival);
	free(p->media.rtp_seen);
}

/* ---- in ---- */

static struct rtc_in *stream_of(struct rtc_peer *p,
				const struct rtp_packet *packet,
				enum rtc_kind *kind)
{
	struct rtp_recv_cfg cfg = { .ssrc = packet->ssrc };
	struct rtc_in *in;

	if (sdp_codec_by_type(&p->agreed, SDP_AUDIO, packet->pt))
		*kind = RTC_AUDIO;
	else if (sdp_codec_by_type(&p->agreed, SDP_VIDEO, packet->pt))
		*kind = RTC_VIDEO;
	else
		return NULL;
	in = &p->media.in[*kind];
	if (in->recv)
		return in->ssrc == packet->ssrc ? in : NULL;
	cfg.clock_hz = in->clock_hz = *kind == RTC_AUDIO ? 48000 : 90000;
	cfg.nack = *kind == RTC_VIDEO;
	in->ssrc = packet->ssrc;
	if (line_of(p, *kind, true))
		in->ext = ids_of(line_of(p, *kind, true));
	if (rtp_recv_new(&in->recv, &cfg) < 0)
		return NULL;

	return in;
}

/* How far behind the earliest course: arrival less media time. */
static void count_late(struct rtc_in *in, struct rtc_flow *flow, int64_t ts,
		       struct mono now)
{
	int64_t course = now.us - ts * 1000000 / in->clock_hz;

	if (!in->base_set || course < in->base_us) {
		in->base_set = true;
		in->base_us = course;
	}
	if (course - in->base_us > RTC_LATE_US)
		flow->late++;
}

static void count(struct rtc_in *in, struct rtc_flow *flow,
		  const struct rtp_packet *packet, int64_t seq,
		  struct mono now)
{
	if (flow->last.us && now.us - flow->last.us > flow->longest_gap_us)
		flow->longest_gap_us = now.us - flow->last.us;
	if (!flow->first.us)
		flow->first = now;
	flow->last = now;
	flow->received++;
	flow->bytes_received += packet->payload_len;
	flow->frames += in->clock_hz == 48000 || packet->marker;
	/* A late one fills the hole that it left. */
	if (in->last_seq_set && seq > in->last_seq)
		flow->lost += (uint64_t)(seq - in->last_seq - 1);
	else if (in->last_seq_set && flow->lost)
		flow->lost--;
	if (!in->last_seq_set || seq > in->last_seq)
		in->last_seq = seq;
	in->last_seq_set = true;
}

static void take(struct rtc_peer *p, const struct rtp_packet *packet,
		 struct mono now)
{
	struct rtp_ext_values ext;
	enum rtc_kind kind;
	struct rtc_in *in = stream_of(p, packet, &kind);
	int64_t seq, ts;

	if (!in || rtp_recv_packet(in->recv, packet->seq, packet->ts,
				   packet->payload_len, now, &seq, &ts) < 0)
		return;
	rtp_ext_read(&ext, packet, &in->ext);
	if (ext.has_twcc)
		arrival_packet(p->media.arrival, ext.twcc, now);
	count(in, &p->stats.flow[kind], packet, seq, now);
	if (kind == RTC_AUDIO)
		count_late(in, &p->stats.flow[kind], ts, now);
	if (p->media.feedback_timer.due.us == MONO_NEVER.us)
		loop_timer(p->loop, &p->media.feedback_timer,
			   mono_min(arrival_due(p->media.arrival),
				    rtp_recv_due(in->recv, RTT_US)),
			   on_feedback, p);
	if (p->ops.rtp)
		p->ops.rtp(p, kind, packet, now, p->ops.arg);
}

void rtc_media_rtp(struct rtc_peer *p, uint8_t *bytes, size_t len,
		   struct mono now)
{
	struct replay_set *seen = p->media.rtp_seen;
	struct rtp_packet packet;
	uint64_t index;
	int n;

	if (!p->media.running || rtp_parse(&packet, bytes, len) < 0)
		return;
	index = replay_set_estimate(seen, packet.ssrc, packet.seq);
	n = replay_set_check(seen, packet.ssrc, index);
	if (!n)
		n = srtp_evp.unprotect(p->srtp_in, bytes, len, index);
	if (n < 0 || rtp_parse(&packet, bytes, (size_t)n) < 0 ||
	    replay_set_commit(seen, packet.ssrc, index) < 0) {
		p->stats.bad++;
		return;
	}
	take(p, &packet, now);
}

static void on_nack(struct rtc_peer *p, const struct rtcp_packet *packet,
		    struct mono now)
{
	uint16_t seqs[RTCP_NACK_FCI_MAX];
	struct rtp_sent sent;
	uint8_t bytes[ROOM];
	uint32_t ssrc;
	int n = rtcp_read_nack(packet, &ssrc, seqs, ARRAY_LEN(seqs));

	for (int k = 0; n > 0 && k < RTC_KINDS; k++) {
		struct rtp_send *send = p->media.out[k].send;

		if (!send || ssrc != p->media.ssrc[k])
			continue;
		for (int i = 0; i < n; i++)
			rtp_send_nack(send, seqs[i], RTT_US, now);
		while (rtp_send_poll_resend(send, now, bytes, RTP_PACKET_MAX,
					    &sent) > 0)
			p->stats.resent += send_rtp(p, bytes, &sent);
	}
}

static void on_feedback_packet(struct rtc_peer *p,
			       const struct rtcp_packet *packet,
			       struct mono now)
{
	bool key = packet->type == RTCP_PSFB && (packet->count == PSFB_PLI ||
						 packet->count == PSFB_FIR);

	if (packet->type == RTCP_RTPFB && packet->count == RTPFB_NACK)
		on_nack(p, packet, now);
	if (key) {
		/* The only key frame of the track is its first. */
		p->stats.key_asked++;
		p->media.out[RTC_VIDEO].at = 0;
	}
}

void rtc_media_rtcp(struct rtc_peer *p, uint8_t *bytes, size_t len,
		    struct mono now)
{
	struct rtcp_packet packet;
	struct rtcp_sr sr;
	struct buf_in in;
	uint32_t index;
	int n;

	if (!p->media.running)
		return;
	n = srtp_evp.unprotect_rtcp(p->srtp_in, bytes, len, &index);
	if (n < 8) {
		p->stats.bad++;
		return;
	}
	in = buf_in(bytes, (size_t)n);
	while (rtcp_next(&in, &packet) == 1) {
		on_feedback_packet(p, &packet, now);
		if (packet.type != RTCP_SR || rtcp_read_sr(&packet, &sr) < 0)
			continue;
		for (int k = 0; k < RTC_KINDS; k++)
			if (p->media.in[k].recv &&
			    p->media.in[k].ssrc == sr.ssrc)
				rtp_recv_sr(p->media.in[k].recv, &sr, now);
	}
}
