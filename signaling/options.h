/*
 * options.h - the command line of signaling (the broker writes it); limits
 * also come from the environment, so that they pass through the broker
 *
 * Memory   Texts point into argv and the environment.
 * Errors   -EINVAL: error says which argument and what is allowed.
 */
#ifndef SIGNALING_OPTIONS_H
#define SIGNALING_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

enum { SIG_LISTEN_MAX = 8, SIG_ORIGINS_MAX = 32, SIG_ERROR = 640 };

struct hostport {
	char host[256];		/* without brackets */
	uint16_t port;
};

struct sig_options {
	const char *log, *web;
	struct hostport listen[SIG_LISTEN_MAX];
	unsigned listen_len;
	const char *join;	/* URL, or NULL */
	struct hostport hub;	/* of join */
	const char *hub_path;
	const char *origins;	/* comma-separated, or NULL */
	uint32_t max_per_source;	/* connections of one address; 0: the
					   defaults of signaling/main.c */
	uint32_t max_connections;
	uint32_t messages_per_s, offers_per_s;	/* of one connection */
	bool help;
};

int sig_options_parse(struct sig_options *out, int argc, char *const *argv,
		      char error[SIG_ERROR]) MUST_USE;

/* "host:port", "[v6]:port". -EINVAL. */
int hostport_parse(struct hostport *out, const char *text) MUST_USE;

const char *sig_options_help(void);

#endif
