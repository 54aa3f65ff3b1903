/*
 * conn.c - one accepted connection
 *
 * What is read goes through one buffer of the process; only what cannot be
 * used yet (half a head, or messages behind answers that the far end does
 * not read) is copied into `held`. So an idle WebSocket owns no buffer.
 */

#include "signaling/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "core/ws/handshake.h"
#include "core/ws/ws.h"
#include "signaling/route.h"
#include "signaling/stream.h"

enum {
	READ_BYTES = 32768,	/* one read a turn */
	HEAD_US = 5000000,
	IDLE_US = 15000000,	/* between two requests */
	FILE_US = 60000000,	/* to take a file */
	FIRST_US = 10000000,	/* the first message */
	GOODBYE_US = 3000000,
	PING_US = 20000000,
	PINGS_MISSED = 2,
	BODY_MAX = 65536,	/* of a request; read and dropped */
	BROKER_GRACE_US = 5000000,	/* before /healthz says 503 */
	ANSWER_HEAD_MAX = 1024,
};

enum state { HTTP, OPEN, CLOSING, LINGER };

struct conn {
	struct door *door;
	struct stream stream;
	struct source_key key;
	enum state state;
	bool loopback, startup, doomed, shut, pong_due;
	uint8_t missed, pong_len;
	struct mono deadline, ping_at;
	uint8_t *held;
	size_t held_len;
	uint64_t body_left;
	struct ws ws;
	struct rpc *rpc;
	uint8_t pong[WS_CONTROL_MAX];
	struct conn *prev, *next, *next_doomed;
};

struct conn *conn_next(const struct conn *c)
{
	return c->next;
}

static void on_reap(struct mono now, void *arg)
{
	struct door *d = arg;

	(void)now;
	while (d->doomed) {
		struct conn *c = d->doomed;

		d->doomed = c->next_doomed;
		conn_free(c);
	}
}

void conn_doom(struct conn *c)
{
	struct door *d = c->door;

	if (c->doomed)
		return;
	c->doomed = true;
	c->next_doomed = d->doomed;
	d->doomed = c;
	stream_set_reading(&c->stream, false);
	loop_timer(d->loop, &d->reap, mono_at(0), on_reap, d);
}

/* It has shown that it is no silent stranger. */
static void end_startup(struct conn *c)
{
	if (c->startup)
		c->door->startups--;
	c->startup = false;
}

void conn_free(struct conn *c)
{
	struct door *d = c->door;

	end_startup(c);
	if (c->prev)
		c->prev->next = c->next;
	else
		d->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	stream_fini(&c->stream);
	rpc_free(c->rpc);
	ws_fini(&c->ws);
	sources_leave(d->sources, c->key);
	free(c->held);
	free(c);
}

/* All is said; let it leave, then wait for the far end to close. */
static void linger(struct conn *c, struct mono now)
{
	if (c->state == LINGER)
		return;
	c->state = LINGER;
	c->deadline = mono_add(now, GOODBYE_US);
	stream_set_reading(&c->stream, true);
}

static void half_close(struct conn *c)
{
	if (c->state != LINGER || c->shut || !stream_is_empty(&c->stream))
		return;
	c->shut = true;
	c->deadline = mono_add(mono_now(), GOODBYE_US);
	if (shutdown(c->stream.fd, SHUT_WR))
		conn_doom(c);
}

/* WebSocket out */

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

void conn_close(struct conn *c, uint16_t code, const char *why,
		struct mono now)
{
	if (c->state == HTTP && !c->doomed)
		conn_doom(c);
	if (c->state != OPEN || c->doomed)
		return;
	log_line(LOG_DEBUG, "websocket closed",
		 "peer=\"%s\" code=%u why=\"%s\"", rpc_name(c->rpc), code,
		 why);
	c->state = CLOSING;
	c->deadline = mono_add(now, GOODBYE_US);
	send_close(c, code, why);
}

static int rpc_send(const char *text, size_t len, void *arg)
{
	struct conn *c = arg;
	int err;

	if (c->state != OPEN || c->doomed)
		return -ENOBUFS;
	err = send_frame(c, WS_OP_TEXT, text, len, false);
	if (err == -ENOBUFS)
		conn_close(c, WS_CODE_LATER, "too slow in reading",
			   mono_now());
	else if (err)
		conn_doom(c);

	return err ? -ENOBUFS : 0;
}

static void rpc_close(uint16_t code, const char *why, void *arg)
{
	struct conn *c = arg;

	conn_close(c, code, why, mono_now());
}

static void send_pong(struct conn *c)
{
	if (!c->pong_due || c->state != OPEN)
		return;
	c->pong_due = false;
	if (send_frame(c, WS_OP_PONG, c->pong, c->pong_len, false))
		conn_doom(c);
}

/* WebSocket in */

/* Only the latest of pings that arrive while the way out is busy is answered
 * (RFC 6455 section 5.5.3), so pings cannot fill the queue. */
static void on_ping(struct conn *c, const struct ws_event *ev)
{
	memcpy(c->pong, ev->bytes, ev->len);
	c->pong_len = (uint8_t)ev->len;
	c->pong_due = true;
	if (c->stream.bytes == 0 || c->stream.corked)
		return;
	send_pong(c);
}

static void on_text(struct conn *c, const struct ws_event *ev,
		    struct mono now)
{
	end_startup(c);
	c->deadline = MONO_NEVER;
	rpc_message(c->rpc, (const char *)ev->bytes, ev->len, now);
}

static void on_close(struct conn *c, const struct ws_event *ev,
		     struct mono now)
{
	if (c->state == OPEN)
		send_close(c, ev->code, "");
	linger(c, now);
}

static void on_event(struct conn *c, const struct ws_event *ev,
		     struct mono now)
{
	switch (ev->kind) {
	case WS_TEXT:
		if (c->state == OPEN)
			on_text(c, ev, now);
		break;
	case WS_PING:
		on_ping(c, ev);
		break;
	case WS_CLOSE:
		on_close(c, ev, now);
		break;
	case WS_FAILED:
		/* Nothing it says from here on can be understood, its close
		 * frame included. */
		conn_close(c, ev->code, ev->why, now);
		linger(c, now);
		break;
	case WS_PONG:
	case WS_NONE:
		break;
	}
}

/* Returns how many bytes were used; the rest waits for the way out. */
static size_t websocket_in(struct conn *c, const uint8_t *bytes, size_t len,
			   struct mono now)
{
	struct ws_event ev;
	size_t at = 0;

	while (at < len && (c->state == OPEN || c->state == CLOSING) &&
	       !c->doomed) {
		if (c->state == OPEN && stream_is_full(&c->stream) &&
		    (stream_flush(&c->stream) || stream_is_full(&c->stream)))
			return at;
		at += ws_recv(&c->ws, bytes + at, len - at, &ev);
		on_event(c, &ev, now);
	}

	return at;
}

/* HTTP */

static void send_answer(struct conn *c, const struct route_answer *a,
			struct mono now)
{
	char bytes[ANSWER_HEAD_MAX];
	struct buf_out out = buf_out(bytes, sizeof(bytes));
	bool small = !a->body_static;
	int err;

	h1_write_answer(&out, &a->head);
	err = out.bad ? -EMSGSIZE
		      : stream_send(&c->stream, bytes, buf_len(&out), a->body,
				    small ? a->body_len : 0, false);
	if (!err && !small && a->body_len)
		err = stream_send_static(&c->stream, a->body, a->body_len);
	if (err) {
		conn_doom(c);
		return;
	}
	if (!a->head.keep_alive)
		linger(c, now);
	c->deadline = mono_add(now, a->body_static ? FILE_US
				    : a->head.keep_alive ? IDLE_US
							 : GOODBYE_US);
}

static void send_error(struct conn *c, unsigned status, struct mono now)
{
	struct route_answer a;

	route_error(&a, status, false);
	log_line(LOG_DEBUG, "request refused", "status=%u", status);
	send_answer(c, &a, now);
}

static void upgrade(struct conn *c, const struct h1_request *r,
		    struct mono now)
{
	char accept[WS_ACCEPT_TEXT], bytes[ANSWER_HEAD_MAX];
	struct buf_out out = buf_out(bytes, sizeof(bytes));
	struct h1_header headers[] = {
		{ { "Upgrade", 7 }, { "websocket", 9 } },
		{ { "Connection", 10 }, { "Upgrade", 7 } },
		{ { "Sec-WebSocket-Accept", 20 },
		  { accept, WS_ACCEPT_TEXT - 1 } },
	};
	struct h1_answer answer = { .status = 101, .headers = headers,
				    .headers_len = ARRAY_LEN(headers) };
	struct rpc_ops ops = { rpc_send, rpc_close, c };
	unsigned status;

	if (!route_origin_ok(r, c->door->origins)) {
		send_error(c, 403, now);
		return;
	}
	if (ws_check_upgrade(r, accept, &status)) {
		send_error(c, status, now);
		return;
	}
	if (rpc_new(&c->rpc, c->door->world, &ops, now)) {
		send_error(c, 503, now);
		return;
	}
	h1_write_answer(&out, &answer);
	ws_init(&c->ws, WS_SERVER);
	c->state = OPEN;
	c->deadline = mono_add(now, FIRST_US);
	c->ping_at = mono_add(now, PING_US);
	if (stream_send(&c->stream, bytes, buf_len(&out), NULL, 0, true))
		conn_doom(c);
}

static void read_health(const struct conn *c, struct health *h,
			struct mono now)
{
	struct mono away = c->door->broker_away(c->door->broker_arg);
	const struct msg_broker_stats *m =
		c->door->broker_stats(c->door->broker_arg);

	*h = (struct health){ .media = m != NULL };
	if (m) {
		h->calls = m->peers;
		h->connected = m->connected;
		h->media_workers = m->media_workers;
		h->restarts = m->restarts;
	}
	h->peers = hub_count(c->door->world->hub);
	h->uptime_s = mono_since(now, c->door->started) / 1000000;
	h->broker = away.us == MONO_NEVER.us;
	h->ok = mono_before(now, mono_add(away, BROKER_GRACE_US));
}

static void on_request(struct conn *c, const struct h1_request *r,
		       struct mono now)
{
	struct route_answer a;
	struct health health;

	if (r->chunked || r->length > BODY_MAX) {
		send_error(c, r->chunked ? 501 : 413, now);
		return;
	}
	if (ws_is_upgrade(r)) {
		upgrade(c, r, now);
		return;
	}
	end_startup(c);
	read_health(c, &health, now);
	route(&a, r, c->door->files, &health);
	c->body_left = r->length;
	send_answer(c, &a, now);
}

static size_t skip_body(struct conn *c, size_t len)
{
	if (len > c->body_left)
		len = (size_t)c->body_left;
	c->body_left -= len;

	return len;
}

static size_t http_in(struct conn *c, const uint8_t *bytes, size_t len,
		      struct mono now)
{
	struct h1_request r;
	size_t at = 0;
	int n;

	while (at < len && c->state == HTTP && !c->doomed) {
		if (c->body_left) {
			at += skip_body(c, len - at);
			continue;
		}
		if (!stream_is_empty(&c->stream))
			break;	/* one answer after another */
		n = h1_parse_request(&r, bytes + at, len - at);
		if (n == 0)
			break;
		if (n < 0) {
			send_error(c, r.status, now);
			break;
		}
		at += (size_t)n;
		on_request(c, &r, now);
	}

	return at;
}

/* Reading, writing */

static size_t use(struct conn *c, const uint8_t *bytes, size_t len,
		  struct mono now)
{
	size_t at = 0;

	if (c->state == HTTP)
		at = http_in(c, bytes, len, now);
	if (c->state == OPEN || c->state == CLOSING)
		at += websocket_in(c, bytes + at, len - at, now);

	return c->state == LINGER || c->doomed ? len : at;
}

/* The rest, for later. */
static void hold(struct conn *c, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = len ? malloc(len) : NULL;

	if (len && !copy) {
		conn_doom(c);
		return;
	}
	if (len)
		memcpy(copy, bytes, len);
	free(c->held);
	c->held = copy;
	c->held_len = len;
}

/* Whether the way in is closed until the way out is free again. */
static bool must_wait(const struct conn *c)
{
	if (c->state == HTTP)
		return !stream_is_empty(&c->stream);

	return c->state == OPEN && stream_is_full(&c->stream);
}

/* Uses what was held and what is new, which stand joined. An answer that
 * left at once lets the next message in. */
static void digest(struct conn *c, uint8_t *joined, size_t len,
		   struct mono now)
{
	size_t at = 0, used;

	do {
		c->stream.corked = true;
		used = use(c, joined + at, len - at, now);
		c->stream.corked = false;
		at += used;
		if (!c->doomed && stream_flush(&c->stream))
			conn_doom(c);
	} while (!c->doomed && used && at < len && !must_wait(c));
	hold(c, joined + at, len - at);
	if (c->doomed)
		return;
	if (stream_is_empty(&c->stream))
		send_pong(c);
	half_close(c);
	stream_set_reading(&c->stream, !must_wait(c));
}

static void on_readable(struct conn *c, struct mono now)
{
	static uint8_t joined[READ_BYTES + READ_BYTES];
	size_t held = c->held_len;
	size_t room = c->state == HTTP && held < H1_HEAD_MAX
			      ? H1_HEAD_MAX - held
			      : READ_BYTES;
	ssize_t n;

	if (held)
		memcpy(joined, c->held, held);
	n = recv(c->stream.fd, joined + held, room, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_doom(c);
		return;
	}
	c->missed = 0;
	if (c->state == HTTP && held == 0 && !c->startup && !c->body_left)
		c->deadline = mono_add(now, HEAD_US);
	digest(c, joined, held + (size_t)n, now);
}

/* The way out is free (again): go on with what was held. */
static void on_writable(struct conn *c, struct mono now)
{
	static uint8_t joined[READ_BYTES];
	size_t held = c->held_len;

	if (stream_flush(&c->stream)) {
		conn_doom(c);
		return;
	}
	if (stream_is_empty(&c->stream))
		send_pong(c);
	if (must_wait(c))
		return;
	if (held && held <= sizeof(joined)) {
		memcpy(joined, c->held, held);
		digest(c, joined, held, now);
		return;
	}
	half_close(c);
	stream_set_reading(&c->stream, true);
}

static void on_stream(int fd, uint32_t events, struct mono now, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	if (c->doomed)
		return;
	if (events & (EPOLLERR | EPOLLHUP)) {
		conn_doom(c);
		return;
	}
	if (events & EPOLLOUT)
		on_writable(c, now);
	if ((events & EPOLLIN) && c->stream.reading && !c->doomed)
		on_readable(c, now);
}

void conn_open(struct door *d, int fd, struct source_key key, bool loopback,
	       struct mono now)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		sources_leave(d->sources, key);
		return;
	}
	c->door = d;
	c->key = key;
	c->loopback = loopback;
	c->startup = true;
	c->deadline = mono_add(now, HEAD_US);
	c->ping_at = MONO_NEVER;
	d->startups++;
	c->next = d->first;
	if (d->first)
		d->first->prev = c;
	d->first = c;
	if (stream_init(&c->stream, d->loop, fd, on_stream, c))
		conn_free(c);
}

static void on_deadline(struct conn *c, struct mono now)
{
	if (c->state == OPEN)
		conn_close(c, WS_CODE_POLICY, "no message in 10 s", now);
	else if (c->state == HTTP && c->held_len && stream_is_empty(&c->stream))
		send_error(c, 408, now);
	else
		conn_doom(c);
	if (!c->doomed && stream_flush(&c->stream))
		conn_doom(c);
	if (!c->doomed)
		half_close(c);
}

static void ping(struct conn *c, struct mono now)
{
	c->ping_at = mono_add(now, PING_US);
	if (c->missed++ == PINGS_MISSED) {
		conn_doom(c);
		return;
	}
	if (send_frame(c, WS_OP_PING, "", 0, true))
		conn_doom(c);
}

void conn_sweep(struct conn *c, struct mono now)
{
	if (c->doomed)
		return;
	if (!mono_before(now, c->deadline))
		on_deadline(c, now);
	else if (c->state == OPEN && !mono_before(now, c->ping_at))
		ping(c, now);
}
