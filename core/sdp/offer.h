/*
 * offer.h - our own offer, and the peer's answer to it (RFC 8829 5.2, 5.4)
 *
 * Errors   As answer.h says.
 */
#ifndef CORE_SDP_OFFER_H
#define CORE_SDP_OFFER_H

#include "core/sdp/session.h"

/*
 * *out becomes what we propose; write it with sdp_session_write(). kinds:
 * enum sdp_kind or-ed, at least one. was: the agreement of the running call
 * (its m-lines stay, unwanted ones become inactive), NULL for a first offer.
 */
int sdp_offer(struct sdp_session *out, const struct sdp_local *local,
	      unsigned kinds, const struct sdp_session *was,
	      struct sdp_error *err) MUST_USE;

/* *s is what sdp_offer() proposed and becomes the agreement; on error it is
 * unchanged. */
int sdp_apply_answer(struct sdp_session *s, const struct sdp *answer,
		     struct sdp_error *err) MUST_USE;

#endif
