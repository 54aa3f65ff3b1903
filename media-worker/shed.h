/*
 * shed.h - what this process gives up, and where it runs
 *
 * Process  docs/processes.md has the list.
 */
#ifndef MEDIA_WORKER_SHED_H
#define MEDIA_WORKER_SHED_H

#include <stdint.h>

#include "common/err.h"

/* Limits, no core dump, the system-call filter; before a second thread. */
int shed_rights(void) MUST_USE;

/* How many links the descriptors of this process suffice for, at most
 * LINKS_MAX: a message whose descriptors have no room is lost. */
unsigned shed_links(void);

/* First thread: this core, and real-time priority; where that is not
 * allowed, nothing changes. */
void shed_place(uint32_t core);

/* Second thread: gives way to the first. */
void shed_priority(void);

#endif
