/* write.c - see write.h */

#include "core/sdp/write.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/sdp/attr.h"
#include "core/sdp/match.h"

struct out {
	char *at;
	size_t left;
	bool full;
};

static void put(struct out *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct out *o, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(o->at, o->left, fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= o->left) {
		o->full = true;
		return;
	}
	o->at += len;
	o->left -= (size_t)len;
}

static bool token_ok(const char *text, size_t max)
{
	return text && attr_is_token(scan_over(text, strlen(text)), max);
}

static bool ice_ok(const char *text, size_t min)
{
	struct scan s;

	if (!text)
		return false;
	s = scan_over(text, strlen(text));

	return scan_len(s) >= min && scan_len(s) <= SDP_UFRAG &&
	       scan_is_ice(s);
}

static bool local_ok(const struct sdp_local *l)
{
	return ice_ok(l->ufrag, 4) && ice_ok(l->pwd, 22) &&
	       token_ok(l->cname, 255) &&
	       token_ok(l->stream, 64);
}

static const struct candidate *default_candidate(const struct sdp_local *l)
{
	for (unsigned i = 0; i < l->candidate_count; i++)
		if (l->candidates[i].udp &&
		    l->candidates[i].addr.family != ADDR_NAME)
			return &l->candidates[i];

	return NULL;
}

static void put_head(struct out *o, const struct sdp_session *s,
		     const struct sdp_local *l)
{
	bool group = false;

	put(o, "v=0\r\no=- %llu %u IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
	    (unsigned long long)l->session_id, l->version);
	for (unsigned i = 0; i < s->line_count; i++) {
		if (!s->lines[i].bundled)
			continue;
		put(o, "%s %s", group ? "" : "a=group:BUNDLE",
		    s->lines[i].mid);
		group = true;
	}
	if (group)
		put(o, "\r\n");
	put(o, "a=msid-semantic: WMS %s\r\n", l->stream);
}

static void put_formats(struct out *o, const struct sdp_line *line)
{
	if (line->accepted && line->kind == SDP_DATA && line->sctpmap) {
		put(o, " %d", SDP_SCTP_PORT);
		return;
	}
	if (line->kind == SDP_DATA || !line->accepted) {
		put(o, " %s", line->format[0] ? line->format : "0");
		return;
	}
	for (unsigned i = 0; i < line->codec_count; i++)
		put(o, " %u", line->codecs[i].payload_type);
}

static void put_m(struct out *o, const struct sdp_line *line,
		  const struct candidate *c)
{
	char addr[CANDIDATE_ADDR_TEXT] = "0.0.0.0";
	unsigned port = line->accepted ? 9 : 0;

	if (c && line->accepted) {
		port = c->port;
		addr_write(&c->addr, addr);
	}
	put(o, "m=%s %u %s", line->name, port, line->protocol);
	put_formats(o, line);
	put(o, "\r\nc=IN IP%c %s\r\n", strchr(addr, ':') ? '6' : '4', addr);
}

static void put_transport(struct out *o, const struct sdp_session *s,
			  const struct sdp_local *l)
{
	static const char *const setups[] = {
		[SDP_ACTPASS] = "actpass", [SDP_ACTIVE] = "active",
		[SDP_PASSIVE] = "passive",
	};
	const char *setup = s->setup <= SDP_PASSIVE ? setups[s->setup] : NULL;

	put(o, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=ice-options:trickle\r\n",
	    l->ufrag, l->pwd);
	put(o, "a=fingerprint:sha-256 ");
	for (unsigned i = 0; i < sizeof(l->fingerprint); i++)
		put(o, "%s%02X", i ? ":" : "", l->fingerprint[i]);
	put(o, "\r\na=setup:%s\r\n", setup ? setup : "actpass");
}

static void put_candidates(struct out *o, const struct sdp_local *l)
{
	for (unsigned i = 0; i < l->candidate_count; i++) {
		int len;

		put(o, "a=");
		len = candidate_write(&l->candidates[i], o->at, o->left);
		if (len < 0) {
			o->full = true;
			return;
		}
		o->at += len;
		o->left -= (size_t)len;
		put(o, "\r\n");
	}
	if (l->gathering_done)
		put(o, "a=end-of-candidates\r\n");
}

static void put_feedback(struct out *o, const struct sdp_line_codec *c)
{
	static const struct {
		uint8_t bit;
		const char *text;
	} rows[] = {
		{ SDP_GOOG_REMB, "goog-remb" },
		{ SDP_TRANSPORT_CC, "transport-cc" },
		{ SDP_CCM_FIR, "ccm fir" },
		{ SDP_NACK, "nack" },
		{ SDP_NACK_PLI, "nack pli" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (c->feedback & rows[i].bit)
			put(o, "a=rtcp-fb:%u %s\r\n", c->payload_type,
			    rows[i].text);
}

static void put_codec(struct out *o, const struct sdp_line_codec *c)
{
	if (c->codec == SDP_OPUS)
		put(o, "a=rtpmap:%u opus/48000/2\r\n", c->payload_type);
	else
		put(o, "a=rtpmap:%u %s/90000\r\n", c->payload_type,
		    sdp_codec_name(c->codec));
	put_feedback(o, c);
	if (c->codec == SDP_OPUS)
		put(o, "a=fmtp:%u minptime=10;useinbandfec=1\r\n",
		    c->payload_type);
	if (c->codec == SDP_VP9 && c->profile_given)
		put(o, "a=fmtp:%u profile-id=0\r\n", c->payload_type);
}

static void put_extensions(struct out *o, const struct sdp_line *line)
{
	if (line->ext_audio_level)
		put(o, "a=extmap:%u " SDP_EXT_AUDIO_LEVEL "\r\n",
		    line->ext_audio_level);
	if (line->ext_transport_cc)
		put(o, "a=extmap:%u " SDP_EXT_TRANSPORT_CC "\r\n",
		    line->ext_transport_cc);
	if (line->ext_mid)
		put(o, "a=extmap:%u " SDP_EXT_MID "\r\n", line->ext_mid);
	if (line->extmap_allow_mixed)
		put(o, "a=extmap-allow-mixed\r\n");
}

static void put_rtp(struct out *o, const struct sdp_line *line,
		    const struct sdp_local *l)
{
	const char *track = sdp_kind_name(line->kind);
	uint32_t ssrc = line->kind == SDP_AUDIO ? l->audio_ssrc :
						  l->video_ssrc;

	put_extensions(o, line);
	put(o, "a=%s\r\n", sdp_direction_name(line->direction));
	if (line->direction & SDP_SENDONLY)
		put(o, "a=msid:%s %s\r\n", l->stream, track);
	put(o, "a=rtcp-mux\r\n");
	if (line->rtcp_rsize)
		put(o, "a=rtcp-rsize\r\n");
	for (unsigned i = 0; i < line->codec_count; i++)
		put_codec(o, &line->codecs[i]);
	if (line->direction & SDP_SENDONLY)
		put(o, "a=ssrc:%u cname:%s\r\na=ssrc:%u msid:%s %s\r\n", ssrc,
		    l->cname, ssrc, l->stream, track);
}

static void put_data(struct out *o, const struct sdp_line *line)
{
	if (line->sctpmap)
		put(o, "a=sctpmap:%d webrtc-datachannel 1024\r\n",
		    SDP_SCTP_PORT);
	else
		put(o, "a=sctp-port:%d\r\n", SDP_SCTP_PORT);
	put(o, "a=max-message-size:%d\r\n", SDP_MESSAGE_MAX);
}

static void put_line(struct out *o, const struct sdp_session *s, unsigned i,
		     const struct sdp_local *l)
{
	const struct sdp_line *line = &s->lines[i];

	put_m(o, line, default_candidate(l));
	if (line->mid[0])
		put(o, "a=mid:%s\r\n", line->mid);
	if (!line->accepted) {
		put(o, "a=inactive\r\n");
		return;
	}
	put_transport(o, s, l);
	if ((int)i == s->transport)
		put_candidates(o, l);
	if (line->kind == SDP_DATA)
		put_data(o, line);
	else
		put_rtp(o, line, l);
}

int sdp_session_write(const struct sdp_session *s,
		      const struct sdp_local *local, char *out, size_t cap)
{
	struct out o = { out, cap, false };

	if (!local_ok(local))
		return -EINVAL;
	put_head(&o, s, local);
	for (unsigned i = 0; i < s->line_count; i++)
		put_line(&o, s, i, local);

	return o.full ? -ENOSPC : (int)(o.at - out);
}
