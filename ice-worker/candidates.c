/* candidates.c - the far end's candidates: kept, judged, used */

#include "common/log.h"
#include "ice-worker/peer.h"

#include <stdlib.h>
#include <string.h>

/* Judged already by its text: whom it names is what counts. */
static const char *use(struct peer *p, const struct candidate *c)
{
	char text[CANDIDATE_ADDR_TEXT];
	const char *why = "";
	const char *current = p->negotiation.agreed.remote_ufrag;

	/* of a generation before the last ICE restart */
	if (c->ufrag[0] && strcmp(c->ufrag, current) != 0)
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

static void take_text(struct peer *p, const char *line, size_t len)
{
	struct candidate c;
	const char *why;

	if (len == 0) {
		ice_end_remote(p->transport.ice);
		return;
	}
	if (candidate_parse(&c, line, len, &why) == 0)
		why = use(p, &c);
	if (why)
		negotiate_refuse(p, WHY_BAD_CANDIDATE, why);
}

static void keep(struct peer *p, const char *line, size_t len)
{
	struct negotiation *n = &p->negotiation;

	if (n->early_count == EARLY_CANDIDATES) {
		negotiate_refuse(p, WHY_BAD_CANDIDATE,
				 "too many candidates before a description");
		return;
	}
	n->early[n->early_count] = strndup(line, len);
	if (n->early[n->early_count])
		n->early_count++;
}

/* What follows the mid and the index. */
static const char *after_words(const char *text, size_t *len)
{
	const char *end = text + *len;

	for (int words = 0; words < 2; words++) {
		const char *space = memchr(text, ' ', (size_t)(end - text));

		if (!space)
			return NULL;
		text = space + 1;
	}
	*len = (size_t)(end - text);

	return text;
}

void negotiate_candidate(struct peer *p, const char *text, size_t len)
{
	const char *line = after_words(text, &len);

	if (!line)
		negotiate_refuse(p, WHY_BAD_CANDIDATE, "malformed");
	else if (!p->negotiation.have_agreed)
		keep(p, line, len);
	else
		take_text(p, line, len);
}

void candidates_apply(struct peer *p, const struct sdp *sdp)
{
	struct negotiation *n = &p->negotiation;
	unsigned early = n->early_count;

	for (unsigned i = 0; i < sdp->media_count; i++)
		for (unsigned k = 0; k < sdp->media[i].candidate_count; k++) {
			const char *why = use(p, &sdp->media[i].candidates[k]);

			if (why)
				negotiate_refuse(p, WHY_BAD_CANDIDATE, why);
		}
	n->early_count = 0;
	for (unsigned i = 0; i < early; i++) {
		char *line = n->early[i];

		take_text(p, line, strlen(line));
		free(line);
	}
	if (n->agreed.remote_end_of_candidates)
		ice_end_remote(p->transport.ice);
}
