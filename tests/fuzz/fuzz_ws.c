/*
 * fuzz_ws.c - WebSocket frames
 *
 * First byte: bit 0 the role, bit 1 whether binary messages are wanted, the
 * rest how large the pieces are. The same
 * bytes in pieces and at once must give the same events.
 */

#include <stdlib.h>
#include <string.h>

#include "core/ws/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

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

static void check_event(const struct ws *w, const struct ws_event *ev)
{
	check(ev->len <= WS_MESSAGE_MAX);
	check(w->text_cap <= WS_MESSAGE_MAX);
	check(ev->kind != WS_BINARY || w->binary);
	if (ev->kind == WS_TEXT)
		check(utf8_ok(ev->bytes, ev->len));
	if (ev->kind == WS_PING || ev->kind == WS_PONG)
		check(ev->len <= WS_CONTROL_MAX);
	if (ev->kind == WS_FAILED)
		check(ws_code_ok(ev->code) && ev->why && w->dead);
	if (ev->kind == WS_CLOSE)
		check((ev->code == WS_CODE_NONE || ws_code_ok(ev->code)) &&
		      w->dead && utf8_ok(ev->bytes, ev->len));
}

static uint64_t run(uint8_t how, const uint8_t *bytes, size_t len,
		    size_t step)
{
	uint64_t h = 0xcbf29ce484222325u;
	struct ws w;

	ws_init(&w, how & 1 ? WS_CLIENT : WS_SERVER);
	w.binary = how & 2;
	for (size_t at = 0; at < len;) {
		size_t part = len - at < step ? len - at : step;
		struct ws_event ev;
		size_t used = ws_recv(&w, bytes + at, part, &ev);

		check(used <= part && (used || ev.kind != WS_NONE));
		check(ev.kind != WS_NONE || used == part);
		check_event(&w, &ev);
		if (ev.kind != WS_NONE) {
			h = mix(h, &ev.kind, sizeof(ev.kind));
			h = mix(h, &ev.code, sizeof(ev.code));
			h = mix(h, ev.bytes, ev.len);
		}
		at += used;
	}
	ws_fini(&w);

	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	size_t step;

	if (len < 1)
		return 0;
	step = (size_t)(bytes[0] >> 2) + 1;
	check(run(bytes[0], bytes + 1, len - 1, step) ==
	      run(bytes[0], bytes + 1, len - 1, len));

	return 0;
}
