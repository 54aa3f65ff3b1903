/* test_candidate.c - candidate lines, addresses, and who may be talked to */

#include "core/sdp/candidate.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"

static struct candidate must_parse(const char *line)
{
	struct candidate c;
	const char *why;
	int code = candidate_parse(&c, line, strlen(line), &why);

	ck_assert_msg(code == 0, "%s: %s", line, why);
	ck_assert_str_eq(why, "");

	return c;
}

START_TEST(a_host_candidate_is_read)
{
	struct candidate c = must_parse(
		"candidate:4234997325 1 udp 2043278322 192.0.2.172 44323 typ "
		"host generation 0 ufrag abCD network-cost 999");

	ck_assert_str_eq(c.foundation, "4234997325");
	ck_assert_uint_eq(c.component, 1);
	ck_assert(c.udp);
	ck_assert_uint_eq(c.priority, 2043278322);
	ck_assert_uint_eq(c.addr.family, ADDR_IPV4);
	ck_assert_mem_eq(c.addr.bytes, "\xc0\x00\x02\xac", 4);
	ck_assert_uint_eq(c.port, 44323);
	ck_assert_int_eq(c.type, CANDIDATE_HOST);
	ck_assert_str_eq(c.ufrag, "abCD");
	ck_assert_uint_eq(c.related.family, ADDR_NONE);
}
END_TEST

START_TEST(prefixes_case_and_line_ends_do_not_matter)
{
	const char *const same[] = {
		"a=candidate:1 1 UDP 2130706431 192.0.2.4 5000 typ host",
		"candidate:1 1 UDP 2130706431 192.0.2.4 5000 typ host\r\n",
		"1 1 udp 2130706431 192.0.2.4 5000 TYP HOST",
		"1  1  udp  2130706431  192.0.2.4  5000  typ  host ",
		"a=1 1 Udp 2130706431 192.0.2.4 5000 typ host\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		struct candidate c = must_parse(same[i]);

		ck_assert_str_eq(c.foundation, "1");
		ck_assert(c.udp);
		ck_assert_uint_eq(c.port, 5000);
	}
}
END_TEST

START_TEST(what_is_written_reads_the_same)
{
	const char *const lines[] = {
		"candidate:1 1 udp 2130706431 192.0.2.4 5000 typ host",
		"candidate:a+/ 2 udp 1 2001:db8::1 65535 typ srflx raddr "
		"10.0.0.1 rport 9",
		"candidate:7 1 tcp 1518214911 192.0.2.4 9 typ host",
		"candidate:8 1 udp 99 fe80::1:0:0:1 1 typ relay raddr ::1 "
		"rport 1 ufrag ab/+",
		"candidate:8 1 udp 99 x-1.local 1 typ prflx",
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct candidate c = must_parse(lines[i]), again;
		char out[CANDIDATE_LINE];
		int len = candidate_write(&c, out, sizeof(out));

		ck_assert_str_eq(out, lines[i]);
		ck_assert_int_eq(len, (int)strlen(lines[i]));
		again = must_parse(out);
		ck_assert_mem_eq(&c, &again, sizeof(c));
		ck_assert_int_eq(candidate_write(&c, out, (size_t)len),
				 -ENOSPC);
	}
}
END_TEST

/* Found by fuzz_candidate: half an extension left its number behind. */
START_TEST(half_and_double_extensions_leave_nothing)
{
	struct candidate c = must_parse(
		"1 1 udp 1 192.0.2.4 5000 typ srflx rport 9");

	ck_assert_uint_eq(c.related_port, 0);
	c = must_parse("1 1 udp 1 192.0.2.4 5000 typ srflx raddr x.local "
		       "rport 9");
	ck_assert_uint_eq(c.related.family, ADDR_NONE);
	ck_assert_uint_eq(c.related_port, 0);
	c = must_parse("1 1 udp 1 192.0.2.4 5000 typ host ufrag abcdef ufrag "
		       "xyz");
	ck_assert_str_eq(c.ufrag, "abcdef");
}
END_TEST

static const char *const malformed[] = {
	"",
	"candidate:",
	"candidate:1",
	"candidate:1 1 udp 1 192.0.2.4 5000",
	"candidate:1 1 udp 1 192.0.2.4 5000 host",
	"candidate:1 1 udp 1 192.0.2.4 5000 typ",
	"candidate:1 1 udp 1 192.0.2.4 5000 typ hostess",
	"candidate:123456789012345678901234567890123 1 udp 1 192.0.2.4 5000 "
	"typ host",
	"candidate:a-b 1 udp 1 192.0.2.4 5000 typ host",
	"candidate:1 0 udp 1 192.0.2.4 5000 typ host",
	"candidate:1 257 udp 1 192.0.2.4 5000 typ host",
	"candidate:1 -1 udp 1 192.0.2.4 5000 typ host",
	"candidate:1 1 udp 0 192.0.2.4 5000 typ host",
	"candidate:1 1 udp 2147483648 192.0.2.4 5000 typ host",
	"candidate:1 1 udp 99999999999999999999 192.0.2.4 5000 typ host",
	"candidate:1 1 udp 1 192.0.2.4 0 typ host",
	"candidate:1 1 udp 1 192.0.2.4 65536 typ host",
	"candidate:1 1 udp 1 192.0.2.4 +5 typ host",
	"candidate:1 1 udp 1 192.0.2.4 5e3 typ host",
	"candidate:1 1 udp 1 192.0.2.256 5000 typ host",
	"candidate:1 1 udp 1 192.0.2 5000 typ host",
	"candidate:1 1 udp 1 192.0.2.4. 5000 typ host",
	"candidate:1 1 udp 1 192.0.02.4 5000 typ host",
	"candidate:1 1 udp 1 3221225985 5000 typ host",
	"candidate:1 1 udp 1 [2001:db8::1] 5000 typ host",
	"candidate:1 1 udp 1 fe80::1%eth0 5000 typ host",
	"candidate:1 1 udp 1 2001:db8:::1 5000 typ host",
	"candidate:1 1 udp 1 1:2:3:4:5:6:7 5000 typ host",
	"candidate:1 1 udp 1 1:2:3:4:5:6:7:8:9 5000 typ host",
	"candidate:1 1 udp 1 1::2::3 5000 typ host",
	"candidate:1 1 udp 1 12345::1 5000 typ host",
	"candidate:1 1 udp 1 ::g 5000 typ host",
	"candidate:1 1 udp 1 a_b.local 5000 typ host",
	"candidate:1 1 udp 1 192.0.2.4 5000 typ srflx raddr [::1] rport 1",
	"candidate:1 1 udp 1 192.0.2.4 5000 typ srflx raddr ::1 rport 65536",
	"candidate:1 1 udp 1 192.0.2.4 5000 typ host ufrag a-b",
	"candidate:1 1 udp 1 192.0.2.4 5000 typ host\x01",
	"candidate:1 1 udp 1 192.0.2.4 5000 typ host \xc3\xa9 x",
	"candidate:1\t1\tudp\t1\t192.0.2.4\t5000\ttyp\thost",
};

START_TEST(a_malformed_line_is_refused_with_a_reason)
{
	const char *line = malformed[_i], *why = NULL;
	static const struct candidate zero;
	struct candidate c;

	memset(&c, 0xff, sizeof(c));
	ck_assert_msg(candidate_parse(&c, line, strlen(line), &why) ==
			      -EINVAL, "%s", line);
	ck_assert_ptr_nonnull(why);
	ck_assert_uint_gt(strlen(why), 8);
	ck_assert_mem_eq(&c, &zero, sizeof(c));
	/* Nobody needs to ask why. */
	ck_assert_int_eq(candidate_parse(&c, line, strlen(line), NULL),
			 -EINVAL);
}
END_TEST

START_TEST(every_cut_and_every_long_line_is_harmless)
{
	const char line[] = "a=candidate:8 1 udp 99 fe80::1:0:0:1 1 typ relay "
			    "raddr ::1 rport 1 ufrag ab/+";
	struct candidate c;
	char *exact;

	for (size_t n = 0; n < sizeof(line); n++) {
		int code;

		/* A block of just this size, so that asan sees one byte. */
		exact = malloc(n ? n : 1);
		memcpy(exact, line, n);
		code = candidate_parse(&c, exact, n, NULL);
		ck_assert(code == 0 || code == -EINVAL);
		free(exact);
	}
	exact = malloc(5000);
	memset(exact, 'a', 5000);
	ck_assert_int_eq(candidate_parse(&c, exact, 5000, NULL), -EINVAL);
	free(exact);
}
END_TEST

static const struct {
	const char *text, *written;
} addresses[] = {
	{ "0.0.0.0", "0.0.0.0" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "::", "::" },
	{ "::1", "::1" },
	{ "1::", "1::" },
	{ "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
	{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
	{ "1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8" },
	{ "1:0:0:4:5:0:0:0", "1:0:0:4:5::" },
	{ "::ffff:192.0.2.1", "::ffff:c000:201" },
	{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
	{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
	{ "::1.2.3.4", "::102:304" },
	{ "00ff::0001", "ff::1" },
	{ "1::2:3:4:5:6:7", "1:0:2:3:4:5:6:7" },
};

START_TEST(addresses_are_read_and_written)
{
	struct addr a;
	char out[CANDIDATE_ADDR_TEXT];
	const char *text = addresses[_i].text;

	ck_assert_int_eq(addr_parse(&a, text, strlen(text)), 0);
	ck_assert_str_eq(addr_write(&a, out), addresses[_i].written);
}
END_TEST

static const char *const no_addresses[] = {
	"", ":", ":::", "1", "1.2.3", "1.2.3.4.5", "1.2.3.4 ", ".1.2.3.4",
	"1..2.3", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:",
	":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:6:7:8::",
	"::1:2:3:4:5:6:7:8", "1::2:3:4:5:6:7:8", "g::", "0x7f.0.0.1",
	"00000::1", "127.1", "::ffff:1.2.3.256", "1:2", "::1::",
};

START_TEST(what_is_no_address_is_refused)
{
	struct addr a;
	const char *text = no_addresses[_i];

	ck_assert_msg(addr_parse(&a, text, strlen(text)) == -EINVAL, "%s",
		      text);
	ck_assert_uint_eq(a.family, ADDR_NONE);
}
END_TEST

static const struct {
	const char *text;
	enum addr_scope scope;
} scopes[] = {
	{ "0.0.0.0", ADDR_UNSPECIFIED },
	{ "::", ADDR_UNSPECIFIED },
	{ "::ffff:0.0.0.0", ADDR_UNSPECIFIED },
	{ "64:ff9b::", ADDR_UNSPECIFIED },
	{ "0.1.2.3", ADDR_RESERVED },
	{ "127.0.0.1", ADDR_LOOPBACK },
	{ "127.255.255.254", ADDR_LOOPBACK },
	{ "::1", ADDR_LOOPBACK },
	{ "::ffff:127.0.0.1", ADDR_LOOPBACK },
	{ "::127.0.0.1", ADDR_LOOPBACK },
	{ "64:ff9b::127.0.0.1", ADDR_LOOPBACK },
	{ "2002:7f00:1::", ADDR_LOOPBACK },
	{ "2001:0:1:2:3:4:80ff:fffe", ADDR_LOOPBACK },
	{ "169.254.1.1", ADDR_LINK_LOCAL },
	{ "fe80::1", ADDR_LINK_LOCAL },
	{ "febf::1", ADDR_LINK_LOCAL },
	{ "169.254.169.254", ADDR_METADATA },
	{ "169.254.170.2", ADDR_METADATA },
	{ "100.100.100.200", ADDR_METADATA },
	{ "::ffff:169.254.169.254", ADDR_METADATA },
	{ "64:ff9b::a9fe:a9fe", ADDR_METADATA },
	{ "2002:a9fe:a9fe::1", ADDR_METADATA },
	{ "fd00:ec2::254", ADDR_METADATA },
	{ "fd00:ec2::253", ADDR_PRIVATE },
	{ "10.0.0.1", ADDR_PRIVATE },
	{ "172.16.0.1", ADDR_PRIVATE },
	{ "172.31.255.255", ADDR_PRIVATE },
	{ "172.32.0.1", ADDR_GLOBAL },
	{ "192.168.1.1", ADDR_PRIVATE },
	{ "100.64.0.1", ADDR_PRIVATE },
	{ "100.128.0.1", ADDR_GLOBAL },
	{ "198.18.0.1", ADDR_PRIVATE },
	{ "fc00::1", ADDR_PRIVATE },
	{ "fdff::1", ADDR_PRIVATE },
	{ "fec0::1", ADDR_PRIVATE },
	{ "::ffff:10.0.0.1", ADDR_PRIVATE },
	{ "192.0.2.1", ADDR_DOCUMENTATION },
	{ "198.51.100.1", ADDR_DOCUMENTATION },
	{ "203.0.113.1", ADDR_DOCUMENTATION },
	{ "2001:db8::1", ADDR_DOCUMENTATION },
	{ "224.0.0.251", ADDR_MULTICAST },
	{ "239.255.255.250", ADDR_MULTICAST },
	{ "ff02::fb", ADDR_MULTICAST },
	{ "255.255.255.255", ADDR_BROADCAST },
	{ "240.0.0.1", ADDR_RESERVED },
	{ "192.0.0.1", ADDR_RESERVED },
	{ "100::1", ADDR_RESERVED },
	{ "64:ff9b:1::1", ADDR_RESERVED },
	{ "4000::1", ADDR_RESERVED },
	{ "8.8.8.8", ADDR_GLOBAL },
	{ "::ffff:8.8.8.8", ADDR_GLOBAL },
	{ "2606:4700::1111", ADDR_GLOBAL },
	{ "2001:4860:4860::8888", ADDR_GLOBAL },
};

START_TEST(an_address_knows_its_place)
{
	struct addr a;
	const char *text = scopes[_i].text;

	ck_assert_int_eq(addr_parse(&a, text, strlen(text)), 0);
	ck_assert_msg(addr_scope(&a) == scopes[_i].scope, "%s is %d", text,
		      addr_scope(&a));
}
END_TEST

/* The verdict in an open and in a public deployment. */
static const struct {
	const char *address;
	unsigned port;
	enum candidate_verdict any, public_only;
} verdicts[] = {
	{ "8.8.8.8", 5000, CANDIDATE_TAKE, CANDIDATE_TAKE },
	{ "2606:4700::1111", 5000, CANDIDATE_TAKE, CANDIDATE_TAKE },
	{ "127.0.0.1", 5000, CANDIDATE_TAKE, CANDIDATE_REFUSE },
	{ "::1", 5000, CANDIDATE_TAKE, CANDIDATE_REFUSE },
	{ "::ffff:127.0.0.1", 5000, CANDIDATE_TAKE, CANDIDATE_REFUSE },
	{ "10.1.2.3", 5000, CANDIDATE_TAKE, CANDIDATE_REFUSE },
	{ "192.0.2.2", 5000, CANDIDATE_TAKE, CANDIDATE_REFUSE },
	{ "fd00::2", 5000, CANDIDATE_TAKE, CANDIDATE_REFUSE },
	{ "fe80::2", 5000, CANDIDATE_TAKE, CANDIDATE_REFUSE },
	{ "0.0.0.0", 5000, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "::", 5000, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "::ffff:0.0.0.0", 5000, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "224.0.0.1", 5000, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "ff02::1", 5000, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "255.255.255.255", 5000, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "169.254.169.254", 80, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "::ffff:169.254.169.254", 80, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "fd00:ec2::254", 80, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "8.8.8.8", 53, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "8.8.8.8", 123, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "8.8.8.8", 161, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "8.8.8.8", 389, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "8.8.8.8", 1900, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "8.8.8.8", 5353, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "8.8.8.8", 11211, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "8.8.8.8", 8080, CANDIDATE_TAKE, CANDIDATE_TAKE },
	{ "127.0.0.1", 8080, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "::ffff:127.9.9.9", 8080, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "9.9.9.9", 8080, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "::ffff:9.9.9.9", 8080, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "9.9.9.9", 8081, CANDIDATE_TAKE, CANDIDATE_TAKE },
	{ "ab12-34.local", 5000, CANDIDATE_IGNORE, CANDIDATE_IGNORE },
	{ "AB.LOCAL.", 5000, CANDIDATE_IGNORE, CANDIDATE_IGNORE },
	{ "local", 5000, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "notlocal", 5000, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ ".local", 5000, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "localhost", 5000, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
	{ "example.com", 5000, CANDIDATE_REFUSE, CANDIDATE_REFUSE },
};

START_TEST(only_allowed_places_may_be_talked_to)
{
	struct addr own;
	struct candidate_policy p = {
		.refuse_ports = { 0, 8080 }, .own = &own, .owns = 1
	};
	struct candidate c;
	const char *why;
	char line[128];

	ck_assert_int_eq(addr_parse(&own, "9.9.9.9", 7), 0);
	snprintf(line, sizeof(line), "candidate:1 1 udp 5 %s %u typ host",
		 verdicts[_i].address, verdicts[_i].port);
	c = must_parse(line);
	ck_assert_msg(candidate_judge(&c, &p, &why) == verdicts[_i].any,
		      "%s: %s", line, why);
	ck_assert_int_eq(why[0] == 0, verdicts[_i].any == CANDIDATE_TAKE);
	p.public_only = true;
	ck_assert_msg(candidate_judge(&c, &p, NULL) ==
			      verdicts[_i].public_only, "public: %s", line);
}
END_TEST

START_TEST(tcp_and_component_2_are_ignored)
{
	struct candidate_policy p = { 0 };
	struct candidate c = must_parse(
		"candidate:1 1 tcp 1518280447 192.0.2.4 9 typ host tcptype "
		"active");

	ck_assert(!c.udp);
	ck_assert_int_eq(candidate_judge(&c, &p, NULL), CANDIDATE_IGNORE);
	/* libnice 0.1.21 asserts on the next one, so it must stop here. */
	c = must_parse("candidate:1 1 tcp 1518280447 192.0.2.4 9 typ host");
	ck_assert_int_eq(candidate_judge(&c, &p, NULL), CANDIDATE_IGNORE);
	c = must_parse("candidate:1 2 udp 1 192.0.2.4 5000 typ host");
	ck_assert_int_eq(candidate_judge(&c, &p, NULL), CANDIDATE_IGNORE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("candidate");
	TCase *t = tcase_create("all");

	tcase_add_test(t, a_host_candidate_is_read);
	tcase_add_test(t, prefixes_case_and_line_ends_do_not_matter);
	tcase_add_test(t, what_is_written_reads_the_same);
	tcase_add_test(t, half_and_double_extensions_leave_nothing);
	tcase_add_loop_test(t, a_malformed_line_is_refused_with_a_reason, 0,
			    (int)ARRAY_LEN(malformed));
	tcase_add_test(t, every_cut_and_every_long_line_is_harmless);
	tcase_add_loop_test(t, addresses_are_read_and_written, 0,
			    (int)ARRAY_LEN(addresses));
	tcase_add_loop_test(t, what_is_no_address_is_refused, 0,
			    (int)ARRAY_LEN(no_addresses));
	tcase_add_loop_test(t, an_address_knows_its_place, 0,
			    (int)ARRAY_LEN(scopes));
	tcase_add_loop_test(t, only_allowed_places_may_be_talked_to, 0,
			    (int)ARRAY_LEN(verdicts));
	tcase_add_test(t, tcp_and_component_2_are_ignored);
	suite_add_tcase(s, t);

	return suite_run(s);
}
