/* shed.c - limits, filter, core, priorities */

#include "media-worker/shed.h"

#include "media-worker/lane.h"
#include "port/seccomp.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum {
	FILES_RESERVE = 64,	/* sockets, bells, a message's descriptors */
	FILES = LINKS_MAX * LINK_FILES + FILES_RESERVE,
	MEMORY = 1 << 30,	/* private bytes */
	FIFO_PRIORITY = 5,
	NICE = 5,
};

static int limit(int what, rlim_t most)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)what, &now) != 0)
		return -errno;
	if (most > now.rlim_max)
		most = now.rlim_max;
	now.rlim_cur = now.rlim_max = most;

	return setrlimit((__rlimit_resource_t)what, &now) == 0 ? 0 : -errno;
}

int shed_rights(void)
{
	int err;

	/* No RLIMIT_FSIZE: the log may be a file; opening one is barred. */
	if ((err = limit(RLIMIT_CORE, 0)) ||
	    (err = limit(RLIMIT_NOFILE, FILES)))
		return err;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	err = limit(RLIMIT_DATA, MEMORY);
	if (err)
		return err;
#endif
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return -errno;

	return sandbox_enter(SANDBOX_MEDIA);
}

unsigned shed_links(void)
{
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur >= FILES)
		return LINKS_MAX;
	if (now.rlim_cur <= FILES_RESERVE)
		return 0;

	return (unsigned)(now.rlim_cur - FILES_RESERVE) / LINK_FILES;
}

void shed_place(uint32_t core)
{
	struct sched_param p = { .sched_priority = FIFO_PRIORITY };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
	(void)sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &p);
}

void shed_priority(void)
{
	(void)setpriority(PRIO_PROCESS, 0, NICE);
}
