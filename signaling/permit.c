/* permit.c - what a description asks for, in the words of a token */

#include "signaling/permit.h"

#include <stdbool.h>
#include <string.h>

#include "signaling/auth.h"

enum { BOTH = AUTH_PUBLISH | AUTH_SUBSCRIBE };

static bool is_line(const char *line, size_t len, const char *what)
{
	return strlen(what) == len && memcmp(line, what, len) == 0;
}

static bool begins(const char *line, size_t len, const char *what)
{
	return len >= strlen(what) && memcmp(line, what, strlen(what)) == 0;
}

/* Several directions of one m-line count together. */
static bool read_direction(const char *line, size_t len, unsigned *wants)
{
	if (is_line(line, len, "a=sendonly"))
		*wants |= AUTH_PUBLISH;
	else if (is_line(line, len, "a=recvonly"))
		*wants |= AUTH_SUBSCRIBE;
	else if (is_line(line, len, "a=sendrecv"))
		*wants |= BOTH;
	else
		return is_line(line, len, "a=inactive");

	return true;
}

unsigned permit_needed(const char *sdp)
{
	unsigned all = 0, wants = 0;
	bool media = false, said = false;

	for (const char *line = sdp; *line;) {
		size_t len = strcspn(line, "\r\n");

		if (begins(line, len, "m=")) {
			all |= media && !said ? BOTH : wants;
			media = !begins(line, len, "m=application ");
			all |= media ? 0 : AUTH_DATA;
			wants = 0;
			said = false;
		} else if (media && read_direction(line, len, &wants)) {
			said = true;
		}
		line += len;
		line += strspn(line, "\r\n");
	}

	return all | (media && !said ? BOTH : wants);
}

const char *permit_reason(unsigned missing)
{
	if (missing & AUTH_PUBLISH)
		return "the token has no permission to publish: offer "
		       "a=recvonly";
	if (missing & AUTH_SUBSCRIBE)
		return "the token has no permission to subscribe: offer "
		       "a=sendonly";
	if (missing & AUTH_DATA)
		return "the token has no permission for data channels";

	return "the token has no permission to manage the pipeline";
}
