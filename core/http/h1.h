/*
 * h1.h - HTTP/1.1 heads: parse a request or a response, write one
 *
 * A pure module: bytes in, spans out; it keeps no state between calls. Only
 * the head is parsed here; a body is counted by its Content-Length, chunked
 * bodies are reported and taken apart in chunk.h.
 *
 * Memory   Spans point into the caller's bytes and live as long as they do.
 *          Nothing is allocated.
 * Errors   -EBADMSG: not HTTP, or more than the limits; `status` says what to
 *          answer (400, 431, 501, 505) before the connection is closed.
 * Trust    The bytes are a stranger's. Everything that two parsers could
 *          read in two ways is refused: bare CR or LF, folded lines, a space
 *          before the colon, two Content-Lengths, Content-Length beside
 *          Transfer-Encoding, controls, no Host or two.
 */
#ifndef CORE_HTTP_H1_H
#define CORE_HTTP_H1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

enum {
	H1_HEAD_MAX = 8192,	/* bytes of start line and headers */
	H1_HEADERS_MAX = 64,
	H1_METHOD_MAX = 24,	/* bytes */
};

/* A span of bytes, not terminated. at is NULL when absent. */
struct h1_span {
	const char *at;
	size_t len;
};

struct h1_header {
	struct h1_span name, value;	/* value without outer blanks */
};

struct h1_request {
	struct h1_span method;
	struct h1_span target;	/* path and query: "/a?b", or "*" */
	struct h1_span host;	/* at NULL only in HTTP/1.0 */
	bool http10;
	bool keep_alive;
	bool chunked;		/* the body is chunked; no length then */
	bool has_length;	/* there is a Content-Length */
	uint64_t length;	/* Content-Length, 0 without one */
	unsigned headers_len;
	struct h1_header headers[H1_HEADERS_MAX];
	unsigned status;	/* after -EBADMSG: what to answer */
};

struct h1_response {
	unsigned code;		/* 100 to 999; 0 after -EBADMSG */
	unsigned headers_len;
	struct h1_header headers[H1_HEADERS_MAX];
};

/* Bytes of the whole head, 0 when more are needed, or -EBADMSG. */
int h1_parse_request(struct h1_request *out, const void *bytes, size_t len)
	MUST_USE;

/* The same for the client's side. */
int h1_parse_response(struct h1_response *out, const void *bytes, size_t len)
	MUST_USE;

/* The first header of that name (any case); at NULL when there is none. */
struct h1_span h1_find(const struct h1_header *headers, unsigned len,
		       const char *name);

/* How many headers have that name. */
unsigned h1_count(const struct h1_header *headers, unsigned len,
		  const char *name);

/* Whether a comma-separated list (in all headers of that name) holds the
 * token, in any case. */
bool h1_has_token(const struct h1_header *headers, unsigned len,
		  const char *name, const char *token);

bool h1_is(struct h1_span span, const char *text);
bool h1_is_nocase(struct h1_span span, const char *text);

/* The usual phrase; "Status" for a code that has none here. */
const char *h1_reason(unsigned status);

struct h1_answer {
	unsigned status;
	bool keep_alive;
	bool has_length;	/* write Content-Length */
	bool chunked;		/* write Transfer-Encoding: chunked */
	uint64_t length;
	const struct h1_header *headers;
	unsigned headers_len;
};

/* Writes the head of a response, blank line included. Check out->bad. */
void h1_write_answer(struct buf_out *out, const struct h1_answer *a);

/* "name: value" and the end of the line, for heads and trailers. */
void h1_write_header(struct buf_out *out, const struct h1_header *h);

#endif
