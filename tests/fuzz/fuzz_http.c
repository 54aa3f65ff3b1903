/*
 * fuzz_http.c - heads of HTTP/1.1, both sides, and what is decided by them
 *
 * A head that is whole must be whole at that length again, and no shorter
 * piece of it may be taken for a head.
 */

#include <stdlib.h>
#include <string.h>

#include "core/http/h1.h"
#include "core/ws/handshake.h"
#include "signaling/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(int truth)
{
	if (!truth)
		abort();
}

static void decide(const struct h1_request *r)
{
	static struct files *files;
	struct health health = {
		.peers = 1, .uptime_s = 2, .broker = true, .ok = true,
		.media = true, .calls = 3, .media_workers = 2,
	};
	struct route_answer answer;
	char accept[WS_ACCEPT_TEXT], head[2048];
	struct buf_out out = buf_out(head, sizeof(head));
	struct h1_response back;
	unsigned status;

	if (!files && files_load(&files, NULL))
		abort();
	if (ws_is_upgrade(r) && ws_check_upgrade(r, accept, &status) == 0)
		check(status == 101);
	(void)route_origin_ok(r, "http://a,null");
	route(&answer, r, files, &health);
	h1_write_answer(&out, &answer.head);
	check(!out.bad);
	check(h1_parse_response(&back, head, buf_len(&out)) ==
	      (int)buf_len(&out));
	check(back.code == answer.head.status);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct h1_response response;
	struct h1_request r, again;
	int got;

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

	return 0;
}
