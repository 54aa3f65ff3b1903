/*
 * test_member.c - what a peer may do, whichever door it came by
 *
 * Tokens are told by a fake: "<subject>/<peer>/<session>/<perms as hex>/<end
 * in ms>", anything else is refused. The broker is a fake too.
 */

#include "signaling/member.h"
#include "signaling/permit.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

static char story[16384];
static bool required;
static int64_t wall;
static struct world world;
static struct metrics counters;
static struct member a, b, c;

/* The fake of auth.c */

bool auth_required(const struct auth *au)
{
	(void)au;

	return required;
}

struct identity auth_nobody(const struct auth *au)
{
	(void)au;

	return (struct identity){ .perms = required ? 0 : AUTH_ALL };
}

int auth_check(struct auth *au, const char *token, size_t len, int64_t wall_ms,
	       struct identity *out, const char **why)
{
	char copy[256], *parts[5], *at = copy;

	(void)au;
	(void)wall_ms;
	snprintf(copy, sizeof(copy), "%.*s", (int)len, token);
	for (int i = 0; i < 5; i++)
		if (!(parts[i] = strsep(&at, "/"))) {
			*why = "not one of ours";
			return -EACCES;
		}
	*out = (struct identity){ .known = true,
				  .perms = (unsigned)strtol(parts[3], NULL,
							    16),
				  .expires_ms = atoll(parts[4]) };
	snprintf(out->subject, sizeof(out->subject), "%s", parts[0]);
	snprintf(out->peer, sizeof(out->peer), "%.128s", parts[1]);
	snprintf(out->session, sizeof(out->session), "%.128s", parts[2]);

	return 0;
}

static void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void tell(const char *fmt, ...)
{
	size_t at = strlen(story);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(story + at, sizeof(story) - at, fmt, ap);
	va_end(ap);
}

static void expect(const char *want)
{
	ck_assert_str_eq(story, want);
	story[0] = '\0';
}

static int hear(const struct hub_event *ev, void *arg)
{
	static const char *const kinds[] = {
		"joined", "left", "disconnected", "offer", "answer",
		"candidate", "state", "taken", "refused-offer", "refused",
	};

	tell("%s<%s %s%s%s\n", (const char *)arg, kinds[ev->kind], ev->peer,
	     ev->reason ? " " : "", ev->reason ? ev->reason : "");

	return 0;
}

static void over(void *arg)
{
	tell("%s<superseded\n", (const char *)arg);
}

static uint64_t last_call;
static int broker_err;

static int b_open(uint64_t call, const char *peer, const char *session,
		  void *arg)
{
	(void)arg;
	last_call = call;
	tell("open %s in '%s'\n", peer, session);

	return broker_err;
}

static int b_describe(uint64_t call, enum description_kind kind,
		      const char *sdp, void *arg)
{
	(void)call;
	(void)kind;
	(void)sdp;
	(void)arg;

	return broker_err;
}

static int b_trickle(uint64_t call, const char *line, void *arg)
{
	(void)call;
	(void)line;
	(void)arg;

	return broker_err;
}

static int b_want(uint64_t call, unsigned kinds, void *arg)
{
	(void)call;
	(void)arg;
	tell("want %u\n", kinds);

	return broker_err;
}

static int b_close(uint64_t call, void *arg)
{
	(void)call;
	(void)arg;
	tell("close\n");

	return broker_err;
}

static void deliver(const char *peer, const struct hub_event *ev, void *arg)
{
	(void)arg;
	(void)!hub_send(world.hub, peer, ev);
}

static int64_t wall_ms(void)
{
	return wall;
}

static void dice(void *bytes, size_t len)
{
	static unsigned char next;

	memset(bytes, ++next, len);
}

static void dropped(const char *name, void *arg)
{
	(void)arg;
	calls_drop(world.calls, name);
}

static void begin(bool tokens)
{
	struct calls_ops ops = { b_open, b_describe, b_trickle, b_want,
				 b_close, deliver, NULL };
	struct hub_cfg cfg = { .seed = 1, .random = dice,
			       .dropped = dropped };
	struct member *m[] = { &a, &b, &c };
	static const char *const who[] = { "A", "B", "C" };

	log_open("test", "error");
	story[0] = '\0';
	required = tokens;
	broker_err = 0;
	wall = 1764000000000;
	counters = (struct metrics){ 0 };
	world = (struct world){ .metrics = &counters, .wall_ms = wall_ms,
				.messages_per_s = 50, .offers_per_s = 2,
				.sessions_per_subject = 2 };
	ck_assert_int_eq(hub_new(&world.hub, &cfg), 0);
	ck_assert_int_eq(calls_new(&world.calls, &ops, 1), 0);
	calls_on_up(world.calls, mono_at(0));
	for (int i = 0; i < 3; i++) {
		struct member_ops mo = { hear, over,
					 (void *)(uintptr_t)who[i] };

		member_init(m[i], &world, &mo, mono_at(0));
	}
}

static void end(void)
{
	member_fini(&a, true, mono_at(0));
	member_fini(&b, true, mono_at(0));
	member_fini(&c, true, mono_at(0));
	calls_free(world.calls);
	hub_free(world.hub);
}

static enum refusal_kind announce(struct member *m, const char *name,
				  const char *session, const char *token)
{
	struct hub_hello h = { .name = name, .session = session,
			       .resume_token = token };
	bool resumed;
	struct refusal r = member_announce(m, &h, &resumed, mono_at(0));

	if (r.kind == MEMBER_OK)
		member_announced(m, resumed);
	else
		ck_assert_str_ne(r.reason, "");

	return r.kind;
}

static enum refusal_kind show(struct member *m, const char *token)
{
	return member_authenticate(m, token, strlen(token)).kind;
}

static enum refusal_kind offer_at(struct member *m, const char *to,
				  const char *sdp, int64_t us)
{
	char id[MEMBER_OFFER_ID];

	return member_offer(m, to, sdp, NULL, id, mono_at(us)).kind;
}

static enum refusal_kind offer(struct member *m, const char *to,
			       const char *sdp)
{
	static int64_t us;

	return offer_at(m, to, sdp, us += 1000000);
}

#define AUDIO "v=0\r\nm=audio 9 X 0\r\n"

START_TEST(what_is_asked_before_announce_is_refused)
{
	struct hub_candidate line = { "c", NULL, -1 };

	begin(false);
	ck_assert_int_eq(offer(&a, "b", AUDIO), REFUSED_NOT_ANNOUNCED);
	ck_assert_int_eq(member_answer(&a, "b", AUDIO, NULL, mono_at(0)).kind,
			 REFUSED_NOT_ANNOUNCED);
	ck_assert_int_eq(member_candidate(&a, "b", &line, mono_at(0)).kind,
			 REFUSED_NOT_ANNOUNCED);
	ck_assert_int_eq(member_request_offer(&a, HUB_SERVER, 7,
					      mono_at(0)).kind,
			 REFUSED_NOT_ANNOUNCED);
	ck_assert_int_eq(member_disconnect(&a, "b", NULL).kind,
			 REFUSED_NOT_ANNOUNCED);
	ck_assert(!member_is_announced(&a));
	ck_assert_str_eq(member_name(&a), "");
	end();
	expect("");
}
END_TEST

START_TEST(a_token_is_needed_where_a_key_is_set)
{
	begin(true);
	ck_assert_int_eq(announce(&a, "a", NULL, NULL), REFUSED_TOKEN);
	ck_assert_int_eq(show(&a, "rubbish"), REFUSED_TOKEN);
	ck_assert_uint_eq(counters.count[M_AUTH_FAILED], 1);
	ck_assert_int_eq(announce(&a, "a", NULL, NULL), REFUSED_TOKEN);
	ck_assert_int_eq(show(&a, "s/a/room/f/0"), MEMBER_OK);
	ck_assert_int_eq(show(&a, "s/a/room/f/0"), MEMBER_OK);
	ck_assert_int_eq(show(&a, "s/b/room/f/0"), REFUSED_TOKEN);
	ck_assert_int_eq(announce(&a, "x", NULL, NULL), REFUSED_PERMISSION);
	ck_assert_int_eq(announce(&a, "a", "other", NULL),
			 REFUSED_PERMISSION);
	ck_assert_int_eq(announce(&a, "a", NULL, NULL), MEMBER_OK);
	ck_assert_str_eq(a.peer.session, "room");
	end();
	/* Where no key is set a token is of no interest. */
	begin(false);
	ck_assert_int_eq(show(&a, "rubbish"), MEMBER_OK);
	ck_assert_int_eq(announce(&a, "a", NULL, NULL), MEMBER_OK);
	end();
}
END_TEST

START_TEST(a_token_ends)
{
	begin(true);
	ck_assert_int_eq(show(&a, "s///f/1764000005000"), MEMBER_OK);
	ck_assert_int_eq(announce(&a, "a", NULL, NULL), MEMBER_OK);
	ck_assert_int_eq(offer(&a, HUB_SERVER, AUDIO), MEMBER_PENDING);
	wall += 5001;
	ck_assert_int_eq(member_disconnect(&a, "x", NULL).kind,
			 REFUSED_TOKEN);
	ck_assert_int_eq(offer(&a, "x", AUDIO), REFUSED_TOKEN);
	end();
}
END_TEST

/* Calls and name end; the conversation may announce again. */
START_TEST(whoever_disconnects_from_itself_leaves)
{
	begin(false);
	ck_assert_int_eq(announce(&a, "a", NULL, NULL), MEMBER_OK);
	ck_assert_int_eq(announce(&b, "b", NULL, NULL), MEMBER_OK);
	ck_assert_int_eq(offer(&a, HUB_SERVER, AUDIO), MEMBER_PENDING);
	ck_assert_int_eq(member_disconnect(&a, "a", NULL).kind, MEMBER_OK);
	ck_assert(!member_is_announced(&a));
	ck_assert(!a.peer.calling);
	ck_assert_uint_eq(calls_count(world.calls), 0);
	ck_assert_int_eq(offer(&b, "a", AUDIO), REFUSED_NO_PEER);
	ck_assert_int_eq(announce(&a, "a2", NULL, NULL), MEMBER_OK);
	end();
	expect("A<joined b\nopen a in ''\n"
	       "A<refused-offer remotemedia-server the call was ended\n"
	       "close\nB<left a\nB<joined a2\nB<left a2\n");
}
END_TEST

/* A session of a token is not left by resuming a peer of another one. */
START_TEST(a_token_of_another_session_resumes_nothing)
{
	char token[HUB_TOKEN];

	begin(true);
	ck_assert_int_eq(show(&a, "s//one/f/0"), MEMBER_OK);
	ck_assert_int_eq(announce(&a, "p", NULL, NULL), MEMBER_OK);
	memcpy(token, a.peer.token, sizeof(token));
	ck_assert_int_eq(show(&b, "t//two/f/0"), MEMBER_OK);
	ck_assert_int_eq(announce(&b, "p", NULL, token), REFUSED_PERMISSION);
	ck_assert_int_eq(show(&c, "s//one/f/0"), MEMBER_OK);
	ck_assert_int_eq(announce(&c, "p", NULL, token), MEMBER_OK);
	expect("A<superseded\n");
	end();
}
END_TEST

#define M(kind) "m=" kind " 9 X 0\r\n"

static const struct {
	const char *sdp;
	unsigned needs;
} sdps[] = {
	{ "v=0\r\n", 0 },
	{ "v=0\r\n" M("audio"), 3 },
	{ "v=0\r\n" M("audio") "a=sendrecv\r\n", 3 },
	{ "v=0\r\n" M("audio") "a=sendonly\r\n", 1 },
	{ "v=0\n" M("audio") "a=recvonly\n", 2 },
	{ "v=0\r\n" M("video") "a=inactive\r\n", 0 },
	{ "v=0\r\n" M("application"), 4 },
	{ "v=0\r\n" M("application") "a=sendonly\r\n", 4 },
	{ "v=0\r\n" M("audio") "a=recvonly\r\n" M("video")
	  "a=sendonly\r\n", 3 },
	{ "v=0\r\n" M("audio") "a=recvonly\r\n" M("application"), 6 },
	{ "v=0\r\n" M("application") M("audio"), 7 },
	{ "v=0\r\n" M("audio") M("video") "a=inactive\r\n", 3 },
	/* a direction of the session is not read: the m-line has none */
	{ "v=0\r\na=recvonly\r\n" M("audio"), 3 },
	/* two that contradict each other are both asked for */
	{ "v=0\r\n" M("audio") "a=recvonly\r\na=sendonly\r\n", 3 },
	{ "v=0\r\n" M("audio") "a=inactive\r\na=sendrecv\r\n", 3 },
	{ "v=0\r\n" M("audio") "a=recvonly \r\n", 3 },
	{ "v=0\r\n" M("audio") "a=recvonlyx\r\n", 3 },
	{ "v=0\r" M("audio") "a=recvonly\r", 2 },
	{ "m=applicationx 1\r\n", 3 },
	{ "m=audio", 3 }, { "", 0 },
};

START_TEST(a_description_asks_for_what_the_table_says)
{
	ck_assert_uint_eq(permit_needed(sdps[_i].sdp), sdps[_i].needs);
}
END_TEST

START_TEST(permissions_of_a_token_bind_its_calls)
{
	begin(true);
	ck_assert_int_eq(show(&a, "s///2/0"), MEMBER_OK);
	ck_assert_int_eq(show(&b, "t///f/0"), MEMBER_OK);
	ck_assert_int_eq(announce(&a, "a", NULL, NULL), MEMBER_OK);
	ck_assert_int_eq(announce(&b, "b", NULL, NULL), MEMBER_OK);
	story[0] = '\0';
	ck_assert_int_eq(offer(&a, "b", AUDIO), REFUSED_PERMISSION);
	ck_assert_int_eq(member_answer(&a, "b", AUDIO, NULL, mono_at(0)).kind,
			 REFUSED_PERMISSION);
	ck_assert_int_eq(offer(&a, HUB_SERVER, AUDIO "a=sendonly\r\n"),
			 REFUSED_PERMISSION);
	expect("");
	ck_assert_int_eq(offer(&a, "b", AUDIO "a=recvonly\r\n"), MEMBER_OK);
	expect("B<offer a\n");
	ck_assert_int_eq(offer(&a, HUB_SERVER, AUDIO "a=recvonly\r\n"),
			 MEMBER_PENDING);
	ck_assert_int_eq(member_request_offer(&a, HUB_SERVER, KIND_DATA,
					      mono_at(90000000)).kind,
			 REFUSED_PERMISSION);
	ck_assert_int_eq(member_may(&a, AUTH_MANAGE).kind,
			 REFUSED_PERMISSION);
	ck_assert_int_eq(member_may(&b, AUTH_MANAGE).kind, MEMBER_OK);
	end();
}
END_TEST

static void answered(void)
{
	calls_on_local(world.calls, last_call, DESCRIPTION_ANSWER, "v=0", 0);
}

START_TEST(a_subject_has_so_many_calls)
{
	struct member *m[] = { &a, &b, &c };
	const char *const names[] = { "a", "b", "c" };

	begin(true);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(show(m[i], "s///f/0"), MEMBER_OK);
		ck_assert_int_eq(announce(m[i], names[i], NULL, NULL),
				 MEMBER_OK);
	}
	ck_assert_int_eq(offer(&a, HUB_SERVER, AUDIO), MEMBER_PENDING);
	answered();
	ck_assert_int_eq(offer(&a, HUB_SERVER, AUDIO), MEMBER_PENDING);
	answered();
	ck_assert_int_eq(offer(&b, HUB_SERVER, AUDIO), MEMBER_PENDING);
	ck_assert_int_eq(offer(&c, HUB_SERVER, AUDIO), REFUSED_CAPACITY);
	/* One that is refused is none. */
	calls_on_gone(world.calls, last_call, WHY_BAD_SDP, true, "no");
	ck_assert_int_eq(offer(&c, HUB_SERVER, AUDIO), MEMBER_PENDING);
	answered();
	ck_assert_int_eq(offer(&b, HUB_SERVER, AUDIO), REFUSED_CAPACITY);
	/* One that is held is one. */
	member_fini(&a, false, mono_at(0));
	ck_assert_int_eq(offer(&b, HUB_SERVER, AUDIO), REFUSED_CAPACITY);
	hub_tick(world.hub, mono_at(HUB_HOLD_US));
	ck_assert_int_eq(offer(&b, HUB_SERVER, AUDIO), MEMBER_PENDING);
	answered();
	/* One that has ended is none, whoever ended it. */
	ck_assert_int_eq(member_disconnect(&c, HUB_SERVER, NULL).kind,
			 MEMBER_OK);
	ck_assert_int_eq(member_request_offer(&c, HUB_SERVER, KIND_AUDIO,
					      mono_at(99000000)).kind,
			 MEMBER_OK);
	ck_assert(c.peer.calling && b.peer.calling);
	calls_on_gone(world.calls, last_call, WHY_LOST, true, "");
	ck_assert(!c.peer.calling && b.peer.calling);
	end();
	/* Without tokens there is no subject. */
	begin(false);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(announce(m[i], names[i], NULL, NULL),
				 MEMBER_OK);
		ck_assert_int_eq(offer(m[i], HUB_SERVER, AUDIO),
				 MEMBER_PENDING);
	}
	end();
}
END_TEST

START_TEST(a_refused_renegotiation_leaves_the_call)
{
	begin(true);
	ck_assert_int_eq(show(&a, "s///f/0"), MEMBER_OK);
	ck_assert_int_eq(announce(&a, "a", NULL, NULL), MEMBER_OK);
	ck_assert_int_eq(offer(&a, HUB_SERVER, AUDIO), MEMBER_PENDING);
	answered();
	ck_assert_int_eq(offer(&a, HUB_SERVER, AUDIO), MEMBER_PENDING);
	calls_on_gone(world.calls, last_call, WHY_BAD_SDP, false, "no");
	ck_assert(a.peer.calling);
	ck_assert_int_eq(offer(&a, HUB_SERVER, "x"), REFUSED_OFFER);
	ck_assert(a.peer.calling);
	end();
}
END_TEST

START_TEST(the_session_of_announce_is_that_of_the_call)
{
	char token[HUB_TOKEN];

	begin(false);
	ck_assert_int_eq(announce(&a, "a", "room", NULL), MEMBER_OK);
	ck_assert_int_eq(announce(&b, "b", NULL, NULL), MEMBER_OK);
	story[0] = '\0';
	ck_assert_int_eq(offer(&a, HUB_SERVER, AUDIO), MEMBER_PENDING);
	ck_assert_int_eq(offer(&b, HUB_SERVER, AUDIO), MEMBER_PENDING);
	expect("open a in 'room'\nopen b in ''\n");
	/* A resume keeps it, whatever is asked for. */
	memcpy(token, a.peer.token, sizeof(token));
	member_fini(&a, false, mono_at(0));
	ck_assert_int_eq(announce(&c, "a", "other", token), MEMBER_OK);
	ck_assert_str_eq(c.peer.session, "room");
	ck_assert(c.peer.calling);
	ck_assert_uint_eq(counters.count[M_ANNOUNCED], 2);
	ck_assert_uint_eq(counters.count[M_RESUMED], 1);
	end();
}
END_TEST

START_TEST(a_clean_end_ends_the_call_at_once)
{
	begin(false);
	ck_assert_int_eq(announce(&a, "a", NULL, NULL), MEMBER_OK);
	ck_assert_int_eq(announce(&b, "b", NULL, NULL), MEMBER_OK);
	ck_assert_int_eq(offer(&a, HUB_SERVER, AUDIO), MEMBER_PENDING);
	answered();
	story[0] = '\0';
	member_fini(&a, true, mono_at(0));
	expect("close\nB<left a\n");
	member_fini(&a, false, mono_at(0));
	expect("");
	end();
}
END_TEST

START_TEST(a_lost_end_ends_the_call_after_a_minute)
{
	begin(false);
	ck_assert_int_eq(announce(&a, "a", NULL, NULL), MEMBER_OK);
	ck_assert_int_eq(announce(&b, "b", NULL, NULL), MEMBER_OK);
	ck_assert_int_eq(offer(&a, HUB_SERVER, AUDIO), MEMBER_PENDING);
	story[0] = '\0';
	member_fini(&a, false, mono_at(0));
	answered();
	hub_tick(world.hub, mono_at(HUB_HOLD_US - 1));
	expect("");
	hub_tick(world.hub, mono_at(HUB_HOLD_US));
	expect("close\nB<left a\n");
	end();
}
END_TEST

START_TEST(sizes_are_limited)
{
	char *big = calloc(1, HUB_SDP_MAX + 2);
	struct hub_hello h = { .name = "x", .caps = big };
	struct hub_candidate line = { big, NULL, -1 };
	bool resumed;

	memset(big, 'x', HUB_SDP_MAX + 1);
	begin(false);
	ck_assert_int_eq(member_announce(&c, &h, &resumed, mono_at(0)).kind,
			 REFUSED_PARAMS);
	h = (struct hub_hello){ .name = "x", .metadata = big };
	ck_assert_int_eq(member_announce(&c, &h, &resumed, mono_at(0)).kind,
			 REFUSED_PARAMS);
	ck_assert_int_eq(announce(&a, "a", NULL, NULL), MEMBER_OK);
	ck_assert_int_eq(offer(&a, "a", big), REFUSED_OFFER);
	ck_assert_int_eq(member_answer(&a, "a", big, NULL, mono_at(0)).kind,
			 REFUSED_ANSWER);
	ck_assert_int_eq(member_candidate(&a, "a", &line, mono_at(0)).kind,
			 REFUSED_CANDIDATE);
	big[HUB_SDP_MAX] = '\0';
	ck_assert_int_eq(offer(&a, "a", big), MEMBER_OK);
	big[HUB_CANDIDATE_MAX] = '\0';
	ck_assert_int_eq(member_candidate(&a, "a", &line, mono_at(0)).kind,
			 MEMBER_OK);
	line.mid = "0123456789012345678901234567890123";
	ck_assert_int_eq(member_candidate(&a, "a", &line, mono_at(0)).kind,
			 REFUSED_CANDIDATE);
	end();
	free(big);
}
END_TEST

START_TEST(rates_are_limited_and_breaches_close)
{
	struct refusal r;
	int closed = 0, refused = 0;

	begin(false);
	ck_assert_int_eq(announce(&a, "a", NULL, NULL), MEMBER_OK);
	for (int i = 0; i < 201; i++) {
		r = member_message(&a, mono_at(0));
		refused += r.kind == REFUSED_RATE;
		closed += r.close;
	}
	ck_assert_int_eq(refused, 101);
	ck_assert_int_eq(closed, 1);
	ck_assert_uint_eq(counters.count[M_RATE_LIMITED], 101);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(offer_at(&a, "a", "x", 0), MEMBER_OK);
	ck_assert_int_eq(offer_at(&a, "a", "x", 0), REFUSED_RATE);
	ck_assert_int_eq(offer_at(&a, "a", "x", 500000), MEMBER_OK);
	end();
}
END_TEST

START_TEST(every_refusal_has_words_and_codes)
{
	for (int k = REFUSED_PARAMS; k <= REFUSED_INTERNAL; k++) {
		enum refusal_kind kind = (enum refusal_kind)k;

		ck_assert_str_ne(refusal_message(kind), "");
		ck_assert_int_le(refusal_rpc_code(kind, false), -32000);
		ck_assert_int_le(refusal_rpc_code(kind, true), -32000);
		ck_assert_uint_ge(refusal_http_status(kind), 400);
		ck_assert_uint_le(refusal_grpc_status(kind), 16);
		ck_assert_uint_ge(refusal_grpc_status(kind), 3);
	}
	ck_assert_int_eq(refusal_rpc_code(REFUSED_NOT_ANNOUNCED, true),
			 -32600);
	ck_assert_int_eq(refusal_rpc_code(REFUSED_TAKEN, true), -32602);
	ck_assert_int_eq(refusal_rpc_code(REFUSED_CANDIDATE, true), -32004);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("member");
	TCase *t = tcase_create("member");

	tcase_add_test(t, what_is_asked_before_announce_is_refused);
	tcase_add_test(t, a_token_is_needed_where_a_key_is_set);
	tcase_add_test(t, a_token_ends);
	tcase_add_test(t, whoever_disconnects_from_itself_leaves);
	tcase_add_test(t, a_token_of_another_session_resumes_nothing);
	tcase_add_loop_test(t, a_description_asks_for_what_the_table_says, 0,
			    ARRAY_LEN(sdps));
	tcase_add_test(t, permissions_of_a_token_bind_its_calls);
	tcase_add_test(t, a_subject_has_so_many_calls);
	tcase_add_test(t, a_refused_renegotiation_leaves_the_call);
	tcase_add_test(t, the_session_of_announce_is_that_of_the_call);
	tcase_add_test(t, a_clean_end_ends_the_call_at_once);
	tcase_add_test(t, a_lost_end_ends_the_call_after_a_minute);
	tcase_add_test(t, sizes_are_limited);
	tcase_add_test(t, rates_are_limited_and_breaches_close);
	tcase_add_test(t, every_refusal_has_words_and_codes);
	suite_add_tcase(s, t);

	return suite_run(s);
}
