/*
 * opus.h - libopus behind five calls
 *
 * Units    48000 Hz, 16-bit samples interleaved, counts per channel.
 * Memory   States are allocated by _new and by nothing else.
 * Errors   -EINVAL, -ENOMEM; -EBADMSG: the packet is broken.
 * Threads  One owner per state.
 */
#ifndef PORT_OPUS_H
#define PORT_OPUS_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum {
	OPUS_FRAME = 960,		/* 20 ms */
	OPUS_DECODE_MAX = 5760,		/* 120 ms */
	OPUS_ENCODED_MAX = 1275,	/* bytes of one 20 ms frame */
	OPUS_BPS_MIN = 6000,
	OPUS_BPS_MAX = 256000,
};

struct opus_dec;
struct opus_enc;

struct opus_enc_cfg {
	uint32_t channels;	/* 1 or 2 */
	uint32_t bitrate_bps;	/* OPUS_BPS_MIN to OPUS_BPS_MAX */
	uint32_t complexity;	/* 0 to 10 */
	uint32_t loss_percent;	/* what in-band FEC prepares for; 0: no FEC */
};

/* channels 1 or 2: of the output; packets of either kind are accepted. */
int opus_dec_new(struct opus_dec **out, uint32_t channels) MUST_USE;
void opus_dec_free(struct opus_dec *d);

/* Samples decoded into pcm, which has room for `cap`. */
int opus_dec_run(struct opus_dec *d, const void *bytes, size_t len,
		 int16_t *pcm, uint32_t cap) MUST_USE;

/* The `samples` (whole multiples of 120) before this packet, from its
 * redundancy where it has one, else concealed. */
int opus_dec_fec(struct opus_dec *d, const void *next, size_t len,
		 int16_t *pcm, uint32_t samples) MUST_USE;

/* Exactly `samples` (rounded down to a multiple of 120, 120 to 5760) made up
 * from what was heard last. */
int opus_dec_conceal(struct opus_dec *d, int16_t *pcm, uint32_t samples)
	MUST_USE;

/* VOIP, variable bit rate, 20 ms, no DTX. */
int opus_enc_new(struct opus_enc **out, const struct opus_enc_cfg *cfg)
	MUST_USE;
void opus_enc_free(struct opus_enc *e);

/* OPUS_FRAME samples in; bytes of the packet out (cap OPUS_ENCODED_MAX). */
int opus_enc_run(struct opus_enc *e, const int16_t *pcm, void *out, size_t cap)
	MUST_USE;

/* Clamped to OPUS_BPS_MIN..OPUS_BPS_MAX. */
void opus_enc_bitrate(struct opus_enc *e, uint32_t bps);

#endif
