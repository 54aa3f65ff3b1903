/*
 * srtp.h - protect and unprotect RTP and RTCP packets in place
 *
 * RFC 3711 (AES128_CM_HMAC_SHA1_80) and RFC 7714 (AEAD_AES_128_GCM) with
 * key derivation rate 0, no MKI, RTCP always encrypted. The caller keeps all
 * indices and brings them, so that a successor can go on where a process
 * died. Two implementations of one table: srtp_evp on OpenSSL, which serves,
 * and srtp_lib on libsrtp2, which judges it in the tests.
 *
 * Units    index of RTP: 48 bits, roll-over counter << 16 | sequence number.
 *          index of RTCP: 31 bits. Lengths in bytes.
 * Memory   One context per direction, for any number of SSRCs. Packets belong
 *          to the caller, who gives SRTP_GROW bytes of room behind them.
 *          Nothing is allocated per packet by srtp_evp. Keys are wiped by
 *          free.
 * Errors   The new length, or a negative errno; then the bytes of the packet
 *          are undefined. -EBADMSG: malformed or not authentic. -EMSGSIZE: no
 *          room. -EINVAL: an index out of range, or a malformed packet of
 *          our own. -EIO: the library failed.
 * Threads  A context belongs to one thread.
 * Process  srtp_warm() before fork; contexts are made after it, in the child.
 */
#ifndef PORT_SRTP_H
#define PORT_SRTP_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* Numbers of the DTLS-SRTP registry (RFC 5764 4.1.2, RFC 7714 14.2). */
enum srtp_profile { SRTP_CM_SHA1_80 = 1, SRTP_GCM = 7 };

enum srtp_way { SRTP_SEND, SRTP_RECV };

enum {
	SRTP_KEY = 16,
	SRTP_SALT_MAX = 14,
	SRTP_AUTH = 20,
	SRTP_MASTER_MAX = SRTP_KEY + SRTP_SALT_MAX,
	SRTP_GROW = 20,		/* a protected packet grows by at most this */
	SRTP_LIB_SSRCS = 64,	/* streams of one srtp_lib context */
};

struct srtp;

struct srtp_ops {
	const char *name;

	/* master: key, then salt, srtp_master_bytes(profile) together, copied
	 * and wiped as needed. -EINVAL, -ENOMEM, -EIO. End with free(). */
	int (*new)(struct srtp **out, enum srtp_profile profile,
		   enum srtp_way way, const uint8_t *master);
	/* NULL is fine. */
	void (*free)(struct srtp *s);

	/* One RTP packet of len bytes in cap bytes of room; the low 16 bits of
	 * index are its sequence number. */
	int (*protect)(struct srtp *s, uint8_t *packet, size_t len,
		       size_t cap, uint64_t index);
	int (*unprotect)(struct srtp *s, uint8_t *packet, size_t len,
			 uint64_t index);

	/* One compound RTCP packet. */
	int (*protect_rtcp)(struct srtp *s, uint8_t *packet, size_t len,
			    size_t cap, uint32_t index);
	/* *index is what the packet says, set when it was authentic. */
	int (*unprotect_rtcp)(struct srtp *s, uint8_t *packet, size_t len,
			      uint32_t *index);
};

extern const struct srtp_ops srtp_evp;

/*
 * What libsrtp2 cannot do behind this table: it allocates when an SSRC first
 * appears and refuses the SRTP_LIB_SSRCS + 1st (-ENOSPC); it keeps a replay
 * window of its own (-EBADMSG); it counts the RTCP index of an SSRC itself
 * from 1, another one is -ENOTSUP.
 */
extern const struct srtp_ops srtp_lib;

/* Bytes of master key and salt together; 0 for an unknown profile. */
size_t srtp_master_bytes(enum srtp_profile profile);

/* Fetches what srtp_evp takes from OpenSSL. Idempotent; -EIO. */
int srtp_warm(void) MUST_USE;

/* Session keys (RFC 3711 4.3): the salt has 14 bytes with CM, 12 with GCM,
 * which has no auth key. */
struct srtp_keys {
	uint8_t key[SRTP_KEY], salt[SRTP_SALT_MAX], auth[SRTP_AUTH];
};

struct srtp_session {
	struct srtp_keys rtp, rtcp;
};

/* Session keys of a master key. -EINVAL, -EIO. The caller wipes them. */
int srtp_derive(enum srtp_profile profile, const uint8_t *master,
		struct srtp_session *out) MUST_USE;

/* srtp_evp.new() from session keys derived before. End with srtp_evp.free(). */
int srtp_evp_resume(struct srtp **out, enum srtp_profile profile,
		    enum srtp_way way,
		    const struct srtp_session *session) MUST_USE;

#endif
