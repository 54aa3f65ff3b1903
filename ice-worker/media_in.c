/* media_in.c - which stream, which record */

#include "ice-worker/media_in.h"

#include "common/log.h"
#include "ice-worker/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	VIDEO_SLOTS = 1024,
	HOLE_WAIT_US = 120000,
	SILENT_US = 500000,	/* then another SSRC may take its place */
	KEY_TOLD_US = 100000,
};

static const struct sdp_line *line_of(const struct peer *p, enum in_kind kind)
{
	const struct sdp_session *s = &p->negotiation.agreed;
	int index = kind == IN_AUDIO ? s->audio_in : s->video_in;

	return index >= 0 ? &s->lines[index] : NULL;
}

static enum rtp_codec codec_of(const struct sdp_line_codec *c)
{
	switch (c->codec) {
	case SDP_OPUS:
		return RTP_OPUS;
	case SDP_VP9:
		return RTP_VP9;
	case SDP_VP8:
		return RTP_VP8;
	case SDP_CODEC_NONE:
		break;
	}

	return RTP_NONE;
}

static void close_stream(struct peer *p, struct in_stream *s)
{
	struct rtp_recv_stats stats;

	if (!s->recv)
		return;
	rtp_recv_get_stats(s->recv, &stats);
	if (stats.lost > 0)
		p->in.lost_gone += (uint64_t)stats.lost;
	rtp_recv_free(s->recv);
	assembler_free(s->assembler);
	*s = (struct in_stream){ .line = -1, .gap = true };
}

void media_in_fini(struct peer *p)
{
	for (int k = 0; k < IN_KINDS; k++)
		close_stream(p, &p->in.streams[k]);
	loop_untimer(&p->in.timer);
	loop_untimer(&p->in.report_timer);
	arrival_free(p->in.arrival);
	free(p->in.picture);
	p->in.arrival = NULL;
	p->in.picture = NULL;
}

void media_in_agree(struct peer *p)
{
	const struct sdp_session *s = &p->negotiation.agreed;

	for (int k = 0; k < IN_KINDS; k++) {
		const struct sdp_line *line = line_of(p, k);
		struct in_stream *in = &p->in.streams[k];

		if (in->recv && (!line || line != &s->lines[in->line]))
			close_stream(p, in);
		if (line)
			p->in.rsize = line->rtcp_rsize;
	}
	if (!p->in.arrival && s->kinds & (SDP_AUDIO | SDP_VIDEO) &&
	    arrival_new(&p->in.arrival) < 0)
		log_warn("no memory for arrival times");
	if (!p->in.picture && s->video_in >= 0)
		p->in.picture = malloc(RECORD_PAYLOAD_VIDEO);
}

void media_in_replace_link(struct peer *p)
{
	if (p->in.streams[IN_VIDEO].recv)
		rtp_recv_want_key(p->in.streams[IN_VIDEO].recv);
	for (int k = 0; k < IN_KINDS; k++)
		p->in.streams[k].gap = true;
	media_out_tell_bitrate(p);
}

int media_in_by_ssrc(const struct peer *p, uint32_t ssrc)
{
	for (int k = 0; k < IN_KINDS; k++)
		if (p->in.streams[k].recv && p->in.streams[k].ssrc == ssrc)
			return k;

	return -1;
}

int64_t media_in_lost(const struct peer *p)
{
	int64_t lost = (int64_t)p->in.lost_gone;

	for (int k = 0; k < IN_KINDS; k++) {
		struct rtp_recv_stats stats;

		if (!p->in.streams[k].recv)
			continue;
		rtp_recv_get_stats(p->in.streams[k].recv, &stats);
		lost += stats.lost > 0 ? stats.lost : 0;
	}

	return lost;
}

static struct rtp_ext_ids ids_of(const struct sdp_line *line)
{
	return (struct rtp_ext_ids){
		.mid = line->ext_mid,
		.twcc = line->ext_transport_cc,
		.level = line->ext_audio_level,
	};
}

static bool names_ssrc(const struct sdp_line *line, uint32_t ssrc)
{
	for (unsigned i = 0; i < line->remote_ssrc_count; i++)
		if (line->remote_ssrcs[i] == ssrc)
			return true;

	return false;
}

/* Ids are one namespace in a BUNDLE group, but not every line has agreed on
 * every extension. */
static bool names_mid(const struct sdp_line *line,
		      const struct rtp_packet *packet, bool *has_mid)
{
	const struct rtp_ext_ids ids = ids_of(line);
	struct rtp_ext_values v;

	rtp_ext_read(&v, packet, &ids);
	if (v.mid)
		*has_mid = true;

	return v.mid && v.mid_len == strlen(line->mid) &&
	       !memcmp(v.mid, line->mid, v.mid_len);
}

/* Which kind an unknown SSRC is; -1 none. */
static int kind_of(const struct peer *p, const struct rtp_packet *packet)
{
	const struct sdp_session *s = &p->negotiation.agreed;
	bool has_mid = false;

	for (int k = 0; k < IN_KINDS; k++)
		if (line_of(p, k) && names_mid(line_of(p, k), packet,
					       &has_mid))
			return k;
	if (has_mid)
		return -1;
	for (int k = 0; k < IN_KINDS; k++)
		if (line_of(p, k) && names_ssrc(line_of(p, k), packet->ssrc))
			return k;
	if (line_of(p, IN_AUDIO) &&
	    sdp_codec_by_type(s, SDP_AUDIO, packet->pt))
		return IN_AUDIO;
	if (line_of(p, IN_VIDEO) &&
	    sdp_codec_by_type(s, SDP_VIDEO, packet->pt))
		return IN_VIDEO;

	return -1;
}

static int open_recv(struct in_stream *s, uint32_t ssrc, enum in_kind kind,
		     const struct sdp_line_codec *codec)
{
	const struct rtp_recv_cfg cfg = {
		.ssrc = ssrc,
		.clock_hz = kind == IN_AUDIO ? 48000 : 90000,
		.nack = codec->feedback & SDP_NACK,
		.use_fir = !(codec->feedback & SDP_NACK_PLI) &&
			   codec->feedback & SDP_CCM_FIR,
	};

	return rtp_recv_new(&s->recv, &cfg);
}

static int open_stream(struct peer *p, enum in_kind kind,
		       const struct rtp_packet *packet,
		       const struct sdp_line_codec *codec)
{
	const struct sdp_session *agreed = &p->negotiation.agreed;
	struct in_stream *s = &p->in.streams[kind];
	int err;

	close_stream(p, s);
	err = open_recv(s, packet->ssrc, kind, codec);
	if (err < 0)
		return err;
	s->ssrc = packet->ssrc;
	s->line = kind == IN_AUDIO ? agreed->audio_in : agreed->video_in;
	s->codec = RTP_NONE;
	s->gap = true;
	log_line(LOG_INFO, "stream in", "kind=%s ssrc=%u codec=%s",
		 kind == IN_AUDIO ? "audio" : "video", packet->ssrc,
		 sdp_codec_name(codec->codec));

	return 0;
}

/* Another codec in the same stream: what is held of the old one goes. */
static int set_codec(struct peer *p, struct in_stream *s, enum rtp_codec codec)
{
	const struct assembler_cfg cfg = {
		.codec = codec,
		.slots = VIDEO_SLOTS,
		.hole_wait_us = HOLE_WAIT_US,
	};

	(void)p;
	s->codec = codec;
	if (codec == RTP_OPUS)
		return 0;
	assembler_free(s->assembler);
	s->assembler = NULL;

	return assembler_new(&s->assembler, &cfg);
}

/* Whether a new SSRC may take the place of the stream that is there. */
static bool may_replace(const struct peer *p, enum in_kind kind,
			uint32_t ssrc, struct mono now)
{
	const struct in_stream *s = &p->in.streams[kind];
	const struct sdp_line *line = line_of(p, kind);

	if (!s->recv || mono_since(now, s->last) > SILENT_US)
		return true;

	return names_ssrc(line, ssrc) && !names_ssrc(line, s->ssrc);
}

/* The stream of a packet, made when it is new; NULL: drop. */
static struct in_stream *stream_of(struct peer *p,
				   const struct rtp_packet *packet,
				   struct mono now)
{
	int kind = media_in_by_ssrc(p, packet->ssrc);
	bool known = kind >= 0;
	const struct sdp_line_codec *codec;
	struct in_stream *s;

	if (!known)
		kind = kind_of(p, packet);
	if (kind < 0)
		return NULL;
	codec = sdp_codec_by_type(&p->negotiation.agreed,
				  kind == IN_AUDIO ? SDP_AUDIO : SDP_VIDEO,
				  packet->pt);
	if (!codec)
		return NULL;
	s = &p->in.streams[kind];
	if (!known && (!may_replace(p, kind, packet->ssrc, now) ||
		       open_stream(p, kind, packet, codec) < 0))
		return NULL;
	if (s->codec != codec_of(codec) &&
	    set_codec(p, s, codec_of(codec)) < 0)
		return NULL;

	return s;
}

static void take_audio(struct peer *p, struct in_stream *s,
		       const struct rtp_packet *packet, struct record *rec,
		       const struct rtp_ext_values *ext)
{
	if (packet->payload_len == 0 ||
	    packet->payload_len > RECORD_PAYLOAD_AUDIO)
		return;
	rec->kind = RECORD_AUDIO;
	rec->codec = CODEC_OPUS;
	rec->level = ext->level;
	rec->flags = (uint16_t)((packet->marker ? RECORD_TALKSPURT : 0) |
				(s->gap ? RECORD_GAP : 0));
	rec->bytes = (uint32_t)packet->payload_len;
	if (link_send_audio(&p->links.now, rec, packet->payload) == 0)
		s->gap = false;
	else
		s->gap = true;
}

static void take_video(struct in_stream *s, const struct rtp_packet *packet,
		       const struct record *rec, struct mono now)
{
	const struct assembler_packet piece = {
		.seq = rec->seq_first,
		.ts = rec->rtp_time,
		.marker = packet->marker,
		.payload = packet->payload,
		.len = packet->payload_len,
	};

	/* broken, doubled and late pieces are counted by the assembler */
	(void)!assembler_push(s->assembler, &piece, now);
}

void media_in_rtp(struct peer *p, const struct rtp_packet *packet, size_t len,
		  struct mono now)
{
	struct in_stream *s = stream_of(p, packet, now);
	struct record rec = { .arrival_us = now.us };
	struct rtp_ext_values ext;
	struct rtp_ext_ids ids;

	if (!s) {
		p->in.unknown++;
		return;
	}
	ids = ids_of(&p->negotiation.agreed.lines[s->line]);
	rtp_ext_read(&ext, packet, &ids);
	if (ext.has_twcc && p->in.arrival)
		arrival_packet(p->in.arrival, ext.twcc, now);
	s->last = now;
	if (rtp_recv_packet(s->recv, packet->seq, packet->ts, len, now,
			    &rec.seq_first, &rec.rtp_time) < 0)
		return;
	rec.seq_last = rec.seq_first;
	rec.track = (uint16_t)s->line;
	if (s->codec == RTP_OPUS)
		take_audio(p, s, packet, &rec, &ext);
	else
		take_video(s, packet, &rec, now);
	media_in_turn(p, now);
}

static void give_picture(struct peer *p, struct in_stream *s,
			 const struct picture *pic)
{
	const struct record rec = {
		.kind = RECORD_VIDEO,
		.codec = s->codec == RTP_VP8 ? CODEC_VP8 : CODEC_VP9,
		.level = RECORD_NO_LEVEL,
		.flags = (uint16_t)((pic->key ? RECORD_KEY : 0) |
				    (pic->gap || s->gap ? RECORD_GAP : 0)),
		.track = (uint16_t)s->line,
		.bytes = (uint32_t)pic->len,
		.seq_first = pic->seq_first,
		.seq_last = pic->seq_last,
		.rtp_time = pic->ts,
		.arrival_us = pic->arrival.us,
		.width = pic->width,
		.height = pic->height,
	};

	if (pic->key)
		rtp_recv_got_key(s->recv);
	rtp_recv_forget(s->recv, pic->seq_last + 1);
	s->gap = link_send_video(&p->links.now, &rec, p->in.picture) != 0;
}

static void poll_pictures(struct peer *p, struct mono now)
{
	struct in_stream *s = &p->in.streams[IN_VIDEO];
	struct picture pic;

	if (!s->assembler || !p->in.picture)
		return;
	for (;;) {
		switch (assembler_poll(s->assembler, now, p->in.picture,
				       RECORD_PAYLOAD_VIDEO, &pic)) {
		case ASSEMBLER_WAIT:
			return;
		case ASSEMBLER_PICTURE:
			give_picture(p, s, &pic);
			break;
		case ASSEMBLER_WANT_KEY:
			rtp_recv_want_key(s->recv);
			break;
		}
	}
}

static void on_timer(struct mono now, void *arg)
{
	media_in_turn(arg, now);
}

static struct mono due_of(const struct peer *p)
{
	struct mono due = MONO_NEVER;

	for (int k = 0; k < IN_KINDS; k++) {
		const struct in_stream *s = &p->in.streams[k];

		if (s->recv)
			due = mono_min(due, rtp_recv_due(s->recv,
							 p->in.rtt_us));
		if (s->assembler)
			due = mono_min(due, assembler_due(s->assembler));
	}
	if (p->in.arrival)
		due = mono_min(due, arrival_due(p->in.arrival));

	return due;
}

void media_in_turn(struct peer *p, struct mono now)
{
	struct mono due;

	if (p->leaving)
		return;
	poll_pictures(p, now);
	due = due_of(p);
	if (!mono_before(now, due)) {
		rtcp_out_feedback(p, now);
		due = due_of(p);
		/* what cannot be said now is said a little later */
		if (!mono_before(now, due))
			due = mono_add(now, 5000);
	}
	if (due.us != p->in.timer.due.us)
		loop_timer(p->loop, &p->in.timer, due, on_timer, p);
}

void media_in_want_key(struct peer *p, struct mono now)
{
	struct in_stream *s = &p->in.streams[IN_VIDEO];

	if (!s->recv)
		return;
	rtp_recv_want_key(s->recv);
	media_in_turn(p, now);
}

void media_in_tell_key(struct peer *p, struct mono now)
{
	const struct record rec = { .kind = RECORD_KEYFRAME };

	if (mono_since(now, p->in.key_told) < KEY_TOLD_US &&
	    p->in.key_told.us)
		return;
	if (link_send_video(&p->links.now, &rec, NULL) == 0)
		p->in.key_told = now;
}
