/* ear.c - a doorbell with a limit */

#include "media-worker/ear.h"

#include "shm/doorbell.h"

#include <sys/epoll.h>
#include <unistd.h>

enum { WINDOW_US = 100000, RINGS = 500, PAUSE_US = 10000 };

static void on_bell(int fd, uint32_t events, struct mono now, void *arg);

static void on_pause_over(struct mono now, void *arg)
{
	struct ear *e = arg;

	e->rings = 0;
	e->window = now;
	(void)!loop_watch(e->loop, &e->watch, e->fd, EPOLLIN, on_bell, e);
	e->handler(now, e->arg);
}

static void on_bell(int fd, uint32_t events, struct mono now, void *arg)
{
	struct ear *e = arg;

	(void)events;
	if (mono_since(now, e->window) > WINDOW_US) {
		e->window = now;
		e->rings = 0;
	}
	if (doorbell_hear(fd) != 0) {
		/* The ringer is gone; the broker will say what follows. */
		loop_unwatch(&e->watch);
	} else if (++e->rings > RINGS) {
		loop_unwatch(&e->watch);
		loop_timer(e->loop, &e->pause, mono_add(now, PAUSE_US),
			   on_pause_over, e);
	}
	e->handler(now, e->arg);
}

int ear_open(struct ear *e, struct loop *loop, int fd, ear_h *handler,
	     void *arg)
{
	int err;

	*e = (struct ear){ .loop = loop, .fd = fd, .handler = handler,
			   .arg = arg };
	err = loop_watch(loop, &e->watch, fd, EPOLLIN, on_bell, e);
	if (err)
		*e = (struct ear){ 0 };

	return err;
}

void ear_close(struct ear *e)
{
	if (!e->loop)
		return;
	loop_unwatch(&e->watch);
	loop_untimer(&e->pause);
	close(e->fd);
	*e = (struct ear){ 0 };
}
