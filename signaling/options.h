/*
 * options.h - the command line of signaling and its variables
 *
 * The broker writes both: where to listen as arguments, all other settings as
 * variables of the environment that signaling alone gets, because arguments
 * show in ps and some settings are secrets.
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

enum { SIG_TURN_MAX = 8 };

struct hostport {
	char host[256];		/* without brackets */
	uint16_t port;
};

struct listener {
	struct hostport at;
	bool tls;		/* nothing but TLS is spoken there */
	bool grpc;		/* named by GRPC_SIGNALING_ADDRESS; serves all
				   the same */
};

/* The limits that have a name; README.md lists them with their defaults. */
struct sig_limits {
	uint32_t message_bytes;	/* of a WebSocket or gRPC message */
	uint32_t streams;	/* of one HTTP/2 connection */
	uint32_t queue_bytes, queue_messages;	/* that a client has not read */
	uint32_t connect_rate;	/* new connections of one address a second */
	/* Connections that have said nothing yet: from begin on rate percent
	 * are dropped, from full on all. */
	uint32_t startups_begin, startups_rate, startups_full;
	uint32_t tls_rate;	/* TLS handshakes a second, all addresses */
	uint32_t tls_timeout_s, head_timeout_s, announce_timeout_s;
	uint32_t tls_source_rate;	/* the same of one address */
	uint32_t head_bytes, headers;	/* of an HTTP/1.1 request */
	uint32_t body_bytes, body_timeout_s;	/* HTTP/1.1 */
	uint32_t http_idle_s;	/* HTTP/1.1 between two requests */
	uint32_t stall_timeout_s;	/* nothing of what waits is taken */
	uint32_t fragments;	/* of one WebSocket message */
	uint32_t ping_interval_s, ping_misses;
	/* HTTP/2; the rates are a second, more come at once. */
	uint32_t h2_header_bytes, continuations;
	uint32_t h2_reset_rate, h2_control_rate, h2_window_rate, h2_idle_s;
	uint32_t json_depth, json_members, json_string_bytes;
	uint32_t batch;		/* messages of one JSON-RPC batch */
	uint32_t sdp_bytes, sdp_lines;
	uint32_t breaches;	/* refusals by rate before the close */
	uint32_t resume_s;	/* a lost peer is held so long */
	uint32_t candidates, candidate_rate;	/* of one offer; a second */
	uint32_t whip_sessions;	/* of WHIP and WHEP, all addresses */
	uint32_t source_peers;	/* announced by one address */
	uint32_t whip_requests, whip_source_requests;	/* with a body that
							   is still coming */
	uint32_t whip_body_timeout_s;
};

struct sig_options {
	const char *log, *web;
	struct listener listen[SIG_LISTEN_MAX];
	unsigned listen_len;
	const char *join;	/* URL, or NULL */
	struct hostport hub;	/* of join */
	const char *hub_path;
	bool hub_tls;		/* wss:// */
	const char *tls_ca;	/* PEM file of authorities for it; NULL: the
				   machine's */
	const char *auth_token;	/* for that hub, or NULL */
	const char *origins;	/* comma-separated, or NULL */
	uint32_t max_per_source;	/* connections of one address */
	uint32_t max_connections;
	uint32_t messages_per_s, offers_per_s;	/* of one connection */
	const char *tls_cert, *tls_key;	/* PEM files, both or none */
	const char *auth_secret;	/* HS256, 32 bytes at least */
	const char *auth_public_key;	/* ES256, a PEM file */
	const char *auth_issuer, *auth_audience;	/* NULL: not compared */
	bool auth_query;	/* ?access_token= may carry one */
	bool auth_single_use;	/* a jti counts once */
	uint32_t sessions_per_subject;
	const char *turn[SIG_TURN_MAX];	/* turn:host:port[?transport=tcp] */
	unsigned turn_len;
	const char *turn_secret;	/* of the TURN server's REST form */
	uint32_t turn_life_s;
	struct sig_limits limits;
	bool help;
};

int sig_options_parse(struct sig_options *out, int argc, char *const *argv,
		      char error[SIG_ERROR]) MUST_USE;

/* "host:port", "[v6]:port". -EINVAL. */
int hostport_parse(struct hostport *out, const char *text) MUST_USE;

const char *sig_options_help(void);

#endif
