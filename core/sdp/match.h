/*
 * match.h - what one m-line of a peer and we have in common
 *
 * The pieces that answering (answer.c) and taking an answer (offer.c) share.
 */
#ifndef CORE_SDP_MATCH_H
#define CORE_SDP_MATCH_H

#include "core/sdp/session.h"

#define SDP_EXT_MID "urn:ietf:params:rtp-hdrext:sdes:mid"
#define SDP_EXT_TRANSPORT_CC                                                  \
	"http://www.ietf.org/id/"                                             \
	"draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define SDP_EXT_AUDIO_LEVEL "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

/* Writes err (may be NULL) and returns code. line: in the text, 0 none. */
int sdp_fail(struct sdp_error *err, int code, unsigned line, const char *fmt,
	     ...) __attribute__((format(printf, 4, 5)));

/* Names, mid, protocol, flags; neither accepted nor rejected yet. */
void sdp_match_identity(struct sdp_line *line, const struct sdp_media *m);

/*
 * Codecs, feedback, extensions, sources. as_listed: in the peer's order,
 * otherwise VP9 before VP8. False: rejected, line->reason says why.
 */
bool sdp_match_line(struct sdp_line *line, const struct sdp_media *m,
		    bool as_listed);

void sdp_match_reject(struct sdp_line *line, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether the peer keeps this m-line open. */
bool sdp_media_is_open(const struct sdp_media *m);

/* The m-line that speaks for the transport: `preferred` if it is open and has
 * credentials, else the first such one; NULL if none. */
const struct sdp_media *sdp_transport_media(const struct sdp *sdp,
					    int preferred);

/* Takes the peer's credentials and fingerprints. Errors as answer.h. */
int sdp_take_transport(struct sdp_session *s, const struct sdp *sdp,
		       struct sdp_error *err) MUST_USE;

/* Recounts accepted_count, kinds, transport and the stream indices from the
 * directions of the accepted lines. */
void sdp_session_index(struct sdp_session *s);

#endif
