/* fuzz_sp.c - the SP codec with bytes in pieces; first byte: piece size */

#include "common/sp.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t piece = len ? (size_t)data[0] % 64 + 1 : 1;
	uint8_t copy[512];
	struct sp sp;

	if (sp_init(&sp, 512))
		return 0;
	for (size_t i = 1; i < len; i += piece) {
		size_t n = len - i < piece ? len - i : piece, room, got;
		const void *frame;
		void *space = sp_space(&sp, &room);
		int err;

		if (!room)
			__builtin_trap();
		n = n < room ? n : room;
		memcpy(space, data + i, n);
		sp_fill(&sp, n);
		while ((err = sp_next(&sp, &frame, &got)) == 1) {
			if (got > 512)
				__builtin_trap();
			/* Read all of it: the sanitizer watches. */
			memcpy(copy, frame, got);
			sp_drop(&sp, got);
		}
		if (err)
			break;
	}
	sp_fini(&sp);

	return 0;
}
