/* rtcp_in.c - what the far end reports and asks for */

#include "core/cc/estimate.h"
#include "core/rtcp/twcc.h"
#include "ice-worker/peer.h"

#include "common/clock.h"

/* The stream of ours with this SSRC; NULL none. */
static struct rtp_send *ours(struct peer *p, uint32_t ssrc)
{
	if (p->out.audio.send && rtp_send_ssrc(p->out.audio.send) == ssrc)
		return p->out.audio.send;
	if (p->out.video.send && rtp_send_ssrc(p->out.video.send) == ssrc)
		return p->out.video.send;

	return NULL;
}

static void on_reports(struct peer *p, const struct rtcp_packet *packet,
		       struct mono now)
{
	uint32_t mid = rtcp_ntp_mid(rtcp_ntp(wall_us()));
	struct rtcp_report report;
	int64_t rtt_us;

	for (unsigned i = 0; rtcp_get_report(packet, i, &report); i++) {
		struct rtp_send *send = ours(p, report.ssrc);

		if (!send)
			continue;
		rtp_send_rr(send, &report, mid, &rtt_us);
		media_out_heard(p, report.fraction_lost, rtt_us,
				send == p->out.video.send, now);
	}
}

static void on_sr(struct peer *p, const struct rtcp_packet *packet,
		  struct mono now)
{
	struct rtcp_sr sr;
	int kind;

	if (rtcp_read_sr(packet, &sr) < 0)
		return;
	kind = media_in_by_ssrc(p, sr.ssrc);
	if (kind >= 0)
		rtp_recv_sr(p->in.streams[kind].recv, &sr, now);
	on_reports(p, packet, now);
}

static void on_nack(struct peer *p, const struct rtcp_packet *packet,
		    struct mono now)
{
	uint16_t seqs[RTCP_NACK_FCI_MAX];
	uint32_t ssrc;
	int count = rtcp_read_nack(packet, &ssrc, seqs, ARRAY_LEN(seqs));
	struct rtp_send *send = count > 0 ? ours(p, ssrc) : NULL;

	for (int i = 0; send && i < count; i++)
		rtp_send_nack(send, seqs[i], p->in.rtt_us, now);
	if (send)
		media_out_resend(p, now);
}

static void on_transport_feedback(struct peer *p,
				  const struct rtcp_packet *packet,
				  struct mono now)
{
	if (packet->count == RTPFB_NACK)
		on_nack(p, packet, now);
	else if (packet->count == RTPFB_TWCC && p->out.estimate)
		/* malformed feedback changes nothing */
		(void)!estimate_feedback(p->out.estimate, packet, now);
}

static void on_payload_feedback(struct peer *p,
				const struct rtcp_packet *packet,
				struct mono now)
{
	uint32_t ssrc;
	uint64_t bps;
	uint8_t seq;

	if (packet->count == PSFB_PLI) {
		if (rtcp_read_pli(packet, &ssrc) == 0 && ours(p, ssrc))
			media_in_tell_key(p, now);
	} else if (packet->count == PSFB_FIR) {
		for (unsigned i = 0; rtcp_get_fir(packet, i, &ssrc, &seq); i++)
			if (ours(p, ssrc))
				media_in_tell_key(p, now);
	} else if (packet->count == PSFB_AFB && p->out.estimate) {
		if (rtcp_read_remb(packet, &bps) == 0)
			estimate_remb(p->out.estimate, bps, now);
	}
}

void rtcp_in(struct peer *p, const uint8_t *bytes, size_t len,
	     struct mono now)
{
	struct buf_in in = buf_in(bytes, len);
	struct rtcp_packet packet;
	uint32_t ssrc;

	while (!p->leaving && rtcp_next(&in, &packet) == 1) {
		switch (packet.type) {
		case RTCP_SR:
			on_sr(p, &packet, now);
			break;
		case RTCP_RR:
			if (rtcp_read_rr(&packet, &ssrc) == 0)
				on_reports(p, &packet, now);
			break;
		case RTCP_RTPFB:
			on_transport_feedback(p, &packet, now);
			break;
		case RTCP_PSFB:
			on_payload_feedback(p, &packet, now);
			break;
		default:
			break;
		}
	}
	media_out_tell_bitrate(p);
}
