/*
 * conn.h - one accepted connection, and what a protocol on it must do
 *
 * conn.c owns the socket, TLS, the bytes that were read and not used yet, the
 * deadline and the end. What is spoken is a struct conn_proto: first one that
 * looks at the first bytes, then HTTP/1.1 (h1_conn.c), HTTP/2 (h2_conn.c) or,
 * after an upgrade, WebSocket (ws_conn.c).
 *
 *	stranger   TLS handshake, then the first bytes; a deadline in all
 *	protocol   its own deadlines, by conn_deadline()
 *	lingering  all is said; what is queued leaves, then the far end closes
 *		   (3 s). Closing at once would let unread bytes reset the
 *		   connection and destroy our last words.
 *	doomed	   freed from the loop
 *
 * To answer     stream_send(&c->stream, ...). While `in` runs the stream is
 *               corked and flushed afterwards; at other times a protocol
 *               corks by itself what it sends in many pieces.
 * Memory        One buffer of the process is read into; only what `in` did
 *               not use is copied. An idle connection owns no buffer.
 * Order         Nothing of a protocol is called from inside its own call to
 *               conn.c, nor from inside stream_send().
 */
#ifndef SIGNALING_CONN_H
#define SIGNALING_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mono.h"
#include "signaling/door.h"
#include "signaling/source.h"
#include "signaling/stream.h"

struct conn;

enum {
	CONN_READ_BYTES = 32768,	/* at most, one read a turn */
	CONN_GOODBYE_US = 3000000,
	CONN_LINGER_BYTES = 1048576,	/* more is a flood: closed at once */
};

struct conn_proto {
	/*
	 * Uses bytes from the front and returns how many. What it leaves
	 * comes again, with more behind it: when more was read, when the
	 * way out was full and is free, or after conn_later(). Must use or
	 * refuse what it holds before CONN_READ_BYTES are left.
	 */
	size_t (*in)(struct conn *c, const uint8_t *bytes, size_t len,
		     struct mono now);
	/* Whether nothing more should be read at present. NULL: while the
	 * way out is full (stream_is_full). */
	bool (*must_wait)(const struct conn *c);
	/* Bytes left through the socket; there may be room now. NULL: not
	 * wanted. */
	void (*out_ready)(struct conn *c, struct mono now);
	/* After conn_later(). NULL: not wanted. */
	void (*later)(struct conn *c, struct mono now);
	/* conn_deadline() has passed; without a new one it comes again.
	 * NULL: the connection is dropped. */
	void (*deadline)(struct conn *c, struct mono now);
	/* Once a second. NULL: not wanted. */
	void (*sweep)(struct conn *c, struct mono now);
	/* The process is going down: say so, end in a second. NULL: the
	 * connection is dropped. */
	void (*farewell)(struct conn *c, struct mono now);
	/* The last call; frees c->state. closing: we end all there is, so
	 * nothing is lost or held. Sends nothing. */
	void (*free)(struct conn *c, bool closing, struct mono now);
};

struct conn {
	struct door *door;
	const struct conn_proto *proto;
	void *state;		/* the protocol's */
	struct stream stream;
	struct source_key key;
	enum listener_kind kind;
	bool loopback;		/* the far end is this machine */
	/* Of conn.c alone: */
	bool startup, doomed, lingering, shut, dirty, handshake;
	struct mono deadline_at;
	uint8_t *held;
	uint32_t held_len;
	uint32_t lingered;	/* bytes read since all was said */
	uint32_t stalled_s;	/* sweeps in which nothing queued left */
	uint64_t sent_seen;
	struct conn *prev, *next, *next_doomed, *next_dirty;
};

/* What is known when a connection is accepted. */
struct conn_from {
	enum listener_kind kind;
	bool tls;		/* nothing but TLS is spoken there */
	bool loopback;
	struct source_key key;
};

/* Takes fd and one entry of the sources. On failure both are given back. */
void conn_open(struct door *d, int fd, const struct conn_from *from,
	       struct mono now);

/* Another protocol speaks from here on; the old one's state is not freed by
 * this call. The bytes that `in` has not used yet go to the new one. */
void conn_become(struct conn *c, const struct conn_proto *proto, void *state);

static inline void conn_deadline(struct conn *c, struct mono at)
{
	c->deadline_at = at;
}

/* It has shown that it is no silent stranger. */
void conn_proved(struct conn *c);

/* Counts input that broke a protocol; of all connections together at most one
 * line a second says so, and how many had none. */
void conn_bad(struct conn *c, enum metric metric, const char *what,
	      const char *why, struct mono now);

/* TCP asks the far end for a sign of life while nothing is said (for what may
 * be silent for long and has no pings of its own). */
void conn_probe(struct conn *c);

/* proto->later is called from the loop, before it sleeps; then `in` with what
 * was held. Idempotent. Fine when doomed. */
void conn_later(struct conn *c);

/* All is said: what is queued leaves, `in` is called no more. */
void conn_linger(struct conn *c, struct mono now);

/* Ends it at the end of this turn of the loop. Idempotent. */
void conn_doom(struct conn *c);

static inline bool conn_is_tls(const struct conn *c)
{
	return c->stream.tls != NULL;
}

/* In how long a request's head must be there. */
static inline struct mono conn_head_by(const struct conn *c, struct mono now)
{
	return mono_add(now, c->door->limits->head_timeout_s * 1000000ll);
}

/* For the door: deadlines and the once-a-second call. */
void conn_sweep(struct conn *c, struct mono now);
void conn_farewell(struct conn *c, struct mono now);

/* Unlinks and frees at once: only for a door that closes, and the reaper of
 * doomed ones. */
void conn_free(struct conn *c, bool closing, struct mono now);

/* The dirty and the doomed, from the loop. */
void conn_settle(struct door *d, struct mono now);

/* HTTP/1.1 takes over with conn_become(); HTTP/2 in h2_conn.h. */
void h1_conn_open(struct conn *c, struct mono now);

#endif
