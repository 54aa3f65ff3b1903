/*
 * fuzz_sctp.c - any packets into an association, and a genuine far end that
 * hears what it answers
 *
 * The input is a script: length (2 bytes), then so many bytes. The top bits
 * of the length choose: a packet as it is, a packet with the right ports,
 * verification tag and checksum left to chance, time passing, or a message
 * sent.
 */

#include "port/sctp.h"

#include <stdlib.h>
#include <string.h>

enum { QUEUE = 512, ROOM = 2048 };

struct packet {
	size_t len;
	uint8_t bytes[ROOM];
};

struct side {
	struct assoc *assoc;
	struct packet queue[QUEUE];
	unsigned head, tail;
};

static struct side a, b;

static void on_packet(const uint8_t *bytes, size_t len, void *arg)
{
	struct side *s = arg;
	struct packet *p = &s->queue[s->tail % QUEUE];

	if (len > ROOM || s->tail - s->head == QUEUE)
		return;
	p->len = len;
	memcpy(p->bytes, bytes, len);
	s->tail++;
}

static void read_all(struct side *s)
{
	struct assoc_message m;
	enum assoc_event e;

	while ((e = assoc_read(s->assoc, &m)) != ASSOC_NOTHING) {
		if (e == ASSOC_MESSAGE && m.len > ASSOC_MESSAGE_MAX)
			abort();
		if (e == ASSOC_DOWN)
			return;
	}
}

static void move(struct side *from, struct side *to)
{
	for (unsigned i = from->tail - from->head; i > 0; i--) {
		struct packet *p = &from->queue[from->head++ % QUEUE];

		assoc_recv(to->assoc, p->bytes, p->len);
	}
	read_all(to);
}

static void pump(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		move(&a, &b);
		move(&b, &a);
		assoc_tick(10);
	}
}

static uint32_t crc32c(const uint8_t *bytes, size_t len)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}

	return ~crc;
}

/* A packet that passes the outer checks: the tag is the one that the
 * genuine far end used last. */
static void make_good(uint8_t *p, size_t len, const uint8_t *tag)
{
	uint32_t crc;

	memcpy(p, "\x13\x88\x13\x88", 4);
	memcpy(p + 4, tag, 4);
	memset(p + 8, 0, 4);
	crc = crc32c(p, len);
	memcpy(p + 8, &crc, 4);
}

static void inject(const uint8_t *bytes, size_t len, bool good,
		   const uint8_t *tag)
{
	uint8_t packet[ROOM];

	if (len > sizeof(packet))
		len = sizeof(packet);
	memcpy(packet, bytes, len);
	if (good && len >= 12)
		make_good(packet, len, tag);
	assoc_recv(b.assoc, packet, len);
	read_all(&b);
}

static void play(const uint8_t *bytes, size_t len, const uint8_t *tag)
{
	const struct assoc_send how = { .stream = 1, .ppid = 51 };

	while (len >= 2) {
		size_t want = (size_t)(bytes[0] & 0x3f) << 8 | bytes[1];
		unsigned what = bytes[0] >> 6;

		bytes += 2;
		len -= 2;
		if (want > len)
			want = len;
		if (what < 2)
			inject(bytes, want, what == 1, tag);
		else if (what == 2)
			pump(1 + (int)(want & 7));
		else
			(void)!assoc_send(b.assoc, &how, bytes, want);
		bytes += want;
		len -= want;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static bool started;
	uint8_t tag[4] = { 0 };

	if (!started && assoc_start() < 0)
		abort();
	started = true;
	a.head = a.tail = b.head = b.tail = 0;
	if (assoc_new(&a.assoc, ASSOC_PORT, on_packet, &a) < 0 ||
	    assoc_new(&b.assoc, ASSOC_PORT, on_packet, &b) < 0 ||
	    assoc_connect(a.assoc) < 0 || assoc_connect(b.assoc) < 0)
		abort();
	pump(4);
	if (a.tail)
		memcpy(tag, a.queue[(a.tail - 1) % QUEUE].bytes + 4, 4);
	play(bytes, len, tag);
	pump(4);
	assoc_free(a.assoc);
	assoc_free(b.assoc);

	return 0;
}
