/* house.c - the broker's part, played for tests */

#include "tests/proc/house.h"

#include "common/clock.h"
#include "shm/doorbell.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ESCROW = 4096 };

/* A test that fails leaves nobody behind. */
static struct house *open_house;

static void end_all(void)
{
	struct house *h = open_house;

	for (unsigned i = 0; h && i < h->count; i++)
		if (h->peers[i]->pid > 0)
			kill(h->peers[i]->pid, SIGKILL);
	if (h)
		kill(h->template, SIGKILL);
}
enum { ICE_MEDIA, ICE_PRIVATE, OUR_MEDIA, OUR_PRIVATE };

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static int listen_at(const char *path, int type)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, 4))
		die("listen %s: %s", path, strerror(errno));

	return fd;
}

static int dial(const char *path, int type)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("dial %s: %s", path, strerror(errno));

	return fd;
}

static int send_datagram(int fd, const void *bytes, size_t len, const int *fds,
			 unsigned nfds)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * MSG_FDS)];
		struct cmsghdr align;
	} u = { 0 };
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nfds) {
		struct cmsghdr *c = &u.align;

		mh.msg_control = &u;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}

	return sendmsg(fd, &mh, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int by_template(void *arg, const void *bytes, size_t len,
		       const int *fds, unsigned nfds)
{
	return send_datagram(((struct house *)arg)->fd, bytes, len, fds, nfds);
}

static int by_socket(void *arg, const void *bytes, size_t len, const int *fds,
		  unsigned nfds)
{
	return send_datagram(((struct house_peer *)arg)->fd, bytes, len, fds,
			     nfds);
}

static void path_of(const struct house *h, char *out, size_t cap,
		    const char *what, uint64_t id)
{
	snprintf(out, cap, "%s/%s-%llu", h->dir, what,
		 (unsigned long long)id);
}

/* .../tests/proc/x to .../bin/ice-worker */
static void find_worker(char *out, size_t cap, const char *self)
{
	const char *end = strstr(self, "tests/proc/");

	if (!end)
		die("%s does not stand in a build", self);
	snprintf(out, cap, "%.*sbin/ice-worker", (int)(end - self), self);
}

void house_open(struct house *h, const char *self)
{
	char at[96], path[512];
	int listener;

	signal(SIGPIPE, SIG_IGN);
	memset(h, 0, sizeof(*h));
	if (!open_house)
		atexit(end_all);
	open_house = h;
	find_worker(path, sizeof(path), self);
	strcpy(h->dir, "/tmp/house-XXXXXX");
	if (!mkdtemp(h->dir))
		die("mkdtemp: %s", strerror(errno));
	path_of(h, at, sizeof(at), "template", 0);
	listener = listen_at(at, SOCK_SEQPACKET);
	h->template = fork();
	if (h->template == 0) {
		const char *filter = getenv("WEBRTC_LOG");

		if (listener == 3)
			fcntl(3, F_SETFD, 0);
		else
			dup2(listener, 3);
		execl(path, path, "--template", "--log",
		      filter ? filter : "warn", (char *)NULL);
		_exit(127);
	}
	close(listener);
	house_redial(h);
}

void house_redial(struct house *h)
{
	char at[96];

	if (h->fd > 0)
		close(h->fd);
	path_of(h, at, sizeof(at), "template", 0);
	h->fd = dial(at, SOCK_SEQPACKET);
	h->wire = (struct wire){ by_template, h, 0 };
}

static void free_peer(struct house_peer *p)
{
	house_hang_up(p);
	link_end_fini(&p->link);
	for (int i = 0; i < 4; i++)
		if (p->regions[i] >= 0)
			close(p->regions[i]);
	if (p->bell >= 0)
		close(p->bell);
	free(p->local);
	free(p);
}

void house_close(struct house *h)
{
	char at[128];
	int status;

	kill(h->template, SIGTERM);
	waitpid(h->template, &status, 0);
	close(h->fd);
	for (unsigned i = 0; i < h->count; i++) {
		path_of(h, at, sizeof(at), "fds", h->peers[i]->id);
		unlink(at);
		free_peer(h->peers[i]);
	}
	path_of(h, at, sizeof(at), "template", 0);
	unlink(at);
	rmdir(h->dir);
	open_house = NULL;
}

void house_hang_up(struct house_peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->greeted = false;
}

void house_dial(struct house *h, struct house_peer *p)
{
	char at[96];

	path_of(h, at, sizeof(at), "fds", p->id);
	p->fd = dial(at, SOCK_SEQPACKET);
	p->wire = (struct wire){ by_socket, p, 0 };
}

struct house_peer *house_ask(struct house *h, uint64_t id, uint16_t port)
{
	struct house_peer *p = calloc(1, sizeof(*p));
	const struct msg_fork_peer m = {
		.peer = id, .spawn = id, .port = port, .data = 1,
		.offers = h->offers,
	};
	char at[96], name[32];
	int list[2], err;

	if (!p || h->count == HOUSE_PEERS)
		die("no memory");
	p->id = id;
	p->fd = p->bell = -1;
	memset(p->regions, 0xff, sizeof(p->regions));
	path_of(h, at, sizeof(at), "fds", id);
	list[0] = listen_at(at, SOCK_SEQPACKET);
	list[1] = region_create("escrow", REGION_ESCROW, ESCROW, 1, id);
	if (list[1] < 0)
		die("escrow");
	snprintf(name, sizeof(name), "peer_%llu", (unsigned long long)id);
	err = send_fork_peer(&h->wire, &m, name, strlen(name), list);
	if (err)
		die("fork_peer: %s", strerror(-err));
	for (int i = 0; i < 2; i++)
		close(list[i]);
	house_dial(h, p);
	h->peers[h->count++] = p;

	return p;
}

struct house_peer *house_fork(struct house *h, uint64_t id, uint16_t port)
{
	struct house_peer *p = house_ask(h, id, port);
	struct house_news *news = malloc(sizeof(*news));

	while (!(p->greeted && p->pid)) {
		enum house_event e = house_wait(h, news, 20000, -1);

		if (e == HOUSE_TIME)
			die("peer %llu does not say hello",
			    (unsigned long long)id);
		if (news->peer == p &&
		    (e == HOUSE_REAPED || e == HOUSE_GONE))
			die("peer %llu: %s", (unsigned long long)id,
			    news->text);
	}
	free(news);

	return p;
}

static void must(int err, const char *what)
{
	if (err)
		die("%s: %s", what, strerror(-err));
}

void house_offer(struct house_peer *p, const char *sdp)
{
	const struct msg_peer_description m = { p->id, DESCRIPTION_OFFER, 0 };

	must(send_peer_description(&p->wire, &m, sdp, strlen(sdp), NULL),
	     "offer");
}

void house_answer(struct house_peer *p, const char *sdp)
{
	const struct msg_peer_description m = { p->id, DESCRIPTION_ANSWER, 0 };

	must(send_peer_description(&p->wire, &m, sdp, strlen(sdp), NULL),
	     "answer");
}

void house_want_offer(struct house_peer *p, uint32_t kinds)
{
	const struct msg_peer_offer_wanted m = { p->id, kinds, 0 };

	must(send_peer_offer_wanted(&p->wire, &m, NULL, 0, NULL), "wanted");
}

void house_candidate(struct house_peer *p, const char *text)
{
	const struct msg_peer_candidate m = { p->id };

	must(send_peer_candidate(&p->wire, &m, text, strlen(text), NULL),
	     "candidate");
}

void house_close_peer(struct house_peer *p)
{
	const struct msg_peer_close m = { p->id, WHY_CLOSED, 0 };

	int err = send_peer_close(&p->wire, &m, NULL, 0, NULL);

	/* it may have left already: its partner said goodbye */
	if (err != -EPIPE)
		must(err, "close");
}

/* Links */

void house_link(struct house *h, struct house_peer *p, uint32_t kinds)
{
	const enum region_kind what[4] = { REGION_MEDIA, REGION_PRIVATE,
					   REGION_MEDIA, REGION_PRIVATE };
	struct link_layout l;

	(void)h;
	link_layout(&l, kinds);
	p->generation++;
	p->media_kinds = kinds;
	for (int i = 0; i < 4; i++) {
		if (p->regions[i] >= 0)
			close(p->regions[i]);
		p->regions[i] = region_create("link", what[i],
			what[i] == REGION_MEDIA ? l.media_bytes :
						  l.private_bytes,
			p->generation, p->id);
		if (p->regions[i] < 0)
			die("region: %s", strerror(-p->regions[i]));
	}
	must(send_ice_link_own(&p->wire, &(struct msg_ice_link_own){
		p->id, p->generation, kinds, 0 }, NULL, 0,
		&p->regions[ICE_MEDIA]), "link_own");
}

static void connect_link(struct house_peer *p)
{
	int to_ice[2], to_audio[2];
	struct link_end end;
	int list[5];

	must(link_map_own(&end, p->media_kinds, p->generation,
			  p->regions[OUR_MEDIA], p->regions[OUR_PRIVATE]),
	     "map own");
	for (int i = 0; i < 4; i++)
		must(region_seal(p->regions[i]), "seal");
	must(doorbell_new(to_ice), "bell");
	must(doorbell_new(to_audio), "bell");
	must(link_map_far(&end, p->regions[ICE_MEDIA],
			  p->regions[ICE_PRIVATE], to_ice[1],
			  to_ice[1]), "map far");
	list[0] = p->regions[OUR_MEDIA];
	list[1] = p->regions[OUR_PRIVATE];
	list[2] = to_ice[0];
	list[3] = to_audio[1];
	list[4] = to_audio[1];
	must(send_ice_link_far(&p->wire, &(struct msg_ice_link_far){
		p->id, p->generation }, NULL, 0, list), "link_far");
	for (int i = 0; i < 4; i++) {
		close(p->regions[i]);
		p->regions[i] = -1;
	}
	close(to_ice[0]);
	close(to_audio[1]);
	if (p->bell >= 0)
		close(p->bell);
	p->bell = to_audio[0];
	link_end_fini(&p->link);
	p->link = end;
}

/* Messages */

static enum house_event on_message(struct house *h, struct house_peer *p,
				   const struct wire_in *in,
				   struct house_news *news)
{
	const struct msg_peer_local *local = in->payload;
	const struct msg_peer_refused *refused = in->payload;
	const struct msg_peer_state *state = in->payload;
	const struct msg_ice_hello *hello = in->payload;

	memcpy(news->text, in->blob, in->blob_len);
	news->text[in->blob_len] = '\0';
	switch ((int)in->type) {
	case MSG_ice_hello:
		p->greeted = true;
		p->state = hello->state;
		p->port = hello->port;
		return HOUSE_HELLO;
	case MSG_peer_local:
		free(p->local);
		p->local = strdup(news->text);
		p->local_kind = local->kind;
		return HOUSE_LOCAL;
	case MSG_peer_trickle:
		return HOUSE_TRICKLE;
	case MSG_peer_refused:
		news->why = refused->why;
		return HOUSE_REFUSED;
	case MSG_peer_superseded:
		return HOUSE_SUPERSEDED;
	case MSG_peer_state:
		p->state = state->state;
		return HOUSE_STATE;
	case MSG_peer_kinds:
		p->kinds = ((const struct msg_peer_kinds *)in->payload)->kinds;
		return HOUSE_KINDS;
	case MSG_peer_gone:
		p->gone = true;
		p->why = news->why = refused->why;
		return HOUSE_GONE;
	case MSG_peer_stats:
		memcpy(&p->stats, in->payload, sizeof(p->stats));
		return HOUSE_STATS;
	case MSG_ice_link_mapped:
		connect_link(p);
		return HOUSE_LINK;
	case MSG_ice_log:
		if (!h->quiet)
			fprintf(stderr, "%s\n", news->text);
		return HOUSE_TIME;
	default:
		die("message %u of a peer", in->type);
	}
}

static enum house_event read_peer(struct house *h, struct house_peer *p,
				  struct house_news *news)
{
	_Alignas(8) uint8_t frame[MSG_MAX];
	ssize_t n = recv(p->fd, frame, sizeof(frame), MSG_DONTWAIT);
	enum house_event event;
	struct wire_in in;

	if (n < 0 && errno == EAGAIN)
		return HOUSE_TIME;
	if (n <= 0) {
		house_hang_up(p);
		news->peer = p;
		return HOUSE_HUNG_UP;
	}
	if (wire_open(&in, frame, (size_t)n, 0, ICE, BROKER,
		      p->greeted ? AT_JOIN : AT_BOOT))
		die("a peer's frame breaks the contract: %s",
		    msg_name(*(uint32_t *)frame));
	event = on_message(h, p, &in, news);
	news->peer = p;

	return event;
}

static struct house_peer *peer_by_id(struct house *h, uint64_t id)
{
	for (unsigned i = 0; i < h->count; i++)
		if (h->peers[i]->id == id)
			return h->peers[i];

	return NULL;
}

static enum house_event read_template(struct house *h,
				      struct house_news *news)
{
	_Alignas(8) uint8_t bytes[1024];
	ssize_t n = recv(h->fd, bytes, sizeof(bytes), 0);
	const struct msg_template_forked *forked;
	const struct msg_template_reaped *reaped;
	struct wire_in in;

	if (n <= 0)
		die("the template is gone");
	if (wire_open(&in, bytes, (size_t)n, 0, TEMPLATE, BROKER,
		      *(uint32_t *)bytes == MSG_template_hello ? AT_BOOT :
								 AT_IDLE))
		die("the template breaks the contract");
	if (in.type == MSG_template_forked) {
		forked = in.payload;
		news->peer = peer_by_id(h, forked->peer);
		if (news->peer)
			news->peer->pid = forked->pid;
		return HOUSE_FORKED;
	}
	if (in.type != MSG_template_reaped)
		return HOUSE_TIME;
	reaped = in.payload;
	h->reaped++;
	h->last_status = reaped->status;
	news->peer = peer_by_id(h, reaped->peer);
	if (news->peer)
		news->peer->pid = 0;
	snprintf(news->text, sizeof(news->text), "ended with status %x",
		 (unsigned)reaped->status);

	return HOUSE_REAPED;
}

static nfds_t fill(struct house *h, struct pollfd *p, int extra)
{
	nfds_t n = 0;

	p[n++] = (struct pollfd){ h->fd, POLLIN, 0 };
	p[n++] = (struct pollfd){ extra, POLLIN, 0 };
	for (unsigned i = 0; i < h->count; i++) {
		p[n++] = (struct pollfd){ h->peers[i]->fd, POLLIN, 0 };
		p[n++] = (struct pollfd){ h->peers[i]->bell, POLLIN, 0 };
	}

	return n;
}

enum house_event house_wait(struct house *h, struct house_news *news,
			    int wait_ms, int extra)
{
	static struct pollfd p[2 + 2 * HOUSE_PEERS];
	struct mono until = mono_add(mono_now(), wait_ms * 1000ll);
	enum house_event event = HOUSE_TIME;

	news->event = HOUSE_TIME;
	while (event == HOUSE_TIME) {
		int64_t left = mono_since(until, mono_now());
		nfds_t n = fill(h, p, extra);

		if (left <= 0 || poll(p, n, (int)((left + 999) / 1000)) < 0)
			break;
		if (p[0].revents)
			event = read_template(h, news);
		else if (p[1].revents)
			event = HOUSE_EXTRA;
		for (unsigned i = 0; i < h->count && event == HOUSE_TIME; i++) {
			if (p[2 + 2 * i].revents)
				event = read_peer(h, h->peers[i], news);
			if (event == HOUSE_TIME && p[3 + 2 * i].revents) {
				if (doorbell_hear(h->peers[i]->bell) < 0) {
					close(h->peers[i]->bell);
					h->peers[i]->bell = -1;
				}
				news->peer = h->peers[i];
				event = HOUSE_BELL;
			}
		}
	}
	news->event = event;

	return event;
}

int house_threads(pid_t pid)
{
	char path[64];
	int count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	for (struct dirent *e; dir && (e = readdir(dir));)
		count += e->d_name[0] != '.';
	if (dir)
		closedir(dir);

	return count;
}

long house_private_kb(pid_t pid)
{
	char path[64], line[128];
	long total = 0, kb;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Private_Clean: %ld", &kb) == 1 ||
		    sscanf(line, "Private_Dirty: %ld", &kb) == 1)
			total += kb;
	if (f)
		fclose(f);

	return total;
}
