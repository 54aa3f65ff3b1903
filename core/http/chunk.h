/*
 * chunk.h - chunked bodies of HTTP/1.1 (RFC 9112 section 7.1), taken apart
 *
 * A pure module: bytes in, spans of the body out.
 *
 * Memory   Spans point into the caller's bytes. Nothing is allocated.
 * Errors   -EBADMSG: not chunked coding, or more than the limits; nothing
 *          behind it can be understood.
 * Trust    The bytes are a stranger's. Sizes are hex digits alone, each line
 *          ends in CR LF, extensions and trailers are read, checked for
 *          controls, counted and dropped.
 */
#ifndef CORE_HTTP_CHUNK_H
#define CORE_HTTP_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "core/http/h1.h"

enum {
	H1_CHUNK_DIGITS = 8,	/* of one size */
	H1_CHUNK_EXTRA = 4096,	/* bytes of all extensions of a body */
	H1_TRAILER_MAX = 4096,	/* bytes of all trailers */
	H1_CHUNK_HEAD = 16,	/* room for h1_chunk_head() */
};

/* Zero it to begin. */
struct h1_chunks {
	uint8_t state;
	uint8_t digits;
	bool done;		/* the last byte of the body was taken */
	uint16_t extra, trailer;	/* bytes so far */
	uint64_t left;		/* of this chunk */
};

/*
 * Takes bytes up to the end of one piece of data, or all. Returns how many;
 * *data is that piece (len 0: none yet). Nothing is taken after `done`.
 */
int h1_chunks_next(struct h1_chunks *c, const void *bytes, size_t len,
		   struct h1_span *data) MUST_USE;

/* What stands before len bytes; CR LF follows them. Returns its length. */
size_t h1_chunk_head(char out[H1_CHUNK_HEAD], size_t len);

#endif
