/*
 * test_h1_conn.c - requests and answers on a connection: bodies, chunks,
 * pipelines, answers in time and out of it, deadlines, upgrades
 */

#include "tests/unit/h1_kit.h"
#include "tests/unit/suite.h"

#include <stdio.h>

#define HOST "Host: a\r\n"
#define UPGRADE "GET / HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n"            \
	"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"                \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static struct kit kit;

static void setup(void)
{
	kit_open(&kit);
}

static void teardown(void)
{
	kit_close(&kit);
}

static void answer_ok(struct kit_service *s)
{
	http_answer(s->x, 200, "text/plain", "fine", 4, NULL, 0);
	s->x = NULL;
}

/* As a stream does: its head leaves before the request is whole. */
static void answer_early(struct kit_service *s)
{
	struct http_head head = { .status = 200 };

	ck_assert_int_eq(http_head(s->x, &head), 0);
}

static bool says(const char *heard, const char *part)
{
	return strstr(heard, part) != NULL;
}

static unsigned times(const char *heard, const char *part)
{
	unsigned n = 0;

	for (; (heard = strstr(heard, part)); heard += strlen(part))
		n++;

	return n;
}

static const char *body_of(const char *heard)
{
	const char *end = strstr(heard, "\r\n\r\n");

	ck_assert_ptr_nonnull(end);

	return end + 4;
}

START_TEST(a_body_with_a_length_reaches_the_service_whole)
{
	const char *heard;

	kit_service.on_end = answer_ok;
	kit_say(&kit, "POST /svc/x?q=1 HTTP/1.1\r\n" HOST
		      "Content-Length: 5\r\n\r\nab");
	ck_assert_uint_eq(kit_service.begun, 1);
	ck_assert_uint_eq(kit_service.body_len, 2);
	ck_assert_uint_eq(kit_service.ended, 0);
	kit_say(&kit, "cde");
	ck_assert_uint_eq(kit_service.ended, 1);
	ck_assert_mem_eq(kit_service.body, "abcde", 5);
	ck_assert_str_eq(kit_service.path, "/svc/x");
	ck_assert_str_eq(kit_service.query, "q=1");
	ck_assert(kit_service.has_body && kit_service.has_length);
	ck_assert(kit_service.loopback && !kit_service.tls);
	ck_assert_uint_eq(kit_service.length, 5);
	ck_assert_uint_eq(kit_service.version, 11);
	heard = kit_hear(&kit, NULL);
	ck_assert(says(heard, "HTTP/1.1 200 OK\r\n"));
	ck_assert(says(heard, "Content-Length: 4\r\n"));
	ck_assert_str_eq(body_of(heard), "fine");
}
END_TEST

START_TEST(a_chunked_body_reaches_the_service_whole)
{
	static const char body[] = "2\r\nab\r\n3;x\r\ncde\r\n0\r\nT: u\r\n\r\n";

	kit_service.on_end = answer_ok;
	kit_say(&kit, "POST /svc HTTP/1.1\r\n" HOST
		      "Transfer-Encoding: chunked\r\n\r\n");
	ck_assert(kit_service.has_body && !kit_service.has_length);
	for (const char *at = body; *at; at++) {
		ck_assert_uint_eq(kit_service.ended, 0);
		kit_say_bytes(&kit, at, 1);
	}
	ck_assert_uint_eq(kit_service.ended, 1);
	ck_assert_uint_eq(kit_service.body_len, 5);
	ck_assert_mem_eq(kit_service.body, "abcde", 5);
	ck_assert(says(kit_hear(&kit, NULL), "200 OK"));
}
END_TEST

START_TEST(a_broken_chunk_is_answered_and_the_service_told)
{
	bool closed;

	kit_say(&kit, "POST /svc HTTP/1.1\r\n" HOST
		      "Transfer-Encoding: chunked\r\n\r\nx\r\n");
	ck_assert_uint_eq(kit_service.gone, 1);
	ck_assert(says(kit_hear(&kit, &closed), "HTTP/1.1 400 "));
	ck_assert(closed);
	ck_assert_uint_eq(kit.metrics.count[M_HTTP_BAD], 1);
}
END_TEST

START_TEST(too_much_body_is_refused)
{
	static char piece[65536 + 16];
	size_t head = (size_t)sprintf(piece, "10000\r\n");
	bool closed;

	memset(piece + head, 'x', 65536);
	memcpy(piece + head + 65536, "\r\n", 2);
	kit_say(&kit, "POST /svc HTTP/1.1\r\n" HOST
		      "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 17; i++)
		kit_say_bytes(&kit, piece, head + 65536 + 2);
	ck_assert_uint_eq(kit_service.gone, 1);
	ck_assert_uint_le(kit_service.body_len, 1048576);
	ck_assert(says(kit_hear(&kit, &closed), "HTTP/1.1 413 "));
	ck_assert(closed);
}
END_TEST

START_TEST(a_length_that_is_too_large_never_reaches_the_service)
{
	kit_say(&kit, "POST /svc HTTP/1.1\r\n" HOST
		      "Content-Length: 1048577\r\n\r\n");
	ck_assert_uint_eq(kit_service.begun, 0);
	ck_assert(says(kit_hear(&kit, NULL), "HTTP/1.1 413 "));
}
END_TEST

START_TEST(an_answer_before_the_end_of_the_request_drains_it)
{
	bool closed;

	kit_service.on_begin = answer_ok;
	kit_say(&kit, "POST /svc HTTP/1.1\r\n" HOST
		      "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
	ck_assert(says(kit_hear(&kit, &closed), "200 OK"));
	ck_assert(!closed);
	kit_say(&kit, "3\r\ncde\r\n0\r\n\r\nGET /svc/2 HTTP/1.1\r\n" HOST
		      "\r\n");
	ck_assert_uint_eq(kit_service.begun, 2);
	ck_assert_uint_eq(kit_service.body_len, 0);
	ck_assert_str_eq(kit_service.path, "/svc/2");
	ck_assert_str_eq(body_of(kit_hear(&kit, NULL)), "fine");
}
END_TEST

START_TEST(requests_in_one_packet_wait_for_each_other)
{
	const char *heard;

	kit_say(&kit, "GET /svc/1 HTTP/1.1\r\n" HOST "\r\n"
		      "GET /svc/2 HTTP/1.1\r\n" HOST "\r\n"
		      "GET /nope HTTP/1.1\r\n" HOST "\r\n");
	ck_assert_uint_eq(kit_service.begun, 1);
	ck_assert_str_eq(kit_hear(&kit, NULL), "");
	answer_ok(&kit_service);
	kit_run(&kit);
	ck_assert_uint_eq(kit_service.begun, 2);
	ck_assert_str_eq(kit_service.path, "/svc/2");
	ck_assert_uint_eq(times(kit_hear(&kit, NULL), "HTTP/1.1 "), 1);
	answer_ok(&kit_service);
	heard = kit_hear(&kit, NULL);
	ck_assert_uint_eq(times(heard, "HTTP/1.1 200"), 1);
	ck_assert_uint_eq(times(heard, "HTTP/1.1 404"), 1);
}
END_TEST

START_TEST(an_answer_without_a_length_is_chunked)
{
	struct h1_header trailer = { { "grpc-status", 11 }, { "0", 1 } };
	struct http_head head = { .status = 200 };
	const char *heard;

	kit_say(&kit, "GET /svc HTTP/1.1\r\n" HOST "\r\n");
	ck_assert_int_eq(http_head(kit_service.x, &head), 0);
	heard = kit_hear(&kit, NULL);
	ck_assert(says(heard, "Transfer-Encoding: chunked\r\n"));
	ck_assert(!says(heard, "Content-Length"));
	ck_assert_int_eq(http_body(kit_service.x, "hello", 5), 0);
	ck_assert_str_eq(kit_hear(&kit, NULL), "5\r\nhello\r\n");
	ck_assert_int_eq(http_body(kit_service.x, "", 0), 0);
	ck_assert_str_eq(kit_hear(&kit, NULL), "");
	ck_assert_int_eq(http_body(kit_service.x, "0123456789abcdef", 16), 0);
	ck_assert_int_eq(http_finish(kit_service.x, &trailer, 1), 0);
	ck_assert_str_eq(kit_hear(&kit, NULL), "10\r\n0123456789abcdef\r\n"
					       "0\r\ngrpc-status: 0\r\n\r\n");
	kit_say(&kit, "GET /svc HTTP/1.1\r\n" HOST "\r\n");
	ck_assert_uint_eq(kit_service.begun, 2);
}
END_TEST

START_TEST(http_1_0_gets_no_chunks_but_the_end)
{
	struct http_head head = { .status = 200 };
	const char *heard;
	bool closed;

	kit_say(&kit, "GET /svc HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	ck_assert_uint_eq(kit_service.version, 10);
	ck_assert_int_eq(http_head(kit_service.x, &head), 0);
	ck_assert_int_eq(http_body(kit_service.x, "hello", 5), 0);
	ck_assert_int_eq(http_finish(kit_service.x, NULL, 0), 0);
	heard = kit_hear(&kit, &closed);
	ck_assert(!says(heard, "chunked"));
	ck_assert(says(heard, "Connection: close\r\n"));
	ck_assert_str_eq(body_of(heard), "hello");
	ck_assert(closed);
}
END_TEST

START_TEST(http_1_0_may_keep_a_connection_with_a_length)
{
	bool closed;

	kit_service.on_end = answer_ok;
	kit_say(&kit, "GET /svc HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	ck_assert(says(kit_hear(&kit, &closed), "Connection: keep-alive\r\n"));
	ck_assert(!closed);
}
END_TEST

START_TEST(head_counts_a_body_and_sends_none)
{
	struct http_head head = { .status = 200, .has_length = true,
				  .length = 5 };
	const char *heard;

	kit_say(&kit, "HEAD /svc HTTP/1.1\r\n" HOST "\r\n");
	ck_assert(kit_service.x->head_only);
	ck_assert_int_eq(http_head(kit_service.x, &head), 0);
	ck_assert_int_eq(http_body(kit_service.x, "hello", 5), 0);
	ck_assert_int_eq(http_finish(kit_service.x, NULL, 0), 0);
	heard = kit_hear(&kit, NULL);
	ck_assert(says(heard, "Content-Length: 5\r\n"));
	ck_assert_str_eq(body_of(heard), "");
	kit_say(&kit, "HEAD /svc HTTP/1.1\r\n" HOST "\r\n");
	head.has_length = false;
	ck_assert_int_eq(http_head(kit_service.x, &head), 0);
	ck_assert_int_eq(http_body(kit_service.x, "hello", 5), 0);
	ck_assert_int_eq(http_finish(kit_service.x, NULL, 0), 0);
	heard = kit_hear(&kit, NULL);
	ck_assert(says(heard, "Connection: keep-alive\r\n"));
	ck_assert_str_eq(body_of(heard), "");
}
END_TEST

START_TEST(an_answer_of_nothing_but_a_head)
{
	static const struct {
		unsigned status;
		bool length;
	} t[] = { { 200, true }, { 201, true }, { 204, false },
		  { 304, false } };

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct http_head head = { .status = t[i].status,
					  .last = true };
		const char *heard;

		kit_say(&kit, "GET /svc HTTP/1.1\r\n" HOST "\r\n");
		ck_assert_int_eq(http_head(kit_service.x, &head), 0);
		heard = kit_hear(&kit, NULL);
		ck_assert(says(heard, "Content-Length: 0\r\n") == t[i].length);
		ck_assert(!says(heard, "chunked"));
	}
	ck_assert_uint_eq(kit_service.begun, ARRAY_LEN(t));
}
END_TEST

START_TEST(less_than_was_promised_ends_the_connection)
{
	struct http_head head = { .status = 200, .has_length = true,
				  .length = 5 };
	bool closed;

	kit_say(&kit, "GET /svc HTTP/1.1\r\n" HOST "\r\n");
	ck_assert_int_eq(http_head(kit_service.x, &head), 0);
	ck_assert_int_eq(http_body(kit_service.x, "hello!", 6), -EINVAL);
	ck_assert_int_eq(http_body(kit_service.x, "hell", 4), 0);
	ck_assert_int_lt(http_finish(kit_service.x, NULL, 0), 0);
	(void)kit_hear(&kit, &closed);
	ck_assert(closed);
	ck_assert_uint_eq(kit_service.gone, 0);
}
END_TEST

START_TEST(a_reset_drops_the_connection)
{
	bool closed;

	kit_say(&kit, "GET /svc HTTP/1.1\r\n" HOST "\r\n");
	http_reset(kit_service.x);
	ck_assert_str_eq(kit_hear(&kit, &closed), "");
	ck_assert(closed);
	ck_assert_uint_eq(kit_service.gone, 0);
}
END_TEST

START_TEST(a_client_that_goes_is_told_to_the_service)
{
	kit_say(&kit, "GET /svc HTTP/1.1\r\n" HOST "\r\n");
	close(kit.far);
	kit.far = -1;
	kit_run(&kit);
	ck_assert_uint_eq(kit_service.gone, 1);
	ck_assert(kit_service.lost);
	ck_assert_ptr_null(kit.door.first);
}
END_TEST

START_TEST(a_door_that_closes_loses_nobody)
{
	kit_say(&kit, "GET /svc HTTP/1.1\r\n" HOST "\r\n");
	door_close(&kit.door, kit.now);
	ck_assert_uint_eq(kit_service.gone, 1);
	ck_assert(!kit_service.lost);
}
END_TEST

START_TEST(a_client_that_does_not_read_stops_the_service_not_the_process)
{
	static char piece[32768];
	struct http_head head = { .status = 200 };
	size_t sent = 0;
	int err;

	memset(piece, 'x', sizeof(piece));
	kit_say(&kit, "GET /svc HTTP/1.1\r\n" HOST "\r\n");
	ck_assert_int_eq(http_head(kit_service.x, &head), 0);
	while ((err = http_body(kit_service.x, piece, sizeof(piece))) == 0) {
		sent += sizeof(piece);
		ck_assert_uint_lt(sent, 10000000);
	}
	ck_assert_int_eq(err, -ENOBUFS);
	ck_assert_uint_le(kit_service.x->transport->queued(kit_service.x),
			  HTTP_QUEUE_MAX + 64);
	ck_assert_uint_eq(kit_service.writable, 0);
	ck_assert_uint_eq(times(kit_hear(&kit, NULL), "8000\r\n"),
			  sent / sizeof(piece));
	ck_assert_uint_eq(kit_service.writable, 1);
	ck_assert_int_eq(http_body(kit_service.x, "y", 1), 0);
	ck_assert_int_eq(http_finish(kit_service.x, NULL, 0), 0);
	ck_assert_str_eq(kit_hear(&kit, NULL), "1\r\ny\r\n0\r\n\r\n");
}
END_TEST

START_TEST(a_client_that_never_reads_is_dropped)
{
	static char piece[32768];
	struct http_head head = { .status = 200 };

	kit_say(&kit, "GET /svc HTTP/1.1\r\n" HOST "\r\n");
	ck_assert_int_eq(http_head(kit_service.x, &head), 0);
	while (http_body(kit_service.x, piece, sizeof(piece)) == 0)
		;
	kit_pass(&kit, 29);
	ck_assert_uint_eq(kit_service.gone, 0);
	kit_pass(&kit, 3);
	ck_assert_uint_eq(kit_service.gone, 1);
	ck_assert_uint_eq(kit.metrics.count[M_SLOW_DROPPED], 1);
}
END_TEST

static void want_no_more(struct kit_service *s)
{
	s->x->transport->read(s->x, false);
	s->on_body = NULL;
}

START_TEST(a_service_that_is_full_stops_the_client)
{
	static char piece[131072];

	kit_service.on_body = want_no_more;
	kit_service.on_end = answer_ok;
	kit_say(&kit, "POST /svc HTTP/1.1\r\n" HOST
		      "Content-Length: 300000\r\n\r\nx");
	ck_assert_uint_eq(kit_service.body_len, 1);
	kit_say_bytes(&kit, piece, 60000);
	kit_say_bytes(&kit, piece, 60000);
	ck_assert_uint_eq(kit_service.body_len, 1);
	ck_assert_uint_le(kit.door.first->held_len, 2 * CONN_READ_BYTES);
	kit_service.x->transport->read(kit_service.x, true);
	kit_run(&kit);
	ck_assert_uint_eq(kit_service.body_len, 120001);
	kit_say_bytes(&kit, piece, 131072);
	kit_say_bytes(&kit, piece, 300000 - 120001 - 131072);
	ck_assert_uint_eq(kit_service.ended, 1);
	ck_assert_uint_eq(kit_service.body_len, 300000);
	ck_assert(says(kit_hear(&kit, NULL), "200 OK"));
}
END_TEST

START_TEST(continue_is_said_when_the_body_is_wanted)
{
	kit_service.on_end = answer_ok;
	kit_say(&kit, "POST /svc HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
		      "Content-Length: 1\r\n\r\n");
	ck_assert_str_eq(kit_hear(&kit, NULL), "HTTP/1.1 100 Continue\r\n\r\n");
	kit_say(&kit, "x");
	ck_assert(says(kit_hear(&kit, NULL), "200 OK"));
	/* Who is answered already is not asked for more. */
	kit_service.on_begin = answer_ok;
	kit_say(&kit, "POST /svc HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
		      "Content-Length: 1\r\n\r\n");
	ck_assert(!says(kit_hear(&kit, NULL), "100 Continue"));
	kit_say(&kit, "x");
	kit_say(&kit, "POST /svc HTTP/1.1\r\n" HOST "Expect: magic\r\n"
		      "Content-Length: 1\r\n\r\n");
	ck_assert(says(kit_hear(&kit, NULL), "HTTP/1.1 417 "));
}
END_TEST

/* It would stand in the middle of the answer. */
START_TEST(continue_is_not_said_in_an_answer)
{
	kit_service.on_begin = answer_early;
	kit_say(&kit, "POST /svc HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
		      "Content-Length: 1\r\n\r\n");
	ck_assert(!says(kit_hear(&kit, NULL), "100 Continue"));
}
END_TEST

/* What is sent, how long it waits, what comes then. */
static const struct {
	const char *bytes;
	int still, then;	/* seconds */
	const char *answer;
} deadlines[] = {
	{ "", 4, 2, "" },
	{ "G", 4, 2, "HTTP/1.1 408 " },
	{ "P", 4, 2, "" },	/* may be HTTP/2 */
	{ "GET / HTTP/1.1\r\n" HOST, 4, 2, "HTTP/1.1 408 " },
	{ "POST /svc HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\na", 29, 2,
	  "HTTP/1.1 408 " },
	{ "POST /svc HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\n\r\n1", 29, 2, "HTTP/1.1 408 " },
};

START_TEST(a_deadline_counts_in_all)
{
	bool closed;

	kit_say(&kit, deadlines[_i].bytes);
	kit_pass(&kit, deadlines[_i].still);
	ck_assert_str_eq(kit_hear(&kit, &closed), "");
	ck_assert(!closed);
	kit_pass(&kit, deadlines[_i].then);
	ck_assert(strncmp(kit_hear(&kit, &closed), deadlines[_i].answer,
			  strlen(deadlines[_i].answer)) == 0);
	ck_assert(closed);
}
END_TEST

START_TEST(a_byte_a_second_does_not_move_a_deadline)
{
	static const char head[] = "GET / HTTP/1.1\r\n" HOST "\r\n";
	bool closed = false;

	for (int i = 0; i < 7 && !closed; i++) {
		kit_say_bytes(&kit, head + i, 1);
		kit_pass(&kit, 1);
		if (says(kit_hear(&kit, &closed), "408"))
			ck_assert_int_ge(i, 4);
	}
	ck_assert(closed);
}
END_TEST

START_TEST(an_idle_connection_ends_and_a_waiting_one_stays)
{
	bool closed;

	kit_service.on_end = answer_ok;
	kit_say(&kit, "GET /svc HTTP/1.1\r\n" HOST "\r\n");
	(void)kit_hear(&kit, NULL);
	kit_service.on_end = NULL;
	kit_pass(&kit, 13);
	kit_say(&kit, "GET /svc HTTP/1.1\r\n" HOST "\r\n");
	kit_pass(&kit, 100);
	(void)kit_hear(&kit, &closed);
	ck_assert(!closed);
	ck_assert_uint_eq(kit_service.gone, 0);
	answer_ok(&kit_service);
	ck_assert(says(kit_hear(&kit, NULL), "200 OK"));
	kit_pass(&kit, 130);
	(void)kit_hear(&kit, &closed);
	ck_assert(closed);
}
END_TEST

START_TEST(an_idle_connection_ends_when_the_process_goes)
{
	bool closed;

	kit_service.on_end = answer_ok;
	kit_say(&kit, "GET /svc HTTP/1.1\r\n" HOST "\r\n");
	(void)kit_hear(&kit, NULL);
	door_farewell(&kit.door, kit.now);
	(void)kit_hear(&kit, &closed);
	ck_assert(closed);
}
END_TEST

START_TEST(an_answer_under_way_ends_before_the_process_goes)
{
	const char *heard;
	bool closed;

	kit_say(&kit, "GET /svc HTTP/1.1\r\n" HOST "\r\n");
	door_farewell(&kit.door, kit.now);
	(void)kit_hear(&kit, &closed);
	ck_assert(!closed);
	answer_ok(&kit_service);
	heard = kit_hear(&kit, &closed);
	ck_assert(says(heard, "Connection: close\r\n"));
	ck_assert_str_eq(body_of(heard), "fine");
	ck_assert(closed);
}
END_TEST

START_TEST(what_is_no_service_is_a_file_or_none)
{
	static const struct {
		const char *line, *status;
	} t[] = {
		{ "GET /x", "404" }, { "POST /x", "405" },
		{ "PUT /", "405" }, { "OPTIONS *", "204" },
		{ "OPTIONS /x", "204" }, { "HEAD /x", "404" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char bytes[128], want[32];
		const char *heard;

		sprintf(bytes, "%s HTTP/1.1\r\n" HOST "\r\n", t[i].line);
		sprintf(want, "HTTP/1.1 %s ", t[i].status);
		kit_say(&kit, bytes);
		heard = kit_hear(&kit, NULL);
		ck_assert_msg(says(heard, want), "%s: %s", t[i].line, heard);
		ck_assert(says(heard, "Allow: GET, HEAD, OPTIONS\r\n") ==
			  (t[i].status[0] == '2' || t[i].status[2] == '5'));
	}
}
END_TEST

START_TEST(the_handshakes_of_one_address_may_be_set)
{
	struct source_caps caps = { 9, 9, 9, 9, 2 };
	uint8_t address[16] = { 0x20, 1 };
	struct source_key key = source_key(address);
	struct sources *s;

	ck_assert_int_eq(sources_new(&s, &caps), 0);
	ck_assert_int_eq(sources_enter(s, key, mono_at(0)), 0);
	for (int i = 0; i < 4; i++)
		ck_assert(sources_handshake(s, key, mono_at(0)));
	ck_assert(!sources_handshake(s, key, mono_at(0)));
	ck_assert(sources_handshake(s, key, mono_at(500000)));
	ck_assert(!sources_handshake(s, key, mono_at(500000)));
	sources_free(s);
}
END_TEST

START_TEST(handshakes_of_one_address_are_counted)
{
	uint8_t address[16] = { 0x20, 1 };
	struct source_key key = source_key(address);
	struct sources *s = kit.door.sources;
	struct mono now = mono_at(0);

	ck_assert(!sources_handshake(s, key, now));	/* not there */
	ck_assert_int_eq(sources_enter(s, key, now), 0);
	for (int i = 0; i < 2 * SOURCE_TLS_PER_S; i++)
		ck_assert(sources_handshake(s, key, now));
	ck_assert(!sources_handshake(s, key, now));
	now = mono_add(now, 500000);
	for (int i = 0; i < SOURCE_TLS_PER_S / 2; i++)
		ck_assert(sources_handshake(s, key, now));
	ck_assert(!sources_handshake(s, key, now));
	sources_leave(s, key);
	/* What was spent is remembered, until it is there again. */
	sources_sweep(s, now);
	ck_assert_int_eq(sources_enter(s, key, now), 0);
	ck_assert(!sources_handshake(s, key, now));
	sources_leave(s, key);
}
END_TEST

START_TEST(bad_input_is_counted_each_time)
{
	kit_say(&kit, "GET / HTTP/1.1\r\nHost : a\r\n\r\n");
	ck_assert_uint_eq(kit.metrics.count[M_HTTP_BAD], 1);
	ck_assert_uint_eq(kit.door.bad_untold, 0);
	kit_pass(&kit, 5);
	ck_assert_ptr_null(kit.door.first);
}
END_TEST

/* WebSocket */

static const char *open_socket(const char *extra)
{
	char bytes[512];
	const char *heard;

	sprintf(bytes, UPGRADE "%s\r\n", extra);
	kit_say(&kit, bytes);
	heard = kit_hear(&kit, NULL);
	ck_assert_msg(says(heard, "HTTP/1.1 101 "), "%s", heard);
	ck_assert(says(heard, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));

	return heard;
}

/* A masked frame with a mask of zeros. */
static void say_frame(uint8_t first, const char *payload)
{
	uint8_t bytes[128] = { first, (uint8_t)(0x80 | strlen(payload)) };

	memcpy(bytes + 6, payload, strlen(payload));
	kit_say_bytes(&kit, bytes, 6 + strlen(payload));
}

START_TEST(a_text_comes_and_goes)
{
	open_socket("");
	say_frame(0x81, "echo");
	ck_assert_uint_eq(kit_talk.texts, 1);
	ck_assert_str_eq(kit_hear(&kit, NULL), "\x81\x04ohce");
	ck_assert_uint_eq(kit.door.websockets, 1);
	ck_assert_uint_eq(kit.metrics.count[M_WS_OPEN], 1);
}
END_TEST

START_TEST(a_binary_message_comes_and_goes)
{
	kit_talk.takes_binary = true;
	open_socket("");
	say_frame(0x82, "abc");
	ck_assert_uint_eq(kit_talk.binaries, 1);
	ck_assert_str_eq(kit_hear(&kit, NULL), "\x82\x03" "abc");
}
END_TEST

START_TEST(a_binary_message_that_nobody_wants_closes)
{
	open_socket("");
	say_frame(0x82, "abc");
	ck_assert(says(kit_hear(&kit, NULL), "\x03\xeb"));	/* 1003 */
	ck_assert_uint_eq(kit.metrics.count[M_WS_BAD], 1);
}
END_TEST

START_TEST(a_close_frame_is_a_farewell)
{
	bool closed;

	open_socket("");
	say_frame(0x88, "");
	ck_assert_mem_eq(kit_hear(&kit, &closed), "\x88\0", 2);
	ck_assert(closed);
	close(kit.far);
	kit.far = -1;
	kit_run(&kit);
	ck_assert_uint_eq(kit_talk.gone, 1);
	ck_assert(kit_talk.clean);
}
END_TEST

START_TEST(an_end_without_a_word_is_none)
{
	open_socket("");
	close(kit.far);
	kit.far = -1;
	kit_run(&kit);
	ck_assert_uint_eq(kit_talk.gone, 1);
	ck_assert(!kit_talk.clean);
}
END_TEST

START_TEST(a_close_of_ours_waits_for_the_far_end)
{
	bool closed;

	open_socket("");
	say_frame(0x81, "close");
	ck_assert(says(kit_hear(&kit, &closed), "asked"));
	ck_assert(!closed);
	kit_pass(&kit, 2);
	(void)kit_hear(&kit, &closed);
	ck_assert(!closed);
	kit_pass(&kit, 2);
	(void)kit_hear(&kit, &closed);
	ck_assert(closed);
	ck_assert_uint_eq(kit_talk.gone, 1);
	ck_assert(kit_talk.clean);
}
END_TEST

START_TEST(a_socket_that_says_nothing_is_closed)
{
	open_socket("");
	kit_pass(&kit, 9);
	ck_assert_str_eq(kit_hear(&kit, NULL), "");
	kit_pass(&kit, 2);
	ck_assert(says(kit_hear(&kit, NULL), "\x03\xf0"));	/* 1008 */
}
END_TEST

START_TEST(pings_that_nobody_answers_end_it)
{
	open_socket("");
	say_frame(0x81, "x");
	kit_pass(&kit, 41);
	ck_assert_mem_eq(kit_hear(&kit, NULL), "\x89\0\x89\0", 4);
	say_frame(0x8a, "");
	kit_pass(&kit, 45);
	ck_assert_uint_eq(kit_talk.gone, 0);
	kit_pass(&kit, 30);
	ck_assert_uint_eq(kit_talk.gone, 1);
	ck_assert(!kit_talk.clean);
}
END_TEST

START_TEST(who_does_not_read_is_closed_with_1013)
{
	static char text[32768];

	memset(text, 'x', sizeof(text));
	open_socket("");
	while (kit_talk.out.text(text, sizeof(text), kit_talk.out.arg) == 0)
		;
	ck_assert_uint_eq(kit.metrics.count[M_SLOW_DROPPED], 1);
	ck_assert_int_eq(kit_talk.out.text("x", 1, kit_talk.out.arg),
			 -ENOBUFS);
	kit_run(&kit);
	ck_assert_uint_eq(kit_talk.gone, 0);
	kit_pass(&kit, 4);
	ck_assert_uint_eq(kit_talk.gone, 1);
}
END_TEST

static const struct {
	const char *offer, *answer;
} protocols[] = {
	{ "", NULL },
	{ "Sec-WebSocket-Protocol: ours\r\n", "ours" },
	{ "Sec-WebSocket-Protocol: other\r\n", NULL },
	{ "Sec-WebSocket-Protocol: bearer.abc, ours\r\n", "ours" },
	{ "Sec-WebSocket-Protocol: ours\r\n"
	  "Sec-WebSocket-Protocol: bearer.abc\r\n", "ours" },
	{ "Sec-WebSocket-Protocol: bearer.abc\r\n", "bearer.abc" },
	{ "Sec-WebSocket-Protocol: bearer.abc, other\r\n", NULL },
};

START_TEST(a_subprotocol_is_chosen_from_what_was_offered)
{
	const char *heard = open_socket(protocols[_i].offer);
	char want[64];

	if (protocols[_i].answer) {
		sprintf(want, "Sec-WebSocket-Protocol: %s\r\n",
			protocols[_i].answer);
		ck_assert_msg(says(heard, want), "%s", heard);
	} else {
		ck_assert(!says(heard, "Sec-WebSocket-Protocol"));
	}
}
END_TEST

START_TEST(an_upgrade_may_be_refused)
{
	const char *heard;
	bool closed;

	kit_say(&kit, "GET /no HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n"
		      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
	heard = kit_hear(&kit, &closed);
	ck_assert(says(heard, "HTTP/1.1 401 "));
	ck_assert_ptr_nonnull(strstr(heard, "\r\nWWW-Authenticate: Bearer"));
	ck_assert(closed);
	ck_assert_uint_eq(kit_talk.gone, 0);
}
END_TEST

START_TEST(what_came_with_the_upgrade_is_not_lost)
{
	char bytes[512];
	size_t len = (size_t)sprintf(bytes, UPGRADE "\r\n");

	memcpy(bytes + len, "\x81\x84\0\0\0\0echo", 10);
	kit_say_bytes(&kit, bytes, len + 10);
	ck_assert_uint_eq(kit_talk.texts, 1);
	ck_assert(says(kit_hear(&kit, NULL), "\x81\x04ohce"));
}
END_TEST

START_TEST(the_ping_that_is_answered_is_the_last)
{
	open_socket("");
	kit_say_bytes(&kit, "\x89\x81\0\0\0\0a\x89\x81\0\0\0\0b", 14);
	ck_assert_str_eq(kit_hear(&kit, NULL), "\x8a\x01" "b");
	say_frame(0x89, "c");
	ck_assert_str_eq(kit_hear(&kit, NULL), "\x8a\x01" "c");
}
END_TEST

static void add_http(TCase *t)
{
	tcase_add_test(t, a_body_with_a_length_reaches_the_service_whole);
	tcase_add_test(t, a_chunked_body_reaches_the_service_whole);
	tcase_add_test(t, a_broken_chunk_is_answered_and_the_service_told);
	tcase_add_test(t, too_much_body_is_refused);
	tcase_add_test(t, a_length_that_is_too_large_never_reaches_the_service);
	tcase_add_test(t, an_answer_before_the_end_of_the_request_drains_it);
	tcase_add_test(t, requests_in_one_packet_wait_for_each_other);
	tcase_add_test(t, an_answer_without_a_length_is_chunked);
	tcase_add_test(t, http_1_0_gets_no_chunks_but_the_end);
	tcase_add_test(t, http_1_0_may_keep_a_connection_with_a_length);
	tcase_add_test(t, head_counts_a_body_and_sends_none);
	tcase_add_test(t, an_answer_of_nothing_but_a_head);
	tcase_add_test(t, less_than_was_promised_ends_the_connection);
	tcase_add_test(t, a_reset_drops_the_connection);
	tcase_add_test(t, a_client_that_goes_is_told_to_the_service);
	tcase_add_test(t, a_door_that_closes_loses_nobody);
	tcase_add_test(t,
		a_client_that_does_not_read_stops_the_service_not_the_process);
	tcase_add_test(t, a_client_that_never_reads_is_dropped);
	tcase_add_test(t, a_service_that_is_full_stops_the_client);
	tcase_add_test(t, continue_is_said_when_the_body_is_wanted);
	tcase_add_test(t, continue_is_not_said_in_an_answer);
	tcase_add_loop_test(t, a_deadline_counts_in_all, 0,
			    ARRAY_LEN(deadlines));
	tcase_add_test(t, a_byte_a_second_does_not_move_a_deadline);
	tcase_add_test(t, an_idle_connection_ends_and_a_waiting_one_stays);
	tcase_add_test(t, an_idle_connection_ends_when_the_process_goes);
	tcase_add_test(t, an_answer_under_way_ends_before_the_process_goes);
	tcase_add_test(t, what_is_no_service_is_a_file_or_none);
	tcase_add_test(t, the_handshakes_of_one_address_may_be_set);
	tcase_add_test(t, handshakes_of_one_address_are_counted);
	tcase_add_test(t, bad_input_is_counted_each_time);
}

static void add_websocket(TCase *t)
{
	tcase_add_test(t, a_text_comes_and_goes);
	tcase_add_test(t, a_binary_message_comes_and_goes);
	tcase_add_test(t, a_binary_message_that_nobody_wants_closes);
	tcase_add_test(t, a_close_frame_is_a_farewell);
	tcase_add_test(t, an_end_without_a_word_is_none);
	tcase_add_test(t, a_close_of_ours_waits_for_the_far_end);
	tcase_add_test(t, a_socket_that_says_nothing_is_closed);
	tcase_add_test(t, pings_that_nobody_answers_end_it);
	tcase_add_test(t, who_does_not_read_is_closed_with_1013);
	tcase_add_loop_test(t, a_subprotocol_is_chosen_from_what_was_offered,
			    0, ARRAY_LEN(protocols));
	tcase_add_test(t, an_upgrade_may_be_refused);
	tcase_add_test(t, what_came_with_the_upgrade_is_not_lost);
	tcase_add_test(t, the_ping_that_is_answered_is_the_last);
}

int main(void)
{
	Suite *s = suite_create("h1_conn");
	TCase *http = tcase_create("http");
	TCase *websocket = tcase_create("websocket");

	tcase_add_checked_fixture(http, setup, teardown);
	tcase_add_checked_fixture(websocket, setup, teardown);
	add_http(http);
	add_websocket(websocket);
	suite_add_tcase(s, http);
	suite_add_tcase(s, websocket);

	return suite_run(s);
}
