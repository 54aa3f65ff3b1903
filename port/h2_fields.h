/*
 * h2_fields.h - the fields of one header block, collected and judged
 *
 * What RFC 9113 8.2 and 8.3 ask beyond what the library checks: one limit
 * for the whole list, and an authority that means one thing.
 *
 * Memory   A block's text and spans are allocated with its first field and
 *          freed by h2_fields_clear(): at most one of each a connection.
 */
#ifndef PORT_H2_FIELDS_H
#define PORT_H2_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "port/h2.h"

struct h2_fields {
	struct h2_block *block;
	size_t counted;		/* name + value + 32 of every field */
};

/* Counts one field. -EMSGSIZE: past max, at most H2_HEADERS_BYTES. */
int h2_fields_count(struct h2_fields *f, size_t name_len, size_t value_len,
		    size_t max) MUST_USE;

/* Keeps a field that was counted. -ENOMEM. */
int h2_fields_add(struct h2_fields *f, const uint8_t *name, size_t name_len,
		  const uint8_t *value, size_t value_len) MUST_USE;

/*
 * The request they make; spans live until h2_fields_clear(). -EBADMSG: it
 * is malformed (RFC 9113 8.1.1).
 */
int h2_fields_request(struct h2_fields *f, struct h2_request *out) MUST_USE;

void h2_fields_clear(struct h2_fields *f);

/* Whether a field may be sent: a token for a name, no control in the value,
 * no blank at its ends. */
bool h2_field_ok(const struct h1_header *h);

/* Whether it belongs to an HTTP/1.1 connection (RFC 9113 8.2.2). */
bool h2_field_is_of_connection(const struct h1_header *h);

#endif
