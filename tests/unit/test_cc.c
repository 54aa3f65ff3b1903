/* test_cc.c - pacer and estimator, piece by piece; whole calls in tests/sim */

#include "core/cc/estimate.h"
#include "core/cc/pacer.h"
#include "core/cc/trend.h"
#include "core/rtcp/twcc.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <string.h>

START_TEST(the_pacer_sends_at_two_and_a_half_times_the_target)
{
	struct pacer p;
	int64_t sent = 0;

	pacer_init(&p, 800000);		/* 2 Mbit/s: 250 bytes a millisecond */
	for (int64_t t = 0; t < 1000000; t += 100)
		while (pacer_may(&p, mono_at(t))) {
			pacer_sent(&p, 1200, mono_at(t));
			sent += 1200;
		}
	ck_assert_int_ge(sent, 250000);
	ck_assert_int_le(sent, 250000 + 3 * 1200);
}
END_TEST

START_TEST(a_pause_saves_nothing_up)
{
	struct pacer p;
	int burst = 0;

	pacer_init(&p, 800000);
	while (pacer_may(&p, mono_at(10000000))) {
		pacer_sent(&p, 1200, mono_at(10000000));
		burst++;
	}
	/* 5 ms are 1250 bytes: one packet more than fits. */
	ck_assert_int_eq(burst, 2);
	ck_assert_int_gt(pacer_due(&p).us, 10000000);
	ck_assert(!pacer_may(&p, mono_at(pacer_due(&p).us - 1)));
	ck_assert(pacer_may(&p, pacer_due(&p)));
}
END_TEST

START_TEST(audio_is_charged_and_the_debt_is_bounded)
{
	struct pacer p;

	pacer_init(&p, 800000);
	for (int i = 0; i < 1000; i++)
		pacer_sent(&p, 1200, mono_at(0));
	ck_assert_int_eq(p.free.us, PACER_DEBT_MAX_US);
	ck_assert(pacer_may(&p, mono_at(PACER_DEBT_MAX_US)));
}
END_TEST

START_TEST(a_new_target_keeps_the_bytes_owed)
{
	struct pacer p;

	pacer_init(&p, 800000);
	pacer_sent(&p, 25000, mono_at(0));	/* 100 ms */
	pacer_set_target(&p, 1600000, mono_at(0));
	ck_assert_int_eq(p.free.us, 50000);
	pacer_set_target(&p, 400000, mono_at(0));
	ck_assert_int_eq(p.free.us, 200000);
	pacer_set_target(&p, 0, mono_at(0));	/* slow, not a fault */
	ck_assert_int_le(p.free.us, PACER_DEBT_MAX_US);
	pacer_sent(&p, 1200, mono_at(0));
}
END_TEST

/* A path that adds `growth_us` of delay to every packet sent 10 ms apart. */
static enum trend_state after(struct trend *t, int packets, int growth_us,
			      int noise_us)
{
	static int64_t sent = 1000000, delay = 50000;
	uint32_t rnd = 7;

	for (int i = 0; i < packets; i++) {
		int64_t noise = 0;

		rnd = rnd * 1664525 + 1013904223;
		if (noise_us)
			noise = (int64_t)(rnd >> 8) % noise_us;
		sent += 10000;
		delay += growth_us;
		trend_packet(t, sent, sent + delay + noise);
	}

	return t->state;
}

START_TEST(a_growing_queue_is_seen_and_its_end_too)
{
	struct trend t;

	trend_init(&t);
	ck_assert_int_eq(after(&t, 100, 0, 0), TREND_NORMAL);
	ck_assert_int_eq(after(&t, 50, 500, 0), TREND_OVER);
	ck_assert_int_eq(after(&t, 40, -500, 0), TREND_UNDER);
	ck_assert_int_eq(after(&t, 200, 0, 0), TREND_NORMAL);
}
END_TEST

START_TEST(noise_without_growth_is_no_overuse)
{
	struct trend t;
	int over = 0;

	trend_init(&t);
	for (int i = 0; i < 3000; i++)
		over += after(&t, 1, 0, 4000) == TREND_OVER;
	ck_assert_int_eq(over, 0);
}
END_TEST

START_TEST(a_pause_begins_a_new_line)
{
	struct trend t;

	trend_init(&t);
	trend_packet(&t, 1000000, 1050000);
	trend_packet(&t, 1010000, 1060000);
	trend_packet(&t, 9000000, 9900000);	/* another path by now */
	ck_assert_uint_eq(t.groups, 0);
	ck_assert_int_eq(after(&t, 100, 0, 0), TREND_NORMAL);
}
END_TEST

static struct estimate *e;

static void setup(void)
{
	struct estimate_cfg cfg = { .start_bps = 0 };

	ck_assert_int_eq(estimate_new(&e, &cfg), 0);
}

static void teardown(void)
{
	estimate_free(e);
}

START_TEST(it_starts_at_one_megabit_and_tells_so_once)
{
	uint32_t bps = 0;

	ck_assert(estimate_poll(e, mono_at(0), &bps));
	ck_assert_uint_eq(bps, 1000000);
	ck_assert(!estimate_poll(e, mono_at(0), &bps));
}
END_TEST

START_TEST(remb_is_an_upper_bound_within_limits)
{
	uint32_t bps;

	estimate_remb(e, 300000, mono_at(0));
	ck_assert(estimate_poll(e, mono_at(0), &bps));
	ck_assert_uint_eq(bps, 300000);
	estimate_remb(e, 1, mono_at(0));
	ck_assert(estimate_poll(e, mono_at(0), &bps));
	ck_assert_uint_eq(bps, 50000);
	estimate_remb(e, UINT64_MAX, mono_at(0));
	ck_assert(estimate_poll(e, mono_at(0), &bps));
	ck_assert_uint_eq(bps, 1000000);
}
END_TEST

START_TEST(a_bound_that_is_no_longer_told_ends)
{
	uint32_t bps;

	estimate_remb(e, 300000, mono_at(0));
	ck_assert(estimate_poll(e, mono_at(9000000), &bps));
	ck_assert_uint_eq(bps, 300000);
	ck_assert(estimate_poll(e, mono_at(11000000), &bps));
	ck_assert_uint_eq(bps, 1000000);
}
END_TEST

START_TEST(receiver_reports_serve_without_feedback)
{
	uint32_t bps;

	for (int i = 0; i < 60; i++)
		estimate_report(e, 0, mono_at(i * 1000000));
	ck_assert_uint_eq(estimate_bps(e), 4000000);
	for (int i = 60; i < 64; i++)
		estimate_report(e, 51, mono_at(i * 1000000));	/* 20 % */
	bps = estimate_bps(e);
	ck_assert_uint_lt(bps, 2700000);	/* 0.9^4 */
	ck_assert_uint_gt(bps, 2500000);
	estimate_report(e, 15, mono_at(64000000));	/* 6 %: hold */
	ck_assert_uint_eq(estimate_bps(e), bps);
	for (int i = 65; i < 400; i++)
		estimate_report(e, 255, mono_at(i * 1000000));
	ck_assert_uint_eq(estimate_bps(e), 50000);
}
END_TEST

/* One message about `count` packets from base on, each 10 ms later. */
static void feed(uint16_t base, size_t count, int64_t at, int64_t now)
{
	struct twcc_arrived a[64];
	uint8_t b[500];
	struct buf_out out = buf_out(b, sizeof(b));
	struct rtcp_packet p;
	struct buf_in in;

	for (size_t i = 0; i < count; i++)
		a[i] = (struct twcc_arrived){ true, at + (int64_t)i * 10000 };
	ck_assert_uint_eq(twcc_write(&out, 1, 2, 0, base, a, count, 500),
			  count);
	in = buf_in(b, buf_len(&out));
	ck_assert_int_eq(rtcp_next(&in, &p), 1);
	ck_assert_int_eq(estimate_feedback(e, &p, mono_at(now)), 0);
}

START_TEST(feedback_about_packets_never_sent_says_nothing)
{
	struct estimate_stats st;

	feed(100, 50, 1000000, 1);
	estimate_sent(e, 7, 1000, mono_at(0));
	feed(100, 50, 1000000, 1);
	feed(65000, 50, 1000000, 1);
	estimate_get_stats(e, &st);
	ck_assert_uint_eq(estimate_bps(e), 1000000);
	ck_assert_uint_eq(st.acked_bps, 0);
	ck_assert_uint_eq(st.fraction_lost, 0);
}
END_TEST

START_TEST(a_packet_sent_again_does_not_fake_a_queue)
{
	struct estimate_stats st;
	int64_t t = 1000000;
	int n = 0;

	/* Every tenth packet arrives by its repair, 200 ms late. */
	for (int round = 0; round < 100; round++, n += 20) {
		for (int i = 0; i < 20; i++) {
			estimate_sent(e, n + i, 1000,
				      mono_at(t + i * 10000));
			if (i % 10 == 3)
				estimate_sent(e, n + i, 1000,
					      mono_at(t + i * 10000 + 100000));
		}
		feed((uint16_t)n, 20, t + 50000, t + 400000);
		t += 200000;
	}
	estimate_get_stats(e, &st);
	ck_assert_uint_eq(st.overuses, 0);
	ck_assert_uint_gt(st.acked_bps, 780000);
	ck_assert_uint_lt(st.acked_bps, 820000);
}
END_TEST

START_TEST(silence_after_feedback_lowers_the_target)
{
	uint32_t bps;

	for (int i = 0; i < 50; i++)
		estimate_sent(e, i, 1000, mono_at(1000000 + i * 10000));
	feed(0, 50, 1050000, 1600000);
	bps = estimate_bps(e);
	for (int i = 0; i < 100; i++) {
		uint32_t got;

		estimate_sent(e, 50 + i, 1000, mono_at(1700000 + i * 100000));
		estimate_poll(e, mono_at(1700000 + i * 100000), &got);
	}
	ck_assert_uint_lt(estimate_bps(e), bps / 8);
	ck_assert_uint_ge(estimate_bps(e), 50000);
}
END_TEST

START_TEST(broken_feedback_is_refused)
{
	uint8_t body[20] = { 0 };
	struct rtcp_packet p = { RTCP_RTPFB, RTPFB_TWCC, body, 20 };

	ck_assert_int_eq(estimate_feedback(e, &p, mono_at(0)), -EBADMSG);
}
END_TEST

START_TEST(impossible_limits_are_refused)
{
	static const struct estimate_cfg bad[] = {
		{ 100, 200, 300 }, { 400, 200, 300 }, { 0, 0, 500000 },
	};
	struct estimate *x = NULL;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(estimate_new(&x, &bad[i]), -EINVAL);
	ck_assert_ptr_null(x);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cc");
	TCase *c = tcase_create("pacer and trend");
	TCase *est = tcase_create("estimate");

	tcase_add_test(c, the_pacer_sends_at_two_and_a_half_times_the_target);
	tcase_add_test(c, a_pause_saves_nothing_up);
	tcase_add_test(c, audio_is_charged_and_the_debt_is_bounded);
	tcase_add_test(c, a_new_target_keeps_the_bytes_owed);
	tcase_add_test(c, a_growing_queue_is_seen_and_its_end_too);
	tcase_add_test(c, noise_without_growth_is_no_overuse);
	tcase_add_test(c, a_pause_begins_a_new_line);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(est, setup, teardown);
	tcase_add_test(est, it_starts_at_one_megabit_and_tells_so_once);
	tcase_add_test(est, remb_is_an_upper_bound_within_limits);
	tcase_add_test(est, a_bound_that_is_no_longer_told_ends);
	tcase_add_test(est, receiver_reports_serve_without_feedback);
	tcase_add_test(est, feedback_about_packets_never_sent_says_nothing);
	tcase_add_test(est, a_packet_sent_again_does_not_fake_a_queue);
	tcase_add_test(est, silence_after_feedback_lowers_the_target);
	tcase_add_test(est, broken_feedback_is_refused);
	tcase_add_test(est, impossible_limits_are_refused);
	suite_add_tcase(s, est);

	return suite_run(s);
}
