/*
 * peer.h - one peer: all of its state on the network
 *
 * A process has exactly one. It is made of parts with a file each; a part's
 * functions take the peer, because a packet passes through several of them.
 *
 *     transport   ICE, DTLS, SRTP            negotiate  SDP, candidates
 *     media_in    RTP and RTCP to records    links      rings, doorbell
 *     media_out   records to RTP and RTCP    data       SCTP, channels
 *     escrow      outgoing indices           reports    statistics, log
 *
 * Threads  One. Handlers of all parts run in ice_run().
 * Process  docs/processes.md, "ice-worker".
 */
#ifndef ICE_WORKER_PEER_H
#define ICE_WORKER_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/channel.h"
#include "common/loop.h"
#include "ice-worker/data.h"
#include "ice-worker/escrow.h"
#include "ice-worker/links.h"
#include "ice-worker/media_in.h"
#include "ice-worker/media_out.h"
#include "ice-worker/negotiate.h"
#include "ice-worker/reports.h"
#include "ice-worker/transport.h"
#include "proto/wire.h"

enum {
	PEER_LOST_US = 30000000,	/* without an authentic packet */
	PEER_CONNECT_US = 30000000,	/* for ICE and DTLS together */
	PEER_UNUSED_US = 120000000,	/* without any description */
	PEER_QUIET_US = 6000000,	/* then it counts as disconnected */
	PEER_SEAL_US = 5000000,		/* at the latest */
};

struct peer {
	uint64_t id, spawn;
	bool offers;		/* it makes the first offer */
	char name[MSG_NAME + 1];
	uint32_t port;
	bool data_allowed;
	struct candidate_policy policy;

	struct loop *loop;
	struct channel *channel;
	struct wire wire;
	enum call_state state;
	bool leaving, sealed;
	enum call_why why;	/* when leaving */
	char last_words[MSG_LOG];
	struct mono born;
	struct mono begun;	/* first description, 0 none yet */
	struct timer watch_timer, seal_timer;

	struct escrow escrow;
	struct transport transport;
	struct negotiation negotiation;
	struct links links;
	struct media_in in;
	struct media_out out;
	struct data data;
	struct reports reports;
};

/* Lives the peer's whole life. descriptors: listener, escrow
 * region; all are taken. Returns the exit status. */
int peer_run(const struct msg_fork_peer *m, const char *name,
	     const int *descriptors);

/* DTLS is done: media and data may flow. */
void peer_connected(struct peer *p);

/* The last message of this process: why, and a text for people. The loop
 * ends soon after. Idempotent. */
void peer_leave(struct peer *p, enum call_why why, const char *text);

/* Enters the last stage of the sandbox with the next turn of the loop. */
void peer_seal_soon(struct peer *p);

/* The one place that changes the state; tells the broker. */
void peer_set_state(struct peer *p, enum call_state state);

/* One frame of the broker (dispatch.c). */
int peer_frame(const void *bytes, size_t len, const int *fds, unsigned nfds,
	       void *peer);

#endif
