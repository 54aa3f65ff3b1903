/* fuzz_rtcp.c - every reader on every packet of a compound */

#include "core/rtcp/rtcp.h"
#include "core/rtcp/twcc.h"
#include "core/rtp/recv.h"
#include "core/rtp/send.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rtp_send *send_stream;
static struct rtp_recv *recv_stream;
static uint64_t next_index;

static void streams(void)
{
	struct rtp_send_cfg send = { .ssrc = 1, .clock_hz = 90000,
				     .history = 64, .history_bytes = 8192,
				     .next_index = &next_index };
	struct rtp_recv_cfg recv = { .ssrc = 2, .clock_hz = 90000,
				     .nack = true };
	struct rtp_send_media m = { .payload = (const uint8_t *)"x", .len = 1,
				    .level = RTP_NO_LEVEL };
	struct rtp_sent sent;
	uint8_t b[1500];
	int64_t seq, ts;

	if (rtp_send_new(&send_stream, &send) ||
	    rtp_recv_new(&recv_stream, &recv) ||
	    rtp_recv_packet(recv_stream, 1, 1, 1, mono_at(1), &seq, &ts))
		abort();
	for (int i = 0; i < 100; i++)
		if (rtp_send_packet(send_stream, &m, mono_at(i + 1), b,
				    sizeof(b), &sent))
			abort();
}

static void reports(const struct rtcp_packet *p)
{
	struct rtcp_report r;
	struct rtcp_sr sr;
	uint32_t ssrc;
	int64_t rtt, us;

	if (rtcp_read_sr(p, &sr) == 0) {
		rtp_recv_sr(recv_stream, &sr, mono_at(5));
		rtp_recv_ntp_us(recv_stream, 7, &us);
	}
	if (rtcp_read_rr(p, &ssrc) == 0 && p->count &&
	    !rtcp_get_report(p, p->count - 1u, &r))
		abort();
	for (unsigned i = 0; rtcp_get_report(p, i, &r); i++) {
		if (r.lost < -0x800000 || r.lost > 0x7fffff)
			abort();
		rtp_send_rr(send_stream, &r, 0x12345678, &rtt);
		if (rtt < -1 || rtt > 60000000)
			abort();
	}
}

static void feedback(const struct rtcp_packet *p)
{
	uint16_t seqs[RTCP_NACK_FCI_MAX];
	struct rtp_sent sent;
	uint8_t b[1500], seq;
	uint32_t ssrc;
	uint64_t bps;
	int n = rtcp_read_nack(p, &ssrc, seqs, RTCP_NACK_FCI_MAX);

	if (n > RTCP_NACK_FCI_MAX)
		abort();
	for (int i = 0; i < n; i++)
		rtp_send_nack(send_stream, seqs[i], 10, mono_at(200));
	while (rtp_send_poll_resend(send_stream, mono_at(200), b, sizeof(b),
				    &sent) == 1)
		if (sent.index >= next_index)
			abort();
	(void)!rtcp_read_pli(p, &ssrc);
	(void)!rtcp_read_remb(p, &bps);
	for (unsigned i = 0; rtcp_get_fir(p, i, &ssrc, &seq); i++)
		if (i > 20000)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf_in in = buf_in(data, size);
	struct rtcp_packet p;
	uint32_t ssrc;

	if (!send_stream)
		streams();
	while (rtcp_next(&in, &p) == 1) {
		const char *name;
		size_t len;

		if (p.body < data || p.body + p.len > data + size)
			abort();
		reports(&p);
		feedback(&p);
		if (rtcp_read_cname(&p, &ssrc, &name, &len) == 0 &&
		    ((const uint8_t *)name < p.body ||
		     (const uint8_t *)name + len > p.body + p.len))
			abort();
		for (unsigned i = 0; rtcp_get_bye(&p, i, &ssrc); i++)
			if (i > RTCP_REPORTS_MAX)
				abort();
	}

	return 0;
}
