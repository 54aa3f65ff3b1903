/*
 * estimate.h - how many bits per second the path to the far end takes
 *
 * Three views, the lowest counts: growth of one-way delay (a trend line over
 * transport-wide feedback, after draft-ietf-rmcat-gcc-02), loss (feedback or
 * receiver reports), and the receiver's own bound (REMB).
 *
 * Units    bit/s of RTP packets, headers included. Packets are named by
 *          their extended transport-wide number.
 * Memory   One allocation in estimate_new() (about 100 KB, touched as
 *          packets are sent).
 * Threads  One owner, no locks.
 */
#ifndef CORE_CC_ESTIMATE_H
#define CORE_CC_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "core/rtcp/rtcp.h"

struct estimate;

struct estimate_cfg {
	uint32_t start_bps, min_bps, max_bps;	/* 0: 1M, 50k, 4M */
};

/* -EINVAL unless min <= start <= max, -ENOMEM. End with estimate_free(). */
int estimate_new(struct estimate **out, const struct estimate_cfg *cfg)
	MUST_USE;

/* NULL is fine. */
void estimate_free(struct estimate *e);

/* A packet with this transport-wide number leaves now. Told again for a
 * packet that is sent again under its old number: its delay then says
 * nothing and is left out. */
void estimate_sent(struct estimate *e, int64_t twcc, size_t bytes,
		   struct mono now);

/* An RTCP 205/15 came. -EBADMSG. */
int estimate_feedback(struct estimate *e, const struct rtcp_packet *p,
		      struct mono now) MUST_USE;

/* fraction_lost /256 of a report block; used while no feedback comes. */
void estimate_report(struct estimate *e, uint8_t fraction_lost,
		     struct mono now);

void estimate_remb(struct estimate *e, uint64_t bps, struct mono now);

void estimate_rtt(struct estimate *e, int64_t rtt_us);

/* true when the target moved by 3 % or more since the last true (or is the
 * first): *bps is what encoders and pacer should aim at. */
bool estimate_poll(struct estimate *e, struct mono now, uint32_t *bps);

/* Whenever; the present target. */
uint32_t estimate_bps(const struct estimate *e);

struct estimate_stats {
	uint32_t delay_bps, loss_bps, remb_bps;	/* the three bounds; remb 0:
						   none */
	uint32_t acked_bps;		/* what arrived lately */
	uint8_t fraction_lost;		/* /256 lately */
	uint64_t feedbacks, overuses;
};

void estimate_get_stats(const struct estimate *e, struct estimate_stats *out);

#endif
