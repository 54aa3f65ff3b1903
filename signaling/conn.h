/*
 * conn.h - one accepted connection: HTTP/1.1, then perhaps WebSocket
 *
 * States, each with a deadline that counts in all, not per byte:
 *
 *	HTTP	 reading a head (5 s), or idle between two (15 s)
 *	OPEN	 WebSocket; the first message within 10 s, then pings
 *	CLOSING	 our close frame is out, the far end's is awaited (3 s)
 *	LINGER	 all is said; what is queued leaves, then the far end closes
 *		 (3 s). Closing at once would let unread bytes reset the
 *		 connection and destroy our last words.
 */
#ifndef SIGNALING_CONN_H
#define SIGNALING_CONN_H

#include <stdint.h>

#include "signaling/door.h"
#include "signaling/source.h"

struct conn;

/* Takes fd. On failure it is closed. */
void conn_open(struct door *d, int fd, struct source_key key, bool loopback,
	       struct mono now);

/* Ends it at the end of this turn of the loop. Idempotent. */
void conn_doom(struct conn *c);

/* Deadlines and pings; the door calls it once a second. */
void conn_sweep(struct conn *c, struct mono now);

/* A WebSocket close with this code (others: conn_doom). */
void conn_close(struct conn *c, uint16_t code, const char *why,
		struct mono now);

/* Unlinks and frees at once: only for a door that closes, and the reaper of
 * doomed ones. */
void conn_free(struct conn *c);

struct conn *conn_next(const struct conn *c);

#endif
