#include "core/rtp/replay.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define SEQS 0x10000
#define HALF 0x8000

static uint64_t bit(uint64_t index)
{
	return 1ull << (index % 64);
}

static uint64_t *word(struct replay *r, uint64_t index)
{
	return &r->seen[index % REPLAY_WINDOW / 64];
}

void replay_init(struct replay *r)
{
	memset(r, 0, sizeof(*r));
}

void replay_init_at(struct replay *r, uint64_t highest)
{
	memset(r, 0, sizeof(*r));
	memset(r->seen, 0xff, sizeof(r->seen));
	r->highest = highest;
	r->started = true;
}

uint64_t replay_estimate(const struct replay *r, uint16_t seq)
{
	uint64_t base = r->highest & ~(uint64_t)(SEQS - 1), index = base | seq;
	uint16_t highest_seq = (uint16_t)r->highest;

	if (!r->started)
		return seq;
	if (highest_seq < HALF) {
		/* Before index 0 there is nothing to go back to. */
		if (seq - highest_seq > HALF && base)
			index -= SEQS;
	} else if (highest_seq - HALF > seq) {
		index += SEQS;
	}

	return index;
}

int replay_check(const struct replay *r, uint64_t index)
{
	if (!r->started || index > r->highest)
		return 0;
	if (r->highest - index >= REPLAY_WINDOW)
		return -ESTALE;

	return r->seen[index % REPLAY_WINDOW / 64] & bit(index) ? -EEXIST : 0;
}

void replay_commit(struct replay *r, uint64_t index)
{
	if (!r->started || (index > r->highest &&
			    index - r->highest >= REPLAY_WINDOW)) {
		memset(r->seen, 0, sizeof(r->seen));
	} else {
		for (uint64_t i = r->highest + 1; i <= index; i++)
			*word(r, i) &= ~bit(i);
	}
	if (!r->started || index > r->highest)
		r->highest = index;
	r->started = true;
	*word(r, index) |= bit(index);
}

void replay_set_init(struct replay_set *set)
{
	set->count = 0;
}

struct replay *replay_set_find(struct replay_set *set, uint32_t ssrc)
{
	for (uint32_t i = 0; i < set->count; i++) {
		if (set->slots[i].ssrc == ssrc)
			return &set->slots[i].window;
	}

	return NULL;
}

int replay_set_add(struct replay_set *set, uint32_t ssrc, struct replay **out)
{
	struct replay *r = replay_set_find(set, ssrc);

	if (!r && set->count == REPLAY_SSRCS)
		return -ENOSPC;
	if (!r) {
		set->slots[set->count].ssrc = ssrc;
		r = &set->slots[set->count++].window;
		replay_init(r);
	}
	*out = r;

	return 0;
}

uint64_t replay_set_estimate(struct replay_set *set, uint32_t ssrc,
			     uint16_t seq)
{
	const struct replay *r = replay_set_find(set, ssrc);

	return r ? replay_estimate(r, seq) : seq;
}

int replay_set_check(struct replay_set *set, uint32_t ssrc, uint64_t index)
{
	const struct replay *r = replay_set_find(set, ssrc);

	if (!r)
		return set->count == REPLAY_SSRCS ? -ENOSPC : 0;

	return replay_check(r, index);
}

int replay_set_commit(struct replay_set *set, uint32_t ssrc, uint64_t index)
{
	struct replay *r;
	int err = replay_set_add(set, ssrc, &r);

	if (!err)
		replay_commit(r, index);

	return err;
}
