/* feedback.c - NACK, PLI, FIR, REMB (RFC 4585, RFC 5104, REMB draft) */

#include <errno.h>
#include <string.h>

#include "core/rtcp/rtcp.h"

enum { NACK_BITS = 16, FIR_BYTES = 8 };

static int read_head(struct buf_in *in, const struct rtcp_packet *p,
		     enum rtcp_type type, enum rtcp_fmt fmt,
		     uint32_t *media_ssrc)
{
	*in = buf_in(p->body, p->len);
	buf_get_u32(in);	/* sender */
	*media_ssrc = buf_get_u32(in);

	return in->bad || p->type != type || p->count != fmt ? -EBADMSG : 0;
}

int rtcp_read_nack(const struct rtcp_packet *p, uint32_t *media_ssrc,
		   uint16_t *seqs, size_t max)
{
	struct buf_in in;
	size_t n = 0;
	int err = read_head(&in, p, RTCP_RTPFB, RTPFB_NACK, media_ssrc);

	if (err)
		return err;
	while (buf_left(&in) >= 4) {
		uint16_t pid = buf_get_u16(&in);
		uint16_t more = buf_get_u16(&in);

		if (n < max)
			seqs[n++] = pid;
		for (unsigned i = 0; i < NACK_BITS; i++)
			if (more >> i & 1 && n < max)
				seqs[n++] = (uint16_t)(pid + i + 1);
	}

	return (int)n;
}

int rtcp_read_pli(const struct rtcp_packet *p, uint32_t *media_ssrc)
{
	struct buf_in in;

	return read_head(&in, p, RTCP_PSFB, PSFB_PLI, media_ssrc);
}

bool rtcp_get_fir(const struct rtcp_packet *p, unsigned i, uint32_t *ssrc,
		  uint8_t *seq)
{
	struct buf_in in;
	uint32_t unused;

	if (read_head(&in, p, RTCP_PSFB, PSFB_FIR, &unused) ||
	    i >= buf_left(&in) / FIR_BYTES)
		return false;
	buf_get(&in, i * (size_t)FIR_BYTES);
	*ssrc = buf_get_u32(&in);
	*seq = buf_get_u8(&in);

	return true;
}

int rtcp_read_remb(const struct rtcp_packet *p, uint64_t *bps)
{
	struct buf_in in;
	uint32_t unused, value;
	const uint8_t *name;
	int err = read_head(&in, p, RTCP_PSFB, PSFB_AFB, &unused);

	if (err)
		return err;
	name = buf_get(&in, 4);
	if (!name || memcmp(name, "REMB", 4) != 0)
		return -ENOENT;
	value = buf_get_u32(&in);	/* count 8, exponent 6, mantissa 18 */
	if (in.bad || buf_left(&in) < (value >> 24) * (size_t)4)
		return -EBADMSG;
	*bps = value & 0x3ffff;
	/* 18 bits and an exponent up to 63: keep what fits. */
	*bps = (value >> 18 & 0x3f) > 45 ? UINT64_MAX
					 : *bps << (value >> 18 & 0x3f);

	return 0;
}

static uint8_t *begin(struct buf_out *out, enum rtcp_fmt fmt,
		      enum rtcp_type type, uint32_t sender, uint32_t media)
{
	uint8_t *head = buf_reserve(out, 4);

	if (head) {
		head[0] = (uint8_t)(0x80 | fmt);
		head[1] = (uint8_t)type;
	}
	buf_put_u32(out, sender);
	buf_put_u32(out, media);

	return head;
}

static void end(struct buf_out *out, uint8_t *head)
{
	size_t words;

	if (out->bad)
		return;
	words = (size_t)(out->at - head) / 4 - 1;
	head[2] = (uint8_t)(words >> 8);
	head[3] = (uint8_t)words;
}

void rtcp_write_nack(struct buf_out *out, uint32_t sender, uint32_t media,
		     const uint16_t *seqs, size_t count)
{
	uint8_t *head = begin(out, RTPFB_NACK, RTCP_RTPFB, sender, media);

	out->bad |= count == 0 || count > RTCP_NACK_FCI_MAX;
	for (size_t i = 0; i < count && !out->bad;) {
		uint16_t pid = seqs[i++], more = 0;

		for (; i < count; i++) {
			uint16_t behind = (uint16_t)(seqs[i] - pid - 1);

			if (behind >= NACK_BITS)
				break;
			more |= (uint16_t)(1u << behind);
		}
		buf_put_u16(out, pid);
		buf_put_u16(out, more);
	}
	end(out, head);
}

void rtcp_write_pli(struct buf_out *out, uint32_t sender, uint32_t media)
{
	end(out, begin(out, PSFB_PLI, RTCP_PSFB, sender, media));
}

void rtcp_write_fir(struct buf_out *out, uint32_t sender, uint32_t media,
		    uint8_t seq)
{
	/* The media field of the head is 0: the entry names the source. */
	uint8_t *head = begin(out, PSFB_FIR, RTCP_PSFB, sender, 0);

	buf_put_u32(out, media);
	buf_put_u32(out, (uint32_t)seq << 24);
	end(out, head);
}

void rtcp_write_remb(struct buf_out *out, uint32_t sender, uint64_t bps,
		     const uint32_t *ssrcs, unsigned count)
{
	uint8_t *head = begin(out, PSFB_AFB, RTCP_PSFB, sender, 0);
	uint32_t exponent = 0;

	out->bad |= count > 255;
	while (bps > 0x3ffff) {
		bps >>= 1;
		exponent++;
	}
	buf_put(out, "REMB", 4);
	buf_put_u32(out, count << 24 | exponent << 18 | (uint32_t)bps);
	for (unsigned i = 0; i < count; i++)
		buf_put_u32(out, ssrcs[i]);
	end(out, head);
}
