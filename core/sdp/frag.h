/*
 * frag.h - ICE alone: SDP fragments (RFC 8840), and ICE within descriptions
 *
 * A client of WHIP or WHEP speaks of ICE in fragments
 * (application/trickle-ice-sdpfrag) while a call knows whole descriptions.
 * Here one is made of the other, text to text and line by line: what is not
 * ICE stays byte for byte, but for line ends.
 *
 * Memory   A struct sdp_frag is about 40 KiB and must not be copied or moved
 *          after sdp_frag_parse(): its strings point into its text.
 *          Functions that write take `out` of `cap` bytes, write a final
 *          zero and return the length; -ENOSPC when it does not fit.
 * Errors   -EINVAL malformed, -EMSGSIZE over a limit, -ENOTSUP well-formed
 *          but not done here; struct sdp_error (may be NULL) says why.
 */
#ifndef CORE_SDP_FRAG_H
#define CORE_SDP_FRAG_H

#include "core/sdp/parse.h"
#include "core/sdp/scan.h"

enum { SDP_FRAG_LINE = 448 };	/* bytes of a candidate's line */

struct sdp_frag_candidate {
	const char *line;	/* "candidate:..." */
	const char *mid;	/* "" when its m-line has none */
	int mline;		/* index of the m-line in the fragment */
};

struct sdp_frag {
	const char *ufrag, *pwd;	/* "" when absent; both or none */
	bool end_of_candidates;
	unsigned sections;	/* m-lines */
	struct sdp_frag_candidate candidates[SDP_CANDIDATES];
	unsigned candidate_count;
	unsigned candidates_dropped;	/* malformed or over SDP_CANDIDATES */
	char text[SDP_TEXT + 1];
};

/* Fills all of *frag. -ENOTSUP: it speaks of two ICE sessions. */
int sdp_frag_parse(struct sdp_frag *frag, const char *text, size_t len,
		   struct sdp_error *err) MUST_USE;

/* The value of the first a=<name>:, empty when there is none. */
struct scan sdp_text_attr(const char *sdp, const char *name);

/*
 * The offer with every open audio and video m-line turned to `only`
 * (SDP_SENDONLY or SDP_RECVONLY, the offerer's side). -EINVAL: one says the
 * opposite, or there is none. -ENOTSUP: more than one audio or video.
 */
int sdp_text_direct(char *out, size_t cap, const char *offer,
		    enum sdp_direction only, struct sdp_error *err) MUST_USE;

/*
 * The offer with the fragment's ICE in place of its own. Candidates of a mid
 * that the offer does not have go to its first m-line.
 */
int sdp_text_restart(char *out, size_t cap, const char *offer,
		     const struct sdp_frag *frag) MUST_USE;

/* The ICE of a description as a fragment: its first open m-line's. */
int sdp_text_frag(char *out, size_t cap, const char *sdp) MUST_USE;

/* The description with more candidates ("candidate:...") at its first open
 * m-line, and a=end-of-candidates when they are all and it has none. */
int sdp_text_complete(char *out, size_t cap, const char *sdp,
		      char *const *lines, unsigned count, bool all) MUST_USE;

/* Index of the first m-line that the offer opens and the answer rejects, -1
 * if none; *name is its media ("video"). */
int sdp_text_rejected(const char *offer, const char *answer,
		      struct scan *name);

#endif
