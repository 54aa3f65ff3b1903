/*
 * rpc_params.h - reading the params of a request
 *
 * By name, or by position where the method's table says so (JSON-RPC 2.0
 * section 4.2). A function that fails has answered the request.
 */
#ifndef SIGNALING_RPC_PARAMS_H
#define SIGNALING_RPC_PARAMS_H

#include "signaling/rpc_methods.h"

/* NULL when absent. */
const struct js *rpc_param(const struct rpc_request *q, const char *name,
			   size_t position);

/* -32602 with the reason "<name> <problem>". */
void rpc_bad_param(struct rpc_request *q, const char *name,
		   const char *problem);

/* A string without NUL; NULL: answered. */
const char *rpc_string(struct rpc_request *q, const char *name,
		       size_t position);

/* As rpc_string(), but "" counts as missing. */
const char *rpc_filled(struct rpc_request *q, const char *name,
		       size_t position);

/* A string that may be absent or null, then *out stays. false: answered. */
bool rpc_optional(struct rpc_request *q, const char *name, size_t position,
		  const char **out);

/* A whole number 0 to 65535, -1 when absent or null. false: answered. */
bool rpc_index(struct rpc_request *q, const char *name, size_t position,
	       int64_t *out);

/* A boolean that may be absent, then *out stays. false: answered. */
bool rpc_bool(struct rpc_request *q, const char *name, size_t position,
	      bool *out);

/* Compact text of an object (or an array, where array is set) to be freed;
 * "{}" when absent or null. NULL: answered. */
char *rpc_json(struct rpc_request *q, const char *name, size_t position,
	       bool array);

#endif
