/*
 * calls.h - the calls of peers with remotemedia-server
 *
 * One call a peer name. A pure module: the broker is reached through five
 * functions, the peer through `deliver`, the moment is an argument. The same
 * code serves peers of our own hub and those behind the uplink.
 *
 * States of one call, by what was said to the broker:
 *
 *	EARLY	 candidates came before the offer; nothing was said
 *	WAITING	 an offer waits: for the broker's return, then for its answer
 *	OPEN	 answered once; a later offer makes it WAITING again
 *	CLOSING	 over here, but the broker was away and must still be told
 *
 * An offer is answered to its peer by HUB_OFFER_TAKEN and HUB_ANSWER, or by
 * HUB_OFFER_REFUSED; exactly one of the two, within CALLS_ANSWER_US. While
 * the broker is away an offer waits CALLS_BROKER_US for its return.
 *
 * Memory   calls_free() drops all without telling anybody.
 * Errors   Negative errno.
 */
#ifndef SIGNALING_CALLS_H
#define SIGNALING_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "proto/msg.h"
#include "signaling/hub.h"

enum {
	CALLS_ANSWER_US = 10000000,
	CALLS_BROKER_US = 5000000,
	CALLS_CANDIDATES = 64,	/* of one offer or answer, kept at most */
	CALLS_CANDIDATES_RATE = 8,	/* a second, after half of them */
	CALLS_MAX = 20000,
};

struct calls;

struct calls_ops {
	/* To the broker: 0, or negative when its link is down or full. */
	int (*open)(uint64_t call, const char *peer, const char *session,
		    void *arg);
	int (*describe)(uint64_t call, enum description_kind kind,
			const char *sdp, void *arg);
	int (*trickle)(uint64_t call, const char *line, void *arg);
	/* The server shall make an offer of these (enum link_kinds). */
	int (*want)(uint64_t call, unsigned kinds, void *arg);
	int (*close)(uint64_t call, void *arg);
	/* To the peer of that name, wherever it is; nobody is fine. */
	void (*deliver)(const char *peer, const struct hub_event *ev,
			void *arg);
	void *arg;
};

/* seed: random; also where call numbers begin, so that a new process does
 * not repeat those of the one before. */
int calls_new(struct calls **out, const struct calls_ops *ops, uint64_t seed)
	MUST_USE;
void calls_free(struct calls *c);

/* Candidates of one offer, at most CALLS_CANDIDATES; half of them at once,
 * then so many a second. Without it CALLS_CANDIDATES and its rate hold. */
void calls_limit(struct calls *c, unsigned candidates, unsigned per_s);

/*
 * The peer speaks.
 *
 * session: the one to call in, "" one of its own; an offer for another one
 * than its call is in ends that call and begins a new one. NULL: whatever it
 * is.
 *
 * calls_offer(): 0: HUB_OFFER_TAKEN or HUB_OFFER_REFUSED will follow (also
 * before this returns). -EBUSY: its last offer is not answered yet. -ENOBUFS:
 * no room for another call.
 */
int calls_offer(struct calls *c, const char *peer, const char *session,
		const char *sdp, struct mono now) MUST_USE;

/* 0: HUB_OFFER will follow, or HUB_REFUSED. -EBUSY: an offer of either side
 * waits for its answer. -EAGAIN: the broker is away. -ENOBUFS. */
int calls_want_offer(struct calls *c, const char *peer, const char *session,
		     unsigned kinds) MUST_USE;

/* 0. -ENOENT: no offer of ours is open. -EAGAIN: the broker is away. */
int calls_answer(struct calls *c, const char *peer, const char *sdp,
		 struct mono now) MUST_USE;

/* 0: delivered, or kept until it can be. -ENOSPC: too many. -EMSGSIZE: too
 * long. -ENOBUFS: no room. */
int calls_candidate(struct calls *c, const char *peer,
		    const struct hub_candidate *candidate, struct mono now)
	MUST_USE;

/* Ends its call; a waiting offer is refused first. Whether there was one. */
bool calls_hangup(struct calls *c, const char *peer);

/* The peer is gone: as calls_hangup(), without a word to it. */
void calls_drop(struct calls *c, const char *peer);

/* The broker speaks. A call that is not known (any more) is ignored. */
void calls_on_up(struct calls *c, struct mono now);
void calls_on_down(struct calls *c, struct mono now);
void calls_on_known(struct calls *c, uint64_t call, const char *peer,
		    const char *session);
void calls_on_local(struct calls *c, uint64_t call, enum description_kind kind,
		    const char *sdp, int64_t wall_ms);
void calls_on_trickle(struct calls *c, uint64_t call, const char *line);
void calls_on_state(struct calls *c, uint64_t call, enum call_state state,
		    int64_t wall_ms);
void calls_on_gone(struct calls *c, uint64_t call, enum call_why why,
		   bool ended, const char *text);

void calls_tick(struct calls *c, struct mono now);
struct mono calls_due(const struct calls *c);

/* The number of the peer's call, that the broker knows; 0: it has none. */
uint64_t calls_number(const struct calls *c, const char *peer);

/* Calls that are neither EARLY nor CLOSING. */
size_t calls_count(const struct calls *c);

/* Peer names of all calls, for the uplink. NULL starts, NULL ends. */
const char *calls_next(const struct calls *c, const char *after);

/* The session that a peer's call asked for; NULL when it has none. */
const char *calls_session(const struct calls *c, const char *peer);

/* Every call that is not CLOSING; session: "" is one of its own. each() must
 * neither begin nor end one. */
void calls_each(const struct calls *c,
		void (*each)(const char *peer, const char *session, void *arg),
		void *arg);

#endif
