/* base64.c - the text form of gRPC-Web, in pieces */

#include "core/grpc/base64.h"

#include <errno.h>

/* 0 to 63, or -1. */
static int value_of(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;

	return c == '/' ? 63 : -1;
}

/* Bytes that a full group gives; -1: bits beyond them are not zero. */
static int flush(struct b64 *b, uint8_t *out)
{
	int n = 3 - b->pads;

	if (b->bits & ((1u << 8 * b->pads) - 1))
		return -1;
	for (int i = 0; i < n; i++)
		out[i] = (uint8_t)(b->bits >> (16 - 8 * i));
	*b = (struct b64){ 0 };

	return n;
}

static bool add(struct b64 *b, unsigned char c)
{
	int v = value_of(c);

	if (c == '=' && b->chars >= 2) {
		b->pads++;
		v = 0;
	} else if (v < 0 || b->pads) {
		return false;
	}
	b->bits = b->bits << 6 | (uint32_t)v;
	b->chars++;

	return true;
}

int b64_read(struct b64 *b, const void *text, size_t len, uint8_t *out)
{
	const unsigned char *p = text;
	int total = 0, n;

	for (size_t i = 0; i < len && !b->bad; i++) {
		if (!add(b, p[i])) {
			b->bad = true;
		} else if (b->chars == 4) {
			n = flush(b, out + total);
			b->bad = n < 0;
			total += n > 0 ? n : 0;
		}
	}

	return b->bad ? -EBADMSG : total;
}

bool b64_whole(const struct b64 *b)
{
	return !b->bad && b->chars == 0;
}
