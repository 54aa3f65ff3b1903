/*
 * test_auth.c - tokens: what is taken, what is refused and why
 *
 * Vectors of RFC 7515 stand as data; all other tokens are made here by
 * another implementation (OpenSSL's HMAC and ECDSA, token_kit.h), so a case
 * differs from a good token in what it names and in nothing else.
 */

#include "signaling/auth.h"

#include <check.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/json.h"
#include "signaling/jwt.h"
#include "signaling/options.h"
#include "tests/unit/suite.h"
#include "tests/unit/token_kit.h"

#define NOW 1800000000
#define NOW_MS (NOW * (int64_t)1000)
#define HS "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define ES "{\"alg\":\"ES256\",\"typ\":\"JWT\"}"
#define GOOD "\"sub\":\"alice\",\"exp\":1800000600"

static char token[TOKEN_ROOM];

static struct sig_options base(void)
{
	return (struct sig_options){ .auth_secret = TOKEN_SECRET,
				     .turn_life_s = 3600 };
}

static struct auth *opened(const struct sig_options *o)
{
	struct auth *a = NULL;
	char error[SIG_ERROR];

	ck_assert_msg(auth_new(&a, o, error, sizeof(error)) == 0, "%s",
		      error);

	return a;
}

static int check_text(struct auth *a, const char *text, int64_t now_s,
		      struct identity *who, const char **why)
{
	*why = "";

	return auth_check(a, text, strlen(text), now_s * 1000, who, why);
}

/* Header and claims -> errno and a word of the reason, or what is known. */
static const struct {
	const char *header, *claims;
	int err;
	const char *why;
} cases[] = {
	/* taken */
	{ HS, "{" GOOD "}", 0, "" },
	{ "{\"alg\":\"HS256\"}", "{" GOOD "}", 0, "" },
	{ "{\"alg\":\"HS256\",\"typ\":\"jwt\"}", "{" GOOD "}", 0, "" },
	{ "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", "{" GOOD "}", 0, "" },
	{ "{\"alg\":\"HS256\",\"kid\":\"../../etc/passwd\"}", "{" GOOD "}", 0,
	  "" },
	{ "{\"alg\":\"HS256\",\"jku\":\"http://127.0.0.1/\"}", "{" GOOD "}",
	  0, "" },
	{ "{\"alg\":\"HS256\",\"x5u\":\"http://127.0.0.1/\"}", "{" GOOD "}",
	  0, "" },
	{ "{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}",
	  "{" GOOD "}", 0, "" },
	{ " { \"typ\" : \"JWT\" , \"alg\" : \"HS256\" } ", " {" GOOD "} ", 0,
	  "" },
	{ HS, "{" GOOD ",\"nbf\":1800000000}", 0, "" },
	{ HS, "{" GOOD ",\"nbf\":1800000060}", 0, "" },
	{ HS, "{" GOOD ",\"nbf\":0}", 0, "" },
	{ HS, "{" GOOD ",\"iat\":1799999000}", 0, "" },
	{ HS, "{" GOOD ",\"iat\":1800000060}", 0, "" },
	{ HS, "{" GOOD ",\"unknown\":{\"a\":[1,2]}}", 0, "" },
	{ HS, "{\"sub\":\"alice\",\"exp\":1799999941}", 0, "" },
	{ HS, "{\"sub\":\"alice\",\"exp\":1800003660}", 0, "" },
	{ HS, "{\"sub\":\"alice\",\"exp\":1800000600.5}", 0, "" },
	{ HS, "{\"sub\":\"alice\",\"exp\":1.8000006e9}", 0, "" },
	{ HS, "{" GOOD ",\"peer_id\":\"b ob\"}", 0, "" },
	{ HS, "{" GOOD ",\"session\":\"room\"}", 0, "" },
	{ HS, "{" GOOD ",\"aud\":\"anyone\",\"iss\":\"anyone\"}", 0, "" },
	{ HS, "{" GOOD ",\"aud\":42,\"iss\":42}", 0, "" },
	{ HS, "{" GOOD ",\"perm\":[]}", 0, "" },
	{ HS, "{" GOOD ",\"perm\":\"\"}", 0, "" },
	/* header */
	{ "{\"alg\":\"none\"}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":\"None\"}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":\"NONE\"}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":\"hs256\"}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":\"HS256 \"}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":\"HS256\\u0000\"}", "{" GOOD "}", -EACCES, "" },
	{ "{\"alg\":\"HS25\"}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":\"HS384\"}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":\"HS512\"}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":\"ES256\"}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":\"RS256\"}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":\"PS256\"}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":\"EdDSA\"}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":\"dir\",\"enc\":\"A128GCM\"}", "{" GOOD "}", -EACCES,
	  "alg" },
	{ "{\"alg\":\"\"}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":null}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":[\"HS256\"]}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":{\"HS256\":1}}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":256}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"ALG\":\"HS256\"}", "{" GOOD "}", -EACCES, "alg" },
	{ "{}", "{" GOOD "}", -EACCES, "alg" },
	{ "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "{" GOOD "}", -EACCES,
	  "header" },
	{ "{\"alg\":\"none\",\"alg\":\"HS256\"}", "{" GOOD "}", -EACCES,
	  "header" },
	{ "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "{" GOOD "}", -EACCES,
	  "crit" },
	{ "{\"alg\":\"HS256\",\"crit\":[]}", "{" GOOD "}", -EACCES, "crit" },
	{ "{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}",
	  "{" GOOD "}", -EACCES, "crit" },
	{ "{\"alg\":\"HS256\",\"typ\":\"secevent+jwt\"}", "{" GOOD "}",
	  -EACCES, "typ" },
	{ "{\"alg\":\"HS256\",\"typ\":\"\"}", "{" GOOD "}", -EACCES, "typ" },
	{ "{\"alg\":\"HS256\",\"typ\":1}", "{" GOOD "}", -EACCES, "typ" },
	{ "{\"alg\":\"HS256\",\"typ\":null}", "{" GOOD "}", -EACCES, "typ" },
	{ "[\"alg\",\"HS256\"]", "{" GOOD "}", -EACCES, "header" },
	{ "\"HS256\"", "{" GOOD "}", -EACCES, "header" },
	{ "null", "{" GOOD "}", -EACCES, "header" },
	{ "{\"alg\":\"HS256\"", "{" GOOD "}", -EACCES, "header" },
	{ "{\"alg\":\"HS256\"}x", "{" GOOD "}", -EACCES, "header" },
	{ "{\"alg\":\"HS256\",}", "{" GOOD "}", -EACCES, "header" },
	{ "{'alg':'HS256'}", "{" GOOD "}", -EACCES, "header" },
	{ "\xef\xbb\xbf{\"alg\":\"HS256\"}", "{" GOOD "}", -EACCES,
	  "header" },
	{ "{\"alg\":\"HS256\",\"x\":\"\xff\"}", "{" GOOD "}", -EACCES,
	  "header" },
	/* claims as such */
	{ HS, "{}", -EACCES, "exp" },
	{ HS, "[]", -EACCES, "claims" },
	{ HS, "\"alice\"", -EACCES, "claims" },
	{ HS, "1", -EACCES, "claims" },
	{ HS, "null", -EACCES, "claims" },
	{ HS, "{" GOOD, -EACCES, "claims" },
	{ HS, "{" GOOD "}}", -EACCES, "claims" },
	{ HS, "{" GOOD ",\"sub\":\"bob\"}", -EACCES, "claims" },
	{ HS, "{" GOOD ",\"exp\":1800000601}", -EACCES, "claims" },
	{ HS, "{" GOOD ",\"x\":\"\xc0\xaf\"}", -EACCES, "claims" },
	{ HS, "{" GOOD ",\"x\":NaN}", -EACCES, "claims" },
	{ HS, "{" GOOD ",\"x\":01}", -EACCES, "claims" },
	/* exp */
	{ HS, "{\"sub\":\"alice\"}", -EACCES, "exp" },
	{ HS, "{\"sub\":\"alice\",\"exp\":null}", -EACCES, "exp" },
	{ HS, "{\"sub\":\"alice\",\"exp\":true}", -EACCES, "exp" },
	{ HS, "{\"sub\":\"alice\",\"exp\":\"1800000600\"}", -EACCES, "exp" },
	{ HS, "{\"sub\":\"alice\",\"exp\":[1800000600]}", -EACCES, "exp" },
	{ HS, "{\"sub\":\"alice\",\"exp\":-1}", -EACCES, "exp" },
	{ HS, "{\"sub\":\"alice\",\"exp\":9223372036854775807}", -EACCES,
	  "exp" },
	{ HS, "{\"sub\":\"alice\",\"exp\":18446744073709551617}", -EACCES,
	  "exp" },
	{ HS, "{\"sub\":\"alice\",\"exp\":1e300}", -EACCES, "exp" },
	{ HS, "{\"sub\":\"alice\",\"exp\":1e400}", -EACCES, "claims" },
	{ HS, "{\"sub\":\"alice\",\"exp\":1799999940}", -ETIME, "expired" },
	{ HS, "{\"sub\":\"alice\",\"exp\":1799999000}", -ETIME, "expired" },
	{ HS, "{\"sub\":\"alice\",\"exp\":0}", -ETIME, "expired" },
	{ HS, "{\"sub\":\"alice\",\"exp\":1800003661}", -EACCES, "hour" },
	{ HS, "{\"sub\":\"alice\",\"exp\":1800000600000}", -EACCES, "" },
	/* nbf, iat */
	{ HS, "{" GOOD ",\"nbf\":1800000061}", -ETIME, "nbf" },
	{ HS, "{" GOOD ",\"nbf\":1800000300}", -ETIME, "nbf" },
	{ HS, "{" GOOD ",\"nbf\":\"now\"}", -EACCES, "nbf" },
	{ HS, "{" GOOD ",\"nbf\":null}", -EACCES, "nbf" },
	{ HS, "{" GOOD ",\"nbf\":-5}", -EACCES, "nbf" },
	{ HS, "{" GOOD ",\"iat\":1800000061}", -ETIME, "iat" },
	{ HS, "{" GOOD ",\"iat\":{}}", -EACCES, "iat" },
	{ HS, "{" GOOD ",\"iat\":false}", -EACCES, "iat" },
	{ HS, "{\"sub\":\"alice\",\"exp\":1799999950,\"nbf\":1800000000}",
	  -EACCES, "before it begins" },
	{ HS, "{\"sub\":\"alice\",\"exp\":1799999950,\"iat\":1799999999}",
	  -EACCES, "before it begins" },
	/* sub */
	{ HS, "{\"exp\":1800000600}", -EACCES, "sub" },
	{ HS, "{\"exp\":1800000600,\"sub\":\"\"}", -EACCES, "sub" },
	{ HS, "{\"exp\":1800000600,\"sub\":7}", -EACCES, "sub" },
	{ HS, "{\"exp\":1800000600,\"sub\":null}", -EACCES, "sub" },
	{ HS, "{\"exp\":1800000600,\"sub\":[\"alice\"]}", -EACCES, "sub" },
	{ HS, "{\"exp\":1800000600,\"sub\":\"a\\nb\"}", -EACCES, "sub" },
	{ HS, "{\"exp\":1800000600,\"sub\":\"a\\u0000b\"}", -EACCES, "" },
	{ HS, "{\"exp\":1800000600,\"sub\":\"a\\u007f\"}", -EACCES, "sub" },
	{ HS, "{\"exp\":1800000600,\"sub\":\"a\\u0085\"}", -EACCES, "sub" },
	{ HS, "{\"exp\":1800000600,\"sub\":\""
	  "0123456789012345678901234567890123456789012345678901234567890123"
	  "0123456789012345678901234567890123456789012345678901234567890123"
	  "4\"}", -EACCES, "sub" },
	/* peer_id, session */
	{ HS, "{" GOOD ",\"peer_id\":\"\"}", -EACCES, "peer_id" },
	{ HS, "{" GOOD ",\"peer_id\":null}", -EACCES, "peer_id" },
	{ HS, "{" GOOD ",\"peer_id\":[\"a\"]}", -EACCES, "peer_id" },
	{ HS, "{" GOOD ",\"peer_id\":\"a\\tb\"}", -EACCES, "peer_id" },
	{ HS, "{" GOOD ",\"session\":\"\"}", -EACCES, "session" },
	{ HS, "{" GOOD ",\"session\":1}", -EACCES, "session" },
	{ HS, "{" GOOD ",\"session\":\"\\u001f\"}", -EACCES, "session" },
	/* perm */
	{ HS, "{" GOOD ",\"perm\":[\"Publish\"]}", -EACCES, "perm" },
	{ HS, "{" GOOD ",\"perm\":[\"publish\",1]}", -EACCES, "perm" },
	{ HS, "{" GOOD ",\"perm\":[null]}", -EACCES, "perm" },
	{ HS, "{" GOOD ",\"perm\":\"publish,data\"}", -EACCES, "perm" },
	{ HS, "{" GOOD ",\"perm\":\"all\"}", -EACCES, "perm" },
	{ HS, "{" GOOD ",\"perm\":\"publishx\"}", -EACCES, "perm" },
	{ HS, "{" GOOD ",\"perm\":\"publis\"}", -EACCES, "perm" },
	{ HS, "{" GOOD ",\"perm\":null}", -EACCES, "perm" },
	{ HS, "{" GOOD ",\"perm\":15}", -EACCES, "perm" },
	{ HS, "{" GOOD ",\"perm\":{\"publish\":true}}", -EACCES, "perm" },
	{ HS, "{" GOOD ",\"perm\":\"publish\\tdata\"}", -EACCES, "perm" },
	/* jti is of no weight unless tokens are single-use, but a text */
	{ HS, "{" GOOD ",\"jti\":\"x\"}", 0, "" },
	{ HS, "{" GOOD ",\"jti\":5}", -EACCES, "jti" },
	{ HS, "{" GOOD ",\"jti\":\"\"}", -EACCES, "jti" },
};

static void check_case(struct auth *a, EVP_PKEY *key, const char *header,
		       int i)
{
	struct identity who = { .known = false };
	const char *why;
	int err;

	token_make(token, key, header, cases[i].claims);
	err = check_text(a, token, NOW, &who, &why);
	ck_assert_msg(err == cases[i].err, "%s %s: %d (%s)", header,
		      cases[i].claims, err, why);
	ck_assert_int_eq(who.known, err == 0);
	ck_assert_msg(err == 0 || (*why && strstr(why, cases[i].why)),
		      "%s: %s", cases[i].claims, why);
	if (err == 0)
		ck_assert_str_eq(who.subject, "alice");
	ck_assert_msg(err == 0 || !strstr(why, "alice"), "%s", why);
}

START_TEST(a_token_is_what_its_text_says)
{
	struct sig_options o = base();
	struct auth *a = opened(&o);

	check_case(a, NULL, cases[_i].header, _i);
	auth_free(a);
}
END_TEST

static EVP_PKEY *es_key;

/* Writes the public half to a file; its name. */
static const char *public_file(EVP_PKEY *key)
{
	static char path[] = "/tmp/test_auth_XXXXXX";
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long len;
	FILE *f;
	int fd;

	strcpy(path, "/tmp/test_auth_XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	PEM_write_bio_PUBKEY(bio, key);
	len = BIO_get_mem_data(bio, &pem);
	f = fdopen(fd, "w");
	ck_assert_uint_eq(fwrite(pem, 1, (size_t)len, f), (size_t)len);
	fclose(f);
	BIO_free(bio);

	return path;
}

static struct auth *opened_es(void)
{
	struct sig_options o = { .turn_life_s = 3600 };
	struct auth *a;

	o.auth_public_key = public_file(es_key);
	a = opened(&o);
	unlink(o.auth_public_key);

	return a;
}

static void make_es_key(void)
{
	es_key = EVP_EC_gen("P-256");
}

static void drop_es_key(void)
{
	EVP_PKEY_free(es_key);
}

/* The same claims under the other algorithm, where the header is the usual. */
START_TEST(es256_takes_and_refuses_the_same)
{
	struct auth *a = opened_es();

	if (strcmp(cases[_i].header, HS) == 0)
		check_case(a, es_key, ES, _i);
	auth_free(a);
}
END_TEST

START_TEST(one_key_has_one_algorithm)
{
	struct auth *a = opened_es();
	struct identity who;
	const char *why;

	token_make(token, es_key, ES, "{" GOOD "}");
	ck_assert_int_eq(check_text(a, token, NOW, &who, &why), 0);
	/* HS256 by whatever, also by the text of the public key. */
	token_make(token, NULL, HS, "{" GOOD "}");
	ck_assert_int_eq(check_text(a, token, NOW, &who, &why), -EACCES);
	ck_assert_str_eq(why, "the token's alg must be ES256 here");
	/* Says ES256 and has an HMAC. */
	token_make(token, NULL, ES, "{" GOOD "}");
	ck_assert_int_eq(check_text(a, token, NOW, &who, &why), -EACCES);
	auth_free(a);
}
END_TEST

START_TEST(an_es256_signature_is_64_bytes_of_numbers)
{
	static const char head[] = "eyJhbGciOiJFUzI1NiJ9.";
	struct auth *a = opened_es();
	uint8_t sig[64];
	struct identity who;
	const char *why;
	size_t body;

	strcpy(token, head);
	token_put(token, "{" GOOD "}", strlen("{" GOOD "}"));
	body = strlen(token);
	for (int i = 0; i < 6; i++) {
		memset(sig, 0, sizeof(sig));
		if (i == 1)
			memset(sig, 0xff, sizeof(sig));
		if (i == 2)
			sig[31] = sig[63] = 1;
		if (i == 3)
			memset(sig, 0xff, 32);
		if (i == 4)	/* the order of the curve as s */
			memcpy(sig + 32, "\xff\xff\xff\xff\0\0\0\0"
			       "\xff\xff\xff\xff\xff\xff\xff\xff"
			       "\xbc\xe6\xfa\xad\xa7\x17\x9e\x84"
			       "\xf3\xb9\xca\xc2\xfc\x63\x25\x51", 32);
		token[body] = '\0';
		strcat(token, ".");
		token_put(token, sig, i == 5 ? 63 : 64);
		ck_assert_int_eq(check_text(a, token, NOW, &who, &why),
				 -EACCES);
	}
	auth_free(a);
}
END_TEST

/* Every character of a token counts: another one, one less, one more. */
START_TEST(a_changed_token_is_refused)
{
	static const char others[] = "A_-z=.+/ ";
	struct sig_options o = base();
	struct auth *a = opened(&o);
	struct identity who;
	char other[TOKEN_ROOM];
	const char *why;
	size_t len;
	unsigned tried = 0;

	token_make(token, NULL, HS, "{" GOOD "}");
	len = strlen(token);
	for (size_t i = 0; i < len; i++) {
		for (const char *c = others; *c; c++) {
			strcpy(other, token);
			if (other[i] == *c)
				continue;
			other[i] = *c;
			ck_assert_msg(check_text(a, other, NOW, &who, &why) ==
				      -EACCES, "%s", other);
			tried++;
		}
		strcpy(other, token);
		other[i] = '\0';
		ck_assert_int_eq(check_text(a, other, NOW, &who, &why),
				 -EACCES);
		memmove(other + i, token + i + 1, len - i);
		ck_assert_int_eq(check_text(a, other, NOW, &who, &why),
				 -EACCES);
	}
	ck_assert_uint_gt(tried, 1000);
	ck_assert_int_eq(check_text(a, token, NOW, &who, &why), 0);
	auth_free(a);
}
END_TEST

/* What stands around or instead of the three parts. */
static const char *const shapes[] = {
	"", ".", "..", "...", "a", "a.b", "a.b.c.d", "%s.", ".%s", "%s.%s",
	" %s", "%s ", "%s\n", "%s=", "%s==", "Bearer %s", "\"%s\"", "{%s}",
	"eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9..",
	"eyJhbGciOiJIUzI1NiJ9.e30.", ".e30.x", "%s.x.y",
};

START_TEST(another_shape_is_refused)
{
	struct sig_options o = base();
	struct auth *a = opened(&o);
	char text[TOKEN_ROOM * 2 + 8];
	struct identity who;
	const char *why;

	token_make(token, NULL, HS, "{" GOOD "}");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
	snprintf(text, sizeof(text), shapes[_i], token, token);
#pragma GCC diagnostic pop
	ck_assert_int_eq(check_text(a, text, NOW, &who, &why), -EACCES);
	ck_assert_str_ne(why, "");
	/* NUL inside does not end it */
	strcpy(text, token);
	ck_assert_int_eq(auth_check(a, text, strlen(text) + 1, NOW_MS, &who,
				    &why), -EACCES);
	auth_free(a);
}
END_TEST

START_TEST(a_long_token_is_refused_before_it_is_read)
{
	static char claims[8000];
	struct sig_options o = base();
	struct auth *a = opened(&o);
	struct identity who;
	const char *why;

	for (int pad = 2900; pad < 3100; pad += 10) {
		snprintf(claims, sizeof(claims), "{" GOOD ",\"x\":\"%0*d\"}",
			 pad, 0);
		token_make(token, NULL, HS, claims);
		ck_assert_int_eq(check_text(a, token, NOW, &who, &why),
				 strlen(token) > AUTH_TOKEN_MAX ? -EACCES : 0);
	}
	ck_assert_ptr_nonnull(strstr(why, "4096"));
	/* Deep claims are the JSON library's to refuse. */
	strcpy(claims, "{" GOOD ",\"x\":");
	memset(claims + strlen(claims), '[', 2900);
	token_make(token, NULL, HS, claims);
	ck_assert_int_eq(check_text(a, token, NOW, &who, &why), -EACCES);
	auth_free(a);
}
END_TEST

/* base64url in its one right form (RFC 4648 5, 3.5) */
static const struct {
	const char *text;
	int len;
} base64[] = {
	{ "", 0 }, { "AA", 1 }, { "AAA", 2 }, { "AAAA", 3 }, { "_-_-", 3 },
	{ "A", -EINVAL }, { "AAAAA", -EINVAL }, { "AB", -EINVAL },
	{ "AAB", -EINVAL }, { "AA=", -EINVAL }, { "AA==", -EINVAL },
	{ "A A", -EINVAL }, { "+AAA", -EINVAL }, { "/AAA", -EINVAL },
	{ "AA\n", -EINVAL }, { "\xc3\xa4gg", -EINVAL }, { "AQ", 1 },
	{ "AE", -EINVAL }, { "AAAAAAAAAAAA", -EINVAL },
};

START_TEST(base64url_has_one_form)
{
	uint8_t out[8];

	ck_assert_int_eq(base64url_decode(out, sizeof(out), base64[_i].text,
					  strlen(base64[_i].text)),
			 base64[_i].len);
}
END_TEST

/* perm -> bits */
static const struct {
	const char *claim;
	unsigned perms;
} perms[] = {
	{ "", AUTH_PUBLISH | AUTH_SUBSCRIBE | AUTH_DATA },
	{ ",\"perm\":[]", 0 }, { ",\"perm\":\"\"", 0 },
	{ ",\"perm\":\"  \"", 0 },
	{ ",\"perm\":[\"publish\"]", AUTH_PUBLISH },
	{ ",\"perm\":[\"subscribe\"]", AUTH_SUBSCRIBE },
	{ ",\"perm\":[\"data\"]", AUTH_DATA },
	{ ",\"perm\":[\"manage\"]", AUTH_MANAGE },
	{ ",\"perm\":[\"data\",\"data\"]", AUTH_DATA },
	{ ",\"perm\":\"publish\"", AUTH_PUBLISH },
	{ ",\"perm\":\"publish data\"", AUTH_PUBLISH | AUTH_DATA },
	{ ",\"perm\":\" publish  data \"", AUTH_PUBLISH | AUTH_DATA },
	{ ",\"perm\":\"publish subscribe data manage\"", AUTH_ALL },
	{ ",\"perm\":[\"manage\",\"data\",\"subscribe\",\"publish\"]",
	  AUTH_ALL },
};

START_TEST(perm_becomes_what_a_client_may_do)
{
	struct sig_options o = base();
	struct auth *a = opened(&o);
	struct identity who;
	char claims[256];
	const char *why;

	snprintf(claims, sizeof(claims),
		 "{" GOOD ",\"peer_id\":\"p\303\244\",\"session\":\"s 1\"%s}",
		 perms[_i].claim);
	token_make(token, NULL, HS, claims);
	ck_assert_int_eq(check_text(a, token, NOW, &who, &why), 0);
	ck_assert(who.known);
	ck_assert_uint_eq(who.perms, perms[_i].perms);
	ck_assert_str_eq(who.subject, "alice");
	ck_assert_str_eq(who.peer, "p\303\244");
	ck_assert_str_eq(who.session, "s 1");
	ck_assert_int_eq(who.expires_ms, 1800000660000);
	auth_free(a);
}
END_TEST

/* claims -> errno, with iss "us" and aud "here" wanted */
static const struct {
	const char *more;
	int err;
} audiences[] = {
	{ ",\"iss\":\"us\",\"aud\":\"here\"", 0 },
	{ ",\"iss\":\"us\",\"aud\":[\"here\"]", 0 },
	{ ",\"iss\":\"us\",\"aud\":[\"there\",\"here\"]", 0 },
	{ ",\"iss\":\"us\",\"aud\":[1,\"here\"]", 0 },
	{ ",\"iss\":\"us\"", -EACCES }, { ",\"aud\":\"here\"", -EACCES },
	{ "", -EACCES },
	{ ",\"iss\":\"us \",\"aud\":\"here\"", -EACCES },
	{ ",\"iss\":\"U\",\"aud\":\"here\"", -EACCES },
	{ ",\"iss\":[\"us\"],\"aud\":\"here\"", -EACCES },
	{ ",\"iss\":null,\"aud\":\"here\"", -EACCES },
	{ ",\"iss\":\"us\",\"aud\":\"her\"", -EACCES },
	{ ",\"iss\":\"us\",\"aud\":\"Here\"", -EACCES },
	{ ",\"iss\":\"us\",\"aud\":[]", -EACCES },
	{ ",\"iss\":\"us\",\"aud\":[\"there\"]", -EACCES },
	{ ",\"iss\":\"us\",\"aud\":[[\"here\"]]", -EACCES },
	{ ",\"iss\":\"us\",\"aud\":{\"here\":1}", -EACCES },
	{ ",\"iss\":\"us\",\"aud\":null", -EACCES },
};

START_TEST(issuer_and_audience_are_compared_when_set)
{
	struct sig_options o = base();
	struct identity who;
	char claims[256];
	const char *why;
	struct auth *a;

	o.auth_issuer = "us";
	o.auth_audience = "here";
	a = opened(&o);
	snprintf(claims, sizeof(claims), "{" GOOD "%s}", audiences[_i].more);
	token_make(token, NULL, HS, claims);
	ck_assert_int_eq(check_text(a, token, NOW, &who, &why),
			 audiences[_i].err);
	auth_free(a);
}
END_TEST

START_TEST(a_single_use_token_counts_once)
{
	struct sig_options o = base();
	struct identity who;
	const char *why;
	struct auth *a;
	int64_t end = NOW + 600;

	o.auth_single_use = true;
	a = opened(&o);
	token_make(token, NULL, HS, "{" GOOD "}");
	ck_assert_int_eq(check_text(a, token, NOW, &who, &why), -EACCES);
	ck_assert_ptr_nonnull(strstr(why, "jti"));
	token_make(token, NULL, HS, "{" GOOD ",\"jti\":\"1\"}");
	ck_assert_int_eq(check_text(a, token, NOW, &who, &why), 0);
	for (int64_t at = NOW; at < end + JWT_LEEWAY_S; at += 10)
		ck_assert_int_eq(check_text(a, token, at, &who, &why),
				 -EALREADY);
	ck_assert_int_eq(check_text(a, token, end + JWT_LEEWAY_S, &who, &why),
			 -ETIME);
	/* One that comes in the last second of its leeway, too. */
	token_make(token, NULL, HS, "{" GOOD ",\"jti\":\"2\"}");
	ck_assert_int_eq(check_text(a, token, end + JWT_LEEWAY_S - 1, &who,
				    &why), 0);
	ck_assert_int_eq(check_text(a, token, end + JWT_LEEWAY_S - 1, &who,
				    &why), -EALREADY);
	/* A token that is refused is not used up. */
	token_make(token, NULL, HS,
		   "{" GOOD ",\"jti\":\"3\",\"nbf\":1800000300}");
	ck_assert_int_eq(check_text(a, token, NOW, &who, &why), -ETIME);
	ck_assert_int_eq(check_text(a, token, NOW + 300, &who, &why), 0);
	auth_free(a);
}
END_TEST

START_TEST(many_single_use_tokens_are_bounded)
{
	struct sig_options o = base();
	static uint8_t taken[100000];
	unsigned full = 0;
	struct identity who;
	char claims[96];
	const char *why;
	struct auth *a;

	o.auth_single_use = true;
	a = opened(&o);
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < sizeof(taken); i++) {
			snprintf(claims, sizeof(claims),
				 "{" GOOD ",\"jti\":\"%u\"}", i);
			token_make(token, NULL, HS, claims);
			int err = check_text(a, token, NOW, &who, &why);

			if (round == 0)
				taken[i] = err == 0;
			else
				ck_assert_int_eq(err, taken[i] ? -EALREADY
							       : -EACCES);
			full += err == -EACCES;
		}
	}
	ck_assert_uint_gt(full, 0);	/* more than there is room for */
	/* Later their places are free again. */
	token_make(token, NULL, HS, "{\"sub\":\"alice\",\"exp\":1800010000,"
		   "\"jti\":\"x\"}");
	ck_assert_int_eq(check_text(a, token, NOW + 9000, &who, &why), 0);
	auth_free(a);
}
END_TEST

START_TEST(without_a_key_everybody_may_all)
{
	struct sig_options o = { .turn_life_s = 60 };
	struct auth *a = opened(&o);
	struct identity who = auth_nobody(a);
	const char *why;

	ck_assert(!auth_required(a));
	ck_assert(!auth_required(NULL));
	ck_assert(!auth_takes_query(NULL));
	ck_assert(!auth_takes_query(a));
	ck_assert_uint_eq(who.perms, AUTH_ALL);
	ck_assert_uint_eq(auth_nobody(NULL).perms, AUTH_ALL);
	ck_assert(!who.known);
	token_make(token, NULL, HS, "{" GOOD "}");
	ck_assert_int_eq(check_text(a, token, NOW, &who, &why), -EACCES);
	ck_assert_ptr_nonnull(strstr(why, "no key"));
	auth_free(a);

	o = base();
	a = opened(&o);
	ck_assert(auth_required(a));
	ck_assert(!auth_takes_query(a));
	ck_assert_uint_eq(auth_nobody(a).perms, 0);
	auth_free(a);
	o.auth_query = true;
	a = opened(&o);
	ck_assert(auth_takes_query(a));
	auth_free(a);
	auth_free(NULL);
}
END_TEST

static void refused_key(const char *pem, const char *word)
{
	struct sig_options o = { .turn_life_s = 60 };
	char path[] = "/tmp/test_auth_XXXXXX", error[SIG_ERROR];
	int fd = mkstemp(path);
	struct auth *a;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, pem, strlen(pem)), (int)strlen(pem));
	close(fd);
	o.auth_public_key = path;
	ck_assert_int_lt(auth_new(&a, &o, error, sizeof(error)), 0);
	ck_assert_msg(strstr(error, word) && strstr(error, path) &&
		      strstr(error, "WEBRTC_AUTH_PUBLIC_KEY"), "%s", error);
	unlink(path);
}

static void refused_pkey(EVP_PKEY *key, const char *word)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char pem[4096];
	int n;

	PEM_write_bio_PUBKEY(bio, key);
	n = BIO_read(bio, pem, sizeof(pem) - 1);
	pem[n] = '\0';
	refused_key(pem, word);
	BIO_free(bio);
	EVP_PKEY_free(key);
}

START_TEST(a_wrong_key_file_stops_the_start)
{
	struct sig_options o = { .auth_public_key = "/nonexistent/key.pem" };
	char error[SIG_ERROR];
	struct auth *a;

	ck_assert_int_eq(auth_new(&a, &o, error, sizeof(error)), -ENOENT);
	ck_assert_ptr_nonnull(strstr(error, "No such file"));
	refused_key("", "PEM");
	refused_key("hello", "PEM");
	refused_key("-----BEGIN PUBLIC KEY-----\nAAAA\n"
		    "-----END PUBLIC KEY-----\n", "PEM");
	refused_pkey(EVP_EC_gen("P-384"), "P-256");
	refused_pkey(EVP_EC_gen("secp256k1"), "P-256");
	refused_pkey(EVP_RSA_gen(2048), "P-256");
	refused_pkey(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "P-256");
}
END_TEST

/* RFC 7515 A.1 and A.3: the same claims, signed HS256 and ES256. They have
 * exp 1300819380 and no sub, which is the first thing that we miss. */
#define RFC_CLAIMS \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl" \
	"LmNvbS9pc19yb290Ijp0cnVlfQ"
static const char rfc_a1[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
	RFC_CLAIMS ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
static const char rfc_a1_key[] =
	"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4"
	"hcgUuTwjAzZr1Z9CAow";
static const char rfc_a3[] = "eyJhbGciOiJFUzI1NiJ9." RFC_CLAIMS
	".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApm"
	"WQxfKTUJqPP3-Kg6NU1Q";
/* The JWK of A.3 as SubjectPublicKeyInfo. */
static const char rfc_a3_key[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
	"6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
	"-----END PUBLIC KEY-----\n";

static void check_rfc(struct jwt_key *key, const char *text)
{
	struct jwt_rules rules = { .key = key, .now_s = 1300819000,
				   .issuer = "joe" };
	struct jwt_claims claims;
	char broken[512];
	const char *why;

	ck_assert_int_eq(jwt_read(&claims, &rules, text, strlen(text), &why),
			 -EACCES);
	ck_assert_msg(strstr(why, "needs sub"), "%s", why);
	rules.now_s = 1800000000;
	ck_assert_int_eq(jwt_read(&claims, &rules, text, strlen(text), &why),
			 -ETIME);
	strcpy(broken, text);
	broken[strlen(broken) - 3] ^= 1;
	ck_assert_int_eq(jwt_read(&claims, &rules, broken, strlen(broken),
				  &why), -EACCES);
	ck_assert_ptr_nonnull(strstr(why, "signature"));
	jwt_key_free(key);
}

START_TEST(the_examples_of_rfc_7515_are_signed_as_they_say)
{
	uint8_t secret[64];
	struct jwt_key *key;

	ck_assert_int_eq(base64url_decode(secret, sizeof(secret), rfc_a1_key,
					  strlen(rfc_a1_key)), 64);
	ck_assert_int_eq(jwt_key_secret(&key, secret, 64), 0);
	check_rfc(key, rfc_a1);
	ck_assert_int_eq(jwt_key_public(&key, rfc_a3_key,
					strlen(rfc_a3_key)), 0);
	check_rfc(key, rfc_a3);
}
END_TEST

/* RFC 2202 3 (HMAC-SHA1), FIPS 180 (SHA-256 of "abc") */
START_TEST(digests_are_those_of_their_standards)
{
	uint8_t out[JWT_SHA256];

	ck_assert_int_eq(jwt_hmac_sha1("Jefe", 4,
				       "what do ya want for nothing?", 28,
				       out), 0);
	ck_assert_mem_eq(out, "\xef\xfc\xdf\x6a\xe5\xeb\x2f\xa2\xd2\x74"
			 "\x16\xd5\xf1\x84\xdf\x9c\x25\x9a\x7c\x79", 20);
	ck_assert_int_eq(jwt_sha256("abc", 3, out), 0);
	ck_assert_mem_eq(out, "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40"
			 "\xde\x5d\xae\x22\x23\xb0\x03\x61\xa3\x96\x17\x7a"
			 "\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad", 32);
}
END_TEST

static const char *servers(struct auth *a, const struct identity *who,
			   const char *peer)
{
	static char out[2048];
	struct text t = { 0 };

	auth_ice_servers(a, who, peer, NOW_MS, &t);
	ck_assert(!t.bad);
	ck_assert_uint_lt(t.len, sizeof(out));
	memcpy(out, t.at, t.len);
	out[t.len] = '\0';
	text_fini(&t);

	return out;
}

START_TEST(turn_credentials_are_of_the_rest_form)
{
	struct sig_options o = { .turn = { "turn:t.example:3478",
					   "turn:t.example:3478?transport=tcp"
				 },
				 .turn_len = 2, .turn_secret = "north",
				 .turn_life_s = 3600 };
	struct identity who = { .perms = AUTH_ALL };
	struct auth *a = opened(&o);

	/* printf 1800003600:alice | openssl dgst -sha1 -hmac north -binary |
	 * base64 */
	ck_assert_str_eq(servers(a, &who, "alice"),
			 "[{\"urls\":[\"turn:t.example:3478\","
			 "\"turn:t.example:3478?transport=tcp\"],"
			 "\"username\":\"1800003600:alice\","
			 "\"credential\":\"qe6uQh2FdtYywRuncfIrYF8O4Rk=\"}]");
	strcpy(who.subject, "a l\"\303\274-._~@9");
	ck_assert_ptr_nonnull(strstr(servers(a, &who, "x"),
				     "\"1800003600:a%20l%22%C3%BC-._~@9\""));
	memset(who.subject, '\'', AUTH_SUBJECT_MAX);
	who.subject[AUTH_SUBJECT_MAX] = '\0';
	ck_assert_uint_eq(strspn(strstr(servers(a, &who, "x"), ":%") + 1,
				 "%27"), 3 * AUTH_SUBJECT_MAX);
	who.subject[0] = '\0';
	ck_assert_ptr_nonnull(strstr(servers(a, &who, NULL),
				     "\"username\":\"1800003600\","));
	auth_free(a);

	/* With a key only who has shown a token, and may call. */
	o.auth_secret = TOKEN_SECRET;
	a = opened(&o);
	who = auth_nobody(a);
	ck_assert_str_eq(servers(a, &who, "alice"), "[]");
	who.known = true;
	ck_assert_str_eq(servers(a, &who, "alice"), "[]");
	who.perms = AUTH_MANAGE;
	ck_assert_str_eq(servers(a, &who, "alice"), "[]");
	who.perms = AUTH_SUBSCRIBE;
	ck_assert_ptr_nonnull(strstr(servers(a, &who, "alice"), "urls"));
	auth_free(a);

	o = base();
	a = opened(&o);
	who.perms = AUTH_ALL;
	ck_assert_str_eq(servers(a, &who, "alice"), "[]");
	auth_free(a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("auth");
	TCase *t = tcase_create("all");
	int n = (int)ARRAY_LEN(cases);

	js_seed();
	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, make_es_key, drop_es_key);
	tcase_add_loop_test(t, a_token_is_what_its_text_says, 0, n);
	tcase_add_loop_test(t, es256_takes_and_refuses_the_same, 0, n);
	tcase_add_test(t, one_key_has_one_algorithm);
	tcase_add_test(t, an_es256_signature_is_64_bytes_of_numbers);
	tcase_add_test(t, a_changed_token_is_refused);
	tcase_add_loop_test(t, another_shape_is_refused, 0,
			    (int)ARRAY_LEN(shapes));
	tcase_add_test(t, a_long_token_is_refused_before_it_is_read);
	tcase_add_loop_test(t, base64url_has_one_form, 0,
			    (int)ARRAY_LEN(base64));
	tcase_add_loop_test(t, perm_becomes_what_a_client_may_do, 0,
			    (int)ARRAY_LEN(perms));
	tcase_add_loop_test(t, issuer_and_audience_are_compared_when_set, 0,
			    (int)ARRAY_LEN(audiences));
	tcase_add_test(t, a_single_use_token_counts_once);
	tcase_add_test(t, many_single_use_tokens_are_bounded);
	tcase_add_test(t, without_a_key_everybody_may_all);
	tcase_add_test(t, a_wrong_key_file_stops_the_start);
	tcase_add_test(t, the_examples_of_rfc_7515_are_signed_as_they_say);
	tcase_add_test(t, digests_are_those_of_their_standards);
	tcase_add_test(t, turn_credentials_are_of_the_rest_form);
	suite_add_tcase(s, t);

	return suite_run(s);
}
