/*
 * test_ice.c - one agent alone, and two in two processes
 *
 * Two agents need two processes: each turns a main loop of its own. The
 * child is the far end; lines over a socket pair carry what signaling would.
 */

#include "port/ice.h"

#include "common/clock.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GIVE_UP_US = 20000000 };

struct side {
	struct ice *ice;
	struct loop *loop;
	int fd;			/* to the other side; -1 none */
	struct watch watch;
	struct timer timer;
	bool gathered, up, answered, starts, restarted;
	char lines[16][ICE_LINE_MAX];
	unsigned line_count, received;
	char last[64];
};

static void quit(struct mono now, void *arg)
{
	struct side *s = arg;

	(void)now;
	ice_quit(s->ice);
}

static void on_datagram(const uint8_t *bytes, size_t len, void *arg)
{
	struct side *s = arg;

	s->received++;
	snprintf(s->last, sizeof(s->last), "%.*s", (int)len,
		 (const char *)bytes);
	if (s->starts) {
		ice_quit(s->ice);
		return;
	}
	/* the far end repeats what it hears */
	(void)!ice_send(s->ice, bytes, len);
	if (!strcmp(s->last, "end"))
		loop_timer(s->loop, &s->timer, mono_add(mono_now(), 50000),
			   quit, s);
}

static void say(struct mono now, void *arg)
{
	struct side *s = arg;

	(void)!ice_send(s->ice, (const uint8_t *)"hello", 5);
	loop_timer(s->loop, &s->timer, mono_add(now, 20000), say, s);
}

static void on_state(enum ice_state state, void *arg)
{
	struct side *s = arg;

	if (state != ICE_UP)
		return;
	s->up = true;
	if (s->starts)
		loop_timer(s->loop, &s->timer, mono_now(), say, s);
}

static void on_candidate(const char *line, void *arg)
{
	struct side *s = arg;

	if (s->line_count < ARRAY_LEN(s->lines))
		snprintf(s->lines[s->line_count++], ICE_LINE_MAX, "%s", line);
}

static void on_gathered(void *arg)
{
	struct side *s = arg;

	s->gathered = true;
}

static void open_side(struct side *s, uint16_t port, bool controlling)
{
	const struct ice_config cfg = {
		.port = port, .controlling = controlling, .pacing_ms = 5,
	};
	const struct ice_ops ops = {
		on_datagram, on_state, on_candidate, on_gathered, s,
	};

	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->starts = controlling;
	ck_assert_int_eq(loop_new(&s->loop), 0);
	ck_assert_int_eq(ice_new(&s->ice, s->loop, &cfg, &ops), 0);
}

static void close_side(struct side *s)
{
	loop_untimer(&s->timer);
	loop_unwatch(&s->watch);
	ice_free(s->ice);
	loop_free(s->loop);
}

/* Reads "candidate:F C udp PRIO IP PORT typ host". */
static void add_remote(struct side *s, const char *line)
{
	char foundation[33], ip[64];
	unsigned priority, port;

	if (sscanf(line, "candidate:%32s %*u %*s %u %63s %u", foundation,
		   &priority, ip, &port) == 4)
		(void)!ice_add_remote(s->ice, ip, (uint16_t)port, priority,
				      foundation);
}

/* All of one side's description in one datagram. */
static void tell(struct side *s, bool candidates)
{
	const struct ice_credentials *mine = ice_local(s->ice);
	char text[8192];
	int at = snprintf(text, sizeof(text), "%s %s\n", mine->ufrag,
			  mine->password);

	for (unsigned i = 0; candidates && i < s->line_count; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%s\n",
			       s->lines[i]);
	ck_assert_int_eq(write(s->fd, text, (size_t)at), at);
}

static void on_told(int fd, uint32_t events, struct mono now, void *arg)
{
	struct side *s = arg;
	struct ice_credentials remote;
	char text[8192] = "";
	ssize_t n = read(fd, text, sizeof(text) - 1);
	char *line, *rest;

	(void)events;
	(void)now;
	if (n <= 0) {
		ice_quit(s->ice);
		return;
	}
	line = strtok_r(text, "\n", &rest);
	ck_assert_int_eq(sscanf(line, "%256s %256s", remote.ufrag,
				remote.password), 2);
	if (!s->starts && s->answered) {
		ck_assert_int_eq(ice_restart(s->ice), 0);
		s->restarted = true;
	}
	ck_assert_int_eq(ice_set_remote(s->ice, &remote), 0);
	while ((line = strtok_r(NULL, "\n", &rest)))
		add_remote(s, line);
	ice_end_remote(s->ice);
	if (!s->starts)
		tell(s, true);
	s->answered = true;
}

static void talk(struct side *s, int fd)
{
	s->fd = fd;
	ck_assert_int_eq(loop_watch(s->loop, &s->watch, fd, EPOLLIN, on_told,
				    s), 0);
}

/* The far end, until it hears "end". */
static void be_far_end(int fd)
{
	struct side s;
	static struct timer late;

	if (ice_reseed() < 0)
		_exit(3);
	open_side(&s, 0, false);
	if (ice_gather(s.ice) < 0)
		_exit(2);
	talk(&s, fd);
	loop_timer(s.loop, &late, mono_add(mono_now(), GIVE_UP_US), quit, &s);
	(void)!ice_run(s.ice);
	_exit(s.restarted ? 1 : 0);
}

static void hear(struct side *s)
{
	static struct timer late;

	loop_timer(s->loop, &late, mono_add(mono_now(), GIVE_UP_US), quit, s);
	ck_assert_int_eq(ice_run(s->ice), 0);
	loop_untimer(&late);
	ck_assert_uint_gt(s->received, 0);
}

static void end_far_end(struct side *s, pid_t pid, int wanted)
{
	int status;

	ck_assert_int_eq(ice_send(s->ice, (const uint8_t *)"end", 3), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), wanted);
}

static pid_t start_far_end(int *fd)
{
	int pair[2];
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ck_assert_int_eq(ice_warm(), 0);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		be_far_end(pair[1]);
	}
	close(pair[1]);
	*fd = pair[0];

	return pid;
}

START_TEST(two_agents_find_each_other)
{
	struct side s;
	int fd;
	pid_t pid = start_far_end(&fd);

	open_side(&s, 0, true);
	ck_assert_int_eq(ice_gather(s.ice), 0);
	ck_assert(ice_is_gathered(s.ice));
	talk(&s, fd);
	tell(&s, true);
	hear(&s);
	ck_assert_str_eq(s.last, "hello");
	end_far_end(&s, pid, 0);
	close_side(&s);
}
END_TEST

START_TEST(a_side_without_candidates_is_found_by_its_checks)
{
	struct side s;
	int fd;
	pid_t pid = start_far_end(&fd);

	open_side(&s, 0, true);
	ck_assert_int_eq(ice_gather(s.ice), 0);
	talk(&s, fd);
	tell(&s, false);
	hear(&s);
	end_far_end(&s, pid, 0);
	close_side(&s);
}
END_TEST

START_TEST(a_restart_takes_new_credentials_and_goes_on)
{
	struct side s;
	struct ice_credentials old;
	uint16_t port;
	int fd;
	pid_t pid = start_far_end(&fd);

	open_side(&s, 0, true);
	ck_assert_int_eq(ice_gather(s.ice), 0);
	talk(&s, fd);
	tell(&s, true);
	hear(&s);
	old = *ice_local(s.ice);
	port = ice_port(s.ice);
	s.answered = false;
	s.received = 0;
	ck_assert_int_eq(ice_restart(s.ice), 0);
	ck_assert_str_ne(ice_local(s.ice)->ufrag, old.ufrag);
	ck_assert_str_ne(ice_local(s.ice)->password, old.password);
	ck_assert_uint_eq(ice_port(s.ice), port);
	tell(&s, true);
	while (!s.answered)
		hear(&s);
	hear(&s);
	end_far_end(&s, pid, 1);
	close_side(&s);
}
END_TEST

START_TEST(the_port_is_the_one_asked_for_or_none)
{
	struct side a, b;

	open_side(&a, 0, false);
	ck_assert_int_eq(ice_gather(a.ice), 0);
	ck_assert_uint_ne(ice_port(a.ice), 0);
	open_side(&b, ice_port(a.ice), false);
	ck_assert_int_eq(ice_gather(b.ice), -EADDRINUSE);
	close_side(&b);
	open_side(&b, ice_port(a.ice), false);
	close_side(&a);
	ck_assert_int_eq(ice_gather(b.ice), 0);
	close_side(&b);
}
END_TEST

/* The ufrag and password that a forked child gets. */
static void child_credentials(struct ice_credentials *out)
{
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct side s;

		if (ice_reseed() < 0)
			_exit(1);
		open_side(&s, 0, false);
		_exit(write(ends[1], ice_local(s.ice), sizeof(*out)) !=
		      sizeof(*out));
	}
	ck_assert_int_eq(read(ends[0], out, sizeof(*out)), sizeof(*out));
	waitpid(pid, NULL, 0);
	close(ends[0]);
	close(ends[1]);
}

START_TEST(children_of_a_warm_process_do_not_share_credentials)
{
	struct ice_credentials c[8];

	ck_assert_int_eq(ice_warm(), 0);
	for (int i = 0; i < 8; i++) {
		child_credentials(&c[i]);
		ck_assert_uint_eq(strlen(c[i].ufrag), ICE_UFRAG);
		ck_assert_uint_eq(strlen(c[i].password), ICE_PASSWORD);
		for (int k = 0; k < i; k++) {
			ck_assert_str_ne(c[i].ufrag, c[k].ufrag);
			ck_assert_str_ne(c[i].password, c[k].password);
		}
	}
}
END_TEST

START_TEST(no_thread_is_started)
{
	struct side s;
	int count = 0;
	DIR *dir;

	ck_assert_int_eq(ice_warm(), 0);
	open_side(&s, 0, false);
	ck_assert_int_eq(ice_gather(s.ice), 0);
	dir = opendir("/proc/self/task");
	for (struct dirent *e; (e = readdir(dir));)
		count += e->d_name[0] != '.';
	closedir(dir);
	ck_assert_int_eq(count, 1);
	close_side(&s);
}
END_TEST

START_TEST(bad_remote_addresses_and_too_many_are_refused)
{
	const struct ice_credentials remote = { "abcd", "0123456789012345678901"
	};
	struct side s;
	char ip[32];
	int err = 0, i;

	open_side(&s, 0, false);
	ck_assert_int_eq(ice_gather(s.ice), 0);
	ck_assert_int_eq(ice_set_remote(s.ice, &remote), 0);
	ck_assert_int_eq(ice_add_remote(s.ice, "not an address", 1, 1, "1"),
			 -EINVAL);
	for (i = 0; i < 100 && !err; i++) {
		snprintf(ip, sizeof(ip), "198.51.100.%d", i + 1);
		err = ice_add_remote(s.ice, ip, 9, 100, "1");
	}
	ck_assert_int_eq(err, -ENOSPC);
	ck_assert_int_eq(ice_send(s.ice, (const uint8_t *)"x", 1), -EAGAIN);
	close_side(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ice");
	TCase *t = tcase_create("ice");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, two_agents_find_each_other);
	tcase_add_test(t, a_side_without_candidates_is_found_by_its_checks);
	tcase_add_test(t, a_restart_takes_new_credentials_and_goes_on);
	tcase_add_test(t, the_port_is_the_one_asked_for_or_none);
	tcase_add_test(t, children_of_a_warm_process_do_not_share_credentials);
	tcase_add_test(t, no_thread_is_started);
	tcase_add_test(t, bad_remote_addresses_and_too_many_are_refused);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
