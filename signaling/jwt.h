/*
 * jwt.h - a JSON Web Token in compact form: who signed it, what it says
 *
 * RFC 7515, 7519 and the advice of RFC 8725: three parts, base64url without
 * padding and in its one right form, `alg` equal to the key's one algorithm,
 * `crit` refused, `kid`, `jku`, `x5u`, `x5c` and `jwk` without effect. The
 * signature is checked before the claims are read.
 *
 * Units    Seconds since 1970, as the claims have them.
 * Errors   Negative errno; *why is a constant text for a developer.
 * Process  Pure but for the JSON and crypto libraries; the time is an
 *          argument.
 */
#ifndef SIGNALING_JWT_H
#define SIGNALING_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "port/jwt_evp.h"
#include "signaling/auth.h"

enum {
	JWT_LIFE_S = 3600,	/* exp may be so far ahead at most */
	JWT_LEEWAY_S = 60,	/* clocks differ */
	JWT_ID_MAX = 256,	/* bytes of jti */
};

struct jwt_rules {
	const struct jwt_key *key;
	const char *issuer, *audience;	/* NULL: not compared */
	bool id_needed;		/* jti must be there */
	int64_t now_s;
};

struct jwt_claims {
	struct identity who;
	int64_t exp_s;
	char id[JWT_ID_MAX + 1];	/* jti, "" when absent */
	size_t id_len;
};

/*
 * -EACCES   not a token, not signed by the key, or not for us
 * -ETIME    expired, or not valid yet
 * -ENOMEM
 */
int jwt_read(struct jwt_claims *out, const struct jwt_rules *rules,
	     const char *token, size_t len, const char **why) MUST_USE;

/* Bytes, or -EINVAL: another alphabet, padding, bits that must be zero, or
 * more than room. */
int base64url_decode(uint8_t *out, size_t room, const char *text,
		     size_t len) MUST_USE;

#endif
