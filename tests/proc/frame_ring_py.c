/*
 * frame_ring_py.c - our writer of a frame ring, and an in-line reader in
 * Python without compiled code
 *
 * Usage: frame_ring_py [reader script]   (tests/proc/frame_reader.py)
 *
 * Each 70th time a frame that is held is revoked, so that the reader meets
 * that too. Waits for the reader every tenth frame.
 */

#include "common/clock.h"
#include "shm/doorbell.h"
#include "shm/frame_ring.h"
#include "shm/region.h"
#include "shm/words.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES = 3000, SAMPLES = 960, PAGE_BYTES = 4096,
       PATIENCE_US = 20000000 };

static const struct frame_shape shape = {
	.format = RM_FRAMES_PCM16, .slots = FRAME_SLOTS, .rate = 48000,
	.channels = 2, .samples = SAMPLES,
};

static int ring_fd, page_fd, bell[2];
static struct region ring, page;
static struct frame_writer writer;
static const struct rm_frames_page *reader;

static bool set_up(void)
{
	size_t bytes = frame_ring_bytes(&shape);

	ring_fd = region_create("frames", REGION_FRAMES, bytes, 1, 1);
	page_fd = region_create("page", REGION_PRIVATE, PAGE_BYTES, 1, 1);

	return ring_fd >= 0 && page_fd >= 0 && doorbell_new(bell) == 0 &&
	       region_map_writer(&ring, ring_fd, REGION_FRAMES, bytes) == 0 &&
	       frame_ring_init(&writer, ring.base, &shape, NULL) == 0 &&
	       region_seal(ring_fd) == 0;
}

static void keep(int fd, char text[16])
{
	fcntl(fd, F_SETFD, 0);
	snprintf(text, 16, "%d", fd);
}

static FILE *start(const char *script, pid_t *pid)
{
	char args[4][16];
	int out[2];

	if (pipe(out) != 0)
		return NULL;
	*pid = fork();
	if (*pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		keep(ring_fd, args[0]);
		keep(page_fd, args[1]);
		keep(bell[0], args[2]);
		snprintf(args[3], sizeof(args[3]), "%d", FRAMES);
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		execl("/usr/bin/python3", "python3", script, args[0], args[1],
		      args[2], args[3], (char *)NULL);
		_exit(127);
	}
	close(out[1]);

	return fdopen(out[0], "r");
}

static bool meet(FILE *from)
{
	char line[64];

	if (!fgets(line, sizeof(line), from) ||
	    region_seal(page_fd) != 0 ||
	    region_map_reader(&page, page_fd, REGION_PRIVATE, PAGE_BYTES) != 0)
		return false;
	reader = (const struct rm_frames_page *)(const void *)
		 ((const char *)page.base + RM_FRAMES_PAGE_AT);
	frame_ring_set_inline(&writer, reader);

	return true;
}

static bool put(void)
{
	struct frame_meta meta = { .samples = SAMPLES };
	void *planes[FRAME_PLANES];

	if (frame_loan(&writer, &meta, planes) != 0)
		return false;
	for (size_t i = 0; i < SAMPLES * 4 / 8; i++)
		word_store((uint64_t *)planes[0] + i, meta.id >> 8);
	if (frame_commit(&writer, &meta) != 0)
		return false;
	if (frame_must_ring(reader))
		doorbell_ring(bell[1]);

	return true;
}

static bool wait_seen(uint64_t number)
{
	const struct timespec pause = { 0, 20000 };
	struct mono end = mono_add(mono_now(), PATIENCE_US);

	while (word_acquire(&reader->seen) < number) {
		if (mono_before(end, mono_now()))
			return false;
		nanosleep(&pause, NULL);
	}

	return true;
}

/* Looks for a frame that is held for some time (a hold just announced is only
 * passed over), and takes it away. */
static bool revoke_one(void)
{
	uint64_t ids[RM_FRAMES_HOLDS];

	for (int i = 0, held = 0; i < 1000000; i++) {
		held = frame_holds(&writer, ids) > 0 ? held + 1 : 0;
		if (held == 500)
			return frame_revoke(&writer, ids[0]) == 0;
	}

	return true;
}

static bool write_all(void)
{
	for (uint64_t n = 1; n <= FRAMES; n++) {
		if (!put() || (n % 10 == 0 && n % 70 && !wait_seen(n)) ||
		    (n % 70 == 0 && n < FRAMES && !revoke_one()))
			return false;
	}

	return wait_seen(FRAMES);
}

int main(int argc, char **argv)
{
	const char *script = argc > 1 ? argv[1] : "tests/proc/frame_reader.py";
	uint64_t whole = 0, stale = 0, lost = 0, torn = 1;
	FILE *from = NULL;
	int status = -1;
	pid_t pid = -1;
	bool good;

	good = set_up() && (from = start(script, &pid)) && meet(from) &&
	       write_all() &&
	       fscanf(from, "whole=%" SCNu64 " stale=%" SCNu64 " lost=%"
		      SCNu64 " torn=%" SCNu64, &whole, &stale, &lost,
		      &torn) == 4;
	if (!good && pid > 0)
		kill(pid, SIGKILL);
	if (pid > 0)
		waitpid(pid, &status, 0);
	/* Each tenth frame at least was waited for; all are accounted for. */
	good = good && status == 0 && torn == 0 && whole >= FRAMES / 20 &&
	       whole + stale + lost == FRAMES;
	printf("%d frames: %" PRIu64 " whole, %" PRIu64 " stale, %" PRIu64
	       " lost, %" PRIu64 " torn\n", FRAMES, whole, stale, lost, torn);
	printf("frame_ring_py: %d passed, %d failed\n", good, !good);

	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
