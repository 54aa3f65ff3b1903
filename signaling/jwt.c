/* jwt.c - a JSON Web Token in compact form */

#include "signaling/jwt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/session/peer_name.h"
#include "port/json.h"

enum { PARTS = 3 };

/* 31.12.9999, as far as a time of day can be written. */
#define TIME_MAX 253402300799

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;

	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int base64url_decode(uint8_t *out, size_t room, const char *text, size_t len)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t n = 0;

	if (len % 4 == 1 || len / 4 > room)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		int v = digit(text[i]);

		if (v < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)v;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		if (n == room)
			return -EINVAL;
		out[n++] = (uint8_t)(bits >> held);
	}
	/* Else the same bytes would have several texts. */
	if (bits & ((1u << held) - 1))
		return -EINVAL;

	return (int)n;
}

static int refuse(const char **why, const char *text)
{
	*why = text;

	return -EACCES;
}

static int parse_object(struct js **out, const char *part, size_t len)
{
	uint8_t bytes[AUTH_TOKEN_MAX];
	char error[JS_ERROR];
	int n = base64url_decode(bytes, sizeof(bytes), part, len), err;

	if (n < 0)
		return n;
	err = js_parse(out, (const char *)bytes, (size_t)n, error);
	jwt_wipe(bytes, sizeof(bytes));
	if (err)
		return err;
	if (js_type(*out) == JS_OBJECT)
		return 0;
	js_free(*out);

	return -EINVAL;
}

static bool is_text(const struct js *v, const char *right)
{
	size_t len;
	const char *s = js_string(v, &len);

	return s && len == strlen(right) && memcmp(s, right, len) == 0;
}

/* "JWT", or an access token (RFC 9068): no token of another purpose. */
static bool type_ok(const struct js *typ)
{
	size_t len;
	const char *s = js_string(typ, &len);

	if (!typ)
		return true;

	return s && ((len == 3 && strncasecmp(s, "JWT", 3) == 0) ||
		     (len == 6 && strncasecmp(s, "at+jwt", 6) == 0));
}

static int check_header(const char *part, size_t len, const char *alg,
			const char **why)
{
	struct js *head;
	int err = parse_object(&head, part, len);

	if (err)
		return err == -ENOMEM ? err :
		       refuse(why, "the token's header is no base64url of a "
			      "JSON object");
	if (!is_text(js_get(head, "alg"), alg))
		err = refuse(why, *alg == 'H' ?
			     "the token's alg must be HS256 here" :
			     "the token's alg must be ES256 here");
	else if (js_get(head, "crit"))
		err = refuse(why, "the token's header has crit, which is not "
			     "supported");
	else if (!type_ok(js_get(head, "typ")))
		err = refuse(why, "the token's typ must be JWT or absent");
	js_free(head);

	return err;
}

static int check_signature(const struct jwt_key *key, const char *token,
			   size_t signed_len, const char *part, size_t len,
			   const char **why)
{
	uint8_t signature[JWT_ES256];
	int n = base64url_decode(signature, sizeof(signature), part, len);
	int err;

	if (n < 0)
		return refuse(why, "the token's signature is no base64url, or "
			      "too long");
	err = jwt_verify(key, token, signed_len, signature, (size_t)n);
	if (err == -EBADMSG)
		return refuse(why, "the token's signature is not of this "
			      "server's key");

	return err;
}

/* NumericDate: whole seconds, or with a fraction that is dropped. */
static bool read_time(const struct js *v, int64_t *out)
{
	char *text, *end;
	double d;
	bool ok;

	if (js_int(v, out))
		return *out >= 0 && *out <= TIME_MAX;
	if (js_type(v) != JS_NUMBER || !(text = js_write(v)))
		return false;
	d = strtod(text, &end);
	ok = end != text && d >= 0 && d <= (double)TIME_MAX;
	free(text);
	*out = ok ? (int64_t)d : 0;

	return ok;
}

static int late(const char **why, const char *text)
{
	*why = text;

	return -ETIME;
}

static int check_times(struct jwt_claims *out, const struct js *claims,
		       int64_t now, const char **why)
{
	const struct js *nbf = js_get(claims, "nbf");
	const struct js *iat = js_get(claims, "iat");
	int64_t from = 0, made = 0;

	if (!read_time(js_get(claims, "exp"), &out->exp_s))
		return refuse(why, "the token needs exp, a time in seconds");
	if ((nbf && !read_time(nbf, &from)) || (iat && !read_time(iat, &made)))
		return refuse(why, "the token's nbf or iat is no time in "
			      "seconds");
	if (out->exp_s + JWT_LEEWAY_S <= now)
		return late(why, "the token has expired: ask for a new one");
	if (out->exp_s > now + JWT_LIFE_S + JWT_LEEWAY_S)
		return refuse(why, "the token's exp is more than an hour "
			      "ahead");
	if (from > now + JWT_LEEWAY_S)
		return late(why, "the token is not valid yet (nbf)");
	if (made > now + JWT_LEEWAY_S)
		return late(why, "the token was made in the future (iat)");
	if (from > out->exp_s || made > out->exp_s)
		return refuse(why, "the token ends before it begins");

	return 0;
}

/* aud: one text, or an array that holds it (RFC 7519 4.1.3). */
static bool audience_ok(const struct js *aud, const char *right)
{
	if (js_type(aud) != JS_ARRAY)
		return is_text(aud, right);
	for (size_t i = 0; i < js_len(aud); i++)
		if (is_text(js_at(aud, i), right))
			return true;

	return false;
}

/* A claim that follows the rules of a peer id. */
static bool read_name(char *out, const struct js *v)
{
	size_t len = 0;
	const char *s = js_string(v, &len);

	if (!s || !peer_name_ok(s, len))
		return false;
	memcpy(out, s, len);
	out[len] = '\0';

	return true;
}

static bool add_perm(unsigned *perms, const char *word, size_t len)
{
	static const struct {
		const char *word;
		enum auth_perm perm;
	} words[] = {
		{ "publish", AUTH_PUBLISH }, { "subscribe", AUTH_SUBSCRIBE },
		{ "data", AUTH_DATA }, { "manage", AUTH_MANAGE },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (len == strlen(words[i].word) &&
		    memcmp(word, words[i].word, len) == 0) {
			*perms |= words[i].perm;
			return true;
		}
	}

	return false;
}

/* Words between single or several spaces. */
static bool read_perm_text(unsigned *perms, const char *s, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		for (n = 0; i + n < len && s[i + n] != ' ';)
			n++;
		if (n && !add_perm(perms, s + i, n))
			return false;
		n += i + n < len;
	}

	return true;
}

static bool read_perms(unsigned *perms, const struct js *v)
{
	size_t len = 0;
	const char *s = js_string(v, &len);

	*perms = v ? 0 : AUTH_PUBLISH | AUTH_SUBSCRIBE | AUTH_DATA;
	if (!v)
		return true;
	if (s)
		return read_perm_text(perms, s, len);
	if (js_type(v) != JS_ARRAY)
		return false;
	for (size_t i = 0; i < js_len(v); i++) {
		s = js_string(js_at(v, i), &len);
		if (!s || !add_perm(perms, s, len))
			return false;
	}

	return true;
}

static int read_id(struct jwt_claims *out, const struct js *v, bool needed,
		   const char **why)
{
	const char *s = js_string(v, &out->id_len);

	out->id[0] = '\0';
	if (!v && !needed) {
		out->id_len = 0;
		return 0;
	}
	if (!s || out->id_len == 0 || out->id_len > JWT_ID_MAX)
		return refuse(why, "the token needs jti, a text of 1 to 256 "
			      "bytes that no other token has");
	memcpy(out->id, s, out->id_len);
	out->id[out->id_len] = '\0';

	return 0;
}

static int read_claims(struct jwt_claims *out, const struct js *c,
		       const struct jwt_rules *r, const char **why)
{
	const struct js *peer = js_get(c, "peer_id");
	const struct js *session = js_get(c, "session");
	int err = check_times(out, c, r->now_s, why);

	if (err)
		return err;
	if (r->issuer && !is_text(js_get(c, "iss"), r->issuer))
		return refuse(why, "the token's iss is not the one that this "
			      "server takes");
	if (r->audience && !audience_ok(js_get(c, "aud"), r->audience))
		return refuse(why, "the token's aud does not name this "
			      "server");
	if (!read_name(out->who.subject, js_get(c, "sub")))
		return refuse(why, "the token needs sub, a text of 1 to 128 "
			      "bytes without controls");
	if (peer && !read_name(out->who.peer, peer))
		return refuse(why, "the token's peer_id is no peer id");
	if (session && !read_name(out->who.session, session))
		return refuse(why, "the token's session is no session name");
	if (!read_perms(&out->who.perms, js_get(c, "perm")))
		return refuse(why, "the token's perm may hold publish, "
			      "subscribe, data, manage");
	out->who.known = true;
	out->who.expires_ms = (out->exp_s + JWT_LEEWAY_S) * 1000;

	return read_id(out, js_get(c, "jti"), r->id_needed, why);
}

/* Where the three parts stand. */
static bool split(const char *token, size_t len, const char *at[PARTS],
		  size_t lens[PARTS])
{
	for (int i = 0; i < PARTS; i++) {
		const char *dot = memchr(token, '.', len);
		size_t n = dot ? (size_t)(dot - token) : len;

		if (n == 0 || (dot == NULL) != (i == PARTS - 1))
			return false;
		at[i] = token;
		lens[i] = n;
		token += n + (dot != NULL);
		len -= n + (dot != NULL);
	}

	return true;
}

int jwt_read(struct jwt_claims *out, const struct jwt_rules *rules,
	     const char *token, size_t len, const char **why)
{
	struct jwt_claims claims = { .exp_s = 0 };
	const char *at[PARTS];
	size_t lens[PARTS];
	struct js *body;
	int err;

	if (len > AUTH_TOKEN_MAX)
		return refuse(why, "the token is longer than 4096 bytes");
	if (!split(token, len, at, lens))
		return refuse(why, "a token has three parts with dots between "
			      "(a signed JWT)");
	err = check_header(at[0], lens[0], jwt_key_alg(rules->key), why);
	if (!err)
		err = check_signature(rules->key, token,
				      lens[0] + 1 + lens[1], at[2], lens[2],
				      why);
	if (err)
		return err;
	err = parse_object(&body, at[1], lens[1]);
	if (err)
		return err == -ENOMEM ? err :
		       refuse(why, "the token's claims are no base64url of a "
			      "JSON object");
	err = read_claims(&claims, body, rules, why);
	js_free(body);
	if (!err)
		*out = claims;

	return err;
}
