/* test_recv.c - statistics and wishes of one incoming stream */

#include "core/rtp/recv.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <string.h>

static struct rtp_recv *r;
static int64_t seq, ts;

static void start(bool nack, bool fir, uint32_t hz)
{
	struct rtp_recv_cfg cfg = { .ssrc = 77, .clock_hz = hz, .nack = nack,
				    .use_fir = fir };

	ck_assert_int_eq(rtp_recv_new(&r, &cfg), 0);
}

static void setup(void)
{
	start(true, false, 90000);
}

static void teardown(void)
{
	rtp_recv_free(r);
}

static struct mono ms(int64_t t)
{
	return mono_at(t * 1000);
}

static int take(uint16_t s, uint32_t t, struct mono now)
{
	return rtp_recv_packet(r, s, t, 100, now, &seq, &ts);
}

START_TEST(numbers_are_extended_over_both_wraps)
{
	ck_assert_int_eq(take(65534, 0xfffffff0, ms(0)), 0);
	ck_assert_int_eq(seq, 65534);
	ck_assert_int_eq(ts, 0xfffffff0);
	ck_assert_int_eq(take(1, 5, ms(1)), 0);
	ck_assert_int_eq(seq, 65537);
	ck_assert_int_eq(ts, 0x100000005);
	ck_assert_int_eq(take(65535, 0xfffffff1, ms(1)), 0);
	ck_assert_int_eq(seq, 65535);
	ck_assert_int_eq(ts, 0xfffffff1);
}
END_TEST

START_TEST(duplicates_and_very_late_packets_are_refused)
{
	struct rtp_recv_stats st;

	ck_assert_int_eq(take(1000, 0, ms(0)), 0);
	ck_assert_int_eq(take(1000, 0, ms(0)), -EEXIST);
	ck_assert_int_eq(take(2500, 0, ms(0)), 0);
	ck_assert_int_eq(take(1000, 0, ms(0)), -ETIME);
	ck_assert_int_eq(take(2500 - RECV_WINDOW + 1, 0, ms(0)), 0);
	ck_assert_int_eq(take(2500 - RECV_WINDOW + 1, 0, ms(0)), -EEXIST);
	ck_assert_int_eq(take(2500 - RECV_WINDOW, 0, ms(0)), -ETIME);
	rtp_recv_get_stats(r, &st);
	ck_assert_uint_eq(st.packets, 3);
	ck_assert_uint_eq(st.bytes, 300);
	ck_assert_uint_eq(st.duplicates, 2);
	ck_assert_uint_eq(st.late, 2);
}
END_TEST

START_TEST(a_far_jump_needs_a_second_packet)
{
	ck_assert_int_eq(take(10, 0, ms(0)), 0);
	ck_assert_int_eq(take(20000, 9, ms(1)), -EAGAIN);
	ck_assert_int_eq(take(11, 0, ms(1)), 0);	/* it was a stray one */
	ck_assert_int_eq(take(20001, 9, ms(1)), -EAGAIN);
	ck_assert_int_eq(take(20002, 9, ms(1)), 0);
	ck_assert_int_eq(seq, 20002);
	/* A source that starts over low goes on above. */
	ck_assert_int_eq(take(5, 9, ms(1)), -EAGAIN);
	ck_assert_int_eq(take(6, 9, ms(1)), 0);
	ck_assert_int_eq(seq, 65536 + 6);
}
END_TEST

START_TEST(a_report_counts_loss_by_interval_and_in_all)
{
	struct rtcp_report rep;

	ck_assert(!rtp_recv_report(r, ms(0), &rep));
	for (int i = 0; i < 100; i++)
		if (i % 4)
			ck_assert_int_eq(take((uint16_t)(65500 + i), 0, ms(i)),
					 0);
	/* Without the first one: 99 expected, 75 taken. */
	ck_assert(rtp_recv_report(r, ms(100), &rep));
	ck_assert_uint_eq(rep.ssrc, 77);
	ck_assert_int_eq(rep.lost, 24);
	ck_assert_uint_eq(rep.fraction_lost, 24 * 256 / 99);
	ck_assert_uint_eq(rep.highest, 65500 + 99);
	ck_assert_uint_eq(rep.lsr, 0);
	for (int i = 100; i < 200; i++)
		ck_assert_int_eq(take((uint16_t)(65500 + i), 0, ms(i)), 0);
	ck_assert(rtp_recv_report(r, ms(200), &rep));
	ck_assert_uint_eq(rep.fraction_lost, 0);
	ck_assert_int_eq(rep.lost, 24);
	/* A repaired one is no loss. */
	ck_assert_int_eq(take((uint16_t)(65500 + 4), 0, ms(201)), 0);
	ck_assert(rtp_recv_report(r, ms(202), &rep));
	ck_assert_int_eq(rep.lost, 23);
}
END_TEST

START_TEST(jitter_follows_rfc_3550_a_8)
{
	struct rtcp_report rep;
	double j = 0;
	int64_t late[] = { 0, 3, 0, 5, 1, 0, 9, 2 };

	/* Every 20 ms, late by so many milliseconds; 90 ticks each. */
	for (size_t i = 0; i < ARRAY_LEN(late); i++) {
		ck_assert_int_eq(take((uint16_t)i, (uint32_t)i * 1800,
				      ms(20 * (int64_t)i + late[i])), 0);
		if (i) {
			double d = (double)(late[i] - late[i - 1]) * 90;

			j += ((d < 0 ? -d : d) - j) / 16;
		}
	}
	ck_assert(rtp_recv_report(r, ms(300), &rep));
	ck_assert_uint_ge(rep.jitter, (uint32_t)j - 1);
	ck_assert_uint_le(rep.jitter, (uint32_t)j + 1);
	ck_assert_uint_gt(rep.jitter, 50);
}
END_TEST

START_TEST(packets_of_one_picture_are_no_jitter)
{
	struct rtcp_report rep;

	for (int i = 0; i < 100; i++)
		for (int k = 0; k < 5; k++)
			ck_assert_int_eq(take((uint16_t)(i * 5 + k),
					      (uint32_t)i * 3000,
					      mono_at(i * 100000000ll / 3000 +
						      k * 2000)), 0);
	ck_assert(rtp_recv_report(r, ms(9999), &rep));
	ck_assert_uint_le(rep.jitter, 1);
}
END_TEST

START_TEST(the_last_sender_report_is_told_back)
{
	struct rtcp_sr sr = { .ntp = 0x1234567890abcdef };
	struct rtcp_report rep;
	int64_t us;

	ck_assert_int_eq(take(1, 90000, ms(0)), 0);
	ck_assert(!rtp_recv_ntp_us(r, 0, &us));
	sr.ts = 90000;
	rtp_recv_sr(r, &sr, ms(1000));
	ck_assert(rtp_recv_report(r, ms(1500), &rep));
	ck_assert_uint_eq(rep.lsr, 0x567890ab);
	ck_assert_uint_eq(rep.dlsr, 32768);
	ck_assert(rtp_recv_ntp_us(r, 90000 + 45000, &us));
	ck_assert_int_eq(us - 0x12345678ll * 1000000,
			 500000 + (int64_t)(0x90abcdefull * 1000000 >> 32));
	/* A report of long ago does not overflow. */
	ck_assert(rtp_recv_report(r, mono_at(INT64_MAX / 2), &rep));
	ck_assert_uint_eq(rep.dlsr, 65535u << 16);
}
END_TEST

START_TEST(key_frames_are_asked_for_at_a_bounded_rate)
{
	unsigned asks = 0;
	uint8_t fir;

	ck_assert_int_eq(rtp_recv_poll_key(r, ms(0), &fir), RECV_ASK_NONE);
	ck_assert_int_eq(rtp_recv_due(r, 0).us, MONO_NEVER.us);
	for (int t = 0; t < 3000; t++) {
		rtp_recv_want_key(r);	/* at every dropped picture */
		asks += rtp_recv_poll_key(r, ms(t), &fir) == RECV_ASK_PLI;
	}
	ck_assert_uint_eq(asks, 10);
	ck_assert_int_eq(rtp_recv_due(r, 0).us, 3000000);
	rtp_recv_got_key(r);
	ck_assert_int_eq(rtp_recv_poll_key(r, ms(9999), &fir), RECV_ASK_NONE);
	/* Another wish soon after waits for its turn. */
	rtp_recv_want_key(r);
	ck_assert_int_eq(rtp_recv_poll_key(r, ms(2999), &fir), RECV_ASK_NONE);
	ck_assert_int_eq(rtp_recv_poll_key(r, ms(3000), &fir), RECV_ASK_PLI);
}
END_TEST

START_TEST(a_repeated_fir_keeps_its_number)
{
	uint8_t first, again, second;

	teardown();
	start(true, true, 90000);
	rtp_recv_want_key(r);
	ck_assert_int_eq(rtp_recv_poll_key(r, ms(0), &first), RECV_ASK_FIR);
	rtp_recv_want_key(r);
	ck_assert_int_eq(rtp_recv_poll_key(r, ms(300), &again), RECV_ASK_FIR);
	ck_assert_uint_eq(first, again);
	rtp_recv_got_key(r);
	rtp_recv_want_key(r);
	ck_assert_int_eq(rtp_recv_poll_key(r, ms(600), &second), RECV_ASK_FIR);
	ck_assert_uint_eq(second, (uint8_t)(first + 1));
}
END_TEST

START_TEST(holes_are_asked_for_until_forgotten)
{
	uint16_t out[8];

	ck_assert_int_eq(take(1, 0, ms(0)), 0);
	ck_assert_int_eq(take(6, 0, ms(0)), 0);
	ck_assert_int_eq(rtp_recv_due(r, 50000).us, 0);
	ck_assert_uint_eq(rtp_recv_nacks(r, ms(6), 50000, out, 8), 4);
	ck_assert_uint_eq(out[0], 2);
	rtp_recv_forget(r, 5);
	ck_assert_uint_eq(rtp_recv_nacks(r, ms(69), 50000, out, 8), 1);
	ck_assert_uint_eq(out[0], 5);
}
END_TEST

START_TEST(more_holes_than_can_be_held_want_a_key_frame)
{
	uint8_t fir;

	ck_assert_int_eq(take(1, 0, ms(0)), 0);
	ck_assert_int_eq(take(1000, 0, ms(0)), 0);
	ck_assert_int_eq(rtp_recv_poll_key(r, ms(0), &fir), RECV_ASK_PLI);
}
END_TEST

START_TEST(a_clock_of_zero_is_refused)
{
	struct rtp_recv_cfg cfg = { .ssrc = 1 };
	struct rtp_recv *x = NULL;

	ck_assert_int_eq(rtp_recv_new(&x, &cfg), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("recv");
	TCase *c = tcase_create("recv");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, numbers_are_extended_over_both_wraps);
	tcase_add_test(c, duplicates_and_very_late_packets_are_refused);
	tcase_add_test(c, a_far_jump_needs_a_second_packet);
	tcase_add_test(c, a_report_counts_loss_by_interval_and_in_all);
	tcase_add_test(c, jitter_follows_rfc_3550_a_8);
	tcase_add_test(c, packets_of_one_picture_are_no_jitter);
	tcase_add_test(c, the_last_sender_report_is_told_back);
	tcase_add_test(c, key_frames_are_asked_for_at_a_bounded_rate);
	tcase_add_test(c, a_repeated_fir_keeps_its_number);
	tcase_add_test(c, holes_are_asked_for_until_forgotten);
	tcase_add_test(c, more_holes_than_can_be_held_want_a_key_frame);
	tcase_add_test(c, a_clock_of_zero_is_refused);
	suite_add_tcase(s, c);

	return suite_run(s);
}
