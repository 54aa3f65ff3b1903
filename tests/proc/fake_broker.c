/*
 * fake_broker.c - starts a signaling process and plays its broker
 *
 *	fake_broker SIGNALING-BINARY ARGUMENTS...
 *
 * Answers every offer at once, as the SDP wishes: a line "x-fake:refuse"
 * refuses it, "x-fake:full" ends the call, "x-fake:silent" never answers,
 * "x-fake:crash" ends the call after the answer, "x-fake:offer" makes an
 * offer of its own after the answer, "x-fake:rubbish" says before the answer
 * all that a hostile ice-worker may have relayed, "x-fake:nowhy" ends the
 * call for a reason that does not exist, "x-fake:answer-others" and
 * "x-fake:end-others" do so with the calls of all other peers. The answer
 * names how many candidates the broker had heard ("a=x-heard:N"). A control
 * request comes back as {"asked":...} unless it holds "fake-" and silent,
 * broken, refuse, busy, no-call or unsupported. SIGUSR1 hangs up, SIGUSR2
 * dials again, SIGTERM ends both processes.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/sp.h"
#include "proto/wire.h"

enum { CALLS = 4096, FRAME_MAX = 34000 };

struct call {
	uint64_t number;
	unsigned heard;
};

static struct call calls[CALLS];
static char dir[64] = "/tmp/fake-broker-XXXXXX";
static int ctl = -1, fds = -1;
static struct wire wire;
static volatile sig_atomic_t hang_up, dial_again, leave;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		hang_up = 1;
	else if (number == SIGUSR2)
		dial_again = 1;
	else
		leave = 1;
}

static void path_of(struct sockaddr_un *sa, const char *name)
{
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(sa->sun_path, sizeof(sa->sun_path), "%.60s/%.20s", dir, name);
}

static int listener(const char *name, int type)
{
	struct sockaddr_un sa;
	int fd = socket(AF_UNIX, type, 0);

	path_of(&sa, name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) ||
	    listen(fd, 4)) {
		perror(name);
		exit(1);
	}

	return fd;
}

static int dial(const char *name, int type)
{
	struct sockaddr_un sa;
	int fd = socket(AF_UNIX, type, 0);

	path_of(&sa, name);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		perror(name);
		exit(1);
	}

	return fd;
}

static pid_t start(char **argv)
{
	int one = listener("ctl", SOCK_STREAM);
	int two = listener("fds", SOCK_SEQPACKET);
	pid_t pid = fork();

	if (pid == 0) {
		/* Above 4 first, so that neither overwrites the other. */
		one = dup2(one, 20);
		two = dup2(two, 21);
		dup2(one, 3);
		dup2(two, 4);
		close(20);
		close(21);
		execv(argv[0], argv);
		_exit(127);
	}
	close(one);
	close(two);

	return pid;
}

static int send_frame(void *arg, const void *bytes, size_t len, const int *f,
		      unsigned nfds)
{
	uint8_t head[SP_FRAME_HEAD];

	(void)arg;
	(void)f;
	(void)nfds;
	sp_write_head(head, len);
	if (ctl < 0 || write(ctl, head, sizeof(head)) != sizeof(head) ||
	    write(ctl, bytes, len) != (ssize_t)len)
		return -EIO;

	return 0;
}

static struct call *find(uint64_t number, int add)
{
	struct call *free_one = NULL;

	for (int i = 0; i < CALLS; i++) {
		if (calls[i].number == number)
			return &calls[i];
		if (!calls[i].number && !free_one)
			free_one = &calls[i];
	}
	if (add && free_one)
		*free_one = (struct call){ .number = number };

	return add ? free_one : NULL;
}

static void tell_gone(uint64_t call, enum call_why why, uint32_t ended,
		      const char *text)
{
	struct msg_call_gone m = { call, why, ended };
	struct call *c = find(call, 0);

	(void)send_call_gone(&wire, &m, text, strlen(text), NULL);
	if (ended && c)
		c->number = 0;
}

/* Frames that keep the contract, with contents that nobody may have. */
static void rubbish(uint64_t call)
{
	struct msg_call_local local = { call, DESCRIPTION_OFFER, 0 };
	struct msg_call_trickle trickle = { call };
	struct msg_call_state state = { call, 9999, 0 };
	struct msg_call_gone gone = { call, WHY_BAD_CANDIDATE, 0 };
	struct msg_call_known known = { .call = 77, .name_len = 3 };

	(void)send_call_local(&wire, &local, "v=0\0m=", 6, NULL);
	(void)send_call_local(&wire, &local, "v=0\xff", 4, NULL);
	local.kind = 9999;
	(void)send_call_local(&wire, &local, "v=0", 3, NULL);
	(void)send_call_trickle(&wire, &trickle, "0 0 a\0b", 7, NULL);
	(void)send_call_trickle(&wire, &trickle, "0 0 \xc3", 5, NULL);
	(void)send_call_trickle(&wire, &trickle, "0 0 a\nb", 7, NULL);
	(void)send_call_trickle(&wire, &trickle, "", 0, NULL);
	(void)send_call_state(&wire, &state, NULL, 0, NULL);
	(void)send_call_known(&wire, &known, "a\0b", 3, NULL);
	known.name_len = 1;
	(void)send_call_known(&wire, &known, "\xff", 1, NULL);
	(void)send_call_known(&wire, &known, "", 0, NULL);
	(void)send_call_known(&wire, &known, "a\xff", 2, NULL);
	known.name_len = UINT32_MAX;
	(void)send_call_known(&wire, &known, "a", 1, NULL);
	known.name_len = 0;
	(void)send_call_known(&wire, &known, "", 0, NULL);
	(void)send_call_gone(&wire, &gone, "a\0b\x1b\xff\xc2\x85\xc3\xa9", 9,
			     NULL);
}

static void answer(const struct call *c)
{
	struct msg_call_local local = { c->number, DESCRIPTION_ANSWER, 0 };
	struct msg_call_trickle trickle = { c->number };
	struct msg_call_state state = { c->number, CALL_CONNECTED, 0 };
	static const char line[] =
		"0 0 candidate:1 1 UDP 2130706431 127.0.0.1 40000 typ host";
	char sdp[128];

	snprintf(sdp, sizeof(sdp), "v=0\r\nm=audio 9 X 0\r\na=x-heard:%u\r\n",
		 c->heard);
	(void)send_call_local(&wire, &local, sdp, strlen(sdp), NULL);
	(void)send_call_trickle(&wire, &trickle, line, strlen(line), NULL);
	(void)send_call_state(&wire, &state, NULL, 0, NULL);
}

/* The calls of everybody else. */
static void to_others(uint64_t call, bool end)
{
	for (int i = 0; i < CALLS; i++) {
		if (!calls[i].number || calls[i].number == call)
			continue;
		if (end)
			tell_gone(calls[i].number, WHY_LOST, 1, "");
		else
			answer(&calls[i]);
	}
}

static void on_description(const struct wire_in *in)
{
	const struct msg_call_description *m = in->payload;
	static const char offer[] = "v=0\r\nm=audio 9 X 0\r\n";
	struct msg_call_local local = { m->call, DESCRIPTION_OFFER, 0 };
	struct call *c = find(m->call, 1);
	char sdp[MSG_SDP + 1];

	if (!c || m->kind != DESCRIPTION_OFFER)
		return;
	memcpy(sdp, in->blob, in->blob_len);
	sdp[in->blob_len] = '\0';
	if (strstr(sdp, "x-fake:silent"))
		return;
	if (strstr(sdp, "x-fake:refuse")) {
		tell_gone(m->call, WHY_BAD_SDP, 0, "no codec in common");
		return;
	}
	if (strstr(sdp, "x-fake:full")) {
		tell_gone(m->call, WHY_FULL, 1, "all peers are taken");
		return;
	}
	if (strstr(sdp, "x-fake:answer-others"))
		to_others(m->call, false);
	if (strstr(sdp, "x-fake:end-others"))
		to_others(m->call, true);
	if (strstr(sdp, "x-fake:rubbish"))
		rubbish(m->call);
	answer(c);
	if (strstr(sdp, "x-fake:nowhy"))
		tell_gone(m->call, (enum call_why)9999, 1, "");
	if (strstr(sdp, "x-fake:crash"))
		tell_gone(m->call, WHY_CRASHED, 1, "its process died");
	if (strstr(sdp, "x-fake:offer"))
		(void)send_call_local(&wire, &local, offer, strlen(offer),
				      NULL);
}

/* What is asked comes back, unless the request says otherwise. */
static void on_control(const struct wire_in *in)
{
	const struct msg_control_request *m = in->payload;
	struct msg_control_reply reply = { m->request, CONTROL_OK, 0 };
	char json[MSG_CONTROL + 1], text[MSG_CONTROL + 32];

	memcpy(json, in->blob, in->blob_len);
	json[in->blob_len] = '\0';
	if (strstr(json, "fake-silent"))
		return;
	snprintf(text, sizeof(text), "{\"asked\":%s}", json);
	if (strstr(json, "fake-broken"))
		text[0] = '[';
	if (strstr(json, "fake-refuse"))
		reply.error = CONTROL_INVALID;
	if (strstr(json, "fake-busy"))
		reply.error = CONTROL_BUSY;
	if (strstr(json, "fake-no-call"))
		reply.error = CONTROL_NO_CALL;
	if (strstr(json, "fake-unsupported"))
		reply.error = CONTROL_NOT_SUPPORTED;
	if (reply.error)
		snprintf(text, sizeof(text), "no such node");
	(void)send_control_reply(&wire, &reply, text, strlen(text), NULL);
}

static void on_frame(const void *frame, size_t len)
{
	struct msg_signaling_start start = { 10, 0 };
	struct msg_broker_stats stats = { .peers = 4, .connected = 3,
					  .media_workers = 2,
					  .restarts = 4294967295 };
	_Alignas(8) uint8_t copy[FRAME_MAX];
	struct wire_in in;
	struct call *c;

	memcpy(copy, frame, len);
	if (wire_open(&in, copy, len, 0, SIGNALING, BROKER, AT_BOOT) &&
	    wire_open(&in, copy, len, 0, SIGNALING, BROKER, AT_IDLE)) {
		fprintf(stderr, "fake_broker: bad frame\n");
		exit(1);
	}
	if (in.type == MSG_signaling_hello) {
		(void)send_signaling_start(&wire, &start, NULL, 0, NULL);
		(void)send_broker_stats(&wire, &stats, NULL, 0, NULL);
	} else if (in.type == MSG_signaling_log) {
		fprintf(stderr, "%.*s\n", (int)in.blob_len,
			(const char *)in.blob);
	} else if (in.type == MSG_call_open) {
		(void)find(((const struct msg_call_open *)in.payload)->call,
			   1);
	} else if (in.type == MSG_call_description) {
		on_description(&in);
	} else if (in.type == MSG_control_request) {
		on_control(&in);
	} else if (in.type == MSG_call_candidate) {
		c = find(((const struct msg_call_candidate *)in.payload)->call,
			 0);
		if (c)
			c->heard++;
	} else if (in.type == MSG_call_close) {
		c = find(((const struct msg_call_close *)in.payload)->call, 0);
		if (c)
			c->number = 0;
	}
}

static void connect_both(struct sp *sp)
{
	uint8_t greeting[SP_GREETING];

	ctl = dial("ctl", SOCK_STREAM);
	fds = dial("fds", SOCK_SEQPACKET);
	sp_reset(sp);
	sp_write_greeting(greeting);
	if (write(ctl, greeting, sizeof(greeting)) != sizeof(greeting))
		exit(1);
	wire = (struct wire){ send_frame, NULL, 0 };
}

static void disconnect_both(void)
{
	close(ctl);
	close(fds);
	ctl = fds = -1;
}

/* 0, or -1 when signaling is gone. */
static int hear(struct sp *sp)
{
	size_t room, len;
	void *space = sp_space(sp, &room);
	ssize_t n = read(ctl, space, room);
	const void *frame;
	int got;

	if (n < 0 && errno == EINTR)
		return 0;
	if (n <= 0)
		return -1;
	sp_fill(sp, (size_t)n);
	while ((got = sp_next(sp, &frame, &len)) > 0) {
		on_frame(frame, len);
		sp_drop(sp, len);
	}

	return got < 0 ? -1 : 0;
}

static void serve(struct sp *sp)
{
	struct pollfd p = { .events = POLLIN };

	while (!leave) {
		if (hang_up && ctl >= 0)
			disconnect_both();
		if (dial_again && ctl < 0)
			connect_both(sp);
		hang_up = dial_again = 0;
		p.fd = ctl;
		if (poll(&p, 1, 100) > 0 && hear(sp))
			return;
	}
}

static void clean(void)
{
	struct sockaddr_un sa;

	path_of(&sa, "ctl");
	unlink(sa.sun_path);
	path_of(&sa, "fds");
	unlink(sa.sun_path);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_signal };
	struct sp sp;
	int status = 0;
	pid_t pid;

	if (argc < 2 || !mkdtemp(dir) || sp_init(&sp, FRAME_MAX))
		return 2;
	signal(SIGPIPE, SIG_IGN);
	pid = start(argv + 1);
	sigaction(SIGUSR1, &act, NULL);
	sigaction(SIGUSR2, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	connect_both(&sp);
	serve(&sp);
	kill(pid, SIGTERM);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	sp_fini(&sp);
	clean();

	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : 128 + WTERMSIG(status);
}
