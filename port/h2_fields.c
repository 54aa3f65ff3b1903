/* h2_fields.c - one header block at a time: there are never two */

#include "port/h2_fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* RFC 9113 10.5.1: what each field costs beside its text. */
enum {
	FIELD_COST = 32,
	FIELDS_MAX = H2_HEADERS_BYTES / FIELD_COST,
};

struct h2_block {
	struct h1_span method, scheme, authority, path;
	unsigned len;
	size_t used;
	struct h1_header fields[FIELDS_MAX];
	char text[H2_HEADERS_BYTES];
};

int h2_fields_count(struct h2_fields *f, size_t name_len, size_t value_len,
		    size_t max)
{
	f->counted += name_len + value_len + FIELD_COST;

	return f->counted > max ? -EMSGSIZE : 0;
}

static struct h1_span keep(struct h2_block *b, const uint8_t *bytes,
			   size_t len)
{
	struct h1_span span = { b->text + b->used, len };

	if (len)
		memcpy(b->text + b->used, bytes, len);
	b->used += len;

	return span;
}

static void add_pseudo(struct h2_block *b, struct h1_span name,
		       struct h1_span value)
{
	if (h1_is(name, ":method"))
		b->method = value;
	else if (h1_is(name, ":scheme"))
		b->scheme = value;
	else if (h1_is(name, ":authority"))
		b->authority = value;
	else if (h1_is(name, ":path"))
		b->path = value;
}

int h2_fields_add(struct h2_fields *f, const uint8_t *name, size_t name_len,
		  const uint8_t *value, size_t value_len)
{
	struct h1_header h;

	if (!f->block) {
		f->block = malloc(sizeof(*f->block));
		if (!f->block)
			return -ENOMEM;
		memset(f->block, 0, offsetof(struct h2_block, fields));
	}
	if (f->block->len == FIELDS_MAX ||
	    name_len + value_len > H2_HEADERS_BYTES - f->block->used)
		return -ENOMEM;

	h.name = keep(f->block, name, name_len);
	h.value = keep(f->block, value, value_len);
	if (name_len && name[0] == ':')
		add_pseudo(f->block, h.name, h.value);
	else
		f->block->fields[f->block->len++] = h;

	return 0;
}

/* A field that the library has checked to be digits. */
static uint64_t number(struct h1_span span)
{
	uint64_t v = 0;

	for (size_t i = 0; span.at && i < span.len; i++)
		v = 10 * v + (uint64_t)(span.at[i] - '0');

	return v;
}

static bool same_nocase(struct h1_span a, struct h1_span b)
{
	return a.len == b.len && !strncasecmp(a.at, b.at, a.len);
}

/* 8.3.1: no user name in it, not empty, and Host says the same or nothing. */
static bool authority_ok(const struct h2_block *b, struct h1_span *authority)
{
	struct h1_span host = h1_find(b->fields, b->len, "host");

	*authority = b->authority.at ? b->authority : host;
	if (!authority->at || !authority->len ||
	    memchr(authority->at, '@', authority->len))
		return false;

	return !host.at || same_nocase(*authority, host);
}

static bool method_ok(struct h1_span method)
{
	return method.len && method.len <= H1_METHOD_MAX;
}

int h2_fields_request(struct h2_fields *f, struct h2_request *out)
{
	const struct h2_block *b = f->block;
	struct h1_span authority, length;

	if (!b || !method_ok(b->method) || !authority_ok(b, &authority))
		return -EBADMSG;

	length = h1_find(b->fields, b->len, "content-length");
	*out = (struct h2_request){
		.method = b->method,
		.scheme = b->scheme,
		.authority = authority,
		.path = b->path,
		.headers = b->fields,
		.headers_len = b->len,
		.has_length = length.at != NULL,
		.length = number(length),
	};

	return 0;
}

void h2_fields_clear(struct h2_fields *f)
{
	free(f->block);
	*f = (struct h2_fields){ 0 };
}

static bool is_token(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool h2_field_ok(const struct h1_header *h)
{
	const struct h1_span *v = &h->value;

	for (size_t i = 0; i < h->name.len; i++)
		if (!is_token((unsigned char)h->name.at[i]))
			return false;
	for (size_t i = 0; i < v->len; i++)
		if (((unsigned char)v->at[i] < 0x20 && v->at[i] != '\t') ||
		    v->at[i] == 0x7f)
			return false;

	return h->name.len && (!v->len || (!is_blank(v->at[0]) &&
					   !is_blank(v->at[v->len - 1])));
}

bool h2_field_is_of_connection(const struct h1_header *h)
{
	static const char *const names[] = {
		"connection", "keep-alive", "proxy-connection",
		"transfer-encoding", "upgrade",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (h1_is_nocase(h->name, names[i]))
			return true;

	return false;
}
