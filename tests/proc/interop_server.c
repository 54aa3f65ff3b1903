/*
 * interop_server.c - signaling with the service of the gRPC interop tests
 *
 * Linked in place of signaling/grpc/services.c; all else is the product's
 * own. Messages may have 512 KiB here. tests/grpc/interop starts it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <interop.pb-c.h>

#include "signaling/door.h"
#include "signaling/grpc/services.h"

enum { MESSAGE_MAX = 524288, OUTPUTS_MAX = 64 };

const size_t grpc_message_max = MESSAGE_MAX;

#define T(name) Grpc__Testing__##name

static int pack(struct pb_bytes *out, const ProtobufCMessage *m)
{
	size_t len = protobuf_c_message_get_packed_size(m);

	out->at = calloc(1, PB_ROOM + len);
	if (!out->at)
		return -ENOMEM;
	out->len = PB_ROOM + len;
	protobuf_c_message_pack(m, out->at + PB_ROOM);

	return 0;
}

static void *unpack(struct grpc_call *c, const ProtobufCMessageDescriptor *d,
		    const void *bytes, size_t len)
{
	void *m = protobuf_c_message_unpack(d, NULL, len, bytes);

	if (!m)
		grpc_end(c, GRPC_INVALID_ARGUMENT, "not that message");

	return m;
}

static void release(void *m)
{
	protobuf_c_message_free_unpacked(m, NULL);
}

static void give(struct grpc_call *c, const ProtobufCMessage *m)
{
	struct pb_bytes out;
	int err = pack(&out, m);

	if (!err)
		err = grpc_send(c, out);
	grpc_end(c, err ? GRPC_RESOURCE_EXHAUSTED : GRPC_OK, NULL);
}

/* custom_metadata: both come back. */
static void echo_metadata(struct grpc_call *c, struct mono now)
{
	static const char head[] = "x-grpc-test-echo-initial";
	static const char tail[] = "x-grpc-test-echo-trailing-bin";
	struct h1_span v = grpc_metadata(c, head);

	(void)now;
	if (v.at)
		grpc_header(c, head, v);
	v = grpc_metadata(c, tail);
	if (v.at)
		grpc_trailer(c, tail, v);
}

static bool echo_status(struct grpc_call *c, const T(EchoStatus) * s)
{
	if (!s || s->code == 0)
		return false;
	grpc_end(c, (unsigned)s->code, s->message);

	return true;
}

static void empty_call(struct grpc_call *c, const void *bytes, size_t len,
		       struct mono now)
{
	T(Empty) out = GRPC__TESTING__EMPTY__INIT;
	void *in = unpack(c, &grpc__testing__empty__descriptor, bytes, len);

	(void)now;
	if (!in)
		return;
	release(in);
	give(c, &out.base);
}

/* size zero bytes */
static bool make_payload(T(Payload) * p, int32_t size)
{
	*p = (T(Payload))GRPC__TESTING__PAYLOAD__INIT;
	if (size < 0 || size > MESSAGE_MAX)
		return false;
	p->body.len = (size_t)size;
	p->body.data = calloc(1, p->body.len + 1);

	return p->body.data != NULL;
}

static void unary_call(struct grpc_call *c, const void *bytes, size_t len,
		       struct mono now)
{
	T(SimpleResponse) out = GRPC__TESTING__SIMPLE_RESPONSE__INIT;
	T(SimpleRequest) *in = unpack(
		c, &grpc__testing__simple_request__descriptor, bytes, len);
	T(Payload) payload;

	(void)now;
	if (!in)
		return;
	if (!echo_status(c, in->response_status)) {
		if (make_payload(&payload, in->response_size)) {
			out.payload = &payload;
			give(c, &out.base);
			free(payload.body.data);
		} else {
			grpc_end(c, GRPC_INVALID_ARGUMENT, "response_size");
		}
	}
	release(in);
}

/* StreamingInputCall */

struct sum {
	int32_t bytes;
};

static void input_begin(struct grpc_call *c, struct mono now)
{
	(void)now;
	c->arg = calloc(1, sizeof(struct sum));
	if (!c->arg)
		grpc_end(c, GRPC_RESOURCE_EXHAUSTED, "no memory");
}

static void input_message(struct grpc_call *c, const void *bytes, size_t len,
			  struct mono now)
{
	/* clang-format off */
	T(StreamingInputCallRequest) *in = unpack(
		c, &grpc__testing__streaming_input_call_request__descriptor,
		bytes, len);
	/* clang-format on */
	struct sum *sum = c->arg;

	(void)now;
	if (in && in->payload)
		sum->bytes += (int32_t)in->payload->body.len;
	if (in)
		release(in);
}

static void input_end(struct grpc_call *c, struct mono now)
{
	T(StreamingInputCallResponse) out =
		GRPC__TESTING__STREAMING_INPUT_CALL_RESPONSE__INIT;
	const struct sum *sum = c->arg;

	(void)now;
	out.aggregated_payload_size = sum->bytes;
	give(c, &out.base);
}

static void free_arg(struct grpc_call *c, bool clean, struct mono now)
{
	(void)clean;
	(void)now;
	free(c->arg);
}

/* StreamingOutputCall, FullDuplexCall */

struct output {
	int32_t size, interval_us;
};

struct outputs {
	struct grpc_call *call;
	struct timer timer;
	struct output at[OUTPUTS_MAX];
	unsigned next, len;
	bool closed;		/* nothing more is asked for */
};

static int put_output(struct grpc_call *c, int32_t size)
{
	T(StreamingOutputCallResponse) out =
		GRPC__TESTING__STREAMING_OUTPUT_CALL_RESPONSE__INIT;
	T(Payload) payload;
	struct pb_bytes bytes;
	int err = make_payload(&payload, size) ? 0 : -EINVAL;

	out.payload = &payload;
	if (!err)
		err = pack(&bytes, &out.base);
	free(payload.body.data);

	return err ? err : grpc_send(c, bytes);
}

static void on_turn(struct mono now, void *arg);

/* Sends what is due; an interval is waited before its message. */
static void pump(struct outputs *o, struct mono now, bool waited)
{
	while (o->next < o->len) {
		const struct output *out = &o->at[o->next];
		int err;

		if (out->interval_us && !waited) {
			loop_timer(o->call->door->loop, &o->timer,
				   mono_add(now, out->interval_us), on_turn,
				   o);
			return;
		}
		err = put_output(o->call, out->size);
		if (err == -ENOBUFS)
			return;	/* goes on in writable */
		if (err) {
			grpc_end(o->call, GRPC_INVALID_ARGUMENT, "size");
			return;
		}
		waited = false;
		o->next++;
	}
	o->next = o->len = 0;
	if (o->closed)
		grpc_end(o->call, GRPC_OK, NULL);
}

static void on_turn(struct mono now, void *arg)
{
	pump(arg, now, true);
}

static void output_begin(struct grpc_call *c, struct mono now)
{
	struct outputs *o = calloc(1, sizeof(*o));

	echo_metadata(c, now);
	c->arg = o;
	if (o)
		o->call = c;
	else
		grpc_end(c, GRPC_RESOURCE_EXHAUSTED, "no memory");
}

static void output_message(struct grpc_call *c, const void *bytes, size_t len,
			   struct mono now)
{
	/* clang-format off */
	T(StreamingOutputCallRequest) *in = unpack(
		c, &grpc__testing__streaming_output_call_request__descriptor,
		bytes, len);
	/* clang-format on */
	struct outputs *o = c->arg;

	if (!in)
		return;
	for (size_t i = 0; i < in->n_response_parameters; i++) {
		const T(ResponseParameters) *p = in->response_parameters[i];

		if (o->len < OUTPUTS_MAX)
			o->at[o->len++] = (struct output){ p->size,
							   p->interval_us };
	}
	if (!echo_status(c, in->response_status)) {
		o->closed = o->closed || !c->method->streams_in;
		pump(o, now, false);
	}
	release(in);
}

static void output_close(struct grpc_call *c, struct mono now)
{
	struct outputs *o = c->arg;

	o->closed = true;
	if (o->next == o->len)
		pump(o, now, false);
}

static void output_writable(struct grpc_call *c, struct mono now)
{
	struct outputs *o = c->arg;

	if (o->next < o->len && o->timer.due.us == MONO_NEVER.us)
		pump(o, now, true);
}

static void output_fini(struct grpc_call *c, bool clean, struct mono now)
{
	struct outputs *o = c->arg;

	if (o)
		loop_untimer(&o->timer);
	free_arg(c, clean, now);
}

#define PATH(name) "/grpc.testing.TestService/" name

static const struct grpc_method tests[] = {
	{ .path = PATH("EmptyCall"), .message = empty_call },
	{ .path = PATH("UnaryCall"), .begin = echo_metadata,
	  .message = unary_call },
	{ .path = PATH("StreamingInputCall"), .streams_in = true,
	  .begin = input_begin, .message = input_message,
	  .half_close = input_end, .fini = free_arg },
	{ .path = PATH("StreamingOutputCall"), .streams_out = true,
	  .begin = output_begin, .message = output_message,
	  .writable = output_writable, .fini = output_fini },
	{ .path = PATH("FullDuplexCall"), .streams_in = true,
	  .streams_out = true, .begin = output_begin,
	  .message = output_message, .half_close = output_close,
	  .writable = output_writable, .fini = output_fini },
};

static const struct grpc_method *const methods[] = {
	&grpc_signal, &grpc_get_peers, &grpc_health_check, &grpc_subscribe,
	&grpc_web_send, &grpc_check, &grpc_watch, &grpc_reflect_v1,
	&grpc_reflect_v1alpha,
};

const struct grpc_method *grpc_method_find(struct h1_span path)
{
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		if (h1_is(path, tests[i].path))
			return &tests[i];
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (h1_is(path, methods[i]->path))
			return methods[i];

	return NULL;
}
