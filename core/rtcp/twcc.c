/*
 * twcc.c - transport-wide feedback format
 *
 *     sender, media SSRC | base 16, count 16 | reference 24, fb count 8 |
 *     packet chunks, 16 bit each | deltas, 0 to 2 bytes each | zero padding
 *
 * A chunk is a run (0, symbol 2, length 13), 14 one-bit symbols (1, 0) or 7
 * two-bit symbols (1, 1). Symbol 0: not received, 1: small delta (0..255),
 * 2: large delta (signed 16 bit); deltas count in 250 us.
 */

#include "core/rtcp/twcc.h"

#include <errno.h>

enum symbol { LOST, SMALL, LARGE, RESERVED };

enum {
	ONE_BIT_SYMBOLS = 14,
	TWO_BIT_SYMBOLS = 7,
	RUN_MAX = 0x1fff,
	HEAD_BYTES = 20,	/* up to the first chunk, RTCP head included */
	MESSAGE_MIN = 64,
};

static unsigned chunk_symbols(uint16_t chunk)
{
	if (!(chunk & 0x8000))
		return chunk & RUN_MAX;

	return chunk & 0x4000 ? TWO_BIT_SYMBOLS : ONE_BIT_SYMBOLS;
}

/* Symbol i of a chunk. */
static enum symbol chunk_symbol(uint16_t chunk, unsigned i)
{
	if (!(chunk & 0x8000))
		return chunk >> 13 & 3;
	if (chunk & 0x4000)
		return chunk >> (2 * (TWO_BIT_SYMBOLS - 1 - i)) & 3;

	return chunk >> (ONE_BIT_SYMBOLS - 1 - i) & 1;
}

/* Walks all chunks once: how many bytes of deltas they promise; -1 when a
 * chunk is missing or a reserved symbol stands there. */
static long delta_bytes(struct buf_in *in, unsigned count)
{
	long bytes = 0;

	while (count > 0) {
		uint16_t chunk = buf_get_u16(in);
		unsigned n = chunk_symbols(chunk);

		if (in->bad || n == 0)
			return -1;
		if (n > count)
			n = count;
		count -= n;
		for (unsigned i = 0; i < n; i++) {
			enum symbol s = chunk_symbol(chunk, i);

			if (s == RESERVED)
				return -1;
			bytes += s;
		}
	}

	return bytes;
}

int twcc_read(struct twcc_reader *r, const struct rtcp_packet *p)
{
	struct buf_in in = buf_in(p->body, p->len);
	uint32_t reference;
	long bytes;

	*r = (struct twcc_reader){ .sender = buf_get_u32(&in) };
	r->media = buf_get_u32(&in);
	r->base = buf_get_u16(&in);
	r->count = buf_get_u16(&in);
	reference = (uint32_t)buf_get_be(&in, 3);
	r->fb_count = buf_get_u8(&in);
	if (in.bad || p->type != RTCP_RTPFB || p->count != RTPFB_TWCC ||
	    r->count == 0 || r->count > TWCC_PACKETS_MAX)
		return -EBADMSG;

	r->ref_us = (int64_t)((int32_t)(reference << 8) >> 8) * TWCC_REF_US;
	r->at_us = r->ref_us;
	r->chunks = in;
	bytes = delta_bytes(&in, r->count);
	if (bytes < 0 || (size_t)bytes > buf_left(&in))
		return -EBADMSG;
	r->deltas = in;

	return 0;
}

bool twcc_next(struct twcc_reader *r, struct twcc_status *out)
{
	enum symbol s;

	if (r->told == r->count)
		return false;
	if (r->run == 0 || r->run == chunk_symbols(r->chunk)) {
		r->chunk = buf_get_u16(&r->chunks);
		r->run = 0;
	}
	s = chunk_symbol(r->chunk, r->run++);
	out->seq = (uint16_t)(r->base + r->told++);
	out->received = s != LOST;
	if (s == SMALL)
		r->at_us += buf_get_u8(&r->deltas) * TWCC_TICK_US;
	else if (s == LARGE)
		r->at_us += (int16_t)buf_get_u16(&r->deltas) * TWCC_TICK_US;
	out->arrival_us = r->at_us;

	return true;
}

/* One chunk in the making. */
struct chunk {
	uint8_t symbol[ONE_BIT_SYMBOLS];
	unsigned held;		/* symbols; in a run only symbol[0] counts */
	bool same, large;	/* all equal; one is LARGE */
};

static bool chunk_takes(const struct chunk *c, enum symbol s)
{
	bool large = c->large || s == LARGE;

	if (c->held == 0)
		return true;
	if (c->same && s == c->symbol[0])
		return c->held < RUN_MAX;

	return c->held < (large ? TWO_BIT_SYMBOLS : ONE_BIT_SYMBOLS);
}

static void chunk_add(struct chunk *c, enum symbol s)
{
	if (c->held == 0)
		c->same = true;
	else if (s != c->symbol[0])
		c->same = false;
	if (c->held < ONE_BIT_SYMBOLS)
		c->symbol[c->held] = (uint8_t)s;
	c->large |= s == LARGE;
	c->held++;
}

static uint16_t vector_of(const struct chunk *c, bool two_bit)
{
	unsigned n = two_bit ? TWO_BIT_SYMBOLS : ONE_BIT_SYMBOLS;
	uint16_t v = two_bit ? 3 : 2;

	for (unsigned i = 0; i < n; i++)
		v = (uint16_t)(v << (two_bit ? 2 : 1) |
			       (i < c->held ? c->symbol[i] : 0));

	return v;
}

/*
 * Writes a chunk that must be full, as others follow, and keeps in c what
 * did not go into it. A vector of one-bit symbols that is not full gives its
 * first seven as two-bit ones.
 */
static void chunk_flush(struct chunk *c, struct buf_out *out)
{
	struct chunk rest = { .held = 0 };

	if (c->same) {
		buf_put_u16(out, (uint16_t)(c->symbol[0] << 13 | c->held));
	} else if (!c->large && c->held == ONE_BIT_SYMBOLS) {
		buf_put_u16(out, vector_of(c, false));
	} else {
		buf_put_u16(out, vector_of(c, true));
		for (unsigned i = TWO_BIT_SYMBOLS; i < c->held; i++)
			chunk_add(&rest, c->symbol[i]);
	}
	*c = rest;
}

/* The last chunk may be filled up: what lies past the count is not read. */
static void chunk_end(struct chunk *c, struct buf_out *out)
{
	if (c->held == 0)
		return;
	if (c->same)
		chunk_flush(c, out);
	else
		buf_put_u16(out, vector_of(c, c->large));
}

/* Arrival times rounded to ticks, each step measured from the rounded one
 * before, so that errors do not add up. */
struct walk {
	int64_t at;		/* ticks */
	enum symbol symbol;
	int64_t delta;		/* ticks */
};

static int64_t to_ticks(int64_t us)
{
	int64_t t = us + TWCC_TICK_US / 2;

	return t >= 0 ? t / TWCC_TICK_US
		      : -((-t + TWCC_TICK_US - 1) / TWCC_TICK_US);
}

/* false when the step does not fit into 16 bits. */
static bool step(struct walk *w, const struct twcc_arrived *a)
{
	w->symbol = LOST;
	w->delta = 0;
	if (!a->received)
		return true;

	w->delta = to_ticks(a->arrival_us) - w->at;
	if (w->delta < INT16_MIN || w->delta > INT16_MAX)
		return false;
	w->at += w->delta;
	w->symbol = w->delta < 0 || w->delta > 255 ? LARGE : SMALL;

	return true;
}

/* How many packets fit, and writes their chunks. */
static size_t write_chunks(struct buf_out *out, int64_t at,
			   const struct twcc_arrived *packet, size_t count,
			   size_t max_bytes)
{
	size_t chunks = 1, deltas = 0, n = 0;
	struct chunk c = { .held = 0 };
	struct walk w = { .at = at };

	for (; n < count && n < TWCC_PACKETS_MAX; n++) {
		if (!step(&w, &packet[n]))
			break;
		if (!chunk_takes(&c, w.symbol))
			chunks++;
		deltas += w.symbol;
		/* 3: padding. */
		if (HEAD_BYTES + 2 * chunks + deltas + 3 > max_bytes)
			break;
		if (!chunk_takes(&c, w.symbol))
			chunk_flush(&c, out);
		chunk_add(&c, w.symbol);
	}
	chunk_end(&c, out);

	return n;
}

static void write_deltas(struct buf_out *out, int64_t at,
			 const struct twcc_arrived *packet, size_t count)
{
	struct walk w = { .at = at };

	for (size_t i = 0; i < count && step(&w, &packet[i]); i++) {
		if (w.symbol == SMALL)
			buf_put_u8(out, (uint8_t)w.delta);
		else if (w.symbol == LARGE)
			buf_put_u16(out, (uint16_t)w.delta);
	}
}

static int64_t floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;

	return q * b > a ? q - 1 : q;
}

/* Before the first packet that arrived, in steps of the wire. */
static int64_t reference_of(const struct twcc_arrived *packet, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (packet[i].received)
			return floor_div(packet[i].arrival_us, TWCC_REF_US);

	return 0;
}

size_t twcc_write(struct buf_out *out, uint32_t sender, uint32_t media,
		  uint8_t fb_count, uint16_t base,
		  const struct twcc_arrived *packet, size_t count,
		  size_t max_bytes)
{
	int64_t reference = reference_of(packet, count);
	int64_t at = reference * (TWCC_REF_US / TWCC_TICK_US);
	uint8_t *head = buf_reserve(out, 4);
	uint8_t *told;
	size_t n, words;

	out->bad |= max_bytes < MESSAGE_MIN;
	buf_put_u32(out, sender);
	buf_put_u32(out, media);
	buf_put_u16(out, base);
	told = buf_reserve(out, 2);
	buf_put_be(out, (uint64_t)reference & 0xffffff, 3);
	buf_put_u8(out, fb_count);
	n = write_chunks(out, at, packet, count, max_bytes);
	write_deltas(out, at, packet, n);
	while (!out->bad && (out->at - head) % 4)
		buf_put_u8(out, 0);
	if (out->bad)
		return 0;

	words = (size_t)(out->at - head) / 4 - 1;
	head[0] = 0x80 | RTPFB_TWCC;
	head[1] = RTCP_RTPFB;
	head[2] = (uint8_t)(words >> 8);
	head[3] = (uint8_t)words;
	told[0] = (uint8_t)(n >> 8);
	told[1] = (uint8_t)n;

	return n;
}
