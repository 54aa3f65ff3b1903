/*
 * write.h - our side of a negotiation as SDP text
 *
 * Memory   Into the caller's bytes; SDP_TEXT + 1 is always enough.
 */
#ifndef CORE_SDP_WRITE_H
#define CORE_SDP_WRITE_H

#include "core/sdp/session.h"

/*
 * The offer or answer that says what *s holds, with CRLF line ends and a
 * final zero; its length. May be written again with more candidates.
 * -EINVAL a text of *local is missing or malformed, -ENOSPC.
 */
int sdp_session_write(const struct sdp_session *s,
		      const struct sdp_local *local, char *out,
		      size_t cap) MUST_USE;

#endif
