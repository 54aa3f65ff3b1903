/* test_carry.c - who owns the bytes of a message that cannot be sent */

#include "signaling/grpc/carry.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"

static int room;		/* pieces that are taken */

static int on_head(struct http_exchange *x, const struct http_head *head)
{
	(void)x;
	(void)head;

	return 0;
}

static int on_body(struct http_exchange *x, const void *bytes, size_t len,
		   bool lives)
{
	(void)x;
	(void)bytes;
	(void)len;
	(void)lives;

	return room-- > 0 ? 0 : -EPIPE;
}

static const struct http_transport transport = {
	.head = on_head, .body = on_body,
};

/* As grpc_send() does. */
static int put(enum grpc_mode mode, size_t len)
{
	struct http_exchange x = { .transport = &transport };
	struct grpc_call c = { .x = &x, .mode = mode };
	struct pb_bytes message = { calloc(1, len), len };
	int err = carry_frame(&c, &message);

	ck_assert_ptr_null(c.rest.at);
	if (err)
		free(message.at);

	return err;
}

START_TEST(a_message_that_cannot_be_sent_is_freed_once)
{
	room = 0;
	ck_assert_int_eq(put(GRPC_NATIVE, 100), -EPIPE);
	for (int pieces = 0; pieces < 3; pieces++) {
		room = pieces;
		ck_assert_int_eq(put(GRPC_NATIVE, 3 * GRPC_PIECE), -EPIPE);
		room = pieces;
		ck_assert_int_eq(put(GRPC_WEB_TEXT, 3 * GRPC_PIECE), -EPIPE);
	}
	room = 3;
	ck_assert_int_eq(put(GRPC_NATIVE, 3 * GRPC_PIECE), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("carry");
	TCase *t = tcase_create("carry");

	tcase_add_test(t, a_message_that_cannot_be_sent_is_freed_once);
	suite_add_tcase(s, t);

	return suite_run(s);
}
