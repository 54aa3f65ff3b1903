/* on_broker.c - what the broker says */

#include "common/clock.h"
#include "common/log.h"
#include "media-worker/worker.h"

#include <errno.h>
#include <unistd.h>

static void close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}

int on_media_setup(struct worker *w, const struct msg_media_setup *m,
		   const int *fds)
{
	(void)fds;
	if (m->jitter_max_ms < 20 || m->jitter_max_ms > 500)
		return -EPROTO;
	w->jitter_max_us = m->jitter_max_ms * 1000;
	graph_init(&w->graph, m->routes);
	atomic_store_explicit(&w->passes_video,
			      w->graph.passes[GRAPH_VIDEO],
			      memory_order_relaxed);
	for (struct call *c = w->calls; c; c = c->next)
		if (c->audio)
			audio_jitter_max(c->audio, w->jitter_max_us);

	return 0;
}

int on_media_link_own(struct worker *w, const struct msg_media_link_own *m,
		      const int *fds)
{
	const unsigned all = LINK_AUDIO | LINK_VIDEO | LINK_DATA;
	int err = -EPROTO;

	if (m->kinds && !(m->kinds & ~all))
		err = call_open(w, m, fds);
	close_all(fds, 2);
	if (err == -EPROTO)
		return err;
	if (err) {
		/* Of our own regions nobody else wrote a byte. */
		call_deny(w, m->peer, m->generation, err);
		return 0;
	}

	return send_media_link_mapped(&w->wire,
		&(struct msg_media_link_mapped){ m->peer, m->generation },
		NULL, 0, NULL) == -EPROTO ? -EPROTO : 0;
}

int on_media_link_far(struct worker *w, const struct msg_media_link_far *m,
		      const int *fds)
{
	struct call *c = call_find(w, m->peer, m->generation, CALL_MAPPED);

	if (c) {
		call_join(c, fds);
		close_all(fds, 2);
	} else {
		/* It was closed while this was under way. */
		log_fail(-ENOENT, "link not joined");
		close_all(fds, 5);
	}

	return 0;
}

int on_media_peer_kinds(struct worker *w, const struct msg_media_peer_kinds *m,
			const int *fds)
{
	int err;

	(void)fds;
	for (struct call *c = w->calls, *next; c; c = next) {
		next = c->next;
		if (c->peer != m->peer || c->generation != m->generation ||
		    c->stage == CALL_LEAVING)
			continue;
		err = call_set_kinds(c, m);
		if (err)
			call_break(c, err);
	}

	return 0;
}

int on_media_peer_close(struct worker *w, const struct msg_media_peer_close *m,
			const int *fds)
{
	struct call *next;

	(void)fds;
	for (struct call *c = w->calls; c; c = next) {
		next = c->next;
		if (c->peer == m->peer && c->stage != CALL_LEAVING &&
		    c->generation <= m->generation)
			call_close(c);
	}

	return 0;
}

int on_media_frames(struct worker *w, const struct msg_media_frames *m,
		    const int *fds)
{
	struct call *c = call_find(w, m->peer, m->generation, CALL_FLOWING);
	struct note note = { .kind = NOTE_FRAMES, .call = c, .fd = fds[0],
			     .u.frames = *m };
	struct frame_shape shape;

	if (!frames_answer(&shape, m)) {
		close(fds[0]);
		return -EPROTO;
	}
	if (c && m->width && c->wants) {
		c->wants = false;
		if (lane_put(w->down, &note) == 0)
			return 0;
	} else if (c && !m->width) {
		call_take_pcm(c, &shape, fds[0]);
	}
	close(fds[0]);

	return 0;
}

int on_media_quit(struct worker *w, const struct msg_media_quit *m,
		  const int *fds)
{
	(void)m;
	(void)fds;
	w->quit = true;

	return 0;
}
