/* transport.c - demultiplex, DTLS once, SRTP always */

#include "ice-worker/transport.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/log.h"
#include "core/rtp/header.h"
#include "ice-worker/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PACING_MS = 5 };

static void pump(struct peer *p);

static void on_dtls_timer(struct mono now, void *arg)
{
	struct peer *p = arg;

	dtls_tick(p->transport.dtls, now);
	pump(p);
}

/* Datagrams of SCTP */

static int take_keys(struct transport *t, struct dtls_keys *keys)
{
	int err;

	if (!keys->profile)
		return -EPROTO;
	err = srtp_evp.new(&t->send, keys->profile, SRTP_SEND, keys->local);
	if (!err)
		err = srtp_evp.new(&t->recv, keys->profile, SRTP_RECV,
				   keys->remote);

	return err;
}

static void on_connected(struct peer *p, struct dtls_keys *keys)
{
	struct transport *t = &p->transport;
	bool wants_media = p->negotiation.agreed.kinds &
			   (SDP_AUDIO | SDP_VIDEO);
	int err = take_keys(t, keys);

	explicit_bzero(keys, sizeof(*keys));
	if (err < 0 && wants_media) {
		peer_leave(p, WHY_TIMEOUT, "the peer takes no SRTP profile");
		return;
	}
	t->connected = true;
	t->last_in = mono_now();
	peer_connected(p);
}

static void on_turn(struct peer *p, enum dtls_turn turn, struct dtls_out *out)
{
	struct transport *t = &p->transport;

	switch (turn) {
	case DTLS_DATAGRAM:
		if (ice_send(t->ice, out->bytes, out->len) == 0) {
			t->packets_out++;
			t->bytes_out += out->len;
		}
		break;
	case DTLS_CONNECTED:
		on_connected(p, &out->keys);
		break;
	case DTLS_DATA:
		t->last_in = mono_now();
		data_recv(p, out->bytes, out->len);
		break;
	case DTLS_CLOSED:
		peer_leave(p, WHY_CLOSED, "the peer closed the connection");
		break;
	case DTLS_FAILED:
		peer_leave(p, WHY_TIMEOUT, out->reason);
		break;
	case DTLS_IDLE:
		break;
	}
}

/* Whatever DTLS has to say. What it leads to may call dtls_send(): the outer
 * round sends that, too. */
static void pump(struct peer *p)
{
	struct transport *t = &p->transport;
	enum dtls_turn turn;
	struct dtls_out out;

	if (t->pumping)
		return;
	t->pumping = true;
	while (!p->leaving && (turn = dtls_poll(t->dtls, &out)) != DTLS_IDLE)
		on_turn(p, turn, &out);
	t->pumping = false;
	loop_timer(p->loop, &t->dtls_timer, dtls_due(t->dtls, mono_now()),
		   on_dtls_timer, p);
}

static void fingerprint_text(const struct sdp_fingerprint *f, char *out)
{
	static const char *const names[] = {
		[SDP_SHA256] = "sha-256", [SDP_SHA384] = "sha-384",
		[SDP_SHA512] = "sha-512",
	};
	static const char hex[] = "0123456789ABCDEF";
	size_t at;

	strcpy(out, names[f->hash]);
	at = strlen(out);
	for (size_t i = 0; i < f->len; i++) {
		out[at++] = i ? ':' : ' ';
		out[at++] = hex[f->bytes[i] >> 4];
		out[at++] = hex[f->bytes[i] & 15];
	}
	out[at] = '\0';
}

static int start_dtls(struct peer *p)
{
	struct transport *t = &p->transport;
	const struct sdp_session *s = &p->negotiation.agreed;
	char texts[SDP_FINGERPRINTS][2 * SDP_HASH + SDP_HASH + 16];
	struct dtls_cfg cfg = {
		.role = s->dtls_active ? DTLS_CLIENT : DTLS_SERVER,
		.identity = t->identity,
	};
	struct mono now = mono_now();
	int err;

	for (unsigned i = 0; i < s->fingerprint_count; i++) {
		if (s->fingerprints[i].hash >= SDP_HASH_OTHER)
			continue;
		fingerprint_text(&s->fingerprints[i], texts[i]);
		cfg.fingerprints[cfg.fingerprint_count++] = texts[i];
	}
	err = dtls_new(&t->dtls, &cfg, now);
	if (err < 0)
		return err;
	for (unsigned i = 0; i < t->early_count; i++)
		dtls_recv(t->dtls, t->early[i].bytes, t->early[i].len, now);
	free(t->early);
	t->early = NULL;
	t->early_count = 0;
	pump(p);

	return 0;
}

static void try_dtls(struct peer *p)
{
	struct transport *t = &p->transport;

	if (t->dtls || !t->up || !t->agreed || p->leaving)
		return;
	if (start_dtls(p) < 0)
		peer_leave(p, WHY_RESOURCES, "DTLS does not start");
}

static void keep_early(struct transport *t, const uint8_t *bytes, size_t len)
{
	if (!t->early)
		t->early = calloc(EARLY_DTLS, sizeof(*t->early));
	if (!t->early || t->early_count == EARLY_DTLS ||
	    len > sizeof(t->early->bytes)) {
		t->dropped++;
		return;
	}
	memcpy(t->early[t->early_count].bytes, bytes, len);
	t->early[t->early_count++].len = (uint16_t)len;
}

static void on_dtls(struct peer *p, const uint8_t *bytes, size_t len)
{
	struct transport *t = &p->transport;

	if (!t->dtls) {
		keep_early(t, bytes, len);
		return;
	}
	dtls_recv(t->dtls, bytes, len, mono_now());
	pump(p);
}

/* SRTP */

/* The padding of a protected packet cannot be read yet: only its fixed header
 * is looked at before it is authentic. */
static void on_rtp(struct peer *p, uint8_t *bytes, size_t len)
{
	struct transport *t = &p->transport;
	struct buf_in in = buf_in(bytes, len);
	struct rtp_packet packet;
	uint64_t index;
	uint32_t ssrc;
	uint16_t seq;
	int plain;

	buf_get(&in, 2);
	seq = buf_get_u16(&in);
	buf_get(&in, 4);
	ssrc = buf_get_u32(&in);
	if (!t->recv || in.bad)
		goto drop;
	index = replay_set_estimate(t->rtp_seen, ssrc, seq);
	if (replay_set_check(t->rtp_seen, ssrc, index) < 0)
		goto drop;
	plain = srtp_evp.unprotect(t->recv, bytes, len, index);
	if (plain < 0 || replay_set_commit(t->rtp_seen, ssrc, index) < 0 ||
	    rtp_parse(&packet, bytes, (size_t)plain) < 0)
		goto drop;
	t->last_in = mono_now();
	media_in_rtp(p, &packet, (size_t)plain, t->last_in);

	return;
drop:
	t->dropped++;
}

static void on_rtcp(struct peer *p, uint8_t *bytes, size_t len)
{
	struct transport *t = &p->transport;
	uint32_t index, ssrc;
	int plain;

	if (!t->recv || len < 12)
		goto drop;
	plain = srtp_evp.unprotect_rtcp(t->recv, bytes, len, &index);
	if (plain < 8)
		goto drop;
	ssrc = (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 |
	       (uint32_t)bytes[6] << 8 | bytes[7];
	if (replay_set_check(t->rtcp_seen, ssrc, index) < 0 ||
	    replay_set_commit(t->rtcp_seen, ssrc, index) < 0)
		goto drop;
	t->last_in = mono_now();
	rtcp_in(p, bytes, (size_t)plain, t->last_in);

	return;
drop:
	t->dropped++;
}

static void on_datagram(const uint8_t *bytes, size_t len, void *arg)
{
	struct peer *p = arg;
	uint8_t copy[ICE_DATAGRAM_MAX + SRTP_GROW];

	if (p->leaving)
		return;
	p->transport.packets_in++;
	p->transport.bytes_in += len;
	if (len == 0 || len > ICE_DATAGRAM_MAX) {
		p->transport.dropped++;
		return;
	}
	switch (packet_kind(bytes, len)) {
	case PACKET_DTLS:
		on_dtls(p, bytes, len);
		break;
	case PACKET_RTP:
		memcpy(copy, bytes, len);
		on_rtp(p, copy, len);
		break;
	case PACKET_RTCP:
		memcpy(copy, bytes, len);
		on_rtcp(p, copy, len);
		break;
	case PACKET_OTHER:
	case PACKET_STUN:
		p->transport.dropped++;
		break;
	}
}

size_t transport_send_rtp(struct peer *p, uint8_t *bytes, size_t len,
			  uint64_t index)
{
	struct transport *t = &p->transport;
	int n;

	if (!t->send)
		return 0;
	n = srtp_evp.protect(t->send, bytes, len, len + SRTP_GROW, index);
	if (n < 0 || ice_send(t->ice, bytes, (size_t)n) < 0)
		return 0;
	t->packets_out++;
	t->bytes_out += (size_t)n;

	return (size_t)n;
}

void transport_send_rtcp(struct peer *p, uint8_t *bytes, size_t len)
{
	struct transport *t = &p->transport;
	uint64_t index;
	int n;

	if (!t->send)
		return;
	index = escrow_take(&p->escrow.page->rtcp_index);
	n = srtp_evp.protect_rtcp(t->send, bytes, len, len + SRTP_GROW,
				  (uint32_t)(index & 0x7fffffff));
	if (n < 0 || ice_send(t->ice, bytes, (size_t)n) < 0)
		return;
	t->packets_out++;
	t->bytes_out += (size_t)n;
}

void transport_send_data(struct peer *p, const uint8_t *bytes, size_t len)
{
	struct transport *t = &p->transport;
	struct mono now = mono_now();

	if (!t->connected)
		return;
	if (dtls_send(t->dtls, bytes, len, now) < 0)
		t->dropped++;
	pump(p);
}

void transport_close(struct peer *p)
{
	struct transport *t = &p->transport;
	enum dtls_turn turn;
	struct dtls_out out;

	if (!t->connected)
		return;
	dtls_close(t->dtls, mono_now());
	while ((turn = dtls_poll(t->dtls, &out)) != DTLS_IDLE)
		if (turn == DTLS_DATAGRAM &&
		    ice_send(t->ice, out.bytes, out.len) < 0)
			break;
}

/* ICE */

static void on_ice_state(enum ice_state state, void *arg)
{
	struct peer *p = arg;

	if (p->leaving)
		return;
	p->transport.lost = state == ICE_LOST;
	if (state == ICE_UP) {
		p->transport.up = true;
		try_dtls(p);
	} else if (state == ICE_LOST) {
		log_info("ice: no pair answers");
	}
}

static void on_local_candidate(const char *line, void *arg)
{
	negotiate_local_candidate(arg, line);
}

static void on_gathered(void *arg)
{
	struct peer *p = arg;

	negotiate_gathered(p);
	peer_seal_soon(p);
}

static int open_ice(struct peer *p)
{
	const struct ice_config cfg = {
		.port = (uint16_t)p->port,
		/* libnice takes the role before it gathers, never later */
		.controlling = p->offers,
		.pacing_ms = PACING_MS,
	};
	const struct ice_ops ops = {
		.datagram = on_datagram, .state = on_ice_state,
		.candidate = on_local_candidate, .gathered = on_gathered,
		.arg = p,
	};

	return ice_new(&p->transport.ice, p->loop, &cfg, &ops);
}

int transport_open(struct peer *p)
{
	struct transport *t = &p->transport;
	int err;

	t->rtp_seen = malloc(sizeof(*t->rtp_seen));
	t->rtcp_seen = malloc(sizeof(*t->rtcp_seen));
	if (!t->rtp_seen || !t->rtcp_seen)
		return -ENOMEM;
	replay_set_init(t->rtp_seen);
	replay_set_init(t->rtcp_seen);
	err = dtls_identity_new(&t->identity);
	if (err < 0)
		return err;

	return open_ice(p);
}

void transport_fini(struct peer *p)
{
	struct transport *t = &p->transport;

	loop_untimer(&t->dtls_timer);
	ice_free(t->ice);
	dtls_free(t->dtls);
	dtls_identity_free(t->identity);
	srtp_evp.free(t->send);
	srtp_evp.free(t->recv);
	free(t->rtp_seen);
	free(t->rtcp_seen);
	free(t->early);
	*t = (struct transport){ 0 };
}

int transport_agree(struct peer *p)
{
	const struct sdp_session *s = &p->negotiation.agreed;
	struct ice_credentials remote;
	int err;

	snprintf(remote.ufrag, sizeof(remote.ufrag), "%s", s->remote_ufrag);
	snprintf(remote.password, sizeof(remote.password), "%s",
		 s->remote_pwd);
	err = ice_set_remote(p->transport.ice, &remote);
	if (err < 0)
		return err;
	p->transport.agreed = true;
	try_dtls(p);

	return 0;
}
