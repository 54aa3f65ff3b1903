/* arrival.c - arrivals of the far end's packets, and the feedback on them */

#include "core/cc/arrival.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/rtcp/twcc.h"
#include "core/rtp/seq.h"

enum {
	BACK_MAX = 512,		/* a later packet is still told of */
	MESSAGE_PACKETS = 512,
	MESSAGE_BYTES = 1100,
};

struct arrived {
	int64_t seq, at_us;
};

struct arrival {
	bool started;
	int64_t next, highest;	/* next to tell of; extended */
	struct mono since;	/* of the oldest one not told of */
	unsigned waiting;
	uint8_t fb_count;
	struct arrived packet[ARRIVAL_HELD];	/* seq % HELD */
};

int arrival_new(struct arrival **out)
{
	struct arrival *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	*out = a;

	return 0;
}

void arrival_free(struct arrival *a)
{
	free(a);
}

static struct arrived *at(struct arrival *a, int64_t seq)
{
	return &a->packet[(uint64_t)seq % ARRIVAL_HELD];
}

/* A time of 0 marks a place that was never used. */
static bool is_received(struct arrival *a, int64_t seq)
{
	return at(a, seq)->seq == seq && at(a, seq)->at_us;
}

void arrival_packet(struct arrival *a, uint16_t seq16, struct mono now)
{
	int64_t seq = a->started ? seq_extend(a->highest, seq16) : seq16;

	if (!a->started) {
		a->started = true;
		a->next = seq;
		a->highest = seq;
	}
	if (seq < a->highest - BACK_MAX || is_received(a, seq))
		return;
	if (seq < a->next)
		a->next = seq;	/* told as lost before: correct that */
	if (seq - a->next >= ARRIVAL_HELD) {
		a->next = seq;	/* too much to tell */
		a->waiting = 0;
	}
	if (seq > a->highest)
		a->highest = seq;
	*at(a, seq) = (struct arrived){ seq, now.us ? now.us : 1 };
	if (a->waiting++ == 0)
		a->since = now;
}

struct mono arrival_due(const struct arrival *a)
{
	if (a->waiting == 0)
		return MONO_NEVER;

	return mono_add(a->since, a->waiting < ARRIVAL_BUSY
					  ? ARRIVAL_EVERY_US
					  : ARRIVAL_SOON_US);
}

int arrival_poll(struct arrival *a, struct mono now, uint32_t sender,
		 uint32_t media, struct buf_out *out)
{
	struct twcc_arrived list[MESSAGE_PACKETS];
	struct buf_out try = *out;
	size_t room = (size_t)(out->end - out->at);
	size_t count = 0, told;

	if (mono_before(now, arrival_due(a)))
		return 0;

	for (int64_t seq = a->next;
	     seq <= a->highest && count < MESSAGE_PACKETS; seq++, count++) {
		list[count].received = is_received(a, seq);
		list[count].arrival_us = at(a, seq)->at_us;
	}
	told = twcc_write(&try, sender, media, a->fb_count, (uint16_t)a->next,
			  list, count,
			  room < MESSAGE_BYTES ? room : MESSAGE_BYTES);
	if (told == 0)
		return -ENOSPC;

	*out = try;
	a->fb_count++;
	a->next += (int64_t)told;
	if (a->next > a->highest)
		a->waiting = 0;

	return 1;
}
