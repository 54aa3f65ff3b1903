/* rpc_methods_b.c - the methods of dialect B */

#include <stdlib.h>
#include <string.h>

#include "signaling/rpc_announce.h"
#include "signaling/rpc_methods.h"
#include "signaling/rpc_params.h"

enum { NOWHERE = 1000 };	/* this dialect has no params by position */

static void success(struct rpc_request *q, const char *key, const char *peer)
{
	struct text t = { 0 };

	text_puts(&t, "{\"success\":true,\"");
	text_puts(&t, key);
	text_puts(&t, "\":");
	text_jsons(&t, peer);
	text_puts(&t, "}");
	rpc_result(q, &t);
	text_fini(&t);
}

static bool announced(struct rpc_request *q)
{
	struct refusal r = { .kind = REFUSED_NOT_ANNOUNCED,
			     .reason = "call peer.announce first" };

	if (member_is_announced(&q->rpc->member))
		return true;
	rpc_refused(q, &r, NULL);

	return false;
}

static void on_announce(struct rpc_request *q)
{
	struct rpc_hello h = { .name = rpc_filled(q, "peer_id", NOWHERE) };

	if (h.name &&
	    (h.caps = rpc_json(q, "capabilities", NOWHERE, true)) &&
	    (h.metadata = rpc_json(q, "user_data", NOWHERE, false)))
		rpc_announce(q, &h);
	free(h.caps);
	free(h.metadata);
}

static void on_offer(struct rpc_request *q)
{
	char id[MEMBER_OFFER_ID];
	const char *to, *sdp;
	struct refusal r;

	if (!announced(q) || !(to = rpc_filled(q, "to", NOWHERE)) ||
	    !(sdp = rpc_filled(q, "sdp", NOWHERE)))
		return;
	if (strcmp(to, HUB_SERVER) == 0) {
		rpc_offer_server(q, sdp, "offer");
		return;
	}
	r = member_offer(&q->rpc->member, to, sdp, "offer", id, q->now);
	if (!rpc_refused(q, &r, to))
		success(q, "to_peer_id", to);
}

static void on_answer(struct rpc_request *q)
{
	const char *to, *sdp;
	struct refusal r;

	if (!announced(q) || !(to = rpc_filled(q, "to", NOWHERE)) ||
	    !(sdp = rpc_filled(q, "sdp", NOWHERE)))
		return;
	r = member_answer(&q->rpc->member, to, sdp, "answer", q->now);
	if (!rpc_refused(q, &r, to))
		success(q, "to_peer_id", to);
}

static void on_ice_candidate(struct rpc_request *q)
{
	struct hub_candidate c = { 0 };
	const char *to;
	struct refusal r;

	if (!announced(q) || !(to = rpc_filled(q, "to", NOWHERE)) ||
	    !(c.line = rpc_string(q, "candidate", NOWHERE)) ||
	    !rpc_optional(q, "sdp_mid", NOWHERE, &c.mid) ||
	    !rpc_index(q, "sdp_m_line_index", NOWHERE, &c.mline))
		return;
	r = member_candidate(&q->rpc->member, to, &c, q->now);
	if (!rpc_refused(q, &r, to))
		success(q, "to_peer_id", to);
}

static void on_disconnect(struct rpc_request *q)
{
	const char *name, *reason = NULL;
	struct refusal r;

	if (!announced(q) || !(name = rpc_filled(q, "peer_id", NOWHERE)) ||
	    !rpc_optional(q, "reason", NOWHERE, &reason))
		return;
	r = member_disconnect(&q->rpc->member, name, reason);
	if (!rpc_refused(q, &r, name))
		success(q, "peer_id", name);
}

static void on_list(struct rpc_request *q)
{
	rpc_list(q, true);
}

static void on_info(struct rpc_request *q)
{
	const struct member *m = &q->rpc->member;
	const struct world *w = m->world;
	struct text t = { 0 };

	text_puts(&t, "{\"addresses\":[");
	for (unsigned i = 0; i < w->addresses_len; i++) {
		text_puts(&t, i ? ",{\"ip\":" : "{\"ip\":");
		text_jsons(&t, w->addresses[i]);
		text_puts(&t, i ? ",\"is_default\":false}"
				: ",\"is_default\":true}");
	}
	text_puts(&t, "],\"hostname\":");
	text_jsons(&t, w->hostname);
	text_puts(&t, ",\"version\":");
	text_jsons(&t, w->version);
	text_puts(&t, ",\"ice_servers\":");
	auth_ice_servers(w->auth, &m->who, member_name(m), w->wall_ms(), &t);
	text_puts(&t, ",\"auth_required\":");
	text_puts(&t, auth_required(w->auth) ? "true}" : "false}");
	rpc_result(q, &t);
	text_fini(&t);
}

static const struct rpc_method methods[] = {
	{ "peer.announce", on_announce, true },
	{ "peer.offer", on_offer, true },
	{ "peer.answer", on_answer, true },
	{ "peer.ice_candidate", on_ice_candidate, true },
	{ "peer.disconnect", on_disconnect, true },
	{ "peer.list", on_list, true },
	{ "server.info", on_info, true },
};

const struct rpc_method *rpc_find_b(const char *name, size_t len)
{
	return rpc_find(methods, ARRAY_LEN(methods), name, len);
}
