/* candidates.c - the far end's candidates: kept, judged, used */

#include "common/log.h"
#include "ice-worker/peer.h"
#include "ice-worker/trickle.h"

#include <stdlib.h>
#include <string.h>

/* Judged already by its text: whom it names is what counts. */
static const char *use(struct peer *p, const struct candidate *c)
{
	char text[CANDIDATE_ADDR_TEXT];
	const char *why = "";

	/* of a generation before the last ICE restart */
	if (trickle_is_foreign(&p->negotiation.agreed, c))
		return NULL;
	switch (candidate_judge(c, &p->policy, &why)) {
	case CANDIDATE_IGNORE:
		return NULL;
	case CANDIDATE_REFUSE:
		return why;
	case CANDIDATE_TAKE:
		break;
	}
	if (ice_add_remote(p->transport.ice, addr_write(&c->addr, text),
			   c->port, c->priority, c->foundation) < 0)
		log_debug("one candidate is not used");

	return NULL;
}

static void keep(struct peer *p, const char *text, size_t len)
{
	struct negotiation *n = &p->negotiation;

	n->early[n->early_count] = strndup(text, len);
	if (n->early[n->early_count])
		n->early_count++;
}

static void keep_before_all(struct peer *p, const char *text, size_t len)
{
	if (p->negotiation.early_count == EARLY_CANDIDATES)
		negotiate_refuse(p, WHY_BAD_CANDIDATE,
				 "too many candidates before a description");
	else
		keep(p, text, len);
}

/* It may belong to a restart whose description is on its way. Late ones of
 * the last generation look the same: the oldest make room. */
static void keep_foreign(struct peer *p, const char *text, size_t len)
{
	struct negotiation *n = &p->negotiation;

	if (n->early_count == EARLY_CANDIDATES) {
		free(n->early[0]);
		n->early_count--;
		memmove(n->early, n->early + 1,
			n->early_count * sizeof(*n->early));
	}
	keep(p, text, len);
}

/* The far end names no more for this m-line. */
static void take_end(struct peer *p, const struct trickle *t)
{
	if (trickle_fits(&p->negotiation.agreed, t, ""))
		ice_end_remote(p->transport.ice);
}

/* keeps: what is of another generation stays for the next description. */
static void take_text(struct peer *p, const char *text, size_t len, bool keeps)
{
	const struct sdp_session *s = &p->negotiation.agreed;
	const char *why = "malformed";
	struct candidate c;
	struct trickle t;

	if (trickle_read(&t, text, len) < 0) {
		negotiate_refuse(p, WHY_BAD_CANDIDATE, why);
		return;
	}
	if (t.len == 0) {
		take_end(p, &t);
		return;
	}
	if (candidate_parse(&c, t.line, t.len, &why) == 0) {
		why = NULL;
		if (keeps && trickle_is_foreign(s, &c))
			keep_foreign(p, text, len);
		else if (trickle_fits(s, &t, c.ufrag))
			why = use(p, &c);
	}
	if (why)
		negotiate_refuse(p, WHY_BAD_CANDIDATE, why);
}

void negotiate_candidate(struct peer *p, const char *text, size_t len)
{
	struct trickle t;

	if (trickle_read(&t, text, len) < 0)
		negotiate_refuse(p, WHY_BAD_CANDIDATE, "malformed");
	else if (!p->negotiation.have_agreed)
		keep_before_all(p, text, len);
	else
		take_text(p, text, len, true);
}

static void take_line(struct peer *p, const struct sdp_media *m)
{
	for (unsigned i = 0; i < m->candidate_count; i++) {
		const char *why = use(p, &m->candidates[i]);

		if (why)
			negotiate_refuse(p, WHY_BAD_CANDIDATE, why);
	}
}

void candidates_apply(struct peer *p, const struct sdp *sdp)
{
	struct negotiation *n = &p->negotiation;
	unsigned early = n->early_count;

	for (unsigned i = 0; i < sdp->media_count; i++)
		if (trickle_line_fits(&n->agreed, sdp, i))
			take_line(p, &sdp->media[i]);
	n->early_count = 0;
	for (unsigned i = 0; i < early; i++) {
		char *text = n->early[i];

		take_text(p, text, strlen(text), false);
		free(text);
	}
	if (n->agreed.remote_end_of_candidates)
		ice_end_remote(p->transport.ice);
}
