#include "core/rtp/replay.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

START_TEST(first_packet_starts_at_roll_over_zero)
{
	struct replay r;

	replay_init(&r);
	ck_assert_uint_eq(replay_estimate(&r, 65000), 65000);
	ck_assert_int_eq(replay_check(&r, 65000), 0);
	replay_commit(&r, 65000);
	ck_assert_int_eq(replay_check(&r, 65000), -EEXIST);
	/* What came before the first packet is still welcome. */
	ck_assert_int_eq(replay_check(&r, 64999), 0);
	ck_assert_int_eq(replay_check(&r, 65000 - REPLAY_WINDOW), -ESTALE);
}
END_TEST

/* highest index so far, sequence number, index it must mean */
static const struct guess {
	uint64_t highest;
	uint16_t seq;
	uint64_t index;
} guesses[] = {
	{ 10, 11, 11 },
	{ 10, 32777, 32777 },
	{ 10, 65535, 65535 },		/* there is nothing before 0 */
	{ 65535, 0, 65536 },
	{ 65535, 65534, 65534 },
	{ 65535, 32767, 65535 - 32768 },
	{ 65535, 32766, 65536 + 32766 },
	{ 65536 + 5, 65530, 65530 },
	{ 65536 + 5, 32773, 65536 + 32773 },
	{ 65536 + 5, 32774, 32774 },
	{ 0x123400008000, 0, 0x123400000000 },
	{ 0x123400008001, 0, 0x123400010000 },
	{ 0x1234ffffffff, 3, 0x123500000003 },
};

START_TEST(index_nearest_to_the_highest)
{
	const struct guess *g = &guesses[_i];
	struct replay r;

	replay_init_at(&r, g->highest);
	ck_assert_uint_eq(replay_estimate(&r, g->seq), g->index);
}
END_TEST

START_TEST(check_without_commit_changes_nothing)
{
	struct replay r;

	replay_init_at(&r, 1000);
	ck_assert_int_eq(replay_check(&r, 60000), 0);
	ck_assert_uint_eq(r.highest, 1000);
	ck_assert_int_eq(replay_check(&r, 1001), 0);
	replay_commit(&r, 1001);
	ck_assert_int_eq(replay_check(&r, 1001), -EEXIST);
}
END_TEST

START_TEST(takeover_counts_all_before_as_seen)
{
	struct replay r;

	replay_init_at(&r, 70000);
	ck_assert_int_eq(replay_check(&r, 70000), -EEXIST);
	ck_assert_int_eq(replay_check(&r, 70000 - 5), -EEXIST);
	ck_assert_int_eq(replay_check(&r, 60000), -ESTALE);
	ck_assert_uint_eq(replay_estimate(&r, (uint16_t)70001), 70001);
	ck_assert_int_eq(replay_check(&r, 70001), 0);
}
END_TEST

START_TEST(each_packet_of_a_shuffled_stream_passes_once)
{
	enum { N = 200000, REACH = 700 };
	static uint8_t got[N];
	struct replay r;
	unsigned passed = 0, doubles = 0;

	replay_init(&r);
	srandom(7);
	for (int at = 0; at < N + REACH; at++) {
		/* Two tries around a moving front, many of them doubles. */
		for (int k = 0; k < 2; k++) {
			int64_t i = at - random() % REACH;
			uint64_t index;

			if (i < 0 || i >= N)
				continue;
			index = replay_estimate(&r, (uint16_t)i);
			ck_assert_uint_eq(index, (uint64_t)i);
			if (replay_check(&r, index)) {
				ck_assert(got[i]);
				doubles++;
				continue;
			}
			ck_assert(!got[i]);
			replay_commit(&r, index);
			got[i] = 1;
			passed++;
		}
	}
	ck_assert_uint_gt(passed, N / 2);
	ck_assert_uint_gt(doubles, 1000);
}
END_TEST

START_TEST(a_jump_clears_exactly_what_left_the_window)
{
	struct replay r;

	replay_init(&r);
	for (uint64_t i = 0; i < REPLAY_WINDOW; i++)
		replay_commit(&r, i);
	replay_commit(&r, REPLAY_WINDOW + 99);
	for (uint64_t i = 0; i < 100; i++)
		ck_assert_int_eq(replay_check(&r, i), -ESTALE);
	for (uint64_t i = 100; i < REPLAY_WINDOW; i++)
		ck_assert_int_eq(replay_check(&r, i), -EEXIST);
	for (uint64_t i = 0; i < 99; i++)
		ck_assert_int_eq(replay_check(&r, REPLAY_WINDOW + i), 0);
	replay_commit(&r, 1u << 30);
	ck_assert_int_eq(replay_check(&r, (1u << 30) - 1), 0);
	ck_assert_int_eq(replay_check(&r, 1u << 30), -EEXIST);
}
END_TEST

START_TEST(set_keeps_streams_apart_and_is_bounded)
{
	static struct replay_set set;

	replay_set_init(&set);
	for (uint32_t ssrc = 0; ssrc < REPLAY_SSRCS; ssrc++) {
		ck_assert_int_eq(replay_set_check(&set, ssrc, 5), 0);
		ck_assert_int_eq(replay_set_commit(&set, ssrc, 5), 0);
	}
	ck_assert_int_eq(replay_set_check(&set, 3, 5), -EEXIST);
	ck_assert_int_eq(replay_set_check(&set, 3, 6), 0);
	ck_assert_int_eq(replay_set_check(&set, 999, 5), -ENOSPC);
	ck_assert_int_eq(replay_set_commit(&set, 999, 5), -ENOSPC);
	ck_assert_ptr_null(replay_set_find(&set, 999));
	ck_assert_uint_eq(set.count, REPLAY_SSRCS);
	ck_assert_int_eq(replay_set_commit(&set, 3, 65536 + 9), 0);
	ck_assert_uint_eq(replay_set_estimate(&set, 3, 10), 65536 + 10);
	ck_assert_uint_eq(replay_set_estimate(&set, 4, 10), 10);
	ck_assert_uint_eq(replay_set_estimate(&set, 999, 10), 10);
}
END_TEST

START_TEST(rtcp_index_starts_anywhere_and_never_repeats)
{
	struct replay r;

	replay_init(&r);
	ck_assert_int_eq(replay_check(&r, 0), 0);
	replay_commit(&r, 0);
	ck_assert_int_eq(replay_check(&r, 0), -EEXIST);
	replay_commit(&r, 5000);
	ck_assert_int_eq(replay_check(&r, 1), -ESTALE);
	ck_assert_int_eq(replay_check(&r, 4999), 0);
	ck_assert_int_eq(replay_check(&r, 0x7fffffff), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("replay");
	TCase *t = tcase_create("replay");
	SRunner *r;
	int failed;

	tcase_add_test(t, first_packet_starts_at_roll_over_zero);
	tcase_add_loop_test(t, index_nearest_to_the_highest, 0,
			    ARRAY_LEN(guesses));
	tcase_add_test(t, check_without_commit_changes_nothing);
	tcase_add_test(t, takeover_counts_all_before_as_seen);
	tcase_add_test(t, each_packet_of_a_shuffled_stream_passes_once);
	tcase_add_test(t, a_jump_clears_exactly_what_left_the_window);
	tcase_add_test(t, set_keeps_streams_apart_and_is_bounded);
	tcase_add_test(t, rtcp_index_starts_anywhere_and_never_repeats);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
