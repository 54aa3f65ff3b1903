/* test_hub.c - peers, calls with the pipeline, rates, sources */

#include "signaling/calls.h"
#include "signaling/hub.h"
#include "signaling/limit.h"
#include "signaling/source.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What happened, one line each, compared as a whole. */
static char story[8192];

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

/* The hub */

static const char *const kinds[] = {
	"joined", "left", "disconnected", "offer", "answer", "candidate",
	"state", "taken", "refused-offer", "refused",
};

static int hear(const struct hub_event *ev, void *arg)
{
	tell("%s<%s %s\n", (const char *)arg, kinds[ev->kind], ev->peer);

	return 0;
}

static int deaf(const struct hub_event *ev, void *arg)
{
	(void)ev;
	(void)arg;

	return -ENOBUFS;
}

static void taken_over(void *arg)
{
	tell("%s<superseded\n", (const char *)arg);
}

static const struct hub_ops ears = { hear, taken_over },
			    no_ears = { deaf, taken_over };

/* Tokens that can be told from each other. */
static void dice(void *bytes, size_t len)
{
	static unsigned char next;

	memset(bytes, ++next, len);
}

static void dropped(const char *name, void *arg)
{
	(void)arg;
	tell("dropped %s\n", name);
}

static struct hub *hub_open(void)
{
	struct hub_cfg cfg = { .seed = 7, .random = dice,
			       .dropped = dropped };
	struct hub *hub;

	ck_assert_int_eq(hub_new(&hub, &cfg), 0);

	return hub;
}

static int join(struct hub *hub, struct hub_peer *p, const char *name,
		const char *token, const struct hub_ops *ops, const char *arg)
{
	struct hub_hello h = { .name = name, .resume_token = token };

	return hub_join(hub, p, &h, ops, (void *)(uintptr_t)arg);
}


START_TEST(peers_join_meet_and_leave)
{
	struct hub_peer a = { 0 }, b = { 0 }, c = { 0 };
	struct hub_event ev = { .kind = HUB_OFFER, .peer = "x" };
	struct hub *hub;

	hub = hub_open();
	ck_assert_int_eq(join(hub, &a, "a", NULL, &ears, "a"), 0);
	hub_tell_joined(&a);
	ck_assert_int_eq(join(hub, &b, "b", NULL, &ears, "b"), 0);
	expect("");
	hub_tell_joined(&b);
	expect("a<joined b\n");
	ck_assert_int_eq(join(hub, &c, "a", NULL, &ears, "c"), -EEXIST);
	ck_assert_int_eq(join(hub, &b, "d", NULL, &ears, "b"), -EISCONN);
	ck_assert_int_eq(join(hub, &c, HUB_SERVER, NULL, &ears, "c"),
			 -EEXIST);
	ck_assert_int_eq(join(hub, &c, "", NULL, &ears, "c"), -EINVAL);
	hub_leave(&c);
	ck_assert_uint_eq(hub_count(hub), 2);
	ck_assert_int_eq(hub_send(hub, "a", &ev), 0);
	ck_assert_int_eq(hub_send(hub, "c", &ev), -ENOENT);
	expect("a<offer x\n");
	hub_leave(&a);
	expect("b<left a\n");
	hub_leave(&a);
	expect("");
	ck_assert_ptr_null(hub_find(hub, "a"));
	ck_assert_int_eq(join(hub, &c, "a", NULL, &no_ears, NULL), 0);
	ck_assert_int_eq(hub_send(hub, "a", &ev), -ENOBUFS);
	ck_assert_ptr_eq(hub_next(hub, NULL), &b);
	ck_assert_ptr_eq(hub_next(hub, &b), &c);
	ck_assert_ptr_null(hub_next(hub, &c));
	hub_leave(&b);
	hub_leave(&c);
	ck_assert_uint_eq(hub_count(hub), 0);
	hub_free(hub);
	expect("");
}
END_TEST

START_TEST(three_thousand_peers_are_found_and_go)
{
	enum { N = 3000 };
	struct hub_peer *peers = calloc(N, sizeof(*peers));
	struct hub *hub;
	char name[16];

	hub = hub_open();
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		ck_assert_int_eq(join(hub, &peers[i], name, NULL, &no_ears,
				      NULL), 0);
	}
	for (int i = 0; i < N; i += 2)
		hub_leave(&peers[i]);
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		ck_assert_ptr_eq(hub_find(hub, name),
				 i & 1 ? &peers[i] : NULL);
	}
	for (int i = 1; i < N; i += 2)
		hub_leave(&peers[i]);
	ck_assert_uint_eq(hub_count(hub), 0);
	hub_free(hub);
	free(peers);
}
END_TEST

static const struct {
	const char *name;
	size_t len;
	bool ok;
} names[] = {
	{ "a", 1, true }, { "", 0, false }, { " ", 1, true },
	{ "\xc3\xa9", 2, true }, { "\xc3", 1, false }, { "a\0b", 3, false },
	{ "a\nb", 3, false }, { "a\x7f", 2, false }, { "\xc2\x85", 2, false },
	{ "\xc2\x9f", 2, false }, { "\xc2\xa0", 2, true },
	{ "\xff", 1, false }, { "\xed\xa0\x80", 3, false },
};

START_TEST(a_name_is_judged_as_the_table_says)
{
	ck_assert(peer_name_ok(names[_i].name, names[_i].len) ==
		  names[_i].ok);
}
END_TEST

START_TEST(a_name_has_at_most_128_bytes)
{
	char name[129];

	memset(name, 'x', sizeof(name));
	ck_assert(peer_name_ok(name, 128));
	ck_assert(!peer_name_ok(name, 129));
}
END_TEST

/* Calls */

static int broker_err;	/* what the broker's functions answer */

static int c_open(uint64_t call, const char *peer, const char *session,
		  void *arg)
{
	(void)arg;
	if (!broker_err)
		tell("open %d %s%s%s\n", (int)call, peer,
		     *session ? " in " : "", session);

	return broker_err;
}

static int c_describe(uint64_t call, enum description_kind kind,
		      const char *sdp, void *arg)
{
	(void)arg;
	if (!broker_err)
		tell("%s %d %s\n", kind == DESCRIPTION_OFFER ? "offer"
							     : "answer",
		     (int)call, sdp);

	return broker_err;
}

static int c_want(uint64_t call, unsigned what, void *arg)
{
	(void)arg;
	if (!broker_err)
		tell("want %d %u\n", (int)call, what);

	return broker_err;
}

static int c_trickle(uint64_t call, const char *line, void *arg)
{
	(void)arg;
	if (!broker_err)
		tell("trickle %d %s\n", (int)call, line);

	return broker_err;
}

static int c_close(uint64_t call, void *arg)
{
	(void)arg;
	if (!broker_err)
		tell("close %d\n", (int)call);

	return broker_err;
}

static void c_deliver(const char *peer, const struct hub_event *ev, void *arg)
{
	(void)arg;
	ck_assert_str_eq(ev->peer, HUB_SERVER);
	tell("%s<%s", peer, kinds[ev->kind]);
	if (ev->sdp)
		tell(" %s", ev->sdp);
	if (ev->candidate.line)
		tell(" %s/%s/%d", ev->candidate.line,
		     ev->candidate.mid ? ev->candidate.mid : "-",
		     (int)ev->candidate.mline);
	if (ev->reason)
		tell(" %s", ev->reason);
	tell("\n");
}

static const struct calls_ops ops = { c_open, c_describe, c_trickle, c_want,
				      c_close,
				      c_deliver, NULL };

static struct calls *begin(bool up)
{
	struct calls *c;

	broker_err = up ? 0 : -ENOTCONN;
	story[0] = '\0';
	ck_assert_int_eq(calls_new(&c, &ops, 1), 0);	/* numbers from 1 */
	if (up)
		calls_on_up(c, mono_at(0));

	return c;
}

static void up(struct calls *c, int64_t us)
{
	broker_err = 0;
	calls_on_up(c, mono_at(us));
}

static void down(struct calls *c, int64_t us)
{
	broker_err = -ENOTCONN;
	calls_on_down(c, mono_at(us));
}

static int candidate(struct calls *c, const char *line, int64_t us)
{
	struct hub_candidate in = { line, "0", 0 };

	return calls_candidate(c, "a", &in, mono_at(us));
}

static void offer(struct calls *c, int64_t us)
{
	ck_assert_int_eq(calls_offer(c, "a", "", "O", mono_at(us)), 0);
}

static void answered(struct calls *c)
{
	offer(c, 0);
	calls_on_local(c, 1, DESCRIPTION_ANSWER, "A", 0);
	story[0] = '\0';
}

START_TEST(a_call_is_opened_answered_and_hung_up)
{
	struct calls *c = begin(true);

	offer(c, 0);
	expect("open 1 a\noffer 1 O\n");
	ck_assert_int_eq(calls_offer(c, "a", "", "O", mono_at(1)), -EBUSY);
	calls_on_local(c, 1, DESCRIPTION_ANSWER, "A", 0);
	expect("a<taken\na<answer A\n");
	calls_on_state(c, 1, CALL_CONNECTED, 5);
	expect("a<state connected\n");
	ck_assert_uint_eq(calls_count(c), 1);
	ck_assert(calls_hangup(c, "a"));
	expect("close 1\n");
	ck_assert(!calls_hangup(c, "a"));
	ck_assert_uint_eq(calls_count(c), 0);
	calls_on_state(c, 1, CALL_CLOSED, 5);
	calls_on_gone(c, 1, WHY_CLOSED, true, "");
	expect("");
	calls_free(c);
}
END_TEST

START_TEST(the_server_makes_an_offer_when_asked)
{
	struct calls *c = begin(true);

	ck_assert_int_eq(calls_want_offer(c, "a", "", 5), 0);
	expect("open 1 a\nwant 1 5\n");
	calls_on_local(c, 1, DESCRIPTION_OFFER, "S", 0);
	expect("a<offer S\n");
	ck_assert_int_eq(calls_want_offer(c, "a", "", 5), -EBUSY);
	ck_assert_int_eq(calls_answer(c, "a", "A", mono_at(0)), 0);
	expect("answer 1 A\n");
	ck_assert_int_eq(calls_want_offer(c, "a", "", 7), 0);
	expect("want 1 7\n");
	down(c, 0);
	ck_assert_int_eq(calls_want_offer(c, "a", "", 7), -EAGAIN);
	calls_free(c);
}
END_TEST

START_TEST(early_candidates_follow_the_offer)
{
	struct calls *c = begin(true);

	ck_assert_int_eq(candidate(c, "c1", 0), 0);
	ck_assert_int_eq(candidate(c, "c2", 0), 0);
	expect("");
	ck_assert_uint_eq(calls_count(c), 0);
	offer(c, 0);
	ck_assert_uint_eq(calls_count(c), 1);
	expect("open 1 a\noffer 1 O\ntrickle 1 0 0 c1\ntrickle 1 0 0 c2\n");
	ck_assert_int_eq(candidate(c, "c3", 0), 0);
	expect("trickle 1 0 0 c3\n");
	calls_on_local(c, 1, DESCRIPTION_ANSWER, "A", 0);
	story[0] = '\0';
	ck_assert_int_eq(candidate(c, "", 0), 0);
	expect("trickle 1 0 0 \n");
	calls_free(c);
}
END_TEST

START_TEST(our_candidates_wait_for_our_answer)
{
	struct calls *c = begin(true);

	offer(c, 0);
	story[0] = '\0';
	calls_on_trickle(c, 1, "0 0 x y");
	calls_on_trickle(c, 1, "- - z");
	calls_on_trickle(c, 1, "bad");
	expect("");
	calls_on_local(c, 1, DESCRIPTION_ANSWER, "A", 0);
	expect("a<taken\na<answer A\na<candidate x y/0/0\n"
	       "a<candidate z/-/-1\n");
	calls_on_trickle(c, 1, "1 1 ");
	expect("a<candidate /1/1\n");
	calls_free(c);
}
END_TEST

START_TEST(a_refused_offer_is_told_once)
{
	struct calls *c = begin(true);

	offer(c, 0);
	story[0] = '\0';
	calls_on_gone(c, 1, WHY_BAD_CANDIDATE, false, "no");
	expect("a<refused no\n");	/* not the offer's end */
	calls_on_gone(c, 1, WHY_BAD_SDP, false, "why");
	expect("a<refused-offer why\n");
	/* The call stands; the next offer uses it. */
	offer(c, 1);
	expect("offer 1 O\n");
	calls_on_gone(c, 1, WHY_FULL, true, "");
	expect("a<refused-offer full\n");
	offer(c, 2);
	expect("open 2 a\noffer 2 O\n");
	calls_on_local(c, 1, DESCRIPTION_ANSWER, "A", 0);
	expect("");
	calls_free(c);
}
END_TEST

START_TEST(a_call_that_ends_is_told)
{
	struct calls *c = begin(true);

	answered(c);
	calls_on_gone(c, 1, WHY_CRASHED, true, "");
	expect("a<disconnected crashed\n");
	ck_assert_uint_eq(calls_count(c), 0);
	calls_free(c);
}
END_TEST

START_TEST(silence_is_an_answer_after_ten_seconds)
{
	struct calls *c = begin(true);

	offer(c, 0);
	story[0] = '\0';
	ck_assert_int_eq(calls_due(c).us, 10000000);
	calls_tick(c, mono_at(9999999));
	expect("");
	calls_tick(c, mono_at(10000000));
	expect("a<refused-offer no answer in 10 s\nclose 1\n");
	calls_on_local(c, 1, DESCRIPTION_ANSWER, "A", 0);
	expect("");
	ck_assert_int_eq(calls_due(c).us, INT64_MAX);
	calls_free(c);
}
END_TEST

START_TEST(a_late_answer_in_a_running_call_changes_nothing)
{
	struct calls *c = begin(true);

	answered(c);
	offer(c, 0);
	expect("offer 1 O\n");
	calls_tick(c, mono_at(10000000));
	expect("a<refused-offer no answer in 10 s\n");
	calls_on_local(c, 1, DESCRIPTION_ANSWER, "A", 0);
	expect("");
	ck_assert_uint_eq(calls_count(c), 1);
	calls_free(c);
}
END_TEST

START_TEST(an_offer_waits_five_seconds_for_the_broker)
{
	struct calls *c = begin(false);

	offer(c, 0);
	ck_assert_int_eq(candidate(c, "c1", 0), 0);
	calls_tick(c, mono_at(4999999));
	expect("");
	calls_tick(c, mono_at(5000000));
	expect("a<refused-offer the media side is restarting\n");
	ck_assert_uint_eq(calls_count(c), 0);
	up(c, 6000000);
	expect("");
	offer(c, 6000000);
	expect("open 2 a\noffer 2 O\n");
	calls_free(c);
}
END_TEST

START_TEST(a_broker_that_returns_hears_all_that_waits)
{
	struct calls *c = begin(false);

	ck_assert_int_eq(candidate(c, "c1", 0), 0);
	offer(c, 0);
	ck_assert_int_eq(candidate(c, "c2", 0), 0);
	up(c, 4000000);
	expect("open 1 a\noffer 1 O\ntrickle 1 0 0 c1\ntrickle 1 0 0 c2\n");
	/* Dies again before it has answered: all of it once more. */
	down(c, 4500000);
	up(c, 5000000);
	expect("open 1 a\noffer 1 O\ntrickle 1 0 0 c1\ntrickle 1 0 0 c2\n");
	calls_on_local(c, 1, DESCRIPTION_ANSWER, "A", 0);
	expect("a<taken\na<answer A\n");
	down(c, 5500000);
	ck_assert_int_eq(candidate(c, "c3", 5500000), 0);
	expect("");
	up(c, 6000000);
	expect("open 1 a\ntrickle 1 0 0 c3\n");
	calls_free(c);
}
END_TEST

START_TEST(a_call_that_ended_meanwhile_is_closed_when_the_broker_is_back)
{
	struct calls *c = begin(true);

	answered(c);
	down(c, 1);
	calls_drop(c, "a");
	expect("");
	ck_assert_uint_eq(calls_count(c), 0);
	offer(c, 2);
	up(c, 3);
	expect("open 2 a\noffer 2 O\nclose 1\n");
	calls_free(c);
}
END_TEST

START_TEST(an_offer_of_the_server_is_answered_once)
{
	struct calls *c = begin(true);

	ck_assert_int_eq(calls_answer(c, "a", "A", mono_at(0)), -ENOENT);
	answered(c);
	ck_assert_int_eq(calls_answer(c, "a", "A", mono_at(0)), -ENOENT);
	calls_on_local(c, 1, DESCRIPTION_OFFER, "S", 77);
	expect("a<offer S\n");
	down(c, 1);
	ck_assert_int_eq(calls_answer(c, "a", "A", mono_at(0)), -EAGAIN);
	up(c, 2);
	story[0] = '\0';
	ck_assert_int_eq(calls_answer(c, "a", "A", mono_at(0)), 0);
	expect("answer 1 A\n");
	ck_assert_int_eq(calls_answer(c, "a", "A", mono_at(0)), -ENOENT);
	calls_free(c);
}
END_TEST

START_TEST(a_call_from_before_belongs_to_its_name)
{
	struct calls *c = begin(true);

	calls_on_known(c, 99, "a", "");
	calls_on_state(c, 99, CALL_CONNECTED, 0);
	expect("a<state connected\n");
	offer(c, 0);
	expect("offer 99 O\n");
	calls_on_known(c, 99, "a", "");
	/* A peer that called anew before the broker told of its old call. */
	calls_on_known(c, 98, "a", "");
	expect("close 98\n");
	/* A number that is taken is not given again. */
	calls_on_known(c, 1, "b", "");
	ck_assert_int_eq(calls_offer(c, "c", "", "O", mono_at(0)), 0);
	expect("open 2 c\noffer 2 O\n");
	calls_free(c);
}
END_TEST

START_TEST(early_candidates_go_to_the_call_that_is_known_later)
{
	struct calls *c = begin(true);

	ck_assert_int_eq(candidate(c, "c1", 0), 0);
	ck_assert_int_eq(candidate(c, "c2", 0), 0);
	expect("");
	calls_on_known(c, 99, "a", "");
	expect("trickle 99 0 0 c1\ntrickle 99 0 0 c2\n");
	ck_assert_uint_eq(calls_count(c), 1);
	ck_assert_int_eq(candidate(c, "c3", 0), 0);
	expect("trickle 99 0 0 c3\n");
	/* The number it had before means nothing any more. */
	calls_on_state(c, 1, CALL_FAILED, 0);
	expect("");
	calls_on_state(c, 99, CALL_CONNECTED, 0);
	expect("a<state connected\n");
	calls_drop(c, "a");
	expect("close 99\n");
	calls_free(c);
}
END_TEST

START_TEST(a_candidate_with_controls_is_not_delivered)
{
	struct calls *c = begin(true);

	answered(c);
	calls_on_trickle(c, 1, "0 0 a\nb");
	calls_on_trickle(c, 1, "0\t0 0 a");
	calls_on_trickle(c, 1, "");
	expect("");
	calls_on_trickle(c, 1, "0 0 ab");
	expect("a<candidate ab/0/0\n");
	calls_free(c);
}
END_TEST

START_TEST(candidates_are_limited)
{
	struct calls *c = begin(true);
	int64_t us = 0;

	for (int i = 0; i < 32; i++)
		ck_assert_int_eq(candidate(c, "c", us), 0);
	ck_assert_int_eq(candidate(c, "c", us), -ENOSPC);
	for (int i = 32; i < 64; i++) {
		us += 125000;	/* eight a second */
		ck_assert_int_eq(candidate(c, "c", us), 0);
		ck_assert_int_eq(candidate(c, "c", us), -ENOSPC);
	}
	us += 60000000;
	ck_assert_int_eq(candidate(c, "c", us), -ENOSPC);
	story[0] = '\0';
	offer(c, us);
	calls_on_local(c, 1, DESCRIPTION_ANSWER, "A", 0);
	ck_assert_int_eq(candidate(c, "c", us), -ENOSPC);
	/* A new offer has candidates of its own. */
	offer(c, us);
	ck_assert_int_eq(candidate(c, "c", us), 0);
	calls_free(c);
	story[0] = '\0';
}
END_TEST

START_TEST(a_candidate_is_one_line)
{
	struct calls *c = begin(true);
	char *line = malloc(MSG_CANDIDATE + 1);
	struct hub_candidate in = { "a\nb", NULL, -1 };

	ck_assert_int_eq(calls_candidate(c, "a", &in, mono_at(0)), -EMSGSIZE);
	in = (struct hub_candidate){ "x", "a b", -1 };
	ck_assert_int_eq(calls_candidate(c, "a", &in, mono_at(0)), -EMSGSIZE);
	in = (struct hub_candidate){ "x", NULL, 65536 };
	ck_assert_int_eq(calls_candidate(c, "a", &in, mono_at(0)), -EMSGSIZE);
	memset(line, 'x', MSG_CANDIDATE);
	line[MSG_CANDIDATE] = '\0';
	in = (struct hub_candidate){ line, NULL, -1 };
	ck_assert_int_eq(calls_candidate(c, "a", &in, mono_at(0)), -EMSGSIZE);
	line[MSG_CANDIDATE - 4] = '\0';	/* "- - " in front fits */
	ck_assert_int_eq(calls_candidate(c, "a", &in, mono_at(0)), 0);
	in = (struct hub_candidate){ "x", "", 3 };
	ck_assert_int_eq(calls_candidate(c, "a", &in, mono_at(0)), 0);
	line[0] = '\0';
	story[0] = '\0';
	offer(c, 0);
	ck_assert_ptr_nonnull(strstr(story, "trickle 1 - 3 x\n"));
	calls_free(c);
	free(line);
	story[0] = '\0';
}
END_TEST

START_TEST(a_call_is_in_the_session_of_its_offer)
{
	struct calls *c = begin(true);

	ck_assert_int_eq(calls_offer(c, "a", "r", "O", mono_at(0)), 0);
	expect("open 1 a in r\noffer 1 O\n");
	/* Another session has to wait for the answer. */
	ck_assert_int_eq(calls_offer(c, "a", "s", "O", mono_at(0)), -EBUSY);
	calls_on_local(c, 1, DESCRIPTION_ANSWER, "A", 0);
	story[0] = '\0';
	/* The same one, or none said: the call goes on. */
	ck_assert_int_eq(calls_offer(c, "a", "r", "O2", mono_at(0)), 0);
	calls_on_local(c, 1, DESCRIPTION_ANSWER, "A", 0);
	ck_assert_int_eq(calls_offer(c, "a", NULL, "O3", mono_at(0)), 0);
	calls_on_local(c, 1, DESCRIPTION_ANSWER, "A", 0);
	ck_assert(strstr(story, "offer 1 O2\n"));
	ck_assert(strstr(story, "offer 1 O3\n"));
	ck_assert(!strstr(story, "open"));
	story[0] = '\0';
	/* Another one: another call. */
	ck_assert_int_eq(calls_offer(c, "a", "s", "O4", mono_at(0)), 0);
	expect("close 1\nopen 2 a in s\noffer 2 O4\n");
	calls_on_local(c, 2, DESCRIPTION_ANSWER, "A", 0);
	story[0] = '\0';
	ck_assert_int_eq(calls_want_offer(c, "a", "", 1), 0);
	expect("close 2\nopen 3 a\nwant 3 1\n");
	calls_free(c);
}
END_TEST

START_TEST(a_known_call_keeps_its_session)
{
	struct calls *c = begin(true);

	calls_on_known(c, 99, "a", "r");
	ck_assert_str_eq(calls_session(c, "a"), "r");
	ck_assert_int_eq(calls_offer(c, "a", "r", "O", mono_at(0)), 0);
	expect("offer 99 O\n");
	calls_on_down(c, mono_at(0));
	calls_on_up(c, mono_at(0));
	expect("open 99 a in r\noffer 99 O\n");
	calls_free(c);
}
END_TEST

START_TEST(names_of_calls_can_be_walked)
{
	struct calls *c = begin(true);
	const char *name;
	int count = 0;

	calls_on_known(c, 50, "x", "");
	calls_on_known(c, 51, "y", "");
	for (name = calls_next(c, NULL); name; name = calls_next(c, name))
		count++;
	ck_assert_int_eq(count, 2);
	calls_free(c);
}
END_TEST

/* Rates and sources */

START_TEST(a_bucket_gives_its_burst_then_its_rate)
{
	struct limit l;
	int given = 0;

	limit_init(&l, 2, 5, mono_at(0));
	while (limit_take(&l, 1, mono_at(0)))
		given++;
	ck_assert_int_eq(given, 5);
	ck_assert_int_eq(limit_wait_us(&l, 1), 500001);
	ck_assert(!limit_take(&l, 1, mono_at(499999)));
	ck_assert(limit_take(&l, 1, mono_at(500000)));
	ck_assert(!limit_take(&l, 1, mono_at(400000)));	/* back in time */
	ck_assert(limit_take(&l, 5, mono_at(60000000)));
	ck_assert(!limit_take(&l, 1, mono_at(60000000)));
}
END_TEST

static struct source_key key_of(uint8_t a, uint8_t last)
{
	uint8_t v6[16] = { [0] = a, [7] = a, [15] = last };

	return source_key(v6);
}

START_TEST(a_source_has_its_caps)
{
	struct source_caps caps = { 3, 2, 5, 6, 0 };
	struct sources *s;

	ck_assert_int_eq(sources_new(&s, &caps), 0);
	for (int i = 0; i < 3; i++)	/* one /64, whatever the host part */
		ck_assert_int_eq(sources_enter(s, key_of(1, (uint8_t)i),
					       mono_at(0)), 0);
	ck_assert_int_eq(sources_enter(s, key_of(1, 9), mono_at(0)), -EUSERS);
	sources_leave(s, key_of(1, 0));
	ck_assert_int_eq(sources_enter(s, key_of(1, 0), mono_at(0)), 0);
	sources_leave(s, key_of(1, 0));
	ck_assert_int_eq(sources_enter(s, key_of(1, 0), mono_at(0)), 0);
	sources_leave(s, key_of(1, 0));
	ck_assert_int_eq(sources_enter(s, key_of(1, 0), mono_at(0)), -EAGAIN);
	ck_assert_int_eq(sources_enter(s, key_of(1, 0), mono_at(500000)), 0);
	for (uint8_t i = 2; i < 5; i++)
		ck_assert_int_eq(sources_enter(s, key_of(i, 0), mono_at(0)),
				 0);
	ck_assert_int_eq(sources_enter(s, key_of(9, 0), mono_at(0)), -ENFILE);
	ck_assert_uint_eq(sources_total(s), 6);
	for (int i = 0; i < 9; i++)
		sources_leave(s, key_of(1, 0));
	ck_assert_uint_eq(sources_total(s), 3);
	sources_sweep(s, mono_at(60000000));
	ck_assert_int_eq(sources_enter(s, key_of(2, 0), mono_at(60000000)),
			 0);
	sources_free(s);
}
END_TEST

START_TEST(addresses_and_their_keys)
{
	uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 };
	uint8_t other[16] = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 2 };
	uint8_t one[16] = { [15] = 1 };
	struct source_key a = source_key(mapped), b = source_key(other);

	ck_assert(source_is_loopback(mapped) && source_is_loopback(one));
	ck_assert(memcmp(&a, &b, sizeof(a)) != 0);
	mapped[12] = 128;
	one[15] = 2;
	ck_assert(!source_is_loopback(mapped) && !source_is_loopback(one));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hub");
	TCase *h = tcase_create("hub"), *c = tcase_create("calls");
	TCase *l = tcase_create("limits");

	tcase_add_test(h, peers_join_meet_and_leave);
	tcase_add_test(h, three_thousand_peers_are_found_and_go);
	tcase_add_loop_test(h, a_name_is_judged_as_the_table_says, 0,
			    ARRAY_LEN(names));
	tcase_add_test(h, a_name_has_at_most_128_bytes);
	tcase_add_test(c, a_call_is_opened_answered_and_hung_up);
	tcase_add_test(c, the_server_makes_an_offer_when_asked);
	tcase_add_test(c, early_candidates_follow_the_offer);
	tcase_add_test(c, our_candidates_wait_for_our_answer);
	tcase_add_test(c, a_refused_offer_is_told_once);
	tcase_add_test(c, a_call_that_ends_is_told);
	tcase_add_test(c, silence_is_an_answer_after_ten_seconds);
	tcase_add_test(c, a_late_answer_in_a_running_call_changes_nothing);
	tcase_add_test(c, an_offer_waits_five_seconds_for_the_broker);
	tcase_add_test(c, a_broker_that_returns_hears_all_that_waits);
	tcase_add_test(
		c,
		a_call_that_ended_meanwhile_is_closed_when_the_broker_is_back);
	tcase_add_test(c, an_offer_of_the_server_is_answered_once);
	tcase_add_test(c, a_call_from_before_belongs_to_its_name);
	tcase_add_test(c,
		       early_candidates_go_to_the_call_that_is_known_later);
	tcase_add_test(c, a_candidate_with_controls_is_not_delivered);
	tcase_add_test(c, candidates_are_limited);
	tcase_add_test(c, a_candidate_is_one_line);
	tcase_add_test(c, a_call_is_in_the_session_of_its_offer);
	tcase_add_test(c, a_known_call_keeps_its_session);
	tcase_add_test(c, names_of_calls_can_be_walked);
	tcase_add_test(l, a_bucket_gives_its_burst_then_its_rate);
	tcase_add_test(l, a_source_has_its_caps);
	tcase_add_test(l, addresses_and_their_keys);
	suite_add_tcase(s, h);
	suite_add_tcase(s, c);
	suite_add_tcase(s, l);

	return suite_run(s);
}
