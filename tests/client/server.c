#include "tests/client/server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIDS = 4096, READY_TRIES = 400, TRY_US = 50000 };

struct process {
	pid_t pid, parent;
	char name[32];
	uint64_t ticks;
	unsigned long threads;
};

static uint16_t free_port(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) ||
	    getsockname(fd, (struct sockaddr *)&sin, &len))
		sin.sin_port = 0;
	if (fd >= 0)
		close(fd);

	return ntohs(sin.sin_port);
}

static void become_server(const struct server *h)
{
	char url[64];
	int fd = open(h->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd >= 0) {
		dup2(fd, 1);
		dup2(fd, 2);
	}
	snprintf(url, sizeof(url), "ws://0.0.0.0:%u", h->port);
	setenv("WEBRTC_RUN_DIR", h->run_dir, 1);
	setenv("WEBRTC_SIGNALING_URL", url, 1);
	setenv("WEBRTC_MAX_PEERS", "1000", 1);
	execl("scripts/webrtc_server", "webrtc_server", (char *)NULL);
	_exit(127);
}

int server_start(struct server *h)
{
	char ready[96];

	memset(h, 0, sizeof(*h));
	h->port = free_port();
	snprintf(h->run_dir, sizeof(h->run_dir), "/tmp/rm-bench-%d",
		 (int)getpid());
	snprintf(h->log, sizeof(h->log), "%s.log", h->run_dir);
	snprintf(ready, sizeof(ready), "%s/ready", h->run_dir);
	h->pid = fork();
	if (h->pid < 0)
		return -errno;
	if (h->pid == 0)
		become_server(h);
	for (int i = 0; i < READY_TRIES; i++) {
		if (access(ready, F_OK) == 0)
			return 0;
		if (waitpid(h->pid, NULL, WNOHANG) == h->pid) {
			h->pid = 0;
			break;
		}
		usleep(TRY_US);
	}
	fprintf(stderr, "the server did not start: %s\n", h->log);
	h->keep_log = true;
	if (h->pid)
		server_stop(h);

	return -ETIMEDOUT;
}

void server_stop(struct server *h)
{
	if (!h->pid)
		return;
	kill(h->pid, SIGTERM);
	waitpid(h->pid, NULL, 0);
	h->pid = 0;
	if (h->keep_log)
		fprintf(stderr, "log: %s\n", h->log);
	else
		unlink(h->log);
}

static bool read_process(pid_t pid, struct process *out)
{
	unsigned long user, kernel;
	char path[64], line[512], *at;
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	at = fgets(line, sizeof(line), f);
	fclose(f);
	at = at ? strrchr(line, ')') : NULL;
	if (!at)
		return false;
	*at = '\0';
	n = sscanf(at + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu"
		   " %*d %*d %*d %*d %lu", &out->parent, &user, &kernel,
		   &out->threads);
	out->pid = pid;
	out->ticks = user + kernel;
	at = strchr(line, '(');
	snprintf(out->name, sizeof(out->name), "%s", at ? at + 1 : "");

	return n == 4;
}

static size_t read_all(struct process *all, size_t max)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	size_t count = 0;

	while (dir && count < max && (entry = readdir(dir))) {
		int pid = atoi(entry->d_name);

		if (pid > 0 && read_process(pid, &all[count]))
			count++;
	}
	if (dir)
		closedir(dir);

	return count;
}

/* By its chain of parents. */
static bool is_below(const struct process *all, size_t count, pid_t pid,
		     pid_t top)
{
	for (int depth = 0; depth < 16 && pid > 1; depth++) {
		size_t i = 0;

		if (pid == top)
			return true;
		while (i < count && all[i].pid != pid)
			i++;
		if (i == count)
			return false;
		pid = all[i].parent;
	}

	return false;
}

static uint64_t private_of(pid_t pid)
{
	char path[64], line[256];
	uint64_t sum = 0, kb;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Private_Clean: %lu", &kb) == 1 ||
		    sscanf(line, "Private_Dirty: %lu", &kb) == 1)
			sum += kb;
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmPTE: %lu", &kb) == 1)
			sum += kb;
	if (f)
		fclose(f);

	return sum * 1024;
}

static enum server_role role_of(const char *name)
{
	static const struct {
		const char *name;
		enum server_role role;
	} roles[] = {
		{ "session-broker", SERVER_BROKER },
		{ "signaling", SERVER_SIGNALING },
		{ "ice-worker", SERVER_ICE },
		{ "ice:", SERVER_ICE },
		{ "media-worker", SERVER_MEDIA },
		{ "media:", SERVER_MEDIA },
	};

	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (!strncmp(name, roles[i].name, strlen(roles[i].name)))
			return roles[i].role;

	return SERVER_OTHER;
}

void server_look(const struct server *h, int with_memory,
		 struct server_use *out)
{
	static struct process all[PIDS];
	size_t count = read_all(all, PIDS);
	uint64_t tick_us = 1000000u / (uint64_t)sysconf(_SC_CLK_TCK);

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < count; i++) {
		enum server_role role = role_of(all[i].name);

		if (!is_below(all, count, all[i].pid, h->pid))
			continue;
		out->processes[role]++;
		out->cpu_us[role] += all[i].ticks * tick_us;
		out->threads[role] += all[i].threads;
		if (with_memory)
			out->private_bytes[role] += private_of(all[i].pid);
	}
}
