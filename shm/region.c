/*
 * region.c - memfds: allocated whole, mapped by one writer, then sealed
 *
 * Order is the whole point. Before the seal the one writer maps the memory;
 * F_SEAL_FUTURE_WRITE leaves that mapping alive and refuses every other way
 * to write (new maps, mprotect, write, hole punching). SHRINK and GROW keep
 * the size, so that no reader meets SIGBUS; all pages are allocated at
 * creation for the same reason.
 */

#include "shm/region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U	/* Linux 6.3; older kernels say EINVAL */
#endif

enum {
	SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL
};

_Static_assert(sizeof(struct region_head) == REGION_HEAD, "region layout");
_Static_assert(offsetof(struct region_head, bytes) == 8, "region layout");
_Static_assert(offsetof(struct region_head, generation) == 16,
	       "region layout");
_Static_assert(offsetof(struct region_head, owner) == 24, "region layout");

static int fill(int fd, const struct region_head *head)
{
	int err;

	if (ftruncate(fd, (off_t)head->bytes) != 0)
		return -errno;
	do
		err = fallocate(fd, 0, 0, (off_t)head->bytes);
	while (err != 0 && errno == EINTR);
	if (err != 0)
		return -errno;
	if (pwrite(fd, head, sizeof(*head), 0) != (ssize_t)sizeof(*head))
		return -EIO;

	return 0;
}

int region_create(const char *name, enum region_kind kind, size_t bytes,
		  uint64_t generation, uint64_t owner)
{
	const struct region_head head = {
		.magic = REGION_MAGIC, .abi = REGION_ABI,
		.kind = (uint16_t)kind, .bytes = bytes,
		.generation = generation, .owner = owner,
	};
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd, err;

	if (bytes < REGION_HEAD || bytes > (size_t)1 << 40)
		return -EINVAL;
	fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, flags);
	if (fd < 0)
		return -errno;
	err = fill(fd, &head);
	if (err != 0) {
		close(fd);
		return err;
	}

	return fd;
}

static bool head_fits(const void *base, enum region_kind kind, size_t bytes)
{
	const struct region_head *head = base;

	return head->magic == REGION_MAGIC && head->abi == REGION_ABI &&
	       head->kind == kind && head->bytes == bytes;
}

static int map(struct region *out, int fd, enum region_kind kind, size_t bytes,
	       int prot)
{
	struct stat st;
	void *base;

	/* fstat() of glibc is newfstatat, which a sealed worker may not call:
	 * that one can name paths. */
	if (syscall(SYS_fstat, fd, &st) != 0)
		return -errno;
	if (bytes < REGION_HEAD || st.st_size != (off_t)bytes)
		return -EINVAL;
	base = mmap(NULL, bytes, prot, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	if (!head_fits(base, kind, bytes)) {
		munmap(base, bytes);
		return -EINVAL;
	}
	*out = (struct region){ base, bytes };

	return 0;
}

int region_map_writer(struct region *out, int fd, enum region_kind kind,
		      size_t bytes)
{
	return map(out, fd, kind, bytes, PROT_READ | PROT_WRITE);
}

int region_seal(int fd)
{
	int have = fcntl(fd, F_GET_SEALS);

	if (have < 0)
		return -errno;
	if ((have & SEALS) == SEALS)
		return 0;
	if (fcntl(fd, F_ADD_SEALS, SEALS) != 0)
		return -errno;

	return 0;
}

int region_map_reader(struct region *out, int fd, enum region_kind kind,
		      size_t bytes)
{
	int have = fcntl(fd, F_GET_SEALS);

	if (have < 0 || (have & SEALS) != SEALS)
		return -EPERM;

	return map(out, fd, kind, bytes, PROT_READ);
}

void region_unmap(struct region *r)
{
	if (r->base)
		munmap(r->base, r->bytes);
	*r = (struct region){ NULL, 0 };
}
