/*
 * bench_peers.c - peers are added one by one until sound comes late
 *
 *	bench_peers [PEERS [VIDEO]]
 *
 * Each peer sends recorded speech through the loopback and takes back what
 * returns; the first VIDEO of them (2) send a picture of 320x180 as well, the
 * first DATA_PEERS messages of a data channel (usrsctp, as we wrap it, holds
 * so many associations in one process). After each peer the system runs for a
 * window, in which CPU and memory of its processes and the course of every
 * returned packet are taken.
 *
 * A returned packet is late when it comes over 20 ms after the earliest
 * course of its stream in the window; a deadline is missed when more than one
 * in a hundred was late, or a peer heard nothing. Beside it a bare metronome
 * runs on each core, a thread that only sleeps for 20 ms. A missed window in
 * which one of those was late, too, or in which other programs took CPU, says
 * nothing about the server and is taken again. The peers run on the same
 * cores as the server: their own CPU is printed too.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/client/rtc_peer.h"
#include "tests/client/server.h"

enum {
	PEERS = 400,
	SETTLE_US = 500000,
	WINDOW_US = 1000000,
	CONNECT_US = 15000000,
	SAY_US = 200000,
	LATE_IN = 100,		/* one of so many may be late */
	BEAT_US = 20000,
	DATA_PEERS = 8,
	TRIES = 30,		/* windows in which the machine was busy */
	BUSY_US = 10000,	/* a metronome so late says that it was */
	CORES = 16,
};

/* Of one core, what other programs may take in a window that counts. */
#define OTHERS_MAX 0.25

/* All cores together: beats, those over BUSY_US late, and the latest. */
static struct {
	pthread_t threads[CORES];
	unsigned cores;
	atomic_bool stop;
	_Atomic uint64_t beats, late;
	_Atomic int64_t worst_us;
} metronome;

static struct {
	struct loop *loop;
	struct server server;
	struct rtc_peer *peers[PEERS];
	unsigned count, wanted, video;
	struct track *speech, *picture;
	struct timer wake, say;
	unsigned said;
	bool failed;
} bench;

struct window {
	/* of one core; others: all that is neither server nor client */
	double server_cpu, media_cpu, ice_cpu, client_cpu, others_cpu;
	struct server_use use;
	uint64_t packets, late, lost, silent, messages, beats, beats_late;
	int64_t longest_gap_us, beat_worst_us;
};

static void *beat(void *arg)
{
	struct mono due = mono_now();

	(void)arg;
	while (!metronome.stop) {
		struct timespec t;
		int64_t late_us;

		due = mono_add(due, BEAT_US);
		t.tv_sec = due.us / 1000000;
		t.tv_nsec = due.us % 1000000 * 1000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		late_us = mono_since(mono_now(), due);
		metronome.beats++;
		metronome.late += late_us > BUSY_US;
		if (late_us > metronome.worst_us)
			metronome.worst_us = late_us;
	}

	return NULL;
}

static void die(const char *what, int err)
{
	fprintf(stderr, "bench_peers: %s: %s\n", what, strerror(-err));
	server_stop(&bench.server);
	exit(1);
}

static void on_wake(struct mono now, void *arg)
{
	(void)now;
	(void)arg;
	loop_stop(bench.loop);
}

/* Lets everything run for a while, or until somebody stops the loop. */
static void run(int64_t span_us)
{
	int err;

	loop_timer(bench.loop, &bench.wake, mono_add(mono_now(), span_us),
		   on_wake, NULL);
	err = loop_run(bench.loop);
	if (err)
		die("loop", err);
}

static void on_say(struct mono now, void *arg)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "message %u", bench.said++);

	(void)arg;
	for (unsigned i = 0; i < bench.count; i++)
		(void)!rtc_peer_say(bench.peers[i], text, (size_t)n);
	loop_timer(bench.loop, &bench.say, mono_add(now, SAY_US), on_say,
		   NULL);
}

static void on_state(struct rtc_peer *p, enum rtc_state state,
		     struct mono now, void *arg)
{
	(void)now;
	(void)arg;
	if (state == RTC_FAILED) {
		printf("peer %u failed: %s\n", bench.count,
		       rtc_peer_reason(p));
		bench.failed = bench.server.keep_log = true;
		loop_stop(bench.loop);
	}
	if (state == (bench.count <= DATA_PEERS ? RTC_DATA_UP : RTC_CONNECTED))
		loop_stop(bench.loop);
}

/* false when it does not come up. */
static bool add_peer(void)
{
	char name[32], from[32];
	struct rtc_ops ops = { .state = on_state };
	struct rtc_cfg cfg = {
		.ip = "127.0.0.1", .port = bench.server.port, .name = name,
		.from = from,
		.audio = bench.speech,
		.data = bench.count < DATA_PEERS,
		.video = bench.count < bench.video ? bench.picture : NULL,
	};
	struct rtc_peer **p = &bench.peers[bench.count];
	int err;

	snprintf(name, sizeof(name), "load-%u", bench.count);
	/* The server takes so many connections of one address. */
	snprintf(from, sizeof(from), "127.0.0.%u", 2 + bench.count / 16);
	err = rtc_peer_new(p, bench.loop, &cfg, &ops);
	if (err)
		die("peer", err);
	bench.count++;
	run(CONNECT_US);

	return !bench.failed && rtc_peer_state(*p) >= RTC_CONNECTED;
}

static uint64_t own_cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);

	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* All processes of the machine. */
static uint64_t busy_us(void)
{
	unsigned long user = 0, nice = 0, system = 0, idle, wait, irq = 0;
	FILE *f = fopen("/proc/stat", "r");

	if (f && fscanf(f, "cpu %lu %lu %lu %lu %lu %lu", &user, &nice,
			&system, &idle, &wait, &irq) != 6)
		user = nice = system = irq = 0;
	if (f)
		fclose(f);

	return (uint64_t)(user + nice + system + irq) * 1000000 /
	       (uint64_t)sysconf(_SC_CLK_TCK);
}

static double share(uint64_t before, uint64_t after, int64_t span_us)
{
	return after > before ? (double)(after - before) / (double)span_us : 0;
}

static void sum_cpu(struct window *w, const struct server_use *a,
		    const struct server_use *b, int64_t span_us)
{
	for (int r = 0; r < SERVER_ROLES; r++)
		w->server_cpu += share(a->cpu_us[r], b->cpu_us[r], span_us);
	w->media_cpu = share(a->cpu_us[SERVER_MEDIA], b->cpu_us[SERVER_MEDIA],
			     span_us);
	w->ice_cpu = share(a->cpu_us[SERVER_ICE], b->cpu_us[SERVER_ICE],
			   span_us);
}

static void sum_flow(struct window *w)
{
	for (unsigned i = 0; i < bench.count; i++) {
		struct rtc_stats s;
		const struct rtc_flow *audio = &s.flow[RTC_AUDIO];

		rtc_peer_stats(bench.peers[i], &s);
		w->packets += audio->received;
		w->late += audio->late;
		w->lost += audio->lost;
		w->silent += audio->received == 0;
		w->messages += s.messages;
		if (audio->longest_gap_us > w->longest_gap_us)
			w->longest_gap_us = audio->longest_gap_us;
	}
}

static void measure(struct window *w)
{
	struct server_use before;
	struct mono start;
	uint64_t own, busy;
	int64_t span_us;

	memset(w, 0, sizeof(*w));
	for (unsigned i = 0; i < bench.count; i++)
		rtc_peer_reset_flow(bench.peers[i]);
	server_look(&bench.server, 0, &before);
	own = own_cpu_us();
	busy = busy_us();
	metronome.beats = metronome.late = 0;
	metronome.worst_us = 0;
	start = mono_now();
	run(WINDOW_US);
	w->beats = metronome.beats;
	w->beats_late = metronome.late;
	w->beat_worst_us = metronome.worst_us;
	sum_flow(w);
	span_us = mono_since(mono_now(), start);
	w->client_cpu = share(own, own_cpu_us(), span_us);
	w->others_cpu = share(busy, busy_us(), span_us) - w->client_cpu;
	server_look(&bench.server, 0, &w->use);
	sum_cpu(w, &before, &w->use, span_us);
	w->others_cpu -= w->server_cpu;
	server_look(&bench.server, 1, &w->use);
}

/* The template is an ice-worker by name, but no peer's. */
static void print(const struct window *w)
{
	unsigned n = bench.count;
	unsigned ice = w->use.processes[SERVER_ICE];

	printf("peers %3u  cpu %5.1f %% (%.2f a peer: ice %.2f media %.2f)  "
	       "client %5.1f %%  others %5.1f %%  "
	       "ice-worker %4.0f KB  media-workers %5.1f MB  "
	       "late %llu of %llu  lost %llu  longest gap %3.0f ms  "
	       "metronome late %llu of %llu, at most %.0f ms\n",
	       n, 100 * w->server_cpu, 100 * w->server_cpu / n,
	       100 * w->ice_cpu / n, 100 * w->media_cpu / n,
	       100 * w->client_cpu, 100 * w->others_cpu,
	       ice ? (double)w->use.private_bytes[SERVER_ICE] / 1024 / ice : 0,
	       (double)w->use.private_bytes[SERVER_MEDIA] / 1048576,
	       (unsigned long long)w->late, (unsigned long long)w->packets,
	       (unsigned long long)w->lost,
	       (double)w->longest_gap_us / 1000,
	       (unsigned long long)w->beats_late,
	       (unsigned long long)w->beats,
	       (double)w->beat_worst_us / 1000);
	fflush(stdout);
}

static bool is_missed(const struct window *w)
{
	return w->silent || w->late * LATE_IN > w->packets;
}

static bool is_busy(const struct window *w)
{
	return w->beats_late > 0 || w->others_cpu > OTHERS_MAX;
}

/* Two misses of the server make one; what the machine did is taken again.
 * Says so when this is the end. */
static bool is_good(struct window *w)
{
	int misses = 0;

	for (int i = 0; i < TRIES && misses < 2; i++) {
		measure(w);
		if (!is_missed(w))
			return true;
		print(w);
		misses += !is_busy(w);
	}
	printf("peers: %s with %u\n", misses < 2 ?
	       "the machine is too busy to tell" : "deadlines missed",
	       bench.count);

	return false;
}

static void climb(void)
{
	struct window w;

	while (bench.count < bench.wanted) {
		if (!add_peer()) {
			printf("peers: %u came up\n", bench.count - 1);
			return;
		}
		run(SETTLE_US);
		if (!is_good(&w))
			return;
		print(&w);
	}
	printf("peers: no deadline missed with %u\n", bench.count);
}

static void start_metronomes(void)
{
	cpu_set_t usable;

	if (sched_getaffinity(0, sizeof(usable), &usable))
		die("affinity", -errno);
	for (int core = 0; core < CPU_SETSIZE && metronome.cores < CORES;
	     core++) {
		pthread_t *thread = &metronome.threads[metronome.cores];
		cpu_set_t one;

		if (!CPU_ISSET(core, &usable))
			continue;
		CPU_ZERO(&one);
		CPU_SET(core, &one);
		if (pthread_create(thread, NULL, beat, NULL) ||
		    pthread_setaffinity_np(*thread, sizeof(one), &one))
			die("metronome", -EAGAIN);
		metronome.cores++;
	}
}

static void prepare(int argc, char **argv)
{
	const struct track_picture picture = { RTP_VP9, 320, 180, 15, 45,
					       200000 };
	int err;

	bench.wanted = argc > 1 ? (unsigned)atoi(argv[1]) : 60;
	bench.video = argc > 2 ? (unsigned)atoi(argv[2]) : 2;
	if (bench.wanted < 1 || bench.wanted > PEERS) {
		fprintf(stderr, "bench_peers: 1 to %d peers\n", PEERS);
		exit(2);
	}
	if ((err = loop_new(&bench.loop)) ||
	    (err = track_speech(&bench.speech, 20, 32000)) ||
	    (err = track_moving(&bench.picture, &picture)))
		die("preparing", err);
	if (server_start(&bench.server))
		exit(1);
	start_metronomes();
	bench.wake.due = bench.say.due = MONO_NEVER;
	on_say(mono_now(), NULL);
}

int main(int argc, char **argv)
{
	prepare(argc, argv);
	climb();
	for (unsigned i = 0; i < bench.count; i++)
		rtc_peer_free(bench.peers[i]);
	server_stop(&bench.server);
	metronome.stop = true;
	for (unsigned i = 0; i < metronome.cores; i++)
		pthread_join(metronome.threads[i], NULL);
	loop_untimer(&bench.say);
	loop_untimer(&bench.wake);
	loop_free(bench.loop);
	track_free(bench.speech);
	track_free(bench.picture);

	return 0;
}
