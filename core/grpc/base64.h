/*
 * base64.h - the text form of gRPC-Web (RFC 4648 section 4), read in pieces
 *
 * What is read may be padded at the end of any piece that its sender flushed:
 * after "==" a new group may begin.
 *
 * Errors   -EBADMSG: not base64; sticky.
 */
#ifndef CORE_GRPC_BASE64_H
#define CORE_GRPC_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* Zero it to begin. */
struct b64 {
	uint32_t bits;
	uint8_t chars;		/* of the present group */
	uint8_t pads;		/* '=' seen in it */
	bool bad;
};

/* Bytes that len characters give at most, whatever came before. */
static inline size_t b64_room(size_t len)
{
	return (len + 3) / 4 * 3;
}

/* Bytes written to out (b64_room(len) of them), or -EBADMSG. */
int b64_read(struct b64 *b, const void *text, size_t len,
		uint8_t *out) MUST_USE;

/* Whether the text may end here. */
bool b64_whole(const struct b64 *b);

#endif
