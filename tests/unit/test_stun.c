#include "tests/client/stun.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* RFC 5769 2.1: a request with short-term credentials, padded by spaces */
static const uint8_t request[] = {
	0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01,
	0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10,
	0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c,
	0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
	0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36,
	0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76,
	0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c,
	0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
	0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
};
static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";

START_TEST(rfc5769_request_holds)
{
	struct stun s;

	ck_assert_int_eq(stun_parse(&s, request, sizeof(request), password),
			 0);
	ck_assert_int_eq(s.kind, STUN_REQUEST);
	ck_assert_str_eq(s.username, "evtj:h6vY");
	ck_assert(!s.use_candidate);
	ck_assert(!s.controlling);
}
END_TEST

START_TEST(every_flipped_bit_before_the_fingerprint_is_refused)
{
	for (size_t bit = 0; bit < 8 * (sizeof(request) - 8); bit++) {
		uint8_t *p = malloc(sizeof(request));
		struct stun s;

		memcpy(p, request, sizeof(request));
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* As an indication it needs no integrity, but is none of a
		 * request any more. */
		if (!stun_parse(&s, p, sizeof(request), password))
			ck_assert_int_eq(s.kind, STUN_INDICATION);
		free(p);
	}
}
END_TEST

START_TEST(every_cut_and_a_wrong_key_are_refused)
{
	struct stun s;

	for (size_t len = 0; len < sizeof(request); len++) {
		uint8_t *p = malloc(len + !len);

		memcpy(p, request, len);
		ck_assert_int_eq(stun_parse(&s, p, len, password), -EBADMSG);
		free(p);
	}
	ck_assert_int_eq(stun_parse(&s, request, sizeof(request), "wrong"),
			 -EBADMSG);
}
END_TEST

START_TEST(a_check_is_read_back)
{
	struct stun_check check = {
		.txid = "abcdefghijk", .username = "them:us1",
		.key = "a password of theirs", .priority = 5,
		.tie_breaker = 77, .controlling = true, .use_candidate = true,
	};
	uint8_t bytes[STUN_MAX];
	struct stun s;
	int n = stun_write_check(&check, bytes, sizeof(bytes));

	ck_assert_int_gt(n, 60);
	ck_assert_int_eq(stun_parse(&s, bytes, (size_t)n, check.key), 0);
	ck_assert_str_eq(s.username, check.username);
	ck_assert(s.use_candidate);
	ck_assert(s.controlling);
	ck_assert_mem_eq(s.txid, check.txid, STUN_TXID);
	ck_assert_int_eq(stun_write_check(&check, bytes, 60), -ENOSPC);
}
END_TEST

/* RFC 5769 2.2 maps 192.0.2.1 port 32853 to these bytes. */
START_TEST(a_success_maps_the_address)
{
	static const uint8_t txid[STUN_TXID] = {
		0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
		0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
	};
	static const uint8_t mapped[12] = {
		0x00, 0x20, 0x00, 0x08, 0x00, 0x01,
		0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
	};
	uint8_t bytes[STUN_MAX];
	struct stun s;
	int n = stun_write_success(txid, password, 0xc0000201, 32853, bytes,
				   sizeof(bytes));

	ck_assert_int_gt(n, 0);
	ck_assert_mem_eq(bytes + 20, mapped, sizeof(mapped));
	ck_assert_int_eq(stun_parse(&s, bytes, (size_t)n, password), 0);
	ck_assert_int_eq(s.kind, STUN_SUCCESS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stun");
	TCase *t = tcase_create("stun");
	SRunner *r;
	int failed;

	tcase_add_test(t, rfc5769_request_holds);
	tcase_add_test(t, every_flipped_bit_before_the_fingerprint_is_refused);
	tcase_add_test(t, every_cut_and_a_wrong_key_are_refused);
	tcase_add_test(t, a_check_is_read_back);
	tcase_add_test(t, a_success_maps_the_address);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
