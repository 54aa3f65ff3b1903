/* picture_head.c - the uncompressed headers of VP8 and VP9 */

#include "core/media/picture_head.h"

#include <errno.h>

/* Bits from the high end, sticky at the end of the bytes. */
struct bits {
	const uint8_t *bytes;
	size_t len, at;		/* at: in bits */
	bool bad;
};

static uint32_t take(struct bits *b, unsigned n)
{
	uint32_t v = 0;

	while (n--) {
		if (b->at / 8 >= b->len) {
			b->bad = true;
			return 0;
		}
		v = v << 1 | (b->bytes[b->at / 8] >> (7 - b->at % 8) & 1);
		b->at++;
	}

	return v;
}

bool picture_size_ok(uint32_t width, uint32_t height)
{
	return width >= PICTURE_SIDE_MIN && height >= PICTURE_SIDE_MIN &&
	       width <= PICTURE_SIDE_MAX && height <= PICTURE_SIDE_MAX &&
	       width * height <= PICTURE_AREA_MAX;
}

static int take_size(struct picture_head *out, uint32_t width, uint32_t height)
{
	if (!picture_size_ok(width, height))
		return -EFBIG;
	out->width = (uint16_t)width;
	out->height = (uint16_t)height;

	return 0;
}

int picture_head_vp8(struct picture_head *out, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint32_t first;

	*out = (struct picture_head){ 0 };
	if (len < 3)
		return -EBADMSG;
	out->key = !(p[0] & 1);
	first = (uint32_t)(p[0] | p[1] << 8 | p[2] << 16) >> 5;
	if ((p[0] >> 1 & 7) > 3)
		return -EBADMSG;
	if (!out->key)
		return first > len - 3 ? -EBADMSG : 0;
	if (len < 10 || p[3] != 0x9d || p[4] != 0x01 || p[5] != 0x2a ||
	    first > len - 10)
		return -EBADMSG;

	return take_size(out, (uint32_t)(p[6] | p[7] << 8) & 0x3fff,
			 (uint32_t)(p[8] | p[9] << 8) & 0x3fff);
}

static bool take_sync(struct bits *b)
{
	return take(b, 24) == 0x498342;
}

/* Profile 0 is always 4:2:0 of 8 bit; only RGB has to be refused. */
static int take_colour(struct bits *b)
{
	enum { RGB = 7 };

	if (take(b, 3) == RGB)
		return -ENOTSUP;
	take(b, 1);

	return 0;
}

static int vp9_size(struct picture_head *out, struct bits *b)
{
	uint32_t width = take(b, 16) + 1, height = take(b, 16) + 1;

	return b->bad ? -EBADMSG : take_size(out, width, height);
}

/* A picture that takes its size from one of its references, or says it. */
static int vp9_size_from_refs(struct picture_head *out, struct bits *b)
{
	take(b, 8);	/* refresh_frame_flags */
	for (int i = 0; i < 3; i++)
		take(b, 4);	/* ref_frame_idx, sign_bias */
	for (int i = 0; i < 3; i++)
		if (take(b, 1))
			return b->bad ? -EBADMSG : 0;

	return vp9_size(out, b);
}

static int vp9_key(struct picture_head *out, struct bits *b)
{
	int err;

	out->key = true;
	if (!take_sync(b))
		return -EBADMSG;
	err = take_colour(b);

	return err ? err : vp9_size(out, b);
}

static int vp9_inter(struct picture_head *out, struct bits *b, bool shown,
		     bool resilient)
{
	bool intra = shown ? false : take(b, 1);

	if (!resilient)
		take(b, 2);	/* reset_frame_context */
	if (!intra)
		return vp9_size_from_refs(out, b);
	if (!take_sync(b))
		return -EBADMSG;
	take(b, 8);	/* refresh_frame_flags */

	return vp9_size(out, b);
}

/* One frame of a superframe; profile 0 (8-bit 4:2:0) only. */
static int vp9_frame(struct picture_head *out, const uint8_t *bytes,
		     size_t len)
{
	struct bits b = { bytes, len, 0, false };
	bool inter, shown, resilient;

	*out = (struct picture_head){ 0 };
	if (take(&b, 2) != 2)
		return -EBADMSG;
	if (take(&b, 2) != 0)
		return -ENOTSUP;
	if (take(&b, 1))	/* show_existing_frame */
		return take(&b, 3) < 8 && !b.bad ? 0 : -EBADMSG;
	inter = take(&b, 1);
	shown = take(&b, 1);
	resilient = take(&b, 1);
	if (b.bad)
		return -EBADMSG;

	return inter ? vp9_inter(out, &b, shown, resilient) :
		vp9_key(out, &b);
}

/* Annex B. The number of frames; 1 when there is no index. */
static unsigned superframe(const uint8_t *p, size_t len, uint32_t sizes[8])
{
	uint8_t mark = p[len - 1];
	unsigned frames = (mark & 7u) + 1, bytes = (mark >> 3 & 3u) + 1;
	size_t index = 2 + (size_t)frames * bytes;
	const uint8_t *at;

	if ((mark & 0xe0) != 0xc0 || len < index || p[len - index] != mark)
		return 1;
	at = p + len - index + 1;
	for (unsigned i = 0; i < frames; i++) {
		sizes[i] = 0;
		for (unsigned k = 0; k < bytes; k++)
			sizes[i] |= (uint32_t)*at++ << 8 * k;
	}
	sizes[0] = frames == 1 ? (uint32_t)(len - index) : sizes[0];

	return frames;
}

int picture_head_vp9(struct picture_head *out, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	struct picture_head head;
	uint32_t sizes[8];
	unsigned frames;
	int err;

	*out = (struct picture_head){ 0 };
	if (len < 1)
		return -EBADMSG;
	sizes[0] = (uint32_t)len;
	frames = superframe(p, len, sizes);
	for (unsigned i = 0; i < frames; i++) {
		if (sizes[i] > len)
			return -EBADMSG;
		if (sizes[i] == 0)
			continue;
		err = vp9_frame(&head, p, sizes[i]);
		if (err)
			return err;
		if (head.width) {
			out->width = head.width;
			out->height = head.height;
		}
		out->key |= i == 0 && head.key;
		p += sizes[i];
		len -= sizes[i];
	}

	return 0;
}
