/*
 * header.h - one RTP packet: fixed header, CSRC, extensions, padding
 *
 * RFC 3550 section 5.1, header extensions RFC 8285, demultiplexing RFC 5761
 * and 7983.
 *
 * Units    Bytes; host order in structs.
 * Memory   Nothing is copied: pointers in struct rtp_packet and results of
 *          the finders borrow the parsed bytes.
 * Errors   -EBADMSG for bytes that are no RTP packet. Parsers never assert.
 * Threads  None; no state.
 */
#ifndef CORE_RTP_HEADER_H
#define CORE_RTP_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

/* Values are those of the records in shared memory. */
enum rtp_codec { RTP_NONE, RTP_OPUS, RTP_VP8, RTP_VP9 };

enum {
	RTP_FIXED_HEADER = 12,
	RTP_PACKET_MAX = 1500,		/* bytes we take or make, at most */
	RTP_EXT_ID_MAX = 14,		/* one-byte form; 15 is reserved */
	RTP_MID_MAX = 16,		/* bytes of a mid we send or compare */
	RTP_NO_LEVEL = 255,
};

/* What a datagram on the shared port is, by its first two bytes. */
enum packet_kind {
	PACKET_OTHER,
	PACKET_STUN,
	PACKET_DTLS,
	PACKET_RTP,
	PACKET_RTCP,
};

/* Protected packets are told apart as well: these bytes stay in clear. */
enum packet_kind packet_kind(const void *bytes, size_t len);

struct rtp_packet {
	bool marker;
	uint8_t pt;			/* 0..127 */
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	uint8_t csrc_count;		/* 0..15 */
	const uint8_t *csrc;		/* 4 bytes each, as on the wire */
	uint16_t ext_profile;		/* 0 when there is no extension */
	const uint8_t *ext;		/* ext_len bytes; NULL when none */
	size_t ext_len;
	const uint8_t *payload;		/* payload_len bytes, padding cut off */
	size_t payload_len;		/* 0: padding only */
	size_t header_len;		/* bytes before the payload */
};

/* -EBADMSG: short, version not 2, CSRC, extension or padding overrun. */
int rtp_parse(struct rtp_packet *out, const void *bytes, size_t len) MUST_USE;

/*
 * The first element with this id, in one- or two-byte form, borrowed; NULL
 * when absent or when the list is broken before it. *len is set on success.
 */
const uint8_t *rtp_ext_find(const struct rtp_packet *p, uint8_t id,
			    size_t *len);

/* Negotiated ids of the extensions we understand; 0: not negotiated. */
struct rtp_ext_ids {
	uint8_t mid;		/* urn:ietf:params:rtp-hdrext:sdes:mid */
	uint8_t twcc;		/* transport-wide-cc-extensions-01 */
	uint8_t level;		/* RFC 6464 ssrc-audio-level */
};

/* What those extensions say in one packet. */
struct rtp_ext_values {
	const char *mid;	/* mid_len bytes, not terminated; NULL: none */
	size_t mid_len;
	bool has_twcc;
	uint16_t twcc;
	bool voice;		/* the V bit of the audio level */
	uint8_t level;		/* -dBov 0..127, or RTP_NO_LEVEL */
};

void rtp_ext_read(struct rtp_ext_values *out, const struct rtp_packet *p,
		  const struct rtp_ext_ids *ids);

/* One element to write; len 1..16 with id 1..14 keeps the one-byte form. */
struct rtp_ext {
	uint8_t id;		/* 1..255, not 15 */
	uint8_t len;
	const void *data;
};

/*
 * Writes fixed header and extensions; marker, pt, seq, ts and ssrc are taken
 * from *p, nothing else (no CSRC, no padding). out->bad when it does not fit
 * or an id is invalid.
 */
void rtp_write(struct buf_out *out, const struct rtp_packet *p,
	       const struct rtp_ext *exts, size_t count);

#endif
