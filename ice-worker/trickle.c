/* trickle.c - see trickle.h */

#include "ice-worker/trickle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The next word and the space behind it; NULL: there is none. */
static const char *take_word(const char **at, const char *end, size_t *len)
{
	const char *word = *at;
	const char *space = memchr(word, ' ', (size_t)(end - word));

	if (!space || space == word)
		return NULL;
	*len = (size_t)(space - word);
	*at = space + 1;

	return word;
}

static int read_index(const char *word, size_t len)
{
	int index = 0;

	if (len > 5)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (word[i] < '0' || word[i] > '9')
			return -1;
		index = index * 10 + (word[i] - '0');
	}

	return index;
}

int trickle_read(struct trickle *out, const char *text, size_t len)
{
	const char *end = text + len, *word;
	size_t n;

	*out = (struct trickle){ .index = -1 };
	word = take_word(&text, end, &n);
	if (!word)
		return -EINVAL;
	if (n <= SDP_MID && !(n == 1 && *word == '-'))
		memcpy(out->mid, word, n);
	word = take_word(&text, end, &n);
	if (!word)
		return -EINVAL;
	out->index = read_index(word, n);
	out->line = text;
	out->len = (size_t)(end - text);

	return 0;
}

int trickle_write(const struct sdp_session *s, const char *line, char *out,
		  size_t cap)
{
	int at = s->transport < 0 ? 0 : s->transport;
	const char *mid = s->lines[at].mid;
	int len = snprintf(out, cap, "%s %d %s", mid[0] ? mid : "-", at, line);

	return len < 0 || (size_t)len >= cap ? -ENOSPC : len;
}

/* The m-line it names; -1 none that is known. */
static int line_of(const struct sdp_session *s, const struct trickle *t)
{
	for (unsigned i = 0; t->mid[0] && i < s->line_count; i++)
		if (!strcmp(s->lines[i].mid, t->mid))
			return (int)i;

	return t->index < (int)s->line_count ? t->index : -1;
}

bool trickle_fits(const struct sdp_session *s, const struct trickle *t,
		  const char *ufrag)
{
	int index = line_of(s, t);

	if (s->transport < 0 || index < 0 || index == s->transport)
		return true;

	return !s->lines[index].accepted && !strcmp(ufrag, s->remote_ufrag);
}

bool trickle_line_fits(const struct sdp_session *s, const struct sdp *sdp,
		       unsigned index)
{
	const struct sdp_media *m = &sdp->media[index];

	if (strcmp(m->ufrag, s->remote_ufrag) != 0 ||
	    strcmp(m->pwd, s->remote_pwd) != 0)
		return false;
	/* A bundle-only m-line takes the candidates of its group. */
	return s->transport < 0 || (int)index == s->transport ||
	       (unsigned)s->transport >= sdp->media_count ||
	       sdp->media[s->transport].candidate_count == 0;
}

bool trickle_is_foreign(const struct sdp_session *s, const struct candidate *c)
{
	return c->ufrag[0] && strcmp(c->ufrag, s->remote_ufrag) != 0;
}
