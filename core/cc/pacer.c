/* pacer.c - leaky bucket */

#include "core/cc/pacer.h"

static int64_t drain_bps(uint32_t target_bps)
{
	int64_t bps = (int64_t)target_bps * 5 / 2;

	return bps > 0 ? bps : 1;
}

void pacer_init(struct pacer *p, uint32_t target_bps)
{
	*p = (struct pacer){ .bps = drain_bps(target_bps) };
}

void pacer_set_target(struct pacer *p, uint32_t target_bps, struct mono now)
{
	int64_t owed_us = mono_since(p->free, now);
	int64_t bps = drain_bps(target_bps);

	if (owed_us > 0) {
		owed_us = owed_us * p->bps / bps;
		if (owed_us > PACER_DEBT_MAX_US)
			owed_us = PACER_DEBT_MAX_US;
		p->free = mono_add(now, owed_us);
	}
	p->bps = bps;
}

bool pacer_may(const struct pacer *p, struct mono now)
{
	return mono_since(p->free, now) <= PACER_BURST_US;
}

void pacer_sent(struct pacer *p, size_t bytes, struct mono now)
{
	struct mono limit = mono_add(now, PACER_DEBT_MAX_US);

	if (mono_before(p->free, now))
		p->free = now;
	p->free = mono_add(p->free, (int64_t)bytes * 8000000 / p->bps);
	p->free = mono_min(p->free, limit);
}

struct mono pacer_due(const struct pacer *p)
{
	return mono_add(p->free, -PACER_BURST_US);
}
