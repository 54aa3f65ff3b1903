/* test_wire.c - the message table's gate, and messages as bytes */

#include "proto/wire.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <string.h>

static _Alignas(8) uint8_t sent[MSG_MAX];
static size_t sent_len;
static unsigned sent_fds;
static int send_result;

static int capture(void *arg, const void *bytes, size_t len, const int *fds,
		   unsigned nfds)
{
	(void)arg;
	(void)fds;
	if (send_result)
		return send_result;
	memcpy(sent, bytes, len);
	sent_len = len;
	sent_fds = nfds;

	return 0;
}

START_TEST(a_message_comes_out_as_it_went_in)
{
	struct wire w = { capture, NULL, 7 };
	struct msg_call_description m = { 42, DESCRIPTION_OFFER, 3 };
	const struct msg_call_description *got;
	struct wire_in in;

	ck_assert_int_eq(send_call_description(&w, &m, "v=0", 3, NULL), 0);
	ck_assert_uint_eq(w.seq, 8);
	ck_assert_int_eq(wire_open(&in, sent, sent_len, 0, SIGNALING, BROKER,
				   AT_IDLE), 0);
	got = in.payload;
	ck_assert_int_eq(in.type, MSG_call_description);
	ck_assert_uint_eq(got->call, 42);
	ck_assert_uint_eq(got->kinds, 3);
	ck_assert_uint_eq(in.blob_len, 3);
	ck_assert_mem_eq(in.blob, "v=0", 3);
}
END_TEST

START_TEST(a_send_that_fails_spends_no_number)
{
	struct wire w = { capture, NULL, 0 };

	send_result = -EAGAIN;
	ck_assert_int_eq(send_call_state(&w, &(struct msg_call_state){ 0 },
					 NULL, 0, NULL), -EAGAIN);
	ck_assert_uint_eq(w.seq, 0);
	send_result = 0;
}
END_TEST

START_TEST(a_blob_that_cannot_fit_is_refused_by_the_sender)
{
	static uint8_t big[MSG_MAX];
	struct wire w = { capture, NULL, 0 };

	ck_assert_int_eq(send_call_description(&w,
		&(struct msg_call_description){ 0 }, big, sizeof(big), NULL),
		-EMSGSIZE);
}
END_TEST

START_TEST(descriptors_are_counted_by_the_row)
{
	struct wire w = { capture, NULL, 0 };
	int fds[5] = { 0, 1, 2, 3, 4 };

	ck_assert_int_eq(send_ice_link_far(&w, &(struct msg_ice_link_far){ 0 },
					   NULL, 0, fds), 0);
	ck_assert_uint_eq(sent_fds, 5);
}
END_TEST

/* For each row: admitted as the table says, refused in all other ways. */
START_TEST(the_gate_lets_a_row_pass_only_as_the_table_says)
{
	static const struct {
		enum proc from, to;
		unsigned when, fds;
		size_t size, blob;
	} rows[] = {
#define ROW(name, from, to, when, fds, blob)                                  \
	{ from, to, when, fds, sizeof(struct msg_##name), blob },
		MSG_TABLE(ROW)
#undef ROW
	};

	for (uint32_t type = 0; type < MSG_COUNT; type++) {
		struct msg_head good = { type, (uint32_t)rows[type].size,
					 rows[type].fds, 0 };
		struct msg_head h = good;

		for (unsigned from = 0; from < PROCS; from++)
			for (unsigned to = 0; to < PROCS; to++)
				for (unsigned at = 1; at <= 8; at *= 2) {
					bool want = from == rows[type].from &&
						    to == rows[type].to &&
						    (at & rows[type].when);

					ck_assert_int_eq(
						msg_admit(&good, from, to, at),
						want ? 0 : -EPROTO);
				}
#define ADMIT(head) msg_admit(head, rows[type].from, rows[type].to, \
			      rows[type].when)
		h.size = (uint32_t)(rows[type].size + rows[type].blob);
		ck_assert_int_eq(ADMIT(&h), 0);
		h.size++;
		ck_assert_int_eq(ADMIT(&h), -EPROTO);
		h.size = (uint32_t)rows[type].size - 1;
		ck_assert_int_eq(ADMIT(&h), -EPROTO);
		h = good;
		h.fds++;
		ck_assert_int_eq(ADMIT(&h), -EPROTO);
		h = good;
		h.size = 0xffffffff;
		ck_assert_int_eq(ADMIT(&h), -EPROTO);
	}
}
END_TEST

START_TEST(descriptors_never_travel_upwards)
{
#define ROW(name, from, to, when, fds, blob)                                  \
	ck_assert_msg((to) != BROKER || (fds) == 0, "row " #name);
	MSG_TABLE(ROW)
#undef ROW
}
END_TEST

START_TEST(a_frame_that_lies_is_refused)
{
	struct wire w = { capture, NULL, 0 };
	struct wire_in in;

	ck_assert_int_eq(send_peer_state(&w, &(struct msg_peer_state){ 1, 2,
					 0 }, NULL, 0, NULL), 0);
	for (size_t len = 0; len < sent_len; len++)
		ck_assert_int_eq(wire_open(&in, sent, len, 0, ICE, BROKER,
					   AT_JOIN), -EPROTO);
	ck_assert_int_eq(wire_open(&in, sent, sent_len + 1, 0, ICE, BROKER,
				   AT_JOIN), -EPROTO);
	ck_assert_int_eq(wire_open(&in, sent, sent_len, 1, ICE, BROKER,
				   AT_JOIN), -EPROTO);
	ck_assert_int_eq(wire_open(&in, sent, sent_len, 0, ICE, BROKER,
				   AT_BOOT), -EPROTO);
	ck_assert_int_eq(wire_open(&in, sent, sent_len, 0, ICE, BROKER,
				   AT_JOIN), 0);
	memset(sent, 0xff, 4);
	ck_assert_int_eq(wire_open(&in, sent, sent_len, 0, ICE, BROKER,
				   AT_JOIN), -EPROTO);
}
END_TEST

START_TEST(names_are_those_of_the_table)
{
	ck_assert_str_eq(msg_name(MSG_fork_peer), "fork_peer");
	ck_assert_str_eq(msg_name(MSG_COUNT), "?");
	ck_assert_str_eq(msg_name(0xffffffff), "?");
	ck_assert_uint_eq(msg_payload(MSG_COUNT), 0);
	ck_assert_str_eq(call_state_name(CALL_CONNECTED), "connected");
	ck_assert_str_eq(call_state_name(99), "?");
	ck_assert_str_eq(call_why_name(WHY_LOST), "lost");
	ck_assert_uint_ne(msg_abi(), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wire");
	TCase *t = tcase_create("table");

	tcase_add_test(t, a_message_comes_out_as_it_went_in);
	tcase_add_test(t, a_send_that_fails_spends_no_number);
	tcase_add_test(t, a_blob_that_cannot_fit_is_refused_by_the_sender);
	tcase_add_test(t, descriptors_are_counted_by_the_row);
	tcase_add_test(t, the_gate_lets_a_row_pass_only_as_the_table_says);
	tcase_add_test(t, descriptors_never_travel_upwards);
	tcase_add_test(t, a_frame_that_lies_is_refused);
	tcase_add_test(t, names_are_those_of_the_table);
	suite_add_tcase(s, t);

	return suite_run(s);
}
