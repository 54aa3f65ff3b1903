/* offer.c - see offer.h */

#include "core/sdp/offer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/sdp/match.h"

/* Tried first; dynamic numbers that browsers use for the same codecs. */
enum { TYPE_OPUS = 111, TYPE_VP9 = 98, TYPE_VP8 = 96 };
enum { ID_AUDIO_LEVEL = 1, ID_TRANSPORT_CC = 3, ID_MID = 4 };

static bool mid_taken(const struct sdp_session *s, const char *mid)
{
	for (unsigned i = 0; i < s->line_count; i++)
		if (strcmp(s->lines[i].mid, mid) == 0)
			return true;

	return false;
}

static void choose_mid(const struct sdp_session *s, struct sdp_line *line)
{
	unsigned n = s->line_count - 1;
	char mid[SDP_MID + 1];

	do {
		snprintf(mid, sizeof(mid), "%u", n++);
	} while (mid_taken(s, mid));
	memcpy(line->mid, mid, sizeof(mid));
}

static bool type_taken(const struct sdp_session *s, uint8_t type)
{
	for (unsigned i = 0; i < s->line_count; i++)
		for (unsigned k = 0; k < s->lines[i].codec_count; k++)
			if (s->lines[i].codecs[k].payload_type == type)
				return true;

	return false;
}

/* Within a BUNDLE group a number means one codec, so a line of the same kind
 * that exists already lends its numbers. */
static uint8_t choose_type(const struct sdp_session *s, enum sdp_codec codec,
			   uint8_t wish)
{
	for (unsigned i = 0; i < s->line_count; i++)
		for (unsigned k = 0; k < s->lines[i].codec_count; k++)
			if (s->lines[i].codecs[k].codec == codec)
				return s->lines[i].codecs[k].payload_type;
	/* 15 lines of 2 types leave 2 of the 32 dynamic ones. */
	for (uint8_t t = 127; type_taken(s, wish) && t >= 96; t--)
		if (!type_taken(s, t))
			return t;

	return wish;
}

static void offer_codec(const struct sdp_session *s, struct sdp_line *line,
			enum sdp_codec codec, uint8_t wish)
{
	struct sdp_line_codec *c = &line->codecs[line->codec_count];

	memset(c, 0, sizeof(*c));
	c->payload_type = choose_type(s, codec, wish);
	c->codec = codec;
	line->codec_count++;
	c->channels = codec == SDP_OPUS ? 2 : 1;
	c->clock_hz = codec == SDP_OPUS ? 48000 : 90000;
	c->feedback = codec == SDP_OPUS ?
			      SDP_TRANSPORT_CC :
			      SDP_NACK | SDP_NACK_PLI | SDP_CCM_FIR |
				      SDP_TRANSPORT_CC;
	c->profile_given = codec == SDP_VP9;
}

static bool line_uses(const struct sdp_line *line, uint8_t id)
{
	return line->ext_mid == id || line->ext_transport_cc == id ||
	       line->ext_audio_level == id;
}

static bool id_taken(const struct sdp_session *s, uint8_t id)
{
	for (unsigned i = 0; i < s->line_count; i++)
		if (line_uses(&s->lines[i], id))
			return true;

	return false;
}

/* As with payload types: one number, one meaning, in all m-lines. */
static uint8_t choose_id(const struct sdp_session *s,
			 const struct sdp_line *line, size_t field,
			 uint8_t wish)
{
	for (unsigned i = 0; i < s->line_count; i++) {
		uint8_t id = ((const uint8_t *)&s->lines[i])[field];

		if (id && !line_uses(line, id))
			return id;
	}
	for (uint8_t id = 14; id_taken(s, wish) && id > 0; id--)
		if (!id_taken(s, id))
			return id;

	return wish;
}

static void offer_extensions(const struct sdp_session *s,
			     struct sdp_line *l)
{
	l->ext_mid = choose_id(s, l, offsetof(struct sdp_line, ext_mid),
			       ID_MID);
	l->ext_transport_cc =
		choose_id(s, l, offsetof(struct sdp_line, ext_transport_cc),
			  ID_TRANSPORT_CC);
	if (l->kind == SDP_AUDIO)
		l->ext_audio_level = choose_id(
			s, l, offsetof(struct sdp_line, ext_audio_level),
			ID_AUDIO_LEVEL);
}

/* line: the last one of *s, counted already, so that what it has chosen is
 * taken. */
static void fill_line(const struct sdp_session *s, struct sdp_line *line,
		      enum sdp_kind kind)
{
	memset(line, 0, sizeof(*line));
	line->kind = kind;
	line->accepted = line->bundled = true;
	choose_mid(s, line);
	if (kind == SDP_DATA) {
		snprintf(line->name, sizeof(line->name), "application");
		snprintf(line->protocol, sizeof(line->protocol),
			 "UDP/DTLS/SCTP");
		snprintf(line->format, sizeof(line->format),
			 "webrtc-datachannel");
		line->direction = SDP_SENDRECV;
		return;
	}
	snprintf(line->name, sizeof(line->name), "%s", sdp_kind_name(kind));
	snprintf(line->protocol, sizeof(line->protocol), "UDP/TLS/RTP/SAVPF");
	line->rtcp_rsize = true;
	if (kind == SDP_AUDIO) {
		offer_codec(s, line, SDP_OPUS, TYPE_OPUS);
	} else {
		offer_codec(s, line, SDP_VP9, TYPE_VP9);
		offer_codec(s, line, SDP_VP8, TYPE_VP8);
	}
	offer_extensions(s, line);
	snprintf(line->format, sizeof(line->format), "%u",
		 line->codecs[0].payload_type);
}

static int first_of(const struct sdp_session *s, enum sdp_kind kind)
{
	for (unsigned i = 0; i < s->line_count; i++)
		if (s->lines[i].accepted && s->lines[i].kind == kind)
			return (int)i;

	return -1;
}

/* The m-lines that carry the stream of a kind in and out, a new one where
 * there is none. */
static int want_media(struct sdp_session *s, const struct sdp_local *local,
		      enum sdp_kind kind, int in, int out)
{
	int any = first_of(s, kind);

	if (any < 0) {
		if (s->line_count == SDP_MEDIA)
			return -EMSGSIZE;
		any = (int)s->line_count++;
		fill_line(s, &s->lines[any], kind);
	}
	if (kind == SDP_DATA)
		return 0;
	s->lines[in >= 0 ? in : any].direction |= SDP_RECVONLY;
	if (local->sends & kind)
		s->lines[out >= 0 ? out : any].direction |= SDP_SENDONLY;

	return 0;
}

static void unwant(struct sdp_session *s)
{
	for (unsigned i = 0; i < s->line_count; i++)
		if (s->lines[i].kind != SDP_DATA)
			s->lines[i].direction = SDP_INACTIVE;
}

static int want_all(struct sdp_session *s, const struct sdp_local *local,
		    unsigned kinds)
{
	int code = 0;

	unwant(s);
	if (kinds & SDP_AUDIO)
		code = want_media(s, local, SDP_AUDIO, s->audio_in,
				  s->audio_out);
	if (code == 0 && (kinds & SDP_VIDEO))
		code = want_media(s, local, SDP_VIDEO, s->video_in,
				  s->video_out);
	if (code == 0 && (kinds & SDP_DATA))
		code = want_media(s, local, SDP_DATA, -1, -1);
	if (!(kinds & SDP_DATA) && s->data >= 0)
		sdp_match_reject(&s->lines[s->data], "it is no longer wanted");

	return code;
}

int sdp_offer(struct sdp_session *out, const struct sdp_local *local,
	      unsigned kinds, const struct sdp_session *was,
	      struct sdp_error *err)
{
	struct sdp_session s;

	kinds &= local->kinds;
	if (kinds == 0)
		return sdp_fail(err, -EINVAL, 0, "an offer needs audio, video "
				"or data");
	sdp_session_init(&s);
	if (was)
		s = *was;
	if (want_all(&s, local, kinds) < 0)
		return sdp_fail(err, -EINVAL, 0, "the call has %d m-lines "
				"already", SDP_MEDIA);
	s.we_offer = true;
	s.setup = SDP_ACTPASS;
	/* Without a group only the first m-line has a transport. */
	for (unsigned i = 0; i < s.line_count; i++)
		s.lines[i].bundled = s.lines[i].accepted &&
				     s.lines[i].mid[0];
	sdp_session_index(&s);
	*out = s;

	return 0;
}

/* Keeps of our codecs what the peer lists, under our numbers. */
static bool keep_codecs(struct sdp_line *line, const struct sdp_line *theirs)
{
	struct sdp_line_codec kept[SDP_CODECS] = { 0 };
	uint8_t n = 0;

	for (unsigned i = 0; i < theirs->codec_count; i++) {
		for (unsigned k = 0; k < line->codec_count; k++) {
			const struct sdp_line_codec *t = &theirs->codecs[i];

			if (t->payload_type != line->codecs[k].payload_type ||
			    t->codec != line->codecs[k].codec)
				continue;
			kept[n] = *t;
			kept[n].feedback &= line->codecs[k].feedback;
			n++;
		}
	}
	memcpy(line->codecs, kept, n * sizeof(kept[0]));
	line->codec_count = n;

	return n > 0;
}

static uint8_t keep_id(uint8_t ours, uint8_t theirs)
{
	return ours == theirs ? ours : 0;
}

static void keep_line(struct sdp_line *line, const struct sdp_line *theirs,
		      const struct sdp_media *m)
{
	/* What the peer sends we receive, and the other way round. */
	unsigned mirrored = (unsigned)m->direction >> 1 |
			    ((unsigned)m->direction & 1) << 1;

	line->ext_mid = keep_id(line->ext_mid, theirs->ext_mid);
	line->ext_transport_cc = keep_id(line->ext_transport_cc,
					 theirs->ext_transport_cc);
	line->ext_audio_level = keep_id(line->ext_audio_level,
					theirs->ext_audio_level);
	line->rtcp_rsize = line->rtcp_rsize && theirs->rtcp_rsize;
	line->max_bitrate_bps = theirs->max_bitrate_bps;
	memcpy(line->remote_ssrcs, theirs->remote_ssrcs,
	       sizeof(line->remote_ssrcs));
	line->remote_ssrc_count = theirs->remote_ssrc_count;
	if (line->kind != SDP_DATA)
		line->direction =
			(enum sdp_direction)((unsigned)line->direction &
					     mirrored);
}

static int take_line(struct sdp_line *line, const struct sdp_media *m,
		     struct sdp_error *err)
{
	struct sdp_line theirs;

	if (strcmp(line->name, m->name) != 0 ||
	    (m->mid[0] && strcmp(line->mid, m->mid) != 0))
		return sdp_fail(err, -EINVAL, m->line, "the m-line is not the "
				"offered one (%s, mid '%s')", line->name,
				line->mid);
	if (!line->accepted)
		return 0;
	if (!sdp_media_is_open(m)) {
		sdp_match_reject(line, "the peer rejected it");
		return 0;
	}
	sdp_match_identity(&theirs, m);
	if (!sdp_match_line(&theirs, m, true))
		return sdp_fail(err, -ENOTSUP, m->line, "the answer cannot be "
				"used: %s", theirs.reason);
	if (line->kind != SDP_DATA && !keep_codecs(line, &theirs))
		return sdp_fail(err, -EINVAL, m->line, "the answer lists none "
				"of the offered codecs");
	keep_line(line, &theirs, m);

	return 0;
}

static int check_bundle(const struct sdp_session *s, const struct sdp *answer,
			struct sdp_error *err)
{
	int first = -1;

	for (unsigned i = 0; i < s->line_count; i++) {
		const struct sdp_media *m = &answer->media[i];

		if (!s->lines[i].accepted)
			continue;
		if (first < 0)
			first = (int)i;
		else if (m->group < 0 ||
			 m->group != answer->media[first].group)
			return sdp_fail(err, -ENOTSUP, m->line, "the answer "
					"does not BUNDLE all m-lines");
	}

	return 0;
}

static int take_setup(struct sdp_session *s, const struct sdp_media *m,
		      bool keep, struct sdp_error *err)
{
	bool active;

	if (m->setup != SDP_ACTIVE && m->setup != SDP_PASSIVE)
		return sdp_fail(err, -EINVAL, m->line, "a=setup of an answer "
				"is not active or passive");
	active = m->setup == SDP_PASSIVE;
	if (keep && active != s->dtls_active)
		return sdp_fail(err, -EINVAL, m->line, "a=setup turns the "
				"roles of the running connection round");
	s->dtls_active = active;

	return 0;
}

static int take_transport(struct sdp_session *s, const struct sdp *answer,
			  struct sdp_error *err)
{
	bool keep = s->fingerprint_count &&
		    sdp_compare(s, answer) != SDP_NEW_CONNECTION;
	int code = sdp_take_transport(s, answer, err);

	if (code < 0)
		return code;

	return take_setup(s, sdp_transport_media(answer, s->transport), keep,
			  err);
}

int sdp_apply_answer(struct sdp_session *s, const struct sdp *answer,
		     struct sdp_error *err)
{
	struct sdp_session n = *s;
	int code = 0;

	if (!s->we_offer)
		return sdp_fail(err, -EINVAL, 0, "there is no offer to answer");
	if (answer->media_count != s->line_count)
		return sdp_fail(err, -EINVAL, 0, "the answer has %u m-lines, "
				"the offer %u", answer->media_count,
				s->line_count);
	for (unsigned i = 0; i < n.line_count && code == 0; i++)
		code = take_line(&n.lines[i], &answer->media[i], err);
	if (code == 0)
		code = check_bundle(&n, answer, err);
	if (code < 0)
		return code;
	sdp_session_index(&n);
	if (n.accepted_count == 0)
		return sdp_fail(err, -ENOTSUP, 0,
				"the answer rejects every m-line");
	code = take_transport(&n, answer, err);
	if (code < 0)
		return code;
	if (n.data >= 0) {
		n.remote_sctp_port = answer->media[n.data].sctp_port;
		n.remote_max_message_size =
			answer->media[n.data].max_message_size;
	}
	n.we_offer = false;
	*s = n;

	return 0;
}
