/* transit.c - a sliding window, kept in order and sorted */

#include "core/media/transit.h"

#include <string.h>

void transit_init(struct transit *t)
{
	t->len = t->next = 0;
}

/* The first place whose value is not below v. */
static uint32_t place_of(const struct transit *t, int64_t v)
{
	uint32_t low = 0, high = t->len;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (t->sorted[mid] < v)
			low = mid + 1;
		else
			high = mid;
	}

	return low;
}

void transit_push(struct transit *t, int64_t transit_us)
{
	uint32_t at;

	if (t->len == TRANSIT_WINDOW) {
		at = place_of(t, t->ring[t->next]);
		t->len--;
		memmove(&t->sorted[at], &t->sorted[at + 1],
			(t->len - at) * sizeof(t->sorted[0]));
	}
	at = place_of(t, transit_us);
	memmove(&t->sorted[at + 1], &t->sorted[at],
		(t->len - at) * sizeof(t->sorted[0]));
	t->sorted[at] = transit_us;
	t->ring[t->next] = transit_us;
	t->next = (t->next + 1) % TRANSIT_WINDOW;
	t->len++;
}

int64_t transit_fastest(const struct transit *t)
{
	return t->len ? t->sorted[0] : 0;
}

int64_t transit_latest(const struct transit *t)
{
	return t->len ? t->ring[(t->next + TRANSIT_WINDOW - 1) %
				TRANSIT_WINDOW] : 0;
}

int64_t transit_lateness(const struct transit *t, uint32_t percent)
{
	uint32_t rank;

	if (!t->len)
		return 0;
	rank = (t->len * percent + 99) / 100;

	return t->sorted[rank ? rank - 1 : 0] - t->sorted[0];
}
