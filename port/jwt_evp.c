/* jwt_evp.c - the signatures of tokens on OpenSSL's EVP */

#include "port/jwt_evp.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

struct jwt_key {
	EVP_PKEY *public;	/* ES256 */
	uint8_t *secret;	/* HS256 */
	size_t secret_len;
};

static struct {
	EVP_MAC *hmac;
	EVP_MD *sha256, *sha1;
} fetched;

static int failed(int err)
{
	ERR_clear_error();

	return err;
}

int jwt_warm(void)
{
	/* Otherwise the first fetch reads a configuration file. */
	if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL))
		return failed(-EIO);
	if (!fetched.hmac)
		fetched.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (!fetched.sha256)
		fetched.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!fetched.sha1)
		fetched.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);

	return fetched.hmac && fetched.sha256 && fetched.sha1 ? 0
							      : failed(-EIO);
}

void jwt_wipe(void *at, size_t len)
{
	OPENSSL_cleanse(at, len);
}

int jwt_key_secret(struct jwt_key **out, const void *secret, size_t len)
{
	struct jwt_key *key;
	int err = jwt_warm();

	if (err)
		return err;
	if (len == 0)
		return -EINVAL;
	key = calloc(1, sizeof(*key));
	if (!key || !(key->secret = malloc(len))) {
		free(key);
		return -ENOMEM;
	}
	memcpy(key->secret, secret, len);
	key->secret_len = len;
	*out = key;

	return 0;
}

static bool is_p256(EVP_PKEY *pkey)
{
	char group[32];
	size_t len;

	return EVP_PKEY_is_a(pkey, "EC") &&
	       EVP_PKEY_get_utf8_string_param(pkey,
					      OSSL_PKEY_PARAM_GROUP_NAME,
					      group, sizeof(group),
					      &len) == 1 &&
	       strcmp(group, "prime256v1") == 0;
}

int jwt_key_public(struct jwt_key **out, const char *pem, size_t len)
{
	struct jwt_key *key;
	EVP_PKEY *pkey;
	BIO *bio;
	int err = jwt_warm();

	if (err)
		return err;
	if (len > INT_MAX)
		return -EBADMSG;
	bio = BIO_new_mem_buf(pem, (int)len);
	if (!bio)
		return failed(-ENOMEM);
	pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (!pkey)
		return failed(-EBADMSG);
	key = is_p256(pkey) ? calloc(1, sizeof(*key)) : NULL;
	if (!key) {
		err = is_p256(pkey) ? -ENOMEM : -EINVAL;
		EVP_PKEY_free(pkey);
		return failed(err);
	}
	key->public = pkey;
	*out = key;

	return 0;
}

void jwt_key_free(struct jwt_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->public);
	if (key->secret)
		OPENSSL_cleanse(key->secret, key->secret_len);
	free(key->secret);
	free(key);
}

const char *jwt_key_alg(const struct jwt_key *key)
{
	return key->public ? "ES256" : "HS256";
}

static int hmac(const char *digest, const void *secret, size_t secret_len,
		const void *bytes, size_t len, uint8_t *out, size_t out_len)
{
	char name[16];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name,
						 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(fetched.hmac);
	size_t n = 0;
	bool ok;

	if (!ctx)
		return failed(-ENOMEM);
	strcpy(name, digest);
	ok = EVP_MAC_init(ctx, secret, secret_len, params) == 1 &&
	     EVP_MAC_update(ctx, bytes, len) == 1 &&
	     EVP_MAC_final(ctx, out, &n, out_len) == 1 && n == out_len;
	EVP_MAC_CTX_free(ctx);

	return ok ? 0 : failed(-EIO);
}

int jwt_hmac_sha1(const void *secret, size_t secret_len, const void *bytes,
		  size_t len, uint8_t out[JWT_SHA1])
{
	int err = jwt_warm();

	return err ? err : hmac("SHA1", secret, secret_len, bytes, len, out,
				JWT_SHA1);
}

int jwt_sha256(const void *bytes, size_t len, uint8_t out[JWT_SHA256])
{
	unsigned n = 0;
	int err = jwt_warm();

	if (err)
		return err;
	if (EVP_Digest(bytes, len, out, &n, fetched.sha256, NULL) != 1 ||
	    n != JWT_SHA256)
		return failed(-EIO);

	return 0;
}

static int verify_secret(const struct jwt_key *key, const void *bytes,
			 size_t len, const uint8_t *signature)
{
	uint8_t right[JWT_SHA256];
	int err = hmac("SHA256", key->secret, key->secret_len, bytes, len,
		       right, sizeof(right));

	if (!err && CRYPTO_memcmp(right, signature, sizeof(right)) != 0)
		err = -EBADMSG;
	OPENSSL_cleanse(right, sizeof(right));

	return err;
}

/* r || s as the DER that EVP wants; bytes of it, or negative. The caller
 * frees *der. */
static int to_der(const uint8_t *raw, uint8_t **der)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, JWT_ES256 / 2, NULL);
	BIGNUM *s = BN_bin2bn(raw + JWT_ES256 / 2, JWT_ES256 / 2, NULL);
	int len;

	if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(sig);
		return -ENOMEM;
	}
	*der = NULL;
	len = i2d_ECDSA_SIG(sig, der);
	ECDSA_SIG_free(sig);

	return len > 0 ? len : -ENOMEM;
}

static int verify_public(const struct jwt_key *key, const void *bytes,
			 size_t len, const uint8_t *signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *der = NULL;
	int n = ctx ? to_der(signature, &der) : -ENOMEM, err;

	if (n < 0) {
		err = n;
	} else {
		err = EVP_DigestVerifyInit(ctx, NULL, fetched.sha256, NULL,
					   key->public) == 1 ?
			      0 : -EIO;
		if (!err && EVP_DigestVerify(ctx, der, (size_t)n, bytes,
					     len) != 1)
			err = -EBADMSG;
	}
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);

	return failed(err);
}

int jwt_verify(const struct jwt_key *key, const void *bytes, size_t len,
	       const uint8_t *signature, size_t signature_len)
{
	size_t right = key->public ? JWT_ES256 : JWT_SHA256;

	if (signature_len != right)
		return -EBADMSG;

	return key->public ? verify_public(key, bytes, len, signature) :
			     verify_secret(key, bytes, len, signature);
}
