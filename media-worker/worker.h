/*
 * worker.h - the media-worker: its threads, its links, its channel
 *
 * First thread: control channel, sound, data, timing. Second thread: the
 * picture (video.h). They share two lanes of notes and the counters below.
 */
#ifndef MEDIA_WORKER_WORKER_H
#define MEDIA_WORKER_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/channel.h"
#include "common/err.h"
#include "common/loop.h"
#include "core/media/graph.h"
#include "media-worker/call.h"
#include "media-worker/lane.h"
#include "media-worker/options.h"
#include "proto/wire.h"

/* Totals since the start; each has one writing thread. */
struct counts {
	_Atomic uint64_t audio_in, audio_out, video_in, video_out;
	_Atomic uint64_t concealed, late, data_in, data_out;
};

struct worker {
	const struct options *opt;
	struct loop *loop;
	struct channel *channel;
	struct wire wire;
	enum phase phase;
	struct graph graph;
	uint32_t jitter_max_us;
	struct call *calls;
	struct room *rooms;
	unsigned links;			/* calls in the list */
	unsigned links_max;		/* LINKS_MAX, or what files allow */
	struct lane *down, *up;		/* to and from the video thread */
	struct watch on_up;
	struct timer stats, sweep, alone;
	struct mono company;	/* when a broker or a record was last here */
	uint64_t carried;	/* records until then */
	struct counts counts;
	struct counts past;	/* jitter figures of calls that ended */
	_Atomic uint32_t passes_video;	/* the graph's word for the 2nd one */
	struct mono log_window;
	unsigned log_lines;
	bool quit;
	uint8_t scratch[RECORD_PAYLOAD_DATA];
};

static inline void count(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c,
			      memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline uint64_t counted(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

int worker_new(struct worker **out, const struct options *opt) MUST_USE;
void worker_free(struct worker *w);

/* Until media_quit, SIGTERM, or when nobody is left (alone.c). */
int worker_run(struct worker *w) MUST_USE;

/* Ends worker_run(). From a signal handler. */
void worker_stop(void);

/* There are calls: look at their rings now and then. */
void worker_watch_calls(struct worker *w);

/* stats.c: every 5 s, and the sum of what ended. */
void stats_start(struct worker *w);
void stats_retire(struct worker *w, const struct audio *a);

/* alone.c: leaves after opt->alone_s without a broker and without sound,
 * pictures or data. */
void alone_start(struct worker *w);

/* dispatch.c */
int dispatch(struct worker *w, const struct wire_in *in, const int *fds);

/* A handler of each message for this process: 0, or -EPROTO, after which
 * the channel is closed. Descriptors are the handler's. */
#define HANDLER_MEDIA(name)                                                   \
	int on_##name(struct worker *w, const struct msg_##name *m,           \
		      const int *fds);
#define HANDLER_BROKER(name)
#define HANDLER_SIGNALING(name)
#define HANDLER_TEMPLATE(name)
#define HANDLER_ICE(name)
#define ROW(name, from, to, when, fds, blob) HANDLER_##to(name)
MSG_TABLE(ROW)
#undef ROW

#endif
