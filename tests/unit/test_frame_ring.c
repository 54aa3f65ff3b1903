/* test_frame_ring.c - who owns a slot when, and what liars can do */

#include "shm/frame_ring.h"

#include "shm/words.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Offsets of docs/shm.md */
enum { AT_NEWEST = 128, AT_DROPPED = 136, AT_SLOT = 256, AT_DATA = 4096 };

static const struct frame_shape picture = {
	.format = RM_FRAMES_I420, .slots = 4, .width = 70, .height = 5,
};
static const struct frame_shape sound = {
	.format = RM_FRAMES_PCM16, .slots = 4, .rate = 48000, .channels = 2,
	.samples = 960,
};

static unsigned char *mem;
static size_t bytes;
static struct rm_frames_page page, other_page;
static struct frame_writer w;
static struct frame_reader in_line, observer;
static struct frame_meta meta;
static void *planes[FRAME_PLANES];
static const void *view[FRAME_PLANES];
static uint64_t lost;

static void begin(const struct frame_shape *shape)
{
	bytes = frame_ring_bytes(shape);
	free(mem);
	mem = aligned_alloc(4096, bytes);
	ck_assert_ptr_nonnull(mem);
	memset(mem, 0, bytes);
	memset(&page, 0, sizeof(page));
	memset(&other_page, 0, sizeof(other_page));
	ck_assert_int_eq(frame_ring_init(&w, mem, shape, &page), 0);
	ck_assert_int_eq(frame_ring_open(&in_line, mem, shape, &page), 0);
	ck_assert_int_eq(frame_ring_open(&observer, mem, shape, &other_page),
			 0);
}

static void setup(void)
{
	begin(&sound);
}

static void teardown(void)
{
	free(mem);
	mem = NULL;
}

static uint64_t *word(size_t at)
{
	return (uint64_t *)(void *)(mem + at);
}

static uint64_t mix(uint64_t n, uint64_t i)
{
	return (n * 0x9e3779b97f4a7c15ull) ^ (i * 0xff51afd7ed558ccdull);
}

/* Fills the loan with words that follow from n. */
static void fill(uint64_t n)
{
	for (uint64_t i = 0; i < 480; i++)
		word_store((uint64_t *)planes[0] + i, mix(n, i));
}

static bool is_whole(const void *data, uint64_t n)
{
	for (uint64_t i = 0; i < 480; i++)
		if (word_load((const uint64_t *)data + i) != mix(n, i))
			return false;

	return true;
}

static int loan(void)
{
	meta = (struct frame_meta){ .samples = 960 };

	return frame_loan(&w, &meta, planes);
}

static void put(uint64_t n)
{
	ck_assert_int_eq(loan(), 0);
	fill(n);
	meta.pts_us = (int64_t)n;
	ck_assert_int_eq(frame_commit(&w, &meta), 0);
}

START_TEST(shapes_out_of_range_have_no_bytes)
{
	const struct frame_shape bad[] = {
		{ 0 },
		{ .format = 3, .slots = 4, .width = 2, .height = 2 },
		{ .format = 2, .slots = 1, .width = 2, .height = 2 },
		{ .format = 2, .slots = 9, .width = 2, .height = 2 },
		{ .format = 2, .slots = 4, .width = 0, .height = 2 },
		{ .format = 2, .slots = 4, .width = 4097, .height = 2 },
		{ .format = 2, .slots = 4, .width = 2, .height = 4097 },
		{ .format = 2, .slots = 4, .width = 2, .height = 2, .rate = 1 },
		{ .format = 1, .slots = 4, .rate = 48000, .channels = 2 },
		{ .format = 1, .slots = 4, .rate = 48000, .channels = 9,
		  .samples = 10 },
		{ .format = 1, .slots = 4, .rate = 7999, .channels = 1,
		  .samples = 10 },
		{ .format = 1, .slots = 4, .rate = 8000, .channels = 1,
		  .samples = 19201 },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_uint_eq(frame_ring_bytes(&bad[i]), 0);
		ck_assert_int_eq(frame_ring_init(&w, mem, &bad[i], NULL),
				 -EINVAL);
		ck_assert_int_eq(frame_ring_open(&observer, mem, &bad[i],
						 NULL), -EBADMSG);
	}
}
END_TEST

START_TEST(planes_are_aligned_and_disjoint)
{
	const unsigned char *p[3];

	begin(&picture);
	meta = (struct frame_meta){ .width = 70, .height = 5 };
	ck_assert_int_eq(frame_loan(&w, &meta, planes), 0);
	ck_assert_uint_eq(meta.stride[0], 128);
	ck_assert_uint_eq(meta.stride[1], 64);
	ck_assert_uint_eq(meta.stride[2], 64);
	for (int i = 0; i < 3; i++) {
		p[i] = planes[i];
		ck_assert_uint_eq((uintptr_t)p[i] % 64, 0);
	}
	ck_assert_ptr_eq(p[0], mem + AT_DATA);
	ck_assert_int_eq(p[1] - p[0], 5 * 128);
	ck_assert_int_eq(p[2] - p[1], 3 * 64);
	ck_assert_uint_eq(frame_bytes(&picture, &meta), 5 * 128 + 6 * 64);
	meta.width = 71;
	ck_assert_int_eq(frame_commit(&w, &meta), -EINVAL);
	meta.width = 70;
	ck_assert_int_eq(frame_commit(&w, &meta), 0);
	ck_assert_int_eq(frame_look(&observer, &meta, view), 1);
	ck_assert_uint_eq(meta.width, 70);
	ck_assert_uint_eq(meta.height, 5);
	ck_assert_ptr_eq(view[2], p[2]);
	/* A smaller picture in the same ring. */
	meta = (struct frame_meta){ .width = 3, .height = 1 };
	ck_assert_int_eq(frame_loan(&w, &meta, planes), 0);
	ck_assert_uint_eq(meta.stride[0], 64);
	ck_assert_int_eq(frame_commit(&w, &meta), 0);
	ck_assert_int_eq(frame_look(&observer, &meta, view), 1);
	ck_assert_uint_eq(meta.width, 3);
	meta = (struct frame_meta){ .width = 71, .height = 5 };
	ck_assert_int_eq(frame_loan(&w, &meta, planes), -EINVAL);
	meta = (struct frame_meta){ .samples = 5 };
	ck_assert_int_eq(frame_loan(&w, &meta, planes), -EINVAL);
}
END_TEST

START_TEST(an_observer_sees_the_newest_frame)
{
	unsigned char copy[3840];

	ck_assert_int_eq(frame_look(&observer, &meta, view), 0);
	put(1);
	put(2);
	ck_assert_int_eq(frame_look(&observer, &meta, view), 1);
	ck_assert_int_eq(meta.pts_us, 2);
	ck_assert_uint_eq(meta.samples, 960);
	ck_assert(is_whole(view[0], 2));
	ck_assert_int_eq(frame_check(&observer, meta.id), 0);
	ck_assert_int_eq(frame_look(&observer, &meta, view), 0);
	put(3);
	ck_assert_int_eq(frame_copy(&observer, &meta, copy, 3839), -EMSGSIZE);
	ck_assert_int_eq(frame_copy(&observer, &meta, copy, 3840), 1);
	ck_assert(is_whole(copy, 3));
	ck_assert_int_eq(frame_copy(&observer, &meta, copy, 3840), 0);
	ck_assert_uint_eq(other_page.seen, 3);
}
END_TEST

START_TEST(an_observer_notices_that_a_frame_was_overwritten)
{
	uint64_t id;

	put(1);
	ck_assert_int_eq(frame_look(&observer, &meta, view), 1);
	id = meta.id;
	for (uint64_t n = 2; n <= 4; n++) {
		put(n);
		ck_assert_int_eq(frame_check(&observer, id), 0);
	}
	ck_assert_int_eq(loan(), 0);
	ck_assert_int_eq(frame_check(&observer, id), -ESTALE);
	frame_cancel(&w);
	ck_assert_int_eq(frame_check(&observer, id), -ESTALE);
}
END_TEST

START_TEST(held_frames_and_the_newest_are_never_overwritten)
{
	struct frame_meta first, second;
	const void *one[3], *two[3];

	put(1);
	put(2);
	ck_assert_int_eq(frame_borrow(&in_line, &first, one, &lost), 1);
	ck_assert_int_eq(frame_borrow(&in_line, &second, two, &lost), 1);
	ck_assert_int_eq(first.pts_us, 1);
	ck_assert_int_eq(second.pts_us, 2);
	ck_assert_int_eq(frame_borrow(&in_line, &meta, view, &lost), -EBUSY);
	for (uint64_t n = 3; n < 100; n++) {
		put(n);
		ck_assert(is_whole(one[0], 1));
		ck_assert(is_whole(two[0], 2));
		ck_assert_int_eq(frame_look(&observer, &meta, view), 1);
		ck_assert_int_eq(meta.pts_us, (int64_t)n);
		ck_assert(is_whole(view[0], n));
	}
	ck_assert_int_eq(frame_return(&in_line, first.id), 0);
	ck_assert_int_eq(frame_return(&in_line, second.id), 0);
	ck_assert_int_eq(frame_return(&in_line, second.id), -EINVAL);
	ck_assert_int_eq(frame_return(&in_line, 0), -EINVAL);
	ck_assert_uint_eq(w.dropped, 0);
	ck_assert_int_eq(frame_borrow(&in_line, &meta, view, &lost), 1);
	ck_assert_int_eq(meta.pts_us, 98);
	ck_assert_uint_eq(lost, 95);
}
END_TEST

START_TEST(frames_come_in_order_without_loss_when_the_reader_keeps_up)
{
	for (uint64_t n = 1; n < 1000; n++) {
		put(n);
		ck_assert_int_eq(frame_borrow(&in_line, &meta, view, &lost), 1);
		ck_assert_int_eq(meta.pts_us, (int64_t)n);
		ck_assert_uint_eq(lost, 0);
		ck_assert(is_whole(view[0], n));
		ck_assert_int_eq(frame_return(&in_line, meta.id), 0);
		ck_assert_int_eq(frame_borrow(&in_line, &meta, view, &lost), 0);
	}
}
END_TEST

START_TEST(no_free_slot_drops_the_frame_and_counts_it)
{
	struct frame_shape three = sound;
	struct frame_meta first, second;

	three.slots = 3;
	begin(&three);
	put(1);
	put(2);
	ck_assert_int_eq(frame_borrow(&in_line, &first, view, &lost), 1);
	ck_assert_int_eq(frame_borrow(&in_line, &second, view, &lost), 1);
	put(3);
	ck_assert_int_eq(loan(), -ENOBUFS);
	ck_assert_int_eq(loan(), -ENOBUFS);
	ck_assert_uint_eq(w.dropped, 2);
	ck_assert_uint_eq(*word(AT_DROPPED), 2);
	ck_assert_int_eq(frame_return(&in_line, first.id), 0);
	put(6);
	ck_assert_int_eq(frame_borrow(&in_line, &meta, view, &lost), 1);
	ck_assert_int_eq(meta.pts_us, 3);
	ck_assert_int_eq(frame_return(&in_line, meta.id), 0);
	ck_assert_int_eq(frame_borrow(&in_line, &meta, view, &lost), 1);
	ck_assert_int_eq(meta.pts_us, 6);
	ck_assert_uint_eq(lost, 2);
}
END_TEST

START_TEST(one_loan_at_a_time_and_cancel_publishes_nothing)
{
	ck_assert_int_eq(frame_commit(&w, &meta), -EINVAL);
	ck_assert_int_eq(loan(), 0);
	ck_assert_int_eq(loan(), -EBUSY);
	meta = w.loan;
	meta.samples = 961;
	ck_assert_int_eq(frame_commit(&w, &meta), -EINVAL);
	meta.id++;
	ck_assert_int_eq(frame_commit(&w, &meta), -EINVAL);
	frame_cancel(&w);
	frame_cancel(&w);
	ck_assert_int_eq(frame_look(&observer, &meta, view), 0);
	ck_assert_int_eq(frame_borrow(&in_line, &meta, view, &lost), 0);
	ck_assert_int_eq(loan(), 0);
	meta.samples = 480;
	ck_assert_int_eq(frame_commit(&w, &meta), 0);
	ck_assert_int_eq(frame_look(&observer, &meta, view), 1);
	ck_assert_uint_eq(meta.samples, 480);
}
END_TEST

START_TEST(a_revoked_frame_is_stale_and_free_for_the_writer)
{
	struct frame_meta first;
	uint64_t ids[RM_FRAMES_HOLDS];

	put(1);
	ck_assert_int_eq(frame_holds(&w, ids), 0);
	ck_assert_int_eq(frame_borrow(&in_line, &first, view, &lost), 1);
	ck_assert_int_eq(frame_holds(&w, ids), 1);
	ck_assert_uint_eq(ids[0], first.id);
	ck_assert_int_eq(frame_revoke(&w, ids[0]), 0);
	ck_assert_int_eq(frame_revoke(&w, ids[0]), -ENOENT);
	ck_assert_int_eq(frame_revoke(&w, 0), -ENOENT);
	ck_assert_int_eq(frame_revoke(&w, UINT64_MAX), -ENOENT);
	ck_assert_int_eq(frame_holds(&w, ids), 0);
	/* The newest frame is gone: nothing to see, and nothing to spin on. */
	ck_assert_int_eq(frame_look(&observer, &meta, view), 0);
	ck_assert(frame_sleep(&observer));
	for (uint64_t n = 2; n < 10; n++)
		put(n);
	ck_assert_int_eq(frame_return(&in_line, first.id), -ESTALE);
	ck_assert_int_eq(frame_borrow(&in_line, &meta, view, &lost), 1);
	ck_assert_int_eq(frame_return(&in_line, meta.id), 0);
}
END_TEST

START_TEST(sleep_is_seen_and_a_late_frame_forbids_it)
{
	ck_assert(!frame_must_ring(&page));
	ck_assert(frame_sleep(&in_line));
	ck_assert(frame_must_ring(&page));
	put(1);
	ck_assert(frame_must_ring(&page));
	frame_wake(&in_line);
	ck_assert(!frame_sleep(&in_line));
	ck_assert(!frame_must_ring(&page));
	ck_assert_int_eq(frame_borrow(&in_line, &meta, view, &lost), 1);
	ck_assert(frame_sleep(&in_line));
}
END_TEST

START_TEST(holds_that_lie_or_never_end_cost_two_slots_at_most)
{
	uint64_t ids[RM_FRAMES_HOLDS];

	for (uint64_t n = 1; n < 5; n++)
		put(n);
	for (uint64_t x = 0; x < 5000; x++) {
		page.hold[0] = mix(x, 1) >> (x % 64);
		page.hold[1] = x % 3 ? *word(AT_NEWEST) : UINT64_MAX;
		page.seen = UINT64_MAX;
		ck_assert_int_le(frame_holds(&w, ids), 2);
		put(x + 5);
		ck_assert_int_eq(frame_look(&observer, &meta, view), 1);
		ck_assert(is_whole(view[0], x + 5));
	}
	ck_assert_uint_eq(w.dropped, 0);
	/* A hold put up again after the revocation is not honoured. */
	page.hold[0] = w.newest;
	page.hold[1] = 0;
	ck_assert_int_eq(frame_revoke(&w, w.newest), 0);
	ck_assert_int_eq(frame_holds(&w, ids), 0);
}
END_TEST

START_TEST(a_new_in_line_reader_starts_afresh)
{
	struct rm_frames_page fresh = { 0 };
	struct frame_reader next;
	uint64_t ids[RM_FRAMES_HOLDS];

	put(1);
	ck_assert_int_eq(frame_borrow(&in_line, &meta, view, &lost), 1);
	frame_ring_set_inline(&w, NULL);
	ck_assert_int_eq(frame_holds(&w, ids), 0);
	for (uint64_t n = 2; n < 9; n++)
		put(n);
	frame_ring_set_inline(&w, &fresh);
	ck_assert_int_eq(frame_ring_open(&next, mem, &sound, &fresh), 0);
	ck_assert_int_eq(frame_borrow(&next, &meta, view, &lost), 1);
	ck_assert_int_eq(meta.pts_us, 5);
	ck_assert_int_eq(frame_holds(&w, ids), 1);
	ck_assert_int_eq(frame_borrow(&observer, &meta, view, &lost), 1);
	ck_assert_int_eq(frame_ring_open(&observer, mem, &sound, NULL), 0);
	ck_assert_int_eq(frame_borrow(&observer, &meta, view, &lost), -EINVAL);
}
END_TEST

START_TEST(a_slot_that_contradicts_the_shape_is_ebadmsg)
{
	unsigned char keep[128];
	int bad = 0;

	put(1);
	memcpy(keep, mem + AT_SLOT, sizeof(keep));
	for (size_t at = 24; at < 80; at += 8) {
		for (int bit = 0; bit < 64; bit++) {
			int err;

			*word(AT_SLOT + at) ^= 1ull << bit;
			err = frame_look(&observer, &meta, view);
			ck_assert_int_eq(err, -EBADMSG);
			err = frame_borrow(&in_line, &meta, view, &lost);
			ck_assert_int_eq(err, -EBADMSG);
			ck_assert_uint_eq(page.hold[0], 0);
			bad++;
			memcpy(mem + AT_SLOT, keep, sizeof(keep));
		}
	}
	ck_assert_int_eq(bad, 7 * 64);
	*word(AT_NEWEST) |= 8;
	ck_assert_int_eq(frame_look(&observer, &meta, view), -EBADMSG);
	*word(AT_NEWEST) = 1 << 8;
	ck_assert_int_eq(frame_look(&observer, &meta, view), 1);
	*word(AT_NEWEST) = 0;
	ck_assert_int_eq(frame_look(&observer, &meta, view), 0);
}
END_TEST

START_TEST(another_version_or_shape_is_not_opened)
{
	struct frame_shape s = sound;

	s.slots = 3;
	ck_assert_int_eq(frame_ring_open(&observer, mem, &s, NULL), -EBADMSG);
	s = sound;
	s.samples = 959;
	ck_assert_int_eq(frame_ring_open(&observer, mem, &s, NULL), -EBADMSG);
	ck_assert_int_eq(frame_ring_open(&observer, mem, &picture, NULL),
			 -EBADMSG);
	for (size_t at = 64; at < 64 + 44; at++) {
		int err;

		mem[at] ^= 1;
		err = frame_ring_open(&observer, mem, &sound, NULL);
		/* A greater minor is fine. */
		ck_assert_int_eq(err, at == 70 || at == 71 ? 0 : -EBADMSG);
		mem[at] ^= 1;
	}
}
END_TEST

/* Threads: one writer, one in-line reader, one observer. */

enum { STRESS = 60000 };

static bool done;

static void *write_many(void *arg)
{
	uint64_t ids[RM_FRAMES_HOLDS];

	(void)arg;
	for (uint64_t n = 1; n <= STRESS; n++) {
		if (loan() != 0)
			abort();
		fill(n);
		meta.pts_us = (int64_t)n;
		if (frame_commit(&w, &meta) != 0)
			abort();
		if (n % 97 == 0 && frame_holds(&w, ids) > 0 &&
		    frame_revoke(&w, ids[0]) != 0)
			abort();
	}
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);

	return NULL;
}

static void *observe_many(void *arg)
{
	uint64_t *seen = arg, copy[480];
	struct frame_meta m;
	int err;

	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		err = frame_copy(&observer, &m, copy, sizeof(copy));
		if (err == 1 && !is_whole(copy, (uint64_t)m.pts_us))
			abort();
		if (err != 1 && err != 0 && err != -ESTALE)
			abort();
		*seen += err == 1;
	}

	return NULL;
}

START_TEST(no_torn_frame_between_three_threads)
{
	uint64_t whole = 0, stale = 0, observed = 0, next = 1;
	struct frame_meta m;
	pthread_t a, b;
	bool good, last = false;
	int err;

	done = false;
	ck_assert_int_eq(pthread_create(&a, NULL, write_many, NULL), 0);
	ck_assert_int_eq(pthread_create(&b, NULL, observe_many, &observed), 0);
	for (;;) {
		err = frame_borrow(&in_line, &m, view, &lost);
		if (err == 0 && last)
			break;
		last = __atomic_load_n(&done, __ATOMIC_ACQUIRE);
		ck_assert(err == 0 || err == 1);
		if (err == 0)
			continue;
		ck_assert_uint_eq((uint64_t)m.pts_us, next + lost);
		next += lost + 1;
		good = is_whole(view[0], (uint64_t)m.pts_us);
		err = frame_return(&in_line, m.id);
		ck_assert(err == 0 || err == -ESTALE);
		ck_assert(good || err == -ESTALE);
		whole += err == 0;
		stale += err != 0;
	}
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	ck_assert_uint_gt(whole, 0);
	ck_assert_uint_eq(next, STRESS + 1);
	ck_assert_uint_eq(w.dropped, 0);
	(void)stale;
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
		p = word(AT_NEWEST + (x >> 8) % 80 * 8);
		if (x & 1)
			p = word(AT_SLOT + (x >> 8) % 4 * 128);
		if (x & 4)
			p = word(AT_NEWEST);
		__atomic_store_n(p, x & 2 ? x >> 20 : (x >> 40 & 0xff02ull),
				 __ATOMIC_RELAXED);
	}

	return NULL;
}

START_TEST(a_hostile_writer_never_leads_a_reader_astray)
{
	unsigned char copy[3848];
	pthread_t t;

	put(1);
	flipping = true;
	ck_assert_int_eq(pthread_create(&t, NULL, flip, NULL), 0);
	for (int i = 0; i < 100000; i++) {
		int err;

		memset(copy + 3840, 0xa5, 8);
		err = frame_copy(&observer, &meta, copy, 3840);
		ck_assert_uint_eq(copy[3840], 0xa5);
		ck_assert(err == 1 || err == 0 || err == -ESTALE ||
			  err == -EBADMSG);
		err = frame_borrow(&in_line, &meta, view, &lost);
		ck_assert(err == 1 || err == 0 || err == -EBADMSG);
		if (err == 1) {
			const unsigned char *p = view[0];

			ck_assert(p >= mem + AT_DATA);
			ck_assert_uint_le(meta.samples, 960);
			ck_assert(p + meta.samples * 4 <= mem + bytes);
			ck_assert_int_ne(frame_return(&in_line, meta.id),
					 -EINVAL);
		}
		observer.seen = in_line.seen = 0;
	}
	__atomic_store_n(&flipping, false, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, shapes_out_of_range_have_no_bytes);
	tcase_add_test(tc, planes_are_aligned_and_disjoint);
	tcase_add_test(tc, an_observer_sees_the_newest_frame);
	tcase_add_test(tc, an_observer_notices_that_a_frame_was_overwritten);
	tcase_add_test(tc, held_frames_and_the_newest_are_never_overwritten);
	tcase_add_test(
		tc, frames_come_in_order_without_loss_when_the_reader_keeps_up);
	tcase_add_test(tc, no_free_slot_drops_the_frame_and_counts_it);
	tcase_add_test(tc, one_loan_at_a_time_and_cancel_publishes_nothing);
	tcase_add_test(
		tc, a_revoked_frame_is_stale_and_free_for_the_writer);
	tcase_add_test(tc, sleep_is_seen_and_a_late_frame_forbids_it);
	tcase_add_test(tc, holds_that_lie_or_never_end_cost_two_slots_at_most);
	tcase_add_test(tc, a_new_in_line_reader_starts_afresh);
	tcase_add_test(tc, a_slot_that_contradicts_the_shape_is_ebadmsg);
	tcase_add_test(tc, another_version_or_shape_is_not_opened);
	tcase_add_test(tc, no_torn_frame_between_three_threads);
	tcase_add_test(tc, a_hostile_writer_never_leads_a_reader_astray);
}

int main(void)
{
	Suite *s = suite_create("frame_ring");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	add_tests(tc);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
