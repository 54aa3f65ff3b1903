/*
 * jitter.h - hold Opus packets until their turn, as short as the link allows
 *
 * A pure module: no clock, decoder or log. Packets go in by jitter_push();
 * every 20 ms the owner asks by jitter_pull() what to decode next until it
 * has enough samples. Play-out is by delay: a packet's turn comes `target`
 * after the moment at which the fastest packet of the last seconds would
 * have brought it. The target follows the 97th percentile of what packets
 * came later than that, from cfg.min_us up to cfg.max_us; the distance to it
 * is closed by time stretch (frame.stretch), which also absorbs the drift
 * between the sender's clock and ours.
 *
 * Units    Media time and samples count ticks of 48000 Hz.
 * Memory   Allocates in jitter_new() only and copies what is pushed. The
 *          bytes of a frame are valid until the next call.
 * Errors   0 or a negative errno. A call that fails has changed nothing.
 * Threads  One owner.
 */
#ifndef CORE_MEDIA_JITTER_H
#define CORE_MEDIA_JITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"

struct jitter;

enum {
	JITTER_CAPACITY = 64,		/* packets held at most */
	JITTER_PACKET_BYTES = 1500,	/* of one packet at most */
	JITTER_IDLE_US = 3000000,	/* silence after which play-out ends */
};

struct jitter_cfg {
	uint32_t min_us;	/* 10000 to max_us */
	uint32_t max_us;	/* up to 1000000 */
};

struct jitter_packet {
	int64_t seq;		/* extended */
	int64_t media;		/* extended RTP time */
	struct mono arrival;
	const void *bytes;
	size_t len;
};

enum jitter_turn {
	JITTER_NOTHING,		/* not playing: no packet for a long time */
	JITTER_PLAY,		/* decode bytes */
	JITTER_FEC,		/* lost: decode `samples` from the redundancy
				   in bytes, which stay held */
	JITTER_CONCEAL,		/* lost or late: conceal `samples` */
	JITTER_QUIET,		/* the sender is silent (DTX): `samples` */
};

struct jitter_frame {
	enum jitter_turn turn;
	const void *bytes;
	size_t len;
	uint32_t samples;	/* what decoding gives */
	int32_t stretch;	/* samples to add (or, negative, remove), at
				   most; 0: play as it is */
	bool urgent;		/* stretch even where it is heard */
	int64_t media;		/* of the first sample */
	struct mono arrival;	/* when this packet (or the last) came */
};

struct jitter_stats {
	uint64_t pushed, played, late, duplicate, skipped, restarts;
	uint64_t fec, concealed, quiet;	/* samples */
	uint64_t overflow;	/* packets dropped because too many held */
	int64_t target_us, delay_us;	/* now; delay of the next sample */
	uint32_t held;		/* packets */
};

/* -EINVAL if a field is out of range, -ENOMEM. End with jitter_free(). */
int jitter_new(struct jitter **out, const struct jitter_cfg *cfg) MUST_USE;

/* NULL is fine. */
void jitter_free(struct jitter *jb);

/* A new upper bound; -EINVAL when below min_us or above a second. */
int jitter_set_max(struct jitter *jb, uint32_t max_us) MUST_USE;

/*
 * -EEXIST   seq is already held
 * -ETIME    its turn has passed
 * -EBADMSG  no Opus packet, or numbers out of any range
 * An arrival in the future or more than 10 s ago is taken as now. A jump of
 * media time against arrival by more than 3 s begins a new stream: what is
 * held is dropped.
 */
int jitter_push(struct jitter *jb, const struct jitter_packet *packet,
		struct mono now) MUST_USE;

/* When play-out begins: the first moment for jitter_pull(). MONO_NEVER while
 * nothing came or while already playing. */
struct mono jitter_start(const struct jitter *jb);

/*
 * What to decode next. now is the moment at which the next 20 ms are due,
 * queued the samples that are decoded and not yet played then.
 */
void jitter_pull(struct jitter *jb, struct mono now, uint32_t queued,
		 struct jitter_frame *out);

void jitter_stats(const struct jitter *jb, struct jitter_stats *out);

#endif
