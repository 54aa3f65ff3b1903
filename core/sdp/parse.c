/*
 * parse.c - see parse.h
 *
 * The text is copied once into the struct and cut into strings in place: the
 * byte behind a piece that is kept (a space, a slash, a line end) becomes its
 * final zero, after the scan has passed it.
 */

#include "core/sdp/parse.h"

#include <errno.h>
#include <string.h>

#include "core/sdp/attr.h"

static void clear_media(struct sdp_media *m)
{
	memset(m, 0, sizeof(*m));
	m->name = m->protocol = m->format = m->mid = m->msid = "";
	m->ufrag = m->pwd = "";
	m->group = -1;
	m->direction = SDP_SENDRECV;
	m->max_message_size = 65536;	/* RFC 8841 section 6 */
}

static enum sdp_kind kind_of(const char *name, const char *protocol)
{
	if (strcmp(name, "application") == 0)
		return strstr(protocol, "SCTP") ? SDP_DATA : SDP_OTHER;
	if (!strstr(protocol, "RTP/"))
		return SDP_OTHER;
	if (strcmp(name, "audio") == 0)
		return SDP_AUDIO;

	return strcmp(name, "video") == 0 ? SDP_VIDEO : SDP_OTHER;
}

static bool is_protocol(struct scan s)
{
	if (scan_len(s) == 0 || scan_len(s) > SDP_TOKEN)
		return false;
	while (s.at < s.end)
		if (!attr_is_token(scan_until(&s, '/'), SDP_TOKEN))
			return false;

	return s.end[-1] != '/';
}

static int add_payload(struct sdp_parser *p, struct scan word)
{
	struct sdp_media *m = p->media;
	uint64_t type;

	if (!scan_number(word, 127, &type))
		return attr_fail(p, -EINVAL, "a payload type is not 0 to 127");
	for (unsigned i = 0; i < m->payload_count; i++)
		if (m->payloads[i].type == type)
			return attr_fail(p, -EINVAL, "payload type %u stands "
					 "twice in an m-line", (unsigned)type);
	if (m->payload_count == SDP_PAYLOADS ||
	    p->sdp->payloads_used == SDP_PAYLOADS_ALL)
		return attr_fail(p, -EMSGSIZE, "more than %d payload types in "
				 "an m-line or %d in all", SDP_PAYLOADS,
				 SDP_PAYLOADS_ALL);
	m->payloads[m->payload_count++] = (struct sdp_payload){
		.type = (uint8_t)type, .channels = 1, .codec = "", .fmtp = ""
	};
	p->sdp->payloads_used++;

	return 0;
}

static void start_media(struct sdp_parser *p)
{
	struct sdp *sdp = p->sdp;
	struct sdp_media *m = &sdp->media[sdp->media_count++];

	clear_media(m);
	m->line = p->line;
	m->direction = p->top.direction;
	m->payloads = &sdp->payloads[sdp->payloads_used];
	m->extmaps = &sdp->extmaps[sdp->extmaps_used];
	m->ssrcs = &sdp->ssrcs[sdp->ssrcs_used];
	m->candidates = &sdp->candidates[sdp->candidates_used];
	p->media = m;
	p->fmtps = 0;
}

/* m=<media> <port>[/<count>] <protocol> <format> ... */
static int on_m(struct sdp_parser *p, struct scan v)
{
	struct scan name = scan_word(&v), port = scan_word(&v);
	struct scan protocol = scan_word(&v), number, word;
	bool rtp, first = true;
	uint64_t n;
	int err = 0;

	if (p->sdp->media_count == SDP_MEDIA)
		return attr_fail(p, -EMSGSIZE, "more than %d m-lines",
				 SDP_MEDIA);
	number = scan_until(&port, '/');
	if (!attr_is_token(name, SDP_TOKEN) || !is_protocol(protocol) ||
	    !scan_number(number, 65535, &n) || v.at == v.end)
		return attr_fail(p, -EINVAL, "an m-line is not "
				 "<media> <port> <protocol> <formats>");
	start_media(p);
	p->media->name = attr_keep(p, name);
	p->media->protocol = attr_keep(p, protocol);
	p->media->port = (uint16_t)n;
	p->media->kind = kind_of(p->media->name, p->media->protocol);
	rtp = p->media->kind == SDP_AUDIO || p->media->kind == SDP_VIDEO;
	while (v.at < v.end && err == 0) {
		word = scan_word(&v);
		if (rtp)
			err = add_payload(p, word);
		else if (!attr_is_token(word, SDP_TOKEN))
			err = attr_fail(p, -EINVAL, "a format of an m-line is "
					"not a token of 1 to %d characters",
					SDP_TOKEN);
		if (first && err == 0)
			p->media->format = attr_keep(p, word);
		first = false;
	}

	return err;
}

/* o=<user> <id> <version> <net> <type> <address> */
static int on_o(struct sdp_parser *p, struct scan v)
{
	struct scan user = scan_word(&v), id = scan_word(&v);
	struct scan version = scan_word(&v);

	if (scan_len(user) == 0 ||
	    !scan_number(id, UINT64_MAX, &p->sdp->origin_id) ||
	    !scan_number(version, UINT64_MAX, &p->sdp->origin_version))
		return attr_fail(p, -EINVAL, "the o-line does not hold a "
				 "session id and version");

	return 0;
}

/* b=AS:<kilobits> or b=TIAS:<bits>; TIAS is exact and wins. */
static int on_b(struct sdp_parser *p, struct scan v)
{
	struct scan type = scan_until(&v, ':');
	uint64_t n;

	if (!scan_number(v, UINT64_MAX / 1000, &n))
		return attr_fail(p, -EINVAL, "a b-line has no number");
	if (scan_is(type, "AS") && p->media->max_bitrate_bps == 0)
		n *= 1000;
	else if (!scan_is(type, "TIAS"))
		return 0;
	p->media->max_bitrate_bps = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;

	return 0;
}

static int on_line(struct sdp_parser *p, struct scan line)
{
	char type;

	if (line.at == line.end)
		return 0;
	if (scan_len(line) > SDP_LINE)
		return attr_fail(p, -EMSGSIZE, "a line is longer than %d "
				 "bytes", SDP_LINE);
	for (const char *c = line.at; c < line.end; c++)
		if ((unsigned char)*c < ' ' && *c != '\t')
			return attr_fail(p, -EINVAL,
					 "there is a control character");
	if (scan_len(line) < 2 || line.at[1] != '=')
		return attr_fail(p, -EINVAL, "a line is not of the form x=...");
	type = line.at[0];
	line.at += 2;
	switch (type) {
	case 'v':
		if (!scan_is(line, "0"))
			return attr_fail(p, -EINVAL, "the version is not 0");
		return 0;
	case 'o':
		return on_o(p, line);
	case 'b':
		return on_b(p, line);
	case 'm':
		return on_m(p, line);
	case 'a':
		return attr_parse(p, line);
	default:
		return 0;
	}
}

static int parse_lines(struct sdp_parser *p, size_t len)
{
	struct scan all = scan_over(p->sdp->text, len);
	int err;

	if (len < 4 || memcmp(all.at, "v=0", 3) != 0 ||
	    (all.at[3] != '\n' && all.at[3] != '\r')) {
		p->line = 1;
		return attr_fail(p, -EINVAL, "the first line is not v=0");
	}
	while (all.at < all.end) {
		struct scan line = scan_until(&all, '\n');

		if (++p->line > SDP_LINES)
			return attr_fail(p, -EMSGSIZE, "more than %d lines",
					 SDP_LINES);
		if (line.end > line.at && line.end[-1] == '\r')
			line.end--;
		p->sdp->text[line.end - p->sdp->text] = 0;
		if ((err = on_line(p, line)) < 0)
			return err;
	}

	return 0;
}

/* What an m-line does not say, the session level says for it. */
static void inherit(struct sdp_media *m, const struct sdp_media *top)
{
	if (!m->ufrag[0] && !m->pwd[0]) {
		m->ufrag = top->ufrag;
		m->pwd = top->pwd;
	}
	if (m->fingerprint_count == 0) {
		memcpy(m->fingerprints, top->fingerprints,
		       sizeof(m->fingerprints));
		m->fingerprint_count = top->fingerprint_count;
	}
	if (m->setup == SDP_SETUP_NONE)
		m->setup = top->setup;
	m->trickle |= top->trickle;
	m->ice_lite |= top->ice_lite;
	m->extmap_allow_mixed |= top->extmap_allow_mixed;
	m->end_of_candidates |= top->end_of_candidates;
}

static int join_groups(struct sdp_parser *p)
{
	struct sdp *sdp = p->sdp;

	for (unsigned g = 0; g < sdp->group_count; g++) {
		struct scan mids = scan_over(sdp->groups[g].mids,
					     strlen(sdp->groups[g].mids));

		while (mids.at < mids.end) {
			struct scan mid = scan_word(&mids);
			struct sdp_media *m = NULL;

			for (unsigned i = 0; i < sdp->media_count && !m; i++)
				if (scan_is(mid, sdp->media[i].mid))
					m = &sdp->media[i];
			p->line = 0;
			if (!m)
				return attr_fail(p, -EINVAL, "a BUNDLE group "
						 "names a mid that no m-line "
						 "has");
			if (m->group >= 0)
				return attr_fail(p, -EINVAL, "mid %s stands "
						 "twice in BUNDLE groups",
						 m->mid);
			m->group = (int8_t)g;
		}
	}

	return 0;
}

static int parse(struct sdp_parser *p, const char *text, size_t len)
{
	struct sdp *sdp = p->sdp;
	int err;

	if (len > SDP_TEXT)
		return attr_fail(p, -EMSGSIZE, "the description is longer "
				 "than %d bytes", SDP_TEXT);
	if (len)
		memcpy(sdp->text, text, len);
	sdp->msid_semantic = "";
	clear_media(&p->top);
	p->media = &p->top;
	if ((err = parse_lines(p, len)) < 0)
		return err;
	for (unsigned i = 0; i < sdp->media_count; i++)
		inherit(&sdp->media[i], &p->top);

	return join_groups(p);
}

int sdp_parse(struct sdp *sdp, const char *text, size_t len,
	      struct sdp_error *err)
{
	struct sdp_error unheard = { 0 };
	struct sdp_parser p = { .sdp = sdp, .err = err ? err : &unheard };
	int result;

	memset(sdp, 0, sizeof(*sdp));
	memset(p.err, 0, sizeof(*p.err));
	result = parse(&p, text, len);
	if (result < 0)
		memset(sdp, 0, sizeof(*sdp));

	return result;
}

const struct sdp_media *sdp_media_by_mid(const struct sdp *sdp,
					 const char *mid)
{
	for (unsigned i = 0; i < sdp->media_count; i++)
		if (mid[0] && strcmp(sdp->media[i].mid, mid) == 0)
			return &sdp->media[i];

	return NULL;
}

const char *sdp_fmtp_get(const char *fmtp, const char *name, size_t *len)
{
	struct scan all = scan_over(fmtp, strlen(fmtp));

	while (all.at < all.end) {
		struct scan value = scan_until(&all, ';');
		struct scan key;

		while (value.at < value.end && *value.at == ' ')
			value.at++;
		key = scan_until(&value, '=');
		if (!scan_like(key, name))
			continue;
		*len = scan_len(value);

		return value.at;
	}
	*len = 0;

	return NULL;
}

bool sdp_token_is(const char *a, const char *b)
{
	return scan_like(scan_over(a, strlen(a)), b);
}
