/* test_doorbell.c - a bell never blocks the one who rings it */

#include "shm/doorbell.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static int ends[2];

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(doorbell_new(ends), 0);
}

static void teardown(void)
{
	close(ends[0]);
	close(ends[1]);
}

static bool rings(void)
{
	struct pollfd p = { ends[0], POLLIN, 0 };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

START_TEST(a_ring_is_heard_once)
{
	ck_assert(!rings());
	doorbell_ring(ends[1]);
	doorbell_ring(ends[1]);
	ck_assert(rings());
	ck_assert_int_eq(doorbell_hear(ends[0]), 0);
	ck_assert(!rings());
	ck_assert_int_eq(doorbell_hear(ends[0]), 0);
}
END_TEST

START_TEST(a_reader_that_never_empties_its_bell_blocks_nobody)
{
	for (int i = 0; i < 200000; i++)
		doorbell_ring(ends[1]);
	ck_assert(rings());
	ck_assert_int_lt(write(ends[1], "x", 1), 0);
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(the_reader_cannot_make_the_ringer_block)
{
	int flags = fcntl(ends[0], F_GETFL);

	/* On an eventfd this would reach both ends. */
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, flags & ~O_NONBLOCK), 0);
	ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	for (int i = 0; i < 70000; i++)
		doorbell_ring(ends[1]);
	ck_assert(rings());
}
END_TEST

START_TEST(hearing_is_bounded)
{
	for (int i = 0; i < 5000; i++)
		doorbell_ring(ends[1]);
	ck_assert_int_eq(doorbell_hear(ends[0]), 0);
	ck_assert(rings());
	ck_assert_int_eq(doorbell_hear(ends[0]), 0);
	ck_assert(!rings());
}
END_TEST

START_TEST(a_dead_ringer_is_told_and_a_dead_reader_unnoticed)
{
	int other[2];

	close(ends[1]);
	ck_assert_int_eq(doorbell_hear(ends[0]), -EPIPE);
	ck_assert_int_eq(doorbell_new(other), 0);
	close(other[0]);
	errno = 0;
	doorbell_ring(other[1]);
	ck_assert_int_eq(errno, 0);
	doorbell_ring(-1);
	ck_assert_int_eq(errno, 0);
	close(other[1]);
	ends[1] = -1;
}
END_TEST

START_TEST(both_ends_close_on_exec)
{
	ck_assert_int_eq(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("doorbell");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_ring_is_heard_once);
	tcase_add_test(tc, a_reader_that_never_empties_its_bell_blocks_nobody);
	tcase_add_test(tc, the_reader_cannot_make_the_ringer_block);
	tcase_add_test(tc, hearing_is_bounded);
	tcase_add_test(tc, a_dead_ringer_is_told_and_a_dead_reader_unnoticed);
	tcase_add_test(tc, both_ends_close_on_exec);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
