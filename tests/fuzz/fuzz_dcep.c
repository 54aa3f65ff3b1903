/* fuzz_dcep.c - any bytes as a data-channel message; what parses, writes back
 * to the same bytes */

#include "core/sctp/dcep.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t again[DCEP_OPEN_MAX];
	struct dcep d;
	int n;

	if (dcep_parse(&d, bytes, len) < 0)
		return 0;
	n = dcep_write(&d, again, sizeof(again));
	if (n != (int)len || memcmp(again, bytes, len) != 0)
		abort();

	return 0;
}
