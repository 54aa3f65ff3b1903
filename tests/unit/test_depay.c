/* test_depay.c - VP8 and VP9 payload descriptors, RFC 7741 and RFC 9628 */

#include "core/rtp/depay.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A VP8 key frame head: tag, start code, 640x360. */
#define VP8_KEY 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01
/* A VP9 key frame head, profile 0: marker, sync code, colour, 640x360. */
#define VP9_KEY 0x82, 0x49, 0x83, 0x42, 0x00, 0x27, 0xf0, 0x16, 0x70

struct row {
	const char *what;
	enum rtp_codec codec;
	uint8_t bytes[32];
	size_t len;
	int err;
	size_t skip;		/* descriptor bytes */
	bool first, key, sync, disposable;
	int id, bits, tl0, tid, sid, w, h, refs;
};

static const struct row table[] = {
	/* RFC 7741 section 4.6 examples */
	{ "VP8 key frame in one packet, no extension", RTP_VP8,
	  { 0x10, VP8_KEY }, 11, 0, 1, true, true, false, false, -1, 0, -1, 0,
	  0, 640, 360, 0 },
	{ "VP8 inter frame, 7-bit id 0x11", RTP_VP8,
	  { 0x90, 0x80, 0x11, 0x01, 2 }, 5, 0, 3, true, false, false, false,
	  0x11, 7, -1, 0, 0, 0, 0, 0 },
	{ "VP8 inter frame, 15-bit id 4711", RTP_VP8,
	  { 0x90, 0x80, 0x92, 0x67, 0x01 }, 5, 0, 4, true, false, false, false,
	  4711, 15, -1, 0, 0, 0, 0, 0 },
	{ "VP8 second partition begins: no first packet", RTP_VP8,
	  { 0x11, 0x10 }, 2, 0, 1, false, false, false, false, -1, 0, -1, 0, 0,
	  0, 0, 0 },
	{ "VP8 with all of I L T K, disposable, synced layer 2", RTP_VP8,
	  { 0xb0, 0xf0, 0x85, 0x01, 0x2a, 0xa3, 0x01 }, 7, 0, 6, true, false,
	  true, true, 0x501, 15, 42, 2, 0, 0, 0, 0 },
	{ "VP8 K alone takes its byte", RTP_VP8, { 0x80, 0x10, 0xff, 0x01 }, 4,
	  0, 3, false, false, false, false, -1, 0, -1, 0, 0, 0, 0, 0 },
	{ "VP8 nothing", RTP_VP8, { 0 }, 0, -EBADMSG, .w = 0 },
	{ "VP8 extension announced, missing", RTP_VP8, { 0x80 }, 1, -EBADMSG,
	  .w = 0 },
	{ "VP8 long id cut", RTP_VP8, { 0x80, 0x80, 0x81 }, 3, -EBADMSG,
	  .w = 0 },
	{ "VP8 TL0PICIDX cut", RTP_VP8, { 0x80, 0x40 }, 2, -EBADMSG, .w = 0 },
	{ "VP8 TID cut", RTP_VP8, { 0x80, 0x20 }, 2, -EBADMSG, .w = 0 },
	{ "VP8 first packet without a frame tag", RTP_VP8, { 0x10 }, 1,
	  -EBADMSG, .w = 0 },

	{ "VP9 key picture, non-flexible, layer byte, size told", RTP_VP9,
	  { 0xae, 0x92, 0x67, 0x00, 0x2a, 0x18, 0x02, 0x80, 0x01, 0x68, 0x01,
	    0x04, 0x01, 0x82, 0x49 }, 15, 0, 13, true, true, false, false,
	  4711, 15, 42, 0, 0, 640, 360, 0 },
	{ "VP9 key picture without structure: size from its head", RTP_VP9,
	  { 0x8c, 0x07, VP9_KEY }, 11, 0, 2, true, true, false, false, 7, 7,
	  -1, 0, 0, 640, 360, 0 },
	{ "VP9 inter picture, layer 2 with switch point", RTP_VP9,
	  { 0xec, 0x80, 0x08, 0x50, 0x07, 0xff }, 6, 0, 5, true, false, true,
	  false, 8, 15, 7, 2, 0, 0, 0, 0 },
	{ "VP9 upper spatial layer of a key picture", RTP_VP9,
	  { 0xac, 0x80, 0x08, 0x03, 0x07, 0xff }, 6, 0, 5, false, false, false,
	  false, 8, 15, 7, 0, 1, 0, 0, 0 },
	{ "VP9 flexible with three references", RTP_VP9,
	  { 0xdc, 0x05, 0x03, 0x05, 0x06, 0xff }, 6, 0, 5, true, false, false,
	  false, 5, 7, -1, 0, 0, 0, 0, 3 },
	{ "VP9 flexible with layers has no TL0PICIDX", RTP_VP9,
	  { 0xfc, 0x05, 0x20, 0x02, 0xff }, 5, 0, 4, true, false, false, false,
	  5, 7, -1, 1, 0, 0, 0, 1 },
	{ "VP9 three spatial layers, two groups with references", RTP_VP9,
	  { 0x8a, 0x01, 0x58, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 2, 0x08, 1, 2,
	    0x00, 0x82 }, 21, 0, 20, true, true, false, false, 1, 7, -1, 0, 0,
	  5, 6, 0 },
	{ "VP9 without the P bit, but no key frame in its head", RTP_VP9,
	  { 0x0c, 0x86, 0x00 }, 3, 0, 1, true, false, false, false, -1, 0, -1,
	  0, 0, 0, 0, 0 },
	{ "VP9 continuation: no first packet", RTP_VP9, { 0x80, 0x05, 0xff }, 3,
	  0, 2, false, false, false, false, 5, 7, -1, 0, 0, 0, 0, 0 },
	{ "VP9 nothing", RTP_VP9, { 0 }, 0, -EBADMSG, .w = 0 },
	{ "VP9 descriptor without picture", RTP_VP9, { 0x80, 0x05 }, 2,
	  -EBADMSG, .w = 0 },
	{ "VP9 four references", RTP_VP9,
	  { 0xd8, 0x05, 0x03, 0x05, 0x07, 0x08, 0xff }, 7, -EBADMSG, .w = 0 },
	{ "VP9 a reference to itself", RTP_VP9, { 0xd8, 0x05, 0x00, 0xff }, 4,
	  -EBADMSG, .w = 0 },
	{ "VP9 flexible without picture id", RTP_VP9, { 0x58, 0x02, 0xff }, 3,
	  -EBADMSG, .w = 0 },
	{ "VP9 references cut", RTP_VP9, { 0xd8, 0x05, 0x03 }, 3, -EBADMSG,
	  .w = 0 },
	{ "VP9 structure cut in a size", RTP_VP9, { 0x8a, 0x01, 0x10, 1, 2 }, 5,
	  -EBADMSG, .w = 0 },
	{ "VP9 structure promises 255 groups", RTP_VP9,
	  { 0x8a, 0x01, 0x08, 255, 0x0c, 1, 2, 3 }, 8, -EBADMSG, .w = 0 },

	/* Seen from Chromium in a call of 640x360. */
	{ "Chromium VP9: key picture, flexible, its size told", RTP_VP9,
	  { 0x9b, 0xb8, 0x31, 0x10, 0x02, 0x80, 0x01, 0x68, 0x82, 0x49, 0x83,
	    0x42, 0x00, 0x27, 0xf0, 0x16, 0x74 }, 17, 0, 8, true, true, false,
	  false, 14385, 15, -1, 0, 0, 640, 360, 0 },
	{ "Chromium VP9: last packet of it", RTP_VP9,
	  { 0x95, 0xb8, 0x31, 0xe6, 0xb8 }, 5, 0, 3, false, false, false,
	  false, 14385, 15, -1, 0, 0, 0, 0, 0 },
	{ "Chromium VP9: next picture, refers to the one before", RTP_VP9,
	  { 0xdd, 0xb8, 0x32, 0x02, 0x86, 0x00, 0x40 }, 7, 0, 4, true, false,
	  false, false, 14386, 15, -1, 0, 0, 0, 0, 1 },
	{ "Chromium VP8: key picture", RTP_VP8,
	  { 0x90, 0x80, 0xd2, 0x51, 0x90, 0x4a, 0x00, 0x9d, 0x01, 0x2a, 0x80,
	    0x02, 0x68, 0x01 }, 14, 0, 4, true, true, false, false, 0x5251, 15,
	  -1, 0, 0, 640, 360, 0 },
	{ "Chromium VP8: next picture", RTP_VP8,
	  { 0x90, 0x80, 0xd2, 0x52, 0xb1, 0x36 }, 6, 0, 4, true, false, false,
	  false, 0x5252, 15, -1, 0, 0, 0, 0, 0 },

	{ "Opus", RTP_OPUS, { 0x78, 1, 2 }, 3, 0, 0, true, true, false, false,
	  -1, 0, -1, 0, 0, 0, 0, 0 },
	{ "Opus, empty", RTP_OPUS, { 0 }, 0, -EBADMSG, .w = 0 },
	{ "no codec", RTP_NONE, { 1 }, 1, -EINVAL, .w = 0 },
};

START_TEST(rows_read_as_told)
{
	const struct row *r = &table[_i];
	uint8_t *copy = malloc(r->len ? r->len : 1);
	struct depay d;
	int err;

	memcpy(copy, r->bytes, r->len);
	err = depay(&d, r->codec, copy, r->len);
	ck_assert_msg(err == r->err, "%s: %d", r->what, err);
	if (!err) {
		ck_assert_msg(d.len == r->len - r->skip, "%s: %zu bytes",
			      r->what, d.len);
		ck_assert_ptr_eq(d.data, copy + r->skip);
		ck_assert_msg(d.first == r->first && d.key == r->key &&
			      d.sync == r->sync &&
			      d.disposable == r->disposable, "%s: flags",
			      r->what);
		ck_assert_msg(d.picture_id == r->id &&
			      d.picture_id_bits == r->bits, "%s: id %d",
			      r->what, d.picture_id);
		ck_assert_msg(d.tl0 == r->tl0 && d.tid == r->tid &&
			      d.sid == r->sid, "%s: layers", r->what);
		ck_assert_msg(d.width == r->w && d.height == r->h,
			      "%s: %ux%u", r->what, d.width, d.height);
		ck_assert_msg(d.refs == r->refs, "%s: refs", r->what);
	}
	free(copy);
}
END_TEST

START_TEST(references_keep_their_distances)
{
	static const uint8_t b[] = { 0xdc, 0x05, 0x03, 0x05, 0x06, 0xff };
	struct depay d;

	ck_assert_int_eq(depay_vp9(&d, b, sizeof(b)), 0);
	ck_assert(d.flexible);
	ck_assert_uint_eq(d.ref[0], 1);
	ck_assert_uint_eq(d.ref[1], 2);
	ck_assert_uint_eq(d.ref[2], 3);
}
END_TEST

START_TEST(sizes_come_from_whole_key_heads_only)
{
	static const uint8_t vp8[] = { VP8_KEY }, vp9[] = { VP9_KEY };
	uint8_t b[16];
	uint16_t w, h;

	ck_assert(vp8_key_size(vp8, sizeof(vp8), &w, &h));
	ck_assert(w == 640 && h == 360);
	ck_assert(vp9_key_size(vp9, sizeof(vp9), &w, &h));
	ck_assert(w == 640 && h == 360);
	for (size_t len = 0; len < sizeof(vp8); len++)
		ck_assert(!vp8_key_size(vp8, len, &w, &h));
	for (size_t len = 0; len < sizeof(vp9); len++)
		ck_assert(!vp9_key_size(vp9, len, &w, &h));
	memcpy(b, vp8, sizeof(vp8));
	b[0] |= 1;		/* no key frame */
	ck_assert(!vp8_key_size(b, sizeof(vp8), &w, &h));
	memcpy(b, vp8, sizeof(vp8));
	b[4] = 2;		/* start code */
	ck_assert(!vp8_key_size(b, sizeof(vp8), &w, &h));
	memcpy(b, vp9, sizeof(vp9));
	b[0] |= 0x04;		/* no key frame */
	ck_assert(!vp9_key_size(b, sizeof(vp9), &w, &h));
	memcpy(b, vp9, sizeof(vp9));
	b[2] ^= 1;		/* sync code */
	ck_assert(!vp9_key_size(b, sizeof(vp9), &w, &h));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("depay");
	TCase *c = tcase_create("depay");

	tcase_add_loop_test(c, rows_read_as_told, 0, ARRAY_LEN(table));
	tcase_add_test(c, references_keep_their_distances);
	tcase_add_test(c, sizes_come_from_whole_key_heads_only);
	suite_add_tcase(s, c);

	return suite_run(s);
}
