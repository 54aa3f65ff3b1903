/*
 * jsonrpc.c - envelopes: parse, batch, dispatch, answer
 *
 * A request becomes a struct rpc_request on the stack; its answer is written
 * by rpc_result() or rpc_error(), once. Some answers are late (that of an
 * offer to remotemedia-server, those of control.*): their ids and batches
 * wait in a struct rpc_waiting. A batch answers when all its requests are,
 * so it is freed by whoever brings `open` to 0.
 */

#include "signaling/jsonrpc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/ws/ws.h"
#include "port/json.h"
#include "signaling/rpc_methods.h"
#include "signaling/rpc_notify.h"
#include "signaling/scan.h"

static int deliver(const struct hub_event *ev, void *arg);
static void superseded(void *arg);

int rpc_new(struct rpc **out, struct world *world, const struct talk_out *to,
	    struct mono now)
{
	struct rpc *rpc = calloc(1, sizeof(*rpc));
	struct member_ops ops = { deliver, superseded, rpc };

	if (!rpc)
		return -ENOMEM;
	rpc->out = *to;
	member_init(&rpc->member, world, &ops, now);
	*out = rpc;

	return 0;
}

const char *rpc_name(const struct rpc *rpc)
{
	return member_name(&rpc->member);
}

void rpc_comes_from(struct rpc *rpc, uint64_t source)
{
	rpc->member.source = source;
}

struct refusal rpc_authenticate(struct rpc *rpc, const char *token, size_t len)
{
	return member_authenticate(&rpc->member, token, len);
}

/* Whatever is still open of a batch when its connection ends. */
static void batch_free(struct rpc_batch *b)
{
	if (!b)
		return;
	text_fini(&b->out);
	free(b);
}

void rpc_free(struct rpc *rpc, bool clean, struct mono now)
{
	if (!rpc)
		return;
	member_fini(&rpc->member, clean, now);
	rpc_control_drop(rpc);
	rpc_wait_drop(&rpc->offer);
	free(rpc);
}

static void send_text(struct rpc *rpc, const struct text *t)
{
	if (t->bad)
		rpc->out.close(WS_CODE_INTERNAL, "no memory", rpc->out.arg);
	else
		(void)rpc->out.text(t->at, t->len, rpc->out.arg);
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

/* One line a call, and the counters. */
static void account(const struct rpc_request *q, int code)
{
	struct metrics *m = q->rpc->member.world->metrics;
	char outcome[16] = "ok";

	if (m) {
		metrics_add(m, q->method ? M_CALL_RPC : M_RPC_BAD);
		if (code && q->method)
			metrics_add(m, M_CALL_FAILED_RPC);
	}
	if (code)
		snprintf(outcome, sizeof(outcome), "%d", code);
	access_log("jsonrpc", rpc_name(q->rpc),
		   q->method ? q->method->name : "?", q->now, mono_now(),
		   outcome);
}

void rpc_result(struct rpc_request *q, const struct text *result)
{
	struct text t = { 0 };

	account(q, 0);
	if (!q->id)
		return;
	envelope(&t, q->id, "result");
	text_put(&t, result->at, result->len);
	text_puts(&t, "}");
	t.bad |= result->bad;
	emit(q->rpc, q->batch, &t);
	text_fini(&t);
}

void rpc_error(struct rpc_request *q, struct rpc_error e)
{
	struct text t = { 0 };

	account(q, e.code);
	if (!q->id)
		return;
	envelope(&t, q->id, "error");
	text_puts(&t, "{\"code\":");
	text_int(&t, e.code);
	text_puts(&t, ",\"message\":");
	text_jsons(&t, e.message);
	if (e.reason) {
		text_puts(&t, ",\"data\":{\"reason\":");
		text_jsons(&t, e.reason);
		if (e.retry_ms) {
			text_puts(&t, ",\"retry_after_ms\":");
			text_int(&t, e.retry_ms);
		}
		text_puts(&t, "}");
	}
	text_puts(&t, "}}");
	emit(q->rpc, q->batch, &t);
	text_fini(&t);
}

/* Where the dialects have words of their own. */
static const char *message_of(const struct refusal *r, bool b,
			      const char *peer, char *out, size_t size)
{
	if (r->kind == REFUSED_NO_PEER) {
		snprintf(out, size, "Peer not found: %.128s",
			 peer ? peer : "");
		return out;
	}
	if (b && r->kind == REFUSED_NOT_ANNOUNCED)
		return "Not announced: call peer.announce first";
	if (b && r->kind == REFUSED_TAKEN) {
		snprintf(out, size, "Peer already announced: %.128s",
			 peer ? peer : "");
		return out;
	}

	return refusal_message(r->kind);
}

bool rpc_refused(struct rpc_request *q, const struct refusal *r,
		 const char *peer)
{
	char message[2 * HUB_NAME_MAX];
	bool b = q->method ? q->method->dialect_b : q->rpc->dialect_b;

	if (r->kind == MEMBER_OK)
		return false;
	rpc_error(q, (struct rpc_error){
			refusal_rpc_code(r->kind, b),
			message_of(r, b, peer, message, sizeof(message)),
			r->reason, r->retry_ms });
	if (r->close)
		q->rpc->out.close(WS_CODE_POLICY, "rate limited",
				  q->rpc->out.arg);

	return true;
}

/* Late answers */

int rpc_wait(struct rpc_waiting *w, const struct rpc_request *q)
{
	*w = (struct rpc_waiting){ .method = q->method, .batch = q->batch,
				   .since = q->now };
	w->id = q->id ? strdup(q->id) : NULL;
	if (q->id && !w->id)
		return -ENOMEM;
	w->open = true;
	if (w->batch)
		w->batch->open++;

	return 0;
}

struct rpc_request rpc_resume(struct rpc *rpc, const struct rpc_waiting *w)
{
	return (struct rpc_request){ .rpc = rpc, .batch = w->batch,
				     .method = w->method, .id = w->id,
				     .now = w->since };
}

void rpc_waited(struct rpc *rpc, struct rpc_waiting *w)
{
	if (!w->open)
		return;
	if (w->batch)
		batch_close(rpc, w->batch);
	free(w->id);
	*w = (struct rpc_waiting){ 0 };
}

void rpc_wait_drop(struct rpc_waiting *w)
{
	/* The last one that waits takes the batch along. */
	if (w->open && w->batch && --w->batch->open == 0)
		batch_free(w->batch);
	free(w->id);
	*w = (struct rpc_waiting){ 0 };
}

struct rpc_error rpc_error_of(const struct hub_event *ev, bool dialect_b)
{
	enum refusal_kind kind = refusal_of(ev->why);

	return (struct rpc_error){ refusal_rpc_code(kind, dialect_b),
				   refusal_message(kind), ev->reason,
				   ev->retry_ms };
}

/* Dialect A: its answer comes behind this result, as a notification. */
static void offer_taken(struct rpc *rpc)
{
	struct rpc_request q = rpc_resume(rpc, &rpc->offer);
	struct text t = { 0 };

	text_puts(&t, "{\"offer_id\":");
	text_jsons(&t, rpc->offer_id);
	text_puts(&t, ",\"to_peer_id\":\"" HUB_SERVER "\"}");
	rpc_result(&q, &t);
	text_fini(&t);
	rpc_waited(rpc, &rpc->offer);
}

/* Dialect B: the result is the answer. */
static void offer_answered(struct rpc *rpc, const struct hub_event *ev)
{
	struct rpc_request q = rpc_resume(rpc, &rpc->offer);
	struct text t = { 0 };

	text_puts(&t, "{\"type\":\"answer\",\"sdp\":");
	text_jsons(&t, ev->sdp);
	text_puts(&t, ",\"from\":\"" HUB_SERVER "\",\"to\":");
	text_jsons(&t, rpc_name(rpc));
	text_puts(&t, "}");
	rpc_result(&q, &t);
	text_fini(&t);
	rpc_waited(rpc, &rpc->offer);
}

static void offer_refused(struct rpc *rpc, const struct hub_event *ev)
{
	struct rpc_request q = rpc_resume(rpc, &rpc->offer);

	rpc_error(&q, rpc_error_of(ev, rpc->offer.method->dialect_b));
	rpc_waited(rpc, &rpc->offer);
}

/* Whether the event was the answer to the offer that waits. */
static bool settles_offer(struct rpc *rpc, const struct hub_event *ev)
{
	bool b = rpc->offer.open && rpc->offer.method->dialect_b;

	if (ev->kind == HUB_OFFER_TAKEN) {
		if (rpc->offer.open && !b)
			offer_taken(rpc);
		return true;
	}
	if (!rpc->offer.open)
		return false;
	if (ev->kind == HUB_OFFER_REFUSED) {
		offer_refused(rpc, ev);
		return true;
	}
	/* A notification has no result: its answer is one as well. */
	if (b && ev->kind == HUB_ANSWER && strcmp(ev->peer, HUB_SERVER) == 0) {
		b = rpc->offer.id != NULL;
		offer_answered(rpc, ev);
		return b;
	}

	return false;
}

static int deliver(const struct hub_event *ev, void *arg)
{
	struct rpc *rpc = arg;
	struct text t = { 0 };
	int err;

	if (settles_offer(rpc, ev))
		return 0;
	rpc_write_event(&t, ev, rpc->dialect_b ? rpc_name(rpc) : NULL);
	err = t.bad ? -ENOMEM : rpc->out.text(t.at, t.len, rpc->out.arg);
	text_fini(&t);

	return err;
}

/* Its answers go to the connection that has its name now. */
static void superseded(void *arg)
{
	struct rpc *rpc = arg;
	struct hub_event ev = { .kind = HUB_OFFER_REFUSED,
				.why = HUB_WRONG_STATE,
				.reason = "this peer id was resumed by "
					  "another connection" };

	if (rpc->offer.open)
		offer_refused(rpc, &ev);
	rpc->out.close(RPC_CLOSE_RESUMED, "resumed by another connection",
		       rpc->out.arg);
}

/* The id as JSON text in *out; NULL in *out when there is none. Clients of
 * today have ids of any type, so it is not only the specification's string,
 * number and null that come back. false: no memory. */
static bool read_id(const struct js *v, char **out)
{
	struct text t = { 0 };
	const char *s;
	char *json;
	size_t len;

	*out = NULL;
	if (!v)
		return true;
	s = js_string(v, &len);
	if (!s) {
		json = js_write(v);
		t.bad = !json;
		text_puts(&t, json ? json : "");
		free(json);
	} else if (*s == 's') {
		/* signaling/scan.h: 's' a string, 'n' a number */
		text_json(&t, s + 1, len - 1);
	} else {
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
static bool within_rate(struct rpc_request *q)
{
	struct refusal r = member_message(&q->rpc->member, q->now);

	return !rpc_refused(q, &r, NULL);
}

/* Refuses an envelope: always answered, with the id where it is known. */
static void bad_request(struct rpc *rpc, struct rpc_batch *b, const char *id,
			const char *reason, struct mono now)
{
	struct rpc_request q = { .rpc = rpc, .batch = b, .now = now,
				 .id = id ? id : "null" };

	if (within_rate(&q))
		rpc_error(&q, (struct rpc_error){
				RPC_REQUEST, "Invalid Request", reason, 0 });
}

/* Long names are cut; a cut character becomes U+FFFD. */
static void unknown_method(struct rpc_request *q, const char *method,
			   size_t len)
{
	bool b = q->rpc->dialect_b || memchr(method, '.', len);
	const char *before = b ? "Unknown method: " : "Method not found: ";
	size_t at = strlen(before);
	char message[160];

	memcpy(message, before, at);
	len = len < 128 ? len : 128;
	memcpy(message + at, method, len);
	message[at + len] = '\0';
	rpc_error(q, (struct rpc_error){ RPC_METHOD, message,
					 "no such method", 0 });
}

const struct rpc_method *rpc_method_find(const char *name, size_t len)
{
	const struct rpc_method *m = rpc_find_a(name, len);

	m = m ? m : rpc_find_b(name, len);

	return m ? m : rpc_find_control(name, len);
}

static void dispatch(struct rpc_request *q, const char *method, size_t len)
{
	q->method = rpc_method_find(method, len);
	if (q->method)
		q->method->handler(q);
	else
		unknown_method(q, method, len);
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
	if (within_rate(q))
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
		rpc->out.close(WS_CODE_LATER, "no memory", rpc->out.arg);
		return;
	}
	q.id = id;
	request(&q, message);
	free(id);
}

static void on_batch(struct rpc *rpc, const struct js *root, struct mono now)
{
	uint32_t max = rpc->member.world->batch;
	struct rpc_batch *b;
	char why[48];

	if (!max)
		max = RPC_BATCH_MAX;
	if (js_len(root) == 0 || js_len(root) > max) {
		snprintf(why, sizeof(why), "a batch of more than %u", max);
		bad_request(rpc, NULL, NULL,
			    js_len(root) ? why : "an empty batch", now);
		return;
	}
	b = calloc(1, sizeof(*b));
	if (!b) {
		rpc->out.close(WS_CODE_LATER, "no memory", rpc->out.arg);
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

	if (!within_rate(&q))
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

	if (within_rate(&q))
		rpc_error(&q, (struct rpc_error){ code, message, reason, 0 });
}

void rpc_message(struct rpc *rpc, const char *text, size_t len,
		 struct mono now)
{
	struct text copy = { 0 };
	char error[JS_ERROR];
	char why[SCAN_WHY];
	struct js *root;
	int err = json_scan(&copy, text, len, &rpc->member.world->json, why);

	if (err == -EMSGSIZE)
		too_large(rpc, &copy, why, now);
	else if (err)
		rpc->out.close(WS_CODE_LATER, "no memory", rpc->out.arg);
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
