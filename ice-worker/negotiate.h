/*
 * negotiate.h - offers, answers and candidates of one peer
 *
 * An answer goes out at once with the host candidates inside. A later offer
 * is answered in place; an offer with another certificate belongs to another
 * connection and goes back to the broker. When both sides offer at the same
 * time, ours is given up.
 *
 * Trust    Every text is hostile. A refused description or candidate leaves
 *          the call as it was (peer_refused).
 */
#ifndef ICE_WORKER_NEGOTIATE_H
#define ICE_WORKER_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "core/sdp/session.h"

enum {
	LOCAL_CANDIDATES = 16,
	EARLY_CANDIDATES = 32,	/* kept until their description comes */
	CNAME_BYTES = 17,
};

struct peer;

struct negotiation {
	struct sdp_session agreed;	/* valid when have_agreed */
	struct sdp_session offered;	/* ours, valid when offering */
	bool have_agreed, offering, gathered, answered;
	uint64_t session_id;
	uint32_t version;
	char cname[CNAME_BYTES];
	uint32_t audio_ssrc, video_ssrc;
	uint8_t fingerprint[32];
	struct candidate local[LOCAL_CANDIDATES];
	unsigned local_count;
	struct addr own[LOCAL_CANDIDATES];	/* addresses of this machine */
	char *early[EARLY_CANDIDATES];	/* candidate texts, allocated */
	unsigned early_count;
};

/* Random names and numbers; the certificate must be there. */
int negotiate_open(struct peer *p) MUST_USE;
void negotiate_fini(struct peer *p);

void negotiate_local_candidate(struct peer *p, const char *line);
void negotiate_gathered(struct peer *p);

void negotiate_offer(struct peer *p, const char *sdp, size_t len);
void negotiate_answer(struct peer *p, const char *sdp, size_t len);

/* Makes an offer; kinds: enum sdp_kind or-ed. */
void negotiate_wanted(struct peer *p, unsigned kinds);

/* "<mid> <m-line index> <candidate>" */
void negotiate_candidate(struct peer *p, const char *text, size_t len);

/* Candidates of a description, and those that came before it. */
void candidates_apply(struct peer *p, const struct sdp *sdp);

/* Tells the broker that something was refused. */
void negotiate_refuse(struct peer *p, uint32_t why, const char *text);

#endif
