/*
 * worker.c - the media-worker: channel, notes, sweep
 *
 * The broker may go and a new one may dial at any time: links, sound and
 * pictures go on meanwhile. The new one is told which links are held. When
 * neither a broker nor a peer is left, alone.c ends the process.
 */

#include "media-worker/worker.h"

#include "common/clock.h"
#include "common/log.h"
#include "media-worker/shed.h"
#include "media-worker/video.h"
#include "shm/doorbell.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	SWEEP_US = 50000,
	JITTER_MAX_US = 200000,	/* until media_setup says */
	LOG_LINES = 200,	/* a second */
	LAST_WORDS_MS = 200,
};

static volatile sig_atomic_t stopping, stop_bell = -1;

void worker_stop(void)
{
	stopping = 1;
	if (stop_bell >= 0)
		doorbell_ring(stop_bell);
}

/* Lines beyond the limit are dropped: the broker is not to be flooded. */
static void log_by_channel(enum log_level level, const char *line, size_t len,
			   void *arg)
{
	struct worker *w = arg;
	struct msg_media_log m = { .level = (uint32_t)level };
	struct mono now = mono_now();

	if (mono_since(now, w->log_window) > 1000000) {
		w->log_window = now;
		w->log_lines = 0;
	}
	if (w->log_lines++ >= LOG_LINES)
		return;
	if (len > MSG_LOG)
		len = MSG_LOG;
	if (!channel_is_up(w->channel) ||
	    send_media_log(&w->wire, &m, line, len, NULL) != 0)
		log_relay(line, len);
}

static void on_up(void *arg)
{
	struct worker *w = arg;
	struct msg_media_hello hello = {
		.abi = msg_abi(), .pid = (uint32_t)getpid(),
		.index = w->opt->index,
	};
	struct call *next;

	for (struct call *c = w->calls; c; c = c->next)
		hello.links += c->stage == CALL_FLOWING;
	w->wire.seq = 0;
	w->phase = AT_BOOT;
	if (send_media_hello(&w->wire, &hello, NULL, 0, NULL) != 0)
		return;
	w->phase = AT_IDLE;
	for (struct call *c = w->calls; c; c = c->next)
		if (c->stage == CALL_FLOWING)
			(void)send_media_holds(&w->wire,
				&(struct msg_media_holds){ c->peer,
				c->generation }, NULL, 0, NULL);
	for (struct call *c = w->calls; c; c = next) {
		next = c->next;
		if (c->stage == CALL_FLOWING)
			call_wish_again(c, mono_now());
	}
}

static void on_down(void *arg)
{
	struct worker *w = arg;

	w->phase = AT_BOOT;
}

static int on_frame(const void *bytes, size_t len, const int *fds,
		    unsigned nfds, void *arg)
{
	struct worker *w = arg;
	struct wire_in in;
	int err = wire_open(&in, bytes, len, nfds, BROKER, MEDIA, w->phase);

	if (err) {
		for (unsigned i = 0; i < nfds; i++)
			close(fds[i]);
		return err;
	}
	err = dispatch(w, &in, fds);
	if (w->quit)
		loop_stop(w->loop);

	return err;
}

/* Notes of the video thread. */
static void take_note(struct worker *w, const struct note *n)
{
	struct call *c = n->call;

	if (n->kind == NOTE_CLOSED) {
		call_released(c);
	} else if (c->stage == CALL_LEAVING) {
		return;		/* what it wished for is moot */
	} else if (n->kind == NOTE_BROKEN) {
		call_break(c, n->u.err);
	} else if (n->kind == NOTE_WANT) {
		c->want = n->u.want;
		c->wants = true;
		c->wished = mono_now();
		(void)send_media_frames_want(&w->wire, &c->want, NULL, 0,
					     NULL);
	}
}

static void on_notes(int fd, uint32_t events, struct mono now, void *arg)
{
	struct worker *w = arg;
	struct note n;

	(void)fd;
	(void)events;
	(void)now;
	lane_hear(w->up);
	while (lane_take(w->up, &n))
		take_note(w, &n);
	if (stopping)
		loop_stop(w->loop);
}

static void on_sweep(struct mono now, void *arg)
{
	struct worker *w = arg;
	struct call *next;

	for (struct call *c = w->calls; c; c = next) {
		next = c->next;
		call_sweep(c, now);
	}
	if (w->calls)
		loop_timer(w->loop, &w->sweep, mono_add(now, SWEEP_US),
			   on_sweep, w);
}

void worker_watch_calls(struct worker *w)
{
	if (!w->sweep.loop)
		on_sweep(mono_now(), w);
}

int worker_new(struct worker **out, const struct options *opt)
{
	struct worker *w = calloc(1, sizeof(*w));
	struct channel_ops ops = { on_up, on_down, on_frame, w };
	int err;

	if (!w)
		return -ENOMEM;
	w->opt = opt;
	w->phase = AT_BOOT;
	w->jitter_max_us = JITTER_MAX_US;
	graph_init(&w->graph, 0);
	if ((err = loop_new(&w->loop)) || (err = lane_new(&w->down)) ||
	    (err = lane_new(&w->up)) ||
	    (err = loop_watch(w->loop, &w->on_up, lane_bell(w->up), EPOLLIN,
			      on_notes, w)) ||
	    (err = channel_new(&w->channel, w->loop, FD_CTL, FD_FDS, &ops))) {
		worker_free(w);
		return err;
	}
	w->wire = (struct wire){ channel_send, w->channel, 0 };
	stop_bell = lane_ringer(w->up);
	log_set_sink(log_by_channel, w);
	*out = w;

	return 0;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	log_set_sink(NULL, NULL);
	stop_bell = -1;
	call_free_all(w);
	if (w->loop) {
		loop_untimer(&w->stats);
		loop_untimer(&w->alone);
		loop_untimer(&w->sweep);
		loop_unwatch(&w->on_up);
	}
	channel_free(w->channel);
	lane_free(w->down);
	lane_free(w->up);
	loop_free(w->loop);
	free(w);
}

int worker_run(struct worker *w)
{
	struct video_thread *video;
	int err = video_start(&video, w);

	if (err)
		return err;
	w->links_max = shed_links();
	stats_start(w);
	alone_start(w);
	log_info("started", "worker=%u core=%u", w->opt->index, w->opt->core);
	if (!stopping)
		err = loop_run(w->loop);
	video_stop(video);
	if (channel_is_up(w->channel))
		channel_flush(w->channel, LAST_WORDS_MS);

	return err;
}
