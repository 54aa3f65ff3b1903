/* test_media_heads.c - what the first bytes of coded sound and pictures say */

#include "core/media/opus_head.h"
#include "core/media/picture_head.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *what;
	uint8_t bytes[4];
	size_t len;
	int err;
	uint32_t samples;
	bool stereo, fec;
} opus[] = {
	{ "nothing", { 0 }, 0, -EBADMSG, 0, 0, 0 },
	{ "SILK narrow band 10 ms", { 0 << 3, 0 }, 2, 0, 480, 0, 0 },
	{ "SILK wide band 20 ms", { 9 << 3, 0x80 }, 2, 0, 960, 0, 0 },
	{ "the same with redundancy", { 9 << 3, 0x40 }, 2, 0, 960, 0, 1 },
	{ "SILK 60 ms with redundancy", { 11 << 3, 0x10 }, 2, 0, 2880, 0, 1 },
	{ "SILK 60 ms, three voices", { 11 << 3, 0xe0 }, 2, 0, 2880, 0, 0 },
	{ "stereo, redundancy of the side", { 9 << 3 | 4, 0x10 }, 2, 0, 960,
	  1, 1 },
	{ "hybrid 20 ms", { 13 << 3, 0 }, 2, 0, 960, 0, 0 },
	{ "CELT 2.5 ms", { 16 << 3 }, 1, 0, 120, 0, 0 },
	{ "CELT 20 ms has no redundancy", { 31 << 3, 0xff }, 2, 0, 960, 0,
	  0 },
	{ "two frames", { 31 << 3 | 1 }, 1, 0, 1920, 0, 0 },
	{ "two frames of other sizes", { 31 << 3 | 2 }, 1, 0, 1920, 0, 0 },
	{ "six frames of 20 ms", { 31 << 3 | 3, 6 }, 2, 0, 5760, 0, 0 },
	{ "seven are too long", { 31 << 3 | 3, 7 }, 2, -EBADMSG, 0, 0, 0 },
	{ "no frames", { 31 << 3 | 3, 0 }, 2, -EBADMSG, 0, 0, 0 },
	{ "count missing", { 31 << 3 | 3 }, 1, -EBADMSG, 0, 0, 0 },
	{ "48 frames of 2.5 ms", { 16 << 3 | 3, 48 }, 2, 0, 5760, 0, 0 },
	{ "silence", { 31 << 3 }, 1, 0, 960, 0, 0 },
};

START_TEST(opus_packets)
{
	struct opus_head h = { 0 };
	int err = opus_head_parse(&h, opus[_i].bytes, opus[_i].len);

	ck_assert_msg(err == opus[_i].err, "%s: %d", opus[_i].what, err);
	if (err)
		return;
	ck_assert_msg(h.samples == opus[_i].samples, "%s: %u samples",
		      opus[_i].what, h.samples);
	ck_assert_msg(h.stereo == opus[_i].stereo, "%s: stereo",
		      opus[_i].what);
	ck_assert_msg(h.fec == opus[_i].fec, "%s: fec", opus[_i].what);
}
END_TEST

static const struct {
	const char *what;
	uint8_t bytes[16];
	size_t len;
	int err;
	uint16_t width, height;
	bool key;
} vp8[] = {
	{ "key frame of 640x360",
	  { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01 }, 10, 0,
	  640, 360, 1 },
	{ "the scaling bits are no size",
	  { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0x68, 0x81 }, 10, 0,
	  640, 360, 1 },
	{ "wrong start code",
	  { 0x10, 0, 0, 0x9d, 0x01, 0x2b, 0x80, 0x02, 0x68, 0x01 }, 10,
	  -EBADMSG, 0, 0, 0 },
	{ "cut short",
	  { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68 }, 9, -EBADMSG,
	  0, 0, 0 },
	{ "first partition beyond the end",
	  { 0x30, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01 }, 10,
	  -EBADMSG, 0, 0, 0 },
	{ "too wide",
	  { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0x68, 0x01 }, 10,
	  -EFBIG, 0, 0, 0 },
	{ "no width",
	  { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0, 0, 0x68, 0x01 }, 10, -EFBIG,
	  0, 0, 0 },
	{ "inter frame", { 0x11, 0, 0, 0 }, 4, 0, 0, 0, 0 },
	{ "version of nobody", { 0x1f, 0, 0, 0 }, 4, -EBADMSG, 0, 0, 0 },
	{ "two bytes", { 0x11, 0 }, 2, -EBADMSG, 0, 0, 0 },
};

START_TEST(vp8_pictures)
{
	struct picture_head h;
	int err = picture_head_vp8(&h, vp8[_i].bytes, vp8[_i].len);

	ck_assert_msg(err == vp8[_i].err, "%s: %d", vp8[_i].what, err);
	if (err)
		return;
	ck_assert_msg(h.width == vp8[_i].width && h.height == vp8[_i].height,
		      "%s: %ux%u", vp8[_i].what, h.width, h.height);
	ck_assert_msg(h.key == vp8[_i].key, "%s: key", vp8[_i].what);
}
END_TEST

/* A VP9 header, written bit by bit. */
struct writer {
	uint8_t bytes[64];
	size_t at;
};

static void put(struct writer *w, uint32_t v, unsigned n)
{
	while (n--) {
		if (v >> n & 1)
			w->bytes[w->at / 8] |= (uint8_t)(0x80 >> w->at % 8);
		w->at++;
	}
}

static size_t len_of(const struct writer *w)
{
	return (w->at + 7) / 8;
}

static void put_key(struct writer *w, uint32_t width, uint32_t height)
{
	put(w, 2, 2);		/* marker */
	put(w, 0, 2);		/* profile 0 */
	put(w, 0, 1);		/* show_existing_frame */
	put(w, 0, 1);		/* key frame */
	put(w, 1, 1);		/* shown */
	put(w, 0, 1);		/* error resilient */
	put(w, 0x498342, 24);
	put(w, 1, 3);		/* colour space */
	put(w, 0, 1);
	put(w, width - 1, 16);
	put(w, height - 1, 16);
}

static void put_inter(struct writer *w, uint32_t width, uint32_t height)
{
	put(w, 2, 2);
	put(w, 0, 2);
	put(w, 0, 1);
	put(w, 1, 1);		/* not key */
	put(w, 1, 1);
	put(w, 0, 1);
	put(w, 0, 2);		/* reset context */
	put(w, 1, 8);		/* refresh */
	put(w, 0, 12);		/* references */
	if (!width) {
		put(w, 1, 1);	/* size of the first reference */
		return;
	}
	put(w, 0, 3);
	put(w, width - 1, 16);
	put(w, height - 1, 16);
}

static int parse9(struct picture_head *h, const struct writer *w)
{
	return picture_head_vp9(h, w->bytes, len_of(w));
}

START_TEST(vp9_key_frame_says_its_size)
{
	struct writer w = { 0 };
	struct picture_head h;

	put_key(&w, 1280, 720);
	put(&w, 0x155, 9);
	ck_assert_int_eq(parse9(&h, &w), 0);
	ck_assert_uint_eq(h.width, 1280);
	ck_assert_uint_eq(h.height, 720);
	ck_assert(h.key);
}
END_TEST

START_TEST(vp9_inter_frame_may_change_the_size)
{
	struct writer a = { 0 }, b = { 0 }, c = { 0 };
	struct picture_head h;

	put_inter(&a, 0, 0);
	ck_assert_int_eq(parse9(&h, &a), 0);
	ck_assert_uint_eq(h.width, 0);
	ck_assert(!h.key);
	put_inter(&b, 320, 180);
	ck_assert_int_eq(parse9(&h, &b), 0);
	ck_assert_uint_eq(h.width, 320);
	/* ... but not beyond the limit. */
	put_inter(&c, 65536, 65536);
	ck_assert_int_eq(parse9(&h, &c), -EFBIG);
}
END_TEST

START_TEST(vp9_limits)
{
	static const struct {
		uint32_t width, height;
		int err;
	} sizes[] = {
		{ 1920, 1088, 0 }, { 1088, 1920, 0 }, { 1921, 100, -EFBIG },
		{ 1920, 1089, -EFBIG }, { 65536, 65536, -EFBIG },
		{ 15, 100, -EFBIG }, { 16, 16, 0 }, { 1, 1, -EFBIG },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct writer w = { 0 };
		struct picture_head h;

		put_key(&w, sizes[i].width, sizes[i].height);
		ck_assert_int_eq(parse9(&h, &w), sizes[i].err);
	}
}
END_TEST

START_TEST(vp9_cut_at_every_bit_is_refused_or_has_its_size)
{
	struct writer w = { 0 };
	struct picture_head h;

	put_key(&w, 640, 360);
	for (size_t len = 0; len < len_of(&w); len++) {
		int err = picture_head_vp9(&h, w.bytes, len);

		ck_assert_int_eq(err, -EBADMSG);
	}
}
END_TEST

START_TEST(vp9_other_profiles_are_not_for_us)
{
	struct writer w = { 0 };
	struct picture_head h;

	put(&w, 2, 2);
	put(&w, 2, 2);		/* profile 1 */
	put(&w, 0, 20);
	ck_assert_int_eq(parse9(&h, &w), -ENOTSUP);
}
END_TEST

START_TEST(vp9_a_large_frame_hides_in_a_superframe_in_vain)
{
	struct writer w = { 0 };
	struct picture_head h;
	size_t first, second;

	put_key(&w, 320, 180);
	w.at = len_of(&w) * 8;
	first = len_of(&w);
	put_inter(&w, 8000, 8000);
	w.at = len_of(&w) * 8;
	second = len_of(&w) - first;
	put(&w, 0xc1, 8);	/* two frames, sizes of one byte */
	put(&w, (uint32_t)first, 8);
	put(&w, (uint32_t)second, 8);
	put(&w, 0xc1, 8);
	ck_assert_int_eq(parse9(&h, &w), -EFBIG);
}
END_TEST

START_TEST(vp9_superframe_of_sizes_beyond_the_bytes)
{
	struct writer w = { 0 };
	struct picture_head h;

	put_key(&w, 320, 180);
	w.at = len_of(&w) * 8;
	put(&w, 0xc1, 8);
	put(&w, 200, 8);
	put(&w, 200, 8);
	put(&w, 0xc1, 8);
	ck_assert_int_eq(parse9(&h, &w), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("media_heads");
	TCase *tc = tcase_create("heads");

	tcase_add_loop_test(tc, opus_packets, 0,
			    sizeof(opus) / sizeof(opus[0]));
	tcase_add_loop_test(tc, vp8_pictures, 0, sizeof(vp8) / sizeof(vp8[0]));
	tcase_add_test(tc, vp9_key_frame_says_its_size);
	tcase_add_test(tc, vp9_inter_frame_may_change_the_size);
	tcase_add_test(tc, vp9_limits);
	tcase_add_test(tc, vp9_cut_at_every_bit_is_refused_or_has_its_size);
	tcase_add_test(tc, vp9_other_profiles_are_not_for_us);
	tcase_add_test(tc, vp9_a_large_frame_hides_in_a_superframe_in_vain);
	tcase_add_test(tc, vp9_superframe_of_sizes_beyond_the_bytes);
	suite_add_tcase(suite, tc);

	return suite_run(suite);
}
