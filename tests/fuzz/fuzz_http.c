/*
 * fuzz_http.c - HTTP/1.1: heads of both sides, chunks, what is decided by them
 *
 * A head that is whole must be whole at that length again, and no shorter
 * piece of it may be taken for a head. The same bytes as a chunked body must
 * mean the same however they are cut.
 */

#include <stdlib.h>
#include <string.h>

#include "core/http/chunk.h"
#include "core/http/h1.h"
#include "core/ws/handshake.h"
#include "signaling/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(int truth)
{
	if (!truth)
		abort();
}

static void decide(const struct h1_request *r)
{
	struct http_request q = { .headers = r->headers,
				  .headers_len = r->headers_len,
				  .host = r->host };
	char accept[WS_ACCEPT_TEXT];
	unsigned status;

	if (ws_is_upgrade(r) && ws_check_upgrade(r, accept, &status) == 0)
		check(status == 101);
	(void)http_origin_ok(&q, "http://a,null");
}

/* What was parsed and is written as an answer's headers reads back. */
static void write_back(const struct h1_request *r)
{
	static char bytes[2 * H1_HEAD_MAX];
	struct buf_out out = buf_out(bytes, sizeof(bytes));
	struct h1_answer a = { .status = 200, .headers = r->headers,
			       .headers_len = r->headers_len > 60
						      ? 60
						      : r->headers_len,
			       .chunked = r->chunked };
	struct h1_response back;

	h1_write_answer(&out, &a);
	check(!out.bad);
	check(h1_parse_response(&back, bytes, buf_len(&out)) ==
	      (int)buf_len(&out));
	check(back.code == 200);
	check(back.headers_len == a.headers_len + 1 + a.chunked);
}

/* A body in pieces and at once must be the same. */
static uint64_t unchunk(const uint8_t *bytes, size_t len, size_t step,
			int *end)
{
	uint64_t h = 0xcbf29ce484222325u;
	struct h1_chunks c = { 0 };
	size_t at = 0;

	*end = 0;
	while (at < len && !c.done) {
		size_t part = len - at < step ? len - at : step;
		struct h1_span data;
		int n = h1_chunks_next(&c, bytes + at, part, &data);

		if (n < 0) {
			*end = n;
			return h;
		}
		check(n > 0 && (size_t)n <= part && data.len <= (size_t)n);
		for (size_t i = 0; i < data.len; i++)
			h = (h ^ (uint8_t)data.at[i]) * 0x100000001b3u;
		at += (size_t)n;
	}
	*end = c.done ? (int)at : 0;

	return h;
}

static void fuzz_chunks(const uint8_t *bytes, size_t len)
{
	int one, all;
	uint64_t small = unchunk(bytes, len, 1, &one);

	check(unchunk(bytes, len, len + 1, &all) == small && one == all);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct h1_response response;
	struct h1_request r, again;
	int got;

	fuzz_chunks(bytes, len);
	got = h1_parse_response(&response, bytes, len);
	check(got <= (int)len && (got <= 0 || response.code >= 100));
	got = h1_parse_request(&r, bytes, len);
	check(got <= (int)len && got <= H1_HEAD_MAX + 2);
	if (got < 0)
		check(r.status >= 400);
	if (got <= 0)
		return 0;
	check(h1_parse_request(&again, bytes, (size_t)got) == got);
	check(h1_parse_request(&again, bytes, (size_t)got - 1) == 0);
	check(r.http10 || r.host.at);
	decide(&r);
	write_back(&r);

	return 0;
}
