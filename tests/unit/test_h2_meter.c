/* test_h2_meter.c - what frames cost; the queue; fields */

#include "port/h2_meter.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "port/h2.h"
#include "port/h2_fields.h"
#include "port/h2_queue.h"

enum { DATA, HEADERS, PRIORITY, RST, SETTINGS, PING = 6,
       WINDOW = 8, CONTINUATION = 9 };
enum { END_STREAM = 1, END_HEADERS = 4 };

static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
static struct mono now = { 1000000 };
static struct h2_caps standard;

static void open_meter(struct h2_meter *m)
{
	h2_meter_init(m, &standard, now);
	ck_assert_ptr_null(h2_meter_see(m, preface, 24, now));
}

static const char *see(struct h2_meter *m, uint8_t type, uint8_t flags,
		       uint32_t id, size_t len)
{
	static uint8_t bytes[40000];
	struct buf_out out = buf_out(bytes, sizeof(bytes));

	buf_put_be(&out, len, 3);
	buf_put_u8(&out, type);
	buf_put_u8(&out, flags);
	buf_put_u32(&out, id);
	buf_reserve(&out, len);
	ck_assert(!out.bad);

	return h2_meter_see(m, bytes, buf_len(&out), now);
}

/* How many of them pass. */
static int passes(struct h2_meter *m, uint8_t type, uint8_t flags,
		  uint32_t step, size_t len)
{
	int n = 0;

	while (n < 100000 && !see(m, type, flags, 1 + step * (uint32_t)n, len))
		n++;

	return n;
}

START_TEST(a_burst_of_controls_passes_and_no_more)
{
	static const struct { uint8_t type, flags; size_t len; } of[] = {
		{ PING, 0, 8 }, { SETTINGS, 0, 0 }, { PRIORITY, 0, 5 },
		{ 0xbb, 0, 3 }, { DATA, 0, 0 }, { PING, 1, 8 },
	};
	struct h2_meter m;

	open_meter(&m);
	ck_assert_int_eq(passes(&m, of[_i].type, of[_i].flags, 0, of[_i].len),
			 H2_CONTROLS_BURST);
	/* What leaked in a second passes again. */
	now = mono_add(now, 1000000);
	ck_assert_int_ge(passes(&m, of[_i].type, of[_i].flags, 0, of[_i].len),
			 H2_CONTROLS_PER_S - 1);
}
END_TEST

START_TEST(a_burst_of_resets_passes_and_no_more)
{
	struct h2_meter m;

	open_meter(&m);
	ck_assert_int_eq(passes(&m, RST, 0, 2, 4), H2_RESETS_BURST);
	ck_assert(!m.is_closed);
}
END_TEST

/* Steps over the preface with limits of its own. */
static void open_small(struct h2_meter *m, const struct h2_caps *caps)
{
	open_meter(m);
	m->caps = caps;
}

START_TEST(limits_may_be_set)
{
	static const struct h2_caps caps = {
		.headers_bytes = 4096, .continuations = 2, .resets_per_s = 3,
		.controls_per_s = 7, .windows_per_s = 11,
	};
	struct h2_fields f = { 0 };
	struct h2_meter m;

	open_small(&m, &caps);
	ck_assert_int_eq(passes(&m, RST, 0, 2, 4), 15);
	open_small(&m, &caps);
	ck_assert_int_eq(passes(&m, PING, 0, 0, 8), 14);
	open_small(&m, &caps);
	ck_assert_int_eq(passes(&m, WINDOW, 0, 0, 4), 22);
	open_small(&m, &caps);
	ck_assert_ptr_null(see(&m, HEADERS, 0, 1, 10));
	ck_assert_int_eq(passes(&m, CONTINUATION, 0, 0, 10), 2);
	open_small(&m, &caps);
	ck_assert_ptr_null(see(&m, HEADERS, 0, 1, 4096 + H2_BLOCK_MORE));
	ck_assert_ptr_nonnull(see(&m, CONTINUATION, 0, 1, 1));
	ck_assert_int_eq(h2_fields_count(&f, 4, 4060, 4096), 0);
	ck_assert_int_eq(h2_fields_count(&f, 1, 0, 4096), -EMSGSIZE);
}
END_TEST

START_TEST(data_and_requests_are_free)
{
	struct h2_meter m;

	open_meter(&m);
	for (uint32_t i = 0; i < 10000; i++) {
		ck_assert_ptr_null(see(&m, HEADERS, END_HEADERS, 1 + 2 * i,
				       30));
		ck_assert_ptr_null(see(&m, DATA, 0, 1 + 2 * i, 100));
		ck_assert_ptr_null(see(&m, DATA, END_STREAM, 1 + 2 * i, 0));
	}
}
END_TEST

START_TEST(eight_continuations_pass)
{
	struct h2_meter m;

	open_meter(&m);
	ck_assert_ptr_null(see(&m, HEADERS, 0, 1, 10));
	ck_assert_int_eq(m.block_since.us, now.us);
	ck_assert_int_eq(passes(&m, CONTINUATION, 0, 0, 10),
			 H2_CONTINUATIONS_MAX);
	/* Counted from the block's beginning. */
	open_meter(&m);
	for (uint32_t i = 0; i < 10; i++) {
		ck_assert_ptr_null(see(&m, HEADERS, 0, 1 + 2 * i, 10));
		for (int k = 1; k < H2_CONTINUATIONS_MAX; k++)
			ck_assert_ptr_null(see(&m, CONTINUATION, 0, 1, 10));
		ck_assert_ptr_null(see(&m, CONTINUATION, END_HEADERS, 1, 10));
		ck_assert_int_eq(m.block_since.us, MONO_NEVER.us);
	}
}
END_TEST

START_TEST(a_block_has_a_length)
{
	struct h2_meter m;

	open_meter(&m);
	ck_assert_ptr_null(see(&m, HEADERS, 0, 1, 16384));
	ck_assert_ptr_null(see(&m, CONTINUATION, 0, 1,
			       H2_BLOCK_BYTES - 16384));
	ck_assert_ptr_nonnull(see(&m, CONTINUATION, END_HEADERS, 1, 1));
}
END_TEST

START_TEST(a_block_is_open_until_its_last_byte)
{
	struct h2_meter m;
	const uint8_t head[] = { 0, 0, 2, HEADERS, END_HEADERS, 0, 0, 0, 1 };

	open_meter(&m);
	ck_assert_ptr_null(h2_meter_see(&m, head, 9, now));
	ck_assert_int_eq(m.block_since.us, now.us);
	ck_assert_ptr_null(h2_meter_see(&m, head, 1, now));
	ck_assert_int_eq(m.block_since.us, now.us);
	ck_assert_ptr_null(h2_meter_see(&m, head, 1, now));
	ck_assert_int_eq(m.block_since.us, MONO_NEVER.us);
}
END_TEST

START_TEST(a_client_may_not_go_on_with_what_it_ended)
{
	struct h2_meter m;

	open_meter(&m);
	ck_assert_ptr_null(see(&m, HEADERS, END_STREAM | END_HEADERS, 1, 5));
	ck_assert_ptr_null(see(&m, RST, 0, 1, 4));
	ck_assert_ptr_null(see(&m, HEADERS, END_HEADERS, 3, 5));
	ck_assert_ptr_null(see(&m, DATA, 0, 3, 5));
	ck_assert_ptr_null(see(&m, RST, 0, 3, 4));
	ck_assert_ptr_nonnull(see(&m, _i ? DATA : HEADERS, 0, 3, 5));
	ck_assert(m.is_closed);
}
END_TEST

START_TEST(any_split_counts_the_same)
{
	uint8_t bytes[24 + 4 * 17];
	struct buf_out out = buf_out(bytes, sizeof(bytes));
	struct h2_meter m;

	buf_put(&out, preface, 24);
	for (int i = 0; i < 4; i++) {
		buf_put_be(&out, 8, 3);
		buf_put_u8(&out, PING);
		buf_put_u8(&out, 0);
		buf_put_u32(&out, 0);
		buf_put_u64(&out, 0x0000080600000000);
	}
	for (size_t cut = 1; cut <= sizeof(bytes); cut++) {
		h2_meter_init(&m, &standard, now);
		for (size_t at = 0; at < sizeof(bytes); at += cut) {
			size_t n = sizeof(bytes) - at;

			ck_assert_ptr_null(h2_meter_see(&m, bytes + at,
							n < cut ? n : cut,
							now));
		}
		ck_assert_double_eq(m.controls.level, 4);
		ck_assert_uint_eq(m.head_len, 0);
	}
}
END_TEST

START_TEST(a_queue_gives_what_it_got)
{
	static const char lives[] = "these bytes live";
	struct h2_queue q = { 0 };
	uint8_t in[5000], out[5000];
	size_t put = 0, got = 0;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t n = 1; put + n <= sizeof(in); n = n * 3 % 401 + 1) {
		ck_assert_int_eq(h2_queue_put(&q, in + put, n, false), 0);
		put += n;
		if (n % 2) {
			size_t took = h2_queue_take(&q, out + got, n / 2 + 1);

			got += took;
		}
		ck_assert_uint_eq(q.bytes, put - got);
		ck_assert_uint_eq(q.copied, put - got);
	}
	ck_assert_uint_gt(put, 4500);
	ck_assert_int_eq(h2_queue_put(&q, lives, sizeof(lives), true), 0);
	ck_assert_uint_eq(q.copied, put - got);
	ck_assert_uint_eq(q.bytes, put - got + sizeof(lives));
	got += h2_queue_take(&q, out + got, put - got);
	ck_assert_mem_eq(in, out, put);
	ck_assert_int_eq(h2_queue_put(&q, "x", 1, false), 0);
	ck_assert_uint_eq(h2_queue_take(&q, out, sizeof(out)),
			  sizeof(lives) + 1);
	ck_assert_mem_eq(out, lives, sizeof(lives));
	ck_assert_int_eq(out[sizeof(lives)], 'x');
	ck_assert_uint_eq(h2_queue_take(&q, out, 1), 0);
	ck_assert_int_eq(h2_queue_put(&q, in, 4000, false), 0);
	h2_queue_clear(&q);
	ck_assert_uint_eq(q.bytes, 0);
}
END_TEST

static int add(struct h2_fields *f, const char *name, const char *value)
{
	return h2_fields_add(f, (const uint8_t *)name, strlen(name),
			     (const uint8_t *)value, strlen(value));
}

START_TEST(fields_make_a_request)
{
	struct h2_fields f = { 0 };
	struct h2_request r;

	ck_assert_int_eq(h2_fields_request(&f, &r), -EBADMSG);
	ck_assert_int_eq(add(&f, ":method", "POST"), 0);
	ck_assert_int_eq(add(&f, ":path", "/a?b"), 0);
	ck_assert_int_eq(h2_fields_request(&f, &r), -EBADMSG);
	ck_assert_int_eq(add(&f, "host", "here"), 0);
	ck_assert_int_eq(add(&f, "content-length", "1234"), 0);
	ck_assert_int_eq(h2_fields_request(&f, &r), 0);
	ck_assert(h1_is(r.method, "POST") && h1_is(r.path, "/a?b") &&
		  h1_is(r.authority, "here"));
	ck_assert(r.has_length && r.length == 1234);
	ck_assert_uint_eq(r.headers_len, 2);
	ck_assert_int_eq(add(&f, ":authority", "there"), 0);
	ck_assert_int_eq(h2_fields_request(&f, &r), -EBADMSG);
	h2_fields_clear(&f);
	ck_assert_ptr_null(f.block);
}
END_TEST

START_TEST(fields_have_a_limit)
{
	static const uint8_t value[H2_HEADERS_BYTES];
	struct h2_fields f = { 0 };
	int n = 0;

	while (h2_fields_count(&f, 1, 0, H2_HEADERS_BYTES) == 0) {
		ck_assert_int_eq(h2_fields_add(&f, value, 1, value, 0), 0);
		n++;
	}
	ck_assert_int_eq(n, H2_HEADERS_BYTES / 33);
	h2_fields_clear(&f);
	ck_assert_int_eq(h2_fields_count(&f, 4, H2_HEADERS_BYTES - 36,
					 H2_HEADERS_BYTES), 0);
	h2_fields_clear(&f);
	ck_assert_int_eq(h2_fields_count(&f, 4, H2_HEADERS_BYTES - 35,
					 H2_HEADERS_BYTES), -EMSGSIZE);
	/* The keeper has limits of its own. */
	ck_assert_int_eq(h2_fields_add(&f, value, 4, value, H2_HEADERS_BYTES),
			 -ENOMEM);
	h2_fields_clear(&f);
}
END_TEST

START_TEST(what_may_be_sent)
{
	static const struct { const char *name, *value; bool ok; } of[] = {
		{ "x-a", "b", true }, { "X-A", "a b\tc", true },
		{ "x", "", true }, { "", "b", false }, { "x y", "b", false },
		{ "x:", "b", false }, { "x", "a\nb", false },
		{ "x", "a\r", false }, { "x", " a", false },
		{ "x", "a\t", false }, { "x", "\x7f", false },
		{ "x", "\xc3\xa4", true },
	};
	struct h1_header h = {
		{ of[_i].name, strlen(of[_i].name) },
		{ of[_i].value, strlen(of[_i].value) },
	};

	ck_assert(h2_field_ok(&h) == of[_i].ok);
	h.name = (struct h1_span){ "Transfer-Encoding", 17 };
	ck_assert(h2_field_is_of_connection(&h));
	h.name.len--;
	ck_assert(!h2_field_is_of_connection(&h));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("h2_meter");
	TCase *tc = tcase_create("h2_meter");
	SRunner *runner = srunner_create(suite);
	int failed;

	standard = H2_CAPS;
	tcase_add_loop_test(tc, a_burst_of_controls_passes_and_no_more, 0, 6);
	tcase_add_test(tc, a_burst_of_resets_passes_and_no_more);
	tcase_add_test(tc, limits_may_be_set);
	tcase_add_test(tc, data_and_requests_are_free);
	tcase_add_test(tc, eight_continuations_pass);
	tcase_add_test(tc, a_block_has_a_length);
	tcase_add_test(tc, a_block_is_open_until_its_last_byte);
	tcase_add_loop_test(tc, a_client_may_not_go_on_with_what_it_ended, 0,
			    2);
	tcase_add_test(tc, any_split_counts_the_same);
	tcase_add_test(tc, a_queue_gives_what_it_got);
	tcase_add_test(tc, fields_make_a_request);
	tcase_add_test(tc, fields_have_a_limit);
	tcase_add_loop_test(tc, what_may_be_sent, 0, 12);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
