/*
 * rpc_talk.c - JSON-RPC on a WebSocket: the upgrade, and its token
 *
 * A page cannot set headers of a WebSocket, so a token may also come as a
 * subprotocol `bearer.<token>`, beside `remotemedia` or `jsonrpc`, which is
 * then the one that is answered. Browsers want one of theirs back: where the
 * token is the only item it is answered itself.
 */

#include "signaling/jsonrpc.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "signaling/door.h"
#include "signaling/http.h"

#define BEARER_ITEM "bearer."
#define BEARER_HEAD "Bearer "

struct offered {
	struct h1_span token;
	const char *protocol;	/* of ours, or NULL */
};

static void on_text(void *talk, const char *text, size_t len, struct mono now)
{
	rpc_message(talk, text, len, now);
}

static void on_gone(void *talk, bool clean, struct mono now)
{
	rpc_free(talk, clean, now);
}

static const char *name(const void *talk)
{
	return rpc_name(talk);
}

static const struct talk_ops ops = { on_text, NULL, on_gone, name };

static void read_item(struct offered *o, const char *at, size_t len)
{
	static const char *const ours[] = { "remotemedia", "jsonrpc" };
	size_t n = strlen(BEARER_ITEM);

	if (len > n && memcmp(at, BEARER_ITEM, n) == 0 && !o->token.at)
		o->token = (struct h1_span){ at + n, len - n };
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (!o->protocol && len == strlen(ours[i]) &&
		    memcmp(at, ours[i], len) == 0)
			o->protocol = ours[i];
}

static void read_list(struct offered *o, struct h1_span list)
{
	const char *at = list.at, *end = list.at + list.len;

	while (at < end) {
		size_t n = 0;

		while (at < end && strchr(" \t,", *at))
			at++;
		while (at + n < end && !strchr(" \t,", at[n]))
			n++;
		read_item(o, at, n);
		at += n;
	}
}

static bool is_named(const struct h1_header *h, const char *what)
{
	return h->name.len == strlen(what) &&
	       strncasecmp(h->name.at, what, h->name.len) == 0;
}

/* ?access_token=TOKEN, where the operator allows it. */
static void read_query(struct offered *o, struct h1_span query)
{
	static const char key[] = "access_token=";
	size_t n = sizeof(key) - 1;

	for (size_t i = 0, len; i < query.len; i += len + 1) {
		const char *at = query.at + i;
		const char *end = memchr(at, '&', query.len - i);

		len = end ? (size_t)(end - at) : query.len - i;
		if (len > n && memcmp(at, key, n) == 0)
			o->token = (struct h1_span){ at + n, len - n };
	}
}

static struct offered read_request(const struct http_request *r)
{
	struct offered o = { .protocol = NULL };
	size_t n = strlen(BEARER_HEAD);

	for (unsigned i = 0; i < r->headers_len; i++) {
		const struct h1_header *h = &r->headers[i];

		if (is_named(h, "Sec-WebSocket-Protocol"))
			read_list(&o, h->value);
	}
	for (unsigned i = 0; i < r->headers_len; i++) {
		const struct h1_header *h = &r->headers[i];

		if (is_named(h, "Authorization") && h->value.len > n &&
		    strncasecmp(h->value.at, BEARER_HEAD, n) == 0)
			o.token = (struct h1_span){ h->value.at + n,
						    h->value.len - n };
	}

	return o;
}

unsigned rpc_talk_open(struct talk *out, struct door *door,
		       const struct http_request *r,
		       const struct talk_out *to, struct mono now)
{
	static char echo[sizeof(BEARER_ITEM) + AUTH_TOKEN_MAX];
	struct offered o = read_request(r);
	struct refusal refused;
	struct rpc *rpc;

	if (!o.token.at && auth_takes_query(door->auth))
		read_query(&o, r->query);
	if (o.token.len > AUTH_TOKEN_MAX)
		return 401;
	if (rpc_new(&rpc, door->world, to, now))
		return 503;
	rpc_comes_from(rpc, source_number(r->source));
	if (o.token.at) {
		refused = rpc_authenticate(rpc, o.token.at, o.token.len);
		if (refused.kind) {
			rpc_free(rpc, true, now);
			return refusal_http_status(refused.kind);
		}
		if (!o.protocol && o.token.at[-1] == '.') {
			snprintf(echo, sizeof(echo), BEARER_ITEM "%.*s",
				 (int)o.token.len, o.token.at);
			o.protocol = echo;
		}
	}
	*out = (struct talk){ &ops, rpc, o.protocol };

	return 0;
}
