/*
 * events.c - what the hub tells a peer, as messages of its stream
 *
 * The answer of remotemedia-server goes out before the Ack of the offer, so
 * the Ack waits for HUB_ANSWER. The state of a call (HUB_STATE) has no
 * message in this service.
 */

#include "signaling/grpc/signal.h"

#include <errno.h>
#include <string.h>

#include "signaling/door.h"

void signal_details(struct text *out, const char *reason, uint32_t retry_ms)
{
	text_puts(out, "{\"reason\":");
	text_jsons(out, reason ? reason : "");
	if (retry_ms) {
		text_puts(out, ",\"retry_after_ms\":");
		text_int(out, retry_ms);
	}
	text_puts(out, "}");
	text_put(out, "", 1);
	if (out->bad)
		text_fini(out);
}

/* The number after the last "_" of at least 4 digits loses its last 3. */
void signal_offer_id(char out[MEMBER_OFFER_ID], const char *id)
{
	size_t len = strnlen(id, MEMBER_OFFER_ID - 1);
	size_t digits = 0;

	while (digits < len && id[len - 1 - digits] >= '0' &&
	       id[len - 1 - digits] <= '9')
		digits++;
	if (digits > 3 && digits < len && id[len - 1 - digits] == '_')
		len -= 3;
	memcpy(out, id, len);
	out[len] = '\0';
}

/* Whether somebody else hears of it when it cannot be delivered. */
static bool has_sender(const struct hub_event *ev)
{
	return (ev->kind == HUB_OFFER || ev->kind == HUB_ANSWER ||
		ev->kind == HUB_CANDIDATE) &&
	       strcmp(ev->peer, HUB_SERVER) != 0;
}

static int send(struct signal *s, const struct hub_event *ev,
		const struct pb_response *p)
{
	struct pb_bytes bytes;
	int err = pb_response_encode(&bytes, p);

	if (!err)
		err = grpc_send(s->call, bytes);
	/* Nothing is lost in silence: its stream ends. */
	if (err && !has_sender(ev))
		grpc_end_later(s->call, GRPC_RESOURCE_EXHAUSTED,
			       "the notifications are not read");

	return err == -ENOBUFS || !err ? err : -ENOBUFS;
}

static int tell_joined(struct signal *s, const struct hub_event *ev)
{
	struct pb_response p = { .say = PB_JOINED };
	struct peer_view v;
	int err = peer_view(&v, ev->peer, ev->caps, ev->metadata);

	if (err)
		return err;
	p.peers = &v.peer;
	p.peers_len = 1;
	err = send(s, ev, &p);
	peer_view_free(&v);

	return err;
}

static int tell(struct signal *s, const struct hub_event *ev, enum pb_say say)
{
	struct pb_response p = { .say = say, .peer = ev->peer,
				 .sdp = ev->sdp, .type = ev->type };
	char id[MEMBER_OFFER_ID];

	if (say == PB_GOT_OFFER) {
		signal_offer_id(id, ev->id ? ev->id : "");
		p.offer_id = id;
	}
	if (say == PB_GOT_CANDIDATE) {
		p.candidate = ev->candidate.line;
		p.mid = ev->candidate.mid;
		p.mline = ev->candidate.mline < 0
				  ? 0
				  : (uint32_t)ev->candidate.mline;
	}

	return send(s, ev, &p);
}

/* Once the last answer is out, a stream that was half-closed ends. */
static void settled(struct signal *s)
{
	if (s->leaving)
		grpc_end_later(s->call, GRPC_OK, "");
}

static void ack_offer(struct signal *s)
{
	struct pb_response p = { .say = PB_ACK, .message = "Offer answered" };
	char id[MEMBER_OFFER_ID];
	struct text t = { 0 };
	struct reply r;

	if (!s->pending.taken || !signal_settle(s, &r))
		return;
	signal_offer_id(id, s->pending.offer_id);
	text_puts(&t, "{\"offer_id\":");
	text_jsons(&t, id);
	text_puts(&t, ",\"to_peer_id\":\"" HUB_SERVER "\","
		      "\"answer_sent\":true}");
	text_put(&t, "", 1);
	p.data = t.bad ? "{}" : t.at;
	signal_reply(s, &r, &p);
	text_fini(&t);
	settled(s);
}

static void refuse_offer(struct signal *s, const struct hub_event *ev)
{
	struct refusal why = { .kind = refusal_of(ev->why),
			       .retry_ms = ev->retry_ms };
	struct reply r;

	if (!signal_settle(s, &r))
		return;
	strncat(why.reason, ev->reason ? ev->reason : "",
		sizeof(why.reason) - 1);
	signal_refuse(s, &r, &why, NULL);
	settled(s);
}

/* Something that was taken failed later; it answers no request. */
static int tell_refused(struct signal *s, const struct hub_event *ev)
{
	enum refusal_kind kind = refusal_of(ev->why);
	struct pb_response p = { .say = PB_ERROR,
				 .code = refusal_grpc_status(kind),
				 .message = refusal_message(kind) };
	struct text details = { 0 };
	int err;

	signal_details(&details, ev->reason, ev->retry_ms);
	p.data = details.at;
	err = send(s, ev, &p);
	text_fini(&details);

	return err;
}

int signal_deliver(const struct hub_event *ev, void *arg)
{
	struct signal *s = arg;
	int err;

	switch (ev->kind) {
	case HUB_JOINED:
		return tell_joined(s, ev);
	case HUB_LEFT:
		return tell(s, ev, PB_LEFT);
	case HUB_DISCONNECTED:
		return tell(s, ev, PB_DISCONNECTED);
	case HUB_OFFER:
		return tell(s, ev, PB_GOT_OFFER);
	case HUB_ANSWER:
		err = tell(s, ev, PB_GOT_ANSWER);
		if (strcmp(ev->peer, HUB_SERVER) == 0)
			ack_offer(s);
		return err;
	case HUB_CANDIDATE:
		return tell(s, ev, PB_GOT_CANDIDATE);
	case HUB_OFFER_TAKEN:
		s->pending.taken = true;
		return 0;
	case HUB_OFFER_REFUSED:
		refuse_offer(s, ev);
		return 0;
	case HUB_REFUSED:
		return tell_refused(s, ev);
	case HUB_STATE:
		break;
	}

	return 0;
}

void signal_superseded(void *arg)
{
	struct signal *s = arg;

	grpc_end_later(s->call, GRPC_ABORTED,
		       "this peer id was resumed by another call");
}
