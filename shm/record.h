/*
 * record.h - what travels between an ice-worker and a media-worker
 *
 * One record is one Opus packet, one whole coded picture, one data message,
 * or one small note (key frame wanted, bitrate target). Fixed size, host
 * order, no hidden padding: both ends are one build on one machine. The
 * payload follows the record in the ring.
 *
 * Units    Extended numbers are 64-bit and do not wrap. rtp_time counts
 *          ticks of the codec's RTP clock (48000 Hz Opus, 90000 Hz video).
 *          Moments are microseconds of CLOCK_MONOTONIC.
 * Trust    A reader treats every field as hostile: ranges are checked where
 *          the field is used, bytes by the ring itself.
 */
#ifndef SHM_RECORD_H
#define SHM_RECORD_H

#include <stdint.h>

enum record_kind {
	RECORD_NONE,
	RECORD_AUDIO,		/* payload: one Opus packet */
	RECORD_VIDEO,		/* payload: one whole coded picture */
	RECORD_DATA,		/* payload: one data-channel message */
	RECORD_CHANNEL,		/* a data channel opened or closed; payload:
				   its label */
	RECORD_KEYFRAME,	/* no payload: send a key frame (up: the far
				   end asked; down: ask the far end) */
	RECORD_BITRATE,		/* no payload: value = target in bit/s */
	RECORD_TICK,		/* no payload: an empty record, for tests */
	RECORD_KINDS
};

enum record_codec { CODEC_NONE, CODEC_OPUS, CODEC_VP8, CODEC_VP9, CODECS };

enum record_flags {
	RECORD_KEY = 1,		/* a picture that needs no other */
	RECORD_TALKSPURT = 2,	/* RTP marker of audio */
	RECORD_GAP = 4,		/* something before this one was lost */
	RECORD_BINARY = 8,	/* data message: binary, else text */
	RECORD_OPEN = 16,	/* RECORD_CHANNEL: opened, else closed */
	RECORD_UNORDERED = 32,	/* RECORD_CHANNEL */
};

enum {
	RECORD_PAYLOAD_AUDIO = 1500,	/* bytes at most, by kind */
	RECORD_PAYLOAD_VIDEO = 393216,
	RECORD_PAYLOAD_DATA = 262144,	/* a=max-message-size */
	RECORD_NO_LEVEL = 255,
};

struct record {
	uint8_t kind;		/* enum record_kind */
	uint8_t codec;		/* enum record_codec */
	uint8_t level;		/* audio: -dBov 0..127, or NO_LEVEL */
	uint8_t zero8;
	uint16_t flags;		/* enum record_flags, or-ed */
	uint16_t track;		/* index of the m-line */
	uint32_t bytes;		/* of the payload */
	uint32_t value;		/* bitrate; data: SCTP stream id */
	int64_t seq_first;	/* extended RTP sequence numbers of the first */
	int64_t seq_last;	/* and the last packet of this frame */
	int64_t rtp_time;	/* extended RTP timestamp */
	int64_t arrival_us;	/* first packet's arrival; down: capture time
				   of the input this output was made from */
	uint16_t width, height;	/* picture, where known; else 0 */
	uint32_t zero32;
};

_Static_assert(sizeof(struct record) == 56, "record layout");

#endif
