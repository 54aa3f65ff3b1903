/*
 * peers.c - capabilities, metadata and lists of peers, between the hub's
 * JSON and protobuf
 *
 * The hub keeps capabilities as the client wrote them: an object (dialect A,
 * gRPC) or an array of names (dialect B). What is neither audio, video nor
 * data goes to `extensions` as JSON.
 */

#include "signaling/grpc/signal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "port/json.h"
#include "signaling/door.h"
#include "signaling/grpc/services.h"

static struct js *parse(const char *text)
{
	char error[JS_ERROR];
	struct js *root;

	if (!text || js_parse(&root, text, strlen(text), error))
		return NULL;

	return root;
}

/* A string without NUL; NULL when it is none. */
static const char *plain(const struct js *v)
{
	size_t len;
	const char *s = js_string(v, &len);

	return s && strlen(s) == len ? s : NULL;
}

static bool *caps_flag(struct pb_caps *c, const char *name)
{
	if (!name)
		return NULL;
	if (strcmp(name, "audio") == 0)
		return &c->audio;
	if (strcmp(name, "video") == 0)
		return &c->video;

	return strcmp(name, "data") == 0 ? &c->data : NULL;
}

/* Whether there was more than the three. */
static bool read_names(struct pb_caps *c, const struct js *array)
{
	bool more = false;

	for (size_t i = 0; i < js_len(array); i++) {
		bool *flag = caps_flag(c, plain(js_at(array, i)));

		if (flag)
			*flag = true;
		else
			more = true;
	}

	return more;
}

static bool read_flags(struct pb_caps *c, const struct js *object)
{
	const struct js *v;
	const char *key;
	void *at = NULL;
	bool more = false;

	while ((v = js_each(object, &at, &key)) != NULL) {
		bool *flag = caps_flag(c, key);

		if (flag && js_type(v) == JS_BOOL)
			*flag = js_is_true(v);
		else
			more = true;
	}

	return more;
}

static int read_caps(struct peer_view *v, const char *text)
{
	struct pb_caps *c = &v->peer.caps;
	const struct js *own;
	bool more;

	v->caps = parse(text);
	own = js_get(v->caps, "extensions");
	more = js_type(v->caps) == JS_ARRAY ? read_names(c, v->caps)
					    : read_flags(c, v->caps);
	c->extensions = "";
	/* Its own text as it was given; anything else as the whole. */
	if (own && plain(own)) {
		c->extensions = plain(own);
	} else if (more) {
		v->extensions = js_write(own ? own : v->caps);
		if (!v->extensions)
			return -ENOMEM;
		c->extensions = v->extensions;
	}

	return 0;
}

static int read_metadata(struct peer_view *v, const char *text)
{
	struct pb_pair *pairs;
	const struct js *value;
	const char *key;
	void *at = NULL;
	size_t n = 0, all;

	v->metadata = parse(text);
	all = js_type(v->metadata) == JS_OBJECT ? js_len(v->metadata) : 0;
	if (all == 0)
		return 0;
	pairs = calloc(all, sizeof(*pairs));
	v->written = calloc(all, sizeof(*v->written));
	v->pairs = pairs;
	v->peer.metadata.at = pairs;
	if (!pairs || !v->written)
		return -ENOMEM;
	while ((value = js_each(v->metadata, &at, &key)) != NULL) {
		pairs[n] = (struct pb_pair){ key, plain(value) };
		if (!pairs[n].value) {
			v->written[n] = js_write(value);
			if (!v->written[n])
				return -ENOMEM;
			pairs[n].value = v->written[n];
		}
		v->peer.metadata.len = v->written_len = ++n;
	}

	return 0;
}

void peer_view_free(struct peer_view *v)
{
	for (size_t i = 0; i < v->written_len; i++)
		free(v->written[i]);
	free(v->pairs);
	free(v->written);
	free(v->extensions);
	js_free(v->caps);
	js_free(v->metadata);
	*v = (struct peer_view){ 0 };
}

int peer_view(struct peer_view *out, const char *name, const char *caps,
	      const char *metadata)
{
	int err;

	*out = (struct peer_view){ .peer = { .name = name } };
	out->peer.state = PB_STATE_AVAILABLE;
	err = read_caps(out, caps);
	if (!err)
		err = read_metadata(out, metadata);
	if (err)
		peer_view_free(out);

	return err;
}

/* The pipeline's own peer; in every list, so nothing is parsed for it. */
static int view_server(struct peer_view *v, struct world *w)
{
	struct pb_pair *pairs = calloc(2, sizeof(*pairs));

	if (!pairs)
		return -ENOMEM;
	pairs[0] = (struct pb_pair){ "type", "server" };
	pairs[1] = (struct pb_pair){ "version", w->version };
	*v = (struct peer_view){ .pairs = pairs };
	v->peer = (struct pb_peer){
		.name = HUB_SERVER,
		.caps = { true, true, true, "{}" },
		.metadata = { pairs, 2 },
		.state = PB_STATE_AVAILABLE,
		.connected_at = (uint64_t)w->started_ms / 1000,
	};

	return 0;
}

void peer_views_free(struct peer_views *v)
{
	for (size_t i = 0; v->views && i < v->len; i++)
		peer_view_free(&v->views[i]);
	free(v->views);
	free(v->peers);
	*v = (struct peer_views){ 0 };
}

static int view_all(struct peer_views *out, struct world *w,
		    const struct hub_peer *except)
{
	int err = view_server(&out->views[out->len++], w);

	for (const struct hub_peer *p = hub_next(w->hub, NULL); p && !err;
	     p = hub_next(w->hub, p)) {
		struct peer_view *v = &out->views[out->len];

		if (p == except)
			continue;
		err = peer_view(v, p->name, p->caps, p->metadata);
		if (hub_is_held(p))
			v->peer.state = PB_STATE_AWAY;
		v->peer.connected_at = (uint64_t)p->since_ms / 1000;
		out->len++;
	}

	return err;
}

int peer_views(struct peer_views *out, struct world *w,
	       const struct hub_peer *except)
{
	size_t most = hub_count(w->hub) + 1;
	int err = -ENOMEM;

	*out = (struct peer_views){ 0 };
	out->views = calloc(most, sizeof(*out->views));
	out->peers = calloc(most, sizeof(*out->peers));
	if (out->views && out->peers)
		err = view_all(out, w, except);
	for (size_t i = 0; !err && i < out->len; i++)
		out->peers[i] = out->views[i].peer;
	if (err)
		peer_views_free(out);

	return err;
}

/* In. */

void caps_write(struct text *out, const struct pb_caps *c)
{
	text_puts(out, c->audio ? "{\"audio\":true" : "{\"audio\":false");
	text_puts(out, c->video ? ",\"video\":true" : ",\"video\":false");
	text_puts(out, c->data ? ",\"data\":true" : ",\"data\":false");
	if (*c->extensions) {
		text_puts(out, ",\"extensions\":");
		text_jsons(out, c->extensions);
	}
	text_puts(out, "}");
	text_put(out, "", 1);
}

void metadata_write(struct text *out, const struct pb_pairs *pairs,
		    const char **session, const char **resume_token)
{
	text_puts(out, "{");
	for (size_t i = 0; i < pairs->len; i++) {
		const struct pb_pair *p = &pairs->at[i];

		if (strcmp(p->key, "session") == 0) {
			*session = p->value;
		} else if (strcmp(p->key, "resume_token") == 0) {
			*resume_token = p->value;
		} else {
			text_puts(out, out->len > 1 ? "," : "");
			text_jsons(out, p->key);
			text_puts(out, ":");
			text_jsons(out, p->value);
		}
	}
	text_puts(out, "}");
	text_put(out, "", 1);
}

/*
 * GetPeers. A stream's requests are counted by its member; this call has none
 * and costs as much as there are peers, so it is counted by address. Those
 * that share a bucket share its rate.
 */

enum { LIMITS = 256, LISTS_PER_S = 100 };

static bool within_rate(const struct source_key *source, struct mono now)
{
	static struct limit limits[LIMITS];
	unsigned sum = 0;
	struct limit *l;

	for (unsigned i = 0; i < SOURCE_KEY; i++)
		sum = sum * 31 + source->bytes[i];
	l = &limits[sum % LIMITS];
	if (l->rate <= 0)
		limit_init(l, LISTS_PER_S, 2 * LISTS_PER_S, now);

	return limit_take(l, 1, now);
}

static void get_peers_begin(struct grpc_call *c, struct mono now)
{
	struct h1_span token = signal_token(c);
	struct member_ops ops = { 0 };
	struct member m;
	struct refusal r;

	if (!within_rate(&c->source, now)) {
		metrics_add(c->door->world->metrics, M_RATE_LIMITED);
		grpc_end(c, GRPC_RESOURCE_EXHAUSTED,
			 "too many lists: wait a second");
		return;
	}
	if (!signal_may_enter(c, token) || !token.at)
		return;
	member_init(&m, c->door->world, &ops, now);
	r = member_authenticate(&m, token.at, token.len);
	member_fini(&m, true, now);
	if (r.kind != MEMBER_OK)
		grpc_end(c, refusal_grpc_status(r.kind), r.reason);
}

static void get_peers(struct grpc_call *c, const void *bytes, size_t len,
		      struct mono now)
{
	struct pb_bytes out = { 0 };
	struct peer_views v;
	int err;

	(void)now;
	if (pb_empty_check(bytes, len)) {
		grpc_end(c, GRPC_INVALID_ARGUMENT, "not a GetPeersRequest");
		return;
	}
	err = peer_views(&v, c->door->world, NULL);
	if (!err) {
		err = pb_peers_encode(&out, v.peers, v.len);
		peer_views_free(&v);
	}
	if (!err)
		err = grpc_send(c, out);
	grpc_end(c, err ? GRPC_RESOURCE_EXHAUSTED : GRPC_OK,
		 err ? "no room for the list" : NULL);
}

const struct grpc_method grpc_get_peers = {
	.path = "/remotemedia.v1.webrtc.WebRtcSignaling/GetPeers",
	.begin = get_peers_begin,
	.message = get_peers,
};
