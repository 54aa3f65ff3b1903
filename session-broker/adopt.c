/*
 * adopt.c - a new broker finds the workers of the dead one
 *
 * Each folder under <run>/w names a worker that the broker before us knew.
 * One that still hears its sockets is dialled and says what it holds; the
 * rest are leftovers. For ADOPT_US both sides of a link may report; then the
 * links that only one side holds are made again.
 */

#include "session-broker/broker.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADOPT_US = 1500000 };

/* What the folder's name says; the worker itself is not asked. */
static bool kind_of(const char *name, enum proc *kind, uint32_t *index,
		    uint64_t *spawn, uint64_t *peer_id)
{
	unsigned long long peer = 0, number = 0;
	unsigned i = 0;

	*index = 0;
	if (sscanf(name, "ice-%llx.%llx", &peer, &number) == 2)
		*kind = ICE;
	else if (sscanf(name, "media-%u.%llx", &i, &number) == 2)
		*kind = MEDIA;
	else if (sscanf(name, "signaling-%u.%llx", &i, &number) == 2)
		*kind = SIGNALING;
	else if (sscanf(name, "template-%u.%llx", &i, &number) == 2)
		*kind = TEMPLATE;
	else
		return false;
	*index = i;
	*spawn = number;
	*peer_id = peer;

	return true;
}

static struct service *vacancy(struct broker *b, enum proc kind,
			       uint32_t index)
{
	struct service *s = kind == SIGNALING ? &b->signaling :
			    kind == TEMPLATE  ? &b->template :
			    index < b->media_count ? &b->media[index] : NULL;

	return s && !s->worker ? s : NULL;
}

static void adopt_each(struct broker *b, const char *name)
{
	struct rundir_call call;
	struct service *s = NULL;
	struct worker *w;
	enum proc kind;
	uint32_t index;
	uint64_t spawn, peer_id;
	pid_t pid = rundir_pid(b, name);

	if (!kind_of(name, &kind, &index, &spawn, &peer_id)) {
		rundir_drop(b, name);
		return;
	}
	if (worker_new(&w, b, kind, name))
		return;
	w->index = index;
	w->spawn = spawn;
	w->peer_id = peer_id;
	if (pid && worker_follow(w, pid))
		pid = 0;
	if (kind == ICE && rundir_read_call(b, name, &call) == 0 &&
	    b->last_session < call.session)
		b->last_session = call.session;	/* not given to another */
	if (kind != ICE && !(s = vacancy(b, kind, index))) {
		worker_kill(w, SIGKILL);
		worker_free(w);
		return;
	}
	/* Dead, or it hangs or hides: not to be left alone. */
	if (worker_dial(w)) {
		worker_kill(w, SIGKILL);
		worker_free(w);
		return;
	}
	if (s)
		s->worker = w;
	b->adopting = true;
	log_info("worker found", "worker=%s pid=%d", name, (int)pid);
}

static void settle_held(struct broker *b, const struct held *h)
{
	struct peer *p = peer_by_id(b, h->peer);
	struct worker *w = b->media[h->media].worker;
	bool serves = p && p->session->media == h->media && !p->moved;

	if (serves && p->link == LINK_LOST &&
	    p->generation == h->generation) {
		p->link = LINK_UP;
		link_tell_kinds(p);
	} else if (!serves && w && w->phase != AT_BOOT) {
		(void)send_media_peer_close(&w->ctl,
			&(struct msg_media_peer_close){ h->peer,
			h->generation }, NULL, 0, NULL);
	}
	/* One that the dead broker had begun is not begun again. */
	if (p && p->generation < h->generation)
		p->generation = h->generation;
}

int adopt_held(struct broker *b, uint64_t peer, uint64_t generation,
	       uint32_t media)
{
	struct held late = { peer, generation, media }, *more;

	if (!b->adopting) {
		settle_held(b, &late);
		return 0;
	}
	if (b->held_len >= 2 * b->opt->max_peers + 16)
		return -EPROTO;
	more = realloc(b->held, (b->held_len + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	b->held = more;
	b->held[b->held_len++] = (struct held){ peer, generation, media };

	return 0;
}

void adopt_forget(struct broker *b, uint32_t media)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->held_len; i++)
		if (b->held[i].media != media)
			b->held[kept++] = b->held[i];
	b->held_len = kept;
}

void adopt_settle(struct broker *b)
{
	b->adopting = false;
	for (size_t i = 0; i < b->held_len; i++)
		settle_held(b, &b->held[i]);
	free(b->held);
	b->held = NULL;
	b->held_len = 0;
	for (uint32_t i = 0; i < b->media_count; i++)
		if (b->media[i].worker &&
		    b->media[i].worker->phase != AT_BOOT)
			link_restore(b, i);
}

static void on_settle(struct mono now, void *arg)
{
	(void)now;
	adopt_settle(arg);
}

void adopt_all(struct broker *b)
{
	rundir_walk(b, adopt_each);
	if (b->adopting)
		loop_timer(b->loop, &b->adopted,
			   mono_add(mono_now(), ADOPT_US), on_settle, b);
}
