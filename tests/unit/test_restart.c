/* test_restart.c - delays grow, the pause comes, old crashes are forgotten */

#include "core/session/restart.h"
#include "tests/unit/suite.h"

static const struct restart_policy policy = {
	{ 0, 100, 1000, 5000 }, 30000, 5, 90000,
};

START_TEST(delays_grow_and_then_the_pause_comes)
{
	int64_t want[] = { 0, 100, 1000, 5000, 5000, 90000, 90000 };
	struct restart r = { 0 };

	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(restart_due(&r, &policy,
					     mono_at(1000 + i)).us,
				 1000 + i + want[i]);
}
END_TEST

START_TEST(crashes_out_of_the_window_are_forgotten)
{
	struct restart r = { 0 };

	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(restart_due(&r, &policy,
					     mono_at(i * 40000)).us,
				 i * 40000);
}
END_TEST

START_TEST(many_crashes_overflow_nothing)
{
	struct restart r = { 0 };

	for (int i = 0; i < 1000; i++)
		(void)restart_due(&r, &policy, mono_at(i));
	ck_assert_uint_le(r.count, RESTART_MEMORY);
	ck_assert_int_eq(restart_due(&r, &policy, mono_at(2000)).us, 92000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("restart");
	TCase *t = tcase_create("restart");

	tcase_add_test(t, delays_grow_and_then_the_pause_comes);
	tcase_add_test(t, crashes_out_of_the_window_are_forgotten);
	tcase_add_test(t, many_crashes_overflow_nothing);
	suite_add_tcase(s, t);

	return suite_run(s);
}
