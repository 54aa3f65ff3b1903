#include "tests/client/rpc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/ws/handshake.h"
#include "core/ws/ws.h"

enum { READ = 16384 };

struct rpc {
	struct rpc_ops ops;
	struct watch watch;
	int fd;
	bool connected, upgraded, dead;
	char key[WS_KEY_TEXT];
	struct ws ws;
	uint8_t in[H1_HEAD_MAX];	/* until the upgrade */
	size_t in_len;
	uint8_t *out;
	size_t out_len, out_cap;
};

static void end(struct rpc *r, const char *why)
{
	if (r->dead)
		return;
	r->dead = true;
	loop_unwatch(&r->watch);
	r->ops.closed(why, r->ops.arg);
}

static int queue(struct rpc *r, const void *bytes, size_t len)
{
	if (r->out_len + len > r->out_cap) {
		size_t cap = 2 * (r->out_len + len);
		uint8_t *out = realloc(r->out, cap);

		if (!out)
			return -ENOMEM;
		r->out = out;
		r->out_cap = cap;
	}
	if (len)
		memcpy(r->out + r->out_len, bytes, len);
	r->out_len += len;

	return 0;
}

static void flush(struct rpc *r)
{
	ssize_t n;

	if (!r->connected || r->dead)
		return;
	n = r->out_len ? send(r->fd, r->out, r->out_len, MSG_NOSIGNAL) : 0;
	if (n < 0 && errno != EAGAIN) {
		end(r, "cannot write");
		return;
	}
	if (n > 0) {
		r->out_len -= (size_t)n;
		memmove(r->out, r->out + n, r->out_len);
	}
	if (loop_change(&r->watch, EPOLLIN | (r->out_len ? EPOLLOUT : 0)) < 0)
		end(r, "epoll");
}

static int send_frame(struct rpc *r, enum ws_opcode op, const void *bytes,
		      size_t len)
{
	uint8_t head[WS_HEAD_MAX], mask[4];
	size_t head_len;
	int err;

	if (getrandom(mask, sizeof(mask), 0) != sizeof(mask))
		return -EIO;
	head_len = ws_write_head(head, op, len, mask);
	err = queue(r, head, head_len);
	if (!err)
		err = queue(r, bytes, len);
	if (err)
		return err;
	ws_mask(r->out + r->out_len - len, len, mask);
	flush(r);

	return 0;
}

static void on_text(struct rpc *r, const struct ws_event *ev, struct mono now)
{
	char error[JS_ERROR];
	struct js *root;

	if (js_parse(&root, (const char *)ev->bytes, ev->len, error) < 0) {
		end(r, "the server's message is no JSON");
		return;
	}
	r->ops.message(root, now, r->ops.arg);
	js_free(root);
}

static void on_frames(struct rpc *r, const uint8_t *bytes, size_t len,
		      struct mono now)
{
	struct ws_event ev;

	while (!r->dead && len) {
		size_t n = ws_recv(&r->ws, bytes, len, &ev);

		bytes += n;
		len -= n;
		switch (ev.kind) {
		case WS_TEXT:
			on_text(r, &ev, now);
			break;
		case WS_PING:
			if (send_frame(r, WS_OP_PONG, ev.bytes, ev.len) < 0)
				end(r, "no memory");
			break;
		case WS_CLOSE:
			end(r, "the server closed the WebSocket");
			break;
		case WS_FAILED:
			end(r, ev.why);
			break;
		case WS_BINARY:	/* this server sends none */
		case WS_NONE:
		case WS_PONG:
			break;
		}
	}
}

/* The answer to the upgrade; what follows it is frames already. */
static void on_head(struct rpc *r, const uint8_t *bytes, size_t len,
		    struct mono now)
{
	struct h1_response response;
	int head;

	if (len > sizeof(r->in) - r->in_len) {
		end(r, "the server's answer is too long");
		return;
	}
	memcpy(r->in + r->in_len, bytes, len);
	r->in_len += len;
	head = h1_parse_response(&response, r->in, r->in_len);
	if (head == 0)
		return;
	if (head < 0 || ws_check_accept(&response, r->key) < 0) {
		end(r, "no WebSocket there");
		return;
	}
	r->upgraded = true;
	r->ops.open(now, r->ops.arg);
	on_frames(r, r->in + head, r->in_len - (size_t)head, now);
}

static void on_socket(int fd, uint32_t events, struct mono now, void *arg)
{
	uint8_t bytes[READ];
	struct rpc *r = arg;
	ssize_t n;

	r->connected = true;
	if (events & EPOLLOUT)
		flush(r);
	if (r->dead || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	n = recv(fd, bytes, sizeof(bytes), 0);
	if (n == 0)
		end(r, "the server closed the connection");
	else if (n < 0 && errno != EAGAIN)
		end(r, strerror(errno));
	else if (n > 0 && r->upgraded)
		on_frames(r, bytes, (size_t)n, now);
	else if (n > 0)
		on_head(r, bytes, (size_t)n, now);
}

static int dial(struct rpc *r, struct loop *loop, const struct rpc_to *to)
{
	struct sockaddr_in far = { .sin_family = AF_INET,
				   .sin_port = htons(to->port) };
	struct sockaddr_in near = { .sin_family = AF_INET };
	int one = 1;

	r->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->fd < 0 || inet_pton(AF_INET, to->ip, &far.sin_addr) != 1 ||
	    (to->from && inet_pton(AF_INET, to->from, &near.sin_addr) != 1))
		return -EINVAL;
	if (to->from && bind(r->fd, (struct sockaddr *)&near, sizeof(near)))
		return -errno;
	setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(r->fd, (struct sockaddr *)&far, sizeof(far)) &&
	    errno != EINPROGRESS)
		return -errno;

	return loop_watch(loop, &r->watch, r->fd, EPOLLIN | EPOLLOUT,
			  on_socket, r);
}

int rpc_new(struct rpc **out, struct loop *loop, const struct rpc_to *to,
	    const struct rpc_ops *ops)
{
	struct rpc *r = calloc(1, sizeof(*r));
	uint8_t random[16];
	char head[256];
	int err, n;

	if (!r)
		return -ENOMEM;
	r->ops = *ops;
	r->fd = -1;
	ws_init(&r->ws, WS_CLIENT);
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		abort();
	ws_write_key(r->key, random);
	n = snprintf(head, sizeof(head),
		     "GET / HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\n"
		     "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
		     "Sec-WebSocket-Version: 13\r\n\r\n", to->ip, to->port,
		     r->key);
	err = queue(r, head, (size_t)n);
	if (!err)
		err = dial(r, loop, to);
	if (err) {
		rpc_free(r);
		return err;
	}
	*out = r;

	return 0;
}

void rpc_free(struct rpc *r)
{
	static const uint8_t normal[2] = { 1000 >> 8, 1000 & 255 };
	bool open;

	if (!r)
		return;
	/* Without a farewell the server would keep the peer for a minute. */
	open = r->upgraded && !r->dead;
	r->dead = true;
	if (open)
		(void)!send_frame(r, WS_OP_CLOSE, normal, sizeof(normal));
	loop_unwatch(&r->watch);
	if (r->fd >= 0)
		close(r->fd);
	ws_fini(&r->ws);
	free(r->out);
	free(r);
}

int rpc_call(struct rpc *r, int64_t id, const char *method,
	     const char *members)
{
	char *text;
	int n, err;

	if (r->dead || !r->upgraded)
		return -ENOTCONN;
	n = asprintf(&text, "{\"jsonrpc\":\"2.0\",\"id\":%lld,"
		     "\"method\":\"%s\",\"params\":{%s}}", (long long)id,
		     method, members);
	if (n < 0)
		return -ENOMEM;
	err = send_frame(r, WS_OP_TEXT, text, (size_t)n);
	free(text);

	return err;
}

char *rpc_quote(const char *text)
{
	char *out = malloc(6 * strlen(text) + 3), *at = out;

	if (!out)
		return NULL;
	*at++ = '"';
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			at += sprintf(at, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			at += sprintf(at, "\\u%04x", (unsigned)*text);
		else
			*at++ = *text;
	}
	*at++ = '"';
	*at = '\0';

	return out;
}
