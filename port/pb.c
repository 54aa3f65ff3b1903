/*
 * pb.c - protobuf in: decode with a budget, after a check of every string
 *
 * The check walks the wire by the same descriptors that the library decodes
 * by: strings lose their length there, so a NUL must be seen before.
 */

#include "port/pb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <health.pb-c.h>
#include <reflection_v1.pb-c.h>
#include <webrtc_signaling.pb-c.h>

#include "core/ws/utf8.h"

enum { DEPTH_MAX = 8 };

/* The allocator; each block is preceded by its size. */

struct budget {
	size_t left;
	bool spent, no_memory;
};

union block {
	size_t size;
	max_align_t align;
};

static void *budget_alloc(void *arg, size_t size)
{
	struct budget *b = arg;
	union block *block;

	if (size > b->left || sizeof(*block) > b->left - size) {
		b->spent = true;
		return NULL;
	}
	block = malloc(sizeof(*block) + size);
	if (!block) {
		b->no_memory = true;
		return NULL;
	}
	block->size = size;
	b->left -= size + sizeof(*block);

	return block + 1;
}

static void budget_free(void *arg, void *bytes)
{
	union block *block = bytes;
	struct budget *b = arg;

	if (!bytes)
		return;
	block--;
	if (b)
		b->left += block->size + sizeof(*block);
	free(block);
}

/* The check. */

struct wire {
	const uint8_t *at, *end;
};

static bool wire_varint(struct wire *w, uint64_t *out)
{
	*out = 0;
	for (unsigned shift = 0; w->at < w->end && shift < 64; shift += 7) {
		uint8_t byte = *w->at++;

		*out |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return true;
	}

	return false;
}

static int check(const ProtobufCMessageDescriptor *d, struct wire w,
		 unsigned depth);

static int check_value(const ProtobufCFieldDescriptor *f, struct wire value,
		       unsigned depth)
{
	size_t len = (size_t)(value.end - value.at);

	if (f->type == PROTOBUF_C_TYPE_MESSAGE)
		return check(f->descriptor, value, depth + 1);
	if (f->type != PROTOBUF_C_TYPE_STRING)
		return 0;

	return memchr(value.at, 0, len) || !utf8_ok(value.at, len) ? -EILSEQ
								   : 0;
}

/* One field; a group, or what runs past the end, is no message of ours. */
static int check_field(const ProtobufCMessageDescriptor *d, struct wire *w,
		       unsigned depth)
{
	const ProtobufCFieldDescriptor *f;
	struct wire value;
	uint64_t key, n;
	unsigned type;

	if (!wire_varint(w, &key) || key >> 3 == 0 || key >> 32)
		return -EBADMSG;
	type = key & 7;
	if (type == 0)
		return wire_varint(w, &n) ? 0 : -EBADMSG;
	n = type == 1 ? 8 : 4;
	if ((type != 1 && type != 2 && type != 5) ||
	    (type == 2 && !wire_varint(w, &n)) ||
	    n > (size_t)(w->end - w->at))
		return -EBADMSG;
	value = (struct wire){ w->at, w->at + n };
	w->at += n;
	f = protobuf_c_message_descriptor_get_field(d, (unsigned)(key >> 3));

	return f && type == 2 ? check_value(f, value, depth) : 0;
}

static int check(const ProtobufCMessageDescriptor *d, struct wire w,
		 unsigned depth)
{
	int err = depth > DEPTH_MAX ? -EBADMSG : 0;

	while (!err && w.at < w.end)
		err = check_field(d, &w, depth);

	return err;
}

static int decode(void **out, const ProtobufCMessageDescriptor *d,
		  const void *bytes, size_t len)
{
	struct budget budget = { PB_BUDGET, false, false };
	ProtobufCAllocator allocator = { budget_alloc, budget_free, &budget };
	static const uint8_t none[1];
	const uint8_t *p = len ? bytes : none;
	int err = len > PB_MESSAGE_MAX ? -EMSGSIZE
				       : check(d, (struct wire){ p, p + len },
					       0);

	if (err)
		return err;
	*out = protobuf_c_message_unpack(d, &allocator, len, p);
	if (*out)
		return 0;
	if (budget.no_memory)
		return -ENOMEM;

	return budget.spent ? -E2BIG : -EBADMSG;
}

static void release(void *message)
{
	ProtobufCAllocator allocator = { budget_alloc, budget_free, NULL };

	if (message)
		protobuf_c_message_free_unpacked(message, &allocator);
}

/* remotemedia.v1.webrtc */

typedef Remotemedia__V1__Webrtc__SignalingRequest pb_signaling_request;
typedef Remotemedia__V1__Webrtc__AnnounceRequest pb_announce_request;

/* The map, as pairs; the last entry of a key counts. */
static int read_metadata(struct pb_pairs *out, const pb_announce_request *a)
{
	struct pb_pair *pairs;
	size_t n = 0;

	if (a->n_metadata == 0)
		return 0;
	pairs = calloc(a->n_metadata, sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	for (size_t i = a->n_metadata; i-- > 0;) {
		size_t seen = 0;

		while (seen < n &&
		       strcmp(pairs[seen].key, a->metadata[i]->key) != 0)
			seen++;
		if (seen < n)
			continue;
		pairs[n++] = (struct pb_pair){ a->metadata[i]->key,
					       a->metadata[i]->value };
	}
	*out = (struct pb_pairs){ pairs, n };

	return 0;
}

static int read_announce(struct pb_request *out, const pb_announce_request *a)
{
	out->ask = PB_ANNOUNCE;
	out->peer = a->peer_id;
	if (a->capabilities) {
		out->has_caps = true;
		out->caps = (struct pb_caps){ a->capabilities->audio,
					      a->capabilities->video,
					      a->capabilities->data,
					      a->capabilities->extensions };
	}

	out->too_many = a->n_metadata > PB_METADATA_MAX;

	return out->too_many ? 0 : read_metadata(&out->metadata, a);
}

static void read_candidate(
	struct pb_request *out,
	const Remotemedia__V1__Webrtc__IceCandidateRequest *c)
{
	out->ask = PB_CANDIDATE;
	out->peer = c->to_peer_id;
	out->candidate = c->candidate;
	out->mid = c->sdp_mid;
	out->mline = c->sdp_mline_index;
}

static void read_description(struct pb_request *out, enum pb_ask ask,
			     const char *to, const char *sdp, const char *type)
{
	out->ask = ask;
	out->peer = to;
	out->sdp = sdp;
	out->type = type;
}

#define CASE(name) REMOTEMEDIA__V1__WEBRTC__SIGNALING_REQUEST__REQUEST_##name

static int read_request(struct pb_request *out, const pb_signaling_request *m)
{
	switch (m->request_case) {
	case CASE(ANNOUNCE):
		return read_announce(out, m->announce);
	case CASE(OFFER):
		read_description(out, PB_OFFER, m->offer->to_peer_id,
				 m->offer->sdp, m->offer->type);
		break;
	case CASE(ANSWER):
		read_description(out, PB_ANSWER, m->answer->to_peer_id,
				 m->answer->sdp, m->answer->type);
		break;
	case CASE(ICE_CANDIDATE):
		read_candidate(out, m->ice_candidate);
		break;
	case CASE(DISCONNECT):
		out->ask = PB_DISCONNECT;
		out->peer = m->disconnect->peer_id;
		break;
	case CASE(LIST_PEERS):
		out->ask = PB_LIST_PEERS;
		break;
	case CASE(_NOT_SET):
	/* clang-format off */
	case _REMOTEMEDIA__V1__WEBRTC__SIGNALING_REQUEST__REQUEST__CASE_IS_INT_SIZE:
		/* clang-format on */
		break;
	}

	return 0;
}

int pb_request_decode(struct pb_request *out, const void *bytes, size_t len)
{
	const ProtobufCMessageDescriptor *d =
		&remotemedia__v1__webrtc__signaling_request__descriptor;
	pb_signaling_request *m;
	int err;

	*out = (struct pb_request){ .id = "", .peer = "", .sdp = "",
				    .type = "", .candidate = "", .mid = "",
				    .caps = { .extensions = "" } };
	err = decode(&out->message, d, bytes, len);
	if (err)
		return err;
	m = out->message;
	out->id = m->request_id;
	err = read_request(out, m);
	if (err)
		pb_request_free(out);

	return err;
}

static void free_pairs(struct pb_pairs *p)
{
	struct pb_pair *pairs;

	memcpy(&pairs, &p->at, sizeof(pairs));
	free(pairs);
	*p = (struct pb_pairs){ 0 };
}

void pb_request_free(struct pb_request *r)
{
	free_pairs(&r->metadata);
	release(r->message);
	r->message = NULL;
}

int pb_empty_check(const void *bytes, size_t len)
{
	const ProtobufCMessageDescriptor *d =
		&remotemedia__v1__webrtc__get_peers_request__descriptor;
	void *message;
	int err = decode(&message, d, bytes, len);

	if (!err)
		release(message);

	return err;
}

/* grpc.health.v1 */

int pb_probe_decode(struct pb_probe *out, const void *bytes, size_t len)
{
	const ProtobufCMessageDescriptor *d =
		&grpc__health__v1__health_check_request__descriptor;
	Grpc__Health__V1__HealthCheckRequest *m;
	int err;

	*out = (struct pb_probe){ "", NULL };
	err = decode(&out->message, d, bytes, len);
	if (err)
		return err;
	m = out->message;
	out->service = m->service;

	return 0;
}

void pb_probe_free(struct pb_probe *p)
{
	release(p->message);
	p->message = NULL;
}

/* grpc.reflection.v1 */

#undef CASE
#define CASE(name) \
	GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name

static void read_question(
	struct pb_question *out,
	const Grpc__Reflection__V1__ServerReflectionRequest *m)
{
	switch (m->message_request_case) {
	case CASE(FILE_BY_FILENAME):
		out->ask = PB_FILE_BY_NAME;
		out->text = m->file_by_filename;
		break;
	case CASE(FILE_CONTAINING_SYMBOL):
		out->ask = PB_FILE_BY_SYMBOL;
		out->text = m->file_containing_symbol;
		break;
	case CASE(FILE_CONTAINING_EXTENSION):
		out->ask = PB_FILE_BY_EXTENSION;
		out->text = m->file_containing_extension->containing_type;
		break;
	case CASE(ALL_EXTENSION_NUMBERS_OF_TYPE):
		out->ask = PB_EXTENSION_NUMBERS;
		out->text = m->all_extension_numbers_of_type;
		break;
	case CASE(LIST_SERVICES):
		out->ask = PB_LIST_SERVICES;
		break;
	case CASE(_NOT_SET):
	/* clang-format off */
	case _GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST__CASE_IS_INT_SIZE:
		/* clang-format on */
		break;
	}
}

int pb_question_decode(struct pb_question *out, const void *bytes, size_t len)
{
	/* clang-format off */
	const ProtobufCMessageDescriptor *d =
		&grpc__reflection__v1__server_reflection_request__descriptor;
	/* clang-format on */
	int err;

	*out = (struct pb_question){ .text = "" };
	err = decode(&out->message, d, bytes, len);
	if (!err)
		read_question(out, out->message);

	return err;
}

void pb_question_free(struct pb_question *q)
{
	release(q->message);
	q->message = NULL;
}
