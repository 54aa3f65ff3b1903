/*
 * lane.h - short notes from one thread of this process to the other
 *
 * One writer thread, one reader thread. The reader's loop watches
 * lane_bell(). Capacity is chosen so that the notes that may be under way
 * for LINKS_MAX links always fit; a full lane refuses.
 *
 * Memory   lane_new() allocates. A note's pointer and descriptor pass to
 *          the reader with it.
 */
#ifndef MEDIA_WORKER_LANE_H
#define MEDIA_WORKER_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/msg.h"

struct call;
struct lane;

enum {
	LINKS_MAX = 512,	/* of one worker */
	LINK_FILES = 4,		/* three bells, a frame ring under way */
	LANE_NOTES = 4096,	/* a power of two */
};

enum note_kind {
	NOTE_OPEN,	/* down: watch this call's video */
	NOTE_CLOSE,	/* down: leave it; answered by NOTE_CLOSED */
	NOTE_FRAMES,	/* down: the frame ring wished for (fd) */
	NOTE_QUIT,	/* down: end the thread */
	NOTE_CLOSED,	/* up: the call is the other thread's alone */
	NOTE_WANT,	/* up: a frame ring, please (want) */
	NOTE_BROKEN,	/* up: call_break() it (err) */
};

struct note {
	enum note_kind kind;
	int fd;
	struct call *call;
	union {
		struct msg_media_frames frames;
		struct msg_media_frames_want want;
		int err;
	} u;
};

int lane_new(struct lane **out) MUST_USE;
void lane_free(struct lane *l);

/* -ENOBUFS: full, nothing was passed on. */
int lane_put(struct lane *l, const struct note *n) MUST_USE;

/* Readable while there may be notes; the reader calls lane_hear() first. */
int lane_bell(const struct lane *l);

/* What rings it: a byte written there wakes the reader. */
int lane_ringer(const struct lane *l);
void lane_hear(struct lane *l);

/* false: none left. */
bool lane_take(struct lane *l, struct note *out);

#endif
