/* test_ering.c - the encoded ring: order, lapping, liars, and two threads */

#include "shm/ering.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { DATA = 4096, LARGEST = DATA / 4 - 72 };

/* Offsets of docs/shm.md */
enum { AT_SIZE = 8, AT_HEAD = 128, AT_TAIL = 136, AT_NEWEST = 144,
       AT_DATA = 256 };

static unsigned char *mem;
static struct ering_writer w;
static struct ering_reader r;
static struct ering_cursor cursor;
static struct record rec;
static unsigned char payload[LARGEST + 64];
static uint64_t lost;

static uint64_t *word(size_t at)
{
	return (uint64_t *)(void *)(mem + at);
}

static void setup(void)
{
	mem = aligned_alloc(128, ering_bytes(DATA));
	ck_assert_ptr_nonnull(mem);
	memset(mem, 0, ering_bytes(DATA));
	memset(&cursor, 0, sizeof(cursor));
	ering_init(&w, mem, DATA, 3);
	ck_assert_int_eq(ering_open(&r, mem, DATA, &cursor, true), 0);
}

static void teardown(void)
{
	free(mem);
}

/* The payload of record n: its length and bytes follow from n. */
static uint32_t make(uint64_t n, unsigned char *out, uint32_t most)
{
	uint32_t len = (uint32_t)(n * 37 % (most + 1));

	for (uint32_t i = 0; i < len; i++)
		out[i] = (unsigned char)(n * 31 + i * 7);

	return len;
}

static int put(uint64_t n)
{
	unsigned char bytes[LARGEST];
	struct record one = { .kind = RECORD_AUDIO, .seq_first = (int64_t)n };

	one.bytes = make(n, bytes, LARGEST);
	one.value = one.bytes ^ 0x55aa;

	return ering_write(&w, &one, bytes);
}

static bool is_whole(const struct record *one, const unsigned char *bytes)
{
	unsigned char want[LARGEST];
	uint32_t len = make((uint64_t)one->seq_first, want, LARGEST);

	return one->bytes == len && one->value == (len ^ 0x55aa) &&
	       one->kind == RECORD_AUDIO && memcmp(want, bytes, len) == 0;
}

static int get(struct ering_reader *from)
{
	return ering_read(from, &rec, payload, sizeof(payload), &lost);
}

START_TEST(records_come_out_whole_and_in_order)
{
	for (uint64_t n = 0; n < 10000; n++) {
		ck_assert_int_eq(put(n), 0);
		ck_assert_int_eq(get(&r), 1);
		ck_assert_int_eq(rec.seq_first, (int64_t)n);
		ck_assert(is_whole(&rec, payload));
		ck_assert_uint_eq(lost, 0);
		ck_assert_uint_eq(cursor.at, w.at);
	}
	ck_assert_int_eq(get(&r), 0);
}
END_TEST

START_TEST(an_empty_ring_has_nothing)
{
	struct ering_cursor other = { 0 };
	struct ering_reader late;

	ck_assert_int_eq(get(&r), 0);
	ck_assert_int_eq(ering_open(&late, mem, DATA, &other, false), 0);
	ck_assert_int_eq(get(&late), 0);
	ck_assert_int_eq(put(1), 0);
	ck_assert_int_eq(get(&late), 1);
}
END_TEST

START_TEST(too_large_is_refused_and_largest_fits)
{
	unsigned char bytes[LARGEST + 8] = { 0 };
	struct record one = { .bytes = LARGEST + 1 };

	ck_assert_int_eq(ering_write(&w, &one, bytes), -EMSGSIZE);
	one.bytes = UINT32_MAX;
	ck_assert_int_eq(ering_write(&w, &one, bytes), -EMSGSIZE);
	ck_assert_int_eq(get(&r), 0);
	one.bytes = LARGEST;
	ck_assert_int_eq(ering_write(&w, &one, bytes), 0);
	ck_assert_int_eq(get(&r), 1);
	ck_assert_uint_eq(rec.bytes, LARGEST);
}
END_TEST

START_TEST(no_payload_needs_no_buffer)
{
	struct record one = { .kind = RECORD_KEYFRAME };

	ck_assert_int_eq(ering_write(&w, &one, NULL), 0);
	ck_assert_int_eq(ering_read(&r, &rec, NULL, 0, &lost), 1);
	ck_assert_uint_eq(rec.kind, RECORD_KEYFRAME);
}
END_TEST

START_TEST(a_small_buffer_skips_the_record)
{
	ck_assert_int_eq(put(20), 0);
	ck_assert_int_eq(put(21), 0);
	ck_assert_int_eq(ering_read(&r, &rec, payload, 8, &lost), -EMSGSIZE);
	ck_assert_int_eq(get(&r), 1);
	ck_assert_int_eq(rec.seq_first, 21);
}
END_TEST

START_TEST(a_lapped_reader_is_told_how_many_it_lost)
{
	uint64_t n;

	ck_assert_int_eq(put(0), 0);
	ck_assert_int_eq(get(&r), 1);
	for (n = 1; n < 100; n++)
		ck_assert_int_eq(put(n), 0);
	ck_assert_int_eq(get(&r), -EOVERFLOW);
	ck_assert_uint_eq(lost, 98);
	ck_assert_uint_eq(cursor.lapped, 98);
	ck_assert_int_eq(get(&r), 1);
	ck_assert_int_eq(rec.seq_first, 99);
	ck_assert(is_whole(&rec, payload));
	ck_assert_int_eq(get(&r), 0);
}
END_TEST

START_TEST(readers_are_independent)
{
	struct ering_cursor other = { 0 };
	struct ering_reader late;

	ck_assert_int_eq(put(1), 0);
	ck_assert_int_eq(put(2), 0);
	ck_assert_int_eq(ering_open(&late, mem, DATA, &other, false), 0);
	ck_assert_int_eq(put(3), 0);
	ck_assert_int_eq(get(&late), 1);
	ck_assert_int_eq(rec.seq_first, 3);
	for (int64_t n = 1; n <= 3; n++) {
		ck_assert_int_eq(get(&r), 1);
		ck_assert_int_eq(rec.seq_first, n);
	}
	for (uint64_t n = 4; n < 50; n++)
		ck_assert_int_eq(put(n), 0);
	ck_assert_int_eq(get(&late), -EOVERFLOW);
	ck_assert_uint_eq(lost, 45);
}
END_TEST

START_TEST(a_late_reader_starts_at_the_oldest)
{
	struct ering_cursor other = { 0 };
	struct ering_reader late;
	int64_t first;

	for (uint64_t n = 0; n < 57; n++)
		ck_assert_int_eq(put(n), 0);
	ck_assert_int_eq(ering_open(&late, mem, DATA, &other, true), 0);
	ck_assert_int_eq(get(&late), 1);
	first = rec.seq_first;
	ck_assert_int_gt(first, 40);
	for (int64_t n = first + 1; n < 57; n++) {
		ck_assert_int_eq(get(&late), 1);
		ck_assert_int_eq(rec.seq_first, n);
		ck_assert(is_whole(&rec, payload));
	}
	ck_assert_int_eq(get(&late), 0);
}
END_TEST

START_TEST(sleep_is_seen_and_a_late_record_forbids_it)
{
	ck_assert(!ering_must_ring(&cursor));
	ck_assert(ering_sleep(&r));
	ck_assert(ering_must_ring(&cursor));
	ck_assert_int_eq(put(1), 0);
	ck_assert(ering_must_ring(&cursor));
	ering_wake(&r);
	ck_assert(!ering_must_ring(&cursor));
	ck_assert(!ering_sleep(&r));
	ck_assert(!ering_must_ring(&cursor));
	ck_assert_int_eq(get(&r), 1);
	ck_assert(ering_sleep(&r));
}
END_TEST

START_TEST(impossible_indices_are_ebadmsg)
{
	ck_assert_int_eq(put(10), 0);
	*word(AT_HEAD) += 4;
	ck_assert_int_eq(get(&r), -EBADMSG);
	*word(AT_HEAD) = DATA * 3;
	ck_assert_int_eq(get(&r), -EBADMSG);
	*word(AT_HEAD) = w.at;
	ck_assert_int_eq(get(&r), 1);
	*word(AT_HEAD) = 0;
	ck_assert_int_eq(get(&r), -EBADMSG);
	*word(AT_HEAD) = w.at;
	*word(AT_TAIL) = 4;
	ck_assert_int_eq(get(&r), -EBADMSG);
	*word(AT_TAIL) = 0;
	ck_assert_int_eq(get(&r), 0);
}
END_TEST

START_TEST(lying_records_are_ebadmsg)
{
	uint64_t keep;

	ck_assert_int_eq(put(10), 0);
	for (size_t at = AT_DATA; at < AT_DATA + 16; at += 8) {
		keep = *word(at);
		for (int bit = 0; bit < 64; bit++) {
			*word(at) = keep ^ 1ull << bit;
			ck_assert_int_eq(get(&r), -EBADMSG);
		}
		*word(at) = keep;
	}
	/* rec.bytes against the length of the item */
	*word(AT_DATA + 24) ^= 1;
	ck_assert_int_eq(get(&r), -EBADMSG);
	*word(AT_DATA + 24) ^= 1;
	ck_assert_int_eq(get(&r), 1);
}
END_TEST

START_TEST(a_tail_in_the_future_gives_no_record_and_no_loop)
{
	for (uint64_t n = 0; n < 30; n++)
		ck_assert_int_eq(put(n), 0);
	*word(AT_TAIL) = w.at + 8;
	for (int i = 0; i < 100; i++) {
		int err = get(&r);

		ck_assert(err == -EOVERFLOW || err == -EBADMSG);
	}
	*word(AT_TAIL) = w.tail;
	*word(AT_NEWEST) = w.at;
	ck_assert_int_eq(get(&r), -EBADMSG);
	*word(AT_NEWEST) = w.at + 800;
	ck_assert_int_eq(get(&r), -EBADMSG);
	*word(AT_NEWEST) = 3;
	ck_assert_int_eq(get(&r), -EBADMSG);
}
END_TEST

START_TEST(a_ring_of_another_size_is_not_opened)
{
	struct ering_cursor other = { 0 };
	struct ering_reader late;

	ck_assert_int_eq(ering_open(&late, mem, 8192, &other, true), -EBADMSG);
	ck_assert_int_eq(ering_open(&late, mem, 5000, &other, true), -EBADMSG);
	ck_assert_int_eq(ering_open(&late, mem, 0, &other, true), -EBADMSG);
	*word(AT_SIZE) = 65536;
	ck_assert_int_eq(ering_open(&late, mem, DATA, &other, true), -EBADMSG);
	memset(mem, 0, ering_bytes(DATA));
	ck_assert_int_eq(ering_open(&late, mem, DATA, &other, true), -EBADMSG);
}
END_TEST

/* Two threads: a writer that never waits, a reader that checks each byte. */

enum { STRESS = 300000 };

static void *write_many(void *arg)
{
	(void)arg;
	for (uint64_t n = 0; n < STRESS; n++)
		if (put(n) != 0)
			abort();

	return NULL;
}

START_TEST(no_torn_record_between_two_threads)
{
	uint64_t seen = 0, missed = 0;
	pthread_t t;
	int err;

	ck_assert_int_eq(pthread_create(&t, NULL, write_many, NULL), 0);
	while (seen + missed < STRESS) {
		err = get(&r);
		missed += lost;
		if (err == 1) {
			ck_assert(is_whole(&rec, payload));
			ck_assert_uint_eq((uint64_t)rec.seq_first,
					  seen + missed);
			seen++;
		} else {
			ck_assert(err == 0 || err == -EOVERFLOW);
		}
	}
	pthread_join(t, NULL);
	ck_assert_uint_gt(seen, 0);
	ck_assert_uint_eq(seen + missed, STRESS);
	ck_assert_uint_eq(cursor.lapped, missed);
}
END_TEST

/* A thread that flips words of the ring while it is read. */

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
		p = word((x >> 8) % (ering_bytes(DATA) / 8) * 8);
		if (x & 1)
			p = word(AT_HEAD + (x >> 8) % 3 * 8);
		__atomic_store_n(p, x & 2 ? x >> 20 : x >> 50 & ~7ull,
				 __ATOMIC_RELAXED);
	}

	return NULL;
}

START_TEST(a_hostile_writer_never_leads_a_reader_astray)
{
	uint64_t counts[3] = { 0 };
	pthread_t t;

	flipping = true;
	ck_assert_int_eq(pthread_create(&t, NULL, flip, NULL), 0);
	for (int i = 0; i < 200000; i++) {
		unsigned char small[100 + 8];
		int err;

		memset(small, 0xa5, sizeof(small));
		err = ering_read(&r, &rec, small, 100, &lost);
		ck_assert_uint_eq(small[100], 0xa5);
		ck_assert(err == 1 || err == 0 || err == -EOVERFLOW ||
			  err == -EMSGSIZE || err == -EBADMSG);
		counts[err == -EBADMSG ? 0 : err == 1 ? 1 : 2]++;
		if (err == 1)
			ck_assert_uint_le(rec.bytes, 100);
		if (i % 64 == 0)
			r.at = r.seq = 0;
	}
	__atomic_store_n(&flipping, false, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	ck_assert_uint_gt(counts[0], 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ering");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, records_come_out_whole_and_in_order);
	tcase_add_test(tc, an_empty_ring_has_nothing);
	tcase_add_test(tc, too_large_is_refused_and_largest_fits);
	tcase_add_test(tc, no_payload_needs_no_buffer);
	tcase_add_test(tc, a_small_buffer_skips_the_record);
	tcase_add_test(tc, a_lapped_reader_is_told_how_many_it_lost);
	tcase_add_test(tc, readers_are_independent);
	tcase_add_test(tc, a_late_reader_starts_at_the_oldest);
	tcase_add_test(tc, sleep_is_seen_and_a_late_record_forbids_it);
	tcase_add_test(tc, impossible_indices_are_ebadmsg);
	tcase_add_test(tc, lying_records_are_ebadmsg);
	tcase_add_test(tc, a_tail_in_the_future_gives_no_record_and_no_loop);
	tcase_add_test(tc, a_ring_of_another_size_is_not_opened);
	tcase_add_test(tc, no_torn_record_between_two_threads);
	tcase_add_test(tc, a_hostile_writer_never_leads_a_reader_astray);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
