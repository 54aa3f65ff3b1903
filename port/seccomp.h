/*
 * seccomp.h - what a process may still ask of the kernel
 *
 * A profile is a list of system calls. Filters stack and never loosen: an
 * ice-worker enters SANDBOX_ICE_GATHER at birth and SANDBOX_ICE_RUN when its
 * sockets are open. What a library asks for and can do without answers
 * EACCES, what nobody has a reason to ask for kills the process.
 *
 * Errors   Negative errno; the process must leave when it fails.
 * Threads  Enter before a second thread starts.
 * Process  Also sets no_new_privs. Lists and reasons: docs/processes.md.
 */
#ifndef PORT_SECCOMP_H
#define PORT_SECCOMP_H

#include "common/err.h"

enum sandbox_profile {
	SANDBOX_ICE_GATHER,	/* may open UDP sockets and bind them */
	SANDBOX_ICE_RUN,	/* may use what it holds */
	SANDBOX_MEDIA,		/* threads and memory; no file, no socket */
	SANDBOX_SIGNALING,	/* its sockets; no exec, no new files */
	SANDBOX_BROKER,		/* all but the kernel's rare doors */
	SANDBOX_PROFILES
};

/* In a sanitizer build nothing is loaded: its runtime opens files. */
int sandbox_enter(enum sandbox_profile profile) MUST_USE;

/* Loads the filter in every build. */
int sandbox_load(enum sandbox_profile profile) MUST_USE;

const char *sandbox_name(enum sandbox_profile profile);

#endif
