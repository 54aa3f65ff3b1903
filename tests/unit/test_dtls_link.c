/* DTLS over a hostile link: loss, order, fragments, garbage, forgery */
#include "tests/unit/dtls_kit.h"

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

static void add(TCase *t)
{
	tcase_add_test(t, any_loss_duplicate_and_order_ends_connected);
	tcase_add_loop_test(t, fragmented_hello_in_any_order, 0,
			    ARRAY_LEN(pieces));
	tcase_add_loop_test(t, every_flight_in_shuffled_fragments, 0, 4);
	tcase_add_test(t, a_small_mtu_is_kept);
	tcase_add_test(t, a_forged_alert_does_not_end_a_handshake);
	tcase_add_test(t, an_alert_and_then_silence_is_a_refusal);
	tcase_add_loop_test(t, garbage_between_flights_is_counted_and_harmless,
			    0, 20);
	tcase_add_test(t, a_refused_hello_does_not_stop_the_next_one);
	tcase_add_test(t, hellos_that_are_all_refused_fail_in_the_end);
}

int main(void)
{
	return kit_run("dtls_link", add);
}
