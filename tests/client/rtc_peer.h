/*
 * rtc_peer.h - a native peer without a face: calls the server, sends, listens
 *
 * Speaks JSON-RPC over a WebSocket to `remotemedia-server`, makes the offer,
 * and is controlling ICE agent, DTLS end, SRTP, RTP and SCTP of one call.
 * Hundreds of them run on one loop: the load of the benches.
 *
 * Units    struct mono, microseconds, bytes.
 * Memory   Tracks are borrowed and must outlive the peer. Packets given to
 *          handlers are valid during the call.
 * Errors   Negative errno; a call that fails later is told by
 *          RTC_FAILED, with rtc_peer_reason().
 * Threads  The loop's.
 */
#ifndef TESTS_CLIENT_RTC_PEER_H
#define TESTS_CLIENT_RTC_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/loop.h"
#include "core/rtp/header.h"
#include "port/srtp.h"
#include "tests/client/track.h"

struct rtc_peer;

enum rtc_state {
	RTC_DIALING,		/* WebSocket, announce */
	RTC_OFFERED,		/* the offer was written */
	RTC_ANSWERED,
	RTC_ICE_UP,
	RTC_CONNECTED,		/* DTLS done: both ends have keys */
	RTC_DATA_UP,		/* the data channel may be used */
	RTC_FAILED,		/* final */
	RTC_STATES
};

enum rtc_kind { RTC_AUDIO, RTC_VIDEO, RTC_KINDS };

struct rtc_ops {
	/* Each state once, in its order. May be NULL, as the others. */
	void (*state)(struct rtc_peer *p, enum rtc_state state,
		      struct mono now, void *arg);
	/* One authentic packet, in order of arrival. */
	void (*rtp)(struct rtc_peer *p, enum rtc_kind kind,
		    const struct rtp_packet *packet, struct mono now,
		    void *arg);
	void (*data)(struct rtc_peer *p, const uint8_t *bytes, size_t len,
		     struct mono now, void *arg);
	void *arg;
};

struct rtc_cfg {
	const char *ip;			/* of the server, literal IPv4 */
	uint16_t port;
	const char *from;		/* our own address for signaling, NULL:
					   any; the server limits each */
	const char *name;		/* our peer id */
	const struct track *audio, *video;	/* NULL: not offered */
	bool data;
	enum srtp_profile only;		/* 0: both profiles */
};

int rtc_peer_new(struct rtc_peer **out, struct loop *loop,
		 const struct rtc_cfg *cfg, const struct rtc_ops *ops) MUST_USE;

/* Hangs up. NULL is fine. Not from a handler. */
void rtc_peer_free(struct rtc_peer *p);

enum rtc_state rtc_peer_state(const struct rtc_peer *p);
const char *rtc_peer_reason(const struct rtc_peer *p);

/* One text message on the data channel. -ENOTCONN, -EAGAIN, -EMSGSIZE. */
int rtc_peer_say(struct rtc_peer *p, const void *bytes, size_t len) MUST_USE;

struct rtc_flow {
	uint64_t sent, received;	/* packets */
	uint64_t bytes_received;	/* payload */
	uint64_t lost;			/* by sequence numbers, so far */
	uint64_t late;		/* over LATE_US behind the earliest course */
	uint64_t frames;		/* markers (pictures) or packets */
	int64_t longest_gap_us;		/* between two packets */
	struct mono first, last;	/* arrival; us 0: none */
};

enum { RTC_LATE_US = 20000 };

struct rtc_stats {
	struct mono at[RTC_STATES];	/* when it was reached; us 0: not */
	struct rtc_flow flow[RTC_KINDS];
	uint64_t messages;		/* data received */
	uint64_t key_asked;		/* PLI and FIR received */
	uint64_t resent;		/* packets, upon NACK */
	uint64_t bad;			/* packets that did not open */
};

void rtc_peer_stats(const struct rtc_peer *p, struct rtc_stats *out);

/* Begins the counts of flow anew, for a measured interval. */
void rtc_peer_reset_flow(struct rtc_peer *p);

#endif
