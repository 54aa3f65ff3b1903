/* rpc_params.c - reading the params of a request */

#include "signaling/rpc_params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct js *rpc_param(const struct rpc_request *q, const char *name,
			   size_t position)
{
	return js_type(q->params) == JS_ARRAY ? js_at(q->params, position)
					      : js_get(q->params, name);
}

void rpc_bad_param(struct rpc_request *q, const char *name,
		   const char *problem)
{
	char reason[96];

	snprintf(reason, sizeof(reason), "%s %s", name, problem);
	rpc_error(q, (struct rpc_error){ RPC_PARAMS, "Invalid params", reason,
					 0 });
}

const char *rpc_string(struct rpc_request *q, const char *name,
		       size_t position)
{
	const struct js *v = rpc_param(q, name, position);
	size_t len;
	const char *s = js_string(v, &len);

	if (!s)
		rpc_bad_param(q, name, v ? "is not a string" : "is missing");
	else if (strlen(s) != len) {
		rpc_bad_param(q, name, "holds a NUL");
		s = NULL;
	}

	return s;
}

const char *rpc_filled(struct rpc_request *q, const char *name,
		       size_t position)
{
	const char *s = rpc_string(q, name, position);

	if (s && !*s) {
		rpc_bad_param(q, name, "is empty");
		s = NULL;
	}

	return s;
}

static bool is_absent(const struct js *v)
{
	return js_type(v) == JS_NONE || js_type(v) == JS_NULL;
}

bool rpc_optional(struct rpc_request *q, const char *name, size_t position,
		  const char **out)
{
	if (is_absent(rpc_param(q, name, position)))
		return true;
	*out = rpc_string(q, name, position);

	return *out != NULL;
}

bool rpc_index(struct rpc_request *q, const char *name, size_t position,
	       int64_t *out)
{
	const struct js *v = rpc_param(q, name, position);

	*out = -1;
	if (is_absent(v) || (js_int(v, out) && *out >= 0 && *out <= 65535))
		return true;
	rpc_bad_param(q, name, "is not 0 to 65535");

	return false;
}

bool rpc_bool(struct rpc_request *q, const char *name, size_t position,
	      bool *out)
{
	const struct js *v = rpc_param(q, name, position);

	if (js_type(v) != JS_NONE && js_type(v) != JS_BOOL) {
		rpc_bad_param(q, name, "is not true or false");
		return false;
	}
	if (js_type(v) == JS_BOOL)
		*out = js_is_true(v);

	return true;
}

char *rpc_json(struct rpc_request *q, const char *name, size_t position,
	       bool array)
{
	const struct js *v = rpc_param(q, name, position);
	char *s;

	if (!is_absent(v) && js_type(v) != JS_OBJECT &&
	    !(array && js_type(v) == JS_ARRAY)) {
		rpc_bad_param(q, name, array ? "is neither object nor array"
					     : "is not an object");
		return NULL;
	}
	s = is_absent(v) ? strdup("{}") : js_write(v);
	if (!s)
		rpc_error(q, (struct rpc_error){ RPC_INTERNAL,
						 "Internal error", "no memory",
						 0 });

	return s;
}
