/* test_sig_options.c - the arguments and variables of signaling */

#include "signaling/options.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"

enum { ARGS = 24 };

static char error[SIG_ERROR];

static int parse(struct sig_options *o, const char *const *args)
{
	static char store[ARGS][400];
	char *argv[ARGS + 1] = { store[0] };
	int argc = 1;

	strcpy(store[0], "signaling");
	for (; args && args[argc - 1]; argc++)
		argv[argc] = strcpy(store[argc], args[argc - 1]);

	return sig_options_parse(o, argc, argv, error);
}

static const char *const plain[] = { "--listen", "127.0.0.1:1", NULL };

START_TEST(nothing_said_gives_the_limits_of_the_readme)
{
	struct sig_options o;

	ck_assert_int_eq(parse(&o, plain), 0);
	ck_assert_uint_eq(o.max_per_source, 32);
	ck_assert_uint_eq(o.limits.connect_rate, 10);
	ck_assert_uint_eq(o.max_connections, 4096);
	ck_assert_uint_eq(o.limits.startups_begin, 10);
	ck_assert_uint_eq(o.limits.startups_rate, 30);
	ck_assert_uint_eq(o.limits.startups_full, 100);
	ck_assert_uint_eq(o.messages_per_s, 50);
	ck_assert_uint_eq(o.offers_per_s, 2);
	ck_assert_uint_eq(o.sessions_per_subject, 4);
	ck_assert_uint_eq(o.limits.message_bytes, 65536);
	ck_assert_uint_eq(o.limits.streams, 100);
	ck_assert_uint_eq(o.limits.queue_bytes, 1048576);
	ck_assert_uint_eq(o.limits.queue_messages, 256);
	ck_assert_uint_eq(o.limits.tls_rate, 200);
	ck_assert_uint_eq(o.limits.tls_timeout_s, 5);
	ck_assert_uint_eq(o.limits.head_timeout_s, 5);
	ck_assert_uint_eq(o.limits.announce_timeout_s, 10);
	ck_assert_uint_eq(o.limits.ping_interval_s, 20);
	ck_assert_uint_eq(o.limits.tls_source_rate, 10);
	ck_assert_uint_eq(o.limits.head_bytes, 8192);
	ck_assert_uint_eq(o.limits.headers, 64);
	ck_assert_uint_eq(o.limits.body_bytes, 1048576);
	ck_assert_uint_eq(o.limits.body_timeout_s, 30);
	ck_assert_uint_eq(o.limits.http_idle_s, 15);
	ck_assert_uint_eq(o.limits.stall_timeout_s, 30);
	ck_assert_uint_eq(o.limits.fragments, 64);
	ck_assert_uint_eq(o.limits.ping_misses, 2);
	ck_assert_uint_eq(o.limits.h2_header_bytes, 16384);
	ck_assert_uint_eq(o.limits.continuations, 8);
	ck_assert_uint_eq(o.limits.h2_reset_rate, 20);
	ck_assert_uint_eq(o.limits.h2_control_rate, 200);
	ck_assert_uint_eq(o.limits.h2_window_rate, 2000);
	ck_assert_uint_eq(o.limits.h2_idle_s, 60);
	ck_assert_uint_eq(o.limits.json_depth, 16);
	ck_assert_uint_eq(o.limits.json_members, 256);
	ck_assert_uint_eq(o.limits.json_string_bytes, 49152);
	ck_assert_uint_eq(o.limits.batch, 16);
	ck_assert_uint_eq(o.limits.sdp_bytes, 32768);
	ck_assert_uint_eq(o.limits.sdp_lines, 1024);
	ck_assert_uint_eq(o.limits.breaches, 100);
	ck_assert_uint_eq(o.limits.whip_sessions, 2000);
	ck_assert_uint_eq(o.limits.whip_requests, 256);
	ck_assert_uint_eq(o.limits.whip_source_requests, 64);
	ck_assert_uint_eq(o.limits.whip_body_timeout_s, 10);
	ck_assert_uint_eq(o.limits.resume_s, 60);
	ck_assert_uint_eq(o.limits.candidates, 64);
	ck_assert_uint_eq(o.limits.candidate_rate, 8);
	ck_assert_uint_eq(o.turn_life_s, 3600);
	ck_assert(!o.auth_single_use && !o.auth_query);
	ck_assert_ptr_null(o.auth_secret);
}
END_TEST

START_TEST(a_scheme_says_how_an_address_is_served)
{
	const char *args[] = {
		"--tls-cert", "/c", "--tls-key", "/k", "--listen", "a:1",
		"--listen", "ws://b:2", "--listen", "wss://[::]:3",
		"--listen", "grpc://c:4", "--listen", "grpcs://0.0.0.0:5",
		NULL
	};
	static const struct {
		const char *host;
		unsigned port;
		bool tls, grpc;
	} right[] = { { "a", 1, false, false }, { "b", 2, false, false },
		      { "::", 3, true, false }, { "c", 4, false, true },
		      { "0.0.0.0", 5, true, true } };
	struct sig_options o;

	ck_assert_msg(parse(&o, args) == 0, "%s", error);
	ck_assert_uint_eq(o.listen_len, ARRAY_LEN(right));
	for (size_t i = 0; i < ARRAY_LEN(right); i++) {
		ck_assert_str_eq(o.listen[i].at.host, right[i].host);
		ck_assert_uint_eq(o.listen[i].at.port, right[i].port);
		ck_assert_int_eq(o.listen[i].tls, right[i].tls);
		ck_assert_int_eq(o.listen[i].grpc, right[i].grpc);
	}
}
END_TEST

START_TEST(variables_are_read_and_a_flag_wins)
{
	const char *args[] = { "--listen", "a:1", "--message-rate", "9",
			       NULL };
	struct sig_options o;

	setenv("WEBRTC_MESSAGE_RATE", "8", 1);
	setenv("WEBRTC_OFFER_RATE", "7", 1);
	setenv("WEBRTC_MAX_PER_SOURCE", "500", 1);
	setenv("WEBRTC_MAX_STARTUPS", "1:2:3", 1);
	setenv("WEBRTC_TURN_SERVERS", "turn:a:1,turns:b:2?transport=tcp", 1);
	setenv("WEBRTC_TURN_SECRET", "s", 1);
	setenv("WEBRTC_AUTH_QUERY_TOKEN", "true", 1);
	setenv("WEBRTC_ORIGINS", "", 1);
	ck_assert_msg(parse(&o, args) == 0, "%s", error);
	ck_assert_uint_eq(o.messages_per_s, 9);
	ck_assert_uint_eq(o.offers_per_s, 7);
	ck_assert_uint_eq(o.limits.connect_rate, 500);
	ck_assert_uint_eq(o.limits.startups_full, 3);
	ck_assert_uint_eq(o.turn_len, 2);
	ck_assert_str_eq(o.turn[1], "turns:b:2?transport=tcp");
	ck_assert(o.auth_query);
	ck_assert_ptr_null(o.origins);
}
END_TEST

#define SECRET "01234567890123456789012345678901"

/* Arguments behind --listen a:1, and a word of the one line. */
static const struct {
	const char *args[6];
	const char *word;
} wrong[] = {
	{ { "--listen", "a" }, "HOST:PORT" },
	{ { "--listen", "http://a:1" }, "HOST:PORT" },
	{ { "--listen", "wss://a:1" }, "WEBRTC_TLS_CERT" },
	{ { "--tls-cert", "/c" }, "one is set without the other" },
	{ { "--tls-key", "/c" }, "one is set without the other" },
	{ { "--auth-secret", "0123456789012345678901234567890" },
	  "32 bytes" },
	{ { "--auth-secret", SECRET, "--auth-public-key", "/p" },
	  "only one key" },
	{ { "--auth-token", "a b" }, "without spaces" },
	{ { "--auth-single-use", "yes" }, "true or false" },
	{ { "--turn-servers", "stun:a:1", "--turn-secret", "s" }, "turn:" },
	{ { "--turn-servers", "turn:a:1" }, "WEBRTC_TURN_SECRET" },
	{ { "--turn-servers", "turn:a:1\"", "--turn-secret", "s" },
	  "turn:" },
	{ { "--max-startups", "0:1:1" }, "BEGIN" },
	{ { "--max-startups", "1:1" }, "BEGIN" },
	{ { "--max-startups", "1:1:1x" }, "BEGIN" },
	{ { "--max-startups", "-1:1:1" }, "BEGIN" },
	{ { "--max-startups", "5:101:9" }, "BEGIN" },
	{ { "--offer-rate", "0" }, "1 to 10000000" },
	{ { "--offer-rate", "1.5" }, "1 to 10000000" },
	{ { "--resume-s", "601" }, "1 to 600" },
	{ { "--max-streams", "101" }, "1 to 100" },
	{ { "--max-head-bytes", "8193" }, "1024 to 8192" },
	{ { "--max-json-depth", "17" }, "4 to 16" },
	{ { "--max-sdp-bytes", "32769" }, "4096 to 32768" },
	{ { "--max-h2-header-bytes", "16385" }, "4096 to 16384" },
	{ { "--max-fragments", "0" }, "1 to 4096" },
	{ { "--ping-misses", "101" }, "1 to 100" },
	{ { "--nonsense", "1" }, "no such argument" },
	{ { "--web" }, "needs a value" },
};

START_TEST(what_is_wrong_is_one_line_without_a_secret)
{
	const char *args[ARGS] = { "--listen", "a:1" };
	struct sig_options o;

	for (int i = 0; i < 6; i++)
		args[2 + i] = wrong[_i].args[i];
	ck_assert_int_eq(parse(&o, args), -EINVAL);
	ck_assert_msg(strstr(error, wrong[_i].word) != NULL, "%s", error);
	ck_assert_ptr_null(strchr(error, '\n'));
	ck_assert_ptr_null(strstr(error, "0123456789"));
}
END_TEST

START_TEST(someone_must_be_served_or_joined)
{
	const char *join[] = { "--join", "wss://hub.example/x", NULL };
	struct sig_options o;

	ck_assert_int_eq(parse(&o, NULL), -EINVAL);
	ck_assert_int_eq(parse(&o, join), 0);
	ck_assert_str_eq(o.hub.host, "hub.example");
	ck_assert_uint_eq(o.hub.port, 443);
	ck_assert(o.hub_tls);
	ck_assert_str_eq(o.hub_path, "/x");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sig_options");
	TCase *t = tcase_create("all");

	tcase_add_test(t, nothing_said_gives_the_limits_of_the_readme);
	tcase_add_test(t, a_scheme_says_how_an_address_is_served);
	tcase_add_test(t, variables_are_read_and_a_flag_wins);
	tcase_add_loop_test(t, what_is_wrong_is_one_line_without_a_secret, 0,
			    (int)ARRAY_LEN(wrong));
	tcase_add_test(t, someone_must_be_served_or_joined);
	suite_add_tcase(s, t);

	return suite_run(s);
}
