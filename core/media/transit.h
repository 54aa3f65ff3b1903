/*
 * transit.h - how late packets come, against the fastest of the last seconds
 *
 * Keeps arrival minus media time of the last packets. The smallest is the
 * fastest way over the link (and follows the drift of the sender's clock);
 * what the others came later than that is their lateness.
 *
 * Units    Microseconds.
 * Process  Pure, plain data.
 */
#ifndef CORE_MEDIA_TRANSIT_H
#define CORE_MEDIA_TRANSIT_H

#include <stdint.h>

enum { TRANSIT_WINDOW = 256 };	/* packets: 5 s of 20 ms */

struct transit {
	int64_t ring[TRANSIT_WINDOW];	/* in order of arrival */
	int64_t sorted[TRANSIT_WINDOW];
	uint32_t len, next;
};

/* Forgets all. */
void transit_init(struct transit *t);

void transit_push(struct transit *t, int64_t transit_us);

/* The smallest and the latest value; 0 when empty. */
int64_t transit_fastest(const struct transit *t);
int64_t transit_latest(const struct transit *t);

/* The lateness that `percent` of the packets do not exceed. */
int64_t transit_lateness(const struct transit *t, uint32_t percent);

#endif
