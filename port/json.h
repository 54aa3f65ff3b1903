/*
 * json.h - read a JSON text (RFC 8259)
 *
 * Reading only; what we write is composed by hand (signaling/text.h). The
 * prefix is js_ because the library behind it owns json_.
 *
 * Memory   js_parse() makes a tree, js_free() ends it. Everything below it is
 *          borrowed from the tree.
 * Errors   Negative errno. A NULL node is fine everywhere and is JS_NONE.
 * Process  Call js_seed() before the process sheds its right to open files.
 */
#ifndef PORT_JSON_H
#define PORT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct js;

enum js_type {
	JS_NONE, JS_NULL, JS_BOOL, JS_NUMBER, JS_STRING, JS_ARRAY, JS_OBJECT,
};

enum { JS_ERROR = 160 };	/* bytes of an error text */

/* Seeds the hash of objects; opens /dev/urandom the first time. */
void js_seed(void);

/*
 * Any JSON value; a key that comes twice in one object is refused. Integers
 * past 64 bits are read as doubles. -EBADMSG: error (JS_ERROR bytes) says
 * what and where.
 */
int js_parse(struct js **out, const char *text, size_t len,
	     char error[JS_ERROR]) MUST_USE;
void js_free(struct js *root);

enum js_type js_type(const struct js *v);

/* A member, an element; NULL when v is no object or array, or has none. */
const struct js *js_get(const struct js *v, const char *key);
const struct js *js_at(const struct js *v, size_t index);
size_t js_len(const struct js *v);	/* members, elements, else 0 */

/* The members of an object, one a call: *at NULL starts, NULL ends. A key may
 * hold no NUL. */
const struct js *js_each(const struct js *object, void **at,
			 const char **key);

/* NULL when v is no string. Terminated, but may hold NUL inside: compare
 * *len with strlen() where that matters. */
const char *js_string(const struct js *v, size_t *len);

/* false when v is no whole number that fits. */
bool js_int(const struct js *v, int64_t *out);

bool js_is_true(const struct js *v);

/* Compact text of v, to be freed by free(); NULL without memory. */
char *js_write(const struct js *v);

#endif
