/*
 * links.h - the rings to the media-worker, and their replacement
 *
 * A link comes in two steps: ours is mapped and acknowledged, then the far
 * half arrives with the bells. Until then the old link serves. What the old
 * media-worker had not read of our data messages goes into the new ring;
 * what we had not read of its is read first.
 *
 * Trust    The rings of the media-worker are read as hostile memory.
 */
#ifndef ICE_WORKER_LINKS_H
#define ICE_WORKER_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/loop.h"
#include "proto/msg.h"
#include "shm/link.h"

struct peer;

struct links {
	struct link_end now;	/* in use; kinds 0: none */
	struct link_end next;	/* our half is mapped */
	struct link_end old;	/* its data messages are still to be read */
	struct watch bell;
	int bell_fd;		/* -1 none */
	struct msg_peer_kinds wanted;	/* told to the broker */
	uint64_t lapped;	/* records lost on the way here */
};

void links_init(struct peer *p);
void links_fini(struct peer *p);

/* What is negotiated. */
struct msg_peer_kinds links_kinds(const struct peer *p);

/* Tells the broker, unless it has heard just that. */
void links_want(struct peer *p);

/* Both take the descriptors, whatever they return; -EPROTO: the broker broke
 * the contract. */
int links_own(struct peer *p, const struct msg_ice_link_own *m,
	      const int *fds) MUST_USE;
int links_far(struct peer *p, const struct msg_ice_link_far *m,
	      const int *fds) MUST_USE;

/* Reads all rings until they are empty or a part must wait. */
void links_pull(struct peer *p, struct mono now);

#endif
