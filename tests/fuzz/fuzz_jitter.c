/*
 * fuzz_jitter.c - the jitter buffer's verbs, chosen by the bytes
 *
 * Each step is six bytes: verb, sequence, media time, arrival, length and
 * first byte of the packet. Between the steps the clock moves on.
 */

#include "core/media/jitter.h"

#include <stdlib.h>
#include <string.h>

enum { FRAME = 960 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void push(struct jitter *jb, const uint8_t *s, struct mono now,
		 int64_t *seq)
{
	uint8_t bytes[1600] = { 0 };
	struct jitter_packet p = { .bytes = bytes };

	*seq += (int8_t)s[1] / (s[0] & 0x40 ? 1 : 64);
	p.seq = *seq;
	p.media = *seq * FRAME + (int8_t)s[2] * (s[0] & 0x20 ? 100000 : 8);
	p.arrival = mono_add(now, (int8_t)s[3] * (s[0] & 0x10 ? 200000 : 500));
	p.len = s[4] == 255 ? 1600 : s[4];
	bytes[0] = s[5];
	bytes[1] = s[1];
	(void)!jitter_push(jb, &p, now);
}

static void pull(struct jitter *jb, struct mono now, uint32_t *queued)
{
	for (int i = 0; *queued < FRAME && i < 200; i++) {
		struct jitter_frame f;
		int32_t by;

		jitter_pull(jb, now, *queued, &f);
		if (f.turn == JITTER_NOTHING)
			return;
		check(f.samples > 0 && f.samples <= 5760);
		check(abs(f.stretch) <= 480);
		check(f.turn != JITTER_PLAY || (f.bytes && f.len));
		check(f.len <= JITTER_PACKET_BYTES);
		if (f.len)	/* readable to the last byte */
			*queued += ((const uint8_t *)f.bytes)[f.len - 1] & 0;
		by = f.turn == JITTER_PLAY &&
		     (int64_t)f.samples + f.stretch > 0 ? f.stretch / 2 : 0;
		*queued += (uint32_t)((int32_t)f.samples + by);
	}
	*queued = *queued < FRAME ? 0 : *queued - FRAME;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jitter_cfg cfg = { 20000, 200000 };
	struct mono now = mono_at(100000000);
	struct jitter_stats stats;
	struct jitter *jb;
	uint32_t queued = 0;
	int64_t seq = 1000;

	if (jitter_new(&jb, &cfg))
		return 0;
	for (; size >= 6; data += 6, size -= 6) {
		if (data[0] & 0x80)
			pull(jb, now, &queued);
		else
			push(jb, data, now, &seq);
		now = mono_add(now, (data[0] & 0xf) *
			       (data[0] & 0x80 ? 20000 : 1000));
		if ((data[0] & 0x8f) == 0x8f)
			now = mono_add(now, data[1] * 1000000LL);
		jitter_stats(jb, &stats);
		check(stats.held <= JITTER_CAPACITY);
		check(stats.target_us >= 20000 && stats.target_us <= 200000);
	}
	jitter_free(jb);

	return 0;
}
