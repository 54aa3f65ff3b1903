/* rpc_methods.c - the methods of dialect A */

#include "signaling/rpc_methods.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As enum link_kinds in shm/link.h. */
enum { KIND_AUDIO = 1, KIND_VIDEO = 2, KIND_DATA = 4 };

static const struct hub_ops hub_ops = { rpc_deliver };

/* By name or by position (JSON-RPC 2.0 section 4.2); NULL when absent. */
static const struct js *param(const struct rpc_request *q, const char *name,
			      size_t position)
{
	return js_type(q->params) == JS_ARRAY ? js_at(q->params, position)
					      : js_get(q->params, name);
}

static void params_error(struct rpc_request *q, const char *name,
			 const char *problem)
{
	char reason[96];

	snprintf(reason, sizeof(reason), "%s %s", name, problem);
	rpc_error(q, (struct rpc_error){ RPC_PARAMS, "Invalid params", reason,
					 0 });
}

/* A required string; on failure the request has been answered. */
static const char *string_param(struct rpc_request *q, const char *name,
				size_t position)
{
	const struct js *v = param(q, name, position);
	size_t len;
	const char *s = js_string(v, &len);

	if (!s)
		params_error(q, name, v ? "is not a string" : "is missing");
	else if (strlen(s) != len) {
		params_error(q, name, "holds a NUL");
		s = NULL;
	}

	return s;
}

/* As string_param(), but "" counts as missing (as upstream has it). */
static const char *filled_param(struct rpc_request *q, const char *name,
				size_t position)
{
	const char *s = string_param(q, name, position);

	if (s && !*s) {
		params_error(q, name, "is empty");
		s = NULL;
	}

	return s;
}

/* A string that may be absent or null; false: answered. */
static bool optional_param(struct rpc_request *q, const char *name,
			   size_t position, const char **out)
{
	enum js_type type = js_type(param(q, name, position));

	if (type == JS_NONE || type == JS_NULL)
		return true;
	*out = string_param(q, name, position);

	return *out != NULL;
}

static bool announced(struct rpc_request *q)
{
	if (q->rpc->peer.hub)
		return true;
	rpc_error(q, (struct rpc_error){ RPC_PEER, "Not announced",
					 "call announce first", 0 });

	return false;
}

static void peer_not_found(struct rpc_request *q, const char *name)
{
	char message[2 * HUB_NAME_MAX];

	snprintf(message, sizeof(message), "Peer not found: %.128s", name);
	rpc_error(q, (struct rpc_error){ RPC_PEER, message,
					 "no peer has announced that id", 0 });
}

static bool is_server(const char *name)
{
	return strcmp(name, HUB_SERVER) == 0;
}

/* To another peer; on failure the sender has been answered. */
static bool relay(struct rpc_request *q, const char *to,
		  const struct hub_event *ev)
{
	int err = hub_send(q->rpc->world->hub, to, ev);

	if (err == -ENOENT)
		peer_not_found(q, to);
	else if (err)
		rpc_error(q, (struct rpc_error){
				RPC_CAPACITY, "Over capacity, retry later",
				"that peer does not read its messages",
				1000 });

	return err == 0;
}

static void result_to_peer(struct rpc_request *q, const char *offer_id,
			   const char *to)
{
	struct text t = { 0 };

	text_puts(&t, "{");
	if (offer_id) {
		text_puts(&t, "\"offer_id\":");
		text_jsons(&t, offer_id);
		text_puts(&t, ",");
	}
	text_puts(&t, "\"to_peer_id\":");
	text_jsons(&t, to);
	text_puts(&t, "}");
	rpc_result(q, &t);
	text_fini(&t);
}

/* announce */

/* Capabilities as compact text, to be freed; NULL: answered. */
static char *read_caps(struct rpc_request *q)
{
	const struct js *v = param(q, "capabilities", 1);
	enum js_type type = js_type(v);
	char *caps;

	if (type != JS_NONE && type != JS_NULL && type != JS_OBJECT) {
		params_error(q, "capabilities", "is not an object");
		return NULL;
	}
	caps = type == JS_OBJECT ? js_write(v) : strdup("{}");
	if (!caps) {
		rpc_error(q, (struct rpc_error){ RPC_INTERNAL,
						 "Internal error", "no memory",
						 0 });
	} else if (strlen(caps) > HUB_CAPS_MAX) {
		free(caps);
		caps = NULL;
		params_error(q, "capabilities", "is over 4096 bytes");
	}

	return caps;
}

static void announce_failed(struct rpc_request *q, int err, const char *name)
{
	struct rpc_error e = { RPC_PEER, "Peer id already taken", NULL, 0 };

	switch (err) {
	case -EINVAL:
		params_error(q, "peer_id",
			     "is not 1 to 128 bytes of text without controls");
		return;
	case -EEXIST:
		e.reason = is_server(name) ? "this id is reserved"
					   : "another peer has this id";
		break;
	case -EISCONN:
		if (strcmp(q->rpc->peer.name, name) == 0) {
			e.reason = "this connection has announced it already";
			break;
		}
		e = (struct rpc_error){ RPC_STATE, "Wrong state",
					"this connection has announced "
					"another id", 0 };
		break;
	default:
		e = (struct rpc_error){ RPC_INTERNAL, "Internal error",
					"no memory", 0 };
	}
	rpc_error(q, e);
}

static void announce_result(struct rpc_request *q)
{
	struct hub *hub = q->rpc->world->hub;
	struct text t = { 0 };

	text_puts(&t, "{\"peer_id\":");
	text_jsons(&t, q->rpc->peer.name);
	/* remotemedia-server is one of them. */
	text_puts(&t, ",\"peers_count\":");
	text_int(&t, (int64_t)hub_count(hub) + 1);
	text_puts(&t, ",\"other_peers\":[\"" HUB_SERVER "\"");
	for (const struct hub_peer *p = hub_next(hub, NULL); p;
	     p = hub_next(hub, p)) {
		if (p == &q->rpc->peer)
			continue;
		text_puts(&t, ",");
		text_jsons(&t, p->name);
	}
	text_puts(&t, "]}");
	rpc_result(q, &t);
	text_fini(&t);
}

static void on_announce(struct rpc_request *q)
{
	const char *name = filled_param(q, "peer_id", 0);
	char *caps = name ? read_caps(q) : NULL;
	int err;

	if (!caps)
		return;
	err = hub_join(q->rpc->world->hub, &q->rpc->peer, name, caps,
		       &hub_ops, q->rpc);
	free(caps);
	if (err) {
		announce_failed(q, err, name);
		return;
	}
	announce_result(q);
	hub_tell_joined(&q->rpc->peer);
}

/* offer */

/* What every offer to the pipeline must have; NULL when it has. */
static const char *offer_problem(const char *sdp, const char *type)
{
	if (strcmp(type, "offer") != 0)
		return "type is not \"offer\"";
	if (strncmp(sdp, "v=0", 3) != 0)
		return "the SDP does not begin with v=0";
	if (!strstr(sdp, "m="))
		return "the SDP has no m-line";

	return NULL;
}

static void offer_server(struct rpc_request *q, const char *id,
			 const char *sdp, const char *type)
{
	struct rpc *rpc = q->rpc;
	const char *problem = offer_problem(sdp, type);
	int err;

	if (problem) {
		rpc_error(q, (struct rpc_error){ RPC_OFFER,
						 "Invalid SDP offer", problem,
						 0 });
		return;
	}
	if (rpc->waiting.open) {
		rpc_error(q, (struct rpc_error){
				RPC_STATE, "Wrong state",
				"the last offer is not answered yet", 0 });
		return;
	}
	/* Held first: the answer may come before calls_offer() returns. */
	err = rpc_hold(q, id);
	if (!err)
		err = calls_offer(rpc->world->calls, rpc->peer.name, "",
				  sdp, q->now);
	if (!err)
		return;
	if (!rpc->waiting.open)
		rpc_error(q, (struct rpc_error){
				RPC_INTERNAL, "Internal error", "no memory",
				0 });
	else
		rpc_deliver(&(struct hub_event){
				.kind = HUB_OFFER_REFUSED, .why = HUB_FULL,
				.reason = "no room for another call",
				.retry_ms = 1000 }, rpc);
}

static bool sdp_fits(struct rpc_request *q, const char *sdp, int code)
{
	if (strlen(sdp) <= HUB_SDP_MAX)
		return true;
	rpc_error(q, (struct rpc_error){
			code, code == RPC_OFFER ? "Invalid SDP offer"
						: "Invalid SDP answer",
			"the SDP is over 32768 bytes", 0 });

	return false;
}

static void on_offer(struct rpc_request *q)
{
	struct rpc *rpc = q->rpc;
	char id[2 * HUB_NAME_MAX + 32];
	const char *type = "offer", *to, *sdp;
	struct hub_event ev;

	if (!announced(q))
		return;
	if (!limit_take(&rpc->offers, 1, q->now)) {
		rpc_over_rate(q, &rpc->offers, "too many offers");
		return;
	}
	if (!(to = filled_param(q, "to_peer_id", 0)) ||
	    !(sdp = filled_param(q, "sdp", 1)) ||
	    !optional_param(q, "type", 2, &type) ||
	    !sdp_fits(q, sdp, RPC_OFFER))
		return;
	snprintf(id, sizeof(id), "%s_%.128s_%lld", rpc->peer.name, to,
		 (long long)rpc->world->wall_ms());
	if (is_server(to)) {
		offer_server(q, id, sdp, type);
		return;
	}
	ev = (struct hub_event){ .kind = HUB_OFFER, .peer = rpc->peer.name,
				 .id = id, .sdp = sdp, .type = type };
	if (relay(q, to, &ev))
		result_to_peer(q, id, to);
}

/* answer */

static bool answer_server(struct rpc_request *q, const char *sdp)
{
	int err = calls_answer(q->rpc->world->calls, q->rpc->peer.name, sdp,
			       q->now);

	if (err == -ENOENT)
		rpc_error(q, (struct rpc_error){
				RPC_STATE, "Wrong state",
				HUB_SERVER " has made no offer", 0 });
	else if (err)
		rpc_error(q, (struct rpc_error){
				RPC_CAPACITY, "Over capacity, retry later",
				"the media side is restarting", 1000 });

	return err == 0;
}

static void on_answer(struct rpc_request *q)
{
	const char *type = "answer", *to, *sdp;
	struct hub_event ev;

	if (!announced(q) || !(to = filled_param(q, "to_peer_id", 0)) ||
	    !(sdp = filled_param(q, "sdp", 1)) ||
	    !optional_param(q, "type", 2, &type) ||
	    !sdp_fits(q, sdp, RPC_ANSWER))
		return;
	ev = (struct hub_event){ .kind = HUB_ANSWER,
				 .peer = q->rpc->peer.name, .sdp = sdp,
				 .type = type };
	if (is_server(to) ? answer_server(q, sdp) : relay(q, to, &ev))
		result_to_peer(q, NULL, to);
}

/* request_offer */

/* A boolean that may be absent; false: answered. */
static bool read_kind(struct rpc_request *q, const char *name, size_t position,
		      unsigned kind, unsigned *kinds)
{
	const struct js *v = param(q, name, position);

	if (js_type(v) != JS_NONE && js_type(v) != JS_BOOL) {
		params_error(q, name, "is not true or false");
		return false;
	}
	if (js_type(v) == JS_NONE || js_is_true(v))
		*kinds |= kind;

	return true;
}

static void offer_not_wanted(struct rpc_request *q, int err)
{
	struct rpc_error e = { RPC_STATE, "Wrong state",
			       "an offer waits for its answer", 0 };

	if (err != -EBUSY)
		e = (struct rpc_error){ RPC_CAPACITY,
					"Over capacity, retry later",
					"the media side is restarting",
					1000 };
	rpc_error(q, e);
}

/* The pipeline calls the peer: an `offer` notification follows. */
static void on_request_offer(struct rpc_request *q)
{
	struct rpc *rpc = q->rpc;
	unsigned kinds = 0;
	const char *to;
	int err;

	if (!announced(q))
		return;
	if (!limit_take(&rpc->offers, 1, q->now)) {
		rpc_over_rate(q, &rpc->offers, "too many offers");
		return;
	}
	if (!(to = filled_param(q, "to_peer_id", 0)) ||
	    !read_kind(q, "audio", 1, KIND_AUDIO, &kinds) ||
	    !read_kind(q, "video", 2, KIND_VIDEO, &kinds) ||
	    !read_kind(q, "data", 3, KIND_DATA, &kinds))
		return;
	if (!is_server(to)) {
		params_error(q, "to_peer_id", "is not " HUB_SERVER);
		return;
	}
	if (!kinds) {
		params_error(q, "audio, video, data", "are all false");
		return;
	}
	err = calls_want_offer(rpc->world->calls, rpc->peer.name, "", kinds);
	if (err)
		offer_not_wanted(q, err);
	else
		result_to_peer(q, NULL, to);
}

/* ice_candidate */

/* false: answered. */
static bool read_mline(struct rpc_request *q, int64_t *out)
{
	const struct js *v = param(q, "sdp_mline_index", 3);
	enum js_type type = js_type(v);

	*out = -1;
	if (type == JS_NONE || type == JS_NULL)
		return true;
	if (js_int(v, out) && *out >= 0 && *out <= 65535)
		return true;
	params_error(q, "sdp_mline_index", "is not 0 to 65535");

	return false;
}

static bool candidate_server(struct rpc_request *q,
			     const struct hub_candidate *c)
{
	struct rpc_error e = { RPC_CANDIDATE, "Candidate refused",
			       "more than 64, or too many at once", 0 };
	int err = calls_candidate(q->rpc->world->calls, q->rpc->peer.name, c,
				  q->now);

	if (err == -EMSGSIZE)
		e.reason = "not one candidate line and one mid";
	else if (err == -ENOBUFS)
		e = (struct rpc_error){ RPC_CAPACITY,
					"Over capacity, retry later",
					"no room for another call", 1000 };
	if (err)
		rpc_error(q, e);

	return err == 0;
}

static void on_ice_candidate(struct rpc_request *q)
{
	struct hub_event ev = { .kind = HUB_CANDIDATE };
	struct hub_candidate *c = &ev.candidate;
	const char *to;

	if (!announced(q) || !(to = filled_param(q, "to_peer_id", 0)) ||
	    !(c->line = string_param(q, "candidate", 1)) ||
	    !optional_param(q, "sdp_mid", 2, &c->mid) ||
	    !read_mline(q, &c->mline))
		return;
	if (strlen(c->line) > HUB_CANDIDATE_MAX ||
	    (c->mid && strlen(c->mid) > HUB_MID_MAX)) {
		rpc_error(q, (struct rpc_error){
				RPC_CANDIDATE, "Candidate refused",
				"over 448 bytes, or its mid over 32", 0 });
		return;
	}
	ev.peer = q->rpc->peer.name;
	if (is_server(to) ? candidate_server(q, c) : relay(q, to, &ev))
		result_to_peer(q, NULL, to);
}

/* disconnect */

static void on_disconnect(struct rpc_request *q)
{
	struct rpc *rpc = q->rpc;
	struct hub_event ev = { .kind = HUB_DISCONNECTED };
	struct text t = { 0 };
	const char *name;

	if (!announced(q) || !(name = filled_param(q, "peer_id", 0)))
		return;
	ev.peer = rpc->peer.name;
	/* Who is not there needs no word: a success, as upstream has it. */
	if (is_server(name))
		calls_hangup(rpc->world->calls, rpc->peer.name);
	else
		(void)!hub_send(rpc->world->hub, name, &ev);
	text_puts(&t, "{\"peer_id\":");
	text_jsons(&t, name);
	text_puts(&t, "}");
	rpc_result(q, &t);
	text_fini(&t);
}

/* list_peers */

static void list_one(struct text *t, const char *name, const char *caps)
{
	text_puts(t, "{\"peer_id\":");
	text_jsons(t, name);
	text_puts(t, ",\"capabilities\":");
	text_puts(t, caps);
	text_puts(t, ",\"state\":\"available\"}");
}

static void on_list_peers(struct rpc_request *q)
{
	struct hub *hub = q->rpc->world->hub;
	struct text t = { 0 };
	int64_t count = 1;

	text_puts(&t, "{\"peers\":[");
	list_one(&t, HUB_SERVER, HUB_SERVER_CAPS);
	for (const struct hub_peer *p = hub_next(hub, NULL); p;
	     p = hub_next(hub, p)) {
		if (p == &q->rpc->peer)
			continue;
		text_puts(&t, ",");
		list_one(&t, p->name, p->caps);
		count++;
	}
	text_puts(&t, "],\"count\":");
	text_int(&t, count);
	text_puts(&t, "}");
	rpc_result(q, &t);
	text_fini(&t);
}

static const struct rpc_method methods[] = {
	{ "announce", on_announce },
	{ "offer", on_offer },
	{ "answer", on_answer },
	{ "request_offer", on_request_offer },
	{ "ice_candidate", on_ice_candidate },
	{ "disconnect", on_disconnect },
	{ "list_peers", on_list_peers },
};

const struct rpc_method *rpc_method_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strlen(methods[i].name) == len &&
		    memcmp(methods[i].name, name, len) == 0)
			return &methods[i];

	return NULL;
}
