/*
 * dtls_queue.h - what waits for dtls_poll(): datagrams and messages
 *
 * Memory   Grows up to DTLS_QUEUE_MAX, and gives a large buffer back when it
 *          is empty. Zeroed storage is an empty queue.
 */
#ifndef PORT_DTLS_QUEUE_H
#define PORT_DTLS_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "port/dtls.h"

/* Entries, each a head and its bytes, from `head` to `tail` of `buf`. */
struct dtls_queue {
	uint8_t *buf;
	size_t head, tail, size;
};

/* Room for one entry of at most len bytes, which dtls_queue_commit() makes
 * one; nothing else may be done with the queue between. NULL when full. */
uint8_t *dtls_queue_reserve(struct dtls_queue *q, size_t len);
void dtls_queue_commit(struct dtls_queue *q, enum dtls_turn turn, size_t len);

/* DTLS_IDLE when empty; otherwise out->bytes, valid until the next call. */
enum dtls_turn dtls_queue_pop(struct dtls_queue *q, struct dtls_out *out);

void dtls_queue_clear(struct dtls_queue *q);
void dtls_queue_fini(struct dtls_queue *q);

#endif
