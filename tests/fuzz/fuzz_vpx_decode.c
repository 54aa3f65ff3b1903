/*
 * fuzz_vpx_decode.c - hostile pictures through the head and libvpx
 *
 * The first byte chooses the codec, then pictures of two length bytes each.
 * Pictures larger than 256x256 are left out: they cost time, not paths.
 */

#include "core/media/picture_head.h"
#include "port/vpx.h"

#include <stdlib.h>

enum { SIDE = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* What a decoder gives may be read to its last byte. */
static void read_all(const struct vpx_picture *p)
{
	uint64_t sum = 0;

	for (int i = 0; i < 3; i++) {
		uint32_t w = i ? (p->width + 1) / 2 : p->width;
		uint32_t h = i ? (p->height + 1) / 2 : p->height;

		check(p->stride[i] >= w);
		for (uint32_t y = 0; y < h; y++)
			sum += p->plane[i][(size_t)y * p->stride[i]] +
			       p->plane[i][(size_t)y * p->stride[i] + w - 1];
	}
	check(sum <= (uint64_t)255 * 6 * 65536);
}

static bool one(struct vpx_dec *d, enum vpx_kind kind, const uint8_t *bytes,
		size_t len)
{
	struct picture_head head;
	struct vpx_picture pic;
	int err = kind == VPX_VP9 ? picture_head_vp9(&head, bytes, len) :
				    picture_head_vp8(&head, bytes, len);

	if (err || head.width > SIDE || head.height > SIDE)
		return true;
	err = vpx_dec_run(d, bytes, len, &pic);
	if (err != 1)
		return true;
	/* A second frame may hide behind the first without an index. */
	if (!picture_size_ok(pic.width, pic.height))
		return false;
	read_all(&pic);

	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum vpx_kind kind;
	struct vpx_dec *d;

	if (size < 1)
		return 0;
	kind = data[0] & 1 ? VPX_VP9 : VPX_VP8;
	if (vpx_dec_new(&d, kind))
		return 0;
	data++;
	size--;
	for (int i = 0; size > 2 && i < 8; i++) {
		size_t len = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		if (!one(d, kind, data, len))
			break;
		data += len;
		size -= len;
	}
	vpx_dec_free(d);

	return 0;
}
