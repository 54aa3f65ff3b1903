/* answer.c - see answer.h */

#include "core/sdp/answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/sdp/match.h"

/* RFC 8829 5.2.2: m-lines are neither taken away nor turned into another
 * kind, but a rejected one may be used anew. */
static int check_against(const struct sdp *offer,
			 const struct sdp_session *was, struct sdp_error *err)
{
	if (offer->media_count < was->line_count)
		return sdp_fail(err, -EINVAL, 0, "the offer has %u m-lines, "
				"the call has %u", offer->media_count,
				was->line_count);
	for (unsigned i = 0; i < was->line_count; i++) {
		const struct sdp_line *l = &was->lines[i];
		const struct sdp_media *m = &offer->media[i];

		if (!l->accepted || !sdp_media_is_open(m))
			continue;
		if (strcmp(l->name, m->name) != 0)
			return sdp_fail(err, -EINVAL, m->line, "m-line %u was "
					"%s and is now %s", i, l->name,
					m->name);
		if (strcmp(l->mid, m->mid) != 0)
			return sdp_fail(err, -EINVAL, m->line, "m-line %u had "
					"the mid '%s' and has now '%s'", i,
					l->mid, m->mid);
	}

	return 0;
}

static void answer_line(struct sdp_session *s, unsigned i,
			const struct sdp_media *m,
			const struct sdp_local *local)
{
	struct sdp_line *line = &s->lines[i];

	sdp_match_identity(line, m);
	if (!sdp_media_is_open(m)) {
		sdp_match_reject(line, "the peer gave port 0");
		return;
	}
	if (m->kind == SDP_OTHER) {
		sdp_match_reject(line, "m=%s with %s is not supported",
				 m->name, m->protocol);
		return;
	}
	if (!(local->kinds & m->kind)) {
		sdp_match_reject(line, "%s is switched off here",
				 sdp_kind_name(m->kind));
		return;
	}
	if (!sdp_match_line(line, m, false))
		return;
	for (unsigned k = 0; k < i; k++)
		if (m->kind == SDP_DATA && s->lines[k].accepted &&
		    s->lines[k].kind == SDP_DATA)
			sdp_match_reject(line, "there is a data m-line "
					 "already");
}

/* All run over the transport of the first accepted m-line. */
static void bundle(struct sdp_session *s, const struct sdp *offer)
{
	int first = -1;

	for (unsigned i = 0; i < s->line_count; i++) {
		struct sdp_line *line = &s->lines[i];
		int8_t group = offer->media[i].group;

		if (!line->accepted)
			continue;
		if (first < 0)
			first = (int)i;
		else if (group < 0 || group != offer->media[first].group)
			sdp_match_reject(line, "it is not in the BUNDLE group "
					 "of the first m-line");
		if (line->accepted)
			line->bundled = group >= 0;
	}
}

static bool peer_sends(const struct sdp_session *s, const struct sdp *offer,
		       unsigned i, enum sdp_kind kind)
{
	return s->lines[i].accepted && s->lines[i].kind == kind &&
	       (offer->media[i].direction & SDP_SENDONLY);
}

static bool peer_hears(const struct sdp_session *s, const struct sdp *offer,
		       unsigned i, enum sdp_kind kind)
{
	return s->lines[i].accepted && s->lines[i].kind == kind &&
	       (offer->media[i].direction & SDP_RECVONLY);
}

/* A stream stays where it was in the running call if it can. */
static int choose_in(const struct sdp_session *s, const struct sdp *offer,
		     enum sdp_kind kind, int was)
{
	if (was >= 0 && peer_sends(s, offer, (unsigned)was, kind))
		return was;
	for (unsigned i = 0; i < s->line_count; i++)
		if (peer_sends(s, offer, i, kind))
			return (int)i;

	return -1;
}

static int choose_out(const struct sdp_session *s, const struct sdp *offer,
		      enum sdp_kind kind, int was)
{
	if (was >= 0 && peer_hears(s, offer, (unsigned)was, kind))
		return was;
	for (unsigned i = 0; i < s->line_count; i++)
		if (peer_hears(s, offer, i, kind) &&
		    offer->media[i].direction == SDP_RECVONLY)
			return (int)i;
	for (unsigned i = 0; i < s->line_count; i++)
		if (peer_hears(s, offer, i, kind))
			return (int)i;

	return -1;
}

static void direct(struct sdp_session *s, const struct sdp *offer,
		   const struct sdp_local *local, enum sdp_kind kind,
		   const struct sdp_session *was)
{
	bool audio = kind == SDP_AUDIO;
	int in = choose_in(s, offer, kind, !was ? -1 :
			   audio ? was->audio_in : was->video_in);
	int out = choose_out(s, offer, kind, !was ? -1 :
			     audio ? was->audio_out : was->video_out);

	if (in >= 0)
		s->lines[in].direction |= SDP_RECVONLY;
	if (out >= 0 && (local->sends & kind))
		s->lines[out].direction |= SDP_SENDONLY;
}

/* Who is the DTLS client (RFC 8842 section 5.3, RFC 4145 section 4.1). */
static int choose_setup(struct sdp_session *s, const struct sdp_media *m,
			const struct sdp_local *local, bool keep, bool active,
			struct sdp_error *err)
{
	switch (m->setup) {
	case SDP_ACTPASS:
		s->dtls_active = keep ? active : local->want_active;
		break;
	case SDP_PASSIVE:
		s->dtls_active = true;
		break;
	case SDP_SETUP_NONE:
	case SDP_ACTIVE:
		s->dtls_active = false;
		break;
	case SDP_HOLDCONN:
		return sdp_fail(err, -EINVAL, m->line,
				"a=setup:holdconn gives no connection");
	}
	if (keep && s->dtls_active != active)
		return sdp_fail(err, -EINVAL, m->line, "a=setup turns the "
				"roles of the running connection round");
	s->setup = s->dtls_active ? SDP_ACTIVE : SDP_PASSIVE;

	return 0;
}

static void take_data(struct sdp_session *s, const struct sdp *offer)
{
	if (s->data < 0)
		return;
	s->remote_sctp_port = offer->media[s->data].sctp_port;
	s->remote_max_message_size = offer->media[s->data].max_message_size;
}

/* A call whose m-lines are all closed keeps its transport for later ones. */
static void keep_transport(struct sdp_session *s,
			   const struct sdp_session *was)
{
	memcpy(s->remote_ufrag, was->remote_ufrag, sizeof(s->remote_ufrag));
	memcpy(s->remote_pwd, was->remote_pwd, sizeof(s->remote_pwd));
	memcpy(s->fingerprints, was->fingerprints, sizeof(s->fingerprints));
	s->fingerprint_count = was->fingerprint_count;
	s->remote_lite = was->remote_lite;
	s->remote_trickle = was->remote_trickle;
	s->dtls_active = was->dtls_active;
	s->setup = was->dtls_active ? SDP_ACTIVE : SDP_PASSIVE;
}

static int answer_transport(struct sdp_session *s, const struct sdp *offer,
			    const struct sdp_local *local,
			    const struct sdp_session *was,
			    struct sdp_error *err)
{
	bool keep = was && was->fingerprint_count &&
		    sdp_compare(was, offer) != SDP_NEW_CONNECTION;
	int code = sdp_take_transport(s, offer, err);

	if (code < 0)
		return code;

	return choose_setup(s, sdp_transport_media(offer, s->transport),
			    local, keep, keep && was->dtls_active, err);
}

/* Nothing fits: say what was wrong with the first m-line. */
static int refuse_all(const struct sdp_session *s, const struct sdp *offer,
		      struct sdp_error *err)
{
	if (s->line_count == 0)
		return sdp_fail(err, -EINVAL, 0, "the offer has no m-line");

	return sdp_fail(err, -ENOTSUP, offer->media[0].line,
			"no m-line can be accepted; the first: %s",
			s->lines[0].reason);
}

int sdp_answer(struct sdp_session *out, const struct sdp *offer,
	       const struct sdp_local *local, const struct sdp_session *was,
	       struct sdp_error *err)
{
	struct sdp_session s;
	int code = was ? check_against(offer, was, err) : 0;

	if (code < 0)
		return code;
	sdp_session_init(&s);
	s.line_count = offer->media_count;
	for (unsigned i = 0; i < s.line_count; i++)
		answer_line(&s, i, &offer->media[i], local);
	bundle(&s, offer);
	direct(&s, offer, local, SDP_AUDIO, was);
	direct(&s, offer, local, SDP_VIDEO, was);
	for (unsigned i = 0; i < s.line_count; i++)
		if (s.lines[i].accepted && s.lines[i].kind == SDP_DATA)
			s.lines[i].direction = SDP_SENDRECV;
	sdp_session_index(&s);
	if (s.accepted_count == 0 && (!was || s.line_count == 0))
		return refuse_all(&s, offer, err);
	if (s.accepted_count == 0)
		keep_transport(&s, was);
	else if ((code = answer_transport(&s, offer, local, was, err)) < 0)
		return code;
	take_data(&s, offer);
	*out = s;

	return 0;
}
