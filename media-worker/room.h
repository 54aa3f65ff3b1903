/*
 * room.h - a session on this worker: the links that share a graph
 *
 * A room is made by the first link that flows and ends with the last one.
 *
 * Memory   room_enter() allocates the room, room_leave() frees it.
 * Threads  The first thread's. The video thread compares call->session.
 */
#ifndef MEDIA_WORKER_ROOM_H
#define MEDIA_WORKER_ROOM_H

#include <stdint.h>

#include "common/err.h"

struct call;
struct worker;

struct room {
	struct room *next;
	uint64_t session;
	struct call *first;	/* by call->room_next */
};

int room_enter(struct call *c) MUST_USE;

/* Fine for one that never entered. */
void room_leave(struct call *c);

#endif
