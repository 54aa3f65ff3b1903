/*
 * fuzz_sdp.c - any text as a peer's offer, then as the answer to ours
 *
 * What is accepted must hold together: the answer we write to it can be
 * read, repeats its m-lines, and a second look finds the same transport.
 */

#include "core/sdp/answer.h"
#include "core/sdp/offer.h"
#include "core/sdp/write.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECK(what)                                                           \
	do {                                                                  \
		if (!(what))                                                  \
			abort();                                              \
	} while (0)

static struct sdp theirs, ours;
static char text[SDP_TEXT + 1];

static struct sdp_local local_facts(void)
{
	return (struct sdp_local){
		.session_id = 1,
		.version = 1,
		.ufrag = "ufra",
		.pwd = "passwordpasswordpasswd",
		.cname = "c",
		.stream = "s",
		.audio_ssrc = 1,
		.video_ssrc = 2,
		.kinds = 7,
		.sends = 3,
	};
}

static void check_error(const struct sdp_error *err)
{
	CHECK(memchr(err->text, 0, sizeof(err->text)) && err->text[0]);
	CHECK(!strpbrk(err->text, "\r\n"));
}

static void check_written(const struct sdp_session *s,
			  const struct sdp_local *local)
{
	struct sdp_error err;
	int len = sdp_session_write(s, local, text, sizeof(text));

	CHECK(len > 0);
	CHECK(sdp_parse(&ours, text, (size_t)len, &err) == 0);
	CHECK(ours.media_count == s->line_count);
	for (unsigned i = 0; i < s->line_count; i++) {
		CHECK(strcmp(ours.media[i].mid, s->lines[i].mid) == 0);
		CHECK(strcmp(ours.media[i].name, s->lines[i].name) == 0);
		CHECK((ours.media[i].port != 0) == s->lines[i].accepted);
	}
}

static void as_offer(const struct sdp_local *local)
{
	static struct sdp_session s, again;
	struct sdp_error err = { 0 };

	if (sdp_answer(&s, &theirs, local, NULL, &err) < 0) {
		check_error(&err);
		return;
	}
	CHECK(s.accepted_count > 0 && s.fingerprint_count > 0);
	check_written(&s, local);
	CHECK(sdp_compare(&s, &theirs) == SDP_SAME_TRANSPORT);
	CHECK(sdp_answer(&again, &theirs, local, &s, &err) == 0);
	CHECK(again.kinds == s.kinds);
	CHECK(again.audio_out == s.audio_out && again.data == s.data);
	if (s.line_count < SDP_MEDIA - 3) {
		CHECK(sdp_offer(&again, local, 7, &s, &err) == 0);
		check_written(&again, local);
	}
}

static void as_answer(const struct sdp_local *local)
{
	static struct sdp_session s;
	struct sdp_error err = { 0 };

	CHECK(sdp_offer(&s, local, 7, NULL, NULL) == 0);
	if (sdp_apply_answer(&s, &theirs, &err) < 0)
		check_error(&err);
	else
		CHECK(s.accepted_count > 0 && s.remote_ufrag[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sdp_local local = local_facts();
	struct sdp_error err;

	if (sdp_parse(&theirs, (const char *)data, len, &err) < 0) {
		check_error(&err);
		return 0;
	}
	as_offer(&local);
	as_answer(&local);

	return 0;
}
