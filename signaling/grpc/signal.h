/*
 * signal.h - a peer that came by gRPC: its stream, or its Subscribe
 *
 * signal.c takes requests, events.c writes what the hub tells, peers.c
 * translates capabilities and metadata, web.c is Subscribe and Send. What a
 * request means is decided in member.h.
 *
 * Memory   A struct signal lives as long as its call.
 */
#ifndef SIGNALING_GRPC_SIGNAL_H
#define SIGNALING_GRPC_SIGNAL_H

#include "signaling/grpc/call.h"
#include "signaling/member.h"

enum {
	SIGNAL_ID_MAX = 256,	/* bytes of a request_id */
	SIGNAL_SESSION = 33,	/* of Subscribe and Send: hex and NUL */
};

/* Where the answer to one request goes. */
struct reply {
	struct grpc_call *to;	/* the stream, or a Send */
	const char *id, *method;
	struct mono start;
};

/* The offer to remotemedia-server that is not answered yet. */
struct pending {
	bool open, taken;
	char *id;		/* stays until the next one */
	char offer_id[MEMBER_OFFER_ID];
	struct grpc_call *to;
	struct mono start;
};

struct signal {
	struct grpc_call *call;
	struct member member;
	struct pending pending;
	struct timer announce;
	bool leaving;		/* half-closed; only the answer is awaited */
	char session[SIGNAL_SESSION];	/* "": no Subscribe */
	char *token;		/* what Subscribe was opened with */
	struct signal *prev, *next;	/* of those with a session */
};

/* signal.c */

/* NULL: the call has been ended. Reads the token in the metadata. */
struct signal *signal_new(struct grpc_call *c, struct mono now);
void signal_free(struct signal *s, bool clean, struct mono now);

/* The token of `authorization: Bearer`; at NULL without one. */
struct h1_span signal_token(const struct grpc_call *c);

/* Whether a call without a token may go on; false: it was ended. */
bool signal_may_enter(struct grpc_call *c, struct h1_span token);

/* One request; the answer goes to `to`, now or later. */
void signal_request(struct signal *s, struct grpc_call *to, const void *bytes,
		    size_t len, struct mono now);

/* Subscribe: 0, or the call was ended with what is wrong. */
int signal_subscribe(struct signal *s, const void *bytes, size_t len,
		     struct mono now) MUST_USE;

void signal_reply(struct signal *s, const struct reply *r,
		  struct pb_response *response);
void signal_refuse(struct signal *s, const struct reply *r,
		   const struct refusal *why, const char *peer);

/* Offers to remotemedia-server that wait for their answer, by this door. */
unsigned signal_pending(void);

/* events.c */

int signal_deliver(const struct hub_event *ev, void *arg);
void signal_superseded(void *arg);

/* Ends what waits; false: nothing did. */
bool signal_settle(struct signal *s, struct reply *out);

/* An id of the hub in milliseconds, as this door writes it: in seconds. */
void signal_offer_id(char out[MEMBER_OFFER_ID], const char *id);

/* {"reason":...}, to be freed with text_fini(); terminated. */
void signal_details(struct text *out, const char *reason, uint32_t retry_ms);

/* peers.c */

/* Capabilities of the hub, an object or an array, and back. */
struct peer_view {
	struct pb_peer peer;
	struct js *caps, *metadata;
	struct pb_pair *pairs;	/* of peer.metadata */
	char *extensions;	/* written for it, or NULL */
	char **written;		/* values that were no strings */
	size_t written_len;
};

int peer_view(struct peer_view *out, const char *name, const char *caps,
	      const char *metadata) MUST_USE;
void peer_view_free(struct peer_view *v);

/* Everybody; without `except`, which may be NULL. */
struct peer_views {
	struct peer_view *views;
	struct pb_peer *peers;
	size_t len;
};

int peer_views(struct peer_views *out, struct world *w,
	       const struct hub_peer *except) MUST_USE;
void peer_views_free(struct peer_views *v);

/* As JSON for the hub; terminated. */
void caps_write(struct text *out, const struct pb_caps *caps);

/* The pairs but for those two keys, whose values are given. */
void metadata_write(struct text *out, const struct pb_pairs *pairs,
		    const char **session, const char **resume_token);

#endif
