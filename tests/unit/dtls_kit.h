/*
 * dtls_kit.h - two DTLS ends in memory, for the tests of port/dtls.h
 *
 * Time is real, because OpenSSL times its retransmissions by the clock.
 */
#ifndef TESTS_UNIT_DTLS_KIT_H
#define TESTS_UNIT_DTLS_KIT_H

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "port/dtls.h"

enum { HELD = 512, BYTES = 2048 };

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

static inline void setup(void)
{
	ck_assert_int_eq(dtls_warm(), 0);
	ck_assert_int_eq(dtls_identity_new(&alice), 0);
	ck_assert_int_eq(dtls_identity_new(&bob), 0);
}

static inline void teardown(void)
{
	dtls_identity_free(alice);
	dtls_identity_free(bob);
}

static inline struct dtls *make(enum dtls_role role, enum srtp_profile only,
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

static inline struct pair *pair_new(enum srtp_profile client,
			     enum srtp_profile server)
{
	struct pair *p = calloc(1, sizeof(*p));

	p->client.dtls = make(DTLS_CLIENT, client, 0);
	p->server.dtls = make(DTLS_SERVER, server, 0);
	p->client.link = calloc(HELD, sizeof(struct packet));
	p->server.link = calloc(HELD, sizeof(struct packet));

	return p;
}

static inline void pair_free(struct pair *p)
{
	dtls_free(p->client.dtls);
	dtls_free(p->server.dtls);
	free(p->client.link);
	free(p->server.link);
	free(p);
}

static inline void put(struct end *e, const void *bytes, size_t len)
{
	ck_assert_uint_lt(e->count, HELD);
	ck_assert_uint_le(len, BYTES);
	memcpy(e->link[e->count].bytes, bytes, len);
	e->link[e->count++].len = len;
}

static inline void drain(struct end *e)
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
static inline void deliver(struct end *from, struct end *to)
{
	drain(from);
	for (unsigned i = 0; i < from->count; i++)
		dtls_recv(to->dtls, from->link[i].bytes, from->link[i].len,
			  mono_now());
	from->count = 0;
	drain(to);
}

/* Until neither has anything to say; no time passes. */
static inline void settle(struct pair *p)
{
	do {
		deliver(&p->client, &p->server);
		deliver(&p->server, &p->client);
		drain(&p->client);
	} while (p->client.count + p->server.count);
}

static inline void check_keys(const struct pair *p, enum srtp_profile want)
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

static inline void echo(struct pair *p, size_t len)
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

static inline unsigned roll(struct pair *p)
{
	p->seed = p->seed * 1103515245u + 12345u;

	return p->seed >> 16 & 0x7fff;
}

static inline bool is_done(const struct pair *p)
{
	return p->client.connected && p->server.connected;
}

static inline int kit_run(const char *name, void (*add)(TCase *t))
{
	Suite *s = suite_create(name);
	TCase *t = tcase_create(name);
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	add(t);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
