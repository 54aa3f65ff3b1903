/*
 * worker.c - one process: its sockets, its life signs, its end
 *
 * The end of a process is told by its pidfd, whoever its parent is. The end
 * of its SEQPACKET connection says the same for a process whose pid was
 * never learnt. Both end in worker_ended(), once.
 */

#include "session-broker/broker.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	HELLO_US = 10000000, LAST_WORDS_US = 30000, RETIRE_US = 1000000,
	PARK_US = 3000000, GOODBYE_US = 2000000, BUSY_MS = 300,
};
enum { ICE_MESSAGES = 400 };	/* a second; an honest one has some ten */

int worker_new(struct worker **out, struct broker *b, enum proc kind,
	       const char *name)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->b = b;
	w->serial = ++b->serials;
	w->kind = kind;
	w->phase = AT_BOOT;
	w->on_fds.fd = -1;
	snprintf(w->name, sizeof(w->name), "%s", name);
	w->next = b->workers;
	if (w->next)
		w->next->prev = w;
	b->workers = w;
	*out = w;

	return 0;
}

static void close_watch(struct watch *watch)
{
	int fd = watch->fd;

	if (!watch->loop)
		return;
	loop_unwatch(watch);
	close(fd);
}

struct parked {
	struct timer timer;
	struct bus *bus;
};

static void on_parked(struct mono now, void *arg)
{
	struct parked *p = arg;

	(void)now;
	bus_retire(p->bus);
	free(p);
}

/*
 * nng_close deadlocks when a dial is being completed at that moment, as may
 * be while no hello has come. Such a bus is closed when its dial is long
 * over (docs/decisions/001).
 */
static void close_bus(struct worker *w)
{
	struct parked *p = w->bus && w->phase == AT_BOOT && !w->b->stopping ?
				   calloc(1, sizeof(*p)) : NULL;

	loop_unwatch(&w->on_bus);
	if (p) {
		p->bus = w->bus;
		loop_timer(w->b->loop, &p->timer,
			   mono_add(mono_now(), PARK_US), on_parked, p);
	} else if (w->phase != AT_BOOT) {
		bus_retire(w->bus);
	}
	w->bus = NULL;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	if (w->prev)
		w->prev->next = w->next;
	else
		w->b->workers = w->next;
	if (w->next)
		w->next->prev = w->prev;

	loop_untimer(&w->deadline);
	close_bus(w);
	close_watch(&w->on_fds);
	close_watch(&w->on_exit);
	rundir_drop(w->b, w->name);
	free(w);
}

void worker_kill(struct worker *w, int sig)
{
	if (w->on_exit.loop)
		syscall(SYS_pidfd_send_signal, w->on_exit.fd, sig, NULL, 0);
}

void worker_dismiss(struct worker *w, uint64_t peer, uint32_t why)
{
	w->leaving = true;
	w->peer = NULL;
	(void)send_peer_close(&w->ctl, &(struct msg_peer_close){ peer, why, 0 },
			      NULL, 0, NULL);
	worker_alive(w, GOODBYE_US);
}

static void on_retired(struct mono now, void *arg)
{
	(void)now;
	worker_kill(arg, SIGTERM);
}

void worker_retire(struct worker *w)
{
	w->leaving = true;
	loop_timer(w->b->loop, &w->deadline, mono_add(mono_now(), RETIRE_US),
		   on_retired, w);
}

void worker_broken(struct worker *w, const char *what)
{
	log_warn("worker broke the contract", "worker=%s what=\"%s\"", w->name,
		 what);
	if (w->pid)
		worker_kill(w, SIGKILL);	/* on_exit_seen() follows */
	else
		worker_ended(w, SIGKILL);
}

static void on_silent(struct mono now, void *arg)
{
	struct worker *w = arg;

	(void)now;
	worker_broken(w, w->phase == AT_BOOT ? "no hello" : "no life sign");
}

void worker_alive(struct worker *w, int64_t span_us)
{
	if (w->pid && !w->on_exit.loop)
		return;		/* it has ended: on_last_words is due */
	loop_timer(w->b->loop, &w->deadline,
		   span_us ? mono_add(mono_now(), span_us) : MONO_NEVER,
		   on_silent, w);
}

/* An ice-worker parses the internet: what it may cost us is bounded. */
static bool within_rate(struct worker *w)
{
	struct mono now = mono_now();

	if (w->kind != ICE)
		return true;
	if (mono_since(now, w->second) > 1000000) {
		w->second = now;
		w->spent = 0;
	}

	return ++w->spent <= ICE_MESSAGES;
}

static void take(struct worker *w, const void *frame, size_t len)
{
	struct wire_in in;

	if (!within_rate(w)) {
		worker_broken(w, "too many messages");
		return;
	}
	if (wire_open(&in, frame, len, 0, w->kind, BROKER, w->phase)) {
		struct msg_head head = { .type = MSG_COUNT };

		memcpy(&head, frame, len < sizeof(head) ? len : sizeof(head));
		log_warn("message refused", "worker=%s message=%s phase=%d",
			 w->name, msg_name(head.type), (int)w->phase);
		worker_broken(w, "message not allowed");
		return;
	}
	if (dispatch(w, &in))
		worker_broken(w, msg_name(in.type));
}

/*
 * A handler may free the worker (its end is noticed while it is served), so
 * it is looked up again after take(), by a serial: a new worker may stand at
 * the same address. NULL: it is gone.
 */
static struct worker *by_serial(const struct broker *b, uint64_t serial)
{
	for (struct worker *w = b->workers; w; w = w->next)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) freed: unlinked */
		if (w->serial == serial)
			return w;
	return NULL;
}

/* The template and ice-workers carry all on one SEQPACKET socket. */
static bool is_single(const struct worker *w)
{
	return w->kind == TEMPLATE || w->kind == ICE;
}

static void on_bus(int fd, uint32_t events, struct mono now, void *arg)
{
	struct worker *w = arg;
	struct broker *b = w->b;
	uint64_t serial = w->serial;
	const void *frame;
	size_t len;

	(void)fd;
	(void)events;
	(void)now;
	for (int most = 64; most && !bus_recv(w->bus, &frame, &len); most--) {
		take(w, frame, len);
		w = by_serial(b, serial);
		if (!w)
			return;
	}
}

static void on_fds(int fd, uint32_t events, struct mono now, void *arg)
{
	struct worker *w = arg;
	struct broker *b = w->b;
	uint64_t serial = w->serial;
	_Alignas(8) uint8_t frame[BUS_FRAME_MAX + 1];
	ssize_t n = 0;

	(void)events;
	(void)now;
	/* No ancillary buffer: a descriptor sent upwards is dropped. */
	for (int most = 64; most; most--) {
		n = recv(fd, frame, sizeof(frame), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0 || !is_single(w))
			break;
		take(w, frame, (size_t)n);
		w = by_serial(b, serial);
		if (!w || w->on_fds.fd != fd)
			return;
	}
	if (n > 0 && is_single(w))
		return;
	/* The end, or bytes where only descriptors travel, downwards. */
	log_info("connection lost", "worker=%s", w->name);
	close_watch(&w->on_fds);
	if (w->pid)
		worker_kill(w, SIGKILL);
	else
		worker_ended(w, 0);
}

/*
 * Some hundred messages wait in the socket before this waits at all: a worker
 * that is busy gets a moment, one that hangs is EAGAIN.
 */
static ssize_t send_in_time(int fd, const struct msghdr *mh)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t n = sendmsg(fd, mh, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0 || errno != EAGAIN)
		return n;
	poll(&p, 1, BUSY_MS);

	return sendmsg(fd, mh, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* A wire_send_h: one datagram with descriptors. */
static int fds_send(void *arg, const void *bytes, size_t len, const int *fds,
		    unsigned nfds)
{
	struct worker *w = arg;
	union {
		char space[CMSG_SPACE(sizeof(int) * MSG_FDS)];
		struct cmsghdr align;
	} u = { 0 };
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	int err;

	if (!w->on_fds.loop)
		return -ENOTCONN;
	if (nfds) {
		struct cmsghdr *c;

		mh.msg_control = &u;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}

	if (send_in_time(w->on_fds.fd, &mh) >= 0)
		return 0;
	err = -errno;
	if (err == -EAGAIN) {
		log_warn("worker does not read", "worker=%s", w->name);
		worker_kill(w, SIGKILL);
	}

	return err;
}

static int dial_fds(struct worker *w)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, err;

	if (snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/w/%s/fds",
		     w->b->run, w->name) >= (int)sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	/* Not blocking: a full backlog is a worker that hangs. */
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	err = loop_watch(w->b->loop, &w->on_fds, fd, EPOLLIN, on_fds, w);
	if (err)
		close(fd);

	return err;
}

static int dial_ctl(struct worker *w)
{
	char path[160];
	int err;

	snprintf(path, sizeof(path), "%s/w/%s/ctl", w->b->run, w->name);
	if ((err = bus_dial(&w->bus, path)))
		return err;

	return loop_watch(w->b->loop, &w->on_bus, bus_fd(w->bus), EPOLLIN,
			  on_bus, w);
}

int worker_dial(struct worker *w)
{
	int err = dial_fds(w);

	if (!err && !is_single(w))
		err = dial_ctl(w);
	w->down = (struct wire){ fds_send, w, 0 };
	w->ctl = is_single(w) ? w->down :
				(struct wire){ bus_send, w->bus, 0 };
	if (!err)
		worker_alive(w, HELLO_US);

	return err;
}

static void on_last_words(struct mono now, void *arg)
{
	struct worker *w = arg;

	(void)now;
	worker_ended(w, w->status);
}

/*
 * An ice-worker is no child of ours: the template tells its status, and its
 * own goodbye may not be read yet. Both get a moment.
 */
static void on_exit_seen(int fd, uint32_t events, struct mono now, void *arg)
{
	struct worker *w = arg;
	int status = 0;

	(void)fd;
	(void)events;
	close_watch(&w->on_exit);
	if (w->kind == ICE) {
		loop_timer(w->b->loop, &w->deadline,
			   mono_add(now, LAST_WORDS_US), on_last_words, w);
		return;
	}
	if (waitpid(w->pid, &status, WNOHANG) <= 0)
		status = SIGKILL;	/* adopted: no status */
	worker_ended(w, status);
}

int worker_follow(struct worker *w, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), err;

	if (fd < 0)
		return -errno;
	err = loop_watch(w->b->loop, &w->on_exit, fd, EPOLLIN, on_exit_seen,
			 w);
	if (err) {
		close(fd);
		return err;
	}
	w->pid = pid;

	return 0;
}

static struct service *service_of(struct worker *w)
{
	switch (w->kind) {
	case SIGNALING:
		return &w->b->signaling;
	case TEMPLATE:
		return &w->b->template;
	case MEDIA:
		return &w->b->media[w->index];
	case BROKER:
	case ICE:
	case PROCS:
		break;
	}

	return NULL;
}

void worker_ended(struct worker *w, int status)
{
	struct service *s = service_of(w);
	struct peer *p = w->peer;

	log_info("process ended", "worker=%s pid=%d status=%d wanted=%d",
		 w->name, (int)w->pid, status, w->leaving);

	if (s && s->worker == w) {
		bool wanted = w->leaving;

		s->worker = NULL;
		worker_free(w);
		if (!wanted)
			service_failed(s, status);
		return;
	}
	if (p && p->ice == w) {
		p->ice = NULL;
		peer_end(p, WHY_CRASHED, "the call's process died");
	}
	worker_free(w);
}
