/* test_grpc_core.c - framing, base64, metadata and descriptors of gRPC */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/grpc/base64.h"
#include "core/grpc/descriptor.h"
#include "core/grpc/frames.h"
#include "core/grpc/meta.h"

/* frames */

enum { MAX = 1000 };

static size_t frame(uint8_t *out, unsigned flag, size_t claim,
		    const void *body, size_t len)
{
	grpc_frame_head(out, flag, claim);
	if (len)
		memcpy(out + GRPC_HEAD, body, len);

	return GRPC_HEAD + len;
}

/* Feeds bytes in steps; each message becomes "length:first byte," in out. */
static int feed(struct grpc_frames *f, const uint8_t *bytes, size_t len,
		size_t step, char *out)
{
	struct grpc_message m;
	int ret = 0;

	for (size_t at = 0; at < len; at += step) {
		size_t part = len - at < step ? len - at : step;
		/* Exactly so long: what is read past it is seen by ASan. */
		uint8_t *copy = malloc(part);
		struct buf_in in = buf_in(copy, part);

		memcpy(copy, bytes + at, part);
		while ((ret = grpc_frames_next(f, &in, &m)) > 0)
			out += sprintf(out, "%zu:%d,", m.len,
				       m.len ? m.bytes[0] : -1);
		ck_assert(ret < 0 || buf_left(&in) == 0);
		free(copy);
		if (ret < 0)
			break;
	}

	return ret;
}

static const struct {
	const char *name;
	size_t sizes[4];
	unsigned count;
	const char *want;
} good[] = {
	{ "no message", { 0 }, 0, "" },
	{ "an empty message", { 0 }, 1, "0:-1," },
	{ "one byte", { 1 }, 1, "1:65," },
	{ "the largest", { MAX }, 1, "1000:65," },
	{ "two", { 3, 4 }, 2, "3:65,4:66," },
	{ "empty between", { 3, 0, 2 }, 3, "3:65,0:-1,2:67," },
	{ "empty first", { 0, 0, 9, 1 }, 4, "0:-1,0:-1,9:67,1:68," },
	{ "large after small", { 1, MAX, 1, MAX }, 4,
	  "1:65,1000:66,1:67,1000:68," },
};
static const size_t steps[] = { 1, 2, 3, 4, 5, 6, 7, 100, 100000 };

START_TEST(frames_come_out_whole)
{
	static uint8_t bytes[8 * MAX], body[MAX];
	char got[256];
	size_t len = 0;

	for (unsigned i = 0; i < good[_i].count; i++) {
		memset(body, 'A' + (int)i, sizeof(body));
		len += frame(bytes + len, 0, good[_i].sizes[i], body,
			     good[_i].sizes[i]);
	}
	for (size_t s = 0; s < ARRAY_LEN(steps); s++) {
		struct grpc_frames f = { .max = MAX };

		got[0] = '\0';
		ck_assert_int_eq(feed(&f, bytes, len, steps[s], got), 0);
		ck_assert_str_eq(got, good[_i].want);
		ck_assert(grpc_frames_whole(&f));
		grpc_frames_fini(&f);
	}
}
END_TEST

static const struct {
	const char *name;
	uint8_t bytes[8];
	size_t len;
	int err;
	bool whole;
} bad[] = {
	{ "compressed", { 1, 0, 0, 0, 1, 9 }, 6, -EOPNOTSUPP, false },
	{ "compressed, head alone", { 1 }, 1, -EOPNOTSUPP, false },
	{ "flag 2", { 2, 0, 0, 0, 1, 9 }, 6, -EBADMSG, false },
	{ "flag 0x80 of a client", { 0x80, 0, 0, 0, 1, 9 }, 6, -EBADMSG,
	  false },
	{ "flag 0x81", { 0x81 }, 1, -EBADMSG, false },
	{ "flag 0xff", { 0xff, 0xff, 0xff, 0xff, 0xff }, 5, -EBADMSG, false },
	{ "a byte too long", { 0, 0, 0, 3, 0xe9 }, 5, -EMSGSIZE, false },
	{ "64 KiB", { 0, 0, 1, 0, 0 }, 5, -EMSGSIZE, false },
	{ "2 GiB", { 0, 0x80, 0, 0, 0 }, 5, -EMSGSIZE, false },
	{ "4 GiB less one", { 0, 0xff, 0xff, 0xff, 0xff }, 5, -EMSGSIZE,
	  false },
	{ "half a head", { 0, 0, 0 }, 3, 0, false },
	{ "head without body", { 0, 0, 0, 0, 2 }, 5, 0, false },
	{ "half a body", { 0, 0, 0, 0, 2, 1 }, 6, 0, false },
	{ "bad after good", { 0, 0, 0, 0, 1, 7, 9 }, 7, -EBADMSG, false },
	{ "HTTP", "GET / H", 7, -EBADMSG, false },
};

START_TEST(bad_frames_are_refused_and_stay_so)
{
	struct grpc_message m;
	struct buf_in more = buf_in("\0\0\0\0\0", 5);
	char got[64];

	for (size_t s = 0; s < ARRAY_LEN(steps); s++) {
		struct grpc_frames f = { .max = MAX };

		ck_assert_int_eq(feed(&f, bad[_i].bytes, bad[_i].len,
				      steps[s], got),
				 bad[_i].err);
		ck_assert_int_eq(grpc_frames_whole(&f), bad[_i].whole);
		if (bad[_i].err) {
			more = buf_in("\0\0\0\0\0", 5);
			ck_assert_int_eq(grpc_frames_next(&f, &more, &m),
					 bad[_i].err);
		}
		grpc_frames_fini(&f);
	}
}
END_TEST

START_TEST(memory_grows_with_what_came_not_with_what_is_claimed)
{
	struct grpc_frames f = { .max = 1 << 20 };
	uint8_t bytes[GRPC_HEAD + 10] = { 0 };
	char got[64];

	frame(bytes, 0, 1 << 20, "0123456789", 10);
	ck_assert_int_eq(feed(&f, bytes, sizeof(bytes), 1000, got), 0);
	ck_assert_uint_le(f.cap, 512);
	grpc_frames_fini(&f);
}
END_TEST

START_TEST(a_small_message_after_a_large_one_frees_it)
{
	static uint8_t bytes[GRPC_HEAD + MAX];
	struct grpc_frames f = { .max = MAX };
	char got[64];

	frame(bytes, 0, MAX, NULL, 0);
	ck_assert_int_eq(feed(&f, bytes, sizeof(bytes), 100, got), 0);
	ck_assert_int_eq(feed(&f, (const uint8_t *)"\0\0\0\0\0", 5, 5, got),
			 0);
	ck_assert_ptr_null(f.bytes);
	grpc_frames_fini(&f);
}
END_TEST

/* base64 */

static const struct {
	const char *text, *bytes;	/* bytes NULL: refused */
	bool whole;
} texts[] = {
	{ "", "", true },
	{ "Zg==", "f", true },
	{ "Zm8=", "fo", true },
	{ "Zm9v", "foo", true },
	{ "Zm9vYg==", "foob", true },
	{ "Zm9vYmFy", "foobar", true },
	{ "Zg==Zg==", "ff", true },	/* two pieces, each padded */
	{ "Zm8=Zm9vZg==Zm9v", "fofooffoo", true },
	{ "+/+/", "\xfb\xff\xbf", true },
	{ "Zm9", "", false },
	{ "Zm9vY", "foo", false },
	{ "Zg=", "", false },
	{ "=", NULL, false },
	{ "Z===", NULL, false },
	{ "Z=g=", NULL, false },
	{ "Zg=a", NULL, false },
	{ "Zh==", NULL, false },	/* bits past the end */
	{ "Zm9=", NULL, false },
	{ "Zm9v\r\n", NULL, false },
	{ "Zm 9v", NULL, false },
	{ "Zm-v", NULL, false },
	{ "Zm_v", NULL, false },
	{ "\xc3\xa9zz", NULL, false },
};

START_TEST(base64_is_read_in_pieces)
{
	size_t len = strlen(texts[_i].text);

	for (size_t step = 1; step <= len + 1; step++) {
		struct b64 b = { 0 };
		uint8_t out[64];
		int total = 0, n = 0;

		for (size_t at = 0; at < len && n >= 0; at += step) {
			size_t part = len - at < step ? len - at : step;

			n = b64_read(&b, texts[_i].text + at, part,
				     out + total);
			ck_assert_int_le(n, (int)b64_room(part));
			total += n > 0 ? n : 0;
		}
		if (!texts[_i].bytes) {
			ck_assert_int_eq(n, -EBADMSG);
			ck_assert(!b64_whole(&b));
			ck_assert_int_eq(b64_read(&b, "Zm9v", 4, out),
					 -EBADMSG);
			continue;
		}
		ck_assert_int_eq(total, (int)strlen(texts[_i].bytes));
		ck_assert_mem_eq(out, texts[_i].bytes, (size_t)total);
		ck_assert_int_eq(b64_whole(&b), texts[_i].whole);
	}
}
END_TEST

/* meta */

static struct h1_span span(const char *text)
{
	return (struct h1_span){ text, text ? strlen(text) : 0 };
}

static const struct {
	const char *type;
	enum grpc_mode mode;
} types[] = {
	{ NULL, GRPC_NONE },
	{ "", GRPC_NONE },
	{ "text/plain", GRPC_NONE },
	{ "application/json", GRPC_NONE },
	{ "application/grp", GRPC_NONE },
	{ "application/grpc", GRPC_NATIVE },
	{ "Application/GRPC", GRPC_NATIVE },
	{ "application/grpc+proto", GRPC_NATIVE },
	{ "application/grpc ; charset=utf-8", GRPC_NATIVE },
	{ "application/grpc+json", GRPC_OTHER },
	{ "application/grpcx", GRPC_OTHER },
	{ "application/grpc-web", GRPC_WEB },
	{ "application/grpc-web+proto", GRPC_WEB },
	{ "application/grpc-web+proto;x=y", GRPC_WEB },
	{ "application/grpc-web+thrift", GRPC_OTHER },
	{ "application/grpc-web-text", GRPC_WEB_TEXT },
	{ "application/grpc-web-text+proto", GRPC_WEB_TEXT },
	{ "application/grpc-web-text+json", GRPC_OTHER },
};

START_TEST(a_content_type_is_a_mode)
{
	ck_assert_int_eq(grpc_mode_of(span(types[_i].type)), types[_i].mode);
}
END_TEST

static const struct {
	const char *text;
	int64_t us;		/* -1: refused */
} timeouts[] = {
	{ "1H", 3600000000 }, { "2M", 120000000 }, { "3S", 3000000 },
	{ "100m", 100000 }, { "5u", 5 }, { "1n", 1 }, { "1000n", 1 },
	{ "1001n", 2 }, { "0S", 0 }, { "00000001S", 1000000 },
	{ "99999999S", 8640000000000 }, { "99999999H", 8640000000000 },
	{ NULL, -1 }, { "", -1 }, { "S", -1 }, { "1", -1 }, { "1s", -1 },
	{ "1h", -1 }, { "-1S", -1 }, { "+1S", -1 }, { "1.5S", -1 },
	{ " 1S", -1 }, { "1 S", -1 }, { "123456789S", -1 }, { "1SS", -1 },
};

START_TEST(a_timeout_has_a_number_and_a_unit)
{
	int64_t us = -1;
	int err = grpc_timeout(span(timeouts[_i].text), &us);

	ck_assert_int_eq(err, timeouts[_i].us < 0 ? -EINVAL : 0);
	ck_assert_int_eq(us, timeouts[_i].us);
}
END_TEST

START_TEST(a_timeout_without_unit_but_nul_is_refused)
{
	int64_t us;

	ck_assert_int_eq(grpc_timeout((struct h1_span){ "1\0", 2 }, &us),
			 -EINVAL);
}
END_TEST

static const struct {
	const char *text, *want;
} messages[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "a b~", "a b~" },
	{ "100%", "100%25" },
	{ "\t\n", "%09%0A" },
	{ "\x7f", "%7F" },
	{ "\xe2\x98\xba", "%E2%98%BA" },
};

START_TEST(a_message_is_percent_encoded)
{
	char out[GRPC_ENCODED_MAX];
	size_t len = grpc_percent(out, messages[_i].text,
				  strlen(messages[_i].text));

	ck_assert_uint_eq(len, strlen(messages[_i].want));
	ck_assert_mem_eq(out, messages[_i].want, len);
}
END_TEST

START_TEST(a_long_message_is_cut_between_characters)
{
	char text[GRPC_TEXT_MAX + 8], out[GRPC_ENCODED_MAX];
	size_t len;

	memset(text, 'a', sizeof(text));
	memcpy(text + GRPC_TEXT_MAX - 1, "\xc3\xa9", 2);
	len = grpc_percent(out, text, sizeof(text));
	ck_assert_uint_eq(len, GRPC_TEXT_MAX - 1);
	memset(text, '\x01', sizeof(text));
	len = grpc_percent(out, text, sizeof(text));
	ck_assert_uint_eq(len, GRPC_ENCODED_MAX);
}
END_TEST

static const struct {
	const char *text;
	int count;
	const char *name, *value;	/* of the last */
} blocks[] = {
	{ "", 0, NULL, NULL },
	{ "\r\n", 0, NULL, NULL },
	{ "a: b", 1, "a", "b" },
	{ "a:b\r\n", 1, "a", "b" },
	{ "a: b\n", 1, "a", "b" },
	{ "A: b\r\nx-c-bin:  AA== \r\n", 2, "x-c-bin", "AA==" },
	{ "content-type: application/grpc-web+proto\r\n"
	  "x-grpc-web: 1\r\n\r\n", 2, "x-grpc-web", "1" },
	{ "a:\r\n", 1, "a", "" },
	{ "a: b: c\r\n", 1, "a", "b: c" },
	{ "a: \xc3\xa9\r\n", 1, "a", "\xc3\xa9" },
	{ "a", -EBADMSG, NULL, NULL },
	{ ": b\r\n", -EBADMSG, NULL, NULL },
	{ "a b: c\r\n", -EBADMSG, NULL, NULL },
	{ "a : c\r\n", -EBADMSG, NULL, NULL },
	{ " a: c\r\n", -EBADMSG, NULL, NULL },
	{ "a: \x01\r\n", -EBADMSG, NULL, NULL },
	{ "a: b\rc\r\n", -EBADMSG, NULL, NULL },
	{ "a: b\x7f\r\n", -EBADMSG, NULL, NULL },
	{ "\xc3\xa9: b\r\n", -EBADMSG, NULL, NULL },
	{ "a: b\r\n c\r\n", -EBADMSG, NULL, NULL },
};

START_TEST(a_block_holds_headers)
{
	struct h1_header h[GRPC_BLOCK_HEADERS];
	int n = grpc_block(h, blocks[_i].text, strlen(blocks[_i].text));

	ck_assert_int_eq(n, blocks[_i].count);
	if (n > 0) {
		ck_assert(h1_is(h[n - 1].name, blocks[_i].name));
		ck_assert(h1_is(h[n - 1].value, blocks[_i].value));
	}
}
END_TEST

START_TEST(a_block_is_bounded)
{
	struct h1_header h[GRPC_BLOCK_HEADERS];
	static char text[GRPC_BLOCK_MAX + 1];
	size_t len = 0;

	for (int i = 0; i < GRPC_BLOCK_HEADERS; i++)
		len += (size_t)sprintf(text + len, "a: b\n");
	ck_assert_int_eq(grpc_block(h, text, len), GRPC_BLOCK_HEADERS);
	len += (size_t)sprintf(text + len, "a: b\n");
	ck_assert_int_eq(grpc_block(h, text, len), -EBADMSG);
	memset(text, 'x', sizeof(text));
	memcpy(text, "a: ", 3);
	ck_assert_int_eq(grpc_block(h, text, GRPC_BLOCK_MAX), 1);
	ck_assert_int_eq(grpc_block(h, text, GRPC_BLOCK_MAX + 1), -EBADMSG);
	ck_assert_int_eq(grpc_block(h, "a: \0", 4), -EBADMSG);
}
END_TEST

START_TEST(a_status_has_a_name)
{
	ck_assert_str_eq(grpc_status_name(GRPC_OK), "OK");
	ck_assert_str_eq(grpc_status_name(GRPC_NOT_FOUND), "NOT_FOUND");
	ck_assert_int_eq(GRPC_UNAUTHENTICATED, 16);
	ck_assert_str_eq(grpc_status_name(16), "UNAUTHENTICATED");
	ck_assert_str_eq(grpc_status_name(17), "UNKNOWN");
}
END_TEST

/* descriptors */

static const uint8_t set[] = {
#include <webrtc_signaling.desc.h>
};
static const uint8_t web[] = {
#include <webrtc_signaling_web.desc.h>
};
static const uint8_t health[] = {
#include <health.desc.h>
};

#define P "remotemedia.v1.webrtc."

static const struct {
	const char *symbol;
	bool defined;
} symbols[] = {
	{ P "WebRtcSignaling", true },
	{ P "WebRtcSignaling.Signal", true },
	{ P "WebRtcSignaling.GetPeers", true },
	{ P "SignalingRequest", true },
	{ P "SignalingRequest.announce", true },
	{ P "SignalingRequest.request", true },
	{ P "AnnounceRequest.MetadataEntry", true },
	{ P "AnnounceRequest.MetadataEntry.key", true },
	{ P "PeerState", true },
	{ P "PeerState.PEER_STATE_BUSY", true },
	{ P "WebRtcSignaling.Signa", false },
	{ P "WebRtcSignaling.Signals", false },
	{ P "WebRtcSignaling.Signal.x", false },
	{ P "WebRtcSignalin", false },
	{ P "Nothing", false },
	{ P "AnnounceRequest.MetadataEntry.none", false },
	{ P, false },
	{ "remotemedia.v1.webrtc", false },
	{ "remotemedia.v1", false },
	{ "WebRtcSignaling", false },
	{ "", false },
};

START_TEST(symbols_are_found)
{
	struct descriptor d = descriptor_first(set, sizeof(set));

	ck_assert_int_eq(descriptor_defines(d, span(symbols[_i].symbol)),
			 symbols[_i].defined);
}
END_TEST

START_TEST(a_file_has_a_name_imports_and_services)
{
	struct descriptor d = descriptor_first(set, sizeof(set));
	struct descriptor w = descriptor_first(web, sizeof(web));
	struct descriptor h = descriptor_first(health, sizeof(health));
	char name[80];

	ck_assert(h1_is(descriptor_name(d), "webrtc_signaling.proto"));
	ck_assert_ptr_null(descriptor_import(d, 0).at);
	ck_assert(h1_is(descriptor_import(w, 0), "webrtc_signaling.proto"));
	ck_assert_ptr_null(descriptor_import(w, 1).at);
	ck_assert(descriptor_service(d, 0, name, sizeof(name)));
	ck_assert_str_eq(name, P "WebRtcSignaling");
	ck_assert(!descriptor_service(d, 1, name, sizeof(name)));
	ck_assert(!descriptor_service(d, 0, name, 10));
	ck_assert(descriptor_service(w, 0, name, sizeof(name)));
	ck_assert_str_eq(name, P "WebRtcSignalingWeb");
	/* An enum inside a message, and its value. */
	ck_assert(descriptor_defines(
		h, span("grpc.health.v1.HealthCheckResponse.ServingStatus")));
	ck_assert(descriptor_defines(
		h, span("grpc.health.v1.HealthCheckResponse.ServingStatus."
			"SERVING")));
}
END_TEST

START_TEST(a_cut_descriptor_is_read_within_its_bounds)
{
	for (size_t len = 0; len < sizeof(set); len++) {
		uint8_t *copy = malloc(len + 1);
		struct descriptor d;
		char name[80];

		memcpy(copy, set, len);
		d = descriptor_first(copy, len);
		(void)descriptor_defines(d, span(P "PeerState.X"));
		(void)descriptor_service(d, 0, name, sizeof(name));
		/* The set's one file is cut: nothing is in it. */
		ck_assert_ptr_null(d.at);
		/* The file itself cut. */
		if (len > 3) {
			d = (struct descriptor){ copy + 3, len - 3 };
			(void)descriptor_defines(d, span(P "PeerState.X"));
			(void)descriptor_service(d, 0, name, sizeof(name));
		}
		free(copy);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("grpc_core");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

#define LOOP(test, table) \
	tcase_add_loop_test(t, test, 0, (int)ARRAY_LEN(table))
	LOOP(frames_come_out_whole, good);
	LOOP(bad_frames_are_refused_and_stay_so, bad);
	tcase_add_test(t,
		       memory_grows_with_what_came_not_with_what_is_claimed);
	tcase_add_test(t, a_small_message_after_a_large_one_frees_it);
	LOOP(base64_is_read_in_pieces, texts);
	LOOP(a_content_type_is_a_mode, types);
	LOOP(a_timeout_has_a_number_and_a_unit, timeouts);
	tcase_add_test(t, a_timeout_without_unit_but_nul_is_refused);
	LOOP(a_message_is_percent_encoded, messages);
	tcase_add_test(t, a_long_message_is_cut_between_characters);
	LOOP(a_block_holds_headers, blocks);
	tcase_add_test(t, a_block_is_bounded);
	tcase_add_test(t, a_status_has_a_name);
	LOOP(symbols_are_found, symbols);
	tcase_add_test(t, a_file_has_a_name_imports_and_services);
	tcase_add_test(t, a_cut_descriptor_is_read_within_its_bounds);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);

	return failed != 0;
}
