/* test_h2.c - one HTTP/2 session against frames made by hand */

#include "port/h2.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"

enum {
	DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW,
	CONTINUATION,
};
enum { END_STREAM = 1, END_HEADERS = 4, ACK = 1 };
enum {
	NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR,
	STREAM_CLOSED = 5, CANCEL = 8, ENHANCE_YOUR_CALM = 11,
};
enum { WHOS = 128, OUT = 3000000, FRAMES = 20000 };

/* What a service saw of one stream. */
struct who {
	struct h2_stream *stream;
	char method[32], path[64], authority[64], x_test[64];
	bool has_length, ended_at_once;
	uint64_t length;
	uint8_t body[200000];
	size_t body_len;
	int ends, gones, writables;
	bool lost;
};

struct seen {
	uint8_t type, flags;
	uint32_t id;
	size_t at, len;		/* payload in out */
};

static struct h2 *h;
static struct mono now;
static struct who whos[WHOS];
static int whos_len;
static uint8_t in[300000], out[OUT];
static struct buf_out frames;
static size_t out_len, parsed;
static struct seen seen[FRAMES];
static int seen_len;
/* What the service does; NULL: nothing. */
static void (*at_begin)(struct who *w), (*at_body)(struct who *w),
	(*at_end)(struct who *w), (*at_writable)(struct who *w),
	(*at_gone)(struct who *w);

static void copy_span(char *to, size_t cap, struct h1_span span)
{
	ck_assert_uint_lt(span.len, cap);
	if (span.len)
		memcpy(to, span.at, span.len);
	to[span.len] = '\0';
}

static void on_begin(struct h2_stream *s, const struct h2_request *r,
		     struct mono at, void *arg)
{
	struct who *w = &whos[whos_len++];

	ck_assert_int_le(whos_len, WHOS);
	ck_assert_int_eq(at.us, now.us);
	ck_assert_ptr_eq(arg, whos);
	h2_attach(s, w);
	w->stream = s;
	copy_span(w->method, sizeof(w->method), r->method);
	copy_span(w->path, sizeof(w->path), r->path);
	copy_span(w->authority, sizeof(w->authority), r->authority);
	copy_span(w->x_test, sizeof(w->x_test),
		  h1_find(r->headers, r->headers_len, "x-test"));
	w->has_length = r->has_length;
	w->length = r->length;
	w->ended_at_once = r->ended;
	if (at_begin)
		at_begin(w);
}

static void on_body(void *who, const void *bytes, size_t len, struct mono at)
{
	struct who *w = who;

	(void)at;
	ck_assert_uint_le(w->body_len + len, sizeof(w->body));
	memcpy(w->body + w->body_len, bytes, len);
	w->body_len += len;
	if (at_body)
		at_body(w);
}

static void on_end(void *who, struct mono at)
{
	struct who *w = who;

	(void)at;
	w->ends++;
	if (at_end)
		at_end(w);
}

static void on_writable(void *who, struct mono at)
{
	struct who *w = who;

	(void)at;
	w->writables++;
	if (at_writable)
		at_writable(w);
}

static void on_gone(void *who, bool lost, struct mono at)
{
	struct who *w = who;

	(void)at;
	w->gones++;
	w->lost = lost;
	if (at_gone)
		at_gone(w);
}

static const struct h2_events events = {
	on_begin, on_body, on_end, on_writable, on_gone,
};

/* Frames to the session */

static uint8_t *put(uint8_t type, uint8_t flags, uint32_t id, size_t len)
{
	buf_put_be(&frames, len, 3);
	buf_put_u8(&frames, type);
	buf_put_u8(&frames, flags);
	buf_put_u32(&frames, id);

	return buf_reserve(&frames, len);
}

static void put_u32(uint8_t type, uint32_t id, uint32_t value)
{
	struct buf_out b = buf_out(put(type, 0, id, 4), 4);

	buf_put_u32(&b, value);
}

static void put_setting(uint16_t which, uint32_t value)
{
	struct buf_out b = buf_out(put(SETTINGS, 0, 0, 6), 6);

	buf_put_u16(&b, which);
	buf_put_u32(&b, value);
}

static void field(struct buf_out *b, const char *name, const char *value)
{
	buf_put_u8(b, 0);
	buf_put_u8(b, (uint8_t)strlen(name));
	buf_put(b, name, strlen(name));
	buf_put_u8(b, (uint8_t)strlen(value));
	buf_put(b, value, strlen(value));
}

static void put_request(uint32_t id, const char *method, const char *path,
			uint8_t flags, const char *name, const char *value)
{
	uint8_t bytes[512];
	struct buf_out b = buf_out(bytes, sizeof(bytes));

	field(&b, ":method", method);
	field(&b, ":scheme", "http");
	field(&b, ":path", path);
	field(&b, ":authority", "here");
	if (name)
		field(&b, name, value);
	ck_assert(!b.bad);
	memcpy(put(HEADERS, flags, id, buf_len(&b)), bytes, buf_len(&b));
}

static void get(uint32_t id)
{
	put_request(id, "GET", "/a?b", END_STREAM | END_HEADERS, NULL, NULL);
}

static void post(uint32_t id)
{
	put_request(id, "POST", "/a", END_HEADERS, NULL, NULL);
}

static void put_data(uint32_t id, const void *bytes, size_t len,
		     uint8_t flags)
{
	uint8_t *at = put(DATA, flags, id, len);

	if (len)
		memcpy(at, bytes, len);
}

/* Gives what was put; the session's answer. */
static int give(void)
{
	size_t len = buf_len(&frames);

	ck_assert(!frames.bad);
	frames = buf_out(in, sizeof(in));

	return h2_recv(h, in, len, now);
}

/* Takes what it says now. */
static void take(void)
{
	const uint8_t *bytes;
	int n;

	while ((n = h2_poll(h, &bytes, now)) > 0) {
		ck_assert_uint_le(out_len + (size_t)n, OUT);
		memcpy(out + out_len, bytes, (size_t)n);
		out_len += (size_t)n;
	}
	ck_assert_int_eq(n, 0);
	while (out_len - parsed >= 9) {
		struct buf_in b = buf_in(out + parsed, out_len - parsed);
		size_t len = buf_get_be(&b, 3);
		struct seen s = { 0 };

		s.type = buf_get_u8(&b);
		s.flags = buf_get_u8(&b);
		s.id = buf_get_u32(&b);
		s.at = parsed + 9;
		s.len = len;
		ck_assert_ptr_nonnull(buf_get(&b, len));
		ck_assert_int_lt(seen_len, FRAMES);
		seen[seen_len++] = s;
		parsed += 9 + len;
	}
}

static void say(void)
{
	ck_assert_int_eq(give(), 0);
	take();
}

static void forget(void)
{
	seen_len = 0;
	out_len = parsed = 0;
}

static int count(uint8_t type, uint32_t id)
{
	int n = 0;

	for (int i = 0; i < seen_len; i++)
		n += seen[i].type == type && seen[i].id == id;

	return n;
}

static const struct seen *last(uint8_t type, uint32_t id)
{
	for (int i = seen_len; i--;)
		if (seen[i].type == type && seen[i].id == id)
			return &seen[i];
	ck_abort_msg("no frame of type %u on %u", type, id);

	return NULL;
}

/* The error code of the last GOAWAY (id 0) or RST_STREAM. */
static uint32_t code(uint32_t id)
{
	const struct seen *s = last(id ? RST : GOAWAY, id);
	struct buf_in b = buf_in(out + s->at + (id ? 0 : 4), 4);

	return buf_get_u32(&b);
}

static size_t data_bytes(uint32_t id)
{
	size_t n = 0;

	for (int i = 0; i < seen_len; i++)
		if (seen[i].type == DATA && seen[i].id == id)
			n += seen[i].len;

	return n;
}

static void setup(void)
{
	now = mono_at(1000000);
	whos_len = 0;
	memset(whos, 0, sizeof(whos));
	frames = buf_out(in, sizeof(in));
	forget();
	at_begin = at_body = at_end = at_writable = at_gone = NULL;
	ck_assert_int_eq(h2_new(&h, &H2_CAPS, &events, whos, now), 0);
}

/* Preface and SETTINGS; window: of the answers. */
static void start(uint32_t window)
{
	setup();
	buf_put(&frames, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	put_setting(4, window);
	put(SETTINGS, ACK, 0, 0);
	say();
	ck_assert_int_eq(seen[0].type, SETTINGS);
	ck_assert_uint_eq(last(SETTINGS, 0)->flags, ACK);
	forget();
}

static void stop(void)
{
	h2_end(h, true, now);
	h2_free(h);
}

/* Answers */

static int head(struct h2_stream *s, unsigned status, bool ends)
{
	struct h2_head answer = { .status = status, .last = ends };

	return h2_head(s, &answer);
}

static void answer_hello(struct who *w)
{
	ck_assert_int_eq(head(w->stream, 200, false), 0);
	ck_assert_int_eq(h2_body(w->stream, "hello", 5, false), 0);
	ck_assert_int_eq(h2_finish(w->stream, NULL, 0), 0);
}

static void only_head(struct who *w)
{
	ck_assert_int_eq(head(w->stream, 200, false), 0);
}

static void reset(struct who *w)
{
	h2_reset(w->stream);
}

START_TEST(a_request_comes_and_is_answered)
{
	start(65535);
	at_end = answer_hello;
	put_request(1, "GET", "/a?b", END_STREAM | END_HEADERS, "x-test",
		    "yes");
	say();
	ck_assert_int_eq(whos_len, 1);
	ck_assert_str_eq(whos[0].method, "GET");
	ck_assert_str_eq(whos[0].path, "/a?b");
	ck_assert_str_eq(whos[0].authority, "here");
	ck_assert_str_eq(whos[0].x_test, "yes");
	ck_assert(whos[0].ended_at_once && !whos[0].has_length);
	ck_assert_int_eq(whos[0].ends, 1);
	ck_assert_int_eq(out[last(HEADERS, 1)->at], 0x88);
	ck_assert_int_eq(last(DATA, 1)->flags, END_STREAM);
	ck_assert_mem_eq(out + last(DATA, 1)->at, "hello", 5);
	ck_assert_int_eq(count(RST, 1), 0);
	ck_assert_uint_eq(h2_streams(h), 0);
	ck_assert_uint_eq(h2_requests(h), 1);
	stop();
	ck_assert_int_eq(whos[0].gones, 0);
}
END_TEST

START_TEST(a_body_comes_in_order_then_its_end)
{
	start(65535);
	put_request(1, "POST", "/a", END_HEADERS, "content-length", "8");
	put_data(1, "body", 4, 0);
	say();
	ck_assert(whos[0].has_length && whos[0].length == 8);
	ck_assert_int_eq(whos[0].ends, 0);
	put_data(1, "BODY", 4, END_STREAM);
	say();
	ck_assert_uint_eq(whos[0].body_len, 8);
	ck_assert_mem_eq(whos[0].body, "bodyBODY", 8);
	ck_assert_int_eq(whos[0].ends, 1);
	stop();
}
END_TEST

START_TEST(trailers_of_a_request_are_its_end)
{
	uint8_t bytes[64];
	struct buf_out b = buf_out(bytes, sizeof(bytes));

	start(65535);
	field(&b, "x-sum", "1");
	post(1);
	put_data(1, "body", 4, 0);
	memcpy(put(HEADERS, END_STREAM | END_HEADERS, 1, buf_len(&b)), bytes,
	       buf_len(&b));
	say();
	ck_assert_int_eq(whos_len, 1);
	ck_assert_int_eq(whos[0].ends, 1);
	stop();
}
END_TEST

START_TEST(an_early_answer_ends_the_request_too)
{
	start(65535);
	at_begin = answer_hello;
	post(1);
	say();
	ck_assert_int_eq(last(DATA, 1)->flags, END_STREAM);
	/* What was under way is swallowed, and nobody waits for the rest. */
	put_data(1, "late", 4, 0);
	say();
	ck_assert_int_eq(count(RST, 1), 0);
	now = mono_add(now, H2_REST_US);
	ck_assert_int_eq(h2_tick(h, now), 0);
	take();
	ck_assert_uint_eq(code(1), NO_ERROR);
	ck_assert_uint_eq(h2_streams(h), 0);
	put_data(1, "later", 5, END_STREAM);
	say();
	ck_assert_uint_eq(whos[0].body_len, 0);
	ck_assert_int_eq(whos[0].ends, 0);
	ck_assert_int_eq(count(GOAWAY, 0), 0);
	ck_assert_int_eq(whos[0].gones, 0);
	stop();
}
END_TEST

static void answer_with_trailers(struct who *w)
{
	const struct h1_header trailers[] = {
		{ { "Grpc-Status", 11 }, { "0", 1 } },
		{ { "grpc-message", 12 }, { "", 0 } },
	};

	ck_assert_int_eq(head(w->stream, 200, false), 0);
	ck_assert_int_eq(h2_body(w->stream, "hello", 5, false), 0);
	ck_assert_int_eq(h2_finish(w->stream, trailers, 2), 0);
}

START_TEST(trailers_follow_the_body)
{
	start(65535);
	at_end = answer_with_trailers;
	get(1);
	say();
	ck_assert_int_eq(count(HEADERS, 1), 2);
	ck_assert_int_eq(last(DATA, 1)->flags & END_STREAM, 0);
	ck_assert(last(HEADERS, 1) > last(DATA, 1));
	ck_assert_int_eq(last(HEADERS, 1)->flags, END_STREAM | END_HEADERS);
	ck_assert_uint_eq(h2_streams(h), 0);
	stop();
}
END_TEST

START_TEST(trailers_wait_for_a_body_that_waits)
{
	start(2);
	at_end = answer_with_trailers;
	get(1);
	say();
	ck_assert_uint_eq(data_bytes(1), 2);
	ck_assert_int_eq(count(HEADERS, 1), 1);
	put_u32(WINDOW, 1, 100);
	say();
	ck_assert_uint_eq(data_bytes(1), 5);
	ck_assert_int_eq(count(HEADERS, 1), 2);
	stop();
}
END_TEST

static void trailers_only(struct who *w)
{
	ck_assert_int_eq(head(w->stream, 200, true), 0);
}

START_TEST(trailers_only_is_one_frame)
{
	start(65535);
	at_end = trailers_only;
	get(1);
	say();
	ck_assert_int_eq(seen_len, 1);
	ck_assert_int_eq(seen[0].type, HEADERS);
	ck_assert_int_eq(seen[0].flags, END_STREAM | END_HEADERS);
	ck_assert_uint_eq(h2_streams(h), 0);
	stop();
}
END_TEST

START_TEST(fields_are_judged_before_they_leave)
{
	struct h1_header bad = { { "x-a", 3 }, { "a\nb", 3 } };
	struct h1_header of_h1[] = {
		{ { "Connection", 10 }, { "close", 5 } },
		{ { "X-A", 3 }, { "b", 1 } },
	};
	struct h2_head answer = { .status = 200, .headers = &bad,
				  .headers_len = 1 };
	struct who *w = &whos[0];

	start(65535);
	get(1);
	say();
	ck_assert_int_eq(h2_body(w->stream, "x", 1, false), -EINVAL);
	ck_assert_int_eq(h2_head(w->stream, &answer), -EINVAL);
	answer = (struct h2_head){ .status = 99 };
	ck_assert_int_eq(h2_head(w->stream, &answer), -EINVAL);
	answer = (struct h2_head){ .status = 200, .headers = of_h1,
				   .headers_len = 2, .has_length = true };
	ck_assert_int_eq(h2_head(w->stream, &answer), 0);
	ck_assert_int_eq(h2_head(w->stream, &answer), -EALREADY);
	take();
	/* :status 200, content-length (28 of the static table) 0, x-a b; no
	 * room for Connection. */
	ck_assert_int_eq(out[seen[0].at], 0x88);
	ck_assert_mem_eq(out + seen[0].at + 1, "\x0f\x0d", 2);
	ck_assert_uint_lt(seen[0].len, 14);
	ck_assert_int_eq(h2_finish(w->stream, &bad, 1), -EINVAL);
	take();
	ck_assert_uint_eq(code(1), INTERNAL_ERROR);
	ck_assert_int_eq(w->gones, 0);
	stop();
}
END_TEST

/* A pattern that shows order. */
static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 31 + (i >> 8));
}

static size_t fill(struct h2_stream *s, size_t from)
{
	uint8_t part[1000];
	size_t n = 0;

	for (;;) {
		for (size_t i = 0; i < sizeof(part); i++)
			part[i] = pattern(from + n + i);
		if (h2_body(s, part, sizeof(part), false))
			return n;
		n += sizeof(part);
	}
}

static void check_pattern(uint32_t id, size_t expect)
{
	size_t n = 0;

	for (int i = 0; i < seen_len; i++)
		for (size_t k = 0; seen[i].type == DATA && seen[i].id == id &&
				   k < seen[i].len; k++, n++)
			ck_assert_int_eq(out[seen[i].at + k], pattern(n));
	ck_assert_uint_eq(n, expect);
}

START_TEST(a_queue_has_a_cap_and_says_when_there_is_room)
{
	struct who *w = &whos[0];
	size_t queued, more;

	start(0);
	at_begin = only_head;
	get(1);
	say();
	queued = fill(w->stream, 0);
	ck_assert_uint_eq(queued, H2_STREAM_QUEUE / 1000 * 1000);
	ck_assert_uint_eq(h2_queued(w->stream), queued);
	/* A little room is no news; half of it is, once. */
	put_u32(WINDOW, 1, 10000);
	say();
	ck_assert_int_eq(w->writables, 0);
	put_u32(WINDOW, 1, 0x7fffffff - 10000);
	put_u32(WINDOW, 0, 0x7fffffff - 65535);
	say();
	ck_assert_int_eq(w->writables, 1);
	check_pattern(1, queued);
	more = fill(w->stream, queued);
	ck_assert_int_eq(h2_finish(w->stream, NULL, 0), 0);
	take();
	check_pattern(1, queued + more);
	ck_assert_int_eq(last(DATA, 1)->flags, END_STREAM);
	ck_assert_int_eq(w->writables, 1);
	stop();
}
END_TEST

START_TEST(a_connection_has_a_cap)
{
	size_t all = 0;

	start(0);
	at_begin = only_head;
	for (uint32_t i = 0; i < 10; i++)
		get(1 + 2 * i);
	say();
	for (int i = 0; i < 10; i++)
		all += fill(whos[i].stream, 0);
	ck_assert_uint_le(all, H2_QUEUE);
	ck_assert_uint_gt(all, H2_QUEUE - 1000);
	/* The room that one leaves is another's. */
	ck_assert_uint_eq(h2_queued(whos[9].stream), 0);
	ck_assert_int_eq(whos[9].writables, 0);
	h2_reset(whos[0].stream);
	h2_reset(whos[1].stream);
	h2_reset(whos[2].stream);
	take();
	ck_assert_int_eq(whos[9].writables, 1);
	ck_assert_uint_gt(fill(whos[9].stream, 0), 200000);
	stop();
	ck_assert_int_eq(whos[9].gones, 1);
	ck_assert_int_eq(whos[0].gones, 0);
}
END_TEST

START_TEST(bytes_that_live_are_not_counted)
{
	static uint8_t page[1000000];

	start(0x7fffffff);
	at_begin = only_head;
	get(1);
	put_u32(WINDOW, 0, 0x7fffffff - 65535);
	say();
	for (size_t i = 0; i < sizeof(page); i++)
		page[i] = pattern(i);
	ck_assert_int_eq(h2_body(whos[0].stream, page, sizeof(page), true), 0);
	ck_assert_int_eq(h2_finish(whos[0].stream, NULL, 0), 0);
	take();
	check_pattern(1, sizeof(page));
	stop();
}
END_TEST

START_TEST(who_is_not_read_gets_no_credit_and_holds_nobody_up)
{
	static const uint8_t zeros[16384];

	start(65535);
	post(1);
	post(3);
	say();
	h2_read(whos[0].stream, false);
	for (int i = 0; i < 3; i++) {
		put_data(1, zeros, sizeof(zeros), 0);
		put_data(3, zeros, sizeof(zeros), 0);
	}
	say();
	ck_assert_uint_eq(whos[0].body_len, 3 * sizeof(zeros));
	ck_assert_int_eq(count(WINDOW, 1), 0);
	ck_assert_int_ge(count(WINDOW, 3), 1);
	h2_read(whos[0].stream, true);
	take();
	ck_assert_int_eq(count(WINDOW, 1), 1);
	stop();
}
END_TEST

START_TEST(more_than_the_window_ends_it)
{
	static const uint8_t zeros[16384];

	start(65535);
	post(1);
	say();
	h2_read(whos[0].stream, false);
	for (int i = 0; i < 5; i++)
		put_data(1, zeros, sizeof(zeros), 0);
	(void)!give();
	take();
	ck_assert_uint_eq(code(0), FLOW_CONTROL_ERROR);
	/* The frame that went too far may have come in part. */
	ck_assert_uint_lt(whos[0].body_len, H2_WINDOW + 16384);
	stop();
}
END_TEST

START_TEST(a_request_taken_back_is_gone)
{
	start(65535);
	get(1);
	get(3);
	say();
	put_u32(RST, 1, CANCEL);
	say();
	ck_assert_int_eq(whos[0].gones, 1);
	ck_assert(!whos[0].lost);
	ck_assert_int_eq(whos[1].gones, 0);
	stop();
	ck_assert_int_eq(whos[0].gones, 1);
	ck_assert_int_eq(whos[1].gones, 1);
	ck_assert(whos[1].lost);
}
END_TEST

START_TEST(answered_and_taken_back_is_nobodys)
{
	start(0);
	at_end = answer_hello;
	get(1);
	say();
	put_u32(RST, 1, CANCEL);
	say();
	ck_assert_int_eq(whos[0].gones, 0);
	ck_assert_uint_eq(h2_streams(h), 0);
	stop();
}
END_TEST

START_TEST(after_a_farewell_nothing_is_lost)
{
	start(65535);
	get(1);
	memset(put(GOAWAY, 0, 0, 8), 0, 8);
	say();
	ck_assert(h2_is_leaving(h));
	ck_assert(!h2_is_done(h));
	stop();
	ck_assert_int_eq(whos[0].gones, 1);
	ck_assert(!whos[0].lost);
}
END_TEST

static struct h2_stream *other;

static void write_to_other(struct who *w)
{
	if (w->stream != other)
		ck_assert_int_eq(h2_body(other, w->body, w->body_len, false),
				 0);
}

START_TEST(one_stream_may_speak_on_another)
{
	start(65535);
	at_begin = only_head;
	get(1);
	post(3);
	say();
	other = whos[0].stream;
	at_body = write_to_other;
	put_data(3, "to you", 6, 0);
	say();
	ck_assert_mem_eq(out + last(DATA, 1)->at, "to you", 6);
	stop();
}
END_TEST

static void reset_all_others(struct who *w)
{
	for (int i = 0; i < whos_len; i++)
		if (&whos[i] != w && !whos[i].gones && whos[i].stream) {
			h2_reset(whos[i].stream);
			whos[i].stream = NULL;
		}
}

START_TEST(a_stream_may_end_others_while_it_ends)
{
	start(0);
	at_begin = only_head;
	for (uint32_t i = 0; i < 8; i++)
		get(1 + 2 * i);
	say();
	at_gone = reset_all_others;
	if (_i == 0) {
		put_u32(RST, 1, CANCEL);
		put_u32(RST, 5, CANCEL);
		say();
		ck_assert_int_eq(whos[0].gones + whos[2].gones, 1);
	} else {
		h2_end(h, true, now);
	}
	ck_assert_int_le(whos[0].gones + whos[7].gones, 1);
	stop();
}
END_TEST

START_TEST(a_reset_may_come_at_any_moment)
{
	start(65535);
	if (_i == 0)
		at_begin = reset;
	else if (_i == 1)
		at_body = reset;
	else
		at_end = reset;
	post(1);
	put_data(1, "body", 4, END_STREAM);
	say();
	ck_assert_uint_eq(code(1), INTERNAL_ERROR);
	ck_assert_int_eq(whos[0].gones, 0);
	ck_assert_int_eq(whos[0].ends, _i == 2);
	ck_assert_uint_eq(whos[0].body_len, _i ? 4 : 0);
	ck_assert_uint_eq(h2_streams(h), 0);
	stop();
}
END_TEST

START_TEST(a_dead_stream_takes_nothing)
{
	struct who *w = &whos[0];

	start(65535);
	at_begin = only_head;
	get(1);
	say();
	/* Taken back; `gone` is what the service hears next, but what it
	 * says before is no harm. */
	put_u32(RST, 1, CANCEL);
	ck_assert_int_eq(give(), 0);
	ck_assert_int_eq(w->gones, 1);
	get(3);
	say();
	h2_end(h, false, now);
	ck_assert_int_eq(whos[1].gones, 1);
	stop();
}
END_TEST

static void tick_all(int64_t until_us, int64_t step_us, int *err)
{
	while (now.us < until_us && !*err) {
		now = mono_add(now, step_us);
		*err = h2_tick(h, now);
		take();
	}
}

START_TEST(silence_is_pinged_then_ended)
{
	int err = 0;
	int64_t from;

	start(65535);
	get(1);
	say();
	from = now.us;
	tick_all(from + 59000000, 1000000, &err);
	ck_assert_int_eq(err, 0);
	ck_assert_int_eq(count(PING, 0), 2);
	/* An answer counts. */
	memset(put(PING, ACK, 0, 8), 0, 8);
	say();
	from = now.us;
	forget();
	tick_all(from + 59000000, 1000000, &err);
	ck_assert_int_eq(err, 0);
	tick_all(from + 70000000, 1000000, &err);
	ck_assert_int_eq(err, -ETIMEDOUT);
	stop();
	ck_assert(whos[0].lost);
}
END_TEST

START_TEST(idle_connections_are_sent_away)
{
	int err = 0;
	int64_t from, idle = _i ? H2_IDLE_US : H2_FIRST_US;

	start(65535);
	at_end = answer_hello;
	if (_i) {
		get(1);
		say();
	}
	from = now.us;
	while (now.us < from + idle) {
		now = mono_add(now, 1000000);
		memset(put(PING, 0, 0, 8), 0, 8);
		say();
		ck_assert_int_eq(h2_tick(h, now), 0);
	}
	take();
	ck_assert(!h2_is_done(h));
	tick_all(now.us + 2000000, 1000000, &err);
	ck_assert_uint_eq(code(0), NO_ERROR);
	ck_assert(h2_is_done(h));
	ck_assert(!h2_is_blamed(h));
	stop();
}
END_TEST

START_TEST(strangers_have_five_seconds)
{
	setup();
	buf_put(&frames, "PRI * HTTP/2.0\r\n", 16);
	say();
	now = mono_add(now, H2_HEAD_US);
	ck_assert_int_eq(h2_tick(h, now), 0);
	now = mono_add(now, 1000000);
	ck_assert_int_eq(h2_tick(h, now), -ETIMEDOUT);
	stop();
}
END_TEST

START_TEST(a_header_block_has_five_seconds)
{
	start(65535);
	memset(put(HEADERS, 0, 1, 0), 0, 0);
	say();
	now = mono_add(now, H2_HEAD_US + 1);
	ck_assert_int_eq(h2_tick(h, now), 0);
	take();
	ck_assert_uint_eq(code(0), ENHANCE_YOUR_CALM);
	ck_assert(h2_is_done(h));
	stop();
}
END_TEST

START_TEST(an_answer_that_nobody_takes_is_reset)
{
	int err = 0;
	int64_t from;

	start(0);
	at_begin = only_head;
	get(1);
	get(3);
	say();
	ck_assert_int_eq(h2_body(whos[0].stream, "x", 1, false), 0);
	from = now.us;
	while (now.us < from + H2_STALL_US) {
		now = mono_add(now, 1000000);
		memset(put(PING, 0, 0, 8), 0, 8);
		say();
		ck_assert_int_eq(h2_tick(h, now), 0);
	}
	ck_assert_int_eq(whos[0].gones, 0);
	tick_all(now.us + 2000000, 1000000, &err);
	ck_assert_uint_eq(code(1), CANCEL);
	ck_assert_int_eq(whos[0].gones, 1);
	/* Nothing of the other waits. */
	ck_assert_int_eq(whos[1].gones, 0);
	stop();
}
END_TEST

START_TEST(a_farewell_lets_requests_end)
{
	struct buf_in b;
	int err = 0;

	start(65535);
	get(1);
	say();
	h2_farewell(h, now);
	h2_farewell(h, now);
	take();
	ck_assert_int_eq(count(GOAWAY, 0), 1);
	b = buf_in(out + last(GOAWAY, 0)->at, 4);
	ck_assert_uint_eq(buf_get_u32(&b), 0x7fffffff);
	get(3);		/* was under way */
	say();
	ck_assert_int_eq(whos_len, 2);
	tick_all(now.us + 2000000, 1000000, &err);
	ck_assert_int_eq(count(GOAWAY, 0), 2);
	b = buf_in(out + last(GOAWAY, 0)->at, 4);
	ck_assert_uint_eq(buf_get_u32(&b), 3);
	get(5);
	say();
	ck_assert_int_eq(whos_len, 2);
	ck_assert(!h2_is_done(h));
	answer_hello(&whos[0]);
	answer_hello(&whos[1]);
	take();
	ck_assert_int_eq(last(DATA, 3)->flags, END_STREAM);
	ck_assert(h2_is_done(h));
	stop();
}
END_TEST

/* Floods: what is sent, how often at most, whose fault. */

static void flood_ping(uint32_t i)
{
	memset(put(PING, 0, 0, 8), (int)i, 8);
}

static void flood_settings(uint32_t i)
{
	put_setting(0xff00, i);
}

static void flood_rapid_reset(uint32_t i)
{
	get(1 + 2 * i);
	put_u32(RST, 1 + 2 * i, CANCEL);
}

static void flood_made_reset(uint32_t i)
{
	/* A second head that does not end the request. */
	post(1 + 2 * i);
	put(HEADERS, END_HEADERS, 1 + 2 * i, 0);
}

static void flood_malformed(uint32_t i)
{
	put_request(1 + 2 * i, "GET", "no-slash", END_STREAM | END_HEADERS,
		    NULL, NULL);
}

static void flood_empty(uint32_t i)
{
	if (!i)
		post(1);
	put_data(1, NULL, 0, 0);
}

static void flood_priority(uint32_t i)
{
	memset(put(PRIORITY, 0, 1 + 2 * i, 5), 0, 5);
}

static void flood_unknown(uint32_t i)
{
	put(0xf0, 0, i, 0);
}

static void flood_continuation(uint32_t i)
{
	put(i ? CONTINUATION : HEADERS, 0, 1, 0);
}

static void flood_windows(uint32_t i)
{
	(void)i;
	put_u32(WINDOW, 0, 1);
}

static void flood_after_the_end(uint32_t i)
{
	get(1 + 2 * i);
	put_data(1 + 2 * i, NULL, 0, END_STREAM);
}

static const struct {
	void (*send)(uint32_t i);
	uint32_t most, code;
} floods[] = {
	{ flood_ping, H2_CONTROLS_BURST, ENHANCE_YOUR_CALM },
	{ flood_settings, H2_CONTROLS_BURST, ENHANCE_YOUR_CALM },
	{ flood_rapid_reset, H2_RESETS_BURST, ENHANCE_YOUR_CALM },
	{ flood_made_reset, H2_RESETS_BURST, ENHANCE_YOUR_CALM },
	{ flood_malformed, H2_RESETS_BURST, ENHANCE_YOUR_CALM },
	{ flood_empty, H2_EMPTY_DATA_MAX, ENHANCE_YOUR_CALM },
	{ flood_priority, H2_CONTROLS_BURST, ENHANCE_YOUR_CALM },
	{ flood_unknown, H2_CONTROLS_BURST, ENHANCE_YOUR_CALM },
	{ flood_continuation, H2_CONTINUATIONS_MAX + 1, ENHANCE_YOUR_CALM },
	{ flood_windows, H2_WINDOWS_BURST, ENHANCE_YOUR_CALM },
	{ flood_after_the_end, 0, STREAM_CLOSED },
};

START_TEST(a_flood_is_ended)
{
	uint32_t i = 0;
	int err = 0;

	start(0);
	for (; i < 5000 && !err; i++) {
		floods[_i].send(i);
		err = give();
		take();
		if (h2_is_done(h))
			break;
	}
	ck_assert_uint_le(i, floods[_i].most + 1);
	ck_assert_uint_ge(i, floods[_i].most / 2);
	ck_assert_uint_eq(code(0), floods[_i].code);
	ck_assert(h2_is_done(h));
	ck_assert(h2_is_blamed(h));
	ck_assert_str_ne(h2_why(h), "");
	/* It hears no more. */
	get(20001);
	ck_assert_int_eq(give(), -EPROTO);
	stop();
	for (int k = 0; k < whos_len; k++)
		ck_assert(!whos[k].lost);
}
END_TEST

START_TEST(answers_that_are_never_taken_are_capped)
{
	int err = 0;
	uint32_t id = 1;

	start(65535);
	at_end = answer_hello;
	/* Each second what the rates allow, and nothing is polled. */
	for (int s = 0; s < 100 && !err; s++) {
		now = mono_add(now, 1000000);
		for (int i = 0; i < H2_CONTROLS_PER_S && !err; i++) {
			memset(put(PING, 0, 0, 8), 0, 8);
			err = give();
		}
		for (int i = 0; i < 15 && !err; i++, id += 2) {
			post(id);
			put_u32(RST, id, CANCEL);
			err = give();
		}
	}
	ck_assert_int_eq(err, -EPROTO);
	take();
	ck_assert_int_le(seen_len, H2_OUTBOUND_MAX + H2_STREAMS_MAX);
	ck_assert_uint_eq(code(0), ENHANCE_YOUR_CALM);
	stop();
}
END_TEST

START_TEST(two_sessions_do_not_meet)
{
	struct h2 *first, *second;
	uint8_t keep[64];

	start(65535);
	second = h;
	start(65535);
	first = h;
	for (int i = 0; i < 8; i++)
		keep[i] = (uint8_t)i;
	memcpy(put(DATA, 0, 0, 8), keep, 8);
	(void)!give();
	take();
	ck_assert_uint_eq(code(0), PROTOCOL_ERROR);
	h = second;
	forget();
	at_end = answer_hello;
	get(1);
	say();
	ck_assert_mem_eq(out + last(DATA, 1)->at, "hello", 5);
	h2_free(first);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("h2");
	TCase *tc = tcase_create("h2");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_request_comes_and_is_answered);
	tcase_add_test(tc, a_body_comes_in_order_then_its_end);
	tcase_add_test(tc, trailers_of_a_request_are_its_end);
	tcase_add_test(tc, an_early_answer_ends_the_request_too);
	tcase_add_test(tc, trailers_follow_the_body);
	tcase_add_test(tc, trailers_wait_for_a_body_that_waits);
	tcase_add_test(tc, trailers_only_is_one_frame);
	tcase_add_test(tc, fields_are_judged_before_they_leave);
	tcase_add_test(tc, a_queue_has_a_cap_and_says_when_there_is_room);
	tcase_add_test(tc, a_connection_has_a_cap);
	tcase_add_test(tc, bytes_that_live_are_not_counted);
	tcase_add_test(tc, who_is_not_read_gets_no_credit_and_holds_nobody_up);
	tcase_add_test(tc, more_than_the_window_ends_it);
	tcase_add_test(tc, a_request_taken_back_is_gone);
	tcase_add_test(tc, answered_and_taken_back_is_nobodys);
	tcase_add_test(tc, after_a_farewell_nothing_is_lost);
	tcase_add_test(tc, one_stream_may_speak_on_another);
	tcase_add_loop_test(tc, a_stream_may_end_others_while_it_ends, 0, 2);
	tcase_add_loop_test(tc, a_reset_may_come_at_any_moment, 0, 3);
	tcase_add_test(tc, a_dead_stream_takes_nothing);
	tcase_add_test(tc, silence_is_pinged_then_ended);
	tcase_add_loop_test(tc, idle_connections_are_sent_away, 0, 2);
	tcase_add_test(tc, strangers_have_five_seconds);
	tcase_add_test(tc, a_header_block_has_five_seconds);
	tcase_add_test(tc, an_answer_that_nobody_takes_is_reset);
	tcase_add_test(tc, a_farewell_lets_requests_end);
	tcase_add_loop_test(tc, a_flood_is_ended, 0, ARRAY_LEN(floods));
	tcase_add_test(tc, answers_that_are_never_taken_are_capped);
	tcase_add_test(tc, two_sessions_do_not_meet);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
