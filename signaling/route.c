/* route.c - which HTTP request gets which answer */

#include "signaling/route.h"

#include <stdio.h>
#include <string.h>

enum { ROUTE_MEDIA = 112 };	/* four numbers of ten digits fit */

static void add(struct route_answer *out, const char *name, const char *value)
{
	struct h1_header *h = &out->headers[out->head.headers_len++];

	*h = (struct h1_header){ { name, strlen(name) },
				 { value, strlen(value) } };
}

static void begin(struct route_answer *out, unsigned status, bool keep_alive)
{
	*out = (struct route_answer){ .head = { .status = status,
						.keep_alive = keep_alive,
						.has_length = true } };
	add(out, "X-Content-Type-Options", "nosniff");
}

static void body(struct route_answer *out, const void *bytes, size_t len,
		 bool head_only)
{
	out->head.headers = out->headers;
	out->head.length = len;
	out->body = bytes;
	out->body_len = head_only ? 0 : len;
}

static void plain(struct route_answer *out, bool head_only)
{
	add(out, "Content-Type", "text/plain; charset=utf-8");
	snprintf(out->small, sizeof(out->small), "%u %s\n", out->head.status,
		 h1_reason(out->head.status));
	body(out, out->small, strlen(out->small), head_only);
}

void route_error(struct route_answer *out, unsigned status, bool keep_alive)
{
	begin(out, status, keep_alive);
	if (status == 426)
		add(out, "Sec-WebSocket-Version", "13");
	if (status == 405)
		add(out, "Allow", "GET, HEAD");
	plain(out, false);
}

/* What the broker told of the media side, or null. */
static void put_media(char out[ROUTE_MEDIA], const struct health *h)
{
	if (!h->media) {
		snprintf(out, ROUTE_MEDIA, "null");
		return;
	}
	snprintf(out, ROUTE_MEDIA,
		 "{\"calls\":%u,\"connected\":%u,\"media_workers\":%u,"
		 "\"restarts\":%u}",
		 h->calls, h->connected, h->media_workers, h->restarts);
}

static void route_health(struct route_answer *out, const struct h1_request *r,
			 const struct health *h)
{
	char media[ROUTE_MEDIA];

	put_media(media, h);
	begin(out, h->ok ? 200 : 503, r->keep_alive);
	add(out, "Content-Type", "application/json");
	add(out, "Cache-Control", "no-store");
	snprintf(out->small, sizeof(out->small),
		 "{\"status\":\"%s\",\"peers\":%zu,\"uptime_s\":%lld,"
		 "\"broker\":\"%s\",\"media\":%s}\n",
		 h->ok ? "ok" : "degraded", h->peers,
		 (long long)h->uptime_s, h->broker ? "up" : "down", media);
	body(out, out->small, strlen(out->small), h1_is(r->method, "HEAD"));
}

static bool etag_matches(const struct h1_request *r, const char *etag)
{
	return h1_has_token(r->headers, r->headers_len, "if-none-match",
			    etag) ||
	       h1_has_token(r->headers, r->headers_len, "if-none-match", "*");
}

static void route_file(struct route_answer *out, const struct h1_request *r,
		       const struct file *file)
{
	bool same = etag_matches(r, file->etag);

	begin(out, same ? 304 : 200, r->keep_alive);
	add(out, "Content-Type", file->type);
	/* Kept, but asked for each time: a new build shows at once. */
	add(out, "Cache-Control", "no-cache");
	add(out, "ETag", file->etag);
	body(out, file->bytes, file->len, same || h1_is(r->method, "HEAD"));
	out->head.has_length = !same;
	out->body_static = true;
}

static bool path_is(const struct h1_request *r, const char *path)
{
	const char *query = memchr(r->target.at, '?', r->target.len);
	size_t len = query ? (size_t)(query - r->target.at) : r->target.len;

	return h1_is((struct h1_span){ r->target.at, len }, path);
}

void route(struct route_answer *out, const struct h1_request *r,
	   const struct files *files, const struct health *health)
{
	const struct file *file;

	if (!h1_is(r->method, "GET") && !h1_is(r->method, "HEAD")) {
		route_error(out, 405, r->keep_alive);
		return;
	}
	if (path_is(r, "/healthz")) {
		route_health(out, r, health);
		return;
	}
	file = files_find(files, r->target.at, r->target.len);
	if (file) {
		route_file(out, r, file);
		return;
	}
	begin(out, 404, r->keep_alive);
	plain(out, h1_is(r->method, "HEAD"));
}

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

bool route_origin_ok(const struct h1_request *r, const char *list)
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
