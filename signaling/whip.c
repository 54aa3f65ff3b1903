/*
 * whip.c - requests of WHIP and WHEP: see whip.h
 *
 * A request is judged as far as its head goes when it begins: page, path,
 * method, token, type and length. What has a body is judged again at its end.
 */

#include "signaling/whip.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sdp/candidate.h"
#include "signaling/door.h"
#include "signaling/whip_inside.h"

static bool span_is(struct h1_span s, const char *text)
{
	return s.at && s.len == strlen(text) &&
	       memcmp(s.at, text, s.len) == 0;
}

static bool span_copy(char *out, size_t cap, struct h1_span s)
{
	if (s.len >= cap)
		return false;
	if (s.len)
		memcpy(out, s.at, s.len);
	out[s.len] = '\0';

	return true;
}

static struct h1_span find(const struct http_request *r, const char *name)
{
	return h1_find(r->headers, r->headers_len, name);
}

/* Paths */

static bool starts(struct h1_span *path, const char *text)
{
	size_t len = strlen(text);

	if (path->len < len || memcmp(path->at, text, len) != 0 ||
	    (path->len > len && path->at[len] != '/'))
		return false;
	path->at += len;
	path->len -= len;

	return true;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);

	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next "/segment", unescaped; its length, or -1. */
static int segment(struct h1_span *path, char *out, size_t cap)
{
	size_t len = 0;

	if (path->len == 0 || *path->at != '/')
		return -1;
	path->at++;
	path->len--;
	while (path->len && *path->at != '/') {
		char c = *path->at;
		size_t step = 1;

		if (c == '%') {
			if (path->len < 3 || hex(path->at[1]) < 0 ||
			    hex(path->at[2]) < 0)
				return -1;
			c = (char)(hex(path->at[1]) << 4 | hex(path->at[2]));
			step = 3;
		}
		if (len + 1 >= cap)
			return -1;
		out[len++] = c;
		path->at += step;
		path->len -= step;
	}
	out[len] = '\0';

	return (int)len;
}

/* /<session> or /<session>/<id> */
static bool read_path(struct whip_request *q, struct h1_span path)
{
	int len = segment(&path, q->session, sizeof(q->session));

	if (len < 0 || !peer_name_ok(q->session, (size_t)len))
		return false;
	if (path.len == 0)
		return true;
	len = segment(&path, q->id, sizeof(q->id));

	return len == WHIP_ID && path.len == 0 &&
	       strspn(q->id, "0123456789abcdef") == WHIP_ID;
}

/* Tokens */

static unsigned needed(const struct whip_request *q)
{
	return q->watch ? AUTH_SUBSCRIBE : AUTH_PUBLISH;
}

/* The text behind "Bearer "; at NULL when there is none. */
static struct h1_span bearer(const struct http_request *r)
{
	struct h1_span v = find(r, "Authorization");

	if (!v.at || v.len < 8 || !h1_is_nocase((struct h1_span){ v.at, 7 },
						"Bearer "))
		return (struct h1_span){ NULL, 0 };
	v.at += 7;
	v.len -= 7;
	for (; v.len && *v.at == ' '; v.len--)
		v.at++;

	return v;
}

static bool token_problem(struct whip_request *q, unsigned status,
			  const char *error, const char *detail)
{
	struct metrics *m = q->whip->cfg.world->metrics;

	if (m && *error)
		metrics_add(m, M_AUTH_FAILED);
	snprintf(q->problem, sizeof(q->problem), "%s", error);
	whip_refuse(q, status, 0, detail);

	return false;
}

/* Whether what was shown before is what is shown now, in constant time. */
static bool same_token(const struct whip_request *q,
		       const struct whip_peer *p)
{
	uint8_t differ = 0;

	if (!p->token_shown)
		return false;
	for (unsigned i = 0; i < sizeof(q->token); i++)
		differ |= q->token[i] ^ p->token[i];

	return differ == 0;
}

static bool identify(struct whip_request *q, struct h1_span token,
		     const struct whip_peer *p)
{
	const struct world *w = q->whip->cfg.world;
	const char *why = "the token is not valid";

	if (!token.at)
		return token_problem(q, 401, "", "this server asks for a "
				     "token: Authorization: Bearer <token>");
	if (jwt_sha256(token.at, token.len, q->token))
		return token_problem(q, 503, "", "no memory");
	q->token_shown = true;
	/* One that counts once counts for what it made as long as it lives. */
	if (p && same_token(q, p))
		q->who = p->member.who;
	else if (auth_check(w->auth, token.at, token.len, w->wall_ms(),
			    &q->who, &why))
		return token_problem(q, 401, "invalid_token", why);
	if (q->who.expires_ms && w->wall_ms() > q->who.expires_ms)
		return token_problem(q, 401, "invalid_token",
				     "the token has expired");

	return true;
}

/* false: q was answered. p: whose resource it is, or NULL. */
static bool authorize(struct whip_request *q, const struct http_request *r,
		      struct whip_peer *p)
{
	const struct world *w = q->whip->cfg.world;

	q->who = auth_nobody(w->auth);
	if (!auth_required(w->auth))
		return true;
	if (!identify(q, bearer(r), p))
		return false;
	if (needed(q) & ~q->who.perms)
		return token_problem(q, 403, "insufficient_scope", q->watch
				     ? "the token does not allow to subscribe"
				     : "the token does not allow to publish");
	if (*q->who.session && strcmp(q->who.session, q->session) != 0)
		return token_problem(q, 403, "insufficient_scope",
				     "the token is for another session");

	return true;
}

/* Bodies */

static bool type_is(const struct http_request *r, const char *type)
{
	struct h1_span v = find(r, "Content-Type");
	const char *end = v.at ? memchr(v.at, ';', v.len) : NULL;

	if (!v.at || h1_count(r->headers, r->headers_len, "Content-Type") != 1)
		return false;
	if (end)
		v.len = (size_t)(end - v.at);
	while (v.len && (v.at[v.len - 1] == ' ' || v.at[v.len - 1] == '\t'))
		v.len--;

	return h1_is_nocase(v, type);
}

static unsigned coming_from(const struct whip *w,
			    const struct source_key *source)
{
	unsigned count = 0;

	for (const struct whip_request *q = w->coming; q; q = q->next)
		count += memcmp(&q->source, source, sizeof(*source)) == 0;

	return count;
}

static void too_long(struct whip_request *q)
{
	char detail[64];

	snprintf(detail, sizeof(detail), "the body is over %u bytes",
		 member_sdp_max(q->whip->cfg.world));
	whip_refuse(q, 413, 0, detail);
}

/* Whether a body of the request may come; else q was answered. */
static bool expect_body(struct whip_request *q, const struct http_request *r,
			const char *type)
{
	const struct world *w = q->whip->cfg.world;
	char detail[64];

	if (!type_is(r, type)) {
		snprintf(detail, sizeof(detail), "the body must be %s", type);
		whip_refuse(q, 415, 0, detail);
	} else if (r->has_length && r->length > member_sdp_max(w)) {
		too_long(q);
	} else if (!r->has_body) {
		whip_refuse(q, 400, 0, "the body is empty");
	} else if (q->whip->requests >= q->whip->cfg.requests) {
		whip_refuse(q, 503, 1000, "too many requests at once");
	} else if (coming_from(q->whip, &q->source) >=
		   q->whip->cfg.requests_per_source) {
		whip_refuse(q, 429, 1000, "too many requests at once");
	} else {
		whip_request_wait(q);
		return true;
	}

	return false;
}

/* A body without zero bytes, terminated; false: q was answered. */
static bool body_text(struct whip_request *q)
{
	if (q->body.len == 0)
		whip_refuse(q, 400, 0, "the body is empty");
	else if (!q->body.bad && memchr(q->body.at, 0, q->body.len))
		whip_refuse(q, 400, 0, "there is a zero byte in the body");
	else {
		text_put(&q->body, "", 1);
		if (!q->body.bad)
			return true;
		whip_refuse(q, 503, 1000, "no memory");
	}

	return false;
}

static unsigned status_of(int err)
{
	switch (err) {
	case -EMSGSIZE:
	case -ENOSPC:
		return 413;
	case -ENOTSUP:
		return 422;
	default:
		return 400;
	}
}

static const char *reason_of(const struct sdp_error *err)
{
	return err->text[0] ? err->text : "the description is too long";
}

/* POST */

static void on_offer(struct whip_request *q)
{
	struct whip *w = q->whip;
	struct sdp_error err = { 0 };
	int code;

	if (!body_text(q))
		return;
	if (member_sdp_lines(w->cfg.world, q->body.at)) {
		whip_refuse(q, 400, 0, "the description has too many lines");
		return;
	}
	code = sdp_text_direct(w->out, SDP_TEXT + 1, q->body.at,
			       q->watch ? SDP_RECVONLY : SDP_SENDONLY, &err);
	if (code < 0)
		whip_refuse(q, code == -ENOTSUP ? 406 : status_of(code), 0,
			    reason_of(&err));
	else if (!scan_len(sdp_text_attr(w->out, "ice-ufrag")) ||
		 !scan_len(sdp_text_attr(w->out, "ice-pwd")))
		whip_refuse(q, 400, 0, "the offer has no a=ice-ufrag or no "
			    "a=ice-pwd");
	else
		whip_create(q, w->out);
}

/* PATCH */

/* Whether the list of If-Match holds the tag; strong comparison, so W/"x"
 * never does. "*" stands for any, also in quotes as RFC 9725 shows it. */
static bool matches(const char *list, const char *tag)
{
	size_t len = strlen(tag);

	if (strcmp(list, "*") == 0 || strcmp(list, "\"*\"") == 0)
		return true;
	for (const char *at = list; len && *at; ) {
		const char *end;

		at += strspn(at, " \t,");
		end = at + strcspn(at, ",");
		while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		if ((size_t)(end - at) == len && memcmp(at, tag, len) == 0)
			return true;
		at += strcspn(at, ",");
	}

	return false;
}

static struct scan whole(const char *text)
{
	return scan_over(text, strlen(text));
}

/* One that nobody may send to is passed over, like one that is not used. */
static bool may_be_sent_to(const char *line)
{
	static const struct candidate_policy any;
	struct candidate c;
	const char *why;

	return candidate_parse(&c, line, strlen(line), &why) == 0 &&
	       candidate_judge(&c, &any, NULL) != CANDIDATE_REFUSE;
}

static void on_trickle(struct whip_request *q, struct whip_peer *p,
		       const struct sdp_frag *f)
{
	struct whip_head h = { .len = 0 };
	struct refusal r = { .kind = MEMBER_OK };

	for (unsigned i = 0; i < f->candidate_count + f->end_of_candidates &&
			     r.kind == MEMBER_OK; i++) {
		const struct sdp_frag_candidate *c = &f->candidates[i];
		struct hub_candidate out = { "", NULL, -1 };

		if (i < f->candidate_count && !may_be_sent_to(c->line))
			continue;
		if (i < f->candidate_count)
			out = (struct hub_candidate){
				c->line, *c->mid ? c->mid : NULL,
				*c->mid ? -1 : c->mline };
		r = member_candidate(&p->member, HUB_SERVER, &out,
				     q->whip->now);
	}
	if (r.kind == REFUSED_CANDIDATE)
		whip_refuse(q, 429, 1000, r.reason);
	else if (r.kind != MEMBER_OK)
		whip_refuse_as(q, &r);
	else
		whip_send(q, 204, &h, NULL, NULL, 0);
}

static void on_restart(struct whip_request *q, struct whip_peer *p,
		       const struct sdp_frag *f, const char *etag)
{
	int code;

	if (!p->offer) {
		whip_refuse(q, 409, 0, "the server has restarted and knows "
			    "the offer no more: begin a new session");
		return;
	}
	if (p->waiting || p->next_offer) {
		whip_refuse(q, 409, 1000, "an ICE restart is under way");
		return;
	}
	code = sdp_text_restart(q->whip->out, SDP_TEXT + 1, p->offer, f);
	if (code < 0)
		whip_refuse(q, status_of(code), 0,
			    "the offer with these candidates is too long");
	else
		whip_restart(q, p, q->whip->out, etag);
}

static void on_fragment(struct whip_request *q)
{
	struct sdp_frag *f = &q->whip->frag;
	struct whip_peer *p = whip_find(q->whip, q);
	char etag[WHIP_ETAG] = "";
	struct sdp_error err;
	struct refusal r;
	int code;

	if (!p) {
		whip_refuse(q, 404, 0, "there is no such session");
		return;
	}
	r = member_message(&p->member, q->whip->now);
	if (r.kind != MEMBER_OK) {
		whip_refuse_as(q, &r);
		return;
	}
	if (!body_text(q))
		return;
	code = sdp_frag_parse(f, q->body.at, q->body.len - 1, &err);
	if (code < 0) {
		whip_refuse(q, status_of(code), 0, reason_of(&err));
		return;
	}
	if (*f->ufrag)
		whip_etag(etag, member_name(&p->member), whole(f->ufrag),
			  whole(f->pwd));
	/* An adopted one is known by the credentials it shows. */
	if (!matches(q->match, p->adopted ? etag : p->etag))
		whip_refuse(q, 412, 0, "If-Match names another ICE session");
	else if (*etag && (p->adopted ? matches(q->match, "")
				      : strcmp(etag, p->etag) != 0))
		on_restart(q, p, f, etag);
	else
		on_trickle(q, p, f);
}

/* Methods */

static void answer_options(struct whip_request *q,
			   const struct http_request *r)
{
	struct whip_head h = { .len = 0 };
	bool endpoint = !*q->id;
	const char *methods = endpoint ? "GET, HEAD, OPTIONS, POST"
				       : "DELETE, GET, HEAD, OPTIONS, PATCH";

	whip_header(&h, "Allow", methods);
	whip_header(&h, endpoint ? "Accept-Post" : "Accept-Patch",
		    endpoint ? "application/sdp"
			     : "application/trickle-ice-sdpfrag");
	if (*q->origin && find(r, "Access-Control-Request-Method").at) {
		whip_header(&h, "Access-Control-Allow-Methods", methods);
		whip_header(&h, "Access-Control-Allow-Headers",
			    "Authorization, Content-Type, If-Match");
		whip_header(&h, "Access-Control-Max-Age", "600");
	}
	whip_send(q, 200, &h, NULL, NULL, 0);
}

static void answer_nothing(struct whip_request *q, unsigned status)
{
	struct whip_head h = { .len = 0 };

	whip_send(q, status, &h, NULL, NULL, 0);
}

static void answer_delete(struct whip_request *q, struct whip_peer *p)
{
	/* Whatever If-Match says: RFC 9725 section 4.3.1. */
	whip_end(p);
	answer_nothing(q, 200);
}

static void begin_patch(struct whip_request *q, const struct http_request *r,
			struct whip_peer *p)
{
	struct h1_span match = find(r, "If-Match");

	if (!expect_body(q, r, "application/trickle-ice-sdpfrag"))
		return;
	if (!match.at || !match.len)
		whip_refuse(q, 428, 0, "If-Match is missing: the ETag of the "
			    "201 to add candidates, * to restart ICE");
	else if (!span_copy(q->match, sizeof(q->match), match))
		whip_refuse(q, 400, 0, "If-Match is over 511 bytes");
	else if (q->token_shown && !same_token(q, p)) {
		/* The token that counts from now on. */
		p->member.who = q->who;
		memcpy(p->token, q->token, sizeof(p->token));
		p->token_shown = true;
	}
}

/* At /<session>/<id>. */
static void begin_session(struct whip_request *q, const struct http_request *r)
{
	struct whip_peer *p = whip_find(q->whip, q);
	bool get = span_is(r->method, "GET") || span_is(r->method, "HEAD");
	bool patch = span_is(r->method, "PATCH");

	if (!get && !patch && !span_is(r->method, "DELETE")) {
		whip_refuse(q, 405, 0, "a session takes PATCH and DELETE");
		return;
	}
	if (!authorize(q, r, p))
		return;
	if (!p)
		whip_refuse(q, 404, 0, "there is no such session");
	else if (patch)
		begin_patch(q, r, p);
	else if (get)
		answer_nothing(q, 204);
	else
		answer_delete(q, p);
}

/* At /<session>. */
static void begin_endpoint(struct whip_request *q,
			   const struct http_request *r)
{
	q->post = true;
	if (span_is(r->method, "GET") || span_is(r->method, "HEAD"))
		answer_nothing(q, 204);
	else if (!span_is(r->method, "POST"))
		whip_refuse(q, 405, 0, "an endpoint takes POST");
	else if (authorize(q, r, NULL))
		(void)expect_body(q, r, "application/sdp");
}

/* From the transport */

static void on_body(struct http_exchange *x, const void *bytes, size_t len,
		    struct mono now)
{
	struct whip_request *q = x->arg;

	if (!q)
		return;
	q->whip->now = now;
	if (len > member_sdp_max(q->whip->cfg.world) - q->body.len)
		too_long(q);
	else
		text_put(&q->body, bytes, len);
}

static void on_end(struct http_exchange *x, struct mono now)
{
	struct whip_request *q = x->arg;

	if (!q || !q->counted)
		return;
	q->whip->now = now;
	whip_request_come(q);
	if (q->post)
		on_offer(q);
	else
		on_fragment(q);
}

static void on_gone(struct http_exchange *x, bool lost, struct mono now)
{
	struct whip_request *q = x->arg;

	(void)lost;
	if (!q)
		return;
	q->whip->now = now;
	x->arg = NULL;
	whip_forsake(q);
}

static const struct http_service service = {
	.body = on_body, .end = on_end, .gone = on_gone,
};

static void begin(struct whip_request *q, const struct http_request *r,
		  struct h1_span path)
{
	struct h1_span origin = find(r, "Origin");
	bool found = read_path(q, path);

	if (!http_origin_ok(r, q->whip->cfg.origins) ||
	    !span_copy(q->origin, sizeof(q->origin), origin)) {
		*q->origin = '\0';
		whip_refuse(q, 403, 0, "pages of this origin are not allowed");
	} else if (!found) {
		*q->id = '\0';
		whip_refuse(q, 404, 0, q->watch
			    ? "the path is /whep/<session>"
			    : "the path is /whip/<session>");
	} else if (span_is(r->method, "OPTIONS")) {
		answer_options(q, r);
	} else if (*q->id) {
		begin_session(q, r);
	} else {
		begin_endpoint(q, r);
	}
}

bool whip_begin(struct http_exchange *x, const struct http_request *r,
		struct mono now)
{
	struct whip *w = x->door->whip;
	struct h1_span path = r->path;
	struct whip_request *q;
	bool watch = starts(&path, "/whep");

	if (!w || (!watch && !starts(&path, "/whip")))
		return false;
	x->service = &service;
	x->arg = NULL;
	q = calloc(1, sizeof(*q));
	if (!q) {
		http_reset(x);
		return true;
	}
	w->now = now;
	*q = (struct whip_request){ .whip = w, .x = x, .watch = watch,
				    .source = r->source, .start = now };
	x->arg = q;
	if (!span_copy(q->method, sizeof(q->method), r->method))
		snprintf(q->method, sizeof(q->method), "?");
	begin(q, r, path);

	return true;
}

/* The process */

static void on_timer(struct mono now, void *arg)
{
	whip_tick(arg, now);
}

int whip_new(struct whip **out, const struct whip_cfg *cfg)
{
	struct whip *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->cfg = *cfg;
	if (!w->cfg.max)
		w->cfg.max = WHIP_MAX;
	if (!w->cfg.max_per_source)
		w->cfg.max_per_source = WHIP_PER_SOURCE;
	if (!w->cfg.requests)
		w->cfg.requests = WHIP_REQUESTS;
	if (!w->cfg.requests_per_source)
		w->cfg.requests_per_source = WHIP_REQUESTS_SOURCE;
	if (!w->cfg.body_us)
		w->cfg.body_us = WHIP_BODY_US;
	w->due = w->next_sweep = mono_at(0);
	w->timer.handler = on_timer;
	if (w->cfg.loop)
		loop_timer(w->cfg.loop, &w->timer, w->due, on_timer, w);
	*out = w;

	return 0;
}

void whip_free(struct whip *w)
{
	if (!w)
		return;
	loop_untimer(&w->timer);
	/* Their calls go on: the broker keeps them for our successor. */
	while (w->first)
		whip_abandon(w->first);
	free(w);
}

struct mono whip_due(const struct whip *w)
{
	return w->due;
}

size_t whip_count(const struct whip *w)
{
	return w->count;
}
