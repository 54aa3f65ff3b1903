/*
 * opus_head.h - what the first bytes of an Opus packet tell (RFC 6716, 3.1)
 *
 * Units    Samples at 48000 Hz.
 * Memory   Borrows the bytes during the call.
 * Errors   -EBADMSG: not an Opus packet.
 */
#ifndef CORE_MEDIA_OPUS_HEAD_H
#define CORE_MEDIA_OPUS_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum {
	OPUS_HZ = 48000,
	OPUS_PACKET_SAMPLES = 5760,	/* 120 ms, the longest packet */
	OPUS_DTX_BYTES = 2,	/* a packet of this or less is silence */
};

struct opus_head {
	uint32_t samples;	/* of the whole packet, 120 to 5760 */
	bool stereo;
	bool fec;		/* it also holds the frame before it (LBRR) */
};

int opus_head_parse(struct opus_head *out, const void *bytes, size_t len)
	MUST_USE;

#endif
