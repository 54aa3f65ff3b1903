/*
 * transport.h - one peer's packets: ICE below, DTLS and SRTP above
 *
 * A datagram is told by its first byte (RFC 7983). DTLS waits until a pair
 * is selected and the far end's fingerprint is known: fed earlier, the
 * answer would be lost and come again only after a second.
 *
 * Memory   Part of struct peer; transport_fini() gives everything back.
 * Errors   Negative errno from opening; later failures end the call
 *          (peer_leave).
 */
#ifndef ICE_WORKER_TRANSPORT_H
#define ICE_WORKER_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/loop.h"
#include "core/rtp/replay.h"
#include "port/dtls.h"
#include "port/ice.h"
#include "port/srtp.h"

enum { EARLY_DTLS = 8 };	/* datagrams kept before DTLS may begin */

struct peer;

struct early_datagram {
	uint16_t len;
	uint8_t bytes[ICE_DATAGRAM_MAX];
};

struct transport {
	struct ice *ice;
	struct dtls_identity *identity;
	struct dtls *dtls;
	struct srtp *send, *recv;	/* NULL before the handshake */
	struct replay_set *rtp_seen, *rtcp_seen;
	struct early_datagram *early;
	unsigned early_count;
	struct timer dtls_timer;
	bool up;		/* a pair is selected (at least once) */
	bool lost;		/* the library's own checks gave up */
	bool agreed;		/* the far end's fingerprint is known */
	bool connected;		/* DTLS is done */
	bool pumping;
	struct mono last_in;	/* last authentic packet */
	uint64_t packets_in, bytes_in, packets_out, bytes_out, dropped;
};

/* ICE with host candidates being gathered, and a fresh certificate. */
int transport_open(struct peer *p) MUST_USE;
void transport_fini(struct peer *p);

/* The negotiation has a (new) result: credentials, and DTLS when it may. */
int transport_agree(struct peer *p) MUST_USE;

/* bytes has SRTP_GROW bytes of room behind len; returns bytes sent or 0. */
size_t transport_send_rtp(struct peer *p, uint8_t *bytes, size_t len,
			  uint64_t index);
void transport_send_rtcp(struct peer *p, uint8_t *bytes, size_t len);

/* One SCTP packet; dropped when DTLS cannot take it (SCTP repeats). */
void transport_send_data(struct peer *p, const uint8_t *bytes, size_t len);

/* Says close_notify. */
void transport_close(struct peer *p);

#endif
