/* h1_kit.c - a connection over a socket pair, with a service of the test */

#include "tests/unit/h1_kit.h"

#include <check.h>
#include <fcntl.h>

struct kit_service kit_service;
struct kit_talk kit_talk;

/* HTTP/2 has tests of its own. */
void h2_conn_open(struct conn *c, struct mono now)
{
	(void)now;
	conn_doom(c);
}

static void copy_span(char *out, size_t cap, struct h1_span s)
{
	size_t len = s.len < cap - 1 ? s.len : cap - 1;

	if (len)
		memcpy(out, s.at, len);
	out[len] = '\0';
}

static void on_body(struct http_exchange *x, const void *bytes, size_t len,
		    struct mono now)
{
	struct kit_service *s = x->arg;

	(void)now;
	ck_assert_uint_gt(len, 0);
	ck_assert_uint_eq(s->ended, 0);
	if (s->body_len + len <= sizeof(s->body))
		memcpy(s->body + s->body_len, bytes, len);
	s->body_len += len;
	if (s->on_body)
		s->on_body(s);
}

static void on_end(struct http_exchange *x, struct mono now)
{
	struct kit_service *s = x->arg;

	(void)now;
	s->ended++;
	if (s->on_end)
		s->on_end(s);
}

static void on_writable(struct http_exchange *x, struct mono now)
{
	struct kit_service *s = x->arg;

	(void)now;
	s->writable++;
}

static void on_gone(struct http_exchange *x, bool lost, struct mono now)
{
	struct kit_service *s = x->arg;

	(void)now;
	s->gone++;
	s->lost = lost;
	s->x = NULL;
}

static const struct http_service service = { on_body, on_end, on_writable,
					     on_gone };

static bool begin(struct http_exchange *x, const struct http_request *r,
		  struct mono now)
{
	struct kit_service *s = &kit_service;

	(void)now;
	if (r->path.len < 4 || memcmp(r->path.at, "/svc", 4) != 0)
		return false;
	x->service = &service;
	x->arg = s;
	s->x = x;
	s->begun++;
	s->ended = 0;
	s->body_len = 0;
	s->has_body = r->has_body;
	s->has_length = r->has_length;
	s->length = r->length;
	s->version = r->version;
	s->loopback = r->loopback;
	s->tls = r->tls;
	copy_span(s->path, sizeof(s->path), r->path);
	copy_span(s->query, sizeof(s->query), r->query);
	if (s->on_begin)
		s->on_begin(s);

	return true;
}

static http_route_h *const routes[] = { begin, NULL };

/* A conversation that counts. */
static void talk_text(void *arg, const char *text, size_t len,
		      struct mono now)
{
	struct kit_talk *t = arg;

	(void)now;
	t->texts++;
	t->last_len = len;
	if (len == 4 && memcmp(text, "echo", 4) == 0)
		ck_assert_int_eq(t->out.text("ohce", 4, t->out.arg), 0);
	if (len == 5 && memcmp(text, "close", 5) == 0)
		t->out.close(4000, "asked", t->out.arg);
}

static void talk_binary(void *arg, const void *bytes, size_t len,
			struct mono now)
{
	struct kit_talk *t = arg;

	(void)now;
	t->binaries++;
	t->last_len = len;
	ck_assert_int_eq(t->out.binary(bytes, len, t->out.arg), 0);
}

static void talk_gone(void *arg, bool clean, struct mono now)
{
	struct kit_talk *t = arg;

	(void)now;
	t->gone++;
	t->clean = clean;
}

static const char *talk_name(const void *arg)
{
	(void)arg;

	return "";
}

static const struct talk_ops only_text = { talk_text, NULL, talk_gone,
					   talk_name };
static const struct talk_ops both = { talk_text, talk_binary, talk_gone,
				      talk_name };

unsigned talk_open(struct talk *out, struct door *door,
		   const struct http_request *r, const struct talk_out *to,
		   struct mono now)
{
	(void)door;
	(void)now;
	if (h1_is(r->path, "/no"))
		return 401;
	kit_talk.out = *to;
	*out = (struct talk){ kit_talk.takes_binary ? &both : &only_text,
			      &kit_talk, NULL };
	if (h1_has_token(r->headers, r->headers_len, "sec-websocket-protocol",
			 "ours"))
		out->protocol = "ours";

	return 0;
}

void kit_open(struct kit *k)
{
	struct source_caps caps = { 1000, 1000, 1000, 1000, 0 };
	uint8_t address[16] = { [15] = 1 };
	struct conn_from from = { .loopback = true };
	int pair[2];

	memset(&kit_service, 0, sizeof(kit_service));
	memset(&kit_talk, 0, sizeof(kit_talk));
	*k = (struct kit){ .limits = {
		.message_bytes = 65536, .queue_bytes = 1048576,
		.queue_messages = 256, .tls_rate = 200, .tls_timeout_s = 5,
		.head_timeout_s = 5, .announce_timeout_s = 10,
		.tls_source_rate = 10, .head_bytes = 8192, .headers = 64,
		.body_bytes = 1048576, .body_timeout_s = 30,
		.http_idle_s = 15, .stall_timeout_s = 30, .fragments = 64,
		.ping_misses = 2,
		.ping_interval_s = 20, .startups_begin = 10,
		.startups_rate = 30, .startups_full = 100 } };
	k->world.metrics = &k->metrics;
	k->now = mono_now();
	ck_assert_int_eq(loop_new(&k->loop), 0);
	ck_assert_int_eq(files_load(&k->files, NULL), 0);
	k->door = (struct door){ .loop = k->loop, .world = &k->world,
				 .files = k->files, .routes = routes,
				 .limits = &k->limits, .started = k->now };
	ck_assert_int_eq(sources_new(&k->door.sources, &caps), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				    pair), 0);
	k->far = pair[0];
	from.key = source_key(address);
	ck_assert_int_eq(sources_enter(k->door.sources, from.key, k->now), 0);
	conn_open(&k->door, pair[1], &from, k->now);
}

void kit_close(struct kit *k)
{
	if (k->far >= 0)
		close(k->far);
	door_close(&k->door, k->now);
	ck_assert_uint_eq(k->door.startups, 0);
	ck_assert_uint_eq(k->door.connections, 0);
	ck_assert_uint_eq(k->door.websockets, 0);
	ck_assert_uint_eq(sources_total(k->door.sources), 0);
	sources_free(k->door.sources);
	files_free(k->files);
	loop_free(k->loop);
}

void kit_run(struct kit *k)
{
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(loop_turn(k->loop, 0), 0);
}

void kit_say_bytes(struct kit *k, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = send(k->far, at, len, MSG_NOSIGNAL);

		if (n < 0)
			break;	/* the server has closed, or does not read */
		at += n;
		len -= (size_t)n;
		kit_run(k);
	}
	kit_run(k);
}

void kit_say(struct kit *k, const char *text)
{
	kit_say_bytes(k, text, strlen(text));
}

void kit_pass(struct kit *k, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		k->now = mono_add(k->now, 1000000);
		for (struct conn *c = k->door.first; c; c = c->next)
			conn_sweep(c, k->now);
		kit_run(k);
	}
}

const char *kit_hear(struct kit *k, bool *closed)
{
	static char heard[1500000];
	size_t len = 0;
	ssize_t n;

	do {
		kit_run(k);
		n = recv(k->far, heard + len, sizeof(heard) - 1 - len, 0);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0);
	heard[len] = '\0';
	if (closed)
		*closed = n == 0 || errno == ECONNRESET;

	return heard;
}
