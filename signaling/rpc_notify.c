/* rpc_notify.c - hub events as JSON-RPC notifications of both dialects */

#include "signaling/rpc_notify.h"

#include "signaling/member.h"

static void begin(struct text *t, const char *method)
{
	text_puts(t, "{\"jsonrpc\":\"2.0\",\"method\":\"");
	text_puts(t, method);
	text_puts(t, "\",\"params\":{");
}

static void key(struct text *t, const char *name)
{
	if (!t->bad && t->at[t->len - 1] != '{')
		text_puts(t, ",");
	text_puts(t, "\"");
	text_puts(t, name);
	text_puts(t, "\":");
}

static void member(struct text *t, const char *name, const char *value)
{
	key(t, name);
	text_jsons(t, value);
}

static void whole(struct text *t, const char *name, int64_t value)
{
	key(t, name);
	text_int(t, value);
}

static void candidate(struct text *t, const struct hub_candidate *c,
		      const char *index)
{
	member(t, "candidate", c->line);
	member(t, "sdp_mid", c->mid);
	if (c->mline < 0)
		member(t, index, NULL);
	else
		whole(t, index, c->mline);
}

void rpc_write_candidate(struct text *t, const struct hub_candidate *c)
{
	candidate(t, c, "sdp_mline_index");
}

static void write_joined(struct text *t, const struct hub_event *ev,
			 const char *method)
{
	begin(t, method);
	member(t, "peer_id", ev->peer);
	key(t, "capabilities");
	text_puts(t, ev->caps);
	key(t, "metadata");
	text_puts(t, ev->metadata);
}

static void write_refused(struct text *t, const struct hub_event *ev,
			  const char *method, bool dialect_b)
{
	enum refusal_kind kind = refusal_of(ev->why);

	begin(t, method);
	member(t, "peer_id", ev->peer);
	whole(t, "code", refusal_rpc_code(kind, dialect_b));
	member(t, "message", refusal_message(kind));
	member(t, "reason", ev->reason);
}

static void write_a(struct text *t, const struct hub_event *ev)
{
	switch (ev->kind) {
	case HUB_JOINED:
		write_joined(t, ev, "peer_joined");
		break;
	case HUB_LEFT:
		begin(t, "peer_left");
		member(t, "peer_id", ev->peer);
		break;
	case HUB_DISCONNECTED:
		begin(t, "peer_disconnected");
		member(t, "peer_id", ev->peer);
		if (ev->reason)
			member(t, "reason", ev->reason);
		break;
	case HUB_OFFER:
	case HUB_ANSWER:
		begin(t, ev->kind == HUB_OFFER ? "offer" : "answer");
		member(t, "from_peer_id", ev->peer);
		if (ev->kind == HUB_OFFER)
			member(t, "offer_id", ev->id);
		member(t, "sdp", ev->sdp);
		member(t, "type", ev->type);
		break;
	case HUB_CANDIDATE:
		begin(t, "ice_candidate");
		member(t, "from_peer_id", ev->peer);
		rpc_write_candidate(t, &ev->candidate);
		break;
	case HUB_STATE:
		begin(t, "peer_state_change");
		member(t, "peer_id", ev->peer);
		member(t, "connection_state", ev->reason);
		whole(t, "timestamp", ev->time_ms);
		break;
	case HUB_REFUSED:
	case HUB_OFFER_REFUSED:
		write_refused(t, ev, "peer_error", false);
		break;
	case HUB_OFFER_TAKEN:
		break;
	}
}

static void write_b(struct text *t, const struct hub_event *ev, const char *to)
{
	switch (ev->kind) {
	case HUB_JOINED:
		write_joined(t, ev, "peer.joined");
		break;
	case HUB_LEFT:
		begin(t, "peer.left");
		member(t, "peer_id", ev->peer);
		break;
	case HUB_DISCONNECTED:
		begin(t, "peer.disconnected");
		member(t, "peer_id", ev->peer);
		member(t, "reason", ev->reason);
		break;
	case HUB_OFFER:
	case HUB_ANSWER:
		begin(t, ev->kind == HUB_OFFER ? "peer.offer" : "peer.answer");
		member(t, "from", ev->peer);
		member(t, "to", to);
		if (ev->kind == HUB_OFFER)
			member(t, "offer_id", ev->id);
		member(t, "sdp", ev->sdp);
		member(t, "type", ev->type);
		break;
	case HUB_CANDIDATE:
		begin(t, "peer.ice_candidate");
		member(t, "from", ev->peer);
		member(t, "to", to);
		candidate(t, &ev->candidate, "sdp_m_line_index");
		break;
	case HUB_STATE:
		/* This dialect names the peer whose call it is. */
		begin(t, "peer.state_change");
		member(t, "peer_id", to);
		member(t, "connection_state", ev->reason);
		whole(t, "timestamp", ev->time_ms);
		break;
	case HUB_REFUSED:
	case HUB_OFFER_REFUSED:
		write_refused(t, ev, "peer.error", true);
		break;
	case HUB_OFFER_TAKEN:
		break;
	}
}

void rpc_write_event(struct text *t, const struct hub_event *ev,
		     const char *to)
{
	if (ev->kind == HUB_OFFER_TAKEN)
		return;		/* the answer to a request */
	if (to)
		write_b(t, ev, to);
	else
		write_a(t, ev);
	text_puts(t, "}}");
}
