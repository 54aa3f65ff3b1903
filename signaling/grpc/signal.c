/*
 * signal.c - requests of a peer that came by gRPC
 *
 * An error is an ErrorResponse and the stream goes on; it ends for what
 * leaves nothing to go on with: a token that is refused, a broken frame, a
 * peer that never announces itself or asks without end.
 */

#include "signaling/grpc/signal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "signaling/door.h"
#include "signaling/grpc/services.h"

static unsigned pending_count;

unsigned signal_pending(void)
{
	return pending_count;
}

/* Begin and end. */

struct h1_span signal_token(const struct grpc_call *c)
{
	static const char scheme[] = "Bearer ";
	struct h1_span v = grpc_metadata(c, "authorization");
	size_t len = strlen(scheme);

	if (!v.at || v.len <= len || strncasecmp(v.at, scheme, len) != 0)
		return (struct h1_span){ 0 };
	while (len < v.len && v.at[len] == ' ')
		len++;

	return (struct h1_span){ v.at + len, v.len - len };
}

bool signal_may_enter(struct grpc_call *c, struct h1_span token)
{
	if (token.at || !auth_required(c->door->world->auth))
		return true;
	grpc_end(c, GRPC_UNAUTHENTICATED,
		 "a token is needed: authorization: Bearer <token>");

	return false;
}

static bool let_in(struct signal *s, struct h1_span token)
{
	struct refusal r;

	if (!signal_may_enter(s->call, token))
		return false;
	if (!token.at)
		return true;
	r = member_authenticate(&s->member, token.at, token.len);
	if (r.kind == MEMBER_OK)
		return true;
	grpc_end(s->call, refusal_grpc_status(r.kind), r.reason);

	return false;
}

static void on_silent(struct mono now, void *arg)
{
	struct signal *s = arg;
	char why[64];

	(void)now;
	snprintf(why, sizeof(why), "no announce within %u s",
		 s->call->door->limits->announce_timeout_s);
	if (!member_is_announced(&s->member))
		grpc_end(s->call, GRPC_DEADLINE_EXCEEDED, why);
}

struct signal *signal_new(struct grpc_call *c, struct mono now)
{
	struct signal *s = calloc(1, sizeof(*s));
	struct member_ops ops = { signal_deliver, signal_superseded, s };

	if (!s) {
		grpc_end(c, GRPC_RESOURCE_EXHAUSTED, "no memory");
		return NULL;
	}
	s->call = c;
	c->arg = s;
	member_init(&s->member, c->door->world, &ops, now);
	s->member.source = source_number(c->source);
	loop_timer(c->door->loop, &s->announce,
		   mono_add(now, grpc_patience_us(c)), on_silent, s);

	return let_in(s, signal_token(c)) ? s : NULL;
}

bool signal_settle(struct signal *s, struct reply *out)
{
	struct pending *p = &s->pending;

	if (!p->open)
		return false;
	*out = (struct reply){ p->to, p->id, "offer", p->start };
	p->open = false;
	pending_count--;

	return true;
}

void signal_free(struct signal *s, bool clean, struct mono now)
{
	struct reply r;

	loop_untimer(&s->announce);
	if (signal_settle(s, &r) && r.to && r.to != s->call)
		grpc_end(r.to, GRPC_ABORTED, "its Subscribe ended");
	member_fini(&s->member, clean, now);
	free(s->pending.id);
	free(s->token);
	free(s);
}

/* Answers. */

/* A Send ends with its answer; it may have gone before it. */
static void answered(struct signal *s, const struct reply *r, int err)
{
	if (!r->to)
		return;
	if (r->to != s->call)
		grpc_end(r->to, err ? GRPC_RESOURCE_EXHAUSTED : GRPC_OK,
			 err ? "no room for the answer" : NULL);
	else if (err)
		grpc_end_later(s->call, GRPC_RESOURCE_EXHAUSTED,
			       "the answers are not read");
}

void signal_reply(struct signal *s, const struct reply *r,
		  struct pb_response *response)
{
	struct pb_bytes bytes;
	int err;

	response->id = r->id;
	err = r->to ? pb_response_encode(&bytes, response) : 0;
	if (!err && r->to)
		err = grpc_send(r->to, bytes);
	grpc_log(s->call, r->method, r->start,
		 response->say == PB_ERROR ? response->code : GRPC_OK);
	answered(s, r, err);
}

static void reply_ack(struct signal *s, const struct reply *r,
		      const char *message, struct text *data)
{
	struct pb_response p = { .say = PB_ACK, .message = message };

	text_put(data, "", 1);
	if (data->bad)
		grpc_end_later(s->call, GRPC_RESOURCE_EXHAUSTED, "no memory");
	p.data = data->bad ? "{}" : data->at;
	signal_reply(s, r, &p);
}

void signal_refuse(struct signal *s, const struct reply *r,
		   const struct refusal *why, const char *peer)
{
	struct pb_response p = { .say = PB_ERROR };
	char message[HUB_NAME_MAX + 32];
	struct text details = { 0 };

	p.code = refusal_grpc_status(why->kind);
	p.message = refusal_message(why->kind);
	if (why->kind == REFUSED_NO_PEER && peer &&
	    strlen(peer) <= HUB_NAME_MAX) {
		snprintf(message, sizeof(message), "Peer not found: %s", peer);
		p.message = message;
	}
	signal_details(&details, why->reason, why->retry_ms);
	p.data = details.at;
	signal_reply(s, r, &p);
	text_fini(&details);
	if (why->close)
		grpc_end_later(s->call, GRPC_RESOURCE_EXHAUSTED,
			       "rate limited");
}

static void refuse(struct signal *s, const struct reply *r,
		   enum refusal_kind kind, const char *reason)
{
	struct refusal why = { .kind = kind };

	snprintf(why.reason, sizeof(why.reason), "%s", reason);
	signal_refuse(s, r, &why, NULL);
}

/* {"offer_id":...,"to_peer_id":...; the object is left open */
static void put_target(struct text *t, const char *offer_id, const char *to)
{
	text_puts(t, "{");
	if (offer_id) {
		text_puts(t, "\"offer_id\":");
		text_jsons(t, offer_id);
		text_puts(t, ",");
	}
	text_puts(t, "\"to_peer_id\":");
	text_jsons(t, to);
}

static void ack_target(struct signal *s, const struct reply *r,
		       const char *message, const char *offer_id,
		       const char *to)
{
	struct text t = { 0 };

	put_target(&t, offer_id, to);
	text_puts(&t, "}");
	reply_ack(s, r, message, &t);
	text_fini(&t);
}

/* MEMBER_OK is acknowledged, the rest refused. */
static void conclude(struct signal *s, const struct reply *r,
		     const struct refusal *why, const char *message,
		     const char *to)
{
	if (why->kind == MEMBER_OK)
		ack_target(s, r, message, NULL, to);
	else
		signal_refuse(s, r, why, to);
}

/* announce */

static void write_hello(struct signal *s, bool resumed, struct text *t)
{
	struct world *w = s->member.world;
	const char *name = member_name(&s->member);

	text_puts(t, "{\"peer_id\":");
	text_jsons(t, name);
	/* remotemedia-server is one of them. */
	text_puts(t, ",\"peers_count\":");
	text_int(t, (int64_t)hub_count(w->hub) + 1);
	text_puts(t, ",\"other_peers\":[\"" HUB_SERVER "\"");
	for (const struct hub_peer *p = hub_next(w->hub, NULL); p;
	     p = hub_next(w->hub, p)) {
		if (p == &s->member.peer)
			continue;
		text_puts(t, ",");
		text_jsons(t, p->name);
	}
	text_puts(t, "],\"resume_token\":");
	text_jsons(t, s->member.peer.token);
	text_puts(t, resumed ? ",\"resumed\":true" : ",\"resumed\":false");
	text_puts(t, ",\"session\":");
	text_jsons(t, *s->member.peer.session ? s->member.peer.session : NULL);
	if (*s->session) {
		text_puts(t, ",\"x_session\":");
		text_jsons(t, s->session);
	}
	text_puts(t, ",\"ice_servers\":");
	auth_ice_servers(w->auth, &s->member.who, name, w->wall_ms(), t);
	text_puts(t, "}");
}

static void welcome(struct signal *s, const struct reply *r, bool resumed)
{
	char message[HUB_NAME_MAX + 40];
	struct text data = { 0 };

	snprintf(s->call->name, sizeof(s->call->name), "%s",
		 member_name(&s->member));
	snprintf(message, sizeof(message), "Peer %s %s successfully",
		 member_name(&s->member), resumed ? "resumed" : "announced");
	write_hello(s, resumed, &data);
	reply_ack(s, r, message, &data);
	text_fini(&data);
	member_announced(&s->member, resumed);
}

static struct refusal join(struct signal *s, const struct pb_request *q,
			   bool *resumed, struct mono now)
{
	struct hub_hello hello = { .name = q->peer,
				   .wall_ms = s->member.world->wall_ms() };
	struct refusal r = { .kind = REFUSED_INTERNAL,
			     .reason = "no memory" };
	struct text caps = { 0 }, metadata = { 0 };

	if (q->too_many)
		return (struct refusal){ .kind = REFUSED_PARAMS,
					 .reason = "metadata has more than 64 "
						   "entries" };
	if (q->has_caps)
		caps_write(&caps, &q->caps);
	metadata_write(&metadata, &q->metadata, &hello.session,
		       &hello.resume_token);
	hello.caps = caps.at;
	hello.metadata = metadata.at;
	if (!caps.bad && !metadata.bad)
		r = member_announce(&s->member, &hello, resumed, now);
	text_fini(&caps);
	text_fini(&metadata);

	return r;
}

static void on_announce(struct signal *s, const struct reply *r,
			const struct pb_request *q, struct mono now)
{
	bool resumed;
	struct refusal why = join(s, q, &resumed, now);

	if (why.kind == MEMBER_OK)
		welcome(s, r, resumed);
	else
		signal_refuse(s, r, &why, NULL);
}

/* offer */

/* Its answer may come before member_offer() returns. */
static bool prepare(struct signal *s, const struct reply *r)
{
	struct pending *p = &s->pending;

	free(p->id);
	*p = (struct pending){ .to = r->to, .start = r->start };
	p->id = strdup(r->id);
	p->open = p->id != NULL;
	pending_count += p->open;

	return p->open;
}

static void offer_server(struct signal *s, const struct reply *r,
			 const struct pb_request *q, struct mono now)
{
	struct refusal why;
	struct reply unused;

	if (!prepare(s, r)) {
		refuse(s, r, REFUSED_INTERNAL, "no memory");
		return;
	}
	why = member_offer(&s->member, q->peer, q->sdp,
			   *q->type ? q->type : NULL, s->pending.offer_id,
			   now);
	if (why.kind == MEMBER_PENDING || why.kind == MEMBER_OK)
		return;
	if (signal_settle(s, &unused))
		signal_refuse(s, r, &why, q->peer);
}

static void on_offer(struct signal *s, const struct reply *r,
		     const struct pb_request *q, struct mono now)
{
	char hub_id[MEMBER_OFFER_ID] = "", id[MEMBER_OFFER_ID];
	struct refusal why;

	if (strcmp(q->peer, HUB_SERVER) == 0 && !s->pending.open) {
		offer_server(s, r, q, now);
		return;
	}
	why = member_offer(&s->member, q->peer, q->sdp,
			   *q->type ? q->type : NULL, hub_id, now);
	if (why.kind != MEMBER_OK) {
		signal_refuse(s, r, &why, q->peer);
		return;
	}
	signal_offer_id(id, hub_id);
	ack_target(s, r, "Offer forwarded", id, q->peer);
}

static void on_answer(struct signal *s, const struct reply *r,
		      const struct pb_request *q, struct mono now)
{
	struct refusal why = member_answer(&s->member, q->peer, q->sdp,
					   *q->type ? q->type : NULL, now);

	conclude(s, r, &why, "Answer forwarded", q->peer);
}

static void on_candidate(struct signal *s, const struct reply *r,
			 const struct pb_request *q, struct mono now)
{
	struct hub_candidate c = { q->candidate, *q->mid ? q->mid : NULL,
				   q->mline };
	struct refusal why = member_candidate(&s->member, q->peer, &c, now);

	conclude(s, r, &why, "ICE candidate forwarded", q->peer);
}

static void on_disconnect(struct signal *s, const struct reply *r,
			  const struct pb_request *q)
{
	struct refusal why = member_disconnect(&s->member, q->peer, NULL);
	struct text t = { 0 };

	if (why.kind != MEMBER_OK) {
		signal_refuse(s, r, &why, q->peer);
		return;
	}
	text_puts(&t, "{\"peer_id\":");
	text_jsons(&t, q->peer);
	text_puts(&t, "}");
	reply_ack(s, r, "Disconnected", &t);
	text_fini(&t);
}

static void on_list_peers(struct signal *s, const struct reply *r)
{
	struct pb_response p = { .say = PB_PEERS };
	struct peer_views v;

	if (peer_views(&v, s->member.world, &s->member.peer)) {
		refuse(s, r, REFUSED_INTERNAL, "no memory");
		return;
	}
	p.peers = v.peers;
	p.peers_len = v.len;
	signal_reply(s, r, &p);
	peer_views_free(&v);
}

/* One request. */

static const char *method_of(enum pb_ask ask)
{
	static const char *const names[] = {
		[PB_NOTHING] = "none", [PB_ANNOUNCE] = "announce",
		[PB_OFFER] = "offer", [PB_ANSWER] = "answer",
		[PB_CANDIDATE] = "ice_candidate",
		[PB_DISCONNECT] = "disconnect",
		[PB_LIST_PEERS] = "list_peers",
	};

	return names[ask];
}

/* What proto3 lets be absent; NULL: nothing is missing. */
static const char *missing(const struct pb_request *q)
{
	bool described = q->ask == PB_OFFER || q->ask == PB_ANSWER;

	if (!*q->peer && q->ask == PB_DISCONNECT)
		return "peer_id is empty";
	if (!*q->peer && (described || q->ask == PB_CANDIDATE))
		return "to_peer_id is empty";

	return described && !*q->sdp ? "sdp is empty" : NULL;
}

static void dispatch(struct signal *s, const struct reply *r,
		     const struct pb_request *q, struct mono now)
{
	const char *problem = missing(q);

	if (problem && member_is_announced(&s->member)) {
		refuse(s, r, REFUSED_PARAMS, problem);
		return;
	}
	switch (q->ask) {
	case PB_NOTHING:
		refuse(s, r, REFUSED_PARAMS, "the request is empty");
		break;
	case PB_ANNOUNCE:
		on_announce(s, r, q, now);
		break;
	case PB_OFFER:
		on_offer(s, r, q, now);
		break;
	case PB_ANSWER:
		on_answer(s, r, q, now);
		break;
	case PB_CANDIDATE:
		on_candidate(s, r, q, now);
		break;
	case PB_DISCONNECT:
		on_disconnect(s, r, q);
		break;
	case PB_LIST_PEERS:
		on_list_peers(s, r);
		break;
	}
}

static const char *decode_problem(int err)
{
	switch (err) {
	case -EILSEQ:
		return "a string is not UTF-8 or holds a NUL";
	case -E2BIG:
		return "too many entries";
	case -ENOMEM:
		return "no memory";
	default:
		return "not a SignalingRequest";
	}
}

void signal_request(struct signal *s, struct grpc_call *to, const void *bytes,
		    size_t len, struct mono now)
{
	struct reply r = { to, "", "none", now };
	struct refusal why = member_message(&s->member, now);
	struct pb_request q;
	int err = pb_request_decode(&q, bytes, len);

	if (err) {
		metrics_add(s->member.world->metrics, M_GRPC_BAD);
		if (why.kind == MEMBER_OK)
			refuse(s, &r, REFUSED_PARAMS, decode_problem(err));
		else
			signal_refuse(s, &r, &why, NULL);
		return;
	}
	r.method = method_of(q.ask);
	if (strlen(q.id) > SIGNAL_ID_MAX) {
		refuse(s, &r, REFUSED_PARAMS, "request_id is over 256 bytes");
	} else {
		r.id = q.id;
		if (why.kind == MEMBER_OK)
			dispatch(s, &r, &q, now);
		else
			signal_refuse(s, &r, &why, NULL);
	}
	pb_request_free(&q);
}

int signal_subscribe(struct signal *s, const void *bytes, size_t len,
		     struct mono now)
{
	struct reply r = { s->call, "", "announce", now };
	struct pb_request q;
	struct refusal why;
	bool resumed;
	int err = pb_request_decode(&q, bytes, len);

	if (err) {
		metrics_add(s->member.world->metrics, M_GRPC_BAD);
		grpc_end(s->call, GRPC_INVALID_ARGUMENT, decode_problem(err));
		return err;
	}
	r.id = q.id;
	if (q.ask != PB_ANNOUNCE || strlen(q.id) > SIGNAL_ID_MAX) {
		grpc_end(s->call, GRPC_INVALID_ARGUMENT,
			 "the request of Subscribe is an announce");
		err = -EINVAL;
	} else {
		why = join(s, &q, &resumed, now);
		if (why.kind == MEMBER_OK) {
			welcome(s, &r, resumed);
		} else {
			grpc_end(s->call, refusal_grpc_status(why.kind),
				 why.reason);
			err = -EPERM;
		}
	}
	pb_request_free(&q);

	return err;
}

/* The bidirectional stream. */

static void stream_begin(struct grpc_call *c, struct mono now)
{
	(void)signal_new(c, now);
}

static void stream_message(struct grpc_call *c, const void *bytes, size_t len,
			   struct mono now)
{
	signal_request(c->arg, c, bytes, len, now);
}

/* The farewell; an offer that waits is still answered. */
static void stream_half_close(struct grpc_call *c, struct mono now)
{
	struct signal *s = c->arg;

	(void)now;
	if (s->pending.open)
		s->leaving = true;
	else
		grpc_end(c, GRPC_OK, NULL);
}

static void stream_fini(struct grpc_call *c, bool clean, struct mono now)
{
	if (c->arg)
		signal_free(c->arg, clean, now);
}

const struct grpc_method grpc_signal = {
	.path = "/remotemedia.v1.webrtc.WebRtcSignaling/Signal",
	.streams_in = true,
	.streams_out = true,
	.begin = stream_begin,
	.message = stream_message,
	.half_close = stream_half_close,
	.fini = stream_fini,
};
