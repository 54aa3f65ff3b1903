/*
 * options.h - every setting of the system, in one table
 *
 * A setting is an environment variable and a flag of the same name; the flag
 * beats the variable, an empty variable is an absent one. --help is made from
 * the table.
 *
 * Memory   Texts of *out point into argv, into what `get` returned, or are
 *          constants; they must outlive it.
 * Errors   One line for people names the setting, the value and what is
 *          allowed; the caller prints it and exits with status 2.
 * Process  Pure but for `get`, which is getenv in a main.
 */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"

enum { OPTIONS_ERROR = 320, OPTIONS_HOST = 255, OPTIONS_PASS = 96 };

/* A setting that only signaling reads; it gets it as a variable. */
struct options_pass {
	const char *name, *value;
};

/* Where signaling is: here, or at another hub that is joined as a client. */
enum signaling_place {
	SIGNALING_LOCALHOST,	/* serve on localhost, both address families */
	SIGNALING_ANY_IPV4,	/* serve on 0.0.0.0 */
	SIGNALING_ANY_IPV6,	/* serve on [::], IPv4 too */
	SIGNALING_JOIN,		/* join signaling_host as a client */
};

struct options {
	enum signaling_place signaling;
	char signaling_host[OPTIONS_HOST + 1];	/* without brackets */
	uint16_t signaling_port;
	char signaling_path[OPTIONS_HOST + 1];	/* "/..." */
	bool signaling_tls;	/* TLS there; when joining, wss:// */
	bool websocket;		/* the signaling address is served */
	/* Where gRPC has an address of its own; port 0: nowhere. */
	char grpc_host[OPTIONS_HOST + 1];	/* without brackets */
	uint16_t grpc_port;
	const char *tls_cert, *tls_key;	/* NULL: no TLS */
	struct options_pass pass[OPTIONS_PASS];
	unsigned pass_len;
	uint32_t max_peers;	/* 1..10000 */
	bool data_channel;
	bool restart_backoff;
	uint32_t jitter_buffer_ms;	/* 20..500, an upper bound */
	uint32_t media_workers;	/* 1..256; 0: one per usable core */
	bool public_networks;	/* WEBRTC_PEER_NETWORKS=public */
	uint16_t udp_port_min, udp_port_max;
	const char *manifest, *log, *run_dir, *web_dir;
};

enum options_do { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION };

typedef const char *options_get_h(const char *name);

/*
 * argv as main got it. enum options_do, or -EINVAL: *error (OPTIONS_ERROR
 * bytes) says why.
 */
int options_parse(struct options *out, int argc, char *const *argv,
		  options_get_h *get, char *error) MUST_USE;

/* What --help prints. */
void options_help(FILE *to, const char *program);

const char *options_version(void);

#endif
