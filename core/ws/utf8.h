/*
 * utf8.h - is it UTF-8? byte by byte (RFC 3629)
 *
 * Overlong forms, surrogates and code points past U+10FFFF are refused at
 * the first byte that makes them certain.
 */
#ifndef CORE_WS_UTF8_H
#define CORE_WS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero it to begin. */
struct utf8 {
	uint8_t left;		/* continuation bytes still wanted */
	uint8_t low, high;	/* range of the next one */
};

/* false: these bytes cannot stand in UTF-8. */
bool utf8_add(struct utf8 *u, const void *bytes, size_t len);

/* Whether the text may end here. */
bool utf8_is_whole(const struct utf8 *u);

/* All of it at once. */
bool utf8_ok(const void *bytes, size_t len);

#endif
