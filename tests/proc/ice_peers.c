/*
 * ice_peers.c - what two sealed ice-workers do to each other
 *
 * The traps of the libraries, each kept away by a check: DTLS that starts
 * before a pair is there, consent that one silence ends, a sealed worker
 * that meets a candidate or a restart, a broker that dies, a ring that is
 * full. The house (house.h) is the broker and both media-workers.
 *
 * ice_peers [NAME-OF-ONE-CHECK]
 */

#include "tests/proc/house.h"

#include "common/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
	SILENCE_S = 12,		/* longer than libnice's own consent rule */
	BIG = RECORD_PAYLOAD_DATA,
	PEER_KB = 1200,		/* private memory and page tables */
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };	/* the memory is the sanitizer's */
#else
enum { SANITIZED = 0 };
#endif

static struct house house;
static struct house_news news;
static uint64_t next_id = 1;
static unsigned passed, failed;
static uint8_t bytes[RECORD_PAYLOAD_VIDEO];

static void check(bool good, const char *what)
{
	if (good) {
		passed++;
		return;
	}
	failed++;
	printf("FAILED: %s\n", what);
}

/* Whether the event comes for this peer. */
static bool await(const struct house_peer *p, enum house_event event,
		  int wait_ms)
{
	struct mono until = mono_add(mono_now(), wait_ms * 1000ll);

	for (;;) {
		int64_t left = mono_since(until, mono_now()) / 1000;

		if (left <= 0)
			return false;
		if (house_wait(&house, &news, (int)left, -1) == event &&
		    news.peer == p)
			return true;
	}
}

static bool await_state(const struct house_peer *p, uint32_t state,
			int wait_ms)
{
	struct mono until = mono_add(mono_now(), wait_ms * 1000ll);

	while (p->state != state && mono_before(mono_now(), until))
		house_wait(&house, &news, 100, -1);

	return p->state == state;
}

static struct house_peer *born(void)
{
	return house_fork(&house, next_id++, 0);
}

/* The description without the lines that begin with this. */
static char *without(const char *sdp, const char *prefix)
{
	char *out = calloc(1, strlen(sdp) + 1);
	size_t at = 0;

	for (const char *line = sdp; *line;) {
		size_t len = strcspn(line, "\n");

		len += line[len] == '\n';
		if (strncmp(line, prefix, strlen(prefix)) != 0) {
			memcpy(out + at, line, len);
			at += len;
		}
		line += len;
	}

	return out;
}

/* Up to the answer being applied; trickle: no side knows candidates. */
static bool negotiate(struct house_peer *a, struct house_peer *b,
		      uint32_t kinds, bool blind)
{
	char *sdp;

	house_want_offer(a, kinds);
	if (!await(a, HOUSE_LOCAL, 5000))
		return false;
	sdp = blind ? without(a->local, "a=candidate") : strdup(a->local);
	house_offer(b, sdp);
	free(sdp);
	if (!await(b, HOUSE_LOCAL, 5000))
		return false;
	house_answer(a, b->local);

	return true;
}

static bool call(struct house_peer *a, struct house_peer *b, uint32_t kinds)
{
	return negotiate(a, b, kinds, false) &&
	       await_state(a, CALL_CONNECTED, 5000) &&
	       await_state(b, CALL_CONNECTED, 5000);
}

static bool link_both(struct house_peer *a, struct house_peer *b,
		      uint32_t kinds)
{
	house_link(&house, a, kinds);
	if (!await(a, HOUSE_LINK, 5000))
		return false;
	house_link(&house, b, kinds);

	return await(b, HOUSE_LINK, 5000);
}

/* Waits for a record of this kind from one peer's data ring. */
static bool read_data(struct house_peer *p, enum record_kind kind,
		      struct record *r)
{
	struct mono until = mono_add(mono_now(), 10000000);

	while (mono_before(mono_now(), until)) {
		dring_wake(&p->link.data_in);
		while (link_recv_data(&p->link, r, bytes, sizeof(bytes)) == 1)
			if (r->kind == kind)
				return true;
		if (dring_sleep(&p->link.data_in))
			house_wait(&house, &news, 50, -1);
	}

	return false;
}

static int send_data(struct house_peer *p, uint16_t stream, const void *text,
		     size_t len, uint16_t flags)
{
	const struct record r = {
		.kind = RECORD_DATA, .flags = flags, .value = stream,
		.bytes = (uint32_t)len,
	};

	return link_send_data(&p->link, &r, text);
}

static int open_channel(struct house_peer *p, uint16_t stream)
{
	const struct record r = {
		.kind = RECORD_CHANNEL, .flags = RECORD_OPEN,
		.value = stream, .bytes = 4,
	};

	return link_send_data(&p->link, &r, "chat");
}

static void leave(struct house_peer *p)
{
	if (p->fd < 0)
		return;
	house_close_peer(p);
	/* Perhaps it has said so already: its partner's goodbye ended it. */
	check(p->gone || await(p, HOUSE_GONE, 5000),
	      "a closed peer says that it goes");
}

/* The checks */

static void dtls_waits_for_the_pair(void)
{
	int64_t slowest = 0;

	for (int i = 0; i < 10; i++) {
		struct house_peer *a = born(), *b = born();
		struct mono begin = mono_now();
		int64_t took;

		check(negotiate(a, b, LINK_DATA, true) &&
		      await_state(a, CALL_CONNECTED, 5000) &&
		      await_state(b, CALL_CONNECTED, 5000),
		      "peers connect when one side knows no candidate");
		took = mono_since(mono_now(), begin);
		slowest = took > slowest ? took : slowest;
		leave(a);
	}
	printf("slowest peer-reflexive connection: %lld ms\n",
	       (long long)slowest / 1000);
	/* a lost DTLS flight costs a second */
	check(slowest < 900000, "no DTLS flight is lost before the pair");
}

static void a_taken_port_is_told(void)
{
	struct house_peer *a = born();
	struct house_peer *b = house_ask(&house, next_id++,
					 (uint16_t)a->port);

	check(await(b, HOUSE_GONE, 5000) && news.why == WHY_RESOURCES,
	      "a taken port ends the peer with a reason");
	leave(a);
}

static void bad_texts_are_refused_and_change_nothing(void)
{
	struct house_peer *a = born(), *b = born();

	house_offer(a, "this is no offer");
	check(await(a, HOUSE_REFUSED, 5000) && news.why == WHY_BAD_SDP &&
	      !strncmp(news.text, "line 1: ", 8),
	      "a bad offer is refused with the line at fault");
	house_answer(a, "v=0\r\n");
	check(await(a, HOUSE_REFUSED, 5000) && news.why == WHY_WRONG_STATE,
	      "an answer without an offer is refused");
	house_candidate(a, "0 0 candidate:1 1 udp 1 192.0.2.1 9 typ host");
	check(call(a, b, LINK_DATA), "the call goes on");
	house_candidate(a, "0 0 candidate:1 1 udp 1 0.0.0.0 9 typ host");
	check(await(a, HOUSE_REFUSED, 5000) && news.why == WHY_BAD_CANDIDATE,
	      "a candidate without an address is refused");
	house_candidate(a, "0 0 candidate:1 1 udp 1 x.local 9 typ host");
	house_candidate(a, "0 0 candidate:garbage");
	check(await(a, HOUSE_REFUSED, 5000) && strstr(news.text, "local") == 0,
	      "a name is ignored, garbage is refused");
	house_candidate(a, "0 0 candidate:1 1 udp 1 198.51.100.1 9 typ host");
	check(!await(a, HOUSE_GONE, 300) && a->state == CALL_CONNECTED,
	      "a sealed worker survives a candidate");
	leave(a);
}

/* Other characters where the credentials of b's far end stand. */
static char *with_other_credentials(const char *sdp)
{
	char *out = strdup(sdp);

	for (char *at = out; (at = strstr(at, "a=ice-ufrag:")); at += 12)
		memcpy(at + 12, "new!" + 0, 3);
	for (char *at = out; (at = strstr(at, "a=ice-pwd:")); at += 10)
		memcpy(at + 10, "new", 3);

	return out;
}

static void a_sealed_worker_restarts_ice(void)
{
	struct house_peer *a = born(), *b = born();
	char *old, *offer;

	check(call(a, b, LINK_DATA), "a call");
	old = strdup(b->local);
	offer = with_other_credentials(a->local);
	house_offer(b, offer);
	check(await(b, HOUSE_LOCAL, 5000), "a restart is answered");
	check(strncmp(strstr(old, "a=ice-ufrag:"),
		      strstr(b->local, "a=ice-ufrag:"), 20) != 0,
	      "with new credentials");
	check(!await(b, HOUSE_GONE, 500), "and survived");
	free(old);
	free(offer);
	leave(b);
}

/* A port that only listens, on all addresses. */
static int open_ear(uint16_t *port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    getsockname(fd, (struct sockaddr *)&addr, &len))
		exit(1);
	*port = ntohs(addr.sin_port);

	return fd;
}

/* The IPv4 address of this machine that a description names. */
static const char *own_address(const struct house_peer *p)
{
	static char ip[64];

	for (const char *at = p->local; (at = strstr(at, "a=candidate:"));
	     at++)
		if (sscanf(at, "%*s %*s %*s %*s %63s", ip) == 1 &&
		    !strchr(ip, ':'))
			return ip;

	return "127.0.0.1";
}

/* The next datagram; 0: none came. */
static size_t hear(int ear, uint8_t *out, size_t cap)
{
	struct mono until = mono_add(mono_now(), 10000000);
	ssize_t n = -1;

	while (n <= 0 && mono_before(mono_now(), until)) {
		house_wait(&house, &news, 20, -1);
		n = recv(ear, out, cap, MSG_DONTWAIT);
	}

	return n > 0 ? (size_t)n : 0;
}

static bool has_attribute(const uint8_t *stun, size_t len, unsigned wanted)
{
	for (size_t at = 20; at + 4 <= len;) {
		unsigned type = stun[at] << 8u | stun[at + 1];
		size_t size = (size_t)(stun[at + 2] << 8 | stun[at + 3]);

		if (type == wanted)
			return true;
		at += 4 + ((size + 3) & ~(size_t)3);
	}

	return false;
}

/* A candidate of the new generation may overtake its description. */
static void a_candidate_before_its_restart_counts(void)
{
	struct house_peer *a = born(), *b = born();
	char ufrag[64] = "", text[256], *offer, *bare;
	uint8_t packet[1500];
	uint16_t port;
	int ear = open_ear(&port);

	check(call(a, b, LINK_DATA), "a call");
	offer = with_other_credentials(a->local);
	bare = without(offer, "a=candidate");
	sscanf(strstr(bare, "a=ice-ufrag:"), "a=ice-ufrag:%63s", ufrag);
	/* more than are kept: the oldest go */
	for (int i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "0 0 candidate:9 1 udp %d %s %u "
			 "typ host ufrag %s", 1000 + i, own_address(b), port,
			 i < 38 ? "else" : ufrag);
		house_candidate(b, text);
	}
	house_offer(b, bare);
	check(await(b, HOUSE_LOCAL, 5000), "a restart is answered");
	check(hear(ear, packet, sizeof(packet)) > 20,
	      "the candidate that came first is tried");
	close(ear);
	free(offer);
	free(bare);
	leave(b);
}

/* The description as one of an ICE-lite peer that listens here. */
static char *as_lite(const struct house_peer *p, uint16_t port)
{
	char *bare = without(p->local, "a=candidate"), *out;
	const char *m = strstr(bare, "m=application");

	if (asprintf(&out, "%.*sa=ice-lite\r\n%sa=candidate:1 1 udp "
		     "2130706431 %s %u typ host\r\n", (int)(m - bare), bare,
		     m, own_address(p), port) < 0)
		exit(1);
	free(bare);

	return out;
}

/* A far end that is ICE-lite never controls: whoever did not begin is
 * controlled, too, and no pair would ever be chosen. */
static void an_ice_lite_peer_is_controlled_or_refused(void)
{
	struct house_peer *a, *b = born();
	uint8_t packet[1500];
	uint16_t port;
	size_t len;
	int ear = open_ear(&port);
	char *text;

	house.offers = true;
	a = born();
	house.offers = false;
	house_want_offer(a, LINK_DATA);
	check(await(a, HOUSE_LOCAL, 5000), "an offer");
	text = as_lite(a, port);
	house_offer(b, text);
	check(await(b, HOUSE_REFUSED, 5000) && news.why == WHY_BAD_SDP &&
	      strstr(news.text, "ice-lite"),
	      "an offer of an ICE-lite peer is refused");
	free(text);
	/* b must not know where a is, or they would find each other before the
	 * ear is tried. */
	text = without(a->local, "a=candidate");
	house_offer(b, text);
	free(text);
	check(await(b, HOUSE_LOCAL, 5000), "another one is answered");
	text = as_lite(b, port);
	house_answer(a, text);
	len = hear(ear, packet, sizeof(packet));
	check(has_attribute(packet, len, 0x802a) &&
	      !has_attribute(packet, len, 0x8029),
	      "an ICE-lite peer that answers is controlled");
	close(ear);
	free(text);
	leave(a);
	leave(b);
}

static long page_tables_kb(pid_t pid)
{
	char path[64], line[128];
	long kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmPTE: %ld", &kb) == 1)
			break;
	if (f)
		fclose(f);

	return kb;
}

/* The figure of docs: what one more peer costs this machine. */
static void a_peer_is_small(void)
{
	struct house_peer *a = born(), *b = born();
	const struct record sound = {
		.kind = RECORD_AUDIO, .codec = CODEC_OPUS, .bytes = 100,
		.level = RECORD_NO_LEVEL,
	};
	uint8_t packet[100] = { 0 };
	struct record r;
	long own, tables;

	check(call(a, b, LINK_AUDIO | LINK_DATA) &&
	      link_both(a, b, LINK_AUDIO | LINK_DATA) &&
	      open_channel(a, 0) == 0, "a call");
	for (int i = 0; i < 100; i++) {
		check(link_send_audio(&a->link, &sound, packet) == 0,
		      "a packet");
		house_wait(&house, &news, 5, -1);
	}
	check(send_data(a, 0, "hello", 5, 0) == 0 &&
	      read_data(b, RECORD_DATA, &r), "a message");
	own = house_private_kb(b->pid);
	tables = page_tables_kb(b->pid);
	printf("a peer with audio and data: %ld KB private, %ld KB of page "
	       "tables\n", own, tables);
	check(own > 0 && tables > 0, "the kernel tells");
	check(SANITIZED || own + tables <= PEER_KB,
	      "a peer takes at most 1.2 MB");
	leave(a);
}

static void another_certificate_is_another_connection(void)
{
	struct house_peer *a = born(), *b = born(), *c = born();

	check(call(a, b, LINK_DATA), "a call");
	house_want_offer(c, LINK_DATA);
	check(await(c, HOUSE_LOCAL, 5000), "an offer of somebody else");
	house_offer(b, c->local);
	check(await(b, HOUSE_SUPERSEDED, 5000) &&
	      !strcmp(news.text, c->local),
	      "an offer with another certificate comes back whole");
	leave(a);
	leave(c);
}

static void a_new_broker_finds_the_call(void)
{
	struct house_peer *a = born(), *b = born();
	struct record r;

	check(call(a, b, LINK_DATA) && link_both(a, b, LINK_DATA), "a call");
	house_hang_up(a);
	house_redial(&house);
	house_wait(&house, &news, 200, -1);
	house_dial(&house, a);
	check(await(a, HOUSE_HELLO, 5000) && a->state == CALL_CONNECTED,
	      "hello tells a new broker the state");
	check(open_channel(a, 0) == 0 &&
	      send_data(a, 0, "still", 5, 0) == 0 &&
	      read_data(b, RECORD_DATA, &r) && r.bytes == 5 &&
	      !memcmp(bytes, "still", 5),
	      "data goes on without the broker that made the link");
	leave(a);
}

static void data_is_carried_byte_for_byte(void)
{
	struct house_peer *a = born(), *b = born();
	static uint8_t big[BIG];
	struct record r;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 31 + i / 255);
	check(call(a, b, LINK_DATA) && link_both(a, b, LINK_DATA), "a call");
	check(open_channel(a, 0) == 0 && read_data(b, RECORD_CHANNEL, &r) &&
	      r.flags & RECORD_OPEN && r.value == 0 && r.bytes == 4 &&
	      !memcmp(bytes, "chat", 4),
	      "a channel opens with its label");
	check(send_data(a, 0, big, BIG, RECORD_BINARY) == 0 &&
	      read_data(b, RECORD_DATA, &r) && r.bytes == BIG &&
	      r.flags & RECORD_BINARY && !memcmp(bytes, big, BIG),
	      "the largest message arrives byte for byte");
	check(send_data(a, 0, "", 0, 0) == 0 &&
	      read_data(b, RECORD_DATA, &r) && r.bytes == 0 &&
	      !(r.flags & RECORD_BINARY),
	      "an empty text arrives");
	check(send_data(b, 0, "back", 4, 0) == 0 &&
	      read_data(a, RECORD_DATA, &r) && r.bytes == 4 &&
	      !memcmp(bytes, "back", 4),
	      "the other way as well");
	leave(a);
}

/* Writes numbered messages until the ring is full and nothing moves. */
static uint32_t fill(struct house_peer *a)
{
	static uint8_t body[16384];
	uint32_t count = 0;
	int stuck = 0;

	while (count < 4000 && stuck < 40) {
		memcpy(body, &count, sizeof(count));
		if (send_data(a, 0, body, sizeof(body), RECORD_BINARY) == 0) {
			count++;
			stuck = 0;
			continue;
		}
		stuck++;
		house_wait(&house, &news, 20, -1);
	}

	return count;
}

static void nothing_is_lost_when_nobody_reads(void)
{
	struct house_peer *a = born(), *b = born();
	struct record r;
	uint32_t sent, got, number;
	bool in_order = true;

	check(call(a, b, LINK_DATA) && link_both(a, b, LINK_DATA) &&
	      open_channel(a, 0) == 0, "a call");
	sent = fill(a);
	/* two rings of 1 MiB, SCTP's buffers of 1 MiB and 256 KiB */
	check(sent > 64 && sent < 300, "the sender is made to wait");
	for (got = 0; got < sent && read_data(b, RECORD_DATA, &r); got++) {
		memcpy(&number, bytes, sizeof(number));
		in_order = in_order && number == got;
	}
	printf("%u messages of 16 KiB waited, %u came\n", sent, got);
	check(got == sent && in_order, "every message comes, in order");
	leave(a);
}

static void a_new_link_takes_over_what_nobody_read(void)
{
	struct house_peer *a = born(), *b = born();
	struct record r;
	uint32_t got = 0, number, told = 0;
	bool in_order = true;

	check(call(a, b, LINK_DATA) && link_both(a, b, LINK_DATA) &&
	      open_channel(a, 0) == 0, "a call");
	for (uint32_t i = 0; i < 20; i++)
		check(send_data(a, 0, &i, sizeof(i), RECORD_BINARY) == 0,
		      "a message");
	check(read_data(b, RECORD_DATA, &r), "the first message");
	/* b's media-worker dies with the rest unread */
	house_wait(&house, &news, 300, -1);
	house_link(&house, b, LINK_DATA);
	check(await(b, HOUSE_LINK, 5000), "a new link");
	for (int i = 0; i < 40 && got < 19; i++) {
		dring_wake(&b->link.data_in);
		while (link_recv_data(&b->link, &r, bytes,
				      sizeof(bytes)) == 1) {
			if (r.kind == RECORD_CHANNEL)
				told++;
			if (r.kind != RECORD_DATA)
				continue;
			memcpy(&number, bytes, sizeof(number));
			in_order = in_order && number == ++got;
		}
		if (dring_sleep(&b->link.data_in))
			house_wait(&house, &news, 50, -1);
	}
	check(got == 19 && in_order, "what was unread comes by the new link");
	check(told >= 1, "open channels are told again");
	leave(a);
}

static void media_is_carried(void)
{
	struct house_peer *a = born(), *b = born();
	const struct record sound = {
		.kind = RECORD_AUDIO, .codec = CODEC_OPUS, .bytes = 100,
		.level = RECORD_NO_LEVEL, .rtp_time = 960,
	};
	uint8_t packet[100];
	struct record r;
	uint64_t lost;
	int got = 0;

	for (size_t i = 0; i < sizeof(packet); i++)
		packet[i] = (uint8_t)(i + 1);
	check(call(a, b, LINK_AUDIO | LINK_VIDEO) &&
	      link_both(a, b, LINK_AUDIO | LINK_VIDEO), "a call");
	check(link_send_audio(&a->link, &sound, packet) == 0, "a packet");
	for (int i = 0; i < 100 && got != 1; i++) {
		got = ering_read(&b->link.audio_in, &r, bytes, sizeof(bytes),
				 &lost);
		if (got != 1)
			house_wait(&house, &news, 20, -1);
	}
	check(got == 1 && r.kind == RECORD_AUDIO && r.bytes == 100 &&
	      r.codec == CODEC_OPUS && !memcmp(bytes, packet, 100) &&
	      r.arrival_us > 0 && r.seq_first == r.seq_last,
	      "an Opus packet arrives byte for byte");
	leave(a);
}

/* Three calls side by side, because each takes half a minute. */
static void silence_ends_a_call_late_and_not_early(void)
{
	struct house_peer *a = born(), *b = born();
	struct house_peer *c = born(), *d = born();
	struct house_peer *e = born();
	struct mono begin = mono_now();
	struct record r;

	check(call(a, b, LINK_DATA) && link_both(a, b, LINK_DATA), "a call");
	check(call(c, d, LINK_DATA), "a call");
	house_want_offer(e, LINK_DATA);
	check(await(e, HOUSE_LOCAL, 5000), "an offer that nobody answers");

	kill(a->pid, SIGSTOP);
	kill(c->pid, SIGKILL);
	check(!await(b, HOUSE_GONE, SILENCE_S * 1000),
	      "silence does not end a call at once");
	check(b->state == CALL_DISCONNECTED, "but it is told");
	kill(a->pid, SIGCONT);
	check(await_state(b, CALL_CONNECTED, 5000),
	      "the call goes on after the silence");
	check(open_channel(a, 0) == 0 && send_data(a, 0, "alive", 5, 0) == 0 &&
	      read_data(b, RECORD_DATA, &r) && r.bytes == 5,
	      "with its data");
	while ((!d->gone || !e->gone) &&
	       mono_since(mono_now(), begin) < 40000000)
		house_wait(&house, &news, 1000, -1);
	check(d->gone && d->why == WHY_LOST,
	      "a call whose far end died ends as lost");
	check(e->gone && e->why == WHY_TIMEOUT,
	      "a call that never begins ends by time");
	leave(a);
}

static const struct {
	const char *name;
	void (*run)(void);
} all[] = {
	{ "dtls", dtls_waits_for_the_pair },
	{ "port", a_taken_port_is_told },
	{ "texts", bad_texts_are_refused_and_change_nothing },
	{ "restart", a_sealed_worker_restarts_ice },
	{ "early", a_candidate_before_its_restart_counts },
	{ "lite", an_ice_lite_peer_is_controlled_or_refused },
	{ "memory", a_peer_is_small },
	{ "superseded", another_certificate_is_another_connection },
	{ "broker", a_new_broker_finds_the_call },
	{ "data", data_is_carried_byte_for_byte },
	{ "full", nothing_is_lost_when_nobody_reads },
	{ "relink", a_new_link_takes_over_what_nobody_read },
	{ "media", media_is_carried },
	{ "silence", silence_ends_a_call_late_and_not_early },
};

int main(int argc, char **argv)
{
	house_open(&house, argv[0]);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (argc < 2 || !strcmp(argv[1], all[i].name))
			all[i].run();
	house_close(&house);
	printf("%u passed, %u failed\n", passed, failed);

	return failed ? 1 : 0;
}
