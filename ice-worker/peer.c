/* peer.c - a peer's life: born, connected, gone */

#include "ice-worker/peer.h"

#include "common/clock.h"
#include "common/log.h"
#include "ice-worker/birth.h"
#include "port/seccomp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WATCH_EVERY_US = 1000000, LAST_WORDS_MS = 500 };

void peer_set_state(struct peer *p, enum call_state state)
{
	const struct msg_peer_state m = { p->id, state, 0 };

	if (state == p->state)
		return;
	log_line(LOG_INFO, "state", "was=%s now=%s",
		 call_state_name(p->state), call_state_name(state));
	p->state = state;
	/* a new broker hears it with ice_hello */
	(void)send_peer_state(&p->wire, &m, NULL, 0, NULL);
}

static void say_gone(struct peer *p)
{
	const struct msg_peer_gone m = { p->id, p->why, 0 };

	(void)send_peer_gone(&p->wire, &m, p->last_words,
			     strlen(p->last_words), NULL);
}

void peer_leave(struct peer *p, enum call_why why, const char *text)
{
	if (p->leaving)
		return;
	log_line(LOG_INFO, "peer leaves", "why=%s text=\"%s\"",
		 call_why_name(why), text);
	peer_set_state(p, why == WHY_CLOSED ? CALL_CLOSED : CALL_FAILED);
	p->leaving = true;
	p->why = why;
	snprintf(p->last_words, sizeof(p->last_words), "%s", text);
	if (p->transport.ice)
		ice_quit(p->transport.ice);
}

void peer_connected(struct peer *p)
{
	log_line(LOG_INFO, "connected", "after_ms=%lld",
		 (long long)mono_since(mono_now(), p->born) / 1000);
	peer_set_state(p, CALL_CONNECTED);
	rtcp_out_start(p);
	data_agree(p);
	/* What came before had nobody to go to. */
	if (p->negotiation.agreed.video_out >= 0)
		media_in_tell_key(p, mono_now());
	if (p->in.streams[IN_VIDEO].recv)
		rtp_recv_want_key(p->in.streams[IN_VIDEO].recv);
}

/* Whether the far end has a reason to send: data answers heartbeats, and
 * media brings at least reports. */
static bool must_speak(const struct sdp_session *s)
{
	return s->data >= 0 || s->audio_in >= 0 || s->audio_out >= 0 ||
	       s->video_in >= 0 || s->video_out >= 0;
}

/* Silence of 30 s ends a call. A far end that has no reason to speak is asked
 * by ICE alone, which gives up later. */
static void watch_connected(struct peer *p, struct mono now)
{
	int64_t quiet = mono_since(now, p->transport.last_in);

	if (!must_speak(&p->negotiation.agreed)) {
		if (p->transport.lost)
			peer_leave(p, WHY_LOST, "ICE is not answered");
		p->transport.last_in = now;
		return;
	}
	if (quiet > PEER_LOST_US)
		peer_leave(p, WHY_LOST, "nothing heard for 30 s");
	else if (quiet > PEER_QUIET_US)
		peer_set_state(p, CALL_DISCONNECTED);
	else
		peer_set_state(p, CALL_CONNECTED);
}

static void watch_connecting(struct peer *p, struct mono now)
{
	int64_t waited = mono_since(now, p->begun);

	if (p->begun.us == 0) {
		if (mono_since(now, p->born) > PEER_UNUSED_US)
			peer_leave(p, WHY_TIMEOUT, "no description came");
	} else if (waited > PEER_CONNECT_US) {
		peer_leave(p, WHY_TIMEOUT, p->transport.up ?
			   "DTLS did not finish in 30 s" :
			   "no way to the peer was found in 30 s");
	}
}

static void on_watch(struct mono now, void *arg)
{
	struct peer *p = arg;

	if (p->transport.connected)
		watch_connected(p, now);
	else
		watch_connecting(p, now);
	if (!p->leaving)
		loop_timer(p->loop, &p->watch_timer,
			   mono_add(now, WATCH_EVERY_US), on_watch, p);
}

static void on_seal(struct mono now, void *arg)
{
	struct peer *p = arg;
	int err;

	(void)now;
	if (p->sealed)
		return;
	err = sandbox_enter(SANDBOX_ICE_RUN);
	if (err < 0) {
		log_fail(err, "the sandbox cannot be closed");
		peer_leave(p, WHY_RESOURCES, "the sandbox cannot be closed");
		return;
	}
	p->sealed = true;
	log_debug("sealed");
}

void peer_seal_soon(struct peer *p)
{
	if (!p->sealed)
		loop_timer(p->loop, &p->seal_timer, mono_now(), on_seal, p);
}

static void say_hello(struct peer *p)
{
	const struct msg_peer_kinds kinds = links_kinds(p);
	const struct msg_ice_hello m = {
		.peer = p->id,
		.spawn = p->spawn,
		.generation = p->links.now.generation,
		.abi = msg_abi(),
		.state = p->state,
		.kinds = p->links.now.kinds,
		.kinds_in = kinds.kinds_in,
		.kinds_out = kinds.kinds_out,
		.codecs = kinds.codecs,
		.port = ice_port(p->transport.ice),
	};

	(void)send_ice_hello(&p->wire, &m, NULL, 0, NULL);
}

static void on_up(void *arg)
{
	struct peer *p = arg;

	p->wire.seq = 0;
	say_hello(p);
	reports_flush(p);
	if (p->leaving)
		return;
	/* what was agreed while no broker was there */
	p->links.wanted = (struct msg_peer_kinds){ 0 };
	if (p->negotiation.agreed.kinds &&
	    p->negotiation.agreed.kinds != p->links.now.kinds)
		links_want(p);
}

static void on_down(void *arg)
{
	(void)arg;
	log_info("the broker is gone");
}

static int open_channel(struct peer *p, const int *descriptors)
{
	const struct channel_ops ops = {
		.up = on_up, .down = on_down, .frame = peer_frame, .arg = p,
	};
	int err = channel_new(&p->channel, p->loop, -1, descriptors[0],
			      &ops);

	p->wire = (struct wire){ channel_send, p->channel, 0 };

	return err;
}

static int open_parts(struct peer *p, const int *descriptors)
{
	int err;

	links_init(p);
	if ((err = loop_new(&p->loop)) < 0 ||
	    (err = open_channel(p, descriptors)) < 0)
		return err;
	reports_start(p);
	err = escrow_open(&p->escrow, descriptors[1]);
	close(descriptors[1]);
	if (err < 0 || (err = transport_open(p)) < 0)
		return err;

	return negotiate_open(p);
}

static void fini_parts(struct peer *p)
{
	loop_untimer(&p->watch_timer);
	loop_untimer(&p->seal_timer);
	data_fini(p);
	media_in_fini(p);
	media_out_fini(p);
	links_fini(p);
	negotiate_fini(p);
	transport_fini(p);
	reports_fini(p);
	channel_free(p->channel);
	region_unmap(&p->escrow.region);
	loop_free(p->loop);
}

/* The far end first: the broker may end this process as soon as it knows. A
 * broker that is not there yet has a moment to dial. */
static void say_goodbye(struct peer *p)
{
	struct mono until = mono_add(mono_now(), LAST_WORDS_MS * 1000);

	if (p->transport.connected)
		rtcp_out_bye(p);
	assoc_free(p->data.assoc);
	p->data.assoc = NULL;
	transport_close(p);
	while (!channel_is_up(p->channel) && mono_before(mono_now(), until))
		if (loop_turn(p->loop, 50) < 0)
			return;
	reports_stats(p);
	say_gone(p);
	channel_flush(p->channel, LAST_WORDS_MS);
}

static void set_facts(struct peer *p, const struct msg_fork_peer *m,
		      const char *name)
{
	p->id = m->peer;
	p->spawn = m->spawn;
	p->offers = m->offers;
	p->port = m->port;
	p->data_allowed = m->data;
	p->policy.public_only = m->networks == NETWORKS_PUBLIC;
	memcpy(p->policy.refuse_ports, m->refuse, sizeof(m->refuse));
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->born = mono_now();
	log_peer(p->name);
}

static void serve(struct peer *p)
{
	int err = ice_gather(p->transport.ice);

	if (err < 0) {
		log_fail(err, "no candidates");
		peer_leave(p, WHY_RESOURCES, err == -EADDRINUSE ?
			   "the UDP port is taken" :
			   "this machine has no usable address");
		return;
	}
	loop_timer(p->loop, &p->watch_timer,
		   mono_add(p->born, WATCH_EVERY_US), on_watch, p);
	if (!p->sealed && !ice_is_gathered(p->transport.ice))
		loop_timer(p->loop, &p->seal_timer,
			   mono_add(p->born, PEER_SEAL_US), on_seal, p);
	log_line(LOG_INFO, "ready", "port=%u after_us=%lld shed=\"%s\"",
		 ice_port(p->transport.ice),
		 (long long)mono_since(mono_now(), p->born), birth_level());
	if (!p->leaving && ice_run(p->transport.ice) < 0)
		peer_leave(p, WHY_RESOURCES, "the loop failed");
}

int peer_run(const struct msg_fork_peer *m, const char *name,
	     const int *descriptors)
{
	struct peer *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return 1;
	set_facts(p, m, name);
	err = open_parts(p, descriptors);
	if (err < 0) {
		log_fail(err, "the peer does not start");
		if (p->channel)
			peer_leave(p, WHY_RESOURCES, "no resources");
	} else {
		serve(p);
	}
	if (p->channel)
		say_goodbye(p);
	fini_parts(p);
	free(p);

	return err < 0;
}
