/*
 * test_hold.c - peers whose connection is lost, and that come back or not,
 * in simulated time
 */

#include "signaling/hub.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char story[65536];
static struct hub *hub;
static struct hub_peer a, b, c, d;

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

static const char *or_dash(const char *s)
{
	return s ? s : "-";
}

static int hear(const struct hub_event *ev, void *arg)
{
	static const char *const kinds[] = {
		"joined", "left", "disconnected", "offer", "answer",
		"candidate", "state", "taken", "refused-offer", "refused",
	};

	tell("%s<%s %s", (const char *)arg, kinds[ev->kind], ev->peer);
	if (ev->kind == HUB_OFFER || ev->kind == HUB_ANSWER)
		tell(" %s %s %s", or_dash(ev->id), ev->sdp, ev->type);
	if (ev->kind == HUB_JOINED)
		tell(" %s %s", ev->caps, ev->metadata);
	if (ev->kind == HUB_CANDIDATE)
		tell(" %s %s %d", ev->candidate.line,
		     or_dash(ev->candidate.mid), (int)ev->candidate.mline);
	if (ev->reason)
		tell(" %s", ev->reason);
	tell("\n");

	return 0;
}

static void superseded(void *arg)
{
	tell("%s<superseded\n", (const char *)arg);
}

static const struct hub_ops ears = { hear, superseded };

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

static int join(struct hub_peer *p, const char *name, const char *token,
		const char *who)
{
	struct hub_hello h = { .name = name, .resume_token = token,
			       .session = "room", .wall_ms = 7 };

	return hub_join(hub, p, &h, &ears, (void *)(uintptr_t)who);
}

/* a and b are there; nobody was told. */
static void begin(void)
{
	struct hub_cfg cfg = { .seed = 7, .random = dice,
			       .dropped = dropped };

	story[0] = '\0';
	a = b = c = d = (struct hub_peer){ .ops = NULL };
	ck_assert_int_eq(hub_new(&hub, &cfg), 0);
	ck_assert_int_eq(join(&a, "a", NULL, "A"), 0);
	ck_assert_int_eq(join(&b, "b", NULL, "B"), 0);
}

static void end(void)
{
	hub_leave(&a);
	hub_leave(&b);
	hub_leave(&c);
	hub_leave(&d);
	hub_free(hub);
}

static int offer(const char *from, const char *to, const char *sdp)
{
	struct hub_event ev = { .kind = HUB_OFFER, .peer = from, .id = "id",
				.sdp = sdp, .type = "offer" };

	return hub_send(hub, to, &ev);
}

static int of_server(enum hub_kind kind, const char *to)
{
	struct hub_event ev = { .kind = kind, .peer = HUB_SERVER,
				.sdp = "s", .type = "answer",
				.reason = "why" };

	ev.candidate = (struct hub_candidate){ "line", "0", 1 };

	return hub_send(hub, to, &ev);
}

START_TEST(a_lost_peer_comes_back_with_its_token)
{
	char token[HUB_TOKEN];

	begin();
	snprintf(token, sizeof(token), "%s", a.token);
	hub_hold(&a, mono_at(0));
	ck_assert(!a.hub);
	ck_assert(hub_is_held(hub_find(hub, "a")));
	ck_assert_uint_eq(hub_count(hub), 2);
	ck_assert_uint_eq(hub_held(hub), 1);
	ck_assert_ptr_eq(hub_next(hub, NULL), hub_find(hub, "a"));
	ck_assert_int_eq(offer("b", "a", "one"), 0);
	ck_assert_int_eq(of_server(HUB_OFFER_TAKEN, "a"), 0);
	ck_assert_int_eq(of_server(HUB_ANSWER, "a"), 0);
	ck_assert_int_eq(of_server(HUB_CANDIDATE, "a"), 0);
	expect("");
	ck_assert_int_eq(join(&c, "a", NULL, "C"), -EEXIST);
	ck_assert_int_eq(join(&c, "a", "", "C"), -EEXIST);
	ck_assert_int_eq(join(&c, "a", "x", "C"), -EEXIST);
	token[31] ^= 1;
	ck_assert_int_eq(join(&c, "a", token, "C"), -EEXIST);
	token[31] ^= 1;
	ck_assert(!c.hub);
	ck_assert_int_eq(join(&c, "a", token, "C"), 1);
	ck_assert(strcmp(c.token, token) != 0);
	ck_assert_str_eq(c.session, "room");
	ck_assert_int_eq(c.since_ms, 7);
	ck_assert_uint_eq(hub_held(hub), 0);
	ck_assert_ptr_eq(hub_next(hub, NULL), &c);
	/* What comes before the replay waits behind what has. */
	ck_assert_int_eq(offer("b", "a", "two"), 0);
	expect("");
	hub_replay(&c);
	expect("C<offer b id one offer\nC<answer remotemedia-server - s answer "
	       "why\nC<candidate remotemedia-server line 0 1 why\n"
	       "C<offer b id two offer\n");
	hub_replay(&c);
	ck_assert_int_eq(offer("b", "a", "three"), 0);
	expect("C<offer b id three offer\n");
	hub_tick(hub, mono_at(100000000));
	expect("");
	ck_assert_int_eq(join(&d, "a", token, "D"), -EEXIST);	/* old token */
	end();
	expect("C<left b\n");
}
END_TEST

START_TEST(a_lost_peer_leaves_after_sixty_seconds)
{
	char token[HUB_TOKEN];

	begin();
	snprintf(token, sizeof(token), "%s", a.token);
	hub_hold(&a, mono_at(5));
	hub_tick(hub, mono_at(HUB_HOLD_US + 4));
	expect("");
	hub_tick(hub, mono_at(HUB_HOLD_US + 5));
	expect("dropped a\nB<left a\n");
	ck_assert_ptr_null(hub_find(hub, "a"));
	ck_assert_uint_eq(hub_count(hub), 1);
	/* Whoever comes now is somebody new, with or without the token. */
	ck_assert_int_eq(join(&c, "a", token, "C"), 0);
	end();
	expect("C<left b\n");
}
END_TEST

START_TEST(each_loss_has_sixty_seconds_of_its_own)
{
	begin();
	hub_hold(&a, mono_at(0));
	hub_hold(&b, mono_at(10));
	hub_tick(hub, mono_at(HUB_HOLD_US));
	expect("dropped a\n");
	hub_tick(hub, mono_at(HUB_HOLD_US + 9));
	expect("");
	hub_tick(hub, mono_at(HUB_HOLD_US + 10));
	expect("dropped b\n");
	ck_assert_uint_eq(hub_count(hub), 0);
	end();
}
END_TEST

START_TEST(the_newest_wins_with_the_token)
{
	char token[HUB_TOKEN];

	begin();
	snprintf(token, sizeof(token), "%s", a.token);
	ck_assert_int_eq(join(&c, "a", token, "C"), 1);
	expect("A<superseded\n");
	ck_assert(!a.hub);
	ck_assert_ptr_null(a.caps);
	hub_replay(&c);
	ck_assert_int_eq(offer("b", "a", "s"), 0);
	expect("C<offer b id s offer\n");
	/* What the old connection does when it ends harms nobody. */
	hub_hold(&a, mono_at(0));
	hub_leave(&a);
	expect("");
	ck_assert_ptr_eq(hub_find(hub, "a"), &c);
	end();
	story[0] = '\0';
}
END_TEST

START_TEST(a_call_that_ends_ends_the_hold)
{
	char token[HUB_TOKEN];

	begin();
	snprintf(token, sizeof(token), "%s", a.token);
	hub_hold(&a, mono_at(0));
	ck_assert_int_eq(of_server(HUB_DISCONNECTED, "a"), 0);
	expect("");	/* nobody leaves while something is delivered */
	hub_tick(hub, mono_at(1));
	expect("dropped a\nB<left a\n");
	end();
	/* Whoever is back before the tick starts anew as well. */
	begin();
	snprintf(token, sizeof(token), "%s", a.token);
	hub_hold(&a, mono_at(0));
	ck_assert_int_eq(of_server(HUB_DISCONNECTED, "a"), 0);
	ck_assert_int_eq(join(&c, "a", token, "C"), 0);
	expect("dropped a\nB<left a\n");
	ck_assert_uint_eq(hub_held(hub), 0);
	hub_tick(hub, mono_at(1));
	expect("");
	/* A peer's own disconnect is a message like others. */
	snprintf(token, sizeof(token), "%s", c.token);
	hub_hold(&c, mono_at(0));
	ck_assert_int_eq(hub_send(hub, "a", &(struct hub_event){
			.kind = HUB_DISCONNECTED, .peer = "b" }), 0);
	hub_tick(hub, mono_at(1));
	ck_assert_int_eq(join(&d, "a", token, "D"), 1);
	hub_replay(&d);
	expect("D<disconnected b\n");
	end();
	story[0] = '\0';
}
END_TEST

START_TEST(a_sender_hears_when_there_is_no_room)
{
	char *big = calloc(1, 30001);

	begin();
	hub_hold(&a, mono_at(0));
	for (int i = 0; i < HUB_HELD_EVENTS; i++)
		ck_assert_int_eq(offer("b", "a", "s"), 0);
	ck_assert_int_eq(offer("b", "a", "s"), -ENOBUFS);
	/* The pipeline has room of its own. */
	for (int i = 0; i < HUB_HELD_OF_SERVER; i++)
		ck_assert_int_eq(of_server(HUB_CANDIDATE, "a"), 0);
	hub_tick(hub, mono_at(1));
	expect("");
	/* It cannot be told: so the peer is, by not being resumed. */
	ck_assert_int_eq(of_server(HUB_CANDIDATE, "a"), -ENOBUFS);
	hub_tick(hub, mono_at(1));
	expect("dropped a\nB<left a\n");
	end();
	begin();
	memset(big, 'x', 30000);
	hub_hold(&a, mono_at(0));
	for (int i = 0; i < HUB_HELD_BYTES / 30016; i++)
		ck_assert_int_eq(offer("b", "a", big), 0);
	ck_assert_int_eq(offer("b", "a", big), -ENOBUFS);
	ck_assert_int_eq(offer("b", "a", "small"), 0);
	end();
	free(big);
	story[0] = '\0';
}
END_TEST

static int answer_of_server(const char *to, const char *sdp)
{
	struct hub_event ev = { .kind = HUB_ANSWER, .peer = HUB_SERVER,
				.sdp = sdp, .type = "answer" };

	return hub_send(hub, to, &ev);
}

/* Else anybody could end the call of a peer that is held. */
START_TEST(peers_do_not_take_the_room_of_the_pipeline)
{
	enum { N = 100, BIG = 30000 };
	struct hub_peer *many = calloc(N, sizeof(*many));
	char name[16], *big = calloc(1, BIG + 1);

	memset(big, 'x', BIG);
	begin();
	hub_hold(&a, mono_at(0));
	while (offer("b", "a", big) == 0)
		;
	ck_assert_int_eq(answer_of_server("a", big), 0);
	/* Held peers of somebody who has many, all full. */
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		ck_assert_int_eq(join(&many[i], name, NULL, "P"), 0);
		hub_hold(&many[i], mono_at(0));
		while (offer("b", name, big) == 0)
			;
	}
	/* There is no room at all for this one. */
	ck_assert_int_eq(offer("b", "p99", big), -ENOBUFS);
	ck_assert_int_eq(answer_of_server("a", big), 0);
	ck_assert_int_eq(answer_of_server("p99", big), 0);
	hub_tick(hub, mono_at(1));
	expect("");
	end();
	free(many);
	free(big);
}
END_TEST

START_TEST(comings_and_goings_wait_within_their_own_room)
{
	struct hub_peer guests[HUB_HELD_EVENTS];
	char name[16], token[HUB_TOKEN];
	size_t lines = 0;

	memset(guests, 0, sizeof(guests));
	begin();
	snprintf(token, sizeof(token), "%s", a.token);
	hub_hold(&a, mono_at(0));
	for (int i = 0; i < HUB_HELD_EVENTS; i++) {
		snprintf(name, sizeof(name), "g%d", i);
		ck_assert_int_eq(join(&guests[i], name, NULL, "G"), 0);
		hub_tell_joined(&guests[i]);
	}
	for (int i = 0; i < HUB_HELD_EVENTS; i++)
		hub_leave(&guests[i]);
	story[0] = '\0';
	ck_assert_int_eq(offer("b", "a", "s"), 0);
	ck_assert_int_eq(join(&c, "a", token, "C"), 1);
	hub_replay(&c);
	for (const char *at = story; (at = strstr(at, "C<joined g")); at++)
		lines++;
	ck_assert_uint_eq(lines, HUB_HELD_EVENTS);
	ck_assert_ptr_nonnull(strstr(story, "C<joined g0 {} {}\n"));
	ck_assert_ptr_nonnull(strstr(story, "C<offer b"));
	end();
}
END_TEST

/* Those of this machine, and of doors without addresses, are not counted. */
START_TEST(one_address_does_not_take_all_places)
{
	enum { N = HUB_HELD_OF_SOURCE + 1 };
	struct hub_peer *many = calloc(N, sizeof(*many));
	struct hub_peer other = { .ops = NULL };
	struct hub_hello h = { .source = 5, .wall_ms = 7 };
	char name[16];

	begin();
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		h.name = name;
		ck_assert_int_eq(hub_join(hub, &many[i], &h, &ears, "P"), 0);
		hub_hold(&many[i], mono_at(0));
	}
	ck_assert_uint_eq(hub_held(hub), HUB_HELD_OF_SOURCE);
	ck_assert_ptr_null(hub_find(hub, "p512"));
	h = (struct hub_hello){ .name = "other", .source = 6 };
	ck_assert_int_eq(hub_join(hub, &other, &h, &ears, "O"), 0);
	hub_hold(&other, mono_at(0));
	hub_hold(&a, mono_at(0));
	ck_assert(hub_is_held(hub_find(hub, "other")));
	ck_assert(hub_is_held(hub_find(hub, "a")));
	/* Their time is over: there is room again. */
	hub_tick(hub, mono_at(HUB_HOLD_US));
	h = (struct hub_hello){ .name = "again", .source = 5 };
	ck_assert_int_eq(hub_join(hub, &other, &h, &ears, "O"), 0);
	hub_hold(&other, mono_at(0));
	ck_assert(hub_is_held(hub_find(hub, "again")));
	end();
	free(many);
	story[0] = '\0';
}
END_TEST

START_TEST(one_address_has_only_so_many_peers)
{
	enum { N = HUB_OF_SOURCE };
	struct hub_peer *many = calloc(N, sizeof(*many));
	struct hub_peer other = { .ops = NULL };
	struct hub_hello h = { .source = 5 };
	char name[16];

	begin();
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		h.name = name;
		ck_assert_int_eq(hub_join(hub, &many[i], &h, &ears, "P"), 0);
	}
	h.name = "one too many";
	ck_assert_int_eq(hub_join(hub, &other, &h, &ears, "O"), -EUSERS);
	h.source = 6;
	ck_assert_int_eq(hub_join(hub, &other, &h, &ears, "O"), 0);
	hub_leave(&other);
	h = (struct hub_hello){ .name = "one too many", .source = 5 };
	hub_leave(&many[0]);
	ck_assert_int_eq(hub_join(hub, &other, &h, &ears, "O"), 0);
	hub_leave(&other);
	for (int i = 1; i < N; i++)
		hub_leave(&many[i]);
	end();
	free(many);
	story[0] = '\0';
}
END_TEST

START_TEST(another_subject_does_not_resume)
{
	struct hub_peer p = { .ops = NULL }, q = { .ops = NULL };
	struct hub_hello h = { .name = "mine", .subject = 11 };
	char token[HUB_TOKEN];

	begin();
	ck_assert_int_eq(hub_join(hub, &p, &h, &ears, "P"), 0);
	memcpy(token, p.token, sizeof(token));
	hub_hold(&p, mono_at(0));
	h.resume_token = token;
	h.subject = 12;
	ck_assert_int_eq(hub_join(hub, &q, &h, &ears, "Q"), -EEXIST);
	h.subject = 0;
	ck_assert_int_eq(hub_join(hub, &q, &h, &ears, "Q"), -EEXIST);
	h.subject = 11;
	ck_assert_int_eq(hub_join(hub, &q, &h, &ears, "Q"), 1);
	hub_leave(&q);
	end();
	story[0] = '\0';
}
END_TEST

START_TEST(held_peers_have_a_limit_and_memory_one)
{
	enum { N = HUB_HELD_MAX + 1 };
	struct hub_peer *many = calloc(N, sizeof(*many));
	char name[16], *big = calloc(1, 30001);
	int kept = 0;

	memset(big, 'x', 30000);
	begin();
	hub_leave(&b);
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		ck_assert_int_eq(join(&many[i], name, NULL, "P"), 0);
		if (i == HUB_HELD_MAX)
			story[0] = '\0';
		hub_hold(&many[i], mono_at(0));
	}
	expect("dropped p4096\nA<left p4096\n");
	ck_assert_uint_eq(hub_held(hub), HUB_HELD_MAX);
	for (int i = 0; i < HUB_HELD_MAX; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		kept += offer("a", name, big) == 0;
	}
	ck_assert_int_ge(kept, HUB_HELD_TOTAL / 30100);
	ck_assert_int_le(kept, HUB_HELD_TOTAL / 30000);
	hub_leave(&a);
	hub_tick(hub, mono_at(HUB_HOLD_US));
	ck_assert_uint_eq(hub_count(hub), 0);
	/* All the room is there again. */
	ck_assert_int_eq(join(&a, "a", NULL, "A"), 0);
	hub_hold(&a, mono_at(0));
	ck_assert_int_eq(offer("b", "a", big), 0);
	hub_free(hub);
	free(many);
	free(big);
}
END_TEST

START_TEST(one_that_is_lost_again_before_its_replay_loses_nothing)
{
	char token[HUB_TOKEN];

	begin();
	snprintf(token, sizeof(token), "%s", a.token);
	hub_hold(&a, mono_at(0));
	ck_assert_int_eq(offer("b", "a", "one"), 0);
	ck_assert_int_eq(join(&c, "a", token, "C"), 1);
	snprintf(token, sizeof(token), "%s", c.token);
	hub_hold(&c, mono_at(0));
	ck_assert_int_eq(offer("b", "a", "two"), 0);
	ck_assert_int_eq(join(&d, "a", token, "D"), 1);
	hub_replay(&d);
	expect("D<offer b id one offer\nD<offer b id two offer\n");
	end();
	story[0] = '\0';
}
END_TEST

START_TEST(names_and_sessions_are_checked)
{
	struct hub_hello h = { .name = "x", .session = "a\nb" };

	begin();
	ck_assert_int_eq(hub_join(hub, &c, &h, &ears, NULL), -EINVAL);
	h.session = "\xc3\xa9 1";
	h.name = "";
	ck_assert_int_eq(hub_join(hub, &c, &h, &ears, NULL), -EINVAL);
	h.name = HUB_SERVER;
	ck_assert_int_eq(hub_join(hub, &c, &h, &ears, NULL), -EEXIST);
	h.name = "x";
	ck_assert_int_eq(hub_join(hub, &c, &h, &ears, "C"), 0);
	ck_assert_str_eq(c.session, "\xc3\xa9 1");
	ck_assert_str_eq(c.caps, "{}");
	ck_assert_uint_eq(strlen(c.token), 32);
	ck_assert_int_eq(hub_join(hub, &c, &h, &ears, "C"), -EISCONN);
	end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hold");
	TCase *t = tcase_create("resume");

	tcase_add_test(t, a_lost_peer_comes_back_with_its_token);
	tcase_add_test(t, a_lost_peer_leaves_after_sixty_seconds);
	tcase_add_test(t, each_loss_has_sixty_seconds_of_its_own);
	tcase_add_test(t, the_newest_wins_with_the_token);
	tcase_add_test(t, a_call_that_ends_ends_the_hold);
	tcase_add_test(t, a_sender_hears_when_there_is_no_room);
	tcase_add_test(t, peers_do_not_take_the_room_of_the_pipeline);
	tcase_add_test(t, comings_and_goings_wait_within_their_own_room);
	tcase_add_test(t, one_address_does_not_take_all_places);
	tcase_add_test(t, one_address_has_only_so_many_peers);
	tcase_add_test(t, another_subject_does_not_resume);
	tcase_add_test(t, held_peers_have_a_limit_and_memory_one);
	tcase_add_test(t,
		       one_that_is_lost_again_before_its_replay_loses_nothing);
	tcase_add_test(t, names_and_sessions_are_checked);
	suite_add_tcase(s, t);

	return suite_run(s);
}
