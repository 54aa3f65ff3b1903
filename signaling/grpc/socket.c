/*
 * socket.c - gRPC over a WebSocket (subprotocol grpc-websockets)
 *
 * One WebSocket is one call. The client's first message is a block of
 * headers; then each message begins with a byte: 0 and bytes of frames, or 1
 * alone for "I send no more".
 */

#include "signaling/grpc/grpc.h"

#include <stdlib.h>
#include <string.h>

#include "core/ws/ws.h"
#include "signaling/door.h"
#include "signaling/grpc/call.h"

enum { PATH_MAX_LEN = 256 };

enum { MORE = 0, NO_MORE = 1 };

struct grpc_talk {
	struct door *door;
	struct talk_out to;
	struct grpc_call *call;	/* NULL before the headers */
	struct source_key source;
	bool over;		/* the call may be freed already */
	struct timer deadline;	/* for the headers */
	char path[PATH_MAX_LEN];
};

static void on_silent(struct mono now, void *arg)
{
	struct grpc_talk *t = arg;

	(void)now;
	t->to.close(WS_CODE_POLICY, "the headers did not come", t->to.arg);
}

/*
 * The call ends by itself and frees itself then; it says so by closing the
 * WebSocket, through here.
 */
static int send_binary(const void *bytes, size_t len, void *arg)
{
	struct grpc_talk *t = arg;

	return t->to.binary(bytes, len, t->to.arg);
}

static void send_close(uint16_t code, const char *why, void *arg)
{
	struct grpc_talk *t = arg;

	t->over = true;
	t->call = NULL;
	t->to.close(code, why, t->to.arg);
}

static void begin(struct grpc_talk *t, const void *bytes, size_t len,
		  struct mono now)
{
	struct h1_header headers[GRPC_BLOCK_HEADERS];
	int n = grpc_block(headers, bytes, len);
	struct h1_span path = { t->path, strlen(t->path) };

	loop_untimer(&t->deadline);
	if (n < 0) {
		metrics_add(t->door->world->metrics, M_GRPC_BAD);
		t->over = true;
		t->to.close(WS_CODE_POLICY, "not a block of headers",
			    t->to.arg);
		return;
	}
	t->call = grpc_call_new(t->door, GRPC_SOCKET, now);
	if (!t->call) {
		t->over = true;
		t->to.close(WS_CODE_LATER, "no memory", t->to.arg);
		return;
	}
	t->call->to = (struct talk_out){ NULL, send_binary, send_close, t };
	t->call->has_talk = true;
	t->call->source = t->source;
	grpc_call_begin(t->call, path, headers, (unsigned)n, now);
}

static void on_binary(void *talk, const void *bytes, size_t len,
		      struct mono now)
{
	struct grpc_talk *t = talk;
	const uint8_t *p = bytes;

	if (t->over)
		return;
	if (!t->call)
		begin(t, bytes, len, now);
	else if (len == 1 && p[0] == NO_MORE)
		grpc_call_half_close(t->call, now);
	else if (len && p[0] == MORE)
		grpc_call_bytes(t->call, p + 1, len - 1, now);
	else
		grpc_end(t->call, GRPC_INTERNAL,
			 "a message begins with neither 0 nor 1");
}

static void on_gone(void *talk, bool clean, struct mono now)
{
	struct grpc_talk *t = talk;

	loop_untimer(&t->deadline);
	if (t->call)
		grpc_call_gone(t->call, !clean, now);
	free(t);
}

static const char *name_of(const void *talk)
{
	const struct grpc_talk *t = talk;

	return t->call ? t->call->name : "";
}

/* text NULL: a text message is refused. */
static const struct talk_ops ops = { NULL, on_binary, on_gone, name_of };

unsigned grpc_ws_open(struct talk *out, struct door *door,
		      const struct http_request *r, const struct talk_out *to,
		      struct mono now)
{
	struct grpc_talk *t;
	int64_t patience;

	if (!http_origin_ok(r, door->origins))
		return 403;
	if (r->path.len >= PATH_MAX_LEN)
		return 404;
	t = calloc(1, sizeof(*t));
	if (!t)
		return 503;
	t->door = door;
	t->to = *to;
	t->source = r->source;
	memcpy(t->path, r->path.at, r->path.len);
	patience = door->limits->announce_timeout_s * (int64_t)1000000;
	loop_timer(door->loop, &t->deadline, mono_add(now, patience),
		   on_silent, t);
	*out = (struct talk){ &ops, t, GRPC_WS_PROTOCOL };

	return 0;
}
