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
#include "signaling/text.h"

struct rpc_batch {
	struct text out;	/* "[answer,answer" */
	unsigned open;		/* answers to come, and one for the parsing */
};

struct rpc_request;

struct rpc_method {
	const char *name;
	void (*handler)(struct rpc_request *q);
	bool dialect_b;
};

/* A request that is answered later. */
struct rpc_waiting {
	bool open;
	const struct rpc_method *method;
	char *id;		/* NULL: a notification */
	struct rpc_batch *batch;
	struct mono since;
};

struct rpc {
	struct member member;
	struct talk_out out;
	bool dialect_b;		/* its announce was */
	struct rpc_waiting offer;	/* to remotemedia-server */
	char offer_id[MEMBER_OFFER_ID];
	unsigned controls_len;	/* that wait (rpc_control.c) */
};

struct rpc_request {
	struct rpc *rpc;
	struct rpc_batch *batch;
	const struct rpc_method *method;	/* NULL: not known (yet) */
	const char *id;		/* JSON text; NULL: a notification */
	const struct js *params;
	struct mono now;
};

struct rpc_error {
	int code;
	const char *message, *reason;
	uint32_t retry_ms;	/* 0: not said */
};

/* NULL when there is none of that name. */
const struct rpc_method *rpc_method_find(const char *name, size_t len);
const struct rpc_method *rpc_find_a(const char *name, size_t len);
const struct rpc_method *rpc_find_b(const char *name, size_t len);
const struct rpc_method *rpc_find_control(const char *name, size_t len);

/* In a table of methods. */
const struct rpc_method *rpc_find(const struct rpc_method *table, size_t rows,
				  const char *name, size_t len);

/* The answer of a request; nothing for a notification. */
void rpc_result(struct rpc_request *q, const struct text *result);
void rpc_error(struct rpc_request *q, struct rpc_error e);

/* As an error of the method's dialect. peer: who was not found. Whether
 * there was a refusal. */
bool rpc_refused(struct rpc_request *q, const struct refusal *r,
		 const char *peer);

/* Keeps the request open; rpc_resume() gives it back. -ENOMEM. */
int rpc_wait(struct rpc_waiting *w, const struct rpc_request *q) MUST_USE;

/* The request again, to be answered; then rpc_waited() ends the waiting. */
struct rpc_request rpc_resume(struct rpc *rpc, const struct rpc_waiting *w);
void rpc_waited(struct rpc *rpc, struct rpc_waiting *w);

/* Drops it without an answer. */
void rpc_wait_drop(struct rpc_waiting *w);

/* A refusal that came by the hub, as an error of the dialect. */
struct rpc_error rpc_error_of(const struct hub_event *ev, bool dialect_b);


/* Forgets the control requests of a conversation that ends. */
void rpc_control_drop(struct rpc *rpc);

#endif
