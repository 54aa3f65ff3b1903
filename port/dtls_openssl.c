/*
 * dtls_openssl.c - DTLS 1.2 by OpenSSL 3
 *
 * OpenSSL reads from one datagram, that of the dtls_recv() at work, and
 * writes whole datagrams into the queue that dtls_poll() empties. What it
 * says about the association is turned into the three flags tell_*.
 *
 * A server whose ClientHello was refused starts anew with a fresh SSL, as
 * anybody could have sent it: the far end repeats its own. A handshake that
 * got further can only go on or fail.
 */
#include "port/dtls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "port/dtls_gate.h"
#include "port/dtls_identity.h"
#include "port/dtls_queue.h"

#define PROFILES_BOTH "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"
#define PROFILE_GCM "SRTP_AEAD_AES_128_GCM"
#define PROFILE_CM "SRTP_AES128_CM_SHA1_80"

enum {
	RETRY_FIRST_US = 50000,
	RETRY_LAST_US = 2000000, /* OpenSSL gives up after 12 of them */
	UDP_IP_HEAD = 28,
	MTU_LEAST = 256,
	CERTIFICATES_MAX = 8192, /* bytes the far end may send */
	RECORD_GROWS = 64,
	RESTARTS = 16,
	REASON = 96,
};

enum state { SHAKING, OPEN, ENDED };

struct dtls {
	SSL *ssl;
	X509 *cert;
	EVP_PKEY *key;
	enum dtls_role role;
	enum srtp_profile only;
	uint16_t mtu;
	struct dtls_fingerprint far[DTLS_FINGERPRINTS];
	unsigned far_count;
	struct dtls_gate gate;

	enum state state;
	bool verified, mismatch, tell_connected, tell_closed, tell_failed;
	unsigned restarts;
	struct mono deadline, alert_due;
	const char *alert;

	const uint8_t *in;	/* the datagram to read, NULL when read */
	size_t in_len;
	struct dtls_queue queue;
	struct dtls_keys keys;
	struct dtls_stats stats;
	char reason[REASON];
};

static struct {
	SSL_CTX *ctx;
	BIO_METHOD *bio;
	bool warm;
} shared;

/* ---- the BIO: one write is one datagram ---- */

static int bio_write(BIO *bio, const char *bytes, int len)
{
	struct dtls *d = BIO_get_data(bio);
	uint8_t *room;

	BIO_clear_retry_flags(bio);
	if (len <= 0)
		return 0;
	/* A full queue is like a lossy network. */
	room = dtls_queue_reserve(&d->queue, (size_t)len);
	if (!room) {
		d->stats.dropped_full++;
		return len;
	}
	memcpy(room, bytes, (size_t)len);
	dtls_queue_commit(&d->queue, DTLS_DATAGRAM, (size_t)len);
	d->stats.datagrams_out++;

	return len;
}

static int bio_read(BIO *bio, char *bytes, int size)
{
	struct dtls *d = BIO_get_data(bio);
	size_t len = d->in_len;

	BIO_clear_retry_flags(bio);
	if (!d->in) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (len > (size_t)size)
		len = (size_t)size;
	memcpy(bytes, d->in, len);
	d->in = NULL;

	return (int)len;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	const struct dtls *d = BIO_get_data(bio);

	(void)num;
	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return d->mtu;
	case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
		return UDP_IP_HEAD;
	default:
		return 0;
	}
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);

	return 1;
}

/* In place of a chain to a root: signaling said which certificate it is. */
static int verify(X509_STORE_CTX *store, void *arg)
{
	int slot = SSL_get_ex_data_X509_STORE_CTX_idx();
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, slot);
	const X509 *cert = X509_STORE_CTX_get0_cert(store);
	struct dtls *d = SSL_get_app_data(ssl);
	bool ok = false;

	(void)arg;
	for (unsigned i = 0; cert && i < d->far_count; i++)
		ok |= dtls_fingerprint_matches(&d->far[i], cert);
	d->verified = ok;
	d->mismatch = !ok;
	X509_STORE_CTX_set_error(store, ok ? X509_V_OK :
					     X509_V_ERR_CERT_REJECTED);

	return ok;
}

/* ---- what all associations share ---- */

static bool configure(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET |
				 SSL_OP_NO_RENEGOTIATION |
				 SSL_OP_NO_COMPRESSION |
				 SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ctx, CERTIFICATES_MAX);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
				SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);

	/* set_tlsext_use_srtp is the one that says 0 for success. */
	return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx,
				       "ECDHE-ECDSA-AES128-GCM-SHA256:"
				       "ECDHE-ECDSA-CHACHA20-POLY1305") == 1 &&
	       SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1 &&
	       SSL_CTX_set_tlsext_use_srtp(ctx, PROFILES_BOTH) == 0;
}

static bool make_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() |
				     BIO_TYPE_SOURCE_SINK, "datagram queue");

	shared.bio = m;

	return m && BIO_meth_set_write(m, bio_write) &&
	       BIO_meth_set_read(m, bio_read) &&
	       BIO_meth_set_ctrl(m, bio_ctrl) &&
	       BIO_meth_set_create(m, bio_create);
}

int dtls_share(void)
{
	if (shared.ctx)
		return 0;
	if (!OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG |
			      OPENSSL_INIT_LOAD_SSL_STRINGS |
			      OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL))
		return -EIO;
	shared.ctx = SSL_CTX_new(DTLS_method());
	if (!shared.ctx)
		return -ENOMEM;
	if (make_bio_method() && configure(shared.ctx))
		return 0;
	ERR_clear_error();
	BIO_meth_free(shared.bio);
	SSL_CTX_free(shared.ctx);
	shared.ctx = NULL;

	return -EIO;
}

/* ---- association ---- */

static unsigned retry_after(SSL *ssl, unsigned last_us)
{
	(void)ssl;
	if (!last_us)
		return RETRY_FIRST_US;

	return 2 * last_us < RETRY_LAST_US ? 2 * last_us : RETRY_LAST_US;
}

static bool attach_bio(struct dtls *d)
{
	BIO *bio = BIO_new(shared.bio);

	if (!bio)
		return false;
	BIO_set_data(bio, d);
	SSL_set_bio(d->ssl, bio, bio);

	return true;
}

static int start(struct dtls *d)
{
	const char *only = d->only == SRTP_GCM ? PROFILE_GCM : PROFILE_CM;

	SSL_free(d->ssl);
	memset(&d->gate, 0, sizeof(d->gate));
	d->gate.server = d->role == DTLS_SERVER;
	d->ssl = SSL_new(shared.ctx);
	if (!d->ssl || !attach_bio(d) ||
	    (d->only && SSL_set_tlsext_use_srtp(d->ssl, only) != 0) ||
	    SSL_use_certificate(d->ssl, d->cert) != 1 ||
	    SSL_use_PrivateKey(d->ssl, d->key) != 1) {
		ERR_clear_error();
		return -EIO;
	}
	SSL_set_app_data(d->ssl, d);
	SSL_set_mtu(d->ssl, d->mtu);
	DTLS_set_timer_cb(d->ssl, retry_after);
	if (d->role == DTLS_SERVER)
		SSL_set_accept_state(d->ssl);
	else
		SSL_set_connect_state(d->ssl);

	return 0;
}

static void fail(struct dtls *d, const char *reason)
{
	if (reason != d->reason)
		snprintf(d->reason, sizeof(d->reason), "%s", reason);
	d->state = ENDED;
	d->tell_failed = true;
	OPENSSL_cleanse(&d->keys, sizeof(d->keys));
}

/* What OpenSSL has to say, kept for DTLS_FAILED. */
static void note_reason(struct dtls *d)
{
	unsigned long code = ERR_peek_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	if (d->mismatch)
		text = "certificate does not match the fingerprint";
	snprintf(d->reason, sizeof(d->reason), "%s",
		 text ? text : "DTLS failed");
}

static void on_fatal(struct dtls *d)
{
	note_reason(d);
	fail(d, d->reason);
}

/* A ClientHello was refused before we had said anything. Our alert about it
 * would end an honest client, so it is taken back. */
static bool begin_again(struct dtls *d)
{
	if (d->restarts >= RESTARTS)
		return false;
	note_reason(d);
	d->restarts++;
	d->stats.dropped_bad++;
	d->stats.datagrams_out = 0;
	dtls_queue_clear(&d->queue);

	return start(d) == 0;
}

static enum srtp_profile chosen_profile(SSL *ssl)
{
	const SRTP_PROTECTION_PROFILE *p = SSL_get_selected_srtp_profile(ssl);

	if (!p)
		return 0;

	return p->id == SRTP_AEAD_AES_128_GCM ? SRTP_GCM : SRTP_CM_SHA1_80;
}

/* RFC 5764 4.2: client key, server key, client salt, server salt. */
static bool export_keys(struct dtls *d)
{
	static const char label[] = "EXTRACTOR-dtls_srtp";
	uint8_t m[2 * SRTP_MASTER_MAX];
	size_t len, salt;
	uint8_t *client, *server;

	d->keys.profile = chosen_profile(d->ssl);
	if (!d->keys.profile)
		return true;
	len = srtp_master_bytes(d->keys.profile);
	salt = len - SRTP_KEY;
	if (SSL_export_keying_material(d->ssl, m, 2 * len, label,
				       sizeof(label) - 1, NULL, 0, 0) != 1)
		return false;
	client = d->role == DTLS_CLIENT ? d->keys.local : d->keys.remote;
	server = d->role == DTLS_CLIENT ? d->keys.remote : d->keys.local;
	memcpy(client, m, SRTP_KEY);
	memcpy(server, m + SRTP_KEY, SRTP_KEY);
	memcpy(client + SRTP_KEY, m + 2 * SRTP_KEY, salt);
	memcpy(server + SRTP_KEY, m + 2 * SRTP_KEY + salt, salt);
	OPENSSL_cleanse(m, sizeof(m));

	return true;
}

static void shake(struct dtls *d)
{
	bool silent = d->role == DTLS_SERVER && !d->stats.datagrams_out;
	int n;

	ERR_clear_error();
	n = SSL_do_handshake(d->ssl);
	if (n == 1) {
		if (!d->verified || !export_keys(d)) {
			fail(d, "no certificate or no keys");
			return;
		}
		d->state = OPEN;
		d->tell_connected = true;
		return;
	}
	n = SSL_get_error(d->ssl, n);
	if (n == SSL_ERROR_WANT_READ || n == SSL_ERROR_WANT_WRITE)
		return;
	if (!silent || !begin_again(d))
		on_fatal(d);
}

static void end_by_far(struct dtls *d)
{
	ERR_clear_error();
	SSL_shutdown(d->ssl);
	d->state = ENDED;
	d->tell_closed = true;
}

static void push_data(struct dtls *d, const uint8_t *bytes, size_t len)
{
	uint8_t *room = dtls_queue_reserve(&d->queue, len);

	if (!room) {
		d->stats.dropped_full++;
		return;
	}
	memcpy(room, bytes, len);
	dtls_queue_commit(&d->queue, DTLS_DATA, len);
}

/* One message into the queue; false when there is none. Not read in place:
 * SSL_read() may write datagrams into the same queue. */
static bool read_one(struct dtls *d)
{
	uint8_t bytes[DTLS_DATAGRAM_MAX];
	int n;

	ERR_clear_error();
	n = SSL_read(d->ssl, bytes, sizeof(bytes));
	if (n > 0) {
		push_data(d, bytes, (size_t)n);
		return true;
	}
	n = SSL_get_error(d->ssl, n);
	if (n == SSL_ERROR_ZERO_RETURN)
		end_by_far(d);
	else if (n != SSL_ERROR_WANT_READ && n != SSL_ERROR_WANT_WRITE)
		on_fatal(d);

	return false;
}

/* Lets OpenSSL work until it wants another datagram. */
static void pump(struct dtls *d)
{
	if (d->state == SHAKING)
		shake(d);
	while (d->state == OPEN && read_one(d))
		;
}

static int take_cfg(struct dtls *d, const struct dtls_cfg *cfg)
{
	for (unsigned i = 0; i < cfg->fingerprint_count &&
			     i < DTLS_FINGERPRINTS; i++) {
		if (cfg->fingerprints[i] &&
		    dtls_fingerprint_parse(cfg->fingerprints[i],
				      &d->far[d->far_count]))
			d->far_count++;
	}
	d->role = cfg->role;
	d->only = cfg->only;
	d->mtu = cfg->mtu ? cfg->mtu : DTLS_MTU;
	if (!d->far_count || d->mtu < MTU_LEAST || d->mtu > DTLS_MTU ||
	    (d->only && !srtp_master_bytes(d->only)))
		return -EINVAL;
	d->cert = cfg->identity->cert;
	d->key = cfg->identity->key;
	X509_up_ref(d->cert);
	EVP_PKEY_up_ref(d->key);

	return 0;
}

int dtls_new(struct dtls **out, const struct dtls_cfg *cfg, struct mono now)
{
	struct dtls *d;
	int err = dtls_share();

	if (err)
		return err;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	err = take_cfg(d, cfg);
	if (!err)
		err = start(d);
	if (err) {
		dtls_free(d);
		return err;
	}
	d->deadline = mono_add(now, DTLS_DEADLINE_US);
	d->alert_due = MONO_NEVER;
	pump(d);
	*out = d;

	return 0;
}

void dtls_free(struct dtls *d)
{
	if (!d)
		return;
	SSL_free(d->ssl);
	X509_free(d->cert);
	EVP_PKEY_free(d->key);
	dtls_queue_fini(&d->queue);
	OPENSSL_cleanse(d, sizeof(*d));
	free(d);
}

static bool gate(struct dtls *d, const void *bytes, size_t len,
		 struct mono now)
{
	enum dtls_verdict verdict;
	uint8_t alert = 0;

	if (len > DTLS_DATAGRAM_MAX)
		return false;
	if (d->state == OPEN)
		return dtls_gate_is_records(bytes, len);
	verdict = dtls_gate_check(&d->gate, bytes, len, &alert);
	if (verdict == DTLS_GATE_PASS)
		d->alert_due = MONO_NEVER;
	if (verdict == DTLS_GATE_ALERT && d->alert_due.us == INT64_MAX) {
		d->alert_due = mono_add(now, DTLS_ALERT_US);
		d->alert = SSL_alert_desc_string_long(alert);
	}

	return verdict == DTLS_GATE_PASS;
}

void dtls_recv(struct dtls *d, const void *bytes, size_t len, struct mono now)
{
	d->stats.datagrams_in++;
	if (d->state == ENDED)
		return;
	if (!gate(d, bytes, len, now)) {
		d->stats.dropped_bad++;
		return;
	}
	d->in = bytes;
	d->in_len = len;
	pump(d);
	d->in = NULL;
}

int dtls_send(struct dtls *d, const void *bytes, size_t len, struct mono now)
{
	int n;

	(void)now;
	if (d->state != OPEN)
		return -ENOTCONN;
	if (!len || len > DTLS_SEND_MAX)
		return -EMSGSIZE;
	if (!dtls_queue_reserve(&d->queue, len + RECORD_GROWS))
		return -ENOBUFS;
	ERR_clear_error();
	n = SSL_write(d->ssl, bytes, (int)len);
	if (n == (int)len)
		return 0;
	on_fatal(d);

	return -ENOTCONN;
}

void dtls_close(struct dtls *d, struct mono now)
{
	(void)now;
	if (d->state == OPEN) {
		ERR_clear_error();
		SSL_shutdown(d->ssl);
	}
	d->state = ENDED;
}

enum dtls_turn dtls_poll(struct dtls *d, struct dtls_out *out)
{
	enum dtls_turn turn;

	if (d->tell_connected) {
		d->tell_connected = false;
		out->keys = d->keys;
		OPENSSL_cleanse(&d->keys, sizeof(d->keys));
		return DTLS_CONNECTED;
	}
	turn = dtls_queue_pop(&d->queue, out);
	if (turn != DTLS_IDLE)
		return turn;
	if (d->tell_closed) {
		d->tell_closed = false;
		return DTLS_CLOSED;
	}
	if (d->tell_failed) {
		d->tell_failed = false;
		out->reason = d->reason;
		return DTLS_FAILED;
	}

	return DTLS_IDLE;
}

void dtls_tick(struct dtls *d, struct mono now)
{
	if (d->state == ENDED)
		return;
	ERR_clear_error();
	if (DTLSv1_handle_timeout(d->ssl) > 0)
		d->stats.timeouts++;
	if (d->state != SHAKING)
		return;
	if (!mono_before(now, d->alert_due)) {
		snprintf(d->reason, sizeof(d->reason), "far end refused: %s",
			 d->alert);
		fail(d, d->reason);
	} else if (!mono_before(now, d->deadline)) {
		fail(d, d->reason[0] ? d->reason : "handshake timed out");
	}
}

struct mono dtls_due(const struct dtls *d, struct mono now)
{
	struct mono due = MONO_NEVER;
	struct timeval left;

	if (d->state == ENDED)
		return MONO_NEVER;
	if (DTLSv1_get_timeout(d->ssl, &left) == 1)
		due = mono_add(now, left.tv_sec * 1000000LL + left.tv_usec);
	if (d->state == SHAKING)
		due = mono_min(due, mono_min(d->deadline, d->alert_due));

	return due;
}

bool dtls_is_connected(const struct dtls *d)
{
	return d->state == OPEN;
}

void dtls_stats(const struct dtls *d, struct dtls_stats *out)
{
	*out = d->stats;
}

/* ---- warming ---- */

static unsigned carry(struct dtls *from, struct dtls *to)
{
	struct dtls_out out;
	enum dtls_turn turn;
	unsigned count = 0;

	while ((turn = dtls_poll(from, &out)) != DTLS_IDLE) {
		if (turn == DTLS_CONNECTED)
			OPENSSL_cleanse(&out.keys, sizeof(out.keys));
		if (turn == DTLS_DATAGRAM)
			dtls_recv(to, out.bytes, out.len, mono_at(0));
		count++;
	}

	return count;
}

static int shake_hands(const struct dtls_identity *id)
{
	struct dtls_cfg cfg = {
		.role = DTLS_SERVER,
		.identity = id,
		.fingerprints = { id->fingerprint },
		.fingerprint_count = 1,
	};
	struct dtls *server = NULL, *client = NULL;
	int err = dtls_new(&server, &cfg, mono_at(0));

	cfg.role = DTLS_CLIENT;
	if (!err)
		err = dtls_new(&client, &cfg, mono_at(0));
	while (!err && carry(client, server) + carry(server, client))
		;
	if (!err && (!dtls_is_connected(client) || !dtls_is_connected(server)))
		err = -EIO;
	dtls_free(server);
	dtls_free(client);

	return err;
}

int dtls_warm(void)
{
	struct dtls_identity *id;
	int err;

	if (shared.warm)
		return 0;
	err = dtls_identity_new(&id);
	if (err)
		return err;
	err = shake_hands(id);
	dtls_identity_free(id);
	shared.warm = !err;

	return err;
}
