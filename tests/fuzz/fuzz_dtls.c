/*
 * fuzz_dtls.c - a DTLS end by datagram script, with a genuine far end
 *
 * Each step is a verb: deliver, drop or spoil the next genuine datagram,
 * bring bytes of the script, send, let time pass. First byte: which end is
 * the victim. The victim must never say that it is connected to anybody but
 * the far end, nor give out bytes that the far end did not send.
 *
 * The random numbers that libssl asks for come from a fixed sequence, so
 * that hellos repeat; keys and signatures stay random.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "port/dtls.h"

enum { LINK = 64, DATAGRAM = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int RAND_bytes_ex(void *ctx, unsigned char *buf, size_t num, unsigned strength)
	__attribute__((visibility("default")));

static uint64_t random_state;

/* In place of the one in libcrypto. */
int RAND_bytes_ex(void *ctx, unsigned char *buf, size_t num, unsigned strength)
{
	(void)ctx;
	(void)strength;
	for (size_t i = 0; i < num; i++) {
		random_state = random_state * 6364136223846793005u + 1;
		buf[i] = (unsigned char)(random_state >> 56);
	}

	return 1;
}

struct script {
	const uint8_t *at, *end;
};

struct link {
	uint8_t bytes[LINK][DATAGRAM];
	size_t len[LINK];
	unsigned first, last;
};

struct side {
	struct dtls *dtls;
	struct dtls_keys keys;
	int connected;
	struct link *out;
};

static struct dtls_identity *ours, *theirs;
static struct link links[2];
static const char message[] = "only this";

static uint8_t take(struct script *s)
{
	return s->at < s->end ? *s->at++ : 0;
}

static void drain(struct side *side)
{
	struct dtls_out out;
	enum dtls_turn turn;

	while ((turn = dtls_poll(side->dtls, &out)) != DTLS_IDLE) {
		struct link *l = side->out;

		if (turn == DTLS_DATAGRAM && l->last < LINK &&
		    out.len <= DATAGRAM) {
			memcpy(l->bytes[l->last], out.bytes, out.len);
			l->len[l->last++] = out.len;
		}
		if (turn == DTLS_CONNECTED) {
			side->connected++;
			side->keys = out.keys;
		}
		if (turn == DTLS_DATA && (!side->connected ||
		    out.len != sizeof(message) ||
		    memcmp(out.bytes, message, out.len)))
			abort();
	}
}

static void deliver(struct side *from, struct side *to, uint8_t spoil,
		    struct mono now)
{
	struct link *l = from->out;
	uint8_t *p;

	if (l->first == l->last)
		return;
	p = l->bytes[l->first];
	if (spoil)
		p[(size_t)spoil * 7 % l->len[l->first]] ^= spoil;
	dtls_recv(to->dtls, p, l->len[l->first++], now);
}

static void step(struct side *victim, struct side *far, struct script *s,
		 struct mono *now)
{
	uint8_t bytes[512], verb = take(s);
	size_t len = 0;

	switch (verb % 8) {
	case 0:
	case 1:
		deliver(far, victim, 0, *now);
		break;
	case 2:
		deliver(victim, far, 0, *now);
		break;
	case 3:
		deliver(far, victim, take(s), *now);
		break;
	case 4:
		far->out->first += far->out->first < far->out->last;
		break;
	case 5:
		len = take(s) * 2u;
		if (len > (size_t)(s->end - s->at))
			len = (size_t)(s->end - s->at);
		memcpy(bytes, s->at, len);
		s->at += len;
		dtls_recv(victim->dtls, bytes, len, *now);
		break;
	case 6:
		if (dtls_send(far->dtls, message, sizeof(message), *now) < 0)
			*now = mono_add(*now, 20000);
		break;
	default:
		*now = mono_add(*now, 1000 * take(s));
		dtls_tick(victim->dtls, *now);
		break;
	}
}

static struct dtls *make(int server, const struct dtls_identity *id,
			 const struct dtls_identity *far)
{
	struct dtls_cfg cfg = {
		.role = server ? DTLS_SERVER : DTLS_CLIENT,
		.identity = id,
		.fingerprints = { dtls_identity_fingerprint(far) },
		.fingerprint_count = 1,
	};
	struct dtls *d;

	if (dtls_new(&d, &cfg, mono_at(0)))
		abort();

	return d;
}

static void check_keys(const struct side *a, const struct side *b)
{
	if (a->connected > 1 || b->connected > 1)
		abort();
	if (a->connected && b->connected &&
	    (a->keys.profile != b->keys.profile ||
	     memcmp(a->keys.local, b->keys.remote, SRTP_MASTER_MAX) ||
	     memcmp(a->keys.remote, b->keys.local, SRTP_MASTER_MAX)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct script s = { data, data + len };
	struct side victim = { .out = &links[0] }, far = { .out = &links[1] };
	struct mono now = mono_at(0);
	int server;

	if (!ours && (dtls_warm() || dtls_identity_new(&ours) ||
		      dtls_identity_new(&theirs)))
		abort();
	if (len > 4096)
		return 0;
	random_state = 1;
	links[0].first = links[0].last = 0;
	links[1].first = links[1].last = 0;
	server = take(&s) & 1;
	victim.dtls = make(server, ours, theirs);
	far.dtls = make(!server, theirs, ours);
	for (int i = 0; i < 200 && s.at < s.end; i++) {
		drain(&victim);
		drain(&far);
		step(&victim, &far, &s, &now);
	}
	drain(&victim);
	drain(&far);
	check_keys(&victim, &far);
	dtls_free(victim.dtls);
	dtls_free(far.dtls);

	return 0;
}
