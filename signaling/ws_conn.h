/*
 * ws_conn.h - WebSocket on a connection, after the upgrade
 *
 *	OPEN	 the first message within announce_timeout_s, then pings
 *	CLOSING	 our close frame is out, the far end's is awaited (3 s)
 *
 * Memory   An idle one owns no buffer.
 */
#ifndef SIGNALING_WS_CONN_H
#define SIGNALING_WS_CONN_H

#include "signaling/conn.h"
#include "signaling/http.h"

/* 0: it is one now. Else the HTTP status to refuse it with. head is the same
 * request as r. */
unsigned ws_conn_open(struct conn *c, const struct h1_request *head,
		      const struct http_request *r, struct mono now) MUST_USE;

#endif
