/* test_pack.c - pictures cut into payloads and read back */

#include "core/rtp/depay.h"
#include "core/rtp/pack.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <string.h>

static uint8_t coded[400000], joined[400000];

static void setup(void)
{
	for (size_t i = 0; i < sizeof(coded); i++)
		coded[i] = (uint8_t)(i * 31 + i / 251);
}

struct seen {
	unsigned pieces;
	size_t smallest, largest;
	struct depay first;
};

/* Cuts the picture and puts it together again. */
static struct seen cut(struct pack *p, const struct pack_picture *pic,
		       size_t max)
{
	struct seen s = { .smallest = max };
	size_t at = 0;
	bool marker = false;
	uint8_t b[1500];

	ck_assert_int_eq(pack_start(p, pic, max), 0);
	for (;;) {
		struct depay d;
		int n = pack_next(p, b, sizeof(b), &marker);

		if (n == 0)
			break;
		ck_assert_int_gt(n, 0);
		ck_assert_uint_le((size_t)n, max);
		ck_assert_int_eq(depay(&d, p->codec, b, (size_t)n), 0);
		ck_assert(d.first == (s.pieces == 0));
		if (d.first)
			s.first = d;
		ck_assert_int_eq(d.picture_id, s.first.picture_id);
		ck_assert_uint_le(at + d.len, pic->len);
		memcpy(joined + at, d.data, d.len);
		at += d.len;
		s.smallest = d.len < s.smallest ? d.len : s.smallest;
		s.largest = d.len > s.largest ? d.len : s.largest;
		s.pieces++;
		ck_assert(marker == (at == pic->len));
	}
	ck_assert_uint_eq(at, pic->len);
	ck_assert_mem_eq(joined, pic->bytes, at);

	return s;
}

START_TEST(any_size_comes_back_whole_in_even_pieces)
{
	static const size_t sizes[] = { 1, 2, 63, 1160, 1176, 1177, 5000,
					393216 };
	enum rtp_codec codec = _i ? RTP_VP9 : RTP_VP8;
	uint64_t word = 0;
	struct pack p;

	pack_init(&p, codec, &word);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (size_t max = 64; max <= 1180; max += 93) {
			struct pack_picture pic = { .bytes = coded,
						    .len = sizes[i] };
			struct seen s = cut(&p, &pic, max);
			size_t room = max - (_i ? 5 : 4);

			ck_assert_uint_le(s.largest - s.smallest, s.pieces);
			ck_assert_uint_eq(s.pieces,
					  (sizes[i] + room - 1) / room);
		}
}
END_TEST

START_TEST(ids_go_on_over_their_wrap_and_a_new_packer)
{
	uint64_t word = 0x7ffe | 0xfeull << 16;
	struct pack_picture pic = { .bytes = coded, .len = 100 };
	static const int ids[] = { 0x7ffe, 0x7fff, 0, 1 };
	static const int tl0[] = { 0xfe, 0xff, 0, 1 };
	struct pack p;

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct seen s;

		pack_init(&p, RTP_VP9, &word);	/* a successor begins */
		s = cut(&p, &pic, 1000);
		ck_assert_int_eq(s.first.picture_id, ids[i]);
		ck_assert_int_eq(s.first.tl0, tl0[i]);
		ck_assert_int_eq(s.first.picture_id_bits, 15);
	}
	ck_assert_uint_eq(word, 2 | 2 << 16);
}
END_TEST

START_TEST(the_id_is_stored_before_the_first_piece)
{
	uint64_t word = 5;
	struct pack_picture pic = { .bytes = coded, .len = 100 };
	struct pack p;

	pack_init(&p, RTP_VP8, &word);
	ck_assert_int_eq(pack_start(&p, &pic, 1000), 0);
	ck_assert_uint_eq(word & 0x7fff, 6);
}
END_TEST

START_TEST(a_lost_picture_leaves_a_hole_in_the_ids)
{
	uint64_t word = 10 | 20 << 16;
	struct pack_picture pic = { .bytes = coded, .len = 10, .gap = true };
	struct pack p;
	struct seen s;

	pack_init(&p, RTP_VP9, &word);
	s = cut(&p, &pic, 1000);
	ck_assert_int_eq(s.first.picture_id, 11);
	ck_assert_int_eq(s.first.tl0, 21);
	pic.key = true;		/* needs nothing from before */
	s = cut(&p, &pic, 1000);
	ck_assert_int_eq(s.first.picture_id, 12);
}
END_TEST

START_TEST(a_vp9_key_picture_tells_its_size)
{
	uint64_t word = 0;
	struct pack_picture pic = { .bytes = coded, .len = 3000, .key = true,
				    .width = 1280, .height = 720 };
	struct pack p;
	struct seen s;

	coded[0] = 0x82;	/* the head of a key frame */

	pack_init(&p, RTP_VP9, &word);
	s = cut(&p, &pic, 1000);
	ck_assert(s.first.key);
	ck_assert_uint_eq(s.first.width, 1280);
	ck_assert_uint_eq(s.first.height, 720);
	pic.key = false;
	s = cut(&p, &pic, 1000);
	ck_assert(!s.first.key);
	ck_assert_uint_eq(s.first.width, 0);
}
END_TEST

START_TEST(bad_wishes_change_nothing)
{
	uint64_t word = 3;
	struct pack_picture pic = { .bytes = coded, .len = 10 };
	uint8_t b[13];
	bool marker = false;
	struct pack p;

	pack_init(&p, RTP_VP8, &word);
	ck_assert_int_eq(pack_start(&p, &pic, 63), -EINVAL);
	pic.len = 0;
	ck_assert_int_eq(pack_start(&p, &pic, 1000), -EINVAL);
	ck_assert_uint_eq(word, 3);
	ck_assert_int_eq(pack_next(&p, b, sizeof(b), &marker), 0);

	pic.len = 10;
	ck_assert_int_eq(pack_start(&p, &pic, 64), 0);
	ck_assert_int_eq(pack_next(&p, b, 13, &marker), -ENOSPC);
	ck_assert(!marker);
	uint8_t room[14];
	ck_assert_int_eq(pack_next(&p, room, 14, &marker), 14);
	ck_assert(marker);
	ck_assert_int_eq(pack_next(&p, room, 14, &marker), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pack");
	TCase *c = tcase_create("pack");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_loop_test(c, any_size_comes_back_whole_in_even_pieces, 0, 2);
	tcase_add_test(c, ids_go_on_over_their_wrap_and_a_new_packer);
	tcase_add_test(c, the_id_is_stored_before_the_first_piece);
	tcase_add_test(c, a_lost_picture_leaves_a_hole_in_the_ids);
	tcase_add_test(c, a_vp9_key_picture_tells_its_size);
	tcase_add_test(c, bad_wishes_change_nothing);
	suite_add_tcase(s, c);

	return suite_run(s);
}
