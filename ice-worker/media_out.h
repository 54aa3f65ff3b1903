/*
 * media_out.h - records in, paced RTP out
 *
 * One audio and one video stream leave. Audio leaves at once; a picture is
 * cut into packets as the pacer allows, and the next one stays in the ring
 * until the last is gone. Encoders may be replaced: sequence numbers,
 * timestamps and picture ids go on.
 *
 * Memory   Made when the kind is agreed.
 */
#ifndef ICE_WORKER_MEDIA_OUT_H
#define ICE_WORKER_MEDIA_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/loop.h"
#include "core/cc/estimate.h"
#include "core/cc/pacer.h"
#include "core/rtp/pack.h"
#include "core/rtp/send.h"
#include "shm/record.h"

struct peer;

struct out_stream {
	struct rtp_send *send;	/* NULL: not agreed */
	int line;
};

struct media_out {
	struct out_stream audio, video;
	enum rtp_codec codec;	/* of the video in hand */
	struct pack pack;
	bool in_hand, gap;
	struct record rec;	/* of the picture in hand */
	uint8_t *picture;	/* RECORD_PAYLOAD_VIDEO bytes */
	struct pacer pacer;
	struct estimate *estimate;
	uint32_t bitrate_told;
	struct timer pace_timer;
	uint64_t pictures_dropped;
};

void media_out_agree(struct peer *p);
void media_out_fini(struct peer *p);
void media_out_replace_link(struct peer *p);

/* Reads the audio ring until it is empty. */
void media_out_pull_audio(struct peer *p, struct mono now);

/* Sends pictures; true: the ring is empty, false: the pacer holds. */
bool media_out_pull_video(struct peer *p, struct mono now);

void media_out_on_timer(struct mono now, void *peer);

/* Packets that the far end asked for again. */
void media_out_resend(struct peer *p, struct mono now);

/* A report block about one of our streams; rtt_us may be -1. */
void media_out_heard(struct peer *p, uint8_t fraction_lost, int64_t rtt_us,
		     bool video, struct mono now);

/* Follows the estimate: pacer and encoder. */
void media_out_tell_bitrate(struct peer *p);

#endif
