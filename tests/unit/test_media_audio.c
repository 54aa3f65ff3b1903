/* test_media_audio.c - one peer's sound on a clock of the test */

#include "media-worker/audio.h"
#include "port/opus.h"
#include "tests/media_kit.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { START_US = 50000000, HEARD = 48000 * 2 * 12 };

static struct audio *a;
static struct opus_enc *enc;
static struct opus_dec *dec;
static uint32_t channels;
static int64_t seq;		/* of the sender */
static int16_t heard[HEARD];
static size_t heard_len;	/* values */
static int64_t last_time, packets, slips;
static bool voice;		/* speech in place of a tone */

static void give_frames(uint32_t ch)
{
	struct frame_shape shape = frames_pcm(ch);
	int fd = region_create("test", REGION_FRAMES,
			       frame_ring_bytes(&shape), 1, 1);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(audio_take_frames(a, &shape, fd), 0);
	close(fd);
}

static void setup_for(uint32_t ch)
{
	struct audio_cfg cfg = { 200000, 64000, 5, 9 };
	struct opus_enc_cfg ecfg = { ch, ch == 2 ? 128000 : 32000, 5, 20 };

	channels = ch;
	ck_assert_int_eq(audio_new(&a, &cfg), 0);
	ck_assert_int_eq(opus_enc_new(&enc, &ecfg), 0);
	ck_assert_int_eq(opus_dec_new(&dec, ch), 0);
}

static void setup(void)
{
	setup_for(1);
}

static void teardown(void)
{
	audio_free(a);
	opus_enc_free(enc);
	opus_dec_free(dec);
}

/* The sender's next packet; lost: it is made but does not arrive. */
static void speak(int64_t now, bool lost)
{
	struct record rec = {
		.kind = RECORD_AUDIO, .codec = CODEC_OPUS, .track = 3,
		.seq_first = seq, .seq_last = seq,
		.rtp_time = seq * KIT_FRAME, .arrival_us = now,
	};
	int16_t pcm[KIT_FRAME * 2];
	uint8_t packet[1500];
	size_t len;
	int n;

	for (uint32_t c = 0; c < channels; c++)
		kit_tone(pcm + c, KIT_FRAME, channels, 400 + 300 * c,
			 seq * KIT_FRAME);
	if (voice)
		memcpy(pcm, kit_speech(&len, NULL) + seq * KIT_FRAME,
		       KIT_FRAME * sizeof(int16_t));
	seq++;
	n = opus_enc_run(enc, pcm, packet, sizeof(packet));
	ck_assert_int_gt(n, 0);
	rec.bytes = (uint32_t)n;
	if (!lost)
		ck_assert_int_eq(audio_push(a, &rec, packet, mono_at(now)), 0);
}

static int listen_at(int64_t now)
{
	struct record out;
	uint8_t packet[1500];
	int n = audio_tick(a, mono_at(now), &out, packet, sizeof(packet));

	ck_assert_int_ge(n, 0);
	if (n == 0)
		return 0;
	if (packets++ && out.rtp_time != last_time + KIT_FRAME)
		slips++;
	last_time = out.rtp_time;
	ck_assert_int_eq(out.kind, RECORD_AUDIO);
	ck_assert_int_eq(out.track, 3);
	ck_assert_int_eq(out.seq_first, packets - 1);
	ck_assert_uint_gt(out.bytes, 0);
	n = opus_dec_run(dec, packet, out.bytes, heard + heard_len, 5760);
	ck_assert_int_eq(n, KIT_FRAME);
	heard_len += (size_t)n * channels;

	return 1;
}

/* Seconds of call; one packet in `every` is lost (0: none). */
static void call(int64_t *now, int seconds, int every)
{
	for (int64_t until = *now + seconds * 1000000; *now < until;
	     *now += 1000) {
		if ((*now - START_US) % 20000 == 0)
			speak(*now, every && seq % every == every - 1);
		if (!mono_before(mono_at(*now), audio_due(a)))
			listen_at(*now);
	}
}

START_TEST(nothing_is_due_without_frames_or_packets)
{
	ck_assert_int_eq(audio_due(a).us, MONO_NEVER.us);
	ck_assert_uint_eq(audio_wants_frames(a), 1);
	speak(START_US, false);
	ck_assert_int_eq(audio_due(a).us, MONO_NEVER.us);
	give_frames(1);
	ck_assert_uint_eq(audio_wants_frames(a), 0);
	ck_assert_int_eq(audio_due(a).us, START_US + 20000);
	ck_assert_int_eq(listen_at(START_US + 19999), 0);
	ck_assert_int_eq(listen_at(START_US + 20000), 1);
	/* Media time is the tick's own moment. */
	ck_assert_int_eq(last_time, (START_US + 20000) * 6 / 125);
}
END_TEST

START_TEST(a_tone_comes_back_without_a_slip)
{
	int64_t now = START_US;
	struct audio_stats s;

	give_frames(1);
	call(&now, 4, 0);
	audio_stats(a, &s);
	ck_assert_int_ge(packets, 198);
	ck_assert_int_eq(slips, 0);
	ck_assert_uint_eq(s.jitter.concealed, 0);
	ck_assert_double_le(fabs(kit_pitch(heard + heard_len - 96000, 96000,
					   1) - 400), 1.0);
}
END_TEST

/* Speech carries redundancy: once the buffer has learned to wait for the
 * next packet, most of what is lost comes back. */
START_TEST(loss_is_filled_from_redundancy)
{
	int64_t now = START_US;
	struct audio_stats s;

	voice = true;
	give_frames(1);
	call(&now, 8, 10);
	audio_stats(a, &s);
	ck_assert_int_eq(slips, 0);
	ck_assert_int_ge(packets, 395);
	ck_assert_uint_gt(s.jitter.fec, s.jitter.concealed);
	ck_assert_uint_ge(s.jitter.fec + s.jitter.concealed,
			  38 * KIT_FRAME);
	ck_assert_double_gt(kit_loudness(heard, heard_len), 200);
}
END_TEST

START_TEST(loss_in_a_tone_is_concealed_and_it_goes_on)
{
	int64_t now = START_US;

	give_frames(1);
	call(&now, 6, 10);
	ck_assert_int_eq(slips, 0);
	ck_assert_double_le(fabs(kit_pitch(heard + heard_len - 96000, 96000,
					   1) - 400), 3.0);
	for (size_t i = heard_len - 96000; i + 960 <= heard_len; i += 960)
		ck_assert_double_gt(kit_loudness(heard + i, 960), 1500);
}
END_TEST

START_TEST(stereo_needs_a_ring_of_its_own)
{
	int64_t now = START_US;

	teardown();
	setup_for(2);
	give_frames(1);
	speak(now, false);
	ck_assert_uint_eq(audio_wants_frames(a), 2);
	give_frames(2);
	ck_assert_uint_eq(audio_wants_frames(a), 0);
	now += 20000;
	call(&now, 3, 0);
	ck_assert_double_le(fabs(kit_pitch(heard + heard_len - 96000, 48000,
					   2) - 400), 2.0);
	ck_assert_double_le(fabs(kit_pitch(heard + heard_len - 95999, 47999,
					   2) - 700), 2.0);
}
END_TEST

START_TEST(silence_of_seconds_ends_sending_and_keeps_the_time_line)
{
	int64_t now = START_US, before;

	give_frames(1);
	call(&now, 1, 0);
	before = last_time;
	for (int64_t until = now + 5000000; now < until; now += 1000)
		if (!mono_before(mono_at(now), audio_due(a)))
			listen_at(now);
	ck_assert_int_eq(audio_due(a).us, MONO_NEVER.us);
	ck_assert_int_le(last_time - before, 3 * 48000 + KIT_FRAME * 2);
	seq += 250;
	slips = 0;
	call(&now, 1, 0);
	ck_assert_int_eq(slips, 1);
	/* Where the clock is, to within a tick and the buffer. */
	ck_assert_int_le(llabs(last_time - now * 6 / 125), 4 * KIT_FRAME);
}
END_TEST

START_TEST(a_process_that_stood_still_does_not_play_the_past)
{
	int64_t now = START_US;
	struct audio_stats s;

	give_frames(1);
	call(&now, 1, 0);
	now += 1000000;
	seq += 50;
	slips = 0;
	call(&now, 1, 0);
	audio_stats(a, &s);
	ck_assert_int_eq(slips, 1);
	ck_assert_uint_ge(s.missed, 48);
	ck_assert_int_le(llabs(last_time - now * 6 / 125), 2 * KIT_FRAME);
}
END_TEST

static const struct {
	const char *what;
	uint8_t bytes[8];
	uint32_t len;
	int err;
} hostile[] = {
	{ "no bytes", { 0 }, 0, -EBADMSG },
	{ "count missing", { 0xff }, 1, -EBADMSG },
	{ "63 frames", { 0xff, 0x3f }, 2, -EBADMSG },
	{ "120 ms of nothing", { 0xfb, 6, 0, 0 }, 4, 0 },
	{ "a frame that is no Opus", { 9 << 3, 0xff, 0xff, 0xff }, 4, 0 },
	{ "2.5 ms", { 16 << 3, 1, 2, 3 }, 4, 0 },
	{ "stereo of nothing", { 31 << 3 | 4, 0 }, 2, 0 },
};

START_TEST(hostile_packets_cost_a_concealment_at_most)
{
	struct record rec = {
		.kind = RECORD_AUDIO, .codec = CODEC_OPUS, .seq_first = 100,
		.rtp_time = 100 * KIT_FRAME, .bytes = hostile[_i].len,
	};
	int64_t now = START_US;

	give_frames(1);
	call(&now, 2, 0);
	rec.arrival_us = now;
	ck_assert_msg(audio_push(a, &rec, hostile[_i].bytes, mono_at(now)) ==
		      hostile[_i].err, "%s", hostile[_i].what);
	seq++;
	now += 20000;
	call(&now, 3, 0);
	ck_assert_double_le(fabs(kit_pitch(heard + heard_len - 96000, 96000,
					   1) - 400), 1.0);
	ck_assert_int_eq(slips, 0);
}
END_TEST

START_TEST(hostile_bit_rates_and_bounds_are_clamped)
{
	int64_t now = START_US;

	give_frames(1);
	audio_bitrate(a, 0);
	audio_bitrate(a, UINT32_MAX);
	audio_jitter_max(a, 0);
	audio_jitter_max(a, UINT32_MAX);
	audio_jitter_max(a, 100000);
	call(&now, 1, 0);
	ck_assert_int_ge(packets, 48);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("media_audio");
	TCase *tc = tcase_create("audio");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_is_due_without_frames_or_packets);
	tcase_add_test(tc, a_tone_comes_back_without_a_slip);
	tcase_add_test(tc, loss_is_filled_from_redundancy);
	tcase_add_test(tc, loss_in_a_tone_is_concealed_and_it_goes_on);
	tcase_add_test(tc, stereo_needs_a_ring_of_its_own);
	tcase_add_test(tc,
		silence_of_seconds_ends_sending_and_keeps_the_time_line);
	tcase_add_test(tc, a_process_that_stood_still_does_not_play_the_past);
	tcase_add_loop_test(tc, hostile_packets_cost_a_concealment_at_most, 0,
			    sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_test(tc, hostile_bit_rates_and_bounds_are_clamped);
	suite_add_tcase(suite, tc);

	return suite_run(suite);
}
