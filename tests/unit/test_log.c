/* test_log.c - filter texts, the shape of a line, what cannot be smuggled */

#include "common/log.h"
#include "tests/unit/suite.h"

#include <string.h>

static char last[LOG_LINE_MAX + 1];
static int lines;

static void keep(enum log_level level, const char *line, size_t len, void *arg)
{
	(void)level;
	(void)arg;
	memcpy(last, line, len);
	last[len] = '\0';
	lines++;
}

static const struct {
	const char *filter;
	bool ok;
} filters[] = {
	{ "info", true }, { "DEBUG", true }, { "off", true },
	{ "info,ice-worker=debug", true }, { "warn,a=error,b=info", true },
	{ "trace", true }, { "info,remotemedia_webrtc::peer=debug", true },
	{ "", true }, { "loud", false }, { "info,=debug", false },
	{ "ice-worker=", false }, { "info,,debug", false },
	{ "ice-worker=verbose", false },
};

START_TEST(filters_are_checked)
{
	ck_assert_int_eq(log_filter_ok(filters[_i].filter), filters[_i].ok);
}
END_TEST

START_TEST(a_line_names_time_role_peer_level_and_keys)
{
	log_open("ice-worker", "info");
	log_peer("alice smith");
	log_set_sink(keep, NULL);
	log_info("state changed", "from=%s to=%s", "new", "connected");
	ck_assert_int_eq(lines, 1);
	ck_assert_str_eq(last + strlen("2026-11-22T09:00:00.000000Z "),
			 "ice-worker alice_smith info state changed from=new "
			 "to=connected");
	ck_assert_int_eq(last[26], 'Z');
}
END_TEST

START_TEST(the_filter_of_the_own_role_wins)
{
	log_open("ice-worker", "warn,ice-worker=debug");
	ck_assert(log_on(LOG_DEBUG));
	log_open("signaling", "warn,ice-worker=debug");
	ck_assert(log_on(LOG_WARN));
	ck_assert(!log_on(LOG_INFO));
}
END_TEST

START_TEST(a_long_line_is_cut)
{
	char big[2000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_open("a", NULL);
	log_set_sink(keep, NULL);
	log_info("long", "text=%s", big);
	ck_assert_uint_eq(strlen(last), LOG_LINE_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");

	tcase_add_loop_test(t, filters_are_checked, 0,
			    (int)(sizeof(filters) / sizeof(filters[0])));
	tcase_add_test(t, a_line_names_time_role_peer_level_and_keys);
	tcase_add_test(t, the_filter_of_the_own_role_wins);
	tcase_add_test(t, a_long_line_is_cut);
	suite_add_tcase(s, t);

	return suite_run(s);
}
