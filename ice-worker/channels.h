/*
 * channels.h - the table of data channels (RFC 8832)
 *
 * A channel is its stream number. It begins with an OPEN of either side, or
 * with the first message where the application negotiated the number itself.
 */
#ifndef ICE_WORKER_CHANNELS_H
#define ICE_WORKER_CHANNELS_H

#include <stdint.h>

#include "common/err.h"
#include "ice-worker/data.h"

/* A DCEP message came. -EAGAIN: the ring is full, hold it. */
int channels_dcep(struct peer *p, const struct assoc_message *m) MUST_USE;

/* A message came on this stream: the channel is there. -EAGAIN as above. */
int channels_ready(struct peer *p, uint16_t stream) MUST_USE;

/* The far end closed its side: ours follows. */
void channels_reset(struct peer *p, uint16_t stream);

/* The media side opens or closes a channel. */
void channels_wish(struct peer *p, const struct record *rec,
		   const uint8_t *label);

/* Sends what SCTP did not take before: OPENs, ACKs, resets. */
void channels_pay(struct peer *p);

/* The association is gone. */
void channels_all_closed(struct peer *p);

/* To a new media-worker: the channels that are open. */
void channels_tell_all(struct peer *p);

#endif
