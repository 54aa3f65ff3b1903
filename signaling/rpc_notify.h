/*
 * rpc_notify.h - hub events as JSON-RPC notifications of dialect A
 *
 * Pure. The uplink writes requests with the same members.
 */
#ifndef SIGNALING_RPC_NOTIFY_H
#define SIGNALING_RPC_NOTIFY_H

#include "signaling/hub.h"
#include "signaling/text.h"

/* The whole notification; nothing for kinds that have none. */
void rpc_write_event(struct text *t, const struct hub_event *ev);

/* ,"candidate":...,"sdp_mid":...,"sdp_mline_index":... */
void rpc_write_candidate(struct text *t, const struct hub_candidate *c);

/* The code of an offer or candidate that was refused. */
int rpc_code_of(enum hub_why why);

/* Its message; data.reason says more. */
const char *rpc_message_of(enum hub_why why);

#endif
