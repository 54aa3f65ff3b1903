/*
 * rtcp.h - RTCP packets: walk a compound, read and write each kind
 *
 * RFC 3550 section 6 (SR, RR, SDES, BYE, APP), RFC 4585 (generic NACK, PLI),
 * RFC 5104 (FIR), draft-alvestrand-rmcat-remb-03 (REMB), RFC 5506
 * (reduced size: any packet may stand first). Unknown types are stepped
 * over. Transport-wide feedback is in twcc.h.
 *
 * Memory   Pointers borrow the parsed bytes. Writers use a buf_out; its `bad`
 *          says that it was too small.
 * Errors   -EBADMSG: the rest of the compound cannot be read; what was read
 *          before stands.
 */
#ifndef CORE_RTCP_RTCP_H
#define CORE_RTCP_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

enum rtcp_type {
	RTCP_SR = 200,
	RTCP_RR = 201,
	RTCP_SDES = 202,
	RTCP_BYE = 203,
	RTCP_APP = 204,
	RTCP_RTPFB = 205,
	RTCP_PSFB = 206,
	RTCP_XR = 207,
};

enum rtcp_fmt {
	RTPFB_NACK = 1,
	RTPFB_TWCC = 15,
	PSFB_PLI = 1,
	PSFB_FIR = 4,
	PSFB_AFB = 15,		/* REMB when it says so */
};

enum {
	RTCP_REPORTS_MAX = 31,
	RTCP_CNAME_MAX = 255,
	RTCP_NACK_FCI_MAX = 256,	/* of one packet, read or written */
};

/* One packet of a compound, padding cut off. */
struct rtcp_packet {
	uint8_t type;		/* enum rtcp_type or unknown */
	uint8_t count;		/* report count, source count or FMT */
	const uint8_t *body;	/* after the 4-byte header */
	size_t len;
};

/*
 * Steps through a compound: 1 and *out, 0 at the end, -EBADMSG. Begin with
 * buf_in(bytes, len).
 */
int rtcp_next(struct buf_in *in, struct rtcp_packet *out) MUST_USE;

struct rtcp_report {
	uint32_t ssrc;
	uint8_t fraction_lost;	/* /256 in the interval */
	int32_t lost;		/* 24 bit signed, total */
	uint32_t highest;	/* extended sequence number, 32 bit */
	uint32_t jitter;	/* ticks */
	uint32_t lsr;		/* middle 32 bit of the last SR's NTP; 0 none */
	uint32_t dlsr;		/* 1/65536 s since it */
};

struct rtcp_sr {
	uint32_t ssrc;
	uint64_t ntp;		/* 32.32 seconds since 1900 */
	uint32_t ts;
	uint32_t packets, bytes;
};

/* SR and RR: sender part (sr->ssrc only, for RR) and the report count. */
int rtcp_read_sr(const struct rtcp_packet *p, struct rtcp_sr *sr) MUST_USE;
int rtcp_read_rr(const struct rtcp_packet *p, uint32_t *ssrc) MUST_USE;
/* Report i of an SR or RR that was read; false when there is none. */
bool rtcp_get_report(const struct rtcp_packet *p, unsigned i,
		     struct rtcp_report *out);

/* CNAME of the first chunk that has one; not terminated. -ENOENT. */
int rtcp_read_cname(const struct rtcp_packet *p, uint32_t *ssrc,
		    const char **name, size_t *len) MUST_USE;

/* SSRC i of a BYE; false when there is none. */
bool rtcp_get_bye(const struct rtcp_packet *p, unsigned i, uint32_t *ssrc);

/* Generic NACK: fills up to max sequence numbers; the count or -EBADMSG. */
int rtcp_read_nack(const struct rtcp_packet *p, uint32_t *media_ssrc,
		   uint16_t *seqs, size_t max) MUST_USE;

int rtcp_read_pli(const struct rtcp_packet *p, uint32_t *media_ssrc) MUST_USE;

/* Entry i of a FIR; false when there is none. */
bool rtcp_get_fir(const struct rtcp_packet *p, unsigned i, uint32_t *ssrc,
		  uint8_t *seq);

/* -ENOENT: application feedback that is not REMB. */
int rtcp_read_remb(const struct rtcp_packet *p, uint64_t *bps) MUST_USE;

void rtcp_write_sr(struct buf_out *out, const struct rtcp_sr *sr,
		   const struct rtcp_report *reports, unsigned count);
void rtcp_write_rr(struct buf_out *out, uint32_t ssrc,
		   const struct rtcp_report *reports, unsigned count);
/* cname: at most RTCP_CNAME_MAX bytes, else out->bad. */
void rtcp_write_sdes(struct buf_out *out, uint32_t ssrc, const char *cname);
void rtcp_write_bye(struct buf_out *out, const uint32_t *ssrcs,
		    unsigned count);
/* seqs ascending modulo 2^16, packed into PID+BLP. */
void rtcp_write_nack(struct buf_out *out, uint32_t sender, uint32_t media,
		     const uint16_t *seqs, size_t count);
void rtcp_write_pli(struct buf_out *out, uint32_t sender, uint32_t media);
void rtcp_write_fir(struct buf_out *out, uint32_t sender, uint32_t media,
		    uint8_t seq);
void rtcp_write_remb(struct buf_out *out, uint32_t sender, uint64_t bps,
		     const uint32_t *ssrcs, unsigned count);

/* Round trip by RFC 3550 6.4.1; -1 when the report holds none or lies. */
int64_t rtcp_rtt_us(const struct rtcp_report *r, uint32_t now_mid);

/* NTP time of microseconds since 1970; its middle 32 bits. */
uint64_t rtcp_ntp(int64_t wall_us);
static inline uint32_t rtcp_ntp_mid(uint64_t ntp)
{
	return (uint32_t)(ntp >> 16);
}

#endif
