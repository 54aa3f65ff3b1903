/*
 * reports.h - what this process says about itself: statistics, log lines
 *
 * A sealed process has no file to write to: a line goes to the broker, at
 * most 20 a second; while no broker is there the last ones are kept.
 */
#ifndef ICE_WORKER_REPORTS_H
#define ICE_WORKER_REPORTS_H

#include <stdint.h>

#include "common/log.h"
#include "common/loop.h"

struct peer;

enum { LINES_KEPT = 32, LINES_A_SECOND = 20 };

struct kept_line {
	uint32_t level, len;
	char text[LOG_LINE_MAX];
};

struct reports {
	struct timer timer;
	struct kept_line *kept;	/* LINES_KEPT, oldest at `first` */
	unsigned first, count;
	struct mono second;	/* the rate's interval began here */
	unsigned in_second;
	uint64_t lines_dropped;
};

/* From here on lines go through the broker. */
void reports_start(struct peer *p);
void reports_fini(struct peer *p);

/* The counts so far, now: every 5 s by itself, and when the call ends. */
void reports_stats(struct peer *p);

/* The broker is there: the kept lines. */
void reports_flush(struct peer *p);

#endif
