/*
 * whip.h - WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) over HTTP
 *
 *	POST   /whip/<session>		an offer to publish: 201, the answer
 *	POST   /whep/<session>		an offer to watch: 201, the answer
 *	PATCH  /whip/<session>/<id>	candidates, or an ICE restart
 *	DELETE /whip/<session>/<id>	the end
 *
 * A client has no lasting connection, so its peer is held here: a member of
 * the hub that lives until DELETE, until its call ends, or until no connection
 * came within WHIP_CONNECT_US of the answer.
 *
 * The id in the Location is 128 random bits; the peer's name is made of its
 * digest. Whoever sees the name cannot find the id, and after a restart of
 * this process the id still finds the call that the broker kept.
 *
 * Memory   whip_free() ends all peers without telling anybody; exchanges must
 *          have gone before.
 * Errors   Negative errno; clients are answered by problem+json (RFC 9457).
 */
#ifndef SIGNALING_WHIP_H
#define SIGNALING_WHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/loop.h"
#include "signaling/http.h"
#include "signaling/member.h"

enum {
	WHIP_CONNECT_US = 30000000,	/* from the answer to a connection */
	WHIP_GATHER_US = 300000,	/* the answer waits so long for late
					   candidates of ours */
	WHIP_MAX = 2000,	/* peers of all clients */
	WHIP_PER_SOURCE = 32,	/* of one address */
	WHIP_REQUESTS = 256,	/* with a body that is still coming */
	WHIP_REQUESTS_SOURCE = 64,	/* of one address */
	WHIP_BODY_US = 10000000,	/* for a body to come */
};

struct whip;

struct whip_cfg {
	struct world *world;
	struct loop *loop;	/* NULL: the owner calls whip_tick() */
	const char *origins;	/* as http_origin_ok() wants them */
	/* 0: as above */
	uint32_t max, max_per_source, requests, requests_per_source;
	int64_t body_us;
	void (*random)(void *bytes, size_t len);
};

int whip_new(struct whip **out, const struct whip_cfg *cfg) MUST_USE;
void whip_free(struct whip *w);

/*
 * Whether the path is one of ours (/whip, /whep and below); then the
 * exchange is ours, too. x->door->whip is the struct whip.
 */
bool whip_begin(struct http_exchange *x, const struct http_request *r,
		struct mono now);

/* Time passes: deadlines, and calls of ours that the broker has kept. */
void whip_tick(struct whip *w, struct mono now);
struct mono whip_due(const struct whip *w);

size_t whip_count(const struct whip *w);

#endif
