/* scan.c - see scan.h */

#include "core/sdp/scan.h"

#include <string.h>

struct scan scan_word(struct scan *s)
{
	struct scan word;

	while (s->at < s->end && *s->at == ' ')
		s->at++;
	word = scan_until(s, ' ');
	while (s->at < s->end && *s->at == ' ')
		s->at++;

	return word;
}

struct scan scan_until(struct scan *s, char stop)
{
	const char *hit = s->at < s->end ?
				  memchr(s->at, stop, scan_len(*s)) : NULL;
	struct scan part = { s->at, hit ? hit : s->end };

	s->at = hit ? hit + 1 : s->end;

	return part;
}

bool scan_is(struct scan s, const char *text)
{
	size_t len = strlen(text);

	return scan_len(s) == len && memcmp(s.at, text, len) == 0;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool scan_like(struct scan s, const char *text)
{
	if (scan_len(s) != strlen(text))
		return false;
	for (; s.at < s.end; s.at++, text++)
		if (lower(*s.at) != lower(*text))
			return false;

	return true;
}

bool scan_skip(struct scan *s, const char *text)
{
	size_t len = strlen(text);

	if (scan_len(*s) < len || memcmp(s->at, text, len) != 0)
		return false;
	s->at += len;

	return true;
}

bool scan_digits(struct scan *s, uint64_t max, uint64_t *out)
{
	const char *start = s->at;
	uint64_t v = 0;

	for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++) {
		uint64_t digit = (uint64_t)(*s->at - '0');

		if (v > (max - digit) / 10 || digit > max)
			return false;
		v = v * 10 + digit;
	}
	*out = v;

	return s->at > start;
}

bool scan_number(struct scan s, uint64_t max, uint64_t *out)
{
	return scan_digits(&s, max, out) && s.at == s.end;
}

bool scan_is_ice(struct scan s)
{
	for (; s.at < s.end; s.at++) {
		char c = lower(*s.at);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '+' && c != '/')
			return false;
	}

	return true;
}

bool scan_copy(struct scan s, char *out, size_t cap)
{
	size_t len = scan_len(s);

	if (len >= cap)
		return false;
	if (len)
		memcpy(out, s.at, len);
	out[len] = 0;

	return true;
}
