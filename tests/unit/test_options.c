/* test_options.c - settings from variables and flags, right and wrong */

#include "common/options.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"

/* "NAME=value" pairs of the environment under test. */
static const char *environment[8];

static const char *get(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(environment); i++)
		if (environment[i] &&
		    strncmp(environment[i], name, len) == 0 &&
		    environment[i][len] == '=')
			return environment[i] + len + 1;

	return NULL;
}

/* args: up to 4 arguments behind the program's name. */
static int parse(struct options *o, const char *const *args, char *error)
{
	/* Texts of *o live in argv, so it lives on. */
	static char store[5][64];
	char *argv[6] = { NULL };
	int argc = 1;

	argv[0] = strcpy(store[0], "program");
	for (int i = 0; i < 4 && args && args[i]; i++, argc++)
		argv[argc] = strcpy(store[argc], args[i]);

	return options_parse(o, argc, argv, get, error);
}

static struct options parsed(const char *variable, const char *const *args)
{
	struct options o;
	char error[OPTIONS_ERROR];

	environment[0] = variable;
	ck_assert_msg(parse(&o, args, error) == OPTIONS_RUN, "%s", error);
	ck_assert_str_eq(error, "");

	return o;
}

START_TEST(nothing_set_gives_the_standard)
{
	struct options o = parsed(NULL, NULL);

	ck_assert_int_eq(o.signaling, SIGNALING_LOCALHOST);
	ck_assert_str_eq(o.signaling_host, "localhost");
	ck_assert_uint_eq(o.signaling_port, 8080);
	ck_assert_str_eq(o.signaling_path, "/");
	ck_assert_uint_eq(o.max_peers, 10);
	ck_assert(o.data_channel);
	ck_assert_uint_eq(o.jitter_buffer_ms, 100);
	ck_assert_uint_eq(o.media_workers, 0);
	ck_assert(!o.public_networks);
	ck_assert_uint_eq(o.udp_port_min, 20000);
	ck_assert_uint_eq(o.udp_port_max, 29999);
	ck_assert_str_eq(o.manifest, "./examples/loopback.yaml");
	ck_assert_str_eq(o.log, "info");
	ck_assert_str_eq(o.run_dir, "");
	ck_assert_str_eq(o.web_dir, "./web");
}
END_TEST

static const struct {
	const char *url;
	enum signaling_place place;
	const char *host;
	unsigned port;
	const char *path;
} urls[] = {
	{ "ws://0.0.0.0:8080", SIGNALING_ANY_IPV4, "0.0.0.0", 8080, "/" },
	{ "ws://[::]:9000", SIGNALING_ANY_IPV6, "::", 9000, "/" },
	{ "ws://localhost:8080", SIGNALING_JOIN, "localhost", 8080, "/" },
	{ "ws://127.0.0.1:1", SIGNALING_JOIN, "127.0.0.1", 1, "/" },
	{ "ws://[::1]:65535/ws?x=1", SIGNALING_JOIN, "::1", 65535,
	  "/ws?x=1" },
	{ "ws://hub.example.org", SIGNALING_JOIN, "hub.example.org", 80,
	  "/" },
	{ "ws://hub.example.org/ws", SIGNALING_JOIN, "hub.example.org", 80,
	  "/ws" },
	{ "wss://hub.example.org/ws", SIGNALING_JOIN, "hub.example.org", 443,
	  "/ws" },
};

START_TEST(the_signaling_url_says_where)
{
	char variable[128];
	struct options o;

	snprintf(variable, sizeof(variable), "WEBRTC_SIGNALING_URL=%s",
		 urls[_i].url);
	o = parsed(variable, NULL);
	ck_assert_int_eq(o.signaling, urls[_i].place);
	ck_assert_str_eq(o.signaling_host, urls[_i].host);
	ck_assert_uint_eq(o.signaling_port, urls[_i].port);
	ck_assert_str_eq(o.signaling_path, urls[_i].path);
}
END_TEST

START_TEST(each_variable_reaches_its_field)
{
	ck_assert_uint_eq(parsed("WEBRTC_MAX_PEERS=1", NULL).max_peers, 1);
	ck_assert_uint_eq(parsed("WEBRTC_MAX_PEERS=10000", NULL).max_peers,
			  10000);
	ck_assert(!parsed("WEBRTC_ENABLE_DATA_CHANNEL=false", NULL)
			   .data_channel);
	ck_assert(parsed("WEBRTC_ENABLE_DATA_CHANNEL=1", NULL).data_channel);
	ck_assert_uint_eq(parsed("WEBRTC_JITTER_BUFFER_MS=500", NULL)
				  .jitter_buffer_ms, 500);
	ck_assert_uint_eq(parsed("WEBRTC_MEDIA_WORKERS=2", NULL)
				  .media_workers, 2);
	ck_assert(parsed("WEBRTC_PEER_NETWORKS=public", NULL)
			  .public_networks);
	ck_assert_str_eq(parsed("WEBRTC_PIPELINE_MANIFEST=/a b.json", NULL)
				 .manifest, "/a b.json");
	ck_assert_str_eq(parsed("WEBRTC_LOG=info,ice-worker=debug", NULL).log,
			 "info,ice-worker=debug");
	ck_assert_str_eq(parsed("RUST_LOG=warn", NULL).log, "warn");
	ck_assert_str_eq(parsed("WEBRTC_RUN_DIR=/r", NULL).run_dir, "/r");
	ck_assert_str_eq(parsed("WEBRTC_WEB_DIR=/w", NULL).web_dir, "/w");
	ck_assert_uint_eq(parsed("WEBRTC_UDP_PORTS=1024-1024", NULL)
				  .udp_port_max, 1024);
	ck_assert_uint_eq(parsed("WEBRTC_UDP_PORTS=30000-65535", NULL)
				  .udp_port_min, 30000);
}
END_TEST

/* What signaling gets, "" when nothing. */
static const char *passed(const struct options *o, const char *name)
{
	for (unsigned i = 0; i < o->pass_len; i++)
		if (strcmp(o->pass[i].name, name) == 0)
			return o->pass[i].value;

	return "";
}

START_TEST(what_signaling_reads_is_passed)
{
	const char *flags[] = { "--message-rate=7", "--message-rate=8",
				"--auth-single-use=yes", NULL };
	struct options o = parsed("WEBRTC_MESSAGE_RATE=6", flags);

	ck_assert_str_eq(passed(&o, "WEBRTC_MESSAGE_RATE"), "8");
	ck_assert_str_eq(passed(&o, "WEBRTC_AUTH_SINGLE_USE"), "true");
	ck_assert_str_eq(passed(&o, "WEBRTC_OFFER_RATE"), "2");
	ck_assert_str_eq(passed(&o, "WEBRTC_CONNECT_RATE"), "");
	ck_assert_str_eq(passed(&o, "WEBRTC_AUTH_SECRET"), "");
	ck_assert_uint_lt(o.pass_len, OPTIONS_PASS);
	environment[1] = "WEBRTC_TURN_SECRET=s";
	o = parsed("WEBRTC_TURN_SERVERS=turn:a:1,turns:[::1]:2?transport=tcp",
		   NULL);
	ck_assert_str_eq(passed(&o, "WEBRTC_TURN_SERVERS"),
			 "turn:a:1,turns:[::1]:2?transport=tcp");
	ck_assert_str_eq(passed(&o, "WEBRTC_TURN_SECRET"), "s");
	environment[1] = NULL;
}
END_TEST

START_TEST(every_setting_at_once_has_room)
{
	const char *all[] = { "--auth-issuer=i", "--auth-audience=a",
			      "--auth-token=t", "--connect-rate=5", NULL };
	struct options o;

	environment[1] = "WEBRTC_TLS_CERT=/c";
	environment[2] = "WEBRTC_TLS_KEY=/k";
	environment[3] = "WEBRTC_AUTH_SECRET=01234567890123456789012345678901";
	environment[4] = "WEBRTC_TURN_SERVERS=turn:a:1";
	environment[5] = "WEBRTC_TURN_SECRET=s";
	environment[6] = "WEBRTC_ORIGINS=*";
	o = parsed(NULL, all);
	ck_assert_str_eq(passed(&o, "WEBRTC_AUTH_TOKEN"), "t");
	ck_assert_str_eq(passed(&o, "WEBRTC_TLS_CERT"), "/c");
	ck_assert_str_eq(o.tls_cert, "/c");
	ck_assert_str_eq(o.tls_key, "/k");
	ck_assert(o.signaling_tls);
	/* auth-public-key is the one that cannot be there, too. */
	ck_assert_uint_lt(o.pass_len + 1, OPTIONS_PASS);
}
END_TEST

/* URL, gRPC variables, certificate -> where what is served */
static const struct {
	const char *url, *mode, *address, *enable;
	bool cert, websocket, tls;
	const char *grpc_host;
	unsigned grpc_port;
} places[] = {
	{ "", "", "", "", false, true, false, "0.0.0.0", 0 },
	{ "", "", "", "", true, true, true, "0.0.0.0", 0 },
	{ "ws://0.0.0.0:1", "", "", "", true, true, false, "0.0.0.0", 0 },
	{ "wss://0.0.0.0:1", "", "", "", true, true, true, "0.0.0.0", 0 },
	{ "", "", "", "true", false, true, false, "0.0.0.0", 50051 },
	{ "", "", "", "false", false, true, false, "0.0.0.0", 0 },
	{ "", "", "127.0.0.1:7", "", false, true, false, "127.0.0.1", 7 },
	{ "", "", "[::1]:7", "true", false, true, false, "::1", 7 },
	{ "", "grpc", "", "", false, false, false, "0.0.0.0", 50051 },
	{ "ws://[::]:1", "grpc", "h:9", "", false, false, false, "h", 9 },
	{ "", "websocket", "", "", false, true, false, "0.0.0.0", 0 },
};

START_TEST(the_addresses_that_are_served)
{
	char text[4][80];
	struct options o;

	snprintf(text[0], 80, "WEBRTC_SIGNALING_URL=%s", places[_i].url);
	snprintf(text[1], 80, "WEBRTC_MODE=%s", places[_i].mode);
	snprintf(text[2], 80, "GRPC_SIGNALING_ADDRESS=%s", places[_i].address);
	snprintf(text[3], 80, "WEBRTC_ENABLE_GRPC_SIGNALING=%s",
		 places[_i].enable);
	for (int i = 0; i < 4; i++)
		environment[1 + i] = text[i];
	environment[5] = places[_i].cert ? "WEBRTC_TLS_CERT=/c" : NULL;
	environment[6] = places[_i].cert ? "WEBRTC_TLS_KEY=/k" : NULL;
	o = parsed(NULL, NULL);
	ck_assert_int_eq(o.websocket, places[_i].websocket);
	ck_assert_int_eq(o.signaling_tls, places[_i].tls);
	ck_assert_str_eq(o.grpc_host, places[_i].grpc_host);
	ck_assert_uint_eq(o.grpc_port, places[_i].grpc_port);
}
END_TEST

START_TEST(our_own_name_beats_its_alias)
{
	environment[1] = "RUST_LOG=debug";
	ck_assert_str_eq(parsed("WEBRTC_LOG=error", NULL).log, "error");
	ck_assert_str_eq(parsed("WEBRTC_LOG=", NULL).log, "debug");
}
END_TEST

START_TEST(a_flag_beats_a_variable)
{
	const char *apart[] = { "--max-peers", "20", NULL };
	const char *joined[] = { "--max-peers=30", "--enable-data-channel",
				 "false", NULL };

	ck_assert_uint_eq(parsed("WEBRTC_MAX_PEERS=5", apart).max_peers, 20);
	ck_assert_uint_eq(parsed("WEBRTC_MAX_PEERS=5", joined).max_peers, 30);
	ck_assert(!parsed(NULL, joined).data_channel);
}
END_TEST

START_TEST(an_empty_variable_is_an_absent_one)
{
	ck_assert_uint_eq(parsed("WEBRTC_MAX_PEERS=", NULL).max_peers, 10);
	ck_assert_str_eq(parsed("WEBRTC_TURN_SERVERS=", NULL).log, "info");
}
END_TEST

START_TEST(harmless_values_of_later_features_are_taken)
{
	const char *mode[] = { "-m", "websocket", NULL };

	parsed("WEBRTC_ENABLE_GRPC_SIGNALING=false", mode);
	parsed("WEBRTC_MODE=websocket", NULL);
	parsed("WEBRTC_MEDIA_ISOLATION=core", NULL);
	parsed("WEBRTC_AUTH_MODE=none", NULL);
}
END_TEST

/* A variable, or flags, and the one line of the answer. */
static const struct {
	const char *variable;
	const char *args[4];
	const char *error;
} wrong[] = {
	{ "WEBRTC_MAX_PEERS=0", { NULL },
	  "WEBRTC_MAX_PEERS=0: allowed is 1 to 10000" },
	{ "WEBRTC_MAX_PEERS=10001", { NULL },
	  "WEBRTC_MAX_PEERS=10001: allowed is 1 to 10000" },
	{ "WEBRTC_MAX_PEERS=99999999999999999999", { NULL },
	  "WEBRTC_MAX_PEERS=99999999999999999999: allowed is 1 to 10000" },
	{ "WEBRTC_MAX_PEERS=ten", { NULL },
	  "WEBRTC_MAX_PEERS=ten: allowed is 1 to 10000" },
	{ "WEBRTC_MAX_PEERS= 5", { NULL },
	  "WEBRTC_MAX_PEERS= 5: allowed is 1 to 10000" },
	{ "WEBRTC_MAX_PEERS=-1", { NULL },
	  "WEBRTC_MAX_PEERS=-1: allowed is 1 to 10000" },
	{ "WEBRTC_MAX_PEERS=5\n", { NULL },
	  "WEBRTC_MAX_PEERS=5?: allowed is 1 to 10000" },
	{ NULL, { "--max-peers", "0", NULL },
	  "--max-peers=0: allowed is 1 to 10000" },
	{ NULL, { "--max-peers=", NULL },
	  "--max-peers=: allowed is 1 to 10000" },
	{ NULL, { "--max-peers", NULL },
	  "--max-peers: a value is missing, allowed is 1 to 10000" },
	{ "WEBRTC_ENABLE_DATA_CHANNEL=maybe", { NULL },
	  "WEBRTC_ENABLE_DATA_CHANNEL=maybe: allowed is true or false" },
	{ "WEBRTC_JITTER_BUFFER_MS=19", { NULL },
	  "WEBRTC_JITTER_BUFFER_MS=19: allowed is 20 to 500" },
	{ "WEBRTC_JITTER_BUFFER_MS=501", { NULL },
	  "WEBRTC_JITTER_BUFFER_MS=501: allowed is 20 to 500" },
	{ "WEBRTC_MEDIA_WORKERS=0", { NULL },
	  "WEBRTC_MEDIA_WORKERS=0: allowed is 1 to 256" },
	{ "WEBRTC_PEER_NETWORKS=private", { NULL },
	  "WEBRTC_PEER_NETWORKS=private: allowed is any|public" },
	{ "WEBRTC_PEER_NETWORKS=an", { NULL },
	  "WEBRTC_PEER_NETWORKS=an: allowed is any|public" },
	{ "WEBRTC_UDP_PORTS=20000", { NULL },
	  "WEBRTC_UDP_PORTS=20000: allowed is FIRST-LAST within 1024 to "
	  "65535" },
	{ "WEBRTC_UDP_PORTS=30000-20000", { NULL },
	  "WEBRTC_UDP_PORTS=30000-20000: allowed is FIRST-LAST within 1024 "
	  "to 65535" },
	{ "WEBRTC_UDP_PORTS=1000-2000", { NULL },
	  "WEBRTC_UDP_PORTS=1000-2000: allowed is FIRST-LAST within 1024 to "
	  "65535" },
	{ "WEBRTC_LOG=loud", { NULL },
	  "WEBRTC_LOG=loud: allowed is LEVEL or LEVEL,PROCESS=LEVEL,... with "
	  "error, warn, info, debug" },
	{ "WEBRTC_SIGNALING_URL=http://x", { NULL },
	  "WEBRTC_SIGNALING_URL=http://x: allowed is ws:// or wss://HOST"
	  "[:PORT][/PATH]"
	  ", PORT 1 to 65535" },
	{ "WEBRTC_SIGNALING_URL=ws://", { NULL },
	  "WEBRTC_SIGNALING_URL=ws://: allowed is ws:// or wss://HOST"
	  "[:PORT][/PATH]"
	  ", PORT 1 to 65535" },
	{ "WEBRTC_SIGNALING_URL=ws://a:0", { NULL },
	  "WEBRTC_SIGNALING_URL=ws://a:0: allowed is "
	  "ws:// or wss://HOST[:PORT][/PATH]"
	  ", PORT 1 to 65535" },
	{ "WEBRTC_SIGNALING_URL=ws://a:70000", { NULL },
	  "WEBRTC_SIGNALING_URL=ws://a:70000: allowed is "
	  "ws:// or wss://HOST[:PORT][/PATH]"
	  ", PORT 1 to 65535" },
	{ "WEBRTC_SIGNALING_URL=ws://a:", { NULL },
	  "WEBRTC_SIGNALING_URL=ws://a:: allowed is "
	  "ws:// or wss://HOST[:PORT][/PATH]"
	  ", PORT 1 to 65535" },
	{ "WEBRTC_SIGNALING_URL=ws://[::1", { NULL },
	  "WEBRTC_SIGNALING_URL=ws://[::1: allowed is "
	  "ws:// or wss://HOST[:PORT][/PATH]"
	  ", PORT 1 to 65535" },
	{ "WEBRTC_SIGNALING_URL=ws://u@h", { NULL },
	  "WEBRTC_SIGNALING_URL=ws://u@h: allowed is "
	  "ws:// or wss://HOST[:PORT][/PATH]"
	  ", PORT 1 to 65535" },
	{ "WEBRTC_SIGNALING_URL=wss://0.0.0.0:1", { NULL },
	  "WEBRTC_SIGNALING_URL=wss://...: needs WEBRTC_TLS_CERT and "
	  "WEBRTC_TLS_KEY" },
	{ "WEBRTC_ENABLE_GRPC_SIGNALING=x", { NULL },
	  "WEBRTC_ENABLE_GRPC_SIGNALING=x: allowed is true or false" },
	{ "GRPC_SIGNALING_ADDRESS=0.0.0.0", { NULL },
	  "GRPC_SIGNALING_ADDRESS=0.0.0.0: allowed is HOST:PORT or "
	  "[IPV6]:PORT" },
	{ "GRPC_SIGNALING_ADDRESS=a:0", { NULL },
	  "GRPC_SIGNALING_ADDRESS=a:0: allowed is HOST:PORT or "
	  "[IPV6]:PORT" },
	{ "GRPC_SIGNALING_ADDRESS=a:1/", { NULL },
	  "GRPC_SIGNALING_ADDRESS=a:1/: allowed is HOST:PORT or "
	  "[IPV6]:PORT" },
	{ NULL, { "-m", "quic", NULL },
	  "--mode=quic: allowed is websocket|grpc" },
	{ "WEBRTC_SIGNALING_URL=ws://hub", { "-m", "grpc", NULL },
	  "WEBRTC_MODE=grpc: serves, but WEBRTC_SIGNALING_URL names a hub to "
	  "join" },
	{ "WEBRTC_SIGNALING_URL=ws://hub",
	  { "--grpc-address", "[::]:5", NULL },
	  "GRPC_SIGNALING_ADDRESS: nothing is served when "
	  "WEBRTC_SIGNALING_URL names a hub to join" },
	{ "WEBRTC_STUN_SERVERS=stun:a:1", { NULL },
	  "WEBRTC_STUN_SERVERS=stun:a:1: not available yet" },
	{ "WEBRTC_TURN_SERVERS=turn:a:1:u:p", { NULL },
	  "WEBRTC_TURN_SERVERS=...: not available yet, allowed is "
	  "turn:HOST:PORT[?transport=udp|tcp],... at most 8" },
	{ "WEBRTC_TURN_SERVERS=stun:a:1", { NULL },
	  "WEBRTC_TURN_SERVERS=stun:a:1: allowed is "
	  "turn:HOST:PORT[?transport=udp|tcp],... at most 8" },
	{ "WEBRTC_TURN_SERVERS=turn:a", { NULL },
	  "WEBRTC_TURN_SERVERS=turn:a: allowed is "
	  "turn:HOST:PORT[?transport=udp|tcp],... at most 8" },
	{ "WEBRTC_TURN_SERVERS=turn:a:1,", { NULL },
	  "WEBRTC_TURN_SERVERS=turn:a:1,: allowed is "
	  "turn:HOST:PORT[?transport=udp|tcp],... at most 8" },
	{ "WEBRTC_TURN_SERVERS=turn:a:1", { NULL },
	  "WEBRTC_TURN_SERVERS: needs WEBRTC_TURN_SECRET" },
	{ "WEBRTC_TLS_CERT=/c", { NULL },
	  "WEBRTC_TLS_CERT: needs WEBRTC_TLS_KEY, too" },
	{ "WEBRTC_TLS_KEY=/k", { NULL },
	  "WEBRTC_TLS_KEY: needs WEBRTC_TLS_CERT, too" },
	{ "WEBRTC_AUTH_SECRET=0123456789012345678901234567890", { NULL },
	  "WEBRTC_AUTH_SECRET=...: allowed is a text of 32 to 4096 bytes" },
	{ "WEBRTC_AUTH_SECRET=01234567890123456789012345678901",
	  { "--auth-public-key=/p", NULL },
	  "WEBRTC_AUTH_SECRET and WEBRTC_AUTH_PUBLIC_KEY: only one of them" },
	{ "WEBRTC_AUTH_TOKEN=a\r\nX: y", { NULL },
	  "WEBRTC_AUTH_TOKEN=...: allowed is a token of 4096 bytes at "
	  "most" },
	{ "WEBRTC_AUTH_MODE=token", { NULL },
	  "WEBRTC_AUTH_MODE=token: needs WEBRTC_AUTH_SECRET or "
	  "WEBRTC_AUTH_PUBLIC_KEY" },
	{ "WEBRTC_AUTH_MODE=jwt", { NULL },
	  "WEBRTC_AUTH_MODE=jwt: allowed is none|token" },
	{ "WEBRTC_AUTH_SINGLE_USE=2", { NULL },
	  "WEBRTC_AUTH_SINGLE_USE=2: allowed is true or false" },
	{ "WEBRTC_MAX_STARTUPS=10:30", { NULL },
	  "WEBRTC_MAX_STARTUPS=10:30: allowed is BEGIN:PERCENT:FULL" },
	{ "WEBRTC_MAX_STARTUPS=10:101:100", { NULL },
	  "WEBRTC_MAX_STARTUPS=10:101:100: allowed is BEGIN:PERCENT:FULL" },
	{ "WEBRTC_MAX_STARTUPS=11:30:10", { NULL },
	  "WEBRTC_MAX_STARTUPS=11:30:10: allowed is BEGIN:PERCENT:FULL" },
	{ "WEBRTC_MAX_STARTUPS=1:3:10:2", { NULL },
	  "WEBRTC_MAX_STARTUPS=1:3:10:2: allowed is BEGIN:PERCENT:FULL" },
	{ "WEBRTC_MESSAGE_RATE=0", { NULL },
	  "WEBRTC_MESSAGE_RATE=0: allowed is 1 to 10000000" },
	{ "WEBRTC_MAX_MESSAGE_BYTES=65537", { NULL },
	  "WEBRTC_MAX_MESSAGE_BYTES=65537: allowed is 4096 to 65536" },
	{ "WEBRTC_MEDIA_ISOLATION=peer", { NULL },
	  "WEBRTC_MEDIA_ISOLATION=peer: not available yet, allowed is core" },
	{ NULL, { "--nonsense", "1", NULL },
	  "--nonsense: unknown argument; --help lists them" },
	{ NULL, { "extra", NULL },
	  "extra: unknown argument; --help lists them" },
	{ NULL, { "--", NULL }, "--: unknown argument; --help lists them" },
};

START_TEST(a_wrong_value_is_one_line_that_names_it)
{
	struct options o;
	char error[OPTIONS_ERROR];

	environment[0] = wrong[_i].variable;
	ck_assert_int_eq(parse(&o, wrong[_i].args, error), -EINVAL);
	ck_assert_str_eq(error, wrong[_i].error);
}
END_TEST

START_TEST(a_long_value_is_cut_in_the_message)
{
	static char variable[5000] = "WEBRTC_SIGNALING_URL=ws://";
	struct options o;
	char error[OPTIONS_ERROR];

	memset(variable + strlen(variable), 'a', 4000);
	environment[0] = variable;
	ck_assert_int_eq(parse(&o, NULL, error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "aaa...: allowed is ws:// or "));
}
END_TEST

START_TEST(help_names_every_setting)
{
	static const char *const names[] = {
		"--signaling-url, WEBRTC_SIGNALING_URL\n",
		"--log, WEBRTC_LOG, RUST_LOG\n", "--udp-ports",
		"allowed: 1 to 10000; default: 10\n", "WEBRTC_RUN_DIR",
		"WEBRTC_STUN_SERVERS", "not available yet", "--version",
	};
	const char *args[] = { "--max-peers", "x", "--help", NULL };
	const char *version[] = { "-V", NULL };
	struct options o;
	char error[OPTIONS_ERROR], *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_int_eq(parse(&o, args, error), OPTIONS_HELP);
	ck_assert_int_eq(parse(&o, version, error), OPTIONS_VERSION);
	ck_assert_uint_gt(strlen(options_version()), 0);
	options_help(f, "webrtc_server");
	fclose(f);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_msg(strstr(text, names[i]) != NULL, "%s", names[i]);
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("options");
	TCase *t = tcase_create("all");

	tcase_add_test(t, nothing_set_gives_the_standard);
	tcase_add_loop_test(t, the_signaling_url_says_where, 0,
			    (int)ARRAY_LEN(urls));
	tcase_add_test(t, each_variable_reaches_its_field);
	tcase_add_test(t, what_signaling_reads_is_passed);
	tcase_add_test(t, every_setting_at_once_has_room);
	tcase_add_loop_test(t, the_addresses_that_are_served, 0,
			    (int)ARRAY_LEN(places));
	tcase_add_test(t, our_own_name_beats_its_alias);
	tcase_add_test(t, a_flag_beats_a_variable);
	tcase_add_test(t, an_empty_variable_is_an_absent_one);
	tcase_add_test(t, harmless_values_of_later_features_are_taken);
	tcase_add_loop_test(t, a_wrong_value_is_one_line_that_names_it, 0,
			    (int)ARRAY_LEN(wrong));
	tcase_add_test(t, a_long_value_is_cut_in_the_message);
	tcase_add_test(t, help_names_every_setting);
	suite_add_tcase(s, t);

	return suite_run(s);
}
