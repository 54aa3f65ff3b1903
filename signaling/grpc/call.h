/*
 * call.h - one gRPC call, whatever carries it
 *
 * A transport (http.c for gRPC and gRPC-Web, socket.c for grpc-websockets)
 * brings metadata and bytes; a service (struct grpc_method) gets messages and
 * answers with grpc_send() and grpc_end(). All limits of a call are here:
 * size of a message, bytes that wait for the client, deadlines.
 *
 * Memory   The call is its own; `fini` is the last a service hears of it,
 *          exactly once, however it ended. It may come from inside grpc_end()
 *          when that is not called from a function of the service itself.
 * Errors   -ENOBUFS: the client does not read; nothing was queued. A client
 *          that stays so for GRPC_STUCK_US is given up.
 * Blocks   Never.
 */
#ifndef SIGNALING_GRPC_CALL_H
#define SIGNALING_GRPC_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/loop.h"
#include "core/grpc/base64.h"
#include "core/grpc/frames.h"
#include "core/grpc/meta.h"
#include "port/pb.h"
#include "signaling/http.h"
#include "signaling/talk.h"
#include "signaling/text.h"

enum {
	GRPC_STUCK_US = 10000000,
	GRPC_PIECE = 65536,	/* of a large message, given at once */
	GRPC_EXTRAS = 16,	/* headers, and trailers, of an answer */
	GRPC_NAME = 129,	/* of the caller, for the log */
};

struct grpc_call;

struct grpc_method {
	const char *path;	/* "/package.Service/Method" */
	bool streams_in;	/* else exactly one message comes, at the end
				   of the request */
	bool streams_out;	/* the answer's headers leave at once */
	/* Metadata can be read. NULL: not wanted. */
	void (*begin)(struct grpc_call *c, struct mono now);
	void (*message)(struct grpc_call *c, const void *bytes, size_t len,
			struct mono now);
	/* The client will send no more. NULL when !streams_in. */
	void (*half_close)(struct grpc_call *c, struct mono now);
	/* There is room again after -ENOBUFS. NULL: not wanted. */
	void (*writable)(struct grpc_call *c, struct mono now);
	/* clean: not a connection that was lost. */
	void (*fini)(struct grpc_call *c, bool clean, struct mono now);
};

struct grpc_call {
	const struct grpc_method *method;
	void *arg;		/* the service's */
	struct door *door;
	enum grpc_mode mode;
	struct source_key source;
	char name[GRPC_NAME];	/* the service writes it when it is known */
	struct mono start;

	/* of call.c */
	struct http_exchange *x;	/* NULL for grpc-websockets, and when
					   it is gone */
	struct talk_out to;
	bool has_talk;
	const struct h1_header *headers;	/* during begin only */
	unsigned headers_len;
	struct grpc_frames frames;
	struct b64 base64;
	struct text head, tail;	/* extra headers, trailers: pairs of
				   terminated texts */
	uint8_t *request;	/* the one message of !streams_in */
	size_t request_len;
	unsigned requests;
	struct pb_bytes rest;	/* a large message on its way */
	size_t rest_at;
	struct timer deadline, later, stuck;
	struct mono due;	/* the client's deadline */
	unsigned busy;		/* functions of the call on the stack */
	bool head_sent, half_closed, ended, lost, done;
	bool is_stuck;
	unsigned status, later_status;
	char why[GRPC_TEXT_MAX], later_why[GRPC_TEXT_MAX];
};

/* For services. */

/* A request's metadata, during begin only; at NULL when absent. */
struct h1_span grpc_metadata(const struct grpc_call *c, const char *name);

/* Before the first message; trailers until the end. Both are copied. */
void grpc_header(struct grpc_call *c, const char *name, struct h1_span value);
void grpc_trailer(struct grpc_call *c, const char *name,
		  struct h1_span value);

/* Takes the message, whatever it returns. */
int grpc_send(struct grpc_call *c, struct pb_bytes message) MUST_USE;

/* why may be NULL. */
void grpc_end(struct grpc_call *c, unsigned status, const char *why);

/* From where a call must not end, as inside an event of the hub: the end
 * comes at the loop's next turn. The first one counts. */
void grpc_end_later(struct grpc_call *c, unsigned status, const char *why);

/* How long a client may take until it has said what it wants. */
int64_t grpc_patience_us(const struct grpc_call *c);

/* Counts one call of a method and writes its line. */
void grpc_log(struct grpc_call *c, const char *method, struct mono start,
	      unsigned status);

/* For transports. */

struct grpc_call *grpc_call_new(struct door *door, enum grpc_mode mode,
				struct mono now) MUST_USE;

/* Finds the method and begins; the answer may be over afterwards. */
void grpc_call_begin(struct grpc_call *c, struct h1_span path,
		     const struct h1_header *headers, unsigned headers_len,
		     struct mono now);

void grpc_call_bytes(struct grpc_call *c, const void *bytes, size_t len,
		     struct mono now);
void grpc_call_half_close(struct grpc_call *c, struct mono now);
void grpc_call_writable(struct grpc_call *c, struct mono now);

/* The transport is gone. */
void grpc_call_gone(struct grpc_call *c, bool lost, struct mono now);

#endif
