/*
 * fuzz_whip.c - any request to WHIP and WHEP
 *
 * Input: a method, a path ("@" is a session that is there), header lines, an
 * empty line, the body. Whatever it is, it is answered once, with a status
 * that docs/whip.md knows, and the hub is as before when all is over.
 */

#include "common/log.h"
#include "signaling/door.h"
#include "signaling/http.h"
#include "signaling/whip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECK(what)                                                           \
	do {                                                                  \
		if (!(what))                                                  \
			abort();                                              \
	} while (0)

#define ICE "a=ice-ufrag:ufrA\r\na=ice-pwd:passwordpasswordpasswd\r\n"
#define SDP                                                                   \
	"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"                 \
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" ICE

static struct world world;
static struct metrics metrics;
static struct door door;
static struct mono now;
static uint64_t call;

struct exchange {
	struct http_exchange x;
	unsigned status, heads, ends;
	char location[512];
};

static int b_open(uint64_t number, const char *peer, const char *session,
		  void *arg)
{
	(void)peer;
	(void)session;
	(void)arg;
	call = number;

	return 0;
}

static int b_describe(uint64_t number, enum description_kind kind,
		      const char *sdp, void *arg)
{
	(void)kind;
	(void)arg;
	CHECK(strlen(sdp) <= HUB_SDP_MAX);
	call = number;

	return 0;
}

static int b_trickle(uint64_t number, const char *line, void *arg)
{
	(void)number;
	(void)arg;
	CHECK(!strpbrk(line, "\r\n"));

	return 0;
}

static int b_want(uint64_t number, unsigned kinds, void *arg)
{
	(void)number;
	(void)kinds;
	(void)arg;

	return -1;
}

static int b_close(uint64_t number, void *arg)
{
	(void)number;
	(void)arg;

	return 0;
}

static void to_peer(const char *peer, const struct hub_event *ev, void *arg)
{
	(void)arg;
	(void)!hub_send(world.hub, peer, ev);
}

static int64_t wall_ms(void)
{
	return 1800000000000;
}

static void fake_random(void *bytes, size_t len)
{
	static uint8_t next;

	memset(bytes, ++next, len);
}

static int t_head(struct http_exchange *x, const struct http_head *head)
{
	struct exchange *e = (struct exchange *)x;

	e->heads++;
	e->status = head->status;
	e->ends += head->last;
	for (unsigned i = 0; i < head->headers_len; i++) {
		const struct h1_header *h = &head->headers[i];

		CHECK(!memchr(h->value.at, '\n', h->value.len));
		CHECK(!memchr(h->value.at, '\r', h->value.len));
		CHECK(!memchr(h->value.at, 0, h->value.len));
		if (h1_is(h->name, "Location"))
			snprintf(e->location, sizeof(e->location), "%.*s",
				 (int)h->value.len, h->value.at);
	}

	return 0;
}

static int t_body(struct http_exchange *x, const void *bytes, size_t len,
		  bool lives)
{
	(void)x;
	(void)lives;
	CHECK(bytes && len);

	return 0;
}

static int t_finish(struct http_exchange *x, const struct h1_header *trailers,
		    unsigned len)
{
	(void)trailers;
	(void)len;
	((struct exchange *)x)->ends++;

	return 0;
}

static void t_reset(struct http_exchange *x)
{
	(void)x;
	abort();
}

static const struct http_transport transport = {
	.head = t_head, .body = t_body, .finish = t_finish, .reset = t_reset,
};

bool http_origin_ok(const struct http_request *r, const char *list)
{
	(void)list;

	return r->headers_len < 8;
}

static void quiet(enum log_level level, const char *line, size_t len,
		  void *arg)
{
	(void)level;
	(void)line;
	(void)len;
	(void)arg;
}

static void start(void)
{
	struct calls_ops ops = { b_open, b_describe, b_trickle, b_want,
				 b_close, to_peer, NULL };
	struct hub_cfg hub = { .seed = 1, .random = fake_random };
	struct whip_cfg cfg = { .world = &world, .random = fake_random };

	log_set_sink(quiet, NULL);
	world = (struct world){ .metrics = &metrics, .wall_ms = wall_ms,
				.messages_per_s = 50, .offers_per_s = 2 };
	door.world = &world;
	CHECK(hub_new(&world.hub, &hub) == 0);
	CHECK(calls_new(&world.calls, &ops, 7) == 0);
	calls_on_up(world.calls, now);
	CHECK(whip_new(&door.whip, &cfg) == 0);
}

static void run(struct exchange *e, struct http_request *r, const char *body,
		size_t len)
{
	*e = (struct exchange){ .x = { .door = &door,
				       .transport = &transport } };
	r->has_body = len > 0;
	if (!whip_begin(&e->x, r, now)) {
		e->ends = 1;
		return;
	}
	if (len && !e->ends)
		e->x.service->body(&e->x, body, len, now);
	if (!e->ends)
		e->x.service->end(&e->x, now);
	if (!e->ends)
		calls_on_local(world.calls, call, DESCRIPTION_ANSWER, SDP
			       "a=end-of-candidates\r\n", 0);
	CHECK(e->heads == 1 && e->ends == 1 && e->status >= 200);
}

static struct h1_span span(const char *text)
{
	return (struct h1_span){ text, strlen(text) };
}

static struct h1_span line(const char **at, const char *end)
{
	const char *stop = *at < end ? memchr(*at, '\n',
					      (size_t)(end - *at)) : NULL;
	struct h1_span s = { *at, (size_t)((stop ? stop : end) - *at) };

	*at = stop ? stop + 1 : end;

	return s;
}

static void read_headers(struct http_request *r, struct h1_header *list,
			 const char **at, const char *end)
{
	for (;;) {
		struct h1_span s = line(at, end);
		const char *colon = s.len ? memchr(s.at, ':', s.len) : NULL;

		if (!s.len)
			return;
		if (!colon || r->headers_len == 16 || memchr(s.at, 0, s.len) ||
		    memchr(s.at, '\r', s.len))
			continue;
		list[r->headers_len++] = (struct h1_header){
			{ s.at, (size_t)(colon - s.at) },
			{ colon + 1, s.len - (size_t)(colon + 1 - s.at) } };
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *at = (const char *)data, *end = at + len;
	struct h1_header type = { span("Content-Type"),
				  span("application/sdp") };
	struct http_request post = { .method = span("POST"),
				     .path = span("/whip/room"),
				     .headers = &type, .headers_len = 1 };
	struct h1_header list[16];
	struct http_request r = { .headers = list };
	static struct exchange made, e;

	if (len == 0 || len > 65536)
		return 0;
	now = mono_add(now, 1);
	start();
	run(&made, &post, SDP, sizeof(SDP) - 1);
	CHECK(made.status == 201);
	r.method = line(&at, end);
	r.path = line(&at, end);
	if (h1_is(r.path, "@"))
		r.path = span(made.location);
	read_headers(&r, list, &at, end);
	run(&e, &r, at, (size_t)(end - at));
	whip_tick(door.whip, now);
	whip_tick(door.whip, mono_add(now, 2 * WHIP_CONNECT_US));
	CHECK(whip_count(door.whip) == 0 && hub_count(world.hub) == 0);
	whip_free(door.whip);
	calls_free(world.calls);
	hub_free(world.hub);

	return 0;
}
