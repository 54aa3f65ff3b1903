/* video.c - the second thread: every picture of this worker */

#include "media-worker/video.h"

#include "common/clock.h"
#include "media-worker/coder.h"
#include "media-worker/ear.h"
#include "media-worker/shed.h"
#include "media-worker/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	DECODES = 8,		/* in one turn */
	NOTES = 64,		/* small records in one turn */
	BEHIND_US = 66000,	/* two pictures: encode the newest only */
	FAR_US = 1000000,	/* hopeless: go on at the next key frame */
	SWEEP_US = 50000,	/* look also where no bell rang */
	NEW_US = 1000000,	/* a source may take this long to its first
				   picture before the next one is shown */
	STALLED_US = 1000000,	/* who reads nothing for so long has no say */
	KEY_SHARED_US = 1000000,	/* an encoder of several receivers */
	BPS_LISTENER = 150000,	/* who has less loses pictures instead of
				   spoiling those of the others */
};

struct video {
	struct video_thread *t;
	struct call *call;
	struct video *next;
	struct coder *coder;
	struct ear bell;
	struct timer again;
	bool waiting;		/* for a frame ring: the input is held */
	bool broken;
	uint16_t track;
	/* as a source */
	struct mono opened;
	bool live;		/* it has sent a picture */
	/* as a receiver */
	uint32_t target_bps;	/* 0: nobody said */
	bool asks_key;		/* its far end does */
	bool needs_key;		/* nothing else is of use to it */
	uint64_t shown;		/* peer of the picture it got last */
	enum record_codec codec;	/* of it */
	int64_t shift;		/* of its media time against the source's */
	int64_t time, seq;	/* of the last picture */
	uint64_t read_at;	/* where its reader stood */
	struct mono read_when;	/* first seen there */
	bool unread;		/* something was written since */
};

struct video_thread {
	struct worker *w;
	struct loop *loop;
	pthread_t thread;
	struct watch notes;
	struct timer sweep;
	struct video *videos;
	uint8_t payload[RECORD_PAYLOAD_VIDEO];
};

static void tell(struct video_thread *t, const struct note *n)
{
	/* The lane has room for all that may be under way. */
	(void)!lane_put(t->w->up, n);
}

static void tell_broken(struct video_thread *t, struct call *c, int err)
{
	struct note n = { .kind = NOTE_BROKEN, .call = c, .fd = -1,
			  .u.err = err };

	tell(t, &n);
}

static void send_note(struct video *v, enum record_kind kind, uint32_t value)
{
	struct record rec = { .kind = (uint8_t)kind, .track = v->track,
			      .level = RECORD_NO_LEVEL, .value = value,
			      .arrival_us = mono_now().us };

	(void)!link_send_video(&v->call->end, &rec, NULL);
}

static void take_note(struct video *v, const struct record *rec)
{
	if (rec->kind == RECORD_KEYFRAME)
		v->asks_key = true;
	else if (rec->kind == RECORD_BITRATE)
		v->target_bps = rec->value ? rec->value : 1;
	else if (rec->kind == RECORD_TICK)
		send_note(v, RECORD_TICK, rec->value);
}

/* 1: the next picture is in t->payload. 0: none. -EBADMSG. */
static int next_picture(struct video *v, struct record *rec)
{
	struct video_thread *t = v->t;
	uint64_t lost;
	int err;

	for (int n = 0; n < NOTES; n++) {
		err = ering_read(&v->call->end.video_in, rec, t->payload,
				 sizeof(t->payload), &lost);
		if (err == -EOVERFLOW || err == -EMSGSIZE)
			coder_gap(v->coder);
		else if (err <= 0)
			return err;
		else if (rec->kind == RECORD_VIDEO)
			return 1;
		else
			take_note(v, rec);
	}

	return 0;
}

static void wish_frames(struct video *v, const struct frame_shape *shape)
{
	struct note n = { .kind = NOTE_WANT, .call = v->call, .fd = -1 };

	frames_wish(&n.u.want, shape);
	n.u.want.peer = v->call->peer;
	n.u.want.generation = v->call->generation;
	tell(v->t, &n);
	v->waiting = true;
}

/* Whose pictures the listeners of this session see; 0: none. */
static uint64_t shown_in(struct video_thread *t, uint64_t session,
			 struct mono now)
{
	uint64_t shown = 0;

	for (struct video *v = t->videos; v; v = v->next) {
		bool live = v->live || mono_since(now, v->opened) < NEW_US;

		if (v->call->session == session)
			shown = route_shown(shown, v->call->peer,
					    call_role(v->call),
					    live && !v->broken);
	}

	return shown;
}

/* The codec in which this one gets the source's pictures. */
static enum record_codec codec_for(const struct video *to,
				   const struct video *from)
{
	enum record_codec same = coder_codec(from->coder);
	enum record_codec other = same == CODEC_VP8 ? CODEC_VP9 : CODEC_VP8;
	uint32_t codecs = call_codecs(to->call);

	if (to == from || codecs >> same & 1 || !(codecs >> other & 1))
		return same;

	return other;
}

static bool is_for(const struct video *to, const struct video *from,
		   uint64_t shown)
{
	struct graph_tag tag = { from->call->peer, GRAPH_VIDEO };

	if (to->broken || to->call->session != from->call->session)
		return false;

	return route_reaches(tag, to->call->peer, call_role(to->call)) &&
	       (to == from || shown == from->call->peer);
}

/* A reader that stands still while there is something to read is away: its
 * wishes do not count. */
static bool is_away(struct video *to, struct mono now)
{
	uint64_t at = ering_read_at(to->call->end.far_video);

	if (at != to->read_at || !to->unread) {
		to->read_at = at;
		to->read_when = now;
		to->unread = false;
	}

	return mono_since(now, to->read_when) > STALLED_US;
}

/* What the receivers of one codec want of its encoder. */
struct wishes {
	unsigned receivers;
	uint32_t bps;		/* 0: nobody said */
	bool key;
};

static void add_wishes(struct wishes *w, struct video *to, bool listens,
		       struct mono now)
{
	uint32_t bps = to->target_bps;

	w->receivers++;
	if (is_away(to, now))
		return;
	if (listens && bps && bps < BPS_LISTENER)
		bps = BPS_LISTENER;
	if (bps && (!w->bps || bps < w->bps))
		w->bps = bps;
	w->key |= to->asks_key || to->needs_key;
}

/* Another source or codec than before: from its key frame on. */
static void follow_source(struct video *to, const struct video *from,
			  enum record_codec codec)
{
	if (to->shown == from->call->peer && to->codec == codec)
		return;
	if (to->shown != from->call->peer)
		to->shift = 0;
	to->shown = from->call->peer;
	to->codec = codec;
	to->needs_key = true;
}

/* It gets no more of this source; should it ever again, then from a key frame
 * on. */
static void lose_source(struct video *to, const struct video *from)
{
	if (to->shown == from->call->peer &&
	    to->call->session == from->call->session)
		to->shown = 0;
}

static void give(struct video *to, const struct record *coded,
		 const void *payload)
{
	struct record out = *coded;
	int err;

	if (to->needs_key && !(out.flags & RECORD_KEY))
		return;
	/* Sources differ by less than a picture; time goes on. */
	out.rtp_time += to->shift;
	if (out.rtp_time <= to->time) {
		to->shift += to->time + 1 - out.rtp_time;
		out.rtp_time = to->time + 1;
	}
	out.seq_first = out.seq_last = to->seq;
	err = link_send_video(&to->call->end, &out, payload);
	to->unread = true;
	if (err == -EMSGSIZE)
		to->asks_key = true;
	if (err)
		return;
	to->seq++;
	to->time = out.rtp_time;
	if (out.flags & RECORD_KEY)
		to->needs_key = to->asks_key = false;
	count(&to->t->w->counts.video_out, 1);
}

static void encode_for(struct video *v, enum record_codec codec,
		       const struct wishes *w, uint64_t shown, struct mono now)
{
	const void *payload;
	struct record out;

	if (w->bps)
		coder_bitrate(v->coder, codec, w->bps);
	if (w->key)
		coder_force_key(v->coder, codec);
	coder_key_span(v->coder, codec, w->receivers > 1 ? KEY_SHARED_US :
							  CODER_KEY_US);
	if (coder_encode(v->coder, codec, now, &out, &payload) != 1)
		return;
	for (struct video *to = v->t->videos; to; to = to->next)
		if (is_for(to, v, shown) && codec_for(to, v) == codec)
			give(to, &out, payload);
}

/* The picture held, once for each codec that somebody gets it in. */
static void encode(struct video *v)
{
	static const enum record_codec codecs[] = { CODEC_VP8, CODEC_VP9 };
	struct wishes wishes[CODECS] = { 0 };
	struct mono now = mono_now();
	uint64_t shown = shown_in(v->t, v->call->session, now);
	int err = coder_take(v->coder, now);

	if (err < 0)
		coder_drop(v->coder);
	if (err != 1)
		return;
	for (struct video *to = v->t->videos; to; to = to->next) {
		enum record_codec codec = codec_for(to, v);

		if (!is_for(to, v, shown)) {
			lose_source(to, v);
			continue;
		}
		follow_source(to, v, codec);
		add_wishes(&wishes[codec], to, to != v, now);
	}
	for (size_t i = 0; i < ARRAY_LEN(codecs); i++)
		if (wishes[codecs[i]].receivers)
			encode_for(v, codecs[i], &wishes[codecs[i]], shown,
				   now);
}

static bool is_routed(const struct video *v)
{
	return route_sends(call_role(v->call), GRAPH_VIDEO) &&
	       atomic_load_explicit(&v->t->w->passes_video,
				    memory_order_relaxed);
}

/* What to do with a picture that waited this long: a backlog of a second
 * is not decoded, the sender begins anew. */
static void judge_age(struct video *v, const struct record *rec, int64_t age_us)
{
	if (age_us > FAR_US && !(rec->flags & RECORD_KEY))
		coder_gap(v->coder);
}

/* Decodes until a picture is due for encoding. 0, or -EBADMSG. */
static int decode(struct video *v)
{
	struct frame_shape shape;
	struct record rec;
	int64_t age_us;
	int err = 0;

	for (int n = 0; n < DECODES; n++) {
		err = next_picture(v, &rec);
		if (err <= 0)
			return err;
		count(&v->t->w->counts.video_in, 1);
		v->track = rec.track;
		if (!is_routed(v))
			continue;
		v->live = true;
		age_us = mono_now().us - rec.arrival_us;
		judge_age(v, &rec, age_us);
		(void)!coder_decode(v->coder, &rec, v->t->payload);
		if (coder_asks_key(v->coder, mono_now()))
			send_note(v, RECORD_KEYFRAME, 0);
		if (coder_wants_frames(v->coder, &shape)) {
			wish_frames(v, &shape);
			return 0;
		}
		if (coder_holds(v->coder) && age_us <= BEHIND_US)
			return 0;
	}

	return 0;
}

static void on_turn(struct mono now, void *arg)
{
	struct video *v = arg;
	struct ering_reader *in = &v->call->end.video_in;
	int err;

	if (v->waiting || v->broken)
		return;
	ering_wake(in);
	err = decode(v);
	if (err < 0) {
		v->broken = true;
		tell_broken(v->t, v->call, err);
		return;
	}
	if (v->waiting)
		return;
	if (coder_holds(v->coder))
		encode(v);
	if (!ering_sleep(in))
		loop_timer(v->t->loop, &v->again, now, on_turn, v);
}

static void on_sweep(struct mono now, void *arg)
{
	struct video_thread *t = arg;

	for (struct video *v = t->videos; v; v = v->next)
		on_turn(now, v);
	if (t->videos)
		loop_timer(t->loop, &t->sweep, mono_add(now, SWEEP_US),
			   on_sweep, t);
}

static struct video *video_of(struct video_thread *t, const struct call *c)
{
	for (struct video *v = t->videos; v; v = v->next)
		if (v->call == c)
			return v;

	return NULL;
}

static int video_new(struct video_thread *t, struct call *c, int bell)
{
	struct video *v = calloc(1, sizeof(*v));
	int err;

	if (!v)
		return -ENOMEM;
	v->t = t;
	v->call = c;
	v->opened = v->read_when = mono_now();
	err = coder_new(&v->coder, c->peer);
	if (!err)
		err = ear_open(&v->bell, t->loop, bell, on_turn, v);
	if (err) {
		coder_free(v->coder);
		free(v);
		return err;
	}
	v->next = t->videos;
	t->videos = v;

	return 0;
}

static void unlist(struct video *v)
{
	for (struct video **at = &v->t->videos; *at; at = &(*at)->next) {
		if (*at == v) {
			*at = v->next;
			break;
		}
	}
}

/* It stands in the list no more. */
static void video_free(struct video *v)
{
	ear_close(&v->bell);
	loop_untimer(&v->again);
	coder_free(v->coder);
	free(v);
}

static void open_call(struct video_thread *t, const struct note *n,
		      struct mono now)
{
	int err = video_new(t, n->call, n->fd);

	if (err) {
		close(n->fd);
		tell_broken(t, n->call, err);
		return;
	}
	on_turn(now, t->videos);
	if (!t->sweep.loop)
		loop_timer(t->loop, &t->sweep, mono_add(now, SWEEP_US),
			   on_sweep, t);
}

static void close_call(struct video_thread *t, const struct note *n)
{
	struct video *v = video_of(t, n->call);
	struct note closed = { .kind = NOTE_CLOSED, .call = n->call,
			       .fd = -1 };

	if (v) {
		unlist(v);
		video_free(v);
	}
	tell(t, &closed);
}

static void take_frames(struct video_thread *t, const struct note *n,
			struct mono now)
{
	struct video *v = video_of(t, n->call);
	struct frame_shape shape;
	int err = v && frames_answer(&shape, &n->u.frames) ?
			  coder_take_frames(v->coder, &shape, n->fd) : -EINVAL;

	if (v && err) {
		v->broken = true;
		tell_broken(t, v->call, err);
	} else if (v) {
		v->waiting = false;
		if (coder_wants_frames(v->coder, &shape))
			wish_frames(v, &shape);
		else if (coder_holds(v->coder))
			encode(v);
		on_turn(now, v);
	}
	close(n->fd);
}

static void on_notes(int fd, uint32_t events, struct mono now, void *arg)
{
	struct video_thread *t = arg;
	struct note n;

	(void)fd;
	(void)events;
	lane_hear(t->w->down);
	while (lane_take(t->w->down, &n)) {
		if (n.kind == NOTE_OPEN)
			open_call(t, &n, now);
		else if (n.kind == NOTE_CLOSE)
			close_call(t, &n);
		else if (n.kind == NOTE_FRAMES)
			take_frames(t, &n, now);
		else if (n.kind == NOTE_QUIT)
			loop_stop(t->loop);
	}
}

static void *run(void *arg)
{
	struct video_thread *t = arg;
	struct video *v;

	shed_priority();
	(void)!loop_run(t->loop);
	while ((v = t->videos)) {
		t->videos = v->next;
		video_free(v);
	}
	loop_untimer(&t->sweep);
	loop_unwatch(&t->notes);

	return NULL;
}

int video_start(struct video_thread **out, struct worker *w)
{
	struct video_thread *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->w = w;
	if ((err = loop_new(&t->loop)) ||
	    (err = loop_watch(t->loop, &t->notes, lane_bell(w->down), EPOLLIN,
			      on_notes, t)) ||
	    (err = -pthread_create(&t->thread, NULL, run, t))) {
		loop_unwatch(&t->notes);
		loop_free(t->loop);
		free(t);
		return err;
	}
	*out = t;

	return 0;
}

void video_stop(struct video_thread *t)
{
	struct note n = { .kind = NOTE_QUIT, .fd = -1 };

	if (!t)
		return;
	while (lane_put(t->w->down, &n) != 0)
		sched_yield();
	pthread_join(t->thread, NULL);
	loop_free(t->loop);
	free(t);
}
