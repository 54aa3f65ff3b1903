/*
 * hub.h - the peers that announced themselves, and what passes between them
 *
 * Knows neither JSON nor sockets: a peer is a name, capabilities as opaque
 * text and two functions. Every door (JSON-RPC, the uplink, later ones)
 * brings its own encoder as `deliver`.
 *
 * Memory   A struct hub_peer is storage of its owner, linked from hub_join()
 *          to hub_leave(). Events and their texts are borrowed during
 *          deliver().
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
#include "core/session/peer_name.h"

enum {
	HUB_NAME_MAX = PEER_NAME_MAX,
	HUB_CAPS_MAX = 4096,	/* bytes of capabilities */
	HUB_SDP_MAX = 32768,
	HUB_CANDIDATE_MAX = 448,	/* bytes of a candidate line */
	HUB_MID_MAX = 32,
};

/* The peer that answers itself: the pipeline behind the broker. */
#define HUB_SERVER "remotemedia-server"
#define HUB_SERVER_CAPS "{\"audio\":true,\"video\":true,\"data\":true}"

enum hub_kind {
	HUB_JOINED,		/* peer, caps */
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
	const char *caps, *id, *sdp, *type, *reason;
	struct hub_candidate candidate;
	enum hub_why why;
	int64_t time_ms;	/* since 1970 */
	uint32_t retry_ms;	/* 0: trying again does not help */
};

struct hub_ops {
	/* 0, or -ENOBUFS: this peer does not read; it is being dropped. */
	int (*deliver)(const struct hub_event *ev, void *arg);
};

struct hub;

struct hub_peer {
	char name[HUB_NAME_MAX + 1];
	char *caps;
	const struct hub_ops *ops;
	void *arg;
	struct hub *hub;	/* NULL when not joined */
	struct hub_peer *prev, *next, *chain;
};

/* seed: any number, so that strangers cannot choose colliding names. */
int hub_new(struct hub **out, uint64_t seed) MUST_USE;

/* All peers must have left. NULL is fine. */
void hub_free(struct hub *hub);

/*
 * Nobody is told yet: hub_tell_joined() does, after the newcomer got its
 * result. caps is copied. Zero the peer before first use.
 * -EINVAL    not a peer id
 * -EEXIST    taken, or reserved
 * -EISCONN   this peer has joined already
 * -ENOMEM
 */
int hub_join(struct hub *hub, struct hub_peer *peer, const char *name,
	     const char *caps, const struct hub_ops *ops, void *arg) MUST_USE;
void hub_tell_joined(struct hub_peer *peer);

/* The others hear HUB_LEFT. Fine when not joined. */
void hub_leave(struct hub_peer *peer);

struct hub_peer *hub_find(const struct hub *hub, const char *name);

/* -ENOENT: no such peer. -ENOBUFS: it does not read. */
int hub_send(struct hub *hub, const char *to, const struct hub_event *ev)
	MUST_USE;

/* Peers that joined. */
size_t hub_count(const struct hub *hub);

/* In the order of joining; NULL starts, NULL ends. */
const struct hub_peer *hub_next(const struct hub *hub,
				const struct hub_peer *after);

/* FNV-1a from a seed; also for other tables keyed by names. */
uint64_t hub_hash(uint64_t seed, const char *name);

#endif
