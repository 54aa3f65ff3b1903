/* candidate.c - the line half of candidate.h: parse, write, judge */

#include "core/sdp/candidate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/sdp/scan.h"

static const char *const type_names[] = { "host", "srflx", "prflx", "relay" };

static bool is_name(struct scan s)
{
	if (scan_len(s) == 0 || scan_len(s) > CANDIDATE_NAME)
		return false;
	for (; s.at < s.end; s.at++) {
		char c = *s.at;

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '-' && c != '.')
			return false;
	}

	return true;
}

/* A name ends in a letter's label; "1.2.3" or "300.1.1.1" is a broken IPv4. */
static bool looks_numeric(struct scan s)
{
	for (; s.at < s.end; s.at++)
		if (*s.at != '.' && (*s.at < '0' || *s.at > '9'))
			return false;

	return true;
}

static const char *parse_address(struct candidate *c, struct scan word)
{
	if (addr_parse(&c->addr, word.at, scan_len(word)) == 0)
		return NULL;
	if (!is_name(word) || looks_numeric(word) ||
	    !scan_copy(word, c->name, sizeof(c->name)))
		return "the address is neither IPv4, IPv6 nor a name";
	c->addr.family = ADDR_NAME;

	return NULL;
}

static const char *parse_type(struct candidate *c, struct scan *s)
{
	struct scan word = scan_word(s);

	if (!scan_like(word, "typ"))
		return "\"typ\" is missing";
	word = scan_word(s);
	for (size_t i = 0; i < ARRAY_LEN(type_names); i++) {
		if (scan_like(word, type_names[i])) {
			c->type = (enum candidate_type)i;
			return NULL;
		}
	}

	return "the type is not host, srflx, prflx or relay";
}

/* Pairs of name and value; unknown ones are skipped. */
static const char *parse_extensions(struct candidate *c, struct scan *s)
{
	while (s->at < s->end) {
		struct scan name = scan_word(s), value = scan_word(s);
		uint64_t v;

		if (scan_len(name) == 0)
			break;
		if (scan_like(name, "raddr")) {
			if (addr_parse(&c->related, value.at,
				       scan_len(value)) < 0 &&
			    !is_name(value))
				return "raddr is not an address";
		} else if (scan_like(name, "rport")) {
			if (!scan_number(value, 65535, &v))
				return "rport is not 0 to 65535";
			c->related_port = (uint16_t)v;
		} else if (scan_like(name, "ufrag") && !c->ufrag[0]) {
			if (!scan_is_ice(value) ||
			    !scan_copy(value, c->ufrag, sizeof(c->ufrag)))
				return "ufrag is malformed";
		}
	}
	if (c->related.family == ADDR_NONE)
		c->related_port = 0;

	return NULL;
}

static const char *parse_head(struct candidate *c, struct scan *s)
{
	struct scan word = scan_word(s);
	uint64_t v;

	if (scan_len(word) == 0 || !scan_is_ice(word) ||
	    !scan_copy(word, c->foundation, sizeof(c->foundation)))
		return "the foundation is not 1 to 32 letters and digits";
	if (!scan_number(scan_word(s), 256, &v) || v == 0)
		return "the component is not 1 to 256";
	c->component = v > 255 ? 255 : (uint8_t)v;
	word = scan_word(s);
	if (scan_len(word) == 0)
		return "the transport is missing";
	c->udp = scan_like(word, "udp");
	if (!scan_number(scan_word(s), INT32_MAX, &v) || v == 0)
		return "the priority is not 1 to 2147483647";
	c->priority = (uint32_t)v;

	return NULL;
}

static const char *parse_all(struct candidate *c, struct scan *s)
{
	const char *why = parse_head(c, s);
	uint64_t v;

	if (why || (why = parse_address(c, scan_word(s))))
		return why;
	if (!scan_number(scan_word(s), 65535, &v) || (v == 0 && c->udp))
		return "the port is not 1 to 65535";
	c->port = (uint16_t)v;
	if ((why = parse_type(c, s)))
		return why;

	return parse_extensions(c, s);
}

int candidate_parse(struct candidate *out, const char *line, size_t len,
		    const char **why)
{
	struct scan s = scan_over(line, len);
	const char *bad = NULL;

	memset(out, 0, sizeof(*out));
	while (s.end > s.at && (s.end[-1] == '\n' || s.end[-1] == '\r'))
		s.end--;
	scan_skip(&s, "a=");
	scan_skip(&s, "candidate:");
	if (scan_len(s) > CANDIDATE_LINE)
		bad = "the line is longer than 512 characters";
	for (const char *p = s.at; !bad && p < s.end; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			bad = "there are bytes that are not ASCII text";
	if (!bad)
		bad = parse_all(out, &s);
	if (why)
		*why = bad ? bad : "";
	if (!bad)
		return 0;
	memset(out, 0, sizeof(*out));

	return -EINVAL;
}

int candidate_write(const struct candidate *c, char *out, size_t cap)
{
	char text[CANDIDATE_ADDR_TEXT], related[CANDIDATE_ADDR_TEXT];
	const char *address = c->addr.family == ADDR_NAME ?
				      c->name : addr_write(&c->addr, text);
	char tail[CANDIDATE_UFRAG + 96] = "";
	size_t n = 0;
	int len;

	if (c->related.family == ADDR_IPV4 || c->related.family == ADDR_IPV6)
		n = (size_t)snprintf(tail, sizeof(tail), " raddr %s rport %u",
				     addr_write(&c->related, related),
				     c->related_port);
	if (c->ufrag[0])
		snprintf(tail + n, sizeof(tail) - n, " ufrag %s", c->ufrag);
	len = snprintf(out, cap, "candidate:%s %u %s %u %s %u typ %s%s",
		       c->foundation, c->component, c->udp ? "udp" : "tcp",
		       c->priority, address, c->port, type_names[c->type],
		       tail);

	return len < 0 || (size_t)len >= cap ? -ENOSPC : len;
}

static bool ends_in_local(const char *name)
{
	struct scan s = scan_over(name, strlen(name));

	if (scan_len(s) && s.end[-1] == '.')
		s.end--;
	if (scan_len(s) < 7)
		return false;
	s.at = s.end - 6;

	return scan_like(s, ".local");
}

/* DNS, NTP, SNMP, LDAP, SSDP, mDNS, memcached: services that answer a small
 * question with a large text to whoever is named as the sender. */
static bool is_reflector_port(uint16_t port)
{
	static const uint16_t ports[] = {
		53, 123, 161, 389, 1900, 5353, 11211
	};

	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		if (ports[i] == port)
			return true;

	return false;
}

static bool is_own(const struct candidate_policy *p, const struct addr *a)
{
	struct addr c = addr_canonical(a);

	for (unsigned i = 0; i < p->owns; i++) {
		struct addr own = addr_canonical(&p->own[i]);

		if (addr_equal(&own, &c))
			return true;
	}

	return addr_scope(a) == ADDR_LOOPBACK;
}

static bool is_own_listener(const struct candidate_policy *p,
			    const struct candidate *c)
{
	for (size_t i = 0; i < ARRAY_LEN(p->refuse_ports); i++)
		if (p->refuse_ports[i] && p->refuse_ports[i] == c->port)
			return is_own(p, &c->addr);

	return false;
}

static const char *judge_scope(enum addr_scope scope, bool public_only)
{
	switch (scope) {
	case ADDR_GLOBAL:
		return NULL;
	case ADDR_LOOPBACK:
		return public_only ? "loopback addresses are not allowed" :
				     NULL;
	case ADDR_LINK_LOCAL:
		return public_only ? "link-local addresses are not allowed" :
				     NULL;
	case ADDR_PRIVATE:
		return public_only ? "private addresses are not allowed" :
				     NULL;
	case ADDR_DOCUMENTATION:
		return public_only ?
			       "documentation addresses are not allowed" :
			       NULL;
	case ADDR_UNSPECIFIED:
		return "the unspecified address is nobody's";
	case ADDR_MULTICAST:
		return "multicast addresses are not allowed";
	case ADDR_BROADCAST:
		return "the broadcast address is not allowed";
	case ADDR_METADATA:
		return "a cloud's metadata address is not allowed";
	case ADDR_RESERVED:
		break;
	}

	return "reserved addresses are not allowed";
}

enum candidate_verdict candidate_judge(const struct candidate *c,
				       const struct candidate_policy *policy,
				       const char **why)
{
	enum candidate_verdict verdict = CANDIDATE_IGNORE;
	const char *text = "";

	if (!c->udp) {
		text = "only UDP is used";
	} else if (c->component != 1) {
		text = "only component 1 is used (rtcp-mux)";
	} else if (c->addr.family == ADDR_NAME && ends_in_local(c->name)) {
		text = ".local names are not resolved";
	} else if (c->addr.family == ADDR_NAME) {
		verdict = CANDIDATE_REFUSE;
		text = "names are not resolved";
	} else if ((text = judge_scope(addr_scope(&c->addr),
				       policy->public_only))) {
		verdict = CANDIDATE_REFUSE;
	} else if (is_own_listener(policy, c)) {
		verdict = CANDIDATE_REFUSE;
		text = "this is a listener of this server";
	} else if (is_reflector_port(c->port)) {
		verdict = CANDIDATE_REFUSE;
		text = "the port belongs to another service";
	} else {
		verdict = CANDIDATE_TAKE;
		text = "";
	}
	if (why)
		*why = text;

	return verdict;
}
