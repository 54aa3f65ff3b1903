/*
 * uplink.c - a client of another hub
 *
 * One function, lost(), ends an attempt or a connection, whatever the
 * reason, and arms the next attempt. It may be called from any handler of
 * the stream, because the stream is storage of the uplink itself.
 */

#include "signaling/uplink.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "port/json.h"
#include "port/tls.h"
#include "signaling/auth.h"
#include "signaling/rpc_notify.h"
#include "signaling/scan.h"
#include "signaling/text.h"

enum {
	FIRST_DELAY_US = 500000,
	LAST_DELAY_US = 30000000,
	SETUP_US = 10000000,	/* connect, upgrade and announce */
	PING_US = 20000000,
	PINGS_MISSED = 2,
	READ_BYTES = 32768,
};

static void on_timer(struct mono now, void *arg);

static uint64_t random64(void)
{
	uint64_t v = 0;

	/* Small reads of getrandom() do not fail once the machine is up. */
	if (getrandom(&v, sizeof(v), 0) != sizeof(v))
		v = (uint64_t)mono_now().us;

	return v;
}

static void write_name(char name[UPLINK_NAME])
{
	uint64_t a = random64(), b = random64();

	/* RFC 9562: version 4, variant 10 */
	a = (a & ~0xf000ull) | 0x4000;
	b = (b & ~(3ull << 62)) | 2ull << 62;
	snprintf(name, UPLINK_NAME, "peer-%08x-%04x-%04x-%04x-%012llx",
		 (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff),
		 (unsigned)(a & 0xffff), (unsigned)(b >> 48),
		 (unsigned long long)(b & 0xffffffffffffull));
}

static int read_authorities(struct uplink *u, const struct sig_options *o,
			    char error[SIG_ERROR])
{
	char why[TLS_WHY];
	int err = o->hub_tls ? tls_client_new(&u->tls, o->tls_ca, why) : 0;

	if (err)
		snprintf(error, SIG_ERROR, "signaling: cannot read the "
			 "authorities of TLS in %.255s (%s): check "
			 "WEBRTC_TLS_CA",
			 o->tls_ca ? o->tls_ca : "this machine's list", why);

	return err;
}

int uplink_resolve(struct uplink *u, const struct sig_options *o,
		   char error[SIG_ERROR])
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	char port[8];
	int err;

	*u = (struct uplink){ .options = o, .delay_us = FIRST_DELAY_US };
	snprintf(port, sizeof(port), "%u", o->hub.port);
	err = getaddrinfo(o->hub.host, port, &hints, &list);
	for (struct addrinfo *a = list; a && !err; a = a->ai_next)
		if (u->addresses_len < UPLINK_ADDRESSES)
			memcpy(&u->addresses[u->addresses_len++], a->ai_addr,
			       a->ai_addrlen);
	if (list)
		freeaddrinfo(list);
	if (u->addresses_len)
		return read_authorities(u, o, error);
	snprintf(error, SIG_ERROR, "signaling: cannot find the host of %.255s "
		 "(%s): check WEBRTC_SIGNALING_URL", o->join,
		 err ? gai_strerror(err) : "no address");

	return -EADDRNOTAVAIL;
}

static void hang_up(struct uplink *u)
{
	if (u->state != UPLINK_WAITING) {
		stream_fini(&u->stream);
		ws_fini(&u->ws);
	}
	u->state = UPLINK_WAITING;
	loop_untimer(&u->timer);
}

static void lost(struct uplink *u, const char *why)
{
	int64_t jitter = u->delay_us / 5;
	int64_t delay = u->delay_us - jitter +
			(int64_t)(random64() % (uint64_t)(2 * jitter + 1));

	if (u->leaving) {
		hang_up(u);
		return;
	}
	log_line(u->state == UPLINK_JOINED ? LOG_WARN : LOG_INFO,
		 u->state == UPLINK_JOINED ? "hub lost" : "hub not reached",
		 "why=\"%s\" retry_ms=%lld", why, (long long)delay / 1000);
	hang_up(u);
	u->delay_us = u->delay_us * 2 < LAST_DELAY_US ? u->delay_us * 2
						      : LAST_DELAY_US;
	loop_timer(u->loop, &u->timer, mono_add(mono_now(), delay), on_timer,
		   u);
}

/* Out */

static void send_frame(struct uplink *u, enum ws_opcode op,
		       const void *bytes, size_t len)
{
	uint8_t head[WS_HEAD_MAX], mask[4];
	uint64_t dice = random64();
	size_t head_len;
	uint8_t *copy = malloc(len ? len : 1);
	int err = -ENOMEM;

	memcpy(mask, &dice, sizeof(mask));
	head_len = ws_write_head(head, op, len, mask);
	if (copy) {
		if (len)
			memcpy(copy, bytes, len);
		ws_mask(copy, len, mask);
		err = stream_send(&u->stream, head, head_len, copy, len,
				  false);
		free(copy);
	}
	if (err)
		lost(u, "it does not read");
}

static void begin(struct text *t, struct uplink *u, const char *method)
{
	text_puts(t, "{\"jsonrpc\":\"2.0\",\"id\":");
	text_int(t, (int64_t)++u->next_id);
	text_puts(t, ",\"method\":\"");
	text_puts(t, method);
	text_puts(t, "\",\"params\":{");
}

static void finish(struct text *t, struct uplink *u)
{
	text_puts(t, "}}");
	if (!t->bad)
		send_frame(u, WS_OP_TEXT, t->at, t->len);
	text_fini(t);
}

static void send_announce(struct uplink *u)
{
	struct text t = { 0 };

	u->next_id = 0;
	begin(&t, u, "announce");
	text_puts(&t, "\"peer_id\":");
	text_jsons(&t, u->name);
	text_puts(&t, ",\"capabilities\":" HUB_SERVER_CAPS);
	if (*u->token) {
		text_puts(&t, ",\"resume_token\":");
		text_jsons(&t, u->token);
	}
	finish(&t, u);
}

static void send_description(struct uplink *u, const char *peer,
			     const struct hub_event *ev)
{
	struct text t = { 0 };

	begin(&t, u, ev->kind == HUB_OFFER ? "offer" : "answer");
	text_puts(&t, "\"to_peer_id\":");
	text_jsons(&t, peer);
	text_puts(&t, ",\"sdp\":");
	text_jsons(&t, ev->sdp);
	text_puts(&t, ",\"type\":");
	text_jsons(&t, ev->type);
	finish(&t, u);
}

static void send_candidate(struct uplink *u, const char *peer,
			   const struct hub_candidate *c)
{
	struct text t = { 0 };

	/* A hub of this dialect takes "" for a missing parameter. */
	if (!*c->line)
		return;
	begin(&t, u, "ice_candidate");
	text_puts(&t, "\"to_peer_id\":");
	text_jsons(&t, peer);
	rpc_write_candidate(&t, c);
	finish(&t, u);
}

static void send_disconnect(struct uplink *u, const char *peer)
{
	struct text t = { 0 };

	begin(&t, u, "disconnect");
	text_puts(&t, "\"peer_id\":");
	text_jsons(&t, peer);
	finish(&t, u);
}

void uplink_deliver(struct uplink *u, const char *peer,
		    const struct hub_event *ev)
{
	if (u->state != UPLINK_JOINED || u->leaving) {
		log_line(LOG_DEBUG, "not told, the hub is away", "peer=\"%s\"",
			 peer);
		return;
	}
	switch (ev->kind) {
	case HUB_OFFER:
	case HUB_ANSWER:
		send_description(u, peer, ev);
		break;
	case HUB_CANDIDATE:
		send_candidate(u, peer, &ev->candidate);
		break;
	case HUB_OFFER_REFUSED:
	case HUB_DISCONNECTED:
		/* The dialect has no other word for no. */
		log_line(LOG_INFO, "call refused or over",
			 "peer=\"%s\" why=\"%s\"", peer,
			 ev->reason ? ev->reason : "");
		send_disconnect(u, peer);
		break;
	case HUB_STATE:
	case HUB_REFUSED:
	case HUB_OFFER_TAKEN:
	case HUB_JOINED:
	case HUB_LEFT:
		break;
	}
}

/* In */

/* A string of params without NUL, at most max bytes; NULL: none. */
static const char *member(const struct js *params, const char *key, size_t max)
{
	size_t len;
	const char *s = js_string(js_get(params, key), &len);

	return s && strlen(s) == len && len <= max ? s : NULL;
}

static void on_offer(struct uplink *u, const char *from,
		     const struct js *params)
{
	const char *sdp = member(params, "sdp", HUB_SDP_MAX);
	int err;

	if (!sdp)
		return;
	err = calls_offer(u->calls, from, NULL, sdp, mono_now());
	if (!err)
		return;
	log_fail(err, "offer not taken");
	if (err != -EBUSY)
		send_disconnect(u, from);
}

static void on_answer(struct uplink *u, const char *from,
		      const struct js *params)
{
	const char *sdp = member(params, "sdp", HUB_SDP_MAX);
	int err = sdp ? calls_answer(u->calls, from, sdp, mono_now()) : 0;

	if (err)
		log_fail(err, "answer not taken");
}

static void on_candidate(struct uplink *u, const char *from,
			 const struct js *params)
{
	struct hub_candidate c = {
		.line = member(params, "candidate", HUB_CANDIDATE_MAX),
		.mid = member(params, "sdp_mid", HUB_MID_MAX),
	};
	int err;

	if (!js_int(js_get(params, "sdp_mline_index"), &c.mline) ||
	    c.mline < 0 || c.mline > 65535)
		c.mline = -1;
	err = c.line ? calls_candidate(u->calls, from, &c, mono_now()) : 0;
	if (err)
		log_fail(err, "candidate not taken");
}

static const char *peer_of(const struct js *params, const char *key)
{
	const char *name = member(params, key, HUB_NAME_MAX);

	return name && peer_name_ok(name, strlen(name)) ? name : NULL;
}

static void on_notification(struct uplink *u, const char *method,
			    const struct js *params)
{
	const char *from = peer_of(params, "from_peer_id");
	const char *about = peer_of(params, "peer_id");

	if (from && strcmp(method, "soffer") == 0)
		on_offer(u, from, params);
	else if (from && strcmp(method, "sanswer") == 0)
		on_answer(u, from, params);
	else if (from && strcmp(method, "sice_candidate") == 0)
		on_candidate(u, from, params);
	else if (about && (strcmp(method, "speer_left") == 0 ||
			   strcmp(method, "speer_disconnected") == 0))
		calls_drop(u->calls, about);
}

/* A hub without such a thing gives none. */
static void keep_token(struct uplink *u, const struct js *result)
{
	const char *token = member(result, "resume_token", HUB_TOKEN - 1);

	snprintf(u->token, sizeof(u->token), "%s", token ? token : "");
}

static void on_announced(struct uplink *u, const struct js *message)
{
	const struct js *error = js_get(message, "error");
	size_t len;
	const char *text = js_string(js_get(error, "message"), &len);

	if (error) {
		log_line(LOG_WARN, "the hub refuses our name", "why=\"%.80s\"",
			 text ? text : "?");
		lost(u, "announce refused");
		return;
	}
	keep_token(u, js_get(message, "result"));
	u->state = UPLINK_JOINED;
	u->delay_us = FIRST_DELAY_US;
	u->missed = 0;
	loop_timer(u->loop, &u->timer, mono_add(mono_now(), PING_US),
		   on_timer, u);
	log_line(LOG_INFO, "joined the hub", "url=%s peer=%s",
		 u->options->join, u->name);
}

static void on_text(struct uplink *u, const char *bytes, size_t len)
{
	struct text copy = { 0 };
	char error[JS_ERROR];
	char why[SCAN_WHY];
	const char *method, *id;
	struct js *root = NULL;
	size_t n;

	if (json_scan(&copy, bytes, len, NULL, why) ||
	    js_parse(&root, copy.len ? copy.at : "", copy.len, error)) {
		log_line(LOG_WARN, "the hub's message makes no sense",
			 "bytes=%zu", len);
		text_fini(&copy);
		return;
	}
	method = js_string(js_get(root, "method"), &n);
	id = js_string(js_get(root, "id"), &n);
	if (method && u->state == UPLINK_JOINED)
		on_notification(u, method, js_get(root, "params"));
	else if (u->state == UPLINK_ANNOUNCING && id && !strcmp(id, "n1"))
		on_announced(u, root);
	else if (js_get(root, "error"))
		log_line(LOG_INFO, "the hub refused a request", "id=%.20s",
			 id ? id : "?");
	js_free(root);
	text_fini(&copy);
}

static void on_frames(struct uplink *u, const uint8_t *bytes, size_t len)
{
	struct ws_event ev;
	size_t at = 0;

	while (at < len && u->state >= UPLINK_ANNOUNCING) {
		at += ws_recv(&u->ws, bytes + at, len - at, &ev);
		if (ev.kind == WS_TEXT)
			on_text(u, (const char *)ev.bytes, ev.len);
		else if (ev.kind == WS_PING)
			send_frame(u, WS_OP_PONG, ev.bytes, ev.len);
		else if (ev.kind == WS_CLOSE)
			lost(u, "it closed the connection");
		else if (ev.kind == WS_FAILED)
			lost(u, ev.why);
	}
}

/* The answer to our handshake, and perhaps frames behind it. */
static void on_upgrade(struct uplink *u, const uint8_t *bytes, size_t len)
{
	struct h1_response r;
	size_t take = sizeof(u->head) - u->head_len;
	size_t before = u->head_len;
	int n;

	take = len < take ? len : take;
	memcpy(u->head + u->head_len, bytes, take);
	u->head_len += take;
	n = h1_parse_response(&r, u->head, u->head_len);
	if (n == 0 && u->head_len < sizeof(u->head))
		return;
	if (n <= 0 || ws_check_accept(&r, u->key)) {
		lost(u, n > 0 && r.code != 101 ? "it refused the upgrade"
					       : "it speaks no WebSocket");
		return;
	}
	ws_init(&u->ws, WS_CLIENT);
	u->state = UPLINK_ANNOUNCING;
	send_announce(u);
	if (u->state == UPLINK_ANNOUNCING)
		on_frames(u, bytes + ((size_t)n - before),
			  len - ((size_t)n - before));
}

static void send_upgrade(struct uplink *u)
{
	uint64_t dice[2] = { random64(), random64() };
	const char *token = u->options->auth_token;
	char request[1024 + AUTH_TOKEN_MAX];

	ws_write_key(u->key, (const uint8_t *)dice);
	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: %s%s%s:%u\r\n"
		 "Upgrade: websocket\r\nConnection: Upgrade\r\n"
		 "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n"
		 "%s%.*s%s\r\n",
		 u->options->hub_path,
		 strchr(u->options->hub.host, ':') ? "[" : "",
		 u->options->hub.host,
		 strchr(u->options->hub.host, ':') ? "]" : "",
		 u->options->hub.port, u->key,
		 token ? "Authorization: Bearer " : "", AUTH_TOKEN_MAX,
		 token ? token : "", token ? "\r\n" : "");
	u->state = UPLINK_UPGRADING;
	u->head_len = 0;
	if (stream_send(&u->stream, request, strlen(request), NULL, 0, false))
		lost(u, "cannot write");
}

static void on_securing(struct uplink *u)
{
	int done = stream_handshake(&u->stream);

	if (done < 0)
		lost(u, tls_last_error());
	else if (done)
		send_upgrade(u);
}

static void on_connected(struct uplink *u)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(u->stream.fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	if (err) {
		lost(u, strerror(err));
		return;
	}
	u->stream.connecting = false;
	if (!u->tls) {
		send_upgrade(u);
		return;
	}
	if (stream_join_tls(&u->stream, u->tls, u->options->hub.host)) {
		lost(u, "no memory for TLS");
		return;
	}
	u->state = UPLINK_SECURING;
	on_securing(u);
}

static void on_stream(int fd, uint32_t events, struct mono now, void *arg)
{
	static uint8_t bytes[READ_BYTES];
	struct uplink *u = arg;
	ssize_t n;

	(void)fd;
	(void)now;
	if (u->state == UPLINK_CONNECTING) {
		on_connected(u);
		return;
	}
	if (u->state == UPLINK_SECURING) {
		on_securing(u);
		return;
	}
	if ((events & EPOLLOUT) && stream_flush(&u->stream)) {
		lost(u, "cannot write");
		return;
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	n = stream_recv(&u->stream, bytes, sizeof(bytes));
	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n <= 0) {
		lost(u, n ? strerror((int)-n) : "end of file");
		return;
	}
	u->missed = 0;
	if (u->state == UPLINK_UPGRADING)
		on_upgrade(u, bytes, (size_t)n);
	else
		on_frames(u, bytes, (size_t)n);
}

static void dial(struct uplink *u, struct mono now)
{
	const struct sockaddr_storage *sa =
		&u->addresses[u->next_address++ % u->addresses_len];
	socklen_t len = sa->ss_family == AF_INET ? sizeof(struct sockaddr_in)
						 : sizeof(struct sockaddr_in6);
	int one = 1;
	int fd = socket(sa->ss_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		lost(u, strerror(errno));
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (const struct sockaddr *)sa, len) &&
	    errno != EINPROGRESS) {
		int err = errno;

		close(fd);
		lost(u, strerror(err));
		return;
	}
	if (stream_init(&u->stream, u->loop, fd, on_stream, u)) {
		lost(u, "no descriptor to watch");
		return;
	}
	u->state = UPLINK_CONNECTING;
	u->stream.connecting = true;
	(void)!stream_flush(&u->stream);
	loop_timer(u->loop, &u->timer, mono_add(now, SETUP_US), on_timer, u);
}

static void on_timer(struct mono now, void *arg)
{
	struct uplink *u = arg;

	if (u->state == UPLINK_WAITING) {
		dial(u, now);
		return;
	}
	if (u->state != UPLINK_JOINED) {
		lost(u, "no answer in 10 s");
		return;
	}
	if (u->missed++ == PINGS_MISSED) {
		lost(u, "no sign of life");
		return;
	}
	loop_timer(u->loop, &u->timer, mono_add(now, PING_US), on_timer, u);
	send_frame(u, WS_OP_PING, "", 0);
}

void uplink_open(struct uplink *u, struct loop *loop, struct calls *calls,
		 struct mono now)
{
	u->loop = loop;
	u->calls = calls;
	write_name(u->name);
	loop_timer(loop, &u->timer, now, on_timer, u);
}

/* Its answer is awaited: to close at once would reset the connection if
 * something unread is in it, and the reset overtakes the close frame. */
void uplink_farewell(struct uplink *u)
{
	static const uint8_t going[] = { WS_CODE_GOING >> 8,
					 WS_CODE_GOING & 0xff };

	if (!u->loop || u->leaving)
		return;
	u->leaving = true;
	if (u->state == UPLINK_JOINED)
		send_frame(u, WS_OP_CLOSE, going, sizeof(going));
	else
		hang_up(u);
}

bool uplink_is_gone(const struct uplink *u)
{
	return !u->loop || u->state == UPLINK_WAITING;
}

void uplink_close(struct uplink *u)
{
	struct tls_client *tls = u->tls;

	u->tls = NULL;
	if (!u->loop) {
		tls_client_free(tls);
		return;
	}
	uplink_farewell(u);
	hang_up(u);
	tls_client_free(tls);
}
