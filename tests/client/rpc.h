/*
 * rpc.h - JSON-RPC over a WebSocket, the client's side
 *
 * Memory   Texts and nodes given to handlers are valid during the call.
 * Errors   Negative errno; `closed` is told once, and nothing after it.
 * Threads  The loop's.
 */
#ifndef TESTS_CLIENT_RPC_H
#define TESTS_CLIENT_RPC_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/loop.h"
#include "port/json.h"

struct rpc;

struct rpc_ops {
	void (*open)(struct mono now, void *arg);
	/* Any message: result, error or notification. */
	void (*message)(const struct js *root, struct mono now, void *arg);
	void (*closed)(const char *why, void *arg);
	void *arg;
};

struct rpc_to {
	const char *ip;		/* literal IPv4 */
	uint16_t port;
	const char *from;	/* our address, NULL: any */
};

/* Begins to connect. */
int rpc_new(struct rpc **out, struct loop *loop, const struct rpc_to *to,
	    const struct rpc_ops *ops) MUST_USE;

/* NULL is fine. Not from a handler. */
void rpc_free(struct rpc *r);

/* {"jsonrpc":"2.0","id":<id>,"method":<method>,"params":{<members>}};
 * members is JSON text. -ENOTCONN, -ENOMEM. */
int rpc_call(struct rpc *r, int64_t id, const char *method,
	     const char *members) MUST_USE;

/* A JSON string with its quotes, to be freed by free(); NULL without
 * memory. */
char *rpc_quote(const char *text);

#endif
