/* test_assembler.c - packets in any order, whole pictures out */

#include "core/rtp/assembler.h"
#include "core/rtp/continuity.h"
#include "core/rtp/pack.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_US = 100000, PICTURE_MAX = 100000 };

static struct {
	struct assembler *a;
	struct mono now;
	uint8_t buf[PICTURE_MAX];
	struct picture pic;
} t;

static void setup(void)
{
	struct assembler_cfg cfg = { .codec = RTP_VP8, .slots = 64,
				     .hole_wait_us = WAIT_US };

	ck_assert_int_eq(assembler_new(&t.a, &cfg), 0);
	t.now = mono_at(1000000);
}

static void teardown(void)
{
	assembler_free(t.a);
}

/*
 * One VP8 packet: `what` holds S (start), K (key start), M (marker), D
 * (disposable); id the picture id. Its coded bytes are its number.
 */
static int push_ts(int64_t seq, const char *what, int id, int64_t ts)
{
	bool key = strchr(what, 'K'), start = key || strchr(what, 'S');
	uint8_t b[] = { (uint8_t)(0x80 | (start ? 0x10 : 0) |
				  (strchr(what, 'D') ? 0x20 : 0)),
			0x80, (uint8_t)(0x80 | id >> 8), (uint8_t)id,
			key ? 0x10 : 0x11, (uint8_t)(seq >> 8), (uint8_t)seq };
	struct assembler_packet p = {
		.seq = seq, .ts = ts, .marker = strchr(what, 'M'),
		.payload = b, .len = sizeof(b),
	};

	return assembler_push(t.a, &p, t.now);
}

static int push(int64_t seq, const char *what, int id)
{
	return push_ts(seq, what, id, (int64_t)id * 3000);
}

static enum assembler_turn poll(void)
{
	return assembler_poll(t.a, t.now, t.buf, sizeof(t.buf), &t.pic);
}

/* The next picture is made of packets first..last, in order. */
static void expect(int64_t first, int64_t last)
{
	ck_assert_int_eq(poll(), ASSEMBLER_PICTURE);
	ck_assert_int_eq(t.pic.seq_first, first);
	ck_assert_int_eq(t.pic.seq_last, last);
	ck_assert_uint_eq(t.pic.len, (size_t)(last - first + 1) * 3);
	for (int64_t s = first; s <= last; s++) {
		const uint8_t *b = t.buf + (s - first) * 3;

		ck_assert_uint_eq(b[1], (uint8_t)(s >> 8));
		ck_assert_uint_eq(b[2], (uint8_t)s);
	}
}

static uint32_t held(void)
{
	struct assembler_stats st;

	assembler_get_stats(t.a, &st);

	return st.held;
}

START_TEST(pictures_come_out_as_soon_as_they_are_whole)
{
	ck_assert_int_eq(poll(), ASSEMBLER_WAIT);
	ck_assert_int_eq(push(10, "K", 1), 0);
	ck_assert_int_eq(push(11, "", 1), 0);
	ck_assert_int_eq(poll(), ASSEMBLER_WAIT);
	ck_assert_int_eq(assembler_due(t.a).us, MONO_NEVER.us);
	ck_assert_int_eq(push(12, "M", 1), 0);
	expect(10, 12);
	ck_assert(t.pic.key && !t.pic.gap);
	ck_assert_int_eq(t.pic.ts, 3000);
	ck_assert_int_eq(push(13, "SM", 2), 0);
	expect(13, 13);
	ck_assert(!t.pic.key && !t.pic.gap);
	ck_assert_int_eq(poll(), ASSEMBLER_WAIT);
	ck_assert_uint_eq(held(), 0);
}
END_TEST

START_TEST(any_order_gives_the_same_pictures)
{
	/* All 120 orders of five packets of two pictures. */
	for (int n = 0; n < 120; n++) {
		int left[5] = { 0, 1, 2, 3, 4 }, k = n;

		teardown();
		setup();
		for (int i = 5; i > 0; k /= i, i--) {
			static const char *const what[] = { "K", "", "M", "S",
							    "M" };
			int at = k % i, s = left[at];

			memmove(left + at, left + at + 1,
				sizeof(int) * (size_t)(i - at - 1));
			ck_assert_int_eq(push(65534 + s, what[s],
					      s < 3 ? 7 : 8), 0);
		}
		expect(65534, 65536);
		expect(65537, 65538);
		ck_assert_int_eq(poll(), ASSEMBLER_WAIT);
	}
}
END_TEST

START_TEST(duplicates_and_the_past_are_refused)
{
	ck_assert_int_eq(push(10, "K", 1), 0);
	ck_assert_int_eq(push(10, "K", 1), -EEXIST);
	ck_assert_int_eq(push(11, "M", 1), 0);
	expect(10, 11);
	ck_assert_int_eq(push(10, "K", 1), -ETIME);
	ck_assert_int_eq(push(9, "M", 1), -ETIME);
}
END_TEST

START_TEST(a_hole_filled_in_time_loses_nothing)
{
	ck_assert_int_eq(push(10, "KM", 1), 0);
	expect(10, 10);
	ck_assert_int_eq(push(11, "S", 2), 0);
	ck_assert_int_eq(push(13, "SM", 3), 0);
	ck_assert_int_eq(poll(), ASSEMBLER_WAIT);
	ck_assert_int_eq(assembler_due(t.a).us, t.now.us + WAIT_US);
	t.now.us += WAIT_US - 1;
	ck_assert_int_eq(poll(), ASSEMBLER_WAIT);
	ck_assert_int_eq(push(12, "M", 2), 0);
	expect(11, 12);
	ck_assert(!t.pic.gap);
	expect(13, 13);
}
END_TEST

START_TEST(a_hole_given_up_wants_a_key_picture)
{
	ck_assert_int_eq(push(10, "KM", 1), 0);
	expect(10, 10);
	ck_assert_int_eq(push(11, "S", 2), 0);
	ck_assert_int_eq(push(13, "SM", 3), 0);
	ck_assert_int_eq(poll(), ASSEMBLER_WAIT);
	t.now.us += WAIT_US;
	ck_assert_int_eq(poll(), ASSEMBLER_WANT_KEY);
	ck_assert_int_eq(poll(), ASSEMBLER_WAIT);
	ck_assert_uint_eq(held(), 0);
	ck_assert_int_eq(push(14, "SM", 4), 0);
	ck_assert_int_eq(poll(), ASSEMBLER_WANT_KEY);
	ck_assert_int_eq(push(15, "KM", 5), 0);
	expect(15, 15);
	ck_assert(t.pic.gap);
	ck_assert_int_eq(push(16, "SM", 6), 0);
	expect(16, 16);
	ck_assert(!t.pic.gap);
}
END_TEST

START_TEST(a_key_picture_ends_the_wait_of_a_broken_stream)
{
	ck_assert_int_eq(push(10, "SM", 1), 0);	/* never a key so far */
	ck_assert_int_eq(poll(), ASSEMBLER_WANT_KEY);
	ck_assert_int_eq(push(12, "SM", 3), 0);
	ck_assert_int_eq(push(14, "KM", 5), 0);
	expect(14, 14);		/* without waiting for 11 and 13 */
	ck_assert(t.pic.gap);
	ck_assert_uint_eq(held(), 0);
}
END_TEST

START_TEST(a_lost_disposable_picture_breaks_nothing)
{
	ck_assert_int_eq(push(10, "KM", 1), 0);
	expect(10, 10);
	ck_assert_int_eq(push(11, "SD", 2), 0);
	ck_assert_int_eq(push(13, "SM", 3), 0);
	t.now.us += WAIT_US;
	expect(13, 13);
	ck_assert(t.pic.gap);
}
END_TEST

START_TEST(lost_padding_breaks_nothing)
{
	ck_assert_int_eq(push(10, "KM", 1), 0);
	expect(10, 10);
	ck_assert_int_eq(push(12, "SM", 2), 0);	/* 11 was no picture */
	ck_assert_int_eq(poll(), ASSEMBLER_WAIT);
	t.now.us += WAIT_US;
	expect(12, 12);
}
END_TEST

START_TEST(padding_is_stepped_over)
{
	struct assembler_packet p = { .seq = 11, .ts = 3000 };

	ck_assert_int_eq(push(10, "KM", 1), 0);
	ck_assert_int_eq(assembler_push(t.a, &p, t.now), 0);
	ck_assert_int_eq(push(12, "SM", 2), 0);
	expect(10, 10);
	expect(12, 12);
	ck_assert_uint_eq(held(), 0);
}
END_TEST

START_TEST(without_a_marker_the_next_timestamp_ends_a_picture)
{
	ck_assert_int_eq(push(10, "K", 1), 0);
	ck_assert_int_eq(push(11, "", 1), 0);
	ck_assert_int_eq(push(12, "SM", 2), 0);
	expect(10, 11);
	expect(12, 12);
}
END_TEST

START_TEST(a_picture_is_never_torn_by_a_lost_start)
{
	ck_assert_int_eq(push(10, "KM", 1), 0);
	expect(10, 10);
	/* 11 was the start of picture 2. */
	ck_assert_int_eq(push(12, "", 2), 0);
	ck_assert_int_eq(push(13, "M", 2), 0);
	ck_assert_int_eq(push(14, "KM", 3), 0);
	t.now.us += WAIT_US;
	expect(14, 14);
	ck_assert_int_eq(poll(), ASSEMBLER_WAIT);
}
END_TEST

START_TEST(a_far_jump_gives_up_what_is_held)
{
	ck_assert_int_eq(push(10, "K", 1), 0);
	ck_assert_int_eq(push(1000000, "K", 2), 0);
	ck_assert_uint_eq(held(), 1);
	ck_assert_int_eq(push(1000001, "M", 2), 0);
	expect(1000000, 1000001);
	ck_assert(t.pic.gap);
	ck_assert_int_eq(push(1000001 + 63, "SM", 3), 0);
	ck_assert_int_eq(push(1000001 + 65, "SM", 4), 0);
	ck_assert_uint_le(held(), 2);
}
END_TEST

START_TEST(memory_is_bounded_by_the_slots)
{
	ck_assert_int_eq(push(0, "K", 1), 0);
	for (int64_t s = 1; s < 100000; s++) {
		ck_assert_int_eq(push_ts(s, "", 1, 3000), 0);
		if (s % 1000 == 0)
			ck_assert_uint_le(held(), 64);
		while (poll() != ASSEMBLER_WAIT)
			ck_assert_uint_le(held(), 64);
	}
}
END_TEST

START_TEST(a_picture_larger_than_the_buffer_is_dropped)
{
	uint8_t small[5];

	ck_assert_int_eq(push(10, "K", 1), 0);
	ck_assert_int_eq(push(11, "M", 1), 0);
	ck_assert_int_eq(assembler_poll(t.a, t.now, small, sizeof(small),
					&t.pic), ASSEMBLER_WANT_KEY);
	ck_assert_int_eq(push(12, "SM", 2), 0);
	ck_assert_int_eq(poll(), ASSEMBLER_WANT_KEY);
	ck_assert_int_eq(push(13, "KM", 3), 0);
	expect(13, 13);
}
END_TEST

START_TEST(bad_packets_change_nothing)
{
	uint8_t b[1501] = { 0x80 };	/* extension byte is missing */
	struct assembler_packet p = { .seq = 10, .payload = b, .len = 1 };

	ck_assert_int_eq(assembler_push(t.a, &p, t.now), -EBADMSG);
	p.len = 1501;
	ck_assert_int_eq(assembler_push(t.a, &p, t.now), -EMSGSIZE);
	ck_assert_uint_eq(held(), 0);
	ck_assert_int_eq(push(10, "KM", 1), 0);
	expect(10, 10);
}
END_TEST

START_TEST(a_wrong_configuration_is_refused)
{
	static const struct assembler_cfg bad[] = {
		{ .codec = RTP_OPUS, .slots = 64 },
		{ .codec = RTP_VP8, .slots = 63 },
		{ .codec = RTP_VP8, .slots = 32 },
		{ .codec = RTP_VP9, .slots = 8192 },
	};
	struct assembler *a = NULL;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(assembler_new(&a, &bad[i]), -EINVAL);
	ck_assert_ptr_null(a);
}
END_TEST

/* Temporal layers: judged by TL0PICIDX and switch points. */
static enum continuity_verdict next(struct continuity *c, int id, int tl0,
				    int tid, bool sync, bool lost)
{
	struct depay d = { .picture_id = id, .picture_id_bits = 15,
			   .tl0 = (int16_t)tl0, .tid = (uint8_t)tid,
			   .sync = sync, .key = tid == -1 };

	if (d.key)
		d.tid = 0;

	return continuity_next(c, &d, lost);
}

START_TEST(temporal_layers_heal_at_their_switch_points)
{
	struct continuity c = { .intact = false };

	ck_assert_int_eq(next(&c, 0, 255, 0, false, false),
			 CONTINUITY_BROKEN);
	ck_assert_int_eq(next(&c, 1, 255, -1, false, false), CONTINUITY_TAKE);
	ck_assert_int_eq(next(&c, 2, 255, 2, false, false), CONTINUITY_TAKE);
	/* 3 (layer 1) is lost: layer 2 has lost its reference. */
	ck_assert_int_eq(next(&c, 4, 255, 2, false, true), CONTINUITY_DROP);
	ck_assert_int_eq(next(&c, 5, 0, 0, false, false), CONTINUITY_TAKE);
	ck_assert_int_eq(next(&c, 6, 0, 2, true, false), CONTINUITY_TAKE);
	ck_assert_int_eq(next(&c, 7, 0, 1, false, false), CONTINUITY_DROP);
	/* 8 (layer 2) is lost: the base goes on. */
	ck_assert_int_eq(next(&c, 9, 1, 0, false, true), CONTINUITY_TAKE);
	/* 10, 11 and a base picture are lost. */
	ck_assert_int_eq(next(&c, 13, 3, 0, false, true), CONTINUITY_BROKEN);
	ck_assert_int_eq(next(&c, 14, 4, 0, false, false), CONTINUITY_BROKEN);
	ck_assert_int_eq(next(&c, 15, 5, -1, false, false), CONTINUITY_TAKE);
	ck_assert_int_eq(next(&c, 16, 6, 0, false, false), CONTINUITY_TAKE);
}
END_TEST

START_TEST(a_skipped_id_is_a_lost_picture)
{
	struct continuity c = { .intact = false };

	ck_assert_int_eq(next(&c, 0x7fff, -1, -1, false, false),
			 CONTINUITY_TAKE);
	ck_assert_int_eq(next(&c, 0, -1, 0, false, true), CONTINUITY_TAKE);
	ck_assert_int_eq(next(&c, 2, -1, 0, false, false), CONTINUITY_BROKEN);
}
END_TEST

START_TEST(flexible_mode_follows_the_listed_references)
{
	struct continuity c = { .intact = false };
	struct depay d = { .picture_id = 126, .picture_id_bits = 7,
			   .tl0 = DEPAY_NONE, .key = true };

	ck_assert_int_eq(continuity_next(&c, &d, false), CONTINUITY_TAKE);
	d = (struct depay){ .picture_id = 1, .picture_id_bits = 7,
			    .tl0 = DEPAY_NONE, .flexible = true, .refs = 1,
			    .ref = { 3 } };
	/* 127 and 0 are lost, but 1 refers to 126. */
	ck_assert_int_eq(continuity_next(&c, &d, true), CONTINUITY_TAKE);
	d.picture_id = 2;
	d.ref[0] = 2;		/* to 0 */
	ck_assert_int_eq(continuity_next(&c, &d, false), CONTINUITY_BROKEN);
	d.picture_id = 3;
	d.refs = 2;
	d.ref[0] = 2;		/* to 1 and 126 */
	d.ref[1] = 5;
	ck_assert_int_eq(continuity_next(&c, &d, false), CONTINUITY_TAKE);
	d.refs = 1;
	d.ref[0] = 1;
	for (int i = 4; i < 140; i++) {
		d.picture_id = i & 127;
		ck_assert_int_eq(continuity_next(&c, &d, false),
				 CONTINUITY_TAKE);
	}
	/* An id from a whole cycle ago is not mistaken for a new one. */
	continuity_break(&c);
	d.picture_id = 140 & 127;
	ck_assert_int_eq(continuity_next(&c, &d, false), CONTINUITY_BROKEN);
}
END_TEST

/* What pack makes, the assembler takes: VP9 and VP8, shuffled in windows. */
START_TEST(packed_pictures_come_back_as_they_were)
{
	enum rtp_codec codec = _i ? RTP_VP9 : RTP_VP8;
	struct assembler_cfg cfg = { .codec = codec, .slots = 256,
				     .hole_wait_us = WAIT_US };
	struct assembler *a;
	uint64_t word = 0x7ff0;
	int64_t seq = 65500;
	struct pack p;

	ck_assert_int_eq(assembler_new(&a, &cfg), 0);
	pack_init(&p, codec, &word);
	for (int n = 0; n < 100; n++) {
		static uint8_t coded[50000];
		size_t len = 20 + (size_t)(n * 7919) % 49000;
		struct pack_picture pic = { coded, len, n % 30 == 0, false,
					    640, 360 };
		static uint8_t pieces[64][1200];
		int lens[64], count = 0;
		bool marker = false;

		for (size_t i = 0; i < len; i++)
			coded[i] = (uint8_t)(i * 13 + (size_t)n);
		coded[0] = codec == RTP_VP9 ? 0x82 : 0x10;
		coded[0] |= n % 30 == 0 ? 0 : codec == RTP_VP9 ? 4 : 1;
		ck_assert_int_eq(pack_start(&p, &pic, 1150), 0);
		while (!marker) {
			lens[count] = pack_next(&p, pieces[count], 1200,
						&marker);
			ck_assert_int_gt(lens[count++], 0);
		}
		for (int i = count - 1; i >= 0; i--) {
			struct assembler_packet pkt = {
				.seq = seq + i, .ts = n * 3000,
				.marker = i == count - 1,
				.payload = pieces[i], .len = (size_t)lens[i],
			};

			ck_assert_int_eq(assembler_push(a, &pkt, t.now), 0);
		}
		seq += count;
		ck_assert_int_eq(assembler_poll(a, t.now, t.buf,
						sizeof(t.buf), &t.pic),
				 ASSEMBLER_PICTURE);
		ck_assert_uint_eq(t.pic.len, len);
		ck_assert_mem_eq(t.buf, coded, len);
		ck_assert(t.pic.key == (n % 30 == 0));
		if (codec == RTP_VP9 && t.pic.key)
			ck_assert(t.pic.width == 640 && t.pic.height == 360);
	}
	assembler_free(a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("assembler");
	TCase *c = tcase_create("assembler");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, pictures_come_out_as_soon_as_they_are_whole);
	tcase_add_test(c, any_order_gives_the_same_pictures);
	tcase_add_test(c, duplicates_and_the_past_are_refused);
	tcase_add_test(c, a_hole_filled_in_time_loses_nothing);
	tcase_add_test(c, a_hole_given_up_wants_a_key_picture);
	tcase_add_test(c, a_key_picture_ends_the_wait_of_a_broken_stream);
	tcase_add_test(c, a_lost_disposable_picture_breaks_nothing);
	tcase_add_test(c, lost_padding_breaks_nothing);
	tcase_add_test(c, padding_is_stepped_over);
	tcase_add_test(c, without_a_marker_the_next_timestamp_ends_a_picture);
	tcase_add_test(c, a_picture_is_never_torn_by_a_lost_start);
	tcase_add_test(c, a_far_jump_gives_up_what_is_held);
	tcase_add_test(c, memory_is_bounded_by_the_slots);
	tcase_add_test(c, a_picture_larger_than_the_buffer_is_dropped);
	tcase_add_test(c, bad_packets_change_nothing);
	tcase_add_test(c, a_wrong_configuration_is_refused);
	tcase_add_test(c, temporal_layers_heal_at_their_switch_points);
	tcase_add_test(c, a_skipped_id_is_a_lost_picture);
	tcase_add_test(c, flexible_mode_follows_the_listed_references);
	tcase_add_loop_test(c, packed_pictures_come_back_as_they_were, 0, 2);
	suite_add_tcase(s, c);

	return suite_run(s);
}
