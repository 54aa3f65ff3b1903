/* utf8.c - is it UTF-8? */

#include "core/ws/utf8.h"

/* What a lead byte asks of the byte after it (Unicode table 3-7). */
static bool lead(struct utf8 *u, uint8_t c)
{
	*u = (struct utf8){ 0, 0x80, 0xbf };
	if (c < 0x80)
		return true;
	if (c < 0xc2 || c > 0xf4)
		return false;
	u->left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	if (c == 0xe0)
		u->low = 0xa0;
	else if (c == 0xed)
		u->high = 0x9f;
	else if (c == 0xf0)
		u->low = 0x90;
	else if (c == 0xf4)
		u->high = 0x8f;

	return true;
}

bool utf8_add(struct utf8 *u, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++) {
		if (u->left == 0) {
			if (p[i] >= 0x80 && !lead(u, p[i]))
				return false;
			continue;
		}
		if (p[i] < u->low || p[i] > u->high)
			return false;
		*u = (struct utf8){ (uint8_t)(u->left - 1), 0x80, 0xbf };
	}

	return true;
}

bool utf8_is_whole(const struct utf8 *u)
{
	return u->left == 0;
}

bool utf8_ok(const void *bytes, size_t len)
{
	struct utf8 u = { 0 };

	return utf8_add(&u, bytes, len) && utf8_is_whole(&u);
}
