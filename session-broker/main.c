/* main.c - session-broker: tracks peers, supervises. docs/processes.md */

#include "session-broker/broker.h"

#include "common/clock.h"
#include "common/log.h"
#include "session-broker/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOP_US = 2500000, STATS_US = 2000000 };

static void on_stop_late(struct mono now, void *arg)
{
	struct broker *b = arg;

	(void)now;
	for (struct worker *w = b->workers; w; w = w->next)
		worker_kill(w, SIGKILL);
	loop_stop(b->loop);
}

/* Leaves when the last worker has; killed when that takes too long. */
static void on_stop_tick(struct mono now, void *arg)
{
	struct broker *b = arg;

	if (!b->workers) {
		loop_stop(b->loop);
		return;
	}
	if (!mono_before(now, b->stop_at)) {
		on_stop_late(now, b);
		return;
	}
	loop_timer(b->loop, &b->stop_by, mono_add(now, 10000), on_stop_tick,
		   b);
}

void broker_stop(struct broker *b, int code)
{
	if (b->stopping)
		return;
	b->stopping = true;
	b->exit_code = code;
	b->stop_at = mono_add(mono_now(), STOP_US);
	for (struct peer *p = peer_each(b, NULL); p; p = peer_each(b, NULL))
		peer_end(p, WHY_CLOSED, "the server shuts down");
	for (struct worker *w = b->workers; w; w = w->next) {
		w->leaving = true;
		if (w->kind == MEDIA)
			(void)send_media_quit(&w->ctl, &(struct msg_media_quit){
				0 }, NULL, 0, NULL);
		else if (w->kind != ICE)
			worker_kill(w, SIGTERM);
	}
	on_stop_tick(mono_now(), b);
}

/* The certificate may have been renewed. Signaling cannot open files any
 * more, so it gets them open. */
static void renew_tls(struct broker *b)
{
	int fds[2] = { -1, -1 }, err = 0;

	if (!b->opt->tls_cert) {
		log_info("SIGHUP without a certificate: nothing to renew");
		return;
	}
	fds[0] = open(b->opt->tls_cert, O_RDONLY | O_CLOEXEC);
	if (fds[0] >= 0)
		fds[1] = open(b->opt->tls_key, O_RDONLY | O_CLOEXEC);
	if (fds[0] < 0 || fds[1] < 0)
		err = -errno;
	else if (!to_signaling(b))
		err = -ENOTCONN;	/* its next start reads them itself */
	else
		err = send_signaling_tls(&b->signaling.worker->down,
					 &(struct msg_signaling_tls){ 0 },
					 NULL, 0, fds);
	if (err)
		log_fail(err, "the certificate is not renewed");
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void on_signal(int fd, uint32_t events, struct mono now, void *arg)
{
	struct signalfd_siginfo si;
	struct broker *b = arg;

	(void)events;
	(void)now;
	while (read(fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			continue;	/* pidfds tell who it was */
		if (si.ssi_signo == SIGHUP) {
			renew_tls(b);
			continue;
		}
		log_info("stopping", "signal=%u", si.ssi_signo);
		broker_stop(b, 0);
	}
}

static void tell_stats(struct broker *b)
{
	struct wire *to = to_signaling(b);
	uint32_t alive = 0;

	for (uint32_t i = 0; i < b->media_count; i++)
		alive += b->media[i].worker != NULL;
	if (to)
		(void)send_broker_stats(to, &(struct msg_broker_stats){
			b->peers, b->connected, alive, b->restarts,
			b->sessions, 0 }, NULL, 0, NULL);
}

static void on_stats(struct mono now, void *arg)
{
	struct broker *b = arg;

	tell_stats(b);
	loop_timer(b->loop, &b->stats, mono_add(now, STATS_US), on_stats, b);
}

void broker_check_ready(struct broker *b)
{
	bool all = to_signaling(b) && b->template.worker &&
		   b->template.worker->phase != AT_BOOT;

	/* Somebody came: signaling hears at once that calls can be taken. */
	tell_stats(b);
	for (uint32_t i = 0; all && i < b->media_count; i++)
		all = b->media[i].worker &&
		      b->media[i].worker->phase != AT_BOOT;
	if (!all || b->ready)
		return;
	b->ready = true;
	if (rundir_ready(b))
		log_warn("cannot write the ready file");
	log_info("ready", "media_workers=%u max_peers=%u", b->media_count,
		 b->opt->max_peers);
}

static int watch_signals(struct broker *b)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;

	return loop_watch(b->loop, &b->on_signal, fd, EPOLLIN, on_signal, b);
}

static int start_missing(struct broker *b)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < b->media_count; i++)
		if (!b->media[i].worker)
			err = service_start(&b->media[i]);
	if (!err && !b->template.worker)
		err = service_start(&b->template);
	if (!err && !b->signaling.worker)
		err = service_start(&b->signaling);

	return err;
}

static int serve(struct broker *b)
{
	int err;

	adopt_all(b);
	if ((err = start_missing(b))) {
		log_fail(err, "cannot start a process");
		broker_stop(b, 1);
	}
	on_stats(mono_now(), b);
	err = loop_run(b->loop);
	if (err) {
		log_fail(err, "loop failed");
		for (struct worker *w = b->workers; w; w = w->next)
			worker_kill(w, SIGKILL);
		return 1;
	}

	return b->exit_code;
}

int main(int argc, char **argv)
{
	static struct options opt;
	struct broker *b = NULL;
	int code = setup_options(&opt, argc, argv), err;

	if (code >= 0)
		return code;
	log_open("session-broker", opt.log);

	if ((code = setup_broker(&b, &opt)))
		return code;
	if ((err = watch_signals(b))) {
		log_fail(err, "cannot start");
		return 1;
	}
	code = serve(b);
	setup_undo(b);

	return code;
}
