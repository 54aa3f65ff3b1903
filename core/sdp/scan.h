/*
 * scan.h - tokens and numbers out of one line of text
 *
 * Memory   A scan borrows the text and owns nothing; tokens point into it.
 * Threads  None; a scan is a local variable.
 */
#ifndef CORE_SDP_SCAN_H
#define CORE_SDP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan {
	const char *at, *end;
};

static inline struct scan scan_over(const char *text, size_t len)
{
	return (struct scan){ text, text + len };
}

static inline size_t scan_len(struct scan s)
{
	return (size_t)(s.end - s.at);
}

/* The next run of bytes that are not spaces, empty at the end. */
struct scan scan_word(struct scan *s);

/* What comes before `stop` (which is stepped over), or all that is left. */
struct scan scan_until(struct scan *s, char stop);

/* Whether it is this text, with case (is) or without (like). */
bool scan_is(struct scan s, const char *text);
bool scan_like(struct scan s, const char *text);

/* Steps over `text` if it comes next. */
bool scan_skip(struct scan *s, const char *text);

/* The whole scan is a decimal number of at most max, without sign. */
bool scan_number(struct scan s, uint64_t max, uint64_t *out);

/* The digits at the front, stepped over; false when there is none or the
 * number is over max. */
bool scan_digits(struct scan *s, uint64_t max, uint64_t *out);

/* RFC 8839: letters, digits, '+' and '/'. */
bool scan_is_ice(struct scan s);

/* Copies with a final zero; false when it does not fit. */
bool scan_copy(struct scan s, char *out, size_t cap);

#endif
