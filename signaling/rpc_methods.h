/*
 * rpc_methods.h - the methods of one conversation (private to jsonrpc.c and
 * the dialects)
 */
#ifndef SIGNALING_RPC_METHODS_H
#define SIGNALING_RPC_METHODS_H

#include <stdbool.h>
#include <stddef.h>

#include "port/json.h"
#include "signaling/jsonrpc.h"
#include "signaling/limit.h"
#include "signaling/text.h"

struct rpc_batch {
	struct text out;	/* "[answer,answer" */
	unsigned open;		/* answers to come, and one for the parsing */
};

/* The offer to remotemedia-server that is not answered yet. */
struct rpc_waiting {
	bool open;
	char *id, *offer_id;	/* id NULL: a notification */
	struct rpc_batch *batch;
};

struct rpc {
	struct rpc_world *world;
	struct rpc_ops ops;
	struct hub_peer peer;
	struct limit messages, offers, breaches;
	struct rpc_waiting waiting;
};

struct rpc_request {
	struct rpc *rpc;
	struct rpc_batch *batch;
	const char *id;		/* JSON text; NULL: a notification */
	const struct js *params;
	struct mono now;
};

struct rpc_error {
	int code;
	const char *message, *reason;
	uint32_t retry_ms;	/* 0: not said */
};

struct rpc_method {
	const char *name;
	void (*handler)(struct rpc_request *q);
};

/* NULL when there is none of that name. */
const struct rpc_method *rpc_method_find(const char *name, size_t len);

/* The answer of a request; nothing for a notification. */
void rpc_result(struct rpc_request *q, const struct text *result);
void rpc_error(struct rpc_request *q, struct rpc_error e);

/* -32022, and the close after too many of them. */
void rpc_over_rate(struct rpc_request *q, const struct limit *l,
		   const char *reason);

/* Keeps the request open until the broker has answered. -ENOMEM. */
int rpc_hold(struct rpc_request *q, const char *offer_id) MUST_USE;

/* The hub's deliver of a conversation; arg is the struct rpc. */
int rpc_deliver(const struct hub_event *ev, void *arg);

#endif
