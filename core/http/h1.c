/*
 * h1.c - HTTP/1.1 heads
 *
 * The end of the head is found first, by one walk that also refuses every
 * byte no head may hold; only a whole head is taken apart. So a slow sender
 * costs one walk a read, and a TLS hello on a plain port is refused at its
 * first byte instead of at the deadline.
 */

#include "core/http/h1.h"

#include <errno.h>
#include <string.h>

static bool is_token_char(unsigned char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'))
		return true;

	return c && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool h1_is(struct h1_span span, const char *text)
{
	return span.at && strlen(text) == span.len &&
	       memcmp(span.at, text, span.len) == 0;
}

bool h1_is_nocase(struct h1_span span, const char *text)
{
	if (!span.at || strlen(text) != span.len)
		return false;
	for (size_t i = 0; i < span.len; i++)
		if (lower(span.at[i]) != lower(text[i]))
			return false;

	return true;
}

/* 1: the head ends before *end. 0: more bytes are needed. */
static int find_end(const char *at, size_t len, size_t *end)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)at[i];

		if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') ||
		    c == 0x7f)
			return -EBADMSG;
		if (c == '\n' && (i == 0 || at[i - 1] != '\r'))
			return -EBADMSG;
		if (c != '\n' && i > 0 && at[i - 1] == '\r')
			return -EBADMSG;
		if (c == '\n' && i >= 3 && at[i - 2] == '\n') {
			*end = i + 1;
			return 1;
		}
		if (i + 1 >= H1_HEAD_MAX)
			return -EMSGSIZE;
	}

	return 0;
}

/* The line at *at, without its CR LF; *at moves behind it. find_end() made
 * sure that each line has one. */
static struct h1_span next_line(const char **at, const char *end)
{
	const char *cr = memchr(*at, '\r', (size_t)(end - *at));
	struct h1_span line = { *at, (size_t)(cr - *at) };

	*at = cr + 2;

	return line;
}

static struct h1_span trim(struct h1_span s)
{
	while (s.len && (*s.at == ' ' || *s.at == '\t')) {
		s.at++;
		s.len--;
	}
	while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;

	return s;
}

static int parse_header(struct h1_header *out, struct h1_span line)
{
	const char *colon = memchr(line.at, ':', line.len);
	size_t name_len;

	if (!colon || colon == line.at)
		return -EBADMSG;
	name_len = (size_t)(colon - line.at);
	for (size_t i = 0; i < name_len; i++)
		if (!is_token_char((unsigned char)line.at[i]))
			return -EBADMSG;
	out->name = (struct h1_span){ line.at, name_len };
	out->value = trim((struct h1_span){ colon + 1,
					    line.len - name_len - 1 });

	return 0;
}

/* All header lines up to the blank one. -EMSGSIZE: too many. */
static int parse_headers(struct h1_header *headers, unsigned *count,
			 const char *at, const char *end)
{
	*count = 0;
	while (at < end) {
		struct h1_span line = next_line(&at, end);

		if (line.len == 0)
			return at == end ? 0 : -EBADMSG;
		if (*count == H1_HEADERS_MAX)
			return -EMSGSIZE;
		if (parse_header(&headers[*count], line))
			return -EBADMSG;
		++*count;
	}

	return -EBADMSG;
}

struct h1_span h1_find(const struct h1_header *headers, unsigned len,
		       const char *name)
{
	for (unsigned i = 0; i < len; i++)
		if (h1_is_nocase(headers[i].name, name))
			return headers[i].value;

	return (struct h1_span){ NULL, 0 };
}

unsigned h1_count(const struct h1_header *headers, unsigned len,
		  const char *name)
{
	unsigned count = 0;

	for (unsigned i = 0; i < len; i++)
		count += h1_is_nocase(headers[i].name, name);

	return count;
}

static bool list_has(struct h1_span list, const char *token)
{
	while (list.len) {
		const char *comma = memchr(list.at, ',', list.len);
		size_t len = comma ? (size_t)(comma - list.at) : list.len;

		if (h1_is_nocase(trim((struct h1_span){ list.at, len }),
				 token))
			return true;
		len += comma != NULL;
		list.at += len;
		list.len -= len;
	}

	return false;
}

bool h1_has_token(const struct h1_header *headers, unsigned len,
		  const char *name, const char *token)
{
	for (unsigned i = 0; i < len; i++)
		if (h1_is_nocase(headers[i].name, name) &&
		    list_has(headers[i].value, token))
			return true;

	return false;
}

/* "http://host/path" (RFC 9112 section 3.2.2) becomes "/path". */
static int strip_origin(struct h1_span *target)
{
	static const char scheme[] = "http://";
	size_t skip = sizeof(scheme) - 1;
	const char *slash;

	if (target->len <= skip ||
	    !h1_is_nocase((struct h1_span){ target->at, skip }, scheme))
		return -EBADMSG;
	slash = memchr(target->at + skip, '/', target->len - skip);
	if (!slash || slash == target->at + skip)
		return -EBADMSG;
	target->len -= (size_t)(slash - target->at);
	target->at = slash;

	return 0;
}

static int check_target(struct h1_span *target, struct h1_span method)
{
	for (size_t i = 0; i < target->len; i++) {
		unsigned char c = (unsigned char)target->at[i];

		if (c <= 0x20 || c >= 0x7f || c == '#')
			return -EBADMSG;
	}
	if (target->len && target->at[0] == '/')
		return 0;
	if (h1_is(*target, "*"))
		return h1_is(method, "OPTIONS") ? 0 : -EBADMSG;

	return strip_origin(target);
}

/* "HTTP/1.1"; *status is 505 for a version that is well formed. */
static int parse_version(struct h1_span v, bool *http10, unsigned *status)
{
	*http10 = h1_is(v, "HTTP/1.0");
	if (*http10 || h1_is(v, "HTTP/1.1"))
		return 0;
	if (v.len == 8 && memcmp(v.at, "HTTP/", 5) == 0 && v.at[6] == '.' &&
	    v.at[5] >= '0' && v.at[5] <= '9' && v.at[7] >= '0' &&
	    v.at[7] <= '9')
		*status = 505;

	return -EBADMSG;
}

static int parse_request_line(struct h1_request *r, struct h1_span line)
{
	const char *end = line.at + line.len;
	const char *one = memchr(line.at, ' ', line.len);
	const char *two = one ? memchr(one + 1, ' ', (size_t)(end - one - 1))
			      : NULL;

	if (!two)
		return -EBADMSG;
	r->method = (struct h1_span){ line.at, (size_t)(one - line.at) };
	r->target = (struct h1_span){ one + 1, (size_t)(two - one - 1) };
	if (r->method.len == 0 || r->method.len > H1_METHOD_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < r->method.len; i++)
		if (!is_token_char((unsigned char)r->method.at[i]))
			return -EBADMSG;
	if (parse_version((struct h1_span){ two + 1, (size_t)(end - two - 1) },
			  &r->http10, &r->status))
		return -EBADMSG;

	return check_target(&r->target, r->method);
}

static int parse_length(struct h1_request *r)
{
	struct h1_span v = h1_find(r->headers, r->headers_len,
				   "content-length");
	unsigned count = h1_count(r->headers, r->headers_len,
				  "content-length");

	if (count == 0)
		return 0;
	if (count > 1 || v.len == 0 || v.len > 18)
		return -EBADMSG;
	r->has_length = true;
	for (size_t i = 0; i < v.len; i++) {
		if (v.at[i] < '0' || v.at[i] > '9')
			return -EBADMSG;
		r->length = r->length * 10 + (uint64_t)(v.at[i] - '0');
	}

	return 0;
}

static int parse_coding(struct h1_request *r)
{
	struct h1_span v = h1_find(r->headers, r->headers_len,
				   "transfer-encoding");

	if (!v.at)
		return 0;
	if (r->http10 ||
	    h1_count(r->headers, r->headers_len, "content-length") ||
	    h1_count(r->headers, r->headers_len, "transfer-encoding") > 1)
		return -EBADMSG;
	if (!h1_is_nocase(v, "chunked")) {
		r->status = 501;
		return -EBADMSG;
	}
	r->chunked = true;

	return 0;
}

static int check_host(struct h1_request *r)
{
	unsigned count = h1_count(r->headers, r->headers_len, "host");

	if (count > 1 || (count == 0 && !r->http10))
		return -EBADMSG;
	r->host = h1_find(r->headers, r->headers_len, "host");
	for (size_t i = 0; i < r->host.len; i++) {
		unsigned char c = (unsigned char)r->host.at[i];

		if (c <= 0x20 || c >= 0x7f || strchr("/?#@\\,", c))
			return -EBADMSG;
	}

	return 0;
}

static void find_keep_alive(struct h1_request *r)
{
	bool close = h1_has_token(r->headers, r->headers_len, "connection",
				  "close");
	bool keep = h1_has_token(r->headers, r->headers_len, "connection",
				 "keep-alive");

	r->keep_alive = !close && (!r->http10 || keep);
}

static int refuse(struct h1_request *out, int err)
{
	if (err == -EMSGSIZE)
		out->status = 431;
	else if (!out->status)
		out->status = 400;

	return -EBADMSG;
}

/* One blank line before the request is forgiven (RFC 9112 section 2.2). */
static size_t leading_blank(const char *at, size_t len)
{
	return len >= 2 && at[0] == '\r' && at[1] == '\n' ? 2 : 0;
}

int h1_parse_request(struct h1_request *out, const void *bytes, size_t len)
{
	const char *start = bytes, *at, *end;
	size_t skip = leading_blank(start, len), head_len = 0;
	int err;

	*out = (struct h1_request){ 0 };
	at = start + skip;
	if (len > skip && *at != '\r' && !is_token_char((unsigned char)*at))
		return refuse(out, -EBADMSG);
	if (skip && len > skip && *at == '\r')
		return refuse(out, -EBADMSG);
	err = find_end(at, len - skip, &head_len);
	if (err <= 0)
		return err ? refuse(out, err) : 0;

	end = at + head_len;
	if ((err = parse_request_line(out, next_line(&at, end))) ||
	    (err = parse_headers(out->headers, &out->headers_len, at, end)) ||
	    (err = check_host(out)) || (err = parse_length(out)) ||
	    (err = parse_coding(out)))
		return refuse(out, err);
	find_keep_alive(out);

	return (int)(skip + head_len);
}

static int parse_status_line(struct h1_response *r, struct h1_span line)
{
	const char *at = line.at;

	if (line.len < 12 || memcmp(at, "HTTP/1.", 7) != 0 ||
	    (at[7] != '0' && at[7] != '1') || at[8] != ' ' ||
	    (line.len > 12 && at[12] != ' '))
		return -EBADMSG;
	for (int i = 9; i < 12; i++) {
		if (at[i] < '0' || at[i] > '9')
			return -EBADMSG;
		r->code = r->code * 10 + (unsigned)(at[i] - '0');
	}

	return r->code >= 100 ? 0 : -EBADMSG;
}

int h1_parse_response(struct h1_response *out, const void *bytes, size_t len)
{
	const char *at = bytes, *end;
	size_t head_len = 0;
	int err;

	*out = (struct h1_response){ 0 };
	if (len && *at != 'H')
		return -EBADMSG;
	err = find_end(at, len, &head_len);
	if (err <= 0)
		return err ? -EBADMSG : 0;

	end = at + head_len;
	if (parse_status_line(out, next_line(&at, end)) ||
	    parse_headers(out->headers, &out->headers_len, at, end)) {
		out->code = 0;
		return -EBADMSG;
	}

	return (int)head_len;
}

static const struct phrase {
	unsigned status;
	const char *text;
} phrases[] = {
	{ 101, "Switching Protocols" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 204, "No Content" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" },
	{ 426, "Upgrade Required" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

const char *h1_reason(unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].text;

	return "Status";
}

static void put_text(struct buf_out *out, const char *text)
{
	buf_put(out, text, strlen(text));
}

static void put_number(struct buf_out *out, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_put(out, digits + at, sizeof(digits) - at);
}

void h1_write_header(struct buf_out *out, const struct h1_header *h)
{
	buf_put(out, h->name.at, h->name.len);
	put_text(out, ": ");
	buf_put(out, h->value.at, h->value.len);
	put_text(out, "\r\n");
}

void h1_write_answer(struct buf_out *out, const struct h1_answer *a)
{
	put_text(out, "HTTP/1.1 ");
	put_number(out, a->status);
	put_text(out, " ");
	put_text(out, h1_reason(a->status));
	put_text(out, "\r\n");
	for (unsigned i = 0; i < a->headers_len; i++)
		h1_write_header(out, &a->headers[i]);
	if (a->has_length) {
		put_text(out, "Content-Length: ");
		put_number(out, a->length);
		put_text(out, "\r\n");
	}
	if (a->chunked)
		put_text(out, "Transfer-Encoding: chunked\r\n");
	if (a->status != 101)
		put_text(out, a->keep_alive ? "Connection: keep-alive\r\n"
					    : "Connection: close\r\n");
	put_text(out, "\r\n");
}
