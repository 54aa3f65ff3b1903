/*
 * bus.h - the broker's end of a worker's `ctl` socket: nng pair1
 *
 * Units    Bytes; frames of at most BUS_FRAME_MAX.
 * Memory   bus_free() closes; a frame from bus_recv() is the bus's own,
 *          aligned for any struct, and valid until the next call on it.
 * Errors   Negative errno; nng's codes are mapped (NNG_EAGAIN: -EAGAIN, ...).
 * Threads  The caller's one thread. nng runs threads of its own inside, none
 *          of them calls us. A process that used this must not use it again
 *          in a forked child (exec is fine).
 */
#ifndef PORT_BUS_H
#define PORT_BUS_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct bus;

enum { BUS_FRAME_MAX = 34000, BUS_SEND_QUEUE = 128 };

/*
 * Dials the Unix socket at path (which a worker hears) in the background and
 * again whenever the connection is lost. -EMFILE, -ENOMEM, -EINVAL.
 */
int bus_dial(struct bus **out, const char *path) MUST_USE;

/* NULL is fine. */
void bus_free(struct bus *bus);

/* The same in a thread of its own: the close of nng may never return, once in
 * ten thousands (docs/decisions/001). Its memory then stays. */
void bus_retire(struct bus *bus);

/* Readable when bus_recv() may have a frame. Belongs to nng: poll it, never
 * read or close it. */
int bus_fd(const struct bus *bus);

/* A frame and its length, -EAGAIN (none; wakes may be spurious). */
int bus_recv(struct bus *bus, const void **bytes, size_t *len) MUST_USE;

/* A wire_send_h (arg: the bus). -EAGAIN when BUS_SEND_QUEUE frames wait,
 * -EINVAL with descriptors. */
int bus_send(void *bus, const void *bytes, size_t len, const int *fds,
	     unsigned nfds);

#endif
