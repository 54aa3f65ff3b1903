/* stream.c - one TCP connection */

#include "signaling/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

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

	*s = (struct stream){ .loop = loop, .fd = fd, .reading = true };
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
	if (s->fd < 0)
		return;
	loop_unwatch(&s->watch);
	close(s->fd);
	s->fd = -1;
}

static void set_events(struct stream *s)
{
	uint32_t events = s->reading ? EPOLLIN : 0;

	if (s->first || s->connecting)
		events |= EPOLLOUT;
	/* The descriptor is open and watched, so only a lack of kernel
	 * memory fails here, and the deadlines end the connection then. */
	if (s->watch.loop)
		(void)!loop_change(&s->watch, events);
}

void stream_set_reading(struct stream *s, bool on)
{
	if (s->reading == on)
		return;
	s->reading = on;
	set_events(s);
}

int stream_flush(struct stream *s)
{
	int err = 0;

	while (s->first && !s->connecting) {
		struct stream_chunk *c = s->first;
		ssize_t n = send(s->fd, c->bytes + c->done, c->len - c->done,
				 MSG_NOSIGNAL |
					 (c->next ? MSG_MORE : 0));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err = errno == EAGAIN ? 0 : -errno;
			break;
		}
		c->done += (size_t)n;
		if (c->done == c->len)
			drop_first(s);
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
	if (!force && (s->bytes + len > STREAM_QUEUE_BYTES ||
		       s->sends >= STREAM_QUEUE_SENDS))
		return -ENOBUFS;
	chunk = malloc(sizeof(*chunk) + len);
	if (!chunk)
		return -ENOMEM;
	*chunk = (struct stream_chunk){ .len = len };
	bytes = (uint8_t *)(chunk + 1);
	chunk->bytes = bytes;
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
	struct stream_chunk *chunk = malloc(sizeof(*chunk));

	if (!chunk)
		return -ENOMEM;
	*chunk = (struct stream_chunk){ .bytes = bytes, .len = len,
					.is_static = true };
	append(s, chunk);

	return s->corked ? 0 : stream_flush(s);
}

bool stream_is_full(const struct stream *s)
{
	return s->bytes > STREAM_PAUSE_BYTES || s->sends > STREAM_PAUSE_SENDS;
}

bool stream_is_empty(const struct stream *s)
{
	return s->first == NULL;
}
