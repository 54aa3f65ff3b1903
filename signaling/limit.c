/* limit.c - a token bucket */

#include "signaling/limit.h"

void limit_init(struct limit *l, double rate, double burst, struct mono now)
{
	*l = (struct limit){ burst, rate, burst, now };
}

bool limit_take(struct limit *l, double n, struct mono now)
{
	int64_t span = mono_since(now, l->at);

	if (span > 0) {
		l->level += l->rate * (double)span / 1e6;
		if (l->level > l->burst)
			l->level = l->burst;
		l->at = now;
	}
	if (l->level < n)
		return false;
	l->level -= n;

	return true;
}

int64_t limit_wait_us(const struct limit *l, double n)
{
	if (l->level >= n || l->rate <= 0)
		return 0;

	return (int64_t)((n - l->level) / l->rate * 1e6) + 1;
}
