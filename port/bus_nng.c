/* bus_nng.c - nng pair1 over ipc, polled through its receive descriptor */

#include "port/bus.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/pair1/pair.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bus {
	nng_socket socket;
	int fd;
	/* What bus_recv() lends out. Not nng's own bytes: pair1 cuts its hop
	 * count of 4 bytes from their front, which leaves them unaligned. */
	_Alignas(max_align_t) uint8_t frame[BUS_FRAME_MAX];
};

static int errno_of(int nng_err)
{
	switch (nng_err) {
	case 0:
		return 0;
	case NNG_EAGAIN:
		return -EAGAIN;
	case NNG_ENOMEM:
		return -ENOMEM;
	case NNG_EADDRINVAL:
	case NNG_EINVAL:
		return -EINVAL;
	case NNG_ENOFILES:
		return -EMFILE;
	case NNG_ECLOSED:
		return -EBADF;
	case NNG_EMSGSIZE:
		return -EMSGSIZE;
	default:
		return nng_err & NNG_ESYSERR ? -(nng_err & ~NNG_ESYSERR) :
					       -EIO;
	}
}

int bus_dial(struct bus **out, const char *path)
{
	struct bus *bus = calloc(1, sizeof(*bus));
	char url[160];
	int err;

	if (!bus)
		return -ENOMEM;
	if (snprintf(url, sizeof(url), "ipc://%s", path) >= (int)sizeof(url)) {
		free(bus);
		return -ENAMETOOLONG;
	}
	if ((err = nng_pair1_open(&bus->socket))) {
		free(bus);
		return errno_of(err);
	}
	if ((err = nng_socket_set_size(bus->socket, NNG_OPT_RECVMAXSZ,
				       BUS_FRAME_MAX + 4)) ||	/* hops */
	    (err = nng_socket_set_int(bus->socket, NNG_OPT_SENDBUF,
				      BUS_SEND_QUEUE)) ||
	    (err = nng_socket_set_int(bus->socket, NNG_OPT_RECVBUF, 64)) ||
	    (err = nng_socket_set_ms(bus->socket, NNG_OPT_RECONNMINT, 20)) ||
	    (err = nng_socket_set_ms(bus->socket, NNG_OPT_RECONNMAXT, 500)) ||
	    (err = nng_socket_get_int(bus->socket, NNG_OPT_RECVFD,
				      &bus->fd)) ||
	    (err = nng_dial(bus->socket, url, NULL, NNG_FLAG_NONBLOCK))) {
		nng_close(bus->socket);
		free(bus);
		return errno_of(err);
	}
	*out = bus;

	return 0;
}

void bus_free(struct bus *bus)
{
	if (!bus)
		return;
	nng_close(bus->socket);
	free(bus);
}

static void *free_aside(void *bus)
{
	bus_free(bus);

	return NULL;
}

void bus_retire(struct bus *bus)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (!bus || pthread_attr_init(&attr))
		return;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* Without a thread it stays: better that than a caller that hangs. */
	(void)!pthread_create(&thread, &attr, free_aside, bus);
	pthread_attr_destroy(&attr);
}

int bus_fd(const struct bus *bus)
{
	return bus->fd;
}

int bus_recv(struct bus *bus, const void **bytes, size_t *len)
{
	nng_msg *msg;
	int err = nng_recvmsg(bus->socket, &msg, NNG_FLAG_NONBLOCK);

	if (err)
		return errno_of(err);
	*bytes = bus->frame;
	*len = nng_msg_len(msg);
	if (*len <= sizeof(bus->frame))
		memcpy(bus->frame, nng_msg_body(msg), *len);
	else
		err = -EMSGSIZE;
	nng_msg_free(msg);

	return err;
}

int bus_send(void *arg, const void *bytes, size_t len, const int *fds,
	     unsigned nfds)
{
	struct bus *bus = arg;
	nng_msg *msg;
	int err;

	(void)fds;
	if (nfds)
		return -EINVAL;
	if (nng_msg_alloc(&msg, 0))
		return -ENOMEM;
	if ((err = nng_msg_append(msg, bytes, len)) ||
	    (err = nng_sendmsg(bus->socket, msg, NNG_FLAG_NONBLOCK)))
		nng_msg_free(msg);

	return errno_of(err);
}
