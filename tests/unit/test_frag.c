/* test_frag.c - SDP fragments, and ICE put into descriptions and out again */

#include "core/sdp/frag.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PWD "passwordpasswordpasswd"
#define ICE "a=ice-ufrag:ufrA\r\na=ice-pwd:" PWD "\r\n"
#define HOST(n) "candidate:" #n " 1 udp 2122260223 192.0.2.1 6176" #n         \
	" typ host"

static const char offer[] =
	"v=0\r\no=- 42 7 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
	"a=group:BUNDLE 0 1\r\n"
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
	ICE "a=" HOST(1) "\r\na=sendrecv\r\na=end-of-candidates\r\n"
	"a=rtpmap:111 opus/48000/2\r\n"
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n" ICE
	"a=rtpmap:96 VP8/90000\r\n";

static struct sdp_frag frag;
static struct sdp_error err;
static char out[SDP_TEXT];

static int parse(const char *text)
{
	return sdp_frag_parse(&frag, text, strlen(text), &err);
}

START_TEST(test_trickle)
{
	ck_assert_int_eq(parse("a=group:BUNDLE 0 1\r\n"
			       "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
			       ICE "a=" HOST(1) "\r\na=" HOST(2) "\r\n"
			       "a=end-of-candidates\r\n"), 0);
	ck_assert_str_eq(frag.ufrag, "ufrA");
	ck_assert_str_eq(frag.pwd, PWD);
	ck_assert_uint_eq(frag.candidate_count, 2);
	ck_assert_str_eq(frag.candidates[0].line, HOST(1));
	ck_assert_str_eq(frag.candidates[1].line, HOST(2));
	ck_assert_str_eq(frag.candidates[1].mid, "0");
	ck_assert_int_eq(frag.candidates[1].mline, 0);
	ck_assert(frag.end_of_candidates);
}
END_TEST

START_TEST(test_line_ends_and_order)
{
	ck_assert_int_eq(parse(ICE "m=audio 9 RTP/AVP 0\n\n" "a=" HOST(3)
			       "\na=mid:zero\nm=video 0 X 0\na=" HOST(4)), 0);
	ck_assert_uint_eq(frag.candidate_count, 2);
	ck_assert_str_eq(frag.candidates[0].mid, "zero");
	ck_assert_str_eq(frag.candidates[0].line, HOST(3));
	ck_assert_str_eq(frag.candidates[1].mid, "");
	ck_assert_int_eq(frag.candidates[1].mline, 1);
	ck_assert(!frag.end_of_candidates);
}
END_TEST

static const struct {
	const char *text;
	int code;
} bad[] = {
	{ "", -EINVAL },
	{ "\r\n\r\n", -EINVAL },
	{ "hello", -EINVAL },
	{ "a", -EINVAL },
	{ "a=ice-ufrag:ufrA\r\n", -EINVAL },
	{ "a=ice-pwd:" PWD "\r\n", -EINVAL },
	{ "a=ice-ufrag:abc\r\na=ice-pwd:" PWD, -EINVAL },
	{ "a=ice-ufrag:ab d\r\na=ice-pwd:" PWD, -EINVAL },
	{ "a=ice-ufrag:abcd\r\na=ice-pwd:short", -EINVAL },
	{ "a=ice-ufrag:\r\na=ice-pwd:" PWD, -EINVAL },
	{ "a=ice-ufrag\r\na=ice-pwd:" PWD, -EINVAL },
	{ ICE "a=ice-ufrag:other\r\n", -ENOTSUP },
	{ ICE "m=audio 9 X 0\r\na=ice-pwd:another-no\r\n", -EINVAL },
	{ ICE "m=audio 9 X 0\r\na=ice-pwd:" PWD "2\r\n", -ENOTSUP },
	{ ICE "a=" HOST(1), -EINVAL },
	{ ICE "a=mid:0\r\n", -EINVAL },
	{ ICE "m=audio\r\n", -EINVAL },
	{ ICE "m= 9 X\r\n", -EINVAL },
	{ ICE "m=audio x X 0\r\n", -EINVAL },
	{ ICE "m=audio 65536 X 0\r\n", -EINVAL },
	{ ICE "m=audio 9 X 0\r\na=mid:\r\n", -EINVAL },
	{ ICE "m=audio 9 X 0\r\na=mid:a b\r\n", -EINVAL },
	{ ICE "a=\x01\r\n", -EINVAL },
	{ ICE "a=x\ry\r\n", -EINVAL },
	{ ICE "a=\x7f\r\n", -EINVAL },
	{ ICE "no line\r\n", -EINVAL },
	{ "m=audio 9 X 0\r\na=mid:0\r\n", -EINVAL },
	{ "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n", -EINVAL },
};

START_TEST(test_bad)
{
	ck_assert_int_eq(parse(bad[_i].text), bad[_i].code);
	ck_assert_uint_gt(strlen(err.text), 0);
	ck_assert_uint_eq(frag.candidate_count, 0);
}
END_TEST

START_TEST(test_zero_byte)
{
	static const char text[] = ICE "a=\0x\r\n";

	ck_assert_int_eq(sdp_frag_parse(&frag, text, sizeof(text) - 1, &err),
			 -EINVAL);
	ck_assert_int_eq(sdp_frag_parse(&frag, text, sizeof(text) - 1, NULL),
			 -EINVAL);
}
END_TEST

START_TEST(test_limits)
{
	static char text[SDP_TEXT + 2];
	size_t len = 0;

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(sdp_frag_parse(&frag, text, sizeof(text), &err),
			 -EMSGSIZE);
	for (int i = 0; i < SDP_LINES + 1; i++)
		len += (size_t)sprintf(text + len, "a=x\n");
	ck_assert_int_eq(sdp_frag_parse(&frag, text, len, &err), -EMSGSIZE);
	len = (size_t)sprintf(text, "%s", ICE);
	for (int i = 0; i < SDP_MEDIA + 1; i++)
		len += (size_t)sprintf(text + len, "m=audio 9 X 0\n");
	ck_assert_int_eq(sdp_frag_parse(&frag, text, len, &err), -EMSGSIZE);
	len = (size_t)sprintf(text, "%sm=audio 9 X 0\n", ICE);
	for (int i = 0; i < SDP_CANDIDATES + 3; i++)
		len += (size_t)sprintf(text + len, "a=" HOST(1) "\n");
	ck_assert_int_eq(sdp_frag_parse(&frag, text, len, &err), 0);
	ck_assert_uint_eq(frag.candidate_count, SDP_CANDIDATES);
	ck_assert_uint_eq(frag.candidates_dropped, 3);
}
END_TEST

/* RFC 9725 4.3.2: a candidate that cannot be used is passed over. */
START_TEST(test_strange_candidates)
{
	ck_assert_int_eq(parse(ICE "m=audio 9 X 0\r\na=mid:0\r\n"
			       "a=candidate:nonsense\r\n"
			       "a=candidate\r\n"
			       "a=" HOST(5) "\r\n"), 0);
	ck_assert_uint_eq(frag.candidate_count, 1);
	ck_assert_uint_eq(frag.candidates_dropped, 2);
	ck_assert_str_eq(frag.candidates[0].line, HOST(5));
	ck_assert_str_eq(frag.candidates[0].mid, "0");
}
END_TEST

START_TEST(test_attr)
{
	struct scan v = sdp_text_attr(offer, "ice-ufrag");

	ck_assert(scan_is(v, "ufrA"));
	ck_assert_uint_eq(scan_len(sdp_text_attr(offer, "ice")), 0);
	ck_assert_uint_eq(scan_len(sdp_text_attr("", "ice-pwd")), 0);
}
END_TEST

START_TEST(test_direct)
{
	static const char want[] =
		"v=0\r\no=- 42 7 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
		"a=group:BUNDLE 0 1\r\n"
		"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"
		"a=mid:0\r\n" ICE "a=" HOST(1) "\r\na=sendonly\r\n"
		"a=end-of-candidates\r\na=rtpmap:111 opus/48000/2\r\n"
		"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n" ICE
		"a=rtpmap:96 VP8/90000\r\na=sendonly\r\n";
	int len = sdp_text_direct(out, sizeof(out), offer, SDP_SENDONLY, &err);

	ck_assert_int_eq(len, (int)strlen(want));
	ck_assert_str_eq(out, want);
	ck_assert_int_gt(sdp_text_direct(out, sizeof(out), offer, SDP_RECVONLY,
					 &err), 0);
	ck_assert_ptr_nonnull(strstr(out, "a=recvonly"));
	ck_assert_ptr_null(strstr(out, "a=sendonly"));
	ck_assert_int_eq(sdp_text_direct(out, 100, offer, SDP_SENDONLY, &err),
			 -ENOSPC);
}
END_TEST

START_TEST(test_direct_of_the_session)
{
	ck_assert_int_gt(sdp_text_direct(out, sizeof(out),
					 "v=0\na=sendrecv\nm=audio 9 X 0\n"
					 "m=video 0 X 0\n"
					 "m=application 9 Y z\na=mid:d\n",
					 SDP_RECVONLY, &err), 0);
	ck_assert_str_eq(out, "v=0\r\nm=audio 9 X 0\r\na=recvonly\r\n"
			 "m=video 0 X 0\r\nm=application 9 Y z\r\na=mid:d\r\n");
}
END_TEST

static const struct {
	const char *text;
	enum sdp_direction only;
	int code;
} undirected[] = {
	{ "v=0\nm=audio 9 X 0\na=recvonly\n", SDP_SENDONLY, -EINVAL },
	{ "v=0\nm=audio 9 X 0\na=inactive\n", SDP_SENDONLY, -EINVAL },
	{ "v=0\nm=audio 9 X 0\na=sendonly\n", SDP_RECVONLY, -EINVAL },
	{ "v=0\na=recvonly\nm=audio 9 X 0\n", SDP_SENDONLY, -EINVAL },
	{ "v=0\nm=audio 9 X 0\nm=video 9 X 0\na=recvonly\n", SDP_SENDONLY,
	  -EINVAL },
	{ "v=0\n", SDP_SENDONLY, -EINVAL },
	{ "", SDP_SENDONLY, -EINVAL },
	{ "v=0\nm=application 9 X 0\n", SDP_SENDONLY, -EINVAL },
	{ "v=0\nm=audio 0 X 0\n", SDP_SENDONLY, -EINVAL },
	{ "v=0\nm=audio\n", SDP_SENDONLY, -EINVAL },
	{ "v=0\nm=audio 9 X 0\nm=audio 9 X 0\n", SDP_SENDONLY, -ENOTSUP },
	{ "v=0\nm=video 9 X 0\nm=video 9 X 0\n", SDP_RECVONLY, -ENOTSUP },
};

START_TEST(test_undirected)
{
	ck_assert_int_eq(sdp_text_direct(out, sizeof(out), undirected[_i].text,
					 undirected[_i].only, &err),
			 undirected[_i].code);
	ck_assert_uint_gt(strlen(err.text), 0);
}
END_TEST

START_TEST(test_restart)
{
	static const char want[] =
		"v=0\r\no=- 42 8 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
		"a=group:BUNDLE 0 1\r\n"
		"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"
		"a=mid:0\r\na=sendrecv\r\na=rtpmap:111 opus/48000/2\r\n"
		"a=ice-ufrag:newU\r\na=ice-pwd:new" PWD "\r\na=" HOST(7)
		"\r\na=" HOST(9) "\r\na=end-of-candidates\r\n"
		"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"
		"a=rtpmap:96 VP8/90000\r\n"
		"a=ice-ufrag:newU\r\na=ice-pwd:new" PWD "\r\na=" HOST(8)
		"\r\n";
	int len;

	ck_assert_int_eq(parse("a=ice-ufrag:newU\r\na=ice-pwd:new" PWD "\r\n"
			       "m=audio 9 X 0\r\na=mid:0\r\na=" HOST(7)
			       "\r\na=end-of-candidates\r\n"
			       "m=video 9 X 0\r\na=mid:1\r\na=" HOST(8)
			       "\r\nm=video 9 X 0\r\na=mid:9\r\na=" HOST(9)
			       "\r\n"), 0);
	len = sdp_text_restart(out, sizeof(out), offer, &frag);
	ck_assert_str_eq(out, want);
	ck_assert_int_eq(len, (int)strlen(want));
	ck_assert_int_eq(sdp_text_restart(out, 64, offer, &frag), -ENOSPC);
}
END_TEST

/* What was put in comes out: a restart's offer and its own fragment agree. */
START_TEST(test_frag_of_a_description)
{
	static char text[SDP_TEXT];

	ck_assert_int_gt(sdp_text_frag(text, sizeof(text), offer), 0);
	ck_assert_str_eq(text, "a=group:BUNDLE 0 1\r\n"
			 "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" ICE
			 "a=" HOST(1) "\r\na=end-of-candidates\r\n");
	ck_assert_int_eq(parse(text), 0);
	ck_assert_str_eq(frag.ufrag, "ufrA");
	ck_assert_uint_eq(frag.candidate_count, 1);
	ck_assert_int_eq(sdp_text_frag(text, sizeof(text), "v=0\n"), -EINVAL);
	ck_assert_int_eq(sdp_text_frag(text, 40, offer), -ENOSPC);
	ck_assert_int_gt(sdp_text_frag(text, sizeof(text),
				       "v=0\na=ice-lite\n"
				       "a=ice-options:trickle\n"
				       "m=video 0 X 0\na=mid:v\n"
				       "m=audio 9 X 0\na=mid:a\n" ICE), 0);
	ck_assert_str_eq(text, "a=ice-lite\r\na=ice-options:trickle\r\n"
			 "m=audio 9 X 0\r\na=mid:a\r\n" ICE);
}
END_TEST

START_TEST(test_complete)
{
	char *lines[] = { (char[]){ HOST(1) }, (char[]){ HOST(2) } };

	ck_assert_int_gt(sdp_text_complete(out, sizeof(out),
					   "v=0\nm=video 0 X 0\n"
					   "m=audio 9 X 0\na=x\nm=audio 9 X 0",
					   lines, 2, true), 0);
	ck_assert_str_eq(out, "v=0\r\nm=video 0 X 0\r\nm=audio 9 X 0\r\n"
			 "a=x\r\na=" HOST(1) "\r\na=" HOST(2) "\r\n"
			 "a=end-of-candidates\r\nm=audio 9 X 0\r\n");
	ck_assert_int_gt(sdp_text_complete(out, sizeof(out),
					   "v=0\nm=audio 9 X 0\n"
					   "a=end-of-candidates\n", lines, 1,
					   true), 0);
	ck_assert_str_eq(out, "v=0\r\nm=audio 9 X 0\r\n"
			 "a=end-of-candidates\r\na=" HOST(1) "\r\n");
}
END_TEST

START_TEST(test_rejected)
{
	struct scan name = { 0 };

	ck_assert_int_eq(sdp_text_rejected("m=audio 9 X 0\nm=video 9 X 0\n",
					   "m=audio 9 X 0\nm=video 0 X 0\n",
					   &name), 1);
	ck_assert(scan_is(name, "video"));
	ck_assert_int_eq(sdp_text_rejected("m=audio 0 X 0\nm=video 9 X 0\n",
					   "m=audio 0 X 0\nm=video 9 X 0\n",
					   &name), -1);
	ck_assert_int_eq(sdp_text_rejected("", "", &name), -1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("frag");
	TCase *c = tcase_create("frag");

	tcase_add_test(c, test_trickle);
	tcase_add_test(c, test_line_ends_and_order);
	tcase_add_loop_test(c, test_bad, 0, (int)ARRAY_LEN(bad));
	tcase_add_test(c, test_zero_byte);
	tcase_add_test(c, test_limits);
	tcase_add_test(c, test_strange_candidates);
	tcase_add_test(c, test_attr);
	tcase_add_test(c, test_direct);
	tcase_add_test(c, test_direct_of_the_session);
	tcase_add_loop_test(c, test_undirected, 0,
			    (int)ARRAY_LEN(undirected));
	tcase_add_test(c, test_restart);
	tcase_add_test(c, test_frag_of_a_description);
	tcase_add_test(c, test_complete);
	tcase_add_test(c, test_rejected);
	suite_add_tcase(s, c);

	return suite_run(s);
}
