/*
 * fuzz_srtp.c - any bytes into unprotect, and through protect and back
 *
 * First byte: bit 0 profile, bit 1 RTCP, bit 2 protect first, the rest of it
 * how the protected packet is spoiled afterwards.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/rtp/replay.h"
#include "port/srtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct srtp *out[2], *in[2];

static void start(void)
{
	static const enum srtp_profile profiles[2] = { SRTP_GCM,
						       SRTP_CM_SHA1_80 };
	uint8_t master[SRTP_MASTER_MAX] = { 1, 2, 3 };

	for (int i = 0; i < 2; i++) {
		if (srtp_evp.new(&out[i], profiles[i], SRTP_SEND, master) ||
		    srtp_evp.new(&in[i], profiles[i], SRTP_RECV, master))
			abort();
	}
}

/* Exact room, so that one byte too far is seen. */
static uint8_t *copy(const uint8_t *data, size_t len, size_t room)
{
	uint8_t *p = malloc(len + room + 1);

	if (!p)
		abort();
	memcpy(p, data, len);

	return realloc(p, len + room ? len + room : 1);
}

static void bare(int profile, int rtcp, const uint8_t *data, size_t len)
{
	uint8_t *p = copy(data, len, 0);
	struct replay_set set;
	uint64_t index = 0;
	uint32_t found;
	int n;

	replay_set_init(&set);
	if (len >= 4)
		index = replay_set_estimate(&set, 7, (uint16_t)(p[2] << 8 |
								p[3]));
	n = rtcp ? srtp_evp.unprotect_rtcp(in[profile], p, len, &found) :
		   srtp_evp.unprotect(in[profile], p, len, index);
	/* Nobody guesses a tag. */
	if (n != -EBADMSG)
		abort();
	free(p);
}

static void round_trip(int profile, int rtcp, uint8_t spoil,
		       const uint8_t *data, size_t len)
{
	uint8_t *p = copy(data, len, SRTP_GROW);
	uint64_t index = len >= 4 ? (uint64_t)(0x50000 | p[2] << 8 | p[3]) : 0;
	uint32_t found = 0;
	int n, back;

	n = rtcp ? srtp_evp.protect_rtcp(out[profile], p, len, len + SRTP_GROW,
					 (uint32_t)index) :
		   srtp_evp.protect(out[profile], p, len, len + SRTP_GROW,
				    index);
	if (n < 0) {
		free(p);
		return;
	}
	if (spoil)
		p[(size_t)spoil * 131 % (size_t)n] ^= spoil;
	back = rtcp ? srtp_evp.unprotect_rtcp(in[profile], p, (size_t)n,
					      &found) :
		      srtp_evp.unprotect(in[profile], p, (size_t)n, index);
	if (spoil ? back >= 0 : back != (int)len || memcmp(p, data, len))
		abort();
	if (!spoil && rtcp && found != index)
		abort();
	free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!out[0])
		start();
	if (!len || len > 4096)
		return 0;
	if (data[0] & 4)
		round_trip(data[0] & 1, data[0] >> 1 & 1, data[0] >> 3,
			   data + 1, len - 1);
	else
		bare(data[0] & 1, data[0] >> 1 & 1, data + 1, len - 1);

	return 0;
}
