/*
 * fuzz_pb.c - every message that clients send
 *
 * First byte: which. What is decoded holds text only, and goes out again.
 */

#include <stdlib.h>
#include <string.h>

#include "core/ws/utf8.h"
#include "port/pb.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(int truth)
{
	if (!truth)
		abort();
}

static void check_text(const char *s)
{
	check(s && utf8_ok(s, strlen(s)));
}

static void run_request(const uint8_t *bytes, size_t len)
{
	struct pb_response out = { 0 };
	struct pb_peer peer = { 0 };
	struct pb_request r;
	struct pb_bytes b;

	if (pb_request_decode(&r, bytes, len))
		return;
	check_text(r.id);
	check_text(r.peer);
	check_text(r.sdp);
	check_text(r.type);
	check_text(r.candidate);
	check_text(r.mid);
	check_text(r.caps.extensions);
	for (size_t i = 0; i < r.metadata.len; i++) {
		check_text(r.metadata.at[i].key);
		check_text(r.metadata.at[i].value);
		for (size_t j = 0; j < i; j++)
			check(strcmp(r.metadata.at[i].key,
				     r.metadata.at[j].key) != 0);
	}
	peer = (struct pb_peer){ .name = r.peer, .caps = r.caps,
				 .metadata = r.metadata };
	out = (struct pb_response){ .id = r.id, .peers = &peer,
				    .peers_len = 1, .sdp = r.sdp,
				    .peer = r.peer };
	for (enum pb_say say = PB_ACK; say <= PB_DISCONNECTED; say++) {
		out.say = say;
		check(pb_response_encode(&b, &out) == 0);
		check(b.len >= PB_ROOM);
		free(b.at);
	}
	pb_request_free(&r);
}

static void run_question(const uint8_t *bytes, size_t len)
{
	struct pb_reflection r = { .error = 5, .message = "none" };
	struct pb_question q;
	struct pb_bytes b;

	if (pb_question_decode(&q, bytes, len))
		return;
	check_text(q.text);
	check(pb_reflection_encode(&b, &q, &r) == 0);
	free(b.at);
	pb_question_free(&q);
}

static void run_probe(const uint8_t *bytes, size_t len)
{
	struct pb_probe p;

	if (pb_probe_decode(&p, bytes, len))
		return;
	check_text(p.service);
	pb_probe_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (len == 0)
		return 0;
	switch (bytes[0] & 3) {
	case 0:
	case 1:
		run_request(bytes + 1, len - 1);
		break;
	case 2:
		run_question(bytes + 1, len - 1);
		break;
	default:
		run_probe(bytes + 1, len - 1);
		(void)!pb_empty_check(bytes + 1, len - 1);
	}

	return 0;
}
