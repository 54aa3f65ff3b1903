/*
 * buf.h - bounded reading and writing of bytes in network order
 *
 * Memory   A cursor borrows the caller's bytes and owns nothing.
 * Errors   Sticky: the first step past the end sets `bad`, every later read
 *          gives 0 and every later write is dropped. Check `bad` once, at
 *          the end of a run of steps.
 * Threads  None; a cursor is a local variable.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf_in {
	const uint8_t *at, *end;
	bool bad;
};

struct buf_out {
	uint8_t *start, *at, *end;
	bool bad;
};

static inline struct buf_in buf_in(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	return (struct buf_in){ p, len ? p + len : p, false };
}

static inline size_t buf_left(const struct buf_in *b)
{
	return (size_t)(b->end - b->at);
}

/* The next len bytes, borrowed, and steps over them; NULL when too few. */
static inline const uint8_t *buf_get(struct buf_in *b, size_t len)
{
	const uint8_t *p = b->at;

	if (b->bad || len > buf_left(b)) {
		b->bad = true;
		return NULL;
	}
	b->at += len;

	return p;
}

/* An unsigned number of 1 to 8 bytes. */
static inline uint64_t buf_get_be(struct buf_in *b, size_t len)
{
	const uint8_t *p = buf_get(b, len);
	uint64_t v = 0;

	for (size_t i = 0; p && i < len; i++)
		v = v << 8 | p[i];

	return v;
}

static inline uint8_t buf_get_u8(struct buf_in *b)
{
	return (uint8_t)buf_get_be(b, 1);
}

static inline uint16_t buf_get_u16(struct buf_in *b)
{
	return (uint16_t)buf_get_be(b, 2);
}

static inline uint32_t buf_get_u32(struct buf_in *b)
{
	return (uint32_t)buf_get_be(b, 4);
}

static inline uint64_t buf_get_u64(struct buf_in *b)
{
	return buf_get_be(b, 8);
}

static inline struct buf_out buf_out(void *bytes, size_t cap)
{
	uint8_t *p = bytes;

	return (struct buf_out){ p, p, p + cap, false };
}

/* Bytes written so far. */
static inline size_t buf_len(const struct buf_out *b)
{
	return (size_t)(b->at - b->start);
}

/* Room for len bytes, to be filled by the caller; NULL when too small. */
static inline uint8_t *buf_reserve(struct buf_out *b, size_t len)
{
	uint8_t *p = b->at;

	if (b->bad || len > (size_t)(b->end - b->at)) {
		b->bad = true;
		return NULL;
	}
	b->at += len;

	return p;
}

static inline void buf_put(struct buf_out *b, const void *bytes, size_t len)
{
	uint8_t *p = buf_reserve(b, len);

	if (p && len)
		memcpy(p, bytes, len);
}

static inline void buf_put_be(struct buf_out *b, uint64_t v, size_t len)
{
	uint8_t *p = buf_reserve(b, len);

	for (size_t i = 0; p && i < len; i++)
		p[i] = (uint8_t)(v >> 8 * (len - 1 - i));
}

static inline void buf_put_u8(struct buf_out *b, uint8_t v)
{
	buf_put_be(b, v, 1);
}

static inline void buf_put_u16(struct buf_out *b, uint16_t v)
{
	buf_put_be(b, v, 2);
}

static inline void buf_put_u32(struct buf_out *b, uint32_t v)
{
	buf_put_be(b, v, 4);
}

static inline void buf_put_u64(struct buf_out *b, uint64_t v)
{
	buf_put_be(b, v, 8);
}

#endif
