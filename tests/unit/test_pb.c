/* test_pb.c - protobuf messages as plain structs, and what is refused */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "port/pb.h"

/* A message composed by hand. */
struct wire {
	uint8_t at[PB_MESSAGE_MAX + 4096];
	size_t len;
};

static void put_varint(struct wire *w, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		w->at[w->len++] = (uint8_t)(v | 128);
	w->at[w->len++] = (uint8_t)v;
}

static void put(struct wire *w, unsigned field, const void *bytes, size_t len)
{
	put_varint(w, field << 3 | 2);
	put_varint(w, len);
	memcpy(w->at + w->len, bytes, len);
	w->len += len;
}

static void puts_(struct wire *w, unsigned field, const char *text)
{
	put(w, field, text, strlen(text));
}

static void put_wire(struct wire *w, unsigned field, const struct wire *in)
{
	put(w, field, in->at, in->len);
}

static struct wire m, inner, deep;

static void reset(void)
{
	m.len = inner.len = deep.len = 0;
}

START_TEST(an_announce_is_decoded)
{
	struct pb_request r;

	reset();
	puts_(&m, 1, "id-1");
	puts_(&inner, 1, "alice");
	put_varint(&deep, 1 << 3);
	put_varint(&deep, 1);
	puts_(&deep, 4, "{}");
	put_wire(&inner, 2, &deep);
	for (int i = 0; i < 3; i++) {
		deep.len = 0;
		puts_(&deep, 1, i == 1 ? "b" : "a");
		puts_(&deep, 2, i == 2 ? "last" : "first");
		put_wire(&inner, 3, &deep);
	}
	put_wire(&m, 10, &inner);
	ck_assert_int_eq(pb_request_decode(&r, m.at, m.len), 0);
	ck_assert_int_eq(r.ask, PB_ANNOUNCE);
	ck_assert_str_eq(r.id, "id-1");
	ck_assert_str_eq(r.peer, "alice");
	ck_assert(r.has_caps && r.caps.audio && !r.caps.video);
	ck_assert_str_eq(r.caps.extensions, "{}");
	/* The last entry of a key counts. */
	ck_assert_uint_eq(r.metadata.len, 2);
	ck_assert_str_eq(r.metadata.at[0].key, "a");
	ck_assert_str_eq(r.metadata.at[0].value, "last");
	ck_assert_str_eq(r.metadata.at[1].key, "b");
	pb_request_free(&r);
}
END_TEST

static const struct {
	unsigned field;
	enum pb_ask ask;
} kinds[] = {
	{ 10, PB_ANNOUNCE }, { 11, PB_OFFER }, { 12, PB_ANSWER },
	{ 13, PB_CANDIDATE }, { 14, PB_DISCONNECT }, { 15, PB_LIST_PEERS },
	{ 16, PB_NOTHING }, { 9, PB_NOTHING },
};

START_TEST(each_kind_has_its_number)
{
	struct pb_request r;

	reset();
	if (kinds[_i].ask != PB_LIST_PEERS)
		puts_(&inner, 1, "bob");
	put_wire(&m, kinds[_i].field, &inner);
	ck_assert_int_eq(pb_request_decode(&r, m.at, m.len), 0);
	ck_assert_int_eq(r.ask, kinds[_i].ask);
	ck_assert_str_eq(r.peer, r.ask == PB_NOTHING ||
						 r.ask == PB_LIST_PEERS
					 ? ""
					 : "bob");
	pb_request_free(&r);
}
END_TEST

START_TEST(a_candidate_has_four_fields)
{
	struct pb_request r;

	reset();
	puts_(&inner, 1, "bob");
	puts_(&inner, 2, "candidate:1");
	puts_(&inner, 3, "0");
	put_varint(&inner, 4 << 3);
	put_varint(&inner, 4294967295);
	put_wire(&m, 13, &inner);
	ck_assert_int_eq(pb_request_decode(&r, m.at, m.len), 0);
	ck_assert_str_eq(r.candidate, "candidate:1");
	ck_assert_str_eq(r.mid, "0");
	ck_assert_uint_eq(r.mline, 4294967295);
	pb_request_free(&r);
}
END_TEST

START_TEST(an_empty_message_asks_for_nothing)
{
	struct pb_request r;

	ck_assert_int_eq(pb_request_decode(&r, NULL, 0), 0);
	ck_assert_int_eq(r.ask, PB_NOTHING);
	ck_assert_str_eq(r.id, "");
	pb_request_free(&r);
	ck_assert_int_eq(pb_empty_check(NULL, 0), 0);
}
END_TEST

static const struct {
	const char *name, *text;
	size_t len;
} strings[] = {
	{ "NUL inside", "ab\0cd", 5 },
	{ "NUL at the end", "ab\0", 3 },
	{ "NUL alone", "\0", 1 },
	{ "not UTF-8", "\xff", 1 },
	{ "cut character", "a\xc3", 2 },
	{ "overlong", "\xc0\xaf", 2 },
	{ "surrogate", "\xed\xa0\x80", 3 },
	{ "past the last", "\xf4\x90\x80\x80", 4 },
};

START_TEST(strings_must_be_text)
{
	struct pb_request r;

	reset();
	put(&m, 1, strings[_i].text, strings[_i].len);
	ck_assert_int_eq(pb_request_decode(&r, m.at, m.len), -EILSEQ);
	reset();
	put(&inner, 1, strings[_i].text, strings[_i].len);
	put_wire(&m, 10, &inner);
	ck_assert_int_eq(pb_request_decode(&r, m.at, m.len), -EILSEQ);
	/* A key of the map, then a value. */
	for (unsigned field = 1; field <= 2; field++) {
		reset();
		put(&deep, field, strings[_i].text, strings[_i].len);
		put_wire(&inner, 3, &deep);
		put_wire(&m, 10, &inner);
		ck_assert_int_eq(pb_request_decode(&r, m.at, m.len),
				 -EILSEQ);
	}
	/* Of a field that nobody knows they are only bytes. */
	reset();
	put(&m, 99, strings[_i].text, strings[_i].len);
	ck_assert_int_eq(pb_request_decode(&r, m.at, m.len), 0);
	pb_request_free(&r);
}
END_TEST

static const struct {
	const char *name;
	uint8_t bytes[16];
	size_t len;
} bad[] = {
	{ "field 0", { 0x02, 0x00 }, 2 },
	{ "group", { 0x0b, 0x0c }, 2 },
	{ "wire type 6", { 0x0e, 0x00 }, 2 },
	{ "wire type 7", { 0x0f, 0x00 }, 2 },
	{ "key cut", { 0x80 }, 1 },
	{ "length cut", { 0x0a, 0x80 }, 2 },
	{ "no length", { 0x0a }, 1 },
	{ "past the end", { 0x0a, 0x02, 'a' }, 3 },
	{ "length of 2^63", { 0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
			      0x80, 0x80, 0x01 }, 11 },
	{ "length of 2^64 - 1", { 0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				  0xff, 0xff, 0xff, 0x01 }, 11 },
	{ "varint of 11 bytes", { 0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
				  0x80, 0x80, 0x80, 0x80, 0x01 }, 12 },
	{ "four bytes cut", { 0x0d, 1, 2, 3 }, 4 },
	{ "eight bytes cut", { 0x09, 1, 2, 3, 4 }, 5 },
	{ "inner past the end", { 0x52, 0x02, 0x0a, 0x05 }, 4 },
	{ "a varint where a string is", { 0x08, 0x01 }, 2 },
	{ "key of 2^32", { 0x82, 0x80, 0x80, 0x80, 0x80, 0x01, 0 }, 7 },
};

START_TEST(what_is_no_message_is_refused)
{
	uint8_t *copy = malloc(bad[_i].len);
	struct pb_request r;
	int err;

	memcpy(copy, bad[_i].bytes, bad[_i].len);
	err = pb_request_decode(&r, copy, bad[_i].len);
	ck_assert_int_eq(err, -EBADMSG);
	free(copy);
}
END_TEST

START_TEST(size_and_memory_are_bounded)
{
	struct pb_request r;

	reset();
	memset(m.at, 0, sizeof(m.at));
	m.len = PB_MESSAGE_MAX + 1;
	ck_assert_int_eq(pb_request_decode(&r, m.at, m.len), -EMSGSIZE);
	/* 30,000 empty map entries would be megabytes. */
	reset();
	while (inner.len < 60000)
		put(&inner, 3, "", 0);
	put_wire(&m, 10, &inner);
	ck_assert_int_eq(pb_request_decode(&r, m.at, m.len), -E2BIG);
	/* Few bytes, but more entries than anybody needs. */
	reset();
	for (int i = 0; i < 65; i++)
		put(&inner, 3, "", 0);
	put_wire(&m, 10, &inner);
	ck_assert_int_eq(pb_request_decode(&r, m.at, m.len), 0);
	ck_assert(r.too_many && r.metadata.len == 0);
	pb_request_free(&r);
	/* The same field again and again: each time it is allocated. */
	reset();
	while (m.len < 60000)
		puts_(&m, 1, "x");
	ck_assert_int_eq(pb_request_decode(&r, m.at, m.len), -E2BIG);
	m.len = 600;
	ck_assert_int_eq(pb_request_decode(&r, m.at, m.len), 0);
	ck_assert_str_eq(r.id, "x");
	pb_request_free(&r);
}
END_TEST

START_TEST(a_cut_message_never_reads_past_its_end)
{
	reset();
	puts_(&inner, 1, "alice");
	puts_(&deep, 1, "key");
	puts_(&deep, 2, "value");
	put_wire(&inner, 3, &deep);
	put_wire(&m, 10, &inner);
	for (size_t len = 0; len < m.len; len++) {
		uint8_t *copy = malloc(len + 1);
		struct pb_request r;

		memcpy(copy, m.at, len);
		if (pb_request_decode(&r, copy, len) == 0)
			pb_request_free(&r);
		else
			ck_assert_uint_gt(len, 0);
		free(copy);
	}
}
END_TEST

/* Out: read back by hand. */

static bool holds(const struct pb_bytes *b, const char *text)
{
	return memmem(b->at + PB_ROOM, b->len - PB_ROOM, text, strlen(text));
}

START_TEST(responses_hold_what_they_were_given)
{
	struct pb_pair pair = { "name", "Alice" };
	struct pb_peer peer = {
		.name = "alice",
		.caps = { .audio = true, .extensions = "ext" },
		.metadata = { &pair, 1 },
		.state = PB_STATE_AWAY,
		.connected_at = 7,
	};
	struct pb_response r = {
		.id = "id-9", .message = "msg", .data = "data", .code = 5,
		.peers = &peer, .peers_len = 1, .peer = "bob",
		.offer_id = "oid", .sdp = "sdp-text", .type = "typ",
		.candidate = "cand", .mid = "mid",
	};
	static const struct {
		enum pb_say say;
		unsigned field;		/* of SignalingResponse */
		const char *a, *b;
	} want[] = {
		{ PB_ACK, 10, "msg", "data" },
		{ PB_PEERS, 11, "alice", "Alice" },
		{ PB_ERROR, 13, "msg", "data" },
		{ PB_JOINED, 12, "alice", "Alice" },
		{ PB_LEFT, 12, "bob", "bob" },
		{ PB_GOT_OFFER, 12, "oid", "sdp-text" },
		{ PB_GOT_ANSWER, 12, "sdp-text", "typ" },
		{ PB_GOT_CANDIDATE, 12, "cand", "mid" },
		{ PB_DISCONNECTED, 12, "bob", "bob" },
	};
	struct pb_bytes out;

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		r.say = want[i].say;
		ck_assert_int_eq(pb_response_encode(&out, &r), 0);
		ck_assert(holds(&out, "\x0a\x04id-9"));
		ck_assert(holds(&out, want[i].a));
		ck_assert(holds(&out, want[i].b));
		/* request_id, then the key of the one that is set */
		ck_assert_uint_eq(out.at[PB_ROOM + 6], want[i].field << 3 | 2);
		free(out.at);
	}
}
END_TEST

START_TEST(numbers_are_where_they_belong)
{
	struct pb_health h = { "healthy", "{}", 300, 2 };
	static const uint8_t want[] = { 0x0a, 7, 'h', 'e', 'a', 'l', 't', 'h',
					'y', 0x10, 0xac, 0x02, 0x18, 2, 0x22,
					2, '{', '}' };
	struct pb_bytes out;

	ck_assert_int_eq(pb_health_encode(&out, &h), 0);
	ck_assert_uint_eq(out.len, PB_ROOM + sizeof(want));
	ck_assert_mem_eq(out.at + PB_ROOM, want, sizeof(want));
	free(out.at);
	ck_assert_int_eq(pb_serving_encode(&out, PB_NOT_SERVING), 0);
	ck_assert_uint_eq(out.len, PB_ROOM + 2);
	ck_assert_mem_eq(out.at + PB_ROOM, "\x08\x02", 2);
	free(out.at);
	ck_assert_int_eq(pb_peers_encode(&out, NULL, 0), 0);
	ck_assert_uint_eq(out.len, PB_ROOM);
	free(out.at);
}
END_TEST

START_TEST(a_question_comes_back_with_its_answer)
{
	static const char *const services[] = { "a.B", "c.D" };
	struct pb_file file = { "FILE", 4 };
	struct pb_reflection r = { .services = services, .services_len = 2 };
	struct pb_question q;
	struct pb_bytes out;

	reset();
	puts_(&m, 1, "host");
	puts_(&m, 7, "*");
	ck_assert_int_eq(pb_question_decode(&q, m.at, m.len), 0);
	ck_assert_int_eq(q.ask, PB_LIST_SERVICES);
	ck_assert_int_eq(pb_reflection_encode(&out, &q, &r), 0);
	ck_assert(holds(&out, "\x0a\x04host"));
	ck_assert(holds(&out, "\x0a\x03"
			      "a.B"));
	ck_assert(holds(&out, "\x0a\x03"
			      "c.D"));
	free(out.at);
	r = (struct pb_reflection){ .files = &file, .files_len = 1 };
	ck_assert_int_eq(pb_reflection_encode(&out, &q, &r), 0);
	ck_assert(holds(&out, "\x22\x06\x0a\x04"
			      "FILE"));
	free(out.at);
	r = (struct pb_reflection){ .error = 5, .message = "none" };
	ck_assert_int_eq(pb_reflection_encode(&out, &q, &r), 0);
	ck_assert(holds(&out, "\x3a\x08\x08\x05\x12\x04none"));
	free(out.at);
	pb_question_free(&q);
}
END_TEST

static const struct {
	unsigned field;
	enum pb_reflect ask;
} questions[] = {
	{ 3, PB_FILE_BY_NAME }, { 4, PB_FILE_BY_SYMBOL },
	{ 6, PB_EXTENSION_NUMBERS }, { 7, PB_LIST_SERVICES },
	{ 8, PB_REFLECT_NOTHING },
};

START_TEST(each_question_has_its_number)
{
	struct pb_question q;

	reset();
	puts_(&m, questions[_i].field, "x.y");
	ck_assert_int_eq(pb_question_decode(&q, m.at, m.len), 0);
	ck_assert_int_eq(q.ask, questions[_i].ask);
	if (q.ask != PB_REFLECT_NOTHING && q.ask != PB_LIST_SERVICES)
		ck_assert_str_eq(q.text, "x.y");
	pb_question_free(&q);
}
END_TEST

START_TEST(an_extension_names_its_type)
{
	struct pb_question q;

	reset();
	puts_(&inner, 1, "x.y");
	put_wire(&m, 5, &inner);
	ck_assert_int_eq(pb_question_decode(&q, m.at, m.len), 0);
	ck_assert_int_eq(q.ask, PB_FILE_BY_EXTENSION);
	ck_assert_str_eq(q.text, "x.y");
	pb_question_free(&q);
}
END_TEST

START_TEST(a_probe_names_a_service)
{
	struct pb_probe p;

	reset();
	puts_(&m, 1, "x.Y");
	ck_assert_int_eq(pb_probe_decode(&p, m.at, m.len), 0);
	ck_assert_str_eq(p.service, "x.Y");
	pb_probe_free(&p);
	ck_assert_int_eq(pb_probe_decode(&p, "\x0a\x01\xff", 3), -EILSEQ);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pb");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

#define LOOP(test, table) \
	tcase_add_loop_test(t, test, 0, (int)ARRAY_LEN(table))
	tcase_add_test(t, an_announce_is_decoded);
	LOOP(each_kind_has_its_number, kinds);
	tcase_add_test(t, a_candidate_has_four_fields);
	tcase_add_test(t, an_empty_message_asks_for_nothing);
	LOOP(strings_must_be_text, strings);
	LOOP(what_is_no_message_is_refused, bad);
	tcase_add_test(t, size_and_memory_are_bounded);
	tcase_add_test(t, a_cut_message_never_reads_past_its_end);
	tcase_add_test(t, responses_hold_what_they_were_given);
	tcase_add_test(t, numbers_are_where_they_belong);
	tcase_add_test(t, a_question_comes_back_with_its_answer);
	LOOP(each_question_has_its_number, questions);
	tcase_add_test(t, an_extension_names_its_type);
	tcase_add_test(t, a_probe_names_a_service);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);

	return failed != 0;
}
