/* room.c - a session on this worker */

#include "media-worker/room.h"

#include "media-worker/call.h"
#include "media-worker/worker.h"

#include <errno.h>
#include <stdlib.h>

static struct room *room_of(struct worker *w, uint64_t session)
{
	struct room *r = w->rooms;

	while (r && r->session != session)
		r = r->next;
	if (r)
		return r;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->session = session;
	r->next = w->rooms;
	w->rooms = r;

	return r;
}

int room_enter(struct call *c)
{
	struct room *r = room_of(c->w, c->session);

	if (!r)
		return -ENOMEM;
	c->room = r;
	c->room_next = r->first;
	r->first = c;

	return 0;
}

void room_leave(struct call *c)
{
	struct room *r = c->room, **at;

	if (!r)
		return;
	for (struct call **one = &r->first; *one;
	     one = &(*one)->room_next) {
		if (*one == c) {
			*one = c->room_next;
			break;
		}
	}
	c->room = NULL;
	if (r->first)
		return;
	for (at = &c->w->rooms; *at != r; at = &(*at)->next)
		;
	*at = r->next;
	free(r);
}
