/*
 * web.c - Subscribe and Send: the stream of a peer for clients that cannot
 * send one
 *
 * The session of Subscribe is a secret of 128 random bits; Send shows it as
 * metadata x-session, and where tokens are needed it must also be the same
 * client: the same token, or another one of the same subject.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "signaling/door.h"
#include "signaling/grpc/services.h"
#include "signaling/grpc/signal.h"

enum { BUCKETS = 256 };		/* the name is random: its first byte */

static struct signal *sessions[BUCKETS];

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';

	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL: no name of a session begins like this. */
static struct signal **bucket_of(const char *session)
{
	int high = hex_value(session[0]), low = hex_value(session[1]);

	return high < 0 || low < 0 ? NULL : &sessions[high << 4 | low];
}

static bool name_session(struct signal *s)
{
	unsigned char bytes[(SIGNAL_SESSION - 1) / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(s->session + 2 * i, 3, "%02x", bytes[i]);

	return true;
}

static void link_session(struct signal *s)
{
	struct signal **b = bucket_of(s->session);

	s->next = *b;
	if (s->next)
		s->next->prev = s;
	*b = s;
}

static void unlink_session(struct signal *s)
{
	struct signal **b = bucket_of(s->session);

	if (s->prev)
		s->prev->next = s->next;
	else if (*b == s)
		*b = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->prev = s->next = NULL;
}

static bool same(struct h1_span a, const char *b)
{
	unsigned char differs = 0;

	if (a.len != strlen(b))
		return false;
	for (size_t i = 0; i < a.len; i++)
		differs |= (unsigned char)(a.at[i] ^ b[i]);

	return !differs;
}

static struct signal *find_session(struct h1_span name)
{
	struct signal **b, *s;

	if (!name.at || name.len != SIGNAL_SESSION - 1)
		return NULL;
	b = bucket_of(name.at);
	for (s = b ? *b : NULL; s; s = s->next)
		if (same(name, s->session))
			return s;

	return NULL;
}

/* Subscribe. */

static void subscribe_begin(struct grpc_call *c, struct mono now)
{
	struct h1_span token = signal_token(c);
	struct signal *s = signal_new(c, now);

	if (!s)
		return;
	s->token = token.at ? strndup(token.at, token.len) : NULL;
	if ((token.at && !s->token) || !name_session(s)) {
		*s->session = '\0';
		grpc_end(c, GRPC_RESOURCE_EXHAUSTED, "no memory");
		return;
	}
	link_session(s);
	grpc_header(c, "x-session",
		    (struct h1_span){ s->session, SIGNAL_SESSION - 1 });
}

static void subscribe_message(struct grpc_call *c, const void *bytes,
			      size_t len, struct mono now)
{
	(void)!signal_subscribe(c->arg, bytes, len, now);
}

static void subscribe_fini(struct grpc_call *c, bool clean, struct mono now)
{
	struct signal *s = c->arg;

	if (!s)
		return;
	if (*s->session)
		unlink_session(s);
	signal_free(s, clean, now);
}

const struct grpc_method grpc_subscribe = {
	.path = "/remotemedia.v1.webrtc.WebRtcSignalingWeb/Subscribe",
	.streams_out = true,
	.begin = subscribe_begin,
	.message = subscribe_message,
	.fini = subscribe_fini,
};

/*
 * Send. Its arg is the struct signal while it may send, and while its offer
 * waits for an answer; a Subscribe that ends meanwhile is looked up again.
 */

/* A Send waits for its request, too: the session's name is kept by value. */
struct sent {
	char session[SIGNAL_SESSION];
};

/* Whether this is the client that subscribed; false: it was ended. */
static bool is_own(struct grpc_call *c, struct signal *s, struct h1_span token)
{
	struct world *w = c->door->world;
	struct identity who;
	const char *why = "not the token of this session";

	if (!signal_may_enter(c, token))
		return false;
	if (!token.at && !s->token)
		return true;
	if (token.at && s->token && same(token, s->token)) {
		if (!s->member.who.expires_ms ||
		    w->wall_ms() < s->member.who.expires_ms)
			return true;
		grpc_end(c, GRPC_UNAUTHENTICATED, "the token has expired");
		return false;
	}
	if (w->auth && token.at &&
	    auth_check(w->auth, token.at, token.len, w->wall_ms(), &who,
		       &why)) {
		grpc_end(c, GRPC_UNAUTHENTICATED, why);
		return false;
	}
	if (w->auth && token.at && s->member.who.known &&
	    strcmp(who.subject, s->member.who.subject) == 0)
		return true;
	grpc_end(c, GRPC_PERMISSION_DENIED, why);

	return false;
}

static void send_begin(struct grpc_call *c, struct mono now)
{
	struct h1_span name = grpc_metadata(c, "x-session");
	struct signal *s = find_session(name);
	struct sent *sent;

	(void)now;
	if (!name.at) {
		grpc_end(c, GRPC_INVALID_ARGUMENT,
			 "metadata x-session is missing: Subscribe gives it");
	} else if (!s) {
		grpc_end(c, GRPC_NOT_FOUND,
			 "no such session: Subscribe again");
	} else if (is_own(c, s, signal_token(c))) {
		sent = calloc(1, sizeof(*sent));
		c->arg = sent;
		if (!sent) {
			grpc_end(c, GRPC_RESOURCE_EXHAUSTED, "no memory");
			return;
		}
		memcpy(sent->session, s->session, sizeof(sent->session));
		memcpy(c->name, s->call->name, sizeof(c->name));
	}
}

static struct signal *signal_of(const struct grpc_call *c)
{
	const struct sent *sent = c->arg;

	if (!sent)
		return NULL;

	return find_session((struct h1_span){ sent->session,
					      strlen(sent->session) });
}

static void send_message(struct grpc_call *c, const void *bytes, size_t len,
			 struct mono now)
{
	struct signal *s = signal_of(c);

	if (!s)
		grpc_end(c, GRPC_NOT_FOUND,
			 "no such session: Subscribe again");
	else
		signal_request(s, c, bytes, len, now);
}

static void send_fini(struct grpc_call *c, bool clean, struct mono now)
{
	struct signal *s = signal_of(c);

	(void)clean;
	(void)now;
	/* The answer to its offer has nowhere to go now. */
	if (s && s->pending.to == c)
		s->pending.to = NULL;
	free(c->arg);
}

const struct grpc_method grpc_web_send = {
	.path = "/remotemedia.v1.webrtc.WebRtcSignalingWeb/Send",
	.begin = send_begin,
	.message = send_message,
	.fini = send_fini,
};
