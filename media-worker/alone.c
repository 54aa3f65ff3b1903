/*
 * alone.c - a worker that nobody needs leaves
 *
 * Without a broker its calls go on, for the next broker to find. When none
 * comes and the peers have gone, too, there is nothing to wait for.
 */

#include "common/clock.h"
#include "common/log.h"
#include "media-worker/worker.h"

enum { LOOK_US = 1000000, SECOND_US = 1000000 };

static uint64_t carried(const struct worker *w)
{
	const struct counts *c = &w->counts;

	return counted(&c->audio_in) + counted(&c->video_in) +
	       counted(&c->data_in);
}

static void on_alone(struct mono now, void *arg)
{
	struct worker *w = arg;
	uint64_t n = carried(w);

	if (channel_is_up(w->channel) || n != w->carried) {
		w->carried = n;
		w->company = now;
	} else if (mono_since(now, w->company) >
		   (int64_t)w->opt->alone_s * SECOND_US) {
		log_info("leaving", "alone_s=%u", w->opt->alone_s);
		loop_stop(w->loop);
		return;
	}
	loop_timer(w->loop, &w->alone, mono_add(now, LOOK_US), on_alone, w);
}

void alone_start(struct worker *w)
{
	w->company = mono_now();
	on_alone(w->company, w);
}
