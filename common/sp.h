/*
 * sp.h - nng's wire format over a byte stream (SP over ipc, pair1)
 *
 * Greeting, both ways: 00 'S' 'P' 00, protocol (16 bits), 00 00.
 * Then frames: 01, length (64 bits), hops (32 bits, 1; counted in the
 * length), body. Numbers in network order.
 * A pure module: bytes in, frames out.
 *
 * Memory   sp_init() allocates one buffer of max + 24 bytes, once. The body
 *          of a frame is aligned for any struct.
 * Errors   -EPROTO: not this protocol, or a frame longer than max; final.
 */
#ifndef COMMON_SP_H
#define COMMON_SP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* pair0 would do, but nng 1.5.2 leaks two descriptors with each pair0 socket
 * that was polled (docs/decisions/001). */
enum { SP_PAIR1 = 0x11, SP_GREETING = 8, SP_FRAME_HEAD = 13 };

struct sp {
	uint8_t *buf;
	size_t len, max;
	bool greeted, broken;
};

/* max: bytes of the largest frame accepted. -ENOMEM. */
int sp_init(struct sp *sp, size_t max) MUST_USE;
void sp_fini(struct sp *sp);

/* Back to the state before the greeting. */
void sp_reset(struct sp *sp);

/* Where to read into, and how much fits (never 0 after all frames were
 * taken). Tell sp_fill() how much came. */
void *sp_space(struct sp *sp, size_t *room);
void sp_fill(struct sp *sp, size_t len);

/*
 * 1: the next frame, valid until sp_drop(). 0: need more bytes. -EPROTO.
 */
int sp_next(struct sp *sp, const void **frame, size_t *len) MUST_USE;
void sp_drop(struct sp *sp, size_t len);

void sp_write_greeting(uint8_t out[SP_GREETING]);
void sp_write_head(uint8_t out[SP_FRAME_HEAD], size_t len);

#endif
