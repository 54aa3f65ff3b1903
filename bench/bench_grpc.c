/*
 * bench_grpc.c - a bidirectional gRPC stream: request to answer
 *
 * Ours answers list_peers in `Signal`; beside it, in the same run, an echo on
 * the gRPC C-core answers the same bytes. The client is the same for both:
 * HTTP/2 frames by hand over a blocking socket, one message under way.
 *
 *	bench_grpc [MESSAGES]	(20000)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/err.h"
#include "tests/client/server.h"

enum { ROUNDS = 3, WARM_UP = 500 };

static void fail(const char *what)
{
	fprintf(stderr, "bench_grpc: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);

	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The client: RFC 9113 frames */

enum { DATA = 0, HEADERS = 1, SETTINGS = 4, PING = 6, GOAWAY = 7,
       WINDOW_UPDATE = 8 };

struct client {
	int fd;
	size_t bytes;		/* of gRPC messages that came */
	size_t owed;		/* not given back to the windows yet */
};

static void write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			fail("send");
		at += n;
		len -= (size_t)n;
	}
}

static void read_all(int fd, void *bytes, size_t len)
{
	char *at = bytes;

	while (len) {
		ssize_t n = recv(fd, at, len, 0);

		if (n <= 0)
			fail("the server closed");
		at += n;
		len -= (size_t)n;
	}
}

static void put_frame(int fd, unsigned type, unsigned flags, unsigned stream,
		      const void *payload, size_t len)
{
	uint8_t out[9 + 1024] = { (uint8_t)(len >> 16), (uint8_t)(len >> 8),
				  (uint8_t)len, (uint8_t)type, (uint8_t)flags,
				  0, 0, 0, (uint8_t)stream };

	if (len)
		memcpy(out + 9, payload, len);
	write_all(fd, out, 9 + len);
}

/* A literal header without indexing (RFC 7541 section 6.2.2). */
static size_t put_header(uint8_t *out, const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);

	out[0] = 0;
	out[1] = (uint8_t)n;
	memcpy(out + 2, name, n);
	out[2 + n] = (uint8_t)v;
	memcpy(out + 3 + n, value, v);

	return 3 + n + v;
}

static void open_stream(struct client *c, uint16_t port)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	uint8_t block[512];
	size_t len = 0;
	int one = 1;

	*c = (struct client){ .fd = socket(AF_INET, SOCK_STREAM, 0) };
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)); i++)
		if (i == 100 || usleep(20000))
			fail("connect");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	write_all(c->fd, preface, sizeof(preface) - 1);
	put_frame(c->fd, SETTINGS, 0, 0, NULL, 0);
	len += put_header(block + len, ":method", "POST");
	len += put_header(block + len, ":scheme", "http");
	len += put_header(block + len, ":path", "/remotemedia.v1.webrtc."
			  "WebRtcSignaling/Signal");
	len += put_header(block + len, ":authority", "localhost");
	len += put_header(block + len, "content-type", "application/grpc");
	len += put_header(block + len, "te", "trailers");
	put_frame(c->fd, HEADERS, 4, 1, block, len);
}

static void give_back(struct client *c)
{
	uint8_t n[4] = { 0, 0, (uint8_t)(c->owed >> 8), (uint8_t)c->owed };

	put_frame(c->fd, WINDOW_UPDATE, 0, 0, n, 4);
	put_frame(c->fd, WINDOW_UPDATE, 0, 1, n, 4);
	c->owed = 0;
}

/* One frame; the gRPC messages of the stream are counted by their bytes. */
static void take_frame(struct client *c)
{
	uint8_t head[9], payload[65536];
	size_t len;

	read_all(c->fd, head, sizeof(head));
	len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
	if (len > sizeof(payload))
		fail("a frame too large");
	read_all(c->fd, payload, len);
	if (head[3] == DATA) {
		c->bytes += len;
		c->owed += len;
		if (c->owed > 16384)
			give_back(c);
	} else if (head[3] == SETTINGS && !(head[4] & 1)) {
		put_frame(c->fd, SETTINGS, 1, 0, NULL, 0);
	} else if (head[3] == PING && !(head[4] & 1)) {
		put_frame(c->fd, PING, 1, 0, payload, len);
	} else if (head[3] == GOAWAY || (head[3] == HEADERS && (head[4] & 1))) {
		fail("the stream ended");
	}
}

/* SignalingRequest { request_id: "1", list_peers: {} } */
static const uint8_t request[] = { 0, 0, 0, 0, 5, 0x0a, 1, '1', 0x7a, 0 };

static void ping_pong(struct client *c)
{
	size_t before = c->bytes;

	put_frame(c->fd, DATA, 0, 1, request, sizeof(request));
	while (c->bytes == before)
		take_frame(c);
}

struct figure { double p50, p99, cpu_us; };

static struct figure measure(uint16_t port, unsigned messages)
{
	int64_t *us = calloc(messages, sizeof(*us));
	struct client c;
	struct figure f;

	open_stream(&c, port);
	for (unsigned i = 0; i < WARM_UP; i++)
		ping_pong(&c);
	for (unsigned i = 0; i < messages; i++) {
		int64_t start = clock_ns();

		ping_pong(&c);
		us[i] = clock_ns() - start;
	}
	close(c.fd);
	qsort(us, messages, sizeof(*us), compare);
	f = (struct figure){ (double)us[messages / 2] / 1e3,
			     (double)us[messages / 100 * 99] / 1e3, 0 };
	free(us);

	return f;
}

/* The echo on the C-core: one call after another, generic */

struct echo {
	grpc_completion_queue *cq;
	grpc_server *server;
	grpc_call *call;
	grpc_call_details details;
	grpc_metadata_array meta;
	grpc_byte_buffer *message;
};

static void batch(struct echo *e, const grpc_op *ops, size_t n, intptr_t tag)
{
	if (grpc_call_start_batch(e->call, ops, n, (void *)tag, NULL) !=
	    GRPC_CALL_OK)
		_exit(2);
}

static bool await(struct echo *e)
{
	grpc_event ev = grpc_completion_queue_next(
		e->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);

	return ev.type == GRPC_OP_COMPLETE && ev.success;
}

static bool echo_one(struct echo *e)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	op.data.recv_message.recv_message = &e->message;
	batch(e, &op, 1, 2);
	if (!await(e) || !e->message)
		return false;
	op = (grpc_op){ .op = GRPC_OP_SEND_MESSAGE };
	op.data.send_message.send_message = e->message;
	batch(e, &op, 1, 3);
	if (!await(e))
		return false;
	grpc_byte_buffer_destroy(e->message);

	return true;
}

static void echo_serve(uint16_t port)
{
	struct echo e = { 0 };
	char at[32];
	grpc_op op;

	grpc_init();
	e.cq = grpc_completion_queue_create_for_next(NULL);
	e.server = grpc_server_create(NULL, NULL);
	grpc_server_register_completion_queue(e.server, e.cq, NULL);
	snprintf(at, sizeof(at), "127.0.0.1:%u", port);
	if (!grpc_server_add_http2_port(e.server, at,
			grpc_insecure_server_credentials_create()))
		_exit(3);
	grpc_server_start(e.server);
	for (;;) {
		grpc_call_details_init(&e.details);
		grpc_metadata_array_init(&e.meta);
		if (grpc_server_request_call(e.server, &e.call, &e.details,
					     &e.meta, e.cq, e.cq, (void *)1) !=
		    GRPC_CALL_OK || !await(&e))
			_exit(4);
		op = (grpc_op){ .op = GRPC_OP_SEND_INITIAL_METADATA };
		batch(&e, &op, 1, 4);
		if (!await(&e))
			continue;
		while (echo_one(&e))
			;
	}
}

static pid_t echo_start(uint16_t port)
{
	pid_t pid = fork();

	if (pid == 0)
		echo_serve(port);

	return pid;
}

static double child_cpu_us(pid_t pid)
{
	struct rusage use;
	int status;

	kill(pid, SIGKILL);
	if (wait4(pid, &status, 0, &use) != pid)
		fail("wait4");

	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e6 +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

static double median(double v[ROUNDS])
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

int main(int argc, char **argv)
{
	unsigned messages = argc > 1 ? (unsigned)atoi(argv[1]) : 20000;
	double our50[ROUNDS], our99[ROUNDS], core50[ROUNDS], core99[ROUNDS];
	double our_cpu, core_cpu = 0;
	struct server_use before, after;
	struct server h;
	struct figure f;

	setenv("WEBRTC_MAX_PER_SOURCE", "1000", 1);
	setenv("WEBRTC_MESSAGE_RATE", "10000000", 1);
	if (server_start(&h)) {
		fprintf(stderr, "bench_grpc: the server does not start\n");
		return 1;
	}
	server_look(&h, 0, &before);
	for (int i = 0; i < ROUNDS; i++) {
		uint16_t port = (uint16_t)(18921 + i);
		pid_t pid = echo_start(port);

		f = measure(port, messages);
		core50[i] = f.p50;
		core99[i] = f.p99;
		core_cpu += child_cpu_us(pid);
		/* Every listener serves every door. */
		f = measure(h.port, messages);
		our50[i] = f.p50;
		our99[i] = f.p99;
	}
	server_look(&h, 0, &after);
	our_cpu = (double)(after.cpu_us[SERVER_SIGNALING] -
			   before.cpu_us[SERVER_SIGNALING]);
	printf("gRPC bidi, request to answer: p50 %.1f us, p99 %.1f us, "
	       "%.1f us of CPU; C-core echo p50 %.1f us, p99 %.1f us, "
	       "%.1f us of CPU; speed ratio %.2f\n",
	       median(our50), median(our99),
	       our_cpu / ROUNDS / (messages + WARM_UP), median(core50),
	       median(core99), core_cpu / ROUNDS / (messages + WARM_UP),
	       median(core50) / median(our50));
	server_stop(&h);

	return 0;
}
