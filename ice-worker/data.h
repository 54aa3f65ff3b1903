/*
 * data.h - data channels: SCTP messages to records and back
 *
 * Nothing is lost and nothing is queued: a message that the ring does not
 * take stays where it is, SCTP is no longer read, and the far end stops
 * sending. The other way a message that SCTP does not take stays here, and
 * the ring is no longer read.
 *
 * Memory   The channel table grows by one entry a channel, 1024 at most.
 */
#ifndef ICE_WORKER_DATA_H
#define ICE_WORKER_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/loop.h"
#include "port/sctp.h"
#include "shm/record.h"

struct peer;

enum channel_state {
	CHANNEL_NONE,
	CHANNEL_OPEN,		/* both ways */
	CHANNEL_CLOSING,	/* our reset is to be sent or under way */
};

struct data_channel {
	uint8_t state;		/* enum channel_state */
	bool unordered, announced;
	bool ack_owed, open_owed, reset_owed, tell_owed;
	uint8_t reliability;	/* enum dcep_reliability */
	uint32_t limit;
	uint16_t label_len;
	uint8_t *label;		/* label_len bytes */
};

struct data {
	struct assoc *assoc;		/* NULL: no association */
	bool up, ended;			/* the association; ended is final */
	bool owed;			/* a channel has a debt, channels.h */
	bool held, pending;
	struct assoc_message message;	/* held: the ring was full */
	struct record rec;		/* pending: SCTP was full */
	uint8_t *payload;		/* RECORD_PAYLOAD_DATA bytes */
	struct data_channel *channels;	/* ASSOC_STREAMS_MAX */
	unsigned open;
	struct timer timer;
	struct mono ticked, busy;
	uint64_t messages_in, messages_out, refused;
};

/* After a negotiation, and when DTLS is connected: begins the association
 * when both are there. */
void data_agree(struct peer *p);
void data_fini(struct peer *p);

/* A packet of the far end. */
void data_recv(struct peer *p, const uint8_t *bytes, size_t len);

/* SCTP to ring, until empty or full. */
void data_push(struct peer *p);

/* Ring to SCTP; true: the ring is empty, false: SCTP must be waited for. */
bool data_pull(struct peer *p);

/* links.old has the records that nobody will read there; the open channels
 * are told again. */
void data_replace_link(struct peer *p);

#endif
