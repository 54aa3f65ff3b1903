/*
 * permit.h - what a description asks for, in the words of a token
 *
 * Pure. Reads no more of an SDP than its m-lines and directions; whatever is
 * not plain counts as asking for all.
 */
#ifndef SIGNALING_PERMIT_H
#define SIGNALING_PERMIT_H

/* enum auth_perm or-ed: AUTH_PUBLISH to send media, AUTH_SUBSCRIBE to be sent
 * media, AUTH_DATA for data channels. */
unsigned permit_needed(const char *sdp);

/* The reason when `missing` permissions are not there. */
const char *permit_reason(unsigned missing);

#endif
