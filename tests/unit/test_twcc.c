/* test_twcc.c - transport-wide feedback: format and arrivals */

#include "core/cc/arrival.h"
#include "core/rtcp/twcc.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int read_bytes(struct twcc_reader *r, const uint8_t *b, size_t len)
{
	struct buf_in in = buf_in(b, len);
	struct rtcp_packet p;

	if (rtcp_next(&in, &p) != 1)
		return -EBADMSG;

	return twcc_read(r, &p);
}

/* Base 5, 9 packets, reference 1: a run of two small ones, then a vector of
 * two-bit symbols: lost, large (-250 us), small, lost, large, small, lost. */
static const uint8_t drawn[] = {
	0x8f, 205, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 5, 0, 9, 0, 0, 1, 7,
	0x20, 0x02, 0xc9, 0x24,	/* 11 00 10 01 00 10 01 00 */
	4, 8, 0xff, 0xff, 2, 0x01, 0x00, 1,
	0, 0, 0, 0,
};

START_TEST(chunks_and_deltas_read_as_drawn)
{
	static const struct { bool received; int64_t us; } want[] = {
		{ true, 64000 + 1000 }, { true, 64000 + 3000 }, { false, 0 },
		{ true, 64000 + 2750 }, { true, 64000 + 3250 }, { false, 0 },
		{ true, 64000 + 3250 + 64000 },
		{ true, 64000 + 3250 + 64250 }, { false, 0 },
	};
	struct twcc_reader r;
	struct twcc_status st;

	ck_assert_int_eq(read_bytes(&r, drawn, sizeof(drawn)), 0);
	ck_assert_uint_eq(r.sender, 1);
	ck_assert_uint_eq(r.media, 2);
	ck_assert_uint_eq(r.fb_count, 7);
	for (uint16_t i = 0; i < 9; i++) {
		ck_assert(twcc_next(&r, &st));
		ck_assert_uint_eq(st.seq, 5 + i);
		ck_assert_msg(st.received == want[i].received, "packet %u", i);
		if (st.received)
			ck_assert_int_eq(st.arrival_us, want[i].us);
	}
	ck_assert(!twcc_next(&r, &st));
}
END_TEST

START_TEST(a_negative_reference_time_is_signed)
{
	static const uint8_t b[] = {
		0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0, 1,
		0xff, 0xff, 0xff, 0, 0x20, 0x01, 4, 0,
	};
	struct twcc_reader r;
	struct twcc_status st;

	ck_assert_int_eq(read_bytes(&r, b, sizeof(b)), 0);
	ck_assert(twcc_next(&r, &st));
	ck_assert_uint_eq(st.seq, 65535);
	ck_assert_int_eq(st.arrival_us, -64000 + 1000);
}
END_TEST

START_TEST(hostile_feedback_is_refused)
{
	static const struct {
		const char *what;
		uint8_t b[28];
		size_t len;
	} c[] = {
		{ "no chunk", { 0x8f, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2,
				0, 0, 0, 1, 0, 0, 0, 0 }, 20 },
		{ "head cut", { 0x8f, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2,
				0, 0, 0, 1 }, 16 },
		{ "no packet", { 0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2,
				 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 1, 0, 0 }, 24 },
		{ "deltas cut", { 0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2,
				  0, 0, 0, 3, 0, 0, 0, 0, 0x20, 3, 0, 0 }, 24 },
		{ "reserved symbol", { 0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2,
				       0, 0, 0, 1, 0, 0, 0, 0, 0x60, 1, 0, 0 },
		  24 },
		{ "reserved in a vector", { 0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0,
					    0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0xf0,
					    0, 0, 0 }, 24 },
		{ "run of nothing", { 0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2,
				      0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 },
		  24 },
		{ "65535 packets", { 0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2,
				     0, 0, 255, 255, 0, 0, 0, 0, 0x1f, 0xff,
				     0x1f, 0xff }, 24 },
		{ "wrong FMT", { 0x81, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2,
				 0, 0, 0, 1, 0, 0, 0, 0, 0x20, 1, 0, 0 }, 24 },
	};
	struct twcc_reader r;

	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		uint8_t *copy = malloc(c[i].len);

		memcpy(copy, c[i].b, c[i].len);
		ck_assert_msg(read_bytes(&r, copy, c[i].len) == -EBADMSG,
			      "%s", c[i].what);
		free(copy);
	}
}
END_TEST

static uint32_t state;

static uint32_t rnd(uint32_t below)
{
	state = state * 1664525 + 1013904223;

	return (uint32_t)((uint64_t)state * below >> 32);
}

static int64_t gap(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

/* Writes arrivals and reads them back: all statuses equal, times within half
 * a tick. */
static void round_trip(const struct twcc_arrived *a, size_t count,
		       size_t max_bytes)
{
	size_t done = 0;

	while (done < count) {
		uint8_t b[1500];
		struct buf_out out = buf_out(b, sizeof(b));
		struct twcc_reader r;
		struct twcc_status st;
		size_t n = twcc_write(&out, 1, 2, 3, (uint16_t)(65500 + done),
				      a + done, count - done, max_bytes);

		ck_assert_uint_gt(n, 0);
		ck_assert_uint_le(buf_len(&out), max_bytes);
		ck_assert_uint_eq(buf_len(&out) % 4, 0);
		ck_assert_int_eq(read_bytes(&r, b, buf_len(&out)), 0);
		ck_assert_uint_eq(r.count, n);
		for (size_t i = 0; i < n; i++) {
			bool same;

			ck_assert(twcc_next(&r, &st));
			same = st.seq == (uint16_t)(65500 + done + i) &&
			       st.received == a[done + i].received &&
			       (!st.received ||
				gap(st.arrival_us, a[done + i].arrival_us) <=
					TWCC_TICK_US / 2);
			ck_assert_msg(same, "packet %zu", done + i);
		}
		done += n;
	}
}

START_TEST(anything_written_reads_back)
{
	static struct twcc_arrived a[600];

	for (state = 1; state < 400; state++) {
		uint32_t seed = state, lost = rnd(100), wild = rnd(30);
		size_t count = 1 + rnd(600);
		int64_t now = 1000000 + rnd(60000000);

		for (size_t i = 0; i < count; i++) {
			now += rnd(100) < wild ? rnd(7000000)
					       : rnd(20000);
			a[i].received = i == 0 || rnd(100) >= lost;
			a[i].arrival_us = now - rnd(3) * rnd(50000);
		}
		round_trip(a, count, 64 + rnd(1100));
		state = seed;
	}
}
END_TEST

START_TEST(long_runs_take_few_bytes)
{
	static struct twcc_arrived a[4096];
	uint8_t b[5000];
	struct buf_out out = buf_out(b, sizeof(b));

	for (size_t i = 0; i < 4096; i++)
		a[i] = (struct twcc_arrived){ i == 0 || i == 4095, 64000 };
	ck_assert_uint_eq(twcc_write(&out, 1, 2, 3, 0, a, 4096, 1100), 4096);
	ck_assert_uint_le(buf_len(&out), 32);
}
END_TEST

START_TEST(no_room_is_told)
{
	struct twcc_arrived a = { true, 5000 };
	uint8_t b[20];
	struct buf_out out = buf_out(b, sizeof(b));

	ck_assert_uint_eq(twcc_write(&out, 1, 2, 3, 0, &a, 1, 1000), 0);
	ck_assert(out.bad);
}
END_TEST

static struct arrival *arr;

static void arrival_setup(void)
{
	ck_assert_int_eq(arrival_new(&arr), 0);
}

static void arrival_teardown(void)
{
	arrival_free(arr);
}

static int64_t told[70000];	/* arrival by number; 0 not, -1 lost */

static int take_feedback(int64_t now)
{
	uint8_t b[1200];
	int messages = 0;

	for (;;) {
		struct buf_out out = buf_out(b, sizeof(b));
		struct twcc_reader r;
		struct twcc_status st;
		int got = arrival_poll(arr, mono_at(now), 1, 2, &out);

		if (got == 0)
			return messages;
		ck_assert_int_eq(got, 1);
		ck_assert_int_eq(read_bytes(&r, b, buf_len(&out)), 0);
		ck_assert_uint_eq(r.fb_count, (uint8_t)messages++);
		while (twcc_next(&r, &st))
			told[st.seq] = st.received ? st.arrival_us : -1;
	}
}

START_TEST(feedback_comes_by_its_time)
{
	ck_assert_int_eq(arrival_due(arr).us, MONO_NEVER.us);
	arrival_packet(arr, 65535, mono_at(1000000));
	ck_assert_int_eq(arrival_due(arr).us, 1000000 + ARRIVAL_EVERY_US);
	ck_assert_int_eq(take_feedback(1000000 + ARRIVAL_EVERY_US - 1), 0);
	arrival_packet(arr, 2, mono_at(1010000));
	arrival_packet(arr, 2, mono_at(1020000));	/* a duplicate */
	ck_assert_int_eq(take_feedback(1100000), 1);
	ck_assert_int_eq(told[65535], 1000000);
	ck_assert_int_eq(told[0], -1);
	ck_assert_int_eq(told[1], -1);
	ck_assert_int_eq(told[2], 1010000);
	ck_assert_int_eq(arrival_due(arr).us, MONO_NEVER.us);
	for (uint16_t i = 3; i < 3 + ARRIVAL_BUSY; i++)
		arrival_packet(arr, i, mono_at(1200000));
	ck_assert_int_eq(arrival_due(arr).us, 1200000 + ARRIVAL_SOON_US);
}
END_TEST

START_TEST(a_late_packet_corrects_what_was_told)
{
	uint8_t b[100];
	struct buf_out out = buf_out(b, sizeof(b));
	struct twcc_reader r;
	struct twcc_status st;

	arrival_packet(arr, 1, mono_at(1000000));
	arrival_packet(arr, 3, mono_at(1000000));
	ck_assert_int_eq(take_feedback(1100000), 1);
	ck_assert_int_eq(told[2], -1);
	arrival_packet(arr, 2, mono_at(1110000));
	ck_assert_int_eq(arrival_poll(arr, mono_at(1210000), 1, 2, &out), 1);
	ck_assert_int_eq(read_bytes(&r, b, buf_len(&out)), 0);
	ck_assert(twcc_next(&r, &st));
	ck_assert(st.seq == 2 && st.received && st.arrival_us == 1110000);
}
END_TEST

START_TEST(many_packets_take_several_messages)
{
	for (int i = 0; i < 2000; i++)
		arrival_packet(arr, (uint16_t)i,
			       mono_at(1000000 + i * 1000 + (i % 7) * 250));
	ck_assert_int_ge(take_feedback(3100000), 2);
	for (int i = 0; i < 2000; i++)
		ck_assert_int_eq(told[i], 1000000 + i * 1000 + (i % 7) * 250);
}
END_TEST

START_TEST(jumps_are_bounded)
{
	arrival_packet(arr, 10, mono_at(1000000));
	arrival_packet(arr, 30000, mono_at(1000000));
	arrival_packet(arr, 30002, mono_at(1000000));
	ck_assert_int_eq(take_feedback(1100000), 1);
	ck_assert_int_eq(told[10], 0);
	ck_assert_int_eq(told[30000], 1000000);
	ck_assert_int_eq(told[30001], -1);
	arrival_packet(arr, 29000, mono_at(1200000));	/* too late */
	ck_assert_int_eq(arrival_due(arr).us, MONO_NEVER.us);
}
END_TEST

START_TEST(a_full_compound_is_left_alone)
{
	uint8_t b[70];
	struct buf_out out = buf_out(b, sizeof(b));

	buf_reserve(&out, 60);
	arrival_packet(arr, 10, mono_at(1000000));
	ck_assert_int_eq(arrival_poll(arr, mono_at(2000000), 1, 2, &out),
			 -ENOSPC);
	ck_assert(!out.bad);
	ck_assert_uint_eq(buf_len(&out), 60);
	ck_assert_int_eq(take_feedback(2000000), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("twcc");
	TCase *c = tcase_create("format");
	TCase *a = tcase_create("arrival");

	tcase_set_timeout(c, 30);
	tcase_add_test(c, chunks_and_deltas_read_as_drawn);
	tcase_add_test(c, a_negative_reference_time_is_signed);
	tcase_add_test(c, hostile_feedback_is_refused);
	tcase_add_test(c, anything_written_reads_back);
	tcase_add_test(c, long_runs_take_few_bytes);
	tcase_add_test(c, no_room_is_told);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(a, arrival_setup, arrival_teardown);
	tcase_add_test(a, feedback_comes_by_its_time);
	tcase_add_test(a, a_late_packet_corrects_what_was_told);
	tcase_add_test(a, many_packets_take_several_messages);
	tcase_add_test(a, jumps_are_bounded);
	tcase_add_test(a, a_full_compound_is_left_alone);
	suite_add_tcase(s, a);

	return suite_run(s);
}
