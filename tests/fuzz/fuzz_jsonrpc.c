/*
 * fuzz_jsonrpc.c - two conversations and a broker, driven by bytes
 *
 * Steps are separated by 0x1e; the first byte of a step chooses who speaks:
 * 'a' and 'b' connections (dialect A and B as the methods are), 'u' and 'd'
 * the broker comes and goes, 't' ten seconds pass, 'A' 'O' 'C' 'S' 'G' 'K'
 * 'R' what the broker says, 'x' closes a connection, 'l' loses one. All that
 * is sent must be one JSON value, and every peer of the hub be somebody's.
 * The resume token is always 32 x "5".
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "core/ws/utf8.h"
#include "port/json.h"
#include "signaling/jsonrpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct world world;
static struct metrics counters;
static uint64_t last_control;
static struct rpc *conns[2];
static uint64_t last_call;
static bool is_up;

static int on_send(const char *text, size_t len, void *arg)
{
	char error[JS_ERROR];
	struct js *root;

	(void)arg;
	if (!utf8_ok(text, len))
		abort();
	/* Ids and capabilities may hold numbers no double can; the text is
	 * JSON all the same, and the parser says which of the two it was. */
	if (js_parse(&root, text, len, error)) {
		if (!strstr(error, "number") && !strstr(error, "real"))
			abort();
		return 0;
	}
	js_free(root);

	return 0;
}

static void on_close(uint16_t code, const char *why, void *arg)
{
	(void)arg;
	if (code < 1000 || !why)
		abort();
}

static int told(uint64_t call)
{
	last_call = call;

	return is_up ? 0 : -ENOTCONN;
}

static int b_open(uint64_t call, const char *peer, const char *session,
		  void *arg)
{
	(void)arg;
	(void)session;
	if (!peer_name_ok(peer, strlen(peer)))
		abort();

	return told(call);
}

static int b_describe(uint64_t call, enum description_kind kind,
		      const char *sdp, void *arg)
{
	(void)kind;
	(void)arg;
	if (strlen(sdp) > MSG_SDP)
		abort();

	return told(call);
}

static int b_want(uint64_t call, unsigned kinds, void *arg)
{
	(void)call;
	(void)arg;
	if (!kinds || kinds > 7)
		__builtin_trap();

	return 0;
}

static int b_trickle(uint64_t call, const char *line, void *arg)
{
	(void)arg;
	if (strlen(line) > MSG_CANDIDATE || strchr(line, '\n'))
		abort();

	return told(call);
}

static int b_close(uint64_t call, void *arg)
{
	(void)arg;

	return told(call);
}

static void deliver(const char *peer, const struct hub_event *ev, void *arg)
{
	(void)arg;
	(void)!hub_send(world.hub, peer, ev);
}

static int64_t wall_ms(void)
{
	return 1764000000000;
}

static void dice(void *bytes, size_t len)
{
	memset(bytes, 0x55, len);
}

static void dropped(const char *name, void *arg)
{
	(void)arg;
	calls_drop(world.calls, name);
}

static int control(uint64_t call, uint64_t request, const char *json,
		   void *arg)
{
	char error[JS_ERROR];
	struct js *root;

	(void)arg;
	if (!call || js_parse(&root, json, strlen(json), error))
		abort();
	js_free(root);
	last_control = request;

	return is_up ? 0 : -ENOTCONN;
}

static void open_conn(int i, struct mono now)
{
	struct talk_out ops = { on_send, NULL, on_close, NULL };

	if (rpc_new(&conns[i], &world, &ops, now))
		abort();
}

static void broker_says(char what, const char *text)
{
	uint64_t call = last_call;
	unsigned n = (unsigned char)*text;

	if (what == 'A' || what == 'O')
		calls_on_local(world.calls, call,
			       what == 'O' ? DESCRIPTION_OFFER
					   : DESCRIPTION_ANSWER, text, 7);
	else if (what == 'C')
		calls_on_trickle(world.calls, call, text);
	else if (what == 'S')
		calls_on_state(world.calls, call,
			       (enum call_state)(n % CALL_STATES), 7);
	else if (what == 'G')
		calls_on_gone(world.calls, call, (enum call_why)(n % WHYS),
			      n & 128, text);
	else if (what == 'K' && peer_name_ok(text, strlen(text)))
		calls_on_known(world.calls, n, text, n & 1 ? "s" : "");
	else if (what == 'R')
		rpc_on_control(&world, last_control,
			       (enum control_error)(n % CONTROL_ERRORS),
			       *text ? text + 1 : text);
}

static void check(void)
{
	size_t live = (*rpc_name(conns[0]) != 0) + (*rpc_name(conns[1]) != 0);

	if (hub_count(world.hub) - hub_held(world.hub) > live)
		abort();
}

static void step(const uint8_t *bytes, size_t len, struct mono *now)
{
	char what = (char)bytes[0], *text = malloc(len);

	memcpy(text, bytes + 1, len - 1);
	text[len - 1] = '\0';
	now->us += 20000;
	if ((what == 'a' || what == 'b') && utf8_ok(text, len - 1)) {
		rpc_message(conns[what - 'a'], text, len - 1, *now);
	} else if (what == 'u') {
		is_up = true;
		calls_on_up(world.calls, *now);
	} else if (what == 'd') {
		is_up = false;
		calls_on_down(world.calls, *now);
	} else if (what == 't') {
		now->us += 10000000;
		calls_tick(world.calls, *now);
		hub_tick(world.hub, *now);
		rpc_tick(&world, *now);
	} else if (what == 'x' || what == 'l') {
		rpc_free(conns[len & 1], what == 'x', *now);
		open_conn(len & 1, *now);
	} else {
		broker_says(what, text);
	}
	check();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct calls_ops ops = { b_open, b_describe, b_trickle, b_want, b_close,
				 deliver, NULL };
	struct hub_cfg cfg = { .seed = 1, .random = dice,
			       .dropped = dropped };
	struct mono now = { 0 };

	log_open("fuzz", "error");
	js_seed();
	is_up = false;
	last_call = 1;
	world = (struct world){ .wall_ms = wall_ms, .messages_per_s = 50,
				.offers_per_s = 2, .metrics = &counters,
				.version = "1", .hostname = "h",
				.control = control };
	if (hub_new(&world.hub, &cfg) || calls_new(&world.calls, &ops, 1))
		abort();
	open_conn(0, now);
	open_conn(1, now);
	while (len) {
		const uint8_t *end = memchr(bytes, 0x1e, len);
		size_t part = end ? (size_t)(end - bytes) : len;

		if (part)
			step(bytes, part, &now);
		part += end != NULL;
		bytes += part;
		len -= part;
	}
	rpc_free(conns[0], true, now);
	rpc_free(conns[1], false, now);
	calls_free(world.calls);
	hub_free(world.hub);

	return 0;
}
