/*
 * server.h - start the whole system for a bench, and look at its processes
 *
 * Memory   Plain storage of the caller.
 * Errors   Negative errno; -ETIMEDOUT: it was not ready within 20 s, its log
 *          is kept and its path printed.
 * Process  Runs scripts/webrtc_server, so the working directory is the top of
 *          the tree. Ends only what it started.
 */
#ifndef TESTS_CLIENT_SERVER_H
#define TESTS_CLIENT_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct server {
	pid_t pid;
	uint16_t port;		/* WebSocket, on 127.0.0.1 */
	bool keep_log;		/* after server_stop() */
	char run_dir[64], log[80];
};

int server_start(struct server *h) MUST_USE;
/* Fine on one that did not start. */
void server_stop(struct server *h);

enum server_role {
	SERVER_OTHER, SERVER_BROKER, SERVER_SIGNALING, SERVER_ICE, SERVER_MEDIA,
	SERVER_ROLES
};

struct server_use {
	unsigned processes[SERVER_ROLES];
	uint64_t cpu_us[SERVER_ROLES];	/* since each process began */
	/* Private memory and page tables, bytes, all of a role together. */
	uint64_t private_bytes[SERVER_ROLES];
	uint64_t threads[SERVER_ROLES];
};

/* with_memory: reads smaps too, which takes the kernel a while. */
void server_look(const struct server *h, int with_memory,
		struct server_use *out);

#endif
