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
#include "signaling/files.h"
#include "signaling/jsonrpc.h"
#include "signaling/listen.h"
#include "signaling/source.h"

struct conn;

enum {
	STARTUPS_BEGIN = 10,	/* as OpenSSH's MaxStartups 10:30:100: */
	STARTUPS_RATE = 30,	/* percent dropped from here */
	STARTUPS_FULL = 100,	/* all dropped from here */
};

struct door {
	struct loop *loop;
	struct rpc_world *world;
	const struct files *files;
	const char *origins;
	struct sources *sources;
	struct mono started;
	/* Since when the broker is away; MONO_NEVER while it is there. */
	struct mono (*broker_away)(void *arg);
	/* What it told last; NULL while it is away or has said nothing. */
	const struct msg_broker_stats *(*broker_stats)(void *arg);
	void *broker_arg;
	struct watch listeners[LISTEN_FDS_MAX];
	struct timer sweep, reap;
	struct conn *first, *doomed;
	unsigned startups;	/* connections that have said nothing yet */
	uint64_t refused;	/* at accept */
	struct mono refused_told;
};

/* Takes fds when it returns 0. */
int door_open(struct door *d, const int *fds, int count) MUST_USE;

/* Asks every WebSocket to go (1001), accepts no more. */
void door_farewell(struct door *d, struct mono now);
bool door_is_empty(const struct door *d);

/* Drops what is left. */
void door_close(struct door *d);

#endif
