/*
 * ice_nice.c - ice.h on libnice; GLib stays in this file
 *
 * Two traps decide the shape. A forked child inherits GLib's random state,
 * from which libnice would take equal credentials for all children: ours
 * come from the kernel and are set after the stream is added and after every
 * restart, and the generator is seeded anew for the tie-breaker. And
 * libnice's consent option ends a call after one lost check, so that it is
 * off and authenticated keep-alive checks are on.
 *
 * GLib turns its own context; the project's loop is one source in it. Its
 * timers are the source's timeout, its epoll descriptor the source's fd.
 */

#include "port/ice.h"

#include "common/clock.h"

#include <errno.h>
#include <nice/agent.h>
#include <nice/interfaces.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { COMPONENT = 1, LOCAL_MAX = 8, REMOTE_MAX = 50 };

struct ice {
	struct ice_ops ops;
	struct loop *loop;
	NiceAgent *agent;
	GMainContext *context;
	GSource *source;
	gpointer loop_tag;
	guint stream;
	struct ice_credentials local;
	uint16_t wanted_port;
	unsigned remotes;
	enum ice_state state;
	bool gathered, quit;
};

struct loop_source {
	GSource base;
	struct ice *ice;
};

/* Text of 6 bits a character from the kernel. */
static int random_text(char *out, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t bytes[ICE_PASSWORD];

	if (len > sizeof(bytes) ||
	    getrandom(bytes, len, 0) != (ssize_t)len)
		return -EIO;
	for (size_t i = 0; i < len; i++)
		out[i] = alphabet[bytes[i] & 63];
	out[len] = '\0';

	return 0;
}

static int take_credentials(struct ice *ice)
{
	if (random_text(ice->local.ufrag, ICE_UFRAG) < 0 ||
	    random_text(ice->local.password, ICE_PASSWORD) < 0)
		return -EIO;
	if (!nice_agent_set_local_credentials(ice->agent, ice->stream,
					      ice->local.ufrag,
					      ice->local.password))
		return -EINVAL;

	return 0;
}

int ice_reseed(void)
{
	guint32 seed;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return -EIO;
	g_random_set_seed(seed);

	return 0;
}

int ice_warm(void)
{
	GMainContext *context = g_main_context_new();
	NiceAgent *agent = nice_agent_new_full(
		context, NICE_COMPATIBILITY_RFC5245,
		NICE_AGENT_OPTION_ICE_TRICKLE);
	int err = -ENOMEM;

	if (agent && nice_agent_add_stream(agent, COMPONENT)) {
		g_random_int();
		err = 0;
	}
	g_clear_object(&agent);
	g_main_context_unref(context);

	return err;
}

/* The loop inside GLib's */

static gboolean loop_prepare(GSource *source, gint *timeout_ms)
{
	struct loop_source *s = (struct loop_source *)source;
	struct mono due = loop_due(s->ice->loop);
	int64_t wait_us;

	*timeout_ms = -1;
	if (due.us == MONO_NEVER.us)
		return FALSE;
	wait_us = mono_since(due, mono_now());
	if (wait_us <= 0)
		return TRUE;
	*timeout_ms = wait_us > 60000000 ? 60000 :
					   (gint)((wait_us + 999) / 1000);

	return FALSE;
}

static gboolean loop_check(GSource *source)
{
	struct loop_source *s = (struct loop_source *)source;

	return g_source_query_unix_fd(source, s->ice->loop_tag) != 0 ||
	       !mono_before(mono_now(), loop_due(s->ice->loop));
}

static gboolean loop_dispatch(GSource *source, GSourceFunc callback,
			      gpointer data)
{
	struct loop_source *s = (struct loop_source *)source;

	(void)callback;
	(void)data;
	if (loop_turn(s->ice->loop, 0) < 0)
		s->ice->quit = true;

	return G_SOURCE_CONTINUE;
}

static GSourceFuncs loop_funcs = {
	.prepare = loop_prepare,
	.check = loop_check,
	.dispatch = loop_dispatch,
};

static void attach_loop(struct ice *ice)
{
	ice->source = g_source_new(&loop_funcs, sizeof(struct loop_source));
	((struct loop_source *)ice->source)->ice = ice;
	/* Without this GLib wakes itself after every dispatch. */
	g_source_set_can_recurse(ice->source, TRUE);
	ice->loop_tag = g_source_add_unix_fd(ice->source, loop_fd(ice->loop),
					     G_IO_IN);
	g_source_attach(ice->source, ice->context);
}

/* What the agent tells */

static void on_recv(NiceAgent *agent, guint stream, guint component,
		    guint len, gchar *bytes, gpointer data)
{
	struct ice *ice = data;

	(void)agent;
	(void)stream;
	(void)component;
	ice->ops.datagram((const uint8_t *)bytes, len, ice->ops.arg);
}

static void on_state(NiceAgent *agent, guint stream, guint component,
		     guint state, gpointer data)
{
	struct ice *ice = data;
	enum ice_state now = ICE_CHECKING;

	(void)agent;
	(void)stream;
	(void)component;
	if (state == NICE_COMPONENT_STATE_CONNECTED ||
	    state == NICE_COMPONENT_STATE_READY)
		now = ICE_UP;
	else if (state == NICE_COMPONENT_STATE_FAILED)
		now = ICE_LOST;
	else if (state != NICE_COMPONENT_STATE_CONNECTING)
		return;
	if (now == ice->state)
		return;
	ice->state = now;
	ice->ops.state(now, ice->ops.arg);
}

static void on_candidate(NiceAgent *agent, NiceCandidate *cand, gpointer data)
{
	struct ice *ice = data;
	gchar *line;

	if (cand->type != NICE_CANDIDATE_TYPE_HOST)
		return;
	line = nice_agent_generate_local_candidate_sdp(agent, cand);
	if (line && !strncmp(line, "a=", 2) && strlen(line) < ICE_LINE_MAX)
		ice->ops.candidate(line + 2, ice->ops.arg);
	g_free(line);
}

static void on_gathered(NiceAgent *agent, guint stream, gpointer data)
{
	struct ice *ice = data;

	(void)agent;
	(void)stream;
	ice->gathered = true;
	ice->ops.gathered(ice->ops.arg);
}

static int new_agent(struct ice *ice, const struct ice_config *cfg)
{
	ice->agent = nice_agent_new_full(ice->context,
					 NICE_COMPATIBILITY_RFC5245,
					 NICE_AGENT_OPTION_ICE_TRICKLE);
	if (!ice->agent)
		return -ENOMEM;
	g_object_set(ice->agent, "upnp", FALSE, "ice-tcp", FALSE,
		     "controlling-mode", (gboolean)cfg->controlling,
		     "stun-pacing-timer", cfg->pacing_ms,
		     "idle-timeout", 5000u,
		     "keepalive-conncheck", TRUE, NULL);
	g_signal_connect(ice->agent, "component-state-changed",
			 G_CALLBACK(on_state), ice);
	g_signal_connect(ice->agent, "new-candidate-full",
			 G_CALLBACK(on_candidate), ice);
	g_signal_connect(ice->agent, "candidate-gathering-done",
			 G_CALLBACK(on_gathered), ice);

	ice->stream = nice_agent_add_stream(ice->agent, COMPONENT);
	if (!ice->stream)
		return -ENOMEM;
	nice_agent_attach_recv(ice->agent, ice->stream, COMPONENT,
			       ice->context, on_recv, ice);

	return take_credentials(ice);
}

int ice_new(struct ice **out, struct loop *loop, const struct ice_config *cfg,
	    const struct ice_ops *ops)
{
	struct ice *ice = calloc(1, sizeof(*ice));
	int err;

	if (!ice)
		return -ENOMEM;
	ice->ops = *ops;
	ice->loop = loop;
	ice->wanted_port = cfg->port;
	ice->context = g_main_context_new();
	err = new_agent(ice, cfg);
	if (err < 0) {
		ice_free(ice);
		return err;
	}
	attach_loop(ice);
	*out = ice;

	return 0;
}

void ice_free(struct ice *ice)
{
	if (!ice)
		return;
	if (ice->source) {
		g_source_destroy(ice->source);
		g_source_unref(ice->source);
	}
	if (ice->agent) {
		g_signal_handlers_disconnect_by_data(ice->agent, ice);
		if (ice->stream)
			nice_agent_remove_stream(ice->agent, ice->stream);
		g_object_unref(ice->agent);
	}
	/* The agent finishes what it began to close in its own context. */
	for (int i = 0; i < 16; i++)
		g_main_context_iteration(ice->context, FALSE);
	g_main_context_unref(ice->context);
	free(ice);
}

/* Link-local addresses need a scope that SDP cannot carry. */
static bool is_usable(const char *ip)
{
	return !strchr(ip, '%') && strncasecmp(ip, "fe80:", 5) != 0 &&
	       strncmp(ip, "169.254.", 8) != 0;
}

static unsigned add_addresses(struct ice *ice, bool loopback)
{
	GList *all = nice_interfaces_get_local_ips(loopback);
	unsigned count = 0;

	for (GList *i = all; i && count < LOCAL_MAX; i = i->next) {
		NiceAddress addr;

		nice_address_init(&addr);
		if (!is_usable(i->data) ||
		    !nice_address_set_from_string(&addr, i->data))
			continue;
		if (nice_agent_add_local_address(ice->agent, &addr))
			count++;
	}
	g_list_free_full(all, g_free);

	return count;
}

int ice_gather(struct ice *ice)
{
	/* A machine without a network can still call itself. */
	if (add_addresses(ice, false) == 0 && add_addresses(ice, true) == 0)
		return -EADDRNOTAVAIL;
	if (ice->wanted_port)
		nice_agent_set_port_range(ice->agent, ice->stream, COMPONENT,
					  ice->wanted_port, ice->wanted_port);
	if (!nice_agent_gather_candidates(ice->agent, ice->stream))
		return -EADDRINUSE;

	return 0;
}

bool ice_is_gathered(const struct ice *ice)
{
	return ice->gathered;
}

uint16_t ice_port(const struct ice *ice)
{
	GSList *all = nice_agent_get_local_candidates(ice->agent, ice->stream,
						      COMPONENT);
	uint16_t port = 0;

	if (all) {
		NiceCandidate *first = all->data;

		port = (uint16_t)nice_address_get_port(&first->addr);
	}
	g_slist_free_full(all, (GDestroyNotify)nice_candidate_free);

	return port;
}

const struct ice_credentials *ice_local(const struct ice *ice)
{
	return &ice->local;
}

int ice_restart(struct ice *ice)
{
	if (!nice_agent_restart(ice->agent))
		return -EINVAL;
	ice->remotes = 0;

	return take_credentials(ice);
}

int ice_set_remote(struct ice *ice, const struct ice_credentials *remote)
{
	if (!nice_agent_set_remote_credentials(ice->agent, ice->stream,
					       remote->ufrag,
					       remote->password))
		return -EINVAL;

	return 0;
}

int ice_add_remote(struct ice *ice, const char *ip, uint16_t port,
		   uint32_t priority, const char *foundation)
{
	NiceCandidate *cand;
	GSList *list;
	int added;

	if (ice->remotes >= REMOTE_MAX)
		return -ENOSPC;
	cand = nice_candidate_new(NICE_CANDIDATE_TYPE_HOST);
	if (!nice_address_set_from_string(&cand->addr, ip)) {
		nice_candidate_free(cand);
		return -EINVAL;
	}
	nice_address_set_port(&cand->addr, port);
	cand->transport = NICE_CANDIDATE_TRANSPORT_UDP;
	cand->component_id = COMPONENT;
	cand->stream_id = ice->stream;
	cand->priority = priority;
	g_strlcpy(cand->foundation, foundation, sizeof(cand->foundation));

	list = g_slist_append(NULL, cand);
	added = nice_agent_set_remote_candidates(ice->agent, ice->stream,
						 COMPONENT, list);
	g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
	if (added < 0)
		return -EINVAL;
	ice->remotes++;

	return 0;
}

void ice_end_remote(struct ice *ice)
{
	nice_agent_peer_candidate_gathering_done(ice->agent, ice->stream);
}

int ice_send(struct ice *ice, const uint8_t *bytes, size_t len)
{
	gint sent = nice_agent_send(ice->agent, ice->stream, COMPONENT,
				    (guint)len, (const gchar *)bytes);

	return sent == (gint)len ? 0 : -EAGAIN;
}

int ice_run(struct ice *ice)
{
	ice->quit = false;
	while (!ice->quit)
		g_main_context_iteration(ice->context, TRUE);

	return 0;
}

void ice_quit(struct ice *ice)
{
	ice->quit = true;
	/* From a handler this only spares one wait. */
	g_main_context_wakeup(ice->context);
}
