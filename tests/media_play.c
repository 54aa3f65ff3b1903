/* media_play.c - a test that plays broker and ice-worker */

#include "tests/media_play.h"

#include "common/clock.h"
#include "shm/doorbell.h"
#include "shm/frame_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEADLINE_US = 30000000, FRAME_ROOM = 34000 };

/* The process that ends with the test, however that ends. */
static pid_t child;

static void end_child(void)
{
	if (child > 0)
		kill(child, SIGKILL);
}

void play_die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "FAIL ");
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

const char *play_path(const char *self, char *room, size_t size)
{
	const char *slash = strrchr(self, '/');
	int dir = slash ? (int)(slash - self) : 1;

	snprintf(room, size, "%.*s/../../bin/media-worker", dir,
		 slash ? self : ".");
	if (access(room, X_OK) != 0)
		snprintf(room, size, "%.*s/../bin/media-worker", dir,
			 slash ? self : ".");

	return room;
}

static struct sockaddr_un address(const struct play *p, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", p->dir, name);

	return a;
}

static int listen_at(const struct play *p, const char *name, int type)
{
	struct sockaddr_un a = address(p, name);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) ||
	    listen(fd, 4))
		play_die("listen %s: %s", name, strerror(errno));

	return fd;
}

static int dial(const struct play *p, const char *name, int type)
{
	struct sockaddr_un a = address(p, name);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		play_die("dial %s: %s", name, strerror(errno));

	return fd;
}

static void write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0)
			play_die("ctl: %s", strerror(errno));
		at += n;
		len -= (size_t)n;
	}
}

static int send_ctl(void *arg, const void *bytes, size_t len, const int *fds,
		    unsigned nfds)
{
	struct play *p = arg;
	uint8_t head[SP_FRAME_HEAD];

	(void)fds;
	if (nfds)
		return -EINVAL;
	sp_write_head(head, len);
	write_all(p->ctl, head, sizeof(head));
	write_all(p->ctl, bytes, len);

	return 0;
}

static int send_fds(void *arg, const void *bytes, size_t len, const int *fds,
		    unsigned nfds)
{
	struct play *p = arg;
	union {
		char room[CMSG_SPACE(sizeof(int) * MSG_FDS)];
		struct cmsghdr align;
	} control = { { 0 } };
	char copy[FRAME_ROOM];
	struct iovec io = { copy, len };
	struct msghdr m = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = control.room,
		.msg_controllen = CMSG_SPACE(sizeof(int) * nfds),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	memcpy(copy, bytes, len);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);

	return sendmsg(p->fds, &m, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -errno;
}

static void start_process(struct play *p, const char *path)
{
	p->pid = fork();
	if (p->pid < 0)
		play_die("fork: %s", strerror(errno));
	if (!child && p->pid)
		atexit(end_child);
	child = p->pid;
	if (p->pid == 0) {
		int ctl = fcntl(p->listeners[0], F_DUPFD, 10);
		int fds = fcntl(p->listeners[1], F_DUPFD, 10);

		dup2(ctl, 3);
		dup2(fds, 4);
		close_range(5, ~0u, 0);
		if (p->files)
			setrlimit(RLIMIT_NOFILE, &(struct rlimit){
				p->files, p->files });
		execl(path, "media-worker", "--index", "0", "--core", "0",
		      "--log", "info", p->alone ? "--alone" : NULL, p->alone,
		      (char *)NULL);
		_exit(127);
	}
}

static void answer_frames(struct play *p,
			  const struct msg_media_frames_want *want)
{
	struct msg_media_frames answer;
	size_t bytes = 4096 + (size_t)want->slots * want->slot_bytes;
	int fd;

	bytes = (bytes + 4095) / 4096 * 4096;
	fd = region_create("play-frames", REGION_FRAMES, bytes,
			   want->generation, want->peer);
	if (fd < 0)
		play_die("frame ring: %d", fd);
	memcpy(&answer, want, sizeof(answer));
	if (send_media_frames(&p->to_fds, &answer, NULL, 0, &fd))
		play_die("media_frames not sent");
	close(fd);
}

void play_give_frames(struct play *p)
{
	p->keep_frames = false;
	if (p->kept.slots)
		answer_frames(p, &p->kept);
	p->kept.slots = 0;
}

static void on_want(struct play *p, const struct msg_media_frames_want *m)
{
	p->wants++;
	if (p->keep_frames)
		p->kept = *m;
	else
		answer_frames(p, m);
}

static void on_message(struct play *p, const struct wire_in *in)
{
	const struct msg_media_hello *hello = in->payload;
	const struct msg_media_link_mapped *mapped = in->payload;
	const struct msg_media_link_broken *broken = in->payload;

	if (in->type == MSG_media_hello) {
		if (hello->abi != msg_abi() || hello->index != 0 ||
		    hello->pid != (uint32_t)p->pid)
			play_die("hello is wrong");
		p->hellos++;
		p->links_said = hello->links;
		p->phase = AT_IDLE;
	} else if (in->type == MSG_media_holds) {
		p->holds++;
	} else if (in->type == MSG_media_link_mapped) {
		p->mapped++;
		p->mapped_generation = mapped->generation;
	} else if (in->type == MSG_media_link_broken) {
		p->broken++;
		p->broken_peer = broken->peer;
		p->broken_generation = broken->generation;
		p->broken_why = broken->why;
	} else if (in->type == MSG_media_frames_want) {
		on_want(p, in->payload);
	} else if (in->type == MSG_media_stats) {
		memcpy(&p->stats, in->payload, sizeof(p->stats));
	} else if (in->type == MSG_media_log) {
		p->logs++;
		if (p->loud)
			fprintf(stderr, "  worker: %.*s\n", (int)in->blob_len,
				(const char *)in->blob);
	}
}

static void take_frames(struct play *p)
{
	static _Alignas(8) uint8_t copy[FRAME_ROOM];
	const void *frame;
	size_t len;
	int got;

	while ((got = sp_next(&p->sp, &frame, &len)) == 1) {
		struct wire_in in;

		memcpy(copy, frame, len);
		sp_drop(&p->sp, len);
		if (wire_open(&in, copy, len, 0, MEDIA, BROKER, p->phase))
			play_die("a message that the table forbids");
		on_message(p, &in);
	}
	if (got < 0)
		play_die("ctl speaks another protocol");
}

void play_turn(struct play *p, int wait_ms)
{
	struct pollfd pfd = { .fd = p->ctl, .events = POLLIN };
	size_t room;
	void *at;
	ssize_t n;

	if (poll(&pfd, 1, wait_ms) <= 0 || p->ctl < 0)
		return;
	at = sp_space(&p->sp, &room);
	n = read(p->ctl, at, room);
	if (n <= 0)
		play_die("the worker hung up");
	sp_fill(&p->sp, (size_t)n);
	take_frames(p);
}

void play_wait(struct play *p, const unsigned *counter, unsigned from,
	       const char *what)
{
	int64_t until = mono_now().us + DEADLINE_US;

	while (*counter == from) {
		if (mono_now().us > until)
			play_die("no %s in time", what);
		play_turn(p, 20);
	}
}

void play_dial(struct play *p)
{
	uint8_t greeting[SP_GREETING];
	unsigned hellos = p->hellos;

	p->ctl = dial(p, "ctl", SOCK_STREAM);
	p->fds = dial(p, "fds", SOCK_SEQPACKET);
	sp_reset(&p->sp);
	p->phase = AT_BOOT;
	p->to_ctl = (struct wire){ send_ctl, p, 0 };
	p->to_fds = (struct wire){ send_fds, p, 0 };
	sp_write_greeting(greeting);
	write_all(p->ctl, greeting, sizeof(greeting));
	play_wait(p, &p->hellos, hellos, "hello");
	if (send_media_setup(&p->to_ctl, &(struct msg_media_setup){
			LINK_AUDIO | LINK_VIDEO | LINK_DATA, 200 },
			NULL, 0, NULL))
		play_die("media_setup not sent");
}

void play_hang_up(struct play *p)
{
	if (p->ctl >= 0)
		close(p->ctl);
	if (p->fds >= 0)
		close(p->fds);
	p->ctl = p->fds = -1;
}

void play_start(struct play *p, const char *path)
{
	if (!p->dir[0]) {
		snprintf(p->dir, sizeof(p->dir), "/tmp/media-play.XXXXXX");
		if (!mkdtemp(p->dir) || sp_init(&p->sp, FRAME_ROOM))
			play_die("no directory");
		signal(SIGPIPE, SIG_IGN);
		p->listeners[0] = listen_at(p, "ctl", SOCK_STREAM);
		p->listeners[1] = listen_at(p, "fds", SOCK_SEQPACKET);
	}
	start_process(p, path);
	play_dial(p);
}

void play_kill(struct play *p)
{
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	child = -1;
	play_hang_up(p);
}

int play_quit(struct play *p)
{
	int64_t until = mono_now().us + DEADLINE_US;
	int status;

	if (send_media_quit(&p->to_ctl, &(struct msg_media_quit){ 0 }, NULL, 0,
			    NULL))
		play_die("media_quit not sent");
	while (waitpid(p->pid, &status, WNOHANG) == 0) {
		if (mono_now().us > until)
			play_die("the worker does not leave");
		usleep(2000);
	}
	child = -1;
	play_hang_up(p);

	return status;
}

void play_end(struct play *p)
{
	struct sockaddr_un a = address(p, "ctl"), b = address(p, "fds");

	play_hang_up(p);
	close(p->listeners[0]);
	close(p->listeners[1]);
	unlink(a.sun_path);
	unlink(b.sun_path);
	rmdir(p->dir);
	sp_fini(&p->sp);
	p->dir[0] = 0;
}

static int create(const struct play_link *l, enum region_kind kind,
		  size_t bytes)
{
	int fd = region_create("play", kind, bytes, l->generation, l->peer);

	if (fd < 0)
		play_die("region: %d", fd);

	return fd;
}

static void close_all(int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static void own(struct play *p, struct play_link *l,
		const struct msg_media_link_own *m)
{
	struct link_layout lay;

	*l = (struct play_link){ .peer = m->peer, .generation = m->generation,
				 .kinds = m->kinds, .bell = -1 };
	link_layout(&lay, m->kinds);
	l->ice[0] = create(l, REGION_MEDIA, lay.media_bytes);
	l->ice[1] = create(l, REGION_PRIVATE, lay.private_bytes);
	l->media[0] = create(l, REGION_MEDIA, lay.media_bytes);
	l->media[1] = create(l, REGION_PRIVATE, lay.private_bytes);
	if (link_map_own(&l->end, m->kinds, m->generation, l->ice[0],
			 l->ice[1]))
		play_die("own half");
	if (send_media_link_own(&p->to_fds, m, NULL, 0, l->media))
		play_die("media_link_own not sent");
}

void play_link_own(struct play *p, struct play_link *l, uint64_t peer,
		   uint64_t generation, unsigned kinds)
{
	own(p, l, &(struct msg_media_link_own){
		.peer = peer, .generation = generation, .session = peer,
		.kinds = kinds, .kinds_in = kinds, .kinds_out = kinds,
		.codecs = 1u << CODEC_VP8 | 1u << CODEC_VP9 });
}

void play_link_far(struct play *p, struct play_link *l, bool sealed)
{
	int hears[2], audio[2], video[2];

	if (doorbell_new(hears) || doorbell_new(audio) || doorbell_new(video))
		play_die("no bells");
	for (int i = 0; sealed && i < 2; i++)
		if (region_seal(l->ice[i]) || region_seal(l->media[i]))
			play_die("seal");
	if (send_media_link_far(&p->to_fds, &(struct msg_media_link_far){
			l->peer, l->generation }, NULL, 0,
			(int[]){ l->ice[0], l->ice[1], audio[0], video[0],
				 hears[1] }))
		play_die("media_link_far not sent");
	l->bell = hears[0];
	if (!sealed)
		close_all((int[]){ audio[1], video[1] }, 2);
	else if (link_map_far(&l->end, l->media[0], l->media[1], audio[1],
			      video[1]))
		play_die("far half");
	close_all(l->ice, 2);
	close_all(l->media, 2);
	close_all((int[]){ audio[0], video[0], hears[1] }, 3);
}

void play_link(struct play *p, struct play_link *l, uint64_t peer,
	       uint64_t generation, unsigned kinds)
{
	unsigned mapped = p->mapped;

	play_link_own(p, l, peer, generation, kinds);
	play_wait(p, &p->mapped, mapped, "media_link_mapped");
	play_link_far(p, l, true);
}

void play_link_as(struct play *p, struct play_link *l,
		  const struct msg_media_link_own *m)
{
	unsigned mapped = p->mapped;

	own(p, l, m);
	play_wait(p, &p->mapped, mapped, "media_link_mapped");
	play_link_far(p, l, true);
}

void play_close(struct play *p, uint64_t peer, uint64_t generation)
{
	if (send_media_peer_close(&p->to_ctl, &(struct msg_media_peer_close){
			peer, generation }, NULL, 0, NULL))
		play_die("media_peer_close not sent");
}

void play_unlink(struct play *p, struct play_link *l)
{
	if (p && p->ctl >= 0)
		play_close(p, l->peer, l->generation);
	link_end_fini(&l->end);
	close_all(&l->bell, 1);
	close_all(l->ice, 2);
	close_all(l->media, 2);
}
