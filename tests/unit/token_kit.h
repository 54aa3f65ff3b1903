/* token_kit.h - tokens for tests: any header and claims, signed or not */
#ifndef TESTS_UNIT_TOKEN_KIT_H
#define TESTS_UNIT_TOKEN_KIT_H

#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_ROOM = 16384 };

#define TOKEN_SECRET "0123456789abcdef0123456789abcdef"

/* Appends base64url of len bytes to text. */
static inline void token_put(char *text, const void *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
				     "opqrstuvwxyz0123456789-_";
	const uint8_t *b = bytes;
	size_t at = strlen(text);
	uint32_t bits = 0;
	unsigned held = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | b[i];
		for (held += 8; held >= 6; held -= 6)
			text[at++] = digits[bits >> (held - 6) & 63];
	}
	if (held)
		text[at++] = digits[bits << (6 - held) & 63];
	text[at] = '\0';
}

static inline size_t token_hmac(const char *bytes, uint8_t out[64])
{
	unsigned n = 0;

	HMAC(EVP_sha256(), TOKEN_SECRET, (int)strlen(TOKEN_SECRET),
	     (const uint8_t *)bytes, strlen(bytes), out, &n);

	return n;
}

static inline size_t token_ecdsa(EVP_PKEY *key, const char *bytes,
				 uint8_t out[64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[128];
	const uint8_t *at = der;
	size_t len = sizeof(der);
	ECDSA_SIG *sig;

	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, der, &len, (const uint8_t *)bytes,
			   strlen(bytes)) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32);
	ECDSA_SIG_free(sig);

	return 64;
}

/* key NULL: HS256 by TOKEN_SECRET. */
static inline const char *token_make(char out[TOKEN_ROOM], EVP_PKEY *key,
				     const char *header, const char *claims)
{
	uint8_t signature[64];
	size_t n;

	out[0] = '\0';
	token_put(out, header, strlen(header));
	strcat(out, ".");
	token_put(out, claims, strlen(claims));
	n = key ? token_ecdsa(key, out, signature) : token_hmac(out, signature);
	strcat(out, ".");
	token_put(out, signature, n);

	return out;
}

#endif
