/*
 * bench_hop.c - one record from one process to another
 *
 * Asleep: the reader sleeps in poll(2). Bare: one eventfd, written by the
 * other process. Ours: record into the ring, sleep flag, doorbell, hear,
 * copy out. The two take turns within one run, 1 ms apart, and so do a bare
 * wake by blocking read(2) (no poll) and the ring.
 * Awake: the reader polls. Bare: one shared word. Ours: the ring.
 * A time begins before the sender's first step and ends when the reader has
 * the record (or the word) in hand.
 *
 * Targets: asleep p50 at most 1.25 x the bare eventfd; awake at most 1 us.
 */

#include "shm/doorbell.h"
#include "shm/ering.h"
#include "shm/words.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DATA = 65536, PAYLOAD = 160, ASLEEP = 3000, AWAKE = 100000 };

enum way { BARE_POLL, RING_POLL, BARE_READ, WAYS };

struct shared {
	uint64_t round;		/* the reader waits for this one */
	uint64_t zero_a[15];
	uint64_t word;		/* bare polling */
	uint64_t sent_ns;
	uint64_t zero_b[14];
	struct ering_cursor cursor;
	uint64_t zero_c[8];
	int64_t asleep_ns[WAYS][ASLEEP];
	int64_t bare_ns[AWAKE], ring_ns[AWAKE];
	_Alignas(128) unsigned char ring[256 + DATA];
};

static struct shared *sh;
static struct ering_writer writer;
static struct ering_reader reader;
static int poll_fd, read_fd, bell[2];

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		fprintf(stderr, "bench_hop: not pinned\n");
}

static int64_t took(void)
{
	return now_ns() - (int64_t)word_acquire(&sh->sent_ns);
}

static void hear_poll(uint64_t *count)
{
	struct pollfd p = { poll_fd, POLLIN, 0 };

	while (poll(&p, 1, -1) != 1 ||
	       read(poll_fd, count, sizeof(*count)) != sizeof(*count))
		;
}

static void read_record(void)
{
	unsigned char payload[PAYLOAD];
	struct record rec;
	uint64_t lost;

	while (ering_read(&reader, &rec, payload, sizeof(payload), &lost) != 1)
		;
}

static void hear_ring(void)
{
	struct pollfd p = { bell[0], POLLIN, 0 };

	while (ering_sleep(&reader)) {
		if (poll(&p, 1, -1) == 1)
			(void)doorbell_hear(bell[0]);
		ering_wake(&reader);
	}
	read_record();
}

static void read_asleep(void)
{
	uint64_t count;

	for (uint64_t i = 0; i < (uint64_t)ASLEEP * WAYS; i++) {
		word_release(&sh->round, i + 1);
		if (i % WAYS == BARE_POLL)
			hear_poll(&count);
		else if (i % WAYS == RING_POLL)
			hear_ring();
		else
			while (read(read_fd, &count, sizeof(count)) < 0)
				;
		sh->asleep_ns[i % WAYS][i / WAYS] = took();
	}
}

static void read_awake(void)
{
	for (uint64_t i = 0; i < AWAKE; i++) {
		while (word_acquire(&sh->word) != i + 1)
			;
		sh->bare_ns[i] = took();
		word_release(&sh->round, 2 * i + 1);
		read_record();
		sh->ring_ns[i] = took();
		word_release(&sh->round, 2 * i + 2);
	}
}

static void wait_round(uint64_t round)
{
	while (word_acquire(&sh->round) != round)
		;
}

static void send_record(void)
{
	unsigned char payload[PAYLOAD] = { 0 };
	struct record rec = { .kind = RECORD_AUDIO, .bytes = PAYLOAD };

	if (ering_write(&writer, &rec, payload) == 0 &&
	    ering_must_ring(&sh->cursor))
		doorbell_ring(bell[1]);
}

static void stamp(void)
{
	word_release(&sh->sent_ns, (uint64_t)now_ns());
}

static void send_asleep(void)
{
	const struct timespec pause = { 0, 500000 };
	const uint64_t one = 1;

	for (uint64_t i = 0; i < (uint64_t)ASLEEP * WAYS; i++) {
		wait_round(i + 1);
		nanosleep(&pause, NULL);
		stamp();
		if (i % WAYS == RING_POLL)
			send_record();
		else if (write(i % WAYS == BARE_POLL ? poll_fd : read_fd,
			       &one, sizeof(one)) < 0)
			abort();
	}
}

static void send_awake(void)
{
	for (uint64_t i = 0; i < AWAKE; i++) {
		stamp();
		word_release(&sh->word, i + 1);
		wait_round(2 * i + 1);
		stamp();
		send_record();
		wait_round(2 * i + 2);
	}
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t at(const int64_t *ns, size_t count, size_t percent)
{
	return ns[count * percent / 100];
}

static void print(const char *name, int64_t *ns, size_t count)
{
	qsort(ns, count, sizeof(*ns), by_value);
	printf("%-40s p50 %8.2f us   p99 %8.2f us\n", name,
	       (double)at(ns, count, 50) / 1e3,
	       (double)at(ns, count, 99) / 1e3);
}

static double ratio(const int64_t *a, const int64_t *b, size_t count,
		    size_t percent)
{
	return (double)at(a, count, percent) / (double)at(b, count, percent);
}

static void set_up(void)
{
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	poll_fd = eventfd(0, EFD_NONBLOCK);
	read_fd = eventfd(0, 0);
	if (sh == MAP_FAILED || poll_fd < 0 || read_fd < 0 ||
	    doorbell_new(bell) != 0)
		abort();
	ering_init(&writer, sh->ring, DATA, 1);
	if (ering_open(&reader, sh->ring, DATA, &sh->cursor, true) != 0)
		abort();
}

/* Reader in a child on one core, sender here on another. */
static void run(void (*read_all)(void), void (*send_all)(void))
{
	pid_t pid;

	set_up();
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(1);
		read_all();
		_exit(0);
	}
	if (pid < 0)
		abort();
	pin(0);
	send_all();
	waitpid(pid, NULL, 0);
}

int main(void)
{
	int64_t (*asleep)[ASLEEP];

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		printf("bench_hop: needs two cores\n");
		return 0;
	}
	run(read_asleep, send_asleep);
	asleep = sh->asleep_ns;
	print("asleep: bare eventfd, poll", asleep[BARE_POLL], ASLEEP);
	print("asleep: bare eventfd, blocking read", asleep[BARE_READ], ASLEEP);
	print("asleep: ring and doorbell, poll", asleep[RING_POLL], ASLEEP);
	printf("asleep: ring / bare eventfd (poll)       p50 x %.2f        "
	       "p99 x %.2f   (target p50 <= 1.25)\n",
	       ratio(asleep[RING_POLL], asleep[BARE_POLL], ASLEEP, 50),
	       ratio(asleep[RING_POLL], asleep[BARE_POLL], ASLEEP, 99));
	run(read_awake, send_awake);
	print("awake: bare shared word", sh->bare_ns, AWAKE);
	print("awake: ring", sh->ring_ns, AWAKE);
	printf("awake: ring / bare word                  p50 x %.2f        "
	       "p99 x %.2f   (target p50 <= 1 us)\n",
	       ratio(sh->ring_ns, sh->bare_ns, AWAKE, 50),
	       ratio(sh->ring_ns, sh->bare_ns, AWAKE, 99));

	return 0;
}
