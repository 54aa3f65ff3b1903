/*
 * dtls_identity.h - keys, certificates and fingerprints, inside of port/dtls*
 *
 * OpenSSL's types appear by their tags only.
 */
#ifndef PORT_DTLS_IDENTITY_H
#define PORT_DTLS_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "port/dtls.h"

struct evp_md_st;
struct evp_pkey_st;
struct x509_st;

struct dtls_identity {
	struct evp_pkey_st *key;
	struct x509_st *cert;
	char fingerprint[DTLS_FINGERPRINT_TEXT];
};

struct dtls_fingerprint {
	const struct evp_md_st *md;
	uint8_t bytes[64];
	unsigned len;
};

bool dtls_fingerprint_parse(const char *text, struct dtls_fingerprint *out);

/* In constant time. */
bool dtls_fingerprint_matches(const struct dtls_fingerprint *f,
			      const struct x509_st *cert);

/* What all associations of a process share is made. Idempotent. */
int dtls_share(void) MUST_USE;

#endif
