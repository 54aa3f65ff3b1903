/*
 * h1_kit.h - a connection over a socket pair, with a service of the test
 *
 * The real conn.c, h1_conn.c, ws_conn.c and http.c; what hangs on them
 * (HTTP/2, conversations) is a fake below.
 */
#ifndef TESTS_UNIT_H1_KIT_H
#define TESTS_UNIT_H1_KIT_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "signaling/conn.h"
#include "signaling/h2_conn.h"
#include "signaling/http.h"
#include "signaling/talk.h"

/* What the service was told, and what it is to do. */
struct kit_service {
	struct http_exchange *x;
	char body[400000];
	size_t body_len;
	unsigned begun, ended, gone, writable;
	bool lost;
	bool has_body, has_length, loopback, tls;
	uint64_t length;
	unsigned version;
	char path[64], query[64];
	void (*on_begin)(struct kit_service *s);
	void (*on_body)(struct kit_service *s);
	void (*on_end)(struct kit_service *s);
};

struct kit_talk {
	struct talk_out out;
	unsigned texts, binaries, gone;
	bool clean, takes_binary;
	size_t last_len;
};

struct kit {
	struct loop *loop;
	struct world world;
	struct metrics metrics;
	struct sig_limits limits;
	struct files *files;
	struct door door;
	int far;		/* the client's end */
	struct mono now;
};

extern struct kit_service kit_service;
extern struct kit_talk kit_talk;

void kit_open(struct kit *k);
void kit_close(struct kit *k);

/* The client says so; the server works until it has nothing to do. */
void kit_say(struct kit *k, const char *text);
void kit_say_bytes(struct kit *k, const void *bytes, size_t len);
void kit_run(struct kit *k);

/* Time passes, seconds by seconds. */
void kit_pass(struct kit *k, int seconds);

/* What came since; a string. *closed: and then the end. */
const char *kit_hear(struct kit *k, bool *closed);

#endif
