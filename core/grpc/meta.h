/*
 * meta.h - what surrounds the messages of gRPC: statuses, modes, metadata
 *
 * A pure module.
 *
 * Memory   Spans point into the caller's bytes.
 */
#ifndef CORE_GRPC_META_H
#define CORE_GRPC_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "core/http/h1.h"

enum grpc_status {
	GRPC_OK, GRPC_CANCELLED, GRPC_UNKNOWN, GRPC_INVALID_ARGUMENT,
	GRPC_DEADLINE_EXCEEDED, GRPC_NOT_FOUND, GRPC_ALREADY_EXISTS,
	GRPC_PERMISSION_DENIED, GRPC_RESOURCE_EXHAUSTED,
	GRPC_FAILED_PRECONDITION, GRPC_ABORTED, GRPC_OUT_OF_RANGE,
	GRPC_UNIMPLEMENTED, GRPC_INTERNAL, GRPC_UNAVAILABLE, GRPC_DATA_LOSS,
	GRPC_UNAUTHENTICATED,
};

/* "NOT_FOUND"; "UNKNOWN" for a number that is none. */
const char *grpc_status_name(unsigned status);

enum grpc_mode {
	GRPC_NONE,		/* not gRPC */
	GRPC_NATIVE, GRPC_WEB, GRPC_WEB_TEXT, GRPC_SOCKET,
	GRPC_OTHER,		/* gRPC, but of a message format not ours */
};

/* Of a content-type. */
enum grpc_mode grpc_mode_of(struct h1_span content_type);

/* What the answer's content-type is. */
const char *grpc_content_type(enum grpc_mode mode);

enum {
	GRPC_TEXT_MAX = 512,	/* bytes of a grpc-message, before encoding */
	GRPC_ENCODED_MAX = 3 * GRPC_TEXT_MAX,
	GRPC_BLOCK_HEADERS = 64,
	GRPC_BLOCK_MAX = 8192,	/* bytes of a header block */
};

/* Percent-encodes; text past GRPC_TEXT_MAX is left out. Bytes written, of
 * GRPC_ENCODED_MAX at most, no NUL. */
size_t grpc_percent(char out[GRPC_ENCODED_MAX], const char *text, size_t len);

/* "100m" to microseconds; -EINVAL. More than a hundred days is cut. */
int grpc_timeout(struct h1_span value, int64_t *out_us) MUST_USE;

/*
 * The first message of grpc-websockets: "name: value" lines that end in CRLF
 * or LF; a last line may do without. How many, or -EBADMSG: no header, a
 * control in it, more than GRPC_BLOCK_HEADERS or GRPC_BLOCK_MAX.
 */
int grpc_block(struct h1_header out[GRPC_BLOCK_HEADERS], const void *bytes,
	       size_t len) MUST_USE;

#endif
