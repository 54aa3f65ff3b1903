/*
 * session.c - sessions: peers that share a graph and so a media-worker
 *
 * A session begins with its first peer on the least loaded media-worker,
 * stays there, and ends with its last peer. When that worker dies its
 * successor gets all of them (link_restore()). The number is what
 * media-workers know a session by; it outlives this process in the notes of
 * the run directory.
 */

#include "session-broker/broker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct session **name_bucket(struct broker *b, const char *name,
				    size_t len)
{
	uint64_t hash = 14695981039346656037ull;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)name[i]) * 1099511628211ull;

	return &b->session_names[hash % SESSION_BUCKETS];
}

static struct session **number_bucket(struct broker *b, uint64_t number)
{
	return &b->session_numbers[number % SESSION_BUCKETS];
}

static struct session *by_name(struct broker *b, const char *name, size_t len)
{
	struct session *s = *name_bucket(b, name, len);

	while (s && (!s->shared || strlen(s->name) != len ||
		     memcmp(s->name, name, len) != 0))
		s = s->next_name;

	return s;
}

static struct session *by_number(struct broker *b, uint64_t number)
{
	struct session *s = *number_bucket(b, number);

	while (s && s->number != number)
		s = s->next_number;

	return s;
}

/* name NULL: session_<number> */
static struct session *begin(struct broker *b, uint64_t number,
			     const char *name, size_t len)
{
	struct session *s = calloc(1, sizeof(*s)), **at;

	if (!s)
		return NULL;
	s->b = b;
	s->number = number;
	s->shared = name;
	if (name)
		memcpy(s->name, name, len);
	else
		snprintf(s->name, sizeof(s->name), "session_%llu",
			 (unsigned long long)number);
	s->media = media_least_loaded(b);
	at = name_bucket(b, s->name, strlen(s->name));
	s->next_name = *at;
	*at = s;
	at = number_bucket(b, number);
	s->next_number = *at;
	*at = s;
	b->sessions++;
	if (b->last_session < number)
		b->last_session = number;

	return s;
}

int session_join(struct session **out, struct broker *b, const char *name,
		 size_t len)
{
	struct session *s = len ? by_name(b, name, len) : NULL;

	if (s && s->peers >= SESSION_PEERS)
		return -EUSERS;
	if (!s)
		s = begin(b, b->last_session + 1, len ? name : NULL, len);
	if (!s)
		return -ENOMEM;
	s->peers++;
	*out = s;

	return 0;
}

int session_rejoin(struct session **out, struct broker *b,
		   const struct rundir_call *c)
{
	struct session *s = by_number(b, c->session);

	/* A client that came before the worker of an older peer was heard has
	 * begun the session anew: the older peer's link follows it there. */
	if (!s && c->shared)
		s = by_name(b, c->session_name, strlen(c->session_name));
	if (!s) {
		s = begin(b, c->session, c->shared ? c->session_name : NULL,
			  strlen(c->session_name));
		if (!s)
			return -ENOMEM;
		if (c->media < b->media_count)
			s->media = c->media;
	}
	s->peers++;
	*out = s;

	return 0;
}

static void unlink_session(struct session *s)
{
	struct session **at = name_bucket(s->b, s->name, strlen(s->name));

	while (*at != s)
		at = &(*at)->next_name;
	*at = s->next_name;
	at = number_bucket(s->b, s->number);
	while (*at != s)
		at = &(*at)->next_number;
	*at = s->next_number;
}

void session_leave(struct session *s)
{
	if (--s->peers)
		return;
	unlink_session(s);
	s->b->sessions--;
	free(s);
}

/* Whether any of its peers has begun. */
static bool is_placed(const struct session *s)
{
	for (struct peer *p = peer_each(s->b, NULL); p;
	     p = peer_each(s->b, p))
		if (p->session == s && (p->ice || p->forking))
			return true;

	return false;
}

int session_place(struct session *s)
{
	if (media_is_full(s->b, s->media) && !is_placed(s))
		s->media = media_least_loaded(s->b);

	return media_is_full(s->b, s->media) ? -EUSERS : 0;
}

const char *session_wish(const struct session *s)
{
	return s->shared ? s->name : "";
}

void session_note(struct rundir_call *out, const struct peer *p)
{
	*out = (struct rundir_call){
		.call = p->call, .session = p->session->number,
		.port = p->port, .media = p->session->media,
		.shared = p->session->shared,
	};
	snprintf(out->name, sizeof(out->name), "%s", p->name);
	snprintf(out->session_name, sizeof(out->session_name), "%s",
		 p->session->name);
}
