/* text.c - a text that grows */

#include "signaling/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ws/utf8.h"

void text_fini(struct text *t)
{
	free(t->at);
	*t = (struct text){ 0 };
}

void text_put(struct text *t, const void *bytes, size_t len)
{
	size_t cap = t->cap ? t->cap : 256;
	char *bigger;

	if (t->bad || len == 0)
		return;
	while (cap < t->len + len)
		cap *= 2;
	if (cap != t->cap) {
		bigger = realloc(t->at, cap);
		if (!bigger) {
			t->bad = true;
			return;
		}
		t->at = bigger;
		t->cap = cap;
	}
	memcpy(t->at + t->len, bytes, len);
	t->len += len;
}

void text_puts(struct text *t, const char *s)
{
	text_put(t, s, strlen(s));
}

void text_int(struct text *t, int64_t v)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lld", (long long)v);
	text_puts(t, digits);
}

static void put_escaped(struct text *t, unsigned char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t";
	static const char letter[] = "\"\\bfnrt";
	const char *at = c ? strchr(plain, c) : NULL;
	char out[8];

	if (at)
		snprintf(out, sizeof(out), "\\%c", letter[at - plain]);
	else
		snprintf(out, sizeof(out), "\\u%04x", c);
	text_puts(t, out);
}

/* Bytes of the character at s, 0 when it is none. */
static size_t character(const char *s, size_t len)
{
	for (size_t n = 1; n <= 4 && n <= len; n++)
		if (utf8_ok(s, n))
			return n;

	return 0;
}

void text_json(struct text *t, const char *s, size_t len)
{
	size_t from = 0, i = 0;

	if (!s) {
		text_puts(t, "null");
		return;
	}
	text_puts(t, "\"");
	while (i < len) {
		unsigned char c = (unsigned char)s[i];
		size_t n = c < 0x80 ? 1 : character(s + i, len - i);

		if (n && c >= 0x20 && c != '"' && c != '\\') {
			i += n;
			continue;
		}
		text_put(t, s + from, i - from);
		if (n)
			put_escaped(t, c);
		else
			text_puts(t, "\xef\xbf\xbd");
		from = ++i;
	}
	text_put(t, s + from, i - from);
	text_puts(t, "\"");
}

void text_jsons(struct text *t, const char *s)
{
	text_json(t, s, s ? strlen(s) : 0);
}

/* C0, DEL, C1 (U+0080 to U+009F): the n bytes of one character. */
static bool is_control(const char *s, size_t n)
{
	const unsigned char *c = (const unsigned char *)s;

	return n == 1 ? c[0] < 0x20 || c[0] == 0x7f
		      : n == 2 && c[0] == 0xc2 && c[1] < 0xa0;
}

void text_clean(char *s, size_t len)
{
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = character(s + i, len - i);
		if (n && !is_control(s + i, n))
			continue;
		n = n ? n : 1;
		memset(s + i, '?', n);
	}
}
