/* attr.c - see attr.h; one small function per attribute, and their table */

#include "core/sdp/attr.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int attr_fail(struct sdp_parser *p, int code, const char *fmt, ...)
{
	va_list ap;

	p->err->line = p->line;
	va_start(ap, fmt);
	vsnprintf(p->err->text, sizeof(p->err->text), fmt, ap);
	va_end(ap);

	return code;
}

const char *attr_keep(struct sdp_parser *p, struct scan word)
{
	p->sdp->text[word.end - p->sdp->text] = 0;

	return word.at;
}

bool attr_is_token(struct scan s, size_t max)
{
	if (scan_len(s) == 0 || scan_len(s) > max)
		return false;
	for (; s.at < s.end; s.at++)
		if (*s.at <= ' ' || *s.at > '~' ||
		    strchr("\"(),/:;<=>?@[\\]", *s.at))
			return false;

	return true;
}

static bool at_top(const struct sdp_parser *p)
{
	return p->media == &p->top;
}

static int on_mid(struct sdp_parser *p, struct scan v)
{
	if (at_top(p))
		return 0;
	if (!attr_is_token(v, SDP_MID))
		return attr_fail(p, -EINVAL, "a=mid is not a token of 1 to %d "
				 "characters", SDP_MID);
	p->media->mid = attr_keep(p, v);
	for (unsigned i = 0; i + 1 < p->sdp->media_count; i++)
		if (strcmp(p->sdp->media[i].mid, p->media->mid) == 0)
			return attr_fail(p, -EINVAL, "two m-lines have the "
					 "mid %s", p->media->mid);

	return 0;
}

static int on_group(struct sdp_parser *p, struct scan v)
{
	if (!at_top(p) || !scan_is(scan_word(&v), "BUNDLE"))
		return 0;
	if (p->sdp->group_count == SDP_GROUPS)
		return attr_fail(p, -EMSGSIZE, "more than %d BUNDLE groups",
				 SDP_GROUPS);
	p->sdp->groups[p->sdp->group_count++].mids = attr_keep(p, v);

	return 0;
}

static int on_msid_semantic(struct sdp_parser *p, struct scan v)
{
	p->sdp->msid_semantic = attr_keep(p, v);

	return 0;
}

static int on_msid(struct sdp_parser *p, struct scan v)
{
	p->media->msid = attr_keep(p, v);

	return 0;
}

static int on_ufrag(struct sdp_parser *p, struct scan v)
{
	if (scan_len(v) < 4 || scan_len(v) > SDP_UFRAG || !scan_is_ice(v))
		return attr_fail(p, -EINVAL, "a=ice-ufrag is not 4 to 256 "
				 "letters and digits");
	p->media->ufrag = attr_keep(p, v);

	return 0;
}

static int on_pwd(struct sdp_parser *p, struct scan v)
{
	if (scan_len(v) < 22 || scan_len(v) > SDP_PWD || !scan_is_ice(v))
		return attr_fail(p, -EINVAL, "a=ice-pwd is not 22 to 256 "
				 "letters and digits");
	p->media->pwd = attr_keep(p, v);

	return 0;
}

static int on_ice_options(struct sdp_parser *p, struct scan v)
{
	while (v.at < v.end)
		if (scan_is(scan_word(&v), "trickle"))
			p->media->trickle = true;

	return 0;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);

	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "AB:CD:..." of exactly len bytes. */
static bool parse_hash(uint8_t *out, size_t len, struct scan v)
{
	if (scan_len(v) != len * 3 - 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		const char *p = v.at + 3 * i;

		if (hex(p[0]) < 0 || hex(p[1]) < 0 ||
		    (i + 1 < len && p[2] != ':'))
			return false;
		out[i] = (uint8_t)(hex(p[0]) << 4 | hex(p[1]));
	}

	return true;
}

static int on_fingerprint(struct sdp_parser *p, struct scan v)
{
	static const struct {
		const char *name;
		uint8_t len;
	} hashes[] = {
		{ "sha-256", 32 }, { "sha-384", 48 }, { "sha-512", 64 },
	};
	struct sdp_fingerprint f = { .hash = SDP_HASH_OTHER };
	struct scan name = scan_word(&v), value = scan_word(&v);

	for (unsigned i = 0; i < ARRAY_LEN(hashes); i++) {
		if (!scan_like(name, hashes[i].name))
			continue;
		f.hash = (enum sdp_hash)i;
		f.len = hashes[i].len;
		if (!parse_hash(f.bytes, f.len, value))
			return attr_fail(p, -EINVAL, "a=fingerprint:%s is not "
					 "%d bytes as AB:CD:...",
					 hashes[i].name, hashes[i].len);
	}
	if (scan_len(value) == 0)
		return attr_fail(p, -EINVAL, "a=fingerprint has no value");
	if (p->media->fingerprint_count == SDP_FINGERPRINTS)
		return attr_fail(p, -EMSGSIZE, "more than %d fingerprints",
				 SDP_FINGERPRINTS);
	p->media->fingerprints[p->media->fingerprint_count++] = f;

	return 0;
}

static int on_setup(struct sdp_parser *p, struct scan v)
{
	static const char *const names[] = {
		[SDP_ACTPASS] = "actpass", [SDP_ACTIVE] = "active",
		[SDP_PASSIVE] = "passive", [SDP_HOLDCONN] = "holdconn",
	};

	for (unsigned i = SDP_ACTPASS; i < ARRAY_LEN(names); i++) {
		if (scan_like(v, names[i])) {
			p->media->setup = (enum sdp_setup)i;
			return 0;
		}
	}

	return attr_fail(p, -EINVAL, "a=setup is not actpass, active, passive "
			 "or holdconn");
}

static int on_rtcp_mux(struct sdp_parser *p, struct scan v)
{
	(void)v;
	p->media->rtcp_mux = true;

	return 0;
}

static int on_rtcp_rsize(struct sdp_parser *p, struct scan v)
{
	(void)v;
	p->media->rtcp_rsize = true;

	return 0;
}

static int on_bundle_only(struct sdp_parser *p, struct scan v)
{
	(void)v;
	p->media->bundle_only = true;

	return 0;
}

static int on_allow_mixed(struct sdp_parser *p, struct scan v)
{
	(void)v;
	p->media->extmap_allow_mixed = true;

	return 0;
}

static int on_ice_lite(struct sdp_parser *p, struct scan v)
{
	(void)v;
	p->media->ice_lite = true;

	return 0;
}

static int on_end_of_candidates(struct sdp_parser *p, struct scan v)
{
	(void)v;
	p->media->end_of_candidates = true;

	return 0;
}

static int on_sendrecv(struct sdp_parser *p, struct scan v)
{
	(void)v;
	p->media->direction = SDP_SENDRECV;

	return 0;
}

static int on_sendonly(struct sdp_parser *p, struct scan v)
{
	(void)v;
	p->media->direction = SDP_SENDONLY;

	return 0;
}

static int on_recvonly(struct sdp_parser *p, struct scan v)
{
	(void)v;
	p->media->direction = SDP_RECVONLY;

	return 0;
}

static int on_inactive(struct sdp_parser *p, struct scan v)
{
	(void)v;
	p->media->direction = SDP_INACTIVE;

	return 0;
}

static int on_simulcast(struct sdp_parser *p, struct scan v)
{
	(void)v;
	p->media->simulcast = true;

	return 0;
}

static int on_rid(struct sdp_parser *p, struct scan v)
{
	(void)v;
	if (p->media->rids < UINT8_MAX)
		p->media->rids++;

	return 0;
}

static struct sdp_payload *payload_of(struct sdp_media *m, uint64_t type)
{
	for (unsigned i = 0; i < m->payload_count; i++)
		if (m->payloads[i].type == type)
			return &m->payloads[i];

	return NULL;
}

/* "<type> ": the payload, NULL when the m-line does not list it. */
static int take_payload(struct sdp_parser *p, struct scan *v,
			struct sdp_payload **out)
{
	uint64_t type;

	if (!scan_number(scan_word(v), 127, &type))
		return attr_fail(p, -EINVAL, "a payload type is not 0 to 127");
	*out = payload_of(p->media, type);

	return 0;
}

static int on_rtpmap(struct sdp_parser *p, struct scan v)
{
	struct sdp_payload *payload = NULL;
	struct scan name, clock;
	uint64_t hz, channels = 1;

	if (take_payload(p, &v, &payload) < 0)
		return -EINVAL;
	name = scan_until(&v, '/');
	clock = scan_until(&v, '/');
	if (!attr_is_token(name, SDP_TOKEN) ||
	    !scan_number(clock, 1000000, &hz) || hz == 0 ||
	    (scan_len(v) && !scan_number(v, 255, &channels)))
		return attr_fail(p, -EINVAL, "a=rtpmap is not "
				 "<type> <codec>/<clock>[/<channels>]");
	if (!payload)
		return 0;
	payload->codec = attr_keep(p, name);
	payload->clock_hz = (uint32_t)hz;
	payload->channels = channels ? (uint8_t)channels : 1;

	return 0;
}

static int on_fmtp(struct sdp_parser *p, struct scan v)
{
	struct sdp_payload *payload = NULL;

	if (p->media->payload_count == 0)
		return 0;	/* a format that is not RTP */
	if (++p->fmtps > SDP_FMTPS)
		return attr_fail(p, -EMSGSIZE, "more than %d fmtp lines in an "
				 "m-line", SDP_FMTPS);
	if (take_payload(p, &v, &payload) < 0)
		return -EINVAL;
	if (payload && !payload->fmtp[0])
		payload->fmtp = attr_keep(p, v);

	return 0;
}

static uint8_t feedback_of(struct scan v)
{
	struct scan name = scan_word(&v), what = scan_word(&v);

	if (scan_like(name, "nack") && scan_len(what) == 0)
		return SDP_NACK;
	if (scan_like(name, "nack") && scan_like(what, "pli"))
		return SDP_NACK_PLI;
	if (scan_like(name, "ccm") && scan_like(what, "fir"))
		return SDP_CCM_FIR;
	if (scan_like(name, "transport-cc"))
		return SDP_TRANSPORT_CC;
	if (scan_like(name, "goog-remb"))
		return SDP_GOOG_REMB;

	return 0;
}

static int on_rtcp_fb(struct sdp_parser *p, struct scan v)
{
	struct sdp_media *m = p->media;
	struct sdp_payload *payload = NULL;

	if (scan_skip(&v, "* ")) {
		for (unsigned i = 0; i < m->payload_count; i++)
			m->payloads[i].feedback |= feedback_of(v);
		return 0;
	}
	if (take_payload(p, &v, &payload) < 0)
		return -EINVAL;
	if (payload)
		payload->feedback |= feedback_of(v);

	return 0;
}

static bool direction_of(struct scan v, enum sdp_direction *out)
{
	static const char *const names[] = {
		"inactive", "sendonly", "recvonly", "sendrecv"
	};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (scan_is(v, names[i])) {
			*out = (enum sdp_direction)i;
			return true;
		}
	}

	return false;
}

static int on_extmap(struct sdp_parser *p, struct scan v)
{
	struct scan head = scan_word(&v), uri = scan_word(&v), id;
	struct sdp_media *m = p->media;
	struct sdp_extmap e = { .direction = SDP_SENDRECV };
	uint64_t n;

	id = scan_until(&head, '/');
	if (!scan_number(id, 65535, &n) || n == 0 || scan_len(uri) == 0 ||
	    (scan_len(head) && !direction_of(head, &e.direction)))
		return attr_fail(p, -EINVAL, "a=extmap is not "
				 "<id>[/<direction>] <uri>");
	/* 15 is reserved; over 255 an offerer waits for another number. */
	if (at_top(p) || n == 15 || n > 255)
		return 0;
	for (unsigned i = 0; i < m->extmap_count; i++)
		if (m->extmaps[i].id == n)
			return attr_fail(p, -EINVAL, "two extmap lines of an "
					 "m-line have the id %u", (unsigned)n);
	if (p->sdp->extmaps_used == SDP_EXTMAPS_ALL)
		return attr_fail(p, -EMSGSIZE, "more than %d extmap lines",
				 SDP_EXTMAPS_ALL);
	e.id = (uint8_t)n;
	e.uri = attr_keep(p, uri);
	m->extmaps[m->extmap_count++] = e;
	p->sdp->extmaps_used++;

	return 0;
}

/* NULL after attr_fail(): there are too many. */
static struct sdp_ssrc *take_ssrc(struct sdp_parser *p, uint32_t ssrc)
{
	struct sdp_media *m = p->media;

	for (unsigned i = 0; i < m->ssrc_count; i++)
		if (m->ssrcs[i].ssrc == ssrc)
			return &m->ssrcs[i];
	if (m->ssrc_count == SDP_SSRCS ||
	    p->sdp->ssrcs_used == SDP_SSRCS_ALL) {
		attr_fail(p, -EMSGSIZE, "more than %d sources in an m-line "
			  "or %d in all", SDP_SSRCS, SDP_SSRCS_ALL);
		return NULL;
	}
	p->sdp->ssrcs_used++;
	m->ssrcs[m->ssrc_count] = (struct sdp_ssrc){ ssrc, "", "" };

	return &m->ssrcs[m->ssrc_count++];
}

static int on_ssrc(struct sdp_parser *p, struct scan v)
{
	struct sdp_ssrc *s;
	struct scan name;
	uint64_t ssrc;

	if (at_top(p))
		return 0;
	if (!scan_number(scan_word(&v), UINT32_MAX, &ssrc))
		return attr_fail(p, -EINVAL, "a=ssrc is not a number of 32 "
				 "bits");
	s = take_ssrc(p, (uint32_t)ssrc);
	if (!s)
		return -EMSGSIZE;
	name = scan_until(&v, ':');
	if (scan_is(name, "cname"))
		s->cname = attr_keep(p, v);
	else if (scan_is(name, "msid"))
		s->msid = attr_keep(p, v);

	return 0;
}

static int on_ssrc_group(struct sdp_parser *p, struct scan v)
{
	uint64_t a, b;

	if (!scan_is(scan_word(&v), "FID") || p->media->fid_primary)
		return 0;
	if (!scan_number(scan_word(&v), UINT32_MAX, &a) ||
	    !scan_number(scan_word(&v), UINT32_MAX, &b))
		return attr_fail(p, -EINVAL, "a=ssrc-group:FID does not name "
				 "two sources");
	p->media->fid_primary = (uint32_t)a;
	p->media->fid_rtx = (uint32_t)b;

	return 0;
}

/* A candidate of an unknown form is no reason to refuse the description:
 * there may be others, and the peer's checks reveal its address anyway. */
static int on_candidate(struct sdp_parser *p, struct scan v)
{
	struct sdp *sdp = p->sdp;

	if (at_top(p))
		return 0;
	if (sdp->candidates_used == SDP_CANDIDATES ||
	    candidate_parse(&sdp->candidates[sdp->candidates_used], v.at,
			    scan_len(v), NULL) < 0) {
		sdp->candidates_dropped++;
		return 0;
	}
	sdp->candidates_used++;
	p->media->candidate_count++;

	return 0;
}

static int on_sctp_port(struct sdp_parser *p, struct scan v)
{
	uint64_t port;

	if (!scan_number(v, 65535, &port) || port == 0)
		return attr_fail(p, -EINVAL, "a=sctp-port is not 1 to 65535");
	p->media->sctp_port = (uint16_t)port;

	return 0;
}

static int on_sctpmap(struct sdp_parser *p, struct scan v)
{
	uint64_t port;

	if (!scan_number(scan_word(&v), 65535, &port) || port == 0 ||
	    !scan_like(scan_word(&v), "webrtc-datachannel"))
		return 0;
	p->media->sctp_port = (uint16_t)port;
	p->media->sctpmap = true;

	return 0;
}

static int on_max_message_size(struct sdp_parser *p, struct scan v)
{
	uint64_t size;

	if (!scan_number(v, UINT64_MAX, &size))
		return attr_fail(p, -EINVAL, "a=max-message-size is not a "
				 "number");
	p->media->max_message_size = size > UINT32_MAX ? UINT32_MAX :
							 (uint32_t)size;

	return 0;
}

static const struct attr {
	const char *name;
	int (*on)(struct sdp_parser *p, struct scan value);
} attrs[] = {
	{ "bundle-only", on_bundle_only },
	{ "candidate", on_candidate },
	{ "end-of-candidates", on_end_of_candidates },
	{ "extmap", on_extmap },
	{ "extmap-allow-mixed", on_allow_mixed },
	{ "fingerprint", on_fingerprint },
	{ "fmtp", on_fmtp },
	{ "group", on_group },
	{ "ice-lite", on_ice_lite },
	{ "ice-options", on_ice_options },
	{ "ice-pwd", on_pwd },
	{ "ice-ufrag", on_ufrag },
	{ "inactive", on_inactive },
	{ "max-message-size", on_max_message_size },
	{ "mid", on_mid },
	{ "msid", on_msid },
	{ "msid-semantic", on_msid_semantic },
	{ "recvonly", on_recvonly },
	{ "rid", on_rid },
	{ "rtcp-fb", on_rtcp_fb },
	{ "rtcp-mux", on_rtcp_mux },
	{ "rtcp-rsize", on_rtcp_rsize },
	{ "rtpmap", on_rtpmap },
	{ "sctp-port", on_sctp_port },
	{ "sctpmap", on_sctpmap },
	{ "sendonly", on_sendonly },
	{ "sendrecv", on_sendrecv },
	{ "setup", on_setup },
	{ "simulcast", on_simulcast },
	{ "ssrc", on_ssrc },
	{ "ssrc-group", on_ssrc_group },
};

int attr_parse(struct sdp_parser *p, struct scan line)
{
	struct scan value = line, name = scan_until(&value, ':');

	while (value.end > value.at && value.end[-1] == ' ')
		value.end--;
	while (value.at < value.end && *value.at == ' ')
		value.at++;
	for (size_t i = 0; i < ARRAY_LEN(attrs); i++)
		if (scan_is(name, attrs[i].name))
			return attrs[i].on(p, value);

	return 0;
}
