/*
 * conn.c - one accepted connection
 *
 * What is read goes through one buffer of the process; only what cannot be
 * used yet (half a head, or messages behind answers that the far end does
 * not read) is copied into `held`. So an idle connection owns no buffer.
 */

#include "signaling/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "port/tls.h"
#include "signaling/h2_conn.h"

enum {
	JOINED_BYTES = 2 * CONN_READ_BYTES,
	BAD_LINE_US = 1000000,
	TLS_HANDSHAKE_BYTE = 22,	/* RFC 8446 section 5.1 */
};

static const struct conn_proto stranger;

/* What is read, behind what was held; of one connection at a time. */
static uint8_t joined[JOINED_BYTES];

static void on_settle(struct mono now, void *arg)
{
	conn_settle(arg, now);
}

static void want_settle(struct door *d)
{
	loop_timer(d->loop, &d->settle, mono_at(0), on_settle, d);
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
	want_settle(d);
}

void conn_later(struct conn *c)
{
	struct door *d = c->door;

	if (c->dirty || c->doomed)
		return;
	c->dirty = true;
	c->next_dirty = d->dirty;
	d->dirty = c;
	want_settle(d);
}

void conn_proved(struct conn *c)
{
	if (c->startup)
		c->door->startups--;
	c->startup = false;
}

static void leave_dirty(struct conn *c)
{
	struct conn **at = &c->door->dirty;

	while (c->dirty && *at != c)
		at = &(*at)->next_dirty;
	if (c->dirty)
		*at = c->next_dirty;
	c->dirty = false;
}

void conn_free(struct conn *c, bool closing, struct mono now)
{
	struct door *d = c->door;

	c->doomed = true;
	if (c->proto->free)
		c->proto->free(c, closing, now);
	leave_dirty(c);
	conn_proved(c);
	if (c->prev)
		c->prev->next = c->next;
	else
		d->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	d->connections--;
	stream_fini(&c->stream);
	sources_leave(d->sources, c->key);
	free(c->held);
	free(c);
}

void conn_become(struct conn *c, const struct conn_proto *proto, void *state)
{
	c->proto = proto;
	c->state = state;
}

/* The end */

void conn_linger(struct conn *c, struct mono now)
{
	if (c->lingering)
		return;
	c->lingering = true;
	c->deadline_at = mono_add(now, CONN_GOODBYE_US);
	stream_set_reading(&c->stream, true);
}

static void half_close(struct conn *c, struct mono now)
{
	if (!c->lingering || c->shut || c->doomed ||
	    !stream_is_empty(&c->stream))
		return;
	c->shut = true;
	c->deadline_at = mono_add(now, CONN_GOODBYE_US);
	if (stream_shutdown(&c->stream))
		conn_doom(c);
}

/* Reading, writing */

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
	c->held_len = (uint32_t)len;
}

/* Whether the way in is closed until the way out is free again. */
static bool must_wait(const struct conn *c)
{
	if (c->lingering)
		return false;
	if (c->proto->must_wait)
		return c->proto->must_wait(c);

	return stream_is_full(&c->stream);
}

/* After anything was done: what is queued leaves, and what comes next is
 * waited for. */
static void settle(struct conn *c, struct mono now)
{
	bool waited = must_wait(c);

	if (!c->doomed && stream_flush(&c->stream))
		conn_doom(c);
	/* What was held for the way out has no other event to wait for. */
	if (waited && c->held_len && !must_wait(c))
		conn_later(c);
	half_close(c, now);
	if (!c->doomed)
		stream_set_reading(&c->stream,
				   !must_wait(c) &&
					   c->held_len <= CONN_READ_BYTES);
}

/* Uses what stands joined. An answer that left at once lets the next message
 * in. */
static void digest(struct conn *c, size_t len, struct mono now)
{
	const struct conn_proto *before;
	size_t at = 0, used;
	bool waited;

	do {
		before = c->proto;
		c->stream.corked = true;
		used = c->proto->in(c, joined + at, len - at, now);
		c->stream.corked = false;
		at += used;
		waited = must_wait(c);
		if (!c->doomed && stream_flush(&c->stream))
			conn_doom(c);
		if (c->lingering || c->doomed)
			at = len;
	} while (at < len && (used || waited || c->proto != before) &&
		 !must_wait(c));
	hold(c, joined + at, len - at);
	settle(c, now);
}

static void digest_held(struct conn *c, struct mono now)
{
	size_t held = c->held_len;

	if (held && !c->doomed && !c->lingering && !must_wait(c)) {
		memcpy(joined, c->held, held);
		digest(c, held, now);
		return;
	}
	settle(c, now);
}

static void on_readable(struct conn *c, struct mono now)
{
	size_t held = c->held_len;
	ssize_t n;

	n = stream_recv(&c->stream, joined + held, CONN_READ_BYTES);
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		conn_doom(c);
		return;
	}
	if (c->lingering) {
		c->lingered += (uint32_t)n;
		if (c->lingered > CONN_LINGER_BYTES)
			conn_doom(c);
		return;
	}
	if (held)
		memcpy(joined, c->held, held);
	digest(c, held + (size_t)n, now);
}

/* The way out is free (again): go on with what was held. */
static void on_writable(struct conn *c, struct mono now)
{
	if (stream_flush(&c->stream)) {
		conn_doom(c);
		return;
	}
	if (c->proto->out_ready && !c->lingering) {
		c->stream.corked = true;
		c->proto->out_ready(c, now);
		c->stream.corked = false;
	}
	digest_held(c, now);
}

static void run_later(struct conn *c, struct mono now)
{
	if (c->proto->later && !c->lingering) {
		c->stream.corked = true;
		c->proto->later(c, now);
		c->stream.corked = false;
		if (!c->doomed && stream_flush(&c->stream))
			conn_doom(c);
	}
	if (!c->doomed)
		digest_held(c, now);
}

void conn_settle(struct door *d, struct mono now)
{
	struct conn *dirty = d->dirty;

	d->dirty = NULL;
	/* Nothing is freed here, so the rest of the list stays good; who asks
	 * again gets a turn of its own. */
	while (dirty) {
		struct conn *c = dirty;

		dirty = c->next_dirty;
		c->dirty = false;
		if (!c->doomed)
			run_later(c, now);
	}
	while (d->doomed) {
		struct conn *c = d->doomed;

		d->doomed = c->next_doomed;
		conn_free(c, false, now);
	}
}

void conn_bad(struct conn *c, enum metric metric, const char *what,
	      const char *why, struct mono now)
{
	struct door *d = c->door;

	metrics_add(d->world->metrics, metric);
	if (mono_before(now, mono_add(d->bad_told, BAD_LINE_US))) {
		d->bad_untold++;
		return;
	}
	log_line(LOG_INFO, "bad input", "protocol=%s why=\"%s\" untold=%u",
		 what, why, d->bad_untold);
	d->bad_told = now;
	d->bad_untold = 0;
}

/* TLS */

static void refuse_plain(struct conn *c, struct mono now)
{
	static const char text[] =
		"This port speaks TLS: use https://, wss:// or gRPC with "
		"TLS.\n";
	char head[160];
	int len = snprintf(head, sizeof(head),
			   "HTTP/1.1 400 Bad Request\r\n"
			   "Content-Type: text/plain; charset=utf-8\r\n"
			   "Content-Length: %zu\r\n"
			   "Connection: close\r\n\r\n", sizeof(text) - 1);

	conn_bad(c, M_TLS_FAILED, "tls", "the client speaks none", now);
	c->handshake = false;
	if (stream_send(&c->stream, head, (size_t)len, text,
			sizeof(text) - 1, true))
		conn_doom(c);
	conn_linger(c, now);
	settle(c, now);
}

/* A handshake costs us far more than the far end, so they are counted;
 * processes of this machine are not strangers. */
static bool may_handshake(struct conn *c, struct mono now)
{
	struct door *d = c->door;

	return c->loopback || (limit_take(&d->handshakes, 1, now) &&
			       sources_handshake(d->sources, c->key, now));
}

/* The first byte tells TLS from a client that forgot it. */
static bool start_tls(struct conn *c, struct mono now)
{
	uint8_t first;
	ssize_t n = recv(c->stream.fd, &first, 1, MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		conn_doom(c);
		return false;
	}
	if (first != TLS_HANDSHAKE_BYTE) {
		refuse_plain(c, now);
		return false;
	}
	if (!may_handshake(c, now)) {
		metrics_add(c->door->world->metrics, M_REFUSED_TLS);
		conn_doom(c);
		return false;
	}
	if (stream_start_tls(&c->stream, c->door->tls)) {
		conn_doom(c);
		return false;
	}

	return true;
}

static void handshake_failed(struct conn *c, const char *why, struct mono now)
{
	conn_bad(c, M_TLS_FAILED, "tls", why, now);
	conn_doom(c);
}

static void handshake(struct conn *c, struct mono now)
{
	int done;

	if (!c->stream.tls && !start_tls(c, now))
		return;
	done = stream_handshake(&c->stream);
	if (done < 0) {
		handshake_failed(c, tls_last_error(), now);
		return;
	}
	if (!done)
		return;
	c->handshake = false;
	conn_deadline(c, conn_head_by(c, now));
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
	if (c->handshake) {
		handshake(c, now);
		return;
	}
	if (events & EPOLLOUT)
		on_writable(c, now);
	if ((events & EPOLLIN) && c->stream.reading && !c->doomed)
		on_readable(c, now);
}

/* The first bytes: HTTP/2 by its preface (RFC 9113 section 3.4), else
 * HTTP/1.1. What TLS agreed on needs no guess, but says the same. */
static size_t stranger_in(struct conn *c, const uint8_t *bytes, size_t len,
			  struct mono now)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n";
	size_t whole = sizeof(preface) - 1;
	size_t part = len < whole ? len : whole;

	(void)now;
	if (memcmp(bytes, preface, part) != 0)
		h1_conn_open(c, now);
	else if (len >= whole)
		h2_conn_open(c, now);

	return 0;
}

static const struct conn_proto stranger = { .in = stranger_in };

/* Open, sweep */

void conn_open(struct door *d, int fd, const struct conn_from *from,
	       struct mono now)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		sources_leave(d->sources, from->key);
		return;
	}
	c->door = d;
	c->proto = &stranger;
	c->key = from->key;
	c->kind = from->kind;
	c->loopback = from->loopback;
	c->handshake = from->tls;
	c->startup = true;
	c->deadline_at = conn_head_by(c, now);
	if (from->tls)
		c->deadline_at = mono_add(now, d->limits->tls_timeout_s *
						       1000000ll);
	d->startups++;
	d->connections++;
	c->next = d->first;
	if (d->first)
		d->first->prev = c;
	d->first = c;
	if (stream_init(&c->stream, d->loop, fd, on_stream, c)) {
		conn_free(c, false, now);
		return;
	}
	c->stream.max_bytes = d->limits->queue_bytes;
	c->stream.max_sends = d->limits->queue_messages;
}

void conn_probe(struct conn *c)
{
	int on = 1, idle = 20, between = 10, lost = 4;

	/* Without it a far end that vanished is noticed later. */
	(void)setsockopt(c->stream.fd, SOL_SOCKET, SO_KEEPALIVE, &on,
			 sizeof(on));
	(void)setsockopt(c->stream.fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle,
			 sizeof(idle));
	(void)setsockopt(c->stream.fd, IPPROTO_TCP, TCP_KEEPINTVL, &between,
			 sizeof(between));
	(void)setsockopt(c->stream.fd, IPPROTO_TCP, TCP_KEEPCNT, &lost,
			 sizeof(lost));
}

static void on_deadline(struct conn *c, struct mono now)
{
	if (c->handshake) {
		if (c->stream.tls)
			handshake_failed(c, "it took too long", now);
		else
			conn_doom(c);
		return;
	}
	if (c->lingering || !c->proto->deadline) {
		conn_doom(c);
		return;
	}
	c->proto->deadline(c, now);
}

/* A far end that takes nothing of what waits for it. */
static bool is_stalled(struct conn *c)
{
	if (stream_is_empty(&c->stream) || c->stream.sent != c->sent_seen)
		c->stalled_s = 0;
	else
		c->stalled_s++;
	c->sent_seen = c->stream.sent;

	return c->stalled_s >= c->door->limits->stall_timeout_s;
}

/* With what waits in the kernel's buffers, which would else be kept for a far
 * end that does not read, for minutes. */
static void drop_stalled(struct conn *c)
{
	struct linger at_once = { .l_onoff = 1 };

	metrics_add(c->door->world->metrics, M_SLOW_DROPPED);
	(void)setsockopt(c->stream.fd, SOL_SOCKET, SO_LINGER, &at_once,
			 sizeof(at_once));
	conn_doom(c);
}

void conn_sweep(struct conn *c, struct mono now)
{
	if (c->doomed)
		return;
	if (is_stalled(c)) {
		drop_stalled(c);
		return;
	}
	c->stream.corked = true;
	if (!mono_before(now, c->deadline_at))
		on_deadline(c, now);
	if (!c->doomed && !c->lingering && c->proto->sweep)
		c->proto->sweep(c, now);
	c->stream.corked = false;
	settle(c, now);
}

void conn_farewell(struct conn *c, struct mono now)
{
	if (c->doomed || c->lingering)
		return;
	if (!c->proto->farewell) {
		conn_doom(c);
		return;
	}
	c->stream.corked = true;
	c->proto->farewell(c, now);
	c->stream.corked = false;
	settle(c, now);
}
