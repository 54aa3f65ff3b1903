/*
 * hub.h - the peers that announced themselves, and what passes between them
 *
 * Knows neither JSON nor sockets: a peer is a name, capabilities and metadata
 * as opaque texts and two functions. Every door (JSON-RPC, gRPC, WHIP, the
 * uplink) brings its own encoder as `deliver`. Doors do not call most of this
 * themselves: member.h says what a peer may do.
 *
 * A peer whose connection is lost without a farewell is held for
 * hub_cfg.hold_us: name, session and call stay, events wait (HUB_HELD_EVENTS,
 * HUB_HELD_BYTES). Whoever announces the name with the resume token goes on
 * where it stopped, through any door. Nothing is lost silently: a peer whose
 * message finds no room is told, and a hold that loses a word of the pipeline
 * or whose call ends is over at the next hub_tick().
 *
 * Memory   A struct hub_peer is storage of its owner, linked from hub_join()
 *          to hub_leave() or hub_hold(). Events and their texts are borrowed
 *          during deliver().
 * Errors   Negative errno.
 * Order    deliver() must neither join nor leave a peer before it returns; a
 *          door that wants to drop its peer does so from its loop.
 */
#ifndef SIGNALING_HUB_H
#define SIGNALING_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "core/session/peer_name.h"

enum {
	HUB_NAME_MAX = PEER_NAME_MAX,
	HUB_SESSION_MAX = PEER_NAME_MAX,	/* same rules as a peer id */
	HUB_CAPS_MAX = 4096,	/* bytes of capabilities */
	HUB_METADATA_MAX = 4096,
	HUB_SDP_MAX = 32768,
	HUB_CANDIDATE_MAX = 448,	/* bytes of a candidate line */
	HUB_MID_MAX = 32,
	HUB_TOKEN = 33,		/* 128 random bits in hex, and NUL */
	HUB_HOLD_US = 60000000,
	HUB_HELD_EVENTS = 64,	/* of one held peer: of other peers; as many
				   comings and goings, which need no word */
	HUB_HELD_OF_SERVER = 160,	/* two answers, their candidates */
	HUB_HELD_BYTES = 262144,	/* of other peers, and as many of the
					   pipeline */
	HUB_HELD_TOTAL = 16777216,	/* the same of all held peers */
	HUB_HELD_MAX = 4096,	/* held peers; more leave at once */
	HUB_HELD_OF_SOURCE = 512,	/* of these, of one address */
	HUB_OF_SOURCE = 1024,	/* peers of one address, unless said */
};

/* The peer that answers itself: the pipeline behind the broker. */
#define HUB_SERVER "remotemedia-server"
#define HUB_SERVER_CAPS "{\"audio\":true,\"video\":true,\"data\":true}"

enum hub_kind {
	HUB_JOINED,		/* peer, caps, metadata */
	HUB_LEFT,		/* peer: its connection closed */
	HUB_DISCONNECTED,	/* peer: it wants no call any more; reason */
	HUB_OFFER,		/* peer, id, sdp, type */
	HUB_ANSWER,		/* peer, sdp, type */
	HUB_CANDIDATE,		/* peer, candidate */
	HUB_STATE,		/* peer, reason: the state's name, time_ms */
	HUB_OFFER_TAKEN,	/* peer: the offer is about to be answered */
	HUB_OFFER_REFUSED,	/* peer, why (enum hub_why), reason */
	HUB_REFUSED,		/* peer, why, reason: something later was */
};

/* Why an offer or a candidate was refused; each door has its own codes. */
enum hub_why {
	HUB_BAD_SDP, HUB_BAD_CANDIDATE, HUB_WRONG_STATE, HUB_FULL, HUB_FAILED,
};

struct hub_candidate {
	const char *line;	/* "" is end-of-candidates */
	const char *mid;	/* NULL: none */
	int64_t mline;		/* -1: none */
};

struct hub_event {
	enum hub_kind kind;
	const char *peer;	/* whom it comes from or is about */
	const char *caps, *metadata, *id, *sdp, *type, *reason;
	struct hub_candidate candidate;
	enum hub_why why;
	int64_t time_ms;	/* since 1970 */
	uint32_t retry_ms;	/* 0: trying again does not help */
};

struct hub_ops {
	/* 0, or -ENOBUFS: this peer does not read; it is being dropped. */
	int (*deliver)(const struct hub_event *ev, void *arg);
	/* Its name was resumed elsewhere: it has left the hub; the door says
	 * so to its far end and closes. */
	void (*superseded)(void *arg);
};

struct hub;
struct hub_queue;

struct hub_peer {
	char name[HUB_NAME_MAX + 1];
	char session[HUB_SESSION_MAX + 1];	/* "": one of its own */
	char token[HUB_TOKEN];	/* resume_token */
	char *caps, *metadata;	/* JSON texts; caps an object or an array */
	int64_t since_ms;	/* announced, since 1970 */
	uint64_t subject;	/* whose token; 0: nobody's (member.c) */
	uint64_t source;	/* whose address; 0: not counted */
	bool calling;		/* has a call with the pipeline (member.c) */
	struct hub_queue *queue;	/* what waits for it, or NULL */
	const struct hub_ops *ops;
	void *arg;
	struct hub *hub;	/* NULL when not joined */
	struct hub_peer *prev, *next, *chain;
};

/* What a peer announces. Texts are copied. */
struct hub_hello {
	const char *name;
	const char *caps;	/* NULL: {} */
	const char *metadata;	/* NULL: {} */
	const char *session;	/* NULL or "": one of its own */
	const char *resume_token;	/* NULL or "": none */
	uint64_t source;	/* where it comes from; 0: not counted */
	uint64_t subject;	/* whose token; 0: nobody's */
	int64_t wall_ms;
};

struct hub_cfg {
	uint64_t seed;		/* any number, so that strangers cannot choose
				   colliding names */
	unsigned of_source;	/* peers of one address; 0: HUB_OF_SOURCE */
	/* Fills len random bytes for tokens. */
	void (*random)(void *bytes, size_t len);
	/* A held peer's time is over, it is about to leave: end its call. */
	void (*dropped)(const char *name, void *arg);
	void *arg;
	int64_t hold_us;	/* 0: HUB_HOLD_US */
};

int hub_new(struct hub **out, const struct hub_cfg *cfg) MUST_USE;

/* All peers must have left; held ones are dropped. NULL is fine. */
void hub_free(struct hub *hub);

/*
 * Nobody is told yet: hub_tell_joined() does, after the newcomer got its
 * result. Zero the peer before first use.
 * 0          joined
 * 1          resumed: nobody needs to be told; hub_replay() after the result.
 *            A resume keeps the session; caps and metadata become the new.
 * -EINVAL    not a peer id, or not a session
 * -EEXIST    taken (or held and the token is not its own, or it was another
 *            subject's), or reserved
 * -EUSERS    one address has as many peers as it may
 * -EISCONN   this peer has joined already
 * -ENOMEM
 */
int hub_join(struct hub *hub, struct hub_peer *peer,
	     const struct hub_hello *hello, const struct hub_ops *ops,
	     void *arg) MUST_USE;
void hub_tell_joined(struct hub_peer *peer);

/* Delivers what waited, in order. */
void hub_replay(struct hub_peer *peer);

/* The others hear HUB_LEFT. Fine when not joined. */
void hub_leave(struct hub_peer *peer);

/* The connection is lost: the hub goes on with a copy. Without memory the
 * peer leaves. Fine when not joined. */
void hub_hold(struct hub_peer *peer, struct mono now);

/* Ends what was held too long. */
void hub_tick(struct hub *hub, struct mono now);

/* Also held ones. */
struct hub_peer *hub_find(const struct hub *hub, const char *name);
bool hub_is_held(const struct hub_peer *peer);

/* -ENOENT: no such peer. -ENOBUFS: it does not read. */
int hub_send(struct hub *hub, const char *to, const struct hub_event *ev)
	MUST_USE;

/* Peers that joined, held ones included. */
size_t hub_count(const struct hub *hub);
size_t hub_held(const struct hub *hub);

/* In the order of joining; NULL starts, NULL ends. */
const struct hub_peer *hub_next(const struct hub *hub,
				const struct hub_peer *after);

/* FNV-1a from a seed; also for other tables keyed by names. */
uint64_t hub_hash(uint64_t seed, const char *name);

#endif
