/*
 * scan.h - walk a JSON text before it is parsed
 *
 * The walk enforces the limits of depth, members and string length before
 * any tree is built, and makes a copy in which the members of a message (the
 * outermost object, or each object of the outermost array) keep their exact
 * form: a number 1.50 becomes the string "n1.50", a string "x" becomes "sx".
 * So an id of any size is echoed as it was written, and a message needs no
 * number that a parser could round.
 *
 * Memory   *out of json_scan() is to be freed by text_fini().
 * Errors   -EMSGSIZE: a limit, *why names it; beyond a limit of strings the
 *          copy is whole all the same, so that its id can be read. A text
 *          that is no JSON may pass; the parser after it decides.
 */
#ifndef SIGNALING_SCAN_H
#define SIGNALING_SCAN_H

#include <stdint.h>

#include "common/err.h"
#include "signaling/text.h"

enum {
	SCAN_DEPTH_MAX = 16,
	SCAN_MEMBERS_MAX = 256,		/* of one object or array */
	SCAN_STRING_MAX = 49152,	/* bytes as written */
	SCAN_WHY = 48,
};

/* As above; depth at most SCAN_DEPTH_MAX. */
struct scan_limits {
	uint32_t depth, members, string;
};

extern const struct scan_limits scan_standard;

/* limits NULL or zeros: scan_standard. why: SCAN_WHY bytes. */
int json_scan(struct text *out, const char *text, size_t len,
	      const struct scan_limits *limits, char *why) MUST_USE;

#endif
