/*
 * listen.h - bind the addresses signaling serves on
 *
 * "localhost" is 127.0.0.1 and ::1; a wildcard [::] that stands alone serves
 * IPv4 too; every other IPv6 socket is for IPv6 only.
 *
 * Errors   -EADDRINUSE, -EACCES, ...: error says address, port and what to
 *          do, in one line.
 */
#ifndef SIGNALING_LISTEN_H
#define SIGNALING_LISTEN_H

#include "signaling/options.h"

enum { LISTEN_FDS_MAX = 2 * SIG_LISTEN_MAX };

struct listen_fd {
	const struct listener *listener;
	int fd;			/* CLOEXEC, non-blocking */
	bool loopback;		/* bound to an address of loopback */
};

/* Returns how many descriptors were opened. */
int listen_open(struct listen_fd fds[LISTEN_FDS_MAX],
		const struct sig_options *o, char error[SIG_ERROR]) MUST_USE;

#endif
