/*
 * reflection.c - grpc.reflection: tools ask what is served
 *
 * A file comes with those that it imports. v1 and v1alpha are the same bytes
 * on the wire. There are no extensions: proto3 has none.
 */

#include <stdio.h>
#include <string.h>

#include "signaling/door.h"
#include "signaling/grpc/files.h"
#include "signaling/grpc/services.h"

enum { SERVICES_MAX = 16, SERVICE_NAME = 128 };

static bool same(struct h1_span a, struct h1_span b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static struct h1_span span(const char *text)
{
	return (struct h1_span){ text, strlen(text) };
}

/* GRPC_FILES: none. */
static unsigned find_file(struct h1_span name)
{
	unsigned n = 0;

	while (n < GRPC_FILES && !same(descriptor_name(grpc_file(n)), name))
		n++;

	return n;
}

static unsigned find_symbol(struct h1_span symbol)
{
	unsigned n = 0;

	if (symbol.len && *symbol.at == '.') {
		symbol.at++;
		symbol.len--;
	}
	while (n < GRPC_FILES && !descriptor_defines(grpc_file(n), symbol))
		n++;

	return n;
}

/* The file, then what it imports; each once. */
static size_t collect(struct pb_file out[GRPC_FILES], unsigned first)
{
	bool seen[GRPC_FILES] = { false };
	unsigned queue[GRPC_FILES], next = 0, len = 0;
	struct h1_span import;

	queue[len++] = first;
	seen[first] = true;
	for (; next < len; next++) {
		struct descriptor d = grpc_file(queue[next]);

		out[next] = (struct pb_file){ d.at, d.len };
		for (unsigned i = 0; (import = descriptor_import(d, i)).at;
		     i++) {
			unsigned n = find_file(import);

			if (n == GRPC_FILES || seen[n])
				continue;
			seen[n] = true;
			queue[len++] = n;
		}
	}

	return len;
}

static int give_services(struct pb_bytes *out, const struct pb_question *q)
{
	char text[SERVICES_MAX][SERVICE_NAME];
	const char *names[SERVICES_MAX];
	struct pb_reflection r = { .services = names };

	for (unsigned n = 0; n < GRPC_FILES; n++)
		for (unsigned i = 0;
		     r.services_len < SERVICES_MAX &&
		     descriptor_service(grpc_file(n), i, text[r.services_len],
					SERVICE_NAME);
		     i++) {
			names[r.services_len] = text[r.services_len];
			r.services_len++;
		}

	return pb_reflection_encode(out, q, &r);
}

static int give_file(struct pb_bytes *out, const struct pb_question *q,
		     unsigned n)
{
	struct pb_file files[GRPC_FILES];
	struct pb_reflection r = { .files = files };
	char message[192];

	if (n == GRPC_FILES) {
		snprintf(message, sizeof(message), "not found: %.128s",
			 q->text);
		r.error = GRPC_NOT_FOUND;
		r.message = message;
		/* A cut in the middle of a character. */
		text_clean(message, strlen(message));
	} else {
		r.files_len = collect(files, n);
	}

	return pb_reflection_encode(out, q, &r);
}

static int give_error(struct pb_bytes *out, const struct pb_question *q,
		      unsigned status, const char *message)
{
	struct pb_reflection r = { .error = status, .message = message };

	return pb_reflection_encode(out, q, &r);
}

static int answer(struct pb_bytes *out, const struct pb_question *q)
{
	switch (q->ask) {
	case PB_LIST_SERVICES:
		return give_services(out, q);
	case PB_FILE_BY_NAME:
		return give_file(out, q, find_file(span(q->text)));
	case PB_FILE_BY_SYMBOL:
		return give_file(out, q, find_symbol(span(q->text)));
	case PB_FILE_BY_EXTENSION:
	case PB_EXTENSION_NUMBERS:
		return give_error(out, q, GRPC_NOT_FOUND,
				  "there are no extensions");
	case PB_REFLECT_NOTHING:
		break;
	}

	return give_error(out, q, GRPC_INVALID_ARGUMENT,
			  "the request is empty");
}

static void on_message(struct grpc_call *c, const void *bytes, size_t len,
		       struct mono now)
{
	struct pb_question q;
	struct pb_bytes out;
	int err;

	(void)now;
	if (pb_question_decode(&q, bytes, len)) {
		grpc_end(c, GRPC_INVALID_ARGUMENT,
			 "not a ServerReflectionRequest");
		return;
	}
	err = answer(&out, &q);
	pb_question_free(&q);
	if (!err)
		err = grpc_send(c, out);
	if (err)
		grpc_end(c, GRPC_RESOURCE_EXHAUSTED,
			 "the answers are not read");
}

static void on_half_close(struct grpc_call *c, struct mono now)
{
	(void)now;
	grpc_end(c, GRPC_OK, NULL);
}

const struct grpc_method grpc_reflect_v1 = {
	.path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
	.streams_in = true,
	.streams_out = true,
	.message = on_message,
	.half_close = on_half_close,
};

const struct grpc_method grpc_reflect_v1alpha = {
	.path = "/grpc.reflection.v1alpha.ServerReflection/"
		"ServerReflectionInfo",
	.streams_in = true,
	.streams_out = true,
	.message = on_message,
	.half_close = on_half_close,
};
