/*
 * jsonrpc.c - envelopes: parse, batch, dispatch, answer
 *
 * A request becomes a struct rpc_request on the stack; its answer is written
 * by rpc_result() or rpc_error(), once. One answer may be late: that of the
 * offer to remotemedia-server, whose id (and batch) wait in rpc->waiting.
 * A batch answers when all its requests are, so it is freed by whoever
 * brings `open` to 0.
 */

#include "signaling/jsonrpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/ws/ws.h"
#include "port/json.h"
#include "signaling/rpc_methods.h"
#include "signaling/rpc_notify.h"
#include "signaling/scan.h"

enum {
	BREACHES = 100,		/* refusals by rate before the close */
	BREACHES_PER_S = 5,
};

int rpc_new(struct rpc **out, struct rpc_world *world,
	    const struct rpc_ops *ops, struct mono now)
{
	struct rpc *rpc = calloc(1, sizeof(*rpc));

	if (!rpc)
		return -ENOMEM;
	rpc->world = world;
	rpc->ops = *ops;
	limit_init(&rpc->messages, world->messages_per_s,
		   world->messages_per_s * 2, now);
	limit_init(&rpc->offers, world->offers_per_s,
		   world->offers_per_s * 2.5, now);
	limit_init(&rpc->breaches, BREACHES_PER_S, BREACHES, now);
	*out = rpc;

	return 0;
}

const char *rpc_name(const struct rpc *rpc)
{
	return rpc->peer.name;
}

/* Whatever is still open of a batch when its connection ends. */
static void batch_free(struct rpc_batch *b)
{
	if (!b)
		return;
	text_fini(&b->out);
	free(b);
}

void rpc_free(struct rpc *rpc)
{
	if (!rpc)
		return;
	if (rpc->peer.hub) {
		calls_drop(rpc->world->calls, rpc->peer.name);
		hub_leave(&rpc->peer);
	}
	batch_free(rpc->waiting.batch);
	free(rpc->waiting.id);
	free(rpc->waiting.offer_id);
	free(rpc);
}

static void send_text(struct rpc *rpc, const struct text *t)
{
	if (t->bad)
		rpc->ops.close(WS_CODE_INTERNAL, "no memory", rpc->ops.arg);
	else
		(void)rpc->ops.send(t->at, t->len, rpc->ops.arg);
}

/* One answer less to wait for; the last one sends the batch. */
static void batch_close(struct rpc *rpc, struct rpc_batch *b)
{
	if (--b->open)
		return;
	if (b->out.len) {
		text_puts(&b->out, "]");
		send_text(rpc, &b->out);
	}
	batch_free(b);
}

static void emit(struct rpc *rpc, struct rpc_batch *b, const struct text *t)
{
	if (!b) {
		send_text(rpc, t);
		return;
	}
	text_puts(&b->out, b->out.len ? "," : "[");
	text_put(&b->out, t->at, t->len);
	b->out.bad |= t->bad;
}

static void envelope(struct text *t, const char *id, const char *member)
{
	text_puts(t, "{\"jsonrpc\":\"2.0\",\"id\":");
	text_puts(t, id ? id : "null");
	text_puts(t, ",\"");
	text_puts(t, member);
	text_puts(t, "\":");
}

static void put_result(struct rpc *rpc, struct rpc_batch *b, const char *id,
		       const struct text *result)
{
	struct text t = { 0 };

	envelope(&t, id, "result");
	text_put(&t, result->at, result->len);
	text_puts(&t, "}");
	t.bad |= result->bad;
	emit(rpc, b, &t);
	text_fini(&t);
}

static void put_error(struct rpc *rpc, struct rpc_batch *b, const char *id,
		      const struct rpc_error *e)
{
	struct text t = { 0 };

	envelope(&t, id, "error");
	text_puts(&t, "{\"code\":");
	text_int(&t, e->code);
	text_puts(&t, ",\"message\":");
	text_jsons(&t, e->message);
	if (e->reason) {
		text_puts(&t, ",\"data\":{\"reason\":");
		text_jsons(&t, e->reason);
		if (e->retry_ms) {
			text_puts(&t, ",\"retry_after_ms\":");
			text_int(&t, e->retry_ms);
		}
		text_puts(&t, "}");
	}
	text_puts(&t, "}}");
	emit(rpc, b, &t);
	text_fini(&t);
}

void rpc_result(struct rpc_request *q, const struct text *result)
{
	if (q->id)
		put_result(q->rpc, q->batch, q->id, result);
}

void rpc_error(struct rpc_request *q, struct rpc_error e)
{
	if (q->id)
		put_error(q->rpc, q->batch, q->id, &e);
}

int rpc_hold(struct rpc_request *q, const char *offer_id)
{
	struct rpc_waiting *w = &q->rpc->waiting;

	*w = (struct rpc_waiting){ .open = true, .batch = q->batch };
	w->offer_id = strdup(offer_id);
	w->id = q->id ? strdup(q->id) : NULL;
	if (!w->offer_id || (q->id && !w->id)) {
		free(w->offer_id);
		free(w->id);
		*w = (struct rpc_waiting){ 0 };
		return -ENOMEM;
	}
	if (w->batch)
		w->batch->open++;

	return 0;
}

/* Answers the offer that waits; e is NULL when it was taken. */
static void settle(struct rpc *rpc, const struct rpc_error *e)
{
	struct rpc_waiting w = rpc->waiting;
	struct text t = { 0 };

	if (!w.open)
		return;
	rpc->waiting = (struct rpc_waiting){ 0 };
	if (w.id && e) {
		put_error(rpc, w.batch, w.id, e);
	} else if (w.id) {
		text_puts(&t, "{\"offer_id\":");
		text_jsons(&t, w.offer_id);
		text_puts(&t, ",\"to_peer_id\":\"" HUB_SERVER "\"}");
		put_result(rpc, w.batch, w.id, &t);
		text_fini(&t);
	}
	if (w.batch)
		batch_close(rpc, w.batch);
	free(w.id);
	free(w.offer_id);
}

int rpc_deliver(const struct hub_event *ev, void *arg)
{
	struct rpc *rpc = arg;
	struct text t = { 0 };
	struct rpc_error e = { 0 };
	int err;

	if (ev->kind == HUB_OFFER_TAKEN) {
		settle(rpc, NULL);
		return 0;
	}
	if (ev->kind == HUB_OFFER_REFUSED) {
		e = (struct rpc_error){ rpc_code_of(ev->why),
					rpc_message_of(ev->why), ev->reason,
					ev->retry_ms };
		settle(rpc, &e);
		return 0;
	}
	rpc_write_event(&t, ev);
	err = t.bad ? -ENOMEM : rpc->ops.send(t.at, t.len, rpc->ops.arg);
	text_fini(&t);

	return err;
}

/* The exact id as JSON text in *out; NULL in *out when there is none. false:
 * it is neither string, number nor null. */
static bool read_id(const struct js *v, char **out)
{
	struct text t = { 0 };
	const char *s;
	size_t len;

	*out = NULL;
	if (!v)
		return true;
	if (js_type(v) == JS_NULL) {
		text_puts(&t, "null");
	} else {
		s = js_string(v, &len);
		if (!s)
			return false;
		/* signaling/scan.h: 's' a string, 'n' a number */
		if (*s == 's')
			text_json(&t, s + 1, len - 1);
		else
			text_put(&t, s + 1, len - 1);
	}
	text_put(&t, "", 1);
	if (t.bad) {
		text_fini(&t);
		return false;
	}
	*out = t.at;

	return true;
}

/* The text of a string member of the message, without its mark. */
static const char *read_string(const struct js *message, const char *key,
			       size_t *len)
{
	const char *s = js_string(js_get(message, key), len);

	if (!s || *s != 's')
		return NULL;
	--*len;

	return s + 1;
}

/* Takes the one token of a message, good or bad; at the end of the breaches
 * the connection is closed. */
static bool within_rate(struct rpc *rpc, struct rpc_request *q)
{
	struct limit *l = &rpc->messages;

	if (limit_take(l, 1, q->now))
		return true;
	rpc_over_rate(q, l, "too many messages");

	return false;
}

void rpc_over_rate(struct rpc_request *q, const struct limit *l,
		   const char *reason)
{
	struct rpc *rpc = q->rpc;

	rpc_error(q, (struct rpc_error){
			RPC_RATE, "Rate limited", reason,
			(uint32_t)(limit_wait_us(l, 1) / 1000) + 1 });
	if (!limit_take(&rpc->breaches, 1, q->now))
		rpc->ops.close(WS_CODE_POLICY, "rate limited", rpc->ops.arg);
}

/* Refuses an envelope: always answered, with the id where it is known. */
static void bad_request(struct rpc *rpc, struct rpc_batch *b, const char *id,
			const char *reason, struct mono now)
{
	struct rpc_request q = { .rpc = rpc, .batch = b, .now = now,
				 .id = id ? id : "null" };

	if (within_rate(rpc, &q))
		rpc_error(&q, (struct rpc_error){
				RPC_REQUEST, "Invalid Request", reason, 0 });
}

static void dispatch(struct rpc_request *q, const char *method, size_t len)
{
	char message[160];
	const struct rpc_method *m = rpc_method_find(method, len);

	if (m) {
		m->handler(q);
		return;
	}
	/* Long names are cut; a cut character becomes U+FFFD. */
	memcpy(message, "Method not found: ", 18);
	len = len < 128 ? len : 128;
	memcpy(message + 18, method, len);
	message[18 + len] = '\0';
	rpc_error(q, (struct rpc_error){ RPC_METHOD, message,
					 "no such method", 0 });
}

/* A checked envelope: rate, params, method. */
static void request(struct rpc_request *q, const struct js *message)
{
	enum js_type type;
	size_t len;
	const char *method = read_string(message, "method", &len);

	q->params = js_get(message, "params");
	type = js_type(q->params);
	if (!method) {
		bad_request(q->rpc, q->batch, q->id, "method is missing",
			    q->now);
		return;
	}
	if (type != JS_NONE && type != JS_NULL && type != JS_OBJECT &&
	    type != JS_ARRAY) {
		bad_request(q->rpc, q->batch, q->id,
			    "params is neither object nor array", q->now);
		return;
	}
	if (within_rate(q->rpc, q))
		dispatch(q, method, len);
}

static void on_one(struct rpc *rpc, struct rpc_batch *b,
		   const struct js *message, struct mono now)
{
	struct rpc_request q = { .rpc = rpc, .batch = b, .now = now };
	const char *version;
	char *id;
	size_t len;

	if (js_type(message) != JS_OBJECT) {
		bad_request(rpc, b, NULL, "not an object", now);
		return;
	}
	version = read_string(message, "jsonrpc", &len);
	if (!version || len != 3 || memcmp(version, "2.0", 3) != 0) {
		bad_request(rpc, b, NULL, "jsonrpc is not \"2.0\"", now);
		return;
	}
	if (!read_id(js_get(message, "id"), &id)) {
		bad_request(rpc, b, NULL,
			    "id is neither string, number nor null", now);
		return;
	}
	q.id = id;
	request(&q, message);
	free(id);
}

static void on_batch(struct rpc *rpc, const struct js *root, struct mono now)
{
	struct rpc_batch *b;

	if (js_len(root) == 0 || js_len(root) > RPC_BATCH_MAX) {
		bad_request(rpc, NULL, NULL,
			    js_len(root) ? "a batch of more than 16"
					 : "an empty batch", now);
		return;
	}
	b = calloc(1, sizeof(*b));
	if (!b) {
		rpc->ops.close(WS_CODE_LATER, "no memory", rpc->ops.arg);
		return;
	}
	b->open = 1;
	for (size_t i = 0; i < js_len(root); i++)
		on_one(rpc, b, js_at(root, i), now);
	batch_close(rpc, b);
}

/* Beyond a limit; answered with its id where that can be read. */
static void too_large(struct rpc *rpc, const struct text *copy,
		      const char *why, struct mono now)
{
	struct rpc_request q = { .rpc = rpc, .id = "null", .now = now };
	char error[JS_ERROR], *id = NULL;
	struct js *root = NULL;

	if (!within_rate(rpc, &q))
		return;
	if (js_parse(&root, copy->len ? copy->at : "", copy->len, error))
		root = NULL;
	if (root && js_type(root) == JS_OBJECT &&
	    read_id(js_get(root, "id"), &id) && id)
		q.id = id;
	rpc_error(&q, (struct rpc_error){
			RPC_TOO_LARGE, "Message too large or too deep", why,
			0 });
	free(id);
	js_free(root);
}

static void unreadable(struct rpc *rpc, int code, const char *message,
		       const char *reason, struct mono now)
{
	struct rpc_request q = { .rpc = rpc, .id = "null", .now = now };

	if (within_rate(rpc, &q))
		rpc_error(&q, (struct rpc_error){ code, message, reason, 0 });
}

void rpc_message(struct rpc *rpc, const char *text, size_t len,
		 struct mono now)
{
	struct text copy = { 0 };
	char error[JS_ERROR];
	const char *why;
	struct js *root;
	int err = json_scan(&copy, text, len, &why);

	if (err == -EMSGSIZE)
		too_large(rpc, &copy, why, now);
	else if (err)
		rpc->ops.close(WS_CODE_LATER, "no memory", rpc->ops.arg);
	else if (js_parse(&root, copy.len ? copy.at : "", copy.len, error))
		unreadable(rpc, RPC_PARSE, "Parse error", error, now);
	else {
		if (js_type(root) == JS_ARRAY)
			on_batch(rpc, root, now);
		else
			on_one(rpc, NULL, root, now);
		js_free(root);
	}
	text_fini(&copy);
}
