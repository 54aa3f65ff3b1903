/*
 * assembler.c - packets to pictures
 *
 * Packets stand in a pool; `place` maps a sequence number (modulo slots) to
 * its slot. A free slot is reused last-in first-out, so that a clean stream
 * walks over a few warm slots instead of the whole pool.
 *
 *     next             scan              highest
 *      |  whole so far  |  holes, packets   |
 *
 * `next` is where the next picture must begin, `scan` how far it is known to
 * be whole, so that no packet is looked at twice.
 */

#include "core/rtp/assembler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/rtp/continuity.h"
#include "core/rtp/depay.h"

enum { NO_SLOT = 0xffff };

struct slot {
	int64_t seq, ts;
	struct mono arrival;
	uint16_t len;		/* whole payload */
	uint16_t skip;		/* descriptor */
	bool first, key, marker;
};

struct assembler {
	struct assembler_cfg cfg;
	uint16_t *place;	/* by seq; NO_SLOT: not held */
	uint16_t *spare;	/* stack of used slots that are free */
	struct slot *slot;
	uint8_t (*bytes)[RTP_PACKET_MAX];
	uint16_t spares, fresh;	/* fresh: slots never used begin here */
	bool started;		/* next is known */
	bool begun;		/* a picture was given out or given up */
	bool lost;		/* packets since the last picture given out */
	bool want_key;
	int64_t next, scan, highest;
	struct mono due;
	struct continuity cont;
	struct assembler_stats stats;
};

int assembler_new(struct assembler **out, const struct assembler_cfg *cfg)
{
	size_t n = cfg->slots;
	struct assembler *a;

	if ((cfg->codec != RTP_VP8 && cfg->codec != RTP_VP9) || n < 64 ||
	    n > 4096 || n & (n - 1))
		return -EINVAL;

	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->cfg = *cfg;
	a->due = MONO_NEVER;
	a->place = malloc(n * sizeof(*a->place));
	a->spare = malloc(n * sizeof(*a->spare));
	a->slot = malloc(n * sizeof(*a->slot));
	a->bytes = malloc(n * sizeof(*a->bytes));
	if (!a->place || !a->spare || !a->slot || !a->bytes) {
		assembler_free(a);
		return -ENOMEM;
	}
	memset(a->place, 0xff, n * sizeof(*a->place));
	*out = a;

	return 0;
}

void assembler_free(struct assembler *a)
{
	if (!a)
		return;
	free(a->bytes);
	free(a->slot);
	free(a->spare);
	free(a->place);
	free(a);
}

void assembler_set_hole_wait(struct assembler *a, uint32_t wait_us)
{
	a->cfg.hole_wait_us = wait_us;
}

static uint16_t *place_of(const struct assembler *a, int64_t seq)
{
	return &a->place[(uint64_t)seq & (a->cfg.slots - 1u)];
}

/* NULL when not held. */
static struct slot *held(const struct assembler *a, int64_t seq)
{
	uint16_t at;

	/* Outside the window a place belongs to another number. */
	if (seq < a->next || seq > a->highest)
		return NULL;
	at = *place_of(a, seq);

	return at == NO_SLOT ? NULL : &a->slot[at];
}

static void drop_slot(struct assembler *a, int64_t seq)
{
	uint16_t *at = place_of(a, seq);

	if (*at == NO_SLOT)
		return;
	a->spare[a->spares++] = *at;
	*at = NO_SLOT;
	a->stats.held--;
}

/* All before seq is done with. */
static void move_to(struct assembler *a, int64_t seq)
{
	for (int64_t end = seq <= a->highest ? seq : a->highest + 1;
	     a->next < end; a->next++)
		drop_slot(a, a->next);
	a->next = seq;
	a->scan = seq;
}

static const uint8_t *bytes_of(const struct assembler *a, const struct slot *s)
{
	return a->bytes[s - a->slot];
}

static void read_slot(const struct assembler *a, const struct slot *s,
		      struct depay *d)
{
	/* It was readable when it came in. */
	if (depay(d, a->cfg.codec, bytes_of(a, s), s->len) < 0)
		*d = (struct depay){ .picture_id = DEPAY_NONE };
}

/* The next held packet at or after seq that begins a picture (a key picture
 * when key is set), or highest + 1. */
static int64_t find_first(const struct assembler *a, int64_t seq, bool key)
{
	for (; seq <= a->highest; seq++) {
		const struct slot *s = held(a, seq);

		if (s && s->first && (s->key || !key))
			break;
	}

	return seq;
}

/* Drops what stands at next, up to the next beginning of a picture. */
static void give_up(struct assembler *a)
{
	const struct slot *s = held(a, a->next);
	struct depay d;

	if (s && s->first) {
		read_slot(a, s, &d);
		continuity_skip(&a->cont, &d);
	}
	a->lost = true;
	a->begun = true;
	a->stats.dropped++;
	move_to(a, find_first(a, a->next + 1, false));
}

/* Room for seq: everything that is more than `slots` behind it goes. */
static void make_room(struct assembler *a, int64_t seq)
{
	while (seq - a->next >= a->cfg.slots && a->next <= a->highest) {
		a->stats.holes++;
		give_up(a);
	}
	if (seq - a->next < a->cfg.slots)
		return;
	a->next = seq;
	a->scan = seq;
	a->lost = true;
}

static int place_window(struct assembler *a, int64_t seq)
{
	if (!a->started) {
		a->started = true;
		a->next = seq;
		a->scan = seq;
		a->highest = seq - 1;
	}
	if (seq < a->next) {
		/* The very first packets may come out of order. */
		if (a->begun || a->highest - seq >= a->cfg.slots)
			return -ETIME;
		a->next = seq;
		a->scan = seq;
	}
	make_room(a, seq);

	return held(a, seq) ? -EEXIST : 0;
}

static void fill_slot(struct assembler *a, const struct assembler_packet *p,
		      const struct depay *d, struct mono now)
{
	uint16_t at = a->spares ? a->spare[--a->spares] : a->fresh++;

	a->slot[at] = (struct slot){
		.seq = p->seq,
		.ts = p->ts,
		.arrival = now,
		.len = (uint16_t)p->len,
		.skip = (uint16_t)(p->len - d->len),
		.first = d->first,
		.key = d->key,
		.marker = p->marker,
	};
	if (p->len)
		memcpy(a->bytes[at], p->payload, p->len);
	*place_of(a, p->seq) = at;
	a->stats.held++;
	if (p->seq > a->highest)
		a->highest = p->seq;
}

int assembler_push(struct assembler *a, const struct assembler_packet *p,
		   struct mono now)
{
	struct depay d = { .len = 0 };
	int err;

	if (p->len > RTP_PACKET_MAX)
		return -EMSGSIZE;
	if (p->len) {
		err = depay(&d, a->cfg.codec, p->payload, p->len);
		if (err)
			return err;
	}
	err = place_window(a, p->seq);
	if (err)
		return err;
	fill_slot(a, p, &d, now);

	return 0;
}

/* Since when the hole at seq is known: a later packet had come. */
static struct mono hole_since(const struct assembler *a, int64_t seq)
{
	const struct slot *s;

	while (seq <= a->highest) {
		s = held(a, seq++);
		if (s)
			return s->arrival;
	}

	return MONO_NEVER;
}

enum step { STEP_WAIT, STEP_AGAIN, STEP_WHOLE };

/* A hole at scan, or a picture without its beginning at next. */
static enum step on_hole(struct assembler *a, struct mono now)
{
	struct mono since = hole_since(a, a->scan);

	a->due = mono_add(since, a->cfg.hole_wait_us);
	if (mono_before(now, a->due))
		return STEP_WAIT;

	a->stats.holes++;
	give_up(a);

	return STEP_AGAIN;
}

/* While only a key picture helps there is nothing to wait for before it. */
static bool hurry(struct assembler *a)
{
	const struct slot *s = held(a, a->next);
	int64_t key;

	if (a->cont.intact || (s && s->first && s->key))
		return false;

	key = find_first(a, a->next, true);
	if (key > a->highest)
		return false;
	a->lost = true;
	a->begun = true;
	move_to(a, key);

	return true;
}

/* One packet further: is the picture at next whole? */
static enum step look(struct assembler *a, struct mono now)
{
	const struct slot *s = held(a, a->scan);
	const struct slot *first = held(a, a->next);

	a->due = MONO_NEVER;
	if (!s)
		return a->scan > a->highest ? STEP_WAIT : on_hole(a, now);

	if (a->scan == a->next) {
		if (s->len == 0) {
			move_to(a, a->next + 1);
			return STEP_AGAIN;
		}
		if (!s->first)
			return a->begun ? (give_up(a), STEP_AGAIN)
					: on_hole(a, now);
	} else if (s->len && s->ts != first->ts) {
		/* No marker, but another picture begins. */
		a->scan--;
		return STEP_WHOLE;
	}
	if (s->marker)
		return STEP_WHOLE;
	a->scan++;

	return STEP_AGAIN;
}

/* Copies the picture next..scan; false when it is larger than cap. */
static bool copy_out(const struct assembler *a, uint8_t *buf, size_t cap,
		     struct picture *out)
{
	out->len = 0;
	out->arrival = MONO_NEVER;
	for (int64_t seq = a->next; seq <= a->scan; seq++) {
		const struct slot *s = held(a, seq);
		size_t len = (size_t)(s->len - s->skip);

		if (len > cap - out->len)
			return false;
		if (len)
			memcpy(buf + out->len, bytes_of(a, s) + s->skip, len);
		out->len += len;
		out->arrival = mono_min(out->arrival, s->arrival);
	}

	return true;
}

/* The picture next..scan is whole: is it of use? */
static bool give_out(struct assembler *a, void *buf, size_t cap,
		     struct picture *out)
{
	const struct slot *first = held(a, a->next);
	enum continuity_verdict v;
	struct depay d;
	bool good;

	read_slot(a, first, &d);
	v = continuity_next(&a->cont, &d, a->lost);
	good = v == CONTINUITY_TAKE;
	if (good && !copy_out(a, buf, cap, out)) {
		continuity_break(&a->cont);
		v = CONTINUITY_BROKEN;
		good = false;
	}
	if (good) {
		out->seq_first = a->next;
		out->seq_last = a->scan;
		out->ts = first->ts;
		out->key = d.key;
		out->gap = a->lost;
		out->width = d.key ? d.width : 0;
		out->height = d.key ? d.height : 0;
		a->stats.pictures++;
	} else {
		a->stats.dropped++;
		a->want_key |= v == CONTINUITY_BROKEN;
	}
	a->lost = !good;
	a->begun = true;
	move_to(a, a->scan + 1);

	return good;
}

enum assembler_turn assembler_poll(struct assembler *a, struct mono now,
				   void *buf, size_t cap, struct picture *out)
{
	while (a->started) {
		enum step step;

		if (a->want_key) {
			a->want_key = false;
			return ASSEMBLER_WANT_KEY;
		}
		if (hurry(a))
			continue;
		step = look(a, now);
		if (step == STEP_WHOLE && give_out(a, buf, cap, out))
			return ASSEMBLER_PICTURE;
		if (step == STEP_WAIT)
			break;
	}

	return ASSEMBLER_WAIT;
}

struct mono assembler_due(const struct assembler *a)
{
	return a->due;
}

void assembler_get_stats(const struct assembler *a,
			 struct assembler_stats *out)
{
	*out = a->stats;
}
