/* test_vpx.c - pictures through libvpx and back, hostile pictures */

#include "core/media/picture_head.h"
#include "port/vpx.h"
#include "tests/media_kit.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 3000 };

static const enum vpx_kind kinds[] = { VPX_VP8, VPX_VP9 };

static struct vpx_picture view(const struct kit_picture *p)
{
	return (struct vpx_picture){
		{ p->plane[0], p->plane[1], p->plane[2] },
		{ p->stride[0], p->stride[1], p->stride[2] },
		p->width, p->height };
}

static int head(enum vpx_kind kind, struct picture_head *h,
		const struct vpx_coded *c)
{
	return kind == VPX_VP9 ? picture_head_vp9(h, c->bytes, c->len) :
				 picture_head_vp8(h, c->bytes, c->len);
}

static struct vpx_enc *encoder(enum vpx_kind kind, uint32_t w, uint32_t h)
{
	struct vpx_enc_cfg cfg = { kind, w, h, 1500000 };
	struct vpx_enc *e;

	ck_assert_int_eq(vpx_enc_new(&e, &cfg), 0);

	return e;
}

static struct vpx_dec *decoder(enum vpx_kind kind)
{
	struct vpx_dec *d;

	ck_assert_int_eq(vpx_dec_new(&d, kind), 0);

	return d;
}

START_TEST(configurations_out_of_range)
{
	static const struct vpx_enc_cfg bad[] = {
		{ VPX_VP9, 15, 100, 100000 }, { VPX_VP9, 100, 15, 100000 },
		{ VPX_VP9, 1921, 100, 100000 }, { VPX_VP8, 100, 100, 29999 },
		{ VPX_VP8, 100, 100, 20000001 }, { 0, 100, 100, 100000 },
	};
	struct vpx_enc *e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(vpx_enc_new(&e, &bad[i]), -EINVAL);
}
END_TEST

/* Coded, decoded, coded again, decoded: the number is still readable. */
START_TEST(numbers_survive_two_codings)
{
	enum vpx_kind kind = kinds[_i];
	struct vpx_enc *e[2] = { encoder(kind, 322, 182),
				 encoder(kind, 322, 182) };
	struct vpx_dec *d[2] = { decoder(kind), decoder(kind) };
	struct kit_picture p;
	int seen = 0;

	ck_assert_int_eq(kit_picture_new(&p, 322, 182), 0);
	for (uint32_t i = 0; i < 25; i++) {
		struct vpx_picture pic = view(&p);
		struct vpx_coded c;
		int got = 1;

		kit_picture_draw(&p, 100 + i);
		for (int k = 0; k < 2 && got == 1; k++) {
			struct picture_head h;

			ck_assert_int_eq(vpx_enc_run(e[k], &pic,
					(int64_t)i * STEP, STEP, i == 20,
					&c), 0);
			if (!c.bytes) {
				got = 0;
				break;
			}
			ck_assert_int_eq(head(kind, &h, &c), 0);
			ck_assert_int_eq(h.key, c.key);
			ck_assert_int_eq(c.key, i == 0 || i == 20);
			ck_assert(!c.key ||
				  (h.width == 322 && h.height == 182));
			got = vpx_dec_run(d[k], c.bytes, c.len, &pic);
			ck_assert_int_eq(got, 1);
		}
		if (got != 1)
			continue;
		ck_assert_int_eq(kit_picture_read(pic.plane[0], pic.stride[0],
				 pic.width, pic.height), 100 + (int)i);
		seen++;
	}
	ck_assert_int_ge(seen, 20);
	for (int k = 0; k < 2; k++) {
		vpx_enc_free(e[k]);
		vpx_dec_free(d[k]);
	}
	free(p.bytes);
}
END_TEST

static size_t bytes_of(struct vpx_enc *e, struct kit_picture *p, int64_t from,
		       int n)
{
	size_t sum = 0;

	for (int i = 0; i < n; i++) {
		struct vpx_picture pic = view(p);
		struct vpx_coded c;

		kit_picture_draw(p, (uint32_t)(from + i));
		ck_assert_int_eq(vpx_enc_run(e, &pic, (from + i) * STEP, STEP,
					     false, &c), 0);
		sum += c.len;
	}

	return sum;
}

START_TEST(bit_rate_is_followed)
{
	struct vpx_enc *e = encoder(kinds[_i], 320, 180);
	struct kit_picture p;
	size_t high, low;

	ck_assert_int_eq(kit_picture_new(&p, 320, 180), 0);
	high = bytes_of(e, &p, 0, 60);
	ck_assert_int_eq(vpx_enc_bitrate(e, 150000), 0);
	bytes_of(e, &p, 60, 30);
	low = bytes_of(e, &p, 90, 60);
	ck_assert_uint_lt(low * 3, high);
	ck_assert_int_eq(vpx_enc_bitrate(e, 1), 0);	/* clamped */
	vpx_enc_free(e);
	free(p.bytes);
}
END_TEST

START_TEST(another_size_than_configured_is_refused)
{
	struct vpx_enc *e = encoder(kinds[_i], 320, 180);
	struct kit_picture p;
	struct vpx_picture pic;
	struct vpx_coded c;

	ck_assert_int_eq(kit_picture_new(&p, 160, 90), 0);
	kit_picture_draw(&p, 1);
	pic = view(&p);
	ck_assert_int_eq(vpx_enc_run(e, &pic, 0, STEP, false, &c), -EINVAL);
	vpx_enc_free(e);
	free(p.bytes);
}
END_TEST

START_TEST(hostile_pictures_are_refused_and_a_key_frame_heals)
{
	enum vpx_kind kind = kinds[_i];
	struct vpx_enc *e = encoder(kind, 320, 180);
	struct vpx_dec *d = decoder(kind);
	struct kit_picture p;
	struct vpx_picture pic, got;
	struct vpx_coded c;
	uint8_t *copy;
	int n;

	ck_assert_int_eq(kit_picture_new(&p, 320, 180), 0);
	kit_picture_draw(&p, 7);
	pic = view(&p);
	ck_assert_int_eq(vpx_dec_run(d, "", 0, &got), -EBADMSG);
	ck_assert_int_eq(vpx_dec_run(d, "\xff\xff\xff\xff", 4, &got),
			 -EBADMSG);
	ck_assert_int_eq(vpx_enc_run(e, &pic, 0, STEP, true, &c), 0);
	copy = malloc(c.len);
	srandom(5);
	for (int i = 0; i < 300; i++) {
		memcpy(copy, c.bytes, c.len);
		for (int k = 0; k < 1 + i % 9; k++)
			copy[(size_t)random() % c.len] = (uint8_t)random();
		n = vpx_dec_run(d, copy, 1 + (size_t)random() % c.len, &got);
		ck_assert(n == 0 || n == 1 || n == -EBADMSG || n == -ENOTSUP);
	}
	vpx_dec_free(d);
	d = decoder(kind);
	ck_assert_int_eq(vpx_dec_run(d, c.bytes, c.len, &got), 1);
	ck_assert_int_eq(kit_picture_read(got.plane[0], got.stride[0],
					  got.width, got.height), 7);
	free(copy);
	free(p.bytes);
	vpx_enc_free(e);
	vpx_dec_free(d);
}
END_TEST

START_TEST(an_inter_picture_alone_does_not_decode)
{
	enum vpx_kind kind = kinds[_i];
	struct vpx_enc *e = encoder(kind, 320, 180);
	struct vpx_dec *d = decoder(kind);
	struct kit_picture p;
	struct vpx_picture pic, got;
	struct vpx_coded c;

	ck_assert_int_eq(kit_picture_new(&p, 320, 180), 0);
	for (int i = 0; i < 2; i++) {
		kit_picture_draw(&p, (uint32_t)i);
		pic = view(&p);
		ck_assert_int_eq(vpx_enc_run(e, &pic, i * STEP, STEP, false,
					     &c), 0);
	}
	ck_assert(c.bytes && !c.key);
	ck_assert_int_ne(vpx_dec_run(d, c.bytes, c.len, &got), 1);
	free(p.bytes);
	vpx_enc_free(e);
	vpx_dec_free(d);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vpx");
	TCase *tc = tcase_create("vpx");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, configurations_out_of_range);
	tcase_add_loop_test(tc, numbers_survive_two_codings, 0, 2);
	tcase_add_loop_test(tc, bit_rate_is_followed, 0, 2);
	tcase_add_loop_test(tc, another_size_than_configured_is_refused, 0,
			    2);
	tcase_add_loop_test(tc,
		hostile_pictures_are_refused_and_a_key_frame_heals, 0, 2);
	tcase_add_loop_test(tc, an_inter_picture_alone_does_not_decode, 0, 2);
	suite_add_tcase(suite, tc);

	return suite_run(suite);
}
