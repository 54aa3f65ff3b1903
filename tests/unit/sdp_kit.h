/*
 * sdp_kit.h - what the SDP tests share: real descriptions and our own facts
 *
 * Paths are relative to the top of the tree, where tests are started.
 */
#ifndef TESTS_UNIT_SDP_KIT_H
#define TESTS_UNIT_SDP_KIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sdp/answer.h"
#include "core/sdp/offer.h"
#include "core/sdp/parse.h"
#include "core/sdp/write.h"

#define KIT_FP                                                                \
	"AF:12:F6:38:2E:75:1C:0B:D1:5D:0E:9C:64:0A:31:87:5C:99:4D:AA:01:F2:"  \
	"83:66:7B:28:90:DE:4C:3B:55:61"

/* An offer of one m-line and what every m-line of a browser has. */
#define KIT_HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define KIT_TRANSPORT                                                         \
	"a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"            \
	"a=fingerprint:sha-256 " KIT_FP "\r\na=setup:actpass\r\n"
#define KIT_AUDIO                                                             \
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\n"                   \
	"a=rtpmap:111 opus/48000/2\r\n" KIT_TRANSPORT
#define KIT_VIDEO                                                             \
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\n"                    \
	"a=rtpmap:96 VP8/90000\r\n" KIT_TRANSPORT
#define KIT_DATA                                                              \
	"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"                \
	"a=sctp-port:5000\r\n" KIT_TRANSPORT

/* The whole file with a final zero; free() it. */
static inline char *kit_read(const char *name, size_t *len)
{
	char path[256];
	char *text = calloc(1, SDP_TEXT + 2);
	FILE *f;

	snprintf(path, sizeof(path), "tests/vectors/sdp/%s", name);
	f = fopen(path, "rb");
	ck_assert_msg(f && text, "%s: run the tests in the top directory",
		      path);
	*len = fread(text, 1, SDP_TEXT + 1, f);
	fclose(f);
	ck_assert_uint_gt(*len, 0);

	return text;
}

static inline struct sdp *kit_parse(const char *text, size_t len)
{
	struct sdp *sdp = malloc(sizeof(*sdp));
	struct sdp_error err;
	int code = sdp_parse(sdp, text, len, &err);

	ck_assert_msg(code == 0, "line %u: %s", err.line, err.text);

	return sdp;
}

static inline struct sdp *kit_load(const char *name)
{
	size_t len;
	char *text = kit_read(name, &len);
	struct sdp *sdp = kit_parse(text, len);

	free(text);

	return sdp;
}

static inline struct sdp *kit_text(const char *text)
{
	return kit_parse(text, strlen(text));
}

static inline struct sdp_local kit_local(void)
{
	static struct candidate host;
	struct sdp_local l = {
		.session_id = 42,
		.version = 1,
		.ufrag = "OURu",
		.pwd = "ourpasswordourpassword1+",
		.cname = "ourcname",
		.stream = "ourstream",
		.audio_ssrc = 11111,
		.video_ssrc = 22222,
		.kinds = SDP_AUDIO | SDP_VIDEO | SDP_DATA,
		.sends = SDP_AUDIO | SDP_VIDEO,
		.candidates = &host,
		.candidate_count = 1,
	};
	const char *line = "candidate:1 1 udp 2130706431 192.0.2.9 20000 "
			   "typ host";

	for (unsigned i = 0; i < sizeof(l.fingerprint); i++)
		l.fingerprint[i] = (uint8_t)(i * 7);
	ck_assert_int_eq(candidate_parse(&host, line, strlen(line), NULL), 0);

	return l;
}

/* The text of an agreement, and that text parsed again. */
static inline char *kit_write(const struct sdp_session *s,
			      const struct sdp_local *l)
{
	char *text = malloc(SDP_TEXT + 1);
	int len = sdp_session_write(s, l, text, SDP_TEXT + 1);

	ck_assert_int_gt(len, 0);
	ck_assert_uint_eq(strlen(text), (size_t)len);

	return text;
}

static inline struct sdp_session kit_answer(const struct sdp *offer,
					    const struct sdp_local *local,
					    const struct sdp_session *was)
{
	struct sdp_session s;
	struct sdp_error err = { 0 };
	int code = sdp_answer(&s, offer, local, was, &err);

	ck_assert_msg(code == 0, "line %u: %s", err.line, err.text);

	return s;
}

#endif
