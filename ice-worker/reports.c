/* reports.c - peer_stats every 5 s, ice_log */

#include "ice-worker/reports.h"

#include "common/clock.h"
#include "ice-worker/peer.h"

#include <stdlib.h>
#include <string.h>

enum { STATS_EVERY_US = 5000000 };

static uint64_t lost_out(const struct rtp_send *send)
{
	struct rtp_send_stats stats;

	if (!send)
		return 0;
	rtp_send_get_stats(send, &stats);

	return stats.lost > 0 ? (uint64_t)stats.lost : 0;
}

static void say_estimate(const struct peer *p)
{
	struct estimate_stats e;

	if (!p->out.estimate)
		return;
	estimate_get_stats(p->out.estimate, &e);
	log_line(LOG_DEBUG, "estimate",
		 "bps=%u delay=%u loss=%u remb=%u acked=%u feedbacks=%llu "
		 "overuses=%llu", estimate_bps(p->out.estimate), e.delay_bps,
		 e.loss_bps, e.remb_bps, e.acked_bps,
		 (unsigned long long)e.feedbacks,
		 (unsigned long long)e.overuses);
}

static uint64_t dropped_by_dtls(const struct transport *t)
{
	struct dtls_stats stats = { 0 };

	if (t->dtls)
		dtls_stats(t->dtls, &stats);

	return stats.dropped_bad + stats.dropped_full;
}

void reports_stats(struct peer *p)
{
	const struct transport *t = &p->transport;
	const struct msg_peer_stats m = {
		.peer = p->id,
		.packets_in = t->packets_in,
		.packets_out = t->packets_out,
		.bytes_in = t->bytes_in,
		.bytes_out = t->bytes_out,
		.lost_in = (uint64_t)media_in_lost(p),
		.lost_out = lost_out(p->out.audio.send) +
			    lost_out(p->out.video.send),
		.dropped = t->dropped + p->in.unknown + p->data.refused +
			   dropped_by_dtls(t),
		.rtt_us = (uint32_t)p->in.rtt_us,
		.bitrate_bps = p->out.estimate ?
				       estimate_bps(p->out.estimate) : 0,
	};

	(void)send_peer_stats(&p->wire, &m, NULL, 0, NULL);
}

static void on_timer(struct mono now, void *arg)
{
	struct peer *p = arg;

	say_estimate(p);
	reports_stats(p);
	loop_timer(p->loop, &p->reports.timer, mono_add(now, STATS_EVERY_US),
		   on_timer, p);
}

static int send_line(struct peer *p, uint32_t level, const char *line,
		     size_t len)
{
	const struct msg_ice_log m = { level, 0 };

	return send_ice_log(&p->wire, &m, line, len < MSG_LOG ? len : MSG_LOG,
			    NULL);
}

static void keep_line(struct reports *r, uint32_t level, const char *line,
		      size_t len)
{
	struct kept_line *kept;

	if (!r->kept)
		r->kept = calloc(LINES_KEPT, sizeof(*r->kept));
	if (!r->kept)
		return;
	if (r->count == LINES_KEPT) {
		r->first = (r->first + 1) % LINES_KEPT;
		r->count--;
		r->lines_dropped++;
	}
	kept = &r->kept[(r->first + r->count++) % LINES_KEPT];
	kept->level = level;
	kept->len = (uint32_t)(len < sizeof(kept->text) ? len :
							  sizeof(kept->text));
	memcpy(kept->text, line, kept->len);
}

static void on_line(enum log_level level, const char *line, size_t len,
		    void *arg)
{
	struct peer *p = arg;
	struct reports *r = &p->reports;
	struct mono now = mono_now();

	if (mono_since(now, r->second) > 1000000) {
		r->second = now;
		r->in_second = 0;
	}
	if (r->in_second++ >= LINES_A_SECOND) {
		r->lines_dropped++;
		return;
	}
	if (send_line(p, level, line, len) < 0)
		keep_line(r, level, line, len);
}

void reports_flush(struct peer *p)
{
	struct reports *r = &p->reports;

	while (r->count > 0) {
		const struct kept_line *kept = &r->kept[r->first];

		if (send_line(p, kept->level, kept->text, kept->len) < 0)
			return;
		r->first = (r->first + 1) % LINES_KEPT;
		r->count--;
	}
	free(r->kept);
	r->kept = NULL;
	r->first = 0;
}

void reports_start(struct peer *p)
{
	log_set_sink(on_line, p);
	loop_timer(p->loop, &p->reports.timer,
		   mono_add(mono_now(), STATS_EVERY_US), on_timer, p);
}

void reports_fini(struct peer *p)
{
	log_set_sink(NULL, NULL);
	loop_untimer(&p->reports.timer);
	free(p->reports.kept);
	p->reports.kept = NULL;
}
