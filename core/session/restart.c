/* restart.c - back-off over a sliding window */

#include "core/session/restart.h"

#include <string.h>

static void forget(struct restart *r, uint32_t n)
{
	r->count -= n;
	memmove(r->crashes, r->crashes + n, r->count * sizeof(r->crashes[0]));
}

struct mono restart_due(struct restart *r, const struct restart_policy *p,
			struct mono now)
{
	uint32_t step;

	while (r->count && mono_since(now, r->crashes[0]) > p->window_us)
		forget(r, 1);
	if (r->count == RESTART_MEMORY)
		forget(r, 1);
	r->crashes[r->count++] = now;

	if (r->count > p->limit)
		return mono_add(now, p->pause_us);
	step = r->count < 4 ? r->count - 1 : 3;

	return mono_add(now, p->delay_us[step]);
}
