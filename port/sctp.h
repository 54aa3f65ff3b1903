/*
 * sctp.h - one SCTP association over the caller's DTLS (RFC 8261)
 *
 * Settings of RFC 8831: no delay, no ECN, ASCONF, AUTH; streams may be reset
 * (RFC 6525); a path MTU that fits one DTLS record in one datagram.
 *
 * Units    Milliseconds for sctp_tick(), bytes.
 * Memory   sctp_recv() and sctp_send() borrow their bytes. A message read is
 *          valid until the next call on the association.
 * Errors   Negative errno.
 * Threads  None at all (port/sctp_usrsctp.c says how). The packet handler is
 *          called from inside any function that takes the association.
 * Process  Back-pressure: messages not read with sctp_read() fill the
 *          receive window, and the far end stops sending.
 */
#ifndef PORT_SCTP_H
#define PORT_SCTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum {
	SCTP_PORT = 5000,		/* ours, a=sctp-port */
	SCTP_MESSAGE_MAX = 262144,	/* a=max-message-size */
	SCTP_STREAMS = 64,		/* at first, each way */
	SCTP_STREAMS_MAX = 1024,
	SCTP_PACKET_MAX = 1191,
};

enum sctp_event {
	SCTP_NOTHING,
	SCTP_MESSAGE,		/* out->bytes */
	SCTP_UP,
	SCTP_DOWN,		/* lost, aborted or shut down; final */
	SCTP_STREAM_RESET,	/* the far end reset out->stream */
	SCTP_TOO_LONG,		/* a message over SCTP_MESSAGE_MAX, dropped */
};

struct sctp_message {
	uint16_t stream;
	bool unordered;
	uint32_t ppid;
	const uint8_t *bytes;
	size_t len;
};

/* How a message may be given up (RFC 3758); SCTP_RELIABLE: never. */
enum sctp_limit { SCTP_RELIABLE, SCTP_MAX_RETRANSMITS, SCTP_MAX_LIFETIME };

struct sctp_send {
	uint16_t stream;
	bool unordered;
	uint32_t ppid;
	enum sctp_limit limit;
	uint32_t limit_value;	/* count, or milliseconds */
};

/* One packet to be sent, at most SCTP_PACKET_MAX bytes. */
typedef void sctp_packet_h(const uint8_t *bytes, size_t len, void *arg);

struct sctp;

/* Once in a process (in the template, before any fork). No thread. */
int sctp_start(void) MUST_USE;

/* One association, both sides connect. One at a time in a process but for
 * tests. */
int sctp_new(struct sctp **out, uint16_t remote_port, sctp_packet_h *packet,
	     void *arg) MUST_USE;

/* NULL is fine; the far end is told by an ABORT. */
void sctp_free(struct sctp *s);

/* Begins the handshake. */
int sctp_connect(struct sctp *s) MUST_USE;

/* A packet came; afterwards sctp_read() until SCTP_NOTHING. */
void sctp_recv(struct sctp *s, const uint8_t *bytes, size_t len);

/* Time passed (for all associations of the process). */
void sctp_tick(uint32_t elapsed_ms);

/* The next event, or SCTP_NOTHING. */
enum sctp_event sctp_read(struct sctp *s, struct sctp_message *out);

/*
 * A whole message or nothing; len 0 is not a message (use the PPID for empty
 * ones). -EAGAIN: the buffer is full, again after sctp_recv() or
 * sctp_tick(). -EMSGSIZE, -ENOTCONN, -EINVAL for an unknown stream.
 */
int sctp_send(struct sctp *s, const struct sctp_send *how, const void *bytes,
	      size_t len) MUST_USE;

/* Closes our side of a stream. -EAGAIN: another reset is under way. */
int sctp_reset_stream(struct sctp *s, uint16_t stream) MUST_USE;

/* Bytes handed to sctp_send() and not acknowledged yet. */
size_t sctp_unacked(const struct sctp *s);

#endif
