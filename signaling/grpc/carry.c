/* carry.c - how an answer's parts travel in each mode */

#include "signaling/grpc/carry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ws/digest.h"
#include "core/ws/ws.h"

enum { STANDARD = 4 };		/* headers that every answer may have */

static struct h1_header header(const char *name, const char *value)
{
	return (struct h1_header){ { name, strlen(name) },
				   { value, strlen(value) } };
}

/* Pairs of terminated texts as headers. */
static unsigned put_extras(struct h1_header *out, const struct text *extras)
{
	const char *at = extras->at, *end = at + extras->len;
	unsigned n = 0;

	while (extras->len && at < end && n < GRPC_EXTRAS) {
		const char *value = at + strlen(at) + 1;

		out[n++] = header(at, value);
		at = value + strlen(value) + 1;
	}

	return n;
}

/* grpc-status and what belongs to it; number and why are the storage. */
static unsigned put_status(struct h1_header *out, struct grpc_call *c,
			   char number[16], char why[GRPC_ENCODED_MAX])
{
	unsigned n = 0;
	size_t len = grpc_percent(why, c->why, strlen(c->why));

	snprintf(number, 16, "%u", c->status);
	out[n++] = header("grpc-status", number);
	if (len) {
		out[n] = header("grpc-message", "");
		out[n++].value = (struct h1_span){ why, len };
	}

	return n + put_extras(out + n, &c->tail);
}

static int binary(struct grpc_call *c, const void *bytes, size_t len)
{
	return c->to.binary(bytes, len, c->to.arg);
}

/* Headers as a frame of grpc-websockets and gRPC-Web. */
static void block(struct text *t, const struct h1_header *h, unsigned n)
{
	uint8_t head[GRPC_HEAD] = { 0 };

	text_put(t, head, sizeof(head));
	for (unsigned i = 0; i < n; i++) {
		text_put(t, h[i].name.at, h[i].name.len);
		text_puts(t, ": ");
		text_put(t, h[i].value.at, h[i].value.len);
		text_puts(t, "\r\n");
	}
	if (t->bad)
		return;
	grpc_frame_head(head, GRPC_FLAG_TRAILERS, t->len - GRPC_HEAD);
	memcpy(t->at, head, sizeof(head));
}

static int socket_block(struct grpc_call *c, const struct h1_header *h,
			unsigned n)
{
	struct text t = { 0 };
	int err;

	block(&t, h, n);
	err = t.bad ? -ENOMEM : binary(c, t.at, t.len);
	text_fini(&t);

	return err;
}

static int head(struct grpc_call *c, struct h1_header *h, unsigned n,
		bool last)
{
	struct http_head out = { .status = 200, .headers = h, .last = last };

	h[n++] = header("content-type", grpc_content_type(c->mode));
	h[n++] = header("grpc-accept-encoding", "identity");
	n += put_extras(h + n, &c->head);
	if (!c->x)
		return socket_block(c, h, n);
	out.headers_len = n;

	return http_head(c->x, &out);
}

int carry_head(struct grpc_call *c)
{
	struct h1_header h[STANDARD + GRPC_EXTRAS];
	int err = c->head_sent ? 0 : head(c, h, 0, false);

	if (!err)
		c->head_sent = true;

	return err;
}

/* The whole in base64, padded: a piece that can be read for itself. */
static int to_base64(struct pb_bytes *b)
{
	size_t size = 4 * ((b->len + 2) / 3);
	uint8_t *out = malloc(size + 1);

	if (!out)
		return -ENOMEM;
	base64_write((char *)out, b->at, b->len);
	free(b->at);
	*b = (struct pb_bytes){ out, size };

	return 0;
}

int carry_rest(struct grpc_call *c)
{
	int err = 0;

	while (!err && c->rest_at < c->rest.len) {
		size_t part = c->rest.len - c->rest_at;

		part = part < GRPC_PIECE ? part : GRPC_PIECE;
		err = http_body(c->x, c->rest.at + c->rest_at, part);
		if (!err)
			c->rest_at += part;
	}
	if (err == -ENOBUFS)
		return 0;
	free(c->rest.at);
	c->rest = (struct pb_bytes){ 0 };
	c->rest_at = 0;

	return err ? err : 1;
}

int carry_frame(struct grpc_call *c, struct pb_bytes *message)
{
	int err = 0;

	if (!c->x) {
		err = binary(c, message->at, message->len);
		if (!err)
			free(message->at);
		return err;
	}
	if (c->rest.at)
		return -ENOBUFS;
	if (c->mode == GRPC_WEB_TEXT)
		err = to_base64(message);
	if (!err && message->len > GRPC_PIECE) {
		c->rest = *message;
		message->at = NULL;	/* carry_rest() frees it */
		err = carry_rest(c);
		return err < 0 ? err : 0;
	}
	if (!err)
		err = http_body(c->x, message->at, message->len);
	if (!err)
		free(message->at);

	return err;
}

static void end_native(struct grpc_call *c, struct h1_header *h, unsigned n)
{
	struct http_exchange *x = c->x;

	/* An error before any message needs no trailers of its own. */
	if (c->head_sent)
		(void)!http_finish(x, h, n);
	else if (head(c, h, n, true))
		http_reset(x);
}

static void end_web(struct grpc_call *c, const struct h1_header *h, unsigned n)
{
	struct http_exchange *x = c->x;
	struct pb_bytes bytes;
	struct text t = { 0 };
	int err = carry_head(c);

	block(&t, h, n);
	bytes = (struct pb_bytes){ (uint8_t *)t.at, t.len };
	if (t.bad)
		err = -ENOMEM;
	if (!err && c->mode == GRPC_WEB_TEXT)
		err = to_base64(&bytes);
	if (!err)
		err = http_body(x, bytes.at, bytes.len);
	free(bytes.at);
	if (err)
		http_reset(x);
	else
		(void)!http_finish(x, NULL, 0);
}

void carry_end(struct grpc_call *c)
{
	struct h1_header h[2 * STANDARD + 2 * GRPC_EXTRAS];
	char number[16], why[GRPC_ENCODED_MAX];
	unsigned n = put_status(h, c, number, why);

	if (!c->x) {
		if (carry_head(c) == 0)
			(void)!socket_block(c, h, n);
		c->to.close(WS_CODE_NORMAL, "", c->to.arg);
	} else if (c->mode == GRPC_NATIVE) {
		end_native(c, h, n);
	} else {
		end_web(c, h, n);
	}
	c->x = NULL;
}
