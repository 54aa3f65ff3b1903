/*
 * h2_conn.c - HTTP/2 between a connection and the services
 *
 * What a service says, from whichever connection's turn, only marks this
 * one (conn_later); frames are made in flush(), from the loop. flush() takes
 * no more from the session than the socket's queue likes to hold, so the
 * order between streams is the library's and a slow reader's bytes wait in
 * the streams, under their caps.
 *
 * Reading never stops for a full way out: all that a request can make us
 * hold has its own cap, and a flood with unread answers is to be seen, not
 * to be slept over.
 */

#include "signaling/h2_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "port/h2.h"
#include "signaling/http.h"
#include "signaling/metrics.h"
#include "signaling/options.h"

enum {
	GATHER_BYTES = 16384,	/* of frames, one stream_send() */
	GOODBYE_US = 1000000,
	ROUNDS = 8,		/* of STREAM_PAUSE_BYTES, one turn */
};

struct h2_conn {
	struct conn *c;
	struct h2 *h2;
	uint64_t counted;	/* requests that metrics have */
	bool ended;
};

struct h2_exchange {
	struct http_exchange x;	/* first: the services' view */
	struct h2_stream *stream;
	struct h2_conn *hc;
};

static struct h2_exchange *of(struct http_exchange *x)
{
	return (struct h2_exchange *)x;
}

/* From the services: http.h */

static int x_head(struct http_exchange *x, const struct http_head *head)
{
	struct h2_exchange *e = of(x);
	struct h2_head h = {
		.status = head->status,
		.headers = head->headers,
		.headers_len = head->headers_len,
		.has_length = head->has_length,
		.length = head->length,
		.last = head->last,
	};
	int err;

	conn_later(e->hc->c);
	err = h2_head(e->stream, &h);
	/* What was not said is still the service's to reset. */
	if (!err && head->last)
		free(e);

	return err;
}

static int x_body(struct http_exchange *x, const void *bytes, size_t len,
		  bool lives)
{
	struct h2_exchange *e = of(x);

	if (x->head_only)
		return 0;
	conn_later(e->hc->c);

	return h2_body(e->stream, bytes, len, lives);
}

static int x_finish(struct http_exchange *x, const struct h1_header *trailers,
		    unsigned len)
{
	struct h2_exchange *e = of(x);
	int err;

	conn_later(e->hc->c);
	err = h2_finish(e->stream, trailers, x->head_only ? 0 : len);
	free(e);

	return err;
}

static void x_reset(struct http_exchange *x)
{
	struct h2_exchange *e = of(x);

	conn_later(e->hc->c);
	h2_reset(e->stream);
	free(e);
}

static size_t x_queued(const struct http_exchange *x)
{
	return h2_queued(((const struct h2_exchange *)x)->stream);
}

static void x_read(struct http_exchange *x, bool on)
{
	struct h2_exchange *e = of(x);

	conn_later(e->hc->c);
	h2_read(e->stream, on);
}

static const struct http_transport transport = {
	.head = x_head,
	.body = x_body,
	.finish = x_finish,
	.reset = x_reset,
	.queued = x_queued,
	.read = x_read,
};

/* From the session: port/h2.h */

static void split_path(struct h1_span target, struct http_request *r)
{
	const char *mark = target.len ? memchr(target.at, '?', target.len) :
					NULL;

	r->path = target;
	if (!mark)
		return;
	r->path.len = (size_t)(mark - target.at);
	r->query.at = mark + 1;
	r->query.len = target.len - r->path.len - 1;
}

static struct http_request request_of(const struct conn *c,
				      const struct h2_request *r)
{
	struct http_request out = {
		.method = r->method,
		.host = r->authority,
		.headers = r->headers,
		.headers_len = r->headers_len,
		.version = 20,
		.has_body = !r->ended,
		.has_length = r->has_length,
		.length = r->length,
		.tls = conn_is_tls(c),
		.loopback = c->loopback,
		.source = c->key,
	};

	split_path(r->path, &out);

	return out;
}

static void on_begin(struct h2_stream *s, const struct h2_request *r,
		     struct mono now, void *arg)
{
	struct h2_conn *hc = arg;
	struct h2_exchange *e = calloc(1, sizeof(*e));
	struct http_request request;

	if (!e) {
		h2_reset(s);
		return;
	}
	*e = (struct h2_exchange){
		.x = {
			.door = hc->c->door,
			.transport = &transport,
			.head_only = h1_is(r->method, "HEAD"),
			.version = 20,
		},
		.stream = s,
		.hc = hc,
	};
	h2_attach(s, e);
	conn_proved(hc->c);
	/* CONNECT has no path; we are no proxy. */
	if (!r->path.at || r->path.len > hc->c->door->limits->head_bytes) {
		http_error(&e->x, r->path.at ? 414 : 501);
		return;
	}
	request = request_of(hc->c, r);
	http_begin(&e->x, &request, now);
}

static void on_body(void *who, const void *bytes, size_t len, struct mono now)
{
	struct h2_exchange *e = who;

	if (e->x.service && e->x.service->body)
		e->x.service->body(&e->x, bytes, len, now);
}

static void on_end(void *who, struct mono now)
{
	struct h2_exchange *e = who;

	if (e->x.service && e->x.service->end)
		e->x.service->end(&e->x, now);
}

static void on_writable(void *who, struct mono now)
{
	struct h2_exchange *e = who;

	if (e->x.service && e->x.service->writable)
		e->x.service->writable(&e->x, now);
}

static void on_gone(void *who, bool lost, struct mono now)
{
	struct h2_exchange *e = who;

	if (e->x.service && e->x.service->gone)
		e->x.service->gone(&e->x, lost, now);
	free(e);
}

static const struct h2_events events = {
	.begin = on_begin,
	.body = on_body,
	.end = on_end,
	.writable = on_writable,
	.gone = on_gone,
};

/* On the connection: conn.h */

static void count(struct h2_conn *hc)
{
	struct metrics *m = hc->c->door->world->metrics;

	for (; hc->counted < h2_requests(hc->h2); hc->counted++)
		metrics_add(m, M_HTTP2);
}

/* All is said: the streams first, for none of them can say more. */
static void finish(struct h2_conn *hc, bool lost, struct mono now)
{
	if (hc->ended)
		return;
	hc->ended = true;
	count(hc);
	if (h2_is_blamed(hc->h2))
		metrics_add(hc->c->door->world->metrics, M_H2_BAD);
	if (h2_why(hc->h2)[0])
		log_line(LOG_DEBUG, "HTTP/2 connection ended", "why=\"%s\"",
			 h2_why(hc->h2));
	h2_end(hc->h2, lost, now);
}

struct gather {
	uint8_t bytes[GATHER_BYTES];
	size_t len;
};

/* One write for many small frames. */
static int gather_send(struct conn *c, struct gather *g, const uint8_t *more,
		       size_t len)
{
	int err = 0;

	if (g->len + len <= sizeof(g->bytes) && len) {
		memcpy(g->bytes + g->len, more, len);
		g->len += len;
		return 0;
	}
	if (g->len + len)
		err = stream_send(&c->stream, g->bytes, g->len, more, len,
				  true);
	g->len = 0;

	return err;
}

static int pull(struct h2_conn *hc, struct mono now)
{
	struct stream *s = &hc->c->stream;
	struct gather g;
	const uint8_t *bytes = NULL;
	int n = 0, err = 0;

	g.len = 0;
	while (!err && s->bytes + g.len < STREAM_PAUSE_BYTES &&
	       (n = h2_poll(hc->h2, &bytes, now)) > 0)
		err = gather_send(hc->c, &g, bytes, (size_t)n);
	if (!err)
		err = gather_send(hc->c, &g, NULL, 0);

	return err ? err : n < 0 ? n : 0;
}

/* As much as the socket takes, but not all of a turn of the loop. */
static int push(struct h2_conn *hc, struct mono now)
{
	struct stream *s = &hc->c->stream;

	for (int i = 0; i < ROUNDS; i++) {
		bool full;
		int err = pull(hc, now);

		full = s->bytes >= STREAM_PAUSE_BYTES;
		if (!err)
			err = stream_flush(s);
		if (err || !full || s->bytes >= STREAM_PAUSE_BYTES)
			return err;
	}
	conn_later(hc->c);

	return 0;
}

static void flush(struct h2_conn *hc, struct mono now)
{
	struct conn *c = hc->c;
	bool corked = c->stream.corked;
	int err;

	if (hc->ended)
		return;
	c->stream.corked = true;
	err = push(hc, now);
	c->stream.corked = corked;
	count(hc);
	if (err) {
		conn_doom(c);
	} else if (h2_is_done(hc->h2)) {
		finish(hc, false, now);
		conn_linger(c, now);
	}
}

static size_t in(struct conn *c, const uint8_t *bytes, size_t len,
		 struct mono now)
{
	struct h2_conn *hc = c->state;

	/* What ended it is told by h2_why(), once its GOAWAY is out. */
	if (!hc->ended && h2_recv(hc->h2, bytes, len, now) &&
	    !h2_is_blamed(hc->h2))
		conn_doom(c);
	flush(hc, now);

	return len;
}

static bool must_wait(const struct conn *c)
{
	(void)c;

	return false;
}

static void flush_conn(struct conn *c, struct mono now)
{
	flush(c->state, now);
}

static void sweep(struct conn *c, struct mono now)
{
	struct h2_conn *hc = c->state;

	if (hc->ended)
		return;
	if (h2_tick(hc->h2, now)) {
		finish(hc, true, now);
		conn_doom(c);
		return;
	}
	flush(hc, now);
}

static void on_deadline(struct conn *c, struct mono now)
{
	struct h2_conn *hc = c->state;

	/* After a farewell: what is still open has had its second. */
	finish(hc, !h2_is_leaving(hc->h2), now);
	conn_doom(c);
}

static void farewell(struct conn *c, struct mono now)
{
	struct h2_conn *hc = c->state;

	conn_deadline(c, mono_add(now, GOODBYE_US));
	h2_farewell(hc->h2, now);
	flush(hc, now);
}

static void free_conn(struct conn *c, bool closing, struct mono now)
{
	struct h2_conn *hc = c->state;

	finish(hc, !closing, now);
	h2_free(hc->h2);
	free(hc);
}

static const struct conn_proto proto = {
	.in = in,
	.must_wait = must_wait,
	.out_ready = flush_conn,
	.later = flush_conn,
	.deadline = on_deadline,
	.sweep = sweep,
	.farewell = farewell,
	.free = free_conn,
};

void h2_conn_open(struct conn *c, struct mono now)
{
	const struct sig_limits *limits = c->door->limits;
	const struct h2_caps caps = {
		.streams = limits->streams,
		.head_us = limits->head_timeout_s * 1000000ll,
		.ping_us = limits->ping_interval_s * 1000000ll,
		.pings = limits->ping_misses,
		.headers_bytes = limits->h2_header_bytes,
		.continuations = limits->continuations,
		.resets_per_s = limits->h2_reset_rate,
		.controls_per_s = limits->h2_control_rate,
		.windows_per_s = limits->h2_window_rate,
		.idle_us = limits->h2_idle_s * 1000000ll,
		.stall_us = limits->stall_timeout_s * 2000000ll,
	};
	struct h2_conn *hc = calloc(1, sizeof(*hc));

	if (!hc || h2_new(&hc->h2, &caps, &events, hc, now)) {
		free(hc);
		conn_doom(c);
		return;
	}
	hc->c = c;
	conn_become(c, &proto, hc);
	conn_deadline(c, MONO_NEVER);
}
