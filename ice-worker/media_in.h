/*
 * media_in.h - authentic RTP and RTCP in, records and feedback out
 *
 * At most one audio and one video stream come in. An unknown SSRC finds its
 * m-line by the MID extension, then by the SSRCs of the description, then by
 * its payload type.
 *
 * Units    Moments are struct mono.
 * Memory   Streams and the picture's buffer are made when their kind is
 *          agreed or first heard.
 */
#ifndef ICE_WORKER_MEDIA_IN_H
#define ICE_WORKER_MEDIA_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/loop.h"
#include "core/cc/arrival.h"
#include "core/rtp/assembler.h"
#include "core/rtp/header.h"
#include "core/rtp/recv.h"
#include "shm/link.h"
#include "shm/record.h"

struct peer;

enum in_kind { IN_AUDIO, IN_VIDEO, IN_KINDS };

struct in_stream {
	struct rtp_recv *recv;		/* NULL: no stream yet */
	struct assembler *assembler;	/* video */
	uint32_t ssrc;
	int line;			/* m-line, -1 none */
	enum rtp_codec codec;
	bool gap;			/* tell it with the next record */
	struct mono last;
};

struct media_in {
	struct in_stream streams[IN_KINDS];
	struct arrival *arrival;
	uint8_t *picture;		/* RECORD_PAYLOAD_VIDEO bytes */
	struct timer timer;		/* feedback, holes */
	struct timer report_timer;
	struct mono key_told;		/* last RECORD_KEYFRAME up */
	bool rsize;			/* reduced-size RTCP is agreed */
	int64_t rtt_us;
	uint64_t unknown;		/* packets of no stream */
	uint64_t lost_gone;		/* lost, of streams that ended */
};

void media_in_agree(struct peer *p);
void media_in_fini(struct peer *p);

/* A new link: reports the bitrate and asks for a key picture. */
void media_in_replace_link(struct peer *p);

/* One decrypted packet; len is its size, header included. */
void media_in_rtp(struct peer *p, const struct rtp_packet *packet, size_t len,
		  struct mono now);

/* One decrypted compound. */
void rtcp_in(struct peer *p, const uint8_t *bytes, size_t len,
	     struct mono now);

/* The media-worker wants a key picture of the far end. */
void media_in_want_key(struct peer *p, struct mono now);

/* The far end wants a key picture of ours. */
void media_in_tell_key(struct peer *p, struct mono now);

/* Pictures and feedback that are due; arms the timer. */
void media_in_turn(struct peer *p, struct mono now);

/* NACK, key question and transport-wide feedback that are due (rtcp_out.c). */
void rtcp_out_feedback(struct peer *p, struct mono now);

/* Sender and receiver reports, every second (rtcp_out.c). */
void rtcp_out_start(struct peer *p);
void rtcp_out_bye(struct peer *p);

/* -1 when this SSRC is none of ours. */
int media_in_by_ssrc(const struct peer *p, uint32_t ssrc);

int64_t media_in_lost(const struct peer *p);

#endif
