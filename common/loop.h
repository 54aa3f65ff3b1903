/*
 * loop.h - one epoll loop per thread: descriptors, timers, `now` passed down
 *
 * Units    struct mono, absolute.
 * Memory   A watch or a timer is storage of its owner, linked into the loop
 *          while it is active; stop it before the storage goes away. Both
 *          may be stopped or freed from any handler of the same loop.
 * Errors   Negative errno.
 * Threads  A loop belongs to the thread that runs it. loop_stop() may be
 *          called from a handler only.
 * Process  The ice-worker runs this loop inside GLib's: loop_fd() becomes
 *          readable when loop_turn() has work.
 */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"

struct loop;

/* events: EPOLLIN, EPOLLOUT, EPOLLHUP, ... (level-triggered) */
typedef void watch_h(int fd, uint32_t events, struct mono now, void *arg);
typedef void timer_h(struct mono now, void *arg);

struct watch {
	int fd;			/* -1 when inactive */
	uint32_t events;
	watch_h *handler;
	void *arg;
	struct loop *loop;
};

struct timer {
	struct mono due;	/* MONO_NEVER when inactive */
	timer_h *handler;
	void *arg;
	struct loop *loop;
	struct timer *prev, *next;
};

/* -ENOMEM, or what epoll_create1 says. End with loop_free(). */
int loop_new(struct loop **out) MUST_USE;

/* All watches and timers must be stopped. NULL is fine. */
void loop_free(struct loop *loop);

/* The loop does not own fd: stop first, then close. Zero w before first use. */
int loop_watch(struct loop *loop, struct watch *w, int fd, uint32_t events,
	       watch_h *handler, void *arg) MUST_USE;

/* Other events for an active watch. */
int loop_change(struct watch *w, uint32_t events) MUST_USE;

/* Fine on an inactive or zeroed watch. */
void loop_unwatch(struct watch *w);

/* Arms or re-arms; due MONO_NEVER disarms. Zero t before first use. */
void loop_timer(struct loop *loop, struct timer *t, struct mono due,
		timer_h *handler, void *arg);

/* Fine on an inactive or zeroed timer. */
void loop_untimer(struct timer *t);

/* Runs until loop_stop(). 0, or a negative errno of epoll_wait. */
int loop_run(struct loop *loop) MUST_USE;
void loop_stop(struct loop *loop);

/* The earliest timer; MONO_NEVER if none. */
struct mono loop_due(const struct loop *loop);

/* For a loop inside another: poll this, then call loop_turn(). */
int loop_fd(const struct loop *loop);

/* One turn that waits at most wait_ms (0: not at all, -1: for ever). */
int loop_turn(struct loop *loop, int wait_ms) MUST_USE;

/* Handlers that took longer than their budget (20 ms unless set). */
uint64_t loop_slow_count(const struct loop *loop);
void loop_set_budget(struct loop *loop, int64_t budget_us);

#endif
