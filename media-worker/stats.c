/* stats.c - totals to the broker, every 5 s */

#include "common/clock.h"
#include "media-worker/worker.h"

enum { EVERY_US = 5000000, FRAME = 960 };

static void add(struct counts *to, const struct audio *a)
{
	struct audio_stats s;

	audio_stats(a, &s);
	count(&to->concealed, s.jitter.concealed / FRAME);
	count(&to->late, s.jitter.late);
}

void stats_retire(struct worker *w, const struct audio *a)
{
	add(&w->past, a);
}

static void on_stats(struct mono now, void *arg)
{
	struct worker *w = arg;
	struct counts sound = { 0 };
	struct msg_media_stats m = {
		.audio_in = counted(&w->counts.audio_in),
		.audio_out = counted(&w->counts.audio_out),
		.video_in = counted(&w->counts.video_in),
		.video_out = counted(&w->counts.video_out),
		.data_in = counted(&w->counts.data_in),
		.data_out = counted(&w->counts.data_out),
		.concealed = counted(&w->past.concealed),
		.late = counted(&w->past.late),
	};

	for (struct call *c = w->calls; c; c = c->next)
		if (c->audio)
			add(&sound, c->audio);
	m.concealed += counted(&sound.concealed);
	m.late += counted(&sound.late);
	if (w->phase == AT_IDLE)
		(void)send_media_stats(&w->wire, &m, NULL, 0, NULL);
	loop_timer(w->loop, &w->stats, mono_add(now, EVERY_US), on_stats, w);
}

void stats_start(struct worker *w)
{
	loop_timer(w->loop, &w->stats, mono_add(mono_now(), EVERY_US),
		   on_stats, w);
}
