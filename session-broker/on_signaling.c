/* on_signaling.c - calls, as signaling asks for them */

#include "session-broker/broker.h"

#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int refuse(struct worker *w, uint64_t call, uint32_t why,
		  const char *text)
{
	(void)send_call_gone(&w->ctl, &(struct msg_call_gone){ call, why, 1 },
			     text, strlen(text), NULL);
	return 0;
}

void tell_known(struct worker *w, const struct peer *p)
{
	char both[MSG_NAMES + 1];
	int len = snprintf(both, sizeof(both), "%s%s", p->name,
			   session_wish(p->session));

	(void)send_call_known(&w->ctl, &(struct msg_call_known){
		p->call, p->state, (uint32_t)strlen(p->name) }, both,
		(size_t)len, NULL);
}

int on_signaling_hello(struct worker *w, const struct msg_signaling_hello *m,
		       const void *blob, size_t len)
{
	struct broker *b = w->b;

	(void)blob;
	(void)len;
	if (m->abi != msg_abi())
		return -EPROTO;
	w->phase = AT_IDLE;
	worker_alive(w, 0);
	(void)send_signaling_start(&w->ctl, &(struct msg_signaling_start){
		b->opt->max_peers, 0 }, NULL, 0, NULL);
	for (struct peer *p = peer_each(b, NULL); p; p = peer_each(b, p))
		tell_known(w, p);
	broker_check_ready(b);

	return 0;
}

/* The folder of its worker names the call, for a later broker. */
static void note_call(struct peer *p)
{
	struct rundir_call c;

	session_note(&c, p);
	if (p->ice && rundir_note_call(p->b, p->ice->name, &c))
		log_warn("call not noted", "peer=%s", p->name);
}

int on_call_open(struct worker *w, const struct msg_call_open *m,
		 const void *blob, size_t len)
{
	struct broker *b = w->b;
	struct peer *p = peer_by_call(b, m->call);
	struct peer_hello hello = { m->call, blob, m->name_len,
				    (const char *)blob + m->name_len,
				    len - m->name_len };
	int err;

	if (!m->call || m->name_len > len || !hello.name_len)
		return -EPROTO;
	if (!p && (p = peer_by_name(b, hello.name, hello.name_len))) {
		peer_set_call(p, m->call);
		note_call(p);
	}
	if (p)
		return 0;
	if (b->peers >= b->opt->max_peers)
		return refuse(w, m->call, WHY_FULL,
			      "the server takes no more peers");
	err = peer_new(&p, b, &hello);
	if (err == -EUSERS)
		return refuse(w, m->call, WHY_FULL,
			      "the session takes no more peers");
	if (err == -ENOMEM)
		return refuse(w, m->call, WHY_RESOURCES, "no memory");

	return err;
}

/* A worker for the first description of a call. */
static int begin(struct peer *p)
{
	if (p->ice || p->forking)
		return 0;
	if (session_place(p->session))
		return -EUSERS;
	log_info("call begins", "peer=%s session=%s media_worker=%u", p->name,
		 p->session->name, p->session->media);
	peer_set_state(p, CALL_CONNECTING);

	return spawn_peer(p);
}

/*
 * A second offer before the first was answered: its client has come anew
 * (signaling died in between). The worker of the first has nobody any more.
 */
static void start_over(struct peer *p)
{
	struct worker *ice = p->ice;

	p->ice = NULL;
	p->forking = false;
	if (ice)
		worker_dismiss(ice, p->id, WHY_CLOSED);
	link_drop(p);
	p->kinds = 0;
	peer_forget_pending(p);
	port_give(p->b, p->port);
	p->port = 0;
}

static bool offer_waits(const struct peer *p)
{
	for (uint32_t i = 0; !p->answered && i < p->pending_len; i++)
		if (p->pending[i].type != TO_TRICKLE)
			return true;

	return false;
}

static void end_begun(struct peer *p, int err)
{
	if (err == -EUSERS)
		peer_end(p, WHY_FULL, "the media-workers take no more calls");
	else if (err == -EADDRNOTAVAIL)
		peer_end(p, WHY_RESOURCES,
			 "all ports of WEBRTC_UDP_PORTS are taken");
	else
		peer_end(p, WHY_RESOURCES, strerror(-err));
}

int on_call_description(struct worker *w, const struct msg_call_description *m,
			const void *blob, size_t len)
{
	struct peer *p = peer_by_call(w->b, m->call);
	enum peer_message type = m->kind == DESCRIPTION_WANTED ?
					 TO_MAKE_OFFER : TO_DESCRIBE;
	int err;

	if (m->kind < DESCRIPTION_OFFER || m->kind > DESCRIPTION_WANTED)
		return -EPROTO;
	if (!p)
		return refuse(w, m->call, WHY_CLOSED, "the call has ended");
	if (m->kind == DESCRIPTION_ANSWER && !p->ice) {
		tell_gone(p, WHY_WRONG_STATE, false, "no offer was made");
		return 0;
	}
	if (m->kind != DESCRIPTION_ANSWER && offer_waits(p))
		start_over(p);
	if ((err = peer_deliver(p, type, m->kind, m->kinds, blob, len)) ||
	    (err = begin(p))) {
		log_fail(err, "call cannot begin");
		end_begun(p, err);
	}

	return 0;
}

int on_call_candidate(struct worker *w, const struct msg_call_candidate *m,
		      const void *blob, size_t len)
{
	struct peer *p = peer_by_call(w->b, m->call);

	if (p && peer_deliver(p, TO_TRICKLE, 0, 0, blob, len))
		tell_gone(p, WHY_BAD_CANDIDATE, false,
			  "too many candidates before the answer");

	return 0;
}

int on_call_close(struct worker *w, const struct msg_call_close *m,
		  const void *blob, size_t len)
{
	struct peer *p = peer_by_call(w->b, m->call);

	(void)blob;
	(void)len;
	if (p)
		peer_end(p, m->why < WHYS ? m->why : WHY_CLOSED, "closed");

	return 0;
}

/* What stands in a request is for the pipeline; this one has no taps. */
int on_control_request(struct worker *w, const struct msg_control_request *m,
		       const void *blob, size_t len)
{
	static const char *const texts[] = {
		[CONTROL_NO_CALL] = "the call has ended",
		[CONTROL_NOT_SUPPORTED] = "this pipeline has no taps",
	};
	enum control_error error = peer_by_call(w->b, m->call) ?
		CONTROL_NOT_SUPPORTED : CONTROL_NO_CALL;

	(void)blob;
	(void)len;
	(void)send_control_reply(&w->ctl, &(struct msg_control_reply){
		m->request, error, 0 }, texts[error], strlen(texts[error]),
		NULL);

	return 0;
}

static int relay_log(struct worker *w, const void *blob, size_t len)
{
	(void)w;
	log_relay(blob, len);

	return 0;
}

int on_signaling_log(struct worker *w, const struct msg_signaling_log *m,
		     const void *blob, size_t len)
{
	(void)m;
	return relay_log(w, blob, len);
}

/* The most hostile of all: only its text is taken as it says. */
int on_ice_log(struct worker *w, const struct msg_ice_log *m, const void *blob,
	       size_t len)
{
	log_relay_as("ice-worker", w->peer ? w->peer->name : "-",
		     m->level <= LOG_DEBUG ? (enum log_level)m->level :
					     LOG_DEBUG, blob, len);

	return 0;
}

int on_media_log(struct worker *w, const struct msg_media_log *m,
		 const void *blob, size_t len)
{
	(void)m;
	return relay_log(w, blob, len);
}
