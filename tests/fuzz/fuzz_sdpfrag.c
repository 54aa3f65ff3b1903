/*
 * fuzz_sdpfrag.c - any text as a trickle-ice-sdpfrag, and as a description
 *
 * What is accepted holds together: it can be put into an offer, the offer's
 * ICE read out again is the fragment's, and a second writing changes nothing.
 */

#include "core/sdp/frag.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECK(what)                                                           \
	do {                                                                  \
		if (!(what))                                                  \
			abort();                                              \
	} while (0)

static const char offer[] =
	"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:abcd\r\n"
	"a=ice-pwd:passwordpasswordpasswd\r\na=sendonly\r\n";

static struct sdp_frag frag, again;
static char text[3 * SDP_TEXT], second[3 * SDP_TEXT], copy[SDP_TEXT + 1];

static void as_fragment(const char *bytes, size_t len)
{
	struct sdp_error err = { 0 };
	int n;

	if (sdp_frag_parse(&frag, bytes, len, &err) < 0) {
		CHECK(err.text[0] && memchr(err.text, 0, sizeof(err.text)));
		return;
	}
	CHECK(!frag.ufrag[0] == !frag.pwd[0]);
	for (unsigned i = 0; i < frag.candidate_count; i++) {
		CHECK(strlen(frag.candidates[i].line) <= SDP_FRAG_LINE);
		CHECK(strlen(frag.candidates[i].mid) <= SDP_MID);
		CHECK(!strpbrk(frag.candidates[i].line, "\r\n"));
	}
	n = sdp_text_restart(text, sizeof(text), offer, &frag);
	CHECK(n > 0);
	if (!frag.ufrag[0])
		return;
	n = sdp_text_frag(second, sizeof(second), text);
	CHECK(n > 0);
	CHECK(sdp_frag_parse(&again, second, (size_t)n, NULL) == 0);
	CHECK(strcmp(again.ufrag, frag.ufrag) == 0);
	CHECK(strcmp(again.pwd, frag.pwd) == 0);
	CHECK(again.candidate_count == frag.candidate_count);
}

static void as_description(void)
{
	struct scan name;
	int n = sdp_text_direct(text, sizeof(text), copy, SDP_SENDONLY, NULL);

	if (n > 0) {
		CHECK(sdp_text_direct(second, sizeof(second), text,
				      SDP_SENDONLY, NULL) == n);
		CHECK(strcmp(text, second) == 0);
	}
	if (sdp_text_frag(text, sizeof(text), copy) > 0)
		CHECK(sdp_text_rejected(copy, copy, &name) >= -1);
	(void)!sdp_text_complete(text, sizeof(text), copy, NULL, 0, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len > SDP_TEXT)
		return 0;
	memcpy(copy, data, len);
	copy[len] = '\0';
	as_fragment((const char *)data, len);
	as_description();

	return 0;
}
