/*
 * frame_ring.h - byte layout of a ring of raw frames (public ABI)
 *
 * Two memory objects. The ring is written by one process and mapped
 * read-only by all others; the reader's page is written by one reader and
 * mapped read-only by the ring's writer. Everything that moves is an aligned
 * 64-bit word, stored by one side only: plain 64-bit loads and stores are
 * enough, no compare-and-swap. The rules that go with the bytes, also for
 * readers in other languages: docs/shm.md.
 *
 * Version  A reader refuses another `major`. A greater `minor` only gives
 *          meaning to fields that were zero.
 * Units    Host byte order. Times are microseconds of CLOCK_MONOTONIC.
 *          Offsets and sizes are bytes.
 */
#ifndef REMOTEMEDIA_FRAME_RING_H
#define REMOTEMEDIA_FRAME_RING_H

#include <stdint.h>

#define RM_REGION_MAGIC 0x524d5247u
#define RM_FRAMES_MAGIC 0x524d4652u

enum {
	RM_REGION_ABI = 1,
	RM_REGION_FRAMES = 3,	/* kind of a ring */
	RM_REGION_PRIVATE = 2,	/* kind of a reader's page */

	RM_FRAMES_MAJOR = 1,
	RM_FRAMES_MINOR = 0,

	RM_FRAMES_HEAD_AT = 64,	/* in the ring: struct rm_frames_head */
	RM_FRAMES_NEWS_AT = 128,	/* struct rm_frames_news */
	RM_FRAMES_SLOT_AT = 256,	/* struct rm_frames_slot, 8 of them */
	RM_FRAMES_DATA_AT = 4096,	/* the first slot's bytes */
	RM_FRAMES_PAGE_AT = 128,	/* in the page: struct rm_frames_page */

	RM_FRAMES_SLOTS_MIN = 2,
	RM_FRAMES_SLOTS_MAX = 8,
	RM_FRAMES_HOLDS = 2,	/* slots an in-line reader may hold */
};

enum rm_frames_format {
	RM_FRAMES_PCM16 = 1,	/* int16, channels interleaved, one plane */
	RM_FRAMES_I420 = 2,	/* Y, U, V; each plane and each row starts at
				   a multiple of 64 bytes */
};

/*
 * A slot's state word is number << 8 | state, an id is number << 8 | slot.
 * Numbers start at 1 and grow by 1 with each frame the writer begins. Only
 * the writer moves states:
 *
 *     FREE    -> FILLING   loan, with the frame's new number
 *     FILLING -> READY     commit
 *     FILLING -> FREE      cancel
 *     READY   -> WANTED    the writer looks whether it may overwrite the
 *                          oldest frame; its bytes are still whole
 *     WANTED  -> READY     it may not: a reader announced its hold meanwhile
 *     WANTED  -> FILLING   it may: loan, with the new frame's number
 *     READY   -> REVOKED   the in-line reader held it beyond its deadline
 *     REVOKED -> FILLING   loan
 */
enum rm_frames_state {
	RM_FRAMES_FREE,
	RM_FRAMES_FILLING,
	RM_FRAMES_READY,
	RM_FRAMES_REVOKED,
	RM_FRAMES_WANTED,
};

/* At 0 of both objects. */
struct rm_region_head {
	uint32_t magic;		/* RM_REGION_MAGIC */
	uint16_t abi;		/* RM_REGION_ABI */
	uint16_t kind;
	uint64_t bytes;		/* of the whole object */
	uint64_t generation;	/* a new ring for the same stream has + 1 */
	uint64_t owner;
	uint64_t zero[4];
};

struct rm_frames_head {
	uint32_t magic;		/* RM_FRAMES_MAGIC, stored last */
	uint16_t major, minor;
	uint32_t format;	/* enum rm_frames_format */
	uint32_t slots;
	uint64_t slot_bytes;	/* from one slot to the next */
	uint32_t width, height;	/* I420: the largest picture; else 0 */
	uint32_t rate, channels;	/* PCM: hertz, 1 to 8; else 0 */
	uint32_t samples;	/* PCM: most per channel in a slot; else 0 */
	uint32_t zero32;
	uint64_t zero[2];
};

struct rm_frames_news {
	uint64_t newest;	/* id of the newest frame; 0: none yet */
	uint64_t dropped;	/* frames the writer had no slot for */
	uint64_t zero[14];
};

struct rm_frames_slot {
	uint64_t state;
	int64_t pts_us;		/* media time */
	uint64_t source;	/* who sent it: a peer number */
	uint64_t bytes;		/* of the slot that the frame uses */
	uint32_t width, height;	/* I420: of this picture */
	uint32_t stride[3];	/* I420: bytes from row to row */
	uint32_t samples;	/* PCM: per channel in this frame */
	uint64_t plane_at[3];	/* from the slot's start */
	uint64_t flags;		/* zero in minor 0 */
	uint64_t zero[5];
};

/* Written by one reader alone. */
struct rm_frames_page {
	uint64_t asleep;	/* 1: ring my doorbell after the next frame */
	uint64_t hold[2];	/* ids the in-line reader works on; 0: none */
	uint64_t seen;		/* number of the last frame taken */
	uint64_t zero[12];
};

#endif
