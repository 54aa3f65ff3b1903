/* match.c - see match.h */

#include "core/sdp/match.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sdp_fail(struct sdp_error *err, int code, unsigned line, const char *fmt,
	     ...)
{
	va_list ap;

	if (!err)
		return code;
	err->line = line;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);

	return code;
}

void sdp_match_reject(struct sdp_line *line, const char *fmt, ...)
{
	va_list ap;

	line->accepted = false;
	line->bundled = false;
	line->direction = SDP_INACTIVE;
	line->codec_count = 0;
	line->remote_ssrc_count = 0;
	line->ext_mid = line->ext_transport_cc = line->ext_audio_level = 0;
	va_start(ap, fmt);
	vsnprintf(line->reason, sizeof(line->reason), fmt, ap);
	va_end(ap);
}

bool sdp_media_is_open(const struct sdp_media *m)
{
	/* RFC 8843: port 0 with bundle-only is an m-line that waits for the
	 * transport of its group. */
	return m->port != 0 || (m->bundle_only && m->group >= 0);
}

/* The parser limits all of them to what the line holds. */
void sdp_match_identity(struct sdp_line *line, const struct sdp_media *m)
{
	memset(line, 0, sizeof(*line));
	line->kind = m->kind;
	snprintf(line->mid, sizeof(line->mid), "%s", m->mid);
	snprintf(line->name, sizeof(line->name), "%s", m->name);
	snprintf(line->protocol, sizeof(line->protocol), "%s", m->protocol);
	snprintf(line->format, sizeof(line->format), "%s", m->format);
	line->sctpmap = m->sctpmap;
	line->rtcp_rsize = m->rtcp_rsize;
	line->extmap_allow_mixed = m->extmap_allow_mixed;
	line->max_bitrate_bps = m->max_bitrate_bps;
}

static bool fmtp_is(const char *fmtp, const char *name, const char *value)
{
	size_t len;
	const char *v = sdp_fmtp_get(fmtp, name, &len);

	return v && len == strlen(value) && memcmp(v, value, len) == 0;
}

static enum sdp_codec codec_of(enum sdp_kind kind, const struct sdp_payload *p)
{
	size_t len;

	if (kind == SDP_AUDIO)
		return sdp_token_is(p->codec, "opus") &&
				       p->clock_hz == 48000 &&
				       p->channels == 2 ?
			       SDP_OPUS : SDP_CODEC_NONE;
	if (p->clock_hz != 90000)
		return SDP_CODEC_NONE;
	if (sdp_token_is(p->codec, "VP8"))
		return SDP_VP8;
	if (sdp_token_is(p->codec, "VP9") &&
	    (!sdp_fmtp_get(p->fmtp, "profile-id", &len) ||
	     fmtp_is(p->fmtp, "profile-id", "0")))
		return SDP_VP9;

	return SDP_CODEC_NONE;
}

static void add_codec(struct sdp_line *line, enum sdp_codec codec,
		      const struct sdp_payload *p)
{
	const uint8_t can = line->kind == SDP_AUDIO ?
				    SDP_NACK | SDP_TRANSPORT_CC :
				    SDP_NACK | SDP_NACK_PLI | SDP_CCM_FIR |
					    SDP_TRANSPORT_CC | SDP_GOOG_REMB;
	size_t len;

	line->codecs[line->codec_count++] = (struct sdp_line_codec){
		.codec = codec,
		.payload_type = p->type,
		.channels = p->channels,
		.clock_hz = p->clock_hz,
		.feedback = p->feedback & can,
		.stereo = fmtp_is(p->fmtp, "stereo", "1"),
		.fec = fmtp_is(p->fmtp, "useinbandfec", "1"),
		.profile_given = sdp_fmtp_get(p->fmtp, "profile-id", &len),
	};
}

static bool has_codec(const struct sdp_line *line, enum sdp_codec codec)
{
	for (unsigned i = 0; i < line->codec_count; i++)
		if (line->codecs[i].codec == codec)
			return true;

	return false;
}

static void match_codecs(struct sdp_line *line, const struct sdp_media *m,
			 bool as_listed)
{
	for (unsigned i = 0; i < m->payload_count; i++) {
		enum sdp_codec codec = codec_of(m->kind, &m->payloads[i]);

		if (codec != SDP_CODEC_NONE && !has_codec(line, codec))
			add_codec(line, codec, &m->payloads[i]);
	}
	if (!as_listed && line->codec_count == 2 &&
	    line->codecs[0].codec != SDP_VP9) {
		struct sdp_line_codec first = line->codecs[0];

		line->codecs[0] = line->codecs[1];
		line->codecs[1] = first;
	}
}

static void match_extensions(struct sdp_line *line, const struct sdp_media *m)
{
	for (unsigned i = 0; i < m->extmap_count; i++) {
		const struct sdp_extmap *e = &m->extmaps[i];

		/* Over 14 needs the two-byte form on every packet. */
		if (e->id > 14 || e->direction != SDP_SENDRECV)
			continue;
		if (strcmp(e->uri, SDP_EXT_MID) == 0)
			line->ext_mid = e->id;
		else if (strcmp(e->uri, SDP_EXT_TRANSPORT_CC) == 0)
			line->ext_transport_cc = e->id;
		else if (strcmp(e->uri, SDP_EXT_AUDIO_LEVEL) == 0 &&
			 m->kind == SDP_AUDIO)
			line->ext_audio_level = e->id;
	}
}

static void take_sources(struct sdp_line *line, const struct sdp_media *m)
{
	for (unsigned i = 0; i < m->ssrc_count; i++) {
		/* Retransmission streams are not negotiated. */
		if (m->fid_primary && m->ssrcs[i].ssrc == m->fid_rtx)
			continue;
		if (line->remote_ssrc_count == SDP_REMOTE_SSRCS)
			break;
		line->remote_ssrcs[line->remote_ssrc_count++] =
			m->ssrcs[i].ssrc;
	}
}

static bool match_data(struct sdp_line *line, const struct sdp_media *m)
{
	if (!strstr(m->protocol, "DTLS/SCTP")) {
		sdp_match_reject(line, "the protocol %s is not SCTP over DTLS",
				 m->protocol);
		return false;
	}
	if (m->sctp_port == 0 ||
	    (!m->sctpmap && strcmp(m->format, "webrtc-datachannel") != 0)) {
		sdp_match_reject(line, "webrtc-datachannel or a=sctp-port is "
				 "missing");
		return false;
	}
	line->accepted = true;

	return true;
}

bool sdp_match_line(struct sdp_line *line, const struct sdp_media *m,
		    bool as_listed)
{
	if (m->kind == SDP_DATA)
		return match_data(line, m);
	if (!strstr(m->protocol, "RTP/SAVP")) {
		sdp_match_reject(line, "the protocol %s is not encrypted",
				 m->protocol);
		return false;
	}
	if (!m->rtcp_mux) {
		sdp_match_reject(line, "a=rtcp-mux is missing");
		return false;
	}
	match_codecs(line, m, as_listed);
	if (line->codec_count == 0) {
		sdp_match_reject(line, m->kind == SDP_AUDIO ?
				 "no opus/48000/2 is offered" :
				 "neither VP9 profile 0 nor VP8 is offered");
		return false;
	}
	match_extensions(line, m);
	take_sources(line, m);
	line->accepted = true;

	return true;
}

const struct sdp_media *sdp_transport_media(const struct sdp *sdp,
					    int preferred)
{
	for (int i = -1; i < (int)sdp->media_count; i++) {
		int at = i < 0 ? preferred : i;
		const struct sdp_media *m;

		if (at < 0 || at >= (int)sdp->media_count)
			continue;
		m = &sdp->media[at];
		if (sdp_media_is_open(m) && m->ufrag[0] && m->pwd[0])
			return m;
	}

	return NULL;
}

int sdp_take_transport(struct sdp_session *s, const struct sdp *sdp,
		       struct sdp_error *err)
{
	const struct sdp_media *m = sdp_transport_media(sdp, s->transport);

	if (!m)
		return sdp_fail(err, -EINVAL, 0, "no open m-line has both "
				"a=ice-ufrag and a=ice-pwd");
	s->fingerprint_count = 0;
	for (unsigned i = 0; i < m->fingerprint_count; i++)
		if (m->fingerprints[i].hash != SDP_HASH_OTHER)
			s->fingerprints[s->fingerprint_count++] =
				m->fingerprints[i];
	if (m->fingerprint_count == 0)
		return sdp_fail(err, -EINVAL, m->line,
				"a=fingerprint is missing");
	if (s->fingerprint_count == 0)
		return sdp_fail(err, -ENOTSUP, m->line, "no a=fingerprint is "
				"of sha-256, sha-384 or sha-512");
	snprintf(s->remote_ufrag, sizeof(s->remote_ufrag), "%s", m->ufrag);
	snprintf(s->remote_pwd, sizeof(s->remote_pwd), "%s", m->pwd);
	s->remote_lite = m->ice_lite;
	s->remote_trickle = m->trickle;
	s->remote_end_of_candidates = m->end_of_candidates;

	return 0;
}

static int8_t first_with(const struct sdp_session *s, enum sdp_kind kind,
			 enum sdp_direction want)
{
	for (unsigned i = 0; i < s->line_count; i++) {
		const struct sdp_line *l = &s->lines[i];

		if (l->accepted && l->kind == kind &&
		    (want == SDP_INACTIVE || (l->direction & want)))
			return (int8_t)i;
	}

	return -1;
}

void sdp_session_index(struct sdp_session *s)
{
	s->accepted_count = 0;
	s->kinds = 0;
	s->transport = -1;
	for (unsigned i = 0; i < s->line_count; i++) {
		if (!s->lines[i].accepted)
			continue;
		if (s->accepted_count++ == 0)
			s->transport = (int8_t)i;
		s->kinds |= s->lines[i].kind;
	}
	s->audio_in = first_with(s, SDP_AUDIO, SDP_RECVONLY);
	s->audio_out = first_with(s, SDP_AUDIO, SDP_SENDONLY);
	s->video_in = first_with(s, SDP_VIDEO, SDP_RECVONLY);
	s->video_out = first_with(s, SDP_VIDEO, SDP_SENDONLY);
	s->data = first_with(s, SDP_DATA, SDP_INACTIVE);
}
