/* test_dcep.c - data-channel opening messages, well formed and not */

#include "core/sctp/dcep.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What Chromium sends for createDataChannel('chat'). */
static const uint8_t open_chat[] = {
	0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
	0x00, 'c', 'h', 'a', 't',
};

START_TEST(an_open_is_read)
{
	struct dcep d;

	ck_assert_int_eq(dcep_parse(&d, open_chat, sizeof(open_chat)), 0);
	ck_assert_int_eq(d.type, DCEP_OPEN);
	ck_assert(!d.unordered);
	ck_assert_int_eq(d.reliability, DCEP_RELIABLE);
	ck_assert_uint_eq(d.label_len, 4);
	ck_assert_mem_eq(d.label, "chat", 4);
	ck_assert_uint_eq(d.protocol_len, 0);
}
END_TEST

START_TEST(an_ack_is_read_and_written)
{
	struct dcep d, ack = { .type = DCEP_ACK };
	uint8_t byte[4];

	ck_assert_int_eq(dcep_write(&ack, byte, sizeof(byte)), 1);
	ck_assert_uint_eq(byte[0], 2);
	ck_assert_int_eq(dcep_parse(&d, byte, 1), 0);
	ck_assert_int_eq(d.type, DCEP_ACK);
	ck_assert_int_eq(dcep_parse(&d, byte, 2), -EBADMSG);
}
END_TEST

START_TEST(an_open_survives_write_and_parse)
{
	const struct dcep in = {
		.type = DCEP_OPEN,
		.unordered = true,
		.reliability = DCEP_TIMED,
		.limit = 1500,
		.priority = 512,
		.label = (const uint8_t *)"pos",
		.label_len = 3,
		.protocol = (const uint8_t *)"v1",
		.protocol_len = 2,
	};
	struct dcep d;
	uint8_t bytes[DCEP_OPEN_MAX];
	int n = dcep_write(&in, bytes, sizeof(bytes));

	ck_assert_int_eq(n, 17);
	ck_assert_uint_eq(bytes[1], 0x82);
	ck_assert_int_eq(dcep_parse(&d, bytes, (size_t)n), 0);
	ck_assert(d.unordered);
	ck_assert_int_eq(d.reliability, DCEP_TIMED);
	ck_assert_uint_eq(d.limit, 1500);
	ck_assert_uint_eq(d.priority, 512);
	ck_assert_mem_eq(d.label, "pos", 3);
	ck_assert_mem_eq(d.protocol, "v1", 2);
}
END_TEST

START_TEST(every_cut_of_an_open_is_refused)
{
	struct dcep d;

	for (size_t len = 0; len < sizeof(open_chat); len++)
		ck_assert_int_eq(dcep_parse(&d, open_chat, len), -EBADMSG);
}
END_TEST

START_TEST(bad_opens_are_refused)
{
	uint8_t bytes[DCEP_OPEN_MAX + 8] = { 0 };
	struct dcep d;

	memcpy(bytes, open_chat, sizeof(open_chat));
	ck_assert_int_eq(dcep_parse(&d, bytes, sizeof(open_chat) + 1),
			 -EBADMSG);
	bytes[1] = 3;
	ck_assert_int_eq(dcep_parse(&d, bytes, sizeof(open_chat)), -EBADMSG);
	bytes[1] = 0;
	bytes[0] = 7;
	ck_assert_int_eq(dcep_parse(&d, bytes, sizeof(open_chat)), -EBADMSG);
	bytes[0] = 3;
	bytes[8] = 1;	/* a label of 257 bytes */
	bytes[9] = 1;
	ck_assert_int_eq(dcep_parse(&d, bytes, 12 + 257), -EBADMSG);
	bytes[9] = 0;	/* 256 fit */
	ck_assert_int_eq(dcep_parse(&d, bytes, 12 + 256), 0);
}
END_TEST

START_TEST(writing_never_passes_the_end)
{
	struct dcep d;
	uint8_t bytes[sizeof(open_chat)];

	ck_assert_int_eq(dcep_parse(&d, open_chat, sizeof(open_chat)), 0);
	for (size_t cap = 0; cap < sizeof(bytes); cap++)
		ck_assert_int_eq(dcep_write(&d, bytes, cap), -ENOSPC);
	ck_assert_int_eq(dcep_write(&d, bytes, sizeof(bytes)),
			 (int)sizeof(bytes));
	ck_assert_mem_eq(bytes, open_chat, sizeof(bytes));
}
END_TEST

START_TEST(streams_belong_to_the_side_that_may_open_them)
{
	ck_assert(dcep_stream_is_ours(0, true));
	ck_assert(!dcep_stream_is_ours(1, true));
	ck_assert(dcep_stream_is_ours(1, false));
	ck_assert(!dcep_stream_is_ours(2, false));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dcep");
	TCase *t = tcase_create("dcep");
	SRunner *r;
	int failed;

	tcase_add_test(t, an_open_is_read);
	tcase_add_test(t, an_ack_is_read_and_written);
	tcase_add_test(t, an_open_survives_write_and_parse);
	tcase_add_test(t, every_cut_of_an_open_is_refused);
	tcase_add_test(t, bad_opens_are_refused);
	tcase_add_test(t, writing_never_passes_the_end);
	tcase_add_test(t, streams_belong_to_the_side_that_may_open_them);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
