/* fuzz_candidate.c - any line as a candidate; what is read is written back */

#include "core/sdp/candidate.h"

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
	static const struct candidate_policy open = { .refuse_ports = { 80 } };
	static const struct candidate_policy public = { .public_only = true };
	struct candidate c, again;
	const char *why = NULL;
	char out[1024];
	int n;

	if (candidate_parse(&c, (const char *)data, len, &why) < 0) {
		CHECK(why && why[0]);
		return 0;
	}
	n = candidate_write(&c, out, sizeof(out));
	CHECK(n > 0 && strlen(out) == (size_t)n);
	/* The shortest form of what was read is never longer than a line. */
	if (n <= CANDIDATE_LINE + 10) {
		CHECK(candidate_parse(&again, out, (size_t)n, &why) == 0);
		CHECK(memcmp(&c, &again, sizeof(c)) == 0);
	}
	/* Nobody is taken in public who is refused in the open. */
	if (candidate_judge(&c, &public, &why) == CANDIDATE_TAKE) {
		CHECK(addr_scope(&c.addr) == ADDR_GLOBAL);
		if (c.port != 80)
			CHECK(candidate_judge(&c, &open, &why) ==
			      CANDIDATE_TAKE);
	}

	return 0;
}
