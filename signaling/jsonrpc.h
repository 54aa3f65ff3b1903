/*
 * jsonrpc.h - JSON-RPC 2.0 in two dialects: one connection's conversation
 *
 * Text messages in, text messages out; knows hub and calls, no socket. The
 * methods of dialect A have plain names (announce, offer, ...), those of
 * dialect B dotted ones (peer.announce, ...); both may be called on any
 * connection. Notifications come in the dialect that announced.
 * docs/signaling.md shows each with its answer.
 *
 * Order    A relayed notification reaches its target before the sender's
 *          result; the result of announce goes before peer_joined, and before
 *          what waited for a peer that came back. An offer to
 *          remotemedia-server is answered when the broker has answered it
 *          (A: result, then the `answer` notification; B: the result is the
 *          answer) or refused it (error); other requests of the connection
 *          are answered meanwhile.
 * Memory   rpc_free() leaves the hub (or has the peer held), drops what
 *          waits.
 * Errors   Go to the far end as JSON-RPC errors with data.reason.
 */
#ifndef SIGNALING_JSONRPC_H
#define SIGNALING_JSONRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "proto/msg.h"
#include "signaling/member.h"
#include "signaling/talk.h"

enum rpc_code {
	RPC_PARSE = -32700,
	RPC_REQUEST = -32600,
	RPC_METHOD = -32601,
	RPC_PARAMS = -32602,
	RPC_INTERNAL = -32603,
	RPC_CAPACITY = -32021,
	RPC_TOO_LARGE = -32024,
	RPC_STATE = -32025,
};

enum {
	RPC_BATCH_MAX = 16,	/* unless set */
	RPC_CLOSE_RESUMED = 4001,	/* WebSocket close: its peer id went
					   on through another connection */
};

struct rpc;

/* Of `out` only text() and close() are used. */
int rpc_new(struct rpc **out, struct world *world, const struct talk_out *to,
	    struct mono now) MUST_USE;

/* clean: a farewell, the peer leaves; else it is held. NULL is fine. */
void rpc_free(struct rpc *rpc, bool clean, struct mono now);

/* Where it comes from: source_number(). */
void rpc_comes_from(struct rpc *rpc, uint64_t source);

/* The token of the upgrade. */
struct refusal rpc_authenticate(struct rpc *rpc, const char *token,
				size_t len);

/* One text message from the far end, valid UTF-8. */
void rpc_message(struct rpc *rpc, const char *text, size_t len,
		 struct mono now);

/* The announced name, or "". */
const char *rpc_name(const struct rpc *rpc);

/* The broker's answer to world->control; text as in proto/msg.h. */
void rpc_on_control(struct world *world, uint64_t request,
		    enum control_error error, const char *text);

/* Refuses what the broker has not answered in time. */
void rpc_tick(struct world *world, struct mono now);

/* talk_open() of JSON-RPC: any path, any subprotocol that is ours. */
unsigned rpc_talk_open(struct talk *out, struct door *door,
		       const struct http_request *r,
		       const struct talk_out *to, struct mono now) MUST_USE;

#endif
