/*
 * test_sctp.c - two associations joined by two queues, in one thread
 *
 * usrsctp keeps its state in the process; check forks each test.
 */

#include "port/sctp.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE = 8192 };

struct packet {
	size_t len;
	uint8_t bytes[ASSOC_PACKET_MAX + 64];
};

struct side {
	struct assoc *assoc;
	struct packet *queue;	/* towards the other side */
	unsigned head, tail, longest;
	bool up, down;
	unsigned messages, resets, too_long;
	uint16_t last_reset;
	bool stop;		/* reads nothing */
	struct assoc_message last;
	uint8_t *copy;
};

static struct side a, b;

static void on_packet(const uint8_t *bytes, size_t len, void *arg)
{
	struct side *s = arg;
	struct packet *p = &s->queue[s->tail % QUEUE];

	ck_assert_uint_le(len, sizeof(p->bytes));
	ck_assert_uint_lt(s->tail - s->head, QUEUE);
	if (len > s->longest)
		s->longest = (unsigned)len;
	p->len = len;
	memcpy(p->bytes, bytes, len);
	s->tail++;
}

static void read_all(struct side *s)
{
	struct assoc_message m;

	for (;;) {
		switch (assoc_read(s->assoc, &m)) {
		case ASSOC_NOTHING:
			return;
		case ASSOC_UP:
			s->up = true;
			break;
		case ASSOC_DOWN:
			s->down = true;
			break;
		case ASSOC_MESSAGE:
			s->messages++;
			s->last = m;
			memcpy(s->copy, m.bytes, m.len);
			break;
		case ASSOC_STREAM_RESET:
			s->resets++;
			s->last_reset = m.stream;
			break;
		case ASSOC_TOO_LONG:
			s->too_long++;
			break;
		}
	}
}

static bool move(struct side *from, struct side *to)
{
	bool moved = false;

	for (unsigned i = from->tail - from->head; i > 0; i--) {
		struct packet *p = &from->queue[from->head++ % QUEUE];

		assoc_recv(to->assoc, p->bytes, p->len);
		moved = true;
	}
	if (!to->stop)
		read_all(to);

	return moved;
}

/* Until nothing moves for a second of the association's time. */
static void pump(void)
{
	int quiet = 0;

	while (quiet < 100) {
		bool moved = move(&a, &b);

		moved = move(&b, &a) || moved;
		if (moved) {
			quiet = 0;
			continue;
		}
		assoc_tick(10);
		quiet++;
	}
}

static void start_side(struct side *s)
{
	s->queue = calloc(QUEUE, sizeof(*s->queue));
	s->copy = malloc(ASSOC_MESSAGE_MAX);
	ck_assert(s->queue && s->copy);
	ck_assert_int_eq(assoc_new(&s->assoc, ASSOC_PORT, on_packet, s), 0);
}

static void start(void)
{
	ck_assert_int_eq(assoc_start(), 0);
	start_side(&a);
	start_side(&b);
	ck_assert_int_eq(assoc_connect(a.assoc), 0);
	ck_assert_int_eq(assoc_connect(b.assoc), 0);
	pump();
	ck_assert(a.up && b.up);
}

static void stop(void)
{
	assoc_free(a.assoc);
	assoc_free(b.assoc);
	free(a.queue);
	free(b.queue);
	free(a.copy);
	free(b.copy);
}

static int threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int count = 0;

	for (struct dirent *e; (e = readdir(dir));)
		count += e->d_name[0] != '.';
	closedir(dir);

	return count;
}

START_TEST(starting_makes_no_thread)
{
	int before = threads();

	start();
	ck_assert_int_eq(threads(), before);
	stop();
}
END_TEST

START_TEST(a_message_arrives_as_it_was_sent)
{
	struct assoc_send how = { .stream = 3, .ppid = 51, .unordered = true };

	start();
	ck_assert_int_eq(assoc_send(a.assoc, &how, "hello", 5), 0);
	pump();
	ck_assert_uint_eq(b.messages, 1);
	ck_assert_uint_eq(b.last.stream, 3);
	ck_assert_uint_eq(b.last.ppid, 51);
	ck_assert(b.last.unordered);
	ck_assert_uint_eq(b.last.len, 5);
	ck_assert_mem_eq(b.copy, "hello", 5);
	stop();
}
END_TEST

START_TEST(the_largest_message_arrives_whole_and_fits_one_record)
{
	struct assoc_send how = { .stream = 0, .ppid = 53 };
	uint8_t *big = malloc(ASSOC_MESSAGE_MAX);

	for (size_t i = 0; i < ASSOC_MESSAGE_MAX; i++)
		big[i] = (uint8_t)(i * 7 + i / 251);
	start();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(assoc_send(a.assoc, &how, big,
					    ASSOC_MESSAGE_MAX), 0);
		pump();
	}
	ck_assert_uint_eq(b.messages, 3);
	ck_assert_uint_eq(b.last.len, ASSOC_MESSAGE_MAX);
	ck_assert_mem_eq(b.copy, big, ASSOC_MESSAGE_MAX);
	ck_assert_uint_le(a.longest, ASSOC_PACKET_MAX);
	ck_assert_uint_gt(a.longest, ASSOC_PACKET_MAX - 100);
	ck_assert_int_eq(assoc_send(a.assoc, &how, big,
				    ASSOC_MESSAGE_MAX + 1), -EMSGSIZE);
	free(big);
	stop();
}
END_TEST

START_TEST(a_reader_that_stops_makes_the_sender_wait_and_loses_nothing)
{
	struct assoc_send how = { .stream = 0, .ppid = 53 };
	static uint8_t bytes[16384];
	unsigned sent = 0;

	start();
	b.stop = true;
	for (int i = 0; i < 20000; i++) {
		int err = assoc_send(a.assoc, &how, bytes, sizeof(bytes));

		if (err == -EAGAIN)
			break;
		ck_assert_int_eq(err, 0);
		sent++;
		move(&a, &b);
		move(&b, &a);
	}
	/* at most the send buffer and the receive window */
	ck_assert_uint_gt(sent, 60);
	ck_assert_uint_lt(sent, 160);
	pump();
	ck_assert_uint_eq(b.messages, 0);
	b.stop = false;
	pump();
	ck_assert_uint_eq(b.messages, sent);
	ck_assert_int_eq(assoc_send(a.assoc, &how, bytes, 1), 0);
	pump();
	ck_assert_uint_eq(b.messages, sent + 1);
	stop();
}
END_TEST

START_TEST(streams_beyond_the_first_ones_are_added_when_used)
{
	struct assoc_send how = { .stream = 700, .ppid = 51 };

	start();
	ck_assert_int_eq(assoc_send(a.assoc, &how, "x", 1), -EAGAIN);
	pump();
	ck_assert_int_eq(assoc_send(a.assoc, &how, "x", 1), 0);
	pump();
	ck_assert_uint_eq(b.messages, 1);
	ck_assert_uint_eq(b.last.stream, 700);
	how.stream = ASSOC_STREAMS_MAX;
	ck_assert_int_eq(assoc_send(a.assoc, &how, "x", 1), -EINVAL);
	stop();
}
END_TEST

START_TEST(a_reset_stream_is_told_to_the_far_end)
{
	start();
	ck_assert_int_eq(assoc_reset_stream(a.assoc, 5), 0);
	pump();
	ck_assert_uint_eq(b.resets, 1);
	ck_assert_uint_eq(b.last_reset, 5);
	ck_assert_uint_eq(a.resets, 0);
	stop();
}
END_TEST

START_TEST(an_abort_is_told_once)
{
	struct assoc_send how = { .stream = 0, .ppid = 51 };

	start();
	assoc_free(a.assoc);
	a.assoc = NULL;
	while (a.head != a.tail) {
		struct packet *p = &a.queue[a.head++ % QUEUE];

		assoc_recv(b.assoc, p->bytes, p->len);
	}
	read_all(&b);
	ck_assert(b.down);
	b.down = false;
	read_all(&b);
	ck_assert(!b.down);
	ck_assert_int_eq(assoc_send(b.assoc, &how, "x", 1), -ENOTCONN);
	stop();
}
END_TEST

START_TEST(bytes_that_are_no_packet_change_nothing)
{
	struct assoc_send how = { .stream = 0, .ppid = 51 };
	uint8_t junk[1200];

	start();
	srand(1);
	for (int i = 0; i < 2000; i++) {
		size_t len = (size_t)rand() % sizeof(junk);

		for (size_t k = 0; k < len; k++)
			junk[k] = (uint8_t)rand();
		if (len > 4)
			memcpy(junk, "\x13\x88\x13\x88", 4);
		assoc_recv(b.assoc, junk, len);
	}
	ck_assert_int_eq(assoc_send(a.assoc, &how, "still", 5), 0);
	pump();
	ck_assert_uint_eq(b.messages, 1);
	ck_assert_mem_eq(b.copy, "still", 5);
	stop();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sctp");
	TCase *t = tcase_create("sctp");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, starting_makes_no_thread);
	tcase_add_test(t, a_message_arrives_as_it_was_sent);
	tcase_add_test(t,
		the_largest_message_arrives_whole_and_fits_one_record);
	tcase_add_test(t,
		a_reader_that_stops_makes_the_sender_wait_and_loses_nothing);
	tcase_add_test(t,
		streams_beyond_the_first_ones_are_added_when_used);
	tcase_add_test(t, a_reset_stream_is_told_to_the_far_end);
	tcase_add_test(t, an_abort_is_told_once);
	tcase_add_test(t, bytes_that_are_no_packet_change_nothing);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
