/*
 * digest.h - SHA-1 (RFC 3174) and base64 (RFC 4648) for the handshake
 *
 * SHA-1 proves here that the far end speaks WebSocket; nothing secret
 * depends on it.
 */
#ifndef CORE_WS_DIGEST_H
#define CORE_WS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA1_BYTES = 20, SHA1_BLOCK = 64 };

struct sha1 {
	uint32_t h[5];
	uint64_t len;		/* bytes so far */
	uint8_t block[SHA1_BLOCK];
};

void sha1_init(struct sha1 *s);
void sha1_add(struct sha1 *s, const void *bytes, size_t len);
void sha1_end(struct sha1 *s, uint8_t out[SHA1_BYTES]);

/* out: 4 * ((len + 2) / 3) + 1 bytes, NUL included. */
void base64_write(char *out, const void *bytes, size_t len);

bool base64_is_digit(char c);

#endif
