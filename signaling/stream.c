/* stream.c - one TCP connection, plain or with TLS */

#include "signaling/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "port/tls.h"

enum {
	PARTS_A_SEND = 32,
	FLUSH_BYTES = 262144,	/* one stream must not hold up the others */
};

struct stream_chunk {
	struct stream_chunk *next;
	const uint8_t *bytes;	/* behind this head, or static */
	size_t len, done;
	bool is_static;
};

int stream_init(struct stream *s, struct loop *loop, int fd,
		watch_h *handler, void *arg)
{
	int err;

	*s = (struct stream){ .loop = loop, .fd = fd, .reading = true,
			      .max_bytes = STREAM_QUEUE_BYTES,
			      .max_sends = STREAM_QUEUE_SENDS };
	err = loop_watch(loop, &s->watch, fd, EPOLLIN, handler, arg);
	if (err) {
		close(fd);
		s->fd = -1;
	}

	return err;
}

static void drop_first(struct stream *s)
{
	struct stream_chunk *chunk = s->first;

	s->first = chunk->next;
	if (!s->first)
		s->last = NULL;
	if (!chunk->is_static) {
		s->bytes -= chunk->len;
		s->sends--;
	}
	free(chunk);
}

void stream_fini(struct stream *s)
{
	while (s->first)
		drop_first(s);
	tls_session_free(s->tls);
	s->tls = NULL;
	if (s->fd < 0)
		return;
	loop_unwatch(&s->watch);
	close(s->fd);
	s->fd = -1;
}

static void set_events(struct stream *s)
{
	uint32_t events = s->reading ? EPOLLIN : 0;

	if (s->first || s->connecting || s->want_write)
		events |= EPOLLOUT;
	/* The descriptor is open and watched, so only a lack of kernel
	 * memory fails here, and the deadlines end the connection then. */
	if (s->watch.loop && events != s->watch.events)
		(void)!loop_change(&s->watch, events);
}

void stream_set_reading(struct stream *s, bool on)
{
	if (s->reading == on)
		return;
	s->reading = on;
	set_events(s);
}

int stream_start_tls(struct stream *s, struct tls_server *server)
{
	return tls_session_new(&s->tls, server, s->fd);
}

int stream_join_tls(struct stream *s, struct tls_client *client,
		    const char *host)
{
	return tls_client_session(&s->tls, client, s->fd, host);
}

int stream_handshake(struct stream *s)
{
	int err = tls_handshake(s->tls);

	s->want_write = err == -EAGAIN && tls_wants_write(s->tls);
	set_events(s);
	if (err == -EAGAIN)
		return 0;

	return err ? err : 1;
}

ssize_t stream_recv(struct stream *s, void *bytes, size_t room)
{
	ssize_t n;

	if (s->tls) {
		n = tls_recv(s->tls, bytes, room);
		s->want_write = n == -EAGAIN && tls_wants_write(s->tls);
		if (s->want_write)
			set_events(s);
		return n;
	}
	n = recv(s->fd, bytes, room, 0);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;

	return n;
}

/* The first n queued bytes have left. */
static void leave(struct stream *s, size_t n)
{
	s->sent += n;
	while (n && s->first) {
		struct stream_chunk *c = s->first;
		size_t part = c->len - c->done;

		if (n < part) {
			c->done += n;
			return;
		}
		n -= part;
		drop_first(s);
	}
}

static ssize_t send_plain(struct stream *s)
{
	struct iovec parts[PARTS_A_SEND];
	struct msghdr message = { .msg_iov = parts };
	size_t left = FLUSH_BYTES;
	ssize_t n;

	for (struct stream_chunk *c = s->first;
	     c && left && message.msg_iovlen < PARTS_A_SEND; c = c->next) {
		struct iovec *part = &parts[message.msg_iovlen++];
		size_t len = c->len - c->done;

		/* sendmsg() reads only, but its struct does not say so. */
		memcpy(&part->iov_base, &c->bytes, sizeof(part->iov_base));
		part->iov_base = (char *)part->iov_base + c->done;
		part->iov_len = len < left ? len : left;
		left -= part->iov_len;
	}
	n = sendmsg(s->fd, &message, MSG_NOSIGNAL);

	return n < 0 ? -errno : n;
}

/*
 * Small messages go out in one record. What is tried again after -EAGAIN
 * begins with the same bytes, because only the end of the queue grows.
 */
static ssize_t send_tls(struct stream *s)
{
	static uint8_t joined[TLS_RECORD];
	struct stream_chunk *c = s->first;
	size_t len = 0;

	if (!c->next || c->len - c->done >= TLS_RECORD) {
		len = c->len - c->done;
		return tls_send(s->tls, c->bytes + c->done,
				len < TLS_RECORD ? len : TLS_RECORD);
	}
	for (; c && len < TLS_RECORD; c = c->next) {
		size_t part = c->len - c->done;

		if (part > TLS_RECORD - len)
			part = TLS_RECORD - len;
		memcpy(joined + len, c->bytes + c->done, part);
		len += part;
	}

	return tls_send(s->tls, joined, len);
}

int stream_flush(struct stream *s)
{
	uint64_t enough = s->sent + FLUSH_BYTES;
	int err = 0;

	while (s->first && !s->connecting && s->sent < enough) {
		ssize_t n = s->tls ? send_tls(s) : send_plain(s);

		if (n == -EINTR)
			continue;
		if (n < 0) {
			err = n == -EAGAIN ? 0 : (int)n;
			break;
		}
		leave(s, (size_t)n);
	}
	set_events(s);

	return err;
}

static void append(struct stream *s, struct stream_chunk *chunk)
{
	if (s->last)
		s->last->next = chunk;
	else
		s->first = chunk;
	s->last = chunk;
}

int stream_send(struct stream *s, const void *head, size_t head_len,
		const void *body, size_t body_len, bool force)
{
	size_t len = head_len + body_len;
	struct stream_chunk *chunk;
	uint8_t *bytes;

	if (s->fd < 0)
		return -ENOTCONN;
	if (!force && (s->bytes + len > s->max_bytes ||
		       s->sends >= s->max_sends))
		return -ENOBUFS;
	chunk = malloc(sizeof(*chunk) + len);
	if (!chunk)
		return -ENOMEM;
	*chunk = (struct stream_chunk){ .len = len };
	bytes = (uint8_t *)(chunk + 1);
	chunk->bytes = bytes;
	if (head_len)
		memcpy(bytes, head, head_len);
	if (body_len)
		memcpy(bytes + head_len, body, body_len);
	append(s, chunk);
	s->bytes += len;
	s->sends++;

	return s->corked ? 0 : stream_flush(s);
}

int stream_send_static(struct stream *s, const void *bytes, size_t len)
{
	struct stream_chunk *chunk;

	if (!len)
		return 0;
	chunk = malloc(sizeof(*chunk));
	if (!chunk)
		return -ENOMEM;
	*chunk = (struct stream_chunk){ .bytes = bytes, .len = len,
					.is_static = true };
	append(s, chunk);

	return s->corked ? 0 : stream_flush(s);
}

int stream_shutdown(struct stream *s)
{
	int err = s->tls ? tls_close(s->tls) : 0;

	if (err && err != -EAGAIN)
		return err;

	return shutdown(s->fd, SHUT_WR) ? -errno : 0;
}

bool stream_is_full(const struct stream *s)
{
	return s->bytes > STREAM_PAUSE_BYTES || s->sends > STREAM_PAUSE_SENDS;
}

bool stream_is_empty(const struct stream *s)
{
	return s->first == NULL;
}
