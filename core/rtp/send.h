/*
 * send.h - state of one outgoing SSRC
 *
 * Gives every packet its sequence number, timestamp and extensions, keeps
 * the last ones for repair and counts for sender reports. Whoever makes the
 * media may be replaced: the stream seen by the far end is one.
 *
 * Index    The 48-bit SRTP packet index stands in the caller's word (escrow
 *          page), as does the transport-wide number. Both are stored past
 *          the packet before it is handed out, so that no index is ever used
 *          twice for different bytes.
 * Repair   A resent packet is the same bytes with the same index, its
 *          transport-wide number included: with AES-GCM a changed header
 *          under an old index would give away the authentication key.
 * Units    media_time counts ticks of clock_hz, 64 bit, any zero.
 * Memory   All in rtp_send_new(); history is touched as it fills.
 * Errors   Negative errno; a call that fails has changed nothing.
 * Threads  One owner, no locks.
 */
#ifndef CORE_RTP_SEND_H
#define CORE_RTP_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "core/rtcp/rtcp.h"
#include "core/rtp/header.h"

struct rtp_send;

enum {
	/* A datagram of at most 1200 bytes: 1200 less the longest SRTP tag. */
	SEND_PACKET_MAX = 1200 - 16,
	SEND_VIDEO_HISTORY = 1024,	/* packets */
	SEND_AUDIO_HISTORY = 128,
	SEND_VIDEO_HISTORY_BYTES = 524288,	/* 1 s at 4 Mbit/s */
	SEND_AUDIO_HISTORY_BYTES = 32768,
	SEND_RESEND_QUEUE = 256,	/* sequence numbers waiting */
	SEND_RESEND_WAIT_US = 200000,	/* a wish that waited longer is
					   dropped: who still misses the
					   packet asks again */
	SEND_JUMP_US = 2000000,		/* media time that jumps further than
					   this has a new zero */
};

struct rtp_send_cfg {
	uint32_t ssrc;
	uint32_t clock_hz;
	uint8_t pt;
	uint32_t first_ts;	/* random */
	uint16_t history;	/* packets, a power of two up to 4096; 0 none */
	uint32_t history_bytes;	/* at most so much of them, from 2 packets of
				   RTP_PACKET_MAX up */
	struct rtp_ext_ids ext;
	char mid[RTP_MID_MAX + 1];	/* sent while ext.mid is set */
	uint64_t *next_index;	/* seed: a random number below 2^15 */
	uint64_t *next_twcc;	/* shared by all streams of the peer */
};

/* -EINVAL, -ENOMEM. End with rtp_send_free(). The words stay the caller's
 * and must live as long. */
int rtp_send_new(struct rtp_send **out, const struct rtp_send_cfg *cfg)
	MUST_USE;

/* NULL is fine. */
void rtp_send_free(struct rtp_send *s);

/* After renegotiation: another payload type or other extension ids. */
void rtp_send_set_format(struct rtp_send *s, uint8_t pt,
			 const struct rtp_ext_ids *ext);

/* Bytes that remain for a payload in a packet of SEND_PACKET_MAX. */
size_t rtp_send_payload_max(const struct rtp_send *s);

struct rtp_send_media {
	const uint8_t *payload;
	size_t len;
	int64_t media_time;	/* ticks */
	bool marker;
	struct mono capture;	/* of this media, for sender reports; 0: it
				   counts as captured now */
	uint8_t level;		/* audio level or RTP_NO_LEVEL */
};

struct rtp_sent {
	size_t len;
	uint64_t index;		/* 48 bit: the SRTP index of this packet */
	bool has_twcc;
	int64_t twcc;		/* extended; the wire has 16 bit */
	bool resend;
};

/*
 * The maker of the media was replaced: the next media_time counts from a new
 * zero. The stream goes on where the wall clock says. (A jump of more than
 * SEND_JUMP_US does the same by itself.)
 */
void rtp_send_new_zero(struct rtp_send *s);

/*
 * Writes one packet (plain, to be protected in place by the caller) to out.
 * -EMSGSIZE when payload or cap do not fit.
 */
int rtp_send_packet(struct rtp_send *s, const struct rtp_send_media *m,
		    struct mono now, void *out, size_t cap,
		    struct rtp_sent *sent) MUST_USE;

/* The far end misses this packet (generic NACK). Unknown, too old or just
 * resent ones are left out; a full queue drops the wish. */
void rtp_send_nack(struct rtp_send *s, uint16_t seq, int64_t rtt_us,
		   struct mono now);

/* Next packet to send again: 1 and as rtp_send_packet(), or 0. -EMSGSIZE
 * when cap is too small. Let repairs and new packets take turns: after heavy
 * loss the repairs alone could fill the path. */
int rtp_send_poll_resend(struct rtp_send *s, struct mono now, void *out,
			 size_t cap, struct rtp_sent *sent) MUST_USE;

/* Forgets all wishes: a key picture begins, what was before it is of no use
 * any more. */
void rtp_send_drop_resends(struct rtp_send *s);

/* Whether rtp_send_poll_resend() may have something. */
bool rtp_send_wants_resend(const struct rtp_send *s);

/* What a sender report says now; ntp is NTP time now (32.32, RFC 3550 4).
 * false before the first packet. */
bool rtp_send_report(const struct rtp_send *s, uint64_t ntp, struct mono now,
		     struct rtcp_sr *out);

/* A report block about this stream came. rtt_us: -1 when it tells none.
 * now_mid is the middle 32 bit of NTP time now. */
void rtp_send_rr(struct rtp_send *s, const struct rtcp_report *report,
		 uint32_t now_mid, int64_t *rtt_us);

struct rtp_send_stats {
	uint64_t packets, bytes;	/* payload bytes, without resends */
	uint64_t resent, resent_bytes;
	uint64_t nacks;			/* packets asked for */
	uint64_t nacks_missed;		/* asked for, no longer kept */
	uint8_t fraction_lost;		/* of the last report, /256 */
	int32_t lost;			/* of the last report */
	uint32_t jitter;		/* ticks, of the last report */
};

void rtp_send_get_stats(const struct rtp_send *s, struct rtp_send_stats *out);

uint32_t rtp_send_ssrc(const struct rtp_send *s);

#endif
