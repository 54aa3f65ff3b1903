/*
 * test_sdp_offer.c - our own offers, answers to them, and later rounds
 *
 * The two sides of most tests are both ours: one offers, the text is parsed
 * by the other, whose answer's text goes back.
 */

#include "tests/unit/sdp_kit.h"

#include <errno.h>

#include "tests/unit/suite.h"

static struct sdp_local other_local(void)
{
	struct sdp_local l = kit_local();

	l.ufrag = "THEIRu";
	l.pwd = "theirpasswordtheirpassw";
	l.audio_ssrc = 33333;
	l.video_ssrc = 44444;
	for (unsigned i = 0; i < sizeof(l.fingerprint); i++)
		l.fingerprint[i] = (uint8_t)~i;

	return l;
}

struct pair {
	struct sdp_local a_local, b_local;
	struct sdp_session a, b;
	bool called;		/* there was a round before */
};

/* a offers `kinds`, b answers, a takes the answer. */
static void round_of(struct pair *p, unsigned kinds)
{
	struct sdp_session *was_a = p->called ? &p->a : NULL;
	struct sdp_session *was_b = p->called ? &p->b : NULL;
	struct sdp_error err = { 0 };
	struct sdp *sdp;
	char *text;

	ck_assert_int_eq(sdp_offer(&p->a, &p->a_local, kinds, was_a, &err),
			 0);
	text = kit_write(&p->a, &p->a_local);
	sdp = kit_text(text);
	ck_assert_msg(sdp_answer(&p->b, sdp, &p->b_local, was_b, &err) == 0,
		      "%s", err.text);
	free(sdp);
	free(text);
	text = kit_write(&p->b, &p->b_local);
	sdp = kit_text(text);
	ck_assert_msg(sdp_apply_answer(&p->a, sdp, &err) == 0, "%s",
		      err.text);
	free(sdp);
	free(text);
	p->called = true;
}

static struct pair call(unsigned kinds)
{
	struct pair p = { .a_local = kit_local(), .b_local = other_local() };

	round_of(&p, kinds);

	return p;
}

START_TEST(an_offer_asks_for_what_is_wanted)
{
	struct sdp_local local = kit_local();
	struct sdp_session s;
	struct sdp *sdp;
	char *text;

	ck_assert_int_eq(sdp_offer(&s, &local, SDP_AUDIO | SDP_VIDEO |
				   SDP_DATA, NULL, NULL), 0);
	text = kit_write(&s, &local);
	sdp = kit_text(text);
	ck_assert_uint_eq(sdp->media_count, 3);
	ck_assert_uint_eq(sdp->group_count, 1);
	ck_assert_str_eq(sdp->groups[0].mids, "0 1 2");
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(sdp->media[i].setup, SDP_ACTPASS);
		ck_assert_str_eq(sdp->media[i].ufrag, local.ufrag);
		ck_assert(sdp->media[i].trickle);
	}
	ck_assert_int_eq(sdp->media[0].kind, SDP_AUDIO);
	ck_assert_str_eq(sdp->media[0].payloads[0].codec, "opus");
	ck_assert_int_eq(sdp->media[0].direction, SDP_SENDRECV);
	ck_assert_uint_eq(sdp->media[0].ssrcs[0].ssrc, 11111);
	ck_assert_int_eq(sdp->media[1].kind, SDP_VIDEO);
	ck_assert_str_eq(sdp->media[1].payloads[0].codec, "VP9");
	ck_assert_str_eq(sdp->media[1].payloads[0].fmtp, "profile-id=0");
	ck_assert_str_eq(sdp->media[1].payloads[1].codec, "VP8");
	ck_assert_uint_eq(sdp->media[1].payloads[1].feedback,
			  SDP_NACK | SDP_NACK_PLI | SDP_CCM_FIR |
				  SDP_TRANSPORT_CC);
	ck_assert_uint_eq(sdp->media[1].extmap_count, 2);
	ck_assert_int_eq(sdp->media[2].kind, SDP_DATA);
	ck_assert_uint_eq(sdp->media[2].sctp_port, 5000);
	ck_assert_uint_eq(sdp->media[2].max_message_size, 262144);
	free(text);
	free(sdp);
}
END_TEST

START_TEST(an_offer_of_nothing_is_refused)
{
	struct sdp_local local = kit_local();
	struct sdp_session s;

	ck_assert_int_eq(sdp_offer(&s, &local, 0, NULL, NULL), -EINVAL);
	local.kinds = SDP_AUDIO;
	ck_assert_int_eq(sdp_offer(&s, &local, SDP_DATA, NULL, NULL),
			 -EINVAL);
}
END_TEST

START_TEST(both_sides_agree)
{
	struct pair p = call(SDP_AUDIO | SDP_VIDEO | SDP_DATA);

	ck_assert_uint_eq(p.a.kinds, 7);
	ck_assert_uint_eq(p.b.kinds, 7);
	ck_assert(p.a.dtls_active);
	ck_assert(!p.b.dtls_active);
	ck_assert_str_eq(p.a.remote_ufrag, "THEIRu");
	ck_assert_str_eq(p.b.remote_ufrag, "OURu");
	ck_assert(sdp_fingerprint_fits(&p.a, SDP_SHA256,
				       p.b_local.fingerprint, 32));
	ck_assert(sdp_fingerprint_fits(&p.b, SDP_SHA256,
				       p.a_local.fingerprint, 32));
	ck_assert_int_eq(p.a.audio_in, 0);
	ck_assert_int_eq(p.a.audio_out, 0);
	ck_assert_int_eq(p.a.video_in, 1);
	ck_assert_int_eq(p.a.data, 2);
	ck_assert_uint_eq(p.a.remote_sctp_port, 5000);
	ck_assert_uint_eq(p.a.remote_max_message_size, 262144);
	ck_assert_uint_eq(p.a.lines[0].remote_ssrcs[0], 33333);
	ck_assert_uint_eq(p.b.lines[1].remote_ssrcs[0], 22222);
	ck_assert_int_eq(sdp_codec_by_type(&p.a, SDP_VIDEO, 98)->codec,
			 SDP_VP9);
	ck_assert_int_eq(sdp_codec_by_type(&p.a, SDP_VIDEO, 96)->codec,
			 SDP_VP8);
	ck_assert_ptr_null(sdp_codec_by_type(&p.a, SDP_VIDEO, 111));
	ck_assert_ptr_null(sdp_codec_by_type(&p.a, SDP_AUDIO, 98));
}
END_TEST

START_TEST(kinds_come_and_go_on_the_same_transport)
{
	struct pair p = call(SDP_AUDIO);

	round_of(&p, SDP_AUDIO | SDP_VIDEO);
	ck_assert_uint_eq(p.b.line_count, 2);
	ck_assert_int_eq(p.b.video_in, 1);
	round_of(&p, SDP_VIDEO | SDP_DATA);
	ck_assert_uint_eq(p.b.line_count, 3);
	ck_assert_int_eq(p.b.lines[0].direction, SDP_INACTIVE);
	ck_assert(p.b.lines[0].accepted);
	ck_assert_int_eq(p.b.audio_in, -1);
	ck_assert_int_eq(p.b.data, 2);
	round_of(&p, SDP_AUDIO | SDP_VIDEO);
	ck_assert_int_eq(p.b.audio_in, 0);
	ck_assert_int_eq(p.b.data, -1);
	ck_assert(!p.b.lines[2].accepted);
	round_of(&p, SDP_DATA);
	ck_assert_uint_eq(p.b.line_count, 4);
	ck_assert_int_eq(p.b.data, 3);
	ck_assert(p.a.dtls_active);
	ck_assert(!p.b.dtls_active);
}
END_TEST

START_TEST(either_side_may_offer_next)
{
	struct pair p = call(SDP_AUDIO), turned;

	/* b is the DTLS server and stays it as offerer. */
	turned = (struct pair){ .a_local = p.b_local, .b_local = p.a_local,
				.a = p.b, .b = p.a, .called = true };
	round_of(&turned, SDP_AUDIO | SDP_VIDEO);
	ck_assert(!turned.a.dtls_active);
	ck_assert(turned.b.dtls_active);
	ck_assert_uint_eq(turned.a.kinds, SDP_AUDIO | SDP_VIDEO);
}
END_TEST

START_TEST(numbers_of_a_browser_are_kept_in_our_offer)
{
	struct sdp_local local = kit_local();
	struct sdp *offer = kit_load("form_firefox.sdp");
	struct sdp_session s = kit_answer(offer, &local, NULL), next;

	local.kinds = SDP_AUDIO | SDP_VIDEO | SDP_DATA;
	ck_assert_int_eq(sdp_offer(&next, &local, 7, &s, NULL), 0);
	ck_assert_uint_eq(next.line_count, 3);
	ck_assert_uint_eq(next.lines[0].codecs[0].payload_type, 109);
	ck_assert_uint_eq(next.lines[1].codecs[0].payload_type, 121);
	free(offer);
	/* A new m-line takes numbers that are free, and shared ids. */
	offer = kit_text(KIT_HEAD
			 "a=group:BUNDLE 0\r\n"
			 "m=audio 9 UDP/TLS/RTP/SAVPF 98\r\na=rtcp-mux\r\n"
			 "a=mid:0\r\na=rtpmap:98 opus/48000/2\r\n"
			 "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
			 KIT_TRANSPORT);
	s = kit_answer(offer, &local, NULL);
	ck_assert_int_eq(sdp_offer(&next, &local, 3, &s, NULL), 0);
	ck_assert_uint_eq(next.lines[1].codecs[0].payload_type, 127);
	ck_assert_uint_eq(next.lines[1].codecs[1].payload_type, 96);
	ck_assert_uint_eq(next.lines[1].ext_mid, 3);
	ck_assert_uint_eq(next.lines[1].ext_transport_cc, 14);
	ck_assert_str_eq(next.lines[1].mid, "1");
	free(offer);
}
END_TEST

/* Found by fuzz_sdp: a number that the call uses for one thing was used for
 * another in the m-line we add, and the m-line had it twice. */
START_TEST(numbers_of_an_added_m_line_do_not_clash)
{
	struct sdp_local local = kit_local();
	struct sdp *offer = kit_text(
		KIT_HEAD "a=group:BUNDLE 0 1\r\n" KIT_VIDEO "a=mid:0\r\n"
		"a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n" KIT_DATA
		"a=mid:1\r\n");
	struct sdp_session s = kit_answer(offer, &local, NULL), next;
	struct sdp *again;
	char *text;

	ck_assert_int_eq(sdp_offer(&next, &local, 7, &s, NULL), 0);
	ck_assert_uint_eq(next.lines[2].ext_mid, 1);
	ck_assert_uint_eq(next.lines[2].ext_audio_level, 14);
	ck_assert_uint_eq(next.lines[2].ext_transport_cc, 3);
	text = kit_write(&next, &local);
	again = kit_text(text);
	ck_assert_uint_eq(again->media[2].extmap_count, 3);
	free(text);
	free(again);
	free(offer);
	/* Both wishes for video are taken: two other numbers, not one twice. */
	offer = kit_text(KIT_HEAD "a=group:BUNDLE 0 1\r\n"
			 "m=audio 9 UDP/TLS/RTP/SAVPF 98\r\na=rtcp-mux\r\n"
			 "a=mid:0\r\na=rtpmap:98 opus/48000/2\r\n" KIT_TRANSPORT
			 "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\n"
			 "a=mid:1\r\na=rtpmap:96 opus/48000/2\r\n"
			 KIT_TRANSPORT);
	s = kit_answer(offer, &local, NULL);
	ck_assert_int_eq(sdp_offer(&next, &local, 3, &s, NULL), 0);
	ck_assert_uint_eq(next.lines[2].codecs[0].payload_type, 127);
	ck_assert_uint_eq(next.lines[2].codecs[1].payload_type, 126);
	free(offer);
}
END_TEST

static char *offered_text(struct sdp_session *s, struct sdp_local *local)
{
	ck_assert_int_eq(sdp_offer(s, local, SDP_AUDIO | SDP_VIDEO, NULL,
				   NULL), 0);

	return kit_write(s, local);
}

/* The answerer's text after one replacement, and what we say to it. */
static const struct {
	const char *from, *to, *reason;
	int code;
} bad_answers[] = {
	{ "a=setup:passive", "a=setup:actpass",
	  "a=setup of an answer is not active or passive", -EINVAL },
	{ "a=mid:0", "a=mid:7", "", -EINVAL },
	{ "a=group:BUNDLE 0 1", "a=group:BUNDLE 0",
	  "the answer does not BUNDLE all m-lines", -ENOTSUP },
	{ "m=audio 20000", "m=text 20000", "the m-line is not the offered",
	  -EINVAL },
	{ "a=rtcp-mux", "a=rtcp-xyz",
	  "the answer cannot be used: a=rtcp-mux is missing", -ENOTSUP },
	{ "RTP/SAVPF 111", "RTP/SAVPF 0",
	  "no opus/48000/2 is offered", -ENOTSUP },
	{ "a=fingerprint:sha-256", "a=fingerprint:sha-1",
	  "no a=fingerprint is of sha-256", -ENOTSUP },
	{ "m=video", "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nm=video",
	  "the answer has 3 m-lines, the offer 2", -EINVAL },
	{ "a=rtpmap:111 opus", "a=rtpmap:111 xpus",
	  "no opus/48000/2 is offered", -ENOTSUP },
};

/* Replaces every occurrence. */
static char *replaced(const char *text, const char *from, const char *to)
{
	char *out = calloc(1, SDP_TEXT);
	const char *hit;

	while ((hit = strstr(text, from))) {
		strncat(out, text, (size_t)(hit - text));
		strcat(out, to);
		text = hit + strlen(from);
	}
	strcat(out, text);

	return out;
}

START_TEST(a_bad_answer_changes_nothing)
{
	struct sdp_local a = kit_local(), b = other_local();
	struct sdp_session s, before, answerer;
	struct sdp_error err = { 0 };
	struct sdp *sdp;
	char *text = offered_text(&s, &a), *bad;
	int code;

	sdp = kit_text(text);
	answerer = kit_answer(sdp, &b, NULL);
	free(text);
	free(sdp);
	text = kit_write(&answerer, &b);
	bad = replaced(text, bad_answers[_i].from, bad_answers[_i].to);
	ck_assert_str_ne(bad, text);
	before = s;
	sdp = malloc(sizeof(*sdp));
	code = sdp_parse(sdp, bad, strlen(bad), &err);
	if (code == 0)
		code = sdp_apply_answer(&s, sdp, &err);
	ck_assert_msg(code == bad_answers[_i].code, "%d %s", code, err.text);
	ck_assert_msg(strstr(err.text, bad_answers[_i].reason) != NULL, "%s",
		      err.text);
	ck_assert_mem_eq(&s, &before, sizeof(s));
	free(sdp);
	free(bad);
	free(text);
}
END_TEST

START_TEST(an_answer_may_reject_and_narrow)
{
	struct sdp_local a = kit_local(), b = other_local();
	struct sdp_session s, answerer;
	struct sdp *sdp;
	char *text;

	ck_assert_int_eq(sdp_offer(&s, &a, 7, NULL, NULL), 0);
	text = kit_write(&s, &a);
	sdp = kit_text(text);
	b.kinds = SDP_AUDIO | SDP_VIDEO;
	b.sends = SDP_AUDIO;
	answerer = kit_answer(sdp, &b, NULL);
	free(sdp);
	free(text);
	text = kit_write(&answerer, &b);
	sdp = kit_text(text);
	ck_assert_int_eq(sdp_apply_answer(&s, sdp, NULL), 0);
	ck_assert(!s.lines[2].accepted);
	ck_assert_str_eq(s.lines[2].reason, "the peer rejected it");
	ck_assert_int_eq(s.lines[0].direction, SDP_SENDRECV);
	ck_assert_int_eq(s.lines[1].direction, SDP_SENDONLY);
	ck_assert_int_eq(s.video_in, -1);
	ck_assert_int_eq(s.video_out, 1);
	ck_assert_uint_eq(s.kinds, SDP_AUDIO | SDP_VIDEO);
	/* No second answer without a second offer. */
	ck_assert_int_eq(sdp_apply_answer(&s, sdp, NULL), -EINVAL);
	free(sdp);
	free(text);
}
END_TEST

START_TEST(an_answer_that_rejects_all_is_refused)
{
	struct sdp_local a = kit_local();
	struct sdp_session s;
	struct sdp_error err;
	struct sdp *sdp;

	ck_assert_int_eq(sdp_offer(&s, &a, SDP_AUDIO, NULL, NULL), 0);
	sdp = kit_text(KIT_HEAD "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n"
		       "a=mid:0\r\n");
	ck_assert_int_eq(sdp_apply_answer(&s, sdp, &err), -ENOTSUP);
	ck_assert_str_eq(err.text, "the answer rejects every m-line");
	free(sdp);
}
END_TEST

/* --- a browser's later offers in one call --- */

START_TEST(a_call_of_chromium_goes_on_in_place)
{
	struct sdp_local local = kit_local();
	struct sdp *one = kit_load("chromium_call_1_audio.sdp");
	struct sdp *two = kit_load("chromium_call_2_add_video.sdp");
	struct sdp *three = kit_load("chromium_call_3_hold_audio.sdp");
	struct sdp *six = kit_load("chromium_call_6_ice_restart.sdp");
	struct sdp_session s = kit_answer(one, &local, NULL);

	ck_assert_uint_eq(s.kinds, SDP_AUDIO);
	ck_assert_int_eq(sdp_compare(&s, two), SDP_SAME_TRANSPORT);
	s = kit_answer(two, &local, &s);
	ck_assert_uint_eq(s.kinds, SDP_AUDIO | SDP_VIDEO);
	ck_assert_int_eq(s.audio_out, 0);
	ck_assert_int_eq(s.video_out, 1);
	ck_assert_int_eq(sdp_compare(&s, three), SDP_SAME_TRANSPORT);
	s = kit_answer(three, &local, &s);
	ck_assert_int_eq(s.audio_in, -1);
	ck_assert_int_eq(s.audio_out, -1);
	ck_assert_int_eq(s.video_in, 1);
	ck_assert(!s.dtls_active);
	ck_assert_int_eq(sdp_compare(&s, six), SDP_ICE_RESTART);
	free(one);
	free(two);
	free(three);
	free(six);
}
END_TEST

/* The first offer of a call, and what a changed copy of it means. */
static const struct {
	const char *from, *to;
	enum sdp_change change;
} changes[] = {
	{ "a=mid:0", "a=mid:0", SDP_SAME_TRANSPORT },
	{ "a=sendrecv", "a=inactive", SDP_SAME_TRANSPORT },
	{ "a=ice-ufrag:", "a=ice-ufrag:new", SDP_ICE_RESTART },
	{ "a=ice-pwd:", "a=ice-pwd:new", SDP_ICE_RESTART },
	{ "a=fingerprint:sha-256 ", "a=fingerprint:sha-256 00:",
	  SDP_NEW_CONNECTION },
};

START_TEST(a_changed_transport_is_seen)
{
	struct sdp_local local = kit_local();
	size_t len;
	char *text = kit_read("chromium_audio_video_data.sdp", &len);
	struct sdp *offer = kit_parse(text, len), *later;
	struct sdp_session s = kit_answer(offer, &local, NULL);
	char *changed = replaced(text, changes[_i].from, changes[_i].to);

	if (changes[_i].change == SDP_NEW_CONNECTION) {
		/* 33 bytes now; drop the last of each line. */
		for (char *p = changed; (p = strstr(p, "a=fingerprint"));
		     p++) {
			char *end = strchr(p, '\r');

			memmove(end - 3, end, strlen(end) + 1);
		}
	}
	later = kit_text(changed);
	ck_assert_int_eq(sdp_compare(&s, later), changes[_i].change);
	if (changes[_i].change != SDP_NEW_CONNECTION) {
		struct sdp_session n = kit_answer(later, &local, &s);

		ck_assert(!n.dtls_active);
		ck_assert_str_eq(n.remote_ufrag, later->media[0].ufrag);
	}
	free(changed);
	free(later);
	free(offer);
	free(text);
}
END_TEST

/* Second offers that contradict the first one of the same call. */
static const struct {
	const char *second, *reason;
} contradictions[] = {
	{ KIT_HEAD, "the offer has 0 m-lines, the call has 1" },
	{ KIT_HEAD KIT_VIDEO "a=mid:0\r\n",
	  "m-line 0 was audio and is now video" },
	{ KIT_HEAD KIT_AUDIO "a=mid:1\r\n",
	  "m-line 0 had the mid '0' and has now '1'" },
	{ KIT_HEAD KIT_AUDIO "a=mid:0\r\na=setup:passive\r\n",
	  "a=setup turns the roles of the running connection round" },
};

START_TEST(a_contradiction_is_refused_and_the_call_goes_on)
{
	struct sdp_local local = kit_local();
	struct sdp *first = kit_text(KIT_HEAD KIT_AUDIO "a=mid:0\r\n");
	struct sdp *second = kit_text(contradictions[_i].second);
	struct sdp_session s = kit_answer(first, &local, NULL), before = s;
	struct sdp_error err;

	ck_assert_int_eq(sdp_answer(&s, second, &local, &s, &err), -EINVAL);
	ck_assert_str_eq(err.text, contradictions[_i].reason);
	ck_assert_mem_eq(&s, &before, sizeof(s));
	free(first);
	free(second);
}
END_TEST

START_TEST(a_removed_m_line_can_be_used_anew)
{
	struct sdp_local local = kit_local();
	struct sdp *one = kit_text(KIT_HEAD "a=group:BUNDLE 0 1\r\n" KIT_AUDIO
				   "a=mid:0\r\n" KIT_VIDEO "a=mid:1\r\n");
	struct sdp *two = kit_text(
		KIT_HEAD "a=group:BUNDLE 0\r\n" KIT_AUDIO "a=mid:0\r\n"
		"m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n");
	struct sdp *three = kit_text(KIT_HEAD "a=group:BUNDLE 0 2\r\n"
				     KIT_AUDIO "a=mid:0\r\n" KIT_DATA
				     "a=mid:2\r\n");
	struct sdp *none = kit_text(
		KIT_HEAD "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
		"m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n");
	struct sdp_session s = kit_answer(one, &local, NULL);
	char *text;

	s = kit_answer(two, &local, &s);
	ck_assert_uint_eq(s.kinds, SDP_AUDIO);
	ck_assert_str_eq(s.lines[1].reason, "the peer gave port 0");
	s = kit_answer(three, &local, &s);
	ck_assert_uint_eq(s.kinds, SDP_AUDIO | SDP_DATA);
	/* All closed: the answer says so and the transport is kept. */
	s = kit_answer(none, &local, &s);
	ck_assert_uint_eq(s.accepted_count, 0);
	ck_assert_str_eq(s.remote_ufrag, "abcd");
	text = kit_write(&s, &local);
	ck_assert_ptr_nonnull(strstr(text, "m=audio 0 "));
	ck_assert_ptr_null(strstr(text, "BUNDLE"));
	free(text);
	s = kit_answer(one, &local, &s);
	ck_assert_uint_eq(s.kinds, SDP_AUDIO | SDP_VIDEO);
	free(one);
	free(two);
	free(three);
	free(none);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sdp offer");
	TCase *t = tcase_create("all");

	tcase_add_test(t, an_offer_asks_for_what_is_wanted);
	tcase_add_test(t, an_offer_of_nothing_is_refused);
	tcase_add_test(t, both_sides_agree);
	tcase_add_test(t, kinds_come_and_go_on_the_same_transport);
	tcase_add_test(t, either_side_may_offer_next);
	tcase_add_test(t, numbers_of_a_browser_are_kept_in_our_offer);
	tcase_add_test(t, numbers_of_an_added_m_line_do_not_clash);
	tcase_add_loop_test(t, a_bad_answer_changes_nothing, 0,
			    (int)ARRAY_LEN(bad_answers));
	tcase_add_test(t, an_answer_may_reject_and_narrow);
	tcase_add_test(t, an_answer_that_rejects_all_is_refused);
	tcase_add_test(t, a_call_of_chromium_goes_on_in_place);
	tcase_add_loop_test(t, a_changed_transport_is_seen, 0,
			    (int)ARRAY_LEN(changes));
	tcase_add_loop_test(t,
			    a_contradiction_is_refused_and_the_call_goes_on,
			    0, (int)ARRAY_LEN(contradictions));
	tcase_add_test(t, a_removed_m_line_can_be_used_anew);
	suite_add_tcase(s, t);

	return suite_run(s);
}
