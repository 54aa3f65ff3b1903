/*
 * fuzz_depay.c - payload descriptors and the assembler, by script
 *
 * First byte: codec. Then steps of: sequence step, flags (marker, timestamp
 * step, time step), length, payload bytes.
 */

#include "core/rtp/assembler.h"
#include "core/rtp/depay.h"

#include <stdlib.h>

#include "common/buf.h"

enum { SLOTS = 64, CAP = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(enum rtp_codec codec, const uint8_t *b, size_t len)
{
	struct depay d;

	if (depay(&d, codec, b, len))
		return;
	if (d.len > len || d.data < b || d.data + d.len != b + len ||
	    d.refs > DEPAY_REFS_MAX || d.picture_id > 0x7fff || d.tid > 7 ||
	    d.sid > 7)
		abort();
}

static void drain(struct assembler *a, struct mono now, int64_t *last)
{
	static uint8_t buf[CAP];
	enum assembler_turn turn;
	struct assembler_stats st;
	struct picture pic;

	while ((turn = assembler_poll(a, now, buf, CAP, &pic)) !=
	       ASSEMBLER_WAIT) {
		if (turn != ASSEMBLER_PICTURE)
			continue;
		if (pic.len > CAP || pic.seq_last < pic.seq_first ||
		    pic.seq_first <= *last)
			abort();
		*last = pic.seq_last;
	}
	assembler_get_stats(a, &st);
	if (st.held > SLOTS)
		abort();
	if (!mono_before(now, assembler_due(a)))
		abort();	/* an overdue hole would spin the loop */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf_in in = buf_in(data, size);
	enum rtp_codec codec = buf_get_u8(&in) & 1 ? RTP_VP9 : RTP_VP8;
	struct assembler_cfg cfg = { codec, SLOTS, 50000 };
	struct mono now = mono_at(1000000);
	int64_t seq = 65530, ts = 0, last = -1000000;
	struct assembler *a;

	one(codec, data, size);
	if (assembler_new(&a, &cfg))
		abort();
	while (buf_left(&in) >= 3) {
		int8_t step = (int8_t)buf_get_u8(&in);
		uint8_t flags = buf_get_u8(&in);
		size_t len = buf_get_u8(&in);
		struct assembler_packet p = { .marker = flags & 1 };

		if (len > buf_left(&in))
			len = buf_left(&in);
		seq += step == -128 ? 100000 : step;
		ts += (flags >> 1 & 3) * 3000;
		now = mono_add(now, (flags >> 3) * 2000);
		p.seq = seq;
		p.ts = ts;
		p.payload = buf_get(&in, len);
		p.len = len;
		one(codec, p.payload, len);
		if (assembler_push(a, &p, now))
			continue;
		drain(a, now, &last);
	}
	assembler_free(a);

	return 0;
}
