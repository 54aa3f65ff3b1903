/* channels.c - open, acknowledge, close, tell */

#include "ice-worker/channels.h"

#include "common/log.h"
#include "core/sctp/dcep.h"
#include "ice-worker/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* RECORD_CHANNEL up. */
static int tell(struct peer *p, uint16_t stream, bool open)
{
	const struct data_channel *c = &p->data.channels[stream];
	const struct record rec = {
		.kind = RECORD_CHANNEL,
		.level = RECORD_NO_LEVEL,
		.flags = (uint16_t)((open ? RECORD_OPEN : 0) |
				    (c->unordered ? RECORD_UNORDERED : 0)),
		.track = (uint16_t)p->negotiation.agreed.data,
		.bytes = open ? c->label_len : 0,
		.value = stream,
	};
	int err = link_send_data(&p->links.now, &rec, c->label);

	/* without a link it is told when one comes */
	return err == -ENOTCONN ? 0 : err;
}

static int set_label(struct data_channel *c, const uint8_t *label, size_t len)
{
	uint8_t *copy = NULL;

	if (len > 0) {
		copy = malloc(len);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, label, len);
	}
	free(c->label);
	c->label = copy;
	c->label_len = (uint16_t)len;

	return 0;
}

static void close_channel(struct peer *p, uint16_t stream)
{
	struct data_channel *c = &p->data.channels[stream];

	if (c->state == CHANNEL_OPEN)
		p->data.open--;
	free(c->label);
	*c = (struct data_channel){ 0 };
}

static int on_open(struct peer *p, uint16_t stream, const struct dcep *m)
{
	struct data_channel *c = &p->data.channels[stream];

	/* the number is free again when our reset has left */
	if (c->state == CHANNEL_CLOSING)
		return -EAGAIN;
	if (c->state == CHANNEL_NONE) {
		if (set_label(c, m->label, m->label_len) < 0)
			return 0;
		c->state = CHANNEL_OPEN;
		c->unordered = m->unordered;
		c->reliability = (uint8_t)m->reliability;
		c->limit = m->limit;
		c->ack_owed = true;
		p->data.open++;
	}
	if (c->state == CHANNEL_OPEN && !c->announced) {
		if (tell(p, stream, true) == -EAGAIN)
			return -EAGAIN;
		c->announced = true;
	}
	channels_pay(p);

	return 0;
}

int channels_dcep(struct peer *p, const struct assoc_message *m)
{
	struct dcep dcep;

	if (dcep_parse(&dcep, m->bytes, m->len) < 0) {
		p->data.refused++;
		return 0;
	}
	if (dcep.type == DCEP_OPEN)
		return on_open(p, m->stream, &dcep);

	return 0;
}

int channels_ready(struct peer *p, uint16_t stream)
{
	struct data_channel *c = &p->data.channels[stream];

	if (c->state == CHANNEL_NONE) {
		c->state = CHANNEL_OPEN;
		p->data.open++;
	}
	if (c->announced)
		return 0;
	if (tell(p, stream, true) == -EAGAIN)
		return -EAGAIN;
	c->announced = true;

	return 0;
}

/* Closed by either side: what is to be told and sent is a debt. */
static void begin_close(struct peer *p, uint16_t stream, bool tell_it)
{
	struct data_channel *c = &p->data.channels[stream];

	close_channel(p, stream);
	c->state = CHANNEL_CLOSING;
	c->tell_owed = tell_it;
	c->reset_owed = true;
}

void channels_reset(struct peer *p, uint16_t stream)
{
	if (stream >= ASSOC_STREAMS_MAX ||
	    p->data.channels[stream].state != CHANNEL_OPEN)
		return;
	begin_close(p, stream, true);
	channels_pay(p);
}

void channels_wish(struct peer *p, const struct record *rec,
		   const uint8_t *label)
{
	struct data_channel *c;

	if (rec->value >= ASSOC_STREAMS_MAX || rec->bytes > DCEP_LABEL_MAX)
		return;
	c = &p->data.channels[rec->value];
	if (!(rec->flags & RECORD_OPEN)) {
		if (c->state != CHANNEL_OPEN)
			return;
		begin_close(p, (uint16_t)rec->value, false);
	} else if (c->state == CHANNEL_NONE) {
		if (set_label(c, label, rec->bytes) < 0)
			return;
		c->state = CHANNEL_OPEN;
		c->unordered = rec->flags & RECORD_UNORDERED;
		c->announced = true;
		c->open_owed = true;
		p->data.open++;
	}
	channels_pay(p);
}

static int send_open(struct peer *p, uint16_t stream)
{
	const struct data_channel *c = &p->data.channels[stream];
	const struct assoc_send how = { .stream = stream, .ppid = PPID_DCEP };
	const struct dcep m = {
		.type = DCEP_OPEN,
		.unordered = c->unordered,
		.label = c->label,
		.label_len = c->label_len,
	};
	uint8_t bytes[DCEP_OPEN_MAX];
	int len = dcep_write(&m, bytes, sizeof(bytes));

	return len < 0 ? len : assoc_send(p->data.assoc, &how, bytes,
					  (size_t)len);
}

static int send_ack(struct peer *p, uint16_t stream)
{
	const struct assoc_send how = { .stream = stream, .ppid = PPID_DCEP };
	const uint8_t ack = DCEP_ACK;

	return assoc_send(p->data.assoc, &how, &ack, 1);
}

/* Pays one channel's debts; true: some are left. */
static bool pay(struct peer *p, uint16_t stream)
{
	struct data_channel *c = &p->data.channels[stream];

	if (c->ack_owed)
		c->ack_owed = send_ack(p, stream) == -EAGAIN;
	if (c->open_owed)
		c->open_owed = send_open(p, stream) == -EAGAIN;
	if (c->tell_owed)
		c->tell_owed = tell(p, stream, false) == -EAGAIN;
	if (c->reset_owed && !c->tell_owed) {
		c->reset_owed = assoc_reset_stream(p->data.assoc, stream) ==
				-EAGAIN;
		/* free for a new channel when our reset is on its way; the
		 * far end's comes, or came already */
		if (!c->reset_owed)
			c->state = CHANNEL_NONE;
	}

	return c->ack_owed || c->open_owed || c->reset_owed;
}

void channels_pay(struct peer *p)
{
	struct data *d = &p->data;

	d->owed = false;
	if (!d->up)
		return;
	for (unsigned i = 0; i < ASSOC_STREAMS_MAX; i++) {
		const struct data_channel *c = &d->channels[i];

		if ((c->ack_owed || c->open_owed || c->reset_owed) &&
		    pay(p, (uint16_t)i))
			d->owed = true;
	}
}

void channels_all_closed(struct peer *p)
{
	for (unsigned i = 0; i < ASSOC_STREAMS_MAX; i++) {
		if (p->data.channels[i].state == CHANNEL_OPEN &&
		    tell(p, (uint16_t)i, false) < 0)
			p->data.refused++;
		close_channel(p, (uint16_t)i);
	}
	p->data.owed = false;
}

void channels_tell_all(struct peer *p)
{
	struct data *d = &p->data;

	for (unsigned i = 0; d->channels && i < ASSOC_STREAMS_MAX; i++)
		if (d->channels[i].state == CHANNEL_OPEN)
			d->channels[i].announced =
				tell(p, (uint16_t)i, true) == 0;
}
