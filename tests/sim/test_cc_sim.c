/*
 * test_cc_sim.c - does the bitrate target find the link's capacity
 *
 * The source follows the estimate. The link has a bottleneck with a queue
 * of 300 ms; ten minutes each. A failing row names itself and its seed.
 */

#include "tests/sim/rtp_call.h"
#include "tests/unit/suite.h"

#include <stdio.h>

struct scenario {
	const char *what;
	uint64_t seed;
	int64_t capacity;
	struct net_cfg forth, back;
};

static const struct scenario table[] = {
	{ "300 kbit/s", 11, 300000, { .delay_us = 25000 },
	  { .delay_us = 25000 } },
	{ "800 kbit/s, jitter 10 ms", 12, 800000,
	  { .delay_us = 25000, .jitter_us = 10000 },
	  { .delay_us = 25000, .jitter_us = 10000 } },
	{ "1.5 Mbit/s", 13, 1500000, { .delay_us = 10000 },
	  { .delay_us = 10000 } },
	{ "2 Mbit/s, round trip 200 ms", 14, 2000000, { .delay_us = 100000 },
	  { .delay_us = 100000 } },
	{ "2 Mbit/s, 1 % random loss both ways", 15, 2000000,
	  { .delay_us = 25000, .loss = 0.01 },
	  { .delay_us = 25000, .loss = 0.01 } },
	{ "3 Mbit/s, reordering", 16, 3000000,
	  { .delay_us = 25000, .reorder = 0.02 }, { .delay_us = 25000 } },
};

static struct rtp_call *start(const struct scenario *s)
{
	struct rtp_call_cfg cfg = {
		.seed = s->seed,
		.forth = s->forth,
		.back = s->back,
		.codec = RTP_VP9,
		.feedback = true,
		.hole_wait_us = 500000,
		.audio_bps = 32000,
	};

	cfg.forth.rate_bps = s->capacity;
	cfg.forth.queue_us = 300000;

	return rtp_call_new(&cfg);
}

static double mean(struct rtp_call *c)
{
	const struct rtp_call_stats *st = rtp_call_stats(c);

	return st->target_sum / (double)st->target_ms;
}

/* Runs for ms and gives the mean target of that time. */
static double mean_of(struct rtp_call *c, int64_t ms)
{
	rtp_call_reset_stats(c);
	rtp_call_run(c, ms);

	return mean(c);
}

START_TEST(it_settles_near_the_capacity)
{
	const struct scenario *s = &table[_i];
	struct rtp_call *c = start(s);
	const struct rtp_call_stats *st = rtp_call_stats(c);
	double low = 1e9, high = 0, all = 0;

	rtp_call_run(c, 60000);
	for (int minute = 0; minute < 9; minute++) {
		double m = mean_of(c, 60000);

		low = m < low ? m : low;
		high = m > high ? m : high;
		all += m / 9;
		ck_assert_msg(st->torn == 0 && st->undecodable == 0 &&
			      st->told_wrong == 0, "%s (seed %d)", s->what,
			      (int)s->seed);
	}
	printf("%s: target %.0f kbit/s (minutes %.0f to %.0f), last minute's "
	       "queue at most %d ms\n", s->what, all / 1000, low / 1000,
	       high / 1000, (int)(st->queue_max_us / 1000));
	ck_assert_msg(low >= 0.8 * (double)s->capacity &&
		      high <= 1.2 * (double)s->capacity,
		      "%s (seed %d): %.0f to %.0f", s->what, (int)s->seed, low,
		      high);
	rtp_call_free(c);
}
END_TEST

START_TEST(a_wide_link_is_used_to_the_limit)
{
	struct scenario s = { "wide", 21, 0, { .delay_us = 25000 },
			      { .delay_us = 25000 } };
	struct rtp_call *c = start(&s);

	rtp_call_run(c, 45000);
	ck_assert_uint_ge(rtp_call_stats(c)->target, 3990000);
	rtp_call_free(c);
}
END_TEST

START_TEST(congestion_is_answered_in_seconds_and_left_behind)
{
	struct scenario s = { "step", 22, 2000000, { .delay_us = 25000 },
			      { .delay_us = 25000 } };
	struct rtp_call *c = start(&s);
	const struct rtp_call_stats *st = rtp_call_stats(c);
	double low;

	rtp_call_run(c, 60000);
	rtp_call_set_rate(c, 600000);
	rtp_call_run(c, 3000);
	ck_assert_uint_le(st->target, 720000);
	rtp_call_run(c, 10000);
	low = mean_of(c, 60000);
	printf("step down to 600: target %.0f kbit/s, queue at most %d ms\n",
	       low / 1000, (int)(st->queue_max_us / 1000));
	ck_assert(low >= 480000 && low <= 720000);
	rtp_call_set_rate(c, 2000000);
	rtp_call_run(c, 60000);
	low = mean_of(c, 60000);
	printf("back at 2000: target %.0f kbit/s\n", low / 1000);
	ck_assert(low >= 1600000 && low <= 2400000);
	rtp_call_free(c);
}
END_TEST

START_TEST(heavy_loss_lowers_the_target)
{
	struct scenario s = { "loss 20 %", 23, 0,
			      { .delay_us = 25000, .loss = 0.2 },
			      { .delay_us = 25000 } };
	struct rtp_call *c = start(&s);

	rtp_call_run(c, 60000);
	ck_assert_uint_lt(rtp_call_stats(c)->target, 300000);
	rtp_call_free(c);
}
END_TEST

START_TEST(reports_alone_find_no_loss_and_grow)
{
	struct scenario s = { "no feedback", 24, 0, { .delay_us = 25000 },
			      { .delay_us = 25000 } };
	struct rtp_call_cfg cfg = { .seed = s.seed, .forth = s.forth,
				    .back = s.back, .codec = RTP_VP8,
				    .hole_wait_us = 300000 };
	struct rtp_call *c = rtp_call_new(&cfg);

	rtp_call_run(c, 30000);
	ck_assert_uint_ge(rtp_call_stats(c)->target, 3990000);
	ck_assert_uint_eq(rtp_call_stats(c)->told, 0);
	rtp_call_free(c);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cc_sim");
	TCase *c = tcase_create("calls");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, it_settles_near_the_capacity, 0,
			    ARRAY_LEN(table));
	tcase_add_test(c, a_wide_link_is_used_to_the_limit);
	tcase_add_test(c, congestion_is_answered_in_seconds_and_left_behind);
	tcase_add_test(c, heavy_loss_lowers_the_target);
	tcase_add_test(c, reports_alone_find_no_loss_and_grow);
	suite_add_tcase(s, c);

	return suite_run(s);
}
