/* rtcp.c - compound packets, reports, SDES, BYE (RFC 3550 section 6) */

#include "core/rtcp/rtcp.h"

#include <errno.h>
#include <string.h>

enum {
	REPORT_BYTES = 24,
	SENDER_BYTES = 20,	/* after the sender's SSRC */
	SDES_END = 0,
	SDES_CNAME = 1,
};

/* Seconds from 1900 to 1970. */
#define NTP_1970 2208988800ull

int rtcp_next(struct buf_in *in, struct rtcp_packet *out)
{
	uint8_t head, padding;

	if (!in->bad && buf_left(in) == 0)
		return 0;

	head = buf_get_u8(in);
	out->count = head & 0x1f;
	out->type = buf_get_u8(in);
	out->len = buf_get_u16(in) * (size_t)4;
	out->body = buf_get(in, out->len);
	if (in->bad || head >> 6 != 2) {
		in->bad = true;
		return -EBADMSG;
	}
	if (!(head & 0x20))
		return 1;

	padding = out->len ? out->body[out->len - 1] : 0;
	if (padding == 0 || padding > out->len) {
		in->bad = true;
		return -EBADMSG;
	}
	out->len -= padding;

	return 1;
}

int rtcp_read_sr(const struct rtcp_packet *p, struct rtcp_sr *sr)
{
	struct buf_in in = buf_in(p->body, p->len);

	sr->ssrc = buf_get_u32(&in);
	sr->ntp = buf_get_u64(&in);
	sr->ts = buf_get_u32(&in);
	sr->packets = buf_get_u32(&in);
	sr->bytes = buf_get_u32(&in);
	if (in.bad || p->type != RTCP_SR ||
	    buf_left(&in) < p->count * (size_t)REPORT_BYTES)
		return -EBADMSG;

	return 0;
}

int rtcp_read_rr(const struct rtcp_packet *p, uint32_t *ssrc)
{
	struct buf_in in = buf_in(p->body, p->len);

	*ssrc = buf_get_u32(&in);
	if (in.bad || p->type != RTCP_RR ||
	    buf_left(&in) < p->count * (size_t)REPORT_BYTES)
		return -EBADMSG;

	return 0;
}

static int32_t sign24(uint32_t v)
{
	return (int32_t)(v << 8) >> 8;
}

bool rtcp_get_report(const struct rtcp_packet *p, unsigned i,
		     struct rtcp_report *out)
{
	struct buf_in in = buf_in(p->body, p->len);

	if (p->type != RTCP_SR && p->type != RTCP_RR)
		return false;
	buf_get(&in, 4 + (p->type == RTCP_SR ? SENDER_BYTES : 0) +
			     i * (size_t)REPORT_BYTES);
	out->ssrc = buf_get_u32(&in);
	out->fraction_lost = buf_get_u8(&in);
	out->lost = sign24((uint32_t)buf_get_be(&in, 3));
	out->highest = buf_get_u32(&in);
	out->jitter = buf_get_u32(&in);
	out->lsr = buf_get_u32(&in);
	out->dlsr = buf_get_u32(&in);

	return i < p->count && !in.bad;
}

/* The items of one chunk, up to its padding. */
static bool chunk_cname(struct buf_in *in, size_t chunk_at,
			const uint8_t *start, const char **name, size_t *len)
{
	bool found = false;

	while (!in->bad) {
		uint8_t type = buf_get_u8(in);
		uint8_t item_len;
		const uint8_t *item;

		if (type == SDES_END)
			break;
		item_len = buf_get_u8(in);
		item = buf_get(in, item_len);
		if (item && type == SDES_CNAME && !found) {
			*name = (const char *)item;
			*len = item_len;
			found = true;
		}
	}
	while (!in->bad && (size_t)(in->at - start - chunk_at) % 4)
		buf_get_u8(in);

	return found && !in->bad;
}

int rtcp_read_cname(const struct rtcp_packet *p, uint32_t *ssrc,
		    const char **name, size_t *len)
{
	struct buf_in in = buf_in(p->body, p->len);

	if (p->type != RTCP_SDES)
		return -EBADMSG;
	for (unsigned i = 0; i < p->count; i++) {
		size_t chunk_at = (size_t)(in.at - p->body);

		*ssrc = buf_get_u32(&in);
		if (chunk_cname(&in, chunk_at, p->body, name, len))
			return 0;
		if (in.bad)
			return -EBADMSG;
	}

	return -ENOENT;
}

bool rtcp_get_bye(const struct rtcp_packet *p, unsigned i, uint32_t *ssrc)
{
	struct buf_in in = buf_in(p->body, p->len);

	if (p->type != RTCP_BYE || i >= p->count)
		return false;
	buf_get(&in, i * (size_t)4);
	*ssrc = buf_get_u32(&in);

	return !in.bad;
}

/* First word of a packet; end_packet() fills in its length. */
static uint8_t *begin_packet(struct buf_out *out, unsigned count,
			     enum rtcp_type type)
{
	uint8_t *head = buf_reserve(out, 4);

	if (head) {
		head[0] = (uint8_t)(0x80 | count);
		head[1] = (uint8_t)type;
	}

	return head;
}

static void end_packet(struct buf_out *out, uint8_t *head)
{
	size_t words;

	if (out->bad)
		return;
	words = (size_t)(out->at - head) / 4 - 1;
	head[2] = (uint8_t)(words >> 8);
	head[3] = (uint8_t)words;
}

static void write_reports(struct buf_out *out,
			  const struct rtcp_report *reports, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct rtcp_report *r = &reports[i];

		buf_put_u32(out, r->ssrc);
		buf_put_u8(out, r->fraction_lost);
		buf_put_be(out, (uint32_t)r->lost & 0xffffff, 3);
		buf_put_u32(out, r->highest);
		buf_put_u32(out, r->jitter);
		buf_put_u32(out, r->lsr);
		buf_put_u32(out, r->dlsr);
	}
}

void rtcp_write_sr(struct buf_out *out, const struct rtcp_sr *sr,
		   const struct rtcp_report *reports, unsigned count)
{
	uint8_t *head = begin_packet(out, count, RTCP_SR);

	out->bad |= count > RTCP_REPORTS_MAX;
	buf_put_u32(out, sr->ssrc);
	buf_put_u64(out, sr->ntp);
	buf_put_u32(out, sr->ts);
	buf_put_u32(out, sr->packets);
	buf_put_u32(out, sr->bytes);
	write_reports(out, reports, count);
	end_packet(out, head);
}

void rtcp_write_rr(struct buf_out *out, uint32_t ssrc,
		   const struct rtcp_report *reports, unsigned count)
{
	uint8_t *head = begin_packet(out, count, RTCP_RR);

	out->bad |= count > RTCP_REPORTS_MAX;
	buf_put_u32(out, ssrc);
	write_reports(out, reports, count);
	end_packet(out, head);
}

void rtcp_write_sdes(struct buf_out *out, uint32_t ssrc, const char *cname)
{
	uint8_t *head = begin_packet(out, 1, RTCP_SDES);
	size_t len = strlen(cname);

	out->bad |= len > RTCP_CNAME_MAX;
	buf_put_u32(out, ssrc);
	buf_put_u8(out, SDES_CNAME);
	buf_put_u8(out, (uint8_t)len);
	buf_put(out, cname, len);
	do {				/* at least one END */
		buf_put_u8(out, SDES_END);
	} while (!out->bad && (out->at - head) % 4);
	end_packet(out, head);
}

void rtcp_write_bye(struct buf_out *out, const uint32_t *ssrcs,
		    unsigned count)
{
	uint8_t *head = begin_packet(out, count, RTCP_BYE);

	out->bad |= count > RTCP_REPORTS_MAX;
	for (unsigned i = 0; i < count; i++)
		buf_put_u32(out, ssrcs[i]);
	end_packet(out, head);
}

int64_t rtcp_rtt_us(const struct rtcp_report *r, uint32_t now_mid)
{
	uint32_t rtt = now_mid - r->lsr - r->dlsr;

	/* Clocks of both ends tick apart: a little less than nothing is
	 * nothing. More than 60 s is a lie. */
	if (r->lsr == 0)
		return -1;
	if (rtt >= 0xffff0000)
		return 0;
	if (rtt > 60u << 16)
		return -1;

	return (int64_t)rtt * 1000000 >> 16;
}

uint64_t rtcp_ntp(int64_t wall_us)
{
	uint64_t us = (uint64_t)wall_us;

	return (us / 1000000 + NTP_1970) << 32 |
	       (us % 1000000 << 32) / 1000000;
}
