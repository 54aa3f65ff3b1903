/*
 * options.h - the command line of a media-worker
 *
 *     media-worker --index N --core C [--log FILTER] [--alone SECONDS]
 *
 * Descriptors 3 and 4 are the ctl and fds listeners.
 */
#ifndef MEDIA_WORKER_OPTIONS_H
#define MEDIA_WORKER_OPTIONS_H

#include <stdint.h>

#include "common/err.h"

enum { FD_CTL = 3, FD_FDS = 4 };

struct options {
	uint32_t index;		/* which worker this is, below 1024 */
	uint32_t core;		/* that it is pinned to, where allowed */
	uint32_t alone_s;	/* see alone.c */
	const char *log;	/* or NULL */
};

/* -EINVAL; why and what is allowed stands on stderr. */
int options_parse(struct options *out, int argc, char **argv) MUST_USE;

#endif
