/*
 * recv.h - state of one incoming SSRC
 *
 * RFC 3550 A.1 (validity, highest sequence), A.3 (loss), A.8 (jitter); which
 * packets to ask for again; when a key frame may be asked for.
 *
 * Units    Extended numbers (seq.h); jitter in timestamp ticks.
 * Memory   One allocation in rtp_recv_new().
 * Errors   Negative errno.
 * Threads  One owner, no locks.
 */
#ifndef CORE_RTP_RECV_H
#define CORE_RTP_RECV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "core/rtcp/rtcp.h"

struct rtp_recv;

enum {
	/* One question in 300 ms: a key frame needs a round trip, an encoder
	 * pass and its own sending time; asked sooner, the sender makes a
	 * second one that only adds load. */
	RECV_KEY_US = 300000,
	RECV_WINDOW = 1024,	/* packets behind the highest still taken */
	RECV_JUMP = 3000,	/* RFC 3550 MAX_DROPOUT */
};

struct rtp_recv_cfg {
	uint32_t ssrc;
	uint32_t clock_hz;	/* 48000 or 90000 */
	bool nack;		/* ask for missing packets */
	bool use_fir;		/* ask for key frames by FIR instead of PLI */
};

/* -EINVAL, -ENOMEM. End with rtp_recv_free(). */
int rtp_recv_new(struct rtp_recv **out, const struct rtp_recv_cfg *cfg)
	MUST_USE;

/* NULL is fine. */
void rtp_recv_free(struct rtp_recv *r);

/*
 * One authenticated packet. On 0 *seq and *ts (timestamp ts) are its
 * extended numbers.
 * -EEXIST  a duplicate
 * -ETIME   more than RECV_WINDOW behind
 * -EAGAIN  a jump of RECV_JUMP or more: kept out until the next packet
 *          confirms it (RFC 3550 A.1), which then restarts the counts
 */
int rtp_recv_packet(struct rtp_recv *r, uint16_t wire_seq, uint32_t wire_ts,
		    size_t bytes, struct mono now, int64_t *seq, int64_t *ts)
	MUST_USE;

/* A sender report of this SSRC came. */
void rtp_recv_sr(struct rtp_recv *r, const struct rtcp_sr *sr,
		 struct mono now);

/* The report block about this SSRC; begins the next interval. false before
 * the first packet. */
bool rtp_recv_report(struct rtp_recv *r, struct mono now,
		     struct rtcp_report *out);

/* Missing packets to ask for now; as nack_poll(). */
size_t rtp_recv_nacks(struct rtp_recv *r, struct mono now, int64_t rtt_us,
		      uint16_t *out, size_t max);
/* The assembler stands at this packet: nothing before it is asked for. */
void rtp_recv_forget(struct rtp_recv *r, int64_t before);

/* A key frame is wanted (assembler, decoder); satisfied by the next call. */
void rtp_recv_want_key(struct rtp_recv *r);
void rtp_recv_got_key(struct rtp_recv *r);

enum recv_key_ask { RECV_ASK_NONE, RECV_ASK_PLI, RECV_ASK_FIR };

/* Whether to ask now. Repeats each RECV_KEY_US until rtp_recv_got_key().
 * *fir_seq is the FIR command number. */
enum recv_key_ask rtp_recv_poll_key(struct rtp_recv *r, struct mono now,
				    uint8_t *fir_seq);

/* Earliest moment at which nacks or a key question are due. */
struct mono rtp_recv_due(const struct rtp_recv *r, int64_t rtt_us);

struct rtp_recv_stats {
	uint64_t packets, bytes;	/* taken, payload or whole as given */
	uint64_t duplicates, late;
	int64_t lost;			/* expected minus taken, may be < 0 */
	int64_t highest;		/* extended sequence number */
	uint32_t jitter_us;
	uint64_t nacks, key_asks;	/* asked */
};

void rtp_recv_get_stats(const struct rtp_recv *r, struct rtp_recv_stats *out);

/*
 * Where RTP time stands against the sender's NTP clock, by its last report;
 * false before one came. ntp_us counts from the sender's own zero.
 */
bool rtp_recv_ntp_us(const struct rtp_recv *r, int64_t ts, int64_t *ntp_us);

#endif
