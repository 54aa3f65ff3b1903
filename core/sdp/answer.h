/*
 * answer.h - answer a peer's offer (RFC 8829 section 5.3)
 *
 * M-lines keep their order and mids. Opus, VP9 (profile 0) and VP8 with the
 * offerer's payload types, transport-wide feedback and the extensions we use
 * if they are offered, data channels. Everything else is rejected with a
 * reason. Where the offer has several m-lines of a kind, our stream goes to
 * one that only receives, then to the first that receives.
 *
 * Errors   -EINVAL   the offer contradicts itself or the running call
 *          -ENOTSUP  the first offer of a call holds nothing we can do, or no
 *                    fingerprint of SHA-256, -384 or -512
 *          struct sdp_error has the text for the peer.
 */
#ifndef CORE_SDP_ANSWER_H
#define CORE_SDP_ANSWER_H

#include "core/sdp/session.h"

/*
 * *out becomes the new agreement; write it with sdp_session_write(). On error
 * it is unchanged. was: the agreement of the running call (may be out), NULL
 * for the first offer. err may be NULL.
 */
int sdp_answer(struct sdp_session *out, const struct sdp *offer,
	       const struct sdp_local *local, const struct sdp_session *was,
	       struct sdp_error *err) MUST_USE;

#endif
