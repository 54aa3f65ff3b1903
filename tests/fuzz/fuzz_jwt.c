/*
 * fuzz_jwt.c - tokens: raw, and claims behind a right signature
 *
 * A first byte of 'r' makes the rest a token as it is. Else the rest is
 * header, a newline, claims, which are signed here, so that what stands
 * behind the signature check is reached. What is taken keeps the promises of
 * auth.h.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/session/peer_name.h"
#include "port/json.h"
#include "signaling/jwt.h"
#include "tests/unit/token_kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { INPUT_MAX = 5000 };

static void check(int truth)
{
	if (!truth)
		abort();
}

static void read_token(const struct jwt_key *key, const char *token,
		       size_t len, bool id_needed)
{
	struct jwt_rules rules = { .key = key, .now_s = 1800000000,
				   .id_needed = id_needed };
	struct jwt_claims c;
	const char *why = NULL;
	int err = jwt_read(&c, &rules, token, len, &why);

	check(err == 0 || err == -EACCES || err == -ETIME);
	if (err) {
		check(why != NULL);
		return;
	}
	check(c.who.known && c.who.perms <= AUTH_ALL);
	check(peer_name_ok(c.who.subject, strlen(c.who.subject)));
	check(!*c.who.peer || peer_name_ok(c.who.peer, strlen(c.who.peer)));
	check(!*c.who.session ||
	      peer_name_ok(c.who.session, strlen(c.who.session)));
	check(c.exp_s > 1800000000 - 60 && c.exp_s <= 1800003660);
	check(!id_needed || c.id_len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct jwt_key *key;
	static char token[TOKEN_ROOM], header[INPUT_MAX], claims[INPUT_MAX];
	const uint8_t *line;
	size_t n;

	if (!key) {
		js_seed();
		check(jwt_key_secret(&key, TOKEN_SECRET,
				     strlen(TOKEN_SECRET)) == 0);
	}
	if (len < 1 || len >= INPUT_MAX)
		return 0;
	if (bytes[0] == 'r') {
		read_token(key, (const char *)bytes + 1, len - 1, false);
		return 0;
	}
	line = memchr(bytes + 1, '\n', len - 1);
	n = line ? (size_t)(line - bytes) - 1 : 0;
	memcpy(header, bytes + 1, n);
	header[n] = '\0';
	n = line ? len - n - 2 : len - 1;
	memcpy(claims, line ? line + 1 : bytes + 1, n);
	claims[n] = '\0';
	token_make(token, NULL, line ? header : "{\"alg\":\"HS256\"}", claims);
	read_token(key, token, strlen(token), bytes[0] & 1);

	return 0;
}
