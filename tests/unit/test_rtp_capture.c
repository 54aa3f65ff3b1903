/*
 * test_rtp_capture.c - packets that another implementation made
 *
 * tests/vectors/rtp/SOURCE says where they come from. What the assembler
 * gives must be the pictures of the encoder, byte by byte. Run from the
 * tree's top folder.
 */

#include "common/buf.h"
#include "core/rtp/assembler.h"
#include "core/rtp/seq.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 1 << 16, IVF_HEAD = 32, IVF_FRAME_HEAD = 12 };

static uint8_t packets[FILE_MAX], ivf[FILE_MAX], whole[FILE_MAX];
static const struct { const char *name; enum rtp_codec codec; } row[] = {
	{ "tests/vectors/rtp/ffmpeg_vp8", RTP_VP8 },
	{ "tests/vectors/rtp/ffmpeg_vp9", RTP_VP9 },
};

static size_t load(const char *name, const char *kind, uint8_t *out)
{
	char path[100];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s.%s", name, kind);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s is missing", path);
	len = fread(out, 1, FILE_MAX, f);
	fclose(f);

	return len;
}

/* Compares with the next picture of the IVF file. */
static void expect(struct buf_in *in, const struct picture *pic, int number)
{
	const uint8_t *head = buf_get(in, IVF_FRAME_HEAD);
	const uint8_t *bytes;
	size_t len;

	ck_assert_ptr_nonnull(head);
	len = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16;
	bytes = buf_get(in, len);
	ck_assert_msg(bytes && pic->len == len, "picture %d: %zu of %zu",
		      number, pic->len, len);
	ck_assert_msg(memcmp(bytes, whole, len) == 0, "picture %d", number);
	ck_assert_msg(pic->key == (number % 10 == 0), "picture %d", number);
	if (pic->key)
		ck_assert(pic->width == 160 && pic->height == 90);
	ck_assert(!pic->gap || number == 0);
}

START_TEST(pictures_are_those_of_the_encoder)
{
	struct assembler_cfg cfg = { row[_i].codec, 64, 100000 };
	struct buf_in in = buf_in(packets, load(row[_i].name, "rtp", packets));
	struct buf_in pictures = buf_in(ivf, load(row[_i].name, "ivf", ivf));
	int64_t seq = 0, ts = 0;
	struct assembler *a;
	int count = 0;

	buf_get(&pictures, IVF_HEAD);
	ck_assert_int_eq(assembler_new(&a, &cfg), 0);
	while (buf_left(&in)) {
		size_t len = buf_get_u16(&in);
		const uint8_t *bytes = buf_get(&in, len);
		struct assembler_packet ap;
		struct rtp_packet p;
		struct picture pic;

		ck_assert_ptr_nonnull(bytes);
		ck_assert_int_eq(rtp_parse(&p, bytes, len), 0);
		seq = seq_extend(seq, p.seq);
		ts = ts_extend(ts, p.ts);
		ap = (struct assembler_packet){ seq, ts, p.marker, p.payload,
						p.payload_len };
		ck_assert_int_eq(assembler_push(a, &ap, mono_at(1)), 0);
		while (assembler_poll(a, mono_at(1), whole, sizeof(whole),
				      &pic) == ASSEMBLER_PICTURE)
			expect(&pictures, &pic, count++);
	}
	ck_assert_int_eq(count, 24);
	ck_assert_uint_eq(buf_left(&pictures), 0);
	assembler_free(a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rtp_capture");
	TCase *c = tcase_create("capture");

	tcase_add_loop_test(c, pictures_are_those_of_the_encoder, 0,
			    ARRAY_LEN(row));
	suite_add_tcase(s, c);

	return suite_run(s);
}
