/*
 * session_route.h - who of a session gets a frame that left the graph
 *
 * The rule, for each kind (sound, pictures, data messages):
 *
 *   - a frame with a peer's tag goes to that peer, if it receives the kind;
 *   - and to every listener of the session: a peer that receives the kind
 *     and sends nothing of it (a viewer);
 *   - a frame without a tag goes to all that receive the kind.
 *
 * What a peer sends and receives is what was negotiated, not what happens to
 * flow. Data channels always go both ways, so a message stays with its peer.
 * Of several sources of pictures the listeners see one: the peer that came
 * first of those that show something.
 *
 * Process  Pure.
 */
#ifndef CORE_MEDIA_SESSION_ROUTE_H
#define CORE_MEDIA_SESSION_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/media/graph.h"

/* What a peer sends and receives; bit n is graph_kind n. */
struct route_role {
	uint32_t in, out;
};

static inline bool route_sends(struct route_role r, enum graph_kind kind)
{
	return r.in >> kind & 1;
}

static inline bool route_receives(struct route_role r, enum graph_kind kind)
{
	return r.out >> kind & 1;
}

static inline bool route_listens(struct route_role r, enum graph_kind kind)
{
	return route_receives(r, kind) && !route_sends(r, kind);
}

/* Whether the frame is for this peer of the same session. */
bool route_reaches(struct graph_tag tag, uint64_t peer, struct route_role r);

/*
 * A step of the search for the source of pictures that listeners see: shown
 * is the best so far, 0 at the beginning and if there is none. Peer numbers
 * rise with the time of their coming. live: it shows something.
 */
uint64_t route_shown(uint64_t shown, uint64_t peer, struct route_role r,
		     bool live);

#endif
