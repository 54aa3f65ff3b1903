/*
 * birth.h - what a forked child gives up before it meets the network
 *
 * Order: descriptors, identity of its randomness, rights. A step that fails
 * ends the child; it has seen nothing yet.
 */
#ifndef ICE_WORKER_BIRTH_H
#define ICE_WORKER_BIRTH_H

#include "common/err.h"

enum { BIRTH_KEEP = 2 };

/*
 * Closes all but stdio and the BIRTH_KEEP descriptors of `keep`, which get
 * the numbers 3 and 4 (keep is updated). Reseeds, sets limits, gives up root
 * and the file system where it has them, and enters the gathering stage.
 * Negative errno.
 */
int birth(int *keep) MUST_USE;

/* What birth() could do, for one log line. */
const char *birth_level(void);

#endif
