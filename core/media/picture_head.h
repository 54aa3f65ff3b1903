/*
 * picture_head.h - size and kind of a coded VP8 or VP9 picture, unparsed
 *
 * Read before a decoder sees the bytes: a picture larger than the limit
 * never reaches it. VP8: RFC 6386, 9.1. VP9: bitstream specification 6.2 and
 * annex B (a superframe is walked frame by frame).
 *
 * Units    Pixels.
 * Memory   Borrows the bytes during the call.
 * Errors   -EBADMSG: not such a picture. -EFBIG: larger than the limit.
 *          -ENOTSUP: not 8-bit 4:2:0.
 */
#ifndef CORE_MEDIA_PICTURE_HEAD_H
#define CORE_MEDIA_PICTURE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum {
	PICTURE_SIDE_MAX = 1920,	/* either way round */
	PICTURE_AREA_MAX = 1920 * 1088,
	PICTURE_SIDE_MIN = 16,
};

struct picture_head {
	uint16_t width, height;	/* 0: as the pictures before */
	bool key;		/* needs no other picture */
};

/* Within the limits, and neither side below PICTURE_SIDE_MIN. */
bool picture_size_ok(uint32_t width, uint32_t height);

int picture_head_vp8(struct picture_head *out, const void *bytes, size_t len)
	MUST_USE;
int picture_head_vp9(struct picture_head *out, const void *bytes, size_t len)
	MUST_USE;

#endif
