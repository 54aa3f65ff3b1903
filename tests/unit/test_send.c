/* test_send.c - one outgoing stream: numbers, timeline, repair, reports */

#include "core/rtp/send.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <string.h>

static struct rtp_send *s;
static uint64_t index_word, twcc_word;
static uint8_t out[1500];
static struct rtp_sent sent;
static struct rtp_packet p;

static struct rtp_send_cfg config(void)
{
	return (struct rtp_send_cfg){
		.ssrc = 0xabcd, .clock_hz = 90000, .pt = 98, .first_ts = 5000,
		.history = 16, .history_bytes = 8192,
		.ext = { .mid = 4, .twcc = 3 }, .mid = "1",
		.next_index = &index_word, .next_twcc = &twcc_word,
	};
}

static void setup(void)
{
	struct rtp_send_cfg cfg = config();

	index_word = 65534;
	twcc_word = 65535;
	ck_assert_int_eq(rtp_send_new(&s, &cfg), 0);
}

static void teardown(void)
{
	rtp_send_free(s);
}

static struct mono ms(int64_t t)
{
	return mono_at(1000000 + t * 1000);
}

static void send_one(int64_t media, struct mono now)
{
	uint8_t payload[100];
	struct rtp_send_media m = { .payload = payload,
				    .len = sizeof(payload),
				    .media_time = media, .marker = true,
				    .level = RTP_NO_LEVEL };

	memset(payload, (int)index_word, sizeof(payload));
	ck_assert_int_eq(rtp_send_packet(s, &m, now, out, sizeof(out), &sent),
			 0);
	ck_assert_int_eq(rtp_parse(&p, out, sent.len), 0);
}

START_TEST(numbers_run_through_their_wraps)
{
	struct rtp_ext_ids ids = { .mid = 4, .twcc = 3 };
	struct rtp_ext_values v;

	for (uint64_t i = 0; i < 4; i++) {
		send_one((int64_t)i * 3000, ms((int64_t)i * 33));
		ck_assert_uint_eq(sent.index, 65534 + i);
		ck_assert_uint_eq(p.seq, (uint16_t)(65534 + i));
		ck_assert_uint_eq(index_word, 65535 + i);
		ck_assert_int_eq(sent.twcc, 65535 + (int64_t)i);
		ck_assert_uint_eq(p.ts, 5000 + i * 3000);
		ck_assert_uint_eq(p.pt, 98);
		ck_assert_uint_eq(p.ssrc, 0xabcd);
		ck_assert(p.marker && !sent.resend);
		rtp_ext_read(&v, &p, &ids);
		ck_assert(v.has_twcc && v.twcc == (uint16_t)(65535 + i));
		ck_assert_uint_eq(v.mid_len, 1);
		ck_assert_int_eq(v.mid[0], '1');
		ck_assert_uint_eq(p.payload_len, 100);
		ck_assert_uint_eq(p.payload[99], (uint8_t)(65534 + i));
	}
}
END_TEST

START_TEST(the_index_wraps_at_48_bits)
{
	index_word = 0xffffffffffff;
	send_one(0, ms(0));
	ck_assert_uint_eq(sent.index, 0xffffffffffff);
	ck_assert_uint_eq(index_word, 0);
}
END_TEST

START_TEST(a_new_zero_continues_by_the_clock)
{
	send_one(0, ms(0));
	send_one(3000, ms(33));
	rtp_send_new_zero(s);
	send_one(900000000, ms(133));	/* 100 ms later */
	ck_assert_uint_eq(p.ts, 5000 + 3000 + 9000);
	send_one(900003000, ms(166));
	ck_assert_uint_eq(p.ts, 5000 + 3000 + 9000 + 3000);
	ck_assert_uint_eq(p.seq, (uint16_t)(65534 + 3));
	/* At the same moment it still moves on. */
	rtp_send_new_zero(s);
	send_one(7, ms(166));
	ck_assert_uint_eq(p.ts, 5000 + 3000 + 9000 + 3000 + 1);
}
END_TEST

START_TEST(pieces_of_a_picture_share_their_timestamp)
{
	send_one(0, ms(0));
	rtp_send_new_zero(s);
	send_one(500, ms(50));
	ck_assert_uint_eq(p.ts, 5000 + 4500);
	send_one(500, ms(51));
	send_one(500, ms(52));
	ck_assert_uint_eq(p.ts, 5000 + 4500);
}
END_TEST

START_TEST(a_wild_media_time_is_a_new_zero)
{
	static const int64_t wild[] = { INT64_MAX, INT64_MIN, 0, INT64_MAX,
					-1, 1000000, INT64_MIN };

	send_one(3000, ms(0));
	for (size_t i = 0; i < ARRAY_LEN(wild); i++) {
		uint32_t before = p.ts;

		send_one(wild[i], ms((int64_t)(i + 1) * 20));
		ck_assert_uint_eq(p.ts, before + 1800);
	}
}
END_TEST

START_TEST(a_missed_packet_is_sent_again_byte_by_byte)
{
	uint8_t copy[1500];
	size_t len;

	send_one(0, ms(0));
	len = sent.len;
	memcpy(copy, out, len);
	send_one(3000, ms(33));
	ck_assert(!rtp_send_wants_resend(s));
	rtp_send_nack(s, 65534, 50000, ms(40));
	ck_assert(rtp_send_wants_resend(s));
	memset(out, 0, sizeof(out));
	ck_assert_int_eq(rtp_send_poll_resend(s, ms(40), out, sizeof(out),
					      &sent), 1);
	ck_assert_uint_eq(sent.len, len);
	ck_assert_mem_eq(out, copy, len);
	ck_assert_uint_eq(sent.index, 65534);
	ck_assert(sent.resend && sent.has_twcc && sent.twcc == 65535);
	ck_assert_int_eq(rtp_send_poll_resend(s, ms(40), out, sizeof(out),
					      &sent), 0);
	ck_assert_uint_eq(index_word, 65536);	/* nothing new was used */
}
END_TEST

START_TEST(not_more_than_once_in_a_round_trip)
{
	unsigned again = 0;

	send_one(0, ms(0));
	for (int t = 10; t < 210; t++) {
		rtp_send_nack(s, 65534, 66667, ms(t));
		again += rtp_send_poll_resend(s, ms(t), out, sizeof(out),
					      &sent) == 1;
	}
	ck_assert_uint_eq(again, 4);
}
END_TEST

START_TEST(a_wish_grows_old_and_a_key_picture_ends_all)
{
	send_one(0, ms(0));
	send_one(3000, ms(33));
	rtp_send_nack(s, 65534, 50000, ms(40));
	ck_assert(rtp_send_wants_resend(s));
	ck_assert_int_eq(rtp_send_poll_resend(s, ms(241), out, sizeof(out),
					      &sent), 0);
	rtp_send_nack(s, 65535, 50000, ms(300));
	rtp_send_drop_resends(s);
	ck_assert(!rtp_send_wants_resend(s));
	ck_assert_int_eq(rtp_send_poll_resend(s, ms(300), out, sizeof(out),
					      &sent), 0);
}
END_TEST

START_TEST(history_is_bounded_and_says_so)
{
	struct rtp_send_stats st;

	for (int i = 0; i < 40; i++)
		send_one(i * 3000, ms(i * 33));
	/* 16 packets are kept: 65534 + 24 .. 65534 + 39. */
	for (int i = 0; i < 40; i++)
		rtp_send_nack(s, (uint16_t)(65534 + i), 50000, ms(2000));
	rtp_send_nack(s, 30000, 50000, ms(2000));	/* never sent */
	for (int i = 24; i < 40; i++) {
		ck_assert_int_eq(rtp_send_poll_resend(s, ms(2000), out,
						      sizeof(out), &sent), 1);
		ck_assert_uint_eq(sent.index, 65534 + (unsigned)i);
	}
	ck_assert_int_eq(rtp_send_poll_resend(s, ms(2000), out, sizeof(out),
					      &sent), 0);
	rtp_send_get_stats(s, &st);
	ck_assert_uint_eq(st.nacks, 41);
	ck_assert_uint_eq(st.nacks_missed, 25);
	ck_assert_uint_eq(st.resent, 16);
	ck_assert_uint_eq(st.packets, 40);
	ck_assert_uint_eq(st.bytes, 4000);
}
END_TEST

START_TEST(history_is_bounded_in_bytes_too)
{
	struct rtp_send_cfg cfg = config();
	uint8_t big[1100];
	struct rtp_send_media m = { .payload = big, .len = sizeof(big),
				    .level = RTP_NO_LEVEL };
	uint8_t copy[8][1500];
	unsigned kept = 0;

	teardown();
	cfg.history_bytes = 4000;	/* three of them */
	ck_assert_int_eq(rtp_send_new(&s, &cfg), 0);
	for (int i = 0; i < 8; i++) {
		memset(big, 'a' + i, sizeof(big));
		m.media_time = i;
		ck_assert_int_eq(rtp_send_packet(s, &m, ms(i), copy[i], 1500,
						 &sent), 0);
	}
	for (int i = 0; i < 8; i++)
		rtp_send_nack(s, (uint16_t)(65534 + i), 50000, ms(99));
	while (rtp_send_poll_resend(s, ms(99), out, sizeof(out), &sent) == 1) {
		ck_assert_mem_eq(out, copy[sent.index - 65534], sent.len);
		kept++;
	}
	ck_assert_uint_ge(kept, 2);
	ck_assert_uint_le(kept, 3);
}
END_TEST

START_TEST(a_flood_of_nacks_is_bounded)
{
	struct rtp_send_cfg cfg = config();

	teardown();
	cfg.history = 1024;
	cfg.history_bytes = 1 << 20;
	ck_assert_int_eq(rtp_send_new(&s, &cfg), 0);
	for (int i = 0; i < 1000; i++)
		send_one(i, ms(i));
	for (int i = 0; i < 1000; i++)
		rtp_send_nack(s, (uint16_t)(65534 + i), 50000, ms(2000));
	unsigned again = 0;
	while (rtp_send_poll_resend(s, ms(2000), out, sizeof(out), &sent) == 1)
		again++;
	ck_assert_uint_eq(again, SEND_RESEND_QUEUE);
}
END_TEST

START_TEST(sizes_are_kept)
{
	static uint8_t big[1500];
	size_t max = rtp_send_payload_max(s);
	struct rtp_send_media m = { .payload = big, .len = max + 1,
				    .level = RTP_NO_LEVEL };

	ck_assert_int_eq(rtp_send_packet(s, &m, ms(0), out, sizeof(out),
					 &sent), -EMSGSIZE);
	m.len = 0;
	ck_assert_int_eq(rtp_send_packet(s, &m, ms(0), out, sizeof(out),
					 &sent), -EMSGSIZE);
	m.len = 100;
	ck_assert_int_eq(rtp_send_packet(s, &m, ms(0), out, 100, &sent),
			 -EMSGSIZE);
	ck_assert_uint_eq(index_word, 65534);
	m.len = max;
	ck_assert_int_eq(rtp_send_packet(s, &m, ms(0), out, sizeof(out),
					 &sent), 0);
	ck_assert_uint_le(sent.len, SEND_PACKET_MAX);
	ck_assert_uint_ge(sent.len, SEND_PACKET_MAX - 8);
	ck_assert_int_eq(rtp_parse(&p, out, sent.len), 0);
	ck_assert_uint_eq(p.payload_len, max);
}
END_TEST

START_TEST(formats_change_in_a_call)
{
	struct rtp_ext_ids ids = { .level = 9 };
	struct rtp_ext_values v;
	uint8_t b[3] = { 1, 2, 3 };
	struct rtp_send_media m = { .payload = b, .len = 3, .level = 40 };

	rtp_send_set_format(s, 111, &ids);
	ck_assert_int_eq(rtp_send_packet(s, &m, ms(0), out, sizeof(out),
					 &sent), 0);
	ck_assert(!sent.has_twcc);
	ck_assert_uint_eq(twcc_word, 65535);
	ck_assert_int_eq(rtp_parse(&p, out, sent.len), 0);
	ck_assert_uint_eq(p.pt, 111);
	rtp_ext_read(&v, &p, &ids);
	ck_assert(v.voice && v.level == 40);
	m.level = 127;
	ck_assert_int_eq(rtp_send_packet(s, &m, ms(0), out, sizeof(out),
					 &sent), 0);
	ck_assert_int_eq(rtp_parse(&p, out, sent.len), 0);
	rtp_ext_read(&v, &p, &ids);
	ck_assert(!v.voice && v.level == 127);
}
END_TEST

START_TEST(a_sender_report_maps_capture_to_the_clock)
{
	struct rtp_send_media m = { .payload = (const uint8_t *)"x", .len = 1,
				    .level = RTP_NO_LEVEL,
				    .capture = ms(0) };
	struct rtcp_sr sr;

	ck_assert(!rtp_send_report(s, 1, ms(0), &sr));
	ck_assert_int_eq(rtp_send_packet(s, &m, ms(40), out, sizeof(out),
					 &sent), 0);
	ck_assert(rtp_send_report(s, 0x1122334455667788, ms(100), &sr));
	ck_assert_uint_eq(sr.ssrc, 0xabcd);
	ck_assert_uint_eq(sr.ntp, 0x1122334455667788);
	ck_assert_uint_eq(sr.ts, 5000 + 9000);
	ck_assert_uint_eq(sr.packets, 1);
	ck_assert_uint_eq(sr.bytes, 1);
	/* A capture time out of this world counts as now. */
	m.capture = mono_at(INT64_MIN);
	ck_assert_int_eq(rtp_send_packet(s, &m, ms(140), out, sizeof(out),
					 &sent), 0);
	ck_assert(rtp_send_report(s, 1, ms(240), &sr));
	ck_assert_uint_eq(sr.ts, 5000 + 9000);
}
END_TEST

START_TEST(a_receiver_report_gives_the_round_trip)
{
	struct rtcp_report rep = { .ssrc = 0xabcd, .fraction_lost = 64,
				   .lost = 5, .jitter = 9, .lsr = 0x10000,
				   .dlsr = 0x8000 };
	struct rtp_send_stats st;
	int64_t rtt;

	rtp_send_rr(s, &rep, 0x10000 + 0x8000 + 0x1000, &rtt);
	ck_assert_int_eq(rtt, 62500);
	rtp_send_get_stats(s, &st);
	ck_assert_uint_eq(st.fraction_lost, 64);
	ck_assert_int_eq(st.lost, 5);
	ck_assert_uint_eq(st.jitter, 9);
}
END_TEST

START_TEST(wrong_configurations_are_refused)
{
	struct rtp_send_cfg cfg = config();
	struct rtp_send *x = NULL;

	cfg.history = 15;
	ck_assert_int_eq(rtp_send_new(&x, &cfg), -EINVAL);
	cfg = config();
	cfg.history_bytes = 100;
	ck_assert_int_eq(rtp_send_new(&x, &cfg), -EINVAL);
	cfg = config();
	cfg.clock_hz = 0;
	ck_assert_int_eq(rtp_send_new(&x, &cfg), -EINVAL);
	cfg = config();
	cfg.next_index = NULL;
	ck_assert_int_eq(rtp_send_new(&x, &cfg), -EINVAL);
	cfg = config();
	cfg.next_twcc = NULL;
	ck_assert_int_eq(rtp_send_new(&x, &cfg), -EINVAL);
	ck_assert_ptr_null(x);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("send");
	TCase *c = tcase_create("send");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, numbers_run_through_their_wraps);
	tcase_add_test(c, the_index_wraps_at_48_bits);
	tcase_add_test(c, a_new_zero_continues_by_the_clock);
	tcase_add_test(c, pieces_of_a_picture_share_their_timestamp);
	tcase_add_test(c, a_wild_media_time_is_a_new_zero);
	tcase_add_test(c, a_missed_packet_is_sent_again_byte_by_byte);
	tcase_add_test(c, not_more_than_once_in_a_round_trip);
	tcase_add_test(c, a_wish_grows_old_and_a_key_picture_ends_all);
	tcase_add_test(c, history_is_bounded_and_says_so);
	tcase_add_test(c, history_is_bounded_in_bytes_too);
	tcase_add_test(c, a_flood_of_nacks_is_bounded);
	tcase_add_test(c, sizes_are_kept);
	tcase_add_test(c, formats_change_in_a_call);
	tcase_add_test(c, a_sender_report_maps_capture_to_the_clock);
	tcase_add_test(c, a_receiver_report_gives_the_round_trip);
	tcase_add_test(c, wrong_configurations_are_refused);
	suite_add_tcase(suite, c);

	return suite_run(suite);
}
