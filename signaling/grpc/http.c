/*
 * http.c - gRPC and gRPC-Web over HTTP: which requests are ours, CORS
 *
 * A page of another origin asks first (OPTIONS) and may read of the answer
 * only what is named; the origin list is the same as for WebSockets.
 */

#include "signaling/grpc/grpc.h"

#include <stdlib.h>
#include <string.h>

#include "signaling/door.h"
#include "signaling/grpc/call.h"
#include "signaling/grpc/services.h"

#define EXPOSED "grpc-status, grpc-message, x-session"

enum { ASKED_MAX = 1024 };	/* bytes of header names that are echoed */

static struct h1_span span(const char *text)
{
	return (struct h1_span){ text, strlen(text) };
}

static struct h1_header header(const char *name, struct h1_span value)
{
	return (struct h1_header){ span(name), value };
}

static struct h1_span find(const struct http_request *r, const char *name)
{
	return h1_find(r->headers, r->headers_len, name);
}

/* "/some.Service/Method": what a call may be addressed to. */
static bool is_method_path(struct h1_span path)
{
	const char *slash;
	size_t service;

	if (path.len < 4 || path.at[0] != '/')
		return false;
	slash = memchr(path.at + 1, '/', path.len - 1);
	if (!slash)
		return false;
	service = (size_t)(slash - path.at) - 1;

	return memchr(path.at + 1, '.', service) &&
	       slash + 1 < path.at + path.len &&
	       !memchr(slash + 1, '/',
		       (size_t)(path.at + path.len - slash - 1));
}

static void on_body(struct http_exchange *x, const void *bytes, size_t len,
		    struct mono now)
{
	grpc_call_bytes(x->arg, bytes, len, now);
}

static void on_end(struct http_exchange *x, struct mono now)
{
	grpc_call_half_close(x->arg, now);
}

static void on_writable(struct http_exchange *x, struct mono now)
{
	grpc_call_writable(x->arg, now);
}

static void on_gone(struct http_exchange *x, bool lost, struct mono now)
{
	struct grpc_call *c = x->arg;

	/* A browser that leaves a page on HTTP/1.1 can but drop the
	 * connection: that is its farewell. */
	if (x->version < 20)
		lost = false;
	grpc_call_gone(c, lost, now);
}

static const struct http_service service = {
	on_body, on_end, on_writable, on_gone,
};

static void preflight(struct http_exchange *x, const struct http_request *r)
{
	struct h1_span asked = find(r, "access-control-request-headers");
	struct h1_header h[6];
	struct http_head head = { .status = 204, .headers = h, .last = true };
	unsigned n = 0;

	h[n++] = header("access-control-allow-origin", find(r, "origin"));
	h[n++] = header("access-control-allow-methods", span("POST"));
	if (asked.at && asked.len <= ASKED_MAX)
		h[n++] = header("access-control-allow-headers", asked);
	h[n++] = header("access-control-max-age", span("600"));
	h[n++] = header("vary", span("origin, access-control-request-headers"));
	head.headers_len = n;
	if (http_head(x, &head))
		http_reset(x);
}

static void allow(struct http_exchange *x)
{
	struct h1_header h = header("allow", span("POST, OPTIONS"));

	http_answer(x, 405, "text/plain", "405 only POST\n", 14, &h, 1);
}

static void start(struct http_exchange *x, const struct http_request *r,
		  enum grpc_mode mode, struct mono now)
{
	struct grpc_call *c = grpc_call_new(x->door, mode, now);
	struct h1_span origin = find(r, "origin");

	if (!c) {
		http_error(x, 503);
		return;
	}
	c->x = x;
	c->source = r->source;
	x->service = &service;
	x->arg = c;
	if (origin.at) {
		grpc_header(c, "access-control-allow-origin", origin);
		grpc_header(c, "access-control-expose-headers",
			    span(EXPOSED));
		grpc_header(c, "vary", span("origin"));
	}
	grpc_call_begin(c, r->path, r->headers, r->headers_len, now);
}

bool grpc_begin(struct http_exchange *x, const struct http_request *r,
		struct mono now)
{
	bool ours = grpc_method_find(r->path) != NULL;
	bool post = h1_is(r->method, "POST");
	enum grpc_mode mode = grpc_mode_of(find(r, "content-type"));
	bool asks = h1_is(r->method, "OPTIONS") && is_method_path(r->path) &&
		    find(r, "access-control-request-method").at;

	if (!ours && !asks && !(post && mode != GRPC_NONE))
		return false;
	if (!http_origin_ok(r, x->door->origins))
		http_error(x, 403);
	else if (asks)
		preflight(x, r);
	else if (!post)
		allow(x);
	else if (mode == GRPC_NONE || mode == GRPC_OTHER ||
		 (mode == GRPC_NATIVE && r->version < 20))
		http_error(x, 415);
	else
		start(x, r, mode, now);

	return true;
}
