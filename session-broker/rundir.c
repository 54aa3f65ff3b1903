/*
 * rundir.c - the run directory, the only thing a new broker inherits
 *
 *     <run>/lock            held by the living broker
 *     <run>/broker.pid      for the supervisor
 *     <run>/ready           written when calls can be taken: pid, URL
 *     <run>/w/<worker>/ctl  Unix sockets that the worker hears
 *     <run>/w/<worker>/fds
 *     <run>/w/<worker>/pid  "<pid> <start time>", by the broker only
 *     <run>/w/<worker>/call of an ice-worker: its call, port and session, the
 *                           peer id and the session's name; a new broker
 *                           believes this, not the worker
 */

#include "session-broker/broker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATH_ROOM = 192, CALL_ROOM = 128 + MSG_NAMES };

/* Whole or not at all: a reader never sees half of it. */
static int write_file(const char *path, const char *text)
{
	char new[PATH_ROOM + 4];
	ssize_t n;
	int fd;

	snprintf(new, sizeof(new), "%s.new", path);
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	if (n == (ssize_t)strlen(text) && rename(new, path) == 0)
		return 0;
	unlink(new);

	return -EIO;
}

/* Ours alone: a folder that others may write could hold their sockets. */
static int check_owner(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_mode & 077)
		return -EPERM;

	return 0;
}

int rundir_open(struct broker *b)
{
	char path[PATH_ROOM], text[32];
	int err;

	if (mkdir(b->run, 0700) < 0 && errno != EEXIST)
		return -errno;
	if ((err = check_owner(b->run)))
		return err;
	snprintf(path, sizeof(path), "%s/w", b->run);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;

	snprintf(path, sizeof(path), "%s/lock", b->run);
	b->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (b->lock_fd < 0)
		return -errno;
	if (flock(b->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		close(b->lock_fd);
		b->lock_fd = -1;
		return -EALREADY;
	}

	snprintf(path, sizeof(path), "%s/broker.pid", b->run);
	snprintf(text, sizeof(text), "%d\n", (int)getpid());

	return write_file(path, text);
}

int rundir_ready(struct broker *b)
{
	const struct options *o = b->opt;
	char path[PATH_ROOM], text[640];

	snprintf(path, sizeof(path), "%s/ready", b->run);
	if (o->signaling == SIGNALING_JOIN)
		snprintf(text, sizeof(text), "%d\njoined %s://%s:%u%s\n",
			 (int)getpid(), o->signaling_tls ? "wss" : "ws",
			 o->signaling_host, o->signaling_port,
			 o->signaling_path);
	else if (o->websocket)
		snprintf(text, sizeof(text), "%d\n%s://localhost:%u/\n",
			 (int)getpid(), o->signaling_tls ? "https" : "http",
			 o->signaling_port);
	else
		snprintf(text, sizeof(text), "%d\n%s://localhost:%u/\n",
			 (int)getpid(), o->tls_cert ? "https" : "http",
			 o->grpc_port);

	return write_file(path, text);
}

static void unlink_in_run(struct broker *b, const char *name)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s", b->run, name);
	unlink(path);
}

static void drop_each(struct broker *b, const char *name)
{
	rundir_drop(b, name);
}

void rundir_close(struct broker *b)
{
	char path[PATH_ROOM];

	rundir_walk(b, drop_each);
	snprintf(path, sizeof(path), "%s/w", b->run);
	rmdir(path);
	unlink_in_run(b, "ready");
	unlink_in_run(b, "broker.pid");
	unlink_in_run(b, "lock");
	rmdir(b->run);
	if (b->lock_fd >= 0)
		close(b->lock_fd);
}

static int listener(const char *path, int type)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(sun.sun_path)) {
		close(fd);
		return -ENAMETOOLONG;
	}
	strcpy(sun.sun_path, path);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    listen(fd, 4) < 0) {
		err = -errno;
		close(fd);
		return err;
	}

	return fd;
}

int rundir_listen(struct broker *b, const char *name, int *ctl_fd, int *fds_fd)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/w/%s", b->run, name);
	if (mkdir(path, 0700) < 0)
		return -errno;

	snprintf(path, sizeof(path), "%s/w/%s/fds", b->run, name);
	*fds_fd = listener(path, SOCK_SEQPACKET);
	if (*fds_fd < 0) {
		rundir_drop(b, name);
		return *fds_fd;
	}
	if (!ctl_fd)
		return 0;

	snprintf(path, sizeof(path), "%s/w/%s/ctl", b->run, name);
	*ctl_fd = listener(path, SOCK_STREAM);
	if (*ctl_fd < 0) {
		close(*fds_fd);
		rundir_drop(b, name);
		return *ctl_fd;
	}

	return 0;
}

/* Field 22 of /proc/<pid>/stat: start time in clock ticks; 0 if gone. */
static unsigned long long start_time(pid_t pid)
{
	char path[40], line[512], *at;
	unsigned long long start = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	line[n] = '\0';

	at = strrchr(line, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at)
		start = strtoull(at + 1, NULL, 10);

	return start;
}

int rundir_note_pid(struct broker *b, const char *name, pid_t pid)
{
	char path[PATH_ROOM], text[48];

	snprintf(path, sizeof(path), "%s/w/%s/pid", b->run, name);
	snprintf(text, sizeof(text), "%d %llu\n", (int)pid, start_time(pid));

	return write_file(path, text);
}

pid_t rundir_pid(struct broker *b, const char *name)
{
	char path[PATH_ROOM];
	unsigned long long start = 0;
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/w/%s/pid", b->run, name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%d %llu", &pid, &start) != 2 || pid <= 1 ||
	    start_time(pid) != start)
		pid = 0;
	fclose(f);

	return pid;
}

int rundir_note_call(struct broker *b, const char *name,
		     const struct rundir_call *call)
{
	char path[PATH_ROOM], text[CALL_ROOM];

	snprintf(path, sizeof(path), "%s/w/%s/call", b->run, name);
	snprintf(text, sizeof(text), "%llu %u %llu %u %u %u %s%s",
		 (unsigned long long)call->call, call->port,
		 (unsigned long long)call->session, call->media, call->shared,
		 (unsigned)strlen(call->name), call->name,
		 call->shared ? call->session_name : "");

	return write_file(path, text);
}

int rundir_read_call(struct broker *b, const char *name,
		     struct rundir_call *out)
{
	char path[PATH_ROOM], text[CALL_ROOM] = "";
	unsigned long long call, session;
	unsigned name_len;
	int fd, at = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/w/%s/call", b->run, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0 ||
	    sscanf(text, "%llu %u %llu %u %u %u%n", &call, &out->port,
		   &session, &out->media, &out->shared, &name_len, &at) != 6 ||
	    text[at++] != ' ' || name_len > MSG_NAME ||
	    name_len > strlen(text + at))
		return -EBADMSG;
	out->call = call;
	out->session = session;
	/* Names may begin and end in a blank. */
	snprintf(out->name, sizeof(out->name), "%.*s", (int)name_len,
		 text + at);
	snprintf(out->session_name, sizeof(out->session_name), "%s",
		 text + at + name_len);

	return *out->name ? 0 : -EBADMSG;
}

void rundir_drop(struct broker *b, const char *name)
{
	static const char *const files[] = { "ctl", "fds", "pid", "call" };
	char path[PATH_ROOM];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/w/%s/%s", b->run, name,
			 files[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/w/%s", b->run, name);
	rmdir(path);
}

void rundir_walk(struct broker *b,
		 void (*each)(struct broker *b, const char *name))
{
	char path[PATH_ROOM];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/w", b->run);
	dir = opendir(path);
	if (!dir)
		return;
	while ((e = readdir(dir)))
		if (e->d_name[0] != '.')
			each(b, e->d_name);
	closedir(dir);
}
