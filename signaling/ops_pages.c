/* ops_pages.c - /healthz, /readyz and /metrics */

#include "signaling/ops_pages.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "signaling/door.h"

enum {
	BROKER_GRACE_US = 5000000,	/* a restart is no illness */
	HEALTH_MEDIA = 112,		/* four numbers of ten digits fit */
	HEALTH_TEXT = 320,
};

#define JSON_TYPE "application/json"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

static const struct msg_broker_stats *media_of(const struct door *d)
{
	return d->broker_stats(d->broker_arg);
}

static bool broker_up(const struct door *d)
{
	return d->broker_away(d->broker_arg).us == MONO_NEVER.us;
}

static void answer(struct http_exchange *x, unsigned status, const char *type,
		   const char *bytes, size_t len)
{
	struct h1_header fresh = { { "Cache-Control", 13 }, { "no-store", 8 } };

	http_answer(x, status, type, bytes, len, &fresh, 1);
}

/* What the broker told of the media side, or null. */
static void put_media(char out[HEALTH_MEDIA], const struct msg_broker_stats *m)
{
	if (!m) {
		snprintf(out, HEALTH_MEDIA, "null");
		return;
	}
	snprintf(out, HEALTH_MEDIA,
		 "{\"calls\":%u,\"connected\":%u,\"media_workers\":%u,"
		 "\"restarts\":%u}",
		 m->peers, m->connected, m->media_workers, m->restarts);
}

static void health(struct http_exchange *x, struct mono now)
{
	const struct door *d = x->door;
	struct mono away = d->broker_away(d->broker_arg);
	bool ok = mono_before(now, mono_add(away, BROKER_GRACE_US));
	char media[HEALTH_MEDIA], text[HEALTH_TEXT];

	put_media(media, media_of(d));
	snprintf(text, sizeof(text),
		 "{\"status\":\"%s\",\"peers\":%zu,\"uptime_s\":%lld,"
		 "\"broker\":\"%s\",\"media\":%s}\n",
		 ok ? "ok" : "degraded", hub_count(d->world->hub),
		 (long long)(mono_since(now, d->started) / 1000000),
		 broker_up(d) ? "up" : "down", media);
	answer(x, ok ? 200 : 503, JSON_TYPE, text, strlen(text));
}

/* Why no call could be taken now, or NULL. */
static const char *not_ready(const struct door *d)
{
	const struct msg_broker_stats *m = media_of(d);

	if (d->leaving)
		return "the server is going down";
	if (!broker_up(d))
		return "the session-broker is away";
	if (!m)
		return "the session-broker has not told of its workers yet";

	return m->media_workers ? NULL : "no media-worker is there";
}

static void readiness(struct http_exchange *x)
{
	const char *why = not_ready(x->door);
	char text[HEALTH_TEXT];

	if (why)
		snprintf(text, sizeof(text),
			 "{\"ready\":false,\"reason\":\"%s\"}\n", why);
	else
		snprintf(text, sizeof(text), "{\"ready\":true}\n");
	answer(x, why ? 503 : 200, JSON_TYPE, text, strlen(text));
}

static void read_gauges(struct gauges *g, const struct door *d,
			struct mono now)
{
	const struct msg_broker_stats *m = media_of(d);
	struct mallinfo2 heap = mallinfo2();

	*g = (struct gauges){
		.uptime_s = (double)mono_since(now, d->started) / 1e6,
		.connections = d->connections,
		.websockets = d->websockets,
		.peers = hub_count(d->world->hub),
		.peers_held = hub_held(d->world->hub),
		.calls = calls_count(d->world->calls),
		.memory_bytes = heap.uordblks + heap.hblkhd,
		.broker_up = broker_up(d),
	};
	g->start_time_s = (double)d->world->wall_ms() / 1e3 - g->uptime_s;
	if (m) {
		g->media_calls = m->peers;
		g->media_connected = m->connected;
		g->media_workers = m->media_workers;
		g->restarts = m->restarts;
	}
}

static void metrics(struct http_exchange *x, struct mono now)
{
	struct text page = { 0 };
	struct gauges g;

	read_gauges(&g, x->door, now);
	metrics_write(&page, x->door->world->metrics, &g);
	if (page.bad)
		http_error(x, 503);
	else
		answer(x, 200, METRICS_TYPE, page.at, page.len);
	text_fini(&page);
}

bool ops_pages_begin(struct http_exchange *x, const struct http_request *r,
		     struct mono now)
{
	static const char *const paths[] = { "/healthz", "/readyz",
					     "/metrics" };
	size_t which = 0;

	while (which < ARRAY_LEN(paths) && !h1_is(r->path, paths[which]))
		which++;
	if (which == ARRAY_LEN(paths))
		return false;
	if (!h1_is(r->method, "GET") && !h1_is(r->method, "HEAD"))
		http_error(x, 405);
	else if (which == 0)
		health(x, now);
	else if (which == 1)
		readiness(x);
	else
		metrics(x, now);

	return true;
}
