#include "tests/client/agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/client/stun.h"

enum {
	RETRY_US = 50000,
	KEEP_US = 2500000,
	BURST = 32,		/* datagrams read in one turn */
	ROOM = 64,		/* behind a datagram, for what works in place */
	PASSWORD = 256,
	SOCKET_BUFFER = 1 << 20,
};

#define PRIORITY 0x7e00ffffu	/* a host candidate's */

struct agent {
	struct agent_ops ops;
	struct loop *loop;
	struct watch watch;
	struct timer timer;
	int fd;
	struct candidate mine;
	char ufrag[AGENT_TEXT], password[AGENT_TEXT];
	char remote_ufrag[PASSWORD + 1], remote_password[PASSWORD + 1];
	uint64_t tie_breaker;
	uint8_t txid[STUN_TXID];
	struct sockaddr_in remotes[AGENT_REMOTES], chosen;
	unsigned remote_count;
	bool up;
};

static void random_text(char *out, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
	uint8_t bytes[AGENT_TEXT];

	if (getrandom(bytes, len, 0) != (ssize_t)len)
		abort();
	for (size_t i = 0; i < len; i++)
		out[i] = letters[bytes[i] & 31];
	out[len] = '\0';
}

/* The first address that is not loopback; without one, loopback. */
static struct in_addr own_address(void)
{
	struct in_addr found = { htonl(INADDR_LOOPBACK) };
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all))
		return found;
	for (struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct sockaddr_in sin;

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET ||
		    i->ifa_flags & IFF_LOOPBACK || !(i->ifa_flags & IFF_UP))
			continue;
		memcpy(&sin, i->ifa_addr, sizeof(sin));
		found = sin.sin_addr;
		break;
	}
	freeifaddrs(all);

	return found;
}

static int open_socket(struct agent *a)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int size = SOCKET_BUFFER;
	char ip[INET_ADDRSTRLEN], line[128];

	sin.sin_addr = own_address();
	a->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd < 0 ||
	    bind(a->fd, (struct sockaddr *)&sin, sizeof(sin)) ||
	    getsockname(a->fd, (struct sockaddr *)&sin, &len))
		return -errno;
	setsockopt(a->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	inet_ntop(AF_INET, &sin.sin_addr, ip, sizeof(ip));
	snprintf(line, sizeof(line), "candidate:1 1 udp %u %s %u typ host",
		 PRIORITY, ip, ntohs(sin.sin_port));

	return candidate_parse(&a->mine, line, strlen(line), NULL);
}

static void send_check(struct agent *a, const struct sockaddr_in *to)
{
	char username[PASSWORD + AGENT_TEXT + 2];
	uint8_t bytes[STUN_MAX];
	struct stun_check check = {
		.username = username,
		.key = a->remote_password,
		.priority = PRIORITY - 0x1000000,
		.tie_breaker = a->tie_breaker,
		.controlling = true,
		.use_candidate = true,
	};
	int n;

	snprintf(username, sizeof(username), "%s:%s", a->remote_ufrag,
		 a->ufrag);
	memcpy(check.txid, a->txid, STUN_TXID);
	n = stun_write_check(&check, bytes, sizeof(bytes));
	/* Lost ones are sent again. */
	if (n > 0)
		(void)!sendto(a->fd, bytes, (size_t)n, 0,
			      (const struct sockaddr *)to, sizeof(*to));
}

static void on_timer(struct mono now, void *arg)
{
	struct agent *a = arg;

	if (a->up)
		send_check(a, &a->chosen);
	for (unsigned i = 0; !a->up && i < a->remote_count; i++)
		send_check(a, &a->remotes[i]);
	loop_timer(a->loop, &a->timer, mono_add(now, a->up ? KEEP_US :
						RETRY_US), on_timer, a);
}

static void begin(struct agent *a, struct mono now)
{
	if (a->remote_ufrag[0] && a->remote_count)
		on_timer(now, a);
}

static void on_stun(struct agent *a, const uint8_t *bytes, size_t len,
		    const struct sockaddr_in *from, struct mono now)
{
	bool answer = len && bytes[0] == 1;
	const char *key = answer ? a->remote_password : a->password;
	uint8_t out[STUN_MAX];
	struct stun s;
	int n;

	if (stun_parse(&s, bytes, len, key) < 0)
		return;
	if (s.kind == STUN_REQUEST) {
		n = stun_write_success(s.txid, a->password,
				       ntohl(from->sin_addr.s_addr),
				       ntohs(from->sin_port), out,
				       sizeof(out));
		if (n > 0)
			(void)!sendto(a->fd, out, (size_t)n, 0,
				      (const struct sockaddr *)from,
				      sizeof(*from));
	}
	if (s.kind == STUN_SUCCESS && !a->up &&
	    !memcmp(s.txid, a->txid, STUN_TXID)) {
		a->up = true;
		a->chosen = *from;
		loop_timer(a->loop, &a->timer, mono_add(now, KEEP_US),
			   on_timer, a);
		a->ops.up(now, a->ops.arg);
	}
}

static void on_readable(int fd, uint32_t events, struct mono now, void *arg)
{
	uint8_t bytes[AGENT_DATAGRAM + ROOM];
	struct sockaddr_in from;
	struct agent *a = arg;

	(void)events;
	for (int i = 0; i < BURST; i++) {
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, bytes, AGENT_DATAGRAM, 0,
				     (struct sockaddr *)&from, &size);

		if (n < 0)
			return;
		if (n > 0 && bytes[0] < 4)
			on_stun(a, bytes, (size_t)n, &from, now);
		else if (n > 0)
			a->ops.datagram(bytes, (size_t)n, now, a->ops.arg);
	}
}

int agent_new(struct agent **out, struct loop *loop,
	      const struct agent_ops *ops)
{
	struct agent *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->ops = *ops;
	a->fd = -1;
	a->loop = loop;
	a->timer.due = MONO_NEVER;
	random_text(a->ufrag, 8);
	random_text(a->password, 24);
	random_text((char *)&a->tie_breaker, sizeof(a->tie_breaker) - 1);
	if (getrandom(a->txid, sizeof(a->txid), 0) != sizeof(a->txid))
		abort();
	err = open_socket(a);
	if (!err)
		err = loop_watch(loop, &a->watch, a->fd, EPOLLIN, on_readable,
				 a);
	if (err) {
		agent_free(a);
		return err;
	}
	*out = a;

	return 0;
}

void agent_free(struct agent *a)
{
	if (!a)
		return;
	loop_unwatch(&a->watch);
	loop_untimer(&a->timer);
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}

const char *agent_ufrag(const struct agent *a)
{
	return a->ufrag;
}

const char *agent_password(const struct agent *a)
{
	return a->password;
}

const struct candidate *agent_candidate(const struct agent *a)
{
	return &a->mine;
}

int agent_set_remote(struct agent *a, const char *ufrag, const char *pwd,
		     struct mono now)
{
	if (strlen(ufrag) > PASSWORD || strlen(pwd) > PASSWORD)
		return -EINVAL;
	strcpy(a->remote_ufrag, ufrag);
	strcpy(a->remote_password, pwd);
	begin(a, now);

	return 0;
}

void agent_add_remote(struct agent *a, const struct candidate *c,
		      struct mono now)
{
	struct sockaddr_in *to;

	if (!c->udp || c->addr.family != ADDR_IPV4 || a->up ||
	    a->remote_count == AGENT_REMOTES)
		return;
	to = &a->remotes[a->remote_count++];
	*to = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_port = htons(c->port) };
	memcpy(&to->sin_addr, c->addr.bytes, 4);
	begin(a, now);
}

bool agent_far(const struct agent *a, struct sockaddr_in *out)
{
	if (a->up)
		*out = a->chosen;
	else if (a->remote_count)
		*out = a->remotes[0];

	return a->up || a->remote_count;
}

int agent_send(struct agent *a, const void *bytes, size_t len)
{
	ssize_t n;

	if (!a->up)
		return -ENOTCONN;
	n = sendto(a->fd, bytes, len, 0, (struct sockaddr *)&a->chosen,
		   sizeof(a->chosen));

	return n == (ssize_t)len ? 0 : -EAGAIN;
}
