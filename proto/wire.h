/*
 * wire.h - a message as bytes: head, payload, blob
 *
 * Memory   A struct wire is the sending side of one channel and is owned by
 *          it. wire_open() borrows the frame.
 * Errors   Negative errno; whatever the transport's send says.
 *
 * The sender calls the function of the row's name, never a number:
 *
 *	send_peer_state(w, &(struct msg_peer_state){ peer, CALL_CONNECTED, 0 },
 *			NULL, 0, NULL);
 *
 * blob is NULL and 0 for a row without one; fds is NULL for a row without
 * descriptors, else exactly as many as the row says (they stay the caller's).
 */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include "proto/msg.h"

/* 0, -EAGAIN (the transport is full), -ENOTCONN, ... */
typedef int wire_send_h(void *arg, const void *bytes, size_t len,
			const int *fds, unsigned nfds);

struct wire {
	wire_send_h *send;
	void *arg;
	uint32_t seq;
};

#define ROW(name, ...)                                                        \
	int send_##name(struct wire *w, const struct msg_##name *m,           \
			const void *blob, size_t blob_len, const int *fds);
MSG_TABLE(ROW)
#undef ROW

struct wire_in {
	enum msg_type type;
	const void *payload;	/* msg_payload(type) bytes, aligned for it */
	const void *blob;
	size_t blob_len;
};

/*
 * Checks a whole frame against the table (msg_admit) and takes it apart.
 * -EPROTO as msg_admit, or when head and length do not agree.
 */
int wire_open(struct wire_in *out, const void *frame, size_t len,
	      unsigned nfds, enum proc from, enum proc to, enum phase now)
	MUST_USE;

#endif
