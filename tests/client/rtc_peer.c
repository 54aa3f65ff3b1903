/* rtc_peer.c - signaling and transport of a test peer; media in rtc_media.c */
#include "tests/client/rtc_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "core/sctp/dcep.h"
#include "core/sdp/offer.h"
#include "core/sdp/write.h"
#include "tests/client/rtc_inside.h"

#define SERVER "remotemedia-server"

enum { ID_ANNOUNCE = 1, ID_OFFER = 2, SCTP_TICK_US = 10000 };

void rtc_reach(struct rtc_peer *p, enum rtc_state state, struct mono now)
{
	if (p->state == RTC_FAILED || state <= p->state)
		return;
	p->state = state;
	p->stats.at[state] = now;
	if (p->ops.state)
		p->ops.state(p, state, now, p->ops.arg);
}

void rtc_fail(struct rtc_peer *p, const char *why, struct mono now)
{
	if (p->state == RTC_FAILED)
		return;
	snprintf(p->reason, sizeof(p->reason), "%s", why);
	rtc_media_stop(p);
	rtc_reach(p, RTC_FAILED, now);
}

/* ---- data ---- */

/* usrsctp has one clock for all associations of a process. */
static struct {
	struct timer timer;
	struct mono last;
	unsigned users;
	bool started;
} sctp_clock;

static int sctp_start(void)
{
	int err = sctp_clock.started ? 0 : assoc_start();

	sctp_clock.started = !err;

	return err;
}

static void on_sctp_clock(struct mono now, void *arg)
{
	struct loop *loop = arg;

	assoc_tick((uint32_t)(mono_since(now, sctp_clock.last) / 1000));
	sctp_clock.last = now;
	loop_timer(loop, &sctp_clock.timer, mono_add(now, SCTP_TICK_US),
		   on_sctp_clock, loop);
}

static void sctp_clock_use(struct loop *loop)
{
	if (sctp_clock.users++)
		return;
	sctp_clock.last = mono_now();
	loop_timer(loop, &sctp_clock.timer,
		   mono_add(sctp_clock.last, SCTP_TICK_US), on_sctp_clock,
		   loop);
}

static void sctp_clock_drop(void)
{
	if (!--sctp_clock.users)
		loop_untimer(&sctp_clock.timer);
}

static void pump(struct rtc_peer *p, struct mono now);

static void on_sctp_packet(const uint8_t *bytes, size_t len, void *arg)
{
	struct rtc_peer *p = arg;

	if (p->sctp_tap)
		p->sctp_tap(p, bytes, len, p->sctp_tap_arg);
	/* A lost packet is sent again by SCTP. */
	(void)!dtls_send(p->dtls, bytes, len, mono_now());
	pump(p, mono_now());
}

static void open_channel(struct rtc_peer *p, struct mono now)
{
	const struct assoc_send how = { .ppid = PPID_DCEP };
	struct dcep open = { .type = DCEP_OPEN, .label = (const uint8_t *)"t",
			     .label_len = 1 };
	uint8_t bytes[DCEP_OPEN_MAX];
	int n = dcep_write(&open, bytes, sizeof(bytes));

	if (n < 0 || assoc_send(p->assoc, &how, bytes, (size_t)n) < 0)
		rtc_fail(p, "no data channel", now);
}

static void read_assoc(struct rtc_peer *p, struct mono now)
{
	struct assoc_message m;
	enum assoc_event event;

	while (p->state != RTC_FAILED &&
	       (event = assoc_read(p->assoc, &m)) != ASSOC_NOTHING) {
		if (event == ASSOC_UP)
			open_channel(p, now);
		if (event == ASSOC_DOWN)
			rtc_fail(p, "the SCTP association ended", now);
		if (event != ASSOC_MESSAGE)
			continue;
		if (m.ppid == PPID_DCEP) {
			rtc_reach(p, RTC_DATA_UP, now);
			continue;
		}
		p->stats.messages++;
		if (p->ops.data)
			p->ops.data(p, m.bytes, m.len, now, p->ops.arg);
	}
}

static void start_data(struct rtc_peer *p, struct mono now)
{
	if (!(p->agreed.kinds & SDP_DATA))
		return;
	if (assoc_new(&p->assoc, p->agreed.remote_sctp_port, on_sctp_packet,
		      p) < 0 || assoc_connect(p->assoc) < 0) {
		rtc_fail(p, "no SCTP association", now);
		return;
	}
	sctp_clock_use(p->loop);
}

int rtc_peer_say(struct rtc_peer *p, const void *bytes, size_t len)
{
	const struct assoc_send how = { .ppid = PPID_TEXT };

	if (p->state != RTC_DATA_UP)
		return -ENOTCONN;

	return assoc_send(p->assoc, &how, bytes, len);
}

/* ---- DTLS ---- */

static void on_keys(struct rtc_peer *p, struct dtls_keys *keys,
		    struct mono now)
{
	int err = -EPROTO;

	if (keys->profile)
		err = srtp_evp.new(&p->srtp_out, keys->profile, SRTP_SEND,
				   keys->local);
	if (!err)
		err = srtp_evp.new(&p->srtp_in, keys->profile, SRTP_RECV,
				   keys->remote);
	explicit_bzero(keys, sizeof(*keys));
	if (err && p->agreed.kinds & (SDP_AUDIO | SDP_VIDEO)) {
		rtc_fail(p, "no SRTP keys", now);
		return;
	}
	rtc_reach(p, RTC_CONNECTED, now);
	if (rtc_media_start(p, now) < 0)
		rtc_fail(p, "no memory for media", now);
	start_data(p, now);
}

static void on_dtls_timer(struct mono now, void *arg)
{
	struct rtc_peer *p = arg;

	dtls_tick(p->dtls, now);
	pump(p, now);
}

static void on_turn(struct rtc_peer *p, enum dtls_turn turn,
		    struct dtls_out *out, struct mono now)
{
	switch (turn) {
	case DTLS_DATAGRAM:
		(void)!agent_send(p->agent, out->bytes, out->len);
		break;
	case DTLS_CONNECTED:
		on_keys(p, &out->keys, now);
		break;
	case DTLS_DATA:
		if (p->assoc && !p->sctp_deaf)
			assoc_recv(p->assoc, out->bytes, out->len);
		if (p->assoc && !p->data_unread)
			read_assoc(p, now);
		break;
	case DTLS_CLOSED:
		rtc_fail(p, "the server closed DTLS", now);
		break;
	case DTLS_FAILED:
		rtc_fail(p, out->reason, now);
		break;
	case DTLS_IDLE:
		break;
	}
}

static void pump(struct rtc_peer *p, struct mono now)
{
	enum dtls_turn turn;
	struct dtls_out out;

	/* What a turn leads to may send: the outer round takes it along. */
	if (p->pumping)
		return;
	p->pumping = true;
	while ((turn = dtls_poll(p->dtls, &out)) != DTLS_IDLE)
		on_turn(p, turn, &out, now);
	p->pumping = false;
	loop_timer(p->loop, &p->dtls_timer, dtls_due(p->dtls, now),
		   on_dtls_timer, p);
}

static void fingerprint_text(const struct sdp_fingerprint *f, char *out)
{
	static const char *const names[] = { "sha-256", "sha-384", "sha-512" };
	int at = sprintf(out, "%s ", names[f->hash]);

	for (unsigned i = 0; i < f->len; i++)
		at += sprintf(out + at, i ? ":%02X" : "%02X", f->bytes[i]);
}

static void start_dtls(struct rtc_peer *p, struct mono now)
{
	char texts[SDP_FINGERPRINTS][256];
	struct dtls_cfg cfg = {
		.role = p->agreed.dtls_active ? DTLS_CLIENT : DTLS_SERVER,
		.identity = p->identity,
		.only = p->only,
	};

	for (unsigned i = 0; i < p->agreed.fingerprint_count; i++) {
		if (p->agreed.fingerprints[i].hash >= SDP_HASH_OTHER)
			continue;
		fingerprint_text(&p->agreed.fingerprints[i], texts[i]);
		cfg.fingerprints[cfg.fingerprint_count++] = texts[i];
	}
	if (dtls_new(&p->dtls, &cfg, now) < 0)
		rtc_fail(p, "DTLS does not start", now);
	else
		pump(p, now);
}

/* ---- ICE ---- */

static void on_up(struct mono now, void *arg)
{
	struct rtc_peer *p = arg;

	rtc_reach(p, RTC_ICE_UP, now);
	start_dtls(p, now);
}

static void on_datagram(uint8_t *bytes, size_t len, struct mono now,
			void *arg)
{
	struct rtc_peer *p = arg;

	if (p->state == RTC_FAILED)
		return;
	switch (packet_kind(bytes, len)) {
	case PACKET_DTLS:
		if (!p->dtls)
			break;
		dtls_recv(p->dtls, bytes, len, now);
		pump(p, now);
		break;
	case PACKET_RTP:
		rtc_media_rtp(p, bytes, len, now);
		break;
	case PACKET_RTCP:
		rtc_media_rtcp(p, bytes, len, now);
		break;
	case PACKET_OTHER:
	case PACKET_STUN:
		break;
	}
}

/* ---- offer and answer ---- */

static int read_hex(const char *text, uint8_t out[32])
{
	const char *at = strchr(text, ' ');

	for (int i = 0; at && i < 32; i++, at += 3) {
		unsigned v;

		if (sscanf(at + 1, "%2x", &v) != 1)
			return -EINVAL;
		out[i] = (uint8_t)v;
	}

	return at ? 0 : -EINVAL;
}

static struct sdp_local local_side(const struct rtc_peer *p)
{
	struct sdp_local local = {
		.session_id = 1,
		.version = 1,
		.ufrag = agent_ufrag(p->agent),
		.pwd = agent_password(p->agent),
		.cname = "testpeer",
		.stream = "testpeer",
		.audio_ssrc = p->media.ssrc[RTC_AUDIO],
		.video_ssrc = p->media.ssrc[RTC_VIDEO],
		.kinds = p->kinds,
		.sends = p->kinds & (SDP_AUDIO | SDP_VIDEO),
		.candidates = agent_candidate(p->agent),
		.candidate_count = 1,
		.gathering_done = true,
	};

	return local;
}

static int offer_text(struct rtc_peer *p, char *text)
{
	struct sdp_local local = local_side(p);
	struct sdp_error error;
	int err = read_hex(dtls_identity_fingerprint(p->identity),
			   local.fingerprint);

	if (!err)
		err = sdp_offer(&p->agreed, &local, p->kinds, NULL, &error);
	if (!err)
		err = sdp_session_write(&p->agreed, &local, text,
					SDP_TEXT + 1);

	return err;
}

static void send_offer(struct rtc_peer *p, struct mono now)
{
	char *text = malloc(SDP_TEXT + 1), *quoted = NULL, *members = NULL;

	if (text && offer_text(p, text) > 0)
		quoted = rpc_quote(text);
	if (quoted && asprintf(&members, "\"to_peer_id\":\"" SERVER "\","
			       "\"type\":\"offer\",\"sdp\":%s", quoted) < 0)
		members = NULL;
	if (!members || rpc_call(p->rpc, ID_OFFER, "offer", members) < 0)
		rtc_fail(p, "no offer", now);
	else
		rtc_reach(p, RTC_OFFERED, now);
	free(text);
	free(quoted);
	free(members);
}

static void on_answer(struct rtc_peer *p, const char *text, size_t len,
		      struct mono now)
{
	struct sdp *sdp = malloc(sizeof(*sdp));
	struct sdp_error error = { 0, "no memory" };

	if (!sdp || sdp_parse(sdp, text, len, &error) < 0 ||
	    sdp_apply_answer(&p->agreed, sdp, &error) < 0) {
		rtc_fail(p, error.text, now);
		free(sdp);
		return;
	}
	rtc_reach(p, RTC_ANSWERED, now);
	if (agent_set_remote(p->agent, p->agreed.remote_ufrag,
			     p->agreed.remote_pwd, now) < 0)
		rtc_fail(p, "odd credentials", now);
	for (unsigned i = 0; i < sdp->candidates_used; i++)
		agent_add_remote(p->agent, &sdp->candidates[i], now);
	free(sdp);
}

static void on_candidate(struct rtc_peer *p, const struct js *params,
			 struct mono now)
{
	struct candidate c;
	size_t len;
	const char *line = js_string(js_get(params, "candidate"), &len);

	if (line && len && !candidate_parse(&c, line, len, NULL))
		agent_add_remote(p->agent, &c, now);
}

/* ---- signaling ---- */

static void on_open(struct mono now, void *arg)
{
	struct rtc_peer *p = arg;
	char members[256];

	snprintf(members, sizeof(members),
		 "\"peer_id\":\"%s\",\"capabilities\":{\"audio\":true,"
		 "\"video\":true,\"data\":true}", p->name);
	if (rpc_call(p->rpc, ID_ANNOUNCE, "announce", members) < 0)
		rtc_fail(p, "no announce", now);
}

static void on_note(struct rtc_peer *p, const char *method,
		    const struct js *params, struct mono now)
{
	size_t len;
	const char *text;

	if (!strcmp(method, "answer")) {
		text = js_string(js_get(params, "sdp"), &len);
		if (text)
			on_answer(p, text, len, now);
	} else if (!strcmp(method, "ice_candidate")) {
		on_candidate(p, params, now);
	}
}

static void on_message(const struct js *root, struct mono now, void *arg)
{
	const struct js *error = js_get(root, "error");
	size_t len;
	const char *method = js_string(js_get(root, "method"), &len);
	struct rtc_peer *p = arg;
	int64_t id = 0;

	if (p->state == RTC_FAILED)
		return;
	if (error) {
		const char *text = js_string(js_get(error, "message"), &len);

		rtc_fail(p, text ? text : "an error without a text", now);
	} else if (method) {
		on_note(p, method, js_get(root, "params"), now);
	} else if (js_int(js_get(root, "id"), &id) && id == ID_ANNOUNCE) {
		send_offer(p, now);
	}
}

static void on_closed(const char *why, void *arg)
{
	struct rtc_peer *p = arg;

	/* Signaling may go: a call that is connected does not need it. */
	if (p->state < RTC_CONNECTED)
		rtc_fail(p, why, mono_now());
}

/* ---- life ---- */

static void take_cfg(struct rtc_peer *p, const struct rtc_cfg *cfg)
{
	snprintf(p->name, sizeof(p->name), "%s", cfg->name);
	p->only = cfg->only;
	p->media.track[RTC_AUDIO] = cfg->audio;
	p->media.track[RTC_VIDEO] = cfg->video;
	p->kinds = (cfg->audio ? SDP_AUDIO : 0u) |
		   (cfg->video ? SDP_VIDEO : 0u) | (cfg->data ? SDP_DATA : 0u);
	p->dtls_timer.due = MONO_NEVER;
}

int rtc_peer_new(struct rtc_peer **out, struct loop *loop,
		 const struct rtc_cfg *cfg, const struct rtc_ops *ops)
{
	struct rtc_peer *p = calloc(1, sizeof(*p));
	struct agent_ops agent_ops = { on_up, on_datagram, p };
	struct rpc_ops rpc_ops = { on_open, on_message, on_closed, p };
	const struct rpc_to to = { cfg->ip, cfg->port, cfg->from };
	int err;

	if (!p)
		return -ENOMEM;
	p->ops = *ops;
	p->loop = loop;
	take_cfg(p, cfg);
	err = cfg->data ? sctp_start() : 0;
	if (!err)
		err = rtc_media_init(p);
	if (!err)
		err = dtls_identity_new(&p->identity);
	if (!err)
		err = agent_new(&p->agent, loop, &agent_ops);
	if (!err)
		err = rpc_new(&p->rpc, loop, &to, &rpc_ops);
	if (err) {
		rtc_peer_free(p);
		return err;
	}
	p->stats.at[RTC_DIALING] = mono_now();
	*out = p;

	return 0;
}

void rtc_peer_free(struct rtc_peer *p)
{
	if (!p)
		return;
	rtc_media_stop(p);
	if (p->assoc) {
		assoc_free(p->assoc);
		sctp_clock_drop();
	}
	if (p->dtls) {
		dtls_close(p->dtls, mono_now());
		pump(p, mono_now());
	}
	loop_untimer(&p->dtls_timer);
	dtls_free(p->dtls);
	agent_free(p->agent);
	rpc_free(p->rpc);
	dtls_identity_free(p->identity);
	srtp_evp.free(p->srtp_in);
	srtp_evp.free(p->srtp_out);
	rtc_media_fini(p);
	free(p);
}

enum rtc_state rtc_peer_state(const struct rtc_peer *p)
{
	return p->state;
}

const char *rtc_peer_reason(const struct rtc_peer *p)
{
	return p->reason;
}

void rtc_peer_stats(const struct rtc_peer *p, struct rtc_stats *out)
{
	*out = p->stats;
}

void rtc_peer_reset_flow(struct rtc_peer *p)
{
	for (int k = 0; k < RTC_KINDS; k++) {
		p->stats.flow[k] = (struct rtc_flow){ 0 };
		p->media.in[k].base_set = false;
		p->media.in[k].last_seq_set = false;
	}
}
