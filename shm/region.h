/*
 * region.h - sealed shared memory
 *
 * The broker creates every region: a memfd with all its pages allocated.
 * Its one writer maps it first; when it has said so, the broker seals it
 * (SHRINK, GROW, FUTURE_WRITE, SEAL) and only then hands it to readers,
 * which map it read-only. From then on nobody can become a second writer,
 * not even the writer's successor: that one gets a fresh region.
 *
 * Memory   region_unmap() gives back a mapping; descriptors are the
 *          caller's and may be closed once mapped.
 * Errors   Negative errno. -EPERM from region_map_reader(): not sealed as
 *          required. -EINVAL: size or header do not fit.
 */
#ifndef SHM_REGION_H
#define SHM_REGION_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum region_kind {
	REGION_MEDIA = 1,	/* encoded rings of one side of a link */
	REGION_PRIVATE = 2,	/* cursors and the data ring of one side */
	REGION_FRAMES = 3,	/* a frame ring */
	REGION_ESCROW = 4,	/* outgoing indices of one peer */
};

/* The first 64 bytes of every region, written by the creator. */
struct region_head {
	uint32_t magic;		/* REGION_MAGIC */
	uint16_t abi;		/* REGION_ABI */
	uint16_t kind;		/* enum region_kind */
	uint64_t bytes;		/* of the whole region */
	uint64_t generation;
	uint64_t owner;		/* peer number */
	uint64_t zero[4];
};

enum { REGION_MAGIC = 0x524d5247, REGION_ABI = 1, REGION_HEAD = 64 };

struct region {
	void *base;		/* NULL when unmapped */
	size_t bytes;
};

/* A descriptor (CLOEXEC), or -ENOMEM, -EMFILE, -ENFILE, -ENOSPC. name shows
 * in /proc. bytes is rounded up to pages by the caller. */
int region_create(const char *name, enum region_kind kind, size_t bytes,
		  uint64_t generation, uint64_t owner) MUST_USE;

/* The writer's mapping, before the seal. */
int region_map_writer(struct region *out, int fd, enum region_kind kind,
		      size_t bytes) MUST_USE;

/* After the writer's word. Idempotent. */
int region_seal(int fd) MUST_USE;

/* A reader's mapping: checks seals, size and header. */
int region_map_reader(struct region *out, int fd, enum region_kind kind,
		      size_t bytes) MUST_USE;

/* Fine on a zeroed or unmapped region. */
void region_unmap(struct region *r);

#endif
