/*
 * channel.h - a worker's end of its sockets to the broker
 *
 * The broker bound the listeners before this process began and dials them:
 * `ctl` speaks nng's wire format (SP over ipc, pair1), `fds` is
 * SOCK_SEQPACKET with descriptors. The single channel of an ice-worker has
 * `fds` alone and carries all on it (docs/decisions/001). A broker that died
 * is followed by a new one that dials again; the newest connection wins. End
 * of file is not the end of a call: the owner is told and goes on.
 *
 * Memory   channel_new() takes both listener descriptors when it returns 0.
 *          Frames are valid during the handler only. Descriptors received
 *          belong to the handler.
 * Errors   Negative errno. The handler returns 0, or negative: the broker
 *          broke the contract and this connection is closed.
 * Threads  The loop's.
 * Process  SIGPIPE must be ignored. Needs accept4, read, write, recvmsg,
 *          close, epoll_ctl.
 */
#ifndef COMMON_CHANNEL_H
#define COMMON_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/loop.h"

struct channel;

enum { CHANNEL_FRAME_MAX = 34000, CHANNEL_QUEUE_MAX = 1048576 };

struct channel_ops {
	/* Dialled: say hello. The frame counter starts anew. */
	void (*up)(void *arg);
	/* Lost (and what was queued with it). */
	void (*down)(void *arg);
	int (*frame)(const void *bytes, size_t len, const int *fds,
		     unsigned nfds, void *arg);
	void *arg;
};

/* ctl_listener -1: a single channel. -ENOMEM, or what epoll says. End with
 * channel_free(). */
int channel_new(struct channel **out, struct loop *loop, int ctl_listener,
		int fds_listener, const struct channel_ops *ops) MUST_USE;

/* NULL is fine. */
void channel_free(struct channel *ch);

bool channel_is_up(const struct channel *ch);

/*
 * A wire_send_h (arg: the channel). One frame, whole or not at all; what the
 * socket does not take at once is queued. Never blocks.
 * -ENOTCONN, -EMSGSIZE (also for an empty frame), -ENOBUFS (queue over
 * CHANNEL_QUEUE_MAX), -EINVAL with descriptors (they travel downwards only).
 */
int channel_send(void *channel, const void *bytes, size_t len, const int *fds,
		 unsigned nfds);

/* Tries to write what is queued, for at most wait_ms: the last words of a
 * process that is about to leave. */
void channel_flush(struct channel *ch, int wait_ms);

#endif
