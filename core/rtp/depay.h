/*
 * depay.h - what one RTP payload of a picture says
 *
 * VP8: RFC 7741. VP9: RFC 9628, flexible and non-flexible mode, scalability
 * structure, spatial layers (a picture is all its layer frames in a row).
 *
 * Memory   `data` borrows the payload.
 * Errors   -EBADMSG: descriptor truncated or impossible.
 */
#ifndef CORE_RTP_DEPAY_H
#define CORE_RTP_DEPAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "core/rtp/header.h"

enum { DEPAY_REFS_MAX = 3, DEPAY_NONE = -1 };

struct depay {
	const uint8_t *data;	/* coded bytes without descriptor; may be
				   len 0 */
	size_t len;
	bool first;		/* these bytes begin the picture */
	bool key;		/* of a key picture; only told when first */
	bool sync;		/* up-switch point of its temporal layer */
	bool disposable;	/* VP8 N bit: no picture refers to it */
	bool flexible;		/* VP9 F: refs are listed below */
	uint8_t refs;		/* how many of ref[] */
	uint8_t ref[DEPAY_REFS_MAX];	/* picture-id distances, 1..127 */
	uint8_t tid, sid;	/* temporal, spatial layer; 0 when unknown */
	int16_t tl0;		/* TL0PICIDX 0..255 or DEPAY_NONE */
	int32_t picture_id;	/* 0..127 or 0..32767, or DEPAY_NONE */
	uint8_t picture_id_bits;	/* 0, 7 or 15 */
	uint16_t width, height;	/* of a key picture where told; else 0 */
};

int depay_vp8(struct depay *out, const void *payload, size_t len) MUST_USE;
int depay_vp9(struct depay *out, const void *payload, size_t len) MUST_USE;

/* By codec; RTP_OPUS gives the whole payload as one frame. -EINVAL for
 * RTP_NONE, -EBADMSG for an empty payload. */
int depay(struct depay *out, enum rtp_codec codec, const void *payload,
	  size_t len) MUST_USE;

/*
 * Size in the header of a coded VP8 or VP9 key picture (the bitstream, not
 * the descriptor). true when it is one and both are known.
 */
bool vp8_key_size(const void *bytes, size_t len, uint16_t *w, uint16_t *h);
bool vp9_key_size(const void *bytes, size_t len, uint16_t *w, uint16_t *h);

#endif
