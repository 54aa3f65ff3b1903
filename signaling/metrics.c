/*
 * metrics.c - the page of counters, and the access log
 *
 * Rows of one family stand together in the table and the first of them has
 * the help text, so HELP and TYPE are written where it is not empty.
 */

#include "signaling/metrics.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "signaling/limit.h"

enum {
	NUMBER = 32,
	LOG_NAME = 144,		/* bytes of a peer's name in a line */
	LINES_PER_S = 250, FAILURES_PER_S = 5,
};

#define PREFIX "remotemedia_"

static const struct row {
	const char *name, *label, *help;
} rows[METRICS] = {
#define METRICS_ROW(id, name, label, help) [id] = { name, label, help },
	METRICS_TABLE(METRICS_ROW)
#undef METRICS_ROW
};

static void put_family(struct text *out, const char *name, const char *type,
		       const char *help)
{
	text_puts(out, "# HELP ");
	text_puts(out, name);
	text_puts(out, " ");
	text_puts(out, help);
	text_puts(out, "\n# TYPE ");
	text_puts(out, name);
	text_puts(out, type);
}

static void put_counter(struct text *out, const struct row *row, uint64_t v)
{
	char name[96];

	snprintf(name, sizeof(name), PREFIX "%s", row->name);
	if (row->help[0])
		put_family(out, name, " counter\n", row->help);
	text_puts(out, name);
	if (row->label[0]) {
		text_puts(out, "{");
		text_puts(out, row->label);
		text_puts(out, "}");
	}
	text_puts(out, " ");
	text_int(out, (int64_t)v);
	text_puts(out, "\n");
}

static void put_value(struct text *out, const char *name, const char *type,
		      const char *help, double v)
{
	char number[NUMBER];

	put_family(out, name, type, help);
	snprintf(number, sizeof(number), " %.17g\n", v);
	text_puts(out, name);
	text_puts(out, number);
}

static void put_gauge(struct text *out, const char *name, const char *help,
		      double v)
{
	put_value(out, name, " gauge\n", help, v);
}

static void put_media(struct text *out, const struct gauges *g)
{
	put_gauge(out, PREFIX "broker_up",
		  "1 while the session-broker is there.", g->broker_up);
	put_gauge(out, PREFIX "media_calls", "Calls that the broker holds.",
		  (double)g->media_calls);
	put_gauge(out, PREFIX "media_connected_calls",
		  "Calls whose media is connected.",
		  (double)g->media_connected);
	put_gauge(out, PREFIX "media_workers", "Media workers that live.",
		  (double)g->media_workers);
	put_value(out, PREFIX "process_restarts_total", " counter\n",
		  "Processes that the broker started again.",
		  (double)g->restarts);
}

void metrics_write(struct text *out, const struct metrics *m,
		   const struct gauges *g)
{
	for (int i = 0; i < METRICS; i++)
		put_counter(out, &rows[i], m->count[i]);
	put_gauge(out, PREFIX "signaling_connections",
		  "Connections that are open.", (double)g->connections);
	put_gauge(out, PREFIX "signaling_websockets",
		  "WebSockets that are open.", (double)g->websockets);
	put_gauge(out, PREFIX "signaling_peers",
		  "Peers that announced themselves, held ones included.",
		  (double)g->peers);
	put_gauge(out, PREFIX "signaling_held_peers",
		  "Peers whose connection is lost and that may come back.",
		  (double)g->peers_held);
	put_gauge(out, PREFIX "signaling_calls",
		  "Calls with the pipeline.", (double)g->calls);
	put_media(out, g);
	put_gauge(out, PREFIX "signaling_uptime_seconds",
		  "Seconds since this process serves.", g->uptime_s);
	put_gauge(out, "process_start_time_seconds",
		  "Start of the process, seconds since 1970.",
		  g->start_time_s);
	put_gauge(out, "process_heap_bytes",
		  "Bytes of the heap that are in use.",
		  (double)g->memory_bytes);
}

/* A name for a log line: quoted, because a peer's name may hold spaces. */
static void shown(char out[LOG_NAME], const char *name)
{
	size_t len = 0;

	for (; name && name[len] && len < LOG_NAME - 1; len++) {
		unsigned char c = (unsigned char)name[len];

		out[len] = name[len];
		if (c < ' ' || c == 0x7f || c == '"' || c == '\\')
			out[len] = '?';
	}
	out[len] = '\0';
	text_clean(out, len);
}

/* Lines of one kind of outcome, and how many had none since the last. */
struct line_limit {
	struct limit lines;
	uint64_t left_out;
};

static bool may_log(struct line_limit *l, double per_s, struct mono now,
		    uint64_t *left_out)
{
	if (l->lines.burst == 0)
		limit_init(&l->lines, per_s, 4 * per_s, now);
	if (!limit_take(&l->lines, 1, now)) {
		l->left_out++;
		return false;
	}
	*left_out = l->left_out;
	l->left_out = 0;

	return true;
}

void access_log(const char *door, const char *peer, const char *method,
		struct mono start, struct mono now, const char *outcome)
{
	char name[LOG_NAME], what[LOG_NAME];
	static struct line_limit good, bad;
	bool ok = strcmp(outcome, "ok") == 0;
	uint64_t left_out = 0;

	if (!log_on(LOG_INFO) ||
	    !may_log(ok ? &good : &bad, ok ? LINES_PER_S : FAILURES_PER_S,
		     now, &left_out))
		return;
	shown(name, peer);
	shown(what, method);
	if (left_out)
		log_info("calls without a line", "outcome=%s count=%llu",
			 ok ? "ok" : "failed", (unsigned long long)left_out);
	log_info("call", "door=%s peer=\"%s\" method=\"%s\" ms=%.3f "
		 "outcome=%s", door, name, what,
		 (double)mono_since(now, start) / 1000, outcome);
}
