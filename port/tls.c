/*
 * tls.c - TLS (OpenSSL)
 *
 * OpenSSL keeps errors in a list of the thread: what one session leaves there
 * would be read as a failure of the next. Each call clears it first.
 */

#include "port/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICKET_KEYS = 80, TICKET_LIFE_S = 3600 };

struct tls_server {
	SSL_CTX *context;
};

struct tls_client {
	SSL_CTX *context;
};

struct tls_session {
	SSL *ssl;
};

#define MACHINE_AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"

static const char ciphers[] =
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

static char last_error[TLS_WHY] = "no error";

const char *tls_last_error(void)
{
	return last_error;
}

static void keep_error(char out[TLS_WHY])
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	snprintf(out, TLS_WHY, "%s", reason ? reason : "unknown error");
}

/* Ours, in our order; a client that offers neither hears why. */
static int choose_protocol(SSL *ssl, const unsigned char **out,
			   unsigned char *out_len, const unsigned char *in,
			   unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "\2h2\10http/1.1";
	unsigned char *chosen = NULL;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1,
				  in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;

	return SSL_TLSEXT_ERR_OK;
}

/* A key that wants a passphrase must not make us ask at a terminal. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;

	return -1;
}

static int set_ticket_keys(SSL_CTX *context)
{
	unsigned char keys[TICKET_KEYS];
	bool good = RAND_bytes(keys, sizeof(keys)) == 1 &&
		    SSL_CTX_set_tlsext_ticket_keys(context, keys,
						   sizeof(keys)) == 1;

	OPENSSL_cleanse(keys, sizeof(keys));

	return good ? 0 : -EIO;
}

static bool set_policy(SSL_CTX *c)
{
	SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION |
				       SSL_OP_NO_COMPRESSION |
				       SSL_OP_CIPHER_SERVER_PREFERENCE |
				       SSL_OP_PRIORITIZE_CHACHA |
				       SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS |
				    SSL_MODE_ENABLE_PARTIAL_WRITE |
				    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(c, TICKET_LIFE_S);
	SSL_CTX_set_default_passwd_cb(c, no_passphrase);
	SSL_CTX_set_alpn_select_cb(c, choose_protocol, NULL);

	return SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(c, ciphers) == 1 &&
	       SSL_CTX_set1_groups_list(c, "X25519:P-256") == 1 &&
	       SSL_CTX_set_num_tickets(c, 1) == 1 &&
	       SSL_CTX_set_max_early_data(c, 0) == 1 &&
	       set_ticket_keys(c) == 0;
}

static X509 *read_cert(BIO *bio)
{
	return PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
}

/* Our certificate, then those between it and a root. */
static const char *use_chain(SSL_CTX *c, BIO *bio)
{
	X509 *cert = read_cert(bio);
	bool good = cert && SSL_CTX_use_certificate(c, cert) == 1;

	X509_free(cert);
	if (!good)
		return "the certificate file holds no certificate that works";
	while ((cert = read_cert(bio))) {
		if (SSL_CTX_add0_chain_cert(c, cert) != 1) {
			X509_free(cert);
			return "a certificate of the chain does not work";
		}
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return "a certificate of the chain is damaged";

	return NULL;
}

static const char *use_key(SSL_CTX *c, BIO *bio)
{
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase,
						NULL);
	bool good;

	if (!key)
		return "the key file holds no private key without a "
		       "passphrase";
	good = SSL_CTX_use_PrivateKey(c, key) == 1 &&
	       SSL_CTX_check_private_key(c) == 1;
	EVP_PKEY_free(key);

	return good ? NULL : "the key does not belong to the certificate";
}

static const char *use_pem(SSL_CTX *c, const struct tls_pem *pem)
{
	BIO *cert = BIO_new_mem_buf(pem->cert, (int)pem->cert_len);
	BIO *key = BIO_new_mem_buf(pem->key, (int)pem->key_len);
	const char *why = "no memory";

	if (cert && key && !(why = use_chain(c, cert)))
		why = use_key(c, key);
	BIO_free(cert);
	BIO_free(key);

	return why;
}

static int context_new(SSL_CTX **out, const struct tls_pem *pem,
		       char why[TLS_WHY])
{
	const char *text = "OpenSSL does not start";
	SSL_CTX *c;

	ERR_clear_error();
	if (pem->cert_len > TLS_PEM_MAX || pem->key_len > TLS_PEM_MAX) {
		snprintf(why, TLS_WHY, "the file is too large");
		return -EINVAL;
	}
	c = SSL_CTX_new(TLS_server_method());
	if (c && set_policy(c))
		text = use_pem(c, pem);
	ERR_clear_error();
	if (text) {
		snprintf(why, TLS_WHY, "%s", text);
		SSL_CTX_free(c);
		return -EINVAL;
	}
	*out = c;

	return 0;
}

int tls_server_new(struct tls_server **out, const struct tls_pem *pem,
		   char why[TLS_WHY])
{
	struct tls_server *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	err = context_new(&s->context, pem, why);
	if (err) {
		free(s);
		return err;
	}
	*out = s;

	return 0;
}

int tls_server_renew(struct tls_server *s, const struct tls_pem *pem,
		     char why[TLS_WHY])
{
	SSL_CTX *fresh = NULL;
	int err = context_new(&fresh, pem, why);

	if (err)
		return err;
	/* Running sessions hold the old one. */
	SSL_CTX_free(s->context);
	s->context = fresh;

	return 0;
}

int tls_server_rotate(struct tls_server *s)
{
	ERR_clear_error();

	return set_ticket_keys(s->context);
}

void tls_server_free(struct tls_server *s)
{
	if (!s)
		return;
	SSL_CTX_free(s->context);
	free(s);
}

int64_t tls_server_expires(const struct tls_server *s)
{
	const X509 *cert = SSL_CTX_get0_certificate(s->context);
	struct tm tm;

	if (!cert || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return 0;

	return timegm(&tm);
}

int tls_session_new(struct tls_session **out, struct tls_server *s, int fd)
{
	struct tls_session *t = calloc(1, sizeof(*t));

	ERR_clear_error();
	if (t)
		t->ssl = SSL_new(s->context);
	if (!t || !t->ssl || SSL_set_fd(t->ssl, fd) != 1) {
		tls_session_free(t);
		return -ENOMEM;
	}
	SSL_set_accept_state(t->ssl);
	*out = t;

	return 0;
}

int tls_client_new(struct tls_client **out, const char *authorities,
		   char why[TLS_WHY])
{
	struct tls_client *c = calloc(1, sizeof(*c));

	ERR_clear_error();
	if (!c)
		return -ENOMEM;
	c->context = SSL_CTX_new(TLS_client_method());
	/* All at once: later no file can be opened. */
	if (!c->context ||
	    SSL_CTX_set_min_proto_version(c->context, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(c->context, ciphers) != 1 ||
	    SSL_CTX_load_verify_file(c->context, authorities ? authorities :
				     MACHINE_AUTHORITIES) != 1) {
		keep_error(why);
		ERR_clear_error();
		tls_client_free(c);
		return -EINVAL;
	}
	SSL_CTX_set_verify(c->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(c->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
				     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				     SSL_MODE_RELEASE_BUFFERS);
	*out = c;

	return 0;
}

void tls_client_free(struct tls_client *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->context);
	free(c);
}

int tls_client_session(struct tls_session **out, struct tls_client *c, int fd,
		       const char *host)
{
	struct tls_session *t = calloc(1, sizeof(*t));
	bool named;

	ERR_clear_error();
	if (t)
		t->ssl = SSL_new(c->context);
	if (!t || !t->ssl || SSL_set_fd(t->ssl, fd) != 1) {
		tls_session_free(t);
		return -ENOMEM;
	}
	/* An address has no place in the hello (RFC 6066 3). */
	named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl),
					      host) != 1;
	if (named && (SSL_set1_host(t->ssl, host) != 1 ||
		      SSL_set_tlsext_host_name(t->ssl, host) != 1)) {
		ERR_clear_error();
		tls_session_free(t);
		return -EINVAL;
	}
	ERR_clear_error();
	SSL_set_connect_state(t->ssl);
	*out = t;

	return 0;
}

void tls_session_free(struct tls_session *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	free(t);
}

/* What the return value of an SSL function means. */
static int error_of(struct tls_session *t, int result)
{
	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		snprintf(last_error, sizeof(last_error),
			 "the connection ended");
		return -EPIPE;
	default:
		keep_error(last_error);
		ERR_clear_error();
		return -EPROTO;
	}
}

int tls_handshake(struct tls_session *t)
{
	int result, err;

	ERR_clear_error();
	result = SSL_do_handshake(t->ssl);
	if (result == 1)
		return 0;
	err = error_of(t, result);
	if (!err) {
		snprintf(last_error, sizeof(last_error),
			 "the connection ended");
		err = -EPIPE;
	}

	return err;
}

const char *tls_protocol(const struct tls_session *t)
{
	const unsigned char *name = NULL;
	unsigned len = 0;

	SSL_get0_alpn_selected(t->ssl, &name, &len);
	if (len == 2 && memcmp(name, "h2", 2) == 0)
		return "h2";

	return len ? "http/1.1" : "";
}

ssize_t tls_recv(struct tls_session *t, void *bytes, size_t len)
{
	size_t n = 0;
	int result;

	ERR_clear_error();
	result = SSL_read_ex(t->ssl, bytes, len, &n);

	return result == 1 ? (ssize_t)n : error_of(t, result);
}

ssize_t tls_send(struct tls_session *t, const void *bytes, size_t len)
{
	size_t n = 0;
	int result, err;

	ERR_clear_error();
	result = SSL_write_ex(t->ssl, bytes, len, &n);
	if (result == 1)
		return (ssize_t)n;
	err = error_of(t, result);

	return err ? err : -EPIPE;
}

int tls_close(struct tls_session *t)
{
	int result, err;

	ERR_clear_error();
	result = SSL_shutdown(t->ssl);
	if (result >= 0)
		return 0;
	err = error_of(t, result);

	return err ? err : -EPIPE;
}

bool tls_wants_write(const struct tls_session *t)
{
	return SSL_want_write(t->ssl);
}
