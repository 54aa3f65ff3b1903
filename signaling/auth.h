/*
 * auth.h - who a client is: JSON Web Tokens, and credentials for TURN
 *
 * One key and one algorithm: HS256 (WEBRTC_AUTH_SECRET) or ES256
 * (WEBRTC_AUTH_PUBLIC_KEY); `none`, another alg, jku, x5u and jwk are
 * refused or ignored (RFC 8725). Without a key nobody needs a token and every
 * client may do everything.
 *
 * Memory   auth_new() copies the keys, auth_free() wipes them.
 * Errors   Negative errno; *why is a constant text that a developer can act
 *          on and that never holds a part of the token.
 */
#ifndef SIGNALING_AUTH_H
#define SIGNALING_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "signaling/hub.h"
#include "signaling/text.h"

enum {
	AUTH_TOKEN_MAX = 4096,	/* bytes of a token */
	AUTH_SUBJECT_MAX = 128,
};

enum auth_perm {
	AUTH_PUBLISH = 1, AUTH_SUBSCRIBE = 2, AUTH_DATA = 4, AUTH_MANAGE = 8,
	AUTH_ALL = 15,
};

struct auth;
struct sig_options;

struct identity {
	bool known;		/* a token was accepted */
	char subject[AUTH_SUBJECT_MAX + 1];
	char peer[HUB_NAME_MAX + 1];	/* "": any */
	char session[HUB_SESSION_MAX + 1];	/* "": any */
	unsigned perms;		/* enum auth_perm or-ed */
	int64_t expires_ms;	/* since 1970, with the leeway that clocks
				   have; 0: never */
};

/* Reads keys from the options (before the sandbox). error: one line. */
int auth_new(struct auth **out, const struct sig_options *o, char *error,
	     size_t error_len) MUST_USE;
void auth_free(struct auth *a);

/* Whether clients need a token. NULL: not. */
bool auth_required(const struct auth *a);

/* Whether ?access_token= of a URL may carry one. NULL: not. */
bool auth_takes_query(const struct auth *a);

/* What a client without a token is: everything where none is needed. */
struct identity auth_nobody(const struct auth *a);

/* 0; -EACCES: not valid; -ETIME: expired or not valid yet; -EALREADY: a
 * single-use token seen before. *out is set only for 0. */
int auth_check(struct auth *a, const char *token, size_t len, int64_t wall_ms,
	       struct identity *out, const char **why) MUST_USE;


/*
 * The "ice_servers" value for this client: a JSON array, [] when there is
 * nothing to hand out. TURN credentials are time-limited (the REST form:
 * expiry:subject, without a token expiry:peer, HMAC-SHA1) and only for
 * whoever may call.
 */
void auth_ice_servers(const struct auth *a, const struct identity *who,
		      const char *peer, int64_t wall_ms, struct text *out);

#endif
