/*
 * house.h - a test that plays the broker of ice-workers
 *
 * Starts the template, has it fork peers, talks to them as the broker does,
 * and holds the media side of their links. One thread, no loop: the test
 * asks house_wait() for what comes next.
 *
 * Errors   A step that fails ends the test with a line on stderr.
 */
#ifndef TESTS_HOUSE_H
#define TESTS_HOUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/wire.h"
#include "shm/link.h"

enum { HOUSE_PEERS = 1024 };

struct house_peer {
	uint64_t id;
	pid_t pid;
	int fd;			/* its SEQPACKET socket; -1 hung up */
	struct wire wire;
	bool greeted, gone;
	uint32_t state, kinds, port, why;
	uint32_t media_kinds;	/* of the link in the making */
	uint64_t generation;
	int regions[4];
	struct link_end link;
	int bell;		/* heard by us; -1 none */
	char *local;		/* the last description it made */
	uint32_t local_kind;
	struct msg_peer_stats stats;
	void *arg;		/* the test's */
};

struct house {
	char dir[64];
	pid_t template;
	int fd;			/* to the template */
	struct wire wire;
	struct house_peer *peers[HOUSE_PEERS];
	unsigned count, reaped;
	int last_status;	/* of the last child reaped */
	bool quiet;		/* print no log line */
	bool offers;		/* new peers make the first offer */
};

/* self: argv[0]; the ice-worker is the one of the same build. */
void house_open(struct house *h, const char *self);
void house_close(struct house *h);

/* Dials a running template again, as a new broker does. */
void house_redial(struct house *h);

/* Forks a peer and waits for its hello. port 0: any. */
struct house_peer *house_fork(struct house *h, uint64_t id, uint16_t port);

/* Asks and does not wait. */
struct house_peer *house_ask(struct house *h, uint64_t id, uint16_t port);

/* Dials a peer; again after a hang-up. */
void house_dial(struct house *h, struct house_peer *p);
void house_hang_up(struct house_peer *p);

void house_offer(struct house_peer *p, const char *sdp);
void house_answer(struct house_peer *p, const char *sdp);
void house_want_offer(struct house_peer *p, uint32_t kinds);
void house_candidate(struct house_peer *p, const char *text);
void house_close_peer(struct house_peer *p);

/* A fresh link of these kinds; done when house_wait() says HOUSE_LINK. */
void house_link(struct house *h, struct house_peer *p, uint32_t kinds);

enum house_event {
	HOUSE_TIME,		/* nothing came in time */
	HOUSE_HELLO, HOUSE_LOCAL, HOUSE_TRICKLE, HOUSE_REFUSED,
	HOUSE_SUPERSEDED, HOUSE_STATE, HOUSE_KINDS, HOUSE_GONE, HOUSE_LINK,
	HOUSE_STATS, HOUSE_BELL, HOUSE_FORKED, HOUSE_REAPED, HOUSE_HUNG_UP,
	HOUSE_EXTRA,		/* the extra descriptor is readable */
};

struct house_news {
	enum house_event event;
	struct house_peer *peer;
	char text[MSG_SDP + 1];	/* blob of the message, terminated */
	uint32_t why;
};

/* The next event; extra: a descriptor of the test, -1 none. */
enum house_event house_wait(struct house *h, struct house_news *news,
			    int wait_ms, int extra);

/* Threads of a process; resident and private kilobytes. */
int house_threads(pid_t pid);
long house_private_kb(pid_t pid);

#endif
