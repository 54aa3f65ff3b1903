/* test_nack.c - which packets are asked for again, and when */

#include "core/rtp/nack.h"
#include "tests/unit/suite.h"

static struct nack n;
static uint16_t out[300];

static void setup(void)
{
	nack_init(&n);
}

static struct mono ms(int64_t t)
{
	return mono_at(t * 1000);
}

START_TEST(a_hole_is_asked_for_after_three_newer_packets)
{
	nack_recv(&n, 10, ms(0));
	nack_recv(&n, 12, ms(0));
	ck_assert_uint_eq(nack_poll(&n, ms(0), 50000, out, 9), 0);
	nack_recv(&n, 13, ms(1));
	ck_assert_uint_eq(nack_poll(&n, ms(1), 50000, out, 9), 0);
	nack_recv(&n, 14, ms(1));
	ck_assert_uint_eq(nack_poll(&n, ms(1), 50000, out, 9), 1);
	ck_assert_uint_eq(out[0], 11);
}
END_TEST

START_TEST(or_after_the_reordering_time)
{
	nack_recv(&n, 10, ms(0));
	nack_recv(&n, 12, ms(0));
	ck_assert_int_eq(nack_due(&n, 50000).us, NACK_REORDER_US);
	ck_assert_uint_eq(nack_poll(&n, mono_at(NACK_REORDER_US - 1), 50000,
				    out, 9), 0);
	ck_assert_uint_eq(nack_poll(&n, mono_at(NACK_REORDER_US), 50000, out,
				    9), 1);
}
END_TEST

START_TEST(a_packet_that_was_only_late_is_not_asked_for)
{
	nack_recv(&n, 10, ms(0));
	nack_recv(&n, 14, ms(0));
	nack_recv(&n, 12, ms(1));
	nack_recv(&n, 11, ms(1));
	nack_recv(&n, 13, ms(1));
	ck_assert_uint_eq(nack_poll(&n, ms(100), 50000, out, 9), 0);
	ck_assert_int_eq(nack_due(&n, 50000).us, MONO_NEVER.us);
}
END_TEST

START_TEST(it_is_asked_again_by_the_round_trip_and_then_no_more)
{
	int64_t asked = 0;

	nack_recv(&n, 65534, ms(0));
	nack_recv(&n, 65540, ms(0));
	nack_recv(&n, 65541, ms(0));
	nack_recv(&n, 65542, ms(0));
	for (int64_t t = 0; t < 900; t++) {
		size_t got = nack_poll(&n, ms(t), 40000, out, 9);

		if (!got)
			continue;
		ck_assert_uint_eq(got, 5);
		ck_assert_uint_eq(out[0], 65535);
		ck_assert_uint_eq(out[1], 0);
		ck_assert_uint_eq(out[4], 3);
		ck_assert_int_eq(t, asked * 50);
		asked++;
	}
	ck_assert_int_eq(asked, NACK_TRIES);
	ck_assert_uint_eq(n.count, 0);
}
END_TEST

START_TEST(a_short_round_trip_does_not_make_a_flood)
{
	nack_recv(&n, 1, ms(0));
	nack_recv(&n, 9, ms(0));
	ck_assert_uint_eq(nack_poll(&n, ms(5), 100, out, 9), 7);
	ck_assert_uint_eq(nack_poll(&n, ms(14), 100, out, 9), 0);
	ck_assert_uint_eq(nack_poll(&n, ms(15), 100, out, 9), 7);
}
END_TEST

START_TEST(an_unknown_round_trip_counts_as_100_ms)
{
	nack_recv(&n, 1, ms(0));
	nack_recv(&n, 9, ms(0));
	ck_assert_uint_eq(nack_poll(&n, ms(5), 0, out, 9), 7);
	ck_assert_int_eq(nack_due(&n, 0).us, 105000);
	ck_assert_uint_eq(nack_poll(&n, ms(104), -1, out, 9), 0);
	ck_assert_uint_eq(nack_poll(&n, ms(105), -1, out, 9), 7);
}
END_TEST

START_TEST(old_holes_are_forgotten)
{
	nack_recv(&n, 1, ms(0));
	nack_recv(&n, 3, ms(0));
	ck_assert_uint_eq(nack_poll(&n, ms(1001), 50000, out, 9), 0);
	ck_assert_uint_eq(n.count, 0);
}
END_TEST

START_TEST(what_was_given_up_is_not_asked_for)
{
	nack_recv(&n, 1, ms(0));
	nack_recv(&n, 10, ms(0));
	nack_forget(&n, 8);
	ck_assert_uint_eq(nack_poll(&n, ms(9), 50000, out, 9), 2);
	ck_assert_uint_eq(out[0], 8);
	ck_assert_uint_eq(out[1], 9);
}
END_TEST

START_TEST(the_list_is_bounded)
{
	ck_assert_int_eq(nack_recv(&n, 0, ms(0)), 0);
	ck_assert_int_eq(nack_recv(&n, NACK_HELD_MAX + 1, ms(0)), 0);
	ck_assert_uint_eq(n.count, NACK_HELD_MAX);
	ck_assert_uint_eq(nack_poll(&n, ms(9), 50000, out, 300),
			  NACK_HELD_MAX);
	ck_assert_int_eq(nack_recv(&n, NACK_HELD_MAX + 3, ms(9)), 1);
	ck_assert_uint_eq(n.count, 0);
	ck_assert_int_eq(nack_recv(&n, NACK_HELD_MAX + 5, ms(9)), 0);
	ck_assert_uint_eq(n.count, 1);
	ck_assert_int_eq(nack_recv(&n, 1000000000000, ms(9)), 1);
	ck_assert_uint_eq(n.count, 0);
}
END_TEST

START_TEST(a_short_answer_asks_for_the_rest_next_time)
{
	nack_recv(&n, 0, ms(0));
	nack_recv(&n, 6, ms(0));
	ck_assert_uint_eq(nack_poll(&n, ms(9), 50000, out, 2), 2);
	ck_assert_uint_eq(nack_poll(&n, ms(9), 50000, out, 9), 3);
	ck_assert_uint_eq(out[0], 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("nack");
	TCase *c = tcase_create("nack");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, a_hole_is_asked_for_after_three_newer_packets);
	tcase_add_test(c, or_after_the_reordering_time);
	tcase_add_test(c, a_packet_that_was_only_late_is_not_asked_for);
	tcase_add_test(c, it_is_asked_again_by_the_round_trip_and_then_no_more);
	tcase_add_test(c, a_short_round_trip_does_not_make_a_flood);
	tcase_add_test(c, an_unknown_round_trip_counts_as_100_ms);
	tcase_add_test(c, old_holes_are_forgotten);
	tcase_add_test(c, what_was_given_up_is_not_asked_for);
	tcase_add_test(c, the_list_is_bounded);
	tcase_add_test(c, a_short_answer_asks_for_the_rest_next_time);
	suite_add_tcase(s, c);

	return suite_run(s);
}
