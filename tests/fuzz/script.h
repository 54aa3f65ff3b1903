/*
 * script.h - a fuzz input as a list of small numbers
 *
 * Each step eats a few bytes; past the end all numbers are 0 and `left` is
 * false, so that a loop over it ends.
 */
#ifndef TESTS_FUZZ_SCRIPT_H
#define TESTS_FUZZ_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct script {
	const uint8_t *at;
	size_t left;
};

static inline uint64_t script_take(struct script *s, size_t bytes)
{
	uint64_t v = 0;
	size_t n = bytes < s->left ? bytes : s->left;

	memcpy(&v, s->at, n);
	s->at += n;
	s->left -= n;

	return v;
}

/* A number of 1, 2, 4 or 8 bytes: small ones are as likely as large ones. */
static inline uint64_t script_number(struct script *s)
{
	return script_take(s, (size_t)1 << script_take(s, 1) % 4);
}

/* Up to cap bytes to `to`; the rest of it stays as it is. */
static inline void script_fill(struct script *s, void *to, size_t cap)
{
	size_t n = script_take(s, 2) % (cap + 1);

	n = n < s->left ? n : s->left;
	memcpy(to, s->at, n);
	s->at += n;
	s->left -= n;
}

/* Overwrites one word of the area. */
static inline void script_poke(struct script *s, void *area, size_t bytes)
{
	uint64_t *p = area, at = script_take(s, 2) % (bytes / 8);

	p[at] = script_number(s);
}

static inline void must(bool good)
{
	if (!good)
		abort();
}

#endif
