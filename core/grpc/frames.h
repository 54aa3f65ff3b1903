/*
 * frames.h - the five bytes before each message of gRPC: flag and length
 *
 * A pure module. Messages come out whole; one that arrives in a single piece
 * is not copied, another is gathered in memory that grows with what came, not
 * with what the length claims.
 *
 * Memory   grpc_frames_fini() frees. A message is valid until the next call.
 * Errors   Sticky: after a negative errno nothing more comes out.
 */
#ifndef CORE_GRPC_FRAMES_H
#define CORE_GRPC_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

enum {
	GRPC_HEAD = 5,		/* bytes before a message */
	GRPC_FLAG_COMPRESSED = 1,
	GRPC_FLAG_TRAILERS = 0x80,	/* gRPC-Web, answers only */
};

/* Zero it, but for max. */
struct grpc_frames {
	size_t max;		/* bytes of one message */
	uint8_t head[GRPC_HEAD];
	unsigned head_len;
	uint8_t *bytes;
	size_t len, cap, need;
	int failed;
};

struct grpc_message {
	const uint8_t *bytes;	/* never NULL */
	size_t len;
};

void grpc_frames_fini(struct grpc_frames *f);

/*
 * Takes bytes from `in` until a message is whole. 1: *out is one, and `in`
 * may hold more. 0: all of `in` was taken.
 * -EMSGSIZE    a message of more than max bytes is announced
 * -EOPNOTSUPP  a compressed message
 * -EBADMSG     a flag that is not ours
 * -ENOMEM
 */
int grpc_frames_next(struct grpc_frames *f, struct buf_in *in,
		     struct grpc_message *out) MUST_USE;

/* Whether the bytes may end here. */
bool grpc_frames_whole(const struct grpc_frames *f);

void grpc_frame_head(uint8_t out[GRPC_HEAD], unsigned flag, size_t len);

#endif
