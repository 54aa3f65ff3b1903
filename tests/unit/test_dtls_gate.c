#include "port/dtls_gate.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

/* record head, then one handshake head: what the gate says as a server */
static const struct judged {
	const char *what;
	uint8_t bytes[40];
	size_t len;
	enum dtls_verdict verdict;
} judged[] = {
	{ "empty hello", { 22, 254, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12,
	  1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 25, DTLS_GATE_PASS },
	{ "server hello to a server", { 22, 254, 255, 0, 0, 0, 0, 0, 0, 0, 0,
	  0, 12, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 25, DTLS_GATE_DROP },
	{ "finished in clear", { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12,
	  20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 25, DTLS_GATE_DROP },
	{ "fragment past its message", { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0,
	  0, 14, 1, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 2, 9, 9 }, 27,
	  DTLS_GATE_DROP },
	{ "fragment past its record", { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0,
	  0, 13, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 9 }, 26,
	  DTLS_GATE_DROP },
	{ "huge message", { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13,
	  1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9 }, 26, DTLS_GATE_DROP },
	{ "empty fragment of a message", { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0,
	  0, 0, 12, 1, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0 }, 25,
	  DTLS_GATE_DROP },
	{ "half a handshake head", { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	  3, 1, 0, 0 }, 16, DTLS_GATE_DROP },
	{ "message number 16", { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12,
	  1, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0 }, 25, DTLS_GATE_DROP },
	{ "change of cipher", { 20, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	  1 }, 14, DTLS_GATE_PASS },
	{ "odd change of cipher", { 20, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	  1, 2 }, 14, DTLS_GATE_DROP },
	{ "data in clear", { 23, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	  1 }, 14, DTLS_GATE_DROP },
	{ "sealed data", { 23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1,
	  1 }, 14, DTLS_GATE_PASS },
	{ "epoch 2", { 23, 254, 253, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1,
	  1 }, 14, DTLS_GATE_DROP },
	{ "alert in clear", { 21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
	  2, 40 }, 15, DTLS_GATE_ALERT },
	{ "bytes behind the record", { 20, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0,
	  0, 1, 1, 7 }, 15, DTLS_GATE_DROP },
	{ "heartbeat", { 24, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	  1 }, 14, DTLS_GATE_DROP },
	{ "nothing", { 0 }, 0, DTLS_GATE_DROP },
};

START_TEST(the_gate_judges)
{
	struct dtls_gate gate = { .server = true };
	const struct judged *j = &judged[_i];
	uint8_t *exact = malloc(j->len + !j->len), alert = 0;

	memcpy(exact, j->bytes, j->len);
	ck_assert_msg(dtls_gate_check(&gate, exact, j->len, &alert) ==
		      j->verdict, "%s", j->what);
	if (j->verdict == DTLS_GATE_ALERT)
		ck_assert_uint_eq(alert, 40);
	free(exact);
}
END_TEST

START_TEST(fragments_must_agree)
{
	static const uint8_t first[] = { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 13, 1, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 7 };
	struct dtls_gate gate = { .server = true };
	uint8_t second[sizeof(first)], alert;

	memcpy(second, first, sizeof(first));
	ck_assert_int_eq(dtls_gate_check(&gate, first, sizeof(first), &alert),
			 DTLS_GATE_PASS);
	second[16] = 10;	/* another total length */
	ck_assert_int_eq(dtls_gate_check(&gate, second, sizeof(second),
					 &alert), DTLS_GATE_DROP);
	second[16] = 9;
	second[21] = 3;		/* another place */
	ck_assert_int_eq(dtls_gate_check(&gate, second, sizeof(second),
					 &alert), DTLS_GATE_PASS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dtls_gate");
	TCase *t = tcase_create("dtls_gate");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, the_gate_judges, 0, ARRAY_LEN(judged));
	tcase_add_test(t, fragments_must_agree);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
