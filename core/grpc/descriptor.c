/*
 * descriptor.c - what a compiled .proto file holds
 *
 * The numbers are fields of google/protobuf/descriptor.proto.
 */

#include "core/grpc/descriptor.h"

#include <string.h>

enum {
	SET_FILE = 1,
	FILE_NAME = 1, FILE_PACKAGE = 2, FILE_IMPORT = 3, FILE_MESSAGE = 4,
	FILE_ENUM = 5, FILE_SERVICE = 6,
	ANY_NAME = 1,
	MESSAGE_FIELD = 2, MESSAGE_NESTED = 3, MESSAGE_ENUM = 4,
	MESSAGE_ONEOF = 8,
	MEMBER = 2,		/* a value of an enum, a method of a service */
	DEPTH_MAX = 8,
};

struct span {
	const uint8_t *at;
	size_t len;
};

static bool read_varint(struct span *s, uint64_t *out)
{
	*out = 0;
	for (unsigned shift = 0; s->len && shift < 64; shift += 7) {
		uint8_t b = *s->at++;

		s->len--;
		*out |= (uint64_t)(b & 127) << shift;
		if (!(b & 128))
			return true;
	}

	return false;
}

/* The next field that has a length; others are stepped over. */
static bool next_field(struct span *s, unsigned *number, struct span *value)
{
	uint64_t key, n;

	while (s->len && read_varint(s, &key)) {
		unsigned type = key & 7;

		if (type == 0) {
			if (!read_varint(s, &n))
				return false;
			continue;
		}
		if (type == 2 && !read_varint(s, &n))
			return false;
		if (type != 2)
			n = type == 1 ? 8 : 4;
		if ((type != 1 && type != 2 && type != 5) || n > s->len)
			return false;
		*value = (struct span){ s->at, (size_t)n };
		*number = (unsigned)(key >> 3);
		s->at += n;
		s->len -= (size_t)n;
		if (type == 2)
			return true;
	}

	return false;
}

/* The n-th field of that number. */
static struct span field(struct span s, unsigned number, unsigned n)
{
	struct span value;
	unsigned found;

	while (next_field(&s, &found, &value))
		if (found == number && n-- == 0)
			return value;

	return (struct span){ 0 };
}

static struct h1_span text(struct span s)
{
	return (struct h1_span){ (const char *)s.at, s.len };
}

static struct span of(struct descriptor d)
{
	return (struct span){ d.at, d.len };
}

struct descriptor descriptor_first(const void *set, size_t len)
{
	struct span file = field((struct span){ set, len }, SET_FILE, 0);

	return (struct descriptor){ file.at, file.len };
}

struct h1_span descriptor_name(struct descriptor d)
{
	return text(field(of(d), FILE_NAME, 0));
}

struct h1_span descriptor_import(struct descriptor d, unsigned n)
{
	return text(field(of(d), FILE_IMPORT, n));
}

bool descriptor_service(struct descriptor d, unsigned n, char *out, size_t cap)
{
	struct span package = field(of(d), FILE_PACKAGE, 0);
	struct span service = field(of(d), FILE_SERVICE, n);
	struct span name = field(service, ANY_NAME, 0);

	/* A file of ours has a package. */
	if (!name.at || !package.at || package.len + name.len + 2 > cap)
		return false;
	memcpy(out, package.at, package.len);
	out[package.len] = '.';
	memcpy(out + package.len + 1, name.at, name.len);
	out[package.len + 1 + name.len] = '\0';

	return true;
}

/* Steps over "name" or "name." at the head of the rest of a symbol. */
static bool step(struct span *rest, struct span name)
{
	if (name.len == 0 || name.len > rest->len ||
	    memcmp(rest->at, name.at, name.len) != 0)
		return false;
	if (name.len < rest->len && rest->at[name.len] != '.')
		return false;
	name.len += name.len < rest->len;
	rest->at += name.len;
	rest->len -= name.len;

	return true;
}

/* Whether rest names this thing or one of its named members. */
static bool has_member(struct span thing, struct span rest, unsigned number)
{
	struct span member, left;

	if (!step(&rest, field(thing, ANY_NAME, 0)))
		return false;
	if (rest.len == 0)
		return true;
	for (unsigned i = 0; (member = field(thing, number, i)).at; i++) {
		left = rest;
		if (step(&left, field(member, ANY_NAME, 0)) && left.len == 0)
			return true;
	}

	return false;
}

static bool any(struct span s, unsigned number, unsigned member,
		struct span rest)
{
	struct span thing;

	for (unsigned i = 0; (thing = field(s, number, i)).at; i++)
		if (has_member(thing, rest, member))
			return true;

	return false;
}

static bool in_message(struct span message, struct span rest, unsigned depth)
{
	struct span nested;

	if (has_member(message, rest, MESSAGE_FIELD) ||
	    has_member(message, rest, MESSAGE_ONEOF))
		return true;
	if (depth == DEPTH_MAX || !step(&rest, field(message, ANY_NAME, 0)))
		return false;
	if (any(message, MESSAGE_ENUM, MEMBER, rest))
		return true;
	for (unsigned i = 0; (nested = field(message, MESSAGE_NESTED, i)).at;
	     i++)
		if (in_message(nested, rest, depth + 1))
			return true;

	return false;
}

bool descriptor_defines(struct descriptor d, struct h1_span symbol)
{
	struct span rest = { (const uint8_t *)symbol.at, symbol.len };
	struct span message, s = of(d);

	if (!step(&rest, field(s, FILE_PACKAGE, 0)) || rest.len == 0)
		return false;
	if (any(s, FILE_SERVICE, MEMBER, rest) ||
	    any(s, FILE_ENUM, MEMBER, rest))
		return true;
	for (unsigned i = 0; (message = field(s, FILE_MESSAGE, i)).at; i++)
		if (in_message(message, rest, 0))
			return true;

	return false;
}
