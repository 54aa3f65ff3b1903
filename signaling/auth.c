/*
 * auth.c - who a client is
 *
 * Single use: a token's jti is remembered as a part of its SHA-256 in one of
 * BUCKETS buckets of WAYS places, for twice the token's life. A place is free
 * again when its time is over; a bucket without a free place refuses, so a
 * token is never taken twice, and memory never grows.
 */

#include "signaling/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "signaling/jwt.h"
#include "signaling/options.h"

enum {
	BUCKETS = 4096, WAYS = 16, SEEN_KEY = 16,
	KEY_FILE_MAX = 16384,	/* bytes of a PEM file */
	TURN_USER = 3 * AUTH_SUBJECT_MAX + 24,
};

struct seen {
	uint8_t key[SEEN_KEY];
	int64_t until_s;
};

struct auth {
	struct jwt_key *key;	/* NULL: no tokens */
	bool query;
	char *issuer, *audience;
	struct seen (*seen)[WAYS];	/* BUCKETS of them; NULL: not single
					   use */
	char *turn[SIG_TURN_MAX];
	unsigned turn_len;
	char *turn_secret;
	uint32_t turn_life_s;
};

/* Bytes, or negative errno. */
static int read_file(const char *path, char *out, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;
	int err;

	if (fd < 0)
		return -errno;
	while (len < room && (n = read(fd, out + len, room - len)) > 0)
		len += (size_t)n;
	err = n < 0 ? -errno : len == room ? -EFBIG : (int)len;
	close(fd);

	return err;
}

static int load_public(struct auth *a, const char *path, char *error,
		       size_t room)
{
	char pem[KEY_FILE_MAX];
	int n = read_file(path, pem, sizeof(pem));
	int err = n < 0 ? n : jwt_key_public(&a->key, pem, (size_t)n);

	if (n < 0)
		snprintf(error, room, "signaling: "
			 "WEBRTC_AUTH_PUBLIC_KEY=%.200s: %s", path,
			 strerror(-n));
	else if (err)
		snprintf(error, room, "signaling: "
			 "WEBRTC_AUTH_PUBLIC_KEY=%.200s: %s", path,
			 err == -EINVAL ? "the key must be on P-256 (ES256)" :
					  "no public key in PEM form");

	return err;
}

static int copy(char **out, const char *text)
{
	*out = text ? strdup(text) : NULL;

	return text && !*out ? -ENOMEM : 0;
}

static int copy_turn(struct auth *a, const struct sig_options *o)
{
	int err = copy(&a->turn_secret, o->turn_secret);

	for (; !err && a->turn_len < o->turn_len; a->turn_len++)
		err = copy(&a->turn[a->turn_len], o->turn[a->turn_len]);
	a->turn_life_s = o->turn_life_s;
	a->query = o->auth_query;

	return err;
}

static int fill(struct auth *a, const struct sig_options *o, char *error,
		size_t room)
{
	int err = jwt_warm();

	if (!err && o->auth_secret)
		err = jwt_key_secret(&a->key, o->auth_secret,
				     strlen(o->auth_secret));
	else if (!err && o->auth_public_key)
		err = load_public(a, o->auth_public_key, error, room);
	if (err || (err = copy(&a->issuer, o->auth_issuer)) ||
	    (err = copy(&a->audience, o->auth_audience)) ||
	    (err = copy_turn(a, o)))
		return err;
	if (o->auth_single_use) {
		a->seen = calloc(BUCKETS, sizeof(*a->seen));
		err = a->seen ? 0 : -ENOMEM;
	}

	return err;
}

int auth_new(struct auth **out, const struct sig_options *o, char *error,
	     size_t error_len)
{
	struct auth *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	error[0] = '\0';
	if ((err = fill(a, o, error, error_len))) {
		auth_free(a);
		return err;
	}
	*out = a;

	return 0;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	jwt_key_free(a->key);
	for (unsigned i = 0; i < a->turn_len; i++)
		free(a->turn[i]);
	if (a->turn_secret)
		jwt_wipe(a->turn_secret, strlen(a->turn_secret));
	free(a->turn_secret);
	free(a->issuer);
	free(a->audience);
	free(a->seen);
	free(a);
}

bool auth_required(const struct auth *a)
{
	return a && a->key;
}

bool auth_takes_query(const struct auth *a)
{
	return auth_required(a) && a->query;
}

struct identity auth_nobody(const struct auth *a)
{
	return (struct identity){ .perms = auth_required(a) ? 0 : AUTH_ALL };
}

/* -EALREADY: this jti was seen. -EACCES: no place to remember it. */
static int use_once(struct auth *a, const struct jwt_claims *c, int64_t now,
		    const char **why)
{
	uint8_t hash[JWT_SHA256];
	struct seen *bucket, *free_place = NULL;
	int err = jwt_sha256(c->id, c->id_len, hash);

	if (err)
		return err;
	bucket = a->seen[(hash[30] << 8 | hash[31]) % BUCKETS];
	for (int i = 0; i < WAYS; i++) {
		if (bucket[i].until_s <= now) {
			free_place = &bucket[i];
		} else if (memcmp(bucket[i].key, hash, SEEN_KEY) == 0) {
			*why = "the token was used before (jti): each counts "
			       "once here";
			return -EALREADY;
		}
	}
	if (!free_place) {
		*why = "too many single-use tokens at once: try again later";
		return -EACCES;
	}
	memcpy(free_place->key, hash, SEEN_KEY);
	free_place->until_s = now + 2 * (c->exp_s - now) + 2 * JWT_LEEWAY_S;

	return 0;
}

int auth_check(struct auth *a, const char *token, size_t len, int64_t wall_ms,
	       struct identity *out, const char **why)
{
	struct jwt_rules rules = { .now_s = wall_ms / 1000 };
	struct jwt_claims claims;
	int err;

	if (!auth_required(a)) {
		*why = "this server has no key for tokens: send none";
		return -EACCES;
	}
	rules.key = a->key;
	rules.issuer = a->issuer;
	rules.audience = a->audience;
	rules.id_needed = a->seen != NULL;
	*why = "the token cannot be checked now";
	err = jwt_read(&claims, &rules, token, len, why);
	if (!err && a->seen)
		err = use_once(a, &claims, rules.now_s, why);
	if (!err)
		*out = claims.who;

	return err;
}

static void put_base64(struct text *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
				     "opqrstuvwxyz0123456789+/";
	char four[4];

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t v = (uint32_t)bytes[i] << 16;

		if (left > 1)
			v |= (uint32_t)bytes[i + 1] << 8;
		if (left > 2)
			v |= bytes[i + 2];
		four[0] = digits[v >> 18];
		four[1] = digits[v >> 12 & 63];
		four[2] = left > 1 ? digits[v >> 6 & 63] : '=';
		four[3] = left > 2 ? digits[v & 63] : '=';
		text_put(out, four, sizeof(four));
	}
}

/*
 * EXPIRY:NAME. Whatever could look different after the preparation of strings
 * (RFC 8489 14.3), and what coturn refuses, stands as %XX.
 */
static void write_user(char out[TURN_USER], int64_t expiry, const char *name)
{
	static const char hex[] = "0123456789ABCDEF";
	int n = snprintf(out, TURN_USER, *name ? "%lld:" : "%lld",
			 (long long)expiry);

	for (; *name && n + 4 <= TURN_USER; name++) {
		unsigned char c = (unsigned char)*name;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || strchr("-._~@", c)) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	out[n] = '\0';
}

static bool may_have_turn(const struct auth *a, const struct identity *who)
{
	return a && a->turn_len && (who->known || !auth_required(a)) &&
	       (who->perms & (AUTH_PUBLISH | AUTH_SUBSCRIBE | AUTH_DATA));
}

void auth_ice_servers(const struct auth *a, const struct identity *who,
		      const char *peer, int64_t wall_ms, struct text *out)
{
	const char *name = *who->subject ? who->subject : peer ? peer : "";
	char user[TURN_USER];
	uint8_t tag[JWT_SHA1];

	if (!may_have_turn(a, who)) {
		text_puts(out, "[]");
		return;
	}
	write_user(user, wall_ms / 1000 + a->turn_life_s, name);
	if (jwt_hmac_sha1(a->turn_secret, strlen(a->turn_secret), user,
			  strlen(user), tag)) {
		text_puts(out, "[]");
		return;
	}
	text_puts(out, "[{\"urls\":[");
	for (unsigned i = 0; i < a->turn_len; i++) {
		text_puts(out, i ? "," : "");
		text_jsons(out, a->turn[i]);
	}
	text_puts(out, "],\"username\":");
	text_jsons(out, user);
	text_puts(out, ",\"credential\":\"");
	put_base64(out, tag, sizeof(tag));
	text_puts(out, "\"}]");
}
