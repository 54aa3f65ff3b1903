/*
 * frame_ring.h - raw frames in fixed slots: one writer that never waits
 *
 * The byte layout is public: include/remotemedia/frame_ring.h; the rules are
 * in docs/shm.md. This is our own writer and reader of it.
 *
 *     writer    frame_loan -> fill the planes -> frame_commit
 *     observer  frame_look -> read -> frame_check, or frame_copy
 *     in-line   frame_borrow -> read in place -> frame_return
 *
 * One in-line reader at most, any number of observers. An in-line reader
 * sees every frame that is not overwritten before it comes: `lost` counts
 * the others.
 *
 * Memory   frame_ring_bytes(shape) bytes, from the start of a region of kind
 *          REGION_FRAMES (its head included); a reader's page is a region of
 *          kind REGION_PRIVATE of one page. Nothing is allocated here.
 * Errors   Negative errno. -EBADMSG: the other side broke the rules.
 * Threads  One writer thread, one thread per reader, any processes.
 * Trust    The shape comes from the broker. A reader computes planes and
 *          strides itself and refuses a slot that says otherwise. What stands
 *          in a plane may change while it is read: use it only for work that
 *          any samples survive, and believe the result after the check.
 */
#ifndef SHM_FRAME_RING_H
#define SHM_FRAME_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "remotemedia/frame_ring.h"

enum { FRAME_SLOTS = 4, FRAME_PLANES = 3 };

struct frame_shape {
	uint32_t format;	/* enum rm_frames_format */
	uint32_t slots;		/* 2 to 8; FRAME_SLOTS unless reason */
	uint32_t width, height;	/* I420: largest, 1 to 4096 */
	uint32_t rate, channels;	/* PCM: 8000 to 192000 Hz, 1 to 8 */
	uint32_t samples;	/* PCM: most per channel in a frame: 19200 */
};

/* One frame's facts. The fields of the other format are 0. */
struct frame_meta {
	uint64_t id;		/* never 0 */
	int64_t pts_us;
	uint64_t source;
	uint32_t width, height;
	uint32_t samples;	/* per channel */
	uint32_t stride[FRAME_PLANES];
};

struct frame_writer {
	unsigned char *mem;
	const struct rm_frames_page *inline_page;	/* or NULL */
	struct frame_shape shape;
	uint64_t slot_bytes;
	uint64_t number;			/* of the last loan */
	uint64_t state[RM_FRAMES_SLOTS_MAX];	/* private copies */
	uint64_t newest;			/* id */
	int loaned;				/* slot, or -1 */
	struct frame_meta loan;			/* as it was given */
	uint64_t dropped;
};

struct frame_reader {
	const unsigned char *mem;
	struct rm_frames_page *page;		/* or NULL: observer */
	struct frame_shape shape;
	uint64_t slot_bytes;
	uint64_t seen;				/* the last number */
	uint64_t passed;			/* lost and not yet told */
	uint64_t held[RM_FRAMES_HOLDS];		/* ids, 0: free */
};

/* Bytes of the region, whole pages; 0 when the shape is out of range. */
size_t frame_ring_bytes(const struct frame_shape *shape);

/* Bytes one frame takes in a slot (planes with their strides); 0 when it
 * does not fit the shape. */
size_t frame_bytes(const struct frame_shape *shape,
		   const struct frame_meta *meta);

/*
 * Lays an empty ring into a fresh region, before the seal. inline_page: the
 * in-line reader's, or NULL. -EINVAL: shape.
 */
int frame_ring_init(struct frame_writer *w, void *mem,
		    const struct frame_shape *shape,
		    const struct rm_frames_page *inline_page) MUST_USE;

/* The in-line reader came, was replaced (a fresh page), or went (NULL). Its
 * holds are forgotten. */
void frame_ring_set_inline(struct frame_writer *w,
			   const struct rm_frames_page *page);

/*
 * A slot to fill for a frame of meta's width and height, or samples; sets
 * id and stride and the planes. One loan at a time.
 * -ENOBUFS  no slot is free: the frame is dropped, and counted
 * -EINVAL   does not fit the shape
 * -EBUSY    the last loan is neither committed nor cancelled
 */
int frame_loan(struct frame_writer *w, struct frame_meta *meta,
	       void *planes[FRAME_PLANES]) MUST_USE;

/* Publishes the loan. meta as loaned, with pts_us and source; samples may be
 * fewer. -EINVAL: it is not the loaned frame. */
int frame_commit(struct frame_writer *w, const struct frame_meta *meta)
	MUST_USE;

/* Gives the loan back unpublished. Fine without one. */
void frame_cancel(struct frame_writer *w);

/* What the in-line reader holds now (checked): ids into out, returns how
 * many. The caller keeps the deadlines. */
int frame_holds(const struct frame_writer *w, uint64_t out[RM_FRAMES_HOLDS]);

/* Takes a frame away from its holder, whose frame_return() says -ESTALE
 * from now on. -ENOENT: no such frame stands in the ring. */
int frame_revoke(struct frame_writer *w, uint64_t id) MUST_USE;

/* Whether this reader sleeps and must be rung; after frame_commit(). */
bool frame_must_ring(const struct rm_frames_page *reader);

/* page: own, zero, or NULL for an observer that polls. -EBADMSG: the ring
 * is not of this shape or version. */
int frame_ring_open(struct frame_reader *r, const void *mem,
		    const struct frame_shape *shape,
		    struct rm_frames_page *page) MUST_USE;

/*
 * The newest frame, in place, for an observer. 1: there, newer than the last
 * one; read the planes, then ask frame_check(). 0: nothing new. -EBADMSG.
 */
int frame_look(struct frame_reader *r, struct frame_meta *meta,
	       const void *planes[FRAME_PLANES]) MUST_USE;

/* 0: all that was read of that frame until now was whole. -ESTALE: throw it
 * away. */
int frame_check(const struct frame_reader *r, uint64_t id) MUST_USE;

/*
 * Copies the newest frame (planes with their strides, as they stand) and
 * checks it. 1, 0 nothing new, -ESTALE overtaken while copying (call again),
 * -EMSGSIZE, -EBADMSG.
 */
int frame_copy(struct frame_reader *r, struct frame_meta *meta, void *out,
	       size_t cap) MUST_USE;

/*
 * The next frame after the last one, held until frame_return(). *lost:
 * frames before it that are gone or were never made (the writer's numbers
 * count those it dropped). 0: none. -EBUSY: two are held already.
 * -EBADMSG. -EINVAL: this reader has no page.
 */
int frame_borrow(struct frame_reader *r, struct frame_meta *meta,
		 const void *planes[FRAME_PLANES], uint64_t *lost) MUST_USE;

/* 0: what was read is whole. -ESTALE: it was taken away meanwhile, drop all
 * that was made of it. -EINVAL: not held. */
int frame_return(struct frame_reader *r, uint64_t id) MUST_USE;

/* As ering_sleep() and ering_wake(); needs a page. */
bool frame_sleep(struct frame_reader *r);
void frame_wake(struct frame_reader *r);

#endif
