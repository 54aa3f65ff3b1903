#include "port/dtls_queue.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	QUEUE_FIRST = 4096,
	QUEUE_KEEP = 16384,	/* an empty queue larger than this is freed */
};

struct entry {
	uint32_t turn, len;
};

static bool make_room(struct dtls_queue *q, size_t len)
{
	size_t used = q->tail - q->head, size = q->size;
	uint8_t *buf;

	if (q->head && size - q->tail < len) {
		memmove(q->buf, q->buf + q->head, used);
		q->head = 0;
		q->tail = used;
	}
	if (size - q->tail >= len)
		return true;
	while (size - used < len)
		size = size ? 2 * size : QUEUE_FIRST;
	if (size > DTLS_QUEUE_MAX)
		return false;
	buf = realloc(q->buf, size);
	if (!buf)
		return false;
	q->buf = buf;
	q->size = size;

	return true;
}

uint8_t *dtls_queue_reserve(struct dtls_queue *q, size_t len)
{
	if (!make_room(q, sizeof(struct entry) + len))
		return NULL;

	return q->buf + q->tail + sizeof(struct entry);
}

void dtls_queue_commit(struct dtls_queue *q, enum dtls_turn turn, size_t len)
{
	struct entry e = { turn, (uint32_t)len };

	memcpy(q->buf + q->tail, &e, sizeof(e));
	q->tail += sizeof(e) + len;
}

enum dtls_turn dtls_queue_pop(struct dtls_queue *q, struct dtls_out *out)
{
	struct entry e;

	if (q->head == q->tail) {
		q->head = q->tail = 0;
		if (q->size > QUEUE_KEEP) {
			free(q->buf);
			q->buf = NULL;
			q->size = 0;
		}
		return DTLS_IDLE;
	}
	memcpy(&e, q->buf + q->head, sizeof(e));
	out->bytes = q->buf + q->head + sizeof(e);
	out->len = e.len;
	q->head += sizeof(e) + e.len;

	return (enum dtls_turn)e.turn;
}

void dtls_queue_clear(struct dtls_queue *q)
{
	q->head = q->tail = 0;
}

void dtls_queue_fini(struct dtls_queue *q)
{
	free(q->buf);
	*q = (struct dtls_queue){ 0 };
}
