/* data.c - data messages through the graph */

#include "media-worker/data.h"

#include "common/log.h"
#include "media-worker/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 32 };	/* of one pump */

/* Keeps a message for later. */
static int hold(struct call *c, const struct record *rec, const void *payload)
{
	struct parcel *p = &c->parcel;

	p->payload = rec->bytes ? malloc(rec->bytes) : NULL;
	if (rec->bytes && !p->payload)
		return -ENOMEM;
	if (rec->bytes)
		memcpy(p->payload, payload, rec->bytes);
	p->rec = *rec;
	p->full = true;

	return 0;
}

void data_fini(struct call *c)
{
	free(c->parcel.payload);
	c->parcel = (struct parcel){ 0 };
}

/* 0 sent, -EAGAIN it waits, or an error of the ring. */
static int send_held(struct call *c)
{
	int err;

	if (!c->parcel.full)
		return 0;
	err = link_send_data(&c->end, &c->parcel.rec, c->parcel.payload);
	if (err)
		return err;
	data_fini(c);
	count(&c->w->counts.data_out, 1);

	return 0;
}

static void note_channel(struct call *c, const struct record *rec)
{
	if (rec->flags & RECORD_OPEN)
		c->channels_open++;
	else if (c->channels_open)
		c->channels_open--;
	log_debug("data channel", "peer=%llu stream=%u open=%d",
		  (unsigned long long)c->peer, rec->value,
		  !!(rec->flags & RECORD_OPEN));
}

/* Whether the graph gives this peer's message back to it. */
static bool is_routed(struct call *c, const struct record *rec)
{
	struct graph_tag tag = { c->peer, GRAPH_DATA };

	if (rec->kind == RECORD_TICK)
		return true;

	return rec->kind == RECORD_DATA && graph_route(&c->w->graph, tag) &&
	       route_reaches(tag, c->peer, call_role(c));
}

static int pass(struct call *c, const struct record *rec, const void *payload)
{
	struct record out = {
		.kind = rec->kind, .level = RECORD_NO_LEVEL,
		.flags = rec->flags & RECORD_BINARY, .track = rec->track,
		.bytes = rec->bytes, .value = rec->value,
		.arrival_us = rec->arrival_us,
	};
	int err;

	if (rec->kind == RECORD_CHANNEL)
		note_channel(c, rec);
	if (rec->kind == RECORD_DATA)
		count(&c->w->counts.data_in, 1);
	if (!is_routed(c, rec))
		return 0;
	err = link_send_data(&c->end, &out, payload);
	if (err == -EAGAIN)
		return hold(c, &out, payload);
	if (!err && rec->kind == RECORD_DATA)
		count(&c->w->counts.data_out, 1);

	return err;
}

int data_pump(struct call *c)
{
	struct dring_reader *in = &c->end.data_in;
	struct record rec;
	int err, n = 0;

	if (!c->end.far_data)
		return 0;
	dring_wake(in);
	for (;;) {
		err = send_held(c);
		if (err)
			return err == -EAGAIN ? 0 : err;
		if (n++ == MESSAGES)
			return 1;
		err = link_recv_data(&c->end, &rec, c->w->scratch,
				     sizeof(c->w->scratch));
		if (err == 0 && dring_sleep(in))
			return 0;
		if (err == 0 || err == -EMSGSIZE)
			continue;
		if (err < 0)
			return err;
		err = pass(c, &rec, c->w->scratch);
		if (err)
			return err;
	}
}

void data_carry_over(struct call *to, struct call *from)
{
	int n;

	if (!from->end.far_data || !to->end.far_data)
		return;
	n = dring_carry_over(&to->end.data_out, &from->end.data_out);
	if (n < 0)
		log_fail(n, "data not carried over");
	to->parcel = from->parcel;
	from->parcel = (struct parcel){ 0 };
	to->channels_open = from->channels_open;
}
