/* rpc_announce.c - what both dialects do in the same way */

#include "signaling/rpc_announce.h"

#include <errno.h>
#include <string.h>

#include "signaling/rpc_params.h"

/* In params by position: peer_id, capabilities, metadata, then these. */
enum { AT_SESSION = 3, AT_RESUME = 4, AT_TOKEN = 5 };

/* remotemedia-server is one of them in dialect A. */
static void write_others(struct text *t, const struct rpc *rpc, bool b)
{
	const struct hub *hub = rpc->member.world->hub;
	const char *comma = b ? "" : ",";

	text_puts(t, ",\"peers_count\":");
	text_int(t, (int64_t)hub_count(hub) + !b);
	text_puts(t, b ? ",\"other_peers\":["
		       : ",\"other_peers\":[\"" HUB_SERVER "\"");
	for (const struct hub_peer *p = hub_next(hub, NULL); p;
	     p = hub_next(hub, p)) {
		if (p == &rpc->member.peer)
			continue;
		text_puts(t, comma);
		text_jsons(t, p->name);
		comma = ",";
	}
	text_puts(t, "]");
}

static void announce_result(struct rpc_request *q, bool resumed)
{
	struct rpc *rpc = q->rpc;
	const struct hub_peer *peer = &rpc->member.peer;
	const struct world *w = rpc->member.world;
	struct text t = { 0 };

	text_puts(&t, rpc->dialect_b ? "{\"success\":true,\"peer_id\":"
				     : "{\"peer_id\":");
	text_jsons(&t, peer->name);
	write_others(&t, rpc, rpc->dialect_b);
	text_puts(&t, ",\"resume_token\":");
	text_jsons(&t, peer->token);
	text_puts(&t, ",\"resumed\":");
	text_puts(&t, resumed ? "true" : "false");
	text_puts(&t, ",\"session\":");
	text_jsons(&t, *peer->session ? peer->session : NULL);
	text_puts(&t, ",\"ice_servers\":");
	auth_ice_servers(w->auth, &rpc->member.who, peer->name, w->wall_ms(),
			 &t);
	text_puts(&t, "}");
	rpc_result(q, &t);
	text_fini(&t);
}

/* false: answered. */
static bool show_token(struct rpc_request *q)
{
	const char *token = NULL;
	struct refusal r;

	if (!rpc_optional(q, "token", AT_TOKEN, &token))
		return false;
	if (!token)
		return true;
	r = member_authenticate(&q->rpc->member, token, strlen(token));

	return !rpc_refused(q, &r, NULL);
}

void rpc_announce(struct rpc_request *q, const struct rpc_hello *h)
{
	struct hub_hello hello = { .name = h->name, .caps = h->caps,
				   .metadata = h->metadata };
	struct rpc *rpc = q->rpc;
	struct refusal r;
	bool resumed;

	if (!rpc_optional(q, "session", AT_SESSION, &hello.session) ||
	    !rpc_optional(q, "resume_token", AT_RESUME,
			  &hello.resume_token) ||
	    !show_token(q))
		return;
	r = member_announce(&rpc->member, &hello, &resumed, q->now);
	if (rpc_refused(q, &r, h->name))
		return;
	rpc->dialect_b = q->method->dialect_b;
	announce_result(q, resumed);
	member_announced(&rpc->member, resumed);
}

void rpc_offer_server(struct rpc_request *q, const char *sdp,
		      const char *type)
{
	struct rpc *rpc = q->rpc;
	struct refusal r = { .kind = REFUSED_INTERNAL,
			     .reason = "no memory" };

	if (rpc->offer.open) {
		r = (struct refusal){
			.kind = REFUSED_STATE,
			.reason = "the last offer is not answered yet" };
		rpc_refused(q, &r, HUB_SERVER);
		return;
	}
	/* Before: the answer may come before member_offer() returns. */
	if (rpc_wait(&rpc->offer, q)) {
		rpc_refused(q, &r, HUB_SERVER);
		return;
	}
	r = member_offer(&rpc->member, HUB_SERVER, sdp, type, rpc->offer_id,
			 q->now);
	if (r.kind == MEMBER_PENDING)
		return;
	rpc_refused(q, &r, HUB_SERVER);
	rpc_waited(rpc, &rpc->offer);
}

static void write_peer(struct text *t, const struct hub_peer *p)
{
	text_puts(t, "{\"peer_id\":");
	text_jsons(t, p->name);
	text_puts(t, ",\"capabilities\":");
	text_puts(t, p->caps);
	text_puts(t, hub_is_held(p) ? ",\"state\":\"away\",\"metadata\":"
				    : ",\"state\":\"available\","
				      "\"metadata\":");
	text_puts(t, p->metadata);
	text_puts(t, ",\"connected_at\":");
	text_int(t, p->since_ms / 1000);
	text_puts(t, "}");
}

static void write_server(struct text *t, const struct world *w)
{
	text_puts(t, "{\"peer_id\":\"" HUB_SERVER "\",\"capabilities\":"
		  HUB_SERVER_CAPS ",\"state\":\"available\",\"metadata\":"
		  "{\"type\":\"server\",\"version\":");
	text_jsons(t, w->version);
	text_puts(t, "},\"connected_at\":");
	text_int(t, w->started_ms / 1000);
	text_puts(t, "}");
}

static void write_list(struct text *t, const struct rpc *rpc, bool dialect_b)
{
	const struct world *w = rpc->member.world;
	int64_t count = 0;

	text_puts(t, "{\"peers\":[");
	if (!dialect_b) {
		write_server(t, w);
		count++;
	}
	for (const struct hub_peer *p = hub_next(w->hub, NULL); p;
	     p = hub_next(w->hub, p)) {
		if (!dialect_b && p == &rpc->member.peer)
			continue;
		text_puts(t, count++ ? "," : "");
		write_peer(t, p);
	}
	text_puts(t, "],\"count\":");
	text_int(t, count);
	text_puts(t, "}");
}

void rpc_list(struct rpc_request *q, bool dialect_b)
{
	struct refusal r = member_may(&q->rpc->member, 0);
	struct text t = { 0 };

	if (rpc_refused(q, &r, NULL))
		return;
	write_list(&t, q->rpc, dialect_b);
	rpc_result(q, &t);
	text_fini(&t);
}
