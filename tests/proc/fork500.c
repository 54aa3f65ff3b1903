/*
 * fork500.c - many sealed peers of one template, calling each other
 *
 * Peers are forked two by two; one offers, the other answers, and both go
 * through ICE, DTLS and SCTP. Then all are looked at: one thread each, no
 * two with the same ufrag, password or port, all connected at the same time,
 * no more memory for the last than for the first. At the end all leave.
 *
 * fork500 [PEERS]
 */

#include "tests/proc/house.h"

#include "common/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };	/* the memory is the sanitizer's */
#else
enum { SANITIZED = 0 };
#endif

enum { PEERS = 500, PORT_FIRST = 21000, KB_GROWTH = 300, KB_MAX = 1400 };

static struct house house;
static struct house_news news;
static unsigned peers, passed, failed;

static void check(bool good, const char *what)
{
	if (good) {
		passed++;
		return;
	}
	failed++;
	printf("FAILED: %s\n", what);
}

/* Waits until it comes for this peer; false: it does not. */
static bool await(const struct house_peer *p, enum house_event event)
{
	for (int i = 0; i < 1000; i++) {
		enum house_event e = house_wait(&house, &news, 20000, -1);

		if (e == event && news.peer == p)
			return true;
		if (e == HOUSE_TIME || e == HOUSE_REFUSED ||
		    e == HOUSE_REAPED) {
			printf("peer %llu: %s\n",
			       news.peer ? (unsigned long long)news.peer->id :
					   0ull, news.text);
			return false;
		}
	}

	return false;
}

static bool call(struct house_peer *a, struct house_peer *b)
{
	house_want_offer(a, LINK_DATA);
	if (!await(a, HOUSE_LOCAL))
		return false;
	house_offer(b, a->local);
	if (!await(b, HOUSE_LOCAL))
		return false;
	house_answer(a, b->local);
	for (int i = 0; i < 100; i++) {
		if (a->state == CALL_CONNECTED && b->state == CALL_CONNECTED)
			return true;
		house_wait(&house, &news, 20000, -1);
	}

	return false;
}

/* The value of the first attribute of this name. */
static const char *attribute(const struct house_peer *p, const char *name,
			     char *out, size_t cap)
{
	const char *at = p->local ? strstr(p->local, name) : NULL;

	out[0] = '\0';
	if (at)
		snprintf(out, cap, "%.*s",
			 (int)strcspn(at + strlen(name), "\r\n"),
			 at + strlen(name));

	return out;
}

static bool same(const struct house_peer *a, const struct house_peer *b)
{
	char x[64], y[64];

	return !strcmp(attribute(a, "a=ice-ufrag:", x, sizeof(x)),
		       attribute(b, "a=ice-ufrag:", y, sizeof(y))) ||
	       !strcmp(attribute(a, "a=ice-pwd:", x, sizeof(x)),
		       attribute(b, "a=ice-pwd:", y, sizeof(y))) ||
	       a->port == b->port;
}

static int64_t born_us[HOUSE_PEERS];

static struct house_peer *born(unsigned i)
{
	struct mono begin = mono_now();
	struct house_peer *p = house_fork(&house, i + 1,
					  (uint16_t)(PORT_FIRST + i));

	born_us[i] = mono_since(mono_now(), begin);

	return p;
}

static int by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void look_at_all(void)
{
	unsigned twins = 0, threads = 0, connected = 0;
	long first = 0, last = 0, kb;

	for (unsigned i = 0; i < house.count; i++) {
		struct house_peer *p = house.peers[i];

		for (unsigned k = 0; k < i; k++)
			twins += same(p, house.peers[k]);
		threads += house_threads(p->pid) != 1;
		connected += p->state == CALL_CONNECTED;
		kb = house_private_kb(p->pid);
		if (i < 10)
			first += kb;
		if (i >= house.count - 10)
			last += kb;
	}
	check(twins == 0, "no two peers share ufrag, password or port");
	check(threads == 0, "every peer has one thread");
	check(connected == peers, "all peers are connected at the same time");
	printf("private memory: first ten %ld KB each, last ten %ld KB each\n",
	       first / 10, last / 10);
	check(last / 10 < first / 10 + KB_GROWTH, "memory is flat");
	check(SANITIZED || last / 10 < KB_MAX, "memory of one peer");
}

static void all_leave(void)
{
	unsigned before = house.reaped;

	for (unsigned i = 0; i < house.count; i++)
		if (house.peers[i]->fd >= 0)
			house_close_peer(house.peers[i]);
	while (house.reaped - before < house.count) {
		enum house_event e = house_wait(&house, &news, 20000, -1);

		if (e == HOUSE_TIME)
			break;
		if (e == HOUSE_REAPED && house.last_status != 0)
			check(false, "a peer ends with status 0");
	}
	check(house.reaped - before == house.count, "all peers are reaped");
	check(house_threads(house.template) == 1,
	      "the template still has one thread");
}

int main(int argc, char **argv)
{
	struct rlimit files = { 8192, 8192 };
	struct mono begin = mono_now();

	peers = argc > 1 ? (unsigned)atoi(argv[1]) : PEERS;
	if (SANITIZED && peers > 20)
		peers = 20;
	setrlimit(RLIMIT_NOFILE, &files);
	house_open(&house, argv[0]);
	for (unsigned i = 0; i + 1 < peers; i += 2) {
		struct house_peer *a = born(i), *b = born(i + 1);

		check(call(a, b), "two peers connect");
	}
	qsort(born_us, peers, sizeof(*born_us), by_size);
	printf("%u peers in %lld ms; asked to ready: p50 %lld us, p99 %lld us"
	       "\n", peers, (long long)mono_since(mono_now(), begin) / 1000,
	       (long long)born_us[peers / 2],
	       (long long)born_us[peers * 99 / 100]);
	look_at_all();
	all_leave();
	house_close(&house);
	printf("%u passed, %u failed\n", passed, failed);

	return failed ? 1 : 0;
}
