/* fuzz_rtp.c - RTP header, extensions, demultiplexing; write and read again */

#include "core/rtp/header.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned sum;

static void touch(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += p[i];
}

/* What was parsed, written again, says the same. */
static void write_again(const struct rtp_packet *p)
{
	struct rtp_ext exts[3];
	uint8_t b[2048];
	struct buf_out out = buf_out(b, sizeof(b));
	struct rtp_packet q;
	size_t n = 0, len;

	for (uint8_t id = 1; id <= RTP_EXT_ID_MAX && n < 3; id++) {
		const uint8_t *d = rtp_ext_find(p, id, &len);

		if (d)
			exts[n++] = (struct rtp_ext){ id, (uint8_t)len, d };
	}
	rtp_write(&out, p, exts, n);
	if (out.bad || rtp_parse(&q, b, buf_len(&out)))
		abort();
	if (q.seq != p->seq || q.ts != p->ts || q.ssrc != p->ssrc ||
	    q.pt != p->pt || q.marker != p->marker)
		abort();
	for (size_t i = 0; i < n; i++) {
		const uint8_t *d = rtp_ext_find(&q, exts[i].id, &len);

		if (!d || len != exts[i].len || memcmp(d, exts[i].data, len))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtp_ext_ids ids = { .mid = 4, .twcc = 3, .level = 1 };
	struct rtp_ext_values v;
	struct rtp_packet p;

	sum += packet_kind(data, size);
	if (rtp_parse(&p, data, size))
		return 0;
	if (p.header_len + p.payload_len > size)
		abort();
	touch(p.payload, p.payload_len);
	touch(p.csrc, p.csrc_count * 4u);
	rtp_ext_read(&v, &p, &ids);
	if (v.mid)
		touch((const uint8_t *)v.mid, v.mid_len);
	write_again(&p);

	return 0;
}
