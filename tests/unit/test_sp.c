/* test_sp.c - the SP codec: frames in any pieces, refusals */

#include "common/sp.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void feed(struct sp *sp, const void *bytes, size_t len)
{
	size_t room;
	void *space = sp_space(sp, &room);

	ck_assert_uint_ge(room, len);
	memcpy(space, bytes, len);
	sp_fill(sp, len);
}

static void greet(struct sp *sp)
{
	uint8_t g[SP_GREETING];

	sp_write_greeting(g);
	feed(sp, g, sizeof(g));
}

START_TEST(greeting_has_the_bytes_of_pair1)
{
	static const uint8_t want[8] = { 0, 'S', 'P', 0, 0, 0x11, 0, 0 };
	uint8_t g[SP_GREETING];

	sp_write_greeting(g);
	ck_assert_mem_eq(g, want, 8);
}
END_TEST

START_TEST(frames_arrive_whole_however_they_are_cut)
{
	uint8_t stream[8 + 13 + 5 + 13 + 0 + 13 + 100], *at = stream;
	size_t sizes[] = { 5, 0, 100 };

	sp_write_greeting(at);
	at += SP_GREETING;
	for (int i = 0; i < 3; i++) {
		sp_write_head(at, sizes[i]);
		at += SP_FRAME_HEAD;
		memset(at, 'a' + i, sizes[i]);
		at += sizes[i];
	}

	for (size_t cut = 1; cut <= 149; cut++) {	/* all its space */
		struct sp sp;
		int n = 0;

		ck_assert_int_eq(sp_init(&sp, 128), 0);
		for (size_t i = 0; i < sizeof(stream); i += cut) {
			size_t len = sizeof(stream) - i < cut ?
					     sizeof(stream) - i : cut;
			const void *frame;
			size_t got;

			feed(&sp, stream + i, len);
			while (sp_next(&sp, &frame, &got) == 1) {
				ck_assert_uint_eq(got, sizes[n]);
				ck_assert_uint_eq((uintptr_t)frame % 8, 0);
				if (got)
					ck_assert_int_eq(
						((const char *)frame)[got - 1],
						'a' + n);
				sp_drop(&sp, got);
				n++;
			}
		}
		ck_assert_int_eq(n, 3);
		sp_fini(&sp);
	}
}
END_TEST

START_TEST(a_frame_over_the_limit_ends_the_connection)
{
	uint8_t head[SP_FRAME_HEAD];
	const void *frame;
	struct sp sp;
	size_t len;

	ck_assert_int_eq(sp_init(&sp, 128), 0);
	greet(&sp);
	sp_write_head(head, 129);
	feed(&sp, head, sizeof(head));
	ck_assert_int_eq(sp_next(&sp, &frame, &len), -EPROTO);
	ck_assert_int_eq(sp_next(&sp, &frame, &len), -EPROTO);
	sp_reset(&sp);
	greet(&sp);
	sp_write_head(head, 128);
	feed(&sp, head, sizeof(head));
	ck_assert_int_eq(sp_next(&sp, &frame, &len), 0);
	sp_fini(&sp);
}
END_TEST

#define GREETING 0, 'S', 'P', 0, 0, 0x11, 0, 0

static const struct {
	const char *what;
	uint8_t bytes[21];
	size_t len;
} bad[] = {
	{ "http", "GET / HT", 8 },
	{ "another protocol", { 0, 'S', 'P', 0, 0, 0x50, 0, 0 }, 8 },
	{ "pair0", { 0, 'S', 'P', 0, 0, 0x10, 0, 0 }, 8 },
	{ "another version", { 0, 'S', 'P', 1, 0, 0x11, 0, 0 }, 8 },
	{ "a wrong frame type",
	  { GREETING, 2, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1 }, 21 },
	{ "no room for the hops",
	  { GREETING, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1 }, 21 },
	{ "hops of a forwarder",
	  { GREETING, 1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 2 }, 21 },
	{ "length 2^63", { GREETING, 1, 0x80, [20] = 1 }, 21 },
	{ "length 2^64-1",
	  { GREETING, 1, 255, 255, 255, 255, 255, 255, 255, 255, [20] = 1 },
	  21 },
};

START_TEST(what_is_not_the_protocol_is_refused)
{
	const void *frame;
	struct sp sp;
	size_t len;

	ck_assert_int_eq(sp_init(&sp, 128), 0);
	feed(&sp, bad[_i].bytes, bad[_i].len);
	ck_assert_msg(sp_next(&sp, &frame, &len) == -EPROTO, "%s",
		      bad[_i].what);
	sp_fini(&sp);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sp");
	TCase *t = tcase_create("codec");

	tcase_add_test(t, greeting_has_the_bytes_of_pair1);
	tcase_add_test(t, frames_arrive_whole_however_they_are_cut);
	tcase_add_test(t, a_frame_over_the_limit_ends_the_connection);
	tcase_add_loop_test(t, what_is_not_the_protocol_is_refused, 0,
			    (int)ARRAY_LEN(bad));
	suite_add_tcase(s, t);

	return suite_run(s);
}
