/*
 * candidate.h - ICE candidates as text, and which of them may be talked to
 *
 * A pure module (RFC 8839 section 5.1). Nothing here resolves a name.
 *
 * Memory   Plain structs of the caller; nothing is allocated or borrowed.
 * Errors   Negative errno. `why` texts are constants.
 */
#ifndef CORE_SDP_CANDIDATE_H
#define CORE_SDP_CANDIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum {
	CANDIDATE_FOUNDATION = 32,	/* characters, RFC 8839 */
	CANDIDATE_UFRAG = 256,
	CANDIDATE_NAME = 253,		/* characters of a host name */
	CANDIDATE_LINE = 512,		/* characters of a line at most */
	CANDIDATE_ADDR_TEXT = 48,	/* bytes, with the final zero */
};

/* What stands in the connection address. */
enum addr_family { ADDR_NONE, ADDR_IPV4 = 4, ADDR_IPV6 = 6, ADDR_NAME = 9 };

/* IPv4 fills the first 4 bytes. Unused bytes are 0, so == works bytewise. */
struct addr {
	uint8_t family;		/* enum addr_family */
	uint8_t bytes[16];	/* network order */
};

enum candidate_type {
	CANDIDATE_HOST, CANDIDATE_SRFLX, CANDIDATE_PRFLX, CANDIDATE_RELAY
};

struct candidate {
	char foundation[CANDIDATE_FOUNDATION + 1];
	uint8_t component;	/* 1 RTP, 2 RTCP */
	bool udp;		/* otherwise TCP */
	enum candidate_type type;
	uint32_t priority;	/* 1 .. 2^31-1 */
	struct addr addr;
	char name[CANDIDATE_NAME + 1];	/* "" unless addr is a name */
	uint16_t port;		/* 0 only for active TCP */
	struct addr related;	/* ADDR_NONE when absent or a name */
	uint16_t related_port;
	char ufrag[CANDIDATE_UFRAG + 1];	/* "" when absent */
};

/*
 * One line with or without "a=", "candidate:" and line end.
 * -EINVAL: malformed, *why (never NULL afterwards) says how; *out is zeroed.
 */
int candidate_parse(struct candidate *out, const char *line, size_t len,
		    const char **why) MUST_USE;

/* "candidate:..." with a final zero, without "a=" and line end; its length.
 * -ENOSPC. */
int candidate_write(const struct candidate *c, char *out, size_t cap) MUST_USE;

/* A numeric address without brackets or zone. -EINVAL. */
int addr_parse(struct addr *out, const char *text, size_t len) MUST_USE;

/* RFC 5952 text; `out` holds CANDIDATE_ADDR_TEXT bytes. Returns out. */
const char *addr_write(const struct addr *a, char *out);

bool addr_equal(const struct addr *a, const struct addr *b);

/* The address that is really meant: IPv4-mapped and -compatible, NAT64
 * (64:ff9b::/96), 6to4 (2002::/16) and Teredo (2001::/32) become the IPv4
 * address inside; all others stay. */
struct addr addr_canonical(const struct addr *a);

/*
 * What kind of place it is, after canonicalisation. ADDR_METADATA and
 * ADDR_MULTICAST come before the range they lie in.
 */
enum addr_scope {
	ADDR_GLOBAL, ADDR_UNSPECIFIED, ADDR_LOOPBACK, ADDR_LINK_LOCAL,
	ADDR_PRIVATE,		/* RFC 1918, RFC 6598, ULA */
	ADDR_MULTICAST, ADDR_BROADCAST, ADDR_METADATA, ADDR_DOCUMENTATION,
	ADDR_RESERVED,		/* 0/8, 240/4, benchmark, discard, ... */
};
enum addr_scope addr_scope(const struct addr *a);

/* Whom this process may send to. */
struct candidate_policy {
	bool public_only;	/* WEBRTC_PEER_NETWORKS=public */
	uint16_t refuse_ports[4];	/* listeners of ours; 0: none */
	const struct addr *own;	/* addresses of this machine */
	unsigned owns;
};

enum candidate_verdict {
	CANDIDATE_TAKE,
	CANDIDATE_IGNORE,	/* no fault of the peer: TCP, .local, ... */
	CANDIDATE_REFUSE,	/* it points where nobody may be sent */
};

/* *why is a text for people ("" for TAKE); it may be NULL. */
enum candidate_verdict candidate_judge(const struct candidate *c,
				       const struct candidate_policy *policy,
				       const char **why);

#endif
