/* session_route.c - who of a session gets a frame that left the graph */

#include "core/media/session_route.h"

bool route_reaches(struct graph_tag tag, uint64_t peer, struct route_role r)
{
	if (!tag.peer || tag.peer == peer)
		return route_receives(r, tag.kind);

	return route_listens(r, tag.kind);
}

uint64_t route_shown(uint64_t shown, uint64_t peer, struct route_role r,
		     bool live)
{
	if (!live || !route_sends(r, GRAPH_VIDEO))
		return shown;

	return !shown || peer < shown ? peer : shown;
}
