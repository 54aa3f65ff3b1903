/*
 * ice.h - one ICE agent with one stream and one component
 *
 * Everything of a peer goes over one UDP port (BUNDLE and rtcp-mux). The
 * library behind it brings a main loop of its own; ice_run() turns it with
 * the project's loop inside, so that a process has one thread.
 *
 * Units    Times as the loop's.
 * Memory   ice_new() owns nothing of the caller's. Texts and bytes given to
 *          handlers are valid during the call only.
 * Errors   Negative errno.
 * Threads  None: handlers run inside ice_run() and inside the calls below.
 *          Every function but ice_free() may be called from a handler.
 * Process  Host candidates only. Gathering opens all sockets there will ever
 *          be; afterwards socket() may answer EACCES. Authenticated checks
 *          keep the pair alive; a lost check does not end it.
 */
#ifndef PORT_ICE_H
#define PORT_ICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/loop.h"

enum {
	ICE_UFRAG = 8,		/* characters of our own, without the NUL */
	ICE_PASSWORD = 24,
	ICE_LINE_MAX = 256,	/* a candidate line, without the NUL */
	ICE_DATAGRAM_MAX = 1500,
};

enum ice_state {
	ICE_NEW, ICE_CHECKING, ICE_UP, ICE_LOST,
};

struct ice_credentials {
	char ufrag[257], password[257];	/* NUL-terminated, RFC 8839 5.4 */
};

struct ice_ops {
	/* One datagram that is not STUN. */
	void (*datagram)(const uint8_t *bytes, size_t len, void *arg);
	void (*state)(enum ice_state state, void *arg);
	/* A local candidate: "candidate:..." */
	void (*candidate)(const char *line, void *arg);
	/* No more local candidates until a restart. */
	void (*gathered)(void *arg);
	void *arg;
};

struct ice_config {
	uint16_t port;		/* exactly this one; 0: any */
	bool controlling;	/* for good: libnice changes it at birth only */
	uint32_t pacing_ms;	/* between checks; 5 to 10, see facts */
};

struct ice;

/* In the template, once: loads and warms what forked children share. */
int ice_warm(void) MUST_USE;

/*
 * In a forked child, before ice_new(): the library's random numbers differ
 * from those of its siblings from here on. -EIO when the kernel gives none.
 */
int ice_reseed(void) MUST_USE;

/* An agent with fresh credentials; nothing is sent or bound yet. */
int ice_new(struct ice **out, struct loop *loop, const struct ice_config *cfg,
	    const struct ice_ops *ops) MUST_USE;

/* NULL is fine. Not from a handler. */
void ice_free(struct ice *ice);

/* -EADDRINUSE: the port (or no address) can be had. */
int ice_gather(struct ice *ice) MUST_USE;

/* Whether gathering is over. */
bool ice_is_gathered(const struct ice *ice);

/* The UDP port in use; 0 before ice_gather(). */
uint16_t ice_port(const struct ice *ice);

/* Our own; changes with ice_restart(). */
const struct ice_credentials *ice_local(const struct ice *ice);

/* Forgets the remote side and takes new credentials of our own; media goes
 * on over the old pair until a new one is found. */
int ice_restart(struct ice *ice) MUST_USE;

/* From here on checks are sent and answered. */
int ice_set_remote(struct ice *ice, const struct ice_credentials *remote)
	MUST_USE;

/* A remote host candidate that passed the caller's policy; after
 * ice_set_remote(). ip is a literal address. */
int ice_add_remote(struct ice *ice, const char *ip, uint16_t port,
		   uint32_t priority, const char *foundation) MUST_USE;

/* The far end will name no more. */
void ice_end_remote(struct ice *ice);

/* 0, -EAGAIN (socket full or no pair yet). */
int ice_send(struct ice *ice, const uint8_t *bytes, size_t len) MUST_USE;

/* Turns both loops until ice_quit(). */
int ice_run(struct ice *ice) MUST_USE;
void ice_quit(struct ice *ice);

#endif
