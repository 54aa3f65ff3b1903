/*
 * whip_inside.h - what the parts of WHIP share
 *
 *	whip.c		paths, methods and preconditions: what a request wants
 *	whip_peer.c	the peers: their lives, calls and deadlines
 *	whip_answer.c	answers: statuses, headers, problems, the log line
 *
 * A struct whip_request lives from whip_begin() to its answer or its `gone`;
 * whip_send() and whip_refuse() free it. One that waits for the pipeline is
 * its peer's `waiting`.
 */
#ifndef SIGNALING_WHIP_INSIDE_H
#define SIGNALING_WHIP_INSIDE_H

#include "core/sdp/frag.h"
#include "port/jwt_evp.h"
#include "signaling/whip.h"

enum {
	WHIP_ID = 32,		/* hex digits */
	WHIP_NAME_HEX = 24,	/* of the id's digest, in the peer's name */
	WHIP_ETAG = 19,		/* 16 digits in quotes, and NUL */
	WHIP_ORIGIN = 256,
	WHIP_MATCH = 512,	/* bytes of If-Match that are looked at */
	WHIP_HEADERS = 24,
	WHIP_TEXT = 2 * SDP_TEXT,	/* a description and candidates */
	WHIP_SWEEP_US = 1000000,
};

struct whip_peer;

struct whip_request {
	struct whip *whip;
	struct http_exchange *x;
	struct whip_peer *peer;	/* whose `waiting` it is, or NULL */
	bool watch;		/* /whep, else /whip */
	bool post;		/* else PATCH; of those with a body */
	bool counted;		/* its body is coming: it is in the list */
	char method[12];	/* for the log */
	char session[HUB_SESSION_MAX + 1];
	char id[WHIP_ID + 1];	/* "" at the endpoint */
	char origin[WHIP_ORIGIN];	/* of the page, "" without one */
	char match[WHIP_MATCH];	/* If-Match */
	char problem[96];	/* of a token, for WWW-Authenticate */
	struct identity who;
	uint8_t token[JWT_SHA256];	/* its digest */
	bool token_shown;
	struct source_key source;
	struct text body;
	struct mono start;
	struct whip_request *prev, *next;	/* while counted */
};

struct whip_peer {
	struct member member;
	struct whip *whip;
	bool watch;
	bool adopted;		/* found after a restart of this process */
	bool answered, connected;
	bool over;		/* ends with the next tick */
	struct source_key source;
	uint8_t token[JWT_SHA256];
	bool token_shown;
	char *offer;		/* as the call knows it; NULL when adopted */
	char etag[WHIP_ETAG];	/* "" when adopted */
	char id[WHIP_ID + 1];	/* "" when adopted */
	/* While an exchange waits: */
	struct whip_request *waiting;
	char *next_offer;
	char next_etag[WHIP_ETAG];
	char *answer;		/* held for late candidates */
	char *lines[CALLS_CANDIDATES];
	unsigned lines_len;
	struct mono gather_by, connect_by;	/* NEVER: not set yet */
	char refuse_to[HUB_NAME_MAX + 1];	/* called us, is told no */
	struct whip_peer *prev, *next;
};

struct whip {
	struct whip_cfg cfg;
	struct timer timer;
	struct mono now, due, next_sweep;
	struct whip_peer *first;
	size_t count;
	struct whip_request *coming;	/* those whose body is coming */
	unsigned requests;
	/* Scratch of one call; the process has one thread. */
	struct sdp_frag frag;
	char out[WHIP_TEXT];
};

/* Answers */

struct whip_head {
	struct h1_header at[WHIP_HEADERS];
	unsigned len;
};

void whip_header(struct whip_head *h, const char *name, const char *value);

/* type NULL: no body. Frees q. */
void whip_send(struct whip_request *q, unsigned status, struct whip_head *h,
	       const char *type, const char *body, size_t len);

/* A problem (RFC 9457). Frees q. */
void whip_refuse(struct whip_request *q, unsigned status, uint32_t retry_ms,
		 const char *detail);
void whip_refuse_as(struct whip_request *q, const struct refusal *r);

/* Without an answer: its exchange is gone. */
void whip_request_free(struct whip_request *q);

/* Its body is coming; it has come. */
void whip_request_wait(struct whip_request *q);
void whip_request_come(struct whip_request *q);

/* The 201 and the 200 of a restart. */
void whip_send_created(struct whip_request *q, const struct whip_peer *p,
		       const char *sdp);
void whip_send_restarted(struct whip_request *q, const struct whip_peer *p,
			 const char *frag);

/* Peers */

/* The peer's name of an id. */
int whip_name(char out[HUB_NAME_MAX + 1], bool watch, const char *id)
	MUST_USE;

/* The entity-tag of an ICE session: of the client's credentials. */
void whip_etag(char out[WHIP_ETAG], const char *name, struct scan ufrag,
	       struct scan pwd);

/* Also one that a former process made. NULL: none with this id. */
struct whip_peer *whip_find(struct whip *w, const struct whip_request *q);

/* Offers; q is answered now or later. sdp: directed. */
void whip_create(struct whip_request *q, const char *sdp);
void whip_restart(struct whip_request *q, struct whip_peer *p,
		  const char *sdp, const char *etag);

/* Its exchange is gone before the answer. */
void whip_forsake(struct whip_request *q);

/* Ends the call and frees the peer; not from within an event. */
void whip_end(struct whip_peer *p);

/* Frees the peer and lets its call be. */
void whip_abandon(struct whip_peer *p);

/* whip_tick() soon. */
void whip_wake(struct whip *w);

#endif
