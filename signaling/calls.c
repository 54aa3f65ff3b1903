/*
 * calls.c - the calls of peers with remotemedia-server
 *
 * What the broker was told is lost when it dies, so everything it has not
 * answered yet is kept: the offer until it is answered, the candidates that
 * belong to it as long. sync() says whatever the present broker has not
 * heard, and may be called at any time.
 */

#include "signaling/calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/limit.h"

enum { BUCKETS = 1024 };

struct lines {
	char *at[CALLS_CANDIDATES];
	unsigned len;
};

struct call {
	uint64_t number;
	char *name;
	char *session;		/* or NULL */
	bool told;		/* this broker heard call_open */
	bool ever_told;		/* some broker may know the number */
	bool open;		/* answered once */
	bool closing;		/* no name any more, still to be closed */
	bool asked;		/* an offer of the server waits for an answer */
	bool offer_sent;
	char *offer;		/* not answered yet, or NULL */
	struct mono answer_by, broker_by;
	struct lines remote;	/* of the present offer, until answered */
	unsigned remote_sent, remote_seen;
	struct lines local;	/* come before the answer, held back */
	struct limit rate;
	bool rate_set;
	struct call *prev, *next, *by_name, *by_number;
};

struct calls {
	struct calls_ops ops;
	uint64_t seed, next_number;
	size_t count, closing;
	bool up;
	unsigned candidates, candidates_per_s;
	struct mono due;
	struct call *first;
	struct call *names[BUCKETS], *numbers[BUCKETS];
};

int calls_new(struct calls **out, const struct calls_ops *ops, uint64_t seed)
{
	struct calls *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->ops = *ops;
	c->seed = seed;
	c->next_number = seed >> 1 | 1;
	c->due = MONO_NEVER;
	calls_limit(c, CALLS_CANDIDATES, CALLS_CANDIDATES_RATE);
	*out = c;

	return 0;
}

void calls_limit(struct calls *c, unsigned candidates, unsigned per_s)
{
	c->candidates = candidates < CALLS_CANDIDATES ? candidates
						      : CALLS_CANDIDATES;
	c->candidates_per_s = per_s;
}

static void lines_clear(struct lines *l)
{
	for (unsigned i = 0; i < l->len; i++)
		free(l->at[i]);
	l->len = 0;
}

static size_t name_slot(const struct calls *c, const char *name)
{
	return hub_hash(c->seed, name) % BUCKETS;
}

static struct call **name_bucket(struct calls *c, const char *name)
{
	return &c->names[name_slot(c, name)];
}

static struct call **number_bucket(struct calls *c, uint64_t number)
{
	return &c->numbers[number % BUCKETS];
}

static struct call *find_name(const struct calls *c, const char *name)
{
	struct call *call = c->names[name_slot(c, name)];

	while (call && strcmp(call->name, name) != 0)
		call = call->by_name;

	return call;
}

static struct call *find_number(struct calls *c, uint64_t number)
{
	struct call *call = *number_bucket(c, number);

	while (call && call->number != number)
		call = call->by_number;

	return call;
}

static void forget_name(struct calls *c, struct call *call)
{
	struct call **b = name_bucket(c, call->name);

	while (*b != call)
		b = &(*b)->by_name;
	*b = call->by_name;
}

static void forget_number(struct calls *c, struct call *call)
{
	struct call **b = number_bucket(c, call->number);

	while (*b != call)
		b = &(*b)->by_number;
	*b = call->by_number;
}

static void keep_number(struct calls *c, struct call *call, uint64_t number)
{
	struct call **b = number_bucket(c, number);

	call->number = number;
	call->by_number = *b;
	*b = call;
}

static void renumber(struct calls *c, struct call *call, uint64_t number)
{
	forget_number(c, call);
	keep_number(c, call, number);
}

static void forget(struct calls *c, struct call *call)
{
	forget_number(c, call);
	if (call->closing)
		c->closing--;
	else
		forget_name(c, call);
	if (call->prev)
		call->prev->next = call->next;
	else
		c->first = call->next;
	if (call->next)
		call->next->prev = call->prev;
	c->count--;
	lines_clear(&call->remote);
	lines_clear(&call->local);
	free(call->offer);
	free(call->session);
	free(call->name);
	free(call);
}

void calls_free(struct calls *c)
{
	if (!c)
		return;
	while (c->first)
		forget(c, c->first);
	free(c);
}

static struct call *add(struct calls *c, const char *name, uint64_t number)
{
	struct call *call, **b;

	if (c->count >= CALLS_MAX)
		return NULL;
	call = calloc(1, sizeof(*call));
	if (!call)
		return NULL;
	call->name = strdup(name);
	if (!call->name) {
		free(call);
		return NULL;
	}
	b = name_bucket(c, name);
	call->by_name = *b;
	*b = call;
	keep_number(c, call, number);
	call->next = c->first;
	if (c->first)
		c->first->prev = call;
	c->first = call;
	c->count++;

	return call;
}

static uint64_t new_number(struct calls *c)
{
	while (!c->next_number || find_number(c, c->next_number))
		c->next_number++;

	return c->next_number++;
}

static struct call *find_or_add(struct calls *c, const char *name)
{
	struct call *call = find_name(c, name);

	return call ? call : add(c, name, new_number(c));
}

static int set_session(struct call *call, const char *session)
{
	char *copy = session && *session ? strdup(session) : NULL;

	if (session && *session && !copy)
		return -ENOBUFS;
	free(call->session);
	call->session = copy;

	return 0;
}

static int open_call(struct calls *c, const struct call *call)
{
	return c->ops.open(call->number, call->name,
			   call->session ? call->session : "", c->ops.arg);
}

/* Tells the broker what it has not heard of this call. */
static void sync(struct calls *c, struct call *call)
{
	if (!c->up || (!call->open && !call->offer))
		return;
	if (!call->told) {
		if (open_call(c, call))
			return;
		call->told = call->ever_told = true;
	}
	if (call->offer && !call->offer_sent) {
		if (c->ops.describe(call->number, DESCRIPTION_OFFER,
				    call->offer, c->ops.arg))
			return;
		call->offer_sent = true;
		call->broker_by = MONO_NEVER;
	}
	while (call->remote_sent < call->remote.len) {
		if (c->ops.trickle(call->number,
				   call->remote.at[call->remote_sent],
				   c->ops.arg))
			return;
		call->remote_sent++;
	}
	/* Nothing waits for an answer: these need not be said again. */
	if (!call->offer) {
		lines_clear(&call->remote);
		call->remote_sent = 0;
	}
}

/* The call is over here; the broker hears it now or when it is back. */
static void close_call(struct calls *c, struct call *call)
{
	if (!call->ever_told ||
	    (c->up && c->ops.close(call->number, c->ops.arg) == 0)) {
		forget(c, call);
		return;
	}
	forget_name(c, call);
	call->closing = true;
	c->closing++;
	free(call->offer);
	call->offer = NULL;
	lines_clear(&call->remote);
	lines_clear(&call->local);
}

static bool is_in(const struct call *call, const char *session)
{
	return !session ||
	       strcmp(call->session ? call->session : "", session) == 0;
}

/* The call of this peer in this session; NULL: no room. */
static struct call *call_in(struct calls *c, const char *peer,
			    const char *session)
{
	struct call *call = find_name(c, peer);

	if (call && call->offer)
		return call;	/* not answered yet: that comes first */
	if (call && !is_in(call, session) && call->ever_told) {
		close_call(c, call);
		call = NULL;
	}
	if (!call)
		call = add(c, peer, new_number(c));
	if (call && !is_in(call, session) && set_session(call, session))
		return NULL;

	return call;
}

static void deliver(struct calls *c, const char *name, struct hub_event ev)
{
	ev.peer = HUB_SERVER;
	c->ops.deliver(name, &ev, c->ops.arg);
}

static void refuse(struct calls *c, struct call *call, enum hub_why why,
		   const char *reason, uint32_t retry_ms)
{
	free(call->offer);
	call->offer = NULL;
	call->offer_sent = false;
	lines_clear(&call->remote);
	lines_clear(&call->local);
	call->remote_sent = 0;
	deliver(c, call->name, (struct hub_event){
			.kind = HUB_OFFER_REFUSED, .why = why,
			.reason = reason, .retry_ms = retry_ms });
}

static void wait_until(struct calls *c, struct mono when)
{
	c->due = mono_min(c->due, when);
}

int calls_offer(struct calls *c, const char *peer, const char *session,
		const char *sdp, struct mono now)
{
	struct call *call = call_in(c, peer, session);

	if (!call)
		return -ENOBUFS;
	if (call->offer)
		return -EBUSY;
	call->offer = strdup(sdp);
	if (!call->offer)
		return -ENOBUFS;
	call->offer_sent = false;
	call->remote_seen = call->remote.len;
	call->answer_by = mono_add(now, CALLS_ANSWER_US);
	call->broker_by = c->up ? MONO_NEVER : mono_add(now, CALLS_BROKER_US);
	wait_until(c, mono_min(call->answer_by, call->broker_by));
	sync(c, call);

	return 0;
}

int calls_want_offer(struct calls *c, const char *peer, const char *session,
		     unsigned kinds)
{
	struct call *call = call_in(c, peer, session);

	if (!call)
		return -ENOBUFS;
	if (call->offer || call->asked)
		return -EBUSY;
	if (!c->up)
		return -EAGAIN;
	if (!call->told && open_call(c, call))
		return -EAGAIN;
	call->told = call->ever_told = true;

	return c->ops.want(call->number, kinds, c->ops.arg) ? -EAGAIN : 0;
}

int calls_answer(struct calls *c, const char *peer, const char *sdp,
		 struct mono now)
{
	struct call *call = find_name(c, peer);

	(void)now;
	if (!call || !call->asked)
		return -ENOENT;
	if (!c->up ||
	    c->ops.describe(call->number, DESCRIPTION_ANSWER, sdp,
			    c->ops.arg))
		return -EAGAIN;
	call->asked = false;
	call->open = true;
	call->remote_seen = call->remote.len;
	sync(c, call);

	return 0;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;

	return false;
}

/* "<mid> <index> <candidate>" as in proto/msg.h; NULL when it has no such
 * form. */
static char *write_line(const struct hub_candidate *in)
{
	const char *mid = in->mid && *in->mid ? in->mid : "-";
	char index[16] = "-", out[MSG_CANDIDATE + 1];
	int len;

	if (has_control(in->line) || has_control(mid) || strchr(mid, ' ') ||
	    in->mline > 65535)
		return NULL;
	if (in->mline >= 0)
		snprintf(index, sizeof(index), "%d", (int)in->mline);
	len = snprintf(out, sizeof(out), "%s %s %s", mid, index, in->line);

	return len < (int)sizeof(out) ? strdup(out) : NULL;
}

int calls_candidate(struct calls *c, const char *peer,
		    const struct hub_candidate *candidate, struct mono now)
{
	struct call *call = find_or_add(c, peer);
	unsigned at_once = (c->candidates + 1) / 2;
	char *line;

	if (!call)
		return -ENOBUFS;
	if (!call->rate_set) {
		limit_init(&call->rate, c->candidates_per_s, at_once, now);
		call->rate_set = true;
	}
	if (call->remote_seen >= c->candidates ||
	    call->remote.len >= c->candidates ||
	    !limit_take(&call->rate, 1, now))
		return -ENOSPC;
	line = write_line(candidate);
	if (!line)
		return -EMSGSIZE;
	call->remote.at[call->remote.len++] = line;
	call->remote_seen++;
	sync(c, call);

	return 0;
}

bool calls_hangup(struct calls *c, const char *peer)
{
	struct call *call = find_name(c, peer);
	bool was;

	if (!call)
		return false;
	was = call->open || call->offer || call->asked;
	if (call->offer)
		refuse(c, call, HUB_FAILED, "the call was ended", 0);
	close_call(c, call);

	return was;
}

void calls_drop(struct calls *c, const char *peer)
{
	struct call *call = find_name(c, peer);

	if (call)
		close_call(c, call);
}

void calls_on_up(struct calls *c, struct mono now)
{
	struct call *next;

	(void)now;
	c->up = true;
	for (struct call *call = c->first; call; call = next) {
		next = call->next;
		if (!call->closing)
			sync(c, call);
		else if (c->ops.close(call->number, c->ops.arg) == 0)
			forget(c, call);
	}
}

void calls_on_down(struct calls *c, struct mono now)
{
	c->up = false;
	for (struct call *call = c->first; call; call = call->next) {
		call->told = call->offer_sent = false;
		call->remote_sent = 0;
		if (!call->offer)
			continue;
		call->broker_by = mono_add(now, CALLS_BROKER_US);
		wait_until(c, call->broker_by);
	}
}

void calls_on_known(struct calls *c, uint64_t number, const char *peer,
		    const char *session)
{
	struct call *call = find_number(c, number);

	if (call) {
		call->told = call->ever_told = !call->closing;
		return;
	}
	if (number == 0)
		return;
	call = find_name(c, peer);
	if (call && (call->ever_told || call->offer)) {
		/* That peer has called anew since; the old call is over. */
		(void)c->ops.close(number, c->ops.arg);
		return;
	}
	/* Candidates that came before the broker told of their call are kept
	 * and go to it now. */
	if (call)
		renumber(c, call, number);
	else
		call = add(c, peer, number);
	if (!call)
		return;
	(void)!set_session(call, session);	/* the broker has it too */
	call->open = call->told = call->ever_told = true;
	sync(c, call);
}

static void deliver_candidate(struct calls *c, const struct call *call,
			      const char *line)
{
	char text[MSG_CANDIDATE + 1], *mid = text, *index, *rest;
	struct hub_event ev = { .kind = HUB_CANDIDATE };

	if (has_control(line))
		return;
	snprintf(text, sizeof(text), "%s", line);
	index = strchr(mid, ' ');
	rest = index ? strchr(index + 1, ' ') : NULL;
	if (!rest)
		return;
	*index++ = *rest++ = '\0';
	ev.candidate.line = rest;
	ev.candidate.mid = strcmp(mid, "-") == 0 ? NULL : mid;
	ev.candidate.mline = strcmp(index, "-") == 0 ? -1 : atoi(index);
	deliver(c, call->name, ev);
}

/* What came before the answer goes out behind it. */
static void release_local(struct calls *c, struct call *call)
{
	for (unsigned i = 0; i < call->local.len; i++)
		deliver_candidate(c, call, call->local.at[i]);
	lines_clear(&call->local);
}

static void on_answer(struct calls *c, struct call *call, const char *sdp)
{
	if (!call->offer)
		return;		/* too late: its offer was refused */
	free(call->offer);
	call->offer = NULL;
	call->open = true;
	deliver(c, call->name, (struct hub_event){ .kind = HUB_OFFER_TAKEN });
	deliver(c, call->name, (struct hub_event){
			.kind = HUB_ANSWER, .sdp = sdp, .type = "answer" });
	release_local(c, call);
	sync(c, call);
}

void calls_on_local(struct calls *c, uint64_t number,
		    enum description_kind kind, const char *sdp,
		    int64_t wall_ms)
{
	struct call *call = find_number(c, number);
	char id[HUB_NAME_MAX + 64];

	if (!call || call->closing)
		return;
	if (kind == DESCRIPTION_ANSWER) {
		on_answer(c, call, sdp);
		return;
	}
	call->asked = true;
	snprintf(id, sizeof(id), HUB_SERVER "_%s_%lld", call->name,
		 (long long)wall_ms);
	deliver(c, call->name, (struct hub_event){
			.kind = HUB_OFFER, .id = id, .sdp = sdp,
			.type = "offer" });
}

void calls_on_trickle(struct calls *c, uint64_t number, const char *line)
{
	struct call *call = find_number(c, number);
	char *copy;

	if (!call || call->closing)
		return;
	if (!call->offer) {
		deliver_candidate(c, call, line);
		return;
	}
	copy = call->local.len < CALLS_CANDIDATES ? strdup(line) : NULL;
	if (copy)
		call->local.at[call->local.len++] = copy;
}

void calls_on_state(struct calls *c, uint64_t number, enum call_state state,
		    int64_t wall_ms)
{
	struct call *call = find_number(c, number);

	if (call && !call->closing)
		deliver(c, call->name, (struct hub_event){
				.kind = HUB_STATE,
				.reason = call_state_name(state),
				.time_ms = wall_ms });
}

static enum hub_why why_of(enum call_why why)
{
	switch (why) {
	case WHY_BAD_SDP:
		return HUB_BAD_SDP;
	case WHY_BAD_CANDIDATE:
		return HUB_BAD_CANDIDATE;
	case WHY_WRONG_STATE:
		return HUB_WRONG_STATE;
	case WHY_FULL:
	case WHY_RESOURCES:
		return HUB_FULL;
	case WHY_CLOSED:
	case WHY_TIMEOUT:
	case WHY_LOST:
	case WHY_CRASHED:
	case WHY_PROTOCOL:
	case WHYS:
		break;
	}

	return HUB_FAILED;
}

void calls_on_gone(struct calls *c, uint64_t number, enum call_why why,
		   bool ended, const char *text)
{
	struct call *call = find_number(c, number);
	const char *reason = *text ? text : call_why_name(why);
	enum hub_why told = why_of(why);
	uint32_t retry_ms = told == HUB_FULL ? 1000 : 0;

	if (!call)
		return;
	if (call->closing) {
		if (ended)
			forget(c, call);
		return;
	}
	if (call->offer && (ended || why != WHY_BAD_CANDIDATE))
		refuse(c, call, told, reason, retry_ms);
	else if (ended)
		deliver(c, call->name, (struct hub_event){
				.kind = HUB_DISCONNECTED, .reason = reason });
	else
		deliver(c, call->name, (struct hub_event){
				.kind = HUB_REFUSED, .why = told,
				.reason = reason });
	/* The peer's door may have acted on what it heard. */
	call = ended ? find_number(c, number) : NULL;
	if (call)
		forget(c, call);
}

static void expire(struct calls *c, struct call *call, struct mono now)
{
	bool away = !mono_before(now, call->broker_by);

	if (away)
		refuse(c, call, HUB_FULL, "the media side is restarting", 1000);
	else
		refuse(c, call, HUB_FAILED, "no answer in 10 s", 0);
	if (!call->open)
		close_call(c, call);
}

void calls_tick(struct calls *c, struct mono now)
{
	struct call *next;

	if (mono_before(now, c->due))
		return;
	c->due = MONO_NEVER;
	for (struct call *call = c->first; call; call = next) {
		struct mono by;

		next = call->next;
		if (!call->offer)
			continue;
		by = mono_min(call->answer_by, call->broker_by);
		if (mono_before(now, by))
			wait_until(c, by);
		else
			expire(c, call, now);
	}
}

struct mono calls_due(const struct calls *c)
{
	return c->due;
}

uint64_t calls_number(const struct calls *c, const char *peer)
{
	const struct call *call = find_name(c, peer);

	return call && call->told ? call->number : 0;
}

size_t calls_count(const struct calls *c)
{
	size_t n = 0;

	/* Candidates that came before any offer are no call. */
	for (const struct call *call = c->first; call; call = call->next)
		n += !call->closing && (call->open || call->offer ||
					call->asked);

	return n;
}

const char *calls_next(const struct calls *c, const char *after)
{
	const struct call *call = c->first;

	for (; after && call && call->name != after; call = call->next)
		;
	if (after)
		call = call ? call->next : NULL;
	while (call && call->closing)
		call = call->next;

	return call ? call->name : NULL;
}

const char *calls_session(const struct calls *c, const char *peer)
{
	const struct call *call = c->names[hub_hash(c->seed, peer) % BUCKETS];

	while (call && strcmp(call->name, peer) != 0)
		call = call->by_name;
	if (!call)
		return NULL;

	return call->session ? call->session : "";
}

void calls_each(const struct calls *c,
		void (*each)(const char *peer, const char *session, void *arg),
		void *arg)
{
	for (const struct call *call = c->first; call; call = call->next)
		if (!call->closing)
			each(call->name, call->session ? call->session : "",
			     arg);
}
