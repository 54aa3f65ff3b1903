/*
 * fuzz_opus_decode.c - hostile packets through the head and libopus
 *
 * The first byte chooses the channels, then packets of one length byte each;
 * a length of 0 is a loss, and the packet after a loss is asked for its
 * redundancy first.
 */

#include "core/media/opus_head.h"
#include "port/opus.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int16_t pcm[OPUS_DECODE_MAX * 2];

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void one(struct opus_dec *d, const uint8_t *bytes, size_t len,
		bool *lost)
{
	struct opus_head head;
	int err = opus_head_parse(&head, bytes, len), n;

	if (len == 0) {
		*lost = true;
		check(opus_dec_conceal(d, pcm, OPUS_FRAME) == OPUS_FRAME);
		return;
	}
	if (*lost)
		(void)!opus_dec_fec(d, bytes, len, pcm, OPUS_FRAME);
	*lost = false;
	n = opus_dec_run(d, bytes, len, pcm, OPUS_DECODE_MAX);
	/* What we read from the head is what libopus makes of it. */
	check(n < 0 || (!err && (uint32_t)n == head.samples));
	check(n <= OPUS_DECODE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct opus_dec *d;
	bool lost = false;

	if (size < 1 || opus_dec_new(&d, 1 + (data[0] & 1)))
		return 0;
	data++;
	size--;
	for (int i = 0; size > 0 && i < 32; i++) {
		size_t len = *data++;

		size--;
		if (len > size)
			len = size;
		one(d, data, len, &lost);
		data += len;
		size -= len;
	}
	opus_dec_free(d);

	return 0;
}
