/*
 * rpc_notify.h - hub events as JSON-RPC notifications of both dialects
 *
 * Pure. The uplink writes requests with the same members.
 */
#ifndef SIGNALING_RPC_NOTIFY_H
#define SIGNALING_RPC_NOTIFY_H

#include "signaling/hub.h"
#include "signaling/text.h"

/* The whole notification; nothing for kinds that have none. to: who hears
 * it, NULL for dialect A (which does not say). */
void rpc_write_event(struct text *t, const struct hub_event *ev,
		     const char *to);

/* ,"candidate":...,"sdp_mid":...,"sdp_mline_index":... as in dialect A */
void rpc_write_candidate(struct text *t, const struct hub_candidate *c);

#endif
