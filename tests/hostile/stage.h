/*
 * stage.h - a healthy call, hostile ones beside it, and what is judged
 *
 * One process, one loop. A scenario is straight code: it does harm for its
 * slice of time and lets the loop run in between with stage_run(). After each
 * scenario the healthy call must have lost nothing.
 *
 * Units    Microseconds, bytes.
 * Memory   Calls are ended by hostile_end(); tracks are borrowed.
 * Errors   What does not hold is printed and counted, nothing else stops.
 * Threads  The loop's; one more that only measures how late the machine
 *          lets it work, which widens the bound of a gap.
 */
#ifndef TESTS_HOSTILE_STAGE_H
#define TESTS_HOSTILE_STAGE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/loop.h"
#include "tests/client/rtc_inside.h"

enum {
	STAGE_GAP_US = 200000,
	/* Private memory of one worker; the sanitizer keeps what was freed. */
#ifdef __SANITIZE_ADDRESS__
	STAGE_GROWTH = 24 << 20,
#else
	STAGE_GROWTH = 8 << 20,
#endif
	STAGE_DATAGRAM = 1500,
	STAGE_WAIT_US = 20000000,	/* generous: only a hang reaches it */
};

struct stage {
	struct loop *loop;
	uint16_t port;
	const char *run_dir;	/* NULL: memory is not looked at */
	int64_t slice_us;	/* of one scenario */
	const struct track *audio, *vp9, *vp8;
	struct rtc_peer *healthy;
	struct timer say;
	unsigned said, echoed, wrong;
	unsigned calls, passed, failed;
	pid_t media;		/* the one media-worker; 0 unknown */
	uint64_t media_honest;	/* its most, with three honest calls */
	uint64_t media_peak;
};

/* Seeded bytes: the same harm with the same seed. */
void dice_seed(uint64_t seed);
uint32_t dice(void);
uint32_t dice_below(uint32_t n);
void dice_fill(void *out, size_t len);
/* Flips some bits. */
void dice_spoil(uint8_t *bytes, size_t len, unsigned flips);

int stage_open(struct stage *s);
void stage_close(struct stage *s);

void check(struct stage *s, bool good, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Lets the loop run for so long. */
void stage_run(struct stage *s, int64_t us);

/* Until done() or STAGE_WAIT_US; what done() says last. */
bool stage_wait(struct stage *s, bool (*done)(void *arg), void *arg);

/* One scenario is over: was the healthy call left alone? */
void stage_judge(struct stage *s, const char *scenario);

struct hostile {
	struct stage *s;
	struct rtc_peer *peer;
	pid_t worker;		/* its ice-worker; 0 unknown */
	uint64_t memory, peak;
	uint64_t keys, pictures, bytes;	/* received, repairs included */
	struct replay_set sent;
	/* What SCTP of ours said: its tag of the far end, its last TSN. */
	uint32_t tag, tsn;
};

/* A connected call; kinds: SDP_AUDIO, ... or-ed. Its own media is muted.
 * false: it did not come up (counted). */
bool hostile_call(struct hostile *h, struct stage *s, unsigned kinds,
		  const struct track *video);
/* Begun only: nothing is waited for. */
bool hostile_dial(struct hostile *h, struct stage *s, unsigned kinds,
		  const struct track *video);

/* Looks at the memory and hangs up. */
void hostile_end(struct hostile *h, const char *scenario);

/* Looks at the memory now and then. */
void hostile_look(struct hostile *h);

/* Whether its time is not over; runs the loop for `us`. */
bool hostile_goes_on(struct hostile *h, struct mono end, int64_t us);

/* Protects one RTP packet (any header) and sends it; STAGE_DATAGRAM bytes
 * and SRTP_GROW of room. One that cannot be protected is sent as it is. The
 * length on the wire. */
size_t hostile_rtp(struct hostile *h, uint8_t *bytes, size_t len);

/* One packet in the sequence of its own stream. */
void hostile_media(struct hostile *h, enum rtc_kind kind,
		   const uint8_t *payload, size_t len, bool marker,
		   int64_t media_time);

void hostile_rtcp(struct hostile *h, uint8_t *bytes, size_t len);

/* The payload type of a codec that was agreed; -1 none. */
int hostile_pt(const struct hostile *h, enum rtp_codec codec);
const struct sdp_line *hostile_line(const struct hostile *h,
				    enum rtc_kind kind);

/* Private memory of a process and its page tables; 0 when it is gone. */
uint64_t private_bytes(pid_t pid);

/* A socket the call does not know, towards the call's port. */
int foreign_open(const struct rtc_peer *p, struct sockaddr_in *to);
/* One datagram of bad STUN, DTLS, RTP or RTCP; its length. */
size_t spray_make(uint8_t out[STAGE_DATAGRAM], const struct rtc_peer *p);

/* The scenarios. */
void scenario_spray(struct stage *s);
void scenario_early(struct stage *s);
void scenario_spoken(struct stage *s);
void scenario_headers(struct stage *s);
void scenario_sound(struct stage *s);
void scenario_picture(struct stage *s);
void scenario_replay(struct stage *s);
void scenario_reports(struct stage *s);
void scenario_floods(struct stage *s);
void scenario_lies(struct stage *s);
void scenario_sctp(struct stage *s);
void scenario_channels(struct stage *s);
void scenario_pressure(struct stage *s);
void scenario_sdp(struct stage *s);
void scenario_candidates(struct stage *s);

#endif
