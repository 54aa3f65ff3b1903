/* test_mix.c - sums of sounds, and which frame is next */

#include "core/media/mix.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct mix mix;
static struct mix_input a, b;
static int16_t pcm[2 * MIX_SAMPLES], out[2 * MIX_SAMPLES];

static void begin(void)
{
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.sounding = b.sounding = true;
	mix_begin(&mix);
}

static const int16_t *level(int16_t left, int16_t right, unsigned channels)
{
	for (unsigned i = 0; i < MIX_SAMPLES; i++) {
		pcm[i * channels] = left;
		pcm[i * channels + channels - 1] = right;
	}

	return pcm;
}

START_TEST(sounds_add_up)
{
	begin();
	mix_add(&mix, &a, level(1000, 1000, 1), 1);
	mix_add(&mix, &b, level(-300, -300, 1), 1);
	mix_end(&mix, 1, out);
	for (int i = 0; i < MIX_SAMPLES; i++)
		ck_assert_int_eq(out[i], 700);
	ck_assert(!mix.stereo);
}
END_TEST

START_TEST(stereo_keeps_its_sides)
{
	begin();
	mix_add(&mix, &a, level(1000, 2000, 2), 2);
	mix_add(&mix, &b, level(10, 10, 1), 1);
	ck_assert(mix.stereo);
	mix_end(&mix, 2, out);
	for (int i = 0; i < MIX_SAMPLES; i++) {
		ck_assert_int_eq(out[2 * i], 1010);
		ck_assert_int_eq(out[2 * i + 1], 2010);
	}
	mix_end(&mix, 1, out);
	ck_assert_int_eq(out[500], 1510);
}
END_TEST

START_TEST(too_loud_saturates)
{
	static const int16_t ends[] = { INT16_MIN, INT16_MAX };

	for (int e = 0; e < 2; e++) {
		begin();
		mix_add(&mix, &a, level(ends[e], ends[e], 2), 2);
		for (int i = 0; i < 63; i++)
			mix_add(&mix, &b, level(ends[e], ends[e], 2), 2);
		mix_end(&mix, 2, out);
		ck_assert_int_eq(out[0], ends[e]);
		ck_assert_int_eq(out[2 * MIX_SAMPLES - 1], ends[e]);
	}
}
END_TEST

static int jump(void)
{
	int most = 0;

	for (int i = 1; i < MIX_SAMPLES; i++) {
		int by = abs(out[i] - out[i - 1]);

		most = by > most ? by : most;
	}

	return most;
}

START_TEST(a_sound_begins_and_ends_without_a_click)
{
	int16_t before;

	begin();
	a.sounding = false;
	mix_add(&mix, &a, level(12000, 12000, 1), 1);
	mix_end(&mix, 1, out);
	ck_assert_int_eq(out[0], 0);
	ck_assert_int_eq(out[MIX_FADE], 12000);
	ck_assert_int_le(jump(), 12000 / MIX_FADE + 1);
	before = out[MIX_SAMPLES - 1];

	mix_begin(&mix);
	mix_miss(&mix, &a);
	mix_end(&mix, 1, out);
	ck_assert_int_le(abs(before - out[0]), 12000 / MIX_FADE + 1);
	ck_assert_int_le(jump(), 12000 / MIX_FADE + 1);
	ck_assert_int_eq(out[MIX_FADE], 0);

	mix_begin(&mix);
	mix_miss(&mix, &a);
	mix_end(&mix, 1, out);
	ck_assert_int_eq(out[0], 0);
	ck_assert(!a.sounding);
}
END_TEST

START_TEST(others_do_not_notice_who_comes_and_goes)
{
	begin();
	a.sounding = false;
	mix_add(&mix, &b, level(500, 500, 1), 1);
	mix_add(&mix, &a, level(0, 0, 1), 1);
	mix_miss(&mix, &a);
	mix_end(&mix, 1, out);
	for (int i = 0; i < MIX_SAMPLES; i++)
		ck_assert_int_eq(out[i], 500);
}
END_TEST

START_TEST(frames_are_taken_one_by_one)
{
	struct mix_input in = { 0 };

	ck_assert_uint_eq(mix_next(&in, 0), 0);
	ck_assert_uint_eq(mix_next(&in, 9), 9);	/* the newest to begin with */
	ck_assert_uint_eq(mix_next(&in, 9), 0);
	ck_assert_uint_eq(mix_next(&in, 10), 10);
	ck_assert_uint_eq(mix_next(&in, 12), 11);
	ck_assert_uint_eq(mix_next(&in, 13), 12);
	ck_assert_uint_eq(mix_next(&in, 13), 13);
}
END_TEST

START_TEST(a_backlog_loses_its_oldest)
{
	struct mix_input in = { 0 };

	ck_assert_uint_eq(mix_next(&in, 5), 5);
	ck_assert_uint_eq(mix_next(&in, 5 + MIX_BACKLOG), 6);
	ck_assert_uint_eq(mix_next(&in, 20), 19);
	ck_assert_uint_eq(mix_next(&in, 20), 20);
	/* Always one that the source still keeps. */
	for (uint64_t newest = 21; newest < 500; newest += 1 + newest % 7) {
		uint64_t n = mix_next(&in, newest);

		ck_assert(!n || n + MIX_KEEP > newest);
	}
}
END_TEST

START_TEST(a_source_that_counts_anew_is_followed)
{
	struct mix_input in = { 0 };

	ck_assert_uint_eq(mix_next(&in, 1000), 1000);
	ck_assert_uint_eq(mix_next(&in, 3), 3);
	ck_assert_uint_eq(mix_next(&in, 3), 0);
	ck_assert_uint_eq(mix_next(&in, UINT64_MAX - 1), UINT64_MAX - 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mix");
	TCase *c = tcase_create("mix");
	SRunner *r;
	int failed;

	tcase_add_test(c, sounds_add_up);
	tcase_add_test(c, stereo_keeps_its_sides);
	tcase_add_test(c, too_loud_saturates);
	tcase_add_test(c, a_sound_begins_and_ends_without_a_click);
	tcase_add_test(c, others_do_not_notice_who_comes_and_goes);
	tcase_add_test(c, frames_are_taken_one_by_one);
	tcase_add_test(c, a_backlog_loses_its_oldest);
	tcase_add_test(c, a_source_that_counts_anew_is_followed);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
