/*
 * kill_each.c - a call survives the death of every process but its own
 *
 * kill_each [rounds]: starts the system, keeps one call with sound and data
 * in it, and SIGKILLs each kind of process `rounds` times. After each kill
 * sound and echo must go on over the same RTP stream without a number
 * missing, and the killed process must be back. The ice-worker that is
 * killed is that of a second peer, which calls again at once. At the end no
 * process holds more descriptors or memory objects than after the first
 * rounds.
 */

#include "common/clock.h"
#include "tests/client/rtc_peer.h"
#include "tests/client/server.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_US = 8000000, SAY_US = 20000, WARM = 3, PIDS = 64 };
enum { MEDIA, BROKER, SIGNALING, TEMPLATE, ICE, ROLES };

static const char *const roles[ROLES] = {
	"media", "broker", "signaling", "template", "ice",
};

static struct server server;
static struct loop *loop;
static struct rtc_peer *stay, *other;
static struct rtc_cfg cfg;
static struct timer say;
static unsigned passed, failed, other_number;
static uint32_t ssrc;
static int64_t last_seq, missing;
static struct mono heard;

static void check(bool good, const char *role, const char *what)
{
	if (good) {
		passed++;
		return;
	}
	failed++;
	printf("FAILED: %s: %s\n", role, what);
}

static void on_say(struct mono now, void *arg)
{
	(void)arg;
	(void)!rtc_peer_say(stay, "tick", 4);
	loop_timer(loop, &say, mono_add(now, SAY_US), on_say, NULL);
}

/* One stream from the first packet to the last. */
static void on_rtp(struct rtc_peer *p, enum rtc_kind kind,
		   const struct rtp_packet *packet, struct mono now, void *arg)
{
	int64_t step;

	(void)p;
	(void)arg;
	if (kind != RTC_AUDIO)
		return;
	heard = now;
	if (!ssrc) {
		ssrc = packet->ssrc;
		last_seq = packet->seq;
		return;
	}
	step = (int16_t)(packet->seq - (uint16_t)last_seq);
	if (packet->ssrc != ssrc || step < 1)
		missing += 1000000;
	else
		missing += step - 1;
	last_seq += step;
}

static pid_t pid_of(const char *folder)
{
	char path[192];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%.64s/w/%.90s/pid", server.run_dir,
		 folder);
	f = fopen(path, "r");
	if (f && fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);

	return pid;
}

/* The processes whose folder begins so, but for one. */
static int pids(const char *prefix, const char *not_this, pid_t *out)
{
	struct dirent *e;
	char path[96];
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "%s/w", server.run_dir);
	dir = opendir(path);
	while (dir && n < PIDS && (e = readdir(dir)))
		if (!strncmp(e->d_name, prefix, strlen(prefix)) &&
		    (!not_this || strcmp(e->d_name, not_this)) &&
		    (out[n] = pid_of(e->d_name)) > 0)
			n++;
	if (dir)
		closedir(dir);

	return n;
}

static pid_t broker_pid(const char *file)
{
	char path[96];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", server.run_dir, file);
	f = fopen(path, "r");
	if (f && fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);

	return pid;
}

static uint64_t sound(void)
{
	struct rtc_stats s;

	rtc_peer_stats(stay, &s);

	return s.flow[RTC_AUDIO].received;
}

static uint64_t echoes(void)
{
	struct rtc_stats s;

	rtc_peer_stats(stay, &s);

	return s.messages;
}

static bool turn_until(bool (*good)(void))
{
	struct mono end = mono_add(mono_now(), WAIT_US);

	while (!good()) {
		if (!mono_before(mono_now(), end) || loop_turn(loop, 5) < 0)
			return false;
	}

	return true;
}

static uint64_t want_sound, want_echoes;
static pid_t killed[PIDS];
static int killed_count;
static const char *killed_prefix;	/* NULL: the broker */

static bool goes_on(void)
{
	return sound() >= want_sound && echoes() >= want_echoes;
}

static bool is_back(void)
{
	pid_t now[PIDS], ready = broker_pid("ready");
	int n;

	if (!killed_prefix)
		return ready > 0 && ready != killed[0];
	n = pids(killed_prefix, NULL, now);
	for (int i = 0; i < n; i++)
		for (int k = 0; k < killed_count; k++)
			if (now[i] == killed[k])
				return false;

	return n == killed_count;
}

static bool stay_up(void)
{
	return rtc_peer_state(stay) >= RTC_DATA_UP && sound() > 10 &&
	       echoes() > 2;
}

static bool other_decided(void)
{
	return rtc_peer_state(other) >= RTC_CONNECTED;
}

static bool call_once(void)
{
	static char name[32];
	struct rtc_ops ops = { 0 };
	struct rtc_cfg c = cfg;

	rtc_peer_free(other);
	other = NULL;
	snprintf(name, sizeof(name), "other-%u", other_number++);
	c.name = name;
	c.data = false;

	return !rtc_peer_new(&other, loop, &c, &ops) &&
	       turn_until(other_decided) &&
	       rtc_peer_state(other) != RTC_FAILED;
}

/* Signaling may be the one that was killed last: it is refused, and tries
 * again, as clients do. */
static bool call_again(void)
{
	struct mono end = mono_add(mono_now(), WAIT_US);

	while (!call_once()) {
		if (!mono_before(mono_now(), end))
			return false;
		usleep(100000);
	}

	return true;
}

/* Two of the stay's own folder: its worker must not be the victim. */
static char stay_folder[96];

static void note_stay(void)
{
	char path[96];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/w", server.run_dir);
	dir = opendir(path);
	while (dir && (e = readdir(dir)))
		if (!strncmp(e->d_name, "ice-", 4))
			snprintf(stay_folder, sizeof(stay_folder), "%.90s",
				 e->d_name);
	if (dir)
		closedir(dir);
}

static pid_t other_pid[PIDS];

static bool other_has_pid(void)
{
	other_pid[0] = 0;

	return pids("ice-", stay_folder, other_pid) == 1;
}

static void kill_ice(void)
{
	check(call_again(), "ice", "a second peer is connected");
	/* It may be connected before the broker has noted its pid. */
	check(turn_until(other_has_pid), "ice", "has a process");
	want_sound = sound() + 5;
	want_echoes = echoes() + 2;
	if (other_pid[0] > 0)
		kill(other_pid[0], SIGKILL);
	check(turn_until(goes_on), "ice", "the other call goes on");
	check(call_again(), "ice", "its peer calls again");
	rtc_peer_free(other);
	other = NULL;
}

static void kill_role(int role)
{
	static const char *const prefixes[ROLES] = {
		"media-", NULL, "signaling-", "template-", "ice-",
	};

	if (role == ICE) {
		kill_ice();
		return;
	}
	killed_prefix = prefixes[role];
	killed[0] = broker_pid("broker.pid");
	killed_count = role == BROKER ? killed[0] > 0 :
					pids(killed_prefix, NULL, killed);
	check(killed_count > 0, roles[role], "is there");
	for (int i = 0; i < killed_count; i++)
		kill(killed[i], SIGKILL);
	want_sound = sound() + 8;
	want_echoes = echoes() + 4;
	check(turn_until(is_back), roles[role], "is back");
	check(turn_until(goes_on), roles[role], "sound and data go on");
}

static unsigned count(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);

	return n;
}

static unsigned memfds(pid_t pid)
{
	char path[64], line[512];
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, "/memfd:rm-") != NULL;
	if (f)
		fclose(f);

	return n;
}

struct holdings {
	unsigned fds, maps;
};

/* Of all processes together. */
static struct holdings holdings(void)
{
	struct holdings h = { 0, 0 };
	char path[160];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/w", server.run_dir);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		pid_t pid = e->d_name[0] == '.' ? 0 : pid_of(e->d_name);
		char fds[64];

		if (pid <= 0)
			continue;
		snprintf(fds, sizeof(fds), "/proc/%d/fd", (int)pid);
		h.fds += count(fds);
		h.maps += memfds(pid);
	}
	if (dir)
		closedir(dir);
	snprintf(path, sizeof(path), "/proc/%d/fd",
		 (int)broker_pid("broker.pid"));
	h.fds += count(path);

	return h;
}

static bool settled(void)
{
	static struct mono until;

	if (!until.us)
		until = mono_add(mono_now(), 4000000);	/* parked sockets */
	if (mono_before(mono_now(), until))
		return false;
	until.us = 0;

	return true;
}

static void run(int rounds)
{
	struct holdings before = { 0, 0 }, after;

	for (int i = 0; i < rounds + WARM; i++) {
		if (i == WARM) {
			(void)turn_until(settled);
			before = holdings();
		}
		for (int role = 0; role < ROLES; role++)
			kill_role(role);
	}
	(void)turn_until(settled);
	after = holdings();
	printf("descriptors %u -> %u, memory objects %u -> %u, RTP numbers "
	       "missing %lld\n", before.fds, after.fds, before.maps,
	       after.maps, (long long)missing);
	check(after.fds <= before.fds + 2, "all", "no descriptor grows");
	check(after.maps <= before.maps, "all", "no memory object grows");
	check(missing == 0, "all", "one RTP stream, no number missing");
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 10;
	struct rtc_ops ops = { .rtp = on_rtp };
	struct track *speech = NULL;

	setenv("WEBRTC_RESTART_BACKOFF", "false", 1);
	if (loop_new(&loop) || track_speech(&speech, 10, 32000) ||
	    server_start(&server)) {
		fprintf(stderr, "kill_each: cannot start\n");
		return 1;
	}
	cfg = (struct rtc_cfg){ .ip = "127.0.0.1", .port = server.port,
				.name = "stay", .audio = speech,
				.data = true };
	if (rtc_peer_new(&stay, loop, &cfg, &ops))
		return 1;
	on_say(mono_now(), NULL);
	check(turn_until(stay_up), "all", "the call is up");
	note_stay();
	if (!failed)
		run(rounds);

	loop_untimer(&say);
	rtc_peer_free(other);
	rtc_peer_free(stay);
	server.keep_log = failed > 0;
	server_stop(&server);
	track_free(speech);
	loop_free(loop);
	printf("kill_each: %u passed, %u failed\n", passed, failed);

	return failed != 0;
}
