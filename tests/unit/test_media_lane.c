/* test_media_lane.c - notes from one thread to the other */

#include "media-worker/lane.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>

enum { MANY = 200000 };

START_TEST(a_full_lane_refuses_and_keeps_the_order)
{
	struct lane *l;
	struct note n = { .kind = NOTE_OPEN };

	ck_assert_int_eq(lane_new(&l), 0);
	ck_assert(!lane_take(l, &n));
	for (int i = 0; i < LANE_NOTES; i++) {
		n.fd = i;
		ck_assert_int_eq(lane_put(l, &n), 0);
	}
	ck_assert_int_eq(lane_put(l, &n), -ENOBUFS);
	for (int i = 0; i < LANE_NOTES; i++) {
		ck_assert(lane_take(l, &n));
		ck_assert_int_eq(n.fd, i);
	}
	ck_assert(!lane_take(l, &n));
	lane_free(l);
}
END_TEST

static void *put_many(void *arg)
{
	struct note n = { .kind = NOTE_OPEN };

	for (int i = 0; i < MANY; i++) {
		n.fd = i;
		while (lane_put(arg, &n) != 0)
			sched_yield();
	}

	return NULL;
}

START_TEST(every_note_of_another_thread_comes_once)
{
	pthread_t thread;
	struct lane *l;
	struct note n;

	ck_assert_int_eq(lane_new(&l), 0);
	pthread_create(&thread, NULL, put_many, l);
	for (int i = 0; i < MANY;) {
		struct pollfd pfd = { .fd = lane_bell(l), .events = POLLIN };

		ck_assert_int_eq(poll(&pfd, 1, 10000), 1);
		lane_hear(l);
		while (lane_take(l, &n))
			ck_assert_int_eq(n.fd, i++);
	}
	pthread_join(thread, NULL);
	lane_free(l);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("media_lane");
	TCase *tc = tcase_create("lane");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_full_lane_refuses_and_keeps_the_order);
	tcase_add_test(tc, every_note_of_another_thread_comes_once);
	suite_add_tcase(suite, tc);

	return suite_run(suite);
}
