/*
 * spawn.c - start processes: exec for services, the template for peers
 *
 * A child gets its two listeners as descriptors 3 and 4 (the template its
 * one as 3), standard streams, and nothing else: every other descriptor of
 * the broker is close-on-exec. It leads a session of its own, so that Ctrl-C
 * reaches the supervisor alone.
 */

#include "session-broker/broker.h"

#include "common/clock.h"
#include "common/log.h"
#include "shm/region.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS_MAX = 16, ESCROW_BYTES = 4096 };

/* A process that finds at start that it cannot work says so by one of these:
 * a setting that cannot be used, what the setting names is not to be had. */
enum { EXIT_SETTING = 2, EXIT_CANNOT_START = 3 };

static const struct restart_policy policies[PROCS] = {
	[SIGNALING] = { { 0, 100000, 500000, 2000000 }, 10000000, 5,
			30000000 },
	[TEMPLATE] = { { 0, 50000, 500000, 2000000 }, 30000000, 8, 10000000 },
	[MEDIA] = { { 0, 100000, 1000000, 5000000 }, 30000000, 8, 10000000 },
};

uint64_t next_number(struct broker *b)
{
	uint64_t now = (uint64_t)wall_us();

	/* Above all numbers of an earlier broker, whose peers may live. */
	b->last_number = now > b->last_number ? now : b->last_number + 1;

	return b->last_number;
}

static int clear_cloexec(int fd, int as)
{
	if (fd == as)
		return fcntl(fd, F_SETFD, 0);
	return dup2(fd, as);
}

/* A setting of ours: each process hears what it needs another way. */
static bool is_setting(const char *variable)
{
	return strncmp(variable, "WEBRTC_", 7) == 0 ||
	       strncmp(variable, "GRPC_", 5) == 0 ||
	       strncmp(variable, "RUST_LOG=", 9) == 0;
}

/*
 * What a child finds in its environment: none of our settings, but for
 * signaling those that are its own, secrets among them. NULL: no memory. All
 * of it is one piece, freed by free().
 */
static char **child_environment(const struct options *o, enum proc kind)
{
	unsigned pass = kind == SIGNALING ? o->pass_len : 0, count = 0;
	size_t bytes = 0;
	char **env, *at;

	for (char **e = environ; *e; e++)
		count++;
	for (unsigned i = 0; i < pass; i++)
		bytes += strlen(o->pass[i].name) + 1 +
			 strlen(o->pass[i].value) + 1;
	env = malloc((count + pass + 1) * sizeof(*env) + bytes);
	if (!env)
		return NULL;
	at = (char *)(env + count + pass + 1);
	count = 0;
	for (char **e = environ; *e; e++)
		if (!is_setting(*e))
			env[count++] = *e;
	for (unsigned i = 0; i < pass; i++) {
		env[count++] = at;
		at += sprintf(at, "%s=%s", o->pass[i].name,
			      o->pass[i].value) + 1;
	}
	env[count] = NULL;

	return env;
}

static void child_exec(char *const *argv, char *const *env, int ctl_fd,
		       int fds_fd)
{
	sigset_t none;
	int high[2] = { -1, -1 };

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* Out of the way of 3 and 4 first: they may stand there crosswise. */
	high[0] = fcntl(ctl_fd >= 0 ? ctl_fd : fds_fd, F_DUPFD_CLOEXEC, 10);
	high[1] = ctl_fd >= 0 ? fcntl(fds_fd, F_DUPFD_CLOEXEC, 10) : -1;
	if (clear_cloexec(high[0], 3) < 0 ||
	    (high[1] >= 0 && clear_cloexec(high[1], 4) < 0))
		_exit(EXIT_CANNOT_START);
	execve(argv[0], argv, env);
	_exit(EXIT_CANNOT_START);
}

/* pid, or negative. */
static pid_t start(char *const *argv, char *const *env, int ctl_fd,
		   int fds_fd)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		child_exec(argv, env, ctl_fd, fds_fd);

	return pid;
}

static void add(char **argv, int *n, const char *arg)
{
	if (*n < ARGS_MAX - 1)
		argv[(*n)++] = (char *)(uintptr_t)arg;
	argv[*n] = NULL;
}

enum { URL_BYTES = OPTIONS_HOST + 340 };

/* Where signaling serves or whom it joins, as its arguments say it. */
struct places {
	char url[5][URL_BYTES];
	unsigned count;
};

static void place(struct places *p, char **argv, int *n, const char *scheme,
		  const char *host, uint16_t port)
{
	snprintf(p->url[p->count], URL_BYTES,
		 strchr(host, ':') ? "%s://[%s]:%u" : "%s://%s:%u", scheme,
		 host, port);
	add(argv, n, "--listen");
	add(argv, n, p->url[p->count++]);
}

/* The wildcard of IPv6 has one of IPv4 beside it. */
static void place_both(struct places *p, char **argv, int *n,
		       const char *scheme, const char *host, uint16_t port)
{
	place(p, argv, n, scheme, host, port);
	if (strcmp(host, "::") == 0)
		place(p, argv, n, scheme, "0.0.0.0", port);
}

static void signaling_args(struct broker *b, char **argv, int *n,
			   struct places *p)
{
	const struct options *o = b->opt;

	add(argv, n, "--web");
	add(argv, n, o->web_dir);
	if (o->signaling == SIGNALING_JOIN) {
		snprintf(p->url[0], URL_BYTES,
			 strchr(o->signaling_host, ':') ?
			 "%s://[%s]:%u%.255s" : "%s://%s:%u%.255s",
			 o->signaling_tls ? "wss" : "ws", o->signaling_host,
			 o->signaling_port, o->signaling_path);
		add(argv, n, "--join");
		add(argv, n, p->url[0]);
		return;
	}
	if (o->websocket)
		place_both(p, argv, n, o->signaling_tls ? "wss" : "ws",
			   o->signaling_host, o->signaling_port);
	if (o->grpc_port)
		place_both(p, argv, n, o->tls_cert ? "grpcs" : "grpc",
			   o->grpc_host, o->grpc_port);
}

static pid_t start_service(struct service *s, const char *program, int ctl,
			   int fds)
{
	char path[320], index[12], core[12];
	struct places places = { .count = 0 };
	char *argv[ARGS_MAX] = { path }, **env;
	int n = 1;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", s->b->bin, program);
	if (s->kind == SIGNALING)
		signaling_args(s->b, argv, &n, &places);
	if (s->kind == TEMPLATE)
		add(argv, &n, "--template");
	if (s->kind == MEDIA) {
		snprintf(index, sizeof(index), "%u", s->index);
		snprintf(core, sizeof(core), "%u", s->core);
		add(argv, &n, "--index");
		add(argv, &n, index);
		add(argv, &n, "--core");
		add(argv, &n, core);
	}
	if (s->b->opt->log) {
		add(argv, &n, "--log");
		add(argv, &n, s->b->opt->log);
	}

	env = child_environment(s->b->opt, s->kind);
	pid = env ? start(argv, env, ctl, fds) : -ENOMEM;
	free(env);

	return pid;
}

static const char *program_of(enum proc kind)
{
	return kind == SIGNALING ? "signaling" :
	       kind == TEMPLATE	 ? "ice-worker" :
				   "media-worker";
}

static void service_name(const struct service *s, char *out, size_t room,
			 uint64_t spawn)
{
	static const char *const kinds[PROCS] = {
		[SIGNALING] = "signaling", [TEMPLATE] = "template",
		[MEDIA] = "media",
	};

	snprintf(out, room, "%s-%u.%llx", kinds[s->kind], s->index,
		 (unsigned long long)spawn);
}

int service_start(struct service *s)
{
	struct broker *b = s->b;
	int ctl = -1, fds = -1, err;
	uint64_t spawn = next_number(b);
	struct worker *w;
	char name[48];
	pid_t pid;

	service_name(s, name, sizeof(name), spawn);
	err = rundir_listen(b, name, s->kind == TEMPLATE ? NULL : &ctl, &fds);
	if (err)
		return err;
	if ((err = worker_new(&w, b, s->kind, name))) {
		rundir_drop(b, name);
		goto out;
	}
	w->index = s->index;
	w->spawn = spawn;
	pid = start_service(s, program_of(s->kind), ctl, fds);
	if (pid < 0) {
		err = (int)pid;
		worker_free(w);
		goto out;
	}
	if ((err = rundir_note_pid(b, name, pid)) ||
	    (err = worker_follow(w, pid)) || (err = worker_dial(w))) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		worker_free(w);
		goto out;
	}
	s->worker = w;
	log_info("process started", "worker=%s pid=%d", name, (int)pid);
out:
	if (ctl >= 0)
		close(ctl);
	close(fds);

	return err;
}

static void on_again(struct mono now, void *arg)
{
	struct service *s = arg;
	int err;

	(void)now;
	if (s->worker || s->b->stopping)
		return;
	if ((err = service_start(s))) {
		log_fail(err, "cannot start a process");
		service_failed(s, 0);
	}
}

static void media_lost(struct broker *b, uint32_t index)
{
	adopt_forget(b, index);
	for (struct peer *p = peer_each(b, NULL); p; p = peer_each(b, p))
		if (p->session->media == index)
			link_lost(p);
}

void service_failed(struct service *s, int status)
{
	struct broker *b = s->b;
	struct mono now = mono_now(), due;

	if (b->stopping)
		return;
	/* It said itself why; without a first start there is no service. */
	if (!b->ready && WIFEXITED(status) &&
	    WEXITSTATUS(status) >= EXIT_SETTING) {
		broker_stop(b, WEXITSTATUS(status));
		return;
	}
	b->restarts++;
	due = restart_due(&s->restart, &policies[s->kind], now);
	if (!b->opt->restart_backoff)
		due = now;
	log_warn("process restarts", "kind=%s index=%u in_ms=%lld",
		 program_of(s->kind), s->index,
		 (long long)mono_since(due, now) / 1000);
	if (s->kind == MEDIA)
		media_lost(b, s->index);
	if (mono_since(due, now) <= 0)
		on_again(now, s);
	else
		loop_timer(b->loop, &s->again, due, on_again, s);
}

/* The ports that nobody may be made to send to: our own listeners. */
static void refused_ports(const struct broker *b, uint16_t out[4])
{
	if (b->opt->signaling == SIGNALING_JOIN)
		return;
	out[0] = b->opt->websocket ? b->opt->signaling_port : 0;
	out[1] = b->opt->grpc_port;
}

static int ask_template(struct peer *p, struct worker *w, int fds, int escrow)
{
	struct broker *b = p->b;
	int list[2] = { fds, escrow };
	struct msg_fork_peer m = {
		.peer = p->id,
		.spawn = w->spawn,
		.port = p->port,
		.networks = b->opt->public_networks ? NETWORKS_PUBLIC :
						      NETWORKS_ANY,
		.data = b->opt->data_channel,
		.offers = p->pending_len &&
			  p->pending[0].type == TO_MAKE_OFFER,
	};

	refused_ports(b, m.refuse);

	return send_fork_peer(&b->template.worker->down, &m, p->name,
			      strlen(p->name), list);
}

int spawn_peer(struct peer *p)
{
	struct broker *b = p->b;
	struct worker *t = b->template.worker, *w;
	struct rundir_call call;
	int fds, escrow, err;
	char name[48];

	if (!t || t->phase == AT_BOOT) {
		p->forking = true;	/* template_hello comes for it */
		return 0;
	}
	if (!p->port && (err = port_take(b, &p->port)))
		return err;
	session_note(&call, p);

	snprintf(name, sizeof(name), "ice-%llx.%llx",
		 (unsigned long long)p->id,
		 (unsigned long long)next_number(b));
	if ((err = rundir_listen(b, name, NULL, &fds)))
		return err;
	escrow = region_create("rm-escrow", REGION_ESCROW, ESCROW_BYTES,
			       b->last_number, p->id);
	if (escrow < 0 || (err = worker_new(&w, b, ICE, name))) {
		err = escrow < 0 ? escrow : err;
		rundir_drop(b, name);
		goto out;
	}
	w->spawn = b->last_number;
	w->peer_id = p->id;
	if ((err = rundir_note_call(b, name, &call)) ||
	    (err = ask_template(p, w, fds, escrow)) ||
	    (err = worker_dial(w))) {
		worker_free(w);
		goto out;
	}
	w->peer = p;
	p->ice = w;
	p->forking = false;
	t->forks++;
out:
	close(fds);
	if (escrow >= 0)
		close(escrow);

	return err;
}

/* A crash, or many forks: a fresh address layout for those who come. */
static void renew_template(struct broker *b)
{
	struct worker *old = b->template.worker;

	if (!old || b->stopping)
		return;
	log_info("template is renewed", "forks=%u", old->forks);
	b->template.worker = NULL;
	worker_retire(old);
	if (service_start(&b->template))
		service_failed(&b->template, 0);
}

int on_template_hello(struct worker *w, const struct msg_template_hello *m,
		      const void *blob, size_t len)
{
	struct broker *b = w->b;

	(void)blob;
	(void)len;
	if (m->abi != msg_abi())
		return -EPROTO;
	w->phase = AT_IDLE;
	worker_alive(w, 0);
	for (struct peer *p = peer_each(b, NULL), *next; p; p = next) {
		next = peer_each(b, p);
		if (p->forking && spawn_peer(p))
			peer_end(p, WHY_RESOURCES, "no process to be had");
	}
	broker_check_ready(b);

	return 0;
}

static struct worker *ice_by_spawn(struct broker *b, uint64_t spawn)
{
	for (struct worker *w = b->workers; w; w = w->next)
		if (w->kind == ICE && w->spawn == spawn)
			return w;
	return NULL;
}

int on_template_forked(struct worker *t, const struct msg_template_forked *m,
		       const void *blob, size_t len)
{
	struct worker *w = ice_by_spawn(t->b, m->spawn);

	(void)blob;
	(void)len;
	/* Told again after a new dial: known by now. */
	if (!w || w->pid)
		return 0;
	if (m->pid <= 0) {
		log_warn("no fork", "worker=%s", w->name);
		worker_ended(w, 0);
	} else if (rundir_note_pid(t->b, w->name, m->pid) ||
		   worker_follow(w, m->pid)) {
		worker_ended(w, 0);
	}
	if (t->forks >= TEMPLATE_FORKS && t == t->b->template.worker)
		renew_template(t->b);

	return 0;
}

int on_template_reaped(struct worker *t, const struct msg_template_reaped *m,
		       const void *blob, size_t len)
{
	struct worker *w = ice_by_spawn(t->b, m->spawn);
	bool crashed = WIFSIGNALED(m->status) && WTERMSIG(m->status) != SIGKILL;

	(void)blob;
	(void)len;
	if (crashed)
		log_warn("peer process crashed", "peer=%llx signal=%d",
			 (unsigned long long)m->peer, WTERMSIG(m->status));
	if (w)
		w->status = m->status;	/* its pidfd tells the end */
	if (w && !w->pid)
		worker_ended(w, m->status);
	if (crashed && t == t->b->template.worker)
		renew_template(t->b);

	return 0;
}
