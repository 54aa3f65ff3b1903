/*
 * health.c - grpc.health.v1, and HealthCheck of WebRtcSignaling
 *
 * The server serves while its broker is there; without it peers still find
 * each other, but not the pipeline.
 */

#include <stdlib.h>
#include <string.h>

#include "signaling/door.h"
#include "signaling/grpc/files.h"
#include "signaling/grpc/services.h"
#include "signaling/grpc/signal.h"

enum { LOOK_US = 500000, SERVICE_NAME = 128 };

static bool broker_is_there(const struct door *d)
{
	return !d->broker_away ||
	       d->broker_away(d->broker_arg).us == MONO_NEVER.us;
}

static bool is_service(const char *name)
{
	char service[SERVICE_NAME];

	if (!*name)		/* the server as a whole */
		return true;
	for (unsigned n = 0; n < GRPC_FILES; n++)
		for (unsigned i = 0;
		     descriptor_service(grpc_file(n), i, service,
					sizeof(service));
		     i++)
			if (strcmp(service, name) == 0)
				return true;

	return false;
}

static enum pb_serving serving(const struct door *d, bool known)
{
	if (!known)
		return PB_NO_SERVICE;

	return broker_is_there(d) ? PB_SERVING : PB_NOT_SERVING;
}

static int send_serving(struct grpc_call *c, enum pb_serving s)
{
	struct pb_bytes out;
	int err = pb_serving_encode(&out, s);

	return err ? err : grpc_send(c, out);
}

static void check(struct grpc_call *c, const void *bytes, size_t len,
		  struct mono now)
{
	struct pb_probe p;
	bool known;

	(void)now;
	if (pb_probe_decode(&p, bytes, len)) {
		grpc_end(c, GRPC_INVALID_ARGUMENT,
			 "not a HealthCheckRequest");
		return;
	}
	known = is_service(p.service);
	pb_probe_free(&p);
	if (!known)
		grpc_end(c, GRPC_NOT_FOUND, "unknown service");
	else if (send_serving(c, serving(c->door, true)))
		grpc_end(c, GRPC_RESOURCE_EXHAUSTED, "no room");
	else
		grpc_end(c, GRPC_OK, NULL);
}

const struct grpc_method grpc_check = {
	.path = "/grpc.health.v1.Health/Check",
	.message = check,
};

/* Watch: one message now, then one for each change. */

struct watch_health {
	struct grpc_call *call;
	struct timer look;
	bool known;
	enum pb_serving last;
};

static void on_look(struct mono now, void *arg)
{
	struct watch_health *w = arg;
	enum pb_serving s = serving(w->call->door, w->known);

	loop_timer(w->call->door->loop, &w->look, mono_add(now, LOOK_US),
		   on_look, w);
	if (s == w->last)
		return;
	w->last = s;
	if (send_serving(w->call, s))
		grpc_end(w->call, GRPC_RESOURCE_EXHAUSTED,
			 "the answers are not read");
}

static void watch(struct grpc_call *c, const void *bytes, size_t len,
		  struct mono now)
{
	struct watch_health *w;
	struct pb_probe p;

	if (pb_probe_decode(&p, bytes, len)) {
		grpc_end(c, GRPC_INVALID_ARGUMENT,
			 "not a HealthCheckRequest");
		return;
	}
	w = calloc(1, sizeof(*w));
	if (w) {
		w->call = c;
		w->known = is_service(p.service);
		c->arg = w;
		on_look(now, w);
	} else {
		grpc_end(c, GRPC_RESOURCE_EXHAUSTED, "no memory");
	}
	pb_probe_free(&p);
}

static void watch_fini(struct grpc_call *c, bool clean, struct mono now)
{
	struct watch_health *w = c->arg;

	(void)clean;
	(void)now;
	if (w)
		loop_untimer(&w->look);
	free(w);
}

const struct grpc_method grpc_watch = {
	.path = "/grpc.health.v1.Health/Watch",
	.streams_out = true,
	.message = watch,
	.fini = watch_fini,
};

/* HealthCheck. */

static void count(struct text *t, const char *name, uint64_t value)
{
	text_puts(t, t->len ? ",\"" : "{\"");
	text_puts(t, name);
	text_puts(t, "\":");
	text_int(t, (int64_t)value);
}

static void write_counts(struct text *t, const struct door *d)
{
	const struct world *w = d->world;
	const uint64_t *n = w->metrics->count;

	count(t, "pending_offers", signal_pending());
	count(t, "connected_peers", hub_count(w->hub));
	count(t, "held_peers", hub_held(w->hub));
	count(t, "calls", calls_count(w->calls));
	count(t, "connections", d->connections);
	count(t, "websockets", d->websockets);
	count(t, "grpc_calls_total", n[M_CALL_GRPC]);
	count(t, "grpc_failed_calls_total", n[M_CALL_FAILED_GRPC]);
	count(t, "relayed_messages_total", n[M_RELAYED]);
	text_puts(t, "}");
	text_put(t, "", 1);
}

static void health_check(struct grpc_call *c, const void *bytes, size_t len,
			 struct mono now)
{
	const struct world *w = c->door->world;
	struct pb_health h = { .status = "healthy" };
	struct text counts = { 0 };
	struct pb_bytes out;
	int err;

	if (pb_empty_check(bytes, len)) {
		grpc_end(c, GRPC_INVALID_ARGUMENT,
			 "not a HealthCheckRequest");
		return;
	}
	if (!broker_is_there(c->door))
		h.status = "degraded";
	h.uptime_s = (uint64_t)(mono_since(now, c->door->started) / 1000000);
	h.peers = (uint32_t)hub_count(w->hub);
	write_counts(&counts, c->door);
	h.metrics = counts.bad ? "{}" : counts.at;
	err = pb_health_encode(&out, &h);
	text_fini(&counts);
	if (!err)
		err = grpc_send(c, out);
	grpc_end(c, err ? GRPC_RESOURCE_EXHAUSTED : GRPC_OK,
		 err ? "no room" : NULL);
}

const struct grpc_method grpc_health_check = {
	.path = "/remotemedia.v1.webrtc.WebRtcSignaling/HealthCheck",
	.message = health_check,
};
