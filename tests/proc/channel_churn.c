/*
 * channel_churn.c - the broker's nng against workers that come and go
 *
 * channel_churn [rounds]: a worker process hears one socket with the small SP
 * codec; this process dials it by nng, gets its hello, sends one frame, gets
 * its echo, and closes; every 50th time the worker is killed in the middle.
 * Asserts that nothing grows: descriptors, threads, private memory.
 */

#include "common/channel.h"
#include "common/clock.h"
#include "port/bus.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char path_ctl[64], path_fds[64];
static struct channel *worker;

static void on_up(void *arg)
{
	(void)arg;
	(void)channel_send(worker, "hello", 5, NULL, 0);
}

static int on_frame(const void *bytes, size_t len, const int *fds,
		    unsigned nfds, void *arg)
{
	(void)fds;
	(void)nfds;
	(void)arg;

	return channel_send(worker, bytes, len, NULL, 0);
}

static int listener(const char *path, int type)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    listen(fd, 16) < 0) {
		perror(path);
		exit(1);
	}

	return fd;
}

/* A worker by fork before nng is used would be cleaner for nng, but a worker
 * must be replaced in mid-run: it is executed anew, as in the real system. */
static void worker_main(void)
{
	struct channel_ops ops = { on_up, NULL, on_frame, NULL };
	struct loop *loop;

	if (loop_new(&loop) || channel_new(&worker, loop, 3, 4, &ops) ||
	    loop_run(loop))
		exit(1);
	exit(0);
}

static pid_t start_worker(int ctl, int fds)
{
	pid_t pid = fork();

	if (pid == 0) {
		int a = dup(ctl), b = dup(fds);

		dup2(a, 3);
		dup2(b, 4);
		execl("/proc/self/exe", "channel_churn", "--worker", NULL);
		_exit(1);
	}

	return pid;
}

static int count_dir(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);

	return n;
}

static long private_kb(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "re");
	char line[128];
	long kb = 0, one;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Private_Dirty: %ld", &one) == 1)
			kb += one;
	if (f)
		fclose(f);

	return kb;
}

/* One frame that starts with want; 0, or -ETIMEDOUT after 5 s. */
static int expect(struct bus *bus, const char *want, size_t len)
{
	struct mono end = mono_add(mono_now(), 5000000);
	struct pollfd p = { bus_fd(bus), POLLIN, 0 };
	const void *got;
	size_t n;

	while (mono_before(mono_now(), end)) {
		int err = bus_recv(bus, &got, &n);

		if (!err)
			return n == len && !memcmp(got, want, len) ? 0 :
								     -EBADMSG;
		if (err != -EAGAIN)
			return err;
		poll(&p, 1, 100);
	}

	return -ETIMEDOUT;
}

static int one_round(int i)
{
	char frame[600];
	struct bus *bus;
	int err;

	memset(frame, i & 0xff, sizeof(frame));
	if ((err = bus_dial(&bus, path_ctl)))
		return err;
	if (!(err = expect(bus, "hello", 5)) &&
	    !(err = bus_send(bus, frame, sizeof(frame), NULL, 0)))
		err = expect(bus, frame, sizeof(frame));
	bus_free(bus);

	return err;
}

int main(int argc, char **argv)
{
	int rounds = 10000, passed = 0, failed = 0, fds0 = 0, threads0 = 0;
	char dir[32] = "/tmp/rm-churn-XXXXXX";
	long kb0 = 0;
	pid_t pid;
	int ctl, fds;

	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "--worker"))
		worker_main();
	if (argc > 1)
		rounds = atoi(argv[1]);
	if (!mkdtemp(dir))
		return 1;
	snprintf(path_ctl, sizeof(path_ctl), "%s/ctl", dir);
	snprintf(path_fds, sizeof(path_fds), "%s/fds", dir);
	ctl = listener(path_ctl, SOCK_STREAM);
	fds = listener(path_fds, SOCK_SEQPACKET);
	pid = start_worker(ctl, fds);

	for (int i = 0; i < rounds; i++) {
		int err = one_round(i);

		if (err) {
			printf("round %d: %s\n", i, strerror(-err));
			failed++;
		} else {
			passed++;
		}
		if (i % 50 == 49) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			pid = start_worker(ctl, fds);
		}
		if (i == rounds / 10) {	/* warm by now */
			fds0 = count_dir("/proc/self/fd");
			threads0 = count_dir("/proc/self/task");
			kb0 = private_kb();
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);

	printf("descriptors %d -> %d, threads %d -> %d, private %ld -> %ld "
	       "kB\n", fds0, count_dir("/proc/self/fd"), threads0,
	       count_dir("/proc/self/task"), kb0, private_kb());
	failed += count_dir("/proc/self/fd") > fds0 + 1;
	failed += count_dir("/proc/self/task") > threads0;
	failed += private_kb() > kb0 + 1024;
	unlink(path_ctl);
	unlink(path_fds);
	rmdir(dir);
	printf("channel_churn: %d passed, %d failed\n", passed, failed);

	return failed != 0;
}
