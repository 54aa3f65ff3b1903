/* test_opus.c - sound through libopus and back, loss, hostile packets */

#include "core/media/opus_head.h"
#include "port/opus.h"
#include "tests/media_kit.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 100 };

static int16_t in[FRAMES * KIT_FRAME * 2], out[FRAMES * KIT_FRAME * 2];

static struct opus_enc *encoder(uint32_t channels, uint32_t loss)
{
	struct opus_enc_cfg cfg = { channels, loss ? 32000 : 64000, 5, loss };
	struct opus_enc *e;

	ck_assert_int_eq(opus_enc_new(&e, &cfg), 0);

	return e;
}

static struct opus_dec *decoder(uint32_t channels)
{
	struct opus_dec *d;

	ck_assert_int_eq(opus_dec_new(&d, channels), 0);

	return d;
}

START_TEST(configurations_out_of_range)
{
	static const struct opus_enc_cfg bad[] = {
		{ 0, 64000, 5, 0 }, { 3, 64000, 5, 0 }, { 1, 5999, 5, 0 },
		{ 1, 256001, 5, 0 }, { 1, 64000, 11, 0 },
		{ 1, 64000, 5, 101 },
	};
	struct opus_enc *e;
	struct opus_dec *d;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(opus_enc_new(&e, &bad[i]), -EINVAL);
	ck_assert_int_eq(opus_dec_new(&d, 0), -EINVAL);
	ck_assert_int_eq(opus_dec_new(&d, 3), -EINVAL);
}
END_TEST

/* Twice through the codec, as loopback does. */
START_TEST(a_tone_keeps_its_pitch_through_two_codings)
{
	uint32_t ch = (uint32_t)_i + 1;
	struct opus_enc *e[2] = { encoder(ch, 0), encoder(ch, 0) };
	struct opus_dec *d[2] = { decoder(ch), decoder(ch) };
	uint8_t packet[1500];
	const int16_t *tail;

	for (uint32_t c = 0; c < ch; c++)
		kit_tone(in + c, FRAMES * KIT_FRAME, ch, 440 + 200 * c, 0);
	for (int i = 0; i < FRAMES; i++) {
		int16_t *pcm = in + (size_t)i * KIT_FRAME * ch;

		for (int k = 0; k < 2; k++) {
			int n = opus_enc_run(e[k], pcm, packet,
					     sizeof(packet));

			ck_assert_int_gt(n, 2);
			pcm = out + (size_t)i * KIT_FRAME * ch;
			ck_assert_int_eq(opus_dec_run(d[k], packet, (size_t)n,
						      pcm, KIT_FRAME),
					 KIT_FRAME);
		}
	}
	tail = out + (size_t)(FRAMES - 50) * KIT_FRAME * ch;
	for (uint32_t c = 0; c < ch; c++)
		ck_assert_double_le(fabs(kit_pitch(tail + c, 48000, ch) -
					 (440 + 200 * c)), 2.0);
	for (int k = 0; k < 2; k++) {
		opus_enc_free(e[k]);
		opus_dec_free(d[k]);
	}
}
END_TEST

/* Loudness of the difference between what was and what came. */
static double error_of(const int16_t *a, const int16_t *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);

	return sqrt(sum / (double)n);
}

/* Every tenth packet is lost: with redundancy the hole sounds more like what
 * was there than concealment does. */
START_TEST(redundancy_brings_back_what_was_lost)
{
	struct opus_enc *e = encoder(1, 20);
	struct opus_dec *whole = decoder(1), *fec = decoder(1);
	struct opus_dec *plc = decoder(1);
	static uint8_t packets[FRAMES][1500];
	static int len[FRAMES];
	double by_fec = 0, by_plc = 0;
	int carried = 0;
	const int16_t *speech;
	size_t n;

	speech = kit_speech(&n, NULL);
	for (int i = 0; i < FRAMES; i++)
		len[i] = opus_enc_run(e, speech + (size_t)i * KIT_FRAME,
				      packets[i], 1500);
	for (int i = 0; i + 1 < FRAMES; i++) {
		int16_t a[KIT_FRAME], b[KIT_FRAME], c[KIT_FRAME];
		struct opus_head next;

		ck_assert_int_eq(opus_dec_run(whole, packets[i],
					      (size_t)len[i], a, KIT_FRAME),
				 KIT_FRAME);
		ck_assert_int_eq(opus_head_parse(&next, packets[i + 1],
						 (size_t)len[i + 1]), 0);
		if (i % 10 != 5 || !next.fec) {
			(void)!opus_dec_run(fec, packets[i], (size_t)len[i],
					    b, KIT_FRAME);
			(void)!opus_dec_run(plc, packets[i], (size_t)len[i],
					    c, KIT_FRAME);
			continue;
		}
		carried++;
		ck_assert_int_eq(opus_dec_fec(fec, packets[i + 1],
					      (size_t)len[i + 1], b,
					      KIT_FRAME), KIT_FRAME);
		ck_assert_int_eq(opus_dec_conceal(plc, c, KIT_FRAME),
				 KIT_FRAME);
		by_fec += error_of(a, b, KIT_FRAME);
		by_plc += error_of(a, c, KIT_FRAME);
	}
	ck_assert_int_ge(carried, 3);
	ck_assert_double_lt(by_fec, by_plc * 0.9);
	opus_enc_free(e);
	opus_dec_free(whole);
	opus_dec_free(fec);
	opus_dec_free(plc);
}
END_TEST

START_TEST(concealment_goes_on_and_fades)
{
	struct opus_enc *e = encoder(1, 0);
	struct opus_dec *d = decoder(1);
	uint8_t packet[1500];
	double before = 0;
	int n;

	kit_tone(in, 50 * KIT_FRAME, 1, 300, 0);
	for (int i = 0; i < 50; i++) {
		n = opus_enc_run(e, in + i * KIT_FRAME, packet, 1500);
		ck_assert_int_eq(opus_dec_run(d, packet, (size_t)n, out,
					      KIT_FRAME), KIT_FRAME);
	}
	before = kit_loudness(out, KIT_FRAME);
	ck_assert_int_eq(opus_dec_conceal(d, out, KIT_FRAME), KIT_FRAME);
	ck_assert_double_gt(kit_loudness(out, KIT_FRAME), before / 4);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(opus_dec_conceal(d, out, KIT_FRAME),
				 KIT_FRAME);
	ck_assert_double_lt(kit_loudness(out, KIT_FRAME), before / 10);
	/* Any length in steps of 2.5 ms. */
	ck_assert_int_eq(opus_dec_conceal(d, out, 250), 240);
	ck_assert_int_eq(opus_dec_conceal(d, out, 5760), 5760);
	ck_assert_int_eq(opus_dec_conceal(d, out, 119), -EINVAL);
	ck_assert_int_eq(opus_dec_conceal(d, out, 6000), -EINVAL);
	opus_enc_free(e);
	opus_dec_free(d);
}
END_TEST

START_TEST(bit_rate_is_followed)
{
	struct opus_enc *e = encoder(1, 0);
	const int16_t *speech;
	uint8_t packet[1500];
	int low = 0, high = 0;
	size_t n;

	speech = kit_speech(&n, NULL);
	opus_enc_bitrate(e, 100000);
	for (size_t i = 0; i < FRAMES; i++)
		high += opus_enc_run(e, speech + i * KIT_FRAME, packet, 1500);
	opus_enc_bitrate(e, 1);		/* clamped to what is possible */
	for (size_t i = 0; i < FRAMES; i++)
		low += opus_enc_run(e, speech + i * KIT_FRAME, packet, 1500);
	ck_assert_int_lt(low * 4, high);
	opus_enc_free(e);
}
END_TEST

START_TEST(hostile_packets_are_refused_and_the_decoder_lives)
{
	struct opus_dec *d = decoder(1);
	struct opus_enc *e = encoder(1, 0);
	uint8_t packet[1500];
	int n;

	ck_assert_int_eq(opus_dec_run(d, packet, 0, out, KIT_FRAME), -EBADMSG);
	packet[0] = 0xff;	/* code 3, without its count */
	ck_assert_int_eq(opus_dec_run(d, packet, 1, out, KIT_FRAME), -EBADMSG);
	packet[1] = 0x3f;	/* 63 frames of 20 ms */
	ck_assert_int_eq(opus_dec_run(d, packet, 2, out, OPUS_DECODE_MAX),
			 -EBADMSG);
	packet[0] = 31 << 3 | 3;	/* 120 ms into room for 20 */
	packet[1] = 6;
	memset(packet + 2, 0, 200);
	ck_assert_int_lt(opus_dec_run(d, packet, 202, out, KIT_FRAME), 0);
	srandom(3);
	for (int i = 0; i < 3000; i++) {
		size_t len = 1 + (size_t)random() % 200;

		for (size_t k = 0; k < len; k++)
			packet[k] = (uint8_t)random();
		n = opus_dec_run(d, packet, len, out, OPUS_DECODE_MAX);
		ck_assert(n == -EBADMSG || (n > 0 && n <= OPUS_DECODE_MAX));
	}
	kit_tone(in, KIT_FRAME, 1, 440, 0);
	n = opus_enc_run(e, in, packet, sizeof(packet));
	ck_assert_int_eq(opus_dec_run(d, packet, (size_t)n, out, KIT_FRAME),
			 KIT_FRAME);
	opus_dec_free(d);
	opus_enc_free(e);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("opus");
	TCase *tc = tcase_create("opus");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, configurations_out_of_range);
	tcase_add_loop_test(tc, a_tone_keeps_its_pitch_through_two_codings, 0,
			    2);
	tcase_add_test(tc, redundancy_brings_back_what_was_lost);
	tcase_add_test(tc, concealment_goes_on_and_fades);
	tcase_add_test(tc, bit_rate_is_followed);
	tcase_add_test(tc,
		hostile_packets_are_refused_and_the_decoder_lives);
	suite_add_tcase(suite, tc);

	return suite_run(suite);
}
