/* test_rtp.c - RTP headers, extensions, demultiplexing, wrapping numbers */

#include "core/rtp/header.h"
#include "core/rtp/seq.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

START_TEST(first_bytes_tell_the_protocols_apart)
{
	static const struct {
		uint8_t b[2];
		size_t len;
		enum packet_kind kind;
	} c[] = {
		{ { 0, 1 }, 2, PACKET_STUN },	{ { 3, 0 }, 1, PACKET_STUN },
		{ { 4, 0 }, 2, PACKET_OTHER },	{ { 19, 0 }, 2, PACKET_OTHER },
		{ { 20, 0 }, 1, PACKET_DTLS },	{ { 63, 0 }, 2, PACKET_DTLS },
		{ { 64, 0 }, 2, PACKET_OTHER }, { { 127, 0 }, 2, PACKET_OTHER },
		{ { 128, 0 }, 1, PACKET_OTHER }, { { 128, 0 }, 2, PACKET_RTP },
		{ { 191, 127 }, 2, PACKET_RTP },
		{ { 128, 191 }, 2, PACKET_RTP },
		{ { 128, 192 }, 2, PACKET_RTCP },
		{ { 129, 200 }, 2, PACKET_RTCP },
		{ { 143, 205 }, 2, PACKET_RTCP },
		{ { 128, 223 }, 2, PACKET_RTCP },
		{ { 128, 224 }, 2, PACKET_RTP },
		{ { 192, 200 }, 2, PACKET_OTHER }, { { 0 }, 0, PACKET_OTHER },
	};

	for (size_t i = 0; i < ARRAY_LEN(c); i++)
		ck_assert_msg(packet_kind(c[i].b, c[i].len) == c[i].kind,
			      "row %zu", i);
}
END_TEST

/* Marker, type 96, sequence 0x1234, two CSRCs, one-byte extension of two
 * words, four bytes of payload and three of padding. */
static const uint8_t full[] = {
	0xb2, 0xe0, 0x12, 0x34, 0x01, 0x02, 0x03, 0x04, 0xde, 0xad, 0xbe, 0xef,
	0, 0, 0, 1, 0, 0, 0, 2,
	0xbe, 0xde, 0x00, 0x02,
	0x10, 0x85, 0x00, 0x31, 0xab, 0xcd, 0x00, 0x00,
	'd', 'a', 't', 'a', 0, 0, 3,
};

START_TEST(every_part_of_a_full_packet_is_found)
{
	struct rtp_ext_ids ids = { .mid = 7, .twcc = 3, .level = 1 };
	struct rtp_ext_values v;
	struct rtp_packet p;

	ck_assert_int_eq(rtp_parse(&p, full, sizeof(full)), 0);
	ck_assert(p.marker);
	ck_assert_uint_eq(p.pt, 96);
	ck_assert_uint_eq(p.seq, 0x1234);
	ck_assert_uint_eq(p.ts, 0x01020304);
	ck_assert_uint_eq(p.ssrc, 0xdeadbeef);
	ck_assert_uint_eq(p.csrc_count, 2);
	ck_assert_uint_eq(p.csrc[7], 2);
	ck_assert_uint_eq(p.header_len, 32);
	ck_assert_uint_eq(p.payload_len, 4);
	ck_assert_mem_eq(p.payload, "data", 4);

	rtp_ext_read(&v, &p, &ids);
	ck_assert(v.has_twcc && v.voice && !v.mid);
	ck_assert_uint_eq(v.twcc, 0xabcd);
	ck_assert_uint_eq(v.level, 5);
}
END_TEST

START_TEST(a_packet_cut_anywhere_is_refused)
{
	struct rtp_packet p;

	/* Exact copies, so that a sanitizer sees every step too far. */
	for (size_t len = 0; len < sizeof(full); len++) {
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, full, len);
		/* What remains ends in an impossible padding count. */
		ck_assert_msg(rtp_parse(&p, copy, len) == -EBADMSG,
			      "%zu bytes", len);
		free(copy);
	}
}
END_TEST

START_TEST(lying_headers_are_refused)
{
	uint8_t b[16] = { 0x80, 96 };
	struct rtp_packet p;

	ck_assert_int_eq(rtp_parse(&p, b, 12), 0);
	ck_assert_uint_eq(p.payload_len, 0);
	b[0] = 0x40;		/* version 1 */
	ck_assert_int_eq(rtp_parse(&p, b, 16), -EBADMSG);
	b[0] = 0x82;		/* two CSRCs, room for one */
	ck_assert_int_eq(rtp_parse(&p, b, 16), -EBADMSG);
	b[0] = 0x90;		/* extension of one word, room for none */
	b[15] = 1;
	ck_assert_int_eq(rtp_parse(&p, b, 16), -EBADMSG);
	b[0] = 0xa0;		/* padding 0, then 5 of 4 bytes, then 4 */
	b[15] = 0;
	ck_assert_int_eq(rtp_parse(&p, b, 16), -EBADMSG);
	b[15] = 5;
	ck_assert_int_eq(rtp_parse(&p, b, 16), -EBADMSG);
	b[15] = 4;
	ck_assert_int_eq(rtp_parse(&p, b, 16), 0);
	ck_assert_uint_eq(p.payload_len, 0);
	ck_assert_int_eq(rtp_parse(&p, b, 12), -EBADMSG);
}
END_TEST

static size_t find(uint16_t profile, const char *ext, size_t len, uint8_t id)
{
	struct rtp_packet p = { .ext_profile = profile,
				.ext = (const uint8_t *)ext, .ext_len = len };
	size_t n = 0;

	return rtp_ext_find(&p, id, &n) ? n : 99;
}

START_TEST(extension_lists_end_where_they_break)
{
	/* One byte: id 15 ends the list; an overrun hides what follows. */
	ck_assert_uint_eq(find(0xbede, "\x10" "a" "\xf0" "\x20" "b", 5, 1), 1);
	ck_assert_uint_eq(find(0xbede, "\x10" "a" "\xf0" "\x20" "b", 5, 2), 99);
	ck_assert_uint_eq(find(0xbede, "\x13" "abc", 4, 1), 99);
	ck_assert_uint_eq(find(0xbede, "\x00\x00\x00\x10", 4, 1), 99);
	ck_assert_uint_eq(find(0xbede, "\x12" "abc", 4, 1), 3);
	/* Two byte: lengths from 0 to 255, four application bits. */
	ck_assert_uint_eq(find(0x1000, "\x01\x00\x15\x02" "xy", 6, 1), 0);
	ck_assert_uint_eq(find(0x100f, "\x01\x00\x15\x02" "xy", 6, 21), 2);
	ck_assert_uint_eq(find(0x1000, "\x15\x03" "xy", 4, 21), 99);
	ck_assert_uint_eq(find(0x1000, "\x15", 1, 21), 99);
	/* Another profile says nothing, and id 0 is never there. */
	ck_assert_uint_eq(find(0x1234, "\x10" "a", 2, 1), 99);
	ck_assert_uint_eq(find(0xbede, "\x10" "a", 2, 0), 99);
}
END_TEST

static void round_trip(const struct rtp_ext *exts, size_t n, uint16_t profile)
{
	struct rtp_packet head = { .marker = true, .pt = 111, .seq = 65535,
				   .ts = 0xfffffff0, .ssrc = 7 };
	uint8_t b[600];
	struct buf_out out = buf_out(b, sizeof(b));
	struct rtp_packet p;

	rtp_write(&out, &head, exts, n);
	ck_assert(!out.bad);
	buf_put(&out, "voice", 5);
	ck_assert_int_eq(rtp_parse(&p, b, buf_len(&out)), 0);
	ck_assert(p.marker && p.pt == 111 && p.seq == 65535);
	ck_assert_uint_eq(p.ts, 0xfffffff0);
	ck_assert_uint_eq(p.ssrc, 7);
	ck_assert_uint_eq(p.ext_profile, profile);
	ck_assert_uint_eq(p.payload_len, 5);
	for (size_t i = 0; i < n; i++) {
		size_t len = 0;
		const uint8_t *d = rtp_ext_find(&p, exts[i].id, &len);

		ck_assert_ptr_nonnull(d);
		ck_assert_uint_eq(len, exts[i].len);
		ck_assert_mem_eq(d, exts[i].data, len);
	}
}

START_TEST(written_headers_read_back)
{
	uint8_t data[255];
	struct rtp_ext exts[3] = {
		{ 1, 1, data }, { 14, 16, data + 1 }, { 5, 2, data + 9 },
	};

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	round_trip(NULL, 0, 0);
	round_trip(exts, 1, 0xbede);
	round_trip(exts, 3, 0xbede);
	exts[1].len = 17;
	round_trip(exts, 3, 0x1000);
	exts[1] = (struct rtp_ext){ 200, 255, data };
	round_trip(exts, 3, 0x1000);
	exts[1] = (struct rtp_ext){ 16, 1, data };
	round_trip(exts, 3, 0x1000);
}
END_TEST

START_TEST(what_cannot_be_written_is_bad)
{
	struct rtp_packet head = { .pt = 96 };
	struct rtp_ext e = { 15, 1, "x" };
	uint8_t b[20];
	struct buf_out out = buf_out(b, sizeof(b));

	rtp_write(&out, &head, &e, 1);
	ck_assert(out.bad);
	e.id = 0;
	out = buf_out(b, sizeof(b));
	rtp_write(&out, &head, &e, 1);
	ck_assert(out.bad);
	e.id = 1;
	out = buf_out(b, 19);
	rtp_write(&out, &head, &e, 1);
	ck_assert(out.bad);
	out = buf_out(b, 20);
	rtp_write(&out, &head, &e, 1);
	ck_assert(!out.bad);
}
END_TEST

START_TEST(numbers_go_on_over_their_wrap)
{
	ck_assert_int_eq(seq_extend(65535, 0), 65536);
	ck_assert_int_eq(seq_extend(65536, 65535), 65535);
	ck_assert_int_eq(seq_extend(5, 65530), -6);
	ck_assert_int_eq(seq_extend(-6, 3), 3);
	ck_assert_int_eq(seq_extend(0, 0x8000), 0x8000);
	ck_assert_int_eq(seq_extend(0, 0x8001), 0x8001 - 0x10000);
	ck_assert_int_eq(seq_extend(0x7ffff0000, 9), 0x7ffff0009);
	ck_assert_int_eq(ts_extend(0xffffffff, 5), 0x100000005);
	ck_assert_int_eq(ts_extend(0x100000005, 0xffffffff), 0xffffffff);
	ck_assert_int_eq(ts_extend(3, 0xfffffffe), -2);

	/* A million numbers, in steps up to half the circle. */
	int64_t true_seq = 12, true_ts = 99;
	unsigned wrong = 0;

	for (int i = 0; i < 1000000; i++) {
		int64_t next = true_seq + (int64_t)i * 7919 % 65536 - 32767;
		int64_t next_ts = true_ts + (int64_t)i * 104729 % 0x7fffffff;

		wrong += seq_extend(true_seq, (uint16_t)next) != next;
		wrong += ts_extend(true_ts, (uint32_t)next_ts) != next_ts;
		true_seq = next;
		true_ts = next_ts;
	}
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rtp");
	TCase *c = tcase_create("header");

	tcase_add_test(c, first_bytes_tell_the_protocols_apart);
	tcase_add_test(c, every_part_of_a_full_packet_is_found);
	tcase_add_test(c, a_packet_cut_anywhere_is_refused);
	tcase_add_test(c, lying_headers_are_refused);
	tcase_add_test(c, extension_lists_end_where_they_break);
	tcase_add_test(c, written_headers_read_back);
	tcase_add_test(c, what_cannot_be_written_is_bad);
	tcase_add_test(c, numbers_go_on_over_their_wrap);
	suite_add_tcase(s, c);

	return suite_run(s);
}
