/*
 * h2_conn.h - HTTP/2 on an accepted connection
 *
 * Joins port/h2.h with conn.h below and http.h above: each request becomes
 * a struct http_exchange. Chosen by ALPN (h2) or by the client's preface on
 * a connection that spoke nothing else before.
 *
 * Limits and spans of time: port/h2.h. A client that breaks one gets its
 * GOAWAY and the end; what its streams held is let go as after a farewell,
 * for it was we who ended it.
 */
#ifndef SIGNALING_H2_CONN_H
#define SIGNALING_H2_CONN_H

#include "common/mono.h"
#include "signaling/conn.h"

/* Takes over with conn_become(); the first bytes that `in` gets are the
 * client's preface. Dooms c when there is no memory. */
void h2_conn_open(struct conn *c, struct mono now);

#endif
