/*
 * text.h - a text that grows, and JSON written into it
 *
 * Memory   text_fini() frees; the text is not terminated.
 * Errors   Sticky: without memory `bad` is set and the rest is dropped.
 */
#ifndef SIGNALING_TEXT_H
#define SIGNALING_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *at;
	size_t len, cap;
	bool bad;
};

void text_fini(struct text *t);

void text_put(struct text *t, const void *bytes, size_t len);
void text_puts(struct text *t, const char *s);
void text_int(struct text *t, int64_t v);

/* A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD: what
 * leaves us is always a valid text message. NULL is written as null. */
void text_json(struct text *t, const char *s, size_t len);
void text_jsons(struct text *t, const char *s);

/* Makes len bytes at s fit to be shown: controls and whatever is not UTF-8
 * become '?'. */
void text_clean(char *s, size_t len);

#endif
