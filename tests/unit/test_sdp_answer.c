/*
 * test_sdp_answer.c - what we answer to real offers and to odd ones
 *
 * tests/vectors/sdp/answers.txt is the golden table: one block per offer,
 * one line per m-line. After a wanted change, SDP_GOLDEN=write makes it anew;
 * review the difference.
 */

#include "tests/unit/sdp_kit.h"

#include <errno.h>

#include "tests/unit/suite.h"

#define GOLDEN "tests/vectors/sdp/answers.txt"

static const char *const offers[] = {
	"aiortc_audio_video_data.sdp",
	"aiortc_data_only.sdp",
	"aiortc_recvonly.sdp",
	"chromium_audio_video_data.sdp",
	"chromium_data_only.sdp",
	"chromium_gathered.sdp",
	"chromium_lf.sdp",
	"chromium_max_bundle.sdp",
	"chromium_recvonly.sdp",
	"chromium_simulcast.sdp",
	"chromium_two_audio_recv_video.sdp",
	"form_firefox.sdp",
	"form_max_bundle.sdp",
	"form_safari.sdp",
};

/* One call: each is answered in the state its forerunner left. */
static const char *const call[] = {
	"chromium_call_1_audio.sdp",
	"chromium_call_2_add_video.sdp",
	"chromium_call_3_hold_audio.sdp",
	"chromium_call_4_remove_video.sdp",
	"chromium_call_5_add_data.sdp",
	"chromium_call_6_ice_restart.sdp",
	"chromium_call_7_stop_audio.sdp",
};

/* Answers to our own first offer of audio, video and data. */
static const char *const answers[] = {
	"chromium_answer_to_ours.sdp",
	"chromium_answer_to_ours_recvonly.sdp",
	"aiortc_answer_to_ours.sdp",
};

static void describe_line(FILE *f, const struct sdp_session *s, unsigned i)
{
	const struct sdp_line *l = &s->lines[i];

	fprintf(f, "  %u %s mid=%s ", i, l->name, l->mid);
	if (!l->accepted) {
		fprintf(f, "rejected: %s\n", l->reason);
		return;
	}
	fprintf(f, "%s", sdp_direction_name(l->direction));
	for (unsigned k = 0; k < l->codec_count; k++) {
		const struct sdp_line_codec *c = &l->codecs[k];

		fprintf(f, " %s=%u/fb%02x%s%s%s", sdp_codec_name(c->codec),
			c->payload_type, c->feedback,
			c->stereo ? "/stereo" : "", c->fec ? "/fec" : "",
			c->profile_given ? "/p0" : "");
	}
	if (l->kind != SDP_DATA)
		fprintf(f, " ext mid=%u cc=%u level=%u ssrcs=%u", l->ext_mid,
			l->ext_transport_cc, l->ext_audio_level,
			l->remote_ssrc_count);
	fprintf(f, "%s%s%s\n", l->sctpmap ? " sctpmap" : "",
		l->rtcp_rsize ? " rsize" : "", l->bundled ? " bundled" : "");
}

static void describe(FILE *f, const char *name, const struct sdp_session *s)
{
	fprintf(f, "%s\n  transport=%d ufrag=%s %s%s in=%d,%d out=%d,%d "
		"data=%d", name, s->transport, s->remote_ufrag,
		s->dtls_active ? "active" : "passive",
		s->remote_trickle ? " trickle" : "", s->audio_in, s->video_in,
		s->audio_out, s->video_out, s->data);
	if (s->data >= 0)
		fprintf(f, " sctp=%u/%u", s->remote_sctp_port,
			s->remote_max_message_size);
	fputc('\n', f);
	for (unsigned i = 0; i < s->line_count; i++)
		describe_line(f, s, i);
}

static void describe_call(FILE *f, const struct sdp_local *local)
{
	static const char *const changes[] = { "same transport", "ICE restart",
					       "new connection" };
	struct sdp_session s;

	for (size_t i = 0; i < ARRAY_LEN(call); i++) {
		struct sdp *offer = kit_load(call[i]);

		if (i)
			fprintf(f, "%s: ", changes[sdp_compare(&s, offer)]);
		s = kit_answer(offer, local, i ? &s : NULL);
		describe(f, call[i], &s);
		free(offer);
	}
}

static void describe_answer(FILE *f, const struct sdp_local *local,
			    const char *name)
{
	struct sdp *answer = kit_load(name);
	struct sdp_error err = { 0 };
	struct sdp_session s;

	ck_assert_int_eq(sdp_offer(&s, local, 7, NULL, NULL), 0);
	ck_assert_msg(sdp_apply_answer(&s, answer, &err) == 0, "%s: %u %s",
		      name, err.line, err.text);
	describe(f, name, &s);
	free(answer);
}

static char *describe_all(void)
{
	struct sdp_local local = kit_local();
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (size_t i = 0; i < ARRAY_LEN(offers); i++) {
		struct sdp *offer = kit_load(offers[i]);
		struct sdp_session s = kit_answer(offer, &local, NULL);

		describe(f, offers[i], &s);
		free(offer);
	}
	describe_call(f, &local);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		describe_answer(f, &local, answers[i]);
	fclose(f);

	return text;
}

START_TEST(agreements_with_real_peers_are_the_golden_table)
{
	char *now = describe_all(), *golden;
	const char *mode = getenv("SDP_GOLDEN");
	size_t len;
	FILE *f;

	if (mode && strcmp(mode, "write") == 0) {
		f = fopen(GOLDEN, "w");
		ck_assert_ptr_nonnull(f);
		fputs(now, f);
		fclose(f);
	}
	golden = kit_read("answers.txt", &len);
	ck_assert_str_eq(now, golden);
	free(golden);
	free(now);
}
END_TEST

/* Every answer is itself a description that the offerer can read. */
START_TEST(an_answer_is_well_formed)
{
	struct sdp_local local = kit_local();
	struct sdp *offer = kit_load(offers[_i]), *answer;
	struct sdp_session s = kit_answer(offer, &local, NULL);
	char *text = kit_write(&s, &local);
	const char *nl;

	answer = kit_text(text);
	ck_assert_uint_eq(answer->media_count, offer->media_count);
	for (unsigned i = 0; i < answer->media_count; i++) {
		const struct sdp_media *a = &answer->media[i];
		const struct sdp_media *o = &offer->media[i];

		ck_assert_str_eq(a->mid, o->mid);
		ck_assert_str_eq(a->name, o->name);
		ck_assert_str_eq(a->protocol, o->protocol);
		ck_assert_int_eq(a->port != 0, s.lines[i].accepted);
		if (!s.lines[i].accepted)
			continue;
		ck_assert_str_eq(a->ufrag, local.ufrag);
		ck_assert_str_eq(a->pwd, local.pwd);
		ck_assert_int_eq(a->setup, SDP_PASSIVE);
		ck_assert(a->trickle);
		ck_assert_uint_eq(a->fingerprint_count, 1);
		ck_assert_mem_eq(a->fingerprints[0].bytes, local.fingerprint,
				 32);
		ck_assert_uint_eq(a->candidate_count,
				  (int)i == s.transport ? 1 : 0);
		/* JSEP: an answer never gives more than was asked. */
		ck_assert((a->direction & 1) <= (o->direction >> 1));
		ck_assert((a->direction >> 1) <= (o->direction & 1));
		for (unsigned k = 0; k < a->payload_count; k++) {
			bool offered = false;

			for (unsigned n = 0; n < o->payload_count; n++)
				offered |= o->payloads[n].type ==
					   a->payloads[k].type;
			ck_assert(offered);
		}
	}
	for (const char *p = text; *p; p = nl + 1) {
		nl = strchr(p, '\n');
		ck_assert_ptr_nonnull(nl);
		ck_assert(nl > p && nl[-1] == '\r');
	}
	free(text);
	free(answer);
	free(offer);
}
END_TEST

START_TEST(the_text_of_an_answer_is_this)
{
	struct sdp_local local = kit_local();
	struct sdp *offer = kit_text(
		KIT_HEAD "a=group:BUNDLE 0 1 2\r\n" KIT_AUDIO
		"a=mid:0\r\n"
		"a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
		"a=rtcp-fb:111 transport-cc\r\n" KIT_VIDEO
		"a=mid:1\r\na=recvonly\r\na=rtcp-fb:96 nack pli\r\n"
		"m=image 9 udptl t38\r\na=mid:9\r\n" KIT_DATA "a=mid:2\r\n");
	struct sdp_session s = kit_answer(offer, &local, NULL);
	char *text;
	const char *want =
		"v=0\r\no=- 42 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
		"a=group:BUNDLE 0 1 2\r\n"
		"a=msid-semantic: WMS ourstream\r\n"
		"m=audio 20000 UDP/TLS/RTP/SAVPF 111\r\n"
		"c=IN IP4 192.0.2.9\r\n"
		"a=mid:0\r\n"
		"a=ice-ufrag:OURu\r\n"
		"a=ice-pwd:ourpasswordourpassword1+\r\n"
		"a=ice-options:trickle\r\n"
		"a=fingerprint:sha-256 00:07:0E:15:1C:23:2A:31:38:3F:46:4D:"
		"54:5B:62:69:70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:D9"
		"\r\n"
		"a=setup:passive\r\n"
		"a=candidate:1 1 udp 2130706431 192.0.2.9 20000 typ host\r\n"
		"a=end-of-candidates\r\n"
		"a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
		"a=sendrecv\r\n"
		"a=msid:ourstream audio\r\n"
		"a=rtcp-mux\r\n"
		"a=rtpmap:111 opus/48000/2\r\n"
		"a=rtcp-fb:111 transport-cc\r\n"
		"a=fmtp:111 minptime=10;useinbandfec=1\r\n"
		"a=ssrc:11111 cname:ourcname\r\n"
		"a=ssrc:11111 msid:ourstream audio\r\n"
		"m=video 20000 UDP/TLS/RTP/SAVPF 96\r\n"
		"c=IN IP4 192.0.2.9\r\n"
		"a=mid:1\r\n"
		"a=ice-ufrag:OURu\r\n"
		"a=ice-pwd:ourpasswordourpassword1+\r\n"
		"a=ice-options:trickle\r\n"
		"a=fingerprint:sha-256 00:07:0E:15:1C:23:2A:31:38:3F:46:4D:"
		"54:5B:62:69:70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:D9"
		"\r\n"
		"a=setup:passive\r\n"
		"a=sendonly\r\n"
		"a=msid:ourstream video\r\n"
		"a=rtcp-mux\r\n"
		"a=rtpmap:96 VP8/90000\r\n"
		"a=rtcp-fb:96 nack pli\r\n"
		"a=ssrc:22222 cname:ourcname\r\n"
		"a=ssrc:22222 msid:ourstream video\r\n"
		"m=image 0 udptl t38\r\n"
		"c=IN IP4 0.0.0.0\r\n"
		"a=mid:9\r\n"
		"a=inactive\r\n"
		"m=application 20000 UDP/DTLS/SCTP webrtc-datachannel\r\n"
		"c=IN IP4 192.0.2.9\r\n"
		"a=mid:2\r\n"
		"a=ice-ufrag:OURu\r\n"
		"a=ice-pwd:ourpasswordourpassword1+\r\n"
		"a=ice-options:trickle\r\n"
		"a=fingerprint:sha-256 00:07:0E:15:1C:23:2A:31:38:3F:46:4D:"
		"54:5B:62:69:70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:D9"
		"\r\n"
		"a=setup:passive\r\n"
		"a=sctp-port:5000\r\n"
		"a=max-message-size:262144\r\n";

	local.gathering_done = true;
	text = kit_write(&s, &local);
	ck_assert_str_eq(text, want);
	/* Too small a place at every size is said, not overrun. */
	for (size_t cap = 0; cap <= strlen(want); cap++) {
		char *exact = malloc(cap ? cap : 1);

		ck_assert_int_eq(sdp_session_write(&s, &local, exact, cap),
				 -ENOSPC);
		free(exact);
	}
	free(text);
	free(offer);
}
END_TEST

START_TEST(without_candidates_the_default_is_nobody)
{
	struct sdp_local local = kit_local();
	struct sdp *offer = kit_text(KIT_HEAD KIT_AUDIO);
	struct sdp_session s = kit_answer(offer, &local, NULL);
	char *text;

	local.candidate_count = 0;
	text = kit_write(&s, &local);
	ck_assert_ptr_nonnull(strstr(text, "m=audio 9 UDP/TLS/RTP/SAVPF 111"
				     "\r\nc=IN IP4 0.0.0.0\r\n"));
	ck_assert_ptr_null(strstr(text, "candidate"));
	ck_assert_ptr_null(strstr(text, "BUNDLE"));
	free(text);
	free(offer);
}
END_TEST

/* BUNDLE groups over three m-lines, and the verdict of each. */
static const struct {
	const char *head;
	const char *reasons[3];	/* NULL: accepted */
} lines[] = {
	{ "a=group:BUNDLE 0 1 2\r\n", { NULL, NULL, NULL } },
	{ "",
	  { NULL, "it is not in the BUNDLE group of the first m-line",
	    "it is not in the BUNDLE group of the first m-line" } },
	{ "a=group:BUNDLE 1 2\r\n",
	  { NULL, "it is not in the BUNDLE group of the first m-line",
	    "it is not in the BUNDLE group of the first m-line" } },
	{ "a=group:BUNDLE 0 2\r\na=group:BUNDLE 1\r\n",
	  { NULL, "it is not in the BUNDLE group of the first m-line",
	    NULL } },
	{ "a=group:LS 0 1\r\na=group:BUNDLE 0 1 2\r\n",
	  { NULL, NULL, NULL } },
};

START_TEST(only_one_group_is_accepted)
{
	struct sdp_local local = kit_local();
	struct sdp_session s;
	struct sdp *offer;
	char text[4096];

	snprintf(text, sizeof(text),
		 KIT_HEAD "%s" KIT_AUDIO "a=mid:0\r\n" KIT_VIDEO
			  "a=mid:1\r\n" KIT_DATA "a=mid:2\r\n",
		 lines[_i].head);
	offer = kit_text(text);
	s = kit_answer(offer, &local, NULL);
	for (unsigned i = 0; i < 3; i++) {
		const char *why = lines[_i].reasons[i];

		ck_assert_int_eq(s.lines[i].accepted, why == NULL);
		ck_assert_str_eq(s.lines[i].reason, why ? why : "");
	}
	free(offer);
}
END_TEST

/* A single m-line that is refused, and the text. */
static const struct {
	const char *offer, *reason;
	int code;
} refused[] = {
	{ KIT_HEAD, "the offer has no m-line", -EINVAL },
	{ KIT_HEAD "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\n"
		   "a=rtpmap:111 opus/48000/2\r\n" KIT_TRANSPORT,
	  "the first: the peer gave port 0", -ENOTSUP },
	{ KIT_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
		   "a=rtpmap:111 opus/48000/2\r\n" KIT_TRANSPORT,
	  "a=rtcp-mux is missing", -ENOTSUP },
	{ KIT_HEAD "m=audio 9 RTP/AVP 111\r\na=rtcp-mux\r\n"
		   "a=rtpmap:111 opus/48000/2\r\n" KIT_TRANSPORT,
	  "the protocol RTP/AVP is not encrypted", -ENOTSUP },
	{ KIT_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0 8\r\na=rtcp-mux\r\n"
		   KIT_TRANSPORT,
	  "no opus/48000/2 is offered", -ENOTSUP },
	{ KIT_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\n"
		   "a=rtpmap:111 opus/48000\r\n" KIT_TRANSPORT,
	  "no opus/48000/2 is offered", -ENOTSUP },
	{ KIT_HEAD "m=video 9 UDP/TLS/RTP/SAVPF 98\r\na=rtcp-mux\r\n"
		   "a=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=2\r\n"
		   KIT_TRANSPORT,
	  "neither VP9 profile 0 nor VP8", -ENOTSUP },
	{ KIT_HEAD "m=image 9 udptl t38\r\n" KIT_TRANSPORT,
	  "m=image with udptl is not supported", -ENOTSUP },
	{ KIT_HEAD "m=text 9 UDP/TLS/RTP/SAVPF 98\r\n" KIT_TRANSPORT,
	  "m=text with UDP/TLS/RTP/SAVPF is not supported", -ENOTSUP },
	{ KIT_HEAD "m=application 9 SCTP webrtc-datachannel\r\n"
		   "a=sctp-port:5000\r\n" KIT_TRANSPORT,
	  "the protocol SCTP is not SCTP over DTLS", -ENOTSUP },
	{ KIT_HEAD "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
		   KIT_TRANSPORT,
	  "webrtc-datachannel or a=sctp-port is missing", -ENOTSUP },
	{ KIT_HEAD "m=application 9 UDP/DTLS/SCTP other\r\n"
		   "a=sctp-port:5000\r\n" KIT_TRANSPORT,
	  "webrtc-datachannel or a=sctp-port is missing", -ENOTSUP },
	{ KIT_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\n"
		   "a=rtpmap:111 opus/48000/2\r\na=setup:actpass\r\n",
	  "both a=ice-ufrag and a=ice-pwd", -EINVAL },
	{ KIT_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\n"
		   "a=rtpmap:111 opus/48000/2\r\na=setup:actpass\r\n"
		   "a=ice-ufrag:abcd\r\n",
	  "both a=ice-ufrag and a=ice-pwd", -EINVAL },
	{ KIT_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\n"
		   "a=rtpmap:111 opus/48000/2\r\na=setup:actpass\r\n"
		   "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n",
	  "a=fingerprint is missing", -EINVAL },
	{ KIT_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\n"
		   "a=rtpmap:111 opus/48000/2\r\na=setup:actpass\r\n"
		   "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
		   "a=fingerprint:sha-1 AB:CD\r\n",
	  "no a=fingerprint is of sha-256", -ENOTSUP },
	{ KIT_HEAD KIT_AUDIO "a=setup:holdconn\r\n",
	  "a=setup:holdconn gives no connection", -EINVAL },
};

START_TEST(an_offer_that_cannot_be_used_is_refused)
{
	struct sdp_local local = kit_local();
	struct sdp_session s, before;
	struct sdp_error err = { 0 };
	struct sdp *offer = kit_text(refused[_i].offer);

	memset(&s, 0x5a, sizeof(s));
	before = s;
	ck_assert_int_eq(sdp_answer(&s, offer, &local, NULL, &err),
			 refused[_i].code);
	ck_assert_msg(strstr(err.text, refused[_i].reason) != NULL, "%s",
		      err.text);
	ck_assert_mem_eq(&s, &before, sizeof(s));
	ck_assert_int_eq(sdp_answer(&s, offer, &local, NULL, NULL),
			 refused[_i].code);
	free(offer);
}
END_TEST

START_TEST(what_is_switched_off_is_rejected)
{
	struct sdp_local local = kit_local();
	struct sdp *offer = kit_load("chromium_audio_video_data.sdp");
	struct sdp_session s;
	char *text;

	local.kinds = SDP_AUDIO | SDP_VIDEO;
	s = kit_answer(offer, &local, NULL);
	ck_assert(!s.lines[2].accepted);
	ck_assert_str_eq(s.lines[2].reason, "data is switched off here");
	ck_assert_int_eq(s.data, -1);
	ck_assert_uint_eq(s.kinds, SDP_AUDIO | SDP_VIDEO);
	text = kit_write(&s, &local);
	ck_assert_ptr_nonnull(strstr(text, "a=group:BUNDLE 0 1\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "m=application 0 UDP/DTLS/SCTP "
				     "webrtc-datachannel\r\n"));
	free(text);
	/* The first m-line refused: the next one carries the transport. */
	local.kinds = SDP_VIDEO;
	s = kit_answer(offer, &local, NULL);
	ck_assert_int_eq(s.transport, 1);
	text = kit_write(&s, &local);
	ck_assert_ptr_nonnull(strstr(text, "a=group:BUNDLE 1\r\n"));
	free(text);
	free(offer);
}
END_TEST

START_TEST(the_first_m_line_we_accept_speaks_for_the_transport)
{
	struct sdp_local local = kit_local();
	/* aiortc gives every m-line credentials of its own. */
	struct sdp *offer = kit_load("aiortc_audio_video_data.sdp");
	struct sdp_session s = kit_answer(offer, &local, NULL);

	ck_assert_str_eq(s.remote_ufrag, offer->media[0].ufrag);
	local.kinds = SDP_DATA;
	s = kit_answer(offer, &local, NULL);
	ck_assert_str_eq(s.remote_ufrag, offer->media[2].ufrag);
	ck_assert_str_ne(offer->media[0].ufrag, offer->media[2].ufrag);
	free(offer);
}
END_TEST

static const struct {
	enum sdp_direction offered;
	unsigned sends;
	enum sdp_direction answered;
} directions[] = {
	{ SDP_SENDRECV, SDP_AUDIO, SDP_SENDRECV },
	{ SDP_SENDONLY, SDP_AUDIO, SDP_RECVONLY },
	{ SDP_RECVONLY, SDP_AUDIO, SDP_SENDONLY },
	{ SDP_INACTIVE, SDP_AUDIO, SDP_INACTIVE },
	{ SDP_SENDRECV, 0, SDP_RECVONLY },
	{ SDP_SENDONLY, 0, SDP_RECVONLY },
	{ SDP_RECVONLY, 0, SDP_INACTIVE },
	{ SDP_INACTIVE, 0, SDP_INACTIVE },
};

START_TEST(directions_are_turned_round)
{
	struct sdp_local local = kit_local();
	struct sdp_session s;
	struct sdp *offer;
	char text[2048], *answer;

	snprintf(text, sizeof(text), KIT_HEAD KIT_AUDIO "a=%s\r\n",
		 sdp_direction_name(directions[_i].offered));
	offer = kit_text(text);
	local.sends = directions[_i].sends;
	s = kit_answer(offer, &local, NULL);
	ck_assert_int_eq(s.lines[0].direction, directions[_i].answered);
	ck_assert_int_eq(s.audio_in,
			 directions[_i].answered & SDP_RECVONLY ? 0 : -1);
	ck_assert_int_eq(s.audio_out,
			 directions[_i].answered & SDP_SENDONLY ? 0 : -1);
	answer = kit_write(&s, &local);
	ck_assert_int_eq(strstr(answer, "a=msid:") != NULL,
			 s.audio_out == 0);
	ck_assert_int_eq(strstr(answer, "a=ssrc:") != NULL,
			 s.audio_out == 0);
	free(answer);
	free(offer);
}
END_TEST

START_TEST(our_sound_goes_where_the_client_only_receives)
{
	struct sdp_local local = kit_local();
	struct sdp *offer = kit_load("chromium_two_audio_recv_video.sdp");
	struct sdp_session s = kit_answer(offer, &local, NULL);

	ck_assert_int_eq(s.audio_in, 0);
	ck_assert_int_eq(s.audio_out, 1);
	ck_assert_int_eq(s.lines[0].direction, SDP_RECVONLY);
	ck_assert_int_eq(s.lines[1].direction, SDP_SENDONLY);
	ck_assert_int_eq(s.video_in, -1);
	ck_assert_int_eq(s.video_out, 2);
	free(offer);
	/* The same when the microphone's m-line would also receive. */
	offer = kit_text(KIT_HEAD "a=group:BUNDLE 0 1\r\n" KIT_AUDIO
			 "a=mid:0\r\n" KIT_AUDIO "a=mid:1\r\na=recvonly\r\n");
	s = kit_answer(offer, &local, NULL);
	ck_assert_int_eq(s.lines[0].direction, SDP_RECVONLY);
	ck_assert_int_eq(s.lines[1].direction, SDP_SENDONLY);
	free(offer);
}
END_TEST

START_TEST(one_stream_of_a_kind_the_others_are_inactive)
{
	struct sdp_local local = kit_local();
	struct sdp *offer = kit_text(
		KIT_HEAD "a=group:BUNDLE 0 1 2 3 4\r\n" KIT_AUDIO
		"a=mid:0\r\n" KIT_AUDIO "a=mid:1\r\n" KIT_VIDEO "a=mid:2\r\n"
		KIT_DATA "a=mid:3\r\n" KIT_DATA "a=mid:4\r\n");
	struct sdp_session s = kit_answer(offer, &local, NULL);

	ck_assert_int_eq(s.lines[0].direction, SDP_SENDRECV);
	ck_assert(s.lines[1].accepted);
	ck_assert_int_eq(s.lines[1].direction, SDP_INACTIVE);
	ck_assert_int_eq(s.lines[2].direction, SDP_SENDRECV);
	ck_assert_int_eq(s.data, 3);
	ck_assert_str_eq(s.lines[4].reason, "there is a data m-line already");
	free(offer);
}
END_TEST

static const struct {
	const char *setup;
	bool want_active, active;
} setups[] = {
	{ "a=setup:actpass\r\n", false, false },
	{ "a=setup:actpass\r\n", true, true },
	{ "a=setup:active\r\n", true, false },
	{ "a=setup:passive\r\n", false, true },
};

START_TEST(the_dtls_role_follows_the_offer)
{
	struct sdp_local local = kit_local();
	struct sdp_session s;
	struct sdp *offer;
	char text[2048], *answer;

	snprintf(text, sizeof(text), KIT_HEAD KIT_AUDIO "%s",
		 setups[_i].setup);
	offer = kit_text(text);
	local.want_active = setups[_i].want_active;
	s = kit_answer(offer, &local, NULL);
	ck_assert_int_eq(s.dtls_active, setups[_i].active);
	answer = kit_write(&s, &local);
	ck_assert_ptr_nonnull(strstr(answer, setups[_i].active ?
				     "a=setup:active\r\n" :
				     "a=setup:passive\r\n"));
	free(answer);
	free(offer);
}
END_TEST

START_TEST(one_of_several_fingerprints_fits)
{
	struct sdp_local local = kit_local();
	struct sdp *offer = kit_text(
		KIT_HEAD KIT_AUDIO "a=fingerprint:sha-1 AB:CD\r\n"
		"a=fingerprint:sha-384 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:"
		"0D:0E:0F:00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:00:"
		"01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F\r\n");
	struct sdp_session s = kit_answer(offer, &local, NULL);
	uint8_t hash[48];

	for (unsigned i = 0; i < 48; i++)
		hash[i] = i & 15;
	ck_assert_uint_eq(s.fingerprint_count, 2);
	ck_assert(sdp_fingerprint_fits(&s, SDP_SHA384, hash, 48));
	ck_assert(!sdp_fingerprint_fits(&s, SDP_SHA256, hash, 32));
	ck_assert(!sdp_fingerprint_fits(&s, SDP_SHA384, hash, 47));
	ck_assert(!sdp_fingerprint_fits(&s, SDP_HASH_OTHER, hash, 0));
	hash[47] ^= 1;
	ck_assert(!sdp_fingerprint_fits(&s, SDP_SHA384, hash, 48));
	free(offer);
}
END_TEST

START_TEST(extensions_beyond_one_byte_or_one_way_are_left_out)
{
	struct sdp_local local = kit_local();
	struct sdp *offer = kit_text(
		KIT_HEAD KIT_AUDIO
		"a=extmap:16 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
		"a=extmap:2/sendonly "
		"urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
		"a=extmap:14 http://www.ietf.org/id/draft-holmer-rmcat-"
		"transport-wide-cc-extensions-01\r\n");
	struct sdp_session s = kit_answer(offer, &local, NULL);

	ck_assert_uint_eq(s.lines[0].ext_mid, 0);
	ck_assert_uint_eq(s.lines[0].ext_audio_level, 0);
	ck_assert_uint_eq(s.lines[0].ext_transport_cc, 14);
	free(offer);
}
END_TEST

static const struct {
	const char *ufrag, *pwd, *cname, *stream;
} bad_facts[] = {
	{ NULL, "abcdefghijklmnopqrstuv", "c", "s" },
	{ "abc", "abcdefghijklmnopqrstuv", "c", "s" },
	{ "ab\r\nc", "abcdefghijklmnopqrstuv", "c", "s" },
	{ "abcd", "tooshort", "c", "s" },
	{ "abcd", "abcdefghijklmnopqrstu\n", "c", "s" },
	{ "abcd", "abcdefghijklmnopqrstuv", "", "s" },
	{ "abcd", "abcdefghijklmnopqrstuv", "a b", "s" },
	{ "abcd", "abcdefghijklmnopqrstuv", "c", "a\r\na=evil" },
	{ "abcd", "abcdefghijklmnopqrstuv", "c", NULL },
};

START_TEST(our_own_facts_are_checked)
{
	struct sdp *offer = kit_text(KIT_HEAD KIT_AUDIO);
	struct sdp_local local = kit_local();
	struct sdp_session s = kit_answer(offer, &local, NULL);
	char text[4096];

	local.ufrag = bad_facts[_i].ufrag;
	local.pwd = bad_facts[_i].pwd;
	local.cname = bad_facts[_i].cname;
	local.stream = bad_facts[_i].stream;
	ck_assert_int_eq(sdp_session_write(&s, &local, text, sizeof(text)),
			 -EINVAL);
	free(offer);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sdp answer");
	TCase *t = tcase_create("all");

	tcase_add_test(t, agreements_with_real_peers_are_the_golden_table);
	tcase_add_loop_test(t, an_answer_is_well_formed, 0,
			    (int)ARRAY_LEN(offers));
	tcase_add_test(t, the_text_of_an_answer_is_this);
	tcase_add_test(t, without_candidates_the_default_is_nobody);
	tcase_add_loop_test(t, only_one_group_is_accepted, 0,
			    (int)ARRAY_LEN(lines));
	tcase_add_loop_test(t, an_offer_that_cannot_be_used_is_refused, 0,
			    (int)ARRAY_LEN(refused));
	tcase_add_test(t, what_is_switched_off_is_rejected);
	tcase_add_test(t,
		       the_first_m_line_we_accept_speaks_for_the_transport);
	tcase_add_loop_test(t, directions_are_turned_round, 0,
			    (int)ARRAY_LEN(directions));
	tcase_add_test(t, our_sound_goes_where_the_client_only_receives);
	tcase_add_test(t, one_stream_of_a_kind_the_others_are_inactive);
	tcase_add_loop_test(t, the_dtls_role_follows_the_offer, 0,
			    (int)ARRAY_LEN(setups));
	tcase_add_test(t, one_of_several_fingerprints_fits);
	tcase_add_test(t, extensions_beyond_one_byte_or_one_way_are_left_out);
	tcase_add_loop_test(t, our_own_facts_are_checked, 0,
			    (int)ARRAY_LEN(bad_facts));
	suite_add_tcase(s, t);

	return suite_run(s);
}
