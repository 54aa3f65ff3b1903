/* negotiate.c - descriptions in, descriptions out */

#include "ice-worker/negotiate.h"

#include "common/clock.h"
#include "common/log.h"
#include "core/sdp/answer.h"
#include "core/sdp/offer.h"
#include "core/sdp/write.h"
#include "ice-worker/peer.h"
#include "ice-worker/trickle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;

	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "sha-256 AB:CD:..." to bytes. */
static int read_fingerprint(const char *text, uint8_t out[32])
{
	const char *at = strchr(text, ' ');

	for (int i = 0; at && i < 32; i++, at += 3) {
		int high = hex_value(at[1]);
		int low = high < 0 ? -1 : hex_value(at[2]);

		if (low < 0)
			return -EINVAL;
		out[i] = (uint8_t)(high << 4 | low);
	}

	return at ? 0 : -EINVAL;
}

int negotiate_open(struct peer *p)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
	struct negotiation *n = &p->negotiation;
	uint8_t random[CNAME_BYTES - 1];
	int err;

	sdp_session_init(&n->agreed);
	if ((err = random_bytes(random, sizeof(random))) < 0 ||
	    (err = random_bytes(&n->session_id, sizeof(n->session_id))) < 0 ||
	    (err = random_bytes(&n->audio_ssrc, sizeof(uint32_t))) < 0 ||
	    (err = random_bytes(&n->video_ssrc, sizeof(uint32_t))) < 0)
		return err;
	for (size_t i = 0; i < sizeof(random); i++)
		n->cname[i] = letters[random[i] & 31];
	n->session_id >>= 2;
	n->audio_ssrc |= 1;
	n->video_ssrc &= ~1u;
	n->video_ssrc |= 2;

	return read_fingerprint(
		dtls_identity_fingerprint(p->transport.identity),
		n->fingerprint);
}

void negotiate_fini(struct peer *p)
{
	for (unsigned i = 0; i < p->negotiation.early_count; i++)
		free(p->negotiation.early[i]);
	p->negotiation.early_count = 0;
}

void negotiate_refuse(struct peer *p, uint32_t why, const char *text)
{
	const struct msg_peer_refused m = { p->id, why, 0 };

	log_line(LOG_INFO, "refused", "why=%s text=\"%s\"",
		 call_why_name(why), text);
	(void)send_peer_refused(&p->wire, &m, text, strnlen(text, MSG_LOG),
				NULL);
}

static void refuse_sdp(struct peer *p, uint32_t why,
		       const struct sdp_error *error)
{
	char text[sizeof(error->text) + 24];

	if (error->line)
		snprintf(text, sizeof(text), "line %u: %s", error->line,
			 error->text);
	else
		snprintf(text, sizeof(text), "%s", error->text);
	negotiate_refuse(p, why, text);
}

/* What this side brings to a description. */
static struct sdp_local local_side(const struct peer *p)
{
	const struct negotiation *n = &p->negotiation;
	const struct ice_credentials *mine = ice_local(p->transport.ice);

	struct sdp_local local = {
		.session_id = n->session_id,
		.version = n->version,
		.ufrag = mine->ufrag,
		.pwd = mine->password,
		.cname = n->cname,
		.stream = "remotemedia",
		.audio_ssrc = n->audio_ssrc,
		.video_ssrc = n->video_ssrc,
		.kinds = SDP_AUDIO | SDP_VIDEO |
			 (p->data_allowed ? SDP_DATA : 0u),
		.sends = SDP_AUDIO | SDP_VIDEO,
		.candidates = n->local,
		.candidate_count = n->local_count,
		.gathering_done = n->gathered,
	};

	memcpy(local.fingerprint, n->fingerprint, sizeof(local.fingerprint));

	return local;
}

static int send_description(struct peer *p, const struct sdp_session *s,
			    enum description_kind kind)
{
	const struct msg_peer_local m = { p->id, kind, 0 };
	struct sdp_local local;
	char *text = malloc(SDP_TEXT + 1);
	int len;

	if (!text)
		return -ENOMEM;
	p->negotiation.version++;
	local = local_side(p);
	len = sdp_session_write(s, &local, text, SDP_TEXT + 1);
	if (len >= 0)
		len = send_peer_local(&p->wire, &m, text, (size_t)len, NULL);
	free(text);
	if (!len)
		p->negotiation.answered = true;
	if (!p->begun.us)
		p->begun = mono_now();

	return len;
}

/* The agreement is new: all parts follow it. */
static void apply(struct peer *p, const struct sdp *sdp)
{
	if (transport_agree(p) < 0) {
		peer_leave(p, WHY_BAD_SDP, "the credentials do not fit");
		return;
	}
	candidates_apply(p, sdp);
	media_in_agree(p);
	media_out_agree(p);
	data_agree(p);
	links_want(p);
	if (p->state == CALL_NEW)
		peer_set_state(p, CALL_CONNECTING);
}

/* Candidates that came before their description stay: candidates_apply() takes
 * those of the new generation and drops the others. */
static int restart_ice(struct peer *p)
{
	log_info("ice restart");

	return ice_restart(p->transport.ice);
}

static void supersede(struct peer *p, const char *text, size_t len)
{
	const struct msg_peer_superseded m = { p->id };

	log_info("the offer belongs to a new connection");
	(void)send_peer_superseded(&p->wire, &m, text, len, NULL);
}

/* An offer that holds; change says what becomes of the transport. */
static void answer(struct peer *p, const struct sdp *sdp,
		   const struct sdp_session *next, enum sdp_change change)
{
	struct negotiation *n = &p->negotiation;

	if (change == SDP_ICE_RESTART && restart_ice(p) < 0) {
		negotiate_refuse(p, WHY_BAD_SDP, "ICE cannot restart");
		return;
	}
	n->offering = false;
	n->agreed = *next;
	n->have_agreed = true;
	if (send_description(p, &n->agreed, DESCRIPTION_ANSWER) < 0)
		log_warn("the answer was not sent");
	apply(p, sdp);
}

/* An ICE-lite peer leaves the control to us, and an agent has its role from
 * birth: controlling when it was to make the first offer. */
static int check_role(const struct peer *p, const struct sdp *sdp,
		      struct sdp_error *error)
{
	if (p->offers || sdp->media_count == 0 || !sdp->media[0].ice_lite)
		return 0;
	*error = (struct sdp_error){
		.text = "a=ice-lite: such a peer can answer an offer of this "
			"server, it cannot begin",
	};

	return -ENOTSUP;
}

static void read_offer(struct peer *p, struct sdp *sdp,
		       struct sdp_session *next, const char *text, size_t len)
{
	const struct negotiation *n = &p->negotiation;
	const struct sdp_session *was = n->have_agreed ? &n->agreed : NULL;
	const struct sdp_local local = local_side(p);
	enum sdp_change change = SDP_SAME_TRANSPORT;
	struct sdp_error error = { 0 };

	if (sdp_parse(sdp, text, len, &error) < 0) {
		refuse_sdp(p, WHY_BAD_SDP, &error);
		return;
	}
	if (was)
		change = sdp_compare(was, sdp);
	if (change == SDP_NEW_CONNECTION)
		supersede(p, text, len);
	else if (check_role(p, sdp, &error) < 0 ||
		 sdp_answer(next, sdp, &local, was, &error) < 0)
		refuse_sdp(p, WHY_BAD_SDP, &error);
	else
		answer(p, sdp, next, change);
}

void negotiate_offer(struct peer *p, const char *text, size_t len)
{
	struct sdp *sdp = calloc(1, sizeof(*sdp));
	struct sdp_session *next = calloc(1, sizeof(*next));

	if (sdp && next)
		read_offer(p, sdp, next, text, len);
	else
		negotiate_refuse(p, WHY_RESOURCES, "out of memory");
	free(sdp);
	free(next);
}

void negotiate_answer(struct peer *p, const char *text, size_t len)
{
	struct negotiation *n = &p->negotiation;
	struct sdp *sdp;
	struct sdp_error error = { 0 };

	if (!n->offering) {
		negotiate_refuse(p, WHY_WRONG_STATE,
				 "an answer came without an offer");
		return;
	}
	sdp = calloc(1, sizeof(*sdp));
	if (!sdp) {
		negotiate_refuse(p, WHY_RESOURCES, "out of memory");
	} else if (sdp_parse(sdp, text, len, &error) < 0 ||
		   check_role(p, sdp, &error) < 0 ||
		   sdp_apply_answer(&n->offered, sdp, &error) < 0) {
		refuse_sdp(p, WHY_BAD_SDP, &error);
	} else {
		n->offering = false;
		n->agreed = n->offered;
		n->have_agreed = true;
		apply(p, sdp);
	}
	free(sdp);
}

void negotiate_wanted(struct peer *p, unsigned kinds)
{
	struct negotiation *n = &p->negotiation;
	const struct sdp_local local = local_side(p);
	struct sdp_error error = { 0 };

	if (sdp_offer(&n->offered, &local, kinds & local.kinds,
		      n->have_agreed ? &n->agreed : NULL, &error) < 0) {
		refuse_sdp(p, WHY_WRONG_STATE, &error);
		return;
	}
	n->offering = true;
	if (send_description(p, &n->offered, DESCRIPTION_OFFER) < 0)
		log_warn("the offer was not sent");
}

/* For the m-line that carries the call: the first may be rejected. */
static void send_trickle(struct peer *p, const char *line)
{
	const struct negotiation *n = &p->negotiation;
	const struct msg_peer_trickle m = { p->id };
	char text[MSG_CANDIDATE];
	int len = trickle_write(n->have_agreed ? &n->agreed : &n->offered,
				line, text, sizeof(text));

	if (len > 0)
		(void)send_peer_trickle(&p->wire, &m, text, (size_t)len, NULL);
}

void negotiate_local_candidate(struct peer *p, const char *line)
{
	struct negotiation *n = &p->negotiation;
	struct candidate *c = &n->local[n->local_count];
	const char *why;

	if (n->local_count == LOCAL_CANDIDATES ||
	    candidate_parse(c, line, strlen(line), &why) < 0)
		return;
	n->own[n->local_count] = c->addr;
	n->local_count++;
	p->policy.own = n->own;
	p->policy.owns = n->local_count;
	if (n->answered)
		send_trickle(p, line);
}

void negotiate_gathered(struct peer *p)
{
	p->negotiation.gathered = true;
	if (p->negotiation.answered)
		send_trickle(p, "");
}
