/*
 * talk.h - one WebSocket conversation and whoever holds it
 *
 * ws_conn.c owns the frames and the connection; the other side is JSON-RPC
 * (jsonrpc.c) or gRPC over WebSocket (grpc_ws.c), chosen when the connection
 * is upgraded.
 *
 * Memory   Bytes are borrowed during the call.
 * Errors   -ENOBUFS: the far end does not read and is being dropped.
 * Order    `gone` is the last call; it frees the conversation. None of the
 *          conversation's functions is called from inside a call of it to
 *          `out`.
 */
#ifndef SIGNALING_TALK_H
#define SIGNALING_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"

struct talk_out {
	int (*text)(const char *text, size_t len, void *arg);
	int (*binary)(const void *bytes, size_t len, void *arg);
	/* Asks for a close; more messages may still come in. */
	void (*close)(uint16_t code, const char *why, void *arg);
	void *arg;
};

struct talk_ops {
	/* One message. text: valid UTF-8. NULL: such a message is refused
	 * (close 1003). */
	void (*text)(void *talk, const char *text, size_t len,
		     struct mono now);
	void (*binary)(void *talk, const void *bytes, size_t len,
		       struct mono now);
	/* clean: a close frame was exchanged, or we closed it ourselves. */
	void (*gone)(void *talk, bool clean, struct mono now);
	/* Who it is, for the log; "" before it is known. */
	const char *(*name)(const void *talk);
};

/* What http_request says of the upgrade goes along; protocol: the
 * subprotocol that was chosen, or NULL. */
struct http_request;
struct door;

struct talk {
	const struct talk_ops *ops;
	void *arg;
	const char *protocol;	/* to answer in Sec-WebSocket-Protocol; NULL;
				   lives as long as the process */
};

/*
 * Who takes this upgrade: by Sec-WebSocket-Protocol and path. 0 and *out, or
 * an HTTP status to refuse it with (401, 403, 404, 503).
 */
unsigned talk_open(struct talk *out, struct door *door,
		   const struct http_request *r, const struct talk_out *to,
		   struct mono now) MUST_USE;

#endif
