/*
 * dtls.h - one DTLS 1.2 association, without sockets
 *
 * The owner brings datagrams and the time and polls for what to do. The far
 * end must show the certificate whose fingerprint signaling gave; nothing is
 * said about keys or data before that. Cipher suites are pinned, the SRTP
 * profiles offered are GCM, then CM_SHA1_80.
 *
 *	dtls_recv, dtls_send, dtls_tick, dtls_close
 *	while ((turn = dtls_poll(d, &out)) != DTLS_IDLE) ...
 *	arm a timer at dtls_due
 *
 * Units    struct mono; lengths in bytes.
 * Memory   The queue towards the owner grows up to DTLS_QUEUE_MAX. Bytes from
 *          dtls_poll() are valid until the next call on the same object.
 * Errors   Negative errno. Datagrams that are not DTLS, or that cannot belong
 *          to this handshake, are counted and dropped. An alert in clear
 *          text, which anybody can write, ends a handshake only when
 *          nothing else comes for DTLS_ALERT_US after it.
 * Threads  One owner. Call nothing of it from inside another call.
 * Process  dtls_warm() before fork; identities and associations are made in
 *          the child. No file is opened after dtls_warm(). Retransmission is
 *          timed by OpenSSL, which reads the clock itself.
 */
#ifndef PORT_DTLS_H
#define PORT_DTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "port/srtp.h"

struct dtls;
struct dtls_identity;

enum dtls_role { DTLS_CLIENT, DTLS_SERVER };

enum {
	DTLS_MTU = 1200 - 28,		/* bytes of a handshake datagram */
	DTLS_SEND_MAX = 1200,		/* bytes of one message sent */
	DTLS_DATAGRAM_MAX = 4096,	/* bytes of a datagram we read */
	DTLS_QUEUE_MAX = 262144,	/* bytes waiting for dtls_poll() */
	DTLS_DEADLINE_US = 15000000,	/* for the handshake */
	DTLS_ALERT_US = 2000000,
	DTLS_FINGERPRINTS = 8,		/* of the far end, at most */
	DTLS_FINGERPRINT_TEXT = 104,	/* "sha-256 AB:CD:..." and NUL */
};

/*
 * Loads what OpenSSL needs and makes one handshake in memory, so that a
 * forked child finds everything in place. Idempotent. -EIO, -ENOMEM.
 */
int dtls_warm(void) MUST_USE;

/* A fresh P-256 key and a certificate signed by it. -ENOMEM, -EIO. End with
 * dtls_identity_free(), which may precede dtls_free() of its users. */
int dtls_identity_new(struct dtls_identity **out) MUST_USE;
void dtls_identity_free(struct dtls_identity *id);

/* "sha-256 AB:CD:...", as SDP says it after a=fingerprint: */
const char *dtls_identity_fingerprint(const struct dtls_identity *id);

/* Whether a fingerprint (same form) is one that dtls_new() takes: sha-256,
 * sha-384 or sha-512 with all its bytes. */
bool dtls_fingerprint_ok(const char *text);

struct dtls_cfg {
	enum dtls_role role;
	const struct dtls_identity *identity;
	/* Of the far end, "hash AB:CD:..."; one match is enough. Those of
	 * unknown or refused hashes are passed over. */
	const char *fingerprints[DTLS_FINGERPRINTS];
	unsigned fingerprint_count;
	uint16_t mtu;			/* 0: DTLS_MTU; 256 to DTLS_MTU */
	enum srtp_profile only;		/* 0: both profiles */
};

/* A client sends its first flight at once: poll. -EINVAL (no usable
 * fingerprint, mtu), -ENOMEM, -EIO. End with dtls_free(). */
int dtls_new(struct dtls **out, const struct dtls_cfg *cfg,
	     struct mono now) MUST_USE;

/* Says nothing to the far end (dtls_close() does). NULL is fine. */
void dtls_free(struct dtls *d);

/* One datagram from the network, any bytes. */
void dtls_recv(struct dtls *d, const void *bytes, size_t len,
	       struct mono now);

/* One message of the application (an SCTP packet) in one datagram. -ENOTCONN
 * before the handshake and after the end, -EMSGSIZE over DTLS_SEND_MAX (it
 * grows by 37 bytes), -ENOBUFS: the queue is full, poll first. */
int dtls_send(struct dtls *d, const void *bytes, size_t len,
	      struct mono now) MUST_USE;

/* Queues close_notify; nothing is sent after it. Idempotent. */
void dtls_close(struct dtls *d, struct mono now);

enum dtls_turn {
	DTLS_IDLE,		/* nothing to do */
	DTLS_DATAGRAM,		/* send out.bytes to the far end */
	DTLS_CONNECTED,		/* once: out.keys; before any DTLS_DATA */
	DTLS_DATA,		/* out.bytes is one message received */
	DTLS_CLOSED,		/* once: the far end said close_notify */
	DTLS_FAILED,		/* once: out.reason; final */
};

/* Master keys for srtp_ops.new(): local for what we send, remote for what we
 * receive. profile 0: the far end did not ask for SRTP. */
struct dtls_keys {
	enum srtp_profile profile;
	uint8_t local[SRTP_MASTER_MAX], remote[SRTP_MASTER_MAX];
};

struct dtls_out {
	const uint8_t *bytes;
	size_t len;
	struct dtls_keys keys;	/* the caller wipes it */
	const char *reason;	/* lives as long as the object */
};

enum dtls_turn dtls_poll(struct dtls *d, struct dtls_out *out);

/* Retransmissions and the handshake's deadline. */
void dtls_tick(struct dtls *d, struct mono now);
struct mono dtls_due(const struct dtls *d, struct mono now);

bool dtls_is_connected(const struct dtls *d);

struct dtls_stats {
	uint64_t datagrams_in, datagrams_out;
	uint64_t dropped_bad;	/* not DTLS, or not of this handshake */
	uint64_t dropped_full;	/* the queue was full */
	uint32_t timeouts;	/* flights sent again */
};

void dtls_stats(const struct dtls *d, struct dtls_stats *out);

/* Whether a datagram's first byte says DTLS (RFC 7983). */
static inline bool dtls_is_dtls(uint8_t first)
{
	return first >= 20 && first <= 63;
}

#endif
