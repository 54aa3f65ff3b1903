/*
 * member.h - one peer of the hub: what it may do, the same through any door
 *
 * A door (JSON-RPC, gRPC, WHIP) owns a struct member for each conversation
 * and translates: its requests into these functions, a struct refusal into
 * its own codes, hub events into its own notifications (ops->deliver). All
 * checks, limits, permissions and the way to hub and calls are here, once.
 *
 * An offer to remotemedia-server is answered later: member_offer() says
 * MEMBER_PENDING, then exactly one of HUB_OFFER_TAKEN and HUB_OFFER_REFUSED is
 * delivered within CALLS_ANSWER_US, also from inside member_offer(). Before
 * HUB_OFFER_TAKEN is delivered the caller knows offer_id (it is written
 * first). HUB_ANSWER follows HUB_OFFER_TAKEN at once, then candidates.
 *
 * Memory   A struct member is storage of its owner, between member_init() and
 *          member_fini().
 * Errors   A struct refusal; kind MEMBER_OK when it was done. Texts are
 *          constants or part of the refusal.
 */
#ifndef SIGNALING_MEMBER_H
#define SIGNALING_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "signaling/auth.h"
#include "signaling/calls.h"
#include "signaling/hub.h"
#include "signaling/limit.h"
#include "signaling/metrics.h"
#include "signaling/scan.h"

struct rpc_control;

enum refusal_kind {
	MEMBER_OK, MEMBER_PENDING,
	REFUSED_PARAMS,		/* -32602, INVALID_ARGUMENT, 400 */
	REFUSED_NOT_ANNOUNCED,	/* A -32000, B -32600, FAILED_PRECONDITION */
	REFUSED_TAKEN,		/* A -32000, B -32602, ALREADY_EXISTS, 409 */
	REFUSED_NO_PEER,	/* -32000, NOT_FOUND, 404 */
	REFUSED_OFFER,		/* -32002, INVALID_ARGUMENT, 400 */
	REFUSED_ANSWER,		/* -32003, INVALID_ARGUMENT, 400 */
	REFUSED_FAILED,		/* A -32001, B -32603, INTERNAL, 500 */
	REFUSED_TOKEN,		/* -32020, UNAUTHENTICATED, 401 */
	REFUSED_CAPACITY,	/* -32021, RESOURCE_EXHAUSTED, 503 */
	REFUSED_RATE,		/* -32022, RESOURCE_EXHAUSTED, 429 */
	REFUSED_PERMISSION,	/* -32023, PERMISSION_DENIED, 403 */
	REFUSED_STATE,		/* -32025, FAILED_PRECONDITION, 409 */
	REFUSED_CANDIDATE,	/* A -32026, B -32004, INVALID_ARGUMENT, 400 */
	REFUSED_INTERNAL,	/* -32603, INTERNAL, 500 */
};

enum {
	MEMBER_REASON = 200,
	MEMBER_OFFER_ID = 2 * HUB_NAME_MAX + 32,
	MEMBER_SDP_LINES = 1024,
	MEMBER_BREACHES = 100,	/* refusals by rate before the close */
};

struct refusal {
	enum refusal_kind kind;
	char reason[MEMBER_REASON];	/* what to do about it */
	uint32_t retry_ms;	/* 0: trying again does not help */
	bool close;		/* too many breaches: the door closes (1008) */
};

/* What all conversations of a process share. */
struct world {
	struct hub *hub;
	struct calls *calls;
	struct auth *auth;	/* NULL: no tokens */
	struct metrics *metrics;
	int64_t (*wall_ms)(void);
	double messages_per_s;	/* a connection; burst is twice that */
	double offers_per_s;	/* burst is 2.5 times that */
	uint32_t sessions_per_subject;	/* calls of one token's subject */
	/* 0: HUB_SDP_MAX and MEMBER_SDP_LINES, the most that may be; the
	 * others MEMBER_BREACHES and RPC_BATCH_MAX. */
	uint32_t sdp_bytes, sdp_lines, breaches, batch;
	struct scan_limits json;	/* zeros: scan_standard */
	/* What server.info says. */
	const char *const *addresses;	/* numeric, without loopback */
	unsigned addresses_len;
	const char *hostname, *version;
	int64_t started_ms;	/* since 1970 */
	/*
	 * A request about the pipeline of a peer's call, to the broker; its
	 * answer comes by rpc_on_control(). 0, or negative when the broker is
	 * away.
	 */
	int (*control)(uint64_t call, uint64_t request, const char *json,
		       void *arg);
	void *control_arg;
	struct rpc_control *controls;	/* that wait (rpc_control.c) */
	unsigned controls_len;
	uint64_t control_number;
};

struct member_ops {
	int (*deliver)(const struct hub_event *ev, void *arg);
	/* Its peer id was resumed elsewhere. */
	void (*superseded)(void *arg);
	void *arg;
};

struct member {
	struct hub_peer peer;
	struct world *world;
	struct member_ops ops;
	struct identity who;
	struct limit messages, offers, breaches;
	uint64_t token;		/* a hash of the one it has shown; 0: none */
	uint64_t source;	/* source_number() of its address; 0: not
				   counted. The door writes it. */
	bool called;		/* an offer of its present call was taken */
};

void member_init(struct member *m, struct world *w,
		 const struct member_ops *ops, struct mono now);

/* clean: a farewell, the peer and its call end. Else they are held. */
void member_fini(struct member *m, bool clean, struct mono now);

/* A token from a header, a subprotocol or the first call; at most one is
 * accepted in the life of a member, the same one as often as it comes. */
struct refusal member_authenticate(struct member *m, const char *token,
				   size_t len);

/* The most bytes of an SDP. Whether one has too many lines. */
uint32_t member_sdp_max(const struct world *w);
bool member_sdp_lines(const struct world *w, const char *sdp);

/* Whether its token allows these (enum auth_perm or-ed) at this time. */
struct refusal member_may(const struct member *m, unsigned perms);

/* One message came; REFUSED_RATE when too many did. */
struct refusal member_message(struct member *m, struct mono now);

/* MEMBER_OK, and then *resumed; the door sends its result, then calls
 * member_announced(). */
struct refusal member_announce(struct member *m,
			       const struct hub_hello *hello, bool *resumed,
			       struct mono now);
void member_announced(struct member *m, bool resumed);

bool member_is_announced(const struct member *m);
const char *member_name(const struct member *m);	/* "" before */

/* offer_id is written before anything is delivered. type NULL: "offer". */
struct refusal member_offer(struct member *m, const char *to, const char *sdp,
			    const char *type, char offer_id[MEMBER_OFFER_ID],
			    struct mono now);
struct refusal member_answer(struct member *m, const char *to,
			     const char *sdp, const char *type,
			     struct mono now);
struct refusal member_candidate(struct member *m, const char *to,
				const struct hub_candidate *c,
				struct mono now);
/* As enum link_kinds in shm/link.h. */
enum { KIND_AUDIO = 1, KIND_VIDEO = 2, KIND_DATA = 4 };

/* kinds: KIND_AUDIO and so on, or-ed */
struct refusal member_request_offer(struct member *m, const char *to,
				    unsigned kinds, struct mono now);
/* Who is not there needs no word: MEMBER_OK. reason may be NULL. */
struct refusal member_disconnect(struct member *m, const char *peer,
				 const char *reason);

/* The text of a refusal for people ("Peer not found: bob" and the like is
 * written by the door). */
const char *refusal_message(enum refusal_kind kind);

/* -32xxx of both dialects where they agree; gRPC status; HTTP status. */
int refusal_rpc_code(enum refusal_kind kind, bool dialect_b);
unsigned refusal_grpc_status(enum refusal_kind kind);
unsigned refusal_http_status(enum refusal_kind kind);

/* As a refusal: what HUB_OFFER_REFUSED and HUB_REFUSED say. */
enum refusal_kind refusal_of(enum hub_why why);

#endif
