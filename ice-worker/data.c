/* data.c - the association: time, messages in, messages out */

#include "ice-worker/data.h"

#include "common/clock.h"
#include "common/log.h"
#include "core/sctp/dcep.h"
#include "ice-worker/channels.h"
#include "ice-worker/peer.h"
#include "shm/doorbell.h"

#include <errno.h>
#include <stdlib.h>

enum {
	BUSY_MS = 10, IDLE_MS = 250,
	BUSY_FOR_US = 200000,	/* after the last packet */
	MESSAGES_AT_ONCE = 256,
};

static void on_packet(const uint8_t *bytes, size_t len, void *arg)
{
	transport_send_data(arg, bytes, len);
}

static void on_timer(struct mono now, void *arg);

static void arm(struct peer *p, struct mono now)
{
	struct data *d = &p->data;
	bool busy = mono_since(now, d->busy) < BUSY_FOR_US || d->owed ||
		    d->pending || !d->up || assoc_unacked(d->assoc) > 0;

	loop_timer(p->loop, &d->timer,
		   mono_add(now, (busy ? BUSY_MS : IDLE_MS) * 1000), on_timer,
		   p);
}

/* Packets came or left: tick soon. */
static void be_busy(struct peer *p)
{
	struct mono now = mono_now();

	p->data.busy = now;
	if (mono_since(p->data.timer.due, now) > BUSY_MS * 1000)
		arm(p, now);
}

static void on_timer(struct mono now, void *arg)
{
	struct peer *p = arg;
	struct data *d = &p->data;
	int64_t ms = mono_since(now, d->ticked) / 1000;

	if (!d->assoc || p->leaving)
		return;
	d->ticked = mono_add(d->ticked, ms * 1000);
	assoc_tick((uint32_t)(ms < 1000 ? ms : 1000));
	data_push(p);
	channels_pay(p);
	if (d->pending)
		links_pull(p, now);
	if (d->assoc && !p->leaving)
		arm(p, now);
}

void data_agree(struct peer *p)
{
	const struct sdp_session *s = &p->negotiation.agreed;
	struct data *d = &p->data;

	if (d->assoc || s->data < 0 || !p->transport.connected)
		return;
	d->payload = malloc(RECORD_PAYLOAD_DATA);
	d->channels = calloc(ASSOC_STREAMS_MAX, sizeof(*d->channels));
	if (!d->payload || !d->channels ||
	    assoc_new(&d->assoc, s->remote_sctp_port, on_packet, p) < 0) {
		peer_leave(p, WHY_RESOURCES, "no memory for data channels");
		return;
	}
	d->ticked = mono_now();
	if (assoc_connect(d->assoc) < 0)
		log_warn("sctp does not start");
	arm(p, d->ticked);
}

void data_fini(struct peer *p)
{
	struct data *d = &p->data;

	loop_untimer(&d->timer);
	assoc_free(d->assoc);
	for (unsigned i = 0; d->channels && i < ASSOC_STREAMS_MAX; i++)
		free(d->channels[i].label);
	free(d->channels);
	free(d->payload);
	*d = (struct data){ 0 };
}

void data_recv(struct peer *p, const uint8_t *bytes, size_t len)
{
	if (!p->data.assoc)
		return;
	assoc_recv(p->data.assoc, bytes, len);
	data_push(p);
	if (p->data.pending || p->data.owed) {
		channels_pay(p);
		links_pull(p, mono_now());
	}
	be_busy(p);
}

/* SCTP to ring */

static bool is_binary(uint32_t ppid)
{
	return ppid == PPID_BINARY || ppid == PPID_BINARY_EMPTY;
}

/* 0, or -EAGAIN: hold it. */
static int give_message(struct peer *p, const struct assoc_message *m)
{
	const struct data_channel *c = &p->data.channels[m->stream];
	bool empty = m->ppid == PPID_TEXT_EMPTY ||
		     m->ppid == PPID_BINARY_EMPTY;
	const struct record rec = {
		.kind = RECORD_DATA,
		.level = RECORD_NO_LEVEL,
		.flags = (uint16_t)((is_binary(m->ppid) ? RECORD_BINARY : 0) |
				    (c->unordered ? RECORD_UNORDERED : 0)),
		.track = (uint16_t)p->negotiation.agreed.data,
		.bytes = empty ? 0 : (uint32_t)m->len,
		.value = m->stream,
		.arrival_us = mono_now().us,
	};
	int err = link_send_data(&p->links.now, &rec, m->bytes);

	if (err == -EAGAIN || err == -ENOTCONN)
		return -EAGAIN;
	if (err == 0)
		p->data.messages_in++;
	else
		p->data.refused++;

	return 0;
}

static int take_message(struct peer *p, const struct assoc_message *m)
{
	if (m->stream >= ASSOC_STREAMS_MAX)
		return 0;
	switch (m->ppid) {
	case PPID_DCEP:
		return channels_dcep(p, m);
	case PPID_TEXT:
	case PPID_BINARY:
	case PPID_TEXT_EMPTY:
	case PPID_BINARY_EMPTY:
		if (channels_ready(p, m->stream) < 0)
			return -EAGAIN;
		return give_message(p, m);
	default:
		p->data.refused++;
		return 0;
	}
}

static void on_down(struct peer *p)
{
	log_info("sctp: the association ended");
	p->data.up = false;
	p->data.ended = true;
	p->data.pending = false;
	channels_all_closed(p);
}

/* One event of the association; -EAGAIN: it is held. */
static int take_event(struct peer *p, enum assoc_event event,
		      const struct assoc_message *m)
{
	struct data *d = &p->data;

	switch (event) {
	case ASSOC_MESSAGE:
		return take_message(p, m);
	case ASSOC_UP:
		d->up = true;
		d->owed = true;
		log_debug("sctp is up");
		break;
	case ASSOC_DOWN:
		on_down(p);
		break;
	case ASSOC_STREAM_RESET:
		channels_reset(p, m->stream);
		break;
	case ASSOC_TOO_LONG:
		d->refused++;
		break;
	case ASSOC_NOTHING:
		break;
	}

	return 0;
}

void data_push(struct peer *p)
{
	struct data *d = &p->data;

	if (!d->assoc || p->leaving)
		return;
	if (d->held) {
		if (take_message(p, &d->message) == -EAGAIN)
			return;
		d->held = false;
	}
	for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
		enum assoc_event event = assoc_read(d->assoc, &d->message);

		if (event == ASSOC_NOTHING)
			return;
		if (take_event(p, event, &d->message) == -EAGAIN) {
			d->held = true;
			return;
		}
	}
	/* the rest with the next tick, after others had their turn */
	d->busy = mono_now();
}

/* Ring to SCTP */

static struct assoc_send how_of(const struct data_channel *c, uint32_t stream)
{
	static const enum assoc_limit limits[] = {
		[DCEP_RELIABLE] = ASSOC_RELIABLE,
		[DCEP_REXMIT] = ASSOC_MAX_RETRANSMITS,
		[DCEP_TIMED] = ASSOC_MAX_LIFETIME,
	};

	return (struct assoc_send){
		.stream = (uint16_t)stream,
		.unordered = c->unordered,
		.limit = limits[c->reliability],
		.limit_value = c->limit,
	};
}

static int send_message(struct peer *p)
{
	struct data *d = &p->data;
	bool binary = d->rec.flags & RECORD_BINARY;
	struct data_channel *c;
	struct assoc_send how;
	int err;

	if (d->ended || d->rec.value >= ASSOC_STREAMS_MAX)
		return 0;
	if (!d->up)
		return -EAGAIN;
	c = &d->channels[d->rec.value];
	if (c->state != CHANNEL_OPEN)
		return 0;
	if (c->open_owed || c->ack_owed)
		return -EAGAIN;
	how = how_of(c, d->rec.value);
	if (d->rec.bytes == 0) {
		how.ppid = binary ? PPID_BINARY_EMPTY : PPID_TEXT_EMPTY;
		err = assoc_send(d->assoc, &how, "", 1);
	} else {
		how.ppid = binary ? PPID_BINARY : PPID_TEXT;
		err = assoc_send(d->assoc, &how, d->payload, d->rec.bytes);
	}
	if (err == -EAGAIN)
		return err;
	if (err == 0)
		d->messages_out++;
	else
		d->refused++;

	return 0;
}

/* 0, or -EAGAIN: pending. */
static int take_record(struct peer *p)
{
	switch (p->data.rec.kind) {
	case RECORD_DATA:
		return send_message(p);
	case RECORD_CHANNEL:
		channels_wish(p, &p->data.rec, p->data.payload);
		return 0;
	default:
		return 0;
	}
}

/* The old link's messages come first; it goes when they are read. */
static int read_record(struct peer *p)
{
	struct data *d = &p->data;
	struct link_end *old = &p->links.old;
	int got;

	if (old->kinds & LINK_DATA) {
		got = link_recv_data(old, &d->rec, d->payload,
				     RECORD_PAYLOAD_DATA);
		if (got == 1 || got == -EMSGSIZE)
			return got;
	}
	if (old->kinds)
		link_end_fini(old);
	if (!(p->links.now.kinds & LINK_DATA))
		return 0;

	return link_recv_data(&p->links.now, &d->rec, d->payload,
			      RECORD_PAYLOAD_DATA);
}

bool data_pull(struct peer *p)
{
	struct data *d = &p->data;
	bool sent = false;

	if (!d->assoc)
		return true;
	for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
		int got = d->pending ? 1 : read_record(p);

		if (got == 0 || got == -EBADMSG || got == -ENOTCONN)
			break;
		if (got != 1) {
			d->refused++;
			continue;
		}
		d->pending = take_record(p) == -EAGAIN;
		if (d->pending)
			break;
		sent = true;
	}
	if (sent)
		be_busy(p);

	return !d->pending;
}

void data_replace_link(struct peer *p)
{
	struct links *l = &p->links;
	int carried;

	if (!(l->now.kinds & LINK_DATA))
		return;
	channels_tell_all(p);
	if (l->old.kinds & LINK_DATA && l->old.data_out.mem) {
		carried = dring_carry_over(&l->now.data_out, &l->old.data_out);
		if (carried < 0)
			log_fail(carried, "link: carry over");
		else if (carried > 0 && dring_must_ring(l->now.far_data))
			doorbell_ring(l->now.ring_audio_fd);
	}
}
