/*
 * route.h - which HTTP request gets which answer
 *
 * Pure but for the files in memory; no socket.
 */
#ifndef SIGNALING_ROUTE_H
#define SIGNALING_ROUTE_H

#include "core/http/h1.h"
#include "signaling/files.h"

struct health {
	size_t peers;
	int64_t uptime_s;
	bool broker;		/* its link is up */
	bool ok;		/* ... or was 5 s ago */
	bool media;		/* the broker has told what follows */
	uint32_t calls, connected, media_workers, restarts;
};

enum { ROUTE_HEADERS = 6, ROUTE_BODY = 256 };

struct route_answer {
	struct h1_answer head;	/* headers point into this struct */
	struct h1_header headers[ROUTE_HEADERS];
	const void *body;	/* a file's, or `small` */
	size_t body_len;	/* 0 for HEAD and 304 */
	bool body_static;
	char small[ROUTE_BODY];
};

/* Everything but a WebSocket upgrade. */
void route(struct route_answer *out, const struct h1_request *r,
	   const struct files *files, const struct health *health);

/* An error of that status, plain text. */
void route_error(struct route_answer *out, unsigned status, bool keep_alive);

/*
 * Whether a page of this origin may open a WebSocket: the same host, one of
 * loopback, one of the list ("*": all), or no page at all (no Origin).
 */
bool route_origin_ok(const struct h1_request *r, const char *list);

#endif
