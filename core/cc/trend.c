/* trend.c - delay trend line and its threshold */

#include "core/cc/trend.h"

enum {
	GROUP_US = 5000,
	BURST_US = 100000,	/* a group is no longer than this */
	GROUPS_FULL = 60,	/* confidence grows up to here */
	PAUSE_US = 3000000,	/* a longer one begins anew */
	OVER_MS = 10,		/* at least so long above the threshold */
};

static const double GAIN = 4.0, SMOOTH = 0.9;
static const double THRESHOLD_FIRST = 12.5, THRESHOLD_MIN = 6.0,
		    THRESHOLD_MAX = 600.0, THRESHOLD_JUMP = 15.0;
static const double THRESHOLD_UP = 0.0087, THRESHOLD_DOWN = 0.039;

void trend_init(struct trend *t)
{
	*t = (struct trend){ .threshold = THRESHOLD_FIRST };
}

/* Least squares over the window; the old slope when times do not differ. */
static double fit(const struct trend *t)
{
	double time = 0, delay = 0, above = 0, below = 0;

	for (unsigned i = 0; i < TREND_WINDOW; i++) {
		time += t->time_ms[i] / TREND_WINDOW;
		delay += t->delay_ms[i] / TREND_WINDOW;
	}
	for (unsigned i = 0; i < TREND_WINDOW; i++) {
		double dt = t->time_ms[i] - time;

		above += dt * (t->delay_ms[i] - delay);
		below += dt * dt;
	}

	return below > 0 ? above / below : t->slope;
}

static void follow_noise(struct trend *t, double trend, double span_ms)
{
	double size = trend < 0 ? -trend : trend;
	double k = size < t->threshold ? THRESHOLD_DOWN : THRESHOLD_UP;

	if (size > t->threshold + THRESHOLD_JUMP)
		return;		/* a sudden jump is no noise */
	if (span_ms > 100)
		span_ms = 100;
	t->threshold += k * (size - t->threshold) * span_ms;
	if (t->threshold < THRESHOLD_MIN)
		t->threshold = THRESHOLD_MIN;
	if (t->threshold > THRESHOLD_MAX)
		t->threshold = THRESHOLD_MAX;
}

static void judge(struct trend *t, double slope, double span_ms)
{
	unsigned n = t->groups < GROUPS_FULL ? t->groups : GROUPS_FULL;
	double trend = slope * n * GAIN;

	if (trend > t->threshold) {
		t->over_ms += t->over_count ? span_ms : span_ms / 2;
		t->over_count++;
		if (t->over_ms > OVER_MS && t->over_count > 1 &&
		    slope >= t->slope) {
			t->over_ms = 0;
			t->over_count = 0;
			t->state = TREND_OVER;
		}
	} else {
		t->over_ms = 0;
		t->over_count = 0;
		t->state = trend < -t->threshold ? TREND_UNDER : TREND_NORMAL;
	}
	t->slope = slope;
	follow_noise(t, trend, span_ms);
}

/* The group `now` is complete and `before` too. */
static void compare_groups(struct trend *t)
{
	int64_t sent = t->now.last_sent - t->before.last_sent;
	int64_t came = t->now.last_arrival - t->before.last_arrival;
	unsigned at = t->groups % TREND_WINDOW;

	if (t->groups == 0)
		t->origin = t->now.last_arrival;
	t->groups++;
	t->sum_ms += (double)(came - sent) / 1000;
	t->smooth_ms = SMOOTH * t->smooth_ms + (1 - SMOOTH) * t->sum_ms;
	t->time_ms[at] = (double)(t->now.last_arrival - t->origin) / 1000;
	t->delay_ms[at] = t->smooth_ms;
	if (t->groups >= TREND_WINDOW)
		judge(t, fit(t),
		      (double)(t->now.last_arrival - t->judged) / 1000);
	t->judged = t->now.last_arrival;
}

/* Packets of one burst, and such that a queue let go together. */
static bool belongs(const struct trend_group *g, int64_t sent_us,
		    int64_t arrival_us)
{
	int64_t came = arrival_us - g->last_arrival;

	if (sent_us - g->first_sent <= GROUP_US)
		return true;

	return came <= GROUP_US && came < sent_us - g->last_sent &&
	       arrival_us - g->first_arrival < BURST_US;
}

void trend_packet(struct trend *t, int64_t sent_us, int64_t arrival_us)
{
	struct trend_group *g = &t->now;

	if (g->used && (arrival_us - g->last_arrival > PAUSE_US ||
			arrival_us - g->last_arrival < -PAUSE_US))
		trend_init(t);
	if (g->used && sent_us < g->first_sent)
		return;		/* out of order */
	if (g->used && belongs(g, sent_us, arrival_us)) {
		if (sent_us > g->last_sent)
			g->last_sent = sent_us;
		if (arrival_us > g->last_arrival)
			g->last_arrival = arrival_us;
		return;
	}
	if (t->before.used && g->used)
		compare_groups(t);
	if (g->used)
		t->before = *g;
	*g = (struct trend_group){ sent_us, sent_us, arrival_us, arrival_us,
				   true };
}
