/*
 * peer_name.h - what may be a peer id
 *
 * Pure. Every process that takes a peer id from outside asks here.
 */
#ifndef CORE_SESSION_PEER_NAME_H
#define CORE_SESSION_PEER_NAME_H

#include <stdbool.h>
#include <stddef.h>

enum { PEER_NAME_MAX = 128 };	/* bytes */

/* 1 to 128 bytes of UTF-8 without controls (C0, DEL, C1), so also without
 * NUL. Needs no terminator. */
bool peer_name_ok(const char *name, size_t len);

#endif
