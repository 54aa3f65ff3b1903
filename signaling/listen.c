/* listen.c - bind the addresses signaling serves on */

#include "signaling/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"

enum { BACKLOG = 512 };

struct opening {
	struct listen_fd *fds;
	int count;
	const struct sig_options *options;
	char *error;
};

static int bind_one(const struct addrinfo *a, bool only6)
{
	int one = 1, six = only6, err;
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC |
				SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    (a->ai_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &six, sizeof(six))) ||
	    bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, BACKLOG)) {
		err = -errno;
		close(fd);
		return err;
	}

	return fd;
}

static int tell(struct opening *o, const struct hostport *at, int err)
{
	const char *todo = "see the error";

	if (err == -EADDRINUSE)
		todo = "the port is in use: end the program that has it, or "
		       "choose another with WEBRTC_SIGNALING_URL";
	else if (err == -EACCES)
		todo = "ports below 1024 need a right this process lacks: "
		       "choose a higher one with WEBRTC_SIGNALING_URL";
	else if (err == -EADDRNOTAVAIL)
		todo = "this machine has no such address";
	snprintf(o->error, SIG_ERROR, "signaling: cannot serve on %s%s%s:%u: "
		 "%s (%s)", strchr(at->host, ':') ? "[" : "", at->host,
		 strchr(at->host, ':') ? "]" : "", at->port, todo,
		 strerror(-err));

	return err;
}

/* With port 0 the kernel chooses, so the log says which it is. */
static void log_address(int fd, const struct listener *l)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	char host[64], port[8];

	if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	    getnameinfo((struct sockaddr *)&sa, len, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		log_line(LOG_INFO, "listening", "address=%s port=%s tls=%s",
			 host, port, l->tls ? "yes" : "no");
}

/* IPv6 may be switched off, and localhost is then IPv4 alone. */
static bool may_lack(const struct hostport *at, const struct addrinfo *a,
		     int err)
{
	return strcmp(at->host, "localhost") == 0 &&
	       a->ai_family == AF_INET6 &&
	       (err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT);
}

static bool is_loopback(const struct addrinfo *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)
		(const void *)a->ai_addr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)
		(const void *)a->ai_addr;

	return a->ai_family == AF_INET6
		       ? IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)
		       : ntohl(v4->sin_addr.s_addr) >> 24 == 127;
}

static int open_address(struct opening *o, const struct listener *listener,
			const char *numeric)
{
	const struct hostport *at = &listener->at;
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *a = NULL;
	bool alone = o->options->listen_len == 1 &&
		     strcmp(at->host, "::") == 0;
	char port[8];
	int fd;

	snprintf(port, sizeof(port), "%u", at->port);
	if (getaddrinfo(numeric, port, &hints, &a) != 0 || !a)
		return tell(o, at, -EADDRNOTAVAIL);
	fd = bind_one(a, !alone);
	if (fd >= 0) {
		log_address(fd, listener);
		o->fds[o->count++] = (struct listen_fd){ listener, fd,
							 is_loopback(a) };
		fd = 0;
	} else {
		fd = may_lack(at, a, fd) ? 0 : tell(o, at, fd);
	}
	freeaddrinfo(a);

	return fd;
}

int listen_open(struct listen_fd fds[LISTEN_FDS_MAX],
		const struct sig_options *options, char error[SIG_ERROR])
{
	struct opening o = { .fds = fds, .options = options, .error = error };
	int err = 0;

	for (unsigned i = 0; i < options->listen_len && !err; i++) {
		const struct listener *l = &options->listen[i];

		if (strcmp(l->at.host, "localhost") != 0) {
			err = open_address(&o, l, l->at.host);
			continue;
		}
		err = open_address(&o, l, "127.0.0.1");
		if (!err)
			err = open_address(&o, l, "::1");
	}
	if (err)
		while (o.count)
			close(fds[--o.count].fd);

	return err ? err : o.count;
}
