/*
 * rpc_control.c - control.*: wishes about the pipeline of the peer's call
 *
 * What a request may look like is checked here; what it does is the
 * pipeline's business, so it goes to the broker as one JSON object
 * {"method":...,"params":{...}} and is answered when the broker has.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/auth.h"
#include "signaling/rpc_methods.h"
#include "signaling/rpc_params.h"

enum {
	OPEN_MAX = 16,		/* of one connection */
	OPEN_ALL = 1024,	/* of all */
	ANSWER_US = 5000000,
	TOPIC_MAX = 256,	/* bytes */
	NOWHERE = 1000,		/* no params by position */
};

/* In two lists: of the world (doubly linked) and counted of its rpc. */
struct rpc_control {
	struct rpc *rpc;
	uint64_t number;
	struct rpc_waiting waiting;
	struct rpc_control *prev, *next;
};

/* The list */

static struct rpc_control *add(struct rpc *rpc)
{
	struct world *w = rpc->member.world;
	struct rpc_control *c;

	if (rpc->controls_len >= OPEN_MAX || w->controls_len >= OPEN_ALL)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->rpc = rpc;
	c->number = ++w->control_number;
	c->next = w->controls;
	if (c->next)
		c->next->prev = c;
	w->controls = c;
	w->controls_len++;
	rpc->controls_len++;

	return c;
}

static void forget(struct rpc_control *c)
{
	struct world *w = c->rpc->member.world;

	if (c->prev)
		c->prev->next = c->next;
	else
		w->controls = c->next;
	if (c->next)
		c->next->prev = c->prev;
	w->controls_len--;
	c->rpc->controls_len--;
	free(c);
}

void rpc_control_drop(struct rpc *rpc)
{
	struct rpc_control *next;

	for (struct rpc_control *c = rpc->member.world->controls;
	     c && rpc->controls_len; c = next) {
		next = c->next;
		if (c->rpc != rpc)
			continue;
		rpc_wait_drop(&c->waiting);
		forget(c);
	}
}

/* Answers */

static const char no_peer[] =
	"The peer has no ServerPeer yet: offer to " HUB_SERVER " first";

static struct rpc_error error_of(enum control_error error, const char *text)
{
	struct rpc_error e = { RPC_PARAMS, "Control refused", text, 0 };

	switch (error) {
	case CONTROL_NO_CALL:
		e.message = no_peer;
		break;
	case CONTROL_NOT_SUPPORTED:
		e.message = "Not supported by this pipeline";
		break;
	case CONTROL_BUSY:
		e = (struct rpc_error){ RPC_CAPACITY,
					"Over capacity, retry later", text,
					1000 };
		break;
	case CONTROL_OK:
	case CONTROL_INVALID:
	case CONTROL_ERRORS:
		break;
	}
	if (!e.reason || !*e.reason)
		e.reason = "the pipeline gave no reason";

	return e;
}

static void answer(struct rpc_control *c, const struct rpc_error *e,
		   const char *result)
{
	struct rpc *rpc = c->rpc;
	struct rpc_request q = rpc_resume(rpc, &c->waiting);
	struct text t = { 0 };

	if (e) {
		rpc_error(&q, *e);
	} else {
		text_puts(&t, result);
		rpc_result(&q, &t);
		text_fini(&t);
	}
	rpc_waited(rpc, &c->waiting);
	forget(c);
}

static bool is_json(const char *text)
{
	char error[JS_ERROR];
	struct js *root;

	if (js_parse(&root, text, strlen(text), error))
		return false;
	js_free(root);

	return true;
}

void rpc_on_control(struct world *world, uint64_t request,
		    enum control_error error, const char *text)
{
	struct rpc_control *c = world->controls;
	struct rpc_error e;

	while (c && c->number != request)
		c = c->next;
	if (!c)
		return;		/* its connection is gone, or it was late */
	if (error == CONTROL_OK && is_json(text)) {
		answer(c, NULL, text);
		return;
	}
	e = error_of(error, text);
	answer(c, &e, NULL);
}

void rpc_tick(struct world *world, struct mono now)
{
	struct rpc_error e = { RPC_CAPACITY, "Over capacity, retry later",
			       "the media side is restarting", 1000 };
	struct rpc_control *next;

	for (struct rpc_control *c = world->controls; c; c = next) {
		next = c->next;
		if (!mono_before(now, mono_add(c->waiting.since, ANSWER_US)))
			answer(c, &e, NULL);
	}
}

/* Requests */

/* Announced, allowed, and in a call; *call is its number. */
static bool may_control(struct rpc_request *q, uint64_t *call)
{
	const struct member *m = &q->rpc->member;
	struct refusal r;

	if (!member_is_announced(m)) {
		rpc_error(q, (struct rpc_error){
				RPC_REQUEST, "Not announced: call "
				"peer.announce before any control.* method",
				"call peer.announce first", 0 });
		return false;
	}
	r = member_may(m, AUTH_MANAGE);
	if (rpc_refused(q, &r, NULL))
		return false;
	*call = calls_number(m->world->calls, member_name(m));
	if (*call)
		return true;
	rpc_error(q, (struct rpc_error){ RPC_PARAMS, no_peer,
					 "its offer is not answered yet",
					 0 });

	return false;
}

static void refuse_now(struct rpc_request *q, const char *reason)
{
	rpc_error(q, (struct rpc_error){ RPC_CAPACITY,
					 "Over capacity, retry later",
					 reason, 1000 });
}

static void send_text(struct rpc_request *q, uint64_t call,
		      const struct text *t)
{
	struct world *w = q->rpc->member.world;
	struct rpc_control *c;
	int err = -ENOTCONN;

	if (t->bad || t->len > MSG_CONTROL) {
		rpc_error(q, (struct rpc_error){
				RPC_TOO_LARGE, "Message too large or too deep",
				"a control request over 16384 bytes", 0 });
		return;
	}
	c = add(q->rpc);
	if (!c) {
		refuse_now(q, "16 control requests are not answered yet");
		return;
	}
	if (rpc_wait(&c->waiting, q)) {
		forget(c);
		refuse_now(q, "no memory");
		return;
	}
	if (w->control)
		err = w->control(call, c->number, t->at, w->control_arg);
	if (!err)
		return;
	refuse_now(q, "the media side is restarting");
	rpc_waited(q->rpc, &c->waiting);
	forget(c);
}

/* params: a list of members without braces. */
static void send_request(struct rpc_request *q, uint64_t call,
			 const struct text *params)
{
	struct text t = { 0 };

	text_puts(&t, "{\"method\":\"");
	text_puts(&t, q->method->name);
	text_puts(&t, "\",\"params\":{");
	text_put(&t, params->at, params->len);
	text_puts(&t, "}}");
	t.bad |= params->bad;
	text_put(&t, "", 1);
	t.len--;
	send_text(q, call, &t);
	text_fini(&t);
}

static void put_member(struct text *t, const char *name, const char *json)
{
	text_puts(t, t->len ? ",\"" : "\"");
	text_puts(t, name);
	text_puts(t, "\":");
	text_puts(t, json);
}

static void put_string(struct text *t, const char *name, const char *value)
{
	put_member(t, name, "");
	text_jsons(t, value);
}

/* node.<way> or node.<way>.port; NULL: answered. */
static const char *read_topic(struct rpc_request *q, const char *way)
{
	const char *topic = rpc_filled(q, "topic", NOWHERE), *dot, *rest;
	char problem[64];
	size_t n = strlen(way);

	if (!topic)
		return NULL;
	dot = strchr(topic, '.');
	rest = dot ? dot + 1 + n : NULL;
	if (dot && dot > topic && strncmp(dot + 1, way, n) == 0 &&
	    (!*rest || (*rest == '.' && rest[1] && !strchr(rest + 1, '.'))) &&
	    strlen(topic) <= TOPIC_MAX)
		return topic;
	snprintf(problem, sizeof(problem),
		 "is not of the form node.%s or node.%s.port", way, way);
	rpc_bad_param(q, "topic", problem);

	return NULL;
}

static void on_subscribe(struct rpc_request *q)
{
	struct text t = { 0 };
	bool audio = false;
	const char *topic;
	uint64_t call;

	if (!may_control(q, &call) || !(topic = read_topic(q, "out")) ||
	    !rpc_bool(q, "include_audio", NOWHERE, &audio))
		return;
	put_string(&t, "topic", topic);
	put_member(&t, "include_audio", audio ? "true" : "false");
	send_request(q, call, &t);
	text_fini(&t);
}

static void on_unsubscribe(struct rpc_request *q)
{
	struct text t = { 0 };
	const char *topic;
	uint64_t call;

	if (!may_control(q, &call) || !(topic = read_topic(q, "out")))
		return;
	put_string(&t, "topic", topic);
	send_request(q, call, &t);
	text_fini(&t);
}

static void on_publish(struct rpc_request *q)
{
	const struct js *v = rpc_param(q, "payload", NOWHERE);
	struct text t = { 0 };
	const char *topic;
	uint64_t call;
	char *payload;

	if (!may_control(q, &call) || !(topic = read_topic(q, "in")))
		return;
	if (js_type(v) != JS_STRING && js_type(v) != JS_OBJECT &&
	    js_type(v) != JS_ARRAY) {
		rpc_bad_param(q, "payload", v ? "is neither string, object "
						"nor array"
					      : "is missing");
		return;
	}
	payload = js_write(v);
	put_string(&t, "topic", topic);
	put_member(&t, "payload", payload ? payload : "null");
	t.bad |= !payload;
	send_request(q, call, &t);
	text_fini(&t);
	free(payload);
}

/* As the broker is told it; NULL: no such state. */
static const char *state_name(const char *state)
{
	static const char *const names[] = { "enabled", "bypass", "disabled",
					     "Enabled", "Bypass",
					     "Disabled" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], state) == 0)
			return names[i % 3];

	return NULL;
}

static void on_set_node_state(struct rpc_request *q)
{
	const char *node, *state;
	struct text t = { 0 };
	uint64_t call;

	if (!may_control(q, &call) ||
	    !(node = rpc_filled(q, "node_id", NOWHERE)) ||
	    !(state = rpc_filled(q, "state", NOWHERE)))
		return;
	if (strlen(node) > TOPIC_MAX) {
		rpc_bad_param(q, "node_id", "is over 256 bytes");
		return;
	}
	state = state_name(state);
	if (!state) {
		rpc_bad_param(q, "state",
			      "is not enabled, bypass or disabled");
		return;
	}
	put_string(&t, "node_id", node);
	put_string(&t, "state", state);
	send_request(q, call, &t);
	text_fini(&t);
}

static void on_flush_audio(struct rpc_request *q)
{
	struct text none = { 0 };
	uint64_t call;

	if (may_control(q, &call))
		send_request(q, call, &none);
}

static const struct rpc_method methods[] = {
	{ "control.subscribe", on_subscribe, true },
	{ "control.unsubscribe", on_unsubscribe, true },
	{ "control.publish", on_publish, true },
	{ "control.set_node_state", on_set_node_state, true },
	{ "control.flush_audio", on_flush_audio, true },
};

const struct rpc_method *rpc_find_control(const char *name, size_t len)
{
	return rpc_find(methods, ARRAY_LEN(methods), name, len);
}
