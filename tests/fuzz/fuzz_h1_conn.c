/*
 * fuzz_h1_conn.c - a whole connection: HTTP/1.1, its services, WebSocket
 *
 * The input is a script: bytes that the client sends, room that the socket
 * has, time, and what the service does with its exchange. The stream below
 * is a fake that only counts. What is checked is the contract of http.h and
 * talk.h: who is called when, how often, and never after the end.
 */

#include <errno.h>
#include <sys/epoll.h>

#include "common/log.h"
#include "common/loop.h"
#include "port/tls.h"
#include "signaling/conn.h"
#include "signaling/h2_conn.h"
#include "signaling/http.h"
#include "signaling/talk.h"
#include "tests/fuzz/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { STEPS_MAX = 400, INPUT_MAX = 4096 };

/* The service's view of its one exchange. */
static struct {
	struct http_exchange *x;	/* NULL: none is ours */
	bool ended, headed;
	unsigned plan;		/* what it does when it is called */
} service;

static struct {
	struct talk_out out;
	unsigned open;
	unsigned plan;
} talk;

static struct {
	const uint8_t *at;	/* what the client has sent, not read yet */
	size_t len;
	bool closed;
	size_t room;		/* bytes that the socket takes now */
	watch_h *handler;
	void *arg;
} line;

static bool inside;		/* a call of the transport or talk_out runs */

/* The fake stream */

int stream_init(struct stream *s, struct loop *loop, int fd,
		watch_h *handler, void *arg)
{
	*s = (struct stream){ .loop = loop, .fd = fd, .reading = true,
			      .max_bytes = STREAM_QUEUE_BYTES,
			      .max_sends = STREAM_QUEUE_SENDS };
	line.handler = handler;
	line.arg = arg;

	return 0;
}

void stream_fini(struct stream *s)
{
	s->fd = -1;
	line.handler = NULL;
}

int stream_start_tls(struct stream *s, struct tls_server *server)
{
	(void)s;
	(void)server;

	return -ENOMEM;
}

int stream_handshake(struct stream *s)
{
	(void)s;

	return -EPROTO;
}

const char *tls_last_error(void)
{
	return "";
}

ssize_t stream_recv(struct stream *s, void *bytes, size_t room)
{
	size_t n = line.len < room ? line.len : room;

	must(s->reading && room >= TLS_RECORD);
	if (!n)
		return line.closed ? 0 : -EAGAIN;
	memcpy(bytes, line.at, n);
	line.at += n;
	line.len -= n;

	return (ssize_t)n;
}

int stream_flush(struct stream *s)
{
	size_t n = s->bytes < line.room ? s->bytes : line.room;

	line.room -= n;
	s->bytes -= n;
	s->sent += n;
	if (!s->bytes)
		s->sends = 0;

	return 0;
}

int stream_send(struct stream *s, const void *head, size_t head_len,
		const void *body, size_t body_len, bool force)
{
	(void)head;
	(void)body;
	must(s->fd >= 0);
	if (!force && (s->bytes + head_len + body_len > s->max_bytes ||
		       s->sends >= s->max_sends))
		return -ENOBUFS;
	s->bytes += head_len + body_len;
	s->sends++;

	return s->corked ? 0 : stream_flush(s);
}

int stream_send_static(struct stream *s, const void *bytes, size_t len)
{
	return stream_send(s, NULL, 0, bytes, len, true);
}

int stream_shutdown(struct stream *s)
{
	must(s->bytes == 0);

	return 0;
}

bool stream_is_full(const struct stream *s)
{
	return s->bytes > STREAM_PAUSE_BYTES || s->sends > STREAM_PAUSE_SENDS;
}

bool stream_is_empty(const struct stream *s)
{
	return s->bytes == 0;
}

void stream_set_reading(struct stream *s, bool on)
{
	s->reading = on;
}

void loop_timer(struct loop *loop, struct timer *t, struct mono due,
		timer_h *handler, void *arg)
{
	(void)loop;
	(void)t;
	(void)due;
	(void)handler;
	(void)arg;
}

void h2_conn_open(struct conn *c, struct mono now)
{
	(void)now;
	conn_doom(c);
}

/* The service */

static void act(unsigned what)
{
	static char piece[70000];
	struct http_head head = { .status = 100 + what % 5 * 100,
				  .has_length = what & 32, .length = what % 99,
				  .last = what & 64 };
	struct h1_header trailer = { { "a", 1 }, { "b", 1 } };
	struct http_exchange *x = service.x;

	if (!x)
		return;
	must(!inside);
	inside = true;
	if (head.status == 100)
		head.status = 204;
	switch (what % 7) {
	case 0:
		if (http_head(x, &head) == 0) {
			must(!service.headed);
			service.headed = true;
			if (head.last)
				service.x = NULL;
		}
		break;
	case 1:
		(void)!http_body(x, piece, (what >> 3) % 99);
		break;
	case 2:
		(void)!http_body(x, piece, sizeof(piece));
		must(x->transport->queued(x) <=
		     HTTP_QUEUE_MAX + sizeof(piece) + H1_HEAD_MAX + 64);
		break;
	case 3:
		service.x = NULL;
		(void)!http_finish(x, &trailer, what & 1);
		break;
	case 4:
		service.x = NULL;
		http_reset(x);
		break;
	case 5:
		x->transport->read(x, what & 8);
		break;
	default:
		service.x = NULL;
		if (service.headed)
			http_reset(x);
		else
			http_answer(x, 200, "a/b", "c", 1, &trailer, 1);
		break;
	}
	inside = false;
}

static void on_body(struct http_exchange *x, const void *bytes, size_t len,
		    struct mono now)
{
	(void)bytes;
	(void)now;
	must(x == service.x && !service.ended && len && !inside);
	if (service.plan & 1)
		act(service.plan >> 1);
}

static void on_end(struct http_exchange *x, struct mono now)
{
	(void)now;
	must(x == service.x && !service.ended && !inside);
	service.ended = true;
	if (service.plan & 2)
		act(service.plan >> 2);
}

static void on_writable(struct http_exchange *x, struct mono now)
{
	(void)now;
	must(x == service.x && !inside);
	act(service.plan);
}

static void on_gone(struct http_exchange *x, bool lost, struct mono now)
{
	(void)lost;
	(void)now;
	must(x == service.x && !inside);
	service.x = NULL;
}

static const struct http_service ours = { on_body, on_end, on_writable,
					  on_gone };

static bool begin(struct http_exchange *x, const struct http_request *r,
		  struct mono now)
{
	(void)now;
	must(!service.x && r->path.at && r->method.len);
	if (r->path.len > 1 && r->path.at[1] == 'f')
		return false;
	x->service = &ours;
	service.x = x;
	service.ended = service.headed = false;
	if (service.plan & 4)
		act(service.plan >> 3);

	return true;
}

static http_route_h *const routes[] = { begin, NULL };

/* The conversation */

static void converse(void)
{
	static char text[60000];

	must(!inside);
	inside = true;
	if (talk.plan & 1)
		(void)!talk.out.text(text, talk.plan % sizeof(text),
				     talk.out.arg);
	if (talk.plan & 2)
		(void)!talk.out.binary(text, talk.plan % 999, talk.out.arg);
	if (talk.plan % 16 == 15)
		talk.out.close(1008, "enough", talk.out.arg);
	inside = false;
}

static void talk_text(void *arg, const char *text, size_t len,
		      struct mono now)
{
	(void)arg;
	(void)text;
	(void)now;
	must(talk.open && len <= 65536);
	converse();
}

static void talk_binary(void *arg, const void *bytes, size_t len,
			struct mono now)
{
	talk_text(arg, bytes, len, now);
}

static void talk_gone(void *arg, bool clean, struct mono now)
{
	(void)arg;
	(void)clean;
	(void)now;
	must(talk.open == 1 && !inside);
	talk.open = 0;
}

static const char *talk_name(const void *arg)
{
	(void)arg;

	return "";
}

static const struct talk_ops talks[] = {
	{ talk_text, NULL, talk_gone, talk_name },
	{ talk_text, talk_binary, talk_gone, talk_name },
};

unsigned talk_open(struct talk *out, struct door *door,
		   const struct http_request *r, const struct talk_out *to,
		   struct mono now)
{
	(void)door;
	(void)r;
	(void)now;
	must(!talk.open);
	if (talk.plan % 8 == 7)
		return 503;
	talk.open = 1;
	talk.out = *to;
	*out = (struct talk){ &talks[talk.plan >> 4 & 1], &talk,
			      talk.plan & 64 ? "p" : NULL };

	return 0;
}

/* One script */

static const char upgrade[] =
	"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
	"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
static const char post[] =
	"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/* Wakes the connection until it has read all it wants. */
static void pump(struct door *d, struct mono now)
{
	for (int i = 0; i < 40; i++) {
		uint32_t events = line.len || line.closed ? EPOLLIN : 0;

		if (!line.handler || !d->first)
			return;
		if (!d->first->stream.reading)
			events = 0;
		if (line.room && d->first->stream.bytes)
			events |= EPOLLOUT;
		if (events)
			line.handler(0, events, now, line.arg);
		conn_settle(d, now);
		if (d->first)
			must(d->first->held_len <= 2 * CONN_READ_BYTES);
		if (!events && !d->dirty)
			return;
	}
}

static void receive(struct script *s, const char *known, size_t known_len)
{
	static uint8_t bytes[INPUT_MAX + 512];
	size_t n = known ? known_len : script_take(s, 2) % INPUT_MAX;

	if (line.len)
		return;		/* what was sent is not read yet */
	if (known) {
		memcpy(bytes, known, n);
	} else {
		n = n < s->left ? n : s->left;
		memcpy(bytes, s->at, n);
		s->at += n;
		s->left -= n;
	}
	line.at = bytes;
	line.len = n;
}

static void step(struct script *s, struct door *d, struct mono *now)
{
	uint8_t what = (uint8_t)script_take(s, 1);

	switch (what % 10) {
	case 0:
	case 1:
	case 2:
		receive(s, NULL, 0);
		break;
	case 3:
		receive(s, upgrade, sizeof(upgrade) - 1);
		break;
	case 4:
		receive(s, post, sizeof(post) - 1);
		break;
	case 5:
		line.room += script_number(s) % 1000000;
		break;
	case 6:
		act((unsigned)script_take(s, 2));
		break;
	case 7:
		service.plan = (unsigned)script_take(s, 2);
		talk.plan = (unsigned)script_take(s, 2);
		break;
	case 8:
		*now = mono_add(*now, (what >> 4) * 1000000ll);
		if (d->first)
			conn_sweep(d->first, *now);
		break;
	default:
		if (what > 200)
			line.closed = true;
		else if (what > 150 && d->first)
			conn_farewell(d->first, *now);
		break;
	}
	pump(d, *now);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const struct sig_limits limits = {
		.message_bytes = 65536, .queue_bytes = 1048576,
		.queue_messages = 256, .tls_rate = 200, .tls_timeout_s = 5,
		.head_timeout_s = 5, .announce_timeout_s = 10,
		.tls_source_rate = 10, .head_bytes = 8192, .headers = 64,
		.body_bytes = 1048576, .body_timeout_s = 30,
		.http_idle_s = 15, .stall_timeout_s = 30, .fragments = 64,
		.ping_misses = 2,
		.ping_interval_s = 20,
	};
	struct source_caps caps = { 9, 9, 9, 9, 9 };
	struct conn_from from = { .loopback = true };
	struct script s = { bytes, len };
	struct mono now = mono_at(1000000);
	static struct files *files;
	static struct sources *sources;
	struct metrics metrics = { 0 };
	struct world world = { .metrics = &metrics };
	struct door d = { .world = &world, .routes = routes,
			  .limits = &limits };

	if (!files && (files_load(&files, NULL) ||
		       sources_new(&sources, &caps)))
		abort();
	log_open("fuzz", "error");
	d.files = files;
	d.sources = sources;
	memset(&service, 0, sizeof(service));
	memset(&talk, 0, sizeof(talk));
	memset(&line, 0, sizeof(line));
	line.room = 100000;
	conn_open(&d, 99, &from, now);
	for (int i = 0; i < STEPS_MAX && s.left && d.first; i++)
		step(&s, &d, &now);
	if (d.first)
		conn_free(d.first, true, now);
	must(!service.x && !talk.open);
	must(d.startups == 0 && d.connections == 0 && d.websockets == 0);

	return 0;
}
