/*
 * http.h - one HTTP request and its answer, whatever carries them
 *
 * A transport (HTTP/1.1 in h1_conn.c, HTTP/2 in h2_conn.c) owns the struct
 * http_exchange and hands each request to http_begin(), which finds the
 * service that answers it. From then on both sides call each other:
 *
 *	transport -> service   x->service->body, end, writable, gone
 *	service -> transport   http_head, http_body, http_finish, http_reset
 *
 * A service may answer at any time, also before the request's body has
 * ended, and later from its own timers or from the hub. It answers exactly
 * once: http_head(), any number of http_body(), http_finish(); or
 * http_reset(). After http_finish(), whatever it returns, or http_reset() the
 * exchange is no longer the service's: nothing is called back and x must not
 * be used. The same after an http_head() of `last` that returned 0.
 *
 * Memory   Spans of struct http_request are valid during http_begin() only.
 *          Bytes given to either side are copied where they must last.
 * Errors   -ENOBUFS: HTTP_QUEUE_MAX bytes wait already and nothing was
 *          queued; `writable` follows when half of them have left.
 * Order    A service is never called from inside its own call to the
 *          transport (no re-entry): `writable` and `gone` come from the loop.
 * Blocks   Never.
 */
#ifndef SIGNALING_HTTP_H
#define SIGNALING_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "core/http/h1.h"
#include "signaling/source.h"

struct door;
struct http_exchange;

enum {
	HTTP_QUEUE_MAX = 262144,	/* bytes of one answer, unsent */
	HTTP_ERROR_TEXT = 64,
};

struct http_request {
	struct h1_span method, path, query, host;	/* path without query */
	const struct h1_header *headers;	/* HTTP/2: lower-case names */
	unsigned headers_len;
	unsigned version;	/* 10, 11, 20 */
	bool has_body;		/* `end` may come at once */
	bool has_length;
	uint64_t length;	/* with has_length */
	bool tls, loopback;	/* loopback: the far end is this machine */
	struct source_key source;
};

struct http_head {
	unsigned status;
	const struct h1_header *headers;	/* names as in RFCs; HTTP/2
						   writes them lower-case */
	unsigned headers_len;
	bool has_length;	/* else chunked, or the end of the stream */
	uint64_t length;
	bool last;		/* no body and no trailers follow: this call
				   finishes the exchange */
};

struct http_service {
	/* A part of the request's body. */
	void (*body)(struct http_exchange *x, const void *bytes, size_t len,
		     struct mono now);
	/* The request's body has ended. */
	void (*end)(struct http_exchange *x, struct mono now);
	/* There is room again after -ENOBUFS. NULL: not wanted. */
	void (*writable)(struct http_exchange *x, struct mono now);
	/*
	 * The far end took the request back, or its connection ended, before
	 * the answer was finished; x is gone. lost: the connection ended
	 * without a farewell.
	 */
	void (*gone)(struct http_exchange *x, bool lost, struct mono now);
};

struct http_transport {
	int (*head)(struct http_exchange *x, const struct http_head *head);
	int (*body)(struct http_exchange *x, const void *bytes, size_t len,
		    bool lives);	/* lives: as long as the process */
	int (*finish)(struct http_exchange *x,
		      const struct h1_header *trailers, unsigned len);
	void (*reset)(struct http_exchange *x);
	size_t (*queued)(const struct http_exchange *x);
	/* Lets requests be sent again: the service wants no more body now. */
	void (*read)(struct http_exchange *x, bool on);
};

/* A member of the transport's own struct. */
struct http_exchange {
	struct door *door;
	const struct http_transport *transport;
	const struct http_service *service;
	void *arg;		/* the service's */
	bool head_only;		/* HEAD: bodies are counted, not sent */
	unsigned version;
};

/* A service is asked whether the path is its own; then the exchange is its
 * own, too. */
typedef bool http_route_h(struct http_exchange *x,
			  const struct http_request *r, struct mono now);

/* Finds the service, or answers an error itself; never fails. */
void http_begin(struct http_exchange *x, const struct http_request *r,
		struct mono now);

static inline int http_head(struct http_exchange *x,
			    const struct http_head *head)
{
	return x->transport->head(x, head);
}

static inline int http_body(struct http_exchange *x, const void *bytes,
			    size_t len)
{
	return x->transport->body(x, bytes, len, false);
}

static inline int http_finish(struct http_exchange *x,
			      const struct h1_header *trailers, unsigned len)
{
	return x->transport->finish(x, trailers, len);
}

static inline void http_reset(struct http_exchange *x)
{
	x->transport->reset(x);
}

/* A whole small answer: head, text and end. extra may be NULL. */
void http_answer(struct http_exchange *x, unsigned status, const char *type,
		 const void *bytes, size_t len, const struct h1_header *extra,
		 unsigned extra_len);

/* An error of that status, plain text. */
void http_error(struct http_exchange *x, unsigned status);

/* Its text, "404 Not Found" and a newline; returns its bytes. */
size_t http_error_text(char *out, size_t cap, unsigned status);

/*
 * Whether a page of this origin may talk to us: the same host, one of
 * loopback, one of the list ("*": all), or no page at all (no Origin).
 */
bool http_origin_ok(const struct http_request *r, const char *list);

#endif
