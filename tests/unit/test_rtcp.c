/* test_rtcp.c - RTCP compounds, read and written */

#include "core/rtcp/rtcp.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct rtcp_report two[2] = {
	{ 0x11111111, 128, -5, 0x00020003, 77, 0xaabbccdd, 65536 },
	{ 0x22222222, 255, 0x7fffff, 0xffffffff, 0xffffffff, 1, 2 },
};

static struct rtcp_packet only(const struct buf_out *out)
{
	struct buf_in in = buf_in(out->start, buf_len(out));
	struct rtcp_packet p;

	ck_assert(!out->bad);
	ck_assert_uint_eq(buf_len(out) % 4, 0);
	ck_assert_int_eq(rtcp_next(&in, &p), 1);
	struct rtcp_packet none;
	ck_assert_int_eq(rtcp_next(&in, &none), 0);

	return p;
}

START_TEST(a_sender_report_reads_back)
{
	struct rtcp_sr sr = { 0xcafe, 0x0102030405060708, 99, 1000, 123456 };
	struct rtcp_sr got;
	struct rtcp_report rep;
	uint8_t b[200];
	struct buf_out out = buf_out(b, sizeof(b));
	struct rtcp_packet p;

	rtcp_write_sr(&out, &sr, two, 2);
	p = only(&out);
	ck_assert_uint_eq(buf_len(&out), 28 + 48);
	ck_assert_int_eq(rtcp_read_sr(&p, &got), 0);
	ck_assert_uint_eq(got.ssrc, sr.ssrc);
	ck_assert_uint_eq(got.ntp, sr.ntp);
	ck_assert_uint_eq(got.ts, sr.ts);
	ck_assert_uint_eq(got.packets, sr.packets);
	ck_assert_uint_eq(got.bytes, sr.bytes);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert(rtcp_get_report(&p, i, &rep));
		ck_assert_uint_eq(rep.ssrc, two[i].ssrc);
		ck_assert_uint_eq(rep.fraction_lost, two[i].fraction_lost);
		ck_assert_int_eq(rep.lost, two[i].lost);
		ck_assert_uint_eq(rep.highest, two[i].highest);
		ck_assert_uint_eq(rep.jitter, two[i].jitter);
		ck_assert_uint_eq(rep.lsr, two[i].lsr);
		ck_assert_uint_eq(rep.dlsr, two[i].dlsr);
	}
	ck_assert(!rtcp_get_report(&p, 2, &rep));
}
END_TEST

START_TEST(a_compound_is_walked_to_its_end)
{
	static const uint8_t types[] = { RTCP_RR, RTCP_SDES, RTCP_APP, 250,
					 RTCP_RTPFB, RTCP_PSFB, RTCP_BYE };
	uint16_t seqs[] = { 7 };
	uint32_t ssrc, byes[] = { 5, 6 };
	const char *name;
	size_t len;
	uint8_t b[300];
	struct buf_out out = buf_out(b, sizeof(b));
	struct buf_in in;
	struct rtcp_packet p;

	rtcp_write_rr(&out, 1, two, 1);
	rtcp_write_sdes(&out, 1, "loop@example");
	buf_put(&out, "\x85\xcc\x00\x03" "\0\0\0\1" "name" "data", 16);
	buf_put(&out, "\x80\xfa\x00\x00", 4);	/* unknown type, empty */
	rtcp_write_nack(&out, 1, 2, seqs, 1);
	rtcp_write_pli(&out, 1, 2);
	rtcp_write_bye(&out, byes, 2);
	ck_assert(!out.bad);

	in = buf_in(b, buf_len(&out));
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		ck_assert_int_eq(rtcp_next(&in, &p), 1);
		ck_assert_uint_eq(p.type, types[i]);
		if (p.type == RTCP_RR) {
			ck_assert_int_eq(rtcp_read_rr(&p, &ssrc), 0);
			ck_assert_uint_eq(ssrc, 1);
		}
		if (p.type == RTCP_SDES) {
			ck_assert_int_eq(rtcp_read_cname(&p, &ssrc, &name,
							 &len), 0);
			ck_assert_uint_eq(len, 12);
			ck_assert_mem_eq(name, "loop@example", 12);
		}
	}
	ck_assert(rtcp_get_bye(&p, 0, &ssrc) && ssrc == 5);
	ck_assert(rtcp_get_bye(&p, 1, &ssrc) && ssrc == 6);
	ck_assert(!rtcp_get_bye(&p, 2, &ssrc));
	ck_assert_int_eq(rtcp_next(&in, &p), 0);
}
END_TEST

START_TEST(sdes_of_every_length_is_padded_and_read)
{
	char cname[RTCP_CNAME_MAX + 2];
	const char *name;
	uint32_t ssrc;
	size_t len;
	uint8_t b[300];

	for (size_t n = 0; n <= RTCP_CNAME_MAX; n++) {
		struct buf_out out = buf_out(b, sizeof(b));
		struct rtcp_packet p;

		memset(cname, 'c', n);
		cname[n] = '\0';
		rtcp_write_sdes(&out, 9, cname);
		p = only(&out);
		ck_assert_int_eq(rtcp_read_cname(&p, &ssrc, &name, &len), 0);
		ck_assert_uint_eq(len, n);
		ck_assert_uint_eq(ssrc, 9);
	}
	memset(cname, 'c', RTCP_CNAME_MAX + 1);
	cname[RTCP_CNAME_MAX + 1] = '\0';
	struct buf_out out = buf_out(b, sizeof(b));
	rtcp_write_sdes(&out, 9, cname);
	ck_assert(out.bad);
}
END_TEST

START_TEST(the_second_chunk_may_hold_the_name)
{
	static const uint8_t b[] = {
		0x82, 202, 0, 6,
		0, 0, 0, 1, 2, 3, 'n', 'o', 't', 0, 0, 0,
		0, 0, 0, 2, 1, 2, 'o', 'k', 0, 0, 0, 0,
	};
	struct buf_in in = buf_in(b, sizeof(b));
	struct rtcp_packet p;
	const char *name;
	uint32_t ssrc;
	size_t len;

	ck_assert_int_eq(rtcp_next(&in, &p), 1);
	ck_assert_int_eq(rtcp_read_cname(&p, &ssrc, &name, &len), 0);
	ck_assert_uint_eq(ssrc, 2);
	ck_assert_mem_eq(name, "ok", 2);
	p.count = 1;
	ck_assert_int_eq(rtcp_read_cname(&p, &ssrc, &name, &len), -ENOENT);
	p.len = 14;		/* cut in an item */
	p.count = 2;
	ck_assert_int_eq(rtcp_read_cname(&p, &ssrc, &name, &len), -EBADMSG);
}
END_TEST

START_TEST(a_nack_packs_and_unpacks_its_numbers)
{
	uint16_t seqs[] = { 65530, 65531, 65535, 0, 10, 11, 28, 500 };
	uint16_t got[64];
	uint32_t media;
	uint8_t b[100];
	struct buf_out out = buf_out(b, sizeof(b));
	struct rtcp_packet p;

	rtcp_write_nack(&out, 1, 2, seqs, ARRAY_LEN(seqs));
	p = only(&out);
	/* 65530 takes up to 10; 11 to 27; 28; 500: four entries. */
	ck_assert_uint_eq(buf_len(&out), 12 + 4 * 4);
	ck_assert_int_eq(rtcp_read_nack(&p, &media, got, 64), 8);
	ck_assert_uint_eq(media, 2);
	ck_assert_mem_eq(got, seqs, sizeof(seqs));
	ck_assert_int_eq(rtcp_read_nack(&p, &media, got, 3), 3);
	out = buf_out(b, sizeof(b));
	rtcp_write_nack(&out, 1, 2, seqs, 0);
	ck_assert(out.bad);
}
END_TEST

START_TEST(a_nack_as_rfc_4585_draws_it)
{
	static const uint8_t b[] = { 0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2,
				     0x12, 0x34, 0x80, 0x01 };
	struct buf_in in = buf_in(b, sizeof(b));
	struct rtcp_packet p;
	uint16_t got[20];
	uint32_t media;

	ck_assert_int_eq(rtcp_next(&in, &p), 1);
	ck_assert_int_eq(rtcp_read_nack(&p, &media, got, 20), 3);
	ck_assert_uint_eq(got[0], 0x1234);
	ck_assert_uint_eq(got[1], 0x1235);
	ck_assert_uint_eq(got[2], 0x1244);
}
END_TEST

START_TEST(key_frame_questions_read_back)
{
	uint8_t b[64], seq;
	uint32_t ssrc;
	struct buf_out out = buf_out(b, sizeof(b));
	struct rtcp_packet p;

	rtcp_write_pli(&out, 1, 0xdeadbeef);
	p = only(&out);
	ck_assert_int_eq(rtcp_read_pli(&p, &ssrc), 0);
	ck_assert_uint_eq(ssrc, 0xdeadbeef);
	ck_assert(!rtcp_get_fir(&p, 0, &ssrc, &seq));

	out = buf_out(b, sizeof(b));
	rtcp_write_fir(&out, 1, 0xdeadbeef, 200);
	p = only(&out);
	ck_assert_uint_eq(buf_len(&out), 20);
	ck_assert(rtcp_get_fir(&p, 0, &ssrc, &seq));
	ck_assert_uint_eq(ssrc, 0xdeadbeef);
	ck_assert_uint_eq(seq, 200);
	ck_assert(!rtcp_get_fir(&p, 1, &ssrc, &seq));
	ck_assert_int_eq(rtcp_read_pli(&p, &ssrc), -EBADMSG);
}
END_TEST

START_TEST(remb_reads_back_within_its_precision)
{
	static const uint64_t rates[] = { 0, 1, 262143, 262144, 1000000,
					  123456789, 1ull << 40 };
	uint32_t ssrcs[] = { 3, 4 };
	uint8_t b[64];

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		struct buf_out out = buf_out(b, sizeof(b));
		struct rtcp_packet p;
		uint64_t got;

		rtcp_write_remb(&out, 1, rates[i], ssrcs, 2);
		p = only(&out);
		ck_assert_int_eq(rtcp_read_remb(&p, &got), 0);
		ck_assert_uint_le(got, rates[i]);
		ck_assert_uint_le(rates[i] - got, rates[i] >> 17);
		p.len -= 4;	/* one SSRC is missing */
		ck_assert_int_eq(rtcp_read_remb(&p, &got), -EBADMSG);
	}
}
END_TEST

START_TEST(other_application_feedback_is_no_remb)
{
	uint8_t b[] = { 0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0,
			'L', 'N', 'T', 'F', 0, 0, 0, 0 };
	struct buf_in in = buf_in(b, sizeof(b));
	struct rtcp_packet p;
	uint64_t bps;

	ck_assert_int_eq(rtcp_next(&in, &p), 1);
	ck_assert_int_eq(rtcp_read_remb(&p, &bps), -ENOENT);
	p.len = 8;
	ck_assert_int_eq(rtcp_read_remb(&p, &bps), -ENOENT);
	p.len = 7;
	ck_assert_int_eq(rtcp_read_remb(&p, &bps), -EBADMSG);
	/* The largest exponent does not overflow. */
	memcpy(b + 12, "REMB\x00\xff\xff\xff", 8);
	p.len = 16;
	ck_assert_int_eq(rtcp_read_remb(&p, &bps), 0);
	ck_assert_uint_eq(bps, UINT64_MAX);
}
END_TEST

START_TEST(hostile_compounds_end_where_they_break)
{
	static const struct {
		const char *what;
		uint8_t b[12];
		size_t len;
		int first, second;
	} c[] = {
		{ "nothing", { 0 }, 0, 0, 0 },
		{ "three bytes", { 0x80, 200, 0 }, 3, -EBADMSG, -EBADMSG },
		{ "version 1", { 0x40, 200, 0, 0 }, 4, -EBADMSG, -EBADMSG },
		{ "length too long", { 0x80, 201, 0, 2, 0, 0, 0, 0 }, 8,
		  -EBADMSG, -EBADMSG },
		{ "length 65535", { 0x80, 201, 255, 255, 0, 0, 0, 0 }, 8,
		  -EBADMSG, -EBADMSG },
		{ "padding of nothing", { 0xa0, 201, 0, 0 }, 4, -EBADMSG,
		  -EBADMSG },
		{ "padding 0", { 0xa0, 201, 0, 1, 0, 0, 0, 0 }, 8, -EBADMSG,
		  -EBADMSG },
		{ "padding too long", { 0xa0, 201, 0, 1, 0, 0, 0, 5 }, 8,
		  -EBADMSG, -EBADMSG },
		{ "good, then torn", { 0x80, 203, 0, 0, 0x80 }, 5, 1,
		  -EBADMSG },
		{ "padded, then nothing", { 0xa0, 203, 0, 1, 0, 0, 0, 4 }, 8,
		  1, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		uint8_t *copy = malloc(c[i].len ? c[i].len : 1);
		struct buf_in in = buf_in(copy, c[i].len);
		struct rtcp_packet p;

		memcpy(copy, c[i].b, c[i].len);
		ck_assert_msg(rtcp_next(&in, &p) == c[i].first, "%s",
			      c[i].what);
		ck_assert_msg(rtcp_next(&in, &p) == c[i].second, "%s",
			      c[i].what);
		free(copy);
	}
}
END_TEST

START_TEST(counts_that_lie_are_refused)
{
	uint8_t b[] = { 0x82, 201, 0, 1, 0, 0, 0, 1 };
	struct buf_in in = buf_in(b, sizeof(b));
	struct rtcp_packet p;
	struct rtcp_report rep;
	struct rtcp_sr sr;
	uint32_t ssrc;
	uint16_t seqs[4];

	ck_assert_int_eq(rtcp_next(&in, &p), 1);
	ck_assert_int_eq(rtcp_read_rr(&p, &ssrc), -EBADMSG);
	ck_assert(!rtcp_get_report(&p, 0, &rep));
	ck_assert(!rtcp_get_report(&p, 0xffffffff, &rep));
	ck_assert_int_eq(rtcp_read_sr(&p, &sr), -EBADMSG);
	ck_assert_int_eq(rtcp_read_nack(&p, &ssrc, seqs, 4), -EBADMSG);
	p.type = RTCP_SR;
	ck_assert_int_eq(rtcp_read_sr(&p, &sr), -EBADMSG);
	p.type = RTCP_BYE;
	ck_assert(rtcp_get_bye(&p, 0, &ssrc));
	ck_assert(!rtcp_get_bye(&p, 1, &ssrc));
}
END_TEST

START_TEST(a_small_buffer_is_told)
{
	struct rtcp_sr sr = { .ssrc = 1 };
	struct rtcp_report many[RTCP_REPORTS_MAX + 1] = { { .ssrc = 1 } };
	uint8_t b[1500];

	for (size_t room = 0; room < 52; room++) {
		uint8_t *small = malloc(room ? room : 1);
		struct buf_out out = buf_out(small, room);

		rtcp_write_sr(&out, &sr, two, 1);
		ck_assert(out.bad);
		free(small);
	}
	struct buf_out out = buf_out(b, sizeof(b));
	rtcp_write_rr(&out, 1, many, RTCP_REPORTS_MAX + 1);
	ck_assert(out.bad);
}
END_TEST

START_TEST(round_trips_are_computed_over_the_wrap)
{
	static const struct {
		uint32_t now, lsr, dlsr;
		int64_t rtt;
	} c[] = {
		/* RFC 3550 6.4.1, figure 2: 6.125 s (its text), NTP middle */
		{ 0xb7108000, 0xb7052000, 0x00054000, 6125000 },
		{ 0x00000100, 0xffffff00, 0x00000100, 256 * 1000000 / 65536 },
		{ 5, 0, 0, -1 },
		{ 100, 100, 1, 0 },		/* clocks apart */
		{ 0x40000000, 1, 0, -1 },	/* a lie */
	};

	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		struct rtcp_report r = { .lsr = c[i].lsr, .dlsr = c[i].dlsr };

		ck_assert_int_eq(rtcp_rtt_us(&r, c[i].now), c[i].rtt);
	}
	ck_assert_uint_eq(rtcp_ntp(0), 2208988800ull << 32);
	ck_assert_uint_eq(rtcp_ntp(1500000), (2208988801ull << 32) +
			  0x80000000);
	ck_assert_uint_eq(rtcp_ntp_mid(0x1122334455667788), 0x33445566);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rtcp");
	TCase *c = tcase_create("rtcp");

	tcase_add_test(c, a_sender_report_reads_back);
	tcase_add_test(c, a_compound_is_walked_to_its_end);
	tcase_add_test(c, sdes_of_every_length_is_padded_and_read);
	tcase_add_test(c, the_second_chunk_may_hold_the_name);
	tcase_add_test(c, a_nack_packs_and_unpacks_its_numbers);
	tcase_add_test(c, a_nack_as_rfc_4585_draws_it);
	tcase_add_test(c, key_frame_questions_read_back);
	tcase_add_test(c, remb_reads_back_within_its_precision);
	tcase_add_test(c, other_application_feedback_is_no_remb);
	tcase_add_test(c, hostile_compounds_end_where_they_break);
	tcase_add_test(c, counts_that_lie_are_refused);
	tcase_add_test(c, a_small_buffer_is_told);
	tcase_add_test(c, round_trips_are_computed_over_the_wrap);
	suite_add_tcase(s, c);

	return suite_run(s);
}
