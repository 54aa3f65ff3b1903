/* test_http.c - HTTP/1.1 heads and chunked bodies: tables of good and bad */

#include "core/http/chunk.h"
#include "core/http/h1.h"
#include "signaling/http.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define H "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n"

enum { WHOLE = 0, MORE = 1 };	/* expectations beside a status */

static const struct head {
	const char *bytes;
	unsigned status;	/* of a refusal, or WHOLE or MORE */
} heads[] = {
	{ GET H "\r\n", WHOLE },
	{ "\r\n" GET H "\r\n", WHOLE },
	{ "GET / HTTP/1.0\r\n\r\n", WHOLE },
	{ "GET /a?b=c&d HTTP/1.1\r\n" H "\r\n", WHOLE },
	{ "GET http://a/b HTTP/1.1\r\n" H "\r\n", WHOLE },
	{ "GET HTTP://a/b HTTP/1.1\r\n" H "\r\n", WHOLE },
	{ "OPTIONS * HTTP/1.1\r\n" H "\r\n", WHOLE },
	{ "M-SEARCH / HTTP/1.1\r\n" H "\r\n", WHOLE },
	{ GET "host:a\r\n\r\n", WHOLE },
	{ GET "Host:   a\t \r\n\r\n", WHOLE },
	{ GET "Host:\r\n\r\n", WHOLE },
	{ GET H "A:\r\n\r\n", WHOLE },
	{ GET H "A: \xc3\xa9\r\n\r\n", WHOLE },
	{ GET H "A: b\tc\r\n\r\n", WHOLE },
	{ GET H "Content-Length: 0\r\n\r\n", WHOLE },
	{ GET H "Content-Length: 999999999999999999\r\n\r\n", WHOLE },
	{ GET H "Transfer-Encoding: Chunked\r\n\r\n", WHOLE },
	{ "", MORE },
	{ "G", MORE },
	{ "GET / HTTP/1.1", MORE },
	{ GET, MORE },
	{ GET H, MORE },
	{ GET H "\r", MORE },
	{ "\r", MORE },
	{ "\r\n", MORE },
	{ " GET / HTTP/1.1\r\n" H "\r\n", 400 },
	{ "\r\n\r\n" GET H "\r\n", 400 },
	{ "\x16\x03\x01", 400 },
	{ "GET / HTTP/1.1\n" H "\r\n", 400 },
	{ "GET /\r HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/1.1\r\r\n" H "\r\n", 400 },
	{ "GET  / HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/1.1 \r\n" H "\r\n", 400 },
	{ "GET /\r\n" H "\r\n", 400 },
	{ "GET HTTP/1.1\r\n" H "\r\n", 400 },
	{ "G(T / HTTP/1.1\r\n" H "\r\n", 400 },
	{ "ABCDEFGHIJKLMNOPQRSTUVWXY / HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET / http/1.1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/11.1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/2.0\r\n" H "\r\n", 505 },
	{ "GET / HTTP/1.2\r\n" H "\r\n", 505 },
	{ "GET a HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET * HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /#a HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET https://a/b HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET http:///b HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET http://a HTTP/1.1\r\n" H "\r\n", 400 },
	{ "CONNECT a:80 HTTP/1.1\r\n" H "\r\n", 400 },
	{ GET "\r\n", 400 },
	{ GET H H "\r\n", 400 },
	{ GET "Host: a/b\r\n\r\n", 400 },
	{ GET "Host: a b\r\n\r\n", 400 },
	{ GET "Host: a@b\r\n\r\n", 400 },
	{ GET "Host : a\r\n\r\n", 400 },
	{ GET H "A b: c\r\n\r\n", 400 },
	{ GET H ": c\r\n\r\n", 400 },
	{ GET H "A\r\n\r\n", 400 },
	{ GET H " A: b\r\n\r\n", 400 },
	{ GET H "A: b\r\n c\r\n\r\n", 400 },
	{ GET H "A: b\r\n\tc\r\n\r\n", 400 },
	{ GET H "A: \x01\r\n\r\n", 400 },
	{ GET H "A: \x7f\r\n\r\n", 400 },
	{ GET H "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400 },
	{ GET H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
	  400 },
	{ GET H "Content-Length: 1, 1\r\n\r\n", 400 },
	{ GET H "Content-Length: +1\r\n\r\n", 400 },
	{ GET H "Content-Length: -1\r\n\r\n", 400 },
	{ GET H "Content-Length: 0x1\r\n\r\n", 400 },
	{ GET H "Content-Length:\r\n\r\n", 400 },
	{ GET H "Content-Length: 1000000000000000000\r\n\r\n", 400 },
	{ GET H "Transfer-Encoding: gzip, chunked\r\n\r\n", 501 },
	{ GET H "Transfer-Encoding: identity\r\n\r\n", 501 },
	{ GET H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"
	  "\r\n\r\n", 400 },
	{ "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
};

START_TEST(a_head_is_judged_as_the_table_says)
{
	const struct head *t = &heads[_i];
	size_t len = strlen(t->bytes);
	struct h1_request r;
	int got = h1_parse_request(&r, t->bytes, len);

	if (t->status == WHOLE) {
		ck_assert_int_eq(got, (int)len);
	} else if (t->status == MORE) {
		ck_assert_int_eq(got, 0);
	} else {
		ck_assert_int_eq(got, -EBADMSG);
		ck_assert_uint_eq(r.status, t->status);
	}
}
END_TEST

START_TEST(a_good_head_that_is_cut_is_never_refused)
{
	const struct head *t = &heads[_i];
	size_t len = strlen(t->bytes);
	struct h1_request r;

	if (t->status > MORE)
		return;
	for (size_t cut = 0; cut < len; cut++)
		ck_assert_int_eq(h1_parse_request(&r, t->bytes, cut), 0);
}
END_TEST

START_TEST(a_nul_is_refused_wherever_it_stands)
{
	char bytes[] = GET H "\r\n";
	struct h1_request r;

	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		char kept = bytes[i];

		bytes[i] = '\0';
		ck_assert_int_eq(h1_parse_request(&r, bytes,
						  sizeof(bytes) - 1),
				 -EBADMSG);
		bytes[i] = kept;
	}
}
END_TEST

START_TEST(the_parts_of_a_request_are_found)
{
	static const char bytes[] =
		"POST /a?b HTTP/1.1\r\nHost: x:80\r\nContent-Length: 42\r\n"
		"Connection: foo , Keep-Alive\r\nA: one\r\na: two, three\r\n"
		"\r\nbody";
	struct h1_request r;
	int got = h1_parse_request(&r, bytes, sizeof(bytes) - 1);

	ck_assert_int_eq(got, (int)sizeof(bytes) - 5);
	ck_assert(h1_is(r.method, "POST") && h1_is(r.target, "/a?b"));
	ck_assert(h1_is(r.host, "x:80"));
	ck_assert_uint_eq(r.length, 42);
	ck_assert(r.keep_alive && !r.http10 && !r.chunked);
	ck_assert_uint_eq(r.headers_len, 5);
	ck_assert(h1_is(h1_find(r.headers, r.headers_len, "A"), "one"));
	ck_assert_uint_eq(h1_count(r.headers, r.headers_len, "a"), 2);
	ck_assert(h1_has_token(r.headers, r.headers_len, "a", "THREE"));
	ck_assert(!h1_has_token(r.headers, r.headers_len, "a", "thre"));
	ck_assert_ptr_null(h1_find(r.headers, r.headers_len, "b").at);
}
END_TEST

START_TEST(who_keeps_the_connection)
{
	static const struct {
		const char *bytes;
		bool keep;
	} t[] = {
		{ GET H "\r\n", true },
		{ GET H "Connection: close\r\n\r\n", false },
		{ GET H "Connection: Close, x\r\n\r\n", false },
		{ GET H "Connection: keep-alive, close\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true },
	};
	struct h1_request r;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		ck_assert_int_gt(h1_parse_request(&r, t[i].bytes,
						  strlen(t[i].bytes)), 0);
		ck_assert(r.keep_alive == t[i].keep);
	}
}
END_TEST

static int parse_filled(const char *before, char fill, size_t count,
			const char *after, unsigned *status)
{
	char *bytes = malloc(count + 200);
	size_t at = strlen(before);
	struct h1_request r;
	int got;

	memcpy(bytes, before, at);
	memset(bytes + at, fill, count);
	at += count;
	memcpy(bytes + at, after, strlen(after));
	at += strlen(after);
	got = h1_parse_request(&r, bytes, at);
	*status = r.status;
	free(bytes);

	return got;
}

START_TEST(a_head_of_8192_bytes_fits_and_one_more_does_not)
{
	static const char before[] = GET H "A: ", after[] = "\r\n\r\n";
	size_t fits = H1_HEAD_MAX - (sizeof(before) - 1) - (sizeof(after) - 1);
	unsigned status;

	ck_assert_int_eq(parse_filled(before, 'x', fits, after, &status),
			 H1_HEAD_MAX);
	ck_assert_int_eq(parse_filled(before, 'x', fits + 1, after, &status),
			 -EBADMSG);
	ck_assert_uint_eq(status, 431);
	ck_assert_int_eq(parse_filled("GET /", 'x', 9000, "", &status),
			 -EBADMSG);
	ck_assert_uint_eq(status, 431);
}
END_TEST

START_TEST(sixty_four_headers_fit_and_one_more_does_not)
{
	char bytes[2048] = GET H;
	struct h1_request r;

	for (int i = 1; i < H1_HEADERS_MAX; i++)
		strcat(bytes, "A: b\r\n");
	strcat(bytes, "\r\n");
	ck_assert_int_gt(h1_parse_request(&r, bytes, strlen(bytes)), 0);
	ck_assert_uint_eq(r.headers_len, H1_HEADERS_MAX);
	bytes[strlen(bytes) - 2] = '\0';
	strcat(bytes, "A: b\r\n\r\n");
	ck_assert_int_eq(h1_parse_request(&r, bytes, strlen(bytes)),
			 -EBADMSG);
	ck_assert_uint_eq(r.status, 431);
}
END_TEST

static const struct {
	const char *bytes;
	int code;	/* 0: more, -1: refused */
} responses[] = {
	{ "HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n", 101 },
	{ "HTTP/1.0 200 OK\r\n\r\n", 200 },
	{ "HTTP/1.1 404 \r\n\r\n", 404 },
	{ "HTTP/1.1 404\r\n\r\n", 404 },
	{ "HTTP/1.1 101 ", 0 },
	{ "H", 0 },
	{ "", 0 },
	{ "HTTP/1.1 099 x\r\n\r\n", -1 },
	{ "HTTP/1.1 1O1 x\r\n\r\n", -1 },
	{ "HTTP/1.1 1010 x\r\n\r\n", -1 },
	{ "HTTP/2.0 101 x\r\n\r\n", -1 },
	{ "HTTP/1.1  101 x\r\n\r\n", -1 },
	{ "HTTP/1.1 101 x\r\nA b\r\n\r\n", -1 },
	{ "HTTP/1.1 101 x\n\n", -1 },
	{ "ICY 200 OK\r\n\r\n", -1 },
};

START_TEST(a_response_is_judged_as_the_table_says)
{
	struct h1_response r;
	int got = h1_parse_response(&r, responses[_i].bytes,
				    strlen(responses[_i].bytes));

	if (responses[_i].code < 0) {
		ck_assert_int_eq(got, -EBADMSG);
		ck_assert_uint_eq(r.code, 0);
	} else if (responses[_i].code == 0) {
		ck_assert_int_eq(got, 0);
	} else {
		ck_assert_int_eq(got, (int)strlen(responses[_i].bytes));
		ck_assert_int_eq((int)r.code, responses[_i].code);
	}
}
END_TEST

START_TEST(an_answer_reads_back)
{
	struct h1_header headers[] = { { { "ETag", 4 }, { "\"x\"", 3 } } };
	struct h1_answer a = { .status = 200, .keep_alive = true,
			       .has_length = true, .length = 1234567890123,
			       .headers = headers, .headers_len = 1 };
	char bytes[256];
	struct buf_out out = buf_out(bytes, sizeof(bytes));
	struct h1_response r;

	h1_write_answer(&out, &a);
	ck_assert(!out.bad);
	ck_assert_int_eq(h1_parse_response(&r, bytes, buf_len(&out)),
			 (int)buf_len(&out));
	ck_assert_uint_eq(r.code, 200);
	ck_assert(h1_is(h1_find(r.headers, r.headers_len, "content-length"),
			"1234567890123"));
	ck_assert(h1_is(h1_find(r.headers, r.headers_len, "etag"), "\"x\""));
	ck_assert(h1_is(h1_find(r.headers, r.headers_len, "connection"),
			"keep-alive"));
	out = buf_out(bytes, 20);
	h1_write_answer(&out, &a);
	ck_assert(out.bad);
}
END_TEST

static const struct {
	const char *host, *origin, *list;
	bool ok;
} origins[] = {
	{ "a", NULL, NULL, true },
	{ "a", "http://a", NULL, true },
	{ "a", "https://a", NULL, true },
	{ "A", "http://a", NULL, true },
	{ "a:80", "http://a", NULL, false },
	{ "a:8080", "http://a:8080", NULL, true },
	{ "a:8080", "http://a:8081", NULL, false },
	{ "a", "http://b", NULL, false },
	{ "a", "http://ab", NULL, false },
	{ "a", "http://", NULL, false },
	{ "a", "a", NULL, false },
	{ "a", "null", NULL, false },
	{ "a", "", NULL, false },
	{ "a", "ftp://a", NULL, false },
	{ "a", "http://localhost", NULL, true },
	{ "a", "http://LOCALHOST:1", NULL, true },
	{ "a", "http://x.localhost:1", NULL, true },
	{ "a", "http://.localhost", NULL, false },
	{ "a", "http://127.0.0.1", NULL, true },
	{ "a", "http://127.9.9.9:1", NULL, true },
	{ "a", "http://127.0.0.1.b", NULL, false },
	{ "a", "http://127.0.0.1@b", NULL, false },
	{ "a", "http://128.0.0.1", NULL, false },
	{ "a", "http://[::1]", NULL, true },
	{ "a", "http://[::1]:80", NULL, true },
	{ "a", "http://[::2]", NULL, false },
	{ "a", "http://localhost.b", NULL, false },
	{ "a", "http://b", "http://b", true },
	{ "a", "http://b", "http://c,http://b", true },
	{ "a", "http://b", "http://bb,http://", false },
	{ "a", "null", "null", true },
	{ "a", "http://b", "*", true },
	{ "a", "http://b", "x,*", true },
	{ "a", "http://b", "", false },
};

START_TEST(an_origin_is_judged_as_the_table_says)
{
	char bytes[256] = GET "Host: ";
	struct http_request q = { 0 };
	struct h1_request r;

	strcat(strcat(bytes, origins[_i].host), "\r\n");
	if (origins[_i].origin)
		strcat(strcat(strcat(bytes, "Origin: "), origins[_i].origin),
		       "\r\n");
	strcat(bytes, "\r\n");
	ck_assert_int_gt(h1_parse_request(&r, bytes, strlen(bytes)), 0);
	q.headers = r.headers;
	q.headers_len = r.headers_len;
	q.host = r.host;
	ck_assert(http_origin_ok(&q, origins[_i].list) == origins[_i].ok);
}
END_TEST

/* body NULL: refused. open: the bytes are good, but not all. */
static const struct {
	const char *bytes, *body;
	bool open;
} chunks[] = {
	{ "0\r\n\r\n", "", false },
	{ "00\r\n\r\n", "", false },
	{ "00000000\r\n\r\n", "", false },
	{ "1\r\na\r\n0\r\n\r\n", "a", false },
	{ "3\r\nabc\r\n0\r\n\r\n", "abc", false },
	{ "a\r\n0123456789\r\n0\r\n\r\n", "0123456789", false },
	{ "A\r\n0123456789\r\n0\r\n\r\n", "0123456789", false },
	{ "0000000A\r\n0123456789\r\n0\r\n\r\n", "0123456789", false },
	{ "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc", false },
	{ "2\r\n\r\n\r\n0\r\n\r\n", "\r\n", false },
	{ "3\r\n0\r\n\r\n0\r\n\r\n", "0\r\n", false },
	{ "1;x\r\na\r\n0\r\n\r\n", "a", false },
	{ "1;x=y\r\na\r\n0\r\n\r\n", "a", false },
	{ "1;x=\"y z\";w\r\na\r\n0;last\r\n\r\n", "a", false },
	{ "1;\r\na\r\n0\r\n\r\n", "a", false },
	{ "1;\tx\r\na\r\n0\r\n\r\n", "a", false },
	{ "1; \xc3\xa9\r\na\r\n0\r\n\r\n", "a", false },
	{ "0\r\nA: b\r\n\r\n", "", false },
	{ "1\r\na\r\n0\r\nA: b\r\nC:d\r\n\r\n", "a", false },
	{ "0\r\nA:\r\n\r\n", "", false },
	{ "0\r\nA: b: c\r\n\r\n", "", false },
	{ "", "", true },
	{ "1", "", true },
	{ "1\r", "", true },
	{ "1\r\n", "", true },
	{ "1\r\na", "a", true },
	{ "1\r\na\r", "a", true },
	{ "1\r\na\r\n", "a", true },
	{ "1;x", "", true },
	{ "3\r\nab", "ab", true },
	{ "0", "", true },
	{ "0\r\n", "", true },
	{ "0\r\n\r", "", true },
	{ "0\r\nA", "", true },
	{ "0\r\nA: b", "", true },
	{ "0\r\nA: b\r", "", true },
	{ "0\r\nA: b\r\n", "", true },
	{ "ffffffff\r\nx", "x", true },
	{ "\r\n", NULL, false },
	{ "\n", NULL, false },
	{ " 1\r\na\r\n0\r\n\r\n", NULL, false },
	{ "1 \r\na\r\n0\r\n\r\n", NULL, false },
	{ "\t1\r\na\r\n0\r\n\r\n", NULL, false },
	{ "+1\r\na\r\n0\r\n\r\n", NULL, false },
	{ "-1\r\na\r\n0\r\n\r\n", NULL, false },
	{ "0x1\r\na\r\n0\r\n\r\n", NULL, false },
	{ "g\r\n", NULL, false },
	{ "1g\r\n", NULL, false },
	{ "1_0\r\n", NULL, false },
	{ "1,1\r\n", NULL, false },
	{ ";x\r\n", NULL, false },
	{ "000000001\r\na\r\n", NULL, false },
	{ "100000000\r\n", NULL, false },
	{ "fffffffffffffffff\r\n", NULL, false },
	{ "1\na\r\n0\r\n\r\n", NULL, false },
	{ "1\r\r\na\r\n", NULL, false },
	{ "1\rx", NULL, false },
	{ "1\r\nab\r\n0\r\n\r\n", NULL, false },
	{ "1\r\na\n0\r\n\r\n", NULL, false },
	{ "1\r\na0\r\n\r\n", NULL, false },
	{ "1\r\na\rx", NULL, false },
	{ "1\r\na\r\n\r\n", NULL, false },
	{ "1;\x01\r\na\r\n", NULL, false },
	{ "1;\x7f\r\na\r\n", NULL, false },
	{ "1;x\na\r\n", NULL, false },
	{ "0\r\n\n", NULL, false },
	{ "0\r\n\rx", NULL, false },
	{ "0\r\n A: b\r\n\r\n", NULL, false },
	{ "0\r\nA b: c\r\n\r\n", NULL, false },
	{ "0\r\nA\r\n\r\n", NULL, false },
	{ "0\r\n: b\r\n\r\n", NULL, false },
	{ "0\r\nA: b\n\r\n", NULL, false },
	{ "0\r\nA: b\r\n c\r\n\r\n", NULL, false },
	{ "0\r\nA: \x01\r\n\r\n", NULL, false },
	{ "0\r\nA: b\rc\r\n\r\n", NULL, false },
};

/* Bytes taken, or -EBADMSG. */
static int unchunk(const char *bytes, size_t len, size_t step, char *body,
		   bool *done)
{
	struct h1_chunks c = { 0 };
	size_t at = 0, out = 0;

	while (at < len && !c.done) {
		size_t part = len - at < step ? len - at : step;
		struct h1_span data;
		int n = h1_chunks_next(&c, bytes + at, part, &data);

		if (n < 0)
			return n;
		ck_assert(n > 0 && (size_t)n <= part);
		if (data.len)
			memcpy(body + out, data.at, data.len);
		out += data.len;
		at += (size_t)n;
	}
	body[out] = '\0';
	*done = c.done;

	return (int)at;
}

START_TEST(a_chunked_body_is_judged_as_the_table_says)
{
	size_t len = strlen(chunks[_i].bytes);

	for (size_t step = 1; step <= len + 1; step++) {
		char body[64];
		bool done = false;
		int got = unchunk(chunks[_i].bytes, len, step, body, &done);

		if (!chunks[_i].body) {
			ck_assert_int_eq(got, -EBADMSG);
			continue;
		}
		ck_assert_int_eq(got, (int)len);
		ck_assert_str_eq(body, chunks[_i].body);
		ck_assert(done == !chunks[_i].open);
	}
}
END_TEST

START_TEST(nothing_is_taken_behind_a_chunked_body)
{
	static const char bytes[] = "1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
	char body[64];
	bool done;

	ck_assert_int_eq(unchunk(bytes, sizeof(bytes) - 1, 99, body, &done),
			 11);
	ck_assert(done);
	ck_assert_int_eq(unchunk("0\r\n\r\n\0", 6, 99, body, &done), 5);
	ck_assert_int_eq(unchunk("1\0\r\n", 4, 99, body, &done), -EBADMSG);
}
END_TEST

/* Many short chunks, each with a piece of the extra bytes. */
static int unchunk_with(const char *before, const char *extra, size_t count,
			const char *after)
{
	size_t len = strlen(before) + count * strlen(extra) + strlen(after);
	char *bytes = malloc(len + 1), *body = malloc(len + 1);
	bool done = false;
	int got;

	strcpy(bytes, before);
	for (size_t i = 0, at = strlen(before); i < count;
	     i++, at += strlen(extra))
		strcpy(bytes + at, extra);
	strcat(bytes, after);
	got = unchunk(bytes, len, 1000, body, &done);
	free(bytes);
	free(body);

	return got < 0 ? got : done ? 1 : 0;
}

START_TEST(extensions_and_trailers_are_bounded_in_all)
{
	ck_assert_int_eq(unchunk_with("1;", "x", H1_CHUNK_EXTRA,
				      "\r\na\r\n0\r\n\r\n"), 1);
	ck_assert_int_eq(unchunk_with("1;", "x", H1_CHUNK_EXTRA + 1,
				      "\r\na\r\n0\r\n\r\n"), -EBADMSG);
	ck_assert_int_eq(unchunk_with("", "1;xxxxxxxx\r\na\r\n",
				      H1_CHUNK_EXTRA / 8, "0\r\n\r\n"), 1);
	ck_assert_int_eq(unchunk_with("", "1;xxxxxxxx\r\na\r\n",
				      H1_CHUNK_EXTRA / 8 + 1, "0\r\n\r\n"),
			 -EBADMSG);
	ck_assert_int_eq(unchunk_with("0\r\nA:", "x", H1_TRAILER_MAX - 4,
				      "\r\n\r\n"), 1);
	ck_assert_int_eq(unchunk_with("0\r\nA:", "x", H1_TRAILER_MAX - 3,
				      "\r\n\r\n"), -EBADMSG);
	ck_assert_int_eq(unchunk_with("", "1\r\na\r\n", 20000, "0\r\n\r\n"),
			 1);
}
END_TEST

START_TEST(a_chunk_is_written_as_it_is_read)
{
	static const struct {
		size_t len;
		const char *head;
	} t[] = {
		{ 1, "1\r\n" }, { 9, "9\r\n" }, { 10, "a\r\n" },
		{ 15, "f\r\n" }, { 16, "10\r\n" }, { 255, "ff\r\n" },
		{ 256, "100\r\n" }, { 262144, "40000\r\n" },
		{ 0xdeadbeef, "deadbeef\r\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char head[H1_CHUNK_HEAD + 1] = "";
		size_t len = h1_chunk_head(head, t[i].len);

		head[len] = '\0';
		ck_assert_str_eq(head, t[i].head);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http");
	TCase *t = tcase_create("h1");

	tcase_add_loop_test(t, a_head_is_judged_as_the_table_says, 0,
			    ARRAY_LEN(heads));
	tcase_add_loop_test(t, a_good_head_that_is_cut_is_never_refused, 0,
			    ARRAY_LEN(heads));
	tcase_add_test(t, a_nul_is_refused_wherever_it_stands);
	tcase_add_test(t, the_parts_of_a_request_are_found);
	tcase_add_test(t, who_keeps_the_connection);
	tcase_add_test(t, a_head_of_8192_bytes_fits_and_one_more_does_not);
	tcase_add_test(t, sixty_four_headers_fit_and_one_more_does_not);
	tcase_add_loop_test(t, a_response_is_judged_as_the_table_says, 0,
			    ARRAY_LEN(responses));
	tcase_add_test(t, an_answer_reads_back);
	tcase_add_loop_test(t, an_origin_is_judged_as_the_table_says, 0,
			    ARRAY_LEN(origins));
	tcase_add_loop_test(t, a_chunked_body_is_judged_as_the_table_says, 0,
			    ARRAY_LEN(chunks));
	tcase_add_test(t, nothing_is_taken_behind_a_chunked_body);
	tcase_add_test(t, extensions_and_trailers_are_bounded_in_all);
	tcase_add_test(t, a_chunk_is_written_as_it_is_read);
	suite_add_tcase(s, t);

	return suite_run(s);
}
