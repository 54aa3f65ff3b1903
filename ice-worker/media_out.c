/* media_out.c - packetise, pace, protect, send */

#include "ice-worker/media_out.h"

#include "common/clock.h"
#include "common/log.h"
#include "ice-worker/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	PACKETS_AT_ONCE = 64,
	HOLE_MIN_US = 100000, HOLE_MAX_US = 400000,
};

static struct rtp_ext_ids ids_of(const struct sdp_line *line)
{
	return (struct rtp_ext_ids){
		.mid = line->ext_mid,
		.twcc = line->ext_transport_cc,
	};
}

static void close_stream(struct out_stream *s)
{
	rtp_send_free(s->send);
	*s = (struct out_stream){ .line = -1 };
}

static int open_stream(struct peer *p, struct out_stream *s, int index,
		       bool video)
{
	const struct sdp_line *line = &p->negotiation.agreed.lines[index];
	struct escrow_page *page = p->escrow.page;
	struct rtp_send_cfg cfg = {
		.ssrc = video ? p->negotiation.video_ssrc :
				p->negotiation.audio_ssrc,
		.clock_hz = video ? 90000 : 48000,
		.pt = line->codecs[0].payload_type,
		.history = video ? SEND_VIDEO_HISTORY : SEND_AUDIO_HISTORY,
		.history_bytes = video ? SEND_VIDEO_HISTORY_BYTES :
					 SEND_AUDIO_HISTORY_BYTES,
		.ext = ids_of(line),
		.next_index = video ? &page->video_index : &page->audio_index,
		.next_twcc = &page->twcc,
	};
	int err = random_bytes(&cfg.first_ts, sizeof(cfg.first_ts));

	if (err < 0)
		return err;
	if (strlen(line->mid) <= RTP_MID_MAX)
		memcpy(cfg.mid, line->mid, strlen(line->mid) + 1);
	else
		cfg.ext.mid = 0;
	err = rtp_send_new(&s->send, &cfg);
	if (err < 0)
		return err;
	s->line = index;

	return 0;
}

static void follow(struct peer *p, struct out_stream *s, int index, bool video)
{
	const struct sdp_line *line = NULL;
	struct rtp_ext_ids ids;

	if (index >= 0)
		line = &p->negotiation.agreed.lines[index];
	if (!line || line->codec_count == 0) {
		close_stream(s);
		return;
	}
	if (s->send && s->line == index) {
		ids = ids_of(line);
		rtp_send_set_format(s->send, line->codecs[0].payload_type,
				    &ids);
		return;
	}
	close_stream(s);
	if (open_stream(p, s, index, video) < 0)
		log_warn("no memory to send");
}

void media_out_agree(struct peer *p)
{
	const struct sdp_session *s = &p->negotiation.agreed;
	const struct estimate_cfg cfg = { 0 };

	follow(p, &p->out.audio, s->audio_out, false);
	follow(p, &p->out.video, s->video_out, true);
	p->out.codec = RTP_NONE;
	if (!p->out.estimate && s->kinds & (SDP_AUDIO | SDP_VIDEO)) {
		if (estimate_new(&p->out.estimate, &cfg) < 0)
			log_warn("no memory to estimate");
		else
			pacer_init(&p->out.pacer,
				   estimate_bps(p->out.estimate));
	}
	/* Also where we send none: key-frame requests come this way. */
	if (!p->out.picture && s->kinds & SDP_VIDEO)
		p->out.picture = malloc(RECORD_PAYLOAD_VIDEO);
}

void media_out_fini(struct peer *p)
{
	loop_untimer(&p->out.pace_timer);
	close_stream(&p->out.audio);
	close_stream(&p->out.video);
	estimate_free(p->out.estimate);
	free(p->out.picture);
	p->out.estimate = NULL;
	p->out.picture = NULL;
}

void media_out_replace_link(struct peer *p)
{
	if (p->out.audio.send)
		rtp_send_new_zero(p->out.audio.send);
	if (p->out.video.send)
		rtp_send_new_zero(p->out.video.send);
	p->out.bitrate_told = 0;
	media_out_tell_bitrate(p);
}

static void send_packet(struct peer *p, uint8_t *bytes,
			const struct rtp_sent *sent, struct mono now)
{
	size_t n = transport_send_rtp(p, bytes, sent->len, sent->index);

	if (n == 0)
		return;
	pacer_sent(&p->out.pacer, n, now);
	if (sent->has_twcc && p->out.estimate)
		estimate_sent(p->out.estimate, sent->twcc, n, now);
}

/* Audio */

static void send_audio(struct peer *p, const struct record *rec,
		       const uint8_t *payload, struct mono now)
{
	struct out_stream *s = &p->out.audio;
	uint8_t bytes[RTP_PACKET_MAX + SRTP_GROW];
	struct rtp_sent sent;
	const struct rtp_send_media media = {
		.payload = payload,
		.len = rec->bytes,
		.media_time = rec->rtp_time,
		.marker = rec->flags & RECORD_TALKSPURT,
		.capture = mono_at(rec->arrival_us),
		.level = rec->level,
	};

	if (!s->send || !p->transport.connected)
		return;
	if (rtp_send_packet(s->send, &media, now, bytes, RTP_PACKET_MAX,
			    &sent) < 0)
		return;
	send_packet(p, bytes, &sent, now);
}

void media_out_pull_audio(struct peer *p, struct mono now)
{
	struct link_end *end = &p->links.now;
	uint8_t payload[RECORD_PAYLOAD_AUDIO];
	struct record rec;
	uint64_t lost;

	if (!(end->kinds & LINK_AUDIO))
		return;
	for (int i = 0; i < PACKETS_AT_ONCE; i++) {
		int got = ering_read(&end->audio_in, &rec, payload,
				     sizeof(payload), &lost);

		if (got == -EOVERFLOW)
			p->links.lapped += lost;
		else if (got == 1 && rec.kind == RECORD_AUDIO && rec.bytes)
			send_audio(p, &rec, payload, now);
		else if (got == 0 || got == -EBADMSG)
			return;
	}
}

/* Video */

/* Follows the encoder's codec; false when it was not agreed. */
static bool set_codec(struct peer *p, unsigned codec)
{
	const struct sdp_line *line =
		&p->negotiation.agreed.lines[p->out.video.line];
	enum sdp_codec want = codec == CODEC_VP8 ? SDP_VP8 : SDP_VP9;
	enum rtp_codec rtp = codec == CODEC_VP8 ? RTP_VP8 : RTP_VP9;
	struct rtp_ext_ids ids = ids_of(line);

	if (codec != CODEC_VP8 && codec != CODEC_VP9)
		return false;
	if (p->out.codec == rtp)
		return true;
	for (unsigned i = 0; i < line->codec_count; i++) {
		if (line->codecs[i].codec != want)
			continue;
		rtp_send_set_format(p->out.video.send,
				    line->codecs[i].payload_type, &ids);
		pack_init(&p->out.pack, rtp, &p->escrow.page->picture);
		p->out.codec = rtp;
		return true;
	}

	return false;
}

static bool start_picture(struct peer *p)
{
	struct media_out *o = &p->out;
	const struct pack_picture pic = {
		.bytes = o->picture,
		.len = o->rec.bytes,
		.key = o->rec.flags & RECORD_KEY,
		.gap = o->gap || o->rec.flags & RECORD_GAP,
		.width = o->rec.width,
		.height = o->rec.height,
	};

	if (!o->video.send || !p->transport.connected ||
	    !set_codec(p, o->rec.codec) ||
	    pack_start(&o->pack, &pic,
		       rtp_send_payload_max(o->video.send)) < 0) {
		o->pictures_dropped++;
		return false;
	}
	o->gap = false;
	/* what came before a key picture is of no use any more */
	if (pic.key)
		rtp_send_drop_resends(o->video.send);

	return true;
}

/* One packet of the picture in hand. */
static void send_piece(struct peer *p, struct mono now)
{
	struct media_out *o = &p->out;
	uint8_t payload[SEND_PACKET_MAX];
	uint8_t bytes[RTP_PACKET_MAX + SRTP_GROW];
	struct rtp_send_media media = {
		.payload = payload,
		.media_time = o->rec.rtp_time,
		.capture = mono_at(o->rec.arrival_us),
		.level = RTP_NO_LEVEL,
	};
	struct rtp_sent sent;
	int n = pack_next(&o->pack, payload, sizeof(payload), &media.marker);

	if (n <= 0) {
		o->in_hand = false;
		return;
	}
	media.len = (size_t)n;
	if (!o->video.send ||
	    rtp_send_packet(o->video.send, &media, now, bytes, RTP_PACKET_MAX,
			    &sent) < 0) {
		o->in_hand = false;
		return;
	}
	if (media.marker)
		o->in_hand = false;
	send_packet(p, bytes, &sent, now);
}

/* Takes the next record; false: the ring is empty. */
static bool next_record(struct peer *p, struct mono now)
{
	struct link_end *end = &p->links.now;
	struct media_out *o = &p->out;
	uint64_t lost;
	int got;

	if (!(end->kinds & LINK_VIDEO) || !o->picture)
		return false;
	got = ering_read(&end->video_in, &o->rec, o->picture,
			 RECORD_PAYLOAD_VIDEO, &lost);
	if (got == -EOVERFLOW || got == -EMSGSIZE) {
		p->links.lapped += got == -EOVERFLOW ? lost : 1;
		o->gap = true;
		media_in_tell_key(p, now);
		return true;
	}
	if (got != 1)
		return false;
	if (o->rec.kind == RECORD_KEYFRAME)
		media_in_want_key(p, now);
	else if (o->rec.kind == RECORD_VIDEO && o->rec.bytes)
		o->in_hand = start_picture(p);

	return true;
}

static bool resend_one(struct peer *p, struct rtp_send *send, struct mono now)
{
	uint8_t bytes[RTP_PACKET_MAX + SRTP_GROW];
	struct rtp_sent sent;

	if (!send || rtp_send_poll_resend(send, now, bytes, RTP_PACKET_MAX,
					  &sent) != 1)
		return false;
	send_packet(p, bytes, &sent, now);

	return true;
}

static bool wants_resend(const struct peer *p)
{
	return (p->out.video.send &&
		rtp_send_wants_resend(p->out.video.send)) ||
	       (p->out.audio.send &&
		rtp_send_wants_resend(p->out.audio.send));
}

static bool repair_one(struct peer *p, struct mono now)
{
	return resend_one(p, p->out.audio.send, now) ||
	       resend_one(p, p->out.video.send, now);
}

/* One repair and one new packet: who asks for everything again and again must
 * not keep new pictures from leaving. false: there was neither. */
static bool take_turns(struct peer *p, struct mono now)
{
	struct media_out *o = &p->out;
	bool moved = repair_one(p, now);

	if (!o->in_hand)
		moved |= next_record(p, now);
	if (!o->in_hand)
		return moved;
	send_piece(p, now);

	return true;
}

static void wait_for_pacer(struct peer *p)
{
	loop_timer(p->loop, &p->out.pace_timer, pacer_due(&p->out.pacer),
		   media_out_on_timer, p);
}

bool media_out_pull_video(struct peer *p, struct mono now)
{
	struct media_out *o = &p->out;

	for (int i = 0; i < PACKETS_AT_ONCE; i++) {
		if (pacer_may(&o->pacer, now)) {
			if (!take_turns(p, now))
				break;
		} else if (o->in_hand || !next_record(p, now)) {
			/* the ring is read up to the next picture */
			break;
		}
	}
	if (o->in_hand || wants_resend(p))
		wait_for_pacer(p);

	return !o->in_hand;
}

void media_out_on_timer(struct mono now, void *peer)
{
	links_pull(peer, now);
}

void media_out_resend(struct peer *p, struct mono now)
{
	(void)!media_out_pull_video(p, now);
}

void media_out_heard(struct peer *p, uint8_t fraction_lost, int64_t rtt_us,
		     bool video, struct mono now)
{
	struct in_stream *in = &p->in.streams[IN_VIDEO];

	if (video && p->out.estimate)
		estimate_report(p->out.estimate, fraction_lost, now);
	if (rtt_us < 0)
		return;
	p->in.rtt_us = p->in.rtt_us ? (p->in.rtt_us * 7 + rtt_us) / 8 : rtt_us;
	if (p->out.estimate)
		estimate_rtt(p->out.estimate, rtt_us);
	if (in->assembler) {
		int64_t wait = p->in.rtt_us * 5 / 2 + 40000;

		wait = wait < HOLE_MIN_US ? HOLE_MIN_US : wait;
		wait = wait > HOLE_MAX_US ? HOLE_MAX_US : wait;
		assembler_set_hole_wait(in->assembler, (uint32_t)wait);
	}
}

void media_out_tell_bitrate(struct peer *p)
{
	struct record rec = { .kind = RECORD_BITRATE };
	struct media_out *o = &p->out;
	struct mono now = mono_now();
	uint32_t bps;

	if (!o->estimate)
		return;
	if (estimate_poll(o->estimate, now, &bps))
		pacer_set_target(&o->pacer, bps, now);
	bps = estimate_bps(o->estimate);
	if (bps == o->bitrate_told || p->links.now.kinds == 0)
		return;
	/* small moves only when they are news to the estimate, too */
	if (o->bitrate_told && bps > o->bitrate_told / 100 * 97 &&
	    bps < o->bitrate_told / 100 * 103)
		return;
	rec.value = bps;
	if (link_send_video(&p->links.now, &rec, NULL) == 0)
		o->bitrate_told = bps;
}
