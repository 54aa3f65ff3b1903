/*
 * test_jitter_sim.c - ten minutes of call per scenario, in milliseconds
 *
 * A sender with a clock of its own, a link with seeded delay, jitter, loss
 * and reordering, and a receiver that plays 20 ms at every tick of ours. A
 * failing run prints the scenario; the seed stands in the table.
 */

#include "core/media/jitter.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FRAME = 960, FRAME_US = 20000, CALL_US = 600 * 1000000,
	FLIGHT = 128, MAX_US = 200000,
};

struct scenario {
	const char *what;
	uint32_t seed;
	int drift_ppm;		/* of the sender's clock */
	int jitter_us;		/* uniform, 0 to this */
	int loss_percent;
	int spike_us;		/* one packet in 500 is this late */
	bool dtx;		/* half of the time silent */
	bool outage;		/* 400 ms of nothing each minute, then all */
	/* what must come of it */
	int delay_low_us, delay_high_us;	/* mean of the last minute */
	double concealed_percent;		/* at most */
};

static const struct scenario table[] = {
	{ "clean", 1, 0, 0, 0, 0, 0, 0, 16000, 28000, 0 },
	{ "clean, wake-ups of 3 ms", 2, 0, 3000, 0, 0, 0, 0,
	  16000, 28000, 0 },
	{ "sender 200 ppm fast", 3, 200, 2000, 0, 0, 0, 0,
	  16000, 28000, 0.01 },
	{ "sender 200 ppm slow", 4, -200, 2000, 0, 0, 0, 0,
	  15000, 28000, 0.01 },
	{ "jitter 15 ms", 5, 0, 15000, 0, 0, 0, 0, 16000, 30000, 0.1 },
	{ "jitter 50 ms, reorders", 6, 50, 50000, 0, 0, 0, 0,
	  45000, 74000, 4 },
	{ "jitter 120 ms", 7, -50, 120000, 0, 0, 0, 0,
	  105000, 140000, 4 },
	{ "loss 5 %", 8, 0, 2000, 5, 0, 0, 0, 30000, 50000, 0.6 },
	{ "loss 20 %", 9, 30, 5000, 20, 0, 0, 0, 35000, 55000, 6 },
	{ "spikes of 100 ms", 10, 0, 3000, 0, 100000, 0, 0,
	  16000, 32000, 2 },
	{ "silence half of the time", 11, 100, 3000, 0, 0, 1, 0,
	  14000, 30000, 0.1 },
	{ "outages of 400 ms", 12, 0, 3000, 0, 0, 0, 1,
	  16000, 60000, 1.5 },
	{ "all at once", 13, 150, 40000, 5, 150000, 1, 1,
	  30000, 110000, 12 },
};

static uint32_t state;

static uint32_t roll(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;

	return state;
}

struct flight {
	bool busy;
	int64_t seq, media, arrival;
	uint8_t bytes[4];
	size_t len;
};

struct call {
	const struct scenario *sc;
	struct jitter *jb;
	struct flight flights[FLIGHT];
	int64_t sent;		/* packets, silent ones apart */
	int64_t seq;
	int64_t arrived;
	int64_t queued;		/* samples decoded, not played */
	int64_t made, added;	/* samples decoded; by stretch */
	int64_t ticks, nothing;
	double delay_sum;
	int64_t delay_n, delay_max;
};

static void launch(struct call *c, int64_t at, int64_t media, size_t len)
{
	const struct scenario *sc = c->sc;
	int64_t arrival = at + 30000;
	int64_t seq = c->seq++;

	if (sc->jitter_us)
		arrival += roll() % (uint32_t)sc->jitter_us;
	if (sc->spike_us && roll() % 500 == 0)
		arrival += sc->spike_us;
	if (sc->outage && at % 60000000 > 59600000)
		arrival = at - at % 60000000 + 60030000;
	if (roll() % 100 < (uint32_t)sc->loss_percent)
		return;
	for (int i = 0; i < FLIGHT; i++) {
		struct flight *f = &c->flights[i];

		if (f->busy)
			continue;
		*f = (struct flight){ true, seq, media, arrival,
				      { 9 << 3, 0x40 }, len };
		return;
	}
	ck_abort_msg("%s: too many packets in flight", sc->what);
}

/* All that the sender says until `now`. */
static void speak(struct call *c, int64_t now)
{
	double step = FRAME_US * (1.0 - c->sc->drift_ppm / 1e6);

	for (;;) {
		int64_t at = (int64_t)((double)c->sent * step);
		bool silent = c->sc->dtx && c->sent / 50 % 2 == 1;

		if (at > now)
			return;
		/* Opus says once that it falls silent, and refreshes the
		 * noise every 400 ms. */
		if (!silent)
			launch(c, at, c->sent * FRAME, 3);
		else if (c->sent % 50 == 0 || c->sent % 20 == 1)
			launch(c, at, c->sent * FRAME, 1);
		else if (c->sent % 20 == 0)
			launch(c, at, c->sent * FRAME, 3);
		c->sent++;
	}
}

/* What arrived until now, in order of arrival. */
static void deliver(struct call *c, int64_t now)
{
	for (;;) {
		struct flight *first = NULL;
		struct jitter_packet p;

		for (int i = 0; i < FLIGHT; i++) {
			struct flight *f = &c->flights[i];

			if (f->busy && f->arrival <= now &&
			    (!first || f->arrival < first->arrival))
				first = f;
		}
		if (!first)
			return;
		p = (struct jitter_packet){ first->seq, first->media,
					    mono_at(first->arrival),
					    first->bytes, first->len };
		first->busy = false;
		c->arrived++;
		(void)!jitter_push(c->jb, &p, mono_at(now));
	}
}

/* As WSOLA would: a period of 5 ms is there two times of three. */
static int64_t stretch(const struct jitter_frame *f)
{
	if (abs(f->stretch) < 240 || (!f->urgent && roll() % 3 == 0))
		return 0;

	return f->stretch < 0 ? -240 : 240;
}

static void tick(struct call *c, int64_t now)
{
	struct jitter_stats s;
	int turns = 0;

	while (c->queued < FRAME) {
		struct jitter_frame f;
		int64_t by;

		ck_assert_msg(++turns < 20, "%s: pulls without end",
			      c->sc->what);
		jitter_pull(c->jb, mono_at(now), (uint32_t)c->queued, &f);
		if (f.turn == JITTER_NOTHING) {
			c->nothing++;
			return;
		}
		ck_assert_uint_gt(f.samples, 0);
		by = f.turn == JITTER_PLAY ? stretch(&f) : 0;
		c->made += f.samples;
		c->added += by;
		c->queued += f.samples + by;
	}
	c->queued -= FRAME;
	c->ticks++;
	jitter_stats(c->jb, &s);
	if (s.delay_us > c->delay_max)
		c->delay_max = s.delay_us;
	if (now > CALL_US - 60000000) {
		c->delay_sum += (double)s.delay_us;
		c->delay_n++;
	}
}

static void run(struct call *c)
{
	int64_t start = -1;

	for (int64_t now = 0; now < CALL_US; now += 1000) {
		speak(c, now);
		deliver(c, now);
		if (start < 0) {
			start = jitter_start(c->jb).us;
			if (start == MONO_NEVER.us)
				start = -1;
			else
				start = start - start % 1000 + 1000;
		}
		if (start >= 0 && now >= start &&
		    (now - start) % FRAME_US == 0)
			tick(c, now);
	}
}

START_TEST(ten_minutes)
{
	const struct scenario *sc = &table[_i];
	struct jitter_cfg cfg = { 20000, MAX_US };
	struct call *c = calloc(1, sizeof(*c));
	struct jitter_stats s;
	double mean, concealed;
	int64_t past;	/* pushed in time, filled otherwise at its turn */

	state = sc->seed;
	c->sc = sc;
	ck_assert_int_eq(jitter_new(&c->jb, &cfg), 0);
	run(c);
	jitter_stats(c->jb, &s);
	mean = c->delay_sum / (double)c->delay_n;
	concealed = 100.0 * (double)s.concealed / ((double)c->ticks * FRAME);
	printf("%-26s delay %5.1f ms max %5.1f  concealed %.2f %%  fec %.2f %%"
	       "  stretched %+.1f s late %d skipped %d\n", sc->what,
	       mean / 1000, (double)c->delay_max / 1000, concealed,
	       100.0 * (double)s.fec / ((double)c->ticks * FRAME),
	       (double)c->added / 48000, (int)s.late, (int)s.skipped);

	/* Every tick had its 20 ms, none more and none less. */
	ck_assert_int_eq(c->nothing, 0);
	ck_assert_int_ge(c->ticks, CALL_US / FRAME_US - 15);
	ck_assert_int_eq(c->made + c->added - c->queued, c->ticks * FRAME);
	/* Every packet that arrived was played or is accounted for. */
	past = (int64_t)(s.pushed - s.played - s.skipped - s.overflow) -
	       s.held;
	ck_assert_int_ge(past, 0);
	ck_assert_int_eq((int64_t)(s.pushed + s.late) - past, c->arrived);
	ck_assert_uint_ge(s.played, (uint64_t)((double)s.pushed * 0.96));
	ck_assert_msg(mean >= sc->delay_low_us && mean <= sc->delay_high_us,
		      "%s: delay %.0f us", sc->what, mean);
	ck_assert_msg(concealed <= sc->concealed_percent,
		      "%s: concealed %.2f %%", sc->what, concealed);
	ck_assert_msg(c->delay_max <= MAX_US + 40000 + FRAME_US +
		      (sc->outage || sc->spike_us ? 400000 : 0),
		      "%s: delay up to %d us", sc->what, (int)c->delay_max);
	jitter_free(c->jb);
	free(c);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jitter_sim");
	TCase *tc = tcase_create("calls");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, ten_minutes, 0,
			    sizeof(table) / sizeof(table[0]));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);

	return failed ? 1 : 0;
}
