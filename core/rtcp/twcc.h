/*
 * twcc.h - transport-wide feedback, RTCP 205/15
 *
 * draft-holmer-rmcat-transport-wide-cc-extensions-01. Reads and writes the
 * format; who records arrivals is arrival.h, who judges them estimate.h.
 *
 * Units    Arrival times are microseconds on the receiver's own clock,
 *          modulo 2^24 * 64 ms; the wire has steps of 250 us.
 */
#ifndef CORE_RTCP_TWCC_H
#define CORE_RTCP_TWCC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "core/rtcp/rtcp.h"

enum {
	TWCC_TICK_US = 250,
	TWCC_REF_US = 64000,
	TWCC_PACKETS_MAX = 4096,	/* of one message we read */
};

struct twcc_reader {
	uint32_t sender, media;
	uint16_t base;		/* first transport-wide number */
	uint16_t count;		/* packets told of */
	uint8_t fb_count;
	int64_t ref_us;		/* reference time, signed */
	/* private */
	struct buf_in chunks, deltas;
	uint16_t told, chunk, run;
	int64_t at_us;
};

/* -EBADMSG unless chunks and deltas are complete for `count` packets. */
int twcc_read(struct twcc_reader *r, const struct rtcp_packet *p) MUST_USE;

struct twcc_status {
	uint16_t seq;
	bool received;
	int64_t arrival_us;	/* when received */
};

/* The next packet, in order; false at the end. */
bool twcc_next(struct twcc_reader *r, struct twcc_status *out);

struct twcc_arrived {
	bool received;
	int64_t arrival_us;
};

/*
 * Writes one message about packets base, base + 1, ... and returns how many
 * of `count` it covers: fewer when a step does not fit into 16 bits or the
 * message would pass max_bytes (at least 64). 0 with out->bad when there is
 * no room.
 */
size_t twcc_write(struct buf_out *out, uint32_t sender, uint32_t media,
		  uint8_t fb_count, uint16_t base,
		  const struct twcc_arrived *packet, size_t count,
		  size_t max_bytes);

#endif
