/*
 * test_whip.c - WHIP and WHEP without sockets: requests in, answers out
 *
 * The transport is a script that keeps what it is told; so is the broker. A
 * bystander in the hub hears who comes and goes.
 */

#include "common/log.h"
#include "signaling/door.h"
#include "signaling/http.h"
#include "signaling/options.h"
#include "signaling/whip.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tokens of scripts/make_token's form, good at the test's time of day:
 * HS256 by this secret, sub "al", iat 1799999990, exp 1800003000. */
#define SECRET "0123456789abcdef0123456789abcdef"
#define TOKEN_ALL \
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." \
	"eyJzdWIiOiJhbCIsImlhdCI6MTc5OTk5OTk5MCwiZXhwIjoxODAwMDAzMDAw" \
	"LCJwZXJtIjoicHVibGlzaCBzdWJzY3JpYmUgZGF0YSJ9" \
	".LGK-A314l8rhlPooXL5dKK81xqeyzZU0rdsArEZwrRM"
#define TOKEN_PUB \
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." \
	"eyJzdWIiOiJhbCIsImlhdCI6MTc5OTk5OTk5MCwiZXhwIjoxODAwMDAzMDAw" \
	"LCJwZXJtIjoicHVibGlzaCJ9" \
	".masIN60N9BXlKChTderpSO8cQwHOGxN0j_NEJgLSpPg"
#define TOKEN_SUB \
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." \
	"eyJzdWIiOiJhbCIsImlhdCI6MTc5OTk5OTk5MCwiZXhwIjoxODAwMDAzMDAw" \
	"LCJwZXJtIjoic3Vic2NyaWJlIn0" \
	".YKLrR6QgnQ1Gj1hPp3GgN3vrbNbMopId6R-NVYvYc2Q"
#define TOKEN_ROOM \
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." \
	"eyJzdWIiOiJhbCIsImlhdCI6MTc5OTk5OTk5MCwiZXhwIjoxODAwMDAzMDAw" \
	"LCJwZXJtIjoicHVibGlzaCBzdWJzY3JpYmUiLCJzZXNzaW9uIjoicm9vbSJ9" \
	".4GBrsemVslZg_-jOIG461wD5arNer4uUeIwLnkV-zkI"
#define TOKEN_ONCE \
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." \
	"eyJzdWIiOiJhbCIsImlhdCI6MTc5OTk5OTk5MCwiZXhwIjoxODAwMDAzMDAw" \
	"LCJwZXJtIjoicHVibGlzaCIsImp0aSI6Im4xIn0" \
	".9tbapMIRhWp0D4hKvTgOUOvYHtNg5hCwf8kSe_V8QyA"

enum { NOW_S = 1800000000 };

#define PWD "passwordpasswordpasswd"
#define ICE "a=ice-ufrag:ufrA\r\na=ice-pwd:" PWD "\r\n"
#define ICE2 "a=ice-ufrag:ufrB\r\na=ice-pwd:2" PWD "\r\n"
#define HOST "candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host"
#define HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define AUDIO "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" ICE
#define VIDEO "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n" ICE
#define OFFER HEAD AUDIO "a=sendonly\r\n"
#define PLAY HEAD AUDIO "a=recvonly\r\n"
#define FRAG ICE "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
#define SDP "Content-Type: application/sdp\n"
#define TRICKLE "Content-Type: application/trickle-ice-sdpfrag\n"
#define BEARER "Authorization: Bearer "
#define ANSWER_HEAD HEAD "m=audio 5000 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
#define ANSWER_ICE "a=ice-ufrag:serv\r\na=ice-pwd:server" PWD "\r\n"
#define ANSWER ANSWER_HEAD ANSWER_ICE "a=candidate:9 1 udp 1 192.0.2.9 5000" \
	" typ host\r\na=end-of-candidates\r\na=recvonly\r\n"

/* The world */

static struct world world;
static struct door door;
static struct whip *whip;
static struct metrics metrics;
static struct mono now;
static char heard[65536];	/* by the broker and the bystander */
static uint64_t last_call;
static int broker_err;
static struct member bystander;
static uint8_t next_random;

static void hear(const char *what, const char *of)
{
	size_t at = strlen(heard);

	snprintf(heard + at, sizeof(heard) - at, "%s%s%s\n", what,
		 *of ? " " : "", of);
}

static int b_open(uint64_t call, const char *peer, const char *session,
		  void *arg)
{
	(void)arg;
	(void)peer;
	last_call = call;
	if (!broker_err)
		hear("open", session);

	return broker_err;
}

static int b_describe(uint64_t call, enum description_kind kind,
		      const char *sdp, void *arg)
{
	(void)arg;
	(void)kind;
	last_call = call;
	if (!broker_err)
		hear("describe", sdp);

	return broker_err;
}

static int b_trickle(uint64_t call, const char *line, void *arg)
{
	(void)arg;
	(void)call;
	hear("trickle", line);

	return broker_err;
}

static int b_want(uint64_t call, unsigned kinds, void *arg)
{
	(void)call;
	(void)kinds;
	(void)arg;

	return -ENOTCONN;
}

static int b_close(uint64_t call, void *arg)
{
	(void)arg;
	(void)call;
	hear("close", "");

	return broker_err;
}

static void to_peer(const char *peer, const struct hub_event *ev, void *arg)
{
	(void)arg;
	(void)!hub_send(world.hub, peer, ev);
}

static int hear_event(const struct hub_event *ev, void *arg)
{
	static const char *const names[] = {
		[HUB_JOINED] = "joined", [HUB_LEFT] = "left",
		[HUB_DISCONNECTED] = "disconnected",
	};

	char kind[6];

	(void)arg;
	snprintf(kind, sizeof(kind), "%.5s", ev->peer);
	if (ev->kind < ARRAY_LEN(names))
		hear(names[ev->kind], kind);

	return 0;
}

static void hear_superseded(void *arg)
{
	(void)arg;
}

static void fake_random(void *bytes, size_t len)
{
	memset(bytes, ++next_random, len);
}

static int64_t wall_ms(void)
{
	return (int64_t)NOW_S * 1000;
}

static void add_bystander(void)
{
	struct member_ops ops = { hear_event, hear_superseded, NULL };
	struct hub_hello hello = { .name = "bystander" };
	bool resumed;

	member_init(&bystander, &world, &ops, now);
	bystander.who = (struct identity){ .known = true, .perms = AUTH_ALL };
	ck_assert_int_eq(member_announce(&bystander, &hello, &resumed,
					 now).kind, MEMBER_OK);
}

static void start_whip(uint32_t max, uint32_t per_source)
{
	struct whip_cfg cfg = { .world = &world, .max = max,
				.max_per_source = per_source,
				.random = fake_random };

	ck_assert_int_eq(whip_new(&whip, &cfg), 0);
	door.whip = whip;
}

static void start(const struct sig_options *o)
{
	struct calls_ops ops = { b_open, b_describe, b_trickle, b_want,
				 b_close, to_peer, NULL };
	struct hub_cfg hub = { .seed = 1, .random = fake_random };
	char error[SIG_ERROR];

	now = mono_at(1000000);
	world = (struct world){ .metrics = &metrics, .wall_ms = wall_ms,
				.messages_per_s = 50, .offers_per_s = 2 };
	ck_assert_int_eq(hub_new(&world.hub, &hub), 0);
	ck_assert_int_eq(calls_new(&world.calls, &ops, 7), 0);
	ck_assert_int_eq(auth_new(&world.auth, o, error, sizeof(error)), 0);
	calls_on_up(world.calls, now);
	door = (struct door){ .world = &world, .auth = world.auth };
	add_bystander();
	start_whip(0, 0);
}

static void setup(void)
{
	start(&(struct sig_options){ .log = NULL });
}

static void setup_tokens(void)
{
	start(&(struct sig_options){ .auth_secret = SECRET });
}

static void teardown(void)
{
	whip_free(whip);
	member_fini(&bystander, true, now);
	calls_free(world.calls);
	hub_free(world.hub);
	auth_free(world.auth);
}

/* The transport */

struct exchange {
	struct http_exchange x;
	unsigned status;
	bool finished, reset;
	char headers[4096], body[65536];
	size_t body_len;
};

static struct exchange exchanges[64];
static unsigned exchanges_len;

static int t_head(struct http_exchange *x, const struct http_head *head)
{
	struct exchange *e = (struct exchange *)x;

	ck_assert(!e->status && !e->finished && !e->reset);
	e->status = head->status;
	for (unsigned i = 0; i < head->headers_len; i++) {
		const struct h1_header *h = &head->headers[i];
		size_t at = strlen(e->headers);

		snprintf(e->headers + at, sizeof(e->headers) - at,
			 "%.*s: %.*s\n", (int)h->name.len, h->name.at,
			 (int)h->value.len, h->value.at);
	}
	e->finished = head->last;

	return 0;
}

static int t_body(struct http_exchange *x, const void *bytes, size_t len,
		  bool lives)
{
	struct exchange *e = (struct exchange *)x;

	ck_assert(e->status && !e->finished && !lives);
	ck_assert_uint_lt(e->body_len + len, sizeof(e->body));
	memcpy(e->body + e->body_len, bytes, len);
	e->body_len += len;

	return 0;
}

static int t_finish(struct http_exchange *x, const struct h1_header *trailers,
		    unsigned len)
{
	struct exchange *e = (struct exchange *)x;

	(void)trailers;
	ck_assert_uint_eq(len, 0);
	ck_assert(e->status && !e->finished);
	e->finished = true;

	return 0;
}

static void t_reset(struct http_exchange *x)
{
	((struct exchange *)x)->reset = true;
}

static const struct http_transport transport = {
	.head = t_head, .body = t_body, .finish = t_finish, .reset = t_reset,
};

/* As the real one is when there is no list. */
bool http_origin_ok(const struct http_request *r, const char *list)
{
	struct h1_span o = h1_find(r->headers, r->headers_len, "Origin");

	(void)list;

	return !o.at || h1_is(o, "http://good.example");
}

/* "Name: value\n..." */
static unsigned read_headers(struct h1_header *out, const char *text)
{
	unsigned len = 0;

	while (*text) {
		const char *colon = strchr(text, ':'), *end = strchr(text, 10);

		ck_assert(colon && end && colon < end);
		out[len].name = (struct h1_span){ text,
						  (size_t)(colon - text) };
		out[len++].value = (struct h1_span){
			colon + 2, (size_t)(end - colon - 2) };
		text = end + 1;
	}

	return len;
}

static struct exchange *begin(const char *method, const char *path,
			      const char *headers, bool has_body,
			      int64_t length)
{
	struct exchange *e = &exchanges[exchanges_len++];
	struct h1_header list[16];
	struct http_request r = {
		.method = { method, strlen(method) },
		.path = { path, strlen(path) }, .headers = list,
		.version = 11, .has_body = has_body,
		.has_length = length >= 0, .length = (uint64_t)length,
	};

	ck_assert_uint_lt(exchanges_len, ARRAY_LEN(exchanges));
	memset(e, 0, sizeof(*e));
	e->x = (struct http_exchange){ .door = &door,
				       .transport = &transport };
	r.headers_len = read_headers(list, headers);
	ck_assert(whip_begin(&e->x, &r, now));

	return e;
}

static struct exchange *ask(const char *method, const char *path,
			    const char *headers, const char *body)
{
	size_t len = body ? strlen(body) : 0;
	struct exchange *e = begin(method, path, headers, len > 0,
				   body ? (int64_t)len : -1);

	if (len && !e->finished)
		e->x.service->body(&e->x, body, len, now);
	if (!e->finished)
		e->x.service->end(&e->x, now);

	return e;
}

static const char *header(const struct exchange *e, const char *name)
{
	static char value[512];
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "%s: ", name);
	at = strstr(e->headers, key);
	if (!at)
		return "";
	at += strlen(key);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);

	return value;
}

static void answer(const char *sdp)
{
	calls_on_local(world.calls, last_call, DESCRIPTION_ANSWER, sdp, 0);
}

static char location[256], etag[64];

/* A session that is answered. */
static struct exchange *create_with(const char *path, const char *headers,
				    const char *offer)
{
	struct exchange *e = ask("POST", path, headers, offer);

	ck_assert_uint_eq(e->status, 0);
	answer(ANSWER);
	ck_assert_uint_eq(e->status, 201);
	ck_assert(e->finished);
	snprintf(location, sizeof(location), "%s", header(e, "Location"));
	snprintf(etag, sizeof(etag), "%s", header(e, "ETag"));

	return e;
}

static struct exchange *create(void)
{
	return create_with("/whip/room", SDP, OFFER);
}

static const char *with(const char *headers, const char *tag)
{
	static char out[512];

	snprintf(out, sizeof(out), "%sIf-Match: %s\n", headers, tag);

	return out;
}

static struct exchange *patch(const char *tag, const char *body)
{
	return ask("PATCH", location, with(TRICKLE, tag), body);
}

static void later(int64_t us)
{
	now = mono_add(now, us);
	calls_tick(world.calls, now);
	whip_tick(whip, now);
}

/* Statuses without a session */

static const struct {
	const char *method, *path, *headers, *body;
	unsigned status;
	const char *shows;	/* in the headers */
} plain[] = {
	/* paths */
	{ "POST", "/whip", SDP, OFFER, 404, "" },
	{ "POST", "/whip/", SDP, OFFER, 404, "" },
	{ "POST", "/whep", SDP, PLAY, 404, "" },
	{ "POST", "/whip//", SDP, OFFER, 404, "" },
	{ "POST", "/whip/room/", SDP, OFFER, 404, "" },
	{ "POST", "/whip/a/b", SDP, OFFER, 404, "" },
	{ "POST", "/whip/a/b/c", SDP, OFFER, 404, "" },
	{ "POST", "/whip/%", SDP, OFFER, 404, "" },
	{ "POST", "/whip/%4", SDP, OFFER, 404, "" },
	{ "POST", "/whip/%zz", SDP, OFFER, 404, "" },
	{ "POST", "/whip/%00", SDP, OFFER, 404, "" },
	{ "POST", "/whip/a%0Ab", SDP, OFFER, 404, "" },
	{ "POST", "/whip/%ff", SDP, OFFER, 404, "" },
	{ "DELETE", "/whip/room/ABCDEF0123456789ABCDEF0123456789", "", NULL,
	  404, "" },
	{ "DELETE", "/whip/room/0123456789abcdef0123456789abcde", "", NULL,
	  404, "" },
	{ "DELETE", "/whip/room/0123456789abcdef0123456789abcdef", "", NULL,
	  404, "" },
	{ "PATCH", "/whep/room/0123456789abcdef0123456789abcdef",
	  TRICKLE "If-Match: *\n", FRAG, 404, "" },
	{ "GET", "/whip/room/0123456789abcdef0123456789abcdef", "", NULL,
	  404, "" },
	/* methods */
	{ "GET", "/whip/room", "", NULL, 204, "Cache-Control: no-store" },
	{ "HEAD", "/whep/room", "", NULL, 204, "" },
	{ "PUT", "/whip/room", SDP, OFFER, 405,
	  "Allow: GET, HEAD, OPTIONS, POST\n" },
	{ "PATCH", "/whip/room", TRICKLE, FRAG, 405, "Allow: " },
	{ "DELETE", "/whip/room", "", NULL, 405, "Allow: " },
	{ "BREW", "/whep/room", "", NULL, 405, "Allow: " },
	{ "POST", "/whip/room/0123456789abcdef0123456789abcdef", SDP, OFFER,
	  405, "Allow: DELETE, GET, HEAD, OPTIONS, PATCH\n" },
	{ "PUT", "/whip/room/0123456789abcdef0123456789abcdef", SDP, OFFER,
	  405, "Allow: " },
	{ "OPTIONS", "/whip/room", "", NULL, 200,
	  "Accept-Post: application/sdp\n" },
	{ "OPTIONS", "/whep/room/0123456789abcdef0123456789abcdef", "", NULL,
	  200, "Accept-Patch: application/trickle-ice-sdpfrag\n" },
	/* pages */
	{ "OPTIONS", "/whip/room", "Origin: http://good.example\n"
	  "Access-Control-Request-Method: POST\n", NULL, 200,
	  "Access-Control-Allow-Headers: Authorization, Content-Type, "
	  "If-Match\n" },
	{ "OPTIONS", "/whip/room", "Origin: http://good.example\n"
	  "Access-Control-Request-Method: POST\n", NULL, 200,
	  "Access-Control-Allow-Origin: http://good.example\n" },
	{ "OPTIONS", "/whip/room", "Origin: http://bad.example\n"
	  "Access-Control-Request-Method: POST\n", NULL, 403, "" },
	{ "POST", "/whip/room", SDP "Origin: http://bad.example\n", OFFER,
	  403, "" },
	{ "GET", "/whip/room", "Origin: http://good.example\n", NULL, 204,
	  "Access-Control-Expose-Headers: Location, ETag, Link" },
	/* types */
	{ "POST", "/whip/room", "", OFFER, 415,
	  "Accept-Post: application/sdp\n" },
	{ "POST", "/whip/room", "Content-Type: text/plain\n", OFFER, 415, "" },
	{ "POST", "/whip/room", "Content-Type: application/sdpx\n", OFFER,
	  415, "" },
	{ "POST", "/whip/room", TRICKLE, OFFER, 415, "" },
	{ "POST", "/whip/room", SDP SDP, OFFER, 415, "" },
	/* bodies */
	{ "POST", "/whip/room", SDP, NULL, 400, "" },
	{ "POST", "/whip/room", SDP, "x", 400,
	  "Content-Type: application/problem+json\n" },
	{ "POST", "/whip/room", SDP, "v=0\r\n", 400, "" },
	{ "POST", "/whip/room", SDP, HEAD "m=audio\r\n", 400, "" },
	{ "POST", "/whip/room", SDP, "x=0\r\n" AUDIO, 400, "" },
	{ "POST", "/whip/room", SDP,
	  HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", 400, "" },
	{ "POST", "/whip/room", SDP, HEAD "m=application 9 X y\r\n" ICE, 400,
	  "" },
	{ "POST", "/whip/room", SDP, PLAY, 400, "" },
	{ "POST", "/whip/room", SDP, HEAD AUDIO "a=inactive\r\n", 400, "" },
	{ "POST", "/whep/room", SDP, OFFER, 400, "" },
	{ "POST", "/whep/room", SDP, HEAD AUDIO "a=inactive\r\n", 400, "" },
	{ "POST", "/whip/room", SDP, HEAD AUDIO AUDIO, 406, "" },
	{ "POST", "/whep/room", SDP, HEAD VIDEO VIDEO, 406, "" },
};

START_TEST(test_plain)
{
	struct exchange *e = ask(plain[_i].method, plain[_i].path,
				 plain[_i].headers, plain[_i].body);

	ck_assert_uint_eq(e->status, plain[_i].status);
	ck_assert(e->finished);
	ck_assert_msg(strstr(e->headers, plain[_i].shows) != NULL,
		      "%s not in %s", plain[_i].shows, e->headers);
	if (e->status >= 400)
		ck_assert_ptr_nonnull(strstr(e->body, "\"detail\":\""));
	else
		ck_assert_uint_eq(e->body_len, 0);
	whip_tick(whip, now);
	ck_assert_uint_eq(whip_count(whip), 0);
	ck_assert_uint_eq(hub_count(world.hub), 1);
	ck_assert_uint_eq(metrics.count[M_CALL_WHIP], 1);
	ck_assert_uint_eq(metrics.count[M_CALL_FAILED_WHIP], e->status >= 400);
}
END_TEST

START_TEST(test_other_paths)
{
	static const char *const paths[] = { "/", "/whipped", "/whi", "/ws",
					     "/whepx/room", "/a/whip/b" };
	struct exchange e = { .x = { .door = &door } };
	struct http_request r = { .path = { paths[_i], strlen(paths[_i]) },
				  .method = { "POST", 4 } };

	ck_assert(!whip_begin(&e.x, &r, now));
}
END_TEST

/* Creation */

START_TEST(test_publish)
{
	struct exchange *e = create();

	ck_assert_str_eq(heard, "joined whip-\nopen room\ndescribe " OFFER
			 "\n");
	ck_assert_int_eq(strncmp(location, "/whip/room/", 11), 0);
	ck_assert_uint_eq(strlen(location + 11), 32);
	ck_assert_uint_eq(strlen(etag), 18);
	ck_assert_int_eq(etag[0], '"');
	ck_assert_str_eq(header(e, "Content-Type"), "application/sdp");
	ck_assert_str_eq(header(e, "Accept-Patch"),
			 "application/trickle-ice-sdpfrag");
	ck_assert_str_eq(header(e, "Link"), "");
	ck_assert_str_eq(e->body, ANSWER);
	ck_assert_uint_eq(whip_count(whip), 1);
	ck_assert_uint_eq(hub_count(world.hub), 2);
	ck_assert_uint_eq(metrics.count[M_CALL_FAILED_WHIP], 0);
}
END_TEST

/* sendrecv is allowed, and its answer must not send (RFC 9725 4.2). */
START_TEST(test_directions)
{
	create_with("/whip/room", SDP, HEAD AUDIO "a=sendrecv\r\n");
	ck_assert_ptr_nonnull(strstr(heard, HEAD AUDIO "a=sendonly\r\n"));
	create_with("/whep/room", SDP, HEAD AUDIO);
	ck_assert_ptr_nonnull(strstr(heard, HEAD AUDIO "a=recvonly\r\n"));
}
END_TEST

START_TEST(test_session_is_escaped)
{
	create_with("/whep/a%20b%2Fc%C3%A9", SDP "Origin: "
		    "http://good.example\n", PLAY);
	ck_assert_int_eq(strncmp(location, "/whep/a%20b%2Fc%C3%A9/", 22), 0);
	ck_assert_ptr_nonnull(strstr(heard, "open a b/c\xc3\xa9\n"));
	ck_assert_uint_eq(ask("DELETE", location, "", NULL)->status, 200);
}
END_TEST

START_TEST(test_type_with_parameters)
{
	create_with("/whip/room", "content-type: Application/SDP ; "
		    "charset=utf-8\n", OFFER);
}
END_TEST

START_TEST(test_body_in_parts)
{
	struct exchange *e = begin("POST", "/whip/room", SDP, true, -1);

	for (const char *at = OFFER; *at; at++)
		e->x.service->body(&e->x, at, 1, now);
	ck_assert_uint_eq(e->status, 0);
	e->x.service->end(&e->x, now);
	answer(ANSWER);
	ck_assert_uint_eq(e->status, 201);
}
END_TEST

START_TEST(test_too_long)
{
	static char body[40000];
	struct exchange *e = begin("POST", "/whip/room", SDP, true, 32769);

	ck_assert_uint_eq(e->status, 413);
	e = begin("POST", "/whip/room", SDP, true, -1);
	memset(body, 'a', sizeof(body));
	e->x.service->body(&e->x, body, 32768, now);
	ck_assert_uint_eq(e->status, 0);
	e->x.service->body(&e->x, body, 1, now);
	ck_assert_uint_eq(e->status, 413);
	ck_assert_uint_eq(hub_count(world.hub), 1);
}
END_TEST

START_TEST(test_zero_in_the_body)
{
	static const char body[] = OFFER "a=\0\r\n";
	struct exchange *e = begin("POST", "/whip/room", SDP, true, -1);

	e->x.service->body(&e->x, body, sizeof(body) - 1, now);
	e->x.service->end(&e->x, now);
	ck_assert_uint_eq(e->status, 400);
}
END_TEST

START_TEST(test_late_candidates)
{
	struct exchange *e = ask("POST", "/whip/room", SDP, OFFER);

	answer(ANSWER_HEAD ANSWER_ICE);
	whip_tick(whip, now);
	ck_assert_uint_eq(e->status, 0);
	calls_on_trickle(world.calls, last_call, "0 0 " HOST);
	ck_assert_uint_eq(e->status, 0);
	calls_on_trickle(world.calls, last_call, "0 0 ");
	ck_assert_uint_eq(e->status, 201);
	ck_assert_str_eq(e->body, ANSWER_HEAD ANSWER_ICE "a=" HOST
			 "\r\na=end-of-candidates\r\n");
}
END_TEST

START_TEST(test_candidates_that_do_not_end)
{
	struct exchange *e = ask("POST", "/whip/room", SDP, OFFER);

	answer(ANSWER_HEAD ANSWER_ICE);
	whip_tick(whip, now);
	later(WHIP_GATHER_US - 1);
	ck_assert_uint_eq(e->status, 0);
	later(1);
	ck_assert_uint_eq(e->status, 201);
	/* There is no way to say what comes now. */
	calls_on_trickle(world.calls, last_call, "0 0 " HOST);
	ck_assert_ptr_null(strstr(e->body, HOST));
}
END_TEST

static const struct {
	enum call_why why;
	unsigned status;
	const char *retry, *text;
} refused[] = {
	{ WHY_BAD_SDP, 400, "", "no" },
	{ WHY_BAD_SDP, 406, "", "line 7: no m-line can be accepted; the "
	  "first: no opus/48000/2 is offered" },
	{ WHY_FULL, 503, "1", "no" },
	{ WHY_RESOURCES, 503, "1", "no" },
	{ WHY_WRONG_STATE, 409, "", "no" },
	{ WHY_TIMEOUT, 500, "", "no" },
};

START_TEST(test_refused_by_the_pipeline)
{
	struct exchange *e = ask("POST", "/whip/room", SDP, OFFER);

	calls_on_gone(world.calls, last_call, refused[_i].why, true,
		      refused[_i].text);
	ck_assert_uint_eq(e->status, refused[_i].status);
	ck_assert_str_eq(header(e, "Retry-After"), refused[_i].retry);
	ck_assert_ptr_nonnull(strstr(e->body, refused[_i].text));
	whip_tick(whip, now);
	ck_assert_uint_eq(whip_count(whip), 0);
	ck_assert_ptr_nonnull(strstr(heard, "left whip-"));
}
END_TEST

START_TEST(test_no_answer)
{
	struct exchange *e = ask("POST", "/whip/room", SDP, OFFER);

	later(CALLS_ANSWER_US);
	ck_assert_uint_eq(e->status, 500);
	whip_tick(whip, now);
	ck_assert_uint_eq(whip_count(whip), 0);
}
END_TEST

START_TEST(test_broker_away)
{
	struct exchange *e;

	calls_on_down(world.calls, now);
	e = ask("POST", "/whip/room", SDP, OFFER);
	later(CALLS_BROKER_US);
	ck_assert_uint_eq(e->status, 503);
	ck_assert_str_eq(header(e, "Retry-After"), "1");
}
END_TEST

/* RFC 9725 4.4.3: all of it or nothing. */
START_TEST(test_rejected_media)
{
	struct exchange *e = ask("POST", "/whip/room", SDP, OFFER VIDEO);

	answer(ANSWER "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n");
	ck_assert_uint_eq(e->status, 406);
	ck_assert_ptr_nonnull(strstr(e->body, "m-line 1 (video)"));
	whip_tick(whip, now);
	ck_assert_uint_eq(whip_count(whip), 0);
	ck_assert_ptr_nonnull(strstr(heard, "close\n"));
	/* A viewer takes what there is. */
	e = ask("POST", "/whep/room", SDP, PLAY VIDEO);
	answer(ANSWER "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n");
	ck_assert_uint_eq(e->status, 201);
}
END_TEST

START_TEST(test_client_goes_away)
{
	struct exchange *e = ask("POST", "/whip/room", SDP, OFFER);

	e->x.service->gone(&e->x, true, now);
	answer(ANSWER);
	ck_assert_uint_eq(e->status, 0);
	whip_tick(whip, now);
	ck_assert_uint_eq(whip_count(whip), 0);
	ck_assert_ptr_nonnull(strstr(heard, "close\nleft whip-"));
	e = begin("POST", "/whip/room", SDP, true, -1);
	e->x.service->gone(&e->x, false, now);
	ck_assert_uint_eq(whip_count(whip), 0);
}
END_TEST

START_TEST(test_room)
{
	struct exchange *e;

	whip_free(whip);
	start_whip(0, 2);
	create();
	create();
	e = ask("POST", "/whip/room", SDP, OFFER);
	ck_assert_uint_eq(e->status, 429);
	ck_assert_str_eq(header(e, "Retry-After"), "1");
	ck_assert_uint_eq(ask("DELETE", location, "", NULL)->status, 200);
	create();
	whip_free(whip);
	start_whip(1, 5);
	create();
	e = ask("POST", "/whip/room", SDP, OFFER);
	ck_assert_uint_eq(e->status, 503);
	ck_assert_str_eq(header(e, "Retry-After"), "1");
}
END_TEST

START_TEST(test_requests_at_once)
{
	static struct exchange many[257];
	struct h1_header type = { { "Content-Type", 12 },
				  { "application/sdp", 15 } };
	struct http_request r = { .method = { "POST", 4 },
				  .path = { "/whip/room", 10 },
				  .headers = &type, .headers_len = 1,
				  .has_body = true };

	for (unsigned i = 0; i < 257; i++) {
		many[i].x.door = &door;
		many[i].x.transport = &transport;
		/* One too many of the first address, then others. */
		r.source.bytes[7] = (uint8_t)(i < 65 ? 0 : i / 64);
		ck_assert(whip_begin(&many[i].x, &r, now));
	}
	ck_assert_uint_eq(many[63].status, 0);
	ck_assert_uint_eq(many[64].status, 429);
	ck_assert_uint_eq(many[256].status, 0);
	memset(&many[64], 0, sizeof(many[64]));
	many[64].x.door = &door;
	many[64].x.transport = &transport;
	r.source.bytes[7] = 9;
	ck_assert(whip_begin(&many[64].x, &r, now));
	ck_assert_uint_eq(many[64].status, 503);
	for (unsigned i = 0; i < 257; i++)
		if (i % 2 && i != 64)
			many[i].x.service->gone(&many[i].x, true, now);
	create();
	/* Whoever sends no body is not waited for. */
	later(10000000 - 1);
	ck_assert_uint_eq(many[2].status, 0);
	later(1000001);
	ck_assert_uint_eq(many[2].status, 408);
	ck_assert_uint_eq(many[1].status, 0);
	ck_assert_uint_eq(whip_count(whip), 1);
}
END_TEST

/* Life */

START_TEST(test_delete)
{
	struct exchange *e;

	create();
	heard[0] = '\0';
	/* An entity-tag does not matter here. */
	e = ask("DELETE", location, "If-Match: \"other\"\n", NULL);
	ck_assert_uint_eq(e->status, 200);
	ck_assert_str_eq(heard, "close\nleft whip-\n");
	ck_assert_uint_eq(whip_count(whip), 0);
	ck_assert_uint_eq(ask("DELETE", location, "", NULL)->status, 404);
}
END_TEST

START_TEST(test_get_of_a_session)
{
	create();
	ck_assert_uint_eq(ask("GET", location, "", NULL)->status, 204);
	ck_assert_uint_eq(ask("HEAD", location, "", NULL)->status, 204);
	ck_assert_uint_eq(ask("POST", location, SDP, OFFER)->status, 405);
}
END_TEST

/* The id belongs to its path. */
START_TEST(test_wrong_session_path)
{
	char path[256];

	create();
	snprintf(path, sizeof(path), "/whip/moor/%s", location + 11);
	ck_assert_uint_eq(ask("DELETE", path, "", NULL)->status, 404);
	snprintf(path, sizeof(path), "/whep/room/%s", location + 11);
	ck_assert_uint_eq(ask("DELETE", path, "", NULL)->status, 404);
	ck_assert_uint_eq(whip_count(whip), 1);
}
END_TEST

/* The name that everybody sees is of no use as an id. */
START_TEST(test_name_is_not_the_id)
{
	const struct hub_peer *p;

	create();
	p = hub_next(world.hub, hub_next(world.hub, NULL));
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(strlen(p->name), 5 + 24);
	ck_assert_ptr_null(strstr(location, p->name + 5));
	ck_assert_str_eq(p->session, "room");
	ck_assert_str_eq(p->metadata, "{\"door\":\"whip\"}");
}
END_TEST

START_TEST(test_no_connection)
{
	create();
	whip_tick(whip, now);
	later(WHIP_CONNECT_US - 1);
	ck_assert_uint_eq(whip_count(whip), 1);
	heard[0] = '\0';
	later(1);
	ck_assert_uint_eq(whip_count(whip), 0);
	ck_assert_str_eq(heard, "close\nleft whip-\n");
}
END_TEST

START_TEST(test_connected_and_gone)
{
	create();
	calls_on_state(world.calls, last_call, CALL_CONNECTED, 1);
	later(10 * (int64_t)WHIP_CONNECT_US);
	ck_assert_uint_eq(whip_count(whip), 1);
	calls_on_gone(world.calls, last_call, WHY_LOST, true, "");
	whip_tick(whip, now);
	ck_assert_uint_eq(whip_count(whip), 0);
	ck_assert_uint_eq(ask("DELETE", location, "", NULL)->status, 404);
}
END_TEST

START_TEST(test_called_by_another)
{
	char id[MEMBER_OFFER_ID];
	const struct hub_peer *p;

	create();
	p = hub_next(world.hub, hub_next(world.hub, NULL));
	heard[0] = '\0';
	ck_assert_int_eq(member_offer(&bystander, p->name, OFFER, NULL, id,
				      now).kind, MEMBER_OK);
	ck_assert_str_eq(heard, "");
	whip_tick(whip, now);
	ck_assert_str_eq(heard, "disconnected whip-\n");
	ck_assert_uint_eq(whip_count(whip), 1);
}
END_TEST

/* Fragments */

static const struct {
	const char *headers, *match, *body;
	unsigned status;
} frags[] = {
	{ TRICKLE, "@", FRAG "a=" HOST "\r\n", 204 },
	{ TRICKLE, "*", FRAG "a=" HOST "\r\n", 204 },
	{ TRICKLE, "\"*\"", FRAG "a=" HOST "\r\n", 204 },
	{ TRICKLE, "\"x\", @", FRAG, 204 },
	{ TRICKLE, "@ ,\"x\"", FRAG "a=end-of-candidates\r\n", 204 },
	{ TRICKLE, "@", "m=audio 9 X 0\r\na=mid:0\r\na=" HOST "\r\n", 204 },
	{ TRICKLE, "@", FRAG "a=candidate:who knows what\r\n", 204 },
	{ TRICKLE, "@", FRAG "a=candidate:1 1 tcp 1 192.0.2.1 9 typ host "
	  "tcptype active\r\n", 204 },
	{ TRICKLE, "@", FRAG "a=candidate:1 1 udp 1 224.0.0.1 5000 typ host"
	  "\r\n", 204 },
	{ TRICKLE, "", FRAG, 428 },
	{ TRICKLE, "\"x\"", FRAG, 412 },
	{ TRICKLE, "W/@", FRAG, 412 },
	{ TRICKLE, ",", FRAG, 412 },
	{ TRICKLE, "ufrA", FRAG, 412 },
	{ TRICKLE, "\"x\"", ICE2, 412 },
	{ "", "@", FRAG, 415 },
	{ SDP, "@", FRAG, 415 },
	{ "Content-Type: application/json\n", "@", FRAG, 415 },
	{ TRICKLE, "@", NULL, 400 },
	{ TRICKLE, "@", "hello", 400 },
	{ TRICKLE, "@", "a=ice-ufrag:ufrA\r\n", 400 },
	{ TRICKLE, "@", "a=ice-pwd:" PWD "\r\n", 400 },
	{ TRICKLE, "@", "a=ice-ufrag:u\r\na=ice-pwd:" PWD "\r\n", 400 },
	{ TRICKLE, "@", "a=ice-ufrag:<b>x</b>\r\na=ice-pwd:" PWD "\r\n", 400 },
	{ TRICKLE, "@", ICE "a=" HOST "\r\n", 400 },
	{ TRICKLE, "@", FRAG "a=\x01\r\n", 400 },
	{ TRICKLE, "@", FRAG "m=\r\n", 400 },
	{ TRICKLE, "@", FRAG "a=mid: \r\n", 400 },
	{ TRICKLE, "@", FRAG "m=video 70000 X 0\r\n", 400 },
	{ TRICKLE, "@", "m=audio 9 X 0\r\na=mid:0\r\n", 400 },
	{ TRICKLE, "@", ICE ICE2, 422 },
	{ TRICKLE, "@", ICE "m=audio 9 X 0\r\n" ICE2, 422 },
};

START_TEST(test_frags)
{
	const char *mark = strchr(frags[_i].match, '@');
	char match[128];
	struct exchange *e;

	create();
	snprintf(match, sizeof(match), "%.*s%s%s",
		 (int)strcspn(frags[_i].match, "@"), frags[_i].match,
		 mark ? etag : "", mark ? mark + 1 : "");
	e = ask("PATCH", location, *match ? with(frags[_i].headers, match)
					  : frags[_i].headers,
		frags[_i].body);
	ck_assert_uint_eq(e->status, frags[_i].status);
	ck_assert(e->finished);
	/* RFC 9725 4.3.2: no body and no ETag. */
	if (e->status == 204) {
		ck_assert_uint_eq(e->body_len, 0);
		ck_assert_str_eq(header(e, "ETag"), "");
	}
	/* Whatever came, the session goes on. */
	ck_assert_uint_eq(patch(etag, FRAG)->status, 204);
	ck_assert_uint_eq(ask("DELETE", location, "", NULL)->status, 200);
}
END_TEST

START_TEST(test_trickle_reaches_the_broker)
{
	create();
	heard[0] = '\0';
	ck_assert_uint_eq(patch(etag, FRAG "a=candidate:1 1 udp 1 x.example "
				"5000 typ host\r\na=" HOST "\r\n"
				"a=end-of-candidates\r\n")->status, 204);
	ck_assert_str_eq(heard, "trickle 0 - " HOST "\ntrickle - - \n");
}
END_TEST

START_TEST(test_too_many_candidates)
{
	static char body[16384];
	size_t len = (size_t)sprintf(body, "%s", FRAG);
	struct exchange *e;

	for (unsigned i = 0; i < 50; i++)
		len += (size_t)sprintf(body + len, "a=" HOST "\r\n");
	create();
	e = patch(etag, body);
	ck_assert_uint_eq(e->status, 429);
	ck_assert_str_eq(header(e, "Retry-After"), "1");
}
END_TEST

START_TEST(test_too_many_patches)
{
	unsigned status = 204;

	world.messages_per_s = 5;
	create();
	for (unsigned i = 0; i < 20 && status == 204; i++)
		status = patch(etag, FRAG)->status;
	ck_assert_uint_eq(status, 429);
}
END_TEST

/* Restarts */

#define ANSWER2 ANSWER_HEAD "a=ice-ufrag:next\r\na=ice-pwd:next" PWD "\r\n"    \
	"a=candidate:8 1 udp 1 192.0.2.9 5001 typ host\r\n"                    \
	"a=end-of-candidates\r\na=recvonly\r\n"

START_TEST(test_restart)
{
	char old[64];
	struct exchange *e;

	create();
	snprintf(old, sizeof(old), "%s", etag);
	heard[0] = '\0';
	e = patch("*", ICE2 "m=audio 9 X 0\r\na=mid:0\r\na=" HOST "\r\n");
	ck_assert_uint_eq(e->status, 0);
	ck_assert_str_eq(heard, "describe v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n"
			 "s=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
			 "a=mid:0\r\na=sendonly\r\n" ICE2 "a=" HOST "\r\n\n");
	answer(ANSWER2);
	ck_assert_uint_eq(e->status, 200);
	ck_assert_str_eq(header(e, "Content-Type"),
			 "application/trickle-ice-sdpfrag");
	ck_assert_str_eq(e->body, "m=audio 5000 UDP/TLS/RTP/SAVPF 111\r\n"
			 "a=mid:0\r\na=ice-ufrag:next\r\na=ice-pwd:next" PWD
			 "\r\na=candidate:8 1 udp 1 192.0.2.9 5001 typ host"
			 "\r\na=end-of-candidates\r\n");
	snprintf(etag, sizeof(etag), "%s", header(e, "ETag"));
	ck_assert_str_ne(etag, old);
	/* Only the new session counts from now on. */
	ck_assert_uint_eq(patch(old, FRAG)->status, 412);
	ck_assert_uint_eq(patch(etag, ICE2 "m=audio 9 X 0\r\na=" HOST
				"\r\n")->status, 204);
	/* And another one. */
	e = patch("*", ICE);
	answer(ANSWER);
	ck_assert_uint_eq(e->status, 200);
	ck_assert_str_eq(header(e, "ETag"), old);
}
END_TEST

START_TEST(test_restart_by_the_tag)
{
	struct exchange *e;

	create();
	e = patch(etag, ICE2);
	answer(ANSWER2);
	ck_assert_uint_eq(e->status, 200);
}
END_TEST

/* RFC 9725 4.3.3: the session goes on as it was. */
START_TEST(test_restart_refused)
{
	struct exchange *e;

	create();
	e = patch("*", ICE2);
	calls_on_gone(world.calls, last_call, WHY_BAD_SDP, false, "why");
	ck_assert_uint_eq(e->status, 400);
	whip_tick(whip, now);
	ck_assert_uint_eq(whip_count(whip), 1);
	ck_assert_uint_eq(patch(etag, FRAG)->status, 204);
	e = patch("*", ICE2);
	answer(ANSWER2);
	ck_assert_uint_eq(e->status, 200);
}
END_TEST

START_TEST(test_two_restarts_at_once)
{
	struct exchange *e, *second;

	create();
	e = patch("*", ICE2);
	second = patch("*", "a=ice-ufrag:ufrC\r\na=ice-pwd:" PWD "\r\n");
	ck_assert_uint_eq(second->status, 409);
	answer(ANSWER2);
	ck_assert_uint_eq(e->status, 200);
}
END_TEST

START_TEST(test_restart_rate)
{
	unsigned status = 200;

	create();
	for (unsigned i = 0; i < 8 && status == 200; i++) {
		struct exchange *e = patch("*", i % 2 ? ICE : ICE2);

		answer(ANSWER2);
		status = e->status;
	}
	ck_assert_uint_eq(status, 429);
	ck_assert_uint_eq(whip_count(whip), 1);
}
END_TEST

START_TEST(test_client_goes_away_in_a_restart)
{
	struct exchange *e;

	create();
	e = patch("*", ICE2);
	e->x.service->gone(&e->x, true, now);
	answer(ANSWER2);
	ck_assert_uint_eq(e->status, 0);
	whip_tick(whip, now);
	ck_assert_uint_eq(whip_count(whip), 1);
	ck_assert_uint_eq(patch(etag, FRAG)->status, 412);
	e = patch("*", ICE2);
	ck_assert_uint_eq(e->status, 204);
}
END_TEST

START_TEST(test_delete_in_a_restart)
{
	struct exchange *e;

	create();
	e = patch("*", ICE2);
	ck_assert_uint_eq(ask("DELETE", location, "", NULL)->status, 200);
	ck_assert_uint_eq(e->status, 409);
	answer(ANSWER2);
	ck_assert_uint_eq(whip_count(whip), 0);
}
END_TEST

START_TEST(test_call_ends_in_a_restart)
{
	struct exchange *e;

	create();
	e = patch("*", ICE2);
	calls_on_gone(world.calls, last_call, WHY_CRASHED, true, "");
	ck_assert_uint_eq(e->status, 500);
	whip_tick(whip, now);
	ck_assert_uint_eq(ask("DELETE", location, "", NULL)->status, 404);
}
END_TEST

/* After a restart of the process */

static void restart_process(bool tell)
{
	char name[HUB_NAME_MAX + 1];
	const struct hub_peer *p = hub_next(world.hub,
					    hub_next(world.hub, NULL));
	struct calls_ops ops = { b_open, b_describe, b_trickle, b_want,
				 b_close, to_peer, NULL };

	snprintf(name, sizeof(name), "%s", p->name);
	whip_free(whip);
	calls_free(world.calls);
	ck_assert_int_eq(calls_new(&world.calls, &ops, 99), 0);
	calls_on_up(world.calls, now);
	start_whip(0, 0);
	if (tell)
		calls_on_known(world.calls, last_call, name, "room");
	heard[0] = '\0';
}

START_TEST(test_after_a_restart)
{
	create();
	restart_process(true);
	whip_tick(whip, now);
	ck_assert_str_eq(heard, "joined whip-\n");
	ck_assert_uint_eq(whip_count(whip), 1);
	ck_assert_uint_eq(patch(etag, FRAG "a=" HOST "\r\n")->status, 204);
	ck_assert_uint_eq(patch(etag, ICE2)->status, 412);
	ck_assert_uint_eq(patch("\"0\"", FRAG)->status, 412);
	/* What was offered is known no more. */
	ck_assert_uint_eq(patch("*", ICE2)->status, 409);
	ck_assert_uint_eq(ask("DELETE", location, "", NULL)->status, 200);
	ck_assert_str_eq(heard, "joined whip-\ntrickle 0 - " HOST
			 "\nclose\nleft whip-\n");
}
END_TEST

START_TEST(test_delete_before_the_first_tick)
{
	create();
	restart_process(true);
	ck_assert_uint_eq(ask("DELETE", location, "", NULL)->status, 200);
	ck_assert_ptr_nonnull(strstr(heard, "close\n"));
}
END_TEST

START_TEST(test_calls_of_others_are_let_alone)
{
	create();
	restart_process(false);
	calls_on_known(world.calls, 5, "whip-0123456789abcdef0123456", "s");
	calls_on_known(world.calls, 6, "whip-0123456789abcdef0123456X", "s");
	calls_on_known(world.calls, 7, "alice", "s");
	whip_tick(whip, now);
	ck_assert_uint_eq(whip_count(whip), 0);
	ck_assert_uint_eq(ask("DELETE", location, "", NULL)->status, 404);
}
END_TEST

START_TEST(test_adopted_call_ends)
{
	create();
	restart_process(true);
	whip_tick(whip, now);
	later(10 * (int64_t)WHIP_CONNECT_US);
	ck_assert_uint_eq(whip_count(whip), 1);
	calls_on_gone(world.calls, last_call, WHY_LOST, true, "");
	whip_tick(whip, now);
	ck_assert_uint_eq(whip_count(whip), 0);
}
END_TEST

/* Tokens */

static const struct {
	const char *method, *path, *headers, *body;
	unsigned status;
	const char *shows;
} shown[] = {
	{ "POST", "/whip/room", SDP, OFFER, 401,
	  "WWW-Authenticate: Bearer realm=\"remotemedia\"\n" },
	{ "POST", "/whip/room", SDP BEARER "x.y.z\n", OFFER, 401,
	  "WWW-Authenticate: Bearer realm=\"remotemedia\", "
	  "error=\"invalid_token\"\n" },
	{ "POST", "/whip/room", SDP BEARER "\n", OFFER, 401, "" },
	{ "POST", "/whip/room", SDP "Authorization: Basic eDp5\n", OFFER,
	  401, "" },
	{ "POST", "/whip/room", SDP BEARER TOKEN_ALL "x\n", OFFER, 401, "" },
	{ "POST", "/whip/room", SDP BEARER TOKEN_SUB "\n", OFFER, 403,
	  "insufficient_scope" },
	{ "POST", "/whep/room", SDP BEARER TOKEN_PUB "\n", PLAY, 403, "" },
	{ "POST", "/whip/moor", SDP BEARER TOKEN_ROOM "\n", OFFER, 403, "" },
	{ "POST", "/whip/room", SDP BEARER TOKEN_ALL "\n", OFFER, 0, "" },
	{ "POST", "/whip/room", SDP BEARER TOKEN_PUB "\n", OFFER, 0, "" },
	{ "POST", "/whip/room", SDP "authorization: bearer  " TOKEN_PUB "\n",
	  OFFER, 0, "" },
	{ "POST", "/whep/room", SDP BEARER TOKEN_SUB "\n", PLAY, 0, "" },
	{ "POST", "/whep/room", SDP BEARER TOKEN_ROOM "\n", PLAY, 0, "" },
	{ "DELETE", "/whip/room/0123456789abcdef0123456789abcdef", "", NULL,
	  401, "" },
	{ "DELETE", "/whip/room/0123456789abcdef0123456789abcdef",
	  BEARER TOKEN_ALL "\n", NULL, 404, "" },
	{ "PATCH", "/whip/room/0123456789abcdef0123456789abcdef", TRICKLE,
	  FRAG, 401, "" },
	{ "OPTIONS", "/whip/room", "", NULL, 200, "" },
	{ "GET", "/whip/room", "", NULL, 204, "" },
};

START_TEST(test_tokens)
{
	struct exchange *e = ask(shown[_i].method, shown[_i].path,
				 shown[_i].headers, shown[_i].body);

	ck_assert_uint_eq(e->status, shown[_i].status);
	if (!e->status)
		return;
	ck_assert(e->status == 401 || e->status == 403 ||
		  !*header(e, "WWW-Authenticate"));
	if (e->status == 401)
		ck_assert_msg(strstr(e->headers, shown[_i].shows) != NULL,
			      "%s", e->headers);
	ck_assert_ptr_null(strstr(e->body, TOKEN_ALL));
}
END_TEST

START_TEST(test_token_of_each_request)
{
	struct exchange *e;

	create_with("/whip/room", SDP BEARER TOKEN_PUB "\n", OFFER);
	ck_assert_uint_eq(ask("DELETE", location, "", NULL)->status, 401);
	ck_assert_uint_eq(patch(etag, FRAG)->status, 401);
	ck_assert_uint_eq(ask("DELETE", location, BEARER TOKEN_SUB "\n",
			      NULL)->status, 403);
	e = ask("PATCH", location, with(TRICKLE BEARER TOKEN_ALL "\n", etag),
		FRAG "a=" HOST "\r\n");
	ck_assert_uint_eq(e->status, 204);
	ck_assert_uint_eq(ask("DELETE", location, BEARER TOKEN_PUB "\n",
			      NULL)->status, 200);
}
END_TEST

START_TEST(test_after_a_restart_with_tokens)
{
	create_with("/whip/room", SDP BEARER TOKEN_PUB "\n", OFFER);
	restart_process(true);
	whip_tick(whip, now);
	ck_assert_uint_eq(ask("DELETE", location, "", NULL)->status, 401);
	ck_assert_uint_eq(ask("PATCH", location,
			      with(TRICKLE BEARER TOKEN_PUB "\n", etag),
			      FRAG)->status, 204);
	ck_assert_uint_eq(ask("DELETE", location, BEARER TOKEN_PUB "\n",
			      NULL)->status, 200);
}
END_TEST

/* A token that counts once counts for all requests of what it made. */
START_TEST(test_single_use)
{
	start(&(struct sig_options){ .auth_secret = SECRET,
				     .auth_single_use = true });
	create_with("/whip/room", SDP BEARER TOKEN_ONCE "\n", OFFER);
	ck_assert_uint_eq(ask("POST", "/whip/room", SDP BEARER TOKEN_ONCE
			      "\n", OFFER)->status, 401);
	ck_assert_uint_eq(ask("PATCH", location,
			      with(TRICKLE BEARER TOKEN_ONCE "\n", etag),
			      FRAG)->status, 204);
	ck_assert_uint_eq(ask("DELETE", location, BEARER TOKEN_ONCE "\n",
			      NULL)->status, 200);
	teardown();
}
END_TEST

START_TEST(test_links)
{
	struct exchange *e;

	start(&(struct sig_options){
		.auth_secret = SECRET, .turn_len = 2, .turn_life_s = 60,
		.turn = { "turn:turn.example:3478",
			  "turn:turn.example:3478?transport=tcp" },
		.turn_secret = "turn" });
	e = create_with("/whip/room", SDP BEARER TOKEN_ALL "\n", OFFER);
	ck_assert_ptr_nonnull(strstr(e->headers, "Link: "
		"<turn:turn.example:3478>; rel=\"ice-server\"; "
		"username=\"1800000060:al\"; credential=\""));
	ck_assert_ptr_nonnull(strstr(e->headers, "Link: "
		"<turn:turn.example:3478?transport=tcp>; rel="));
	ck_assert_ptr_nonnull(strstr(e->headers,
				     "; credential-type=\"password\"\n"));
	teardown();
}
END_TEST

static void add_lives(Suite *s)
{
	TCase *c = tcase_create("sessions");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_publish);
	tcase_add_test(c, test_directions);
	tcase_add_test(c, test_session_is_escaped);
	tcase_add_test(c, test_type_with_parameters);
	tcase_add_test(c, test_body_in_parts);
	tcase_add_test(c, test_too_long);
	tcase_add_test(c, test_zero_in_the_body);
	tcase_add_test(c, test_late_candidates);
	tcase_add_test(c, test_candidates_that_do_not_end);
	tcase_add_loop_test(c, test_refused_by_the_pipeline, 0,
			    (int)ARRAY_LEN(refused));
	tcase_add_test(c, test_no_answer);
	tcase_add_test(c, test_broker_away);
	tcase_add_test(c, test_rejected_media);
	tcase_add_test(c, test_client_goes_away);
	tcase_add_test(c, test_room);
	tcase_add_test(c, test_requests_at_once);
	tcase_add_test(c, test_delete);
	tcase_add_test(c, test_get_of_a_session);
	tcase_add_test(c, test_wrong_session_path);
	tcase_add_test(c, test_name_is_not_the_id);
	tcase_add_test(c, test_no_connection);
	tcase_add_test(c, test_connected_and_gone);
	tcase_add_test(c, test_called_by_another);
	suite_add_tcase(s, c);
}

static void add_fragments(Suite *s)
{
	TCase *c = tcase_create("fragments");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_frags, 0, (int)ARRAY_LEN(frags));
	tcase_add_test(c, test_trickle_reaches_the_broker);
	tcase_add_test(c, test_too_many_candidates);
	tcase_add_test(c, test_too_many_patches);
	tcase_add_test(c, test_restart);
	tcase_add_test(c, test_restart_by_the_tag);
	tcase_add_test(c, test_restart_refused);
	tcase_add_test(c, test_two_restarts_at_once);
	tcase_add_test(c, test_restart_rate);
	tcase_add_test(c, test_client_goes_away_in_a_restart);
	tcase_add_test(c, test_delete_in_a_restart);
	tcase_add_test(c, test_call_ends_in_a_restart);
	tcase_add_test(c, test_after_a_restart);
	tcase_add_test(c, test_delete_before_the_first_tick);
	tcase_add_test(c, test_calls_of_others_are_let_alone);
	tcase_add_test(c, test_adopted_call_ends);
	suite_add_tcase(s, c);
}

/* What is logged names neither a token nor a description. */
static void on_line(enum log_level level, const char *line, size_t len,
		    void *arg)
{
	(void)level;
	(void)arg;
	ck_assert_ptr_null(memmem(line, len, "eyJ", 3));
	ck_assert_ptr_null(memmem(line, len, "ice-", 4));
	ck_assert_ptr_null(memmem(line, len, "v=0", 3));
}

int main(void)
{
	Suite *s = suite_create("whip");
	TCase *c = tcase_create("statuses");

	log_set_sink(on_line, NULL);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_plain, 0, (int)ARRAY_LEN(plain));
	tcase_add_loop_test(c, test_other_paths, 0, 6);
	suite_add_tcase(s, c);
	add_lives(s);
	add_fragments(s);
	c = tcase_create("tokens");
	tcase_add_checked_fixture(c, setup_tokens, teardown);
	tcase_add_loop_test(c, test_tokens, 0, (int)ARRAY_LEN(shown));
	tcase_add_test(c, test_token_of_each_request);
	tcase_add_test(c, test_after_a_restart_with_tokens);
	suite_add_tcase(s, c);
	c = tcase_create("other keys");
	tcase_add_test(c, test_single_use);
	tcase_add_test(c, test_links);
	suite_add_tcase(s, c);

	return suite_run(s);
}
