/* fuzz_trickle.c - any text as a candidate on its way */

#include "ice-worker/trickle.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECK(what)                                                           \
	do {                                                                  \
		if (!(what))                                                  \
			abort();                                              \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct sdp_session s;
	struct trickle t;

	sdp_session_init(&s);
	s.line_count = 2;
	s.transport = 1;
	strcpy(s.lines[0].mid, "0");
	strcpy(s.lines[1].mid, "1");
	if (trickle_read(&t, text, len) < 0)
		return 0;
	CHECK(t.line >= text && t.line + t.len == text + len);
	CHECK(strlen(t.mid) <= SDP_MID);
	CHECK(t.index >= -1 && t.index <= 99999);
	/* without a ufrag only the line that carries the call will do */
	if (!strcmp(t.mid, "0"))
		CHECK(!trickle_fits(&s, &t, "x"));
	if (!strcmp(t.mid, "1"))
		CHECK(trickle_fits(&s, &t, "x"));

	return 0;
}
