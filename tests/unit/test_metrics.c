/* test_metrics.c - the page of counters, and the access log */

#include "signaling/metrics.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "tests/unit/suite.h"

static char *page(const struct metrics *m, const struct gauges *g)
{
	struct text t = { 0 };
	char *s;

	metrics_write(&t, m, g);
	ck_assert(!t.bad);
	s = strndup(t.at, t.len);
	text_fini(&t);

	return s;
}

static unsigned times(const char *s, const char *what)
{
	unsigned n = 0;

	for (; (s = strstr(s, what)); s += strlen(what))
		n++;

	return n;
}

START_TEST(every_counter_has_its_own_line_and_value)
{
	struct gauges g = { .uptime_s = 1.5 };
	struct metrics m;
	char want[32], *s;

	for (int i = 0; i < METRICS; i++)
		m.count[i] = 1000000u + (unsigned)i;
	s = page(&m, &g);
	for (int i = 0; i < METRICS; i++) {
		snprintf(want, sizeof(want), " %d\n", 1000000 + i);
		ck_assert_uint_eq(times(s, want), 1);
	}
	ck_assert_ptr_nonnull(strstr(s, "uptime_seconds 1.5\n"));
	free(s);
}
END_TEST

START_TEST(a_family_has_help_and_type_once_before_its_samples)
{
	struct metrics m = { .count = { 0 } };
	struct gauges g = { .peers = 3 };
	char *s = page(&m, &g), *save, name[96], seen[80][96];
	unsigned families = 0;

	name[0] = '\0';
	for (char *l = strtok_r(s, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save)) {
		if (strncmp(l, "# HELP ", 7) == 0) {
			sscanf(l, "# HELP %95s", name);
			for (unsigned i = 0; i < families; i++)
				ck_assert_str_ne(seen[i], name);
			strcpy(seen[families++], name);
		} else if (strncmp(l, "# TYPE ", 7) == 0) {
			ck_assert(strncmp(l + 7, name, strlen(name)) == 0);
			ck_assert(l[7 + strlen(name)] == ' ');
		} else {
			ck_assert_msg(strncmp(l, name, strlen(name)) == 0 &&
				      strchr("{ ", l[strlen(name)]), "%s", l);
		}
	}
	ck_assert_uint_gt(families, 20);
	free(s);
}
END_TEST

START_TEST(counts_past_32_bits_are_whole)
{
	struct metrics m = { .count = { [M_HTTP2] = 9007199254740993u } };
	struct gauges g = { .memory_bytes = 123456789 };
	char *s = page(&m, &g);

	ck_assert_ptr_nonnull(strstr(s, "{version=\"2\"} 9007199254740993\n"));
	ck_assert_ptr_nonnull(strstr(s, "process_heap_bytes 123456789\n"));
	free(s);
}
END_TEST

static char lines[64][LOG_LINE_MAX];
static unsigned lines_len;

static void keep(enum log_level level, const char *line, size_t len,
		 void *arg)
{
	(void)level;
	(void)arg;
	if (lines_len < 64)
		snprintf(lines[lines_len], LOG_LINE_MAX, "%.*s", (int)len,
			 line);
	lines_len++;
}

START_TEST(a_call_is_one_line)
{
	log_set_sink(keep, NULL);
	access_log("grpc", "a \"b\"\n\xff", "Signal", mono_at(1000),
		   mono_at(2500), "ok");
	ck_assert_uint_eq(lines_len, 1);
	ck_assert_msg(strstr(lines[0], "call door=grpc peer=\"a ?b???\" "
			     "method=\"Signal\" ms=1.500 outcome=ok"),
		      "%s", lines[0]);
	access_log("grpc", NULL, "x", mono_at(0), mono_at(0), "ok");
	ck_assert_ptr_nonnull(strstr(lines[1], "peer=\"\""));
}
END_TEST

START_TEST(lines_of_failures_are_few_and_the_rest_is_counted)
{
	log_set_sink(keep, NULL);
	for (int i = 0; i < 500; i++)
		access_log("whip", "", "POST", mono_at(5), mono_at(5), "401");
	ck_assert_uint_eq(lines_len, 20);
	/* Good ones have a budget of their own. */
	access_log("whip", "", "POST", mono_at(5), mono_at(5), "ok");
	ck_assert_uint_eq(lines_len, 21);
	access_log("whip", "", "POST", mono_at(0), mono_at(1000005), "401");
	ck_assert_uint_eq(lines_len, 23);
	ck_assert_msg(strstr(lines[21], "outcome=failed count=480"), "%s",
		      lines[21]);
	for (int i = 0; i < 5000; i++)
		access_log("whip", "", "POST", mono_at(5), mono_at(1000005),
			   "ok");
	ck_assert_uint_eq(lines_len, 23 + 1000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("metrics");
	TCase *t = tcase_create("all");

	log_open("test", "info");
	tcase_add_test(t, every_counter_has_its_own_line_and_value);
	tcase_add_test(t, a_family_has_help_and_type_once_before_its_samples);
	tcase_add_test(t, counts_past_32_bits_are_whole);
	tcase_add_test(t, a_call_is_one_line);
	tcase_add_test(t, lines_of_failures_are_few_and_the_rest_is_counted);
	suite_add_tcase(s, t);

	return suite_run(s);
}
