/*
 * trend.h - does the queue on the path grow
 *
 * Packets sent within 5 ms form a group. The change of one-way delay from
 * group to group is summed, smoothed and fitted with a line over the last 20
 * groups; its slope is compared with a threshold that follows the path's
 * own noise (draft-ietf-rmcat-gcc-02 sections 5.2 to 5.4).
 *
 * Units    Microseconds; send and arrival times on clocks of their own.
 * Memory   A plain struct; trend_init() before use.
 * Threads  One owner, no locks.
 */
#ifndef CORE_CC_TREND_H
#define CORE_CC_TREND_H

#include <stdbool.h>
#include <stdint.h>

enum { TREND_WINDOW = 20 };

enum trend_state { TREND_NORMAL, TREND_OVER, TREND_UNDER };

struct trend_group {
	int64_t first_sent, last_sent, first_arrival, last_arrival;
	bool used;
};

struct trend {
	struct trend_group now, before;
	double time_ms[TREND_WINDOW], delay_ms[TREND_WINDOW];
	unsigned groups;		/* fitted so far */
	int64_t origin;			/* arrival of the first group */
	double sum_ms, smooth_ms;	/* of delay changes */
	double slope, threshold;
	double over_ms;			/* time above the threshold */
	unsigned over_count;
	int64_t judged;			/* last arrival judged */
	enum trend_state state;
};

void trend_init(struct trend *t);

/* A packet was sent and has arrived; in order of arrival. */
void trend_packet(struct trend *t, int64_t sent_us, int64_t arrival_us);

#endif
