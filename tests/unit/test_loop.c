/* test_loop.c - timers in order, watches that vanish while events wait */

#include "common/clock.h"
#include "common/loop.h"
#include "tests/unit/suite.h"

#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct loop *loop;
static int order[64], fired;

static void setup(void)
{
	fired = 0;
	ck_assert_int_eq(loop_new(&loop), 0);
}

static void teardown(void)
{
	loop_free(loop);
}

static void note(struct mono now, void *arg)
{
	(void)now;
	order[fired++] = *(int *)arg;
}

START_TEST(timers_fire_by_due_then_by_arming)
{
	static int ids[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	int64_t due[8] = { 50, 10, 30, 10, 70, 0, 30, 20 };
	int want[8] = { 5, 1, 3, 7, 2, 6, 0, 4 };
	struct timer t[8] = { 0 };

	for (int i = 0; i < 8; i++)
		loop_timer(loop, &t[i], mono_at(due[i]), note, &ids[i]);
	ck_assert_int_eq(loop_due(loop).us, 0);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_int_eq(fired, 8);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(order[i], want[i]);
	ck_assert_int_eq(loop_due(loop).us, MONO_NEVER.us);
}
END_TEST

START_TEST(a_stopped_or_moved_timer_does_not_fire)
{
	static int a = 1, b = 2;
	struct timer ta = { 0 }, tb = { 0 };

	loop_timer(loop, &ta, mono_at(1), note, &a);
	loop_timer(loop, &tb, mono_at(1), note, &b);
	loop_untimer(&ta);
	loop_untimer(&ta);
	loop_timer(loop, &tb, mono_add(mono_now(), 3600000000), note, &b);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_int_eq(fired, 0);
	loop_timer(loop, &tb, MONO_NEVER, note, &b);
	ck_assert_int_eq(loop_due(loop).us, MONO_NEVER.us);
}
END_TEST

static struct timer again;
static int again_left;

static void rearm(struct mono now, void *arg)
{
	(void)arg;
	fired++;
	if (--again_left)
		loop_timer(loop, &again, now, rearm, NULL);
}

START_TEST(a_timer_that_rearms_for_the_past_hangs_nothing)
{
	again_left = 100000;
	loop_timer(loop, &again, mono_at(0), rearm, NULL);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_int_lt(fired, 1000);
	loop_untimer(&again);
}
END_TEST

struct pair {
	struct watch w;
	int ends[2];
	struct pair *kill;
	int seen;
};

static void on_pair(int fd, uint32_t events, struct mono now, void *arg)
{
	struct pair *p = arg;

	(void)fd;
	(void)events;
	(void)now;
	p->seen++;
	fired++;
	loop_unwatch(&p->w);
	loop_unwatch(&p->kill->w);
}

START_TEST(no_event_reaches_a_watch_that_was_stopped)
{
	struct pair a = { .kill = NULL }, b = { .kill = &a };

	a.kill = &b;
	for (int i = 0; i < 2; i++) {
		struct pair *p = i ? &b : &a;

		ck_assert_int_eq(pipe(p->ends), 0);
		ck_assert_int_eq(loop_watch(loop, &p->w, p->ends[0], EPOLLIN,
					    on_pair, p), 0);
		ck_assert_int_eq(write(p->ends[1], "x", 1), 1);
	}
	ck_assert_int_eq(loop_turn(loop, 1000), 0);
	ck_assert_int_eq(fired, 1);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_int_eq(fired, 1);
}
END_TEST

static void stop(struct mono now, void *arg)
{
	(void)now;
	(void)arg;
	loop_stop(loop);
}

START_TEST(run_waits_for_the_timer_and_stops)
{
	struct mono start = mono_now();
	struct timer t = { 0 };

	loop_timer(loop, &t, mono_add(start, 30000), stop, NULL);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_ge(mono_since(mono_now(), start), 30000);
}
END_TEST

static void dawdle(struct mono now, void *arg)
{
	(void)now;
	(void)arg;
	usleep(30000);
}

START_TEST(a_handler_over_its_budget_is_counted)
{
	struct timer t = { 0 };

	loop_timer(loop, &t, mono_at(0), dawdle, NULL);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(loop_slow_count(loop), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loop");
	TCase *t = tcase_create("loop");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, timers_fire_by_due_then_by_arming);
	tcase_add_test(t, a_stopped_or_moved_timer_does_not_fire);
	tcase_add_test(t, a_timer_that_rearms_for_the_past_hangs_nothing);
	tcase_add_test(t, no_event_reaches_a_watch_that_was_stopped);
	tcase_add_test(t, run_waits_for_the_timer_and_stops);
	tcase_add_test(t, a_handler_over_its_budget_is_counted);
	suite_add_tcase(s, t);

	return suite_run(s);
}
