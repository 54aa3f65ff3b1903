/* opus_head.c - the TOC byte and the frame count (RFC 6716, 3.1 and 3.2.5) */

#include "core/media/opus_head.h"

#include <errno.h>

static uint32_t frame_samples(uint8_t toc)
{
	static const uint16_t silk[4] = { 480, 960, 1920, 2880 };
	uint8_t config = toc >> 3;

	if (config < 12)
		return silk[config & 3];
	if (config < 16)
		return config & 1 ? 960 : 480;

	return 120u << (config & 3);
}

/*
 * Whether the first frame of a packet of one carries redundancy. The flags
 * are the first bits of the range coder and have even odds, so they stand
 * there as plain bits: voice activity per SILK frame, then LBRR, for the
 * middle and for the side channel (RFC 6716, 4.2.3 and 4.2.4).
 */
static bool has_fec(const uint8_t *p, size_t len, uint32_t samples)
{
	unsigned silk = samples <= 960 ? 1 : samples / 960;
	bool stereo = p[0] & 4;

	if (p[0] >> 3 >= 16 || (p[0] & 3) || len < 2 || silk > 3)
		return false;
	if (p[1] >> (7 - silk) & 1)
		return true;

	return stereo && (p[1] >> (6 - 2 * silk) & 1);
}

int opus_head_parse(struct opus_head *out, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint32_t frames, samples;

	if (len < 1)
		return -EBADMSG;

	switch (p[0] & 3) {
	case 0:
		frames = 1;
		break;
	case 1:
	case 2:
		frames = 2;
		break;
	default:
		if (len < 2)
			return -EBADMSG;
		frames = p[1] & 63;
		break;
	}
	samples = frames * frame_samples(p[0]);
	if (samples == 0 || samples > OPUS_PACKET_SAMPLES)
		return -EBADMSG;
	out->samples = samples;
	out->stereo = p[0] & 4;
	out->fec = has_fec(p, len, samples);

	return 0;
}
