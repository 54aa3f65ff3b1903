/* ws_conn.c - WebSocket on a connection */

#include "signaling/ws_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "core/ws/handshake.h"
#include "core/ws/ws.h"
#include "signaling/talk.h"

enum { ANSWER_MAX = 1024 + 4096 };

struct ws_conn {
	struct conn *c;
	struct talk talk;
	struct mono ping_at;
	bool closing;		/* our close frame is out */
	bool clean;		/* it ends by a farewell, whoever said it */
	bool pong_due;
	uint8_t missed, pong_len;
	uint8_t pong[WS_CONTROL_MAX];
	struct ws ws;
};

/* Out */

static int send_frame(struct conn *c, enum ws_opcode op, const void *bytes,
		      size_t len, bool force)
{
	uint8_t head[WS_HEAD_MAX];
	size_t head_len = ws_write_head(head, op, len, NULL);

	return stream_send(&c->stream, head, head_len, bytes, len, force);
}

static void send_close(struct conn *c, uint16_t code, const char *why)
{
	uint8_t bytes[WS_CONTROL_MAX];
	size_t len = ws_write_close(bytes, code, why);

	if (code == WS_CODE_NONE)
		len = 0;
	if (send_frame(c, WS_OP_CLOSE, bytes, len, true))
		conn_doom(c);
}

static void close_it(struct ws_conn *w, uint16_t code, const char *why,
		     struct mono now)
{
	struct conn *c = w->c;

	if (w->closing || c->doomed || c->lingering)
		return;
	log_line(LOG_DEBUG, "websocket closed",
		 "peer=\"%s\" code=%u why=\"%s\"",
		 w->talk.ops->name(w->talk.arg), code, why);
	w->closing = w->clean = true;
	conn_deadline(c, mono_add(now, CONN_GOODBYE_US));
	send_close(c, code, why);
}

static int send_message(struct ws_conn *w, enum ws_opcode op,
			const void *bytes, size_t len)
{
	struct conn *c = w->c;
	int err;

	if (w->closing || c->doomed || c->lingering)
		return -ENOBUFS;
	err = send_frame(c, op, bytes, len, false);
	if (err == -ENOBUFS) {
		metrics_add(c->door->world->metrics, M_SLOW_DROPPED);
		close_it(w, WS_CODE_LATER, "too slow in reading", mono_now());
	} else if (err) {
		conn_doom(c);
	}

	return err ? -ENOBUFS : 0;
}

static int talk_text(const char *text, size_t len, void *arg)
{
	return send_message(arg, WS_OP_TEXT, text, len);
}

static int talk_binary(const void *bytes, size_t len, void *arg)
{
	return send_message(arg, WS_OP_BINARY, bytes, len);
}

static void talk_close(uint16_t code, const char *why, void *arg)
{
	close_it(arg, code, why, mono_now());
}

static void send_pong(struct ws_conn *w)
{
	if (!w->pong_due || w->closing)
		return;
	w->pong_due = false;
	if (send_frame(w->c, WS_OP_PONG, w->pong, w->pong_len, false))
		conn_doom(w->c);
}

/* In */

/* Only the latest of pings that arrive while the way out is busy is answered
 * (RFC 6455 section 5.5.3), so pings cannot fill the queue. */
static void on_ping(struct ws_conn *w, const struct ws_event *ev)
{
	memcpy(w->pong, ev->bytes, ev->len);
	w->pong_len = (uint8_t)ev->len;
	w->pong_due = true;
	if (w->c->stream.bytes == 0 || w->c->stream.corked)
		return;
	send_pong(w);
}

static void on_message(struct ws_conn *w, const struct ws_event *ev,
		       struct mono now)
{
	const struct talk_ops *ops = w->talk.ops;

	if (w->closing)
		return;
	conn_proved(w->c);
	conn_deadline(w->c, MONO_NEVER);
	if (ev->kind == WS_BINARY)
		ops->binary(w->talk.arg, ev->bytes, ev->len, now);
	else if (ops->text)
		ops->text(w->talk.arg, (const char *)ev->bytes, ev->len, now);
	else
		close_it(w, WS_CODE_BINARY, "text message", now);
}

static void on_close(struct ws_conn *w, const struct ws_event *ev,
		     struct mono now)
{
	if (!w->closing)
		send_close(w->c, ev->code, "");
	w->closing = w->clean = true;
	conn_linger(w->c, now);
}

static void on_event(struct ws_conn *w, const struct ws_event *ev,
		     struct mono now)
{
	switch (ev->kind) {
	case WS_TEXT:
	case WS_BINARY:
		on_message(w, ev, now);
		break;
	case WS_PING:
		on_ping(w, ev);
		break;
	case WS_CLOSE:
		on_close(w, ev, now);
		break;
	case WS_FAILED:
		/* Nothing it says from here on can be understood, its close
		 * frame included. */
		conn_bad(w->c, M_WS_BAD, "websocket", ev->why, now);
		close_it(w, ev->code, ev->why, now);
		conn_linger(w->c, now);
		break;
	case WS_PONG:
	case WS_NONE:
		break;
	}
}

static size_t on_bytes(struct conn *c, const uint8_t *bytes, size_t len,
		       struct mono now)
{
	struct ws_conn *w = c->state;
	struct ws_event ev;
	size_t at = 0;

	w->missed = 0;
	while (at < len && !c->lingering && !c->doomed) {
		if (!w->closing && stream_is_full(&c->stream) &&
		    (stream_flush(&c->stream) || stream_is_full(&c->stream)))
			return at;
		at += ws_recv(&w->ws, bytes + at, len - at, &ev);
		on_event(w, &ev, now);
	}
	if (w->pong_due && !c->doomed && !c->lingering &&
	    c->stream.bytes < WS_MESSAGE_MAX)
		send_pong(w);

	return at;
}

static bool must_wait(const struct conn *c)
{
	const struct ws_conn *w = c->state;

	return !w->closing && stream_is_full(&c->stream);
}

static void on_out_ready(struct conn *c, struct mono now)
{
	(void)now;
	if (stream_is_empty(&c->stream))
		send_pong(c->state);
}

/* Time, the end */

static void on_deadline(struct conn *c, struct mono now)
{
	struct ws_conn *w = c->state;

	if (w->closing)
		conn_doom(c);
	else
		close_it(w, WS_CODE_POLICY, "no message in time", now);
}

static void on_sweep(struct conn *c, struct mono now)
{
	struct ws_conn *w = c->state;

	if (w->closing || mono_before(now, w->ping_at))
		return;
	w->ping_at = mono_add(now, c->door->limits->ping_interval_s *
					   1000000ll);
	if (w->missed++ == c->door->limits->ping_misses) {
		conn_doom(c);
		return;
	}
	if (send_frame(c, WS_OP_PING, "", 0, true))
		conn_doom(c);
}

static void on_farewell(struct conn *c, struct mono now)
{
	close_it(c->state, WS_CODE_GOING, "server is going down", now);
}

static void on_free(struct conn *c, bool closing, struct mono now)
{
	struct ws_conn *w = c->state;

	c->door->websockets--;
	w->talk.ops->gone(w->talk.arg, w->clean || closing, now);
	ws_fini(&w->ws);
	free(w);
}

static const struct conn_proto websocket = {
	.in = on_bytes, .must_wait = must_wait, .out_ready = on_out_ready,
	.deadline = on_deadline, .sweep = on_sweep, .farewell = on_farewell,
	.free = on_free,
};

/* Upgrade */

static bool is_bearer(struct h1_span item)
{
	return item.len > 7 && memcmp(item.at, "bearer.", 7) == 0;
}

/* A client that offers its token alone must get an answer (RFC 6455 section
 * 4.1), and that can be nothing else. */
static struct h1_span only_bearer(const struct http_request *r)
{
	struct h1_span list = h1_find(r->headers, r->headers_len,
				      "sec-websocket-protocol");

	if (list.at && is_bearer(list) && !memchr(list.at, ',', list.len) &&
	    h1_count(r->headers, r->headers_len,
		     "sec-websocket-protocol") == 1)
		return list;

	return (struct h1_span){ NULL, 0 };
}

static int send_upgrade(struct ws_conn *w, const char *accept,
			const struct http_request *r)
{
	const char *protocol = w->talk.protocol;
	char bytes[ANSWER_MAX];
	struct buf_out out = buf_out(bytes, sizeof(bytes));
	struct h1_header headers[] = {
		{ { "Upgrade", 7 }, { "websocket", 9 } },
		{ { "Connection", 10 }, { "Upgrade", 7 } },
		{ { "Sec-WebSocket-Accept", 20 },
		  { accept, WS_ACCEPT_TEXT - 1 } },
		{ { "Sec-WebSocket-Protocol", 22 }, only_bearer(r) },
	};
	struct h1_answer answer = { .status = 101, .headers = headers,
				    .headers_len = 3 };

	if (protocol)
		headers[3].value = (struct h1_span){ protocol,
						     strlen(protocol) };
	if (headers[3].value.at)
		answer.headers_len++;
	h1_write_answer(&out, &answer);
	if (out.bad)
		return -EMSGSIZE;

	return stream_send(&w->c->stream, bytes, buf_len(&out), NULL, 0, true);
}

unsigned ws_conn_open(struct conn *c, const struct h1_request *head,
		      const struct http_request *r, struct mono now)
{
	const struct sig_limits *limits = c->door->limits;
	char accept[WS_ACCEPT_TEXT];
	struct talk_out to = { talk_text, talk_binary, talk_close, NULL };
	struct ws_conn *w;
	unsigned status;

	if (!http_origin_ok(r, c->door->origins))
		return 403;
	if (ws_check_upgrade(head, accept, &status))
		return status;
	w = calloc(1, sizeof(*w));
	if (!w)
		return 503;
	w->c = c;
	to.arg = w;
	status = talk_open(&w->talk, c->door, r, &to, now);
	if (status) {
		free(w);
		return status;
	}
	ws_init(&w->ws, WS_SERVER);
	w->ws.binary = w->talk.ops->binary != NULL;
	w->ws.max = limits->message_bytes;
	w->ws.max_fragments = (uint16_t)limits->fragments;
	w->ping_at = mono_add(now, limits->ping_interval_s * 1000000ll);
	conn_become(c, &websocket, w);
	conn_deadline(c, mono_add(now,
				  limits->announce_timeout_s * 1000000ll));
	c->door->websockets++;
	metrics_add(c->door->world->metrics, M_WS_OPEN);
	if (send_upgrade(w, accept, r))
		conn_doom(c);

	return 0;
}
