/* sp.c - SP over ipc (pair1) as a pure codec */

#include "common/sp.h"

#include "common/buf.h"

#include <errno.h>
#include <stdlib.h>

/* So that a frame's body, behind its head, is aligned for any struct. */
enum { PAD = 16 - SP_FRAME_HEAD, HOPS = 4 };

int sp_init(struct sp *sp, size_t max)
{
	uint8_t *raw = malloc(PAD + max + SP_GREETING + SP_FRAME_HEAD);

	if (!raw)
		return -ENOMEM;
	*sp = (struct sp){ .buf = raw + PAD, .max = max };
	/* cppcheck-suppress memleak; sp_fini() frees it as buf - PAD */
	return 0;
}

void sp_fini(struct sp *sp)
{
	if (sp->buf)
		free(sp->buf - PAD);
	*sp = (struct sp){ 0 };
}

void sp_reset(struct sp *sp)
{
	sp->len = 0;
	sp->greeted = sp->broken = false;
}

void *sp_space(struct sp *sp, size_t *room)
{
	*room = sp->max + SP_GREETING + SP_FRAME_HEAD - sp->len;

	return sp->buf + sp->len;
}

void sp_fill(struct sp *sp, size_t len)
{
	sp->len += len;
}

static void drop(struct sp *sp, size_t len)
{
	sp->len -= len;
	memmove(sp->buf, sp->buf + len, sp->len);
}

/* The far end's greeting; 0 when it is not complete yet. */
static int greet(struct sp *sp)
{
	uint8_t want[SP_GREETING];

	if (sp->len < SP_GREETING)
		return 0;
	sp_write_greeting(want);
	if (memcmp(sp->buf, want, SP_GREETING) != 0) {
		sp->broken = true;
		return -EPROTO;
	}
	drop(sp, SP_GREETING);
	sp->greeted = true;

	return 1;
}

int sp_next(struct sp *sp, const void **frame, size_t *len)
{
	struct buf_in in;
	uint64_t size;
	int got = 1;

	if (sp->broken)
		return -EPROTO;
	if (!sp->greeted)
		got = greet(sp);
	if (got <= 0)
		return got;
	if (sp->len < SP_FRAME_HEAD)
		return 0;

	in = buf_in(sp->buf, sp->len);
	if (buf_get_u8(&in) != 1 || (size = buf_get_u64(&in)) < HOPS ||
	    size - HOPS > sp->max || buf_get_u32(&in) != 1) {
		sp->broken = true;
		return -EPROTO;
	}
	size -= HOPS;
	if (buf_left(&in) < size)
		return 0;
	*frame = sp->buf + SP_FRAME_HEAD;
	*len = (size_t)size;

	return 1;
}

void sp_drop(struct sp *sp, size_t len)
{
	drop(sp, SP_FRAME_HEAD + len);
}

void sp_write_greeting(uint8_t out[SP_GREETING])
{
	static const uint8_t greeting[SP_GREETING] = {
		0, 'S', 'P', 0, SP_PAIR1 >> 8, SP_PAIR1 & 0xff, 0, 0,
	};

	memcpy(out, greeting, SP_GREETING);
}

void sp_write_head(uint8_t out[SP_FRAME_HEAD], size_t len)
{
	struct buf_out b = buf_out(out, SP_FRAME_HEAD);

	buf_put_u8(&b, 1);
	buf_put_u64(&b, len + HOPS);
	buf_put_u32(&b, 1);
}
