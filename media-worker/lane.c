/* lane.c - a ring of notes, one writer and one reader in one process */

#include "media-worker/lane.h"

#include "shm/doorbell.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct lane {
	_Alignas(64) _Atomic uint32_t head;	/* the writer's */
	int bell[2];
	struct note notes[LANE_NOTES];
	_Alignas(64) _Atomic uint32_t tail;	/* the reader's */
};

int lane_new(struct lane **out)
{
	struct lane *l = aligned_alloc(64, (sizeof(*l) + 63) / 64 * 64);
	int err;

	if (!l)
		return -ENOMEM;
	atomic_init(&l->head, 0);
	atomic_init(&l->tail, 0);
	err = doorbell_new(l->bell);
	if (err) {
		free(l);
		return err;
	}
	*out = l;

	return 0;
}

void lane_free(struct lane *l)
{
	if (!l)
		return;
	close(l->bell[0]);
	close(l->bell[1]);
	free(l);
}

int lane_put(struct lane *l, const struct note *n)
{
	uint32_t head = atomic_load_explicit(&l->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&l->tail, memory_order_acquire);

	if (head - tail == LANE_NOTES)
		return -ENOBUFS;
	l->notes[head % LANE_NOTES] = *n;
	atomic_store_explicit(&l->head, head + 1, memory_order_release);
	doorbell_ring(l->bell[1]);

	return 0;
}

int lane_bell(const struct lane *l)
{
	return l->bell[0];
}

int lane_ringer(const struct lane *l)
{
	return l->bell[1];
}

void lane_hear(struct lane *l)
{
	(void)!doorbell_hear(l->bell[0]);
}

bool lane_take(struct lane *l, struct note *out)
{
	uint32_t tail = atomic_load_explicit(&l->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&l->head, memory_order_acquire);

	if (head == tail)
		return false;
	*out = l->notes[tail % LANE_NOTES];
	atomic_store_explicit(&l->tail, tail + 1, memory_order_release);

	return true;
}
