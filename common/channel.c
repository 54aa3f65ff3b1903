/*
 * channel.c - accept the broker's dials, carry frames
 *
 * Who may change what: `ctl` and `fds` are independent connections. Each
 * has its listener, which stays open for ever, and at most one connection;
 * a new dial closes the old one (its broker is dead or has been replaced).
 * A single channel has `fds` alone: a frame is a datagram there, and what
 * waits is kept with its length in front (on `ctl`: with its SP head).
 * A handler may call channel_send() and channel_flush(), never
 * channel_free().
 */

#include "common/channel.h"

#include "common/sp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <poll.h>
#include <unistd.h>

enum { FDS_MAX = 8 };

struct channel {
	struct loop *loop;
	struct channel_ops ops;
	int ctl_listener, fds_listener;
	struct watch on_ctl, on_fds;		/* the listeners */
	struct watch ctl, fds;			/* the connections */
	bool up, single;
	struct sp sp;				/* not for a single channel */
	uint8_t *in;				/* one datagram */
	uint8_t *out;				/* queued */
	size_t out_len, out_cap;
};

static void went_down(struct channel *ch)
{
	bool was_up = ch->up;

	ch->out_len = 0;
	ch->up = false;
	if (was_up && ch->ops.down)
		ch->ops.down(ch->ops.arg);
}

static void ctl_close(struct channel *ch)
{
	int fd = ch->ctl.fd;

	if (!ch->ctl.loop)
		return;
	loop_unwatch(&ch->ctl);
	close(fd);
	sp_reset(&ch->sp);
	went_down(ch);
}

static void fds_close(struct channel *ch)
{
	int fd = ch->fds.fd;

	if (!ch->fds.loop)
		return;
	loop_unwatch(&ch->fds);
	close(fd);
	if (ch->single)
		went_down(ch);
}

/* Bytes written, 0 when the socket is full, or negative. */
static ssize_t put(int fd, const void *bytes, size_t len)
{
	ssize_t n;

	do
		n = write(fd, bytes, len);
	while (n < 0 && errno == EINTR);

	return n >= 0 ? n : errno == EAGAIN ? 0 : -errno;
}

/* The first datagram that waits; as put(), in bytes of the queue. */
static ssize_t put_datagram(struct channel *ch, size_t at)
{
	uint32_t len;
	ssize_t n;

	memcpy(&len, ch->out + at, sizeof(len));
	n = put(ch->fds.fd, ch->out + at + sizeof(len), len);

	return n > 0 ? n + (ssize_t)sizeof(len) : n;
}

/* Writes what the socket takes. 0, or negative: the connection is dead. */
static int drain(struct channel *ch)
{
	struct watch *w = ch->single ? &ch->fds : &ch->ctl;
	size_t done = 0;

	while (done < ch->out_len) {
		ssize_t n = ch->single ? put_datagram(ch, done) :
					 put(w->fd, ch->out + done,
					     ch->out_len - done);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	ch->out_len -= done;
	memmove(ch->out, ch->out + done, ch->out_len);

	return loop_change(w, ch->out_len ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static int enqueue(struct channel *ch, const void *bytes, size_t len)
{
	size_t want = ch->out_len + len;

	if (want > CHANNEL_QUEUE_MAX)
		return -ENOBUFS;
	if (want > ch->out_cap) {
		size_t cap = want + 4096;
		uint8_t *out = realloc(ch->out, cap);

		if (!out)
			return -ENOMEM;
		ch->out = out;
		ch->out_cap = cap;
	}
	memcpy(ch->out + ch->out_len, bytes, len);
	ch->out_len = want;

	return 0;
}

int channel_send(void *channel, const void *bytes, size_t len, const int *fds,
		 unsigned nfds)
{
	struct channel *ch = channel;
	uint32_t len32 = (uint32_t)len;
	uint8_t sp_head[SP_FRAME_HEAD];
	const void *head = ch->single ? (const void *)&len32 : sp_head;
	size_t head_len = ch->single ? sizeof(len32) : sizeof(sp_head);
	int err;

	(void)fds;
	if (nfds)
		return -EINVAL;
	if (!ch->up)
		return -ENOTCONN;
	if (!len || len > CHANNEL_FRAME_MAX)
		return -EMSGSIZE;
	if (ch->out_len + head_len + len > CHANNEL_QUEUE_MAX)
		return -ENOBUFS;

	sp_write_head(sp_head, len);
	if ((err = enqueue(ch, head, head_len)))
		return err;
	if ((err = enqueue(ch, bytes, len))) {
		ch->out_len -= head_len;
		return err;
	}

	/* A dead connection is noticed by its watch, not in the sender. */
	(void)drain(ch);

	return 0;
}

void channel_flush(struct channel *ch, int wait_ms)
{
	struct pollfd p = {
		.fd = ch->single ? ch->fds.fd : ch->ctl.fd,
		.events = POLLOUT,
	};

	while (ch->up && ch->out_len) {
		if (poll(&p, 1, wait_ms) <= 0 || drain(ch) < 0)
			return;
	}
}

/* 0, or negative when the connection must go. */
static int take_frames(struct channel *ch)
{
	const void *frame;
	size_t len;
	int got;

	while ((got = sp_next(&ch->sp, &frame, &len)) > 0) {
		int err = ch->ops.frame(frame, len, NULL, 0, ch->ops.arg);

		if (err || !ch->ctl.loop)
			return err ? err : -ENOTCONN;
		sp_drop(&ch->sp, len);
	}
	if (!got && ch->sp.greeted && !ch->up) {
		ch->up = true;
		if (ch->ops.up)
			ch->ops.up(ch->ops.arg);
	}

	return got;
}

static void on_ctl(int fd, uint32_t events, struct mono now, void *arg)
{
	struct channel *ch = arg;
	size_t room;
	void *space;
	ssize_t n;

	(void)now;
	if (events & EPOLLOUT && drain(ch) < 0) {
		ctl_close(ch);
		return;
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;

	space = sp_space(&ch->sp, &room);
	n = read(fd, space, room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		sp_fill(&ch->sp, (size_t)n);
		n = take_frames(ch) < 0 ? 0 : n;
	}
	if (n <= 0)
		ctl_close(ch);
}

static void on_ctl_dial(int fd, uint32_t events, struct mono now, void *arg)
{
	struct channel *ch = arg;
	uint8_t greeting[SP_GREETING];
	int conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	(void)now;
	if (conn < 0)
		return;
	ctl_close(ch);
	sp_write_greeting(greeting);
	if (write(conn, greeting, sizeof(greeting)) != sizeof(greeting) ||
	    loop_watch(ch->loop, &ch->ctl, conn, EPOLLIN, on_ctl, ch))
		close(conn);
}

/* Descriptors of one message; closes all when there are too many. */
static int take_fds(struct msghdr *mh, int *fds)
{
	unsigned n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t len = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < len / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int),
			       sizeof(int));
			if (n < FDS_MAX)
				fds[n++] = fd;
			else
				close(fd);
		}
	}

	return (int)n;
}

static void on_fds(int fd, uint32_t events, struct mono now, void *arg)
{
	struct channel *ch = arg;
	union {
		char space[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} u;
	struct iovec iov = { ch->in, CHANNEL_FRAME_MAX };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &u, .msg_controllen = sizeof(u),
	};
	int fds[FDS_MAX], nfds, err;
	ssize_t n;

	(void)now;
	if (events & EPOLLOUT && drain(ch) < 0) {
		fds_close(ch);
		return;
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fds_close(ch);
		return;
	}
	nfds = take_fds(&mh, fds);
	if (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (int i = 0; i < nfds; i++)
			close(fds[i]);
		err = -EPROTO;
	} else {
		err = ch->ops.frame(ch->in, (size_t)n, fds, (unsigned)nfds,
				    ch->ops.arg);
	}
	if (err)
		fds_close(ch);
}

static void on_fds_dial(int fd, uint32_t events, struct mono now, void *arg)
{
	struct channel *ch = arg;
	int conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	(void)now;
	if (conn < 0)
		return;
	fds_close(ch);
	if (loop_watch(ch->loop, &ch->fds, conn, EPOLLIN, on_fds, ch)) {
		close(conn);
		return;
	}
	if (!ch->single)
		return;
	ch->up = true;
	if (ch->ops.up)
		ch->ops.up(ch->ops.arg);
}

int channel_new(struct channel **out, struct loop *loop, int ctl_listener,
		int fds_listener, const struct channel_ops *ops)
{
	struct channel *ch = calloc(1, sizeof(*ch));
	int err;

	if (!ch)
		return -ENOMEM;
	ch->loop = loop;
	ch->ops = *ops;
	ch->single = ctl_listener < 0;
	ch->in = malloc(CHANNEL_FRAME_MAX);
	err = ch->in ? 0 : -ENOMEM;
	if (!err && !ch->single &&
	    !(err = sp_init(&ch->sp, CHANNEL_FRAME_MAX)))
		err = loop_watch(loop, &ch->on_ctl, ctl_listener, EPOLLIN,
				 on_ctl_dial, ch);
	if (!err)
		err = loop_watch(loop, &ch->on_fds, fds_listener, EPOLLIN,
				 on_fds_dial, ch);
	if (err) {
		loop_unwatch(&ch->on_ctl);
		sp_fini(&ch->sp);
		free(ch->in);
		free(ch);
		return err;
	}
	ch->ctl_listener = ctl_listener;
	ch->fds_listener = fds_listener;
	*out = ch;

	return 0;
}

void channel_free(struct channel *ch)
{
	if (!ch)
		return;
	ch->ops.down = NULL;
	ctl_close(ch);
	fds_close(ch);
	loop_unwatch(&ch->on_ctl);
	loop_unwatch(&ch->on_fds);
	if (!ch->single)
		close(ch->ctl_listener);
	close(ch->fds_listener);
	sp_fini(&ch->sp);
	free(ch->in);
	free(ch->out);
	free(ch);
}

bool channel_is_up(const struct channel *ch)
{
	return ch->up;
}
