/* depay_vp8.c - VP8 payload descriptor and frame header, RFC 7741 */

#include "core/rtp/depay.h"

#include <errno.h>

#include "common/buf.h"

/* Bits of the descriptor, RFC 7741 section 4.2. */
enum {
	DESC_X = 0x80, DESC_N = 0x20, DESC_S = 0x10, DESC_PID = 0x07,
	EXT_I = 0x80, EXT_L = 0x40, EXT_T = 0x20, EXT_K = 0x10,
	PICTURE_LONG = 0x80,
	TID_Y = 0x20,
};

static void read_picture_id(struct depay *out, struct buf_in *in)
{
	uint8_t first = buf_get_u8(in);

	out->picture_id = first & 0x7f;
	out->picture_id_bits = 7;
	if (first & PICTURE_LONG) {
		out->picture_id = out->picture_id << 8 | buf_get_u8(in);
		out->picture_id_bits = 15;
	}
}

static void read_extension(struct depay *out, struct buf_in *in)
{
	uint8_t has = buf_get_u8(in);

	if (has & EXT_I)
		read_picture_id(out, in);
	if (has & EXT_L)
		out->tl0 = buf_get_u8(in);
	if (has & (EXT_T | EXT_K)) {
		uint8_t b = buf_get_u8(in);

		if (has & EXT_T) {
			out->tid = b >> 6;
			out->sync = b & TID_Y;
		}
	}
}

int depay_vp8(struct depay *out, const void *payload, size_t len)
{
	struct buf_in in = buf_in(payload, len);
	uint8_t head = buf_get_u8(&in);

	*out = (struct depay){
		.tl0 = DEPAY_NONE,
		.picture_id = DEPAY_NONE,
		.disposable = head & DESC_N,
		.first = (head & DESC_S) && (head & DESC_PID) == 0,
	};
	if (head & DESC_X)
		read_extension(out, &in);
	if (in.bad)
		return -EBADMSG;

	out->data = in.at;
	out->len = buf_left(&in);
	if (!out->first)
		return 0;
	if (out->len == 0)
		return -EBADMSG;

	/* The P bit of the frame tag: 0 in a key frame. */
	out->key = !(out->data[0] & 1);
	if (out->key)
		vp8_key_size(out->data, out->len, &out->width, &out->height);

	return 0;
}

bool vp8_key_size(const void *bytes, size_t len, uint16_t *w, uint16_t *h)
{
	const uint8_t *b = bytes;

	/* Frame tag 3, start code 3, then 14 bits of each size (RFC 6386
	 * section 9.1). */
	if (len < 10 || b[0] & 1 || b[3] != 0x9d || b[4] != 0x01 ||
	    b[5] != 0x2a)
		return false;

	*w = (uint16_t)((b[6] | b[7] << 8) & 0x3fff);
	*h = (uint16_t)((b[8] | b[9] << 8) & 0x3fff);

	return *w && *h;
}
