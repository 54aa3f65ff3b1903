/*
 * fuzz_grpc.c - frames, the text form and the header block of gRPC
 *
 * First byte: bits 0-1 which, the rest how large the pieces are. The same
 * bytes in pieces and at once must give the same messages.
 */

#include <stdlib.h>
#include <string.h>

#include "core/grpc/base64.h"
#include "core/grpc/descriptor.h"
#include "core/grpc/frames.h"
#include "core/grpc/meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { MAX = 4096 };

static void check(int truth)
{
	if (!truth)
		abort();
}

static uint64_t mix(uint64_t h, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3u;

	return h;
}

static uint64_t run_frames(const uint8_t *bytes, size_t len, size_t step)
{
	struct grpc_frames f = { .max = MAX };
	struct grpc_message m;
	uint64_t h = 0xcbf29ce484222325u;
	int ret = 0;

	for (size_t at = 0; at < len && ret >= 0; at += step) {
		size_t part = len - at < step ? len - at : step;
		struct buf_in in = buf_in(bytes + at, part);

		while ((ret = grpc_frames_next(&f, &in, &m)) > 0) {
			check(m.len <= MAX && m.bytes);
			h = mix(h, &m.len, sizeof(m.len));
			h = mix(h, m.bytes, m.len);
		}
		check(f.cap <= MAX);
	}
	h = mix(h, &ret, sizeof(ret));
	h = mix(h, &(bool){ grpc_frames_whole(&f) }, sizeof(bool));
	grpc_frames_fini(&f);

	return h;
}

static uint64_t run_text(const uint8_t *bytes, size_t len, size_t step)
{
	uint64_t h = 0xcbf29ce484222325u;
	struct b64 b = { 0 };
	int n = 0;

	for (size_t at = 0; at < len && n >= 0; at += step) {
		size_t part = len - at < step ? len - at : step;
		uint8_t *out = malloc(b64_room(part) + 1);

		n = b64_read(&b, bytes + at, part, out);
		check(n <= (int)b64_room(part));
		/* What came before a fault depends on the pieces. */
		if (n > 0)
			h = mix(h, out, (size_t)n);
		free(out);
	}
	if (n < 0)
		return 0;

	return mix(h, &(bool){ b64_whole(&b) }, sizeof(bool));
}

static void run_block(const uint8_t *bytes, size_t len)
{
	struct h1_header h[GRPC_BLOCK_HEADERS];
	char out[GRPC_ENCODED_MAX];
	int n = grpc_block(h, bytes, len);
	int64_t us;

	check(n <= GRPC_BLOCK_HEADERS);
	for (int i = 0; i < n; i++) {
		check(h[i].name.len > 0 &&
		      (const uint8_t *)h[i].name.at >= bytes &&
		      (const uint8_t *)h[i].value.at + h[i].value.len <=
			      bytes + len);
		check(!memchr(h[i].value.at, '\n', h[i].value.len));
		(void)grpc_mode_of(h[i].value);
		if (grpc_timeout(h[i].value, &us) == 0)
			check(us >= 0);
	}
	check(grpc_percent(out, (const char *)bytes, len) <= sizeof(out));
}

static void run_descriptor(const uint8_t *bytes, size_t len)
{
	struct h1_span symbol = { "a.B.c", 5 };
	struct descriptor d = { bytes, len };
	char name[32];

	(void)descriptor_first(bytes, len);
	(void)descriptor_name(d);
	(void)descriptor_import(d, 1);
	(void)descriptor_service(d, 1, name, sizeof(name));
	(void)descriptor_defines(d, symbol);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	size_t step;

	if (len == 0)
		return 0;
	step = (size_t)(bytes[0] >> 2) + 1;
	switch (bytes[0] & 3) {
	case 0:
		check(run_frames(bytes + 1, len - 1, step) ==
		      run_frames(bytes + 1, len - 1, len));
		break;
	case 1:
		check(run_text(bytes + 1, len - 1, step) ==
		      run_text(bytes + 1, len - 1, len));
		break;
	case 2:
		run_block(bytes + 1, len - 1);
		break;
	default:
		run_descriptor(bytes + 1, len - 1);
	}

	return 0;
}
