/*
 * bench_setup.c - from the offer to both ends connected
 *
 * Ours: the offer is written to the WebSocket, signaling, broker, template
 * and a fresh ice-worker do their part, ICE and DTLS end. Beside it, in the
 * same run and by turns: two ends in one process, libnice and DTLS without
 * any signaling, where the answering end is made when the clock starts. Both
 * answering ends use libnice with the same pacing; the caller of ours is the
 * small agent of tests/client.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "core/sdp/candidate.h"
#include "port/dtls.h"
#include "port/ice.h"
#include "tests/client/server.h"
#include "tests/client/rtc_peer.h"

enum { CALLS = 41, LINES = 8, EARLY = 4, PACING_MS = 5, GIVE_UP_US = 10000000,
       PAUSE_US = 150000 };

static void die(const char *what, int err)
{
	fprintf(stderr, "bench_setup: %s: %s\n", what, strerror(-err));
	exit(1);
}

/* ---- the bare pair ---- */

struct end {
	struct loop *loop;
	struct ice *ice;
	struct dtls_identity *identity;
	struct dtls *dtls;
	struct timer timer, give_up;
	enum dtls_role role;
	char lines[LINES][ICE_LINE_MAX + 1];
	unsigned line_count;
	struct { uint8_t bytes[ICE_DATAGRAM_MAX]; size_t len; } early[EARLY];
	unsigned early_count;
	const struct end *far;
	struct mono connected;
};

static void end_pump(struct end *e);

static void on_end_timer(struct mono now, void *arg)
{
	struct end *e = arg;

	dtls_tick(e->dtls, now);
	end_pump(e);
}

static void end_pump(struct end *e)
{
	enum dtls_turn turn;
	struct dtls_out out;

	while ((turn = dtls_poll(e->dtls, &out)) != DTLS_IDLE) {
		if (turn == DTLS_DATAGRAM)
			(void)!ice_send(e->ice, out.bytes, out.len);
		if (turn != DTLS_CONNECTED)
			continue;
		e->connected = mono_now();
		ice_quit(e->ice);
	}
	loop_timer(e->loop, &e->timer, dtls_due(e->dtls, mono_now()),
		   on_end_timer, e);
}

static void on_end_datagram(const uint8_t *bytes, size_t len, void *arg)
{
	struct end *e = arg;

	if (!e->dtls) {
		if (e->early_count < EARLY && len <= ICE_DATAGRAM_MAX) {
			memcpy(e->early[e->early_count].bytes, bytes, len);
			e->early[e->early_count++].len = len;
		}
		return;
	}
	dtls_recv(e->dtls, bytes, len, mono_now());
	end_pump(e);
}

static void on_end_state(enum ice_state state, void *arg)
{
	struct end *e = arg;
	struct dtls_cfg cfg = {
		.role = e->role,
		.identity = e->identity,
		.fingerprints = { dtls_identity_fingerprint(
			e->far->identity) },
		.fingerprint_count = 1,
	};
	int err;

	if (state != ICE_UP || e->dtls)
		return;
	err = dtls_new(&e->dtls, &cfg, mono_now());
	if (err)
		die("dtls", err);
	for (unsigned i = 0; i < e->early_count; i++)
		dtls_recv(e->dtls, e->early[i].bytes, e->early[i].len,
			  mono_now());
	end_pump(e);
}

static void on_end_candidate(const char *line, void *arg)
{
	struct end *e = arg;

	if (e->line_count < LINES)
		strcpy(e->lines[e->line_count++], line);
}

static void on_end_gathered(void *arg)
{
	(void)arg;
}

static void on_give_up(struct mono now, void *arg)
{
	(void)now;
	(void)arg;
	die("the bare pair does not connect", -ETIMEDOUT);
}

static void end_open(struct end *e, enum dtls_role role)
{
	const struct ice_config cfg = {
		.controlling = role == DTLS_CLIENT, .pacing_ms = PACING_MS,
	};
	const struct ice_ops ops = {
		.datagram = on_end_datagram, .state = on_end_state,
		.candidate = on_end_candidate, .gathered = on_end_gathered,
		.arg = e,
	};
	int err;

	memset(e, 0, sizeof(*e));
	e->role = role;
	e->timer.due = e->give_up.due = MONO_NEVER;
	if ((err = loop_new(&e->loop)) ||
	    (err = dtls_identity_new(&e->identity)) ||
	    (err = ice_new(&e->ice, e->loop, &cfg, &ops)) ||
	    (err = ice_gather(e->ice)))
		die("the bare end", err);
}

static void end_meet(struct end *e, const struct end *far)
{
	int err;

	e->far = far;
	loop_timer(e->loop, &e->give_up, mono_add(mono_now(), GIVE_UP_US),
		   on_give_up, e);
	err = ice_set_remote(e->ice, ice_local(far->ice));
	if (err)
		die("remote credentials", err);
	for (unsigned i = 0; i < far->line_count; i++) {
		struct candidate c;
		char ip[CANDIDATE_ADDR_TEXT];

		if (candidate_parse(&c, far->lines[i], strlen(far->lines[i]),
				    NULL) || !c.udp)
			continue;
		(void)!ice_add_remote(e->ice, addr_write(&c.addr, ip), c.port,
				      c.priority, c.foundation);
	}
	ice_end_remote(e->ice);
	if ((err = ice_run(e->ice)))
		die("ice_run", err);
}

static void end_close(struct end *e)
{
	loop_untimer(&e->timer);
	loop_untimer(&e->give_up);
	ice_free(e->ice);
	dtls_free(e->dtls);
	dtls_identity_free(e->identity);
	loop_free(e->loop);
}

static struct {
	struct end caller, answerer;
	pthread_barrier_t made;
} pair;

static void *answer(void *arg)
{
	(void)arg;
	end_open(&pair.answerer, DTLS_SERVER);
	pthread_barrier_wait(&pair.made);
	end_meet(&pair.answerer, &pair.caller);

	return NULL;
}

static double bare_ms(void)
{
	struct mono start, end;
	pthread_t thread;

	end_open(&pair.caller, DTLS_CLIENT);
	pthread_barrier_init(&pair.made, NULL, 2);
	start = mono_now();
	if (pthread_create(&thread, NULL, answer, NULL))
		die("thread", -EAGAIN);
	pthread_barrier_wait(&pair.made);
	end_meet(&pair.caller, &pair.answerer);
	pthread_join(thread, NULL);
	end = mono_before(pair.caller.connected, pair.answerer.connected) ?
		      pair.answerer.connected : pair.caller.connected;
	end_close(&pair.caller);
	end_close(&pair.answerer);
	pthread_barrier_destroy(&pair.made);

	return (double)mono_since(end, start) / 1000;
}

/* ---- ours ---- */

struct call {
	struct loop *loop;
	struct timer give_up, pause;
	struct rtc_stats stats;
	bool ended;
};

static void on_state(struct rtc_peer *p, enum rtc_state state,
		     struct mono now, void *arg)
{
	struct call *c = arg;

	(void)now;
	if (state == RTC_FAILED) {
		fprintf(stderr, "bench_setup: %s\n", rtc_peer_reason(p));
		exit(1);
	}
	if (state != RTC_CONNECTED)
		return;
	rtc_peer_stats(p, &c->stats);
	c->ended = true;
	loop_stop(c->loop);
}

static void on_pause(struct mono now, void *arg)
{
	struct call *c = arg;

	(void)now;
	loop_stop(c->loop);
}

static void on_call_give_up(struct mono now, void *arg)
{
	(void)now;
	(void)arg;
	die("the call does not connect", -ETIMEDOUT);
}

static void one_call(const struct server *h, const struct track *audio,
		     struct rtc_stats *out)
{
	static unsigned number;
	struct call c = { 0 };
	struct rtc_ops ops = { .state = on_state, .arg = &c };
	char name[32];
	struct rtc_cfg cfg = { .ip = "127.0.0.1", .port = h->port,
			       .name = name, .audio = audio, .data = true };
	struct rtc_peer *p;
	int err;

	snprintf(name, sizeof(name), "setup-%u", number++);
	c.give_up.due = c.pause.due = MONO_NEVER;
	if ((err = loop_new(&c.loop)) ||
	    (err = rtc_peer_new(&p, c.loop, &cfg, &ops)))
		die("call", err);
	loop_timer(c.loop, &c.give_up, mono_add(mono_now(), GIVE_UP_US),
		   on_call_give_up, &c);
	if ((err = loop_run(c.loop)))
		die("loop", err);
	*out = c.stats;
	rtc_peer_free(p);
	loop_untimer(&c.give_up);
	/* The worker leaves before the next turn is measured. */
	loop_timer(c.loop, &c.pause, mono_add(mono_now(), PAUSE_US), on_pause,
		   &c);
	if ((err = loop_run(c.loop)))
		die("loop", err);
	loop_free(c.loop);
}

/* ---- figures ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double print(const char *what, double *ms)
{
	qsort(ms, CALLS, sizeof(*ms), by_value);
	printf("setup %-28s median %6.1f ms  p90 %6.1f ms  best %6.1f ms\n",
	       what, ms[CALLS / 2], ms[CALLS * 9 / 10], ms[0]);

	return ms[CALLS / 2];
}

static double from_offer(const struct rtc_stats *s, enum rtc_state state)
{
	return (double)mono_since(s->at[state], s->at[RTC_OFFERED]) / 1000;
}

int main(void)
{
	static double bare[CALLS], ours[CALLS], answered[CALLS], up[CALLS];
	struct track *audio;
	struct rtc_stats s;
	struct server h;
	double floor, got;
	int err;

	if ((err = dtls_warm()) || (err = ice_warm()) ||
	    (err = track_speech(&audio, 2, 32000)))
		die("warming", err);
	if (server_start(&h))
		return 1;
	one_call(&h, audio, &s);
	for (int i = 0; i < CALLS; i++) {
		bare[i] = bare_ms();
		one_call(&h, audio, &s);
		answered[i] = from_offer(&s, RTC_ANSWERED);
		up[i] = from_offer(&s, RTC_ICE_UP);
		ours[i] = from_offer(&s, RTC_CONNECTED);
	}
	server_stop(&h);
	floor = print("bare libnice + DTLS", bare);
	print("ours: offer to answer", answered);
	print("ours: offer to ICE up", up);
	got = print("ours: offer to connected", ours);
	printf("setup ratio %.2f (at most 2)\n", got / floor);
	track_free(audio);

	return 0;
}
