/*
 * fuzz_broker.c - what workers may say to the broker, in any order
 *
 * Input: steps of one sender byte, one row byte, one length byte and that
 * many bytes, which become payload and blob. The real gate, tables, peers
 * and links run; processes are structs here, what the broker sends is
 * counted. Small peer and call numbers are made likely.
 */

#include "common/clock.h"
#include "session-broker/broker.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { ICE_MAX = 12 };

static struct broker b;
static struct options opt;
static struct worker *workers[3 + ICE_MAX];
static uint64_t numbers;

static int swallow(void *arg, const void *bytes, size_t len, const int *fds,
		   unsigned nfds)
{
	(void)arg;
	if (len > MSG_MAX || nfds > MSG_FDS || (nfds && fds[nfds - 1] < 0) ||
	    (len && !bytes))
		__builtin_trap();

	return 0;
}

int worker_new(struct worker **out, struct broker *broker, enum proc kind,
	       const char *name)
{
	struct worker *w = calloc(1, sizeof(*w));

	(void)name;
	if (!w)
		return -1;
	w->b = broker;
	w->kind = kind;
	w->phase = AT_BOOT;
	w->ctl = w->down = (struct wire){ swallow, w, 0 };
	*out = w;

	return 0;
}

void worker_free(struct worker *w)
{
	for (size_t i = 0; i < ARRAY_LEN(workers); i++)
		if (workers[i] == w)
			workers[i] = NULL;
	free(w);
}

/* As worker.c does it, for a process whose pid is not known. */
void worker_ended(struct worker *w, int status)
{
	struct peer *p = w->peer;

	(void)status;
	if (p && p->ice == w) {
		p->ice = NULL;
		if (!w->leaving)
			peer_end(p, WHY_CRASHED, "died");
	}
	worker_free(w);
}

void worker_broken(struct worker *w, const char *what)
{
	(void)what;
	if (w->kind == ICE)
		worker_ended(w, 9);
}

void worker_dismiss(struct worker *w, uint64_t peer, uint32_t why)
{
	(void)peer;
	(void)why;
	w->leaving = true;
	w->peer = NULL;
}

void worker_kill(struct worker *w, int sig)
{
	(void)w;
	(void)sig;
}

void worker_alive(struct worker *w, int64_t span_us)
{
	(void)w;
	(void)span_us;
}

uint64_t next_number(struct broker *broker)
{
	(void)broker;
	return ++numbers;
}

int spawn_peer(struct peer *p)
{
	for (size_t i = 3; i < ARRAY_LEN(workers); i++) {
		if (workers[i])
			continue;
		if (worker_new(&workers[i], p->b, ICE, ""))
			return -1;
		workers[i]->peer = p;
		workers[i]->spawn = next_number(p->b);
		workers[i]->peer_id = p->id;
		p->ice = workers[i];
		p->forking = false;
		return 0;
	}

	return -1;
}

int rundir_note_call(struct broker *broker, const char *name,
		     const struct rundir_call *call)
{
	(void)broker;
	(void)name;
	(void)call;

	return 0;
}

int rundir_read_call(struct broker *broker, const char *name,
		     struct rundir_call *out)
{
	(void)broker;
	(void)name;
	(void)out;

	return -1;
}

/* Rows of the template are spawn.c's, which is not here. */
#define NO_HANDLER(name)                                                      \
	int on_##name(struct worker *w, const struct msg_##name *m,           \
		      const void *blob, size_t len)                           \
	{                                                                     \
		(void)w;                                                      \
		(void)m;                                                      \
		(void)blob;                                                   \
		(void)len;                                                    \
		return 0;                                                     \
	}
NO_HANDLER(template_hello)
NO_HANDLER(template_forked)
NO_HANDLER(template_reaped)

int adopt_held(struct broker *broker, uint64_t peer, uint64_t generation,
	       uint32_t media)
{
	(void)broker;
	(void)peer;
	(void)generation;
	(void)media;
	return 0;
}

void broker_check_ready(struct broker *broker)
{
	(void)broker;
}

static void setup(void)
{
	static const enum proc kinds[3] = { SIGNALING, MEDIA, MEDIA };

	memset(&b, 0, sizeof(b));
	opt.max_peers = 8;
	opt.data_channel = true;
	opt.jitter_buffer_ms = 100;
	opt.udp_port_min = 20000;
	opt.udp_port_max = 20015;
	b.opt = &opt;
	b.adopting = true;
	b.media_count = 2;
	b.ports = calloc(16, 1);
	numbers = 0;
	if (!b.ports || loop_new(&b.loop))
		abort();
	for (int i = 0; i < 3; i++)
		if (worker_new(&workers[i], &b, kinds[i], ""))
			abort();
	workers[1]->index = 0;
	workers[2]->index = 1;
	b.signaling.worker = workers[0];
	b.media[0].worker = workers[1];
	b.media[1].worker = workers[2];
}

static void teardown(void)
{
	for (struct peer *p = peer_each(&b, NULL); p;
	     p = peer_each(&b, NULL))
		peer_end(p, WHY_CLOSED, "");
	if (b.peers || b.connected || b.sessions)
		__builtin_trap();
	for (size_t i = 0; i < ARRAY_LEN(workers); i++)
		if (workers[i])
			worker_free(workers[i]);
	loop_free(b.loop);
	free(b.ports);
}

static void step(uint8_t sender, uint8_t type, const uint8_t *data, size_t len)
{
	static _Alignas(8) uint8_t frame[sizeof(struct msg_head) + 512];
	struct worker *w = workers[sender % ARRAY_LEN(workers)];
	struct msg_head head = { .type = type % MSG_COUNT };
	size_t size = msg_payload(head.type);
	uint32_t abi = msg_abi();
	struct wire_in in;

	if (!w)
		return;
	head.size = (uint32_t)(len > size ? len : size);
	if (head.size > 512)
		return;
	memset(frame, 0, sizeof(frame));
	memcpy(frame, &head, sizeof(head));
	memcpy(frame + sizeof(head), data, len);
	/* A hello that is meant well, half of the time. */
	if (sender & 0x80 && head.type == MSG_media_hello) {
		memcpy(frame + sizeof(head), &abi, 4);
		memcpy(frame + sizeof(head) + 8, &w->index, 4);
	}
	if (sender & 0x80 && head.type == MSG_signaling_hello)
		memcpy(frame + sizeof(head), &abi, 4);
	/* Names of a few letters, so that sessions are shared. */
	if (sender & 0x80 && head.type == MSG_call_open) {
		uint32_t name_len = len > size ? 1 + data[0] % 2 : 0;

		memcpy(frame + sizeof(head) + 8, &name_len, 4);
		for (size_t i = size; i < len; i++)
			frame[sizeof(head) + i] = 'a' + data[i] % 3;
	}
	if (sender & 0x80 && head.type == MSG_ice_hello) {
		memcpy(frame + sizeof(head) + 8, &w->spawn, 8);
		memcpy(frame + sizeof(head) +
			       offsetof(struct msg_ice_hello, abi), &abi, 4);
	}

	if (wire_open(&in, frame, sizeof(head) + head.size, 0, w->kind,
		      BROKER, w->phase) ||
	    dispatch(w, &in))
		worker_broken(w, "fuzz");
	if (b.peers > opt.max_peers + ICE_MAX || b.connected > b.peers)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	setup();
	for (int steps = 0; len >= 3 && steps < 200; steps++) {
		size_t n = data[2];

		if (n > len - 3)
			n = len - 3;
		step(data[0], data[1], data + 3, n);
		data += 3 + n;
		len -= 3 + n;
	}
	teardown();

	return 0;
}
