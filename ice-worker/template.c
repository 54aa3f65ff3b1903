/* template.c - warm, accept the broker, fork, reap */

#include "ice-worker/template.h"

#include "common/clock.h"
#include "common/log.h"
#include "ice-worker/birth.h"
#include "ice-worker/peer.h"
#include "port/sctp.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN_MAX = 16384 };

struct child {
	uint64_t peer, spawn;
	pid_t pid;
};

struct template {
	int listener, signals, broker;	/* broker: -1 none */
	struct wire wire;
	struct child *children;
	unsigned count, room;
	bool stop, is_child;
	int status;			/* of the child that we became */
};

static int warm(void)
{
	int err;

	mallopt(M_ARENA_MAX, 1);
	/* the few large buffers go back to the kernel when they are free */
	mallopt(M_MMAP_THRESHOLD, 65536);
	mallopt(M_TRIM_THRESHOLD, 65536);
	if ((err = dtls_warm()) < 0 || (err = srtp_warm()) < 0 ||
	    (err = ice_warm()) < 0 || (err = assoc_start()) < 0)
		return err;
	malloc_trim(0);

	return 0;
}

static int send_frame(void *arg, const void *bytes, size_t len, const int *fds,
		      unsigned nfds)
{
	struct template *t = arg;

	(void)fds;
	(void)nfds;
	if (t->broker < 0)
		return -ENOTCONN;
	if (send(t->broker, bytes, len, MSG_NOSIGNAL) < 0)
		return -errno;

	return 0;
}

static void say_hello(struct template *t)
{
	const struct msg_template_hello m = { msg_abi(), (uint32_t)getpid() };

	t->wire = (struct wire){ send_frame, t, 0 };
	if (send_template_hello(&t->wire, &m, NULL, 0, NULL) < 0)
		log_warn("hello was not sent");
	/* A broker that died before it was told has a successor that knows
	 * the folder, but not the process. */
	for (unsigned i = 0; i < t->count; i++) {
		const struct msg_template_forked f = {
			t->children[i].peer, t->children[i].spawn,
			t->children[i].pid, 0,
		};

		(void)send_template_forked(&t->wire, &f, NULL, 0, NULL);
	}
}

static void on_dial(struct template *t)
{
	int fd = accept4(t->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (t->broker >= 0)
		close(t->broker);
	t->broker = fd;
	say_hello(t);
}

static void drop_broker(struct template *t)
{
	log_info("the broker is gone");
	close(t->broker);
	t->broker = -1;
}

static bool add_child(struct template *t, const struct msg_fork_peer *m,
		      pid_t pid)
{
	if (t->count == t->room) {
		unsigned room = t->room ? t->room * 2 : 64;
		struct child *more = realloc(t->children,
					     room * sizeof(*more));

		if (!more)
			return false;
		t->children = more;
		t->room = room;
	}
	t->children[t->count++] = (struct child){ m->peer, m->spawn, pid };

	return true;
}

/* The child's whole life; what it needs of the template is on its stack. */
static int live(const struct msg_fork_peer *m, const char *name, int *fds)
{
	sigset_t none;
	int err = birth(fds);

	if (err < 0) {
		log_fail(err, "birth");
		return 1;
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	return peer_run(m, name, fds);
}

static void told(struct template *t, const struct msg_fork_peer *m, int32_t pid)
{
	const struct msg_template_forked done = { m->peer, m->spawn, pid, 0 };

	if (send_template_forked(&t->wire, &done, NULL, 0, NULL) < 0)
		log_warn("template_forked was not sent");
}

static void on_fork_peer(struct template *t, const struct wire_in *in,
			 int *fds)
{
	struct msg_fork_peer m;
	char name[MSG_NAME + 1] = { 0 };
	pid_t pid;

	memcpy(&m, in->payload, sizeof(m));
	memcpy(name, in->blob, in->blob_len);
	pid = t->count < CHILDREN_MAX ? fork() : -1;
	if (pid == 0) {
		t->status = live(&m, name, fds);
		t->is_child = true;
		t->stop = true;
		return;
	}
	if (pid < 0 || !add_child(t, &m, pid))
		log_error("fork failed");
	told(t, &m, pid);
}

/* One datagram and its descriptors; negative: the broker is gone. */
static ssize_t receive(struct template *t, void *bytes, size_t room, int *fds,
		       unsigned *nfds)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * MSG_FDS)];
		struct cmsghdr align;
	} u;
	struct iovec iov = { bytes, room };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &u, .msg_controllen = sizeof(u),
	};
	ssize_t n = recvmsg(t->broker, &mh, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&mh) : NULL;

	*nfds = 0;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		*nfds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(c), *nfds * sizeof(int));
	}

	return mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? 0 : n;
}

static void on_message(struct template *t)
{
	_Alignas(8) uint8_t bytes[1024];
	int fds[MSG_FDS];
	unsigned nfds;
	ssize_t n = receive(t, bytes, sizeof(bytes), fds, &nfds);
	struct wire_in in;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0 && wire_open(&in, bytes, (size_t)n, nfds, BROKER, TEMPLATE,
			       AT_IDLE) == 0)
		on_fork_peer(t, &in, fds);
	else
		drop_broker(t);
	for (unsigned i = 0; !t->is_child && i < nfds; i++)
		close(fds[i]);
}

static void reaped(struct template *t, pid_t pid, int status)
{
	for (unsigned i = 0; i < t->count; i++) {
		const struct msg_template_reaped m = {
			t->children[i].peer, t->children[i].spawn, pid, status,
		};

		if (t->children[i].pid != pid)
			continue;
		t->children[i] = t->children[--t->count];
		/* a new broker finds out by dialling */
		(void)send_template_reaped(&t->wire, &m, NULL, 0, NULL);
		return;
	}
}

static void on_signal(struct template *t)
{
	struct signalfd_siginfo info;
	pid_t pid;
	int status;

	if (read(t->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGTERM)
		t->stop = true;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		reaped(t, pid, status);
}

static int open_signals(void)
{
	sigset_t set;

	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;

	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void serve(struct template *t)
{
	struct mono alone_since = mono_now();

	while (!t->stop) {
		struct pollfd p[3] = {
			{ t->listener, POLLIN, 0 },
			{ t->signals, POLLIN, 0 },
			{ t->broker, POLLIN, 0 },
		};

		if (poll(p, 3, 1000) < 0 && errno != EINTR)
			return;
		if (p[1].revents)
			on_signal(t);
		if (!t->stop && p[0].revents)
			on_dial(t);
		else if (!t->stop && t->broker >= 0 && p[2].revents)
			on_message(t);
		if (t->broker >= 0 || t->count > 0)
			alone_since = mono_now();
		if (mono_since(mono_now(), alone_since) >
		    TEMPLATE_ALONE_S * 1000000ll)
			return;
	}
}

int template_run(int listener)
{
	struct template t = { .listener = listener, .broker = -1 };
	int err = warm();

	if (err < 0) {
		log_fail(err, "the libraries do not start");
		return 1;
	}
	t.signals = open_signals();
	if (t.signals < 0) {
		log_fail(-errno, "signals");
		return 1;
	}
	serve(&t);
	if (t.is_child)
		_exit(t.status);
	free(t.children);

	return 0;
}
