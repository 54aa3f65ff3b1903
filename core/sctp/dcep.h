/*
 * dcep.h - opening a data channel (RFC 8832) and PPIDs (RFC 8831 section 8)
 *
 * Memory   A parsed message borrows the caller's bytes.
 * Errors   -EBADMSG for anything that is not a whole, well-formed message.
 */
#ifndef CORE_SCTP_DCEP_H
#define CORE_SCTP_DCEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum dcep_ppid {
	PPID_DCEP = 50,
	PPID_TEXT = 51,
	PPID_BINARY_PART = 52,	/* deprecated: a piece, the last has 53 */
	PPID_BINARY = 53,
	PPID_TEXT_PART = 54,	/* deprecated: a piece, the last has 51 */
	PPID_TEXT_EMPTY = 56,
	PPID_BINARY_EMPTY = 57,
};

enum dcep_type { DCEP_ACK = 2, DCEP_OPEN = 3 };

enum dcep_reliability { DCEP_RELIABLE, DCEP_REXMIT, DCEP_TIMED };

enum { DCEP_LABEL_MAX = 256, DCEP_OPEN_MAX = 12 + 2 * DCEP_LABEL_MAX };

struct dcep {
	enum dcep_type type;
	bool unordered;
	enum dcep_reliability reliability;
	uint32_t limit;		/* retransmissions or milliseconds */
	uint16_t priority;
	const uint8_t *label, *protocol;	/* UTF-8, no NUL at the end */
	size_t label_len, protocol_len;		/* DCEP_LABEL_MAX at most */
};

int dcep_parse(struct dcep *out, const void *bytes, size_t len) MUST_USE;

/* Bytes written, or -ENOSPC. */
int dcep_write(const struct dcep *msg, void *out, size_t cap) MUST_USE;

/* RFC 8832 section 6: the DTLS client opens even streams, the server odd. */
static inline bool dcep_stream_is_ours(uint16_t stream, bool dtls_client)
{
	return (stream % 2 == 0) == dtls_client;
}

#endif
