/* test_session_route.c - who of a session gets a frame */

#include "core/media/session_route.h"

#include <check.h>
#include <stdlib.h>

enum { A = 1, V = 2, D = 4 };

/* in, out: what the receiver sends and receives; then whether it gets frames
 * of its own tag, of another's, and without a tag. */
static const struct {
	struct route_role r;
	bool own, others, untagged;
} table[] = {
	{ { A | V | D, A | V | D }, true, false, true },	/* loopback */
	{ { D, A | V | D }, true, true, true },		/* viewer */
	{ { A | V, 0 }, false, false, false },		/* publisher */
	{ { A, A | V }, true, false, true },	/* sound both ways, sees all */
	{ { V, A | V }, true, true, true },	/* and the other way round */
	{ { 0, 0 }, false, false, false },
};

START_TEST(sound_goes_to_its_peer_and_to_listeners)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct graph_tag tag = { 7, GRAPH_AUDIO };

		ck_assert_int_eq(route_reaches(tag, 7, table[i].r),
				 table[i].own);
		ck_assert_int_eq(route_reaches(tag, 8, table[i].r),
				 table[i].others);
		tag.peer = 0;
		ck_assert_int_eq(route_reaches(tag, 8, table[i].r),
				 table[i].untagged);
	}
}
END_TEST

START_TEST(kinds_are_judged_apart)
{
	struct route_role r = { A | D, A | V | D };
	struct graph_tag sound = { 7, GRAPH_AUDIO };
	struct graph_tag picture = { 7, GRAPH_VIDEO };
	struct graph_tag message = { 7, GRAPH_DATA };

	ck_assert(!route_reaches(sound, 8, r));
	ck_assert(route_reaches(picture, 8, r));
	ck_assert(!route_reaches(message, 8, r));
	ck_assert(route_reaches(message, 7, r));
	ck_assert(route_listens(r, GRAPH_VIDEO));
	ck_assert(!route_listens(r, GRAPH_AUDIO));
}
END_TEST

static const struct route_role sends = { A | V, 0 }, views = { 0, A | V };

START_TEST(the_first_that_shows_something_is_seen)
{
	uint64_t shown = route_shown(0, 30, sends, true);

	ck_assert_uint_eq(shown, 30);
	shown = route_shown(shown, 20, views, true);
	ck_assert_uint_eq(shown, 30);
	shown = route_shown(shown, 10, sends, false);
	ck_assert_uint_eq(shown, 30);
	shown = route_shown(shown, 40, sends, true);
	ck_assert_uint_eq(shown, 30);
	shown = route_shown(shown, 12, sends, true);
	ck_assert_uint_eq(shown, 12);
	ck_assert_uint_eq(route_shown(0, 5, views, true), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("session_route");
	TCase *c = tcase_create("session_route");
	SRunner *r;
	int failed;

	tcase_add_test(c, sound_goes_to_its_peer_and_to_listeners);
	tcase_add_test(c, kinds_are_judged_apart);
	tcase_add_test(c, the_first_that_shows_something_is_seen);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
