/*
 * jitter.c - hold Opus packets until their turn
 *
 * Three quantities say it all. `media` is the media time of the next sample
 * to decode. The delay of that sample is (the moment it will be heard) minus
 * (the moment at which the fastest packet would have brought it). The target
 * is where the delay should be. Delay grows when the buffer runs empty and
 * the missing packet then comes late after all; `owed` remembers the samples
 * concealed meanwhile, so that a packet that never comes is not made up for
 * a second time. Delay shrinks by stretch, by skipping what stands beyond
 * the bound, and in the silence between talkspurts, where it is free.
 */

#include "core/media/jitter.h"

#include "core/media/opus_head.h"
#include "core/media/packets.h"
#include "core/media/transit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	FRAME = 960,			/* samples of 20 ms */
	FRAME_US = 20000,
	PERCENT = 97,			/* of the packets come in time */
	MARGIN_US = 5000,		/* target above that percentile */
	HIGH_US = 8000,			/* above the target: remove time */
	LOW_US = 4000,			/* below it: add time */
	URGENT_US = 60000,		/* above it: remove at any price */
	BOUND_US = 40000,		/* above the maximum: skip packets */
	START_US = 40000,		/* most that is held at the start */
	STRETCH_US = 10000,		/* in one go, at most */
	ARRIVAL_AGE_US = 10000000,
	JUMP_US = 3000000,		/* of transit: a new stream */
	LOSS_JUMP = 4800,		/* samples lost that are concealed */
	LATE_ROW = 50,			/* late ones that mean a new stream */
	LOSS_WORTH = 65536 / 50,	/* 2 %: worth waiting for redundancy */
};

_Static_assert((int)JITTER_CAPACITY == (int)PACKETS_MAX &&
	       (int)JITTER_PACKET_BYTES == (int)PACKET_BYTES, "capacity");

#define MEDIA_LIMIT ((int64_t)1 << 50)

/* The moment of a pull, and when what it gives will be heard. */
struct times {
	struct mono now, heard;
};

struct jitter {
	struct jitter_cfg cfg;
	bool started;		/* something was pushed */
	bool playing;		/* jitter_pull() was called since */
	bool silent;		/* the last packet was DTX */
	struct mono first;	/* arrival that started play-out */
	struct mono last;	/* newest arrival */
	struct mono heard;	/* arrival of what was played last */
	int64_t seq;		/* next to play */
	int64_t media;		/* of the next sample to decode */
	int64_t owed;		/* samples concealed while empty */
	uint32_t usual;		/* samples of the last packet */
	uint32_t late_row;	/* late packets since the last good one */
	uint32_t loss;		/* recent share of lost packets, 65536 = all */
	bool fec;		/* the sender adds redundancy */
	struct transit transit;
	struct jitter_stats stats;
	struct packets packets;
};

static int64_t to_us(int64_t samples)
{
	return samples * 125 / 6;
}

static int64_t to_samples(int64_t us)
{
	return us * 6 / 125;
}

static bool cfg_ok(const struct jitter_cfg *cfg)
{
	return cfg->min_us >= 10000 && cfg->min_us <= cfg->max_us &&
	       cfg->max_us <= 1000000;
}

int jitter_new(struct jitter **out, const struct jitter_cfg *cfg)
{
	struct jitter *jb;

	if (!cfg_ok(cfg))
		return -EINVAL;
	jb = calloc(1, sizeof(*jb));
	if (!jb)
		return -ENOMEM;
	jb->cfg = *cfg;
	jb->usual = FRAME;
	*out = jb;

	return 0;
}

void jitter_free(struct jitter *jb)
{
	free(jb);
}

int jitter_set_max(struct jitter *jb, uint32_t max_us)
{
	struct jitter_cfg cfg = { jb->cfg.min_us, max_us };

	if (!cfg_ok(&cfg))
		return -EINVAL;
	jb->cfg = cfg;

	return 0;
}

/* Where packets are lost and the next one repeats them, it pays to wait for
 * the next one. */
static int64_t target_us(const struct jitter *jb)
{
	int64_t t = transit_lateness(&jb->transit, PERCENT) + MARGIN_US;

	if (t < jb->cfg.min_us)
		t = jb->cfg.min_us;
	if (jb->fec && jb->loss > LOSS_WORTH)
		t += to_us(jb->usual);

	return t < jb->cfg.max_us ? t : jb->cfg.max_us;
}

/* Of a sample of this media time if it is heard at `when`. */
static int64_t delay_us(const struct jitter *jb, struct mono when,
			int64_t media)
{
	return when.us - transit_fastest(&jb->transit) - to_us(media);
}

static struct packet *oldest(struct jitter *jb)
{
	return packets_oldest(&jb->packets, jb->seq);
}

static void flush(struct jitter *jb)
{
	packets_clear(&jb->packets);
	jb->owed = 0;
	jb->late_row = 0;
}

static void begin(struct jitter *jb, const struct jitter_packet *p,
		  struct mono arrival)
{
	flush(jb);
	jb->started = true;
	jb->playing = false;
	jb->silent = false;
	jb->seq = p->seq;
	jb->media = p->media;
	jb->first = arrival;
}

/* Whether this packet belongs to another stream than those before. */
static bool is_jump(const struct jitter *jb, int64_t transit)
{
	int64_t off = transit - transit_latest(&jb->transit);

	return jb->transit.len && (off > JUMP_US || off < -JUMP_US);
}

static struct mono clamp_arrival(struct mono arrival, struct mono now)
{
	if (arrival.us > now.us || arrival.us < now.us - ARRIVAL_AGE_US)
		return now;

	return arrival;
}

static bool numbers_ok(const struct jitter_packet *p)
{
	return p->seq >= 0 && p->seq < MEDIA_LIMIT &&
	       p->media > -MEDIA_LIMIT && p->media < MEDIA_LIMIT;
}

static void store(struct jitter *jb, const struct jitter_packet *p,
		  const struct opus_head *head, struct mono arrival)
{
	struct packet *s = packets_put(&jb->packets, p->seq);

	s->media = p->media;
	s->samples = head->samples;
	s->fec = head->fec;
	s->len = p->len;
	s->arrival = arrival;
	memcpy(s->bytes, p->bytes, p->len);
	jb->last = arrival;
	jb->late_row = 0;
	jb->stats.pushed++;
}

/* Makes room for seq among the slots; what is too old for it is dropped. */
static void make_room(struct jitter *jb, int64_t seq)
{
	struct packet *s;

	while (seq - jb->seq >= JITTER_CAPACITY && (s = oldest(jb))) {
		jb->seq = s->seq + 1;
		packets_drop(&jb->packets, s);
		jb->stats.overflow++;
	}
	if (seq - jb->seq >= JITTER_CAPACITY)
		jb->seq = seq;
}

int jitter_push(struct jitter *jb, const struct jitter_packet *p,
		struct mono now)
{
	struct mono arrival = clamp_arrival(p->arrival, now);
	struct opus_head head;
	int64_t transit;

	if (!numbers_ok(p) || p->len > JITTER_PACKET_BYTES ||
	    opus_head_parse(&head, p->bytes, p->len))
		return -EBADMSG;

	transit = arrival.us - to_us(p->media);
	if (is_jump(jb, transit) || jb->late_row >= LATE_ROW) {
		transit_init(&jb->transit);
		jb->stats.restarts++;
		begin(jb, p, arrival);
	} else if (!jb->started) {
		begin(jb, p, arrival);
	}
	/* Before play-out began an earlier one may still become the first. */
	if (p->seq < jb->seq && !jb->playing &&
	    jb->seq - p->seq < JITTER_CAPACITY / 2)
		jb->seq = p->seq;
	if (p->seq < jb->seq) {
		jb->stats.late++;
		jb->late_row++;
		transit_push(&jb->transit, transit);
		return -ETIME;
	}
	if (packets_at(&jb->packets, p->seq)) {
		jb->stats.duplicate++;
		return -EEXIST;
	}
	make_room(jb, p->seq);
	transit_push(&jb->transit, transit);
	store(jb, p, &head, arrival);

	return 0;
}

struct mono jitter_start(const struct jitter *jb)
{
	if (!jb->started || jb->playing)
		return MONO_NEVER;

	return mono_add(jb->first, jb->cfg.min_us);
}

/* Drops packets until the delay of what comes next is at most `most_us`. */
static void skip_to(struct jitter *jb, struct mono when, int64_t most_us)
{
	struct packet *s;

	while (jb->packets.held > 1 && (s = oldest(jb)) &&
	       delay_us(jb, when, s->media) > most_us) {
		jb->seq = s->seq + 1;
		jb->media = s->media + s->samples;
		jb->owed = 0;
		packets_drop(&jb->packets, s);
		jb->stats.skipped++;
	}
}

/* What waited while the call was set up comes in a burst and says nothing
 * about the link: only what is played counts. */
static void start_playing(struct jitter *jb, struct mono when)
{
	struct packet *s = oldest(jb);

	jb->playing = true;
	if (!s)
		return;
	jb->seq = s->seq;
	jb->media = s->media;
	skip_to(jb, when, START_US);
	transit_init(&jb->transit);
	for (int64_t i = 0; i < JITTER_CAPACITY; i++)
		if ((s = packets_at(&jb->packets, jb->seq + i)))
			transit_push(&jb->transit,
				     s->arrival.us - to_us(s->media));
}

static void fill(struct jitter *jb, struct jitter_frame *out,
		 enum jitter_turn turn, int64_t samples)
{
	out->turn = turn;
	out->samples = (uint32_t)samples;
	out->media = jb->media;
	out->arrival = jb->heard;
	if (turn == JITTER_CONCEAL)
		jb->stats.concealed += (uint64_t)samples;
	else if (turn == JITTER_QUIET)
		jb->stats.quiet += (uint64_t)samples;
	else if (turn == JITTER_FEC)
		jb->stats.fec += (uint64_t)samples;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Nothing is held. Silence goes on in media time, all else holds it. */
static void pull_empty(struct jitter *jb, struct mono now,
		       struct jitter_frame *out)
{
	if (mono_since(now, jb->last) > JITTER_IDLE_US) {
		jb->started = jb->playing = false;
		jb->owed = 0;
		transit_init(&jb->transit);
		return;
	}
	if (jb->silent) {
		fill(jb, out, JITTER_QUIET, FRAME);
		jb->media += FRAME;
		return;
	}
	fill(jb, out, JITTER_CONCEAL, FRAME);
	jb->owed += FRAME;
}

/*
 * What stretch should do about the distance to the target. Samples that are
 * decoded and wait (`queued`) are delay, too, but do not help a late packet:
 * what does is the slack, the delay without them.
 */
static void wish(struct jitter *jb, int64_t delay, int64_t queued_us,
		 struct jitter_frame *out)
{
	int64_t target = target_us(jb), off = delay - target;
	int64_t spare = delay - queued_us - MARGIN_US -
			transit_lateness(&jb->transit, PERCENT);

	out->urgent = off > URGENT_US;
	if (off > HIGH_US && spare > 0)
		out->stretch = -(int32_t)to_samples(least(least(off, spare),
							  STRETCH_US));
	else if (off < -LOW_US || (spare < 0 && off < FRAME_US))
		out->stretch = (int32_t)to_samples(STRETCH_US);
}

/* A moving share over some 64 packets of what never came. */
static void note_loss(struct jitter *jb, const struct packet *s)
{
	int64_t lost = least(s->seq - jb->seq, 64);

	for (int64_t i = 0; i < lost; i++)
		jb->loss += (65536 - jb->loss) / 64;
	jb->loss -= jb->loss / 64;
	jb->fec = s->fec || (jb->fec && jb->loss > 0);
}

/* Play-out of a packet pulled at `now` and heard at `when`. */
static void play(struct jitter *jb, struct packet *s, struct times at,
		 struct jitter_frame *out)
{
	int64_t delay = delay_us(jb, at.heard, s->media);

	jb->media = s->media;
	jb->heard = s->arrival;
	fill(jb, out, JITTER_PLAY, s->samples);
	out->bytes = s->bytes;
	out->len = s->len;
	jb->stats.delay_us = delay;
	wish(jb, delay, mono_since(at.heard, at.now), out);
	note_loss(jb, s);
	jb->silent = s->len <= OPUS_DTX_BYTES;
	jb->media += s->samples;
	jb->seq = s->seq + 1;
	jb->usual = s->samples;
	jb->stats.played++;
	packets_drop(&jb->packets, s);
}

/*
 * The next packet held begins `gap` samples after what was played. After
 * silence there was nothing to lose, and its turn is simply when its delay
 * is right; what a loss left out is concealed, the end of it from the next
 * packet's redundancy; a long hole is not filled beyond its turn.
 */
static void bridge(struct jitter *jb, struct packet *s, int64_t gap,
		   struct times at, struct jitter_frame *out)
{
	bool due = delay_us(jb, at.heard, s->media) >= target_us(jb) - LOW_US;
	bool lost = s->seq != jb->seq;
	int64_t chunk;

	if ((!lost || gap > LOSS_JUMP) && due) {
		play(jb, s, at, out);
		return;
	}
	if (!lost) {
		fill(jb, out, JITTER_QUIET, least(gap, FRAME));
	} else if (gap <= jb->usual && s->fec) {
		fill(jb, out, JITTER_FEC, gap);
		out->bytes = s->bytes;
		out->len = s->len;
	} else {
		chunk = gap <= jb->usual ? gap : gap - jb->usual;
		fill(jb, out, JITTER_CONCEAL, least(chunk, FRAME));
	}
	jb->media += out->samples;
}

/* Samples between what was played and this packet, less those that were
 * concealed already while the buffer was empty. */
static int64_t take_gap(struct jitter *jb, const struct packet *s)
{
	int64_t gap = s->media - jb->media, paid = least(gap, jb->owed);

	if (paid > 0) {
		jb->media += paid;
		gap -= paid;
	}
	jb->owed = 0;

	return gap;
}

/* Whether the turn of this packet is over: its time was filled otherwise. */
static bool is_past(const struct jitter *jb, const struct packet *s,
		    int64_t gap)
{
	return !jb->silent && gap < -(int64_t)s->samples / 2 &&
	       gap > -to_samples(JUMP_US);
}

void jitter_pull(struct jitter *jb, struct mono now, uint32_t queued,
		 struct jitter_frame *out)
{
	struct times at = { now, mono_add(now, to_us(queued)) };
	struct mono when = at.heard;
	struct packet *s;
	int64_t gap;

	*out = (struct jitter_frame){ .turn = JITTER_NOTHING };
	if (!jb->started)
		return;
	if (!jb->playing)
		start_playing(jb, when);
	if (jb->packets.held &&
	    delay_us(jb, when, jb->media) > jb->cfg.max_us + BOUND_US)
		skip_to(jb, when, target_us(jb));

	while ((s = oldest(jb))) {
		gap = take_gap(jb, s);
		if (!is_past(jb, s, gap))
			break;
		jb->seq = s->seq + 1;
		packets_drop(&jb->packets, s);
		jb->stats.late++;
	}
	if (!s)
		pull_empty(jb, now, out);
	else if (gap > 0 || (jb->silent && gap < 0 &&
			     delay_us(jb, when, s->media) <
			     target_us(jb) - LOW_US))
		bridge(jb, s, gap > 0 ? gap : FRAME, at, out);
	else
		play(jb, s, at, out);
}

void jitter_stats(const struct jitter *jb, struct jitter_stats *out)
{
	*out = jb->stats;
	out->target_us = target_us(jb);
	out->held = jb->packets.held;
}
