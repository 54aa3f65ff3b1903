/*
 * loop.c - epoll, and timers in a sorted list
 *
 * A handler may stop or free any watch, its own included, while a batch of
 * events is walked: loop_unwatch() wipes the watch from the rest of the
 * batch, so that no event reaches freed storage. Timers are few per loop
 * (some tens), a sorted list beats a heap there and needs no memory.
 */

#include "common/loop.h"

#include "common/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64 };

struct loop {
	int fd;
	bool stop;
	struct timer *first;
	struct epoll_event batch[BATCH];
	int batch_len;
	int64_t budget_us;
	uint64_t slow;
};

int loop_new(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->budget_us = 20000;
	loop->fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->fd < 0) {
		int err = -errno;

		free(loop);
		return err;
	}
	*out = loop;

	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	close(loop->fd);
	free(loop);
}

int loop_watch(struct loop *loop, struct watch *w, int fd, uint32_t events,
	       watch_h *handler, void *arg)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	if (epoll_ctl(loop->fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	*w = (struct watch){ fd, events, handler, arg, loop };

	return 0;
}

int loop_change(struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	if (!w->loop)
		return -EINVAL;
	if (w->events == events)
		return 0;
	if (epoll_ctl(w->loop->fd, EPOLL_CTL_MOD, w->fd, &ev) < 0)
		return -errno;
	w->events = events;

	return 0;
}

void loop_unwatch(struct watch *w)
{
	struct loop *loop = w->loop;

	if (!loop)
		return;
	epoll_ctl(loop->fd, EPOLL_CTL_DEL, w->fd, NULL);
	for (int i = 0; i < loop->batch_len; i++)
		if (loop->batch[i].data.ptr == w)
			loop->batch[i].data.ptr = NULL;
	w->loop = NULL;
	w->fd = -1;
}

void loop_untimer(struct timer *t)
{
	if (!t->loop)
		return;
	if (t->prev)
		t->prev->next = t->next;
	else
		t->loop->first = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->prev = t->next = NULL;
	t->loop = NULL;
	t->due = MONO_NEVER;
}

void loop_timer(struct loop *loop, struct timer *t, struct mono due,
		timer_h *handler, void *arg)
{
	struct timer *prev = NULL, *next;

	loop_untimer(t);
	t->due = due;
	t->handler = handler;
	t->arg = arg;
	if (due.us == MONO_NEVER.us)
		return;

	next = loop->first;
	while (next && !mono_before(due, next->due)) {
		prev = next;
		next = next->next;
	}
	t->loop = loop;
	t->prev = prev;
	t->next = next;
	if (prev)
		prev->next = t;
	else
		loop->first = t;
	if (next)
		next->prev = t;
}

struct mono loop_due(const struct loop *loop)
{
	return loop->first ? loop->first->due : MONO_NEVER;
}

int loop_fd(const struct loop *loop)
{
	return loop->fd;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}

uint64_t loop_slow_count(const struct loop *loop)
{
	return loop->slow;
}

void loop_set_budget(struct loop *loop, int64_t budget_us)
{
	loop->budget_us = budget_us;
}

/* After each handler: the clock again, and the budget. */
static struct mono account(struct loop *loop, struct mono before)
{
	struct mono now = mono_now();

	if (mono_since(now, before) > loop->budget_us)
		loop->slow++;

	return now;
}

static void fire_timers(struct loop *loop, struct mono now)
{
	/* One that re-arms itself for the past waits for the next turn. */
	int most = 256;

	while (loop->first && !mono_before(now, loop->first->due) && most--) {
		struct timer *t = loop->first;

		loop_untimer(t);
		t->handler(now, t->arg);
		now = account(loop, now);
	}
}

/* How long to sleep, to the microsecond; NULL for ever. */
static struct timespec *sleep_for(const struct loop *loop, int wait_ms,
				  struct timespec *ts)
{
	int64_t left, most = (int64_t)wait_ms * 1000;

	if (wait_ms < 0 && !loop->first)
		return NULL;
	if (loop->first && wait_ms != 0) {
		left = mono_since(loop->first->due, mono_now());
		left = left > 0 ? left : 0;
		if (wait_ms < 0 || left < most)
			most = left;
	}
	ts->tv_sec = most / 1000000;
	ts->tv_nsec = most % 1000000 * 1000;

	return ts;
}

int loop_turn(struct loop *loop, int wait_ms)
{
	struct timespec ts;
	int n = epoll_pwait2(loop->fd, loop->batch, BATCH,
			     sleep_for(loop, wait_ms, &ts), NULL);
	struct mono now = mono_now();

	if (n < 0)
		return errno == EINTR ? 0 : -errno;

	loop->batch_len = n;
	for (int i = 0; i < n; i++) {
		struct watch *w = loop->batch[i].data.ptr;

		if (!w)
			continue;
		w->handler(w->fd, loop->batch[i].events, now, w->arg);
		now = account(loop, now);
	}
	loop->batch_len = 0;
	fire_timers(loop, now);

	return 0;
}

int loop_run(struct loop *loop)
{
	int err = 0;

	loop->stop = false;
	while (!loop->stop && !err)
		err = loop_turn(loop, -1);

	return err;
}
