/* test_json.c - the walk before the parse, the tree, the text writer */

#include "port/json.h"
#include "signaling/scan.h"
#include "signaling/text.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void check_scan(const char *in, const char *want)
{
	struct text t = { 0 };
	char why[SCAN_WHY];

	ck_assert_int_eq(json_scan(&t, in, strlen(in), NULL, why), 0);
	ck_assert_uint_eq(t.len, strlen(want));
	ck_assert_msg(!t.len || memcmp(t.at, want, t.len) == 0,
		      "%s became %.*s", in, (int)t.len, t.at);
	text_fini(&t);
}

START_TEST(members_of_a_message_keep_their_form)
{
	check_scan("{\"id\":1.50}", "{\"id\":\"n1.50\"}");
	check_scan("{\"id\" : -0 }", "{\"id\" : \"n-0\" }");
	check_scan("{\"id\":1E+5}", "{\"id\":\"n1E+5\"}");
	check_scan("{\"id\":\"x\"}", "{\"id\":\"sx\"}");
	check_scan("{\"id\":\"\"}", "{\"id\":\"s\"}");
	check_scan("{\"id\":\"a\\\"b\"}", "{\"id\":\"sa\\\"b\"}");
	check_scan("{\"id\":null,\"b\":2}", "{\"id\":null,\"b\":\"n2\"}");
	check_scan("[{\"id\":1},{\"id\":2}]",
		   "[{\"id\":\"n1\"},{\"id\":\"n2\"}]");
}
END_TEST

START_TEST(everything_else_stays_as_it_is)
{
	check_scan("{\"p\":{\"id\":1,\"s\":\"x\"}}",
		   "{\"p\":{\"id\":1,\"s\":\"x\"}}");
	check_scan("{\"p\":[1,\"x\",{\"id\":1}],\"id\":2}",
		   "{\"p\":[1,\"x\",{\"id\":1}],\"id\":\"n2\"}");
	check_scan("[1,\"x\",[{\"id\":1}]]", "[1,\"x\",[{\"id\":1}]]");
	check_scan("[[1]]", "[[1]]");
	check_scan("17", "17");
	check_scan("{\"id\":01}", "{\"id\":01}");
	check_scan("{\"id\":1.}", "{\"id\":1.}");
	check_scan("{\"id\":--1}", "{\"id\":--1}");
	check_scan("{\"id\":-}", "{\"id\":-}");
	check_scan("{\"id\":1e}", "{\"id\":1e}");
	check_scan("{\"id\":.5}", "{\"id\":.5}");
	check_scan("{\"id\":\"x", "{\"id\":\"sx");
	check_scan("}}]]{", "}}]]{");
	check_scan("", "");
}
END_TEST

static int scan_within(const char *in, const struct scan_limits *limits)
{
	struct text t = { 0 };
	char why[SCAN_WHY] = "";
	int err = json_scan(&t, in, strlen(in), limits, why);

	ck_assert(err == 0 || *why);
	text_fini(&t);

	return err;
}

static int scan_err(const char *in)
{
	return scan_within(in, NULL);
}

START_TEST(limits_may_be_set)
{
	static const struct scan_limits few = { 2, 3, 6 };

	ck_assert_int_eq(scan_within("[[1,2,3]]", &few), 0);
	ck_assert_int_eq(scan_within("[[[]]]", &few), -EMSGSIZE);
	ck_assert_int_eq(scan_within("[1,2,3,4]", &few), -EMSGSIZE);
	ck_assert_int_eq(scan_within("[\"12345\"]", &few), 0);
	ck_assert_int_eq(scan_within("[\"123456\"]", &few), -EMSGSIZE);
}
END_TEST

START_TEST(depth_members_and_strings_are_limited)
{
	char deep[40] = "", *many = malloc(2000), *text = malloc(50000);

	for (int i = 0; i < 16; i++)
		strcat(deep, i & 1 ? "[" : "{");
	ck_assert_int_eq(scan_err(deep), 0);
	strcat(deep, "[");
	ck_assert_int_eq(scan_err(deep), -EMSGSIZE);

	strcpy(many, "[1");
	for (int i = 1; i < 256; i++)
		strcat(many, ",1");
	ck_assert_int_eq(scan_err(many), 0);
	strcat(many, ",1");
	ck_assert_int_eq(scan_err(many), -EMSGSIZE);
	/* Each object counts for itself. */
	many[strlen(many) - 2] = '\0';
	many[strlen(many) - 1] = '[';
	strcat(many, "1,2,3]]");
	ck_assert_int_eq(scan_err(many), 0);

	memset(text, 'x', 50000);
	text[0] = '"';
	text[SCAN_STRING_MAX] = '"';
	text[SCAN_STRING_MAX + 1] = '\0';
	ck_assert_int_eq(scan_err(text), 0);
	memset(text, 'x', 50000);
	text[0] = '"';
	text[SCAN_STRING_MAX + 1] = '"';
	text[SCAN_STRING_MAX + 2] = '\0';
	ck_assert_int_eq(scan_err(text), -EMSGSIZE);
	free(many);
	free(text);
}
END_TEST

START_TEST(a_tree_gives_what_stands_in_it)
{
	static const char in[] = "{\"a\":[1,-2.0,2.5,\"x\\u0000y\",true,null],"
				 "\"b\":{\"c\":9007199254740993}}";
	char error[JS_ERROR];
	struct js *root;
	const struct js *a;
	const char *s;
	int64_t n;
	size_t len;

	ck_assert_int_eq(js_parse(&root, in, strlen(in), error), 0);
	a = js_get(root, "a");
	ck_assert_int_eq(js_type(a), JS_ARRAY);
	ck_assert_uint_eq(js_len(a), 6);
	ck_assert(js_int(js_at(a, 0), &n) && n == 1);
	ck_assert(js_int(js_at(a, 1), &n) && n == -2);
	ck_assert(!js_int(js_at(a, 2), &n));
	s = js_string(js_at(a, 3), &len);
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(s, "x\0y", 3);
	ck_assert(js_is_true(js_at(a, 4)));
	ck_assert_int_eq(js_type(js_at(a, 5)), JS_NULL);
	ck_assert_int_eq(js_type(js_at(a, 6)), JS_NONE);
	ck_assert(js_int(js_get(js_get(root, "b"), "c"), &n));
	ck_assert_int_eq(n, 9007199254740993);
	ck_assert_int_eq(js_type(js_get(root, "d")), JS_NONE);
	ck_assert_ptr_null(js_get(js_get(root, "d"), "e"));
	ck_assert_ptr_null(js_string(NULL, &len));
	js_free(root);
	js_free(NULL);
}
END_TEST

static const char *const refused[] = {
	"", " ", "{", "[", "{]", "{\"a\":1,\"a\":2}", "[1,]", "{\"a\":1,}",
	"'a'", "01", "1.", "+1", "nul", "\"\\ud800\"", "\"\\x\"", "\"\n\"",
	"{1:2}", "1 2", "[1e999]", "{\"a\" 1}", "\xff", "\"\xff\"",
};

START_TEST(what_is_no_json_is_refused_with_a_text)
{
	char error[JS_ERROR] = "";
	struct js *root;

	ck_assert_int_eq(js_parse(&root, refused[_i], strlen(refused[_i]),
				  error), -EBADMSG);
	ck_assert_uint_gt(strlen(error), 5);
}
END_TEST

START_TEST(integers_past_64_bits_are_read_as_doubles)
{
	static const char in[] = "[123456789012345678901234567890, 1]";
	char error[JS_ERROR];
	struct js *root;
	int64_t n;

	ck_assert_int_eq(js_parse(&root, in, strlen(in), error), 0);
	ck_assert(!js_int(js_at(root, 0), &n));
	ck_assert(js_int(js_at(root, 1), &n) && n == 1);
	js_free(root);
}
END_TEST

static void check_text(const char *in, size_t len, const char *want)
{
	struct text t = { 0 };

	text_json(&t, in, len);
	text_put(&t, "", 1);
	ck_assert_str_eq(t.at, want);
	text_fini(&t);
}

static void check_clean(const char *in, size_t len, const char *want)
{
	char text[64] = "";

	memcpy(text, in, len);
	text[len] = '!';
	text_clean(text, len);
	ck_assert_uint_eq(strlen(want), len);
	ck_assert_mem_eq(text, want, len);
	ck_assert_int_eq(text[len], '!');
}

START_TEST(texts_for_humans_are_cleaned)
{
	check_clean("", 0, "");
	check_clean("no codec in common", 18, "no codec in common");
	check_clean("a\0b\x1b[c\x7f\r\n", 9, "a?b?[c???");
	check_clean("\xc2\x80\xc2\x9f\xc2\xa0", 6, "????\xc2\xa0");
	check_clean("\xc3\xa9\xf0\x9f\x98\x80", 6,
		    "\xc3\xa9\xf0\x9f\x98\x80");
	check_clean("a\xff" "b\xc3", 4, "a?b?");
	check_clean("\xed\xa0\x80", 3, "???");
}
END_TEST

START_TEST(strings_are_written_as_json)
{
	check_text("", 0, "\"\"");
	check_text("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
	check_text("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
	check_text("\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\x7f\"");
	check_text("\xc3\xa9\xf0\x9f\x98\x80", 6,
		   "\"\xc3\xa9\xf0\x9f\x98\x80\"");
	check_text("a\xff" "b\xc3", 4, "\"a\xef\xbf\xbd" "b\xef\xbf\xbd\"");
	check_text("\xed\xa0\x80", 3,
		   "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	check_text(NULL, 0, "null");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("json");
	TCase *t = tcase_create("json");

	tcase_add_test(t, members_of_a_message_keep_their_form);
	tcase_add_test(t, everything_else_stays_as_it_is);
	tcase_add_test(t, limits_may_be_set);
	tcase_add_test(t, depth_members_and_strings_are_limited);
	tcase_add_test(t, a_tree_gives_what_stands_in_it);
	tcase_add_loop_test(t, what_is_no_json_is_refused_with_a_text, 0,
			    ARRAY_LEN(refused));
	tcase_add_test(t, integers_past_64_bits_are_read_as_doubles);
	tcase_add_test(t, texts_for_humans_are_cleaned);
	tcase_add_test(t, strings_are_written_as_json);
	suite_add_tcase(s, t);

	return suite_run(s);
}
