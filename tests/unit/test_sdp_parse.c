/*
 * test_sdp_parse.c - what is read out of a description, and what is refused
 *
 * Hostile descriptions are a table of edits to a real offer, each with its
 * verdict: refused with a line and a reason, or read.
 */

#include "tests/unit/sdp_kit.h"

#include <errno.h>

#include "tests/unit/suite.h"

START_TEST(an_offer_of_chromium_is_read)
{
	struct sdp *sdp = kit_load("chromium_audio_video_data.sdp");
	const struct sdp_media *m = &sdp->media[0];
	size_t len;

	ck_assert_uint_eq(sdp->media_count, 3);
	ck_assert_uint_eq(sdp->origin_version, 2);
	ck_assert_uint_eq(sdp->group_count, 1);
	ck_assert_str_eq(sdp->groups[0].mids, "0 1 2");
	ck_assert_int_eq(m->kind, SDP_AUDIO);
	ck_assert_str_eq(m->name, "audio");
	ck_assert_str_eq(m->protocol, "UDP/TLS/RTP/SAVPF");
	ck_assert_str_eq(m->format, "111");
	ck_assert_str_eq(m->mid, "0");
	ck_assert_uint_eq(m->port, 9);
	ck_assert_int_eq(m->group, 0);
	ck_assert_int_eq(m->direction, SDP_SENDRECV);
	ck_assert_int_eq(m->setup, SDP_ACTPASS);
	ck_assert_uint_eq(strlen(m->ufrag), 4);
	ck_assert_uint_eq(strlen(m->pwd), 24);
	ck_assert(m->rtcp_mux && m->rtcp_rsize && m->trickle);
	ck_assert(m->extmap_allow_mixed);
	ck_assert_uint_eq(m->fingerprint_count, 1);
	ck_assert_int_eq(m->fingerprints[0].hash, SDP_SHA256);
	ck_assert_uint_eq(m->fingerprints[0].len, 32);
	ck_assert_uint_eq(m->payload_count, 8);
	ck_assert_uint_eq(m->payloads[0].type, 111);
	ck_assert_str_eq(m->payloads[0].codec, "opus");
	ck_assert_uint_eq(m->payloads[0].clock_hz, 48000);
	ck_assert_uint_eq(m->payloads[0].channels, 2);
	ck_assert_uint_eq(m->payloads[0].feedback, SDP_TRANSPORT_CC);
	ck_assert_str_eq(m->payloads[0].fmtp, "minptime=10;useinbandfec=1");
	ck_assert_mem_eq(sdp_fmtp_get(m->payloads[0].fmtp, "UseInbandFec",
				      &len), "1", 1);
	ck_assert_uint_eq(len, 1);
	ck_assert_ptr_null(sdp_fmtp_get(m->payloads[0].fmtp, "inptime",
					&len));
	ck_assert_uint_eq(m->extmap_count, 4);
	ck_assert_uint_eq(m->extmaps[3].id, 4);
	ck_assert_str_eq(m->extmaps[3].uri,
			 "urn:ietf:params:rtp-hdrext:sdes:mid");
	ck_assert_uint_eq(m->ssrc_count, 1);
	ck_assert_uint_gt(strlen(m->ssrcs[0].cname), 0);
	ck_assert_str_eq(m->ssrcs[0].msid, m->msid);
	m = &sdp->media[1];
	ck_assert_int_eq(m->kind, SDP_VIDEO);
	ck_assert_uint_eq(m->payload_count, 23);
	ck_assert_uint_eq(m->ssrc_count, 2);
	ck_assert_uint_eq(m->fid_primary, m->ssrcs[0].ssrc);
	ck_assert_uint_eq(m->fid_rtx, m->ssrcs[1].ssrc);
	m = &sdp->media[2];
	ck_assert_int_eq(m->kind, SDP_DATA);
	ck_assert_str_eq(m->format, "webrtc-datachannel");
	ck_assert_uint_eq(m->sctp_port, 5000);
	ck_assert_uint_eq(m->max_message_size, 262144);
	ck_assert_ptr_eq(sdp_media_by_mid(sdp, "2"), m);
	ck_assert_ptr_null(sdp_media_by_mid(sdp, "3"));
	ck_assert_ptr_null(sdp_media_by_mid(sdp, ""));
	free(sdp);
}
END_TEST

START_TEST(line_ends_do_not_matter)
{
	struct sdp *crlf = kit_load("chromium_audio_video_data.sdp");
	struct sdp *lf = kit_load("chromium_lf.sdp");

	ck_assert_uint_eq(crlf->media_count, lf->media_count);
	for (unsigned i = 0; i < lf->media_count; i++) {
		const struct sdp_media *a = &crlf->media[i];
		const struct sdp_media *b = &lf->media[i];

		ck_assert_uint_eq(a->payload_count, b->payload_count);
		for (unsigned k = 0; k < a->payload_count; k++)
			ck_assert_str_eq(a->payloads[k].fmtp,
					 b->payloads[k].fmtp);
		ck_assert_uint_eq(a->line, b->line);
		ck_assert_int_eq(a->setup, b->setup);
	}
	free(crlf);
	free(lf);
}
END_TEST

START_TEST(simulcast_is_noted)
{
	struct sdp *sdp = kit_load("chromium_simulcast.sdp");

	ck_assert(sdp->media[0].simulcast);
	ck_assert_uint_eq(sdp->media[0].rids, 3);
	ck_assert_int_eq(sdp->media[0].direction, SDP_SENDONLY);
	free(sdp);
}
END_TEST

START_TEST(candidates_and_old_data_channels_are_read)
{
	struct sdp *sdp = kit_load("aiortc_audio_video_data.sdp");
	const struct sdp_media *m = &sdp->media[2];

	ck_assert_uint_eq(sdp->media[0].candidate_count, 2);
	ck_assert_uint_eq(sdp->candidates_used, 6);
	ck_assert_uint_eq(m->candidate_count, 2);
	ck_assert_uint_eq(m->candidates[0].port, 59490);
	ck_assert_uint_eq(m->candidates[1].addr.family, ADDR_IPV6);
	ck_assert(m->end_of_candidates);
	ck_assert(m->sctpmap);
	ck_assert_uint_eq(m->sctp_port, 5000);
	ck_assert_str_eq(m->protocol, "DTLS/SCTP");
	free(sdp);
}
END_TEST

START_TEST(the_session_level_speaks_for_all)
{
	struct sdp *sdp = kit_text(
		KIT_HEAD "a=ice-ufrag:sess\r\na=ice-pwd:"
		"sessionsessionsessions\r\na=setup:active\r\na=ice-lite\r\n"
		"a=inactive\r\na=fingerprint:sha-256 " KIT_FP "\r\n"
		"m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
		"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=ice-ufrag:mine\r\n"
		"a=ice-pwd:minemineminemineminemi\r\na=sendonly\r\n"
		"a=setup:passive\r\nb=AS:500\r\nb=TIAS:400000\r\n");

	ck_assert_str_eq(sdp->media[0].ufrag, "sess");
	ck_assert_int_eq(sdp->media[0].setup, SDP_ACTIVE);
	ck_assert_int_eq(sdp->media[0].direction, SDP_INACTIVE);
	ck_assert(sdp->media[0].ice_lite);
	ck_assert_uint_eq(sdp->media[0].max_bitrate_bps, 0);
	ck_assert_str_eq(sdp->media[1].ufrag, "mine");
	ck_assert_str_eq(sdp->media[1].pwd, "minemineminemineminemi");
	ck_assert_int_eq(sdp->media[1].setup, SDP_PASSIVE);
	ck_assert_int_eq(sdp->media[1].direction, SDP_SENDONLY);
	ck_assert_uint_eq(sdp->media[1].fingerprint_count, 1);
	ck_assert_uint_eq(sdp->media[1].max_bitrate_bps, 400000);
	free(sdp);
}
END_TEST

#define M_AUDIO "m=audio 9 UDP/TLS/RTP/SAVPF 111\n"
#define BAD_HASH "a=fingerprint:sha-256 is not 32 bytes as AB:CD:..."

/* One line of its own put behind a head of two lines and an m-line, so that
 * it is line 4: the verdict, and the text where it is refused. */
static const struct {
	const char *line;
	int code;
	const char *reason;
} edits[] = {
	{ "a=mid:0", 0, "" },
	{ "a=mid:", -EINVAL, "a=mid is not a token of 1 to 32 characters" },
	{ "a=mid", -EINVAL, "a=mid is not a token" },
	{ "a=mid:a b", -EINVAL, "a=mid is not a token" },
	{ "a=mid:a:b", -EINVAL, "a=mid is not a token" },
	{ "a=mid:abcdefghijklmnopqrstuvwxyz012345", 0, "" },
	{ "a=mid:abcdefghijklmnopqrstuvwxyz0123456", -EINVAL,
	  "a=mid is not a token" },
	{ "a=mid:\x80", -EINVAL, "a=mid is not a token" },
	{ "a=ice-ufrag:abc", -EINVAL, "a=ice-ufrag is not 4 to 256" },
	{ "a=ice-ufrag:abcd", 0, "" },
	{ "a=ice-ufrag:ab-d", -EINVAL, "a=ice-ufrag is not 4 to 256" },
	{ "a=ice-ufrag:ab d", -EINVAL, "a=ice-ufrag is not 4 to 256" },
	{ "a=ice-ufrag:", -EINVAL, "a=ice-ufrag is not 4 to 256" },
	{ "a=ice-ufrag", -EINVAL, "a=ice-ufrag is not 4 to 256" },
	{ "a=ice-pwd:abcdefghijklmnopqrstu", -EINVAL,
	  "a=ice-pwd is not 22 to 256" },
	{ "a=ice-pwd:abcdefghijklmnopqrstuv", 0, "" },
	{ "a=ice-pwd:abcdefghijklmnopqrst:v", -EINVAL,
	  "a=ice-pwd is not 22 to 256" },
	{ "a=fingerprint:sha-256 " KIT_FP, 0, "" },
	{ "a=fingerprint:SHA-256 " KIT_FP, 0, "" },
	{ "a=fingerprint:sha-256 " KIT_FP ":00", -EINVAL, BAD_HASH },
	{ "a=fingerprint:sha-256 AB:CD", -EINVAL, BAD_HASH },
	{ "a=fingerprint:sha-256 ", -EINVAL, BAD_HASH },
	{ "a=fingerprint:sha-256 " KIT_FP " x", 0, "" },
	{ "a=fingerprint:sha-256 "
	  "AF:12:F6:38:2E:75:1C:0B:D1:5D:0E:9C:64:0A:31:87:5C:99:4D:AA:01:F2:"
	  "83:66:7B:28:90:DE:4C:3B:55:6G", -EINVAL, BAD_HASH },
	{ "a=fingerprint:sha-256 "
	  "AF-12-F6-38-2E-75-1C-0B-D1-5D-0E-9C-64-0A-31-87-5C-99-4D-AA-01-F2-"
	  "83-66-7B-28-90-DE-4C-3B-55-61", -EINVAL, BAD_HASH },
	{ "a=fingerprint:sha-384 AB", -EINVAL,
	  "a=fingerprint:sha-384 is not 48 bytes" },
	{ "a=fingerprint:sha-512 AB", -EINVAL,
	  "a=fingerprint:sha-512 is not 64 bytes" },
	{ "a=fingerprint:md5 AB:CD", 0, "" },
	{ "a=fingerprint:md5", -EINVAL, "a=fingerprint has no value" },
	{ "a=fingerprint", -EINVAL, "a=fingerprint has no value" },
	{ "a=setup:actpass", 0, "" },
	{ "a=setup:ACTIVE", 0, "" },
	{ "a=setup:", -EINVAL, "a=setup is not actpass" },
	{ "a=setup:maybe", -EINVAL, "a=setup is not actpass" },
	{ "a=rtpmap:111 opus/48000/2", 0, "" },
	{ "a=rtpmap:112 opus/48000/2", 0, "" },
	{ "a=rtpmap:128 opus/48000/2", -EINVAL,
	  "a payload type is not 0 to 127" },
	{ "a=rtpmap:-1 opus/48000/2", -EINVAL,
	  "a payload type is not 0 to 127" },
	{ "a=rtpmap:", -EINVAL, "a payload type is not 0 to 127" },
	{ "a=rtpmap:111", -EINVAL, "a=rtpmap is not" },
	{ "a=rtpmap:111 opus", -EINVAL, "a=rtpmap is not" },
	{ "a=rtpmap:111 opus/", -EINVAL, "a=rtpmap is not" },
	{ "a=rtpmap:111 /48000", -EINVAL, "a=rtpmap is not" },
	{ "a=rtpmap:111 opus/0", -EINVAL, "a=rtpmap is not" },
	{ "a=rtpmap:111 opus/1000001", -EINVAL, "a=rtpmap is not" },
	{ "a=rtpmap:111 opus/48000/256", -EINVAL, "a=rtpmap is not" },
	{ "a=rtpmap:111 opus/48000/2/3", -EINVAL, "a=rtpmap is not" },
	{ "a=rtpmap:111 opus/48000/", 0, "" },
	{ "a=rtpmap:111 o,us/48000", -EINVAL, "a=rtpmap is not" },
	{ "a=fmtp:111", 0, "" },
	{ "a=fmtp:111 ;;;===;", 0, "" },
	{ "a=fmtp:x y", -EINVAL, "a payload type is not 0 to 127" },
	{ "a=fmtp:999 y", -EINVAL, "a payload type is not 0 to 127" },
	{ "a=rtcp-fb:* nack", 0, "" },
	{ "a=rtcp-fb:*", -EINVAL, "a payload type is not 0 to 127" },
	{ "a=rtcp-fb:111", 0, "" },
	{ "a=rtcp-fb:111 nack pli extra", 0, "" },
	{ "a=rtcp-fb:1111 nack", -EINVAL, "a payload type is not 0 to 127" },
	{ "a=extmap:1 urn:x", 0, "" },
	{ "a=extmap:1/sendonly urn:x", 0, "" },
	{ "a=extmap:1/sideways urn:x", -EINVAL, "a=extmap is not" },
	{ "a=extmap:0 urn:x", -EINVAL, "a=extmap is not" },
	{ "a=extmap:1", -EINVAL, "a=extmap is not" },
	{ "a=extmap:x urn:x", -EINVAL, "a=extmap is not" },
	{ "a=extmap:15 urn:x", 0, "" },
	{ "a=extmap:256 urn:x", 0, "" },
	{ "a=extmap:4097 urn:x", 0, "" },
	{ "a=extmap:65536 urn:x", -EINVAL, "a=extmap is not" },
	{ "a=extmap:2 urn:x\na=extmap:2 urn:y", -EINVAL,
	  "two extmap lines of an m-line have the id 2" },
	{ "a=ssrc:4294967295 cname:x", 0, "" },
	{ "a=ssrc:4294967296 cname:x", -EINVAL, "a=ssrc is not a number" },
	{ "a=ssrc:-1 cname:x", -EINVAL, "a=ssrc is not a number" },
	{ "a=ssrc:", -EINVAL, "a=ssrc is not a number" },
	{ "a=ssrc:1", 0, "" },
	{ "a=ssrc-group:FID 1 2", 0, "" },
	{ "a=ssrc-group:FID 1", -EINVAL, "a=ssrc-group:FID does not name" },
	{ "a=ssrc-group:FID x y", -EINVAL, "a=ssrc-group:FID does not name" },
	{ "a=ssrc-group:SIM 1 2 3", 0, "" },
	{ "a=sctp-port:0", -EINVAL, "a=sctp-port is not 1 to 65535" },
	{ "a=sctp-port:65536", -EINVAL, "a=sctp-port is not 1 to 65535" },
	{ "a=sctp-port:5000", 0, "" },
	{ "a=max-message-size:-1", -EINVAL, "a=max-message-size is not" },
	{ "a=max-message-size:18446744073709551615", 0, "" },
	{ "a=max-message-size:18446744073709551616", -EINVAL,
	  "a=max-message-size is not" },
	{ "a=candidate:rubbish", 0, "" },
	{ "a=candidate:", 0, "" },
	{ "a=end-of-candidates", 0, "" },
	{ "a=simulcast:", 0, "" },
	{ "a=unknown:anything at all", 0, "" },
	{ "a=", 0, "" },
	{ "a=:", 0, "" },
	{ "b=AS:x", -EINVAL, "a b-line has no number" },
	{ "b=AS:99999999999999999999", -EINVAL, "a b-line has no number" },
	{ "b=CT:1", 0, "" },
	{ "b=", -EINVAL, "a b-line has no number" },
	{ "v=1", -EINVAL, "the version is not 0" },
	{ "o=", -EINVAL, "the o-line does not hold" },
	{ "o=- 1", -EINVAL, "the o-line does not hold" },
	{ "o=- 18446744073709551616 1 IN IP4 x", -EINVAL,
	  "the o-line does not hold" },
	{ "m=", -EINVAL, "an m-line is not" },
	{ "m=audio", -EINVAL, "an m-line is not" },
	{ "m=audio 9", -EINVAL, "an m-line is not" },
	{ "m=audio 9 UDP/TLS/RTP/SAVPF", -EINVAL, "an m-line is not" },
	{ "m=audio 65536 UDP/TLS/RTP/SAVPF 111", -EINVAL,
	  "an m-line is not" },
	{ "m=audio -9 UDP/TLS/RTP/SAVPF 111", -EINVAL, "an m-line is not" },
	{ "m=audio 9/2 UDP/TLS/RTP/SAVPF 111", 0, "" },
	{ "m=audio 9 UDP//RTP/SAVPF 111", -EINVAL, "an m-line is not" },
	{ "m=audio 9 RTP/SAVPF/ 111", -EINVAL, "an m-line is not" },
	{ "m=a,b 9 RTP/SAVPF 111", -EINVAL, "an m-line is not" },
	{ "m=audio 9 RTP/SAVPF opus", -EINVAL,
	  "a payload type is not 0 to 127" },
	{ "m=audio 9 RTP/SAVPF 128", -EINVAL,
	  "a payload type is not 0 to 127" },
	{ "m=audio 9 RTP/SAVPF 1 2 1", -EINVAL,
	  "payload type 1 stands twice in an m-line" },
	{ "m=message 9 TCP/MSRP *", 0, "" },
	{ "m=image 0 udptl t38", 0, "" },
	{ "m=image 0 udptl t,38", -EINVAL, "a format of an m-line is not" },
	{ "x", -EINVAL, "a line is not of the form x=..." },
	{ "xy=1", -EINVAL, "a line is not of the form x=..." },
	{ "=", -EINVAL, "a line is not of the form x=..." },
	{ " a=mid:0", -EINVAL, "a line is not of the form x=..." },
	{ "", 0, "" },
	{ "z=", 0, "" },
	{ "a=mid:0\r", 0, "" },
	{ "a=mid:0\r\r", -EINVAL, "there is a control character" },
	{ "a=msid:\x01", -EINVAL, "there is a control character" },
	{ "a=x\x1b[2J", -EINVAL, "there is a control character" },
};

START_TEST(each_edit_has_its_verdict)
{
	struct sdp *sdp = malloc(sizeof(*sdp));
	struct sdp_error err;
	char text[1024];
	int len = snprintf(text, sizeof(text),
			   "v=0\no=- 1 1 IN IP4 0.0.0.0\n" M_AUDIO "%s\n",
			   edits[_i].line);
	int code = sdp_parse(sdp, text, (size_t)len, &err);

	ck_assert_msg(code == edits[_i].code, "%s: %d %s", edits[_i].line,
		      code, err.text);
	ck_assert_msg(strstr(err.text, edits[_i].reason) != NULL, "%s",
		      err.text);
	ck_assert_int_eq(err.text[0] == 0, code == 0);
	if (code < 0) {
		unsigned at = strchr(edits[_i].line, '\n') ? 5 : 4;

		ck_assert_uint_eq(err.line, at);
		ck_assert_uint_eq(sdp->media_count, 0);
		ck_assert_int_eq(sdp->text[0], 0);
	}
	ck_assert_int_eq(sdp_parse(sdp, text, (size_t)len, NULL), code);
	free(sdp);
}
END_TEST

/* Whole texts. */
static const struct {
	const char *text;
	int code;
	const char *reason;
} wholes[] = {
	{ "", -EINVAL, "the first line is not v=0" },
	{ "v", -EINVAL, "the first line is not v=0" },
	{ "v=0", -EINVAL, "the first line is not v=0" },
	{ "v=0\n", 0, "" },
	{ "v=0\r\n", 0, "" },
	{ "v=00\n", -EINVAL, "the first line is not v=0" },
	{ "\nv=0\n", -EINVAL, "the first line is not v=0" },
	{ "\xef\xbb\xbfv=0\n", -EINVAL, "the first line is not v=0" },
	{ "v=0\rm=x\r", -EINVAL, "there is a control character" },
	{ "{\"type\":\"offer\",\"sdp\":\"v=0\"}", -EINVAL,
	  "the first line is not v=0" },
	{ "v=0\ns=\xff\xfe\n", 0, "" },
	{ "v=0\n\n\n\n", 0, "" },
	{ "v=0\na=mid:a\na=rtpmap:1 x/1\na=candidate:x\na=ssrc:1 cname:x\n"
	  "a=extmap:1 x\n", 0, "" },
	{ "v=0\na=group:BUNDLE 0\n", -EINVAL,
	  "a BUNDLE group names a mid that no m-line has" },
	{ "v=0\na=group:BUNDLE 0 0\nm=audio 9 RTP/SAVPF 1\na=mid:0\n",
	  -EINVAL, "mid 0 stands twice in BUNDLE groups" },
	{ "v=0\na=group:BUNDLE 0\na=group:BUNDLE 0\n"
	  "m=audio 9 RTP/SAVPF 1\na=mid:0\n", -EINVAL,
	  "mid 0 stands twice in BUNDLE groups" },
	{ "v=0\na=group:BUNDLE\nm=audio 9 RTP/SAVPF 1\n", 0, "" },
	{ "v=0\na=group:BUNDLE  0  \nm=audio 9 RTP/SAVPF 1\na=mid:0\n", 0,
	  "" },
	{ "v=0\na=group:BUNDLE a\na=group:BUNDLE b\na=group:BUNDLE c\n"
	  "a=group:BUNDLE d\na=group:BUNDLE e\n", -EMSGSIZE,
	  "more than 4 BUNDLE groups" },
	{ "v=0\nm=audio 9 RTP/SAVPF 1\na=mid:0\nm=audio 9 RTP/SAVPF 1\n"
	  "a=mid:0\n", -EINVAL, "two m-lines have the mid 0" },
	{ "v=0\na=fingerprint:md5 a\na=fingerprint:md5 a\na=fingerprint:md5 a"
	  "\na=fingerprint:md5 a\na=fingerprint:md5 a\n", -EMSGSIZE,
	  "more than 4 fingerprints" },
};

START_TEST(each_whole_text_has_its_verdict)
{
	struct sdp *sdp = malloc(sizeof(*sdp));
	struct sdp_error err;
	int code = sdp_parse(sdp, wholes[_i].text, strlen(wholes[_i].text),
			     &err);

	ck_assert_msg(code == wholes[_i].code, "%d %s", code, err.text);
	ck_assert_msg(strstr(err.text, wholes[_i].reason) != NULL, "%s",
		      err.text);
	free(sdp);
}
END_TEST

START_TEST(a_zero_byte_ends_nothing)
{
	static const char text[] = "v=0\na=mid:\0x\nm=audio 9 RTP/SAVPF 1\n";
	struct sdp *sdp = malloc(sizeof(*sdp));
	struct sdp_error err;

	ck_assert_int_eq(sdp_parse(sdp, text, sizeof(text) - 1, &err),
			 -EINVAL);
	ck_assert_uint_eq(err.line, 2);
	ck_assert_str_eq(err.text, "there is a control character");
	free(sdp);
}
END_TEST

/* `head`, then `count` times `each` (with %u: a number from `from`). */
static const struct {
	const char *head, *each;
	unsigned from, count;	/* the most that is taken */
	const char *reason;
} limits[] = {
	{ "v=0\n", "z=%u\n", 0, 1023, "more than 1024 lines" },
	{ "v=0\n", "m=audio 9 RTP/SAVPF 1\na=mid:%u\n", 0, 16,
	  "more than 16 m-lines" },
	{ "v=0\nm=audio 9 RTP/SAVPF", " %u", 0, 64,
	  "more than 64 payload types in an m-line or 512 in all" },
	{ "v=0\nm=audio 9 RTP/SAVPF 1\n", "a=fmtp:1 x=%u\n", 0, 64,
	  "more than 64 fmtp lines in an m-line" },
	{ "v=0\nm=audio 9 RTP/SAVPF 1\n", "a=ssrc:%u cname:x\n", 1, 32,
	  "more than 32 sources in an m-line or 128 in all" },
};

START_TEST(each_limit_is_exact)
{
	struct sdp *sdp = malloc(sizeof(*sdp));
	struct sdp_error err;
	char text[SDP_TEXT];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s", limits[_i].head);

/* The format stands in the table above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	for (unsigned i = 0; i < limits[_i].count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      limits[_i].each, limits[_i].from + i);
	ck_assert_msg(sdp_parse(sdp, text, n, &err) == 0, "%s", err.text);
	n += (size_t)snprintf(text + n, sizeof(text) - n, limits[_i].each,
			      limits[_i].from + limits[_i].count);
#pragma GCC diagnostic pop
	ck_assert_int_eq(sdp_parse(sdp, text, n, &err), -EMSGSIZE);
	ck_assert_str_eq(err.text, limits[_i].reason);
	free(sdp);
}
END_TEST

START_TEST(bytes_of_a_line_and_of_all_are_bounded)
{
	struct sdp *sdp = malloc(sizeof(*sdp));
	struct sdp_error err;
	char *text = malloc(SDP_TEXT + 1);
	size_t n = 0;

	n += (size_t)sprintf(text, "v=0\na=");
	memset(text + n, 'x', 2046);
	memcpy(text + n + 2046, "\n", 1);
	ck_assert_int_eq(sdp_parse(sdp, text, n + 2047, &err), 0);
	memcpy(text + n + 2046, "x\n", 2);
	ck_assert_int_eq(sdp_parse(sdp, text, n + 2048, &err), -EMSGSIZE);
	ck_assert_uint_eq(err.line, 2);
	ck_assert_str_eq(err.text, "a line is longer than 2048 bytes");
	for (n = 4; n < SDP_TEXT; n++)
		text[n] = (n - 4) % 1024 == 1023 ? '\n' :
			  (n - 4) % 1024 == 1 ? '=' : 'x';
	ck_assert_msg(sdp_parse(sdp, text, SDP_TEXT, &err) == 0, "%u %s",
		      err.line, err.text);
	text[SDP_TEXT] = 'x';
	ck_assert_int_eq(sdp_parse(sdp, text, SDP_TEXT + 1, &err), -EMSGSIZE);
	ck_assert_uint_eq(err.line, 0);
	ck_assert_str_eq(err.text,
			 "the description is longer than 32768 bytes");
	free(text);
	free(sdp);
}
END_TEST

START_TEST(candidates_beyond_the_limit_are_counted)
{
	struct sdp *sdp = malloc(sizeof(*sdp));
	struct sdp_error err;
	char text[SDP_TEXT];
	size_t n = (size_t)sprintf(text, "v=0\n" M_AUDIO);

	for (unsigned i = 0; i < 70; i++)
		n += (size_t)sprintf(text + n, "a=candidate:1 1 udp 1 "
				     "192.0.2.1 %u typ host\n", 1000 + i);
	n += (size_t)sprintf(text + n, "a=candidate:bad\n");
	ck_assert_int_eq(sdp_parse(sdp, text, n, &err), 0);
	ck_assert_uint_eq(sdp->media[0].candidate_count, 64);
	ck_assert_uint_eq(sdp->media[0].candidates[63].port, 1063);
	ck_assert_uint_eq(sdp->candidates_dropped, 7);
	free(sdp);
}
END_TEST

/* xorshift: the same texts in every run. */
static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;

	return *state;
}

static size_t mutate(char *text, size_t len, uint32_t *seed)
{
	static const char odd[] = "\n\r :/=;0aA\x80-*";
	unsigned edits_wanted = 1 + next(seed) % 4;

	while (edits_wanted--) {
		size_t at = next(seed) % len, n = next(seed) % 64;

		if (n > len - at)
			n = len - at;
		switch (next(seed) % 4) {
		case 0:
			text[at] = odd[next(seed) % (sizeof(odd) - 1)];
			break;
		case 1:
			memmove(text + at, text + at + n, len - at - n);
			len -= n;
			break;
		case 2:
			memmove(text + len - n, text + at, n);
			break;
		default:
			text[at] ^= (char)(1 << next(seed) % 7);
			break;
		}
		if (len < 8)
			break;
	}

	return len;
}

/*
 * 20,000 seeded mutations of real descriptions: refused with a reason, or
 * read so that an answer to it can be read again.
 */
START_TEST(mutations_are_refused_or_answered)
{
	static const char *const seeds[] = {
		"chromium_two_audio_recv_video.sdp", "form_firefox.sdp",
		"aiortc_audio_video_data.sdp", "form_max_bundle.sdp",
	};
	struct sdp_local local = kit_local();
	struct sdp *sdp = malloc(sizeof(*sdp)), *back = malloc(sizeof(*back));
	unsigned refused = 0, answered = 0, unanswered = 0;
	uint32_t seed = 0x5eed + (uint32_t)_i;
	size_t whole;
	char *text = kit_read(seeds[_i], &whole), *copy = malloc(whole);

	for (unsigned i = 0; i < 5000; i++) {
		struct sdp_error err = { 0 };
		struct sdp_session s;
		size_t len;
		char *answer;

		memcpy(copy, text, whole);
		len = mutate(copy, whole, &seed);
		if (sdp_parse(sdp, copy, len, &err) < 0) {
			ck_assert_int_ne(err.text[0], 0);
			refused++;
			continue;
		}
		if (sdp_answer(&s, sdp, &local, NULL, &err) < 0) {
			ck_assert_int_ne(err.text[0], 0);
			unanswered++;
			continue;
		}
		answered++;
		answer = kit_write(&s, &local);
		ck_assert_msg(sdp_parse(back, answer, strlen(answer), &err)
			      == 0, "%s", err.text);
		ck_assert_uint_eq(back->media_count, sdp->media_count);
		free(answer);
	}
	/* The mutations are neither harmless nor all fatal. */
	ck_assert_uint_gt(refused, 500);
	ck_assert_uint_gt(answered, 500);
	ck_assert_uint_eq(refused + answered + unanswered, 5000);
	free(copy);
	free(text);
	free(back);
	free(sdp);
}
END_TEST

START_TEST(every_cut_of_a_real_offer_is_harmless)
{
	struct sdp *sdp = malloc(sizeof(*sdp));
	size_t len;
	char *text = kit_read("form_firefox.sdp", &len);

	for (size_t n = 0; n < len; n++) {
		char *exact = malloc(n ? n : 1);
		struct sdp_error err;
		int code;

		memcpy(exact, text, n);
		code = sdp_parse(sdp, exact, n, &err);
		ck_assert(code == 0 || (code == -EINVAL && err.text[0]));
		free(exact);
	}
	free(text);
	free(sdp);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sdp parse");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, an_offer_of_chromium_is_read);
	tcase_add_test(t, line_ends_do_not_matter);
	tcase_add_test(t, simulcast_is_noted);
	tcase_add_test(t, candidates_and_old_data_channels_are_read);
	tcase_add_test(t, the_session_level_speaks_for_all);
	tcase_add_loop_test(t, each_edit_has_its_verdict, 0,
			    (int)ARRAY_LEN(edits));
	tcase_add_loop_test(t, each_whole_text_has_its_verdict, 0,
			    (int)ARRAY_LEN(wholes));
	tcase_add_test(t, a_zero_byte_ends_nothing);
	tcase_add_loop_test(t, each_limit_is_exact, 0,
			    (int)ARRAY_LEN(limits));
	tcase_add_test(t, bytes_of_a_line_and_of_all_are_bounded);
	tcase_add_test(t, candidates_beyond_the_limit_are_counted);
	tcase_add_loop_test(t, mutations_are_refused_or_answered, 0, 4);
	tcase_add_test(t, every_cut_of_a_real_offer_is_harmless);
	suite_add_tcase(s, t);

	return suite_run(s);
}
