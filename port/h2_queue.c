/* h2_queue.c - a list of pieces, filled at the end, emptied at the front */

#include "port/h2_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_MIN = 256, PIECE_MAX = 16384 };

struct h2_piece {
	struct h2_piece *next;
	const uint8_t *at;	/* in room, or bytes that live */
	size_t len, cap;	/* cap 0: borrowed */
	uint8_t room[];
};

static struct h2_piece *piece_new(size_t cap)
{
	struct h2_piece *p = malloc(sizeof(*p) + cap);

	if (p)
		*p = (struct h2_piece){ .at = p->room, .cap = cap };

	return p;
}

static void append(struct h2_queue *q, struct h2_piece *p)
{
	if (q->last)
		q->last->next = p;
	else
		q->first = p;
	q->last = p;
}

static size_t piece_room(const struct h2_piece *p)
{
	if (!p || !p->cap)
		return 0;

	return p->cap - (size_t)(p->at - p->room) - p->len;
}

/* Room for what does not fit behind the last piece. */
static size_t piece_cap(const struct h2_queue *q, size_t len)
{
	size_t cap = q->last ? 2 * q->last->cap : PIECE_MIN;

	if (cap < PIECE_MIN)
		cap = PIECE_MIN;
	if (cap > PIECE_MAX)
		cap = PIECE_MAX;

	return len > cap ? len : cap;
}

static int put_borrowed(struct h2_queue *q, const void *bytes, size_t len)
{
	struct h2_piece *p = piece_new(0);

	if (!p)
		return -ENOMEM;
	p->at = bytes;
	p->len = len;
	append(q, p);
	q->bytes += len;

	return 0;
}

int h2_queue_put(struct h2_queue *q, const void *bytes, size_t len,
		 bool lives)
{
	size_t fits = piece_room(q->last);
	struct h2_piece *p = NULL;

	if (!len)
		return 0;
	if (lives)
		return put_borrowed(q, bytes, len);
	if (fits > len)
		fits = len;
	if (fits < len && !(p = piece_new(piece_cap(q, len - fits))))
		return -ENOMEM;
	if (fits) {
		memcpy(q->last->room + (q->last->at - q->last->room) +
		       q->last->len, bytes, fits);
		q->last->len += fits;
	}
	if (p) {
		memcpy(p->room, (const uint8_t *)bytes + fits, len - fits);
		p->len = len - fits;
		append(q, p);
	}
	q->bytes += len;
	q->copied += len;

	return 0;
}

static void drop_first(struct h2_queue *q)
{
	struct h2_piece *p = q->first;

	q->first = p->next;
	if (!q->first)
		q->last = NULL;
	free(p);
}

size_t h2_queue_take(struct h2_queue *q, void *out, size_t len)
{
	size_t done = 0;

	while (q->first && done < len) {
		struct h2_piece *p = q->first;
		size_t n = p->len < len - done ? p->len : len - done;

		memcpy((uint8_t *)out + done, p->at, n);
		p->at += n;
		p->len -= n;
		q->bytes -= n;
		q->copied -= p->cap ? n : 0;
		done += n;
		if (!p->len)
			drop_first(q);
	}

	return done;
}

void h2_queue_clear(struct h2_queue *q)
{
	while (q->first)
		drop_first(q);
	q->bytes = q->copied = 0;
}
