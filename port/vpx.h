/*
 * vpx.h - libvpx behind a decoder and an encoder, VP8 and VP9
 *
 * One thread per state, no row threads, no post-processing: the parts of
 * libvpx 1.12 with known faults stay off. The caller has looked at the size
 * first (core/media/picture_head.h).
 *
 * Units    I420, 8 bit. Time counts 90000 Hz.
 * Memory   What _run gives is valid until the next call on the state. libvpx
 *          allocates when the size changes.
 * Errors   -EINVAL, -ENOMEM; -EBADMSG: the picture is broken and the decoder
 *          needs a key frame.
 * Threads  One owner per state.
 */
#ifndef PORT_VPX_H
#define PORT_VPX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum vpx_kind { VPX_VP8 = 1, VPX_VP9 = 2 };

struct vpx_dec;
struct vpx_enc;

struct vpx_picture {
	const uint8_t *plane[3];	/* Y, U, V */
	uint32_t stride[3];		/* bytes */
	uint32_t width, height;
};

struct vpx_enc_cfg {
	enum vpx_kind kind;
	uint32_t width, height;		/* 16 to 1920 */
	uint32_t bitrate_bps;		/* VPX_BPS_MIN to VPX_BPS_MAX */
};

enum { VPX_BPS_MIN = 30000, VPX_BPS_MAX = 20000000 };

struct vpx_coded {
	const void *bytes;	/* NULL: the encoder dropped the picture */
	size_t len;
	bool key;
};

int vpx_dec_new(struct vpx_dec **out, enum vpx_kind kind) MUST_USE;
void vpx_dec_free(struct vpx_dec *d);

/* 1: *out is a picture. 0: nothing to show. -EBADMSG, -ENOTSUP (not 4:2:0
 * of 8 bit). */
int vpx_dec_run(struct vpx_dec *d, const void *bytes, size_t len,
		struct vpx_picture *out) MUST_USE;

int vpx_enc_new(struct vpx_enc **out, const struct vpx_enc_cfg *cfg) MUST_USE;
void vpx_enc_free(struct vpx_enc *e);

/* in has the size of the configuration; time must rise. */
int vpx_enc_run(struct vpx_enc *e, const struct vpx_picture *in, int64_t time,
		uint32_t duration, bool force_key, struct vpx_coded *out)
	MUST_USE;

/* Clamped to VPX_BPS_MIN..VPX_BPS_MAX. */
int vpx_enc_bitrate(struct vpx_enc *e, uint32_t bps) MUST_USE;

#endif
