/* member.c - one peer of the hub: what it may do, the same through any door */

#include "signaling/member.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/sdp/candidate.h"
#include "signaling/permit.h"

enum {
	BREACHES_PER_S = 5,
};

static const struct refusal fine = { .kind = MEMBER_OK };

static struct refusal refuse_later(enum refusal_kind kind, const char *reason,
				   uint32_t retry_ms)
{
	struct refusal r = { .kind = kind, .retry_ms = retry_ms };

	snprintf(r.reason, sizeof(r.reason), "%s", reason);

	return r;
}

static struct refusal refuse(enum refusal_kind kind, const char *reason)
{
	return refuse_later(kind, reason, 0);
}

static void count(const struct member *m, enum metric which)
{
	if (m->world->metrics)
		metrics_add(m->world->metrics, which);
}

static bool is_server(const char *name)
{
	return strcmp(name, HUB_SERVER) == 0;
}

/* From the hub */

static int deliver(const struct hub_event *ev, void *arg)
{
	struct member *m = arg;

	if (ev->kind == HUB_DISCONNECTED && is_server(ev->peer))
		m->peer.calling = false;
	if (ev->kind == HUB_OFFER_TAKEN)
		m->called = true;
	if (ev->kind == HUB_OFFER_REFUSED && !m->called)
		m->peer.calling = false;

	return m->ops.deliver(ev, m->ops.arg);
}

static void superseded(void *arg)
{
	struct member *m = arg;

	m->ops.superseded(m->ops.arg);
}

static const struct hub_ops hub_ops = { deliver, superseded };

/* Life */

void member_init(struct member *m, struct world *w,
		 const struct member_ops *ops, struct mono now)
{
	*m = (struct member){ .world = w, .ops = *ops };
	m->who = auth_nobody(w->auth);
	limit_init(&m->messages, w->messages_per_s, w->messages_per_s * 2,
		   now);
	limit_init(&m->offers, w->offers_per_s, w->offers_per_s * 2.5, now);
	limit_init(&m->breaches, BREACHES_PER_S,
		   w->breaches ? w->breaches : MEMBER_BREACHES, now);
}

void member_fini(struct member *m, bool clean, struct mono now)
{
	if (!m->peer.hub)
		return;
	if (!clean) {
		hub_hold(&m->peer, now);
		return;
	}
	calls_drop(m->world->calls, m->peer.name);
	hub_leave(&m->peer);
}

bool member_is_announced(const struct member *m)
{
	return m->peer.hub != NULL;
}

const char *member_name(const struct member *m)
{
	return m->peer.name;
}

/* Who it is */

static uint64_t hash_bytes(const char *s, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;

	return h ? h : 1;
}

struct refusal member_authenticate(struct member *m, const char *token,
				   size_t len)
{
	struct world *w = m->world;
	const char *why = "the token is not valid";

	if (!auth_required(w->auth))
		return fine;
	/* A client may show its token by header and in each announce. */
	if (m->token) {
		if (m->token == hash_bytes(token, len))
			return fine;
		return refuse(REFUSED_TOKEN, "this connection has shown "
			      "another token before");
	}
	if (auth_check(w->auth, token, len, w->wall_ms(), &m->who, &why)) {
		count(m, M_AUTH_FAILED);
		return refuse(REFUSED_TOKEN, why);
	}
	m->token = hash_bytes(token, len);

	return fine;
}

/* perms: what is needed, enum auth_perm or-ed. */
static struct refusal permitted(const struct member *m, unsigned perms)
{
	struct world *w = m->world;

	if (!auth_required(w->auth))
		return fine;
	if (!m->who.known)
		return refuse(REFUSED_TOKEN, "this server asks for a token: "
			      "Authorization: Bearer, a subprotocol "
			      "bearer.<token>, or token in announce");
	if (m->who.expires_ms && w->wall_ms() > m->who.expires_ms)
		return refuse(REFUSED_TOKEN, "the token has expired: connect "
			      "with a new one");
	if (perms & ~m->who.perms)
		return refuse(REFUSED_PERMISSION,
			      permit_reason(perms & ~m->who.perms));

	return fine;
}

struct refusal member_may(const struct member *m, unsigned perms)
{
	return permitted(m, perms);
}

/* Whether a description is allowed; most tokens allow all. */
static struct refusal sdp_permitted(const struct member *m, const char *sdp)
{
	return permitted(m, (m->who.perms & AUTH_ALL) == AUTH_ALL
				    ? 0 : permit_needed(sdp));
}

uint32_t member_sdp_max(const struct world *w)
{
	return w->sdp_bytes ? w->sdp_bytes : HUB_SDP_MAX;
}

bool member_sdp_lines(const struct world *w, const char *sdp)
{
	uint32_t left = w->sdp_lines ? w->sdp_lines : MEMBER_SDP_LINES;

	while ((sdp = strchr(sdp, '\n')) && *++sdp)
		if (!--left)
			return true;

	return false;
}

static struct refusal sdp_fits(const struct member *m, const char *sdp,
			       enum refusal_kind kind)
{
	uint32_t max = member_sdp_max(m->world);
	char text[64];

	if (strlen(sdp) > max) {
		snprintf(text, sizeof(text), "the SDP is over %u bytes", max);
		return refuse(kind, text);
	}
	if (member_sdp_lines(m->world, sdp))
		return refuse(kind, "the SDP has too many lines");

	return fine;
}

/* Rates */

static struct refusal over_rate(struct member *m, const struct limit *l,
				const char *reason, struct mono now)
{
	struct refusal r = refuse_later(
		REFUSED_RATE, reason,
		(uint32_t)(limit_wait_us(l, 1) / 1000) + 1);

	count(m, M_RATE_LIMITED);
	r.close = !limit_take(&m->breaches, 1, now);

	return r;
}

struct refusal member_message(struct member *m, struct mono now)
{
	if (limit_take(&m->messages, 1, now))
		return fine;

	return over_rate(m, &m->messages, "too many messages", now);
}

/* Announcing */

/* The token's claims; *session is what the hub shall be told. */
static struct refusal claims_fit(const struct member *m,
				 const struct hub_hello *hello,
				 const char **session)
{
	const struct identity *who = &m->who;
	const struct hub_peer *old;

	*session = hello->session ? hello->session : "";
	if (*who->peer && strcmp(who->peer, hello->name) != 0)
		return refuse(REFUSED_PERMISSION,
			      "the token is for another peer id");
	if (!*who->session)
		return fine;
	if (!**session)
		*session = who->session;
	old = hub_find(m->world->hub, hello->name);
	if (strcmp(*session, who->session) != 0 ||
	    (old && hello->resume_token && *hello->resume_token &&
	     strcmp(old->session, who->session) != 0))
		return refuse(REFUSED_PERMISSION,
			      "the token is for another session");

	return fine;
}

static struct refusal hello_fits(const struct hub_hello *hello)
{
	if (hello->caps && strlen(hello->caps) > HUB_CAPS_MAX)
		return refuse(REFUSED_PARAMS,
			      "capabilities is over 4096 bytes");
	if (hello->metadata && strlen(hello->metadata) > HUB_METADATA_MAX)
		return refuse(REFUSED_PARAMS, "metadata is over 4096 bytes");
	if (!peer_name_ok(hello->name, strlen(hello->name)))
		return refuse(REFUSED_PARAMS, "peer_id is not 1 to 128 bytes "
			      "of text without controls");
	if (hello->session && *hello->session &&
	    !peer_name_ok(hello->session, strlen(hello->session)))
		return refuse(REFUSED_PARAMS, "session is not 1 to 128 bytes "
			      "of text without controls");

	return fine;
}

static struct refusal join_failed(const struct member *m, int err,
				  const char *name)
{
	if (err == -ENOMEM)
		return refuse(REFUSED_INTERNAL, "no memory");
	if (err == -EINVAL)
		return refuse(REFUSED_PARAMS, "peer_id or session is not 1 to "
			      "128 bytes of text without controls");
	if (err == -EUSERS)
		return refuse_later(REFUSED_CAPACITY, "this address has as "
				    "many peers as it may", 1000);
	if (is_server(name))
		return refuse(REFUSED_TAKEN, "this id is reserved");
	if (err == -EEXIST)
		return refuse(REFUSED_TAKEN, "another peer has this id; to "
			      "come back to it announce its resume_token");
	if (strcmp(m->peer.name, name) == 0)
		return refuse(REFUSED_TAKEN,
			      "this connection has announced it already");

	return refuse(REFUSED_STATE,
		      "this connection has announced another id");
}

struct refusal member_announce(struct member *m,
			       const struct hub_hello *hello, bool *resumed,
			       struct mono now)
{
	struct hub_hello h = *hello;
	struct refusal r;
	int err;

	(void)now;
	*resumed = false;
	if ((r = hello_fits(hello)).kind || (r = permitted(m, 0)).kind ||
	    (r = claims_fit(m, hello, &h.session)).kind)
		return r;
	h.wall_ms = m->world->wall_ms();
	h.source = m->source;
	if (m->who.known)
		h.subject = hash_bytes(m->who.subject,
				       strlen(m->who.subject));
	err = hub_join(m->world->hub, &m->peer, &h, &hub_ops, m);
	if (err < 0)
		return join_failed(m, err, h.name);
	m->called = m->peer.calling;
	*resumed = err == 1;
	count(m, *resumed ? M_RESUMED : M_ANNOUNCED);

	return fine;
}

void member_announced(struct member *m, bool resumed)
{
	if (resumed)
		hub_replay(&m->peer);
	else
		hub_tell_joined(&m->peer);
}

static struct refusal announced(const struct member *m)
{
	return m->peer.hub ? permitted(m, 0)
			   : refuse(REFUSED_NOT_ANNOUNCED,
				    "call announce first");
}

/* To others */

static struct refusal relay(struct member *m, const char *to,
			    const struct hub_event *ev)
{
	int err = hub_send(m->world->hub, to, ev);

	if (err == -ENOENT)
		return refuse(REFUSED_NO_PEER, "no peer has announced that "
			      "id");
	if (err)
		return refuse_later(REFUSED_CAPACITY, "that peer does not "
				    "read its messages", 1000);
	count(m, M_RELAYED);

	return fine;
}

static struct refusal too_many_offers(struct member *m, struct mono now)
{
	if (limit_take(&m->offers, 1, now))
		return fine;

	return over_rate(m, &m->offers, "too many offers", now);
}

/* Calls of one subject; this one's own, when it has one, is free. */
static struct refusal subject_has_room(const struct member *m)
{
	const struct hub *hub = m->world->hub;
	uint32_t calls = 0;

	if (!m->peer.subject || m->peer.calling ||
	    !m->world->sessions_per_subject)
		return fine;
	for (const struct hub_peer *p = hub_next(hub, NULL); p;
	     p = hub_next(hub, p))
		calls += p->calling && p->subject == m->peer.subject;
	if (calls < m->world->sessions_per_subject)
		return fine;

	return refuse(REFUSED_CAPACITY, "the token's subject has as many "
		      "calls as it may: end one");
}

/* What every offer to the pipeline must have. */
static struct refusal offer_readable(const char *sdp, const char *type)
{
	if (strcmp(type, "offer") != 0)
		return refuse(REFUSED_OFFER, "type is not \"offer\"");
	if (strncmp(sdp, "v=0", 3) != 0)
		return refuse(REFUSED_OFFER,
			      "the SDP does not begin with v=0");
	if (!strstr(sdp, "m="))
		return refuse(REFUSED_OFFER, "the SDP has no m-line");

	return fine;
}

static struct refusal offer_server(struct member *m, const char *sdp,
				   const char *type, struct mono now)
{
	struct refusal r = offer_readable(sdp, type);
	bool was = m->peer.calling;
	int err;

	if (r.kind || (r = subject_has_room(m)).kind)
		return r;
	/* Before: the answer may come before calls_offer() returns. */
	m->peer.calling = true;
	m->called = was;
	err = calls_offer(m->world->calls, m->peer.name, m->peer.session, sdp,
			  now);
	if (!err)
		return (struct refusal){ .kind = MEMBER_PENDING };
	m->peer.calling = was;
	if (err == -EBUSY)
		return refuse(REFUSED_STATE,
			      "the last offer is not answered yet");

	return refuse_later(REFUSED_CAPACITY, "no room for another call",
			    1000);
}

struct refusal member_offer(struct member *m, const char *to, const char *sdp,
			    const char *type, char offer_id[MEMBER_OFFER_ID],
			    struct mono now)
{
	struct hub_event ev = { .kind = HUB_OFFER, .sdp = sdp };
	struct refusal r = announced(m);

	if (r.kind || (r = too_many_offers(m, now)).kind)
		return r;
	if ((r = sdp_fits(m, sdp, REFUSED_OFFER)).kind ||
	    (r = sdp_permitted(m, sdp)).kind)
		return r;
	type = type ? type : "offer";
	snprintf(offer_id, MEMBER_OFFER_ID, "%s_%.128s_%lld", m->peer.name,
		 to, (long long)m->world->wall_ms());
	if (is_server(to))
		return offer_server(m, sdp, type, now);
	ev.peer = m->peer.name;
	ev.id = offer_id;
	ev.type = type;

	return relay(m, to, &ev);
}

static struct refusal answer_server(struct member *m, const char *sdp,
				    struct mono now)
{
	int err = calls_answer(m->world->calls, m->peer.name, sdp, now);

	if (err == -ENOENT)
		return refuse(REFUSED_STATE, HUB_SERVER " has made no offer");
	if (err)
		return refuse_later(REFUSED_CAPACITY,
				    "the media side is restarting", 1000);

	return fine;
}

struct refusal member_answer(struct member *m, const char *to,
			     const char *sdp, const char *type,
			     struct mono now)
{
	struct hub_event ev = { .kind = HUB_ANSWER, .sdp = sdp };
	struct refusal r = announced(m);

	if (r.kind)
		return r;
	if ((r = sdp_fits(m, sdp, REFUSED_ANSWER)).kind ||
	    (r = sdp_permitted(m, sdp)).kind)
		return r;
	if (is_server(to))
		return answer_server(m, sdp, now);
	ev.peer = m->peer.name;
	ev.type = type ? type : "answer";

	return relay(m, to, &ev);
}

static struct refusal candidate_server(struct member *m,
				       const struct hub_candidate *c,
				       struct mono now)
{
	/* What every policy refuses; the peer's process knows the rest. */
	static const struct candidate_policy any;
	struct candidate parsed;
	const char *why;
	int err;

	if (*c->line &&
	    (candidate_parse(&parsed, c->line, strlen(c->line), &why) ||
	     candidate_judge(&parsed, &any, &why) == CANDIDATE_REFUSE))
		return refuse(REFUSED_CANDIDATE, why);
	err = calls_candidate(m->world->calls, m->peer.name, c, now);
	if (err == -EMSGSIZE)
		return refuse(REFUSED_CANDIDATE,
			      "not one candidate line and one mid");
	if (err == -ENOBUFS)
		return refuse_later(REFUSED_CAPACITY,
				    "no room for another call", 1000);
	if (err)
		return refuse(REFUSED_CANDIDATE,
			      "more than 64, or too many at once");

	return fine;
}

struct refusal member_candidate(struct member *m, const char *to,
				const struct hub_candidate *c,
				struct mono now)
{
	struct hub_event ev = { .kind = HUB_CANDIDATE, .candidate = *c };
	struct refusal r = announced(m);

	if (r.kind)
		return r;
	if (strlen(c->line) > HUB_CANDIDATE_MAX ||
	    (c->mid && strlen(c->mid) > HUB_MID_MAX))
		return refuse(REFUSED_CANDIDATE,
			      "over 448 bytes, or its mid over 32");
	if (is_server(to))
		return candidate_server(m, c, now);
	ev.peer = m->peer.name;

	return relay(m, to, &ev);
}

/* kinds as permissions: the server sends and receives what it offers. */
static unsigned kinds_need(unsigned kinds)
{
	unsigned perms = kinds & KIND_DATA ? AUTH_DATA : 0;

	if (kinds & (KIND_AUDIO | KIND_VIDEO))
		perms |= AUTH_PUBLISH | AUTH_SUBSCRIBE;

	return perms;
}

static struct refusal offer_not_wanted(int err)
{
	if (err == -EBUSY)
		return refuse(REFUSED_STATE,
			      "an offer waits for its answer");

	return refuse_later(REFUSED_CAPACITY, "the media side is restarting",
			    1000);
}

struct refusal member_request_offer(struct member *m, const char *to,
				    unsigned kinds, struct mono now)
{
	struct refusal r = announced(m);
	int err;

	if (r.kind || (r = too_many_offers(m, now)).kind)
		return r;
	if (!is_server(to))
		return refuse(REFUSED_PARAMS,
			      "to_peer_id is not " HUB_SERVER);
	if (!kinds)
		return refuse(REFUSED_PARAMS,
			      "audio, video, data are all false");
	if ((r = permitted(m, kinds_need(kinds))).kind ||
	    (r = subject_has_room(m)).kind)
		return r;
	err = calls_want_offer(m->world->calls, m->peer.name,
			       m->peer.session, kinds);
	if (err)
		return offer_not_wanted(err);
	m->peer.calling = true;

	return fine;
}

/* Whoever names itself says goodbye to all. */
static void leave(struct member *m)
{
	calls_hangup(m->world->calls, m->peer.name);
	hub_leave(&m->peer);
	m->peer.calling = m->called = false;
}

struct refusal member_disconnect(struct member *m, const char *peer,
				 const char *reason)
{
	struct hub_event ev = { .kind = HUB_DISCONNECTED, .reason = reason };
	struct refusal r = announced(m);

	if (r.kind)
		return r;
	if (strcmp(peer, m->peer.name) == 0) {
		leave(m);
		return fine;
	}
	ev.peer = m->peer.name;
	if (!is_server(peer)) {
		(void)!hub_send(m->world->hub, peer, &ev);
		return fine;
	}
	calls_hangup(m->world->calls, m->peer.name);
	m->peer.calling = false;

	return fine;
}

/* Words and codes */

static const struct {
	const char *message;
	int code_a, code_b;
	unsigned grpc, http;
} words[] = {
	[MEMBER_OK] = { "OK", 0, 0, 0, 200 },
	[MEMBER_PENDING] = { "OK", 0, 0, 0, 200 },
	[REFUSED_PARAMS] = { "Invalid params", -32602, -32602, 3, 400 },
	[REFUSED_NOT_ANNOUNCED] = { "Not announced", -32000, -32600, 9, 409 },
	[REFUSED_TAKEN] = { "Peer id already taken", -32000, -32602, 6, 409 },
	[REFUSED_NO_PEER] = { "Peer not found", -32000, -32000, 5, 404 },
	[REFUSED_OFFER] = { "Invalid SDP offer", -32002, -32002, 3, 400 },
	[REFUSED_ANSWER] = { "Invalid SDP answer", -32003, -32003, 3, 400 },
	[REFUSED_FAILED] = { "Connection failed", -32001, -32603, 13, 500 },
	[REFUSED_TOKEN] = { "Not authenticated", -32020, -32020, 16, 401 },
	[REFUSED_CAPACITY] = { "Over capacity, retry later", -32021, -32021,
			       8, 503 },
	[REFUSED_RATE] = { "Rate limited", -32022, -32022, 8, 429 },
	[REFUSED_PERMISSION] = { "Not permitted", -32023, -32023, 7, 403 },
	[REFUSED_STATE] = { "Wrong state", -32025, -32025, 9, 409 },
	[REFUSED_CANDIDATE] = { "Candidate refused", -32026, -32004, 3, 400 },
	[REFUSED_INTERNAL] = { "Internal error", -32603, -32603, 13, 500 },
};

const char *refusal_message(enum refusal_kind kind)
{
	return words[kind].message;
}

int refusal_rpc_code(enum refusal_kind kind, bool dialect_b)
{
	return dialect_b ? words[kind].code_b : words[kind].code_a;
}

unsigned refusal_grpc_status(enum refusal_kind kind)
{
	return words[kind].grpc;
}

unsigned refusal_http_status(enum refusal_kind kind)
{
	return words[kind].http;
}

enum refusal_kind refusal_of(enum hub_why why)
{
	switch (why) {
	case HUB_BAD_SDP:
		return REFUSED_OFFER;
	case HUB_BAD_CANDIDATE:
		return REFUSED_CANDIDATE;
	case HUB_WRONG_STATE:
		return REFUSED_STATE;
	case HUB_FULL:
		return REFUSED_CAPACITY;
	case HUB_FAILED:
		break;
	}

	return REFUSED_FAILED;
}
