/*
 * data.h - data messages: up ring, graph, down ring; nothing is lost
 *
 * While the far side has no room one message waits here and the up ring is
 * not read, so that it fills, and the sender's SCTP window closes.
 */
#ifndef MEDIA_WORKER_DATA_H
#define MEDIA_WORKER_DATA_H

#include <stdbool.h>

#include "common/err.h"
#include "media-worker/call.h"

/*
 * Moves what can be moved, at most some dozen messages. 1: there is more.
 * 0: all is read, or the far side is full; the bell will ring. -EBADMSG.
 */
int data_pump(struct call *c) MUST_USE;

/* What waits in the old link goes into the new one, in order. */
void data_carry_over(struct call *to, struct call *from);

void data_fini(struct call *c);

#endif
