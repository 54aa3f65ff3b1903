/*
 * fuzz_twcc.c - transport-wide feedback read, judged, and made
 *
 * The bytes are one RTCP body for the reader and the estimator; then a
 * script of arrivals (step, time) whose feedback must read back.
 */

#include "core/cc/arrival.h"
#include "core/cc/estimate.h"
#include "core/rtcp/twcc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_one(const struct rtcp_packet *p)
{
	struct twcc_reader r;
	struct twcc_status st;
	unsigned n = 0;

	if (twcc_read(&r, p))
		return;
	while (twcc_next(&r, &st))
		n++;
	if (n != r.count || r.chunks.bad || r.deltas.bad)
		abort();
}

static void judge(const uint8_t *data, size_t size)
{
	struct estimate_cfg cfg = { .start_bps = 0 };
	struct estimate *e;
	uint32_t bps;

	if (estimate_new(&e, &cfg))
		abort();
	for (int i = 0; i < 300; i++)
		estimate_sent(e, i, 1000, mono_at(1000000 + i * 5000));
	/* The same body three times, in pieces of growing length. */
	for (size_t part = 1; part <= 3; part++) {
		struct rtcp_packet p = { RTCP_RTPFB, RTPFB_TWCC, data,
					 size * part / 3 };

		read_one(&p);
		if (estimate_feedback(e, &p, mono_at(2600000 +
						     (int64_t)part)))
			continue;
		estimate_poll(e, mono_at(2700000), &bps);
		if (estimate_bps(e) < 50000 || estimate_bps(e) > 4000000)
			abort();
	}
	estimate_free(e);
}

static void tell(struct arrival *a, struct mono now)
{
	uint8_t b[1200];

	for (;;) {
		struct buf_out out = buf_out(b, sizeof(b));
		struct rtcp_packet p;
		struct twcc_reader r;
		struct buf_in in;
		int got = arrival_poll(a, now, 1, 2, &out);

		if (got == 0)
			break;
		if (got < 0)
			abort();
		in = buf_in(b, buf_len(&out));
		if (rtcp_next(&in, &p) != 1 || twcc_read(&r, &p))
			abort();
	}
}

static void arrive(const uint8_t *data, size_t size)
{
	struct buf_in in = buf_in(data, size);
	struct mono now = mono_at(1);
	uint16_t seq = 65000;
	struct arrival *a;

	if (arrival_new(&a))
		abort();
	for (int i = 0; i < 300 && buf_left(&in) >= 4; i++) {
		seq = (uint16_t)(seq + (int16_t)buf_get_u16(&in) / 64);
		now = mono_add(now, (int64_t)buf_get_u8(&in) *
				    buf_get_u8(&in) * 200);
		arrival_packet(a, seq, now);
		if (!mono_before(now, arrival_due(a)))
			tell(a, now);
	}
	tell(a, mono_add(now, ARRIVAL_EVERY_US));
	if (arrival_due(a).us != MONO_NEVER.us)
		abort();
	arrival_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	judge(data, size);
	arrive(data, size);

	return 0;
}
