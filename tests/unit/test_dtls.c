/*
 * Two associations in memory with a hostile link between them. Time is real,
 * because OpenSSL times its retransmissions by the clock.
 */
#include "port/dtls.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "port/dtls_gate.h"

enum { HELD = 512, BYTES = 2048, TEXT = 4096 };

struct packet {
	uint8_t bytes[BYTES];
	size_t len;
};

/* One end, and the link that leads away from it. */
struct end {
	struct dtls *dtls;
	struct dtls_keys keys;
	unsigned connected, closed, failed, messages;
	uint8_t last[BYTES];
	size_t last_len;
	char reason[96];
	struct packet *link;	/* HELD of them */
	unsigned count, sent;
	size_t longest;
};

struct pair {
	struct end client, server;
	unsigned seed, mischief;
};

static struct dtls_identity *alice, *bob;

static void setup(void)
{
	ck_assert_int_eq(dtls_warm(), 0);
	ck_assert_int_eq(dtls_identity_new(&alice), 0);
	ck_assert_int_eq(dtls_identity_new(&bob), 0);
}

static void teardown(void)
{
	dtls_identity_free(alice);
	dtls_identity_free(bob);
}

static struct dtls *make(enum dtls_role role, enum srtp_profile only,
			 uint16_t mtu)
{
	struct dtls_cfg cfg = { .role = role, .only = only, .mtu = mtu };
	struct dtls *d = NULL;

	cfg.identity = role == DTLS_CLIENT ? alice : bob;
	cfg.fingerprints[0] = dtls_identity_fingerprint(
		role == DTLS_CLIENT ? bob : alice);
	cfg.fingerprint_count = 1;
	ck_assert_int_eq(dtls_new(&d, &cfg, mono_now()), 0);

	return d;
}

static struct pair *pair_new(enum srtp_profile client,
			     enum srtp_profile server)
{
	struct pair *p = calloc(1, sizeof(*p));

	p->client.dtls = make(DTLS_CLIENT, client, 0);
	p->server.dtls = make(DTLS_SERVER, server, 0);
	p->client.link = calloc(HELD, sizeof(struct packet));
	p->server.link = calloc(HELD, sizeof(struct packet));

	return p;
}

static void pair_free(struct pair *p)
{
	dtls_free(p->client.dtls);
	dtls_free(p->server.dtls);
	free(p->client.link);
	free(p->server.link);
	free(p);
}

static void put(struct end *e, const void *bytes, size_t len)
{
	ck_assert_uint_lt(e->count, HELD);
	ck_assert_uint_le(len, BYTES);
	memcpy(e->link[e->count].bytes, bytes, len);
	e->link[e->count++].len = len;
}

static void drain(struct end *e)
{
	struct dtls_out out;
	enum dtls_turn turn;

	while ((turn = dtls_poll(e->dtls, &out)) != DTLS_IDLE) {
		switch (turn) {
		case DTLS_DATAGRAM:
			put(e, out.bytes, out.len);
			e->sent++;
			if (out.len > e->longest)
				e->longest = out.len;
			break;
		case DTLS_CONNECTED:
			e->keys = out.keys;
			e->connected++;
			break;
		case DTLS_DATA:
			ck_assert_uint_eq(e->connected, 1);
			memcpy(e->last, out.bytes, out.len);
			e->last_len = out.len;
			e->messages++;
			break;
		case DTLS_CLOSED:
			e->closed++;
			break;
		case DTLS_FAILED:
			snprintf(e->reason, sizeof(e->reason), "%s",
				 out.reason);
			e->failed++;
			break;
		case DTLS_IDLE:
			break;
		}
	}
}

/* Everything on the link of `from` reaches `to`, in order. */
static void deliver(struct end *from, struct end *to)
{
	drain(from);
	for (unsigned i = 0; i < from->count; i++)
		dtls_recv(to->dtls, from->link[i].bytes, from->link[i].len,
			  mono_now());
	from->count = 0;
	drain(to);
}

/* Until neither has anything to say; no time passes. */
static void settle(struct pair *p)
{
	do {
		deliver(&p->client, &p->server);
		deliver(&p->server, &p->client);
		drain(&p->client);
	} while (p->client.count + p->server.count);
}

static void check_keys(const struct pair *p, enum srtp_profile want)
{
	const struct dtls_keys *c = &p->client.keys, *s = &p->server.keys;
	size_t len = srtp_master_bytes(want);
	static const uint8_t none[SRTP_MASTER_MAX];

	ck_assert_uint_eq(p->client.connected, 1);
	ck_assert_uint_eq(p->server.connected, 1);
	ck_assert_int_eq(c->profile, want);
	ck_assert_int_eq(s->profile, want);
	ck_assert_mem_eq(c->local, s->remote, SRTP_MASTER_MAX);
	ck_assert_mem_eq(c->remote, s->local, SRTP_MASTER_MAX);
	if (!want)
		return;
	ck_assert_mem_ne(c->local, c->remote, len);
	ck_assert_mem_ne(c->local, none, SRTP_KEY);
	ck_assert_mem_ne(c->local + SRTP_KEY, none, len - SRTP_KEY);
}

static void echo(struct pair *p, size_t len)
{
	uint8_t bytes[BYTES];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + len);
	ck_assert_int_eq(dtls_send(p->client.dtls, bytes, len, mono_now()), 0);
	deliver(&p->client, &p->server);
	ck_assert_uint_eq(p->server.last_len, len);
	ck_assert_mem_eq(p->server.last, bytes, len);
	bytes[0] ^= 0xff;
	ck_assert_int_eq(dtls_send(p->server.dtls, bytes, len, mono_now()), 0);
	deliver(&p->server, &p->client);
	ck_assert_uint_eq(p->client.last_len, len);
	ck_assert_mem_eq(p->client.last, bytes, len);
}

static const struct choice {
	enum srtp_profile client, server, want;
} choices[] = {
	{ 0, 0, SRTP_GCM },
	{ SRTP_CM_SHA1_80, 0, SRTP_CM_SHA1_80 },
	{ 0, SRTP_CM_SHA1_80, SRTP_CM_SHA1_80 },
	{ SRTP_GCM, 0, SRTP_GCM },
	{ SRTP_GCM, SRTP_CM_SHA1_80, 0 },
};

START_TEST(both_roles_agree_on_keys_and_profile)
{
	const struct choice *c = &choices[_i];
	struct pair *p = pair_new(c->client, c->server);

	settle(p);
	check_keys(p, c->want);
	ck_assert_uint_le(p->client.longest, DTLS_MTU);
	ck_assert_uint_le(p->server.longest, DTLS_MTU);
	/* hello, certificate and so on, finished: no cookie round trip */
	ck_assert_uint_le(p->client.sent + p->server.sent, 6);
	pair_free(p);
}
END_TEST

/* The exported keys protect packets from one end to the other. */
START_TEST(keys_fit_srtp)
{
	struct pair *p = pair_new(choices[_i].client, choices[_i].server);
	uint8_t packet[100] = { 0x80, 96, 0, 1 };
	struct srtp *out, *in;
	int n;

	settle(p);
	ck_assert_int_eq(srtp_evp.new(&out, choices[_i].want, SRTP_SEND,
				      p->client.keys.local), 0);
	ck_assert_int_eq(srtp_evp.new(&in, choices[_i].want, SRTP_RECV,
				      p->server.keys.remote), 0);
	n = srtp_evp.protect(out, packet, 60, sizeof(packet), 1);
	ck_assert_int_gt(n, 60);
	ck_assert_int_eq(srtp_evp.unprotect(in, packet, (size_t)n, 1), 60);
	srtp_evp.free(out);
	srtp_evp.free(in);
	pair_free(p);
}
END_TEST

static unsigned roll(struct pair *p)
{
	p->seed = p->seed * 1103515245u + 12345u;

	return p->seed >> 16 & 0x7fff;
}

/* Loses, doubles or delays while any mischief is left in the pair. */
static void hostile(struct pair *p, struct end *from, struct end *to)
{
	unsigned held = 0;

	drain(from);
	for (unsigned i = 0; i < from->count; i++) {
		unsigned dice = p->mischief ? roll(p) % 8 : 7;
		struct packet packet = from->link[i];

		if (dice < 5)
			p->mischief--;
		if (dice < 2)
			continue;
		if (dice == 2) {
			/* Overtaken by whatever comes next. */
			from->link[held++] = packet;
			continue;
		}
		for (unsigned n = dice < 5 ? 2 : 1; n; n--)
			dtls_recv(to->dtls, packet.bytes, packet.len,
				  mono_now());
	}
	from->count = held;
	drain(to);
}

static bool is_done(const struct pair *p)
{
	return p->client.connected && p->server.connected;
}

static void step(struct pair *p)
{
	hostile(p, &p->client, &p->server);
	hostile(p, &p->server, &p->client);
	dtls_tick(p->client.dtls, mono_now());
	dtls_tick(p->server.dtls, mono_now());
	if (p->client.failed || p->server.failed)
		ck_abort_msg("seed %u: %s %s", p->seed, p->client.reason,
			     p->server.reason);
}

/* All pairs at once: the waiting for retransmission is shared. */
START_TEST(any_loss_duplicate_and_order_ends_connected)
{
	enum { PAIRS = 320 };
	static struct pair *pairs[PAIRS];
	struct mono until;
	unsigned left, timeouts = 0;

	for (unsigned i = 0; i < PAIRS; i++) {
		pairs[i] = pair_new(0, i & 1 ? SRTP_CM_SHA1_80 : 0);
		pairs[i]->seed = i * 7919 + 1;
		pairs[i]->mischief = 1 + i % 9;
	}
	until = mono_add(mono_now(), 60000000);
	do {
		left = 0;
		for (unsigned i = 0; i < PAIRS; i++) {
			if (is_done(pairs[i]))
				continue;
			step(pairs[i]);
			left++;
		}
		usleep(1000);
	} while (left && mono_before(mono_now(), until));
	ck_assert_uint_eq(left, 0);
	for (unsigned i = 0; i < PAIRS; i++) {
		struct dtls_stats stats;

		check_keys(pairs[i], i & 1 ? SRTP_CM_SHA1_80 : SRTP_GCM);
		pairs[i]->mischief = 0;
		settle(pairs[i]);
		echo(pairs[i], 100 + i);
		dtls_stats(pairs[i]->client.dtls, &stats);
		timeouts += stats.timeouts;
		pair_free(pairs[i]);
	}
	ck_assert_uint_gt(timeouts, 20);
}
END_TEST

/* ---- fragmentation ---- */

static void put24(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 16);
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)v;
}

static uint32_t get24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

/* One handshake message of one record, in datagrams of at most `piece` bytes
 * of it. Record numbers are ours, as there are more records than before. */
static void split_message(struct end *to, const uint8_t *record,
			  size_t piece, uint32_t *seq)
{
	const uint8_t *head = record + 13;
	uint32_t at = get24(head + 6), len = get24(head + 9), done = 0;

	do {
		uint32_t n = len - done < piece ? len - done : (uint32_t)piece;
		uint8_t out[BYTES];

		memcpy(out, record, 25);
		put24(out + 8, (*seq)++);
		out[11] = (uint8_t)((n + 12) >> 8);
		out[12] = (uint8_t)(n + 12);
		put24(out + 19, at + done);
		put24(out + 22, n);
		memcpy(out + 25, head + 12 + done, n);
		put(to, out, 25 + n);
		done += n;
	} while (done < len);
}

/* Takes the link's datagrams apart into fragments. */
static void split(struct end *e, size_t piece, uint32_t *seq)
{
	unsigned count = e->count;
	struct packet *old = calloc(count, sizeof(*old));

	memcpy(old, e->link, count * sizeof(*old));
	e->count = 0;
	for (unsigned i = 0; i < count; i++) {
		uint8_t *p = old[i].bytes, *end = p + old[i].len;

		while (p < end) {
			size_t len = 13 + (size_t)(p[11] << 8 | p[12]);

			if (p[0] == 22 && !p[4]) {
				split_message(e, p, piece, seq);
			} else {
				if (!p[4])
					put24(p + 8, (*seq)++);
				put(e, p, len);
			}
			p += len;
		}
	}
	free(old);
}

static void shuffle(struct pair *p, struct end *e)
{
	for (unsigned i = e->count; i > 1; i--) {
		unsigned j = roll(p) % i;
		struct packet packet = e->link[j];

		e->link[j] = e->link[i - 1];
		e->link[i - 1] = packet;
	}
}

static const size_t pieces[] = { 1000, 100, 64, 33, 20, 11 };

START_TEST(fragmented_hello_in_any_order)
{
	size_t piece = pieces[_i];

	for (unsigned seed = 1; seed <= 20; seed++) {
		struct pair *p = pair_new(0, 0);
		uint32_t seq = 0;

		p->seed = seed;
		drain(&p->client);
		ck_assert_uint_eq(p->client.count, 1);
		split(&p->client, piece, &seq);
		if (piece < 150)
			ck_assert_uint_gt(p->client.count, 1);
		shuffle(p, &p->client);
		/* Nothing but the last piece makes the server answer. */
		for (unsigned i = 0; i < p->client.count; i++) {
			ck_assert_uint_eq(p->server.sent, 0);
			dtls_recv(p->server.dtls, p->client.link[i].bytes,
				  p->client.link[i].len, mono_now());
			drain(&p->server);
		}
		ck_assert_uint_gt(p->server.sent, 0);
		p->client.count = 0;
		deliver(&p->server, &p->client);
		drain(&p->client);
		split(&p->client, 2000, &seq);
		settle(p);
		check_keys(p, SRTP_GCM);
		pair_free(p);
	}
}
END_TEST

/* Every flight of both ends in shuffled fragments. A change_cipher_spec that
 * comes too early is lost, so time may have to pass. */
START_TEST(every_flight_in_shuffled_fragments)
{
	for (unsigned seed = 1; seed <= 8; seed++) {
		struct pair *p = pair_new(0, 0);
		uint32_t seq[2] = { 0, 0 };
		struct mono until = mono_add(mono_now(), 20000000);

		p->seed = seed;
		while (!is_done(p) && mono_before(mono_now(), until)) {
			drain(&p->client);
			split(&p->client, pieces[_i], &seq[0]);
			shuffle(p, &p->client);
			deliver(&p->client, &p->server);
			split(&p->server, pieces[_i], &seq[1]);
			shuffle(p, &p->server);
			deliver(&p->server, &p->client);
			dtls_tick(p->client.dtls, mono_now());
			dtls_tick(p->server.dtls, mono_now());
			usleep(1000);
		}
		check_keys(p, SRTP_GCM);
		pair_free(p);
	}
}
END_TEST

START_TEST(a_small_mtu_is_kept)
{
	struct pair *p = pair_new(0, 0);

	dtls_free(p->server.dtls);
	p->server.dtls = make(DTLS_SERVER, 0, 256);
	settle(p);
	check_keys(p, SRTP_GCM);
	ck_assert_uint_le(p->server.longest, 256);
	ck_assert_uint_gt(p->server.sent, 2);
	pair_free(p);
}
END_TEST

/* ---- who the far end is ---- */

START_TEST(wrong_fingerprint_gets_neither_keys_nor_data)
{
	struct dtls_cfg cfg = { .role = DTLS_CLIENT, .identity = alice };
	enum dtls_role fooled = _i ? DTLS_SERVER : DTLS_CLIENT;
	struct pair *p = pair_new(0, 0);
	struct end *victim = _i ? &p->server : &p->client;

	/* The victim expects somebody else than it meets. */
	cfg.role = fooled;
	cfg.identity = _i ? bob : alice;
	cfg.fingerprints[0] = dtls_identity_fingerprint(cfg.identity);
	cfg.fingerprint_count = 1;
	dtls_free(victim->dtls);
	ck_assert_int_eq(dtls_new(&victim->dtls, &cfg, mono_now()), 0);
	settle(p);
	ck_assert_uint_eq(victim->connected, 0);
	ck_assert_uint_eq(victim->failed, 1);
	ck_assert_str_eq(victim->reason,
			 "certificate does not match the fingerprint");
	ck_assert_int_eq(dtls_send(victim->dtls, "x", 1, mono_now()),
			 -ENOTCONN);
	ck_assert_int_eq(dtls_due(victim->dtls, mono_now()).us, INT64_MAX);
	ck_assert_uint_eq(p->client.messages + p->server.messages, 0);
	ck_assert_uint_eq(p->server.connected, 0);
	pair_free(p);
}
END_TEST

START_TEST(one_of_several_fingerprints_is_enough)
{
	struct dtls_cfg cfg = { .role = DTLS_CLIENT, .identity = alice };
	char lower[DTLS_FINGERPRINT_TEXT];
	struct pair *p = pair_new(0, 0);

	snprintf(lower, sizeof(lower), "%s", dtls_identity_fingerprint(bob));
	for (char *c = lower; *c; c++)
		*c |= *c >= 'A' && *c <= 'Z' ? 0x20 : 0;
	cfg.fingerprints[0] = "sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:"
			      "DD:EE:FF:00:11:22:33";
	cfg.fingerprints[1] = dtls_identity_fingerprint(alice);
	cfg.fingerprints[2] = lower;
	cfg.fingerprint_count = 3;
	dtls_free(p->client.dtls);
	ck_assert_int_eq(dtls_new(&p->client.dtls, &cfg, mono_now()), 0);
	settle(p);
	check_keys(p, SRTP_GCM);
	pair_free(p);
}
END_TEST

static const char *const bad_fingerprints[] = {
	"",
	"sha-256",
	"sha-256 ",
	"sha-256 00",
	"sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33",
	"md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
	"sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE",
	"sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00",
	"sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:F",
	"sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:G0",
	"sha-256 00112233445566778899AABBCCDDEEFF"
	"00112233445566778899AABBCCDDEEFF",
	"sha-384 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
};

START_TEST(bad_fingerprints_are_refused)
{
	struct dtls_cfg cfg = { .role = DTLS_CLIENT, .identity = alice };
	struct dtls *d = NULL;

	cfg.fingerprints[0] = bad_fingerprints[_i];
	cfg.fingerprint_count = 1;
	ck_assert(!dtls_fingerprint_ok(bad_fingerprints[_i]));
	ck_assert_int_eq(dtls_new(&d, &cfg, mono_now()), -EINVAL);
	ck_assert_ptr_null(d);
	cfg.fingerprint_count = 0;
	ck_assert_int_eq(dtls_new(&d, &cfg, mono_now()), -EINVAL);
	ck_assert(dtls_fingerprint_ok(dtls_identity_fingerprint(alice)));
	ck_assert(!dtls_fingerprint_ok(NULL));
}
END_TEST

/* ---- timing ---- */

START_TEST(datagrams_queued_before_the_server_exists_connect_at_once)
{
	struct pair *p = pair_new(0, 0);
	struct dtls_stats stats;

	dtls_free(p->server.dtls);
	/* Two flights wait: the hello and its repetition. */
	drain(&p->client);
	usleep(60000);
	dtls_tick(p->client.dtls, mono_now());
	drain(&p->client);
	ck_assert_uint_eq(p->client.count, 2);
	p->server.dtls = make(DTLS_SERVER, 0, 0);
	settle(p);
	check_keys(p, SRTP_GCM);
	dtls_stats(p->server.dtls, &stats);
	ck_assert_uint_eq(stats.timeouts, 0);
	dtls_stats(p->client.dtls, &stats);
	ck_assert_uint_eq(stats.timeouts, 1);
	pair_free(p);
}
END_TEST

START_TEST(the_first_retry_is_due_after_50_ms)
{
	struct pair *p = pair_new(0, 0);
	struct mono now = mono_now();

	drain(&p->client);
	ck_assert_int_le(mono_since(dtls_due(p->client.dtls, now), now),
			 50000);
	/* A server that has said nothing has only its deadline. */
	ck_assert_int_gt(mono_since(dtls_due(p->server.dtls, now), now),
			 DTLS_DEADLINE_US - 1000000);
	usleep(60000);
	now = mono_now();
	ck_assert_int_eq(dtls_due(p->client.dtls, now).us, now.us);
	dtls_tick(p->client.dtls, now);
	drain(&p->client);
	ck_assert_uint_eq(p->client.count, 2);
	pair_free(p);
}
END_TEST

START_TEST(a_silent_far_end_fails_at_the_deadline)
{
	struct pair *p = pair_new(0, 0);
	struct mono late = mono_add(mono_now(), DTLS_DEADLINE_US + 1000);

	dtls_tick(p->server.dtls, mono_add(late, -1000000));
	drain(&p->server);
	ck_assert_uint_eq(p->server.failed, 0);
	dtls_tick(p->server.dtls, late);
	drain(&p->server);
	ck_assert_uint_eq(p->server.failed, 1);
	ck_assert_str_eq(p->server.reason, "handshake timed out");
	/* Final: nothing wakes it, nothing comes out. */
	deliver(&p->client, &p->server);
	dtls_tick(p->server.dtls, mono_add(late, 1000000));
	drain(&p->server);
	ck_assert_uint_eq(p->server.failed, 1);
	ck_assert_uint_eq(p->server.sent, 0);
	pair_free(p);
}
END_TEST

/* ---- bad datagrams ---- */

static const uint8_t handshake_failure[] = {
	21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40,
};

START_TEST(a_forged_alert_does_not_end_a_handshake)
{
	struct pair *p = pair_new(0, 0);
	struct mono now = mono_now();
	struct dtls_stats stats;

	dtls_recv(p->server.dtls, handshake_failure,
		  sizeof(handshake_failure), now);
	dtls_recv(p->client.dtls, handshake_failure,
		  sizeof(handshake_failure), now);
	settle(p);
	check_keys(p, SRTP_GCM);
	dtls_stats(p->server.dtls, &stats);
	ck_assert_uint_eq(stats.dropped_bad, 1);
	pair_free(p);
}
END_TEST

START_TEST(an_alert_and_then_silence_is_a_refusal)
{
	struct pair *p = pair_new(0, 0);
	struct mono now = mono_now();

	dtls_recv(p->client.dtls, handshake_failure,
		  sizeof(handshake_failure), now);
	dtls_tick(p->client.dtls, mono_add(now, DTLS_ALERT_US - 1));
	drain(&p->client);
	ck_assert_uint_eq(p->client.failed, 0);
	dtls_tick(p->client.dtls, mono_add(now, DTLS_ALERT_US));
	drain(&p->client);
	ck_assert_uint_eq(p->client.failed, 1);
	ck_assert_str_eq(p->client.reason,
			 "far end refused: handshake failure");
	pair_free(p);
}
END_TEST

/* Random bytes behind a plausible first byte, and genuine datagrams of the
 * other direction, cut or with a spoiled head. */
static void garbage(struct pair *p, struct end *victim,
		    const struct packet *genuine, unsigned *bad)
{
	uint8_t bytes[BYTES];
	struct dtls_stats before, after;
	size_t len;

	dtls_stats(victim->dtls, &before);
	for (unsigned n = 0; n < 30; n++) {
		len = 1 + roll(p) % 300;
		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)roll(p);
		bytes[0] = (uint8_t)(20 + roll(p) % 44);
		dtls_recv(victim->dtls, bytes, len, mono_now());
	}
	for (unsigned n = 0; n < 30; n++) {
		len = 1 + roll(p) % (unsigned)(genuine->len - 1);
		memcpy(bytes, genuine->bytes, genuine->len);
		dtls_recv(victim->dtls, bytes, len, mono_now());
	}
	/* Epoch 2, TLS 1.2's version, an unknown type, a fragment too long */
	for (unsigned n = 0; n < 4; n++) {
		static const uint8_t at[4] = { 4, 1, 0, 23 };
		static const uint8_t to[4] = { 2, 3, 63, 0xff };

		memcpy(bytes, genuine->bytes, genuine->len);
		bytes[at[n]] = to[n];
		if (at[n] == 23 && bytes[4])
			continue;
		dtls_recv(victim->dtls, bytes, genuine->len, mono_now());
	}
	dtls_stats(victim->dtls, &after);
	*bad += (unsigned)(after.dropped_bad - before.dropped_bad);
	drain(victim);
}

START_TEST(garbage_between_flights_is_counted_and_harmless)
{
	struct pair *p = pair_new(0, 0);
	struct end *from = &p->client, *to = &p->server;
	unsigned bad = 0;

	p->seed = (unsigned)_i * 31 + 5;
	drain(from);
	while (!is_done(p)) {
		struct packet genuine = from->link[0];
		struct end *swap = from;

		ck_assert_uint_gt(from->count, 0);
		garbage(p, to, &genuine, &bad);
		deliver(from, to);
		from = to;
		to = swap;
	}
	check_keys(p, SRTP_GCM);
	ck_assert_uint_gt(bad, 150);
	echo(p, 500);
	garbage(p, &p->server, &(struct packet){ .len = 50 }, &bad);
	garbage(p, &p->client, &(struct packet){ .len = 50 }, &bad);
	echo(p, 501);
	pair_free(p);
}
END_TEST

/* Well-formed, but no ClientHello that OpenSSL takes. */
START_TEST(a_refused_hello_does_not_stop_the_next_one)
{
	struct pair *p = pair_new(0, 0);
	struct packet hello;
	struct dtls_stats stats;

	drain(&p->client);
	hello = p->client.link[0];
	/* The length of the session id, past the end of the message. */
	hello.bytes[13 + 12 + 34] = 200;
	dtls_recv(p->server.dtls, hello.bytes, hello.len, mono_now());
	drain(&p->server);
	ck_assert_uint_eq(p->server.failed, 0);
	ck_assert_uint_eq(p->server.sent, 0);
	settle(p);
	check_keys(p, SRTP_GCM);
	dtls_stats(p->server.dtls, &stats);
	ck_assert_uint_eq(stats.dropped_bad, 1);
	pair_free(p);
}
END_TEST

START_TEST(hellos_that_are_all_refused_fail_in_the_end)
{
	struct pair *p = pair_new(0, 0);
	struct packet hello;
	unsigned n = 0;

	drain(&p->client);
	hello = p->client.link[0];
	hello.bytes[13 + 12 + 34] = 200;
	for (; n < 100 && !p->server.failed; n++) {
		dtls_recv(p->server.dtls, hello.bytes, hello.len, mono_now());
		drain(&p->server);
	}
	ck_assert_uint_eq(n, 17);
	ck_assert_uint_eq(p->server.failed, 1);
	ck_assert_uint_gt(strlen(p->server.reason), 0);
	pair_free(p);
}
END_TEST

/* record head, then one handshake head: what the gate says as a server */
static const struct judged {
	const char *what;
	uint8_t bytes[40];
	size_t len;
	enum dtls_verdict verdict;
} judged[] = {
	{ "empty hello", { 22, 254, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12,
	  1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 25, DTLS_GATE_PASS },
	{ "server hello to a server", { 22, 254, 255, 0, 0, 0, 0, 0, 0, 0, 0,
	  0, 12, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 25, DTLS_GATE_DROP },
	{ "finished in clear", { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12,
	  20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 25, DTLS_GATE_DROP },
	{ "fragment past its message", { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0,
	  0, 14, 1, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 2, 9, 9 }, 27,
	  DTLS_GATE_DROP },
	{ "fragment past its record", { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0,
	  0, 13, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 9 }, 26,
	  DTLS_GATE_DROP },
	{ "huge message", { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13,
	  1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9 }, 26, DTLS_GATE_DROP },
	{ "empty fragment of a message", { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0,
	  0, 0, 12, 1, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0 }, 25,
	  DTLS_GATE_DROP },
	{ "half a handshake head", { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	  3, 1, 0, 0 }, 16, DTLS_GATE_DROP },
	{ "message number 16", { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12,
	  1, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0 }, 25, DTLS_GATE_DROP },
	{ "change of cipher", { 20, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	  1 }, 14, DTLS_GATE_PASS },
	{ "odd change of cipher", { 20, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	  1, 2 }, 14, DTLS_GATE_DROP },
	{ "data in clear", { 23, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	  1 }, 14, DTLS_GATE_DROP },
	{ "sealed data", { 23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1,
	  1 }, 14, DTLS_GATE_PASS },
	{ "epoch 2", { 23, 254, 253, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1,
	  1 }, 14, DTLS_GATE_DROP },
	{ "alert in clear", { 21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
	  2, 40 }, 15, DTLS_GATE_ALERT },
	{ "bytes behind the record", { 20, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0,
	  0, 1, 1, 7 }, 15, DTLS_GATE_DROP },
	{ "heartbeat", { 24, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	  1 }, 14, DTLS_GATE_DROP },
	{ "nothing", { 0 }, 0, DTLS_GATE_DROP },
};

START_TEST(the_gate_judges)
{
	struct dtls_gate gate = { .server = true };
	const struct judged *j = &judged[_i];
	uint8_t *exact = malloc(j->len + !j->len), alert = 0;

	memcpy(exact, j->bytes, j->len);
	ck_assert_msg(dtls_gate_check(&gate, exact, j->len, &alert) ==
		      j->verdict, "%s", j->what);
	if (j->verdict == DTLS_GATE_ALERT)
		ck_assert_uint_eq(alert, 40);
	free(exact);
}
END_TEST

START_TEST(fragments_must_agree)
{
	static const uint8_t first[] = { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 13, 1, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 7 };
	struct dtls_gate gate = { .server = true };
	uint8_t second[sizeof(first)], alert;

	memcpy(second, first, sizeof(first));
	ck_assert_int_eq(dtls_gate_check(&gate, first, sizeof(first), &alert),
			 DTLS_GATE_PASS);
	second[16] = 10;	/* another total length */
	ck_assert_int_eq(dtls_gate_check(&gate, second, sizeof(second),
					 &alert), DTLS_GATE_DROP);
	second[16] = 9;
	second[21] = 3;		/* another place */
	ck_assert_int_eq(dtls_gate_check(&gate, second, sizeof(second),
					 &alert), DTLS_GATE_PASS);
}
END_TEST

/* ---- data ---- */

START_TEST(messages_of_every_size_arrive_whole)
{
	struct pair *p = pair_new(0, 0);
	uint8_t big[DTLS_SEND_MAX + 1] = { 0 };

	ck_assert_int_eq(dtls_send(p->client.dtls, "x", 1, mono_now()),
			 -ENOTCONN);
	settle(p);
	for (size_t len = 1; len <= DTLS_SEND_MAX; len += 13)
		echo(p, len);
	echo(p, DTLS_SEND_MAX);
	ck_assert_int_eq(dtls_send(p->client.dtls, big, sizeof(big),
				   mono_now()), -EMSGSIZE);
	ck_assert_int_eq(dtls_send(p->client.dtls, big, 0, mono_now()),
			 -EMSGSIZE);
	pair_free(p);
}
END_TEST

START_TEST(the_queue_is_bounded)
{
	uint8_t bytes[1000] = { 0 };
	struct pair *p = pair_new(0, 0);
	unsigned sent = 0;

	settle(p);
	while (!dtls_send(p->client.dtls, bytes, sizeof(bytes), mono_now()))
		ck_assert_uint_lt(++sent, 1000);
	ck_assert_int_eq(dtls_send(p->client.dtls, bytes, sizeof(bytes),
				   mono_now()), -ENOBUFS);
	ck_assert_uint_gt(sent, 200);
	deliver(&p->client, &p->server);
	ck_assert_uint_eq(p->server.messages, sent);
	echo(p, 77);
	pair_free(p);
}
END_TEST

/* A receiver that does not poll loses messages, not memory. */
START_TEST(unread_messages_are_dropped_when_the_queue_is_full)
{
	uint8_t bytes[1000] = { 0 };
	struct pair *p = pair_new(0, 0);
	struct dtls_stats stats;

	settle(p);
	for (unsigned i = 0; i < 400; i++) {
		ck_assert_int_eq(dtls_send(p->client.dtls, bytes,
					   sizeof(bytes), mono_now()), 0);
		drain(&p->client);
		dtls_recv(p->server.dtls, p->client.link[0].bytes,
			  p->client.link[0].len, mono_now());
		p->client.count = 0;
	}
	drain(&p->server);
	dtls_stats(p->server.dtls, &stats);
	ck_assert_uint_gt(stats.dropped_full, 0);
	ck_assert_uint_eq(stats.dropped_full + p->server.messages, 400);
	echo(p, 78);
	pair_free(p);
}
END_TEST

START_TEST(a_replayed_or_spoiled_record_is_not_delivered)
{
	struct pair *p = pair_new(0, 0);
	struct packet packet;

	settle(p);
	ck_assert_int_eq(dtls_send(p->client.dtls, "once", 4, mono_now()), 0);
	drain(&p->client);
	packet = p->client.link[0];
	packet.bytes[packet.len - 1] ^= 1;
	put(&p->client, packet.bytes, packet.len);
	packet.bytes[packet.len - 1] ^= 1;
	put(&p->client, packet.bytes, packet.len);
	deliver(&p->client, &p->server);
	ck_assert_uint_eq(p->server.messages, 1);
	echo(p, 20);
	pair_free(p);
}
END_TEST

START_TEST(close_notify_ends_both_sides)
{
	struct pair *p = pair_new(0, 0);

	settle(p);
	dtls_close(p->client.dtls, mono_now());
	dtls_close(p->client.dtls, mono_now());
	settle(p);
	ck_assert_uint_eq(p->server.closed, 1);
	ck_assert_uint_eq(p->client.closed, 0);
	ck_assert_int_eq(dtls_send(p->server.dtls, "x", 1, mono_now()),
			 -ENOTCONN);
	ck_assert_int_eq(dtls_send(p->client.dtls, "x", 1, mono_now()),
			 -ENOTCONN);
	ck_assert(!dtls_is_connected(p->server.dtls));
	ck_assert_int_eq(dtls_due(p->server.dtls, mono_now()).us, INT64_MAX);
	pair_free(p);
}
END_TEST

/* ---- after fork ---- */

/* A child that can open nothing makes its identity and shakes hands. */
static int sealed_child(int out)
{
	struct rlimit none = { 0, 0 };
	const char *text;
	struct pair *p;

	if (setrlimit(RLIMIT_NOFILE, &none))
		return 1;
	dtls_identity_free(alice);
	if (dtls_identity_new(&alice))
		return 2;
	p = pair_new(0, 0);
	settle(p);
	check_keys(p, SRTP_GCM);
	echo(p, 300);
	pair_free(p);
	text = dtls_identity_fingerprint(alice);

	return write(out, text, strlen(text) + 1) < 0;
}

START_TEST(forked_children_need_no_files_and_differ)
{
	char texts[4][TEXT];
	int fds[2], status;

	for (int i = 0; i < 4; i++) {
		pid_t pid;

		ck_assert_int_eq(pipe(fds), 0);
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			_exit(sealed_child(fds[1]));
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
		ck_assert_int_gt(read(fds[0], texts[i], TEXT), 90);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(texts[i], texts[j]);
		close(fds[0]);
		close(fds[1]);
	}
}
END_TEST

static void add_handshakes(TCase *t)
{
	tcase_add_loop_test(t, both_roles_agree_on_keys_and_profile, 0,
			    ARRAY_LEN(choices));
	tcase_add_loop_test(t, keys_fit_srtp, 0, 4);
	tcase_add_test(t, any_loss_duplicate_and_order_ends_connected);
	tcase_add_loop_test(t, fragmented_hello_in_any_order, 0,
			    ARRAY_LEN(pieces));
	tcase_add_loop_test(t, every_flight_in_shuffled_fragments, 0, 4);
	tcase_add_test(t, a_small_mtu_is_kept);
	tcase_add_loop_test(t, wrong_fingerprint_gets_neither_keys_nor_data,
			    0, 2);
	tcase_add_test(t, one_of_several_fingerprints_is_enough);
	tcase_add_loop_test(t, bad_fingerprints_are_refused, 0,
			    ARRAY_LEN(bad_fingerprints));
	tcase_add_test(t,
		       datagrams_queued_before_the_server_exists_connect_at_once);
	tcase_add_test(t, the_first_retry_is_due_after_50_ms);
	tcase_add_test(t, a_silent_far_end_fails_at_the_deadline);
}

static void add_bad_input(TCase *t)
{
	tcase_add_test(t, a_forged_alert_does_not_end_a_handshake);
	tcase_add_test(t, an_alert_and_then_silence_is_a_refusal);
	tcase_add_loop_test(t, garbage_between_flights_is_counted_and_harmless,
			    0, 20);
	tcase_add_test(t, a_refused_hello_does_not_stop_the_next_one);
	tcase_add_test(t, hellos_that_are_all_refused_fail_in_the_end);
	tcase_add_loop_test(t, the_gate_judges, 0, ARRAY_LEN(judged));
	tcase_add_test(t, fragments_must_agree);
}

int main(void)
{
	Suite *s = suite_create("dtls");
	TCase *t = tcase_create("dtls");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	add_handshakes(t);
	add_bad_input(t);
	tcase_add_test(t, messages_of_every_size_arrive_whole);
	tcase_add_test(t, the_queue_is_bounded);
	tcase_add_test(t, unread_messages_are_dropped_when_the_queue_is_full);
	tcase_add_test(t, a_replayed_or_spoiled_record_is_not_delivered);
	tcase_add_test(t, close_notify_ends_both_sides);
	tcase_add_test(t, forked_children_need_no_files_and_differ);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
