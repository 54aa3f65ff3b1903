/* test_jitter.c - turns of the jitter buffer, one situation a test */

#include "core/media/jitter.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME = 960, MS = 1000 };

/* A packet of 20 ms with redundancy: SILK, wide band (config 9), LBRR bit;
 * packets of 10 ms and of silence: CELT, full band. */
static const uint8_t voice[60] = { 9 << 3, 0x40 };
static const uint8_t half[60] = { 30 << 3 };
static const uint8_t dtx[1] = { 31 << 3 };

static struct jitter *jb;

static void setup(void)
{
	struct jitter_cfg cfg = { 20 * MS, 200 * MS };

	ck_assert_int_eq(jitter_new(&jb, &cfg), 0);
}

static void teardown(void)
{
	jitter_free(jb);
}

static int push_bytes(int64_t seq, int64_t at_ms, const void *bytes,
		      size_t len)
{
	struct jitter_packet p = { seq, seq * FRAME, mono_at(at_ms * MS),
				   bytes, len };

	return jitter_push(jb, &p, mono_at(at_ms * MS));
}

static int push(int64_t seq, int64_t at_ms)
{
	return push_bytes(seq, at_ms, voice, sizeof(voice));
}

static struct jitter_frame pull(int64_t at_ms)
{
	struct jitter_frame f;

	jitter_pull(jb, mono_at(at_ms * MS), 0, &f);

	return f;
}

static void expect(int64_t at_ms, enum jitter_turn turn, uint32_t samples)
{
	struct jitter_frame f = pull(at_ms);

	ck_assert_int_eq(f.turn, turn);
	ck_assert_uint_eq(f.samples, samples);
}

static struct jitter_stats stats(void)
{
	struct jitter_stats s;

	jitter_stats(jb, &s);

	return s;
}

START_TEST(limits_of_the_configuration)
{
	struct jitter *other;

	ck_assert_int_eq(jitter_new(&other, &(struct jitter_cfg){ 0, 1 }),
			 -EINVAL);
	ck_assert_int_eq(jitter_new(&other,
				    &(struct jitter_cfg){ 20000, 19999 }),
			 -EINVAL);
	ck_assert_int_eq(jitter_new(&other,
				    &(struct jitter_cfg){ 20000, 1000001 }),
			 -EINVAL);
	ck_assert_int_eq(jitter_set_max(jb, 10000), -EINVAL);
	ck_assert_int_eq(jitter_set_max(jb, 500000), 0);
}
END_TEST

START_TEST(an_empty_buffer_has_nothing_and_no_start)
{
	ck_assert_int_eq(jitter_start(jb).us, MONO_NEVER.us);
	expect(1000, JITTER_NOTHING, 0);
}
END_TEST

START_TEST(the_first_packet_is_due_after_20_ms)
{
	ck_assert_int_eq(push(7, 1000), 0);
	ck_assert_int_eq(jitter_start(jb).us, 1020 * MS);
	expect(1020, JITTER_PLAY, FRAME);
	ck_assert_int_eq(jitter_start(jb).us, MONO_NEVER.us);
	ck_assert_int_eq(stats().delay_us, 20 * MS);
}
END_TEST

START_TEST(packets_come_out_in_order_whatever_the_order_of_arrival)
{
	static const int64_t order[] = { 2, 0, 3, 1 };

	for (size_t i = 0; i < 4; i++) {
		struct jitter_packet p = { order[i], order[i] * 480,
					   mono_at(1000 * MS), half,
					   20 + (size_t)order[i] };

		/* Four packets of 10 ms. */
		ck_assert_int_eq(jitter_push(jb, &p, mono_at(1000 * MS)), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		struct jitter_frame f = pull(1010 + 10 * (int64_t)i);

		ck_assert_int_eq(f.turn, JITTER_PLAY);
		ck_assert_uint_eq(f.len, 20 + i);
		ck_assert_int_eq(f.media, (int64_t)i * 480);
	}
}
END_TEST

START_TEST(a_second_copy_is_refused)
{
	ck_assert_int_eq(push(0, 1000), 0);
	ck_assert_int_eq(push(0, 1001), -EEXIST);
	ck_assert_uint_eq(stats().duplicate, 1);
}
END_TEST

START_TEST(a_packet_after_its_turn_is_late)
{
	ck_assert_int_eq(push(0, 1000), 0);
	ck_assert_int_eq(push(1, 1020), 0);
	expect(1020, JITTER_PLAY, FRAME);
	ck_assert_int_eq(push(0, 1030), -ETIME);
	ck_assert_uint_eq(stats().late, 1);
}
END_TEST

START_TEST(a_lost_packet_comes_from_the_redundancy_of_the_next)
{
	struct jitter_frame f;

	ck_assert_int_eq(push(0, 1000), 0);
	ck_assert_int_eq(push_bytes(2, 1040, voice, 33), 0);
	expect(1020, JITTER_PLAY, FRAME);
	f = pull(1040);
	ck_assert_int_eq(f.turn, JITTER_FEC);
	ck_assert_uint_eq(f.samples, FRAME);
	ck_assert_uint_eq(f.len, 33);
	f = pull(1060);
	ck_assert_int_eq(f.turn, JITTER_PLAY);
	ck_assert_uint_eq(f.len, 33);
	ck_assert_uint_eq(stats().fec, FRAME);
	ck_assert_uint_eq(stats().concealed, 0);
}
END_TEST

START_TEST(of_two_lost_packets_the_first_is_concealed)
{
	ck_assert_int_eq(push(0, 1000), 0);
	ck_assert_int_eq(push(3, 1040), 0);
	expect(1020, JITTER_PLAY, FRAME);
	expect(1040, JITTER_CONCEAL, FRAME);
	expect(1060, JITTER_FEC, FRAME);
	expect(1080, JITTER_PLAY, FRAME);
	/* The lost ones come after all: their time was filled. */
	ck_assert_int_eq(push(1, 1081), -ETIME);
}
END_TEST

START_TEST(what_was_concealed_while_empty_is_not_concealed_again)
{
	ck_assert_int_eq(push(0, 1000), 0);
	expect(1020, JITTER_PLAY, FRAME);
	expect(1040, JITTER_CONCEAL, FRAME);
	ck_assert_int_eq(push(2, 1045), 0);
	/* Packet 1 is lost, its 20 ms were heard as concealment. */
	expect(1060, JITTER_PLAY, FRAME);
	ck_assert_int_eq(stats().delay_us, 20 * MS);
}
END_TEST

START_TEST(a_late_packet_is_played_and_the_delay_grows)
{
	ck_assert_int_eq(push(0, 1000), 0);
	expect(1020, JITTER_PLAY, FRAME);
	expect(1040, JITTER_CONCEAL, FRAME);
	ck_assert_int_eq(push(1, 1055), 0);
	expect(1060, JITTER_PLAY, FRAME);
	ck_assert_int_eq(stats().delay_us, 40 * MS);
	/* 35 ms late plus the margin. */
	ck_assert_int_eq(stats().target_us, 40 * MS);
}
END_TEST

START_TEST(too_long_a_delay_asks_for_less_time)
{
	struct jitter_frame f;

	for (int64_t i = 0; i < 4; i++)
		ck_assert_int_eq(push(i, 1000 + 20 * i), 0);
	f = pull(1040);
	ck_assert_int_eq(f.turn, JITTER_PLAY);
	ck_assert_int_eq(f.stretch, -480);
	ck_assert(!f.urgent);
}
END_TEST

START_TEST(too_short_a_delay_asks_for_more_time)
{
	struct jitter_frame f;

	ck_assert_int_eq(push(0, 1000), 0);
	ck_assert_int_eq(push(1, 1020), 0);
	f = pull(1010);
	ck_assert_int_eq(f.turn, JITTER_PLAY);
	ck_assert_int_eq(f.stretch, 480);
}
END_TEST

START_TEST(a_burst_at_the_start_is_cut_to_40_ms)
{
	for (int64_t i = 0; i < 10; i++)
		ck_assert_int_eq(push(i, 1000), 0);
	expect(1020, JITTER_PLAY, FRAME);
	/* Packet 9 came fastest: 180 ms were held, 40 ms stay. */
	ck_assert_int_le(stats().delay_us, 40 * MS);
	ck_assert_int_ge(stats().delay_us, 20 * MS);
	ck_assert_uint_ge(stats().skipped, 7);
}
END_TEST

START_TEST(silence_of_the_sender_is_quiet_not_loss)
{
	struct jitter_frame f;

	ck_assert_int_eq(push(0, 1000), 0);
	ck_assert_int_eq(push_bytes(1, 1020, dtx, 1), 0);
	expect(1020, JITTER_PLAY, FRAME);
	expect(1040, JITTER_PLAY, FRAME);
	for (int64_t t = 1060; t < 1420; t += 20)
		expect(t, JITTER_QUIET, FRAME);
	/* The talkspurt begins: next number, 400 ms later. */
	f = (struct jitter_frame){ 0 };
	ck_assert_int_eq(jitter_push(jb, &(struct jitter_packet){
		2, 20 * FRAME, mono_at(1400 * MS), voice, sizeof(voice) },
		mono_at(1400 * MS)), 0);
	f = pull(1420);
	ck_assert_int_eq(f.turn, JITTER_PLAY);
	ck_assert_int_eq(f.media, 20 * FRAME);
	ck_assert_int_eq(stats().delay_us, 20 * MS);
	ck_assert_uint_eq(stats().concealed, 0);
}
END_TEST

START_TEST(silence_that_ends_late_waits_for_the_right_delay)
{
	ck_assert_int_eq(push_bytes(0, 1000, dtx, 1), 0);
	expect(1020, JITTER_PLAY, FRAME);
	expect(1040, JITTER_QUIET, FRAME);
	expect(1060, JITTER_QUIET, FRAME);
	ck_assert_int_eq(jitter_push(jb, &(struct jitter_packet){
		1, 3 * FRAME + 480, mono_at(1070 * MS), voice,
		sizeof(voice) }, mono_at(1070 * MS)), 0);
	expect(1080, JITTER_QUIET, 480);
	expect(1090, JITTER_PLAY, FRAME);
	ck_assert_int_eq(stats().delay_us, 20 * MS);
}
END_TEST

START_TEST(three_seconds_of_nothing_end_play_out)
{
	ck_assert_int_eq(push(0, 1000), 0);
	expect(1020, JITTER_PLAY, FRAME);
	for (int64_t t = 1040; t <= 4000; t += 20)
		expect(t, JITTER_CONCEAL, FRAME);
	expect(4020, JITTER_NOTHING, 0);
	/* It begins again, at 20 ms. */
	ck_assert_int_eq(push(200, 9000), 0);
	ck_assert_int_eq(jitter_start(jb).us, 9020 * MS);
	expect(9020, JITTER_PLAY, FRAME);
	ck_assert_int_eq(stats().delay_us, 20 * MS);
}
END_TEST

START_TEST(a_jump_of_media_time_is_a_new_stream)
{
	ck_assert_int_eq(push(100, 1000), 0);
	expect(1020, JITTER_PLAY, FRAME);
	ck_assert_int_eq(jitter_push(jb, &(struct jitter_packet){
		5, 90000000, mono_at(1030 * MS), voice, sizeof(voice) },
		mono_at(1030 * MS)), 0);
	ck_assert_uint_eq(stats().restarts, 1);
	ck_assert_int_eq(jitter_start(jb).us, 1050 * MS);
	expect(1050, JITTER_PLAY, FRAME);
}
END_TEST

START_TEST(numbers_that_fall_back_for_good_are_a_new_stream)
{
	int64_t t = 1000;

	ck_assert_int_eq(push(5000, t), 0);
	expect(t + 20, JITTER_PLAY, FRAME);
	for (int64_t i = 0; i < 51; i++) {
		struct jitter_packet p = { 100 + i, 5001 * FRAME + i * FRAME,
					   mono_at((t + 20 + 20 * i) * MS),
					   voice, sizeof(voice) };
		int err = jitter_push(jb, &p, p.arrival);

		ck_assert_int_eq(err, i < 50 ? -ETIME : 0);
	}
}
END_TEST

START_TEST(more_than_fits_drops_the_oldest)
{
	for (int64_t i = 0; i < JITTER_CAPACITY + 10; i++)
		ck_assert_int_eq(push(i, 1000), 0);
	ck_assert_uint_eq(stats().overflow, 10);
	ck_assert_uint_eq(stats().held, JITTER_CAPACITY);
}
END_TEST

static const struct {
	const char *what;
	int64_t seq, media;
	size_t len;
	uint8_t toc;
} hostile[] = {
	{ "no bytes", 1, 0, 0, 0xf8 },
	{ "longer than a packet", 1, 0, 1501, 0xf8 },
	{ "frame count missing", 1, 0, 1, 0xfb },
	{ "negative number", -1, 0, 10, 0xf8 },
	{ "number beyond range", (int64_t)1 << 50, 0, 10, 0xf8 },
	{ "largest number", INT64_MAX, 0, 10, 0xf8 },
	{ "time beyond range", 1, (int64_t)1 << 50, 10, 0xf8 },
	{ "most negative time", 1, INT64_MIN, 10, 0xf8 },
	{ "largest time", 1, INT64_MAX, 10, 0xf8 },
};

START_TEST(hostile_packets_are_refused)
{
	uint8_t bytes[1600] = { 0 };
	struct jitter_packet p = { hostile[_i].seq, hostile[_i].media,
				   mono_at(1000), bytes, hostile[_i].len };

	bytes[0] = hostile[_i].toc;
	ck_assert_msg(jitter_push(jb, &p, mono_at(1000)) == -EBADMSG, "%s",
		      hostile[_i].what);
	ck_assert_int_eq(jitter_start(jb).us, MONO_NEVER.us);
}
END_TEST

START_TEST(a_stamp_from_the_future_or_long_ago_is_now)
{
	struct jitter_packet p = { 0, 0, mono_at(INT64_MAX), voice, 60 };

	ck_assert_int_eq(jitter_push(jb, &p, mono_at(50000 * MS)), 0);
	ck_assert_int_eq(jitter_start(jb).us, 50020 * MS);
	p = (struct jitter_packet){ 1, 960, mono_at(INT64_MIN), voice, 60 };
	ck_assert_int_eq(jitter_push(jb, &p, mono_at(50020 * MS)), 0);
	expect(50020, JITTER_PLAY, FRAME);
	ck_assert_int_eq(stats().delay_us, 20 * MS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jitter");
	TCase *tc = tcase_create("turns");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, limits_of_the_configuration);
	tcase_add_test(tc, an_empty_buffer_has_nothing_and_no_start);
	tcase_add_test(tc, the_first_packet_is_due_after_20_ms);
	tcase_add_test(tc,
		packets_come_out_in_order_whatever_the_order_of_arrival);
	tcase_add_test(tc, a_second_copy_is_refused);
	tcase_add_test(tc, a_packet_after_its_turn_is_late);
	tcase_add_test(tc, a_lost_packet_comes_from_the_redundancy_of_the_next);
	tcase_add_test(tc, of_two_lost_packets_the_first_is_concealed);
	tcase_add_test(tc,
		what_was_concealed_while_empty_is_not_concealed_again);
	tcase_add_test(tc, a_late_packet_is_played_and_the_delay_grows);
	tcase_add_test(tc, too_long_a_delay_asks_for_less_time);
	tcase_add_test(tc, too_short_a_delay_asks_for_more_time);
	tcase_add_test(tc, a_burst_at_the_start_is_cut_to_40_ms);
	tcase_add_test(tc, silence_of_the_sender_is_quiet_not_loss);
	tcase_add_test(tc, silence_that_ends_late_waits_for_the_right_delay);
	tcase_add_test(tc, three_seconds_of_nothing_end_play_out);
	tcase_add_test(tc, a_jump_of_media_time_is_a_new_stream);
	tcase_add_test(tc, numbers_that_fall_back_for_good_are_a_new_stream);
	tcase_add_test(tc, more_than_fits_drops_the_oldest);
	tcase_add_loop_test(tc, hostile_packets_are_refused, 0,
			    sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_test(tc, a_stamp_from_the_future_or_long_ago_is_now);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);

	return failed ? 1 : 0;
}
