/* http.c - which service answers a request; the files of the demo page */

#include "signaling/http.h"

#include <stdio.h>
#include <string.h>

#include "signaling/door.h"

enum { EXTRA_MAX = 16 };

static struct h1_header header(const char *name, const char *value)
{
	return (struct h1_header){ { name, strlen(name) },
				   { value, strlen(value) } };
}

/* An answer that cannot be sent ends the exchange. */
static void finish_with(struct http_exchange *x, const struct http_head *head,
			const void *bytes, size_t len, bool lives)
{
	if (x->transport->head(x, head)) {
		http_reset(x);
		return;
	}
	if (head->last)
		return;
	if (x->transport->body(x, bytes, len, lives))
		http_reset(x);
	else
		(void)!http_finish(x, NULL, 0);
}

void http_answer(struct http_exchange *x, unsigned status, const char *type,
		 const void *bytes, size_t len, const struct h1_header *extra,
		 unsigned extra_len)
{
	struct h1_header headers[EXTRA_MAX + 2];
	struct http_head head = { .status = status, .headers = headers,
				  .has_length = true, .length = len,
				  .last = len == 0 };

	headers[head.headers_len++] = header("X-Content-Type-Options",
					     "nosniff");
	if (type)
		headers[head.headers_len++] = header("Content-Type", type);
	for (unsigned i = 0; i < extra_len && i < EXTRA_MAX; i++)
		headers[head.headers_len++] = extra[i];
	finish_with(x, &head, bytes, len, false);
}

size_t http_error_text(char *out, size_t cap, unsigned status)
{
	int len = snprintf(out, cap, "%u %s\n", status, h1_reason(status));

	return len < 0 ? 0 : (size_t)len < cap ? (size_t)len : cap - 1;
}

void http_error(struct http_exchange *x, unsigned status)
{
	struct h1_header allow = header("Allow", "GET, HEAD, OPTIONS");
	char text[HTTP_ERROR_TEXT];
	size_t len = http_error_text(text, sizeof(text), status);

	http_answer(x, status, "text/plain; charset=utf-8", text, len, &allow,
		    status == 405);
}

/* Files */

static bool is_known(const struct http_request *r, const char *etag)
{
	return h1_has_token(r->headers, r->headers_len, "if-none-match",
			    etag) ||
	       h1_has_token(r->headers, r->headers_len, "if-none-match", "*");
}

static void send_file(struct http_exchange *x, const struct http_request *r,
		      const struct file *file)
{
	bool same = is_known(r, file->etag);
	struct h1_header headers[] = {
		header("X-Content-Type-Options", "nosniff"),
		header("Content-Type", file->type),
		/* Kept, but asked for each time: a new build shows at once. */
		header("Cache-Control", "no-cache"),
		header("ETag", file->etag),
	};
	struct http_head head = { .status = same ? 304 : 200,
				  .headers = headers,
				  .headers_len = ARRAY_LEN(headers),
				  .has_length = !same, .length = file->len,
				  .last = same || !file->len };

	finish_with(x, &head, file->bytes, file->len, true);
}

static void files_begin(struct http_exchange *x, const struct http_request *r)
{
	struct h1_header allow = header("Allow", "GET, HEAD, OPTIONS");
	const struct file *file;

	if (h1_is(r->method, "OPTIONS")) {
		http_answer(x, 204, NULL, NULL, 0, &allow, 1);
		return;
	}
	if (!h1_is(r->method, "GET") && !h1_is(r->method, "HEAD")) {
		http_error(x, 405);
		return;
	}
	file = files_find(x->door->files, r->path.at, r->path.len);
	if (file)
		send_file(x, r, file);
	else
		http_error(x, 404);
}

void http_begin(struct http_exchange *x, const struct http_request *r,
		struct mono now)
{
	http_route_h *const *route = x->door->routes;

	for (; route && *route; route++)
		if ((*route)(x, r, now))
			return;
	files_begin(x, r);
}

/* Origin */

/* The host of "host:port" or "[v6]:port". */
static struct h1_span host_of(struct h1_span authority)
{
	const char *end = NULL;

	if (authority.len && authority.at[0] == '[')
		end = memchr(authority.at, ']', authority.len);
	else
		end = memchr(authority.at, ':', authority.len);
	if (end)
		authority.len = (size_t)(end - authority.at) +
				(*end == ']');

	return authority;
}

static bool is_loopback_host(struct h1_span host)
{
	static const char ten[] = ".localhost";
	size_t dots = 0;

	if (h1_is_nocase(host, "localhost") || h1_is(host, "[::1]"))
		return true;
	if (host.len > sizeof(ten) - 1 &&
	    h1_is_nocase((struct h1_span){ host.at + host.len -
						   (sizeof(ten) - 1),
					   sizeof(ten) - 1 }, ten))
		return true;
	if (host.len < 9 || memcmp(host.at, "127.", 4) != 0)
		return false;
	for (size_t i = 0; i < host.len; i++) {
		if (host.at[i] == '.')
			dots++;
		else if (host.at[i] < '0' || host.at[i] > '9')
			return false;
	}

	return dots == 3;
}

static bool same_text(struct h1_span a, struct h1_span b)
{
	char text[300];

	if (a.len != b.len || a.len >= sizeof(text))
		return false;
	memcpy(text, b.at, b.len);
	text[b.len] = '\0';

	return h1_is_nocase(a, text);
}

static bool in_list(struct h1_span origin, const char *list)
{
	while (list && *list) {
		size_t len = strcspn(list, ",");

		if ((len == 1 && *list == '*') ||
		    same_text(origin, (struct h1_span){ list, len }))
			return true;
		list += len + (list[len] == ',');
	}

	return false;
}

bool http_origin_ok(const struct http_request *r, const char *list)
{
	struct h1_span origin = h1_find(r->headers, r->headers_len, "origin");
	struct h1_span authority;
	size_t skip;

	if (!origin.at)
		return true;
	if (h1_count(r->headers, r->headers_len, "origin") != 1)
		return false;
	if (in_list(origin, list))
		return true;
	if (origin.len > 7 && memcmp(origin.at, "http://", 7) == 0)
		skip = 7;
	else if (origin.len > 8 && memcmp(origin.at, "https://", 8) == 0)
		skip = 8;
	else
		return false;
	authority = (struct h1_span){ origin.at + skip, origin.len - skip };

	return (r->host.at && same_text(authority, r->host)) ||
	       is_loopback_host(host_of(authority));
}
