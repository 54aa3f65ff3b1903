/* handshake.c - the opening handshake of RFC 6455 */

#include "core/ws/handshake.h"

#include <errno.h>
#include <string.h>

#include "core/ws/digest.h"

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

bool ws_is_upgrade(const struct h1_request *r)
{
	return h1_has_token(r->headers, r->headers_len, "upgrade",
			    "websocket");
}

void ws_write_accept(char accept[WS_ACCEPT_TEXT], const char *key,
		     size_t key_len)
{
	uint8_t digest[SHA1_BYTES];
	struct sha1 sha;

	sha1_init(&sha);
	sha1_add(&sha, key, key_len);
	sha1_add(&sha, guid, sizeof(guid) - 1);
	sha1_end(&sha, digest);
	base64_write(accept, digest, sizeof(digest));
}

void ws_write_key(char key[WS_KEY_TEXT], const uint8_t random[16])
{
	base64_write(key, random, 16);
}

/* 16 bytes in base64: 22 digits and "==". */
static bool is_key(struct h1_span key)
{
	if (key.len != WS_KEY_TEXT - 1 || key.at[22] != '=' ||
	    key.at[23] != '=')
		return false;
	for (size_t i = 0; i < 22; i++)
		if (!base64_is_digit(key.at[i]))
			return false;

	return true;
}

int ws_check_upgrade(const struct h1_request *r, char accept[WS_ACCEPT_TEXT],
		     unsigned *status)
{
	struct h1_span key = h1_find(r->headers, r->headers_len,
				     "sec-websocket-key");
	struct h1_span version = h1_find(r->headers, r->headers_len,
					 "sec-websocket-version");

	*status = 400;
	if (!h1_is(r->method, "GET")) {
		*status = 405;
		return -EBADMSG;
	}
	if (r->http10 || r->chunked || r->length ||
	    !h1_has_token(r->headers, r->headers_len, "connection",
			  "upgrade"))
		return -EBADMSG;
	if (h1_count(r->headers, r->headers_len, "sec-websocket-key") != 1 ||
	    !is_key(key))
		return -EBADMSG;
	if (!h1_is(version, "13")) {
		*status = 426;
		return -EBADMSG;
	}
	ws_write_accept(accept, key.at, key.len);
	*status = 101;

	return 0;
}

int ws_check_accept(const struct h1_response *r, const char *key)
{
	char want[WS_ACCEPT_TEXT];
	struct h1_span got = h1_find(r->headers, r->headers_len,
				     "sec-websocket-accept");

	ws_write_accept(want, key, strlen(key));
	/* We offer no extension and no sub-protocol, so none may be chosen. */
	if (r->code != 101 || !h1_is(got, want) ||
	    !h1_has_token(r->headers, r->headers_len, "upgrade",
			  "websocket") ||
	    !h1_has_token(r->headers, r->headers_len, "connection",
			  "upgrade") ||
	    h1_count(r->headers, r->headers_len,
		     "sec-websocket-extensions") ||
	    h1_count(r->headers, r->headers_len, "sec-websocket-protocol"))
		return -EBADMSG;

	return 0;
}
