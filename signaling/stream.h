/*
 * stream.h - one TCP connection: reading on and off, a bounded way out
 *
 * With TLS (stream_start_tls) the same functions encrypt and decrypt.
 *
 * Memory   A struct stream is storage of its owner. stream_fini() closes the
 *          descriptor and drops what is queued. Queued bytes are copied,
 *          unless said otherwise.
 * Errors   Negative errno. -ENOBUFS: over the queue's cap; nothing queued.
 * Blocks   Never.
 */
#ifndef SIGNALING_STREAM_H
#define SIGNALING_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/loop.h"

enum {
	STREAM_QUEUE_BYTES = 1048576,	/* the cap, unless set */
	STREAM_QUEUE_SENDS = 256,	/* messages, unless set */
	STREAM_PAUSE_BYTES = 65536,	/* reading should stop above */
	STREAM_PAUSE_SENDS = 64,
};

struct stream_chunk;
struct tls_session;
struct tls_server;
struct tls_client;

struct stream {
	struct loop *loop;
	struct watch watch;
	int fd;			/* -1 when closed */
	bool corked, reading, connecting;
	bool want_write;	/* TLS has something to say of its own */
	struct stream_chunk *first, *last;
	size_t bytes;		/* queued */
	unsigned sends;
	uint32_t max_bytes, max_sends;	/* the caps */
	uint64_t sent;		/* bytes that left, ever */
	struct tls_session *tls;	/* NULL: plain */
};

/* Takes fd, also when it fails. handler gets EPOLLIN, EPOLLOUT, ... */
int stream_init(struct stream *s, struct loop *loop, int fd,
		watch_h *handler, void *arg) MUST_USE;
void stream_fini(struct stream *s);

/* Before anything is read or sent. -ENOMEM. */
int stream_start_tls(struct stream *s, struct tls_server *server) MUST_USE;

/* The same as a client, of a server that must be `host`. */
int stream_join_tls(struct stream *s, struct tls_client *client,
		    const char *host) MUST_USE;

/* 1 when the handshake is over, 0: call again at the next event, or a
 * negative errno: it failed and the connection is of no use. */
int stream_handshake(struct stream *s) MUST_USE;

/* Bytes that were read; 0: the far end has closed; -EAGAIN: nothing there;
 * other negative errno: the connection is dead. With TLS, room for less than
 * a record (16 KiB) would hide bytes from epoll. */
ssize_t stream_recv(struct stream *s, void *bytes, size_t room) MUST_USE;

/*
 * Queues head and body as one message and, unless corked, writes what the
 * socket takes. force: past the cap (a last word).
 */
int stream_send(struct stream *s, const void *head, size_t head_len,
		const void *body, size_t body_len, bool force) MUST_USE;

/* Bytes that live as long as the process; outside the cap. */
int stream_send_static(struct stream *s, const void *bytes, size_t len)
	MUST_USE;

/* Writes what the socket takes, up to some 256 KiB; the rest at its next
 * event. 0, or negative: the connection is dead. */
int stream_flush(struct stream *s) MUST_USE;

/* Nothing more will be sent: TLS's own farewell, then TCP's. */
int stream_shutdown(struct stream *s) MUST_USE;

/* Whether the far end reads too slowly to be heard at present. */
bool stream_is_full(const struct stream *s);
bool stream_is_empty(const struct stream *s);

void stream_set_reading(struct stream *s, bool on);

#endif
