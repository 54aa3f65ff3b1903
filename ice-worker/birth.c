/*
 * birth.c - close, reseed, shed
 *
 * As root the child also gets a mount and an IPC namespace, an empty root
 * and a uid of its own; without root the filter alone holds.
 */

#include "ice-worker/birth.h"

#include "port/ice.h"
#include "port/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOBODY = 65534, FIRST = 3, ABOVE = 64 };

static const char *level = "filter";

const char *birth_level(void)
{
	return level;
}

/* Moves the kept ones out of the way, closes the rest, moves them back. */
static int keep_only(int *keep)
{
	for (int i = 0; i < BIRTH_KEEP; i++) {
		keep[i] = fcntl(keep[i], F_DUPFD_CLOEXEC, ABOVE);
		if (keep[i] < 0)
			return -errno;
	}
	for (int i = 0; i < BIRTH_KEEP; i++) {
		if (dup3(keep[i], FIRST + i, O_CLOEXEC) < 0)
			return -errno;
		keep[i] = FIRST + i;
	}
	if (syscall(SYS_close_range, FIRST + BIRTH_KEEP, ~0u, 0) < 0)
		return -errno;

	return 0;
}

static int limit(int what, rlim_t value)
{
	const struct rlimit l = { value, value };

	return setrlimit(what, &l) < 0 ? -errno : 0;
}

static int set_limits(void)
{
	int err;

	if ((err = limit(RLIMIT_NOFILE, 64)) < 0 ||
	    (err = limit(RLIMIT_CORE, 0)) < 0 ||
	    (err = limit(RLIMIT_FSIZE, 0)) < 0 ||
	    (err = limit(RLIMIT_NPROC, 0)) < 0)
		return err;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	err = limit(RLIMIT_AS, (rlim_t)512 << 20);
#endif

	return err;
}

/* A root that needs no folder of ours and where nothing can be made: the
 * list of this process's own descriptors. Opening is refused anyway. */
static int empty_root(void)
{
	if (chdir("/proc/self/fdinfo") < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		return -errno;

	return 0;
}

/* Each step that the surroundings forbid (a container without the right) is
 * left out and shows in the level; the filter holds in any case. */
static int give_up_root(void)
{
	bool namespaces, root;

	if (geteuid() != 0)
		return 0;
	namespaces = unshare(CLONE_NEWNS | CLONE_NEWIPC) == 0;
	root = empty_root() == 0;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0) {
		if (errno != EPERM)
			return -errno;
		level = root ? "root, filter" : "filter";
		return 0;
	}
	if (namespaces && root)
		level = "namespaces, root, uid, filter";
	else
		level = root ? "root, uid, filter" : "uid, filter";

	return 0;
}

int birth(int *keep)
{
	int err;

	if ((err = keep_only(keep)) < 0 || (err = ice_reseed()) < 0 ||
	    (err = give_up_root()) < 0)
		return err;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	err = set_limits();

	return err < 0 ? err : sandbox_enter(SANDBOX_ICE_GATHER);
}
