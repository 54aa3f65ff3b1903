/* chunk.c - chunked bodies, one byte of framing at a time */

#include "core/http/chunk.h"

#include <errno.h>

enum state {
	SIZE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF,
	LINE,			/* the first byte of a trailer, or the end */
	NAME, VALUE, VALUE_LF, END_LF,
};

static int hex(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;

	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_text(unsigned char c)
{
	return (c >= 0x20 && c != 0x7f) || c == '\t';
}

static bool is_name(unsigned char c)
{
	return c > 0x20 && c < 0x7f && c != ':';
}

static int go(struct h1_chunks *c, enum state to)
{
	c->state = (uint8_t)to;

	return 0;
}

static int size_byte(struct h1_chunks *c, unsigned char b)
{
	int digit = hex(b);

	if (digit >= 0) {
		if (c->digits++ == H1_CHUNK_DIGITS)
			return -EBADMSG;
		c->left = c->left << 4 | (unsigned)digit;
		return 0;
	}
	if (!c->digits)
		return -EBADMSG;
	if (b == ';')
		return go(c, EXTENSION);

	return b == '\r' ? go(c, SIZE_LF) : -EBADMSG;
}

static int extension_byte(struct h1_chunks *c, unsigned char b)
{
	if (b == '\r')
		return go(c, SIZE_LF);
	if (!is_text(b) || c->extra++ == H1_CHUNK_EXTRA)
		return -EBADMSG;

	return 0;
}

static int trailer_byte(struct h1_chunks *c, unsigned char b)
{
	if (c->trailer++ == H1_TRAILER_MAX)
		return -EBADMSG;
	if (c->state == VALUE) {
		if (b == '\r')
			return go(c, VALUE_LF);
		return is_text(b) ? 0 : -EBADMSG;
	}
	if (c->state == LINE && b == '\r')
		return go(c, END_LF);
	if (c->state == NAME && b == ':')
		return go(c, VALUE);

	return is_name(b) ? go(c, NAME) : -EBADMSG;
}

static int newline(struct h1_chunks *c, unsigned char b, enum state to)
{
	return b == '\n' ? go(c, to) : -EBADMSG;
}

/* A byte that is no data. */
static int frame_byte(struct h1_chunks *c, unsigned char b)
{
	switch ((enum state)c->state) {
	case SIZE:
		return size_byte(c, b);
	case EXTENSION:
		return extension_byte(c, b);
	case SIZE_LF:
		c->digits = 0;
		return newline(c, b, c->left ? DATA : LINE);
	case DATA_CR:
		return b == '\r' ? go(c, DATA_LF) : -EBADMSG;
	case DATA_LF:
		return newline(c, b, SIZE);
	case LINE:
	case NAME:
	case VALUE:
		return trailer_byte(c, b);
	case VALUE_LF:
		return newline(c, b, LINE);
	case END_LF:
		c->done = b == '\n';
		return c->done ? 0 : -EBADMSG;
	case DATA:
		break;
	}

	return -EBADMSG;
}

int h1_chunks_next(struct h1_chunks *c, const void *bytes, size_t len,
		   struct h1_span *data)
{
	const char *start = bytes;
	size_t at = 0;

	*data = (struct h1_span){ NULL, 0 };
	if (len > INT32_MAX)
		len = INT32_MAX;
	while (at < len && !c->done) {
		if (c->state == DATA) {
			size_t part = len - at;

			if (part > c->left)
				part = (size_t)c->left;
			*data = (struct h1_span){ start + at, part };
			c->left -= part;
			if (!c->left)
				(void)go(c, DATA_CR);
			return (int)(at + part);
		}
		if (frame_byte(c, (unsigned char)start[at]))
			return -EBADMSG;
		at++;
	}

	return (int)at;
}

size_t h1_chunk_head(char out[H1_CHUNK_HEAD], size_t len)
{
	size_t digits = 1;

	while (digits < H1_CHUNK_HEAD - 2 && len >> 4 * digits)
		digits++;
	for (size_t i = 0; i < digits; i++)
		out[i] = "0123456789abcdef"[len >> 4 * (digits - 1 - i) & 15];
	out[digits] = '\r';
	out[digits + 1] = '\n';

	return digits + 2;
}
