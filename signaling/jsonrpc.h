/*
 * jsonrpc.h - JSON-RPC 2.0, dialect A: one connection's conversation
 *
 * Text messages in, text messages out; knows hub and calls, no socket. The
 * methods are announce, offer, answer, ice_candidate, disconnect and
 * list_peers; docs/signaling.md shows each with its answer.
 *
 * Order    A relayed notification reaches its target before the sender's
 *          result; the result of announce goes before peer_joined. An offer
 *          to remotemedia-server is answered when the broker has answered it
 *          (result, then the `answer` notification) or refused it (error);
 *          other requests of the connection are answered meanwhile.
 * Memory   rpc_free() leaves the hub, ends the call, drops what waits.
 * Errors   Go to the far end as JSON-RPC errors with data.reason.
 */
#ifndef SIGNALING_JSONRPC_H
#define SIGNALING_JSONRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "signaling/calls.h"
#include "signaling/hub.h"

enum rpc_code {
	RPC_PARSE = -32700,
	RPC_REQUEST = -32600,
	RPC_METHOD = -32601,
	RPC_PARAMS = -32602,
	RPC_INTERNAL = -32603,
	RPC_PEER = -32000,	/* not announced, not found, id taken */
	RPC_FAILED = -32001,	/* the call could not be made */
	RPC_OFFER = -32002,
	RPC_ANSWER = -32003,
	RPC_CAPACITY = -32021,
	RPC_RATE = -32022,
	RPC_TOO_LARGE = -32024,
	RPC_STATE = -32025,
	RPC_CANDIDATE = -32026,
};

enum { RPC_BATCH_MAX = 16 };

/* What all conversations of a process share. */
struct rpc_world {
	struct hub *hub;
	struct calls *calls;
	int64_t (*wall_ms)(void);
	double messages_per_s;	/* a connection; burst is twice that */
	double offers_per_s;	/* burst is 2.5 times that */
};

struct rpc_ops {
	/* One text message. 0, or -ENOBUFS: the far end does not read and is
	 * being dropped. */
	int (*send)(const char *text, size_t len, void *arg);
	/* Asks for a close; more messages may still come in. */
	void (*close)(uint16_t code, const char *why, void *arg);
	void *arg;
};

struct rpc;

int rpc_new(struct rpc **out, struct rpc_world *world,
	    const struct rpc_ops *ops, struct mono now) MUST_USE;

/* NULL is fine. */
void rpc_free(struct rpc *rpc);

/* One text message from the far end, valid UTF-8. */
void rpc_message(struct rpc *rpc, const char *text, size_t len,
		 struct mono now);

/* The announced name, or "". */
const char *rpc_name(const struct rpc *rpc);

#endif
