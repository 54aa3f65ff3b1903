/*
 * packets.h - the packets a jitter buffer holds, by number
 *
 * Memory   Plain data; copies what is put. Pointers are valid until the
 *          packet is dropped.
 * Process  Pure.
 */
#ifndef CORE_MEDIA_PACKETS_H
#define CORE_MEDIA_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mono.h"

enum {
	PACKETS_MAX = 64,	/* held at most: numbers within this range */
	PACKET_BYTES = 1500,	/* of one at most */
};

struct packet {
	bool held, fec;
	int64_t seq, media;
	uint32_t samples;
	size_t len;
	struct mono arrival;
	uint8_t bytes[PACKET_BYTES];
};

struct packets {
	uint32_t held;
	struct packet slots[PACKETS_MAX];
};

void packets_clear(struct packets *p);

/* The packet of this number; NULL. */
struct packet *packets_at(struct packets *p, int64_t seq);

/* The one with the lowest number from seq on; NULL. */
struct packet *packets_oldest(struct packets *p, int64_t seq);

/* The place for a number that is not held; the caller fills all but held. */
struct packet *packets_put(struct packets *p, int64_t seq);

void packets_drop(struct packets *p, struct packet *one);

#endif
