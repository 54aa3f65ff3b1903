/*
 * test_channel.c - a worker's channel against the broker's real nng
 *
 * Both ends live in one process and one loop; nng runs its own threads.
 */

#include "common/channel.h"
#include "common/clock.h"
#include "port/bus.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct {
	char dir[32], ctl[48], fds[48];
	struct loop *loop;
	struct channel *ch;
	int ups, downs, frames, got_fds, refuse;
	size_t bytes;
	uint8_t first;
} t;

static void on_up(void *arg)
{
	(void)arg;
	t.ups++;
	ck_assert_int_eq(channel_send(t.ch, "hello", 5, NULL, 0), 0);
}

static void on_down(void *arg)
{
	(void)arg;
	t.downs++;
}

static int on_frame(const void *bytes, size_t len, const int *fds,
		    unsigned nfds, void *arg)
{
	(void)arg;
	t.frames++;
	t.bytes += len;
	t.first = len ? *(const uint8_t *)bytes : 0;
	t.got_fds += (int)nfds;
	for (unsigned i = 0; i < nfds; i++)
		close(fds[i]);

	return t.refuse;
}

static int listener(const char *path, int type)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);

	return fd;
}

static void setup(void)
{
	struct channel_ops ops = { on_up, on_down, on_frame, NULL };

	memset(&t, 0, sizeof(t));
	signal(SIGPIPE, SIG_IGN);	/* as every process does */
	strcpy(t.dir, "/tmp/rm-channel-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(t.dir));
	snprintf(t.ctl, sizeof(t.ctl), "%s/ctl", t.dir);
	snprintf(t.fds, sizeof(t.fds), "%s/fds", t.dir);
	ck_assert_int_eq(loop_new(&t.loop), 0);
	ck_assert_int_eq(channel_new(&t.ch, t.loop,
				     listener(t.ctl, SOCK_STREAM),
				     listener(t.fds, SOCK_SEQPACKET), &ops),
			 0);
}

static void teardown(void)
{
	channel_free(t.ch);
	loop_free(t.loop);
	unlink(t.ctl);
	unlink(t.fds);
	rmdir(t.dir);
}

/* Turns until *what reaches want, at most 10 s. */
static void until(const int *what, int want)
{
	struct mono end = mono_add(mono_now(), 10000000);

	while (*what < want && mono_before(mono_now(), end))
		ck_assert_int_eq(loop_turn(t.loop, 20), 0);
	ck_assert_int_ge(*what, want);
}

static void bus_expect(struct bus *bus, const void *want, size_t len)
{
	struct mono end = mono_add(mono_now(), 10000000);
	const void *got;
	size_t n;
	int err;

	while ((err = bus_recv(bus, &got, &n)) == -EAGAIN &&
	       mono_before(mono_now(), end))
		ck_assert_int_eq(loop_turn(t.loop, 2), 0);
	ck_assert_int_eq(err, 0);
	ck_assert_uint_eq(n, len);
	ck_assert_mem_eq(got, want, len);
}

START_TEST(frames_go_both_ways_whole)
{
	static uint8_t big[CHANNEL_FRAME_MAX];
	struct bus *bus;

	memset(big, 7, sizeof(big));
	ck_assert_int_eq(bus_dial(&bus, t.ctl), 0);
	until(&t.ups, 1);
	bus_expect(bus, "hello", 5);
	ck_assert_int_eq(bus_send(bus, big, sizeof(big), NULL, 0), 0);
	ck_assert_int_eq(bus_send(bus, "", 0, NULL, 0), 0);
	until(&t.frames, 2);
	ck_assert_uint_eq(t.bytes, sizeof(big));
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(channel_send(t.ch, big, sizeof(big), NULL,
					      0), 0);
	for (int i = 0; i < 20; i++)
		bus_expect(bus, big, sizeof(big));
	bus_free(bus);
	until(&t.downs, 1);
	ck_assert_int_eq(channel_send(t.ch, "x", 1, NULL, 0), -ENOTCONN);
}
END_TEST

/* A broker's end without nng: dialled, greeted, hello read. */
static int raw_broker(void)
{
	static const uint8_t greeting[8] = { 0, 'S', 'P', 0, 0, 0x11, 0, 0 };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), before = t.ups;
	uint8_t got[8 + 13 + 5];

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", t.ctl);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(write(fd, greeting, 8), 8);
	until(&t.ups, before + 1);
	ck_assert_int_eq(recv(fd, got, sizeof(got), MSG_WAITALL), sizeof(got));
	ck_assert_mem_eq(got + 21, "hello", 5);

	return fd;
}

static void raw_send(int fd, char byte)
{
	uint8_t frame[14] = { 1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0 };

	frame[13] = (uint8_t)byte;
	ck_assert_int_eq(write(fd, frame, sizeof(frame)), sizeof(frame));
}

START_TEST(the_newest_broker_wins)
{
	int old = raw_broker(), new = raw_broker();
	char c;

	ck_assert_int_eq(t.downs, 1);
	ck_assert_int_le(recv(old, &c, 1, 0), 0);
	raw_send(new, 'y');
	until(&t.frames, 1);
	ck_assert_int_eq(t.first, 'y');
	close(old);
	close(new);
}
END_TEST

START_TEST(a_queue_that_nobody_reads_is_bounded)
{
	static uint8_t frame[CHANNEL_FRAME_MAX];
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	uint8_t greeting[8] = { 0, 'S', 'P', 0, 0, 0x11, 0, 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), err = 0, n;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", t.ctl);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(write(fd, greeting, 8), 8);
	until(&t.ups, 1);
	for (n = 0; !err && n < 1000; n++)
		err = channel_send(t.ch, frame, sizeof(frame), NULL, 0);
	ck_assert_int_eq(err, -ENOBUFS);
	ck_assert_int_lt(n, 60);
	close(fd);
	until(&t.downs, 1);
}
END_TEST

START_TEST(a_stranger_without_the_greeting_is_dropped)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char c[16];

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", t.ctl);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(write(fd, "GET / HTTP/1.1\r\n", 16), 16);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(loop_turn(t.loop, 20), 0);
	ck_assert_int_eq(t.ups, 0);
	ck_assert_int_eq(read(fd, c, 8), 8);
	ck_assert_int_le(read(fd, c, 1), 0);
	close(fd);
	fd = raw_broker();
	close(fd);
	until(&t.downs, 1);
}
END_TEST

static int dial_fds(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", t.fds);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);

	return fd;
}

static ssize_t send_fds(int fd, int n)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * 16)];
		struct cmsghdr align;
	} u = { 0 };
	struct iovec iov = { "m", 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
			     .msg_control = &u,
			     .msg_controllen = CMSG_SPACE(sizeof(int) *
							  (size_t)n) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
	for (int i = 0; i < n; i++)
		memcpy(CMSG_DATA(c) + sizeof(int) * (size_t)i, &fd,
		       sizeof(int));

	return sendmsg(fd, &mh, 0);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += dup2(fd, fd) == fd;

	return n;
}

START_TEST(descriptors_arrive_and_too_many_end_the_connection)
{
	int fd = dial_fds(), before;
	char c;

	ck_assert_int_eq(send_fds(fd, 5), 1);
	until(&t.frames, 1);
	ck_assert_int_eq(t.got_fds, 5);
	before = open_fds();
	ck_assert_int_eq(send_fds(fd, 12), 1);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(loop_turn(t.loop, 20), 0);
	ck_assert_int_eq(t.frames, 1);
	ck_assert_int_eq(recv(fd, &c, 1, 0), 0);
	ck_assert_int_le(open_fds(), before);
	close(fd);
	fd = dial_fds();
	ck_assert_int_eq(send_fds(fd, 2), 1);
	until(&t.frames, 2);
	close(fd);
}
END_TEST

START_TEST(a_handler_that_refuses_ends_the_connection_only)
{
	int fd = raw_broker();
	char c;

	t.refuse = -EPROTO;
	raw_send(fd, 'b');
	until(&t.downs, 1);
	ck_assert_int_le(recv(fd, &c, 1, 0), 0);
	close(fd);
	t.refuse = 0;
	fd = raw_broker();
	raw_send(fd, 'g');
	until(&t.frames, 2);
	close(fd);
}
END_TEST

/* The single channel: one SEQPACKET socket carries all. */

static void setup_single(void)
{
	struct channel_ops ops = { on_up, on_down, on_frame, NULL };

	memset(&t, 0, sizeof(t));
	signal(SIGPIPE, SIG_IGN);
	strcpy(t.dir, "/tmp/rm-channel-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(t.dir));
	snprintf(t.fds, sizeof(t.fds), "%s/fds", t.dir);
	snprintf(t.ctl, sizeof(t.ctl), "%s/ctl", t.dir);
	ck_assert_int_eq(loop_new(&t.loop), 0);
	ck_assert_int_eq(channel_new(&t.ch, t.loop, -1,
				     listener(t.fds, SOCK_SEQPACKET), &ops),
			 0);
}

START_TEST(a_single_channel_carries_frames_and_descriptors)
{
	static uint8_t big[CHANNEL_FRAME_MAX], got[CHANNEL_FRAME_MAX + 1];
	int fd = dial_fds();

	memset(big, 9, sizeof(big));
	until(&t.ups, 1);
	ck_assert_int_eq(recv(fd, got, sizeof(got), 0), 5);
	ck_assert_int_eq(send(fd, big, sizeof(big), 0), sizeof(big));
	until(&t.frames, 1);
	ck_assert_uint_eq(t.bytes, sizeof(big));
	ck_assert_int_eq(send_fds(fd, 2), 1);
	until(&t.frames, 2);
	ck_assert_int_eq(t.got_fds, 2);
	/* More than the socket takes at once: all come, whole, in order. */
	for (int i = 0; i < 25; i++) {
		big[0] = (uint8_t)i;
		ck_assert_int_eq(channel_send(t.ch, big, sizeof(big), NULL,
					      0), 0);
	}
	for (int i = 0; i < 25; i++) {
		ssize_t n;

		while ((n = recv(fd, got, sizeof(got), MSG_DONTWAIT)) < 0)
			ck_assert_int_eq(loop_turn(t.loop, 5), 0);
		ck_assert_int_eq(n, sizeof(big));
		ck_assert_int_eq(got[0], i);
		ck_assert_int_eq(got[sizeof(big) - 1], 9);
	}
	close(fd);
	until(&t.downs, 1);
	ck_assert_int_eq(channel_send(t.ch, "x", 1, NULL, 0), -ENOTCONN);
	fd = dial_fds();
	until(&t.ups, 2);
	close(fd);
}
END_TEST

START_TEST(a_single_channel_that_nobody_reads_is_bounded)
{
	static uint8_t frame[CHANNEL_FRAME_MAX];
	int fd = dial_fds(), err = 0, n;

	until(&t.ups, 1);
	for (n = 0; !err && n < 1000; n++)
		err = channel_send(t.ch, frame, sizeof(frame), NULL, 0);
	ck_assert_int_eq(err, -ENOBUFS);
	ck_assert_int_lt(n, 60);
	close(fd);
	until(&t.downs, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("channel");
	TCase *c = tcase_create("channel"), *one = tcase_create("single");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, frames_go_both_ways_whole);
	tcase_add_test(c, the_newest_broker_wins);
	tcase_add_test(c, a_queue_that_nobody_reads_is_bounded);
	tcase_add_test(c, a_stranger_without_the_greeting_is_dropped);
	tcase_add_test(c, descriptors_arrive_and_too_many_end_the_connection);
	tcase_add_test(c, a_handler_that_refuses_ends_the_connection_only);
	suite_add_tcase(s, c);
	tcase_set_timeout(one, 30);
	tcase_add_checked_fixture(one, setup_single, teardown);
	tcase_add_test(one, a_single_channel_carries_frames_and_descriptors);
	tcase_add_test(one, a_single_channel_that_nobody_reads_is_bounded);
	suite_add_tcase(s, one);

	return suite_run(s);
}
