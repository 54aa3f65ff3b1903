/* clock.c - read the machine's clocks */

#include "common/clock.h"

#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);

	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

struct mono mono_now(void)
{
	return mono_at(read_us(CLOCK_MONOTONIC));
}

int64_t wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}
