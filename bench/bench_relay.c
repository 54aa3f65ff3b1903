/*
 * bench_relay.c - what signaling costs: relay, announce, idle connections,
 * start
 *
 * The bare loop beside it is a process with the same WebSocket codec, the
 * same JSON reader (jansson) and the same writer, and nothing else: no names,
 * no limits, no scan before the parse. The generator is the same for both, on
 * the other core.
 *
 *	bench_relay [RELAYS] [IDLE]	(40000, 10000)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "core/ws/ws.h"
#include "port/json.h"
#include "signaling/text.h"
#include "tests/client/server.h"

enum {
	PAIRS = 8,
	WINDOW = 8,		/* offers of one pair under way */
	SDP_BYTES = 2048,
	BUFFER = 262144,
	ROUNDS = 3,
	ANNOUNCES = 500,
	STARTS = 10,
};

struct end {
	int fd;
	struct ws ws;
	unsigned under_way, texts;	/* notifications or results seen */
	int64_t sent_us[WINDOW * 64];	/* ring of departures of its pair */
	unsigned sent, heard;
};

static struct end ends[2 * PAIRS];
static char sdp_json[SDP_BYTES * 2];

static void fail(const char *what)
{
	fprintf(stderr, "bench_relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int64_t quantile(int64_t *v, size_t n, double q)
{
	qsort(v, n, sizeof(*v), compare);

	return n ? v[(size_t)((double)(n - 1) * q)] : 0;
}

/* The client's side of a connection */

static int dial(uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));

	return fd;
}

static void write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			fail("send");
		at += n;
		len -= (size_t)n;
	}
}

static void say(int fd, const char *message, size_t len)
{
	static uint8_t out[WS_HEAD_MAX + 8192];
	static const uint8_t mask[4] = { 1, 2, 3, 4 };
	size_t head = ws_write_head(out, WS_OP_TEXT, len, mask);

	memcpy(out + head, message, len);
	ws_mask(out + head, len, mask);
	write_all(fd, out, head + len);
}

/* One byte after another: nothing behind the head is taken off. */
static void upgrade(int fd)
{
	static const char request[] =
		"GET /ws HTTP/1.1\r\nHost: localhost\r\n"
		"Upgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		"Sec-WebSocket-Version: 13\r\n\r\n";
	char last[4] = { 0 };

	write_all(fd, request, sizeof(request) - 1);
	while (memcmp(last, "\r\n\r\n", 4) != 0) {
		memmove(last, last + 1, 3);
		if (recv(fd, last + 3, 1, 0) != 1)
			fail("the upgrade was refused");
	}
}

/* Reads until n more text messages have come. */
static void hear(struct end *e, unsigned n)
{
	static uint8_t bytes[65536];
	struct ws_event ev;

	n += e->texts;
	while (e->texts < n) {
		ssize_t got = recv(e->fd, bytes, sizeof(bytes), 0);
		size_t at = 0;

		if (got <= 0)
			fail("closed");
		while (at < (size_t)got) {
			at += ws_recv(&e->ws, bytes + at, (size_t)got - at,
				      &ev);
			if (ev.kind == WS_TEXT)
				e->texts++;
		}
	}
}

static void open_end(struct end *e, uint16_t port, unsigned i, bool announce)
{
	char m[160];
	int len;

	*e = (struct end){ .fd = dial(port) };
	if (e->fd < 0)
		fail("connect");
	upgrade(e->fd);
	ws_init(&e->ws, WS_CLIENT);
	if (!announce)
		return;
	len = snprintf(m, sizeof(m), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
		       "\"announce\",\"params\":{\"peer_id\":"
		       "\"relay-%u\"}}", i);
	say(e->fd, m, (size_t)len);
	hear(e, 1);
}

/* With a farewell, so that the name is not held: read to the end, because
 * close() with bytes unread is a reset, and that overtakes the farewell. */
static void close_end(struct end *e)
{
	static uint8_t rest[65536];

	write_all(e->fd, "\x88\x82\0\0\0\0\x03\xe8", 8);
	(void)shutdown(e->fd, SHUT_WR);
	while (recv(e->fd, rest, sizeof(rest), 0) > 0)
		;
	ws_fini(&e->ws);
	close(e->fd);
}

static void send_offer(unsigned pair)
{
	static char m[SDP_BYTES * 2 + 256];
	struct end *from = &ends[2 * pair];
	int len = snprintf(m, sizeof(m), "{\"jsonrpc\":\"2.0\",\"id\":%u,"
			   "\"method\":\"offer\",\"params\":{\"to_peer_id\":"
			   "\"relay-%u\",\"sdp\":%s,\"type\":\"offer\"}}",
			   from->sent, 2 * pair + 1, sdp_json);

	from->sent_us[from->sent++ % ARRAY_LEN(from->sent_us)] = mono_now().us;
	from->under_way++;
	say(from->fd, m, (size_t)len);
}

struct load {
	unsigned relays;	/* to be made */
	double per_s;		/* 0: as fast as they come back */
	int64_t *delay_us;	/* of each, or NULL */
	unsigned done, sent;
};

/* A notification at an odd end is a relay that arrived. */
static void on_text(struct load *l, unsigned i)
{
	struct end *from = &ends[i & ~1u];

	if (i % 2 == 0)
		return;
	if (l->delay_us && l->done < l->relays)
		l->delay_us[l->done] = mono_now().us -
			from->sent_us[from->heard % ARRAY_LEN(from->sent_us)];
	from->heard++;
	from->under_way--;
	l->done++;
	if (l->per_s == 0 && l->sent < l->relays) {
		l->sent++;
		send_offer(i / 2);
	}
}

static void read_end(struct load *l, unsigned i)
{
	static uint8_t bytes[BUFFER];
	struct end *e = &ends[i];
	ssize_t got = recv(e->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	struct ws_event ev;
	size_t at = 0;

	if (got == 0 || (got < 0 && errno != EAGAIN))
		fail("closed while relaying");
	while (got > 0 && at < (size_t)got) {
		at += ws_recv(&e->ws, bytes + at, (size_t)got - at, &ev);
		if (ev.kind == WS_TEXT)
			on_text(l, i);
		else if (ev.kind == WS_CLOSE || ev.kind == WS_FAILED)
			fail("a close while relaying");
	}
}

/* Seconds it took. */
static double run_load(struct load *l)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct mono start = mono_now();
	struct epoll_event evs[2 * PAIRS];

	for (unsigned i = 0; i < 2 * PAIRS; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.u32 = i };

		if (epoll_ctl(ep, EPOLL_CTL_ADD, ends[i].fd, &ev))
			fail("epoll");
	}
	if (l->per_s == 0)
		for (; l->sent < PAIRS * WINDOW && l->sent < l->relays;
		     l->sent++)
			send_offer(l->sent % PAIRS);
	while (l->done < l->relays) {
		int n = epoll_wait(ep, evs, 2 * PAIRS, l->per_s > 0 ? 0 : 1000);
		double s = (double)mono_since(mono_now(), start) / 1e6;

		for (int i = 0; i < n; i++)
			read_end(l, evs[i].data.u32);
		if (l->per_s > 0 && l->sent < l->relays &&
		    (double)l->sent < s * l->per_s) {
			send_offer(l->sent % PAIRS);
			l->sent++;
		}
		if (s > 120)
			fail("too slow");
	}
	close(ep);

	return (double)mono_since(mono_now(), start) / 1e6;
}

static void open_ends(uint16_t port, bool announce)
{
	for (unsigned i = 0; i < 2 * PAIRS; i++)
		open_end(&ends[i], port, i, announce);
	/* Those that came later were told to those before. */
	for (unsigned i = 0; announce && i < 2 * PAIRS; i++)
		hear(&ends[i], 2 * PAIRS - 1 - i);
}

static void close_ends(void)
{
	for (unsigned i = 0; i < 2 * PAIRS; i++)
		close_end(&ends[i]);
	usleep(100000);		/* for the names to be free */
}

/* The bare loop */

static void bare_send(int fd, const struct text *t)
{
	uint8_t head[WS_HEAD_MAX];
	struct iovec iov[2] = { { head, 0 }, { t->at, t->len } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	iov[0].iov_len = ws_write_head(head, WS_OP_TEXT, t->len, NULL);
	if (sendmsg(fd, &m, MSG_NOSIGNAL) !=
	    (ssize_t)(iov[0].iov_len + t->len))
		_exit(3);
}

static void bare_relay(const int *fds, unsigned i, const char *bytes,
		       size_t len)
{
	static struct text t;
	const struct js *params;
	char error[JS_ERROR];
	struct js *root;
	int64_t id = 0;
	size_t n;

	if (js_parse(&root, bytes, len, error))
		_exit(4);
	params = js_get(root, "params");
	(void)js_int(js_get(root, "id"), &id);
	t.len = 0;
	text_puts(&t, "{\"jsonrpc\":\"2.0\",\"method\":\"offer\",\"params\":{"
		  "\"from_peer_id\":\"relay\",\"offer_id\":\"relay_1\","
		  "\"sdp\":");
	text_jsons(&t, js_string(js_get(params, "sdp"), &n));
	text_puts(&t, ",\"type\":");
	text_jsons(&t, js_string(js_get(params, "type"), &n));
	text_puts(&t, "}}");
	bare_send(fds[i ^ 1], &t);
	t.len = 0;
	text_puts(&t, "{\"jsonrpc\":\"2.0\",\"id\":");
	text_int(&t, id);
	text_puts(&t, ",\"result\":{\"offer_id\":\"relay_1\",\"to_peer_id\":");
	text_jsons(&t, js_string(js_get(params, "to_peer_id"), &n));
	text_puts(&t, "}}");
	bare_send(fds[i], &t);
	js_free(root);
}

static void bare_upgrade(int fd)
{
	char bytes[1024], last[4] = { 0 };

	while (memcmp(last, "\r\n\r\n", 4) != 0) {
		memmove(last, last + 1, 3);
		if (recv(fd, last + 3, 1, 0) != 1)
			_exit(5);
	}
	snprintf(bytes, sizeof(bytes),
		 "HTTP/1.1 101 Switching Protocols\r\n\r\n");
	write_all(fd, bytes, strlen(bytes));
}

static void bare_loop(int listener)
{
	static uint8_t bytes[BUFFER];
	static struct ws ws[2 * PAIRS];
	int fds[2 * PAIRS], ep = epoll_create1(EPOLL_CLOEXEC), one = 1;
	struct epoll_event evs[2 * PAIRS];
	struct ws_event ev;

	for (unsigned i = 0; i < 2 * PAIRS; i++) {
		struct epoll_event add = { .events = EPOLLIN, .data.u32 = i };

		fds[i] = accept(listener, NULL, NULL);
		(void)setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one,
				 sizeof(one));
		bare_upgrade(fds[i]);
		ws_init(&ws[i], WS_SERVER);
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &add))
			_exit(6);
	}
	for (;;) {
		int n = epoll_wait(ep, evs, 2 * PAIRS, -1);

		for (int k = 0; k < n; k++) {
			unsigned i = evs[k].data.u32;
			ssize_t got = recv(fds[i], bytes, sizeof(bytes), 0);
			size_t at = 0;

			if (got <= 0)
				_exit(0);
			while (at < (size_t)got) {
				at += ws_recv(&ws[i], bytes + at,
					      (size_t)got - at, &ev);
				if (ev.kind == WS_TEXT)
					bare_relay(fds, i,
						   (const char *)ev.bytes,
						   ev.len);
			}
		}
	}
}

static pid_t bare_start(uint16_t *port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) ||
	    listen(fd, 64) || getsockname(fd, (struct sockaddr *)&sa, &len))
		fail("bare listener");
	*port = ntohs(sa.sin_port);
	pid = fork();
	if (pid == 0)
		bare_loop(fd);
	close(fd);

	return pid;
}

/* Figures */

static double relays_per_s(uint16_t port, bool announce, unsigned relays)
{
	struct load l = { .relays = relays };
	double s;

	open_ends(port, announce);
	s = run_load(&l);
	close_ends();

	return relays / s;
}

static double median3(double *v)
{
	for (int i = 0; i < ROUNDS; i++)
		for (int k = i + 1; k < ROUNDS; k++)
			if (v[k] < v[i]) {
				double t = v[i];

				v[i] = v[k];
				v[k] = t;
			}

	return v[ROUNDS / 2];
}

static double figure_relay(const struct server *h, unsigned relays)
{
	double ours[ROUNDS], bare[ROUNDS], cpu_us;
	struct server_use before, after;
	uint16_t port;

	server_look(h, 0, &before);
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = bare_start(&port);

		bare[i] = relays_per_s(port, false, relays);
		waitpid(pid, NULL, 0);
		ours[i] = relays_per_s(h->port, true, relays);
	}
	server_look(h, 0, &after);
	cpu_us = (double)(after.cpu_us[SERVER_SIGNALING] -
			  before.cpu_us[SERVER_SIGNALING]) / ROUNDS / relays;
	printf("relay of a 2 KB offer: %.0f/s, bare loop %.0f/s, ratio %.2f; "
	       "%.1f us of CPU each (%.0f/s a core)\n", median3(ours),
	       median3(bare), median3(ours) / median3(bare), cpu_us,
	       1e6 / cpu_us);

	return median3(ours);
}

static void figure_half_load(const struct server *h, double full,
			     unsigned relays)
{
	struct load l = { .relays = relays, .per_s = full / 2 };
	int64_t *delays = calloc(relays, sizeof(*delays));

	l.delay_us = delays;
	open_ends(h->port, true);
	run_load(&l);
	close_ends();
	printf("at half that load (%.0f/s): p50 %lld us, p99 %lld us\n",
	       l.per_s, (long long)quantile(delays, relays, 0.5),
	       (long long)quantile(delays, relays, 0.99));
	free(delays);
}

static void figure_announce(const struct server *h)
{
	int64_t us[ANNOUNCES];

	for (unsigned i = 0; i < ANNOUNCES; i++) {
		struct end e = { .fd = dial(h->port) };
		char m[160];
		struct mono start;
		int len = snprintf(m, sizeof(m), "{\"jsonrpc\":\"2.0\","
				   "\"id\":1,\"method\":\"announce\","
				   "\"params\":{\"peer_id\":"
				   "\"announce-%u\"}}", i);

		if (e.fd < 0)
			fail("connect");
		upgrade(e.fd);
		ws_init(&e.ws, WS_CLIENT);
		start = mono_now();
		say(e.fd, m, (size_t)len);
		hear(&e, 1);
		us[i] = mono_since(mono_now(), start);
		close_end(&e);
	}
	printf("announce to result: p50 %lld us, p99 %lld us\n",
	       (long long)quantile(us, ANNOUNCES, 0.5),
	       (long long)quantile(us, ANNOUNCES, 0.99));
}

static void figure_idle(const struct server *h, unsigned count)
{
	static const char m[] = "{\"jsonrpc\":\"2.0\",\"id\":1,"
				"\"method\":\"list_peers\"}";
	struct server_use before, after;
	struct end *idle = calloc(count, sizeof(*idle));

	sleep(1);
	server_look(h, 1, &before);
	for (unsigned i = 0; i < count; i++) {
		open_end(&idle[i], h->port, i, false);
		say(idle[i].fd, m, sizeof(m) - 1);
		hear(&idle[i], 1);
	}
	sleep(1);
	server_look(h, 1, &after);
	printf("%u idle WebSockets: signaling has %.1f MB private, %.2f KB "
	       "each more than before\n", count,
	       (double)after.private_bytes[SERVER_SIGNALING] / 1e6,
	       (double)(after.private_bytes[SERVER_SIGNALING] -
			before.private_bytes[SERVER_SIGNALING]) / 1024 / count);
	for (unsigned i = 0; i < count; i++)
		close_end(&idle[i]);
	free(idle);
}

/* As the broker hands it over: a listener on 3 (stream), one on 4. */
static int bound(const char *name, int type)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	snprintf(sa.sun_path + 1, sizeof(sa.sun_path) - 1, "bench-%d-%s",
		 (int)getpid(), name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) ||
	    listen(fd, 4))
		fail("unix listener");

	return fd;
}

static pid_t spawn_signaling(uint16_t port, int ctl, int fds)
{
	char at[32];
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(at, sizeof(at), "127.0.0.1:%u", port);
	if (dup2(ctl, 103) < 0 || dup2(fds, 104) < 0 || dup2(103, 3) < 0 ||
	    dup2(104, 4) < 0)
		_exit(7);
	execl("build/release/bin/signaling", "signaling", "--log", "error",
	      "--web", "web", "--listen", at, (char *)NULL);
	_exit(8);
}

static void figure_start(void)
{
	int ctl = bound("ctl", SOCK_STREAM), fds = bound("fds", SOCK_SEQPACKET);
	int64_t us[STARTS];

	for (unsigned i = 0; i < STARTS; i++) {
		uint16_t port = (uint16_t)(18901 + i);
		struct mono start = mono_now();
		pid_t pid = spawn_signaling(port, ctl, fds);
		int fd;

		while ((fd = dial(port)) < 0)
			if (mono_since(mono_now(), start) > 5000000)
				fail("signaling does not listen");
		us[i] = mono_since(mono_now(), start);
		close(fd);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	printf("start to listening: p50 %.1f ms, longest %.1f ms\n",
	       (double)quantile(us, STARTS, 0.5) / 1e3,
	       (double)quantile(us, STARTS, 1.0) / 1e3);
}

int main(int argc, char **argv)
{
	unsigned relays = argc > 1 ? (unsigned)atoi(argv[1]) : 40000;
	unsigned idle = argc > 2 ? (unsigned)atoi(argv[2]) : 10000;
	struct rlimit files = { idle + 200, idle + 200 };
	struct server h;
	struct text t = { 0 };
	char sdp[SDP_BYTES + 1];
	double full;

	for (size_t i = 0; i < SDP_BYTES; i++)
		sdp[i] = i % 40 == 38 ? '\r'
		       : i % 40 == 39 ? '\n' : (char)('a' + i % 26);
	sdp[SDP_BYTES] = '\0';
	text_jsons(&t, sdp);
	memcpy(sdp_json, t.at, t.len);
	text_fini(&t);
	if (setrlimit(RLIMIT_NOFILE, &files))
		fail("RLIMIT_NOFILE");
	setenv("WEBRTC_MAX_PER_SOURCE", "20000", 1);
	setenv("WEBRTC_MAX_CONNECTIONS", "20000", 1);
	setenv("WEBRTC_MESSAGE_RATE", "10000000", 1);
	setenv("WEBRTC_OFFER_RATE", "10000000", 1);
	figure_start();
	if (server_start(&h)) {
		fprintf(stderr, "bench_relay: the server does not start\n");
		return 1;
	}
	full = figure_relay(&h, relays);
	figure_half_load(&h, full, relays / 2);
	figure_announce(&h);
	figure_idle(&h, idle);
	server_stop(&h);

	return 0;
}
