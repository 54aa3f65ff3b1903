/*
 * h2_queue.h - the bytes of one answer that wait for the far end's window
 *
 * Memory   Copies, in pieces that double as they fill, or borrows bytes that
 *          live as long as the process. The cap is the caller's affair.
 */
#ifndef PORT_H2_QUEUE_H
#define PORT_H2_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct h2_piece;

struct h2_queue {
	struct h2_piece *first, *last;
	size_t bytes;		/* all that wait */
	size_t copied;		/* of them, in memory of the queue */
};

/* -ENOMEM: nothing queued. */
int h2_queue_put(struct h2_queue *q, const void *bytes, size_t len,
		 bool lives) MUST_USE;

/* Moves up to len bytes out; how many. */
size_t h2_queue_take(struct h2_queue *q, void *out, size_t len);

void h2_queue_clear(struct h2_queue *q);

#endif
