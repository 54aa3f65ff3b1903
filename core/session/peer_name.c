/* peer_name.c - what may be a peer id */

#include "core/session/peer_name.h"

#include "core/ws/utf8.h"

bool peer_name_ok(const char *name, size_t len)
{
	if (len < 1 || len > PEER_NAME_MAX || !utf8_ok(name, len))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		/* C0, DEL, and C1 (U+0080 to U+009F) */
		if (c < 0x20 || c == 0x7f)
			return false;
		if (c == 0xc2 && (unsigned char)name[i + 1] < 0xa0)
			return false;
	}

	return true;
}
