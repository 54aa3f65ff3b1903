/* data.c - SCTP that lies, channels without end, echoes nobody reads */
#include "tests/hostile/stage.h"

#include <string.h>

#include "common/clock.h"
#include "core/sctp/dcep.h"

enum { PACKET = 1150, PORT = 5000, TURN_US = 1000 };

enum chunk {
	DATA, INIT, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, SHUTDOWN,
	SHUTDOWN_ACK, ERROR, COOKIE_ECHO, COOKIE_ACK, ECNE, CWR,
	SHUTDOWN_COMPLETE, AUTH, I_DATA = 64, ASCONF_ACK = 128, RE_CONFIG = 130,
	PAD = 132, FORWARD_TSN = 192, ASCONF = 193, I_FORWARD_TSN = 194,
};

/* ---- packets ---- */

static uint32_t crc32c(const uint8_t *bytes, size_t len)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}

	return ~crc;
}

static void put16(uint8_t *out, uint16_t v)
{
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
}

static void put32(uint8_t *out, uint32_t v)
{
	put16(out, (uint16_t)(v >> 16));
	put16(out + 2, (uint16_t)v);
}

/* Fills in the common header and sends; 12 bytes of room before chunks. */
static void send_sctp(struct hostile *h, uint8_t *packet, size_t len,
		      uint32_t tag)
{
	uint32_t crc;

	put16(packet, PORT);
	put16(packet + 2, PORT);
	put32(packet + 4, tag);
	memset(packet + 8, 0, 4);
	crc = crc32c(packet, len);
	for (int i = 0; i < 4; i++)
		packet[8 + i] = (uint8_t)(crc >> 8 * i);
	(void)!dtls_send(h->peer->dtls, packet, len, mono_now());
}

/* DTLS hands out its datagrams when the peer's own timer runs. */
static bool flush(struct hostile *h, struct mono end)
{
	struct mono now = mono_now();

	loop_timer(h->s->loop, &h->peer->dtls_timer, now,
		   h->peer->dtls_timer.handler, h->peer);

	return hostile_goes_on(h, end, TURN_US);
}

static uint8_t some_type(void)
{
	static const uint8_t types[] = {
		DATA, DATA, DATA, INIT, INIT_ACK, SACK, SACK, HEARTBEAT,
		HEARTBEAT_ACK, ERROR, COOKIE_ECHO, COOKIE_ACK, ECNE, CWR,
		AUTH, I_DATA, ASCONF_ACK, RE_CONFIG, RE_CONFIG, PAD,
		FORWARD_TSN, FORWARD_TSN, ASCONF, I_FORWARD_TSN,
	};

	return dice_below(12) ? types[dice_below(sizeof(types))] :
				(uint8_t)dice();
}

/* A type-length pair inside a chunk, known to that chunk or not. */
static void lay_parameters(uint8_t *at, size_t len)
{
	static const uint16_t types[] = {
		1, 5, 6, 7, 9, 11, 12, 13, 14, 15, 16, 17, 18, 0x8000, 0x8002,
		0x8003, 0x8004, 0x8008, 0xc000, 0xc001, 0xc002, 0xc003,
		0xc004, 0xc005, 0xc006,
	};
	size_t used = 0;

	while (len - used >= 8) {
		size_t n = 4 + 4 * dice_below(10);

		if (n > len - used)
			n = len - used;
		put16(at + used, types[dice_below(ARRAY_LEN(types))]);
		put16(at + used + 2, (uint16_t)(dice_below(10) ? n : dice()));
		used += n;
	}
}

static size_t some_chunk(struct hostile *h, uint8_t *at, size_t room)
{
	size_t len = 4 + dice_below(dice_below(3) ? 60 : 400);
	uint8_t type = some_type();

	if (type == ABORT || type == SHUTDOWN || type == SHUTDOWN_ACK ||
	    type == SHUTDOWN_COMPLETE)
		type = DATA;	/* an end is no harm */
	if (len > room)
		len = room;
	dice_fill(at, len);
	at[0] = type;
	put16(at + 2, (uint16_t)(dice_below(12) ? len : dice()));
	if (len >= 16 && (type == DATA || type == I_DATA)) {
		/* in the window, on a stream that is there or not */
		put32(at + 4, h->tsn + 1 + dice_below(2000));
		put16(at + 8, (uint16_t)dice_below(2000));
		at[1] = (uint8_t)dice_below(16);
	}
	if (len >= 8 && (type == FORWARD_TSN || type == I_FORWARD_TSN ||
			 type == SACK))
		put32(at + 4, h->tsn + dice_below(4));
	if (type == INIT || type == INIT_ACK) {
		if (len > 28)
			lay_parameters(at + 20, len - 20);
	} else if (len > 12 && (type == RE_CONFIG || type == ASCONF ||
				type == ERROR || type == HEARTBEAT ||
				type == AUTH)) {
		lay_parameters(at + 4, len - 4);
	}

	return (len + 3) & ~(size_t)3;
}

static void send_chunks(struct hostile *h)
{
	uint8_t packet[PACKET + 8];
	size_t len = 12, count = 1 + dice_below(6);

	for (size_t i = 0; i < count && len + 24 < PACKET; i++)
		len += some_chunk(h, packet + len, PACKET - len);
	/* Packets with INIT carry the tag 0. */
	send_sctp(h, packet, len, packet[12] == INIT ? 0 :
		  dice_below(16) ? h->tag : dice());
}

static void send_noise(struct hostile *h)
{
	uint8_t bytes[PACKET];
	size_t len = 1 + dice_below(PACKET - 1);

	dice_fill(bytes, len);
	(void)!dtls_send(h->peer->dtls, bytes, len, mono_now());
}

static bool data_call(struct hostile *h, struct stage *s)
{
	return hostile_call(h, s, SDP_DATA, NULL);
}

/* Chunks of every kind; the association of our side hears nothing of the
 * answers, so that it goes on. */
static void chunks(struct stage *s)
{
	struct hostile h;
	struct mono end;

	if (!data_call(&h, s))
		return;
	h.peer->sctp_deaf = true;
	end = mono_add(mono_now(), s->slice_us / 2);
	do {
		for (int i = 0; i < 3; i++)
			send_chunks(&h);
		if (dice_below(8) == 0)
			send_noise(&h);
	} while (flush(&h, end));
	hostile_end(&h, "chunks");
}

/* INITs in thousands, each with as many parameters as fit. */
static void inits(struct stage *s)
{
	uint8_t packet[PACKET];
	struct hostile h;
	struct mono end;

	if (!data_call(&h, s))
		return;
	h.peer->sctp_deaf = true;
	end = mono_add(mono_now(), s->slice_us / 4);
	do {
		for (int i = 0; i < 4; i++) {
			size_t len = 20 + 4 * dice_below(270);

			dice_fill(packet, sizeof(packet));
			put32(packet + 12, (uint32_t)len);
			packet[12] = INIT;
			put16(packet + 12 + 12, (uint16_t)(dice() | 1));
			put16(packet + 12 + 14, (uint16_t)(dice() | 1));
			lay_parameters(packet + 32, len - 20);
			send_sctp(&h, packet, 12 + len, 0);
		}
	} while (flush(&h, end));
	hostile_end(&h, "inits");
}

/* One DATA chunk; bits: 1 end, 2 begin, 4 unordered. */
static void send_data(struct hostile *h, uint32_t tsn, unsigned bits,
		      uint16_t stream, size_t len)
{
	uint8_t packet[PACKET];

	if (len > PACKET - 28)
		len = (PACKET - 28) & ~3u;
	dice_fill(packet + 28, len);
	put32(packet + 12, (uint32_t)(16 + len));
	packet[12] = DATA;
	packet[13] = (uint8_t)bits;
	put32(packet + 16, tsn);
	put16(packet + 20, stream);
	put16(packet + 22, 0);
	put32(packet + 24, PPID_BINARY);
	while (len % 4)
		packet[28 + len++] = 0;
	send_sctp(h, packet, 28 + len, h->tag);
}

/* What must be kept until its rest comes, and the rest never comes. */
static void pieces(struct stage *s, unsigned kind)
{
	static const char *const names[] = { "endless", "gaps", "skips" };
	uint8_t packet[64];
	struct hostile h;
	struct mono end;
	uint32_t tsn;

	if (!data_call(&h, s))
		return;
	h.peer->sctp_deaf = true;
	tsn = h.tsn + 1;
	end = mono_add(mono_now(), s->slice_us / 4);
	do {
		for (int i = 0; i < 4; i++, tsn++) {
			if (kind == 0) {	/* one message, for ever */
				send_data(&h, tsn, tsn == h.tsn + 1 ? 2 : 0, 1,
					  PACKET);
			} else if (kind == 1) {	/* the first never comes */
				send_data(&h, tsn + 1, 3,
					  (uint16_t)dice_below(1024), 1);
			} else {	/* every second one, then forward */
				send_data(&h, ++tsn, 2,
					  (uint16_t)dice_below(1024), 64);
				put32(packet + 12, 8 + 4);
				packet[12] = FORWARD_TSN;
				put32(packet + 16, tsn - 1);
				put16(packet + 20, (uint16_t)dice());
				put16(packet + 22, (uint16_t)dice());
				send_sctp(&h, packet, 24, h.tag);
			}
		}
	} while (flush(&h, end));
	hostile_end(&h, names[kind]);
}

void scenario_sctp(struct stage *s)
{
	chunks(s);
	inits(s);
	for (unsigned kind = 0; kind < 3; kind++)
		pieces(s, kind);
}

/* ---- channels ---- */

static void say(struct hostile *h, uint16_t stream, uint32_t ppid,
		const void *bytes, size_t len)
{
	const struct assoc_send how = {
		.stream = stream, .ppid = ppid,
		.unordered = dice_below(4) == 0,
		.limit = (enum assoc_limit)dice_below(3),
		.limit_value = dice_below(2) ? dice() : dice_below(100),
	};

	(void)!assoc_send(h->peer->assoc, &how, bytes, len);
}

static void send_open(struct hostile *h)
{
	static uint8_t bytes[65600];
	size_t label = dice_below(4) ? dice_below(300) : dice_below(40000);
	size_t protocol = dice_below(4) ? dice_below(40) : dice_below(20000);
	size_t len = 12 + label + protocol;

	dice_fill(bytes, len);
	bytes[0] = (uint8_t)(dice_below(16) ? DCEP_OPEN : dice());
	bytes[1] = (uint8_t)(dice_below(4) ? dice_below(3) : dice());
	put16(bytes + 8, (uint16_t)(dice_below(8) ? label : dice()));
	put16(bytes + 10, (uint16_t)(dice_below(8) ? protocol : dice()));
	say(h, (uint16_t)dice_below(1024), PPID_DCEP, bytes,
	    dice_below(8) ? len : 1 + dice_below((uint32_t)len));
}

/* Opens in thousands, resets, messages of every kind on any stream. */
void scenario_channels(struct stage *s)
{
	static const uint32_t ppids[] = {
		PPID_DCEP, PPID_TEXT, PPID_BINARY_PART, PPID_BINARY,
		PPID_TEXT_PART, PPID_TEXT_EMPTY, PPID_BINARY_EMPTY, 0,
		0xffffffff,
	};
	uint8_t bytes[2000];
	struct hostile h;
	struct mono end;

	if (!data_call(&h, s))
		return;
	end = mono_add(mono_now(), s->slice_us);
	do {
		for (int i = 0; i < 4; i++)
			send_open(&h);
		dice_fill(bytes, sizeof(bytes));
		say(&h, (uint16_t)dice_below(1100),
		    ppids[dice_below(ARRAY_LEN(ppids))], bytes,
		    1 + dice_below(sizeof(bytes) - 1));
		if (dice_below(4) == 0)
			(void)!assoc_reset_stream(h.peer->assoc,
						  (uint16_t)dice_below(1024));
	} while (hostile_goes_on(&h, end, TURN_US));
	hostile_end(&h, "channels");
}

/* As much as it takes, in large messages, and nothing is read. */
void scenario_pressure(struct stage *s)
{
	static uint8_t bytes[ASSOC_MESSAGE_MAX];
	struct hostile h;
	struct mono end;

	if (!data_call(&h, s))
		return;
	dice_fill(bytes, sizeof(bytes));
	h.peer->data_unread = true;
	end = mono_add(mono_now(), s->slice_us);
	do {
		const struct assoc_send how = { .ppid = PPID_BINARY };
		size_t len = dice_below(4) ? 1 + dice_below(2000) :
					     ASSOC_MESSAGE_MAX;

		(void)!assoc_send(h.peer->assoc, &how, bytes, len);
	} while (hostile_goes_on(&h, end, TURN_US));
	hostile_end(&h, "pressure");
}
