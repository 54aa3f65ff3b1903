/*
 * attr.h - the attributes ("a=" lines) of an SDP, for parse.c alone
 *
 * Memory   The parser is a local variable of sdp_parse().
 * Errors   Negative errno after attr_fail() wrote the reason.
 */
#ifndef CORE_SDP_ATTR_H
#define CORE_SDP_ATTR_H

#include "core/sdp/parse.h"
#include "core/sdp/scan.h"

struct sdp_parser {
	struct sdp *sdp;
	struct sdp_media *media;	/* current; &top before the first m= */
	struct sdp_media top;	/* what the session level says */
	struct sdp_error *err;
	unsigned line;
	unsigned fmtps;		/* of the current m-line */
};

/* Writes the reason and returns `code`. */
int attr_fail(struct sdp_parser *p, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A piece of sdp->text as a string: the byte after it becomes its end. */
const char *attr_keep(struct sdp_parser *p, struct scan word);

/* RFC 8866 token of 1 to max characters. */
bool attr_is_token(struct scan s, size_t max);

/* One "a=" line, without "a=". */
int attr_parse(struct sdp_parser *p, struct scan line) MUST_USE;

#endif
