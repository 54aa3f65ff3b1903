/* rpc_notify.c - hub events as JSON-RPC notifications of dialect A */

#include "signaling/rpc_notify.h"

#include "signaling/jsonrpc.h"

int rpc_code_of(enum hub_why why)
{
	switch (why) {
	case HUB_BAD_SDP:
		return RPC_OFFER;
	case HUB_BAD_CANDIDATE:
		return RPC_CANDIDATE;
	case HUB_WRONG_STATE:
		return RPC_STATE;
	case HUB_FULL:
		return RPC_CAPACITY;
	case HUB_FAILED:
		break;
	}

	return RPC_FAILED;
}

const char *rpc_message_of(enum hub_why why)
{
	switch (why) {
	case HUB_BAD_SDP:
		return "Invalid SDP offer";
	case HUB_BAD_CANDIDATE:
		return "Candidate refused";
	case HUB_WRONG_STATE:
		return "Wrong state";
	case HUB_FULL:
		return "Over capacity, retry later";
	case HUB_FAILED:
		break;
	}

	return "Connection failed";
}

static void begin(struct text *t, const char *method)
{
	text_puts(t, "{\"jsonrpc\":\"2.0\",\"method\":\"");
	text_puts(t, method);
	text_puts(t, "\",\"params\":{");
}

static void member(struct text *t, const char *name, const char *value)
{
	if (t->at[t->len - 1] != '{')
		text_puts(t, ",");
	text_puts(t, "\"");
	text_puts(t, name);
	text_puts(t, "\":");
	text_jsons(t, value);
}

void rpc_write_candidate(struct text *t, const struct hub_candidate *c)
{
	member(t, "candidate", c->line);
	member(t, "sdp_mid", c->mid);
	text_puts(t, ",\"sdp_mline_index\":");
	if (c->mline < 0)
		text_puts(t, "null");
	else
		text_int(t, c->mline);
}

static void write_joined(struct text *t, const struct hub_event *ev)
{
	begin(t, "peer_joined");
	member(t, "peer_id", ev->peer);
	text_puts(t, ",\"capabilities\":");
	text_puts(t, ev->caps);
}

static void write_description(struct text *t, const struct hub_event *ev)
{
	begin(t, ev->kind == HUB_OFFER ? "offer" : "answer");
	member(t, "from_peer_id", ev->peer);
	if (ev->kind == HUB_OFFER)
		member(t, "offer_id", ev->id);
	member(t, "sdp", ev->sdp);
	member(t, "type", ev->type);
}

static void write_disconnected(struct text *t, const struct hub_event *ev)
{
	begin(t, "peer_disconnected");
	member(t, "peer_id", ev->peer);
	if (ev->reason)
		member(t, "reason", ev->reason);
}

static void write_state(struct text *t, const struct hub_event *ev)
{
	begin(t, "peer_state_change");
	member(t, "peer_id", ev->peer);
	member(t, "connection_state", ev->reason);
	text_puts(t, ",\"timestamp\":");
	text_int(t, ev->time_ms);
}

static void write_refused(struct text *t, const struct hub_event *ev)
{
	begin(t, "peer_error");
	member(t, "peer_id", ev->peer);
	text_puts(t, ",\"code\":");
	text_int(t, rpc_code_of(ev->why));
	member(t, "message", rpc_message_of(ev->why));
	member(t, "reason", ev->reason);
}

void rpc_write_event(struct text *t, const struct hub_event *ev)
{
	switch (ev->kind) {
	case HUB_JOINED:
		write_joined(t, ev);
		break;
	case HUB_LEFT:
		begin(t, "peer_left");
		member(t, "peer_id", ev->peer);
		break;
	case HUB_DISCONNECTED:
		write_disconnected(t, ev);
		break;
	case HUB_OFFER:
	case HUB_ANSWER:
		write_description(t, ev);
		break;
	case HUB_CANDIDATE:
		begin(t, "ice_candidate");
		member(t, "from_peer_id", ev->peer);
		rpc_write_candidate(t, &ev->candidate);
		break;
	case HUB_STATE:
		write_state(t, ev);
		break;
	case HUB_REFUSED:
		write_refused(t, ev);
		break;
	case HUB_OFFER_TAKEN:
	case HUB_OFFER_REFUSED:
		return;		/* answers to a request, not notifications */
	}
	text_puts(t, "}}");
}
