/*
 * pb.h - the protobuf messages of our gRPC services as plain structs
 *
 * Decoding refuses what the library lets through: strings that are not UTF-8
 * or hold a NUL, messages over PB_MESSAGE_MAX, and input that would grow to
 * more than PB_BUDGET in memory (empty map entries grow sixtyfold).
 *
 * Memory   What pb_*_decode() gave borrows from itself until pb_free(); all
 *          strings are terminated and never NULL. What pb_*_encode() makes
 *          has PB_ROOM unused bytes before the message, for the head of a
 *          frame, and is freed by free().
 * Errors   -EMSGSIZE: too large. -EILSEQ: a string is not UTF-8 or holds a
 *          NUL. -EBADMSG: not this message. -E2BIG: over the budget. -ENOMEM.
 */
#ifndef PORT_PB_H
#define PORT_PB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum {
	PB_MESSAGE_MAX = 65536,
	PB_BUDGET = 262144,	/* bytes in memory of one message */
	PB_ROOM = 5,
	PB_METADATA_MAX = 64,	/* entries */
};

struct pb_bytes {
	uint8_t *at;		/* PB_ROOM bytes, then the message */
	size_t len;		/* both */
};

struct pb_pair {
	const char *key, *value;
};

struct pb_pairs {
	const struct pb_pair *at;
	size_t len;
};

struct pb_caps {
	bool audio, video, data;
	const char *extensions;
};

/* remotemedia.v1.webrtc */

enum pb_ask {
	PB_NOTHING, PB_ANNOUNCE, PB_OFFER, PB_ANSWER, PB_CANDIDATE,
	PB_DISCONNECT, PB_LIST_PEERS,
};

struct pb_request {
	enum pb_ask ask;
	const char *id;
	const char *peer;	/* peer_id or to_peer_id */
	const char *sdp, *type;
	const char *candidate, *mid;
	uint32_t mline;
	bool has_caps;
	struct pb_caps caps;
	struct pb_pairs metadata;
	bool too_many;		/* more metadata than PB_METADATA_MAX, and
				   none of it is here */
	void *message;		/* what pb_free() frees */
};

int pb_request_decode(struct pb_request *out, const void *bytes, size_t len)
	MUST_USE;
void pb_request_free(struct pb_request *r);

/* GetPeersRequest and HealthCheckRequest are empty: only checked. */
int pb_empty_check(const void *bytes, size_t len) MUST_USE;

enum pb_state { PB_STATE_AVAILABLE = 1, PB_STATE_AWAY = 3 };

struct pb_peer {
	const char *name;
	struct pb_caps caps;
	struct pb_pairs metadata;
	enum pb_state state;
	uint64_t connected_at;	/* seconds since 1970 */
};

enum pb_say {
	PB_ACK, PB_PEERS, PB_ERROR, PB_JOINED, PB_LEFT, PB_GOT_OFFER,
	PB_GOT_ANSWER, PB_GOT_CANDIDATE, PB_DISCONNECTED,
};

/* One SignalingResponse; NULL is written as "". */
struct pb_response {
	enum pb_say say;
	const char *id;		/* request_id */
	const char *message;	/* PB_ACK, PB_ERROR */
	const char *data;	/* PB_ACK; PB_ERROR: details */
	uint32_t code;		/* PB_ERROR */
	const struct pb_peer *peers;	/* PB_PEERS; PB_JOINED: one */
	size_t peers_len;
	const char *peer;	/* whom a notification comes from */
	const char *offer_id, *sdp, *type, *candidate, *mid;
	uint32_t mline;
};

int pb_response_encode(struct pb_bytes *out, const struct pb_response *r)
	MUST_USE;
int pb_peers_encode(struct pb_bytes *out, const struct pb_peer *peers,
		    size_t len) MUST_USE;

struct pb_health {
	const char *status, *metrics;
	uint64_t uptime_s;
	uint32_t peers;
};

int pb_health_encode(struct pb_bytes *out, const struct pb_health *h) MUST_USE;

/* grpc.health.v1 */

enum pb_serving { PB_SERVING = 1, PB_NOT_SERVING = 2, PB_NO_SERVICE = 3 };

struct pb_probe {
	const char *service;
	void *message;
};

int pb_probe_decode(struct pb_probe *out, const void *bytes, size_t len)
	MUST_USE;
void pb_probe_free(struct pb_probe *p);
int pb_serving_encode(struct pb_bytes *out, enum pb_serving serving) MUST_USE;

/* grpc.reflection.v1, and v1alpha, which differs in its package alone */

enum pb_reflect {
	PB_REFLECT_NOTHING, PB_FILE_BY_NAME, PB_FILE_BY_SYMBOL,
	PB_FILE_BY_EXTENSION, PB_EXTENSION_NUMBERS, PB_LIST_SERVICES,
};

struct pb_question {
	enum pb_reflect ask;
	const char *text;	/* a file, a symbol or a type */
	void *message;
};

int pb_question_decode(struct pb_question *out, const void *bytes, size_t len)
	MUST_USE;
void pb_question_free(struct pb_question *q);

struct pb_file {
	const void *bytes;
	size_t len;
};

/* One of the two lists is given, or the error (a gRPC status). */
struct pb_reflection {
	const struct pb_file *files;
	size_t files_len;
	const char *const *services;
	size_t services_len;
	unsigned error;
	const char *message;
};

int pb_reflection_encode(struct pb_bytes *out, const struct pb_question *q,
			 const struct pb_reflection *r) MUST_USE;

#endif
