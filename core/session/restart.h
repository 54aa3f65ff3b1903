/*
 * restart.h - when to start a process that crashed again
 *
 * A pure module. A crash is answered by a delay that grows with the crashes
 * of the last window; past the limit the pause applies, for ever if need be.
 */
#ifndef CORE_SESSION_RESTART_H
#define CORE_SESSION_RESTART_H

#include <stdint.h>

#include "common/mono.h"

struct restart_policy {
	int64_t delay_us[4];	/* first, second, third, further crashes */
	int64_t window_us;	/* crashes older than this are forgotten */
	uint32_t limit;		/* crashes in the window before the pause;
				   at most RESTART_MEMORY */
	int64_t pause_us;
};

enum { RESTART_MEMORY = 16 };

struct restart {
	struct mono crashes[RESTART_MEMORY];	/* newest last */
	uint32_t count;
};

/* Notes a crash now and says when to start again. */
struct mono restart_due(struct restart *r, const struct restart_policy *p,
			struct mono now);

#endif
