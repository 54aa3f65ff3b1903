/* escrow.c - map and seed the page of indices */

#include "ice-worker/escrow.h"

#include <errno.h>
#include <stddef.h>
#include <sys/random.h>
#include <sys/stat.h>

_Static_assert(sizeof(struct escrow_page) == 128, "escrow layout");
_Static_assert(offsetof(struct escrow_page, audio_index) == 64,
	       "escrow layout");

int random_bytes(void *out, uint32_t len)
{
	return getrandom(out, len, 0) == (ssize_t)len ? 0 : -EIO;
}

/* A stream begins at a random number below 2^15 (RFC 3550 5.1), so that the
 * roll-over counter of both sides starts at 0. */
static void seed(uint64_t *word, uint16_t random)
{
	if (*word == 0)
		*word = 1 + (random & 0x7ffe);
}

int escrow_open(struct escrow *e, int fd)
{
	uint16_t random[4];
	struct stat st;
	int err;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (st.st_size < (off_t)sizeof(struct escrow_page))
		return -EINVAL;
	err = region_map_writer(&e->region, fd, REGION_ESCROW,
				(size_t)st.st_size);
	if (err < 0)
		return err;
	err = random_bytes(random, sizeof(random));
	if (err < 0)
		return err;
	e->page = e->region.base;
	seed(&e->page->audio_index, random[0]);
	seed(&e->page->video_index, random[1]);
	seed(&e->page->twcc, random[2]);
	seed(&e->page->picture, random[3]);
	if (e->page->rtcp_index == 0)
		e->page->rtcp_index = 1;

	return 0;
}
