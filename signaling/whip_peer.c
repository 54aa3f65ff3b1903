/* whip_peer.c - the peers of WHIP and WHEP: see whip_inside.h */

#include "signaling/whip_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names and tags */

static void put_hex(char *out, const uint8_t *bytes, size_t digits)
{
	for (size_t i = 0; i < digits; i++)
		out[i] = "0123456789abcdef"[bytes[i / 2] >> (i % 2 ? 0 : 4) &
					    15];
	out[digits] = '\0';
}

int whip_name(char out[HUB_NAME_MAX + 1], bool watch, const char *id)
{
	uint8_t digest[JWT_SHA256];
	char hex[WHIP_NAME_HEX + 1];
	int err = jwt_sha256(id, strlen(id), digest);

	if (err)
		return err;
	put_hex(hex, digest, WHIP_NAME_HEX);
	snprintf(out, HUB_NAME_MAX + 1, "%s-%s", watch ? "whep" : "whip", hex);

	return 0;
}

static uint64_t hash_on(uint64_t hash, struct scan s)
{
	char text[SDP_UFRAG + 1];

	return scan_copy(s, text, sizeof(text)) ? hub_hash(hash, text) : hash;
}

void whip_etag(char out[WHIP_ETAG], const char *name, struct scan ufrag,
	       struct scan pwd)
{
	uint64_t hash = hash_on(hash_on(hub_hash(0, name), ufrag), pwd);

	snprintf(out, WHIP_ETAG, "\"%016llx\"", (unsigned long long)hash);
}

/* Whether a name is of the form that whip_name() gives. */
static bool is_ours(const char *name, bool *watch)
{
	*watch = strncmp(name, "whep-", 5) == 0;
	if (!*watch && strncmp(name, "whip-", 5) != 0)
		return false;

	return strlen(name + 5) == WHIP_NAME_HEX &&
	       strspn(name + 5, "0123456789abcdef") == WHIP_NAME_HEX;
}

/* Storage */

void whip_wake(struct whip *w)
{
	w->due = mono_at(0);
	if (w->cfg.loop)
		loop_timer(w->cfg.loop, &w->timer, w->due, w->timer.handler,
			   w);
}

static void unlink_peer(struct whip_peer *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		p->whip->first = p->next;
	if (p->next)
		p->next->prev = p->prev;
	p->whip->count--;
}

static void drop_held(struct whip_peer *p)
{
	for (unsigned i = 0; i < p->lines_len; i++)
		free(p->lines[i]);
	p->lines_len = 0;
	free(p->answer);
	p->answer = NULL;
	p->gather_by = MONO_NEVER;
}

static void discard(struct whip_peer *p)
{
	drop_held(p);
	free(p->offer);
	free(p->next_offer);
	free(p);
}

static void free_peer(struct whip_peer *p)
{
	unlink_peer(p);
	discard(p);
}

void whip_end(struct whip_peer *p)
{
	struct whip_request *q = p->waiting;

	p->waiting = NULL;
	p->over = true;
	member_fini(&p->member, true, p->whip->now);
	if (q) {
		q->peer = NULL;
		whip_refuse(q, 409, 0, "the session was ended meanwhile");
	}
	free_peer(p);
}

void whip_abandon(struct whip_peer *p)
{
	hub_leave(&p->member.peer);
	free_peer(p);
}

/* What the pipeline answers */

/* Takes the exchange that waits away from the peer. */
static struct whip_request *stop_waiting(struct whip_peer *p)
{
	struct whip_request *q = p->waiting;

	p->waiting = NULL;

	return q;
}

static void give_up(struct whip_peer *p, unsigned status, uint32_t retry_ms,
		    const char *detail)
{
	struct whip_request *q = stop_waiting(p);

	drop_held(p);
	free(p->next_offer);
	p->next_offer = NULL;
	if (!p->answered)
		p->over = true;
	whip_wake(p->whip);
	if (q)
		whip_refuse(q, status, retry_ms, detail);
}

/* RFC 9725 section 4.4.3: no session that works in part. */
static bool takes_all(struct whip_peer *p)
{
	struct scan name;
	char detail[160];
	int rejected = sdp_text_rejected(p->next_offer, p->answer, &name);

	if (p->answered || p->watch || rejected < 0 ||
	    !(scan_is(name, "audio") || scan_is(name, "video")))
		return true;
	snprintf(detail, sizeof(detail), "m-line %d (%.*s) is not accepted: "
		 "audio is Opus, video is VP8 or VP9 profile 0, with rtcp-mux "
		 "and in one BUNDLE", rejected, (int)scan_len(name), name.at);
	give_up(p, 406, 0, detail);

	return false;
}

/* The description is whole: it goes out. */
static void reply(struct whip_peer *p)
{
	struct whip *w = p->whip;
	bool first = !p->answered;
	struct whip_request *q;
	int len;

	if (!takes_all(p))
		return;
	len = sdp_text_complete(w->out, sizeof(w->out), p->answer, p->lines,
				p->lines_len, true);
	if (len >= 0 && !first) {
		free(p->answer);
		p->answer = strdup(w->out);
		len = p->answer ? sdp_text_frag(w->out, sizeof(w->out),
						p->answer) : -ENOMEM;
	}
	if (len < 0) {
		give_up(p, 500, 0, "the answer could not be written");
		return;
	}
	drop_held(p);
	free(p->offer);
	p->offer = p->next_offer;
	p->next_offer = NULL;
	memcpy(p->etag, p->next_etag, sizeof(p->etag));
	p->answered = true;
	whip_wake(w);
	q = stop_waiting(p);
	if (!q)
		return;		/* its client went away during a restart */
	if (first)
		whip_send_created(q, p, w->out);
	else
		whip_send_restarted(q, p, w->out);
}

static void on_answer(struct whip_peer *p, const char *sdp)
{
	if (!p->next_offer)
		return;
	drop_held(p);
	p->answer = strdup(sdp);
	if (!p->answer)
		give_up(p, 500, 0, "no memory");
	else if (sdp_text_attr(sdp, "end-of-candidates").at != sdp)
		reply(p);
	else
		whip_wake(p->whip);	/* from then on WHIP_GATHER_US */
}

static void on_candidate(struct whip_peer *p, const char *line)
{
	char *copy;

	if (!p->answer)
		return;		/* RFC 9725 4.3.2: there is no way to say it */
	if (!*line) {
		reply(p);
		return;
	}
	copy = p->lines_len < CALLS_CANDIDATES ? strdup(line) : NULL;
	if (copy)
		p->lines[p->lines_len++] = copy;
}

/* A good offer of which nothing fits: the words of core/sdp/answer.c. */
static bool is_foreign(const struct hub_event *ev)
{
	return ev->why == HUB_BAD_SDP && ev->reason &&
	       strstr(ev->reason, "no m-line can be accepted");
}

static void on_refused(struct whip_peer *p, const struct hub_event *ev)
{
	enum refusal_kind kind = refusal_of(ev->why);

	give_up(p, is_foreign(ev) ? 406 : refusal_http_status(kind),
		kind == REFUSED_CAPACITY && !ev->retry_ms ? 1000
							  : ev->retry_ms,
		ev->reason ? ev->reason : refusal_message(kind));
}

static void on_over(struct whip_peer *p, const char *reason)
{
	if (p->waiting)
		give_up(p, 500, 0, reason ? reason : "the call ended");
	p->over = true;
	whip_wake(p->whip);
}

/* Another peer calls it: it has no way to answer. */
static void on_offer(struct whip_peer *p, const char *from)
{
	if (strcmp(from, HUB_SERVER) == 0)
		return;		/* nothing can be changed after the answer */
	snprintf(p->refuse_to, sizeof(p->refuse_to), "%s", from);
	whip_wake(p->whip);
}

static int deliver(const struct hub_event *ev, void *arg)
{
	struct whip_peer *p = arg;
	const char *from = ev->peer ? ev->peer : "";
	bool server = strcmp(from, HUB_SERVER) == 0;

	switch (ev->kind) {
	case HUB_ANSWER:
		if (server)
			on_answer(p, ev->sdp);
		break;
	case HUB_CANDIDATE:
		if (server)
			on_candidate(p, ev->candidate.line);
		break;
	case HUB_OFFER_REFUSED:
		on_refused(p, ev);
		break;
	case HUB_DISCONNECTED:
		if (server)
			on_over(p, ev->reason);
		break;
	case HUB_STATE:
		if (server && strcmp(ev->reason, "connected") == 0)
			p->connected = true;
		break;
	case HUB_OFFER:
		on_offer(p, from);
		break;
	case HUB_JOINED:
	case HUB_LEFT:
	case HUB_OFFER_TAKEN:
	case HUB_REFUSED:
		break;
	}

	return 0;
}

/* Its name was resumed elsewhere; nobody has its token, so never. */
static void superseded(void *arg)
{
	struct whip_peer *p = arg;

	on_over(p, "its peer id was resumed elsewhere");
}

/* Making peers */

static struct whip_peer *new_peer(struct whip *w, bool watch)
{
	struct whip_peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->whip = w;
	p->watch = watch;
	p->gather_by = p->connect_by = MONO_NEVER;
	member_init(&p->member, w->cfg.world,
		    &(struct member_ops){ deliver, superseded, p }, w->now);

	return p;
}

static void link_peer(struct whip_peer *p)
{
	struct whip *w = p->whip;

	p->next = w->first;
	if (w->first)
		w->first->prev = p;
	w->first = p;
	w->count++;
}

static struct refusal announce(struct whip_peer *p, const char *name,
			       const char *session)
{
	const struct hub_hello hello = {
		.name = name, .session = session,
		.caps = p->watch ? "{\"watch\":true}" : "{\"publish\":true}",
		.metadata = p->watch ? "{\"door\":\"whep\"}"
				     : "{\"door\":\"whip\"}",
	};
	bool resumed;
	struct refusal r = member_announce(&p->member, &hello, &resumed,
					   p->whip->now);

	if (r.kind == MEMBER_OK)
		member_announced(&p->member, resumed);

	return r;
}

static uint32_t of_source(const struct whip *w, const struct source_key *key)
{
	uint32_t count = 0;

	for (const struct whip_peer *p = w->first; p; p = p->next)
		count += !p->adopted &&
			 memcmp(&p->source, key, sizeof(*key)) == 0;

	return count;
}

static bool has_room(struct whip_request *q)
{
	const struct whip *w = q->whip;

	if (of_source(w, &q->source) >= w->cfg.max_per_source)
		whip_refuse(q, 429, 1000, "this address has as many sessions "
			    "as one may have: end one (DELETE)");
	else if (w->count >= w->cfg.max)
		whip_refuse(q, 503, 1000, "no room for another session");
	else
		return true;

	return false;
}

/* The offer goes to the pipeline; q is answered from then on. */
static void offer(struct whip_request *q, struct whip_peer *p, const char *sdp,
		  const char *etag)
{
	char id[MEMBER_OFFER_ID];
	struct refusal r;

	p->next_offer = strdup(sdp);
	if (!p->next_offer) {
		whip_refuse(q, 503, 1000, "no memory");
		p->over = !p->answered;
		whip_wake(p->whip);
		return;
	}
	snprintf(p->next_etag, sizeof(p->next_etag), "%s", etag);
	p->waiting = q;
	q->peer = p;
	r = member_offer(&p->member, HUB_SERVER, p->next_offer, NULL, id,
			 q->whip->now);
	if (r.kind == MEMBER_PENDING)
		return;
	q = stop_waiting(p);
	give_up(p, 0, 0, "");
	if (q)
		whip_refuse_as(q, &r);
}

void whip_create(struct whip_request *q, const char *sdp)
{
	struct whip *w = q->whip;
	char name[HUB_NAME_MAX + 1], etag[WHIP_ETAG];
	uint8_t random[WHIP_ID / 2];
	struct whip_peer *p;
	struct refusal r;

	if (!has_room(q))
		return;
	p = new_peer(w, q->watch);
	w->cfg.random(random, sizeof(random));
	if (p)
		put_hex(p->id, random, WHIP_ID);
	if (!p || whip_name(name, q->watch, p->id)) {
		free(p);
		whip_refuse(q, 503, 1000, "no memory");
		return;
	}
	p->source = q->source;
	p->member.who = q->who;
	memcpy(p->token, q->token, sizeof(p->token));
	p->token_shown = q->token_shown;
	r = announce(p, name, q->session);
	if (r.kind != MEMBER_OK) {
		discard(p);
		whip_refuse_as(q, &r);
		return;
	}
	link_peer(p);
	whip_etag(etag, name, sdp_text_attr(sdp, "ice-ufrag"),
		  sdp_text_attr(sdp, "ice-pwd"));
	offer(q, p, sdp, etag);
}

void whip_restart(struct whip_request *q, struct whip_peer *p,
		  const char *sdp, const char *etag)
{
	offer(q, p, sdp, etag);
}

void whip_forsake(struct whip_request *q)
{
	struct whip_peer *p = q->peer;

	if (p && p->waiting == q) {
		p->waiting = NULL;
		/* Nobody has heard its id: nobody could end it. */
		if (!p->answered)
			p->over = true;
		whip_wake(p->whip);
	}
	whip_request_free(q);
}

/* A call that the broker kept while this process was away. */
static void adopt(const char *name, const char *session, void *arg)
{
	struct whip *w = arg;
	struct whip_peer *p;
	bool watch;

	if (!is_ours(name, &watch) || hub_find(w->cfg.world->hub, name) ||
	    w->count >= w->cfg.max)
		return;
	p = new_peer(w, watch);
	if (!p)
		return;
	p->adopted = p->answered = p->connected = true;
	/* The call was allowed when it began; each request shows a token. */
	p->member.who = (struct identity){ .known = true, .perms = AUTH_ALL };
	if (announce(p, name, session).kind != MEMBER_OK) {
		discard(p);
		return;
	}
	link_peer(p);
	p->member.called = p->member.peer.calling = true;
}

struct whip_peer *whip_find(struct whip *w, const struct whip_request *q)
{
	char name[HUB_NAME_MAX + 1];
	const char *session;

	if (whip_name(name, q->watch, q->id))
		return NULL;
	session = calls_session(w->cfg.world->calls, name);
	if (session)
		adopt(name, session, w);
	for (struct whip_peer *p = w->first; p; p = p->next)
		if (!p->over && strcmp(p->member.peer.name, name) == 0 &&
		    strcmp(p->member.peer.session, q->session) == 0 &&
		    (p->adopted || strcmp(p->id, q->id) == 0))
			return p;

	return NULL;
}

/* Time */

static void look_after(struct whip_peer *p, struct mono now)
{
	struct whip *w = p->whip;
	char to[HUB_NAME_MAX + 1];

	if (*p->refuse_to) {
		snprintf(to, sizeof(to), "%s", p->refuse_to);
		*p->refuse_to = '\0';
		(void)member_disconnect(&p->member, to, "this peer came by "
					"WHIP or WHEP and takes no calls");
	}
	if (p->answer) {
		if (p->gather_by.us == MONO_NEVER.us)
			p->gather_by = mono_add(now, WHIP_GATHER_US);
		if (!mono_before(now, p->gather_by))
			reply(p);
		else
			w->due = mono_min(w->due, p->gather_by);
	}
	/* A call that ends while an offer waits says no more than "refused". */
	if (p->answered &&
	    !calls_session(w->cfg.world->calls, member_name(&p->member)))
		p->over = true;
	if (p->answered && !p->connected) {
		if (p->connect_by.us == MONO_NEVER.us)
			p->connect_by = mono_add(now, WHIP_CONNECT_US);
		if (!mono_before(now, p->connect_by))
			p->over = true;
		else
			w->due = mono_min(w->due, p->connect_by);
	}
}

/* Bodies that do not come. */
static void end_slow(struct whip *w, struct mono now)
{
	struct whip_request *next;

	for (struct whip_request *q = w->coming; q; q = next) {
		next = q->next;
		if (!mono_before(now, mono_add(q->start, w->cfg.body_us)))
			whip_refuse(q, 408, 0, "the body did not come");
	}
}

void whip_tick(struct whip *w, struct mono now)
{
	struct whip_peer *next;

	w->now = now;
	if (!mono_before(now, w->next_sweep)) {
		w->next_sweep = mono_add(now, WHIP_SWEEP_US);
		calls_each(w->cfg.world->calls, adopt, w);
		end_slow(w, now);
	}
	w->due = w->next_sweep;
	for (struct whip_peer *p = w->first; p; p = next) {
		next = p->next;
		if (!p->over)
			look_after(p, now);
	}
	/* reply() wakes us for what is over; it is here at once. */
	for (struct whip_peer *p = w->first; p; p = next) {
		next = p->next;
		if (p->over)
			whip_end(p);
	}
	w->due = mono_min(w->due, w->next_sweep);
	if (w->cfg.loop)
		loop_timer(w->cfg.loop, &w->timer, w->due, w->timer.handler,
			   w);
}
