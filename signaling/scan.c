/* scan.c - walk a JSON text before it is parsed */

#include "signaling/scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct scan_limits scan_standard = {
	SCAN_DEPTH_MAX, SCAN_MEMBERS_MAX, SCAN_STRING_MAX,
};

struct scan {
	const struct scan_limits *limits;
	struct text *out;
	const char *at, *end;
	char kind[SCAN_DEPTH_MAX];		/* '{' or '[' */
	unsigned members[SCAN_DEPTH_MAX];	/* separators so far */
	unsigned depth;
	bool value_next;	/* behind the colon of an object */
	const char *why, *unit;	/* around the limit that was passed */
	uint32_t max;
};

/* Whether a value here is a member of a message. */
static bool in_message(const struct scan *s)
{
	if (!s->value_next || s->depth == 0 || s->kind[s->depth - 1] != '{')
		return false;

	return s->depth == 1 || (s->depth == 2 && s->kind[0] == '[');
}

static bool is_number_char(char c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' ||
	       c == 'e' || c == 'E';
}

static void copy(struct scan *s, size_t len)
{
	text_put(s->out, s->at, len);
	s->at += len;
}

static void blame(struct scan *s, const char *why, uint32_t max,
		  const char *unit)
{
	s->why = why;
	s->max = max;
	s->unit = unit;
}

/* One that is too long is noted only: the text goes on behind it. */
static void scan_string(struct scan *s)
{
	const char *from = s->at, *p = s->at + 1;

	while (p < s->end && *p != '"')
		p += *p == '\\' && p + 1 < s->end ? 2 : 1;
	if ((size_t)(p - from) > s->limits->string)
		blame(s, "a string over", s->limits->string, " bytes");
	if (in_message(s)) {
		text_puts(s->out, "\"s");
		s->at++;
	}
	copy(s, (size_t)(p - s->at) + (p < s->end));
	s->value_next = false;
}

/* The grammar of RFC 8259 section 6. */
static bool is_number(const char *p, const char *end)
{
	const char *from;

	if (p < end && *p == '-')
		p++;
	from = p;
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	if (p == from || (*from == '0' && p - from > 1))
		return false;
	if (p < end && *p == '.') {
		from = ++p;
		while (p < end && *p >= '0' && *p <= '9')
			p++;
		if (p == from)
			return false;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '-' || *p == '+'))
			p++;
		from = p;
		while (p < end && *p >= '0' && *p <= '9')
			p++;
		if (p == from)
			return false;
	}

	return p == end;
}

static void scan_number(struct scan *s)
{
	const char *p = s->at;

	while (p < s->end && is_number_char(*p))
		p++;
	/* What is no number stays as it is, for the parser to refuse. */
	if (in_message(s) && is_number(s->at, p)) {
		text_puts(s->out, "\"n");
		copy(s, (size_t)(p - s->at));
		text_puts(s->out, "\"");
	} else {
		copy(s, (size_t)(p - s->at));
	}
	s->value_next = false;
}

static int scan_open(struct scan *s)
{
	if (s->depth == s->limits->depth) {
		blame(s, "nested deeper than", s->limits->depth, "");
		return -EMSGSIZE;
	}
	s->kind[s->depth] = *s->at;
	s->members[s->depth++] = 1;
	s->value_next = false;
	copy(s, 1);

	return 0;
}

static int scan_mark(struct scan *s)
{
	char c = *s->at;

	if ((c == '}' || c == ']') && s->depth)
		s->depth--;
	if (c == ',' && s->depth &&
	    ++s->members[s->depth - 1] > s->limits->members) {
		blame(s, "more than", s->limits->members, " members");
		return -EMSGSIZE;
	}
	if (c == ':')
		s->value_next = true;
	else if (!strchr(" \t\r\n", c))
		s->value_next = false;
	copy(s, 1);

	return 0;
}

int json_scan(struct text *out, const char *text, size_t len,
	      const struct scan_limits *limits, char *why)
{
	struct scan s = { .out = out, .at = text, .end = text + len,
			  .limits = limits && limits->depth ? limits
							    : &scan_standard };
	int err = 0;

	while (s.at < s.end && !err) {
		char c = *s.at;

		if (c == '"')
			scan_string(&s);
		else if (c == '{' || c == '[')
			err = scan_open(&s);
		else if (c == '-' || (c >= '0' && c <= '9'))
			scan_number(&s);
		else
			err = scan_mark(&s);
	}
	if (s.why)
		snprintf(why, SCAN_WHY, "%s %u%s", s.why, s.max, s.unit);
	if (out->bad)
		return -ENOMEM;

	return s.why ? -EMSGSIZE : 0;
}
