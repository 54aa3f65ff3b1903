/*
 * bus.c - the link to the broker
 *
 * The frame of a new broker begins with BOOT: our hello, its start. Only
 * then calls are told again.
 */

#include "signaling/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "core/session/peer_name.h"
#include "core/ws/utf8.h"
#include "signaling/text.h"

#include <unistd.h>

enum { DROPS_TOLD_US = 1000000 };

/*
 * What these messages carry comes from an ice-worker, and so perhaps from its
 * peer. It costs that peer its message, never the connection: all other
 * calls live on it.
 */
static int drop(struct bus *b, enum msg_type type, const char *why)
{
	struct mono now = mono_now();

	b->dropped++;
	if (mono_before(now, b->drops_told))
		return 0;
	b->drops_told = mono_add(now, DROPS_TOLD_US);
	log_line(LOG_WARN, "messages dropped", "last=%s why=\"%s\" total=%llu",
		 msg_name(type), why, (unsigned long long)b->dropped);

	return 0;
}

/* A blob as a string, to be freed. NULL: no memory. */
static char *blob_text(const struct wire_in *in)
{
	char *s = malloc(in->blob_len + 1);

	if (!s)
		return NULL;
	if (in->blob_len)
		memcpy(s, in->blob, in->blob_len);
	s[in->blob_len] = '\0';

	return s;
}

/* A text that programs read: as blob_text(), NULL also when it holds a NUL or
 * is not UTF-8. */
static char *blob_clean(const struct wire_in *in)
{
	if (in->blob_len && (memchr(in->blob, 0, in->blob_len) ||
			     !utf8_ok(in->blob, in->blob_len)))
		return NULL;

	return blob_text(in);
}

static int on_signaling_start(struct bus *b, const struct wire_in *in)
{
	b->start = *(const struct msg_signaling_start *)in->payload;
	b->phase = AT_IDLE;
	b->ready = true;
	b->away = MONO_NEVER;
	log_line(LOG_INFO, "broker is there", "max_peers=%u",
		 b->start.max_peers);
	calls_on_up(b->calls, mono_now());

	return 0;
}

static int on_signaling_tls(struct bus *b, const struct wire_in *in)
{
	const int *fds = b->fds;

	(void)in;
	if (!b->on_tls)
		return 0;
	b->fds = NULL;	/* on_tls takes them */
	b->on_tls(fds[0], fds[1], b->tls_arg);

	return 0;
}

static int on_call_local(struct bus *b, const struct wire_in *in)
{
	const struct msg_call_local *m = in->payload;
	char *sdp;

	if (m->kind != DESCRIPTION_OFFER && m->kind != DESCRIPTION_ANSWER)
		return drop(b, in->type, "neither offer nor answer");
	sdp = blob_clean(in);
	if (!sdp)
		return drop(b, in->type, "not a text");
	calls_on_local(b->calls, m->call, (enum description_kind)m->kind, sdp,
		       b->wall_ms());
	free(sdp);

	return 0;
}

static int on_call_trickle(struct bus *b, const struct wire_in *in)
{
	const struct msg_call_trickle *m = in->payload;
	char *line = blob_clean(in);

	if (!line)
		return drop(b, in->type, "not a text");
	calls_on_trickle(b->calls, m->call, line);
	free(line);

	return 0;
}

static int on_call_state(struct bus *b, const struct wire_in *in)
{
	const struct msg_call_state *m = in->payload;

	if (m->state >= CALL_STATES)
		return drop(b, in->type, "no such state");
	calls_on_state(b->calls, m->call, (enum call_state)m->state,
		       b->wall_ms());

	return 0;
}

static int on_call_gone(struct bus *b, const struct wire_in *in)
{
	const struct msg_call_gone *m = in->payload;
	/* The end of a call is never dropped for the words it comes with. */
	enum call_why why = m->why < WHYS ? (enum call_why)m->why
					  : WHY_PROTOCOL;
	char *text = blob_text(in);

	if (text)
		text_clean(text, in->blob_len);
	calls_on_gone(b->calls, m->call, why, m->ended, text ? text : "");
	free(text);

	return 0;
}

static int on_call_known(struct bus *b, const struct wire_in *in)
{
	const struct msg_call_known *m = in->payload;
	const char *blob = in->blob;
	char name[PEER_NAME_MAX + 1], session[PEER_NAME_MAX + 1];
	size_t rest;

	if (m->name_len > in->blob_len || !peer_name_ok(blob, m->name_len))
		return drop(b, in->type, "not a peer id");
	rest = in->blob_len - m->name_len;
	if (rest && !peer_name_ok(blob + m->name_len, rest))
		return drop(b, in->type, "not a session");
	snprintf(name, sizeof(name), "%.*s", (int)m->name_len, blob);
	snprintf(session, sizeof(session), "%.*s", (int)rest,
		 blob + m->name_len);
	calls_on_known(b->calls, m->call, name, session);

	return 0;
}

static int on_control_reply(struct bus *b, const struct wire_in *in)
{
	const struct msg_control_reply *m = in->payload;
	enum control_error error = m->error < CONTROL_ERRORS ?
		(enum control_error)m->error : CONTROL_INVALID;
	char *text = blob_clean(in);

	if (!text)
		return drop(b, in->type, "not a text");
	if (b->on_control)
		b->on_control(m->request, error, text, b->control_arg);
	free(text);

	return 0;
}

static int on_broker_stats(struct bus *b, const struct wire_in *in)
{
	b->stats = *(const struct msg_broker_stats *)in->payload;
	b->stats_told = true;

	return 0;
}

#define ROW(name, from, to, ...) TO_##to(name)
#define TO_SIGNALING(name)                                                    \
	case MSG_##name:                                                      \
		return on_##name(b, &in);
#define TO_BROKER(name) case MSG_##name: break;
#define TO_TEMPLATE(name) case MSG_##name: break;
#define TO_ICE(name) case MSG_##name: break;
#define TO_MEDIA(name) case MSG_##name: break;

static int take(struct bus *b, struct wire_in in)
{
	switch (in.type) {
	MSG_TABLE(ROW)
	case MSG_COUNT:
		break;
	}

	return -EPROTO;
}

static int on_frame(const void *bytes, size_t len, const int *fds,
		    unsigned nfds, void *arg)
{
	struct bus *b = arg;
	struct wire_in in;
	int err = wire_open(&in, bytes, len, nfds, BROKER, SIGNALING,
			    b->phase);

	b->fds = fds;
	if (!err)
		err = take(b, in);
	for (unsigned i = 0; b->fds && i < nfds; i++)
		close(fds[i]);
	b->fds = NULL;

	return err;
}

#undef ROW

static void on_up(void *arg)
{
	struct bus *b = arg;
	struct msg_signaling_hello hello = { msg_abi(), (uint32_t)getpid() };
	int err;

	b->wire.seq = 0;
	b->phase = AT_BOOT;
	err = send_signaling_hello(&b->wire, &hello, NULL, 0, NULL);
	if (err)
		log_fail(err, "no hello to the broker");
}

static void on_down(void *arg)
{
	struct bus *b = arg;

	if (b->ready) {
		b->away = mono_now();
		log_line(LOG_WARN, "broker is gone", "%s",
			 "calls go on, new ones wait");
	}
	b->ready = b->stats_told = false;
	b->phase = AT_BOOT;
	calls_on_down(b->calls, mono_now());
}

static void on_log(enum log_level level, const char *line, size_t len,
		   void *arg)
{
	struct bus *b = arg;
	struct msg_signaling_log m = { (uint32_t)level, 0 };

	if (len > MSG_LOG)
		len = MSG_LOG;
	if (!channel_is_up(b->channel) ||
	    send_signaling_log(&b->wire, &m, line, len, NULL))
		log_relay(line, len);
}

int bus_open(struct bus *b, struct loop *loop, int64_t (*wall_ms)(void),
	     struct mono now)
{
	struct channel_ops ops = { on_up, on_down, on_frame, b };
	int err;

	*b = (struct bus){ .wall_ms = wall_ms, .phase = AT_BOOT,
			   .away = now };
	err = channel_new(&b->channel, loop, BUS_CTL_FD, BUS_FDS_FD, &ops);
	if (err)
		return err;
	b->wire = (struct wire){ channel_send, b->channel, 0 };
	log_set_sink(on_log, b);

	return 0;
}

void bus_close(struct bus *b)
{
	log_set_sink(NULL, NULL);
	channel_free(b->channel);
	b->channel = NULL;
}

int bus_call_open(struct bus *b, uint64_t call, const char *peer,
		  const char *session)
{
	struct msg_call_open m = { call, (uint32_t)strlen(peer), 0 };
	char both[MSG_NAMES + 1];
	int len = snprintf(both, sizeof(both), "%s%s", peer, session);

	if (len >= (int)sizeof(both))
		return -EMSGSIZE;

	return !b->ready ? -ENOTCONN
			 : send_call_open(&b->wire, &m, both, (size_t)len,
					  NULL);
}

int bus_call_describe(struct bus *b, uint64_t call,
		      enum description_kind kind, const char *sdp)
{
	struct msg_call_description m = { call, kind, 0 };

	return !b->ready ? -ENOTCONN
			 : send_call_description(&b->wire, &m, sdp,
						 strlen(sdp), NULL);
}

int bus_call_want(struct bus *b, uint64_t call, unsigned kinds)
{
	struct msg_call_description m = { call, DESCRIPTION_WANTED, kinds };

	return !b->ready ? -ENOTCONN
			 : send_call_description(&b->wire, &m, NULL, 0, NULL);
}

int bus_call_trickle(struct bus *b, uint64_t call, const char *line)
{
	struct msg_call_candidate m = { call };

	return !b->ready ? -ENOTCONN
			 : send_call_candidate(&b->wire, &m, line,
					       strlen(line), NULL);
}

int bus_call_close(struct bus *b, uint64_t call)
{
	struct msg_call_close m = { call, WHY_CLOSED, 0 };

	return !b->ready ? -ENOTCONN
			 : send_call_close(&b->wire, &m, NULL, 0, NULL);
}

int bus_control(struct bus *b, uint64_t call, uint64_t request,
		const char *json)
{
	struct msg_control_request m = { call, request };
	size_t len = strlen(json);

	if (len > MSG_CONTROL)
		return -EMSGSIZE;

	return !b->ready ? -ENOTCONN
			 : send_control_request(&b->wire, &m, json, len, NULL);
}
