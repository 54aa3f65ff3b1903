/*
 * ear.h - hears a doorbell, and is not deafened by one that never stops
 *
 * A bell is a hint from a process that may be hostile: beyond some thousand
 * rings a second the ear closes for 10 ms at a time and then looks anyway.
 *
 * Memory   ear_open() takes the descriptor when it returns 0; ear_close()
 *          closes it. Zero before use.
 * Threads  The loop's.
 */
#ifndef MEDIA_WORKER_EAR_H
#define MEDIA_WORKER_EAR_H

#include "common/loop.h"

typedef void ear_h(struct mono now, void *arg);

struct ear {
	struct loop *loop;
	struct watch watch;
	struct timer pause;
	struct mono window;
	unsigned rings;		/* in this window */
	int fd;
	ear_h *handler;
	void *arg;
};

int ear_open(struct ear *e, struct loop *loop, int fd, ear_h *handler,
	     void *arg) MUST_USE;

/* Fine on a zeroed one. */
void ear_close(struct ear *e);

#endif
