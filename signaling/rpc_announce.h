/*
 * rpc_announce.h - what both dialects do in the same way
 */
#ifndef SIGNALING_RPC_ANNOUNCE_H
#define SIGNALING_RPC_ANNOUNCE_H

#include "signaling/rpc_methods.h"

struct rpc_hello {
	const char *name;
	char *caps, *metadata;	/* compact JSON */
};

/* Reads session, resume_token and token too; answers. */
void rpc_announce(struct rpc_request *q, const struct rpc_hello *h);

/* An offer to remotemedia-server: answered later, or refused. */
void rpc_offer_server(struct rpc_request *q, const char *sdp,
		      const char *type);

/* Answers with {"peers":[...],"count":n}. A: remotemedia-server and the
 * others; B: all peers that announced, itself too. Where tokens are needed it
 * needs one. */
void rpc_list(struct rpc_request *q, bool dialect_b);

#endif
