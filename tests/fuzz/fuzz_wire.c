/*
 * fuzz_wire.c - a frame from any worker in any phase; the first byte picks
 * them. What is admitted must be inside the frame and as the table says.
 */

#include "proto/wire.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static _Alignas(8) uint8_t frame[MSG_MAX + 64];
	struct wire_in in;

	if (len < 1 || len > sizeof(frame))
		return 0;
	memcpy(frame, data + 1, len - 1);
	for (int to = 0; to < PROCS; to++) {
		const uint8_t *end;

		if (wire_open(&in, frame, len - 1, data[0] >> 4 & 7,
			      data[0] & 3, (enum proc)to,
			      1u << (data[0] >> 2 & 3)))
			continue;
		end = (const uint8_t *)in.blob + in.blob_len;
		if (end != frame + len - 1 || in.type >= MSG_COUNT ||
		    (const uint8_t *)in.payload + msg_payload(in.type) !=
			    (const uint8_t *)in.blob)
			__builtin_trap();
	}

	return 0;
}
