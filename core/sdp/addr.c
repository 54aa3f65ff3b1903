/* addr.c - the address half of candidate.h: text, wrappings, kinds of place */

#include "core/sdp/candidate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/sdp/scan.h"

static bool parse_ipv4(uint8_t out[4], struct scan s)
{
	for (int i = 0; i < 4; i++) {
		struct scan part = scan_until(&s, '.');
		uint64_t v;

		/* 010.0.0.1 means two different things to two readers. */
		if (scan_len(part) > 1 && *part.at == '0')
			return false;
		if (!scan_number(part, 255, &v))
			return false;
		/* Dots between the numbers, none after the last. */
		if ((i < 3) != (s.at > part.end))
			return false;
		out[i] = (uint8_t)v;
	}

	return s.at == s.end;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;

	return -1;
}

/* One group of 1 to 4 hex digits, stepped over. */
static bool parse_group(struct scan *s, uint8_t out[2])
{
	unsigned v = 0, digits = 0;

	for (; s->at < s->end && hex_digit(*s->at) >= 0; s->at++) {
		v = v << 4 | (unsigned)hex_digit(*s->at);
		if (++digits > 4)
			return false;
	}
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;

	return digits > 0;
}

/* Groups from the left into bytes; *gap is where "::" stood, -1 if nowhere.
 * The number of bytes, or -1. */
static int parse_groups(struct scan *s, uint8_t bytes[16], int *gap)
{
	int n = 0;

	*gap = -1;
	if (scan_skip(s, "::"))
		*gap = 0;
	while (s->at < s->end) {
		struct scan rest = *s;

		if (n <= 12 && memchr(rest.at, '.', scan_len(rest)) &&
		    !memchr(rest.at, ':', scan_len(rest)))
			return parse_ipv4(bytes + n, rest) ? n + 4 : -1;
		if (n >= 16 || !parse_group(s, bytes + n))
			return -1;
		n += 2;
		if (s->at == s->end)
			break;
		if (scan_skip(s, "::")) {
			if (*gap >= 0)
				return -1;
			*gap = n;
		} else if (!scan_skip(s, ":") || s->at == s->end) {
			return -1;
		}
	}

	return n;
}

static bool parse_ipv6(uint8_t out[16], struct scan s)
{
	uint8_t bytes[16] = { 0 };
	int gap, n = parse_groups(&s, bytes, &gap);
	size_t tail;

	if (n < 0 || (gap < 0 && n != 16) || (gap >= 0 && n > 14))
		return false;
	memset(out, 0, 16);
	if (gap < 0) {
		memcpy(out, bytes, 16);
		return true;
	}
	tail = (size_t)(n - gap);
	memcpy(out, bytes, (size_t)gap);
	memcpy(out + 16 - tail, bytes + gap, tail);

	return true;
}

int addr_parse(struct addr *out, const char *text, size_t len)
{
	struct scan s = scan_over(text, len);

	memset(out, 0, sizeof(*out));
	if (len == 0 || len >= CANDIDATE_ADDR_TEXT)
		return -EINVAL;
	if (memchr(text, ':', len)) {
		if (!parse_ipv6(out->bytes, s))
			goto bad;
		out->family = ADDR_IPV6;
	} else {
		if (!parse_ipv4(out->bytes, s))
			goto bad;
		out->family = ADDR_IPV4;
	}

	return 0;

bad:
	memset(out, 0, sizeof(*out));

	return -EINVAL;
}

static unsigned group(const struct addr *a, int i)
{
	return (unsigned)a->bytes[2 * i] << 8 | a->bytes[2 * i + 1];
}

/* The longest run of at least two zero groups, the first of equals. */
static void longest_zeros(const struct addr *a, int *start, int *len)
{
	*start = -1;
	*len = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && group(a, i + n) == 0)
			n++;
		if (n > *len) {
			*start = i;
			*len = n;
		}
		i += n;
	}
}

const char *addr_write(const struct addr *a, char *out)
{
	const size_t cap = CANDIDATE_ADDR_TEXT;
	int start, len;
	size_t n = 0;

	if (a->family == ADDR_IPV4) {
		snprintf(out, cap, "%u.%u.%u.%u", a->bytes[0], a->bytes[1],
			 a->bytes[2], a->bytes[3]);
		return out;
	}
	if (a->family != ADDR_IPV6) {
		out[0] = 0;
		return out;
	}
	longest_zeros(a, &start, &len);
	for (int i = 0; i < 8; i++) {
		if (i == start) {
			n += (size_t)snprintf(out + n, cap - n, "::");
			i += len - 1;
			continue;
		}
		n += (size_t)snprintf(out + n, cap - n, "%s%x",
				      n && out[n - 1] != ':' ? ":" : "",
				      group(a, i));
	}

	return out;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool starts(const struct addr *a, const char *prefix, unsigned bits)
{
	struct addr p;
	unsigned whole = bits / 8, rest = bits % 8;

	if (addr_parse(&p, prefix, strlen(prefix)) < 0 ||
	    p.family != a->family || memcmp(a->bytes, p.bytes, whole) != 0)
		return false;

	return rest == 0 ||
	       (a->bytes[whole] ^ p.bytes[whole]) >> (8 - rest) == 0;
}

static struct addr inner_ipv4(const struct addr *a, int at, uint8_t mask)
{
	struct addr v4 = { .family = ADDR_IPV4 };

	for (int i = 0; i < 4; i++)
		v4.bytes[i] = a->bytes[at + i] ^ mask;

	return v4;
}

struct addr addr_canonical(const struct addr *a)
{
	if (a->family != ADDR_IPV6)
		return *a;
	if (starts(a, "::ffff:0:0", 96) || starts(a, "64:ff9b::", 96))
		return inner_ipv4(a, 12, 0);
	/* IPv4-compatible, but neither :: nor ::1. */
	if (starts(a, "::", 96) && !starts(a, "::", 112))
		return inner_ipv4(a, 12, 0);
	if (starts(a, "2002::", 16))
		return inner_ipv4(a, 2, 0);
	if (starts(a, "2001::", 32))
		return inner_ipv4(a, 12, 0xff);

	return *a;
}

/* The first row that fits counts. */
static const struct range {
	const char *prefix;
	uint8_t bits;
	enum addr_scope scope;
} ranges[] = {
	{ "0.0.0.0", 32, ADDR_UNSPECIFIED },
	{ "0.0.0.0", 8, ADDR_RESERVED },
	{ "127.0.0.0", 8, ADDR_LOOPBACK },
	/* Cloud machines hand out their keys here. */
	{ "169.254.169.254", 32, ADDR_METADATA },
	{ "169.254.170.2", 32, ADDR_METADATA },
	{ "100.100.100.200", 32, ADDR_METADATA },
	{ "169.254.0.0", 16, ADDR_LINK_LOCAL },
	{ "10.0.0.0", 8, ADDR_PRIVATE },
	{ "172.16.0.0", 12, ADDR_PRIVATE },
	{ "192.168.0.0", 16, ADDR_PRIVATE },
	{ "100.64.0.0", 10, ADDR_PRIVATE },
	{ "198.18.0.0", 15, ADDR_PRIVATE },
	{ "192.0.0.0", 24, ADDR_RESERVED },
	{ "192.0.2.0", 24, ADDR_DOCUMENTATION },
	{ "198.51.100.0", 24, ADDR_DOCUMENTATION },
	{ "203.0.113.0", 24, ADDR_DOCUMENTATION },
	{ "224.0.0.0", 4, ADDR_MULTICAST },
	{ "255.255.255.255", 32, ADDR_BROADCAST },
	{ "240.0.0.0", 4, ADDR_RESERVED },
	{ "0.0.0.0", 0, ADDR_GLOBAL },
	{ "::", 128, ADDR_UNSPECIFIED },
	{ "::1", 128, ADDR_LOOPBACK },
	{ "fd00:ec2::254", 128, ADDR_METADATA },
	{ "fe80::", 10, ADDR_LINK_LOCAL },
	{ "fec0::", 10, ADDR_PRIVATE },
	{ "fc00::", 7, ADDR_PRIVATE },
	{ "ff00::", 8, ADDR_MULTICAST },
	{ "2001:db8::", 32, ADDR_DOCUMENTATION },
	{ "3fff::", 20, ADDR_DOCUMENTATION },
	{ "2000::", 3, ADDR_GLOBAL },
	/* Outside 2000::/3 nothing is assigned. */
	{ "::", 0, ADDR_RESERVED },
};

enum addr_scope addr_scope(const struct addr *a)
{
	struct addr c = addr_canonical(a);

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (starts(&c, ranges[i].prefix, ranges[i].bits))
			return ranges[i].scope;

	return ADDR_RESERVED;
}
