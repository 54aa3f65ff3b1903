/* test_dring.c - the data ring: nothing lost, nothing believed, no deadlock */

#include "shm/doorbell.h"
#include "shm/dring.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DATA = 4096, LARGEST = DATA / 2 - 72 };

/* Offsets of docs/shm.md */
enum { AT_SIZE = 8, AT_HEAD = 128, AT_WANTED = 256, AT_DATA = 384 };

static unsigned char *mem, *mem2;
static struct dring_writer w;
static struct dring_reader r;
static struct dring_cursor cursor;
static struct record rec;
static unsigned char payload[LARGEST + 64];

static uint64_t *word(size_t at)
{
	return (uint64_t *)(void *)(mem + at);
}

static void setup(void)
{
	mem = aligned_alloc(128, dring_bytes(DATA));
	mem2 = aligned_alloc(128, dring_bytes(DATA));
	ck_assert(mem && mem2);
	memset(mem, 0, dring_bytes(DATA));
	memset(mem2, 0, dring_bytes(DATA));
	memset(&cursor, 0, sizeof(cursor));
	dring_init(&w, mem, DATA, &cursor, 3);
	ck_assert_int_eq(dring_open(&r, mem, DATA, &cursor), 0);
}

static void teardown(void)
{
	free(mem);
	free(mem2);
}

static uint32_t make(uint64_t n, unsigned char *out)
{
	uint32_t len = (uint32_t)(n * 37 % (LARGEST / 2 + 1));

	for (uint32_t i = 0; i < len; i++)
		out[i] = (unsigned char)(n * 31 + i * 7);

	return len;
}

static int put(struct dring_writer *to, uint64_t n)
{
	unsigned char bytes[LARGEST];
	struct record one = { .kind = RECORD_DATA, .seq_first = (int64_t)n };

	one.bytes = make(n, bytes);

	return dring_write(to, &one, bytes);
}

static int get(struct dring_reader *from)
{
	return dring_read(from, &rec, payload, sizeof(payload));
}

static void expect(struct dring_reader *from, uint64_t n)
{
	unsigned char want[LARGEST];

	ck_assert_int_eq(get(from), 1);
	ck_assert_int_eq(rec.seq_first, (int64_t)n);
	ck_assert_uint_eq(rec.bytes, make(n, want));
	ck_assert_int_eq(memcmp(want, payload, rec.bytes), 0);
}

START_TEST(records_come_out_whole_and_in_order)
{
	for (uint64_t n = 0; n < 10000; n++) {
		ck_assert_int_eq(put(&w, n), 0);
		expect(&r, n);
	}
	ck_assert_int_eq(get(&r), 0);
}
END_TEST

START_TEST(a_full_ring_refuses_and_loses_nothing)
{
	uint64_t wrote = 0, read = 0;

	for (int round = 0; round < 1000; round++) {
		while (put(&w, wrote) == 0)
			wrote++;
		ck_assert_int_eq(put(&w, wrote), -EAGAIN);
		ck_assert_uint_gt(wrote, read);
		for (int i = 0; i < 3 && read < wrote; i++)
			expect(&r, read++);
	}
	while (read < wrote)
		expect(&r, read++);
	ck_assert_int_eq(get(&r), 0);
	ck_assert_uint_gt(wrote, 1000);
}
END_TEST

START_TEST(the_waiting_writer_is_rung_when_its_record_fits)
{
	unsigned char bytes[LARGEST] = { 0 };
	struct record one = { .kind = RECORD_DATA, .bytes = 952 };
	struct record big = { .kind = RECORD_DATA, .bytes = 1976 };

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(dring_write(&w, &one, bytes), 0);
	ck_assert(!dring_writer_waits(&r));
	ck_assert_int_eq(dring_write(&w, &big, bytes), -EAGAIN);
	ck_assert(!dring_writer_waits(&r));
	ck_assert_int_eq(get(&r), 1);
	ck_assert(!dring_writer_waits(&r));
	ck_assert_int_eq(get(&r), 1);
	ck_assert(dring_writer_waits(&r));
	ck_assert_int_eq(dring_write(&w, &big, bytes), 0);
	ck_assert(!dring_writer_waits(&r));
}
END_TEST

START_TEST(sizes)
{
	unsigned char bytes[LARGEST + 8] = { 0 };
	struct record one = { .bytes = LARGEST + 1 };

	ck_assert_int_eq(dring_write(&w, &one, bytes), -EMSGSIZE);
	one.bytes = UINT32_MAX;
	ck_assert_int_eq(dring_write(&w, &one, bytes), -EMSGSIZE);
	one.bytes = LARGEST;
	ck_assert_int_eq(dring_write(&w, &one, bytes), 0);
	ck_assert_int_eq(dring_write(&w, &one, bytes), 0);
	ck_assert_int_eq(dring_read(&r, &rec, payload, 10), -EMSGSIZE);
	ck_assert_int_eq(get(&r), 1);
	ck_assert_int_eq(get(&r), 0);
	one.bytes = 0;
	ck_assert_int_eq(dring_write(&w, &one, NULL), 0);
	ck_assert_int_eq(dring_read(&r, &rec, NULL, 0), 1);
}
END_TEST

START_TEST(sleep_is_seen_and_a_late_record_forbids_it)
{
	ck_assert(!dring_must_ring(&cursor));
	ck_assert(dring_sleep(&r));
	ck_assert(dring_must_ring(&cursor));
	dring_wake(&r);
	ck_assert_int_eq(put(&w, 1), 0);
	ck_assert(!dring_sleep(&r));
	ck_assert(!dring_must_ring(&cursor));
}
END_TEST

START_TEST(a_cursor_that_runs_back_or_ahead_is_ebadmsg)
{
	ck_assert_int_eq(put(&w, 20), 0);
	ck_assert_int_eq(put(&w, 20), 0);
	ck_assert_int_eq(get(&r), 1);
	ck_assert_int_eq(put(&w, 20), 0);
	cursor.at = 0;
	ck_assert_int_eq(put(&w, 20), -EBADMSG);
	cursor.at = w.head + 8;
	ck_assert_int_eq(put(&w, 20), -EBADMSG);
	cursor.at = UINT64_MAX;
	ck_assert_int_eq(put(&w, 20), -EBADMSG);
	cursor.at = w.tail + 8;
	ck_assert_int_eq(put(&w, 20), -EBADMSG);
	cursor.at = w.head - 1;
	ck_assert_int_eq(put(&w, 20), -EBADMSG);
	cursor.at = r.at;
	ck_assert_int_eq(put(&w, 20), 0);
}
END_TEST

START_TEST(impossible_rings_are_ebadmsg)
{
	uint64_t keep;

	ck_assert_int_eq(put(&w, 10), 0);
	*word(AT_HEAD) = DATA + 8;
	ck_assert_int_eq(get(&r), -EBADMSG);
	*word(AT_HEAD) = 4;
	ck_assert_int_eq(get(&r), -EBADMSG);
	*word(AT_HEAD) = w.head - 8;
	ck_assert_int_eq(get(&r), -EBADMSG);
	*word(AT_HEAD) = w.head;
	for (size_t at = AT_DATA; at < AT_DATA + 16; at += 8) {
		keep = *word(at);
		for (int bit = 0; bit < 64; bit++) {
			*word(at) = keep ^ 1ull << bit;
			ck_assert_int_eq(get(&r), -EBADMSG);
		}
		*word(at) = keep;
	}
	*word(AT_DATA + 24) ^= 1;
	ck_assert_int_eq(get(&r), -EBADMSG);
	*word(AT_DATA + 24) ^= 1;
	ck_assert_int_eq(get(&r), 1);
	*word(AT_HEAD) = 0;
	ck_assert_int_eq(get(&r), -EBADMSG);
}
END_TEST

START_TEST(a_ring_of_another_size_is_not_opened)
{
	struct dring_reader late;

	ck_assert_int_eq(dring_open(&late, mem, 8192, &cursor), -EBADMSG);
	ck_assert_int_eq(dring_open(&late, mem, 5000, &cursor), -EBADMSG);
	*word(AT_SIZE) = 65536;
	ck_assert_int_eq(dring_open(&late, mem, DATA, &cursor), -EBADMSG);
}
END_TEST

START_TEST(what_a_dead_reader_left_is_carried_over)
{
	struct dring_cursor cursor2 = { 0 };
	struct dring_writer next;
	struct dring_reader r2;
	uint64_t wrote = 0, read = 0;

	/* Far enough that records run over the end. */
	for (; wrote < 61; wrote++, read++) {
		ck_assert_int_eq(put(&w, wrote), 0);
		expect(&r, read);
	}
	for (int round = 0; round < 40; round++) {
		while (put(&w, wrote) == 0)
			wrote++;
		expect(&r, read++);
		memset(mem2, 0, dring_bytes(DATA));
		memset(&cursor2, 0, sizeof(cursor2));
		dring_init(&next, mem2, DATA, &cursor2, 4);
		ck_assert_int_eq(dring_open(&r2, mem2, DATA, &cursor2), 0);
		ck_assert_int_eq(dring_carry_over(&next, &w),
				 (int)(wrote - read));
		for (uint64_t n = read; n < wrote; n++)
			expect(&r2, n);
		ck_assert_int_eq(get(&r2), 0);
	}
}
END_TEST

START_TEST(a_lying_dead_reader_carries_nothing_over)
{
	struct dring_cursor cursor2 = { 0 };
	struct dring_writer next;

	ck_assert_int_eq(put(&w, 20), 0);
	dring_init(&next, mem2, DATA, &cursor2, 4);
	cursor.at = 8;
	ck_assert_int_eq(dring_carry_over(&next, &w), -EBADMSG);
	cursor.at = w.head + 8;
	ck_assert_int_eq(dring_carry_over(&next, &w), -EBADMSG);
	cursor.at = w.head;
	ck_assert_int_eq(dring_carry_over(&next, &w), 0);
	ck_assert_uint_eq(next.head, 0);
}
END_TEST

/* Two threads that sleep by doorbells both ways: a lost wake-up hangs. */

enum { STRESS = 100000 };

static int to_reader[2], to_writer[2];

static void wait_for(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	ck_assert_int_eq(poll(&p, 1, 20000), 1);
	ck_assert_int_eq(doorbell_hear(fd), 0);
}

static void *write_many(void *arg)
{
	(void)arg;
	for (uint64_t n = 0; n < STRESS;) {
		int err = put(&w, n);

		if (err == -EAGAIN) {
			wait_for(to_writer[0]);
			continue;
		}
		if (err != 0)
			abort();
		if (dring_must_ring(&cursor))
			doorbell_ring(to_reader[1]);
		n++;
	}

	return NULL;
}

START_TEST(two_threads_lose_no_record_and_no_wake_up)
{
	pthread_t t;

	ck_assert_int_eq(doorbell_new(to_reader), 0);
	ck_assert_int_eq(doorbell_new(to_writer), 0);
	ck_assert_int_eq(pthread_create(&t, NULL, write_many, NULL), 0);
	for (uint64_t n = 0; n < STRESS; n++) {
		while (dring_sleep(&r)) {
			wait_for(to_reader[0]);
			dring_wake(&r);
		}
		expect(&r, n);
		if (dring_writer_waits(&r))
			doorbell_ring(to_writer[1]);
	}
	pthread_join(t, NULL);
	ck_assert_int_eq(get(&r), 0);
}
END_TEST

static bool flipping;

static void *flip(void *arg)
{
	uint64_t x = 88172645463325252ull;

	(void)arg;
	while (__atomic_load_n(&flipping, __ATOMIC_RELAXED)) {
		uint64_t *p;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p = word((x >> 8) % (dring_bytes(DATA) / 8) * 8);
		if (x & 1)
			p = word(AT_HEAD);
		__atomic_store_n(p, x & 2 ? x >> 20 : x >> 52 & ~7ull,
				 __ATOMIC_RELAXED);
	}

	return NULL;
}

START_TEST(a_hostile_writer_never_leads_a_reader_astray)
{
	uint64_t bad = 0;
	pthread_t t;

	flipping = true;
	ck_assert_int_eq(pthread_create(&t, NULL, flip, NULL), 0);
	for (int i = 0; i < 200000; i++) {
		unsigned char small[108];
		int err;

		memset(small, 0xa5, sizeof(small));
		err = dring_read(&r, &rec, small, 100);
		ck_assert_uint_eq(small[100], 0xa5);
		ck_assert(err == 1 || err == 0 || err == -EMSGSIZE ||
			  err == -EBADMSG);
		bad += err == -EBADMSG;
		if (i % 64 == 0) {
			r.at = 0;
			r.seq = 1;
		}
	}
	__atomic_store_n(&flipping, false, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	ck_assert_uint_gt(bad, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dring");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, records_come_out_whole_and_in_order);
	tcase_add_test(tc, a_full_ring_refuses_and_loses_nothing);
	tcase_add_test(tc, the_waiting_writer_is_rung_when_its_record_fits);
	tcase_add_test(tc, sizes);
	tcase_add_test(tc, sleep_is_seen_and_a_late_record_forbids_it);
	tcase_add_test(tc, a_cursor_that_runs_back_or_ahead_is_ebadmsg);
	tcase_add_test(tc, impossible_rings_are_ebadmsg);
	tcase_add_test(tc, a_ring_of_another_size_is_not_opened);
	tcase_add_test(tc, what_a_dead_reader_left_is_carried_over);
	tcase_add_test(tc, a_lying_dead_reader_carries_nothing_over);
	tcase_add_test(tc, two_threads_lose_no_record_and_no_wake_up);
	tcase_add_test(tc, a_hostile_writer_never_leads_a_reader_astray);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
