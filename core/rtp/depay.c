/* depay.c - one door to the depacketisers */

#include "core/rtp/depay.h"

#include <errno.h>

static int depay_opus(struct depay *out, const void *payload, size_t len)
{
	*out = (struct depay){
		.data = payload,
		.len = len,
		.first = true,
		.key = true,
		.tl0 = DEPAY_NONE,
		.picture_id = DEPAY_NONE,
	};

	return len ? 0 : -EBADMSG;
}

int depay(struct depay *out, enum rtp_codec codec, const void *payload,
	  size_t len)
{
	switch (codec) {
	case RTP_OPUS:
		return depay_opus(out, payload, len);
	case RTP_VP8:
		return depay_vp8(out, payload, len);
	case RTP_VP9:
		return depay_vp9(out, payload, len);
	case RTP_NONE:
		break;
	}

	return -EINVAL;
}
