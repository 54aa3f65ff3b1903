/*
 * rpc_kit.h - conversations without sockets: exact texts in and out
 *
 * Three connections a, b and c share one world; what each is sent is kept as
 * lines "a: text". The broker is a script: it keeps what it was told. The
 * resume token is always 32 x "ab", as 16 bytes 0xab.
 */
#ifndef TESTS_UNIT_RPC_KIT_H
#define TESTS_UNIT_RPC_KIT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "signaling/jsonrpc.h"
#include "tests/unit/suite.h"

static char heard[262144];
static int broker_err;
static uint64_t last_call;
static struct world world;
static struct metrics counters;
static uint64_t last_control;
static struct rpc *conns[3];
static bool full[3];

static void keep(const char *who, const char *text, size_t len)
{
	size_t at = strlen(heard);

	ck_assert_uint_lt(at + len + 16, sizeof(heard));
	snprintf(heard + at, sizeof(heard) - at, "%s: %.*s\n", who, (int)len,
		 text);
}

static int on_send(const char *text, size_t len, void *arg)
{
	long i = (struct rpc **)arg - conns;
	const char who[2] = { (char)('a' + i), 0 };

	if (full[i])
		return -ENOBUFS;
	keep(who, text, len);

	return 0;
}

static void on_close(uint16_t code, const char *why, void *arg)
{
	char text[64];

	(void)arg;
	snprintf(text, sizeof(text), "%u %s", code, why);
	keep("close", text, strlen(text));
}

static int to_broker(uint64_t call, const char *what)
{
	last_call = call;
	if (!broker_err)
		keep("broker", what, strlen(what));

	return broker_err;
}

static int b_open(uint64_t call, const char *peer, const char *session,
		  void *arg)
{
	(void)arg;
	(void)session;
	(void)peer;

	return to_broker(call, "open");
}

static int b_describe(uint64_t call, enum description_kind kind,
		      const char *sdp, void *arg)
{
	(void)arg;
	(void)sdp;

	return to_broker(call, kind == DESCRIPTION_OFFER ? "offer" : "answer");
}

static int b_want(uint64_t call, unsigned kinds, void *arg)
{
	(void)arg;

	return to_broker(call, kinds == 3 ? "want 3" : "want");
}

static int b_trickle(uint64_t call, const char *line, void *arg)
{
	(void)arg;

	return to_broker(call, line);
}

static int b_close(uint64_t call, void *arg)
{
	(void)arg;

	return to_broker(call, "close");
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

/* Always the same token. */
static void dice(void *bytes, size_t len)
{
	memset(bytes, 0xab, len);
}

static void dropped(const char *name, void *arg)
{
	(void)arg;
	calls_drop(world.calls, name);
}

static int control(uint64_t call, uint64_t request, const char *json,
		   void *arg)
{
	(void)arg;
	(void)call;
	last_control = request;
	if (!broker_err)
		keep("control", json, strlen(json));

	return broker_err;
}

static void begin(void)
{
	struct calls_ops ops = { b_open, b_describe, b_trickle, b_want, b_close,
				 deliver, NULL };
	struct hub_cfg cfg = { .seed = 1, .random = dice,
			       .dropped = dropped };

	log_open("test", "error");
	heard[0] = '\0';
	broker_err = 0;
	memset(full, 0, sizeof(full));
	world = (struct world){ .wall_ms = wall_ms, .messages_per_s = 50,
				.offers_per_s = 2, .version = "1",
				.started_ms = 1700000000000,
				.hostname = "box", .control = control,
				.metrics = &counters };
	ck_assert_int_eq(hub_new(&world.hub, &cfg), 0);
	ck_assert_int_eq(calls_new(&world.calls, &ops, 1), 0);
	calls_on_up(world.calls, mono_at(0));
	for (int i = 0; i < 3; i++) {
		struct talk_out r = { on_send, NULL, on_close, &conns[i] };

		ck_assert_int_eq(rpc_new(&conns[i], &world, &r, mono_at(0)),
				 0);
	}
}

static void end(void)
{
	for (int i = 0; i < 3; i++)
		rpc_free(conns[i], true, mono_at(0));
	calls_free(world.calls);
	hub_free(world.hub);
}

static void say(char who, const char *text)
{
	rpc_message(conns[who - 'a'], text, strlen(text), mono_at(0));
}

static void expect(const char *want)
{
	ck_assert_str_eq(heard, want);
	heard[0] = '\0';
}

static void announce(const char *who)
{
	char text[128];

	for (; *who; who++) {
		snprintf(text, sizeof(text),
			 "{\"jsonrpc\":\"2.0\",\"method\":\"announce\","
			 "\"params\":{\"peer_id\":\"%c\"}}", *who);
		say(*who, text);
	}
	heard[0] = '\0';
}

/* The same in dialect B. */
static inline void announce_b(const char *who)
{
	char text[160];

	for (; *who; who++) {
		snprintf(text, sizeof(text),
			 "{\"jsonrpc\":\"2.0\",\"method\":\"peer.announce\","
			 "\"params\":{\"peer_id\":\"%c\",\"capabilities\":"
			 "[\"audio\"]}}", *who);
		say(*who, text);
	}
	heard[0] = '\0';
}

/* The connection is lost, without a farewell; another takes its place. */
static inline void lose(char who, int64_t us)
{
	struct talk_out r = { on_send, NULL, on_close, &conns[who - 'a'] };

	rpc_free(conns[who - 'a'], false, mono_at(us));
	ck_assert_int_eq(rpc_new(&conns[who - 'a'], &world, &r, mono_at(us)),
			 0);
}

static inline int count(const char *what)
{
	int n = 0;

	for (const char *at = heard; (at = strstr(at, what)); at++)
		n++;

	return n;
}

#define V "{\"jsonrpc\":\"2.0\""
#define ID1 V ",\"id\":1"
#define OK1 "a: " ID1 ",\"result\":"
#define ERR(id, code, message, reason)                                        \
	"a: " V ",\"id\":" id ",\"error\":{\"code\":" code ",\"message\":\""  \
	message "\",\"data\":{\"reason\":\"" reason "\"}}}\n"
#define SERVER "\"remotemedia-server\""
#define LINE "\"candidate:1 1 udp 1 192.0.2.4 5000 typ host\""
#define LISTED_SERVER "\"state\":\"available\",\"metadata\":{\"type\":"  \
	"\"server\",\"version\":\"1\"},\"connected_at\":1700000000"
#define LISTED "\"state\":\"available\",\"metadata\":{},"                 \
	"\"connected_at\":1764000000"
#define TOKEN "\"abababababababababababababababab\""
#define ANNOUNCED(resumed, session) ",\"resume_token\":" TOKEN              \
	",\"resumed\":" resumed ",\"session\":" session                     \
	",\"ice_servers\":[]}}\n"
#define LIST0 "{\"peers\":[{\"peer_id\":" SERVER ",\"capabilities\":"         \
	"{\"audio\":true,\"video\":true,\"data\":true}," LISTED_SERVER      \
	"}],\"count\":1}}\n"
#define REQ "Invalid Request"
#define PAR "Invalid params"
#define M(name, params) ID1 ",\"method\":\"" name "\",\"params\":" params "}"
#define SDP_BAD "Invalid SDP offer"

#endif
