/* auth.c - who a client is */

#include "signaling/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "signaling/options.h"

struct auth {
	bool required;
};

int auth_new(struct auth **out, const struct sig_options *o, char *error,
	     size_t error_len)
{
	struct auth *a;

	if (o->auth_secret || o->auth_public_key) {
		snprintf(error, error_len, "signaling: tokens: no verifier");
		return -ENOSYS;
	}
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	*out = a;

	return 0;
}

void auth_free(struct auth *a)
{
	free(a);
}

bool auth_required(const struct auth *a)
{
	return a && a->required;
}

struct identity auth_nobody(const struct auth *a)
{
	return (struct identity){ .perms = auth_required(a) ? 0 : AUTH_ALL };
}

int auth_check(struct auth *a, const char *token, size_t len, int64_t wall_ms,
	       struct identity *out, const char **why)
{
	(void)token;
	(void)len;
	(void)wall_ms;
	(void)out;
	*why = "this server has no key for tokens: send none";

	return auth_required(a) ? -EACCES : -EACCES;
}

void auth_ice_servers(const struct auth *a, const struct identity *who,
		      const char *peer, int64_t wall_ms, struct text *out)
{
	(void)a;
	(void)who;
	(void)peer;
	(void)wall_ms;
	text_puts(out, "[]");
}
