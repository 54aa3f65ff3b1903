/* test_ws.c - WebSocket frames, handshake, UTF-8, digests */

#include "core/ws/digest.h"
#include "core/ws/handshake.h"
#include "core/ws/utf8.h"
#include "core/ws/ws.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Frames are written as text: "81 85 m'abcde'" is bytes in hex, m'...' the
 * mask 01020304 and the payload masked with it, '...' a plain payload. "x*N"
 * in quotes repeats x.
 */
static size_t put_quoted(uint8_t *out, const char *from, size_t len,
			 bool masked)
{
	const char *star = memchr(from, '*', len);
	size_t times = star ? strtoul(star + 1, NULL, 10) : 1;
	size_t part = star ? (size_t)(star - from) : len, n = 0;
	static const uint8_t mask[4] = { 1, 2, 3, 4 };

	if (masked) {
		memcpy(out, mask, 4);
		out += 4;
	}
	for (; times; times--)
		for (size_t i = 0; i < part; i++)
			out[n++] = (uint8_t)from[i];
	if (masked)
		ws_mask(out, n, mask);

	return n + (masked ? 4 : 0);
}

static size_t build(uint8_t *out, const char *spec)
{
	size_t n = 0;

	while (*spec) {
		if (*spec == ' ') {
			spec++;
		} else if (*spec == 'm' || *spec == '\'') {
			bool masked = *spec == 'm';
			const char *from = spec + 1 + masked;
			const char *end = strchr(from, '\'');

			n += put_quoted(out + n, from, (size_t)(end - from),
					masked);
			spec = end + 1;
		} else {
			char hex[3] = { spec[0], spec[1], 0 };

			out[n++] = (uint8_t)strtoul(hex, NULL, 16);
			spec += 2;
		}
	}

	return n;
}

#define T(n) WS_TEXT, n
#define FAIL(code) WS_FAILED, code

/* What comes out: one event a frame that makes one; the last is compared. */
static const struct {
	const char *name, *frames;
	enum ws_kind kind;
	int value;	/* text length, close code */
} cases[] = {
	{ "text", "81 85 m'abcde'", T(5) },
	{ "empty text", "81 80 m''", T(0) },
	{ "125 bytes", "81 fd m'a*125'", T(125) },
	{ "126 bytes", "81 fe 00 7e m'a*126'", T(126) },
	{ "65535 bytes", "81 fe ff ff m'a*65535'", T(65535) },
	{ "65536 bytes", "81 ff 00 00 00 00 00 01 00 00 m'a*65536'",
	  T(65536) },
	{ "two fragments", "01 82 m'ab' 80 83 m'cde'", T(5) },
	{ "three fragments", "01 82 m'ab' 00 81 m'c' 80 82 m'de'", T(5) },
	{ "empty fragments", "01 80 m'' 00 80 m'' 80 80 m''", T(0) },
	{ "fragments of 65536 bytes",
	  "01 fe ff ff m'a*65535' 80 81 m'a'", T(65536) },
	{ "ping", "89 81 m'a'", WS_PING, 1 },
	{ "empty ping", "89 80 m''", WS_PING, 0 },
	{ "ping of 125", "89 fd m'a*125'", WS_PING, 125 },
	{ "pong", "8a 81 m'a'", WS_PONG, 1 },
	{ "text after a ping inside", "01 81 m'a' 89 81 m'p' 80 81 m'b'",
	  T(2) },
	{ "text after a pong inside", "01 81 m'a' 8a 80 m'' 80 81 m'b'",
	  T(2) },
	{ "two texts", "81 81 m'a' 81 82 m'bc'", T(2) },
	{ "a text after a fragmented one",
	  "01 81 m'a' 80 81 m'b' 81 83 m'cde'", T(3) },
	{ "close without code", "88 80 m''", WS_CLOSE, 1005 },
	{ "reserved 1", "c1 80 m''", FAIL(1002) },
	{ "reserved 2", "a1 80 m''", FAIL(1002) },
	{ "reserved 3", "91 80 m''", FAIL(1002) },
	{ "reserved on a ping", "c9 80 m''", FAIL(1002) },
	{ "reserved on a continuation", "01 80 m'' c0 80 m''", FAIL(1002) },
	{ "opcode 3", "83 80 m''", FAIL(1002) },
	{ "opcode 4", "84 80 m''", FAIL(1002) },
	{ "opcode 5", "85 80 m''", FAIL(1002) },
	{ "opcode 6", "86 80 m''", FAIL(1002) },
	{ "opcode 7", "87 80 m''", FAIL(1002) },
	{ "opcode 11", "8b 80 m''", FAIL(1002) },
	{ "opcode 12", "8c 80 m''", FAIL(1002) },
	{ "opcode 13", "8d 80 m''", FAIL(1002) },
	{ "opcode 14", "8e 80 m''", FAIL(1002) },
	{ "opcode 15", "8f 80 m''", FAIL(1002) },
	{ "unmasked text", "81 01 'a'", FAIL(1002) },
	{ "unmasked ping", "89 00", FAIL(1002) },
	{ "unmasked close", "88 00", FAIL(1002) },
	{ "binary", "82 81 m'a'", FAIL(1003) },
	{ "empty binary", "82 80 m''", FAIL(1003) },
	{ "fragmented binary", "02 81 m'a'", FAIL(1003) },
	{ "lone continuation", "80 81 m'a'", FAIL(1002) },
	{ "lone continuation, more", "00 81 m'a'", FAIL(1002) },
	{ "text in a text", "01 81 m'a' 81 81 m'b'", FAIL(1002) },
	{ "fragment in a text", "01 81 m'a' 01 81 m'b'", FAIL(1002) },
	{ "binary in a text", "01 81 m'a' 82 81 m'b'", FAIL(1002) },
	{ "continuation after the end", "01 81 m'a' 80 81 m'b' 80 81 m'c'",
	  FAIL(1002) },
	{ "fragmented ping", "09 80 m''", FAIL(1002) },
	{ "fragmented pong", "0a 80 m''", FAIL(1002) },
	{ "fragmented close", "08 80 m''", FAIL(1002) },
	{ "ping of 126", "89 fe 00 7e m'a*126'", FAIL(1002) },
	{ "ping in 64 bits", "89 ff 00 00 00 00 00 00 00 01 m'a'",
	  FAIL(1002) },
	{ "0 in 16 bits", "81 fe 00 00 m''", FAIL(1002) },
	{ "125 in 16 bits", "81 fe 00 7d m'a*125'", FAIL(1002) },
	{ "0 in 64 bits", "81 ff 00 00 00 00 00 00 00 00 m''", FAIL(1002) },
	{ "126 in 64 bits", "81 ff 00 00 00 00 00 00 00 7e m'a*126'",
	  FAIL(1002) },
	{ "65535 in 64 bits", "81 ff 00 00 00 00 00 00 ff ff m'a'",
	  FAIL(1002) },
	{ "2^63", "81 ff 80 00 00 00 00 00 00 00 m''", FAIL(1002) },
	{ "2^64-1", "81 ff ff ff ff ff ff ff ff ff m''", FAIL(1002) },
	{ "2^63-1", "81 ff 7f ff ff ff ff ff ff ff m''", FAIL(1009) },
	{ "2^32", "81 ff 00 00 00 01 00 00 00 00 m''", FAIL(1009) },
	{ "65537", "81 ff 00 00 00 00 00 01 00 01 m''", FAIL(1009) },
	{ "65537 in two", "01 fe ff ff m'a*65535' 80 82 m'ab'", FAIL(1009) },
	{ "2^63-1 behind a byte",
	  "01 81 m'a' 80 ff 7f ff ff ff ff ff ff ff m''", FAIL(1009) },
	{ "close of one byte", "88 81 m'a'", FAIL(1002) },
	{ "close of 126", "88 fe 00 7e m'a*126'", FAIL(1002) },
};

static size_t run(struct ws *w, const uint8_t *bytes, size_t len, size_t step,
		  struct ws_event *last)
{
	size_t events = 0;

	for (size_t at = 0; at < len;) {
		size_t part = len - at < step ? len - at : step, done = 0;

		while (done < part) {
			struct ws_event ev;
			size_t used = ws_recv(w, bytes + at + done,
					      part - done, &ev);

			done += used;
			if (ev.kind != WS_NONE) {
				events++;
				*last = ev;
			} else {
				ck_assert_uint_eq(done, part);
			}
		}
		at += part;
	}

	return events;
}

START_TEST(a_frame_is_judged_as_the_table_says)
{
	static uint8_t bytes[200000];
	size_t len = build(bytes, cases[_i].frames);
	static const size_t steps[] = { 200000, 1, 3, 4096 };

	for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
		struct ws_event last = { 0 };
		struct ws w;

		ws_init(&w, WS_SERVER);
		ck_assert_uint_ge(run(&w, bytes, len, steps[k], &last), 1);
		ck_assert_msg(last.kind == cases[_i].kind,
			      "%s: kind %d by steps of %zu", cases[_i].name,
			      last.kind, steps[k]);
		if (last.kind == WS_FAILED || last.kind == WS_CLOSE)
			ck_assert_int_eq(last.code, cases[_i].value);
		else
			ck_assert_int_eq((int)last.len, cases[_i].value);
		ws_fini(&w);
	}
}
END_TEST

/* For those who take binary messages. */
static const struct {
	const char *frames;
	enum ws_kind kind;
	int value;
} binaries[] = {
	{ "82 83 m'abc'", WS_BINARY, 3 },
	{ "82 80 m''", WS_BINARY, 0 },
	{ "02 82 m'ab' 89 81 m'p' 80 81 m'c'", WS_BINARY, 3 },
	{ "02 82 m'ab' 00 81 m'c' 80 82 m'de'", WS_BINARY, 5 },
	{ "82 82 01020304 c101", WS_BINARY, 2 },	/* c0 03: no UTF-8 */
	{ "02 81 01020304 c1 80 81 01020304 02", WS_BINARY, 2 },
	{ "82 81 m'a' 81 82 m'bc'", WS_TEXT, 2 },
	{ "81 81 m'a' 82 82 m'bc'", WS_BINARY, 2 },
	{ "82 82 01020304 c101 81 82 01020304 c101", WS_FAILED, 1007 },
	{ "02 81 m'a' 81 81 m'b'", WS_FAILED, 1002 },
	{ "02 81 m'a' 82 81 m'b'", WS_FAILED, 1002 },
	{ "82 ff 00 00 00 00 00 01 00 01 m''", WS_FAILED, 1009 },
};

START_TEST(a_binary_message_comes_where_it_is_wanted)
{
	uint8_t bytes[64];
	size_t len = build(bytes, binaries[_i].frames);

	for (size_t step = 1; step <= len; step++) {
		struct ws_event last = { 0 };
		struct ws w;

		ws_init(&w, WS_SERVER);
		w.binary = true;
		ck_assert_uint_ge(run(&w, bytes, len, step, &last), 1);
		ck_assert_int_eq((int)last.kind, (int)binaries[_i].kind);
		ck_assert_int_eq(last.kind == WS_FAILED ? last.code
							: (int)last.len,
				 binaries[_i].value);
		ws_fini(&w);
	}
}
END_TEST

START_TEST(the_owner_sets_how_long_a_message_is)
{
	static uint8_t bytes[200000];
	struct ws_event last;
	struct ws w;
	size_t len;

	ws_init(&w, WS_SERVER);
	w.max = 100000;
	len = build(bytes, "81 ff 00 00 00 00 00 01 86 a0 m'a*100000'");
	ck_assert_uint_eq(run(&w, bytes, len, 4096, &last), 1);
	ck_assert_int_eq(last.kind, WS_TEXT);
	ck_assert_uint_eq(last.len, 100000);
	ws_fini(&w);
	ws_init(&w, WS_SERVER);
	w.max = 4;
	len = build(bytes, "01 84 m'abcd' 80 81 m'e'");
	ck_assert_uint_eq(run(&w, bytes, len, 4096, &last), 1);
	ck_assert_int_eq(last.kind, WS_FAILED);
	ck_assert_int_eq(last.code, 1009);
	ws_fini(&w);
}
END_TEST

START_TEST(the_text_is_joined_in_order)
{
	uint8_t bytes[200];
	size_t len = build(bytes, "01 82 m'ab' 89 81 m'p' 00 81 m'c' "
				  "80 82 m'de'");
	struct ws_event last;
	struct ws w;

	ws_init(&w, WS_SERVER);
	ck_assert_uint_eq(run(&w, bytes, len, 200, &last), 2);
	ck_assert_mem_eq(last.bytes, "abcde", 5);
	ws_fini(&w);
}
END_TEST

static size_t fragments(uint8_t *out, size_t count, bool empty)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		bool last = i + 1 == count;

		out[n++] = (uint8_t)((last ? 0x80 : 0) | (i == 0));
		out[n++] = empty ? 0x80 : 0x81;
		n += put_quoted(out + n, "a", !empty, true);
	}

	return n;
}

START_TEST(sixty_four_fragments_and_no_more)
{
	uint8_t bytes[1024];
	struct ws_event last;
	struct ws w;

	for (int empty = 0; empty < 2; empty++) {
		size_t len = fragments(bytes, 64, empty);

		ws_init(&w, WS_SERVER);
		ck_assert_uint_eq(run(&w, bytes, len, 1024, &last), 1);
		ck_assert_int_eq(last.kind, WS_TEXT);
		ck_assert_uint_eq(last.len, empty ? 0 : 64);
		/* The count begins anew. */
		ck_assert_uint_eq(run(&w, bytes, len, 1024, &last), 1);
		ws_fini(&w);

		len = fragments(bytes, 65, empty);
		ws_init(&w, WS_SERVER);
		ck_assert_uint_eq(run(&w, bytes, len, 1024, &last), 1);
		ck_assert_int_eq(last.kind, WS_FAILED);
		ck_assert_int_eq(last.code, 1009);
		ws_fini(&w);
	}
}
END_TEST

START_TEST(a_promise_of_bytes_takes_no_memory)
{
	uint8_t bytes[32];
	size_t len = build(bytes, "01 ff 00 00 00 00 00 01 00 00 m'a'");
	struct ws_event last;
	struct ws w;

	ws_init(&w, WS_SERVER);
	ck_assert_uint_eq(run(&w, bytes, len, 32, &last), 0);
	ck_assert_uint_le(w.text_cap, 16);
	ws_fini(&w);
}
END_TEST

START_TEST(nothing_is_heard_after_close_or_failure)
{
	static const char *const specs[] = {
		"88 80 m'' 81 81 m'a'", "82 80 m'' 81 81 m'a'",
	};
	uint8_t bytes[64];
	struct ws_event last;
	struct ws w;

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		size_t len = build(bytes, specs[i]);

		ws_init(&w, WS_SERVER);
		ck_assert_uint_eq(run(&w, bytes, len, 64, &last), 1);
		ck_assert(w.dead);
		ws_fini(&w);
	}
}
END_TEST

/* Every close code: allowed ones come out, others fail. */
START_TEST(close_codes)
{
	for (unsigned code = 0; code < 65536; code++) {
		uint8_t payload[2] = { (uint8_t)(code >> 8), (uint8_t)code };
		uint8_t bytes[16];
		bool fine = (code >= 1000 && code <= 1003) ||
			    (code >= 1007 && code <= 1014) ||
			    (code >= 3000 && code <= 4999);
		struct ws_event last;
		struct ws w;
		size_t n = ws_write_head(bytes, WS_OP_CLOSE, 2,
					 (const uint8_t[]){ 0, 0, 0, 0 });

		memcpy(bytes + n, payload, 2);
		ws_init(&w, WS_SERVER);
		ck_assert_uint_eq(run(&w, bytes, n + 2, 16, &last), 1);
		ck_assert(last.kind == (fine ? WS_CLOSE : WS_FAILED));
		ck_assert_uint_eq(last.code, fine ? code : 1002);
		ws_fini(&w);
	}
}
END_TEST

START_TEST(the_clients_side_refuses_what_is_masked)
{
	uint8_t bytes[64];
	struct ws_event last;
	struct ws w;
	size_t len = build(bytes, "81 81 m'a'");

	ws_init(&w, WS_CLIENT);
	run(&w, bytes, len, 64, &last);
	ck_assert(last.kind == WS_FAILED && last.code == 1002);
	ws_fini(&w);
	len = build(bytes, "81 02 'ab'");
	ws_init(&w, WS_CLIENT);
	run(&w, bytes, len, 64, &last);
	ck_assert(last.kind == WS_TEXT && last.len == 2);
	ws_fini(&w);
}
END_TEST

START_TEST(what_we_write_reads_back)
{
	static const size_t sizes[] = { 0, 1, 125, 126, 127, 65535, 65536 };
	static const uint8_t mask[4] = { 9, 8, 7, 6 };
	uint8_t *bytes = malloc(70000);

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		for (int masked = 0; masked < 2; masked++) {
			struct ws_event last = { 0 };
			struct ws w;
			size_t n = ws_write_head(bytes, WS_OP_TEXT, sizes[i],
						 masked ? mask : NULL);

			memset(bytes + n, 'q', sizes[i]);
			if (masked)
				ws_mask(bytes + n, sizes[i], mask);
			ws_init(&w, masked ? WS_SERVER : WS_CLIENT);
			ck_assert_uint_eq(run(&w, bytes, n + sizes[i], 70000,
					      &last), 1);
			ck_assert(last.kind == WS_TEXT);
			ck_assert_uint_eq(last.len, sizes[i]);
			for (size_t k = 0; k < last.len; k++)
				ck_assert_uint_eq(last.bytes[k], 'q');
			ws_fini(&w);
		}
	}
	free(bytes);
}
END_TEST

START_TEST(a_close_text_is_cut_between_characters)
{
	uint8_t out[WS_CONTROL_MAX];
	char text[300] = "";

	ck_assert_uint_eq(ws_write_close(out, 1000, ""), 2);
	ck_assert_mem_eq(out, "\x03\xe8", 2);
	ck_assert_uint_eq(ws_write_close(out, 1013, "abc"), 5);
	while (strlen(text) < 200)
		strcat(text, "\xe2\x82\xac");	/* 3 bytes */
	ck_assert_uint_eq(ws_write_close(out, 1000, text), 2 + 123);
	memmove(text + 1, text, strlen(text) + 1);
	text[0] = 'x';
	ck_assert_uint_eq(ws_write_close(out, 1000, text), 2 + 121);
	ck_assert(utf8_ok(out + 2, 121));
}
END_TEST

/* Every sequence of one to three bytes, against the definition. */
static bool reference(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = p[i] < 0x80 ? 1 : p[i] >> 5 == 6 ? 2 :
			   p[i] >> 4 == 14 ? 3 : p[i] >> 3 == 30 ? 4 : 0;
		static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
		uint32_t c;

		if (!n || i + n > len)
			return false;
		c = n == 1 ? p[i] : p[i] & (0x7fu >> n);
		for (size_t k = 1; k < n; k++) {
			if (p[i + k] >> 6 != 2)
				return false;
			c = c << 6 | (p[i + k] & 63);
		}
		if (c < least[n] || c > 0x10ffff ||
		    (c >= 0xd800 && c <= 0xdfff))
			return false;
		i += n;
	}

	return true;
}

START_TEST(utf8_agrees_with_the_definition)
{
	static const uint8_t edge[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90,
					0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2,
					0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
					0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5,
					0xff };
	uint8_t p[4];

	for (unsigned v = 0; v < 65536; v++) {
		p[0] = (uint8_t)(v >> 8);
		p[1] = (uint8_t)v;
		ck_assert(utf8_ok(p, 2) == reference(p, 2));
		ck_assert(utf8_ok(p, 1) == reference(p, 1));
	}
	for (size_t a = 0; a < ARRAY_LEN(edge); a++)
		for (size_t b = 0; b < ARRAY_LEN(edge); b++)
			for (size_t c = 0; c < ARRAY_LEN(edge); c++)
				for (size_t d = 0; d < ARRAY_LEN(edge); d++) {
					uint8_t q[] = { edge[a], edge[b],
							edge[c], edge[d] };

					ck_assert(utf8_ok(q, 3) ==
						  reference(q, 3));
					ck_assert(utf8_ok(q, 4) ==
						  reference(q, 4));
				}
}
END_TEST

static void sha1_hex(char out[41], const char *text, size_t step)
{
	uint8_t digest[SHA1_BYTES];
	struct sha1 s;
	size_t len = strlen(text);

	sha1_init(&s);
	for (size_t i = 0; i < len; i += step)
		sha1_add(&s, text + i, len - i < step ? len - i : step);
	sha1_end(&s, digest);
	for (int i = 0; i < SHA1_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

START_TEST(digests_of_their_rfcs)
{
	/* RFC 3174 section 7.3 */
	static const struct {
		const char *text, *hex;
	} sha[] = {
		{ "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
		{ "0123456701234567012345670123456701234567012345670123456701"
		  "234567", "e0c094e867ef46c350ef54a7f59dd60bed92ae83" },
	};
	/* RFC 4648 section 10 */
	static const char *const base[] = { "", "f", "", "fo", "foo", "foob",
					    "fooba", "foobar" };
	static const char *const want[] = { "", "Zg==", "", "Zm8=", "Zm9v",
					    "Zm9vYg==", "Zm9vYmE=",
					    "Zm9vYmFy" };
	char out[64];

	for (size_t i = 0; i < ARRAY_LEN(sha); i++) {
		sha1_hex(out, sha[i].text, 1);
		ck_assert_str_eq(out, sha[i].hex);
		sha1_hex(out, sha[i].text, 64);
		ck_assert_str_eq(out, sha[i].hex);
	}
	for (size_t i = 0; i < ARRAY_LEN(base); i++) {
		base64_write(out, base[i], strlen(base[i]));
		ck_assert_str_eq(out, want[i]);
	}
}
END_TEST

START_TEST(the_accept_key_of_the_rfc)
{
	char accept[WS_ACCEPT_TEXT];

	ws_write_accept(accept, "dGhlIHNhbXBsZSBub25jZQ==", 24);
	ck_assert_str_eq(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}
END_TEST

#define UP "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
#define CONN "Connection: Upgrade\r\n"
#define KEYS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VER "Sec-WebSocket-Version: 13\r\n"

static const struct {
	const char *bytes;
	unsigned status;
} upgrades[] = {
	{ UP CONN KEYS VER "\r\n", 101 },
	{ UP "Connection: x, UPGRADE\r\n" KEYS VER "\r\n", 101 },
	{ UP KEYS VER "\r\n", 400 },
	{ UP CONN VER "\r\n", 400 },
	{ UP CONN KEYS KEYS VER "\r\n", 400 },
	{ UP CONN KEYS "\r\n", 426 },
	{ UP CONN KEYS "Sec-WebSocket-Version: 8\r\n\r\n", 426 },
	{ UP CONN KEYS "Sec-WebSocket-Version: 13, 8\r\n\r\n", 426 },
	{ UP CONN "Sec-WebSocket-Key: short==\r\n" VER "\r\n", 400 },
	{ UP CONN "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=x\r\n" VER "\r\n",
	  400 },
	{ UP CONN KEYS VER "Content-Length: 1\r\n\r\n", 400 },
	{ UP CONN KEYS VER "Transfer-Encoding: chunked\r\n\r\n", 400 },
};

START_TEST(an_upgrade_is_judged_as_the_table_says)
{
	char accept[WS_ACCEPT_TEXT];
	struct h1_request r;
	unsigned status;
	int err;

	ck_assert_int_gt(h1_parse_request(&r, upgrades[_i].bytes,
					  strlen(upgrades[_i].bytes)), 0);
	ck_assert(ws_is_upgrade(&r));
	err = ws_check_upgrade(&r, accept, &status);
	ck_assert_uint_eq(status, upgrades[_i].status);
	ck_assert_int_eq(err, status == 101 ? 0 : -EBADMSG);
}
END_TEST

#define ANSWER "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n" CONN
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

START_TEST(the_client_takes_only_a_right_answer)
{
	static const struct {
		const char *bytes;
		bool ok;
	} t[] = {
		{ ANSWER ACCEPT "\r\n", true },
		{ ANSWER "\r\n", false },
		{ ANSWER "Sec-WebSocket-Accept: x\r\n\r\n", false },
		{ ANSWER ACCEPT "Sec-WebSocket-Extensions: x\r\n\r\n", false },
		{ ANSWER ACCEPT "Sec-WebSocket-Protocol: x\r\n\r\n", false },
		{ "HTTP/1.1 200 OK\r\nUpgrade: websocket\r\n" CONN ACCEPT
		  "\r\n", false },
		{ "HTTP/1.1 101 x\r\n" CONN ACCEPT "\r\n", false },
	};
	struct h1_response r;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		ck_assert_int_gt(h1_parse_response(&r, t[i].bytes,
						   strlen(t[i].bytes)), 0);
		ck_assert_int_eq(ws_check_accept(&r,
						 "dGhlIHNhbXBsZSBub25jZQ=="),
				 t[i].ok ? 0 : -EBADMSG);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ws");
	TCase *t = tcase_create("frames"), *h = tcase_create("handshake");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_frame_is_judged_as_the_table_says, 0,
			    ARRAY_LEN(cases));
	tcase_add_loop_test(t, a_binary_message_comes_where_it_is_wanted, 0,
			    ARRAY_LEN(binaries));
	tcase_add_test(t, the_owner_sets_how_long_a_message_is);
	tcase_add_test(t, the_text_is_joined_in_order);
	tcase_add_test(t, sixty_four_fragments_and_no_more);
	tcase_add_test(t, a_promise_of_bytes_takes_no_memory);
	tcase_add_test(t, nothing_is_heard_after_close_or_failure);
	tcase_add_test(t, close_codes);
	tcase_add_test(t, the_clients_side_refuses_what_is_masked);
	tcase_add_test(t, what_we_write_reads_back);
	tcase_add_test(t, a_close_text_is_cut_between_characters);
	tcase_add_test(t, utf8_agrees_with_the_definition);
	tcase_add_test(h, digests_of_their_rfcs);
	tcase_add_test(h, the_accept_key_of_the_rfc);
	tcase_add_loop_test(h, an_upgrade_is_judged_as_the_table_says, 0,
			    ARRAY_LEN(upgrades));
	tcase_add_test(h, the_client_takes_only_a_right_answer);
	suite_add_tcase(s, t);
	suite_add_tcase(s, h);

	return suite_run(s);
}
