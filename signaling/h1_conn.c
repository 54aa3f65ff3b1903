/*
 * h1_conn.c - HTTP/1.1 on a connection: one request and answer after another
 *
 * A request and its answer are two things that end by themselves: `in` says
 * where we are in the request, `out` in the answer. The next request begins
 * when both have ended and the answer has left; until then what the far end
 * sends early (pipelining) is held, at most H1_HEAD_MAX bytes of it.
 *
 * An answer that is complete before its request has ended does not close the
 * connection: the rest of the request is read and dropped. Closing would
 * break clients in the middle of writing.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "core/http/chunk.h"
#include "core/ws/handshake.h"
#include "signaling/conn.h"
#include "signaling/http.h"
#include "signaling/ws_conn.h"

enum {
	ANSWER_US = 60000000,	/* to take what is left of a whole answer */
	ANSWER_HEAD_MAX = 8192,
};

enum in_state { IN_HEAD, IN_LENGTH, IN_CHUNKS, IN_DONE };
enum out_state { OUT_NONE, OUT_HEADED, OUT_DONE };

struct h1_conn {
	struct http_exchange x;	/* first: the service's handle is this */
	struct conn *c;
	enum in_state in;
	enum out_state out;
	bool active;		/* the service has not finished */
	bool in_use;		/* on_bytes() runs and looks again itself */
	bool keep_alive, chunked_out, counted_out, wants_writable, paused;
	bool unsent;		/* the last answer waits for the client */
	uint64_t body_left;	/* IN_LENGTH */
	uint64_t body_seen;
	uint64_t out_left;	/* counted_out */
	struct h1_chunks chunks;
};

static struct h1_conn *of(const struct http_exchange *x)
{
	/* x is the first member, and no exchange of ours is const. */
	return (struct h1_conn *)(uintptr_t)x;
}

/* What is left of a request or an answer that was refused. */
static void send_error(struct conn *c, unsigned status, struct mono now)
{
	char text[HTTP_ERROR_TEXT], head[512];
	struct buf_out out = buf_out(head, sizeof(head));
	struct h1_header headers[] = {
		{ { "X-Content-Type-Options", 22 }, { "nosniff", 7 } },
		{ { "Content-Type", 12 }, { "text/plain; charset=utf-8", 25 } },
		{ { NULL, 0 }, { NULL, 0 } },
	};
	struct h1_answer a = { .status = status, .has_length = true,
			       .headers = headers, .headers_len = 2 };

	if (status == 426)
		headers[a.headers_len++] = (struct h1_header){
			{ "Sec-WebSocket-Version", 21 }, { "13", 2 } };
	/* RFC 9110 15.5.2 wants one with every 401. */
	if (status == 401)
		headers[a.headers_len++] = (struct h1_header){
			{ "WWW-Authenticate", 16 },
			{ "Bearer realm=\"remotemedia\"", 26 } };
	a.length = http_error_text(text, sizeof(text), status);
	h1_write_answer(&out, &a);
	log_line(LOG_DEBUG, "request refused", "status=%u", status);
	if (stream_send(&c->stream, head, buf_len(&out), text,
			(size_t)a.length, true))
		conn_doom(c);
	conn_linger(c, now);
}

static void bad_request(struct conn *c, unsigned status, struct mono now)
{
	conn_bad(c, M_HTTP_BAD, "http1", h1_reason(status), now);
	send_error(c, status, now);
}

/* Between two requests. */
static int64_t idle_us(const struct conn *c)
{
	return c->door->limits->http_idle_s * 1000000ll;
}

/* For a request's body in all. */
static struct mono body_by(const struct conn *c, struct mono now)
{
	return mono_add(now, c->door->limits->body_timeout_s * 1000000ll);
}

/* The next request may come. */
static void begin_again(struct h1_conn *h, struct mono now)
{
	struct conn *c = h->c;

	h->in = IN_HEAD;
	h->out = OUT_NONE;
	h->body_left = h->body_seen = 0;
	h->chunks = (struct h1_chunks){ 0 };
	h->paused = h->wants_writable = false;
	h->unsent = !stream_is_empty(&c->stream);
	conn_deadline(c, mono_add(now, h->unsent ? ANSWER_US : idle_us(c)));
	if (!h->keep_alive || c->door->leaving) {
		conn_linger(c, now);
		conn_deadline(c, mono_add(now, ANSWER_US));
	}
}

static bool is_over(const struct h1_conn *h)
{
	return h->in == IN_DONE && h->out == OUT_DONE;
}

/* Answer */

/* The service has said all. */
static void end_answer(struct h1_conn *h)
{
	h->active = false;
	h->out = OUT_DONE;
	if (!h->in_use)
		conn_later(h->c);
}

static int dead(struct h1_conn *h)
{
	conn_doom(h->c);

	return -EPIPE;
}

static bool has_no_body(unsigned status)
{
	return status == 204 || status == 304 || status < 200;
}

static void plan_answer(struct h1_conn *h, struct h1_answer *a,
			const struct http_head *head)
{
	bool none = has_no_body(head->status);

	a->has_length = head->has_length && !none;
	a->length = head->length;
	if (head->last && !none && !a->has_length && !h->x.head_only)
		a->has_length = true;
	h->counted_out = a->has_length;
	h->out_left = head->last ? 0 : a->length;
	h->chunked_out = !a->has_length && !none && !h->x.head_only &&
			 h->x.version != 10;
	a->chunked = h->chunked_out;
	/* Only the end of the connection ends such an answer. */
	if (!a->has_length && !none && !h->x.head_only && !h->chunked_out)
		h->keep_alive = false;
	a->keep_alive = h->keep_alive && !h->c->door->leaving;
	h->keep_alive = a->keep_alive;
}

static int answer_head(struct http_exchange *x, const struct http_head *head)
{
	struct h1_conn *h = of(x);
	char bytes[ANSWER_HEAD_MAX];
	struct buf_out out = buf_out(bytes, sizeof(bytes));
	struct h1_answer a = { .status = head->status,
			       .headers = head->headers,
			       .headers_len = head->headers_len };

	if (h->out != OUT_NONE)
		return -EINVAL;
	plan_answer(h, &a, head);
	h1_write_answer(&out, &a);
	if (out.bad)
		return -EMSGSIZE;
	if (h->c->doomed ||
	    stream_send(&h->c->stream, bytes, buf_len(&out), NULL, 0, true))
		return dead(h);
	h->out = OUT_HEADED;
	if (head->last)
		end_answer(h);
	else if (!head->has_length)
		conn_probe(h->c);

	return 0;
}

static int send_body(struct stream *s, const void *bytes, size_t len,
		     bool lives)
{
	return lives ? stream_send_static(s, bytes, len)
		     : stream_send(s, NULL, 0, bytes, len, true);
}

static int send_chunk(struct stream *s, const void *bytes, size_t len,
		      bool lives)
{
	bool corked = s->corked;
	char head[H1_CHUNK_HEAD];
	size_t head_len = h1_chunk_head(head, len);
	int err;

	s->corked = true;
	if (lives) {
		err = stream_send(s, head, head_len, NULL, 0, true);
		if (!err)
			err = stream_send_static(s, bytes, len);
	} else {
		err = stream_send(s, head, head_len, bytes, len, true);
	}
	if (!err)
		err = stream_send(s, "\r\n", 2, NULL, 0, true);
	s->corked = corked;
	if (!err && !corked)
		err = stream_flush(s);

	return err;
}

static int answer_body(struct http_exchange *x, const void *bytes, size_t len,
		       bool lives)
{
	struct h1_conn *h = of(x);
	struct stream *s = &h->c->stream;

	if (h->out != OUT_HEADED)
		return -EINVAL;
	if (h->c->doomed)
		return -EPIPE;
	if (h->counted_out && len > h->out_left)
		return -EINVAL;
	if (!lives && s->bytes && (s->bytes + len > HTTP_QUEUE_MAX ||
				   s->sends >= STREAM_QUEUE_SENDS)) {
		h->wants_writable = true;
		return -ENOBUFS;
	}
	h->out_left -= h->counted_out ? len : 0;
	if (h->x.head_only || !len)
		return 0;
	if (h->chunked_out ? send_chunk(s, bytes, len, lives)
			   : send_body(s, bytes, len, lives))
		return dead(h);

	return 0;
}

static int answer_finish(struct http_exchange *x,
			 const struct h1_header *trailers, unsigned len)
{
	struct h1_conn *h = of(x);
	char bytes[ANSWER_HEAD_MAX];
	struct buf_out out = buf_out(bytes, sizeof(bytes));

	if (h->out != OUT_HEADED || (h->counted_out && h->out_left)) {
		/* Less than was promised: the far end must not take it for
		 * the whole. */
		h->active = false;
		return dead(h);
	}
	if (h->chunked_out) {
		buf_put(&out, "0\r\n", 3);
		for (unsigned i = 0; i < len; i++)
			h1_write_header(&out, &trailers[i]);
		buf_put(&out, "\r\n", 2);
		if (out.bad) {
			h->active = false;
			return dead(h);
		}
		if (!h->c->doomed &&
		    stream_send(&h->c->stream, bytes, buf_len(&out), NULL, 0,
				true))
			conn_doom(h->c);
	}
	end_answer(h);

	return 0;
}

static void answer_reset(struct http_exchange *x)
{
	of(x)->active = false;
	conn_doom(of(x)->c);
}

static size_t answer_queued(const struct http_exchange *x)
{
	return of(x)->c->stream.bytes;
}

static void request_read(struct http_exchange *x, bool on)
{
	of(x)->paused = !on;
	if (on && !of(x)->in_use)
		conn_later(of(x)->c);
}

static const struct http_transport transport = {
	.head = answer_head, .body = answer_body, .finish = answer_finish,
	.reset = answer_reset, .queued = answer_queued, .read = request_read,
};

/* Request */

static void end_request(struct h1_conn *h, struct mono now)
{
	h->in = IN_DONE;
	conn_deadline(h->c, MONO_NEVER);
	if (h->active)
		h->x.service->end(&h->x, now);
}

static void on_body(struct h1_conn *h, const void *bytes, size_t len,
		    struct mono now)
{
	h->body_seen += len;
	if (h->active && len)
		h->x.service->body(&h->x, bytes, len, now);
}

/* Nothing behind these bytes can be understood. */
static void break_request(struct h1_conn *h, unsigned status,
			  struct mono now)
{
	conn_bad(h->c, M_HTTP_BAD, "http1", h1_reason(status), now);
	if (h->active) {
		h->active = false;
		if (h->x.service)
			h->x.service->gone(&h->x, true, now);
	}
	if (h->out == OUT_NONE)
		send_error(h->c, status, now);
	else if (h->out == OUT_DONE)
		conn_linger(h->c, now);
	else
		conn_doom(h->c);
}

static size_t length_in(struct h1_conn *h, const uint8_t *bytes, size_t len,
			struct mono now)
{
	if (len > h->body_left)
		len = (size_t)h->body_left;
	h->body_left -= len;
	on_body(h, bytes, len, now);
	if (h->body_left == 0)
		end_request(h, now);

	return len;
}

static size_t chunks_in(struct h1_conn *h, const uint8_t *bytes, size_t len,
			struct mono now)
{
	struct h1_span data;
	int n = h1_chunks_next(&h->chunks, bytes, len, &data);

	if (n < 0 ||
	    h->body_seen + data.len > h->c->door->limits->body_bytes) {
		break_request(h, n < 0 ? 400 : 413, now);
		return len;
	}
	on_body(h, data.at, data.len, now);
	if (h->chunks.done && !h->c->doomed)
		end_request(h, now);

	return (size_t)n;
}

static void split_target(struct http_request *r, struct h1_span target)
{
	const char *mark = memchr(target.at, '?', target.len);

	r->path = target;
	r->query = (struct h1_span){ NULL, 0 };
	if (!mark)
		return;
	r->path.len = (size_t)(mark - target.at);
	r->query = (struct h1_span){ mark + 1,
				     target.len - r->path.len - 1 };
}

static void describe(struct http_request *r, const struct conn *c,
		     const struct h1_request *head)
{
	*r = (struct http_request){
		.method = head->method, .host = head->host,
		.headers = head->headers, .headers_len = head->headers_len,
		.version = head->http10 ? 10 : 11,
		.has_body = head->chunked || head->length,
		.has_length = head->has_length, .length = head->length,
		.tls = conn_is_tls(c), .loopback = c->loopback,
		.source = c->key,
	};
	split_target(r, head->target);
}

/* 100-continue, or a status to refuse it with; 0: nothing to say. */
static unsigned expectation(const struct h1_request *head)
{
	struct h1_span expect = h1_find(head->headers, head->headers_len,
					"expect");

	if (!expect.at || head->http10)
		return 0;

	return h1_is_nocase(expect, "100-continue") ? 100 : 417;
}

static void say_continue(struct h1_conn *h)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (stream_send(&h->c->stream, text, sizeof(text) - 1, NULL, 0, true))
		conn_doom(h->c);
}

static void begin_exchange(struct h1_conn *h, const struct h1_request *head,
			   const struct http_request *r, struct mono now)
{
	struct conn *c = h->c;

	h->x = (struct http_exchange){
		.door = c->door, .transport = &transport,
		.head_only = h1_is(head->method, "HEAD"),
		.version = r->version,
	};
	h->active = true;
	h->keep_alive = head->keep_alive;
	h->body_left = head->length;
	h->in = head->chunked ? IN_CHUNKS : head->length ? IN_LENGTH : IN_DONE;
	conn_deadline(c, r->has_body ? body_by(c, now) : MONO_NEVER);
	http_begin(&h->x, r, now);
	if (h->active && h->out == OUT_NONE && r->has_body &&
	    expectation(head) == 100)
		say_continue(h);
	if (h->in == IN_DONE)
		end_request(h, now);
}

/* The connection may be a WebSocket afterwards. */
static void on_request(struct h1_conn *h, const struct h1_request *head,
		       struct mono now)
{
	struct conn *c = h->c;
	struct http_request r;
	unsigned status;

	metrics_add(c->door->world->metrics, M_HTTP1);
	describe(&r, c, head);
	if (head->length > c->door->limits->body_bytes) {
		send_error(c, 413, now);
	} else if (expectation(head) == 417) {
		send_error(c, 417, now);
	} else if (ws_is_upgrade(head)) {
		status = ws_conn_open(c, head, &r, now);
		if (status)
			send_error(c, status, now);
	} else {
		conn_proved(c);
		begin_exchange(h, head, &r, now);
	}
}

static const struct conn_proto http1;

/* The parser has limits of its own; these may be lower. */
static bool head_fits(const struct conn *c, const struct h1_request *head,
		      size_t whole, size_t len)
{
	const struct sig_limits *limits = c->door->limits;

	return whole ? whole <= limits->head_bytes &&
			       head->headers_len <= limits->headers
		     : len < limits->head_bytes;
}

/* A head, or the part of one that is there. */
static size_t head_in(struct h1_conn *h, const uint8_t *bytes, size_t len,
		      struct mono now)
{
	struct conn *c = h->c;
	struct h1_request head;
	int n;

	if (!stream_is_empty(&c->stream) &&
	    (stream_flush(&c->stream) || !stream_is_empty(&c->stream)))
		return 0;	/* one answer after another */
	h->unsent = false;
	if (!c->held_len && !c->startup)
		conn_deadline(c, conn_head_by(c, now));
	n = h1_parse_request(&head, bytes, len);
	if (n < 0) {
		bad_request(c, head.status, now);
		return len;
	}
	if (!head_fits(c, &head, (size_t)n, len)) {
		bad_request(c, 431, now);
		return len;
	}
	if (n)
		on_request(h, &head, now);

	return (size_t)n;
}

static size_t step(struct h1_conn *h, const uint8_t *bytes, size_t len,
		   struct mono now)
{
	switch (h->in) {
	case IN_HEAD:
		return head_in(h, bytes, len, now);
	case IN_LENGTH:
		return length_in(h, bytes, len, now);
	case IN_CHUNKS:
		return chunks_in(h, bytes, len, now);
	case IN_DONE:
		break;
	}

	return 0;
}

static size_t on_bytes(struct conn *c, const uint8_t *bytes, size_t len,
		       struct mono now)
{
	struct h1_conn *h = c->state;
	size_t at = 0, n = 1;

	h->in_use = true;
	while (at < len && n && !c->doomed && !c->lingering &&
	       c->proto == &http1 && !(h->paused && h->active)) {
		n = step(h, bytes + at, len - at, now);
		at += n;
		if (is_over(h))
			begin_again(h, now);
	}
	h->in_use = false;
	if (c->proto != &http1)
		free(h);

	return at;
}

static bool must_wait(const struct conn *c)
{
	const struct h1_conn *h = c->state;

	switch (h->in) {
	case IN_HEAD:
		return !stream_is_empty(&c->stream);
	case IN_LENGTH:
	case IN_CHUNKS:
		return (h->paused && h->active) ||
		       stream_is_full(&c->stream);
	case IN_DONE:
		break;
	}

	/* Read on to hear the far end go while its answer is made. */
	return c->held_len >= H1_HEAD_MAX;
}

static void on_later(struct conn *c, struct mono now)
{
	struct h1_conn *h = c->state;

	if (is_over(h))
		begin_again(h, now);
}

/* The last answer is out: the pause between two requests begins. */
static void answer_left(struct h1_conn *h, struct mono now)
{
	struct conn *c = h->c;

	if (!h->unsent || h->in != IN_HEAD || !stream_is_empty(&c->stream))
		return;
	h->unsent = false;
	if (!c->lingering)
		conn_deadline(c, mono_add(now, idle_us(c)));
}

/* Most answers leave at once, and nobody hears of that. */
static void on_sweep(struct conn *c, struct mono now)
{
	answer_left(c->state, now);
}

static void on_out_ready(struct conn *c, struct mono now)
{
	struct h1_conn *h = c->state;

	answer_left(h, now);
	if (!h->wants_writable || !h->active ||
	    c->stream.bytes > HTTP_QUEUE_MAX / 2)
		return;
	h->wants_writable = false;
	if (h->x.service->writable)
		h->x.service->writable(&h->x, now);
}

static void on_deadline(struct conn *c, struct mono now)
{
	struct h1_conn *h = c->state;

	if (h->in == IN_HEAD && c->held_len && stream_is_empty(&c->stream))
		bad_request(c, 408, now);
	else if (h->in == IN_LENGTH || h->in == IN_CHUNKS)
		break_request(h, 408, now);
	else
		conn_doom(c);
}

/* Idle ones go at once; an answer that is under way may end. */
static void on_farewell(struct conn *c, struct mono now)
{
	struct h1_conn *h = c->state;

	if (h->in == IN_HEAD)
		conn_linger(c, now);
}

static void on_free(struct conn *c, bool closing, struct mono now)
{
	struct h1_conn *h = c->state;

	if (h->active && h->x.service)
		h->x.service->gone(&h->x, !closing, now);
	free(h);
}

static const struct conn_proto http1 = {
	.in = on_bytes, .must_wait = must_wait, .later = on_later,
	.out_ready = on_out_ready, .deadline = on_deadline,
	.sweep = on_sweep, .farewell = on_farewell, .free = on_free,
};

void h1_conn_open(struct conn *c, struct mono now)
{
	struct h1_conn *h = calloc(1, sizeof(*h));

	(void)now;
	if (!h) {
		conn_doom(c);
		return;
	}
	h->c = c;
	conn_become(c, &http1, h);
}
