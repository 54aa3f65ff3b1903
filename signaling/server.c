/* server.c - the parts of a signaling process, put together */

#include "signaling/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/version.h"
#include "port/tls.h"
#include "signaling/certificate.h"
#include "signaling/ops_pages.h"
#include "signaling/grpc/grpc.h"
#include "signaling/whip.h"

enum {
	LEAVE_US = 1000000,	/* for close frames to be answered */
	TICK_US = 250000,
};

static int64_t wall_ms(void)
{
	return wall_us() / 1000;
}

static int call_open(uint64_t call, const char *peer, const char *session,
		     void *arg)
{
	struct server *s = arg;

	return bus_call_open(&s->bus, call, peer, session);
}

static int call_describe(uint64_t call, enum description_kind kind,
			 const char *sdp, void *arg)
{
	struct server *s = arg;

	return bus_call_describe(&s->bus, call, kind, sdp);
}

static int call_want(uint64_t call, unsigned kinds, void *arg)
{
	struct server *s = arg;

	return bus_call_want(&s->bus, call, kinds);
}

static int call_trickle(uint64_t call, const char *line, void *arg)
{
	struct server *s = arg;

	return bus_call_trickle(&s->bus, call, line);
}

static int call_close(uint64_t call, void *arg)
{
	struct server *s = arg;

	return bus_call_close(&s->bus, call);
}

static void call_deliver(const char *peer, const struct hub_event *ev,
			 void *arg)
{
	struct server *s = arg;

	if (s->joins && !hub_find(s->hub, peer)) {
		uplink_deliver(&s->uplink, peer, ev);
		return;
	}
	/* A peer that left meanwhile, or does not read: its door knows. */
	(void)!hub_send(s->hub, peer, ev);
}

/* Its time to come back is over. */
static void dropped(const char *name, void *arg)
{
	struct server *s = arg;

	calls_drop(s->calls, name);
}

static void fill_random(void *bytes, size_t len)
{
	/* Small reads of getrandom() do not fail once the machine is up; a
	 * token that could be guessed must not be given out. */
	if (getrandom(bytes, len, 0) != (ssize_t)len)
		abort();
}

static int control(uint64_t call, uint64_t request, const char *json,
		   void *arg)
{
	struct server *s = arg;

	return bus_control(&s->bus, call, request, json);
}

static void on_control(uint64_t request, enum control_error error,
		       const char *text, void *arg)
{
	struct server *s = arg;

	rpc_on_control(&s->world, request, error, text);
}

static struct mono broker_away(void *arg)
{
	const struct server *s = arg;

	return s->bus.away;
}

static const struct msg_broker_stats *broker_stats(void *arg)
{
	const struct server *s = arg;

	return s->bus.stats_told ? &s->bus.stats : NULL;
}

/* While the process lives this is its heartbeat for deadlines of calls. */
static void on_tick(struct mono now, void *arg)
{
	struct server *s = arg;

	calls_tick(s->calls, now);
	hub_tick(s->hub, now);
	rpc_tick(&s->world, now);
	if (s->leaving && (!mono_before(now, s->leave_by) ||
			   (door_is_empty(&s->door) &&
			    uplink_is_gone(&s->uplink))))
		loop_stop(s->loop);
	if (!mono_before(now, mono_add(s->bus.away, BROKER_LOST_US))) {
		log_line(LOG_ERROR, "leaving", "why=\"no broker for %d s\"",
			 BROKER_LOST_US / 1000000);
		s->exit_status = 1;
		loop_stop(s->loop);
	}
	loop_timer(s->loop, &s->calls_timer, mono_add(now, TICK_US), on_tick,
		   s);
}

static void on_signal(int fd, uint32_t events, struct mono now, void *arg)
{
	struct server *s = arg;
	struct signalfd_siginfo info;

	(void)events;
	if (read(fd, &info, sizeof(info)) != sizeof(info) || s->leaving)
		return;
	s->leaving = true;
	s->leave_by = mono_add(now, LEAVE_US);
	door_farewell(&s->door, now);
	uplink_farewell(&s->uplink);
	loop_timer(s->loop, &s->calls_timer, now, on_tick, s);
}

static int watch_signals(struct server *s)
{
	sigset_t set;
	int fd, err;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = loop_watch(s->loop, &s->signals, fd, EPOLLIN, on_signal, s);
	if (err)
		close(fd);

	return err;
}

static int open_cores(struct server *s, const struct sig_options *o)
{
	struct calls_ops ops = { call_open, call_describe, call_trickle,
				 call_want, call_close, call_deliver, s };
	struct source_caps caps = {
		.connections = o->max_per_source,
		.per_s = o->limits.connect_rate,
		.burst = o->max_per_source,
		.total = o->max_connections,
		.tls_per_s = o->limits.tls_source_rate,
	};
	struct hub_cfg hub = { .random = fill_random, .dropped = dropped,
			       .hold_us = o->limits.resume_s * 1000000ll,
			       .of_source = o->limits.source_peers,
			       .arg = s };
	uint64_t seeds[2];
	int err;

	if (getrandom(seeds, sizeof(seeds), 0) != sizeof(seeds))
		return -EIO;
	hub.seed = seeds[0];
	host_read(&s->host);
	if ((err = hub_new(&s->hub, &hub)) ||
	    (err = calls_new(&s->calls, &ops, seeds[1])) ||
	    (err = sources_new(&s->sources, &caps)))
		return err;
	calls_limit(s->calls, o->limits.candidates, o->limits.candidate_rate);
	s->world = (struct world){
		.hub = s->hub, .calls = s->calls, .auth = s->auth,
		.metrics = &s->metrics, .wall_ms = wall_ms,
		.messages_per_s = o->messages_per_s,
		.offers_per_s = o->offers_per_s,
		.sessions_per_subject = o->sessions_per_subject,
		.sdp_bytes = o->limits.sdp_bytes,
		.sdp_lines = o->limits.sdp_lines,
		.breaches = o->limits.breaches, .batch = o->limits.batch,
		.json = { o->limits.json_depth, o->limits.json_members,
			  o->limits.json_string_bytes },
		.addresses = s->host.addresses,
		.addresses_len = s->host.len, .hostname = s->host.name,
		.version = REMOTEMEDIA_VERSION, .started_ms = wall_ms(),
		.control = control, .control_arg = s };

	return 0;
}

static int open_whip(struct server *s, const struct sig_options *o)
{
	struct whip_cfg cfg = { .world = &s->world, .loop = s->loop,
				.origins = o->origins,
				.max_per_source = o->max_per_source,
				.max = o->limits.whip_sessions,
				.requests = o->limits.whip_requests,
				.requests_per_source =
					o->limits.whip_source_requests,
				.body_us = o->limits.whip_body_timeout_s *
					   1000000ll,
				.random = fill_random };

	return whip_new(&s->whip, &cfg);
}

static int open_files(struct server *s, const struct sig_options *o,
		      char error[SIG_ERROR])
{
	int err = files_load(&s->files, o->web);

	if (err)
		snprintf(error, SIG_ERROR,
			 "signaling: cannot read the page in %.255s (%s): "
			 "check --web", o->web, strerror(-err));

	return err;
}

/* What an operator should know about who can reach us. */
static void warn_public(const struct server *s, const struct listen_fd *fds,
			int count)
{
	bool plain = false, any = false;

	for (int i = 0; i < count; i++) {
		any = any || !fds[i].loopback;
		plain = plain || (!fds[i].loopback && !fds[i].listener->tls);
	}
	if (plain)
		log_line(LOG_WARN, "a public address is served without TLS",
			 "why=\"set WEBRTC_TLS_CERT and WEBRTC_TLS_KEY\"");
	if (any && !auth_required(s->auth))
		log_line(LOG_WARN, "a public address asks for no token",
			 "why=\"set WEBRTC_AUTH_SECRET or "
			 "WEBRTC_AUTH_PUBLIC_KEY\"");
}

/* In this order; what none of them takes is a file. */
static http_route_h *const routes[] = {
	ops_pages_begin,
	whip_begin,
	grpc_begin,
	NULL,
};

static int open_door(struct server *s, const struct sig_options *o,
		     struct mono now, char error[SIG_ERROR])
{
	struct listen_fd fds[LISTEN_FDS_MAX];
	int err, count;

	if ((err = certificate_open(&s->tls, o, error)))
		return err;
	s->door = (struct door){ .loop = s->loop, .world = &s->world,
				 .auth = s->auth, .whip = s->whip,
				 .files = s->files, .routes = routes,
				 .origins = o->origins, .limits = &o->limits,
				 .sources = s->sources, .tls = s->tls,
				 .started = now,
				 .broker_away = broker_away,
				 .broker_stats = broker_stats,
				 .broker_arg = s };
	count = listen_open(fds, o, error);
	if (count < 0)
		return count;
	warn_public(s, fds, count);

	return door_open(&s->door, fds, count);
}

int server_tls_reload(struct server *s, int cert_fd, int key_fd)
{
	return certificate_renew(s->tls, cert_fd, key_fd);
}

static void on_tls(int cert_fd, int key_fd, void *arg)
{
	/* It said in the log what was wrong. */
	(void)server_tls_reload(arg, cert_fd, key_fd);
}

int server_open(struct server *s, struct loop *loop,
		const struct sig_options *o, char error[SIG_ERROR])
{
	struct mono now = mono_now();
	int err;

	*s = (struct server){ .loop = loop, .joins = o->join != NULL };
	error[0] = '\0';
	if ((err = watch_signals(s)) ||
	    (err = auth_new(&s->auth, o, error, SIG_ERROR)) ||
	    (err = open_cores(s, o)) ||
	    (err = open_whip(s, o)) ||
	    (err = open_files(s, o, error)) ||
	    (err = open_door(s, o, now, error)) ||
	    (s->joins && (err = uplink_resolve(&s->uplink, o, error))) ||
	    (err = bus_open(&s->bus, loop, wall_ms, now))) {
		server_close(s);
		return err;
	}
	s->bus.calls = s->calls;
	s->bus.on_control = on_control;
	s->bus.control_arg = s;
	s->bus.on_tls = on_tls;
	s->bus.tls_arg = s;
	if (s->joins)
		uplink_open(&s->uplink, loop, s->calls, now);
	loop_timer(loop, &s->calls_timer, mono_add(now, TICK_US), on_tick, s);

	return 0;
}

void server_close(struct server *s)
{
	int fd = s->signals.fd;

	if (s->door.loop)
		door_close(&s->door, mono_now());
	whip_free(s->whip);
	uplink_close(&s->uplink);
	loop_untimer(&s->calls_timer);
	if (s->bus.channel) {
		/* The broker's calls live on; it hears our end of file. */
		bus_close(&s->bus);
	}
	if (s->signals.loop) {
		loop_unwatch(&s->signals);
		close(fd);
	}
	calls_free(s->calls);
	hub_free(s->hub);
	files_free(s->files);
	sources_free(s->sources);
	tls_server_free(s->tls);
	auth_free(s->auth);
}
