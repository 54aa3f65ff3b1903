/*
 * trickle.h - a candidate on its way: which m-line it belongs to
 *
 * "<mid> <m-line index> <candidate line>", "-" for a word that is not known.
 * All of a call runs over one transport, that of the m-line
 * sdp_session.transport. A peer may gather for each m-line, with ports and
 * credentials of its own, before it knows that.
 *
 * Memory   Pure; texts are borrowed.
 * Trust    The text read is hostile and bounded by its length.
 */
#ifndef ICE_WORKER_TRICKLE_H
#define ICE_WORKER_TRICKLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "core/sdp/session.h"

struct trickle {
	char mid[SDP_MID + 1];	/* "" when not given or too long to be one */
	int index;		/* of the m-line, -1 not given */
	const char *line;	/* inside the text; not terminated */
	size_t len;		/* 0: no more candidates will come */
};

/* -EINVAL: it does not begin with two words. */
int trickle_read(struct trickle *out, const char *text, size_t len) MUST_USE;

/* With a final zero; its length. line "": no more will come. -ENOSPC. */
int trickle_write(const struct sdp_session *s, const char *line, char *out,
		  size_t cap) MUST_USE;

/*
 * Whether it belongs to the transport that carries the call: it names its
 * m-line or none. Or a rejected m-line, but with the right ufrag ("": not
 * given): a peer that bundles from the start gathers for the first m-line
 * alone.
 */
bool trickle_fits(const struct sdp_session *s, const struct trickle *t,
		  const char *ufrag);

/* Whether the candidates of this m-line of a description belong to the
 * transport that carries the call. */
bool trickle_line_fits(const struct sdp_session *s, const struct sdp *sdp,
		       unsigned index);

/* Whether it names another generation, by its ufrag, than the peer's last
 * description. */
bool trickle_is_foreign(const struct sdp_session *s,
			const struct candidate *c);

#endif
