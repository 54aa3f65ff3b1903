/*
 * ws.h - WebSocket frames (RFC 6455), server's and client's side
 *
 * A pure module. Bytes go in by ws_recv(), one event comes out at a time.
 * Each message is joined in one buffer; text is checked as UTF-8 while it
 * arrives, binary messages are refused unless `binary` is set. The close
 * handshake itself (who has sent what, how long to wait) is the caller's.
 *
 * Memory   Allocates while a message is incomplete; ws_fini() frees. The
 *          bytes of an event are valid until the next call.
 * Errors   A far end that breaks the protocol makes one WS_FAILED with the
 *          close code to send; afterwards all bytes are swallowed.
 * Limits   `max` bytes (WS_MESSAGE_MAX unless the owner says otherwise) and
 *          `max_fragments` frames a message (the same), 125 bytes a
 *          control frame.
 */
#ifndef CORE_WS_WS_H
#define CORE_WS_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "core/ws/utf8.h"

enum {
	WS_MESSAGE_MAX = 65536,
	WS_FRAGMENTS_MAX = 64,
	WS_CONTROL_MAX = 125,
	WS_HEAD_MAX = 14,	/* 2, length 8, mask 4 */
	WS_REASON_MAX = 123,	/* bytes of a close frame's text */
};

enum ws_role { WS_SERVER, WS_CLIENT };

enum ws_opcode {
	WS_OP_CONTINUE = 0, WS_OP_TEXT = 1, WS_OP_BINARY = 2,
	WS_OP_CLOSE = 8, WS_OP_PING = 9, WS_OP_PONG = 10,
};

/* RFC 6455 section 7.4.1 and the IANA registry. */
enum ws_code {
	WS_CODE_NORMAL = 1000, WS_CODE_GOING = 1001, WS_CODE_PROTOCOL = 1002,
	WS_CODE_BINARY = 1003, WS_CODE_NONE = 1005, WS_CODE_UTF8 = 1007,
	WS_CODE_POLICY = 1008, WS_CODE_TOO_BIG = 1009,
	WS_CODE_INTERNAL = 1011, WS_CODE_LATER = 1013,
};

enum ws_kind {
	WS_NONE, WS_TEXT, WS_BINARY, WS_PING, WS_PONG, WS_CLOSE, WS_FAILED,
};

struct ws_event {
	enum ws_kind kind;
	const uint8_t *bytes;	/* message, ping or pong data, close text */
	size_t len;
	uint16_t code;		/* WS_CLOSE: the far end's code, WS_CODE_NONE
				   without one. WS_FAILED: the one to send */
	const char *why;	/* WS_FAILED: a word for the log */
};

struct ws {
	enum ws_role role;
	bool binary;		/* set by the owner: they may come */
	uint32_t max;		/* bytes of a message; may be set */
	uint16_t max_fragments;	/* of one; may be set */
	bool dead;		/* closed or failed: nothing more is heard */
	bool in_payload, in_message, is_binary, fin;
	uint8_t opcode;
	uint8_t head[WS_HEAD_MAX], head_len;
	uint8_t mask[4], mask_at;
	uint8_t control_len;
	uint16_t fragments;
	struct utf8 utf8;
	uint64_t left;		/* payload bytes of this frame to come */
	uint8_t *text;
	size_t text_len, text_cap;
	uint8_t control[WS_CONTROL_MAX];
};

void ws_init(struct ws *w, enum ws_role role);
void ws_fini(struct ws *w);

/*
 * Takes bytes until one event is whole, or all. Returns how many were taken
 * (all of them for WS_NONE); call again with the rest. An allocation that
 * fails makes WS_FAILED with WS_CODE_LATER.
 */
size_t ws_recv(struct ws *w, const void *bytes, size_t len,
	       struct ws_event *ev);

/*
 * Head of a final frame; returns its bytes. mask: 4 random bytes for the
 * client's side (then the payload goes through ws_mask()), else NULL.
 */
size_t ws_write_head(uint8_t out[WS_HEAD_MAX], enum ws_opcode op, size_t len,
		     const uint8_t mask[4]);

void ws_mask(uint8_t *bytes, size_t len, const uint8_t mask[4]);

/* Payload of a close frame: code and text, cut to fit. Returns its bytes. */
size_t ws_write_close(uint8_t out[WS_CONTROL_MAX], uint16_t code,
		      const char *text);

/* Whether a far end may send this code. */
bool ws_code_ok(uint16_t code);

#endif
