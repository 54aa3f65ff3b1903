/* depay_vp9.c - VP9 payload descriptor (RFC 9628) and key picture size */

#include "core/rtp/depay.h"

#include <errno.h>

#include "common/buf.h"

/* Bits of the first byte, RFC 9628 section 4.2. */
enum {
	DESC_I = 0x80, DESC_P = 0x40, DESC_L = 0x20, DESC_F = 0x10,
	DESC_B = 0x08, DESC_V = 0x02,
	PICTURE_LONG = 0x80,
	LAYER_U = 0x10, LAYER_D = 0x01,
	SS_Y = 0x10, SS_G = 0x08,
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

static bool read_layers(struct depay *out, struct buf_in *in)
{
	uint8_t b = buf_get_u8(in);

	out->tid = b >> 5;
	out->sync = b & LAYER_U;
	out->sid = b >> 1 & 7;
	if (!out->flexible)
		out->tl0 = buf_get_u8(in);

	return b & LAYER_D;
}

/* P_DIFF bytes: seven bits and a flag that another one follows. */
static bool read_refs(struct depay *out, struct buf_in *in)
{
	uint8_t b;

	do {
		if (out->refs == DEPAY_REFS_MAX)
			return false;
		b = buf_get_u8(in);
		out->ref[out->refs++] = b >> 1;
		if (b >> 1 == 0)
			return false;
	} while (b & 1);

	return true;
}

/* Scalability structure: the size of the highest layer is the picture's. */
static void read_structure(struct depay *out, struct buf_in *in)
{
	uint8_t head = buf_get_u8(in);
	unsigned layers = (head >> 5) + 1u;

	for (unsigned i = 0; (head & SS_Y) && i < layers; i++) {
		out->width = buf_get_u16(in);
		out->height = buf_get_u16(in);
	}
	if (!(head & SS_G))
		return;

	for (unsigned n = buf_get_u8(in); n > 0 && !in->bad; n--)
		buf_get(in, buf_get_u8(in) >> 2 & 3);	/* R P_DIFFs */
}

/* Bits of a VP9 uncompressed header, most significant first. */
struct bits {
	const uint8_t *bytes;
	size_t at, end;
};

static unsigned bits_get(struct bits *b, unsigned count)
{
	unsigned v = 0;

	for (; count > 0; count--, b->at++) {
		v <<= 1;
		if (b->at < b->end)
			v |= b->bytes[b->at / 8] >> (7 - b->at % 8) & 1;
	}

	return v;
}

/* Up to the frame type of the uncompressed header; whether it is a key
 * frame. The descriptor's P bit alone does not say so: some senders never
 * set it. */
static bool read_key_head(struct bits *b, unsigned *profile)
{
	if (bits_get(b, 2) != 2)	/* frame marker */
		return false;
	*profile = bits_get(b, 1);
	*profile |= bits_get(b, 1) << 1;
	if (*profile == 3 && bits_get(b, 1))
		return false;

	/* not one that is shown again, type 0 */
	return !bits_get(b, 1) && !bits_get(b, 1) && b->at <= b->end;
}

static bool is_key(const uint8_t *bytes, size_t len)
{
	struct bits b = { bytes, 0, len * 8 };
	unsigned profile;

	return read_key_head(&b, &profile);
}

int depay_vp9(struct depay *out, const void *payload, size_t len)
{
	struct buf_in in = buf_in(payload, len);
	uint8_t head = buf_get_u8(&in);
	bool upper = false;	/* rests on a lower layer of this picture */

	*out = (struct depay){
		.tl0 = DEPAY_NONE,
		.picture_id = DEPAY_NONE,
		.flexible = head & DESC_F,
	};
	if (head & DESC_I)
		read_picture_id(out, &in);
	if (head & DESC_L)
		upper = read_layers(out, &in);
	if ((head & DESC_F) && (head & DESC_P)) {
		/* Section 4.2: F needs I. */
		if (!(head & DESC_I) || !read_refs(out, &in))
			return -EBADMSG;
	}
	if (head & DESC_V)
		read_structure(out, &in);
	if (in.bad || buf_left(&in) == 0)
		return -EBADMSG;

	out->data = in.at;
	out->len = buf_left(&in);
	out->first = (head & DESC_B) && !upper && out->sid == 0;
	out->key = out->first && !(head & DESC_P) &&
		   is_key(out->data, out->len);
	if (out->key && out->width == 0)
		vp9_key_size(out->data, out->len, &out->width, &out->height);

	return 0;
}

static void skip_color(struct bits *b, unsigned profile)
{
	enum { CS_RGB = 7 };
	bool odd = profile & 1;

	if (profile >= 2)
		bits_get(b, 1);		/* bit depth */
	if (bits_get(b, 3) != CS_RGB)
		bits_get(b, odd ? 4 : 1);	/* range, subsampling */
	else if (odd)
		bits_get(b, 1);
}

bool vp9_key_size(const void *bytes, size_t len, uint16_t *w, uint16_t *h)
{
	struct bits b = { bytes, 0, (len < 64 ? len : 64) * 8 };
	unsigned profile;

	if (!read_key_head(&b, &profile))
		return false;
	bits_get(&b, 2);		/* shown, error resilient */
	if (bits_get(&b, 24) != 0x498342)
		return false;
	skip_color(&b, profile);
	*w = (uint16_t)(bits_get(&b, 16) + 1);
	*h = (uint16_t)(bits_get(&b, 16) + 1);

	return b.at <= b.end && *w && *h;
}
