/* continuity.c - decodability of pictures after losses */

#include "core/rtp/continuity.h"

#include <string.h>

/* Whether d is the picture right after the last one, by its id. */
static bool follows(const struct continuity *c, const struct depay *d)
{
	int32_t mask = (1 << d->picture_id_bits) - 1;

	return ((c->last_id + 1) & mask) == d->picture_id;
}

/* Ids between the last one and d were not decoded: forget what stood in
 * their places 128 pictures ago. */
static void advance_id(struct continuity *c, const struct depay *d)
{
	int32_t mask, steps;

	if (d->picture_id == DEPAY_NONE)
		return;
	mask = (1 << d->picture_id_bits) - 1;
	steps = (d->picture_id - c->last_id) & mask;
	if (c->last_id == DEPAY_NONE || steps >= CONTINUITY_IDS)
		memset(c->decoded, 0, sizeof(c->decoded));
	else
		for (int32_t i = 1; i <= steps; i++) {
			uint32_t id = (uint32_t)(c->last_id + i) & 127;

			c->decoded[id / 64] &= ~(1ull << id % 64);
		}
	c->last_id = d->picture_id;
}

static void taken(struct continuity *c, const struct depay *d)
{
	advance_id(c, d);
	if (d->tl0 != DEPAY_NONE)
		c->tl0 = d->tl0;
	if (d->picture_id != DEPAY_NONE) {
		uint32_t id = (uint32_t)d->picture_id & 127;

		c->decoded[id / 64] |= 1ull << id % 64;
	}
}

static bool has_refs(const struct continuity *c, const struct depay *d)
{
	for (unsigned i = 0; i < d->refs; i++) {
		uint32_t id = (uint32_t)(d->picture_id - d->ref[i]) & 127;

		if (!(c->decoded[id / 64] >> id % 64 & 1))
			return false;
	}

	return true;
}

static enum continuity_verdict begin(struct continuity *c,
				     const struct depay *d)
{
	*c = (struct continuity){
		.intact = true,
		.layers = 0xff,
		.tl0 = DEPAY_NONE,
		.last_id = DEPAY_NONE,
	};
	taken(c, d);

	return CONTINUITY_TAKE;
}

/* Pictures are missing before d: what do they mean for it? */
static enum continuity_verdict after_loss(struct continuity *c,
					  const struct depay *d)
{
	uint8_t base = (uint8_t)(c->tl0 + 1);

	if (d->tl0 == DEPAY_NONE || c->tl0 == DEPAY_NONE ||
	    (uint8_t)d->tl0 != (d->tid ? (uint8_t)c->tl0 : base)) {
		c->intact = false;
		return CONTINUITY_BROKEN;
	}
	/* The base is whole: upper layers wait for their next switch point. */
	c->layers = 1;

	return CONTINUITY_TAKE;
}

static enum continuity_verdict in_flexible(struct continuity *c,
					   const struct depay *d)
{
	/* P_DIFF counts back to ids of this stream; an id far ahead of the
	 * last one leaves nothing to refer to. */
	advance_id(c, d);
	if (!has_refs(c, d)) {
		c->intact = false;
		return CONTINUITY_BROKEN;
	}
	c->intact = true;
	taken(c, d);

	return CONTINUITY_TAKE;
}

enum continuity_verdict continuity_next(struct continuity *c,
					const struct depay *d, bool lost)
{
	if (d->key)
		return begin(c, d);
	if (c->layers == 0)	/* no key picture yet */
		return CONTINUITY_BROKEN;
	if (d->flexible && d->refs && d->picture_id != DEPAY_NONE)
		return in_flexible(c, d);
	if (!c->intact)
		return CONTINUITY_BROKEN;

	if (d->picture_id != DEPAY_NONE && c->last_id != DEPAY_NONE)
		lost = !follows(c, d);
	if (lost && after_loss(c, d) == CONTINUITY_BROKEN)
		return CONTINUITY_BROKEN;

	if (d->tid && !(c->layers >> d->tid & 1)) {
		if (!d->sync) {
			advance_id(c, d);
			return CONTINUITY_DROP;
		}
		c->layers |= (uint8_t)(1 << d->tid);
	}
	taken(c, d);

	return CONTINUITY_TAKE;
}

bool continuity_skip(struct continuity *c, const struct depay *d)
{
	if (!d->disposable || !c->intact || d->picture_id == DEPAY_NONE ||
	    c->last_id == DEPAY_NONE || !follows(c, d))
		return false;
	advance_id(c, d);

	return true;
}

void continuity_break(struct continuity *c)
{
	c->intact = false;
	memset(c->decoded, 0, sizeof(c->decoded));
}
