/* packets.c - the packets a jitter buffer holds, by number */

#include "core/media/packets.h"

static struct packet *place(struct packets *p, int64_t seq)
{
	return &p->slots[(uint64_t)seq % PACKETS_MAX];
}

void packets_clear(struct packets *p)
{
	for (int i = 0; i < PACKETS_MAX; i++)
		p->slots[i].held = false;
	p->held = 0;
}

struct packet *packets_at(struct packets *p, int64_t seq)
{
	struct packet *one = place(p, seq);

	return one->held && one->seq == seq ? one : NULL;
}

struct packet *packets_oldest(struct packets *p, int64_t seq)
{
	for (int64_t i = 0; p->held && i < PACKETS_MAX; i++) {
		struct packet *one = packets_at(p, seq + i);

		if (one)
			return one;
	}

	return NULL;
}

struct packet *packets_put(struct packets *p, int64_t seq)
{
	struct packet *one = place(p, seq);

	p->held += !one->held;
	one->held = true;
	one->seq = seq;

	return one;
}

void packets_drop(struct packets *p, struct packet *one)
{
	one->held = false;
	p->held--;
}
