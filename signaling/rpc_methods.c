/* rpc_methods.c - the methods of dialect A, and announce for both */

#include "signaling/rpc_methods.h"

#include <stdlib.h>
#include <string.h>

#include "signaling/rpc_announce.h"
#include "signaling/rpc_params.h"

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

static bool announced(struct rpc_request *q)
{
	struct refusal r = { .kind = REFUSED_NOT_ANNOUNCED,
			     .reason = "call announce first" };

	if (member_is_announced(&q->rpc->member))
		return true;
	rpc_refused(q, &r, NULL);

	return false;
}

static void on_announce(struct rpc_request *q)
{
	struct rpc_hello h = { .name = rpc_filled(q, "peer_id", 0) };

	if (h.name && (h.caps = rpc_json(q, "capabilities", 1, true)) &&
	    (h.metadata = rpc_json(q, "metadata", 2, false)))
		rpc_announce(q, &h);
	free(h.caps);
	free(h.metadata);
}

static void on_offer(struct rpc_request *q)
{
	char id[MEMBER_OFFER_ID];
	const char *type = "offer", *to, *sdp;
	struct refusal r;

	if (!announced(q) || !(to = rpc_filled(q, "to_peer_id", 0)) ||
	    !(sdp = rpc_filled(q, "sdp", 1)) ||
	    !rpc_optional(q, "type", 2, &type))
		return;
	if (strcmp(to, HUB_SERVER) == 0) {
		rpc_offer_server(q, sdp, type);
		return;
	}
	r = member_offer(&q->rpc->member, to, sdp, type, id, q->now);
	if (!rpc_refused(q, &r, to))
		result_to_peer(q, id, to);
}

static void on_answer(struct rpc_request *q)
{
	const char *type = "answer", *to, *sdp;
	struct refusal r;

	if (!announced(q) || !(to = rpc_filled(q, "to_peer_id", 0)) ||
	    !(sdp = rpc_filled(q, "sdp", 1)) ||
	    !rpc_optional(q, "type", 2, &type))
		return;
	r = member_answer(&q->rpc->member, to, sdp, type, q->now);
	if (!rpc_refused(q, &r, to))
		result_to_peer(q, NULL, to);
}

/* The pipeline calls the peer: an `offer` notification follows. */
static void on_request_offer(struct rpc_request *q)
{
	bool audio = true, video = true, data = true;
	const char *to;
	struct refusal r;
	unsigned kinds;

	if (!announced(q) || !(to = rpc_filled(q, "to_peer_id", 0)) ||
	    !rpc_bool(q, "audio", 1, &audio) ||
	    !rpc_bool(q, "video", 2, &video) ||
	    !rpc_bool(q, "data", 3, &data))
		return;
	kinds = (audio ? KIND_AUDIO : 0) | (video ? KIND_VIDEO : 0) |
		(data ? KIND_DATA : 0);
	r = member_request_offer(&q->rpc->member, to, kinds, q->now);
	if (!rpc_refused(q, &r, to))
		result_to_peer(q, NULL, to);
}

static void on_ice_candidate(struct rpc_request *q)
{
	struct hub_candidate c = { 0 };
	const char *to;
	struct refusal r;

	if (!announced(q) || !(to = rpc_filled(q, "to_peer_id", 0)) ||
	    !(c.line = rpc_string(q, "candidate", 1)) ||
	    !rpc_optional(q, "sdp_mid", 2, &c.mid) ||
	    !rpc_index(q, "sdp_mline_index", 3, &c.mline))
		return;
	r = member_candidate(&q->rpc->member, to, &c, q->now);
	if (!rpc_refused(q, &r, to))
		result_to_peer(q, NULL, to);
}

static void on_disconnect(struct rpc_request *q)
{
	const char *name, *reason = NULL;
	struct text t = { 0 };
	struct refusal r;

	if (!announced(q) || !(name = rpc_filled(q, "peer_id", 0)) ||
	    !rpc_optional(q, "reason", 1, &reason))
		return;
	r = member_disconnect(&q->rpc->member, name, reason);
	if (rpc_refused(q, &r, name))
		return;
	text_puts(&t, "{\"peer_id\":");
	text_jsons(&t, name);
	text_puts(&t, "}");
	rpc_result(q, &t);
	text_fini(&t);
}

/* Whoever announced in the other dialect gets its list. */
static void on_list_peers(struct rpc_request *q)
{
	rpc_list(q, q->rpc->dialect_b);
}

static const struct rpc_method methods[] = {
	{ "announce", on_announce, false },
	{ "offer", on_offer, false },
	{ "answer", on_answer, false },
	{ "request_offer", on_request_offer, false },
	{ "ice_candidate", on_ice_candidate, false },
	{ "disconnect", on_disconnect, false },
	{ "list_peers", on_list_peers, false },
};

const struct rpc_method *rpc_find(const struct rpc_method *table, size_t rows,
				  const char *name, size_t len)
{
	for (size_t i = 0; i < rows; i++)
		if (strlen(table[i].name) == len &&
		    memcmp(table[i].name, name, len) == 0)
			return &table[i];

	return NULL;
}

const struct rpc_method *rpc_find_a(const char *name, size_t len)
{
	return rpc_find(methods, ARRAY_LEN(methods), name, len);
}
