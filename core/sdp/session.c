/* session.c - see session.h */

#include "core/sdp/session.h"

#include <string.h>

#include "core/sdp/match.h"

void sdp_session_init(struct sdp_session *s)
{
	memset(s, 0, sizeof(*s));
	s->audio_in = s->audio_out = s->video_in = s->video_out = -1;
	s->data = s->transport = -1;
}

static bool same_fingerprint(const struct sdp_fingerprint *a,
			     const struct sdp_fingerprint *b)
{
	return a->hash == b->hash && a->len == b->len &&
	       memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool shares_fingerprint(const struct sdp_session *s,
			       const struct sdp_media *m)
{
	for (unsigned i = 0; i < s->fingerprint_count; i++)
		for (unsigned k = 0; k < m->fingerprint_count; k++)
			if (same_fingerprint(&s->fingerprints[i],
					     &m->fingerprints[k]))
				return true;

	return false;
}

enum sdp_change sdp_compare(const struct sdp_session *was,
			    const struct sdp *now)
{
	const struct sdp_media *m = sdp_transport_media(now, was->transport);

	if (!m)
		return SDP_SAME_TRANSPORT;
	if (m->fingerprint_count && was->fingerprint_count &&
	    !shares_fingerprint(was, m))
		return SDP_NEW_CONNECTION;
	if (strcmp(m->ufrag, was->remote_ufrag) != 0 ||
	    strcmp(m->pwd, was->remote_pwd) != 0)
		return SDP_ICE_RESTART;

	return SDP_SAME_TRANSPORT;
}

bool sdp_fingerprint_fits(const struct sdp_session *s, enum sdp_hash hash,
			  const uint8_t *bytes, size_t len)
{
	bool fits = false;

	for (unsigned i = 0; i < s->fingerprint_count; i++) {
		const struct sdp_fingerprint *f = &s->fingerprints[i];
		uint8_t diff = 0;

		if (f->hash != hash || f->len != len || len == 0)
			continue;
		for (size_t k = 0; k < len; k++)
			diff |= f->bytes[k] ^ bytes[k];
		fits |= diff == 0;
	}

	return fits;
}

const struct sdp_line_codec *sdp_codec_by_type(const struct sdp_session *s,
					       enum sdp_kind kind,
					       uint8_t payload_type)
{
	for (unsigned i = 0; i < s->line_count; i++) {
		const struct sdp_line *l = &s->lines[i];

		if (!l->accepted || l->kind != kind)
			continue;
		for (unsigned k = 0; k < l->codec_count; k++)
			if (l->codecs[k].payload_type == payload_type)
				return &l->codecs[k];
	}

	return NULL;
}

const char *sdp_codec_name(enum sdp_codec codec)
{
	static const char *const names[] = { "none", "opus", "VP9", "VP8" };

	return (unsigned)codec < ARRAY_LEN(names) ? names[codec] : "?";
}

const char *sdp_kind_name(enum sdp_kind kind)
{
	switch (kind) {
	case SDP_AUDIO:
		return "audio";
	case SDP_VIDEO:
		return "video";
	case SDP_DATA:
		return "data";
	case SDP_OTHER:
		break;
	}

	return "other";
}

const char *sdp_direction_name(enum sdp_direction direction)
{
	static const char *const names[] = {
		"inactive", "sendonly", "recvonly", "sendrecv"
	};

	return names[direction & 3];
}
