/* meta.c - what surrounds the messages of gRPC */

#include "core/grpc/meta.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const char *const names[] = {
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED",
	"NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
	"OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
	"DATA_LOSS", "UNAUTHENTICATED",
};

const char *grpc_status_name(unsigned status)
{
	return names[status < ARRAY_LEN(names) ? status : GRPC_UNKNOWN];
}

static const struct {
	const char *type;
	enum grpc_mode mode;
} types[] = {
	{ "application/grpc", GRPC_NATIVE },
	{ "application/grpc+proto", GRPC_NATIVE },
	{ "application/grpc-web", GRPC_WEB },
	{ "application/grpc-web+proto", GRPC_WEB },
	{ "application/grpc-web-text", GRPC_WEB_TEXT },
	{ "application/grpc-web-text+proto", GRPC_WEB_TEXT },
};

enum grpc_mode grpc_mode_of(struct h1_span t)
{
	static const char family[] = "application/grpc";
	const char *end = t.at ? memchr(t.at, ';', t.len) : NULL;

	if (!t.at)
		return GRPC_NONE;
	if (end)
		t.len = (size_t)(end - t.at);
	while (t.len && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\t'))
		t.len--;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (h1_is_nocase(t, types[i].type))
			return types[i].mode;
	if (t.len > strlen(family) &&
	    strncasecmp(t.at, family, strlen(family)) == 0)
		return GRPC_OTHER;

	return GRPC_NONE;
}

const char *grpc_content_type(enum grpc_mode mode)
{
	switch (mode) {
	case GRPC_NATIVE:
		return "application/grpc";
	case GRPC_WEB_TEXT:
		return "application/grpc-web-text+proto";
	case GRPC_NONE:
	case GRPC_WEB:
	case GRPC_SOCKET:
	case GRPC_OTHER:
		break;
	}

	return "application/grpc-web+proto";
}

size_t grpc_percent(char out[GRPC_ENCODED_MAX], const char *text, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	if (len > GRPC_TEXT_MAX) {
		/* Not in the middle of a character. */
		for (len = GRPC_TEXT_MAX; len && (text[len] & 0xc0) == 0x80;)
			len--;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c <= 0x7e && c != '%') {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}

	return n;
}

int grpc_timeout(struct h1_span v, int64_t *out_us)
{
	static const char units[] = "HMSmun";
	static const int64_t us[] = { 3600000000, 60000000, 1000000, 1000, 1 };
	const int64_t most = 8640000000000;	/* a hundred days */
	const char *unit;
	int64_t n = 0;

	if (!v.at || v.len < 2 || v.len > 9 || !v.at[v.len - 1])
		return -EINVAL;
	unit = strchr(units, v.at[v.len - 1]);
	for (size_t i = 0; i + 1 < v.len; i++) {
		if (v.at[i] < '0' || v.at[i] > '9')
			return -EINVAL;
		n = n * 10 + (v.at[i] - '0');
	}
	if (!unit)
		return -EINVAL;
	if (*unit == 'n')	/* never less than asked for */
		n = (n + 999) / 1000;
	else
		n *= us[unit - units];
	*out_us = n < most ? n : most;

	return 0;
}

static bool is_name_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static bool value_ok(struct h1_span v)
{
	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)v.at[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}

	return true;
}

static struct h1_span trim(const char *at, size_t len)
{
	while (len && (*at == ' ' || *at == '\t')) {
		at++;
		len--;
	}
	while (len && (at[len - 1] == ' ' || at[len - 1] == '\t'))
		len--;

	return (struct h1_span){ at, len };
}

static bool read_line(struct h1_header *out, const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && is_name_char((unsigned char)line[n]))
		n++;
	if (n == 0 || n == len || line[n] != ':')
		return false;
	out->name = (struct h1_span){ line, n };
	out->value = trim(line + n + 1, len - n - 1);

	return value_ok(out->value);
}

int grpc_block(struct h1_header out[GRPC_BLOCK_HEADERS], const void *bytes,
	       size_t len)
{
	const char *at = bytes, *end = at + len;
	int count = 0;

	if (len > GRPC_BLOCK_MAX)
		return -EBADMSG;
	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		const char *stop = lf ? lf : end;

		if (stop > at && stop[-1] == '\r')
			stop--;
		if (stop > at &&	/* an empty line is skipped */
		    (count == GRPC_BLOCK_HEADERS ||
		     !read_line(&out[count++], at, (size_t)(stop - at))))
			return -EBADMSG;
		at = lf ? lf + 1 : end;
	}

	return count;
}
