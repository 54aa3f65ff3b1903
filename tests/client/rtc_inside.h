/*
 * rtc_inside.h - what rtc_peer.c and rtc_media.c share
 */
#ifndef TESTS_CLIENT_RTC_INSIDE_H
#define TESTS_CLIENT_RTC_INSIDE_H

#include "core/cc/arrival.h"
#include "core/rtp/pack.h"
#include "core/rtp/recv.h"
#include "core/rtp/replay.h"
#include "core/rtp/send.h"
#include "core/sdp/session.h"
#include "port/dtls.h"
#include "port/sctp.h"
#include "tests/client/agent.h"
#include "tests/client/rpc.h"
#include "tests/client/rtc_peer.h"

/* One way in: an SSRC, and the earliest course its packets took. */
struct rtc_in {
	struct rtp_recv *recv;
	uint32_t ssrc, clock_hz;
	struct rtp_ext_ids ext;
	bool base_set, last_seq_set;
	int64_t base_us;	/* arrival less media time, the least */
	int64_t last_seq;
};

struct rtc_out {
	struct rtp_send *send;
	struct timer timer;
	uint64_t index;		/* next SRTP index */
	unsigned at;		/* next frame of the track */
	int64_t media_time;
	struct mono due;
};

struct rtc_media {
	const struct track *track[RTC_KINDS];
	uint32_t ssrc[RTC_KINDS];
	struct rtc_in in[RTC_KINDS];
	struct rtc_out out[RTC_KINDS];
	struct pack pack;
	uint64_t picture_id, twcc, rtcp_index;
	struct arrival *arrival;
	struct timer report_timer, feedback_timer;
	struct replay_set *rtp_seen;
	bool running;
};

struct rtc_peer {
	struct rtc_ops ops;
	struct loop *loop;
	char name[128];
	unsigned kinds;
	enum srtp_profile only;
	enum rtc_state state;
	char reason[160];
	struct rpc *rpc;
	struct agent *agent;
	struct dtls_identity *identity;
	struct dtls *dtls;
	struct timer dtls_timer;
	bool pumping;
	struct srtp *srtp_in, *srtp_out;
	struct assoc *assoc;
	/* For hostile peers: what our SCTP says; nothing of the far end
	 * reaches it; its messages are not read. */
	void (*sctp_tap)(struct rtc_peer *p, const uint8_t *bytes, size_t len,
			 void *arg);
	void *sctp_tap_arg;
	bool sctp_deaf, data_unread;
	struct sdp_session agreed;
	struct rtc_media media;
	struct rtc_stats stats;
};

void rtc_reach(struct rtc_peer *p, enum rtc_state state, struct mono now);
void rtc_fail(struct rtc_peer *p, const char *why, struct mono now);

int rtc_media_init(struct rtc_peer *p) MUST_USE;
int rtc_media_start(struct rtc_peer *p, struct mono now) MUST_USE;
void rtc_media_stop(struct rtc_peer *p);
void rtc_media_fini(struct rtc_peer *p);
void rtc_media_rtp(struct rtc_peer *p, uint8_t *bytes, size_t len,
		   struct mono now);
void rtc_media_rtcp(struct rtc_peer *p, uint8_t *bytes, size_t len,
		    struct mono now);

#endif
