/* call.c - one link of this worker */

#include "media-worker/call.h"

#include "common/clock.h"
#include "common/log.h"
#include "media-worker/data.h"
#include "media-worker/sound.h"
#include "media-worker/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { WISH_AGAIN_US = 2000000 };

_Static_assert((int)LINK_AUDIO == 1 << GRAPH_AUDIO &&
	       (int)LINK_VIDEO == 1 << GRAPH_VIDEO &&
	       (int)LINK_DATA == 1 << GRAPH_DATA, "one numbering");

static void arm(struct call *c);

struct call *call_find(struct worker *w, uint64_t peer, uint64_t generation,
		       enum call_stage stage)
{
	for (struct call *c = w->calls; c; c = c->next)
		if (c->peer == peer && c->generation == generation &&
		    c->stage == stage)
			return c;

	return NULL;
}

struct call *call_of(struct worker *w, uint64_t peer)
{
	for (struct call *c = w->calls; c; c = c->next)
		if (c->peer == peer && c->stage == CALL_FLOWING)
			return c;

	return NULL;
}

/* A broker that died in the middle of it left these. */
static void close_unfinished(struct worker *w, uint64_t peer)
{
	struct call *next;

	for (struct call *c = w->calls; c; c = next) {
		next = c->next;
		if (c->peer == peer && c->stage == CALL_MAPPED)
			call_close(c);
	}
}

static void set_role(struct call *c, uint32_t in, uint32_t out,
		     uint32_t codecs)
{
	uint32_t kinds = c->end.kinds;

	atomic_store_explicit(&c->role, (in & kinds) | (out & kinds) << 8 |
			      (codecs & 255) << 16, memory_order_relaxed);
}

int call_open(struct worker *w, const struct msg_media_link_own *m,
	      const int *fds)
{
	struct call *c = call_of(w, m->peer);
	int err;

	if (c && c->generation > m->generation)
		return -ESTALE;
	close_unfinished(w, m->peer);
	if (w->links >= w->links_max)
		return -ENOSPC;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	err = link_map_own(&c->end, m->kinds, m->generation, fds[0], fds[1]);
	if (err) {
		free(c);
		return err;
	}
	c->w = w;
	c->peer = m->peer;
	c->generation = m->generation;
	c->session = m->session;
	set_role(c, m->kinds_in, m->kinds_out, m->codecs);
	c->video_bell = -1;
	c->next = w->calls;
	w->calls = c;
	w->links++;

	return 0;
}

static void unlist(struct call *c)
{
	for (struct call **at = &c->w->calls; *at; at = &(*at)->next) {
		if (*at == c) {
			*at = c->next;
			break;
		}
	}
	c->w->links--;
}

/* It stands in the list no more. */
static void release(struct call *c)
{
	if (c->video_bell >= 0)
		close(c->video_bell);
	link_end_fini(&c->end);
	free(c);
}

static void call_free(struct call *c)
{
	unlist(c);
	release(c);
}

/* The first thread's part is over; the memory may still be in use. */
static void quiet(struct call *c)
{
	ear_close(&c->bell);
	loop_untimer(&c->tick);
	loop_untimer(&c->again);
	loop_untimer(&c->mix_tick);
	room_leave(c);
	data_fini(c);
	if (c->audio)
		stats_retire(c->w, c->audio);
	audio_free(c->audio);
	c->audio = NULL;
	mixdown_free(c->mixdown);
	c->mixdown = NULL;
}

void call_close(struct call *c)
{
	struct note note = { .kind = NOTE_CLOSE, .call = c, .fd = -1 };
	bool lent = c->stage == CALL_FLOWING && c->end.far_video;

	quiet(c);
	c->stage = CALL_LEAVING;
	/* Lanes are sized for this. */
	if (!lent || lane_put(c->w->down, &note) != 0)
		call_free(c);
}

void call_released(struct call *c)
{
	call_free(c);
}

void call_deny(struct worker *w, uint64_t peer, uint64_t generation, int err)
{
	struct msg_media_link_broken m = {
		.peer = peer, .generation = generation,
		.why = err == -EBADMSG ? WHY_PROTOCOL : WHY_RESOURCES,
	};

	log_fail(err, "link broken");
	(void)send_media_link_broken(&w->wire, &m, NULL, 0, NULL);
}

void call_break(struct call *c, int err)
{
	call_deny(c->w, c->peer, c->generation, err);
	call_close(c);
}

static void on_again(struct mono now, void *arg)
{
	call_sweep(arg, now);
}

static void on_tick(struct mono now, void *arg)
{
	struct call *c = arg;
	int err = sound_tick(c, now);

	if (err) {
		call_break(c, err);
		return;
	}
	if (audio_due(c->audio).us == MONO_NEVER.us)
		call_sweep(c, now);	/* reads on, and sleeps */
	else
		arm(c);
}

static void on_mix_tick(struct mono now, void *arg)
{
	struct call *c = arg;
	int err = sound_mix(c, now);

	if (err)
		call_break(c, err);
	else
		call_arm_mix(c);
}

void call_arm_mix(struct call *c)
{
	struct mono due = mixdown_due(c->mixdown);

	if (due.us != MONO_NEVER.us && !c->mix_tick.loop)
		loop_timer(c->w->loop, &c->mix_tick, due, on_mix_tick, c);
}

/* The tick, when there is one and it is not armed. */
static void arm(struct call *c)
{
	struct mono due = c->audio ? audio_due(c->audio) : MONO_NEVER;

	if (due.us != MONO_NEVER.us && !c->tick.loop)
		loop_timer(c->w->loop, &c->tick, due, on_tick, c);
}

/* Reads what there is, to a limit. 1: there is more. -EBADMSG. */
static int pump(struct call *c, struct mono now)
{
	int sound = sound_pump(c, now), data;

	if (sound < 0)
		return sound;
	data = data_pump(c);

	return data < 0 ? data : sound || data;
}

void call_sweep(struct call *c, struct mono now)
{
	int more;

	if (c->stage != CALL_FLOWING)
		return;
	more = pump(c, now);
	if (more < 0) {
		call_break(c, more);
		return;
	}
	arm(c);
	if (more)
		loop_timer(c->w->loop, &c->again, now, on_again, c);
	if ((c->asked || c->wants) &&
	    mono_since(now, c->wished) > WISH_AGAIN_US)
		call_wish_again(c, now);
}

static void on_bell(struct mono now, void *arg)
{
	call_sweep(arg, now);
}

/* What the peer's older link still holds comes into this one. */
static void succeed(struct call *c)
{
	struct call *old = call_of(c->w, c->peer);
	int err;

	if (!old)
		return;
	err = pump(old, mono_now());
	if (err < 0) {
		call_break(old, err);
		return;
	}
	c->audio = old->audio;
	old->audio = NULL;
	c->mixdown = old->mixdown;
	old->mixdown = NULL;
	data_carry_over(c, old);
	call_close(old);
}

/* What the role asks for: someone to play what the peer sends, someone to mix
 * what it listens to. */
static int follow_role(struct call *c)
{
	struct route_role role = call_role(c);
	struct audio_cfg cfg = {
		.jitter_max_us = c->w->jitter_max_us,
		.bitrate_bps = AUDIO_BITRATE_BPS,
		.complexity = AUDIO_COMPLEXITY, .peer = c->peer,
	};
	int err = 0;

	if (!c->end.far_audio || !route_sends(role, GRAPH_AUDIO)) {
		loop_untimer(&c->tick);
		if (c->audio)
			stats_retire(c->w, c->audio);
		audio_free(c->audio);
		c->audio = NULL;
	} else if (!c->audio && (err = audio_new(&c->audio, &cfg))) {
		return err;
	}
	if (!c->end.far_audio || !route_listens(role, GRAPH_AUDIO)) {
		loop_untimer(&c->mix_tick);
		mixdown_free(c->mixdown);
		c->mixdown = NULL;
	} else if (!c->mixdown) {
		err = mixdown_new(&c->mixdown);
	}

	return err;
}

int call_set_kinds(struct call *c, const struct msg_media_peer_kinds *m)
{
	set_role(c, m->kinds_in, m->kinds_out, m->codecs);
	c->asked = 0;

	return c->stage == CALL_FLOWING ? follow_role(c) : 0;
}

static int lend_video(struct call *c)
{
	struct note note = { .kind = NOTE_OPEN, .call = c,
			     .fd = c->video_bell };
	int err;

	if (!c->end.far_video)
		return 0;
	err = lane_put(c->w->down, &note);
	if (!err)
		c->video_bell = -1;

	return err;
}

/* Takes the three bells, also when it fails. */
static int join(struct call *c, const int *fds)
{
	int err = link_map_far(&c->end, fds[0], fds[1], fds[4], fds[4]);

	c->video_bell = fds[3];
	if (err)
		close(fds[4]);
	if (err || (err = ear_open(&c->bell, c->w->loop, fds[2], on_bell, c)))
		close(fds[2]);
	/* The broker sealed these regions: wrong is what their writer wrote. */
	if (err == -EINVAL)
		return -EBADMSG;
	if (err)
		return err;
	succeed(c);
	if ((err = room_enter(c)) || (err = follow_role(c)))
		return err;

	return lend_video(c);
}

void call_join(struct call *c, const int *fds)
{
	struct worker *w = c->w;
	int err = join(c, fds);

	if (err) {
		call_break(c, err);	/* nothing was lent */
		return;
	}
	c->stage = CALL_FLOWING;
	call_sweep(c, mono_now());	/* a bad ring closes the call */
	worker_watch_calls(w);
}

void call_take_pcm(struct call *c, const struct frame_shape *shape, int fd)
{
	int err = c->audio ? audio_take_frames(c->audio, shape, fd) : 0;

	/* Not wished for again at once, and for ever. */
	if (err) {
		call_break(c, err);
		return;
	}
	c->asked = 0;
	arm(c);
}

void call_wish_again(struct call *c, struct mono now)
{
	c->wished = now;
	if (c->asked) {
		c->asked = 0;
		sound_ask_frames(c);
	}
	if (c->wants)
		(void)send_media_frames_want(&c->w->wire, &c->want, NULL, 0,
					     NULL);
}

void call_free_all(struct worker *w)
{
	struct call *c;

	while ((c = w->calls)) {
		w->calls = c->next;
		quiet(c);
		release(c);
	}
}
