/* test_media_stretch.c - time changes, pitch does not */

#include "core/media/stretch.h"
#include "tests/media_kit.h"
#include "tests/unit/suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 960, ROOM = N + STRETCH_LAG_MAX };

static int16_t pcm[ROOM * 2];

static void fill(uint32_t channels, double hz)
{
	for (uint32_t c = 0; c < channels; c++)
		kit_tone(pcm + c, N, channels, hz, 0);
}

static struct stretch block(uint32_t channels)
{
	return (struct stretch){ pcm, N, channels };
}

/* The largest step from one sample to the next: a click shows here. */
static int largest_step(const struct stretch *s)
{
	int most = 0;

	for (size_t i = s->channels; i < s->samples * s->channels; i++) {
		int step = abs(pcm[i] - pcm[i - s->channels]);

		most = step > most ? step : most;
	}

	return most;
}

static const struct {
	uint32_t channels;
	double hz;
	int32_t wish;
} voices[] = {
	{ 1, 120, -480 }, { 1, 220, -480 }, { 1, 440, -300 },
	{ 1, 120, 480 }, { 1, 220, 480 }, { 1, 440, 300 },
	{ 2, 150, -480 }, { 2, 150, 480 }, { 1, 1000, -200 },
};

START_TEST(a_tone_changes_its_length_and_nothing_else)
{
	uint32_t channels = voices[_i].channels;
	struct stretch s = block(channels);
	double hz = voices[_i].hz, period = KIT_HZ / hz;
	int before, by;
	int16_t first, last;

	fill(channels, hz);
	before = largest_step(&s);
	first = pcm[0];
	last = pcm[(N - 1) * channels];
	by = stretch_run(&s, voices[_i].wish, false);
	ck_assert(voices[_i].wish < 0 ? by < 0 : by > 0);
	ck_assert_int_le(abs(by), abs(voices[_i].wish));
	ck_assert_uint_eq(s.samples, (uint32_t)(N + by));
	/* Whole periods, to within a sample or two. */
	ck_assert_double_le(fabs(remainder(by, period)), 2.0);
	ck_assert_int_le(largest_step(&s), before * 3 / 2 + 8);
	/* It still fits its neighbours. */
	ck_assert_int_eq(pcm[0], first);
	ck_assert_int_eq(pcm[(s.samples - 1) * channels], last);
}
END_TEST

START_TEST(noise_is_left_alone_unless_it_is_urgent)
{
	struct stretch s = block(1);
	int16_t copy[N];

	srandom(7);
	for (int i = 0; i < N; i++)
		pcm[i] = (int16_t)(random() % 20000 - 10000);
	memcpy(copy, pcm, sizeof(copy));
	ck_assert_int_eq(stretch_run(&s, -480, false), 0);
	ck_assert_mem_eq(copy, pcm, sizeof(copy));
	ck_assert_int_lt(stretch_run(&s, -480, true), -119);
}
END_TEST

START_TEST(silence_always_stretches)
{
	struct stretch s = block(1);

	memset(pcm, 0, sizeof(pcm));
	ck_assert_int_le(stretch_run(&s, -480, false), -STRETCH_LAG_MIN);
	s.samples = N;
	ck_assert_int_ge(stretch_run(&s, 480, false), STRETCH_LAG_MIN);
}
END_TEST

START_TEST(small_wishes_and_short_blocks_do_nothing)
{
	struct stretch s = block(1);

	fill(1, 200);
	ck_assert_int_eq(stretch_run(&s, 0, true), 0);
	ck_assert_int_eq(stretch_run(&s, 119, true), 0);
	ck_assert_int_eq(stretch_run(&s, -119, true), 0);
	s.samples = 239;
	ck_assert_int_eq(stretch_run(&s, -480, true), 0);
	ck_assert_int_eq(stretch_run(&s, INT32_MIN, true), 0);
	s.samples = 240;
	ck_assert_int_eq(stretch_run(&s, INT32_MIN, true), -120);
	ck_assert_uint_eq(s.samples, 120);
}
END_TEST

START_TEST(full_scale_does_not_overflow)
{
	struct stretch s = block(2);

	for (int i = 0; i < N * 2; i++)
		pcm[i] = i % 200 < 100 ? 32767 : -32768;
	ck_assert_int_ne(stretch_run(&s, 480, true), 0);
	for (size_t i = 0; i < s.samples * 2; i++)
		ck_assert_int_ge(abs(pcm[i]), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("media_stretch");
	TCase *tc = tcase_create("stretch");

	tcase_add_loop_test(tc, a_tone_changes_its_length_and_nothing_else, 0,
			    sizeof(voices) / sizeof(voices[0]));
	tcase_add_test(tc, noise_is_left_alone_unless_it_is_urgent);
	tcase_add_test(tc, silence_always_stretches);
	tcase_add_test(tc, small_wishes_and_short_blocks_do_nothing);
	tcase_add_test(tc, full_scale_does_not_overflow);
	suite_add_tcase(suite, tc);

	return suite_run(suite);
}
