/*
 * door.h - what all connections of one process share, and their list
 *
 * Accepts, counts sources, walks the connections once a second for their
 * deadlines, and is where a connection goes to die: conn_doom() may be
 * called from anywhere, the storage goes at the end of the loop's turn.
 */
#ifndef SIGNALING_DOOR_H
#define SIGNALING_DOOR_H

#include <stdbool.h>

#include "common/loop.h"
#include "proto/msg.h"
#include "signaling/auth.h"
#include "signaling/files.h"
#include "signaling/http.h"
#include "signaling/limit.h"
#include "signaling/listen.h"
#include "signaling/member.h"
#include "signaling/source.h"

struct conn;
struct tls_server;
struct whip;
struct whip;

enum listener_kind { LISTENER_PLAIN, LISTENER_TLS, LISTENER_GRPC };

struct door_listener {
	struct watch watch;
	struct door *door;
	enum listener_kind kind;	/* how it is counted */
	bool tls;
};

struct door {
	struct loop *loop;
	struct world *world;	/* hub, calls, auth, metrics, ... */
	struct auth *auth;	/* the same as world->auth */
	struct whip *whip;	/* NULL: none */
	const struct files *files;
	/* Who is asked for a request, in this order, up to a NULL; then
	 * files. */
	http_route_h *const *routes;
	const char *origins;	/* list of pages that may talk to us */
	const struct sig_limits *limits;
	struct sources *sources;
	struct tls_server *tls;	/* NULL: no listener speaks TLS */
	struct mono started;
	/* Since when the broker is away; MONO_NEVER while it is there. */
	struct mono (*broker_away)(void *arg);
	/* What it told last; NULL while it is away or has said nothing. */
	const struct msg_broker_stats *(*broker_stats)(void *arg);
	void *broker_arg;
	struct door_listener listeners[LISTEN_FDS_MAX];
	struct timer sweep, settle;
	struct conn *first, *doomed, *dirty;
	struct limit handshakes;
	unsigned startups;	/* connections that have said nothing yet */
	unsigned connections, websockets;	/* open at present */
	uint64_t refused;	/* at accept */
	struct mono refused_told, rotate_at, bad_told;
	unsigned bad_untold;	/* since bad_told */
	bool leaving;		/* the process is going down */
};

/* Takes what `opened` holds when it returns 0. */
int door_open(struct door *d, const struct listen_fd *opened, int count)
	MUST_USE;

/* Asks every connection to go, accepts no more. */
void door_farewell(struct door *d, struct mono now);
bool door_is_empty(const struct door *d);

/* Drops what is left. */
void door_close(struct door *d, struct mono now);

#endif
