/* frag.c - see frag.h */

#include "core/sdp/frag.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/sdp/match.h"

/* Writing */

struct out {
	char *at;
	size_t len, cap;
	bool full;
};

static void put(struct out *o, const char *bytes, size_t len)
{
	if (o->full || len >= o->cap - o->len) {
		o->full = true;
		return;
	}
	memcpy(o->at + o->len, bytes, len);
	o->len += len;
}

static void put_text(struct out *o, const char *text)
{
	put(o, text, strlen(text));
}

static void put_line(struct out *o, struct scan line)
{
	put(o, line.at, scan_len(line));
	put_text(o, "\r\n");
}

static void put_attr(struct out *o, const char *name, const char *value)
{
	put_text(o, "a=");
	put_text(o, name);
	put_text(o, value);
	put_text(o, "\r\n");
}

static int finish(struct out *o)
{
	if (o->full || o->cap == 0)
		return -ENOSPC;
	o->at[o->len] = '\0';

	return (int)o->len;
}

/* Reading line by line */

struct lines {
	struct scan left, line;
	int section;		/* index of the m-line we are below, or -1 */
};

static struct lines lines_of(const char *text)
{
	return (struct lines){ scan_over(text, strlen(text)), { 0 }, -1 };
}

static bool is_m(struct scan line)
{
	return scan_len(line) >= 2 && line.at[0] == 'm' && line.at[1] == '=';
}

static bool next_line(struct lines *l)
{
	do {
		if (l->left.at >= l->left.end)
			return false;
		l->line = scan_until(&l->left, '\n');
		if (l->line.end > l->line.at && l->line.end[-1] == '\r')
			l->line.end--;
	} while (l->line.at == l->line.end);
	if (is_m(l->line))
		l->section++;

	return true;
}

/* Whether the line is a=<name> or a=<name>:...; *value is what follows. */
static bool is_attr(struct scan line, const char *name, struct scan *value)
{
	if (!scan_skip(&line, "a=") || !scan_skip(&line, name) ||
	    (line.at < line.end && !scan_skip(&line, ":")))
		return false;
	if (value)
		*value = line;

	return true;
}

struct m_line {
	struct scan name;
	uint64_t port;
};

static bool read_m(struct scan line, struct m_line *out)
{
	struct scan port;

	line.at += 2;
	out->name = scan_word(&line);
	port = scan_word(&line);
	port = scan_until(&port, '/');

	return scan_len(out->name) && scan_number(port, 65535, &out->port);
}

struct scan sdp_text_attr(const char *sdp, const char *name)
{
	struct lines l = lines_of(sdp);
	struct scan value = { sdp, sdp };

	while (next_line(&l))
		if (is_attr(l.line, name, &value))
			break;

	return value;
}

/* One m-line as the others need it. */
struct section {
	struct m_line m;
	struct scan mid;
	enum sdp_direction direction;
	bool directed;		/* says so itself */
	bool bundle_only;
};

struct outline {
	struct section sections[SDP_MEDIA];
	int count;
};

static bool read_direction(struct scan line, enum sdp_direction *out)
{
	static const char *const names[] = { "inactive", "sendonly",
					     "recvonly", "sendrecv" };

	if (!scan_skip(&line, "a="))
		return false;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (scan_is(line, names[i])) {
			*out = (enum sdp_direction)i;
			return true;
		}
	}

	return false;
}

static int outline_of(struct outline *out, const char *sdp)
{
	enum sdp_direction top = SDP_SENDRECV, said;
	struct lines l = lines_of(sdp);

	memset(out, 0, sizeof(*out));
	while (next_line(&l)) {
		struct section *s;

		if (l.section >= SDP_MEDIA)
			return -EMSGSIZE;
		if (l.section < 0) {
			if (read_direction(l.line, &said))
				top = said;
			continue;
		}
		s = &out->sections[l.section];
		if (is_m(l.line)) {
			*s = (struct section){ .direction = top };
			out->count = l.section + 1;
			if (!read_m(l.line, &s->m))
				return -EINVAL;
		} else if (read_direction(l.line, &said)) {
			s->direction = said;
			s->directed = true;
		}
		(void)is_attr(l.line, "mid", &s->mid);
		s->bundle_only |= is_attr(l.line, "bundle-only", NULL);
	}

	return 0;
}

static bool is_open(const struct section *s)
{
	return s->m.port != 0 || s->bundle_only;
}

static bool is_media(const struct section *s)
{
	return scan_is(s->m.name, "audio") || scan_is(s->m.name, "video");
}

static int first_open(const struct outline *o)
{
	for (int i = 0; i < o->count; i++)
		if (is_open(&o->sections[i]))
			return i;

	return -1;
}

/* Fragments */

static bool line_ok(struct scan line)
{
	if (scan_len(line) < 2 || line.at[1] != '=')
		return false;
	for (; line.at < line.end; line.at++)
		if ((unsigned char)*line.at < ' ' || *line.at == 0x7f)
			return false;

	return true;
}

/* The text is ours: the byte behind a piece becomes its final zero once the
 * lines have been passed. */
static const char *keep(struct sdp_frag *f, struct scan s)
{
	f->text[s.end - f->text] = '\0';

	return s.at;
}

/* The same credentials may stand at each m-line: all are of one BUNDLE. */
static int keep_ice(struct sdp_frag *f, const char **into, struct scan value,
		    size_t least, struct sdp_error *err)
{
	if (scan_len(value) < least || scan_len(value) > SDP_UFRAG ||
	    !scan_is_ice(value))
		return sdp_fail(err, -EINVAL, 0, "a=ice-%s is not %u to 256 "
				"letters and digits",
				least == 4 ? "ufrag" : "pwd",
				(unsigned)least);
	if ((*into)[0] && !scan_is(value, *into))
		return sdp_fail(err, -ENOTSUP, 0, "the fragment speaks of two "
				"ICE sessions; all media share one here");
	if (!(*into)[0])
		*into = keep(f, value);

	return 0;
}

static int keep_candidate(struct sdp_frag *f, struct scan line, int section,
			  struct sdp_error *err)
{
	struct candidate c;
	const char *why;

	if (section < 0)
		return sdp_fail(err, -EINVAL, 0,
				"a candidate stands before the first m-line");
	line.at += 2;
	if (f->candidate_count == SDP_CANDIDATES ||
	    scan_len(line) > SDP_FRAG_LINE ||
	    candidate_parse(&c, line.at, scan_len(line), &why) < 0) {
		f->candidates_dropped++;
		return 0;
	}
	f->candidates[f->candidate_count++] = (struct sdp_frag_candidate){
		.line = keep(f, line), .mid = "", .mline = section };

	return 0;
}

static int keep_mid(struct sdp_frag *f, struct scan mid, int section,
		    struct sdp_error *err)
{
	const char *kept;

	if (section < 0 || scan_len(mid) == 0 || scan_len(mid) > SDP_MID ||
	    memchr(mid.at, ' ', scan_len(mid)))
		return sdp_fail(err, -EINVAL, 0, "a=mid is not a token of 1 "
				"to %d characters below an m-line", SDP_MID);
	kept = keep(f, mid);
	/* It may stand below its candidates. */
	for (unsigned i = 0; i < f->candidate_count; i++)
		if (f->candidates[i].mline == section)
			f->candidates[i].mid = kept;

	return 0;
}

static int take_line(struct sdp_frag *f, const struct lines *l,
		     const char *mid, struct sdp_error *err)
{
	struct scan value;

	if (is_attr(l->line, "ice-ufrag", &value))
		return keep_ice(f, &f->ufrag, value, 4, err);
	if (is_attr(l->line, "ice-pwd", &value))
		return keep_ice(f, &f->pwd, value, 22, err);
	if (is_attr(l->line, "mid", &value))
		return keep_mid(f, value, l->section, err);
	if (is_attr(l->line, "end-of-candidates", NULL))
		f->end_of_candidates = true;
	if (is_attr(l->line, "candidate", NULL)) {
		unsigned before = f->candidate_count;
		int code = keep_candidate(f, l->line, l->section, err);

		if (f->candidate_count > before)
			f->candidates[before].mid = mid;
		return code;
	}

	return 0;
}

static int frag_lines(struct sdp_frag *f, struct sdp_error *err)
{
	struct lines l = lines_of(f->text);
	const char *mid = "";
	struct m_line m;
	unsigned count = 0;
	int code;

	while (next_line(&l)) {
		struct scan value;

		if (++count > SDP_LINES)
			return sdp_fail(err, -EMSGSIZE, count,
					"more than %d lines", SDP_LINES);
		if (!line_ok(l.line))
			return sdp_fail(err, -EINVAL, count, "a line is not "
					"of the form x=... without controls");
		if (is_m(l.line)) {
			mid = "";
			if (!read_m(l.line, &m))
				return sdp_fail(err, -EINVAL, count,
						"an m-line is not <media> "
						"<port> <protocol> <formats>");
			if (++f->sections > SDP_MEDIA)
				return sdp_fail(err, -EMSGSIZE, count,
						"more than %d m-lines",
						SDP_MEDIA);
		}
		code = take_line(f, &l, mid, err);
		if (code < 0)
			return code;
		if (is_attr(l.line, "mid", &value))
			mid = value.at;
	}

	return 0;
}

static int frag_parse(struct sdp_frag *f, const char *text, size_t len,
		      struct sdp_error *err)
{
	int code;

	if (len > SDP_TEXT)
		return sdp_fail(err, -EMSGSIZE, 0, "the fragment is longer "
				"than %d bytes", SDP_TEXT);
	if (len)
		memcpy(f->text, text, len);
	if (memchr(f->text, 0, len))
		return sdp_fail(err, -EINVAL, 0, "there is a zero byte");
	f->ufrag = f->pwd = "";
	code = frag_lines(f, err);
	if (code < 0)
		return code;
	if (!f->ufrag[0] != !f->pwd[0])
		return sdp_fail(err, -EINVAL, 0, "a=ice-ufrag and a=ice-pwd "
				"belong together");
	if (!f->ufrag[0] && !f->candidate_count && !f->candidates_dropped &&
	    !f->end_of_candidates)
		return sdp_fail(err, -EINVAL, 0,
				"the fragment says nothing of ICE");

	return 0;
}

int sdp_frag_parse(struct sdp_frag *frag, const char *text, size_t len,
		   struct sdp_error *err)
{
	int code;

	memset(frag, 0, sizeof(*frag));
	if (err)
		memset(err, 0, sizeof(*err));
	code = frag_parse(frag, text, len, err);
	if (code < 0)
		memset(frag, 0, sizeof(*frag));

	return code;
}

/* Directions */

static int check_directed(const struct outline *o, enum sdp_direction only,
			  struct sdp_error *err)
{
	unsigned audio = 0, video = 0;

	for (int i = 0; i < o->count; i++) {
		const struct section *s = &o->sections[i];

		if (!is_media(s) || !is_open(s))
			continue;
		if (scan_is(s->m.name, "audio"))
			audio++;
		else
			video++;
		if (!(s->direction & only))
			return sdp_fail(err, -EINVAL, 0, "m-line %d is %s: "
					"here a client %s", i,
					sdp_direction_name(s->direction),
					only == SDP_SENDONLY ? "only sends"
							     : "only receives");
	}
	if (audio + video == 0)
		return sdp_fail(err, -EINVAL, 0,
				"the offer has no audio and no video");
	if (audio > 1 || video > 1)
		return sdp_fail(err, -ENOTSUP, 0, "one audio and one video "
				"is what a session takes of a client");

	return 0;
}

static void close_directed(struct out *o, const struct outline *all, int i,
			   const char *name)
{
	if (i >= 0 && is_media(&all->sections[i]) &&
	    is_open(&all->sections[i]) && !all->sections[i].directed)
		put_attr(o, name, "");
}

int sdp_text_direct(char *out, size_t cap, const char *offer,
		    enum sdp_direction only, struct sdp_error *err)
{
	const char *name = sdp_direction_name(only);
	struct out o = { out, 0, cap, false };
	struct lines l = lines_of(offer);
	enum sdp_direction said;
	struct outline all;
	int code = outline_of(&all, offer), section = -1;

	if (code < 0)
		return sdp_fail(err, code, 0, "the m-lines cannot be read");
	code = check_directed(&all, only, err);
	if (code < 0)
		return code;
	while (next_line(&l)) {
		if (l.section != section)
			close_directed(&o, &all, section, name);
		section = l.section;
		if (!read_direction(l.line, &said))
			put_line(&o, l.line);
		else if (section >= 0 && is_media(&all.sections[section]) &&
			 is_open(&all.sections[section]))
			put_attr(&o, name, "");
		else if (section >= 0)
			put_line(&o, l.line);
	}
	close_directed(&o, &all, section, name);

	return finish(&o);
}

/* Restarts */

static bool is_ice(struct scan line)
{
	static const char *const names[] = {
		"ice-ufrag", "ice-pwd", "candidate", "end-of-candidates",
		"remote-candidates",
	};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (is_attr(line, names[i], NULL))
			return true;

	return false;
}

static int section_of(const struct outline *o,
		      const struct sdp_frag_candidate *c)
{
	for (int i = 0; c->mid[0] && i < o->count; i++)
		if (scan_len(o->sections[i].mid) &&
		    scan_is(o->sections[i].mid, c->mid))
			return i;

	return first_open(o);
}

/* What the fragment says, at the end of m-line `i`. */
static void put_section_ice(struct out *o, const struct outline *all, int i,
			    const struct sdp_frag *f)
{
	if (i < 0 || !is_open(&all->sections[i]))
		return;
	put_attr(o, "ice-ufrag:", f->ufrag);
	put_attr(o, "ice-pwd:", f->pwd);
	for (unsigned c = 0; c < f->candidate_count; c++)
		if (section_of(all, &f->candidates[c]) == i)
			put_attr(o, f->candidates[c].line, "");
	if (f->end_of_candidates && i == first_open(all))
		put_attr(o, "end-of-candidates", "");
}

/* o=<user> <id> <version> ...: one more, as RFC 3264 wants it. */
static void put_origin(struct out *o, struct scan line)
{
	struct scan rest = line;
	char version[24];
	uint64_t n;

	scan_until(&rest, ' ');
	scan_until(&rest, ' ');
	put(o, line.at, (size_t)(rest.at - line.at));
	if (scan_number(scan_until(&rest, ' '), UINT64_MAX - 1, &n)) {
		snprintf(version, sizeof(version), "%llu ",
			 (unsigned long long)n + 1);
		put_text(o, version);
	}
	put_line(o, rest);
}

int sdp_text_restart(char *out, size_t cap, const char *offer,
		     const struct sdp_frag *frag)
{
	struct out o = { out, 0, cap, false };
	struct lines l = lines_of(offer);
	struct outline all;
	int code = outline_of(&all, offer), section = -1;

	if (code < 0)
		return code;
	while (next_line(&l)) {
		if (l.section != section)
			put_section_ice(&o, &all, section, frag);
		section = l.section;
		if (section < 0 && l.line.at[0] == 'o')
			put_origin(&o, l.line);
		else if (!is_ice(l.line))
			put_line(&o, l.line);
	}
	put_section_ice(&o, &all, section, frag);

	return finish(&o);
}

/* The ICE of a description. */
int sdp_text_frag(char *out, size_t cap, const char *sdp)
{
	static const char *const session[] = { "group", "ice-lite" };
	static const char *const media[] = { "mid", "ice-ufrag", "ice-pwd",
					     "candidate",
					     "end-of-candidates" };
	struct out o = { out, 0, cap, false };
	struct lines l = lines_of(sdp);
	struct outline all;
	struct scan options = sdp_text_attr(sdp, "ice-options");
	int code = outline_of(&all, sdp), wanted = first_open(&all);

	if (code < 0)
		return code;
	if (wanted < 0)
		return -EINVAL;
	while (next_line(&l) && l.section < 0)
		for (unsigned i = 0; i < ARRAY_LEN(session); i++)
			if (is_attr(l.line, session[i], NULL))
				put_line(&o, l.line);
	if (scan_len(options)) {
		put_text(&o, "a=ice-options:");
		put_line(&o, options);
	}
	l = lines_of(sdp);
	while (next_line(&l)) {
		if (l.section != wanted)
			continue;
		if (is_m(l.line))
			put_line(&o, l.line);
		for (unsigned i = 0; i < ARRAY_LEN(media); i++)
			if (is_attr(l.line, media[i], NULL))
				put_line(&o, l.line);
	}

	return finish(&o);
}

static void put_more(struct out *o, char *const *lines, unsigned count,
		     bool all)
{
	for (unsigned i = 0; i < count; i++)
		put_attr(o, lines[i], "");
	if (all)
		put_attr(o, "end-of-candidates", "");
}

int sdp_text_complete(char *out, size_t cap, const char *sdp,
		      char *const *lines, unsigned count, bool all)
{
	bool ended = sdp_text_attr(sdp, "end-of-candidates").at != sdp;
	struct out o = { out, 0, cap, false };
	struct lines l = lines_of(sdp);
	struct outline outline;
	int code = outline_of(&outline, sdp), wanted = first_open(&outline);
	int section = -1;

	if (code < 0)
		return code;
	while (next_line(&l)) {
		if (section == wanted && l.section != section && wanted >= 0)
			put_more(&o, lines, count, all && !ended);
		section = l.section;
		put_line(&o, l.line);
	}
	if (section == wanted && wanted >= 0)
		put_more(&o, lines, count, all && !ended);

	return finish(&o);
}

int sdp_text_rejected(const char *offer, const char *answer,
		      struct scan *name)
{
	struct outline a, b;

	if (outline_of(&a, offer) < 0 || outline_of(&b, answer) < 0)
		return -1;
	for (int i = 0; i < a.count && i < b.count; i++) {
		if (!is_open(&a.sections[i]) || b.sections[i].m.port != 0)
			continue;
		*name = a.sections[i].m.name;
		return i;
	}

	return -1;
}
