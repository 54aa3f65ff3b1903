/* test_media_coder.c - one peer's picture on a clock of the test */

#include "media-worker/coder.h"
#include "port/vpx.h"
#include "tests/media_kit.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { START_US = 50000000, STEP_US = 50000, STEP = 4500 };

static struct coder *c;
static struct vpx_enc *enc;
static struct vpx_dec *dec;
static struct kit_picture scene;
static enum vpx_kind kind;
static int64_t now, sent;
static int64_t out_time;	/* of the last picture */
static bool out_key;
static int fresh_frames;

static void scene_of(enum vpx_kind k, uint32_t width, uint32_t height)
{
	struct vpx_enc_cfg cfg = { k, width, height, 1000000 };

	vpx_enc_free(enc);
	free(scene.bytes);
	ck_assert_int_eq(vpx_enc_new(&enc, &cfg), 0);
	ck_assert_int_eq(kit_picture_new(&scene, width, height), 0);
	if (!dec || kind != k) {
		vpx_dec_free(dec);
		ck_assert_int_eq(vpx_dec_new(&dec, k), 0);
	}
	kind = k;
}

static void setup(void)
{
	now = START_US;
	ck_assert_int_eq(coder_new(&c, 5), 0);
	scene_of(VPX_VP9, 320, 180);
}

static void teardown(void)
{
	coder_free(c);
	vpx_enc_free(enc);
	vpx_dec_free(dec);
	free(scene.bytes);
}

/* Codes the next picture of the sender into a record. */
static struct vpx_coded make(struct record *rec, bool key)
{
	struct vpx_picture in = {
		{ scene.plane[0], scene.plane[1], scene.plane[2] },
		{ scene.stride[0], scene.stride[1], scene.stride[2] },
		scene.width, scene.height };
	struct vpx_coded coded;

	kit_picture_draw(&scene, (uint32_t)sent);
	ck_assert_int_eq(vpx_enc_run(enc, &in, sent * STEP, STEP, key, &coded),
			 0);
	*rec = (struct record){
		.kind = RECORD_VIDEO, .track = 1,
		.codec = kind == VPX_VP9 ? CODEC_VP9 : CODEC_VP8,
		.flags = coded.key ? RECORD_KEY : 0,
		.bytes = (uint32_t)coded.len, .rtp_time = sent * STEP,
		.arrival_us = now,
	};
	sent++;
	now += STEP_US;

	return coded;
}

static void give_frames(void)
{
	struct frame_shape shape;
	int fd;

	if (!coder_wants_frames(c, &shape))
		return;
	fd = region_create("test", REGION_FRAMES, frame_ring_bytes(&shape), 1,
			   5);
	ck_assert_int_eq(coder_take_frames(c, &shape, fd), 0);
	close(fd);
	fresh_frames++;
}

/* What came out; -1 nothing, else the number read in it. */
static int encode(uint16_t *width)
{
	struct vpx_picture pic;
	const void *payload;
	struct record out;
	int n = coder_take(c, mono_at(now));

	if (n == 1)
		n = coder_encode(c, coder_codec(c), mono_at(now), &out,
				 &payload);

	ck_assert_int_ge(n, 0);
	if (n == 0)
		return -1;
	ck_assert_int_gt(out.rtp_time, out_time);
	ck_assert_int_eq(out.track, 1);
	out_time = out.rtp_time;
	out_key = out.flags & RECORD_KEY;
	ck_assert_int_eq(vpx_dec_run(dec, payload, out.bytes, &pic), 1);
	ck_assert_uint_eq(out.width, pic.width);
	ck_assert_uint_eq(out.height, pic.height);
	if (width)
		*width = out.width;

	return kit_picture_read(pic.plane[0], pic.stride[0], pic.width,
				pic.height);
}

static int pass(uint16_t *width)
{
	struct record rec;
	struct vpx_coded coded = make(&rec, false);

	if (!coded.bytes)
		return -1;
	ck_assert_int_eq(coder_decode(c, &rec, coded.bytes), 1);
	give_frames();

	return encode(width);
}

START_TEST(pictures_keep_their_numbers_and_their_spacing)
{
	int64_t first = 0;
	int good = 0;

	scene_of(_i ? VPX_VP9 : VPX_VP8, 322, 182);
	for (int i = 0; i < 20; i++) {
		int code = pass(NULL);

		ck_assert(code < 0 || code == i);
		good += code == i;
		if (i == 0)
			first = out_time;
		ck_assert(code < 0 || out_time == first + i * STEP);
		ck_assert(i == 0 || code < 0 || !out_key);
	}
	ck_assert_int_ge(good, 18);
	ck_assert_int_eq(first, START_US * 9LL / 100);
	ck_assert_int_eq(fresh_frames, 1);
}
END_TEST

START_TEST(size_follows_the_sender)
{
	static const uint16_t sizes[][2] = {
		{ 320, 180 }, { 640, 360 }, { 160, 90 }, { 642, 362 },
	};
	uint16_t width = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		scene_of(VPX_VP9, sizes[i][0], sizes[i][1]);
		for (int k = 0; k < 4; k++) {
			int code = pass(&width);

			ck_assert(code < 0 || code == sent - 1);
			ck_assert(k > 0 || out_key);
		}
		ck_assert_uint_eq(width, sizes[i][0]);
	}
	/* A smaller picture stands in the ring that is there. */
	ck_assert_int_eq(fresh_frames, 3);
}
END_TEST

START_TEST(codec_may_change)
{
	ck_assert_int_eq(pass(NULL), 0);
	scene_of(VPX_VP8, 320, 180);
	ck_assert_int_eq(pass(NULL), 1);
	ck_assert(out_key);
}
END_TEST

START_TEST(without_a_ring_the_picture_is_held)
{
	struct frame_shape shape;
	struct record rec;
	struct vpx_coded coded = make(&rec, false);

	ck_assert_int_eq(coder_decode(c, &rec, coded.bytes), 1);
	ck_assert(coder_wants_frames(c, &shape));
	ck_assert_uint_eq(shape.width, 320);
	ck_assert_int_eq(coder_take(c, mono_at(now)), 0);
	ck_assert(coder_holds(c));
	give_frames();
	ck_assert_int_eq(encode(NULL), 0);
	ck_assert(!coder_holds(c));
}
END_TEST

START_TEST(it_asks_for_a_key_frame_and_waits_for_it)
{
	struct record rec;
	struct vpx_coded coded;

	make(&rec, false);	/* the key frame is lost */
	coded = make(&rec, false);
	ck_assert_int_eq(coder_decode(c, &rec, coded.bytes), 0);
	ck_assert(coder_asks_key(c, mono_at(now)));
	ck_assert(!coder_asks_key(c, mono_at(now)));
	ck_assert(!coder_asks_key(c, mono_at(now + CODER_ASK_US - 1)));
	ck_assert(coder_asks_key(c, mono_at(now + CODER_ASK_US)));
	coded = make(&rec, true);
	ck_assert_int_eq(coder_decode(c, &rec, coded.bytes), 1);
	ck_assert(!coder_asks_key(c, mono_at(now + 10000000)));
	/* A gap: the same again. */
	coded = make(&rec, false);
	rec.flags |= RECORD_GAP;
	ck_assert_int_eq(coder_decode(c, &rec, coded.bytes), 0);
	ck_assert(coder_asks_key(c, mono_at(now + 10000000)));
}
END_TEST

START_TEST(key_frames_on_request_are_rare)
{
	int keys = 0;

	ck_assert_int_eq(pass(NULL), 0);
	for (int i = 0; i < 40; i++) {	/* 2 s */
		coder_force_key(c, coder_codec(c));
		if (pass(NULL) >= 0)
			keys += out_key;
	}
	ck_assert_int_ge(keys, 5);
	ck_assert_int_le(keys, 2000 / 300 + 1);
}
END_TEST

START_TEST(hostile_bit_rates_are_clamped)
{
	static const uint32_t rates[] = { 0, 1, UINT32_MAX, 500000 };

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		int code;

		coder_bitrate(c, CODEC_VP8, rates[i]);
		coder_bitrate(c, CODEC_VP9, rates[i]);
		code = pass(NULL);
		ck_assert(code == (int)i || code == -1);
	}
}
END_TEST

START_TEST(hostile_times_only_rise)
{
	static const int64_t times[] = {
		INT64_MAX, INT64_MIN, 0, -5, (int64_t)1 << 49, 1, 1, 0,
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct record rec;
		struct vpx_coded coded = make(&rec, true);

		rec.rtp_time = times[i];
		rec.arrival_us = times[sizeof(times) / sizeof(times[0]) - 1 -
				       i];
		ck_assert_int_eq(coder_decode(c, &rec, coded.bytes), 1);
		give_frames();
		encode(NULL);
		ck_assert_int_le(out_time, (now + 1000000) * 9 / 100);
	}
}
END_TEST

static const struct {
	const char *what;
	uint8_t codec;
	uint8_t bytes[12];
	uint32_t len;
	int err;
} hostile[] = {
	{ "no codec", CODEC_NONE, { 0x82 }, 1, -ENOTSUP },
	{ "sound in the picture", CODEC_OPUS, { 0x82 }, 1, -ENOTSUP },
	{ "a codec of nobody", 200, { 0x82 }, 1, -ENOTSUP },
	{ "no bytes", CODEC_VP9, { 0 }, 0, -EBADMSG },
	{ "VP9 without its marker", CODEC_VP9, { 0x00, 0, 0, 0 }, 4,
	  -EBADMSG },
	{ "VP8 key frame of 16383x16383", CODEC_VP8,
	  { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f }, 10,
	  -EFBIG },
	{ "VP8 key frame of nothing", CODEC_VP8,
	  { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00 }, 10,
	  -EBADMSG },
};

START_TEST(hostile_pictures_are_refused_and_the_next_key_heals)
{
	struct record rec = { .kind = RECORD_VIDEO, .codec = hostile[_i].codec,
			      .bytes = hostile[_i].len, .rtp_time = 1 };
	struct vpx_coded coded;
	int err;

	ck_assert_int_eq(pass(NULL), 0);
	err = coder_decode(c, &rec, hostile[_i].bytes);
	ck_assert_msg(err == hostile[_i].err, "%s: %d", hostile[_i].what, err);
	ck_assert(!coder_holds(c));
	ck_assert(coder_asks_key(c, mono_at(now)));
	coded = make(&rec, true);
	ck_assert_int_eq(coder_decode(c, &rec, coded.bytes), 1);
	ck_assert_int_eq(encode(NULL), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("media_coder");
	TCase *tc = tcase_create("coder");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, pictures_keep_their_numbers_and_their_spacing,
			    0, 2);
	tcase_add_test(tc, size_follows_the_sender);
	tcase_add_test(tc, codec_may_change);
	tcase_add_test(tc, without_a_ring_the_picture_is_held);
	tcase_add_test(tc, it_asks_for_a_key_frame_and_waits_for_it);
	tcase_add_test(tc, key_frames_on_request_are_rare);
	tcase_add_test(tc, hostile_bit_rates_are_clamped);
	tcase_add_test(tc, hostile_times_only_rise);
	tcase_add_loop_test(tc,
		hostile_pictures_are_refused_and_the_next_key_heals, 0,
		sizeof(hostile) / sizeof(hostile[0]));
	suite_add_tcase(suite, tc);

	return suite_run(suite);
}
