/*
 * agent.h - a small ICE agent for test clients: one socket, IPv4, offerer
 *
 * Controlling, aggressive: each check nominates, the first answer decides.
 * It is not libnice, so that it judges the server's agent, waits for no
 * pacing, and hundreds fit in one process.
 *
 * Memory   agent_new() owns its socket. Bytes are valid during the handler.
 * Errors   Negative errno.
 * Threads  The loop's.
 */
#ifndef TESTS_CLIENT_AGENT_H
#define TESTS_CLIENT_AGENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/loop.h"
#include "core/sdp/candidate.h"

struct agent;

enum { AGENT_TEXT = 33, AGENT_REMOTES = 16, AGENT_DATAGRAM = 2048 };

struct agent_ops {
	void (*up)(struct mono now, void *arg);	/* once */
	/* What is not STUN; may be changed in place, SRTP_GROW bytes follow. */
	void (*datagram)(uint8_t *bytes, size_t len, struct mono now,
			 void *arg);
	void *arg;
};

int agent_new(struct agent **out, struct loop *loop,
	      const struct agent_ops *ops) MUST_USE;

/* NULL is fine. Not from a handler of the same agent. */
void agent_free(struct agent *a);

const char *agent_ufrag(const struct agent *a);
const char *agent_password(const struct agent *a);
/* Our one host candidate. */
const struct candidate *agent_candidate(const struct agent *a);

/* Checks begin with the credentials and an address. -EINVAL: too long. */
int agent_set_remote(struct agent *a, const char *ufrag, const char *pwd,
		     struct mono now) MUST_USE;
/* Other than IPv4 over UDP is passed over. */
void agent_add_remote(struct agent *a, const struct candidate *c,
		      struct mono now);

/* The server's end: the pair in use, or the first candidate before. false:
 * none is known yet. */
bool agent_far(const struct agent *a, struct sockaddr_in *out);

/* 0, -ENOTCONN, -EAGAIN */
int agent_send(struct agent *a, const void *bytes, size_t len) MUST_USE;

#endif
