/*
 * jwt_evp.h - the signatures of tokens: HMAC and ECDSA by OpenSSL's EVP
 *
 * Memory   struct jwt_key owns key material; jwt_key_free() wipes it.
 * Errors   Negative errno; OpenSSL's own error queue is left empty.
 * Process  jwt_warm() and the keys are made before the sandbox; after that
 *          no file is opened.
 */
#ifndef PORT_JWT_EVP_H
#define PORT_JWT_EVP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum {
	JWT_SHA256 = 32, JWT_SHA1 = 20,
	JWT_ES256 = 64,		/* r and s, 32 bytes each (RFC 7518 3.4) */
};

struct jwt_key;

/* Fetches the algorithms. -EIO. */
int jwt_warm(void) MUST_USE;

/* HS256. The secret is copied. */
int jwt_key_secret(struct jwt_key **out, const void *secret, size_t len)
	MUST_USE;

/*
 * ES256: the public key of a PEM text (SubjectPublicKeyInfo).
 * -EBADMSG  no PEM public key
 * -EINVAL   a key, but not on P-256
 */
int jwt_key_public(struct jwt_key **out, const char *pem, size_t len)
	MUST_USE;

/* NULL is fine. */
void jwt_key_free(struct jwt_key *key);

/* "HS256" or "ES256": the one algorithm of this key (RFC 8725 3.1). */
const char *jwt_key_alg(const struct jwt_key *key);

/* 0; -EBADMSG: the signature is not of this key over these bytes. */
int jwt_verify(const struct jwt_key *key, const void *bytes, size_t len,
	       const uint8_t *signature, size_t signature_len) MUST_USE;

int jwt_hmac_sha1(const void *secret, size_t secret_len, const void *bytes,
		  size_t len, uint8_t out[JWT_SHA1]) MUST_USE;
int jwt_sha256(const void *bytes, size_t len, uint8_t out[JWT_SHA256])
	MUST_USE;

void jwt_wipe(void *at, size_t len);

#endif
