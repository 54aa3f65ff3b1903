/*
 * ops_pages.h - /healthz, /readyz and /metrics, for whoever runs the server
 *
 *	/healthz  200 while this process serves and the broker is there or was
 *	          a moment ago, else 503
 *	/readyz   200 while a call could be taken now, else 503 and why
 *	/metrics  what is counted, in Prometheus' text form
 *
 * None of them needs a token, and none names a peer.
 */
#ifndef SIGNALING_OPS_PAGES_H
#define SIGNALING_OPS_PAGES_H

#include <stdbool.h>

#include "signaling/http.h"

/* An http_route_h. */
bool ops_pages_begin(struct http_exchange *x, const struct http_request *r,
		     struct mono now);

#endif
