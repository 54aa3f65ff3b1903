/*
 * sctp.h - one SCTP association over the caller's DTLS (RFC 8261)
 *
 * Settings of RFC 8831: no delay, no ECN, ASCONF, AUTH; streams may be reset
 * (RFC 6525); a path MTU that fits one DTLS record in one datagram.
 *
 * Units    Milliseconds for assoc_tick(), bytes.
 * Memory   assoc_recv() and assoc_send() borrow their bytes. A message read is
 *          valid until the next call on the association.
 * Errors   Negative errno.
 * Threads  None at all (port/sctp_usrsctp.c says how). The packet handler is
 *          called from inside any function that takes the association.
 * Process  Back-pressure: messages not read with assoc_read() fill the
 *          receive window, and the far end stops sending.
 */
#ifndef PORT_SCTP_H
#define PORT_SCTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum {
	ASSOC_PORT = 5000,		/* ours, a=sctp-port */
	ASSOC_MESSAGE_MAX = 262144,	/* a=max-message-size */
	ASSOC_STREAMS = 64,		/* at first, each way */
	ASSOC_STREAMS_MAX = 1024,
	ASSOC_PACKET_MAX = 1132,	/* fits one DTLS record (dtls_send) */
};

enum assoc_event {
	ASSOC_NOTHING,
	ASSOC_MESSAGE,		/* out->bytes */
	ASSOC_UP,
	ASSOC_DOWN,		/* lost, aborted or shut down; final */
	ASSOC_STREAM_RESET,	/* the far end reset out->stream */
	ASSOC_TOO_LONG,		/* a message over ASSOC_MESSAGE_MAX, dropped */
};

struct assoc_message {
	uint16_t stream;
	bool unordered;
	uint32_t ppid;
	const uint8_t *bytes;
	size_t len;
};

/* How a message may be given up (RFC 3758); ASSOC_RELIABLE: never. */
enum assoc_limit { ASSOC_RELIABLE, ASSOC_MAX_RETRANSMITS, ASSOC_MAX_LIFETIME };

struct assoc_send {
	uint16_t stream;
	bool unordered;
	uint32_t ppid;
	enum assoc_limit limit;
	uint32_t limit_value;	/* count, or milliseconds */
};

/* One packet to be sent, at most ASSOC_PACKET_MAX bytes. */
typedef void assoc_packet_h(const uint8_t *bytes, size_t len, void *arg);

struct assoc;

/* Once in a process (in the template, before any fork). No thread. */
int assoc_start(void) MUST_USE;

/* One association, both sides connect. One at a time in a process but for
 * tests. */
int assoc_new(struct assoc **out, uint16_t remote_port, assoc_packet_h *packet,
	     void *arg) MUST_USE;

/* NULL is fine; the far end is told by an ABORT. */
void assoc_free(struct assoc *s);

/* Begins the handshake. */
int assoc_connect(struct assoc *s) MUST_USE;

/* A packet came; afterwards assoc_read() until ASSOC_NOTHING. */
void assoc_recv(struct assoc *s, const uint8_t *bytes, size_t len);

/* Time passed (for all associations of the process). */
void assoc_tick(uint32_t elapsed_ms);

/* The next event, or ASSOC_NOTHING. */
enum assoc_event assoc_read(struct assoc *s, struct assoc_message *out);

/*
 * A whole message or nothing; len 0 is not a message (use the PPID for empty
 * ones). -EAGAIN: the buffer is full, again after assoc_recv() or
 * assoc_tick(). -EMSGSIZE, -ENOTCONN, -EINVAL for an unknown stream.
 */
int assoc_send(struct assoc *s, const struct assoc_send *how, const void *bytes,
	      size_t len) MUST_USE;

/* Closes our side of a stream. -EAGAIN: another reset is under way. */
int assoc_reset_stream(struct assoc *s, uint16_t stream) MUST_USE;

/* Bytes handed to assoc_send() and not acknowledged yet. */
size_t assoc_unacked(const struct assoc *s);

#endif
