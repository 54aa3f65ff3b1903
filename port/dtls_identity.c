#include "port/dtls_identity.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

enum { CERTIFICATE_DAYS = 30 };

static const EVP_MD *digest_of(const char *name, size_t len)
{
	if (len != 7)
		return NULL;
	if (!strncasecmp(name, "sha-256", len))
		return EVP_sha256();
	if (!strncasecmp(name, "sha-384", len))
		return EVP_sha384();
	if (!strncasecmp(name, "sha-512", len))
		return EVP_sha512();

	return NULL;
}

static int nibble(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool dtls_fingerprint_parse(const char *text, struct dtls_fingerprint *out)
{
	size_t name = strcspn(text, " ");
	const char *p = text + name;
	int high, low;

	out->md = digest_of(text, name);
	if (!out->md || *p != ' ')
		return false;
	p++;
	out->len = (unsigned)EVP_MD_get_size(out->md);
	for (unsigned i = 0; i < out->len; i++, p += 2) {
		if (i && *p++ != ':')
			return false;
		high = nibble(p[0]);
		low = high < 0 ? -1 : nibble(p[1]);
		if (high < 0 || low < 0)
			return false;
		out->bytes[i] = (uint8_t)(high << 4 | low);
	}

	return !*p;
}

bool dtls_fingerprint_ok(const char *text)
{
	struct dtls_fingerprint f;

	return text && dtls_fingerprint_parse(text, &f);
}

bool dtls_fingerprint_matches(const struct dtls_fingerprint *f,
			      const X509 *cert)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len;

	return X509_digest(cert, f->md, digest, &len) && len == f->len &&
	       CRYPTO_memcmp(digest, f->bytes, len) == 0;
}

static bool sign_own(X509 *cert, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(cert);
	long span = CERTIFICATE_DAYS * 86400L;
	uint64_t serial;

	return RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert),
				       serial >> 1 | 1) == 1 &&
	       X509_set_version(cert, 2) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -86400) &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), span) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const unsigned char *)"WebRTC", -1,
					  -1, 0) == 1 &&
	       X509_set_issuer_name(cert, name) == 1 &&
	       X509_set_pubkey(cert, key) == 1 &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

static bool say_fingerprint(struct dtls_identity *id)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	char *at = id->fingerprint;
	unsigned len;

	if (!X509_digest(id->cert, EVP_sha256(), digest, &len))
		return false;
	at += sprintf(at, "sha-256 ");
	for (unsigned i = 0; i < len; i++)
		at += sprintf(at, i ? ":%02X" : "%02X", digest[i]);

	return true;
}

int dtls_identity_new(struct dtls_identity **out)
{
	struct dtls_identity *id;
	int err = dtls_share();

	if (err)
		return err;
	id = calloc(1, sizeof(*id));
	if (!id)
		return -ENOMEM;
	ERR_clear_error();
	id->key = EVP_EC_gen("P-256");
	id->cert = X509_new();
	if (!id->key || !id->cert || !sign_own(id->cert, id->key) ||
	    !say_fingerprint(id)) {
		ERR_clear_error();
		dtls_identity_free(id);
		return -EIO;
	}
	*out = id;

	return 0;
}

void dtls_identity_free(struct dtls_identity *id)
{
	if (!id)
		return;
	EVP_PKEY_free(id->key);
	X509_free(id->cert);
	free(id);
}

const char *dtls_identity_fingerprint(const struct dtls_identity *id)
{
	return id->fingerprint;
}
