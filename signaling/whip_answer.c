/* whip_answer.c - what WHIP and WHEP say: see whip_inside.h */

#include "signaling/whip_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "port/json.h"

static const char sdp_type[] = "application/sdp";
static const char frag_type[] = "application/trickle-ice-sdpfrag";

static struct h1_span span(const char *text)
{
	return (struct h1_span){ text, strlen(text) };
}

void whip_header(struct whip_head *h, const char *name, const char *value)
{
	if (h->len < WHIP_HEADERS)
		h->at[h->len++] = (struct h1_header){ span(name),
						      span(value) };
}

void whip_request_wait(struct whip_request *q)
{
	struct whip *w = q->whip;

	q->counted = true;
	w->requests++;
	q->next = w->coming;
	if (w->coming)
		w->coming->prev = q;
	w->coming = q;
}

void whip_request_come(struct whip_request *q)
{
	if (!q->counted)
		return;
	q->counted = false;
	q->whip->requests--;
	if (q->prev)
		q->prev->next = q->next;
	else
		q->whip->coming = q->next;
	if (q->next)
		q->next->prev = q->prev;
	q->prev = q->next = NULL;
}

void whip_request_free(struct whip_request *q)
{
	whip_request_come(q);
	text_fini(&q->body);
	free(q);
}

static void count(const struct whip_request *q, unsigned status)
{
	struct metrics *m = q->whip->cfg.world->metrics;

	if (!m)
		return;
	metrics_add(m, M_CALL_WHIP);
	if (status >= 400)
		metrics_add(m, M_CALL_FAILED_WHIP);
	if (status == 429)
		metrics_add(m, M_RATE_LIMITED);
}

static void tell(const struct whip_request *q, unsigned status)
{
	char name[HUB_NAME_MAX + 1] = "", outcome[12] = "ok";

	count(q, status);
	if (status >= 400)
		snprintf(outcome, sizeof(outcome), "%u", status);
	if (q->peer)
		snprintf(name, sizeof(name), "%s", q->peer->member.peer.name);
	else if (*q->id && whip_name(name, q->watch, q->id))
		*name = '\0';
	access_log(q->watch ? "whep" : "whip", name, q->method, q->start,
		   mono_now(), outcome);
}

static void put_cors(const struct whip_request *q, struct whip_head *h)
{
	whip_header(h, "Vary", "Origin");
	if (!*q->origin)
		return;
	whip_header(h, "Access-Control-Allow-Origin", q->origin);
	whip_header(h, "Access-Control-Expose-Headers",
		    "Location, ETag, Link, Accept-Patch, Accept-Post, Allow, "
		    "Retry-After, WWW-Authenticate");
}

void whip_send(struct whip_request *q, unsigned status, struct whip_head *h,
	       const char *type, const char *body, size_t len)
{
	struct http_head head = { .status = status, .has_length = true,
				  .length = type ? len : 0, .last = !type };

	if (status == 204)
		head.has_length = false;
	if (type)
		whip_header(h, "Content-Type", type);
	whip_header(h, "Cache-Control", "no-store");
	put_cors(q, h);
	head.headers = h->at;
	head.headers_len = h->len;
	tell(q, status);
	q->x->arg = NULL;
	if (http_head(q->x, &head) < 0 ||
	    (type && http_body(q->x, body, len) < 0))
		http_reset(q->x);
	else if (type)
		(void)!http_finish(q->x, NULL, 0);
	whip_request_free(q);
}

static void put_problem(struct text *t, unsigned status, const char *detail)
{
	text_puts(t, "{\"status\":");
	text_int(t, status);
	text_puts(t, ",\"title\":");
	text_jsons(t, h1_reason(status));
	text_puts(t, ",\"detail\":");
	text_jsons(t, detail);
	text_puts(t, "}\n");
}

void whip_refuse(struct whip_request *q, unsigned status, uint32_t retry_ms,
		 const char *detail)
{
	struct whip_head h = { .len = 0 };
	struct text t = { 0 };
	char retry[16], challenge[192];

	if (retry_ms) {
		snprintf(retry, sizeof(retry), "%u", (retry_ms + 999) / 1000);
		whip_header(&h, "Retry-After", retry);
	}
	if (status == 401) {
		snprintf(challenge, sizeof(challenge),
			 "Bearer realm=\"remotemedia\"%s%s%s",
			 *q->problem ? ", error=\"" : "", q->problem,
			 *q->problem ? "\"" : "");
		whip_header(&h, "WWW-Authenticate", challenge);
	}
	if (status == 405)
		whip_header(&h, "Allow",
			    *q->id ? "DELETE, GET, HEAD, OPTIONS, PATCH"
				   : "GET, HEAD, OPTIONS, POST");
	if (status == 415)
		whip_header(&h, *q->id ? "Accept-Patch" : "Accept-Post",
			    *q->id ? frag_type : sdp_type);
	put_problem(&t, status, detail);
	if (t.bad)
		whip_send(q, status, &h, NULL, NULL, 0);
	else
		whip_send(q, status, &h, "application/problem+json", t.at,
			  t.len);
	text_fini(&t);
}

void whip_refuse_as(struct whip_request *q, const struct refusal *r)
{
	uint32_t retry_ms = r->retry_ms;

	if (r->kind == REFUSED_TOKEN)
		snprintf(q->problem, sizeof(q->problem), "invalid_token");
	if (r->kind == REFUSED_CAPACITY && !retry_ms)
		retry_ms = 1000;
	whip_refuse(q, refusal_http_status(r->kind), retry_ms, r->reason);
}

/* RFC 3986: what stands in a path segment as it is. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || strchr("-._~!$&'()*+,;=:@", c);
}

static void put_segment(struct text *t, const char *s)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		char escaped[3] = { '%', digits[c >> 4], digits[c & 15] };

		if (is_plain(*s))
			text_put(t, s, 1);
		else
			text_put(t, escaped, sizeof(escaped));
	}
}

/* A quoted-string; false when it cannot be one. */
static bool put_quoted(struct text *t, const char *s)
{
	text_puts(t, "\"");
	for (; *s; s++) {
		if ((unsigned char)*s < ' ' || (unsigned char)*s >= 0x7f)
			return false;
		if (*s == '"' || *s == '\\')
			text_puts(t, "\\");
		text_put(t, s, 1);
	}
	text_puts(t, "\"");

	return true;
}

static const char *member_text(const struct js *object, const char *key)
{
	size_t len;
	const char *s = js_string(js_get(object, key), &len);

	return s && strlen(s) == len ? s : "";
}

static bool put_link(struct text *t, const struct js *server, const char *url)
{
	if (strpbrk(url, "<>\" \r\n"))
		return false;
	text_puts(t, "<");
	text_puts(t, url);
	text_puts(t, ">; rel=\"ice-server\"; username=");
	if (!put_quoted(t, member_text(server, "username")))
		return false;
	text_puts(t, "; credential=");
	if (!put_quoted(t, member_text(server, "credential")))
		return false;
	text_puts(t, "; credential-type=\"password\"");
	text_put(t, "", 1);

	return !t->bad;
}

struct links {
	struct text at[8];
	unsigned len;
};

static void add_links(struct links *links, const struct js *server)
{
	const struct js *urls = js_get(server, "urls");

	for (size_t i = 0; i < js_len(urls); i++) {
		struct text *t = &links->at[links->len];
		size_t len;
		const char *url = js_string(js_at(urls, i), &len);

		if (links->len == ARRAY_LEN(links->at) || !url)
			return;
		if (put_link(t, server, url))
			links->len++;
		else
			text_fini(t);
	}
}

/* RFC 9725 section 4.6: TURN for whoever may have it. */
static void make_links(struct links *links, const struct whip_peer *p)
{
	const struct world *w = p->whip->cfg.world;
	struct text json = { 0 };
	struct js *root = NULL;
	char error[JS_ERROR];

	auth_ice_servers(w->auth, &p->member.who, p->member.peer.name,
			 w->wall_ms(), &json);
	if (!json.bad && js_parse(&root, json.at, json.len, error) == 0) {
		for (size_t i = 0; i < js_len(root); i++)
			add_links(links, js_at(root, i));
		js_free(root);
	}
	text_fini(&json);
}

void whip_send_created(struct whip_request *q, const struct whip_peer *p,
		       const char *sdp)
{
	struct whip_head h = { .len = 0 };
	struct links links = { .len = 0 };
	struct text location = { 0 };

	text_puts(&location, q->watch ? "/whep/" : "/whip/");
	put_segment(&location, q->session);
	text_puts(&location, "/");
	text_puts(&location, p->id);
	text_put(&location, "", 1);
	if (!location.bad)
		whip_header(&h, "Location", location.at);
	whip_header(&h, "ETag", p->etag);
	whip_header(&h, "Accept-Patch", frag_type);
	make_links(&links, p);
	for (unsigned i = 0; i < links.len; i++)
		whip_header(&h, "Link", links.at[i].at);
	whip_send(q, 201, &h, sdp_type, sdp, strlen(sdp));
	for (unsigned i = 0; i < links.len; i++)
		text_fini(&links.at[i]);
	text_fini(&location);
}

void whip_send_restarted(struct whip_request *q, const struct whip_peer *p,
			 const char *frag)
{
	struct whip_head h = { .len = 0 };

	whip_header(&h, "ETag", p->etag);
	whip_send(q, 200, &h, frag_type, frag, strlen(frag));
}
