/*
 * handshake.h - the opening handshake of RFC 6455, both sides
 *
 * Memory   Caller's buffers; nothing is allocated.
 * Errors   Negative errno.
 */
#ifndef CORE_WS_HANDSHAKE_H
#define CORE_WS_HANDSHAKE_H

#include <stdbool.h>

#include "common/err.h"
#include "core/http/h1.h"

enum {
	WS_KEY_TEXT = 25,	/* 16 bytes in base64, NUL included */
	WS_ACCEPT_TEXT = 29,	/* 20 bytes in base64, NUL included */
};

/* Whether the request asks for a WebSocket at all (Upgrade: websocket). */
bool ws_is_upgrade(const struct h1_request *r);

/*
 * The server's check. 0: answer 101 with this Sec-WebSocket-Accept.
 * -EBADMSG: *status is 400, 405 or 426 (then with Sec-WebSocket-Version: 13).
 */
int ws_check_upgrade(const struct h1_request *r, char accept[WS_ACCEPT_TEXT],
		     unsigned *status) MUST_USE;

/* The key a client sends, from 16 random bytes. */
void ws_write_key(char key[WS_KEY_TEXT], const uint8_t random[16]);

/* The client's check of the answer to its key: 0 or -EBADMSG. */
int ws_check_accept(const struct h1_response *r, const char *key) MUST_USE;

/* What the server answers to a key (RFC 6455 section 4.2.2). */
void ws_write_accept(char accept[WS_ACCEPT_TEXT], const char *key,
		     size_t key_len);

#endif
