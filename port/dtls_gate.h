/*
 * dtls_gate.h - which datagrams may come near an unfinished handshake
 *
 * Records of a handshake's first epoch are not authenticated, and OpenSSL
 * ends the association over many malformed ones. The gate lets pass only
 * datagrams that this handshake can hold: well-formed records, messages that
 * the other role sends, fragments that agree with those seen before.
 *
 * Memory   Plain storage of the caller.
 * Errors   None: a verdict.
 */
#ifndef PORT_DTLS_GATE_H
#define PORT_DTLS_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DTLS_GATE_SEQS = 16,	/* messages of one handshake, at most */
	DTLS_GATE_HELLO = 16384,	/* bytes of one message */
};

struct dtls_gate {
	bool server;		/* our role */
	struct {
		uint32_t total;
		uint8_t type;
		bool known;
	} seen[DTLS_GATE_SEQS];
};

enum dtls_verdict { DTLS_GATE_PASS, DTLS_GATE_DROP, DTLS_GATE_ALERT };

/* DTLS_GATE_ALERT: an alert in clear text stands in it, *alert is its
 * description; it must not pass either. */
enum dtls_verdict dtls_gate_check(struct dtls_gate *gate, const void *bytes,
				  size_t len, uint8_t *alert);

/* Well-formed records, whatever their content: all that is asked once the
 * handshake is over. */
bool dtls_gate_is_records(const void *bytes, size_t len);

#endif
