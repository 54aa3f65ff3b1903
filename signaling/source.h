/*
 * source.h - how many connections one address may have, and how fast
 *
 * A source is an IPv4 address or an IPv6 /64. Pure: the moment is an
 * argument.
 *
 * Memory   One entry a source with a connection or a spent rate;
 *          sources_sweep() drops the rest. At most SOURCES_MAX.
 */
#ifndef SIGNALING_SOURCE_H
#define SIGNALING_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"

enum { SOURCES_MAX = 65536, SOURCE_KEY = 8, SOURCE_TLS_PER_S = 10 };

struct sources;

struct source_key {
	uint8_t bytes[SOURCE_KEY];	/* 0 0 0 1 and IPv4, or the /64 */
};

struct source_caps {
	unsigned connections;	/* of one source at the same time */
	double per_s;		/* new ones of one source */
	double burst;
	unsigned total;		/* connections of all sources */
	unsigned tls_per_s;	/* handshakes of one; 0: SOURCE_TLS_PER_S */
};

int sources_new(struct sources **out, const struct source_caps *caps)
	MUST_USE;
void sources_free(struct sources *s);

/* From the 16 bytes of an IPv6 address (IPv4 as ::ffff:a.b.c.d). */
struct source_key source_key(const uint8_t ipv6[16]);
/* The key as a number; 0: this machine. */
uint64_t source_number(struct source_key key);

bool source_is_loopback(const uint8_t ipv6[16]);

/* Counts a new connection. -EUSERS: the source has too many. -EAGAIN: too
 * fast. -ENFILE: too many in all. -ENOMEM. */
int sources_enter(struct sources *s, struct source_key key, struct mono now)
	MUST_USE;

/* Counts a TLS handshake of a source that entered: tls_per_s, and twice
 * that at once. */
bool sources_handshake(struct sources *s, struct source_key key,
		       struct mono now);

/* The end of a connection that entered. */
void sources_leave(struct sources *s, struct source_key key);

void sources_sweep(struct sources *s, struct mono now);
unsigned sources_total(const struct sources *s);

#endif
