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
#include "port/tls.h"
#include "signaling/conn.h"

enum { ACCEPTS_A_TURN = 64, SWEEP_US = 1000000, UNSENT_BYTES = 262144 };

#define TICKETS_US 3600000000ll	/* keys of TLS tickets live so long */

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
	const struct sig_limits *l = d->limits;
	uint64_t over, chance;
	uint32_t dice = 0;

	if (loopback || d->startups < l->startups_begin)
		return false;
	if (d->startups >= l->startups_full)
		return true;
	over = d->startups - l->startups_begin;
	chance = l->startups_rate + over * (100 - l->startups_rate) /
					    (l->startups_full -
					     l->startups_begin);
	if (getrandom(&dice, sizeof(dice), 0) != sizeof(dice))
		return true;

	return dice % 100 < chance;
}

static void refuse(struct door *d, int fd, enum metric metric,
		   struct mono now, const char *why)
{
	close(fd);
	d->refused++;
	metrics_add(d->world->metrics, metric);
	if (mono_before(now, mono_add(d->refused_told, SWEEP_US)))
		return;
	d->refused_told = now;
	log_line(LOG_WARN, "connections refused", "why=\"%s\" total=%llu", why,
		 (unsigned long long)d->refused);
}

static enum metric count_of(enum listener_kind kind)
{
	static const enum metric counts[] = {
		[LISTENER_PLAIN] = M_CONN_PLAIN,
		[LISTENER_TLS] = M_CONN_TLS,
		[LISTENER_GRPC] = M_CONN_GRPC,
	};

	return counts[kind];
}

static void welcome(const struct door_listener *l, int fd,
		    const struct sockaddr_storage *sa, struct mono now)
{
	struct conn_from from = { .kind = l->kind, .tls = l->tls };
	struct door *d = l->door;
	uint8_t address[16];
	int one = 1, unsent = UNSENT_BYTES, err;

	address_of(sa, address);
	from.key = source_key(address);
	from.loopback = source_is_loopback(address);
	if (too_many_startups(d, from.loopback)) {
		refuse(d, fd, M_REFUSED_STARTUP, now,
		       "many connections that say nothing");
		return;
	}
	err = sources_enter(d->sources, from.key, now);
	if (err) {
		refuse(d, fd, M_REFUSED_SOURCE, now,
		       err == -EUSERS ? "one address has too many"
		       : err == -EAGAIN ? "one address connects too fast"
					: "too many in all");
		return;
	}
	/* Answers are small and must not wait for more. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	/* What a client does not read waits with us, where it is counted, and
	 * not in the kernel's buffers. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent,
			 sizeof(unsent));
	metrics_add(d->world->metrics, count_of(l->kind));
	conn_open(d, fd, &from, now);
}

static void on_accept(int listener, uint32_t events, struct mono now,
		      void *arg)
{
	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage sa = { 0 };
		socklen_t len = sizeof(sa);
		int fd = accept4(listener, (struct sockaddr *)&sa, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		welcome(arg, fd, &sa, now);
	}
}

static void on_sweep(struct mono now, void *arg)
{
	struct door *d = arg;

	for (struct conn *c = d->first; c; c = c->next)
		conn_sweep(c, now);
	sources_sweep(d->sources, now);
	if (d->tls && !mono_before(now, d->rotate_at)) {
		d->rotate_at = mono_add(now, TICKETS_US);
		if (tls_server_rotate(d->tls))
			log_line(LOG_ERROR, "TLS tickets",
				 "why=\"they keep their keys\"");
	}
	loop_timer(d->loop, &d->sweep, mono_add(now, SWEEP_US), on_sweep, d);
}

int door_open(struct door *d, const struct listen_fd *opened, int count)
{
	int err;

	limit_init(&d->handshakes, d->limits->tls_rate, d->limits->tls_rate,
		   d->started);
	d->rotate_at = mono_add(d->started, TICKETS_US);
	for (int i = 0; i < count; i++) {
		struct door_listener *l = &d->listeners[i];

		l->door = d;
		l->tls = opened[i].listener->tls;
		l->kind = opened[i].listener->grpc ? LISTENER_GRPC
			  : l->tls		   ? LISTENER_TLS
						   : LISTENER_PLAIN;
		err = loop_watch(d->loop, &l->watch, opened[i].fd, EPOLLIN,
				 on_accept, l);
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
		struct watch *w = &d->listeners[i].watch;
		int fd = w->fd;

		if (!w->loop)
			continue;
		loop_unwatch(w);
		close(fd);
	}
}

void door_farewell(struct door *d, struct mono now)
{
	d->leaving = true;
	stop_listening(d);
	for (struct conn *c = d->first; c; c = c->next)
		conn_farewell(c, now);
}

bool door_is_empty(const struct door *d)
{
	return d->first == NULL;
}

void door_close(struct door *d, struct mono now)
{
	stop_listening(d);
	while (d->first)
		conn_free(d->first, true, now);
	d->doomed = NULL;
	loop_untimer(&d->sweep);
	loop_untimer(&d->settle);
}
