/*
 * stun.h - the few STUN messages that ICE needs (RFC 8489, RFC 8445)
 *
 * Binding requests and answers with short-term credentials over IPv4, enough
 * for a test client. Pure.
 *
 * Errors   -EBADMSG: not STUN, malformed, or its integrity does not hold.
 *          -ENOSPC: no room.
 */
#ifndef TESTS_CLIENT_STUN_H
#define TESTS_CLIENT_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum { STUN_TXID = 12, STUN_USERNAME = 513, STUN_MAX = 1280 };

enum stun_kind { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };

struct stun {
	enum stun_kind kind;
	uint8_t txid[STUN_TXID];
	char username[STUN_USERNAME + 1];
	bool use_candidate, controlling;
	uint16_t error;		/* 0 none */
};

/* A Binding message. key: the password its integrity must hold with; an
 * indication needs none. */
int stun_parse(struct stun *out, const void *bytes, size_t len,
	       const char *key) MUST_USE;

struct stun_check {
	uint8_t txid[STUN_TXID];
	const char *username, *key;
	uint32_t priority;
	uint64_t tie_breaker;
	bool controlling, use_candidate;
};

/* Bytes written. */
int stun_write_check(const struct stun_check *c, void *out,
		     size_t cap) MUST_USE;

/* ip and port in host order: where the request came from. */
int stun_write_success(const uint8_t txid[STUN_TXID], const char *key,
		       uint32_t ip, uint16_t port, void *out,
		       size_t cap) MUST_USE;

#endif
