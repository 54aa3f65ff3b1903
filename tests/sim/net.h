/*
 * net.h - a simulated link, one direction
 *
 * Seeded delay, jitter, loss (single and in bursts), reordering,
 * duplication and a bottleneck with a bounded queue. The caller brings the
 * time; the same seed gives the same run.
 *
 * Memory   Plain storage (about 6 MB); net_init() before use.
 */
#ifndef TESTS_SIM_NET_H
#define TESTS_SIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mono.h"

enum { NET_FLIGHT = 4096, NET_PACKET = 1500 };

struct net_cfg {
	uint64_t seed;
	int64_t delay_us, jitter_us;	/* jitter: 0 to this, keeps order */
	double loss;			/* of single packets, 0..1 */
	double burst_begin, burst_end;	/* chance per packet to enter and to
					   leave a state that loses all */
	double reorder;			/* so many are late by up to 30 ms */
	double duplicate;
	int64_t rate_bps;		/* bottleneck; 0: none */
	int64_t queue_us;		/* longer than this is dropped */
};

struct net_packet {
	int64_t at_us;
	uint64_t order;
	size_t len;
	uint8_t bytes[NET_PACKET];
};

struct net {
	struct net_cfg cfg;
	uint64_t state, order;
	bool burst;
	int64_t free_us, last_us;	/* bottleneck; last arrival in order */
	unsigned flying;
	uint16_t heap[NET_FLIGHT], spare[NET_FLIGHT];
	unsigned spares;
	uint64_t sent, lost;
	struct net_packet packet[NET_FLIGHT];
};

void net_init(struct net *n, const struct net_cfg *cfg);

void net_send(struct net *n, const void *bytes, size_t len, struct mono now);

/* The next packet that has arrived by now; its length, 0 when none. */
size_t net_recv(struct net *n, struct mono now, void *bytes, size_t cap);

/* MONO_NEVER with nothing under way. */
struct mono net_due(const struct net *n);

/* 0 <= result < 1, and below a bound; from the link's own seed or another. */
double net_chance(uint64_t *state);
uint32_t net_below(uint64_t *state, uint32_t bound);

#endif
