/*
 * tls.h - TLS 1.2 and 1.3 over a socket (OpenSSL), mostly the server's side
 *
 * AEAD ciphers only, X25519 and P-256, ALPN h2 and http/1.1, no renegotiation,
 * no early data, no compression. A session holds no buffer while nothing is
 * under way.
 *
 * Memory   A session keeps what it needs of its server: the server may be
 *          renewed or freed meanwhile. The descriptor stays the caller's.
 * Errors   Negative errno; -EAGAIN: at the next event of the descriptor,
 *          for writing if tls_wants_write(). `why` is one line for people.
 * Blocks   Never; the descriptor is non-blocking.
 * Process  Opens no file but in tls_client_new(): certificate and key are PEM
 *          in memory, so that they can be renewed inside a sandbox.
 */
#ifndef PORT_TLS_H
#define PORT_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

enum {
	TLS_WHY = 160,
	TLS_PEM_MAX = 262144,	/* bytes of a certificate file or a key */
	TLS_RECORD = 16384,	/* data bytes of one record */
};

struct tls_server;
struct tls_client;
struct tls_session;

struct tls_pem {
	const void *cert;	/* the chain, our own certificate first */
	size_t cert_len;
	const void *key;
	size_t key_len;
};

/* -EINVAL: the PEM is not good, or the two do not belong together. */
int tls_server_new(struct tls_server **out, const struct tls_pem *pem,
		   char why[TLS_WHY]) MUST_USE;

/* For sessions from now on; after a failure the old certificate serves on. */
int tls_server_renew(struct tls_server *s, const struct tls_pem *pem,
		     char why[TLS_WHY]) MUST_USE;

/* New keys for session tickets; tickets made before are good no more. */
int tls_server_rotate(struct tls_server *s) MUST_USE;
void tls_server_free(struct tls_server *s);

/* Seconds since 1970 at which our certificate ends. */
int64_t tls_server_expires(const struct tls_server *s);

int tls_session_new(struct tls_session **out, struct tls_server *s, int fd)
	MUST_USE;

/* authorities: a PEM file of those that are believed; NULL: the machine's.
 * -EINVAL. */
int tls_client_new(struct tls_client **out, const char *authorities,
		   char why[TLS_WHY]) MUST_USE;
void tls_client_free(struct tls_client *c);

/* The client's side. host: the name or address that the far end's certificate
 * must be for; the handshake fails when it is not. */
int tls_client_session(struct tls_session **out, struct tls_client *c, int fd,
		       const char *host) MUST_USE;
void tls_session_free(struct tls_session *t);

/* 0: done. -EPROTO: it failed; nothing more can be said. */
int tls_handshake(struct tls_session *t) MUST_USE;

/* After the handshake: the protocol that was agreed on, or "". */
const char *tls_protocol(const struct tls_session *t);

/* What OpenSSL says of the last -EPROTO of any session. */
const char *tls_last_error(void);

/* Bytes; 0: the far end has closed. */
ssize_t tls_recv(struct tls_session *t, void *bytes, size_t len) MUST_USE;

/* Bytes taken. After -EAGAIN the same bytes must come again, or more that
 * begin with them. */
ssize_t tls_send(struct tls_session *t, const void *bytes, size_t len)
	MUST_USE;

/* Says that we send no more. 0, -EAGAIN, or dead. */
int tls_close(struct tls_session *t) MUST_USE;

bool tls_wants_write(const struct tls_session *t);

#endif
