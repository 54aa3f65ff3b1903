/* door.c - accept, sweep, reap */

#include "signaling/door.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "signaling/conn.h"

enum { ACCEPTS_A_TURN = 64, SWEEP_US = 1000000 };

/* The 16 bytes of the far end's address, IPv4 mapped. */
static void address_of(const struct sockaddr_storage *sa, uint8_t out[16])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;

	memset(out, 0, 16);
	if (sa->ss_family == AF_INET6) {
		memcpy(out, &v6->sin6_addr, 16);
		return;
	}
	out[10] = out[11] = 0xff;
	memcpy(out + 12, &v4->sin_addr, 4);
}

/* Random early drop while many strangers have said nothing; processes of
 * this machine are not strangers. */
static bool too_many_startups(const struct door *d, bool loopback)
{
	unsigned over, chance;
	uint32_t dice = 0;

	if (loopback || d->startups < STARTUPS_BEGIN)
		return false;
	if (d->startups >= STARTUPS_FULL)
		return true;
	over = d->startups - STARTUPS_BEGIN;
	chance = STARTUPS_RATE + over * (100 - STARTUPS_RATE) /
				 (STARTUPS_FULL - STARTUPS_BEGIN);
	if (getrandom(&dice, sizeof(dice), 0) != sizeof(dice))
		return true;

	return dice % 100 < chance;
}

static void refuse(struct door *d, int fd, struct mono now, const char *why)
{
	close(fd);
	d->refused++;
	if (mono_before(now, mono_add(d->refused_told, SWEEP_US)))
		return;
	d->refused_told = now;
	log_line(LOG_WARN, "connections refused", "why=\"%s\" total=%llu", why,
		 (unsigned long long)d->refused);
}

static void welcome(struct door *d, int fd, const struct sockaddr_storage *sa,
		    struct mono now)
{
	uint8_t address[16];
	struct source_key key;
	bool loopback;
	int one = 1, err;

	address_of(sa, address);
	key = source_key(address);
	loopback = source_is_loopback(address);
	if (too_many_startups(d, loopback)) {
		refuse(d, fd, now, "many connections that say nothing");
		return;
	}
	err = sources_enter(d->sources, key, now);
	if (err) {
		refuse(d, fd, now,
		       err == -EUSERS ? "one address has too many"
		       : err == -EAGAIN ? "one address connects too fast"
					: "too many in all");
		return;
	}
	/* Answers are small and must not wait for more. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	conn_open(d, fd, key, loopback, now);
}

static void on_accept(int listener, uint32_t events, struct mono now,
		      void *arg)
{
	struct door *d = arg;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage sa = { 0 };
		socklen_t len = sizeof(sa);
		int fd = accept4(listener, (struct sockaddr *)&sa, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		welcome(d, fd, &sa, now);
	}
}

static void on_sweep(struct mono now, void *arg)
{
	struct door *d = arg;

	for (struct conn *c = d->first; c; c = conn_next(c))
		conn_sweep(c, now);
	sources_sweep(d->sources, now);
	loop_timer(d->loop, &d->sweep, mono_add(now, SWEEP_US), on_sweep, d);
}

int door_open(struct door *d, const int *fds, int count)
{
	int err;

	for (int i = 0; i < count; i++) {
		err = loop_watch(d->loop, &d->listeners[i], fds[i], EPOLLIN,
				 on_accept, d);
		if (err)
			return err;
	}
	loop_timer(d->loop, &d->sweep, mono_add(d->started, SWEEP_US),
		   on_sweep, d);

	return 0;
}

static void stop_listening(struct door *d)
{
	for (size_t i = 0; i < LISTEN_FDS_MAX; i++) {
		int fd = d->listeners[i].fd;

		if (!d->listeners[i].loop)
			continue;
		loop_unwatch(&d->listeners[i]);
		close(fd);
	}
}

void door_farewell(struct door *d, struct mono now)
{
	stop_listening(d);
	for (struct conn *c = d->first; c; c = conn_next(c))
		conn_close(c, 1001, "server is going down", now);
}

bool door_is_empty(const struct door *d)
{
	return d->first == NULL;
}

void door_close(struct door *d)
{
	stop_listening(d);
	while (d->first)
		conn_free(d->first);
	d->doomed = NULL;
	loop_untimer(&d->sweep);
	loop_untimer(&d->reap);
}
