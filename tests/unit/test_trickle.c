/* test_trickle.c - which m-line a candidate belongs to */

#include "ice-worker/trickle.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/sdp_kit.h"
#include "tests/unit/suite.h"

#define CANDIDATE "candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host"
#define LINE "a=" CANDIDATE "\r\n"
#define OTHER                                                                 \
	"a=ice-ufrag:wxyz\r\na=ice-pwd:ABCDEFGHIJKLMNOPQRSTUV\r\n"            \
	"a=fingerprint:sha-256 " KIT_FP "\r\na=setup:actpass\r\n"

/* Three m-lines: the first rejected, the others carry the call. */
static struct sdp_session call(void)
{
	struct sdp_session s;

	sdp_session_init(&s);
	s.line_count = 3;
	s.transport = 1;
	strcpy(s.lines[0].mid, "a");
	strcpy(s.lines[1].mid, "v");
	strcpy(s.lines[2].mid, "d");
	s.lines[1].accepted = s.lines[2].accepted = true;
	strcpy(s.remote_ufrag, "abcd");
	strcpy(s.remote_pwd, "abcdefghijklmnopqrstuv");

	return s;
}

static struct trickle got(const char *text)
{
	struct trickle t;

	ck_assert_int_eq(trickle_read(&t, text, strlen(text)), 0);

	return t;
}

START_TEST(words_are_read)
{
	struct trickle t = got("v 1 " CANDIDATE);

	ck_assert_str_eq(t.mid, "v");
	ck_assert_int_eq(t.index, 1);
	ck_assert_uint_eq(t.len, strlen(CANDIDATE));
	ck_assert_mem_eq(t.line, CANDIDATE, t.len);
	t = got("- - x");
	ck_assert_str_eq(t.mid, "");
	ck_assert_int_eq(t.index, -1);
	t = got("0 0 ");
	ck_assert_uint_eq(t.len, 0);
}
END_TEST

START_TEST(what_is_no_candidate_is_refused)
{
	static const char *const bad[] = { "", " ", "0", "0 ", "0 0", "0  x",
					   " 0 x" };
	struct trickle t;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(trickle_read(&t, bad[i], strlen(bad[i])),
				 -EINVAL);
	/* only what the length says belongs to the text */
	ck_assert_int_eq(trickle_read(&t, "0 0 x", 3), -EINVAL);
}
END_TEST

START_TEST(strange_mids_and_indices_name_no_line)
{
	struct trickle t = got("0123456789012345678901234567890123456789 "
			       "99999999999 x");

	ck_assert_str_eq(t.mid, "");
	ck_assert_int_eq(t.index, -1);
	t = got("01234567890123456789012345678901 -1 x");
	ck_assert_uint_eq(strlen(t.mid), SDP_MID);
	ck_assert_int_eq(t.index, -1);
}
END_TEST

START_TEST(ours_name_the_line_that_carries_the_call)
{
	struct sdp_session s = call();
	char out[64];

	ck_assert_int_eq(trickle_write(&s, "x", out, sizeof(out)), 5);
	ck_assert_str_eq(out, "v 1 x");
	ck_assert_int_eq(trickle_write(&s, "", out, sizeof(out)), 4);
	ck_assert_str_eq(out, "v 1 ");
	strcpy(s.lines[1].mid, "");
	ck_assert_int_eq(trickle_write(&s, "x", out, sizeof(out)), 5);
	ck_assert_str_eq(out, "- 1 x");
	ck_assert_int_eq(trickle_write(&s, "x", out, 6), 5);
	ck_assert_int_eq(trickle_write(&s, "x", out, 5), -ENOSPC);
	s.transport = -1;
	ck_assert_int_eq(trickle_write(&s, "x", out, sizeof(out)), 5);
	ck_assert_str_eq(out, "a 0 x");
}
END_TEST

static bool fits(const char *text, const char *ufrag)
{
	struct sdp_session s = call();
	struct trickle t = got(text);

	return trickle_fits(&s, &t, ufrag);
}

START_TEST(only_the_shared_transport_takes_candidates)
{
	ck_assert(fits("v 1 x", ""));
	ck_assert(fits("v 7 x", "abcd"));	/* the mid counts */
	ck_assert(fits("- 1 x", ""));
	ck_assert(fits("- - x", ""));
	ck_assert(fits("what - x", ""));
	ck_assert(!fits("d 1 x", ""));
	ck_assert(!fits("- 2 x", "abcd"));	/* a port that goes away */
	ck_assert(!fits("a 0 x", ""));
	ck_assert(!fits("a 0 x", "wxyz"));
	ck_assert(fits("a 0 x", "abcd"));	/* bundled from the start */
}
END_TEST

START_TEST(another_ufrag_is_another_generation)
{
	struct sdp_session s = call();
	struct candidate c = { 0 };

	ck_assert(!trickle_is_foreign(&s, &c));
	strcpy(c.ufrag, "abcd");
	ck_assert(!trickle_is_foreign(&s, &c));
	strcpy(c.ufrag, "wxyz");
	ck_assert(trickle_is_foreign(&s, &c));
}
END_TEST

/* The m-lines of a description whose candidates are used, one bit each. */
static unsigned used(const char *text, int8_t transport)
{
	struct sdp *sdp = kit_parse(text, strlen(text));
	struct sdp_session s = call();
	unsigned out = 0;

	s.transport = transport;
	for (unsigned i = 0; i < sdp->media_count; i++)
		if (trickle_line_fits(&s, sdp, i) &&
		    sdp->media[i].candidate_count)
			out |= 1u << i;
	free(sdp);

	return out;
}

START_TEST(a_description_gives_those_of_the_shared_transport)
{
	/* each line gathers for itself with the same ufrag */
	ck_assert_uint_eq(used(KIT_HEAD KIT_AUDIO LINE KIT_VIDEO LINE
			       KIT_DATA LINE, 1), 2);
	/* one line gathers for all */
	ck_assert_uint_eq(used(KIT_HEAD KIT_AUDIO LINE KIT_VIDEO KIT_DATA, 1),
			  1);
	/* every line has a ufrag of its own */
	ck_assert_uint_eq(used(KIT_HEAD KIT_AUDIO LINE
			       "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
			       "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n" OTHER
			       LINE, 0), 1);
	ck_assert_uint_eq(used(KIT_HEAD
			       "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
			       "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n" OTHER
			       LINE KIT_AUDIO, 1), 0);
	/* fewer m-lines than the call had */
	ck_assert_uint_eq(used(KIT_HEAD KIT_AUDIO LINE, 1), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("trickle");
	TCase *t = tcase_create("trickle");

	tcase_add_test(t, words_are_read);
	tcase_add_test(t, what_is_no_candidate_is_refused);
	tcase_add_test(t, strange_mids_and_indices_name_no_line);
	tcase_add_test(t, ours_name_the_line_that_carries_the_call);
	tcase_add_test(t, only_the_shared_transport_takes_candidates);
	tcase_add_test(t, another_ufrag_is_another_generation);
	tcase_add_test(t, a_description_gives_those_of_the_shared_transport);
	suite_add_tcase(s, t);

	return suite_run(s);
}
