/*
 * doorbell.h - wake a reader that sleeps; never blocks the one who rings
 *
 * A doorbell is a pipe: its two ends are two open files, so that neither
 * side can change the other's flags (an eventfd's flags belong to both).
 * Both ends are non-blocking. A full pipe is a rung bell: the byte is
 * dropped. A closed far end is a dead reader: nothing happens (SIGPIPE is
 * ignored by every process).
 */
#ifndef SHM_DOORBELL_H
#define SHM_DOORBELL_H

#include "common/err.h"

/* ends[0] is heard, ends[1] is rung; both O_CLOEXEC | O_NONBLOCK. */
int doorbell_new(int ends[2]) MUST_USE;

void doorbell_ring(int fd);

/* Empties the pipe: at most 4096 bytes a call, so that a ringer that never
 * stops cannot hold the reader. 0, or -EPIPE when the ringer is gone. */
int doorbell_hear(int fd);

#endif
