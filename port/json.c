/* json.c - jansson behind json.h; the only user of its header */

#include "port/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* A struct js is a json_t under another name. */
static struct js *wrap(json_t *v)
{
	return (struct js *)(void *)v;
}

static json_t *peel(const struct js *v)
{
	union {
		const struct js *in;
		json_t *out;
	} u = { v };

	return u.out;
}

void js_seed(void)
{
	json_object_seed(0);
}

int js_parse(struct js **out, const char *text, size_t len,
	     char error[JS_ERROR])
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY |
			     JSON_ALLOW_NUL;
	json_error_t err;
	json_t *root = json_loadb(text, len, flags, &err);

	if (!root && json_error_code(&err) == json_error_numeric_overflow)
		root = json_loadb(text, len, flags | JSON_DECODE_INT_AS_REAL,
				  &err);
	if (!root) {
		snprintf(error, JS_ERROR, "%.100s (byte %d)", err.text,
			 err.position);
		return -EBADMSG;
	}
	*out = wrap(root);

	return 0;
}

void js_free(struct js *root)
{
	json_decref(peel(root));
}

enum js_type js_type(const struct js *v)
{
	if (!v)
		return JS_NONE;
	switch (json_typeof(peel(v))) {
	case JSON_OBJECT:
		return JS_OBJECT;
	case JSON_ARRAY:
		return JS_ARRAY;
	case JSON_STRING:
		return JS_STRING;
	case JSON_INTEGER:
	case JSON_REAL:
		return JS_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return JS_BOOL;
	case JSON_NULL:
		return JS_NULL;
	}

	return JS_NONE;
}

const struct js *js_get(const struct js *v, const char *key)
{
	return wrap(json_object_get(peel(v), key));
}

const struct js *js_each(const struct js *object, void **at, const char **key)
{
	json_t *v = peel(object);

	*at = *at ? json_object_iter_next(v, *at) : json_object_iter(v);
	if (!*at)
		return NULL;
	*key = json_object_iter_key(*at);

	return wrap(json_object_iter_value(*at));
}

const struct js *js_at(const struct js *v, size_t index)
{
	return wrap(json_array_get(peel(v), index));
}

size_t js_len(const struct js *v)
{
	return json_is_array(peel(v)) ? json_array_size(peel(v))
				      : json_object_size(peel(v));
}

const char *js_string(const struct js *v, size_t *len)
{
	*len = json_string_length(peel(v));

	return json_string_value(peel(v));
}

bool js_int(const struct js *v, int64_t *out)
{
	double real;

	if (json_is_integer(peel(v))) {
		*out = json_integer_value(peel(v));
		return true;
	}
	if (!json_is_real(peel(v)))
		return false;
	real = json_real_value(peel(v));
	if (!(real >= -9007199254740992.0 && real <= 9007199254740992.0) ||
	    real != (double)(int64_t)real)
		return false;
	*out = (int64_t)real;

	return true;
}

bool js_is_true(const struct js *v)
{
	return json_is_true(peel(v));
}

char *js_write(const struct js *v)
{
	return json_dumps(peel(v), JSON_COMPACT | JSON_ENCODE_ANY);
}
