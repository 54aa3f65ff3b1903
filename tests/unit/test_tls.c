/*
 * test_tls.c - our side of TLS against OpenSSL's own client, over loopback
 *
 * Certificates are made by the openssl program into a folder of the test.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "port/tls.h"
#include "tests/unit/suite.h"

enum { FILE_MAX = 16384, SAID_MAX = 65536, WAIT_MS = 10000 };

static char folder[] = "/tmp/test-tls-XXXXXX";

struct file {
	char bytes[FILE_MAX];
	size_t len;
};

static struct file read_file(const char *name)
{
	static char path[256];
	struct file f = { .len = 0 };
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	in = fopen(path, "r");
	ck_assert_ptr_nonnull(in);
	f.len = fread(f.bytes, 1, sizeof(f.bytes), in);
	fclose(in);

	return f;
}

static void run(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		exit(1);
	}
}

static void make_files(void)
{
	static const struct {
		const char *name, *kind;
	} t[] = {
		{ "ec", "ec -pkeyopt ec_paramgen_curve:prime256v1" },
		{ "second", "ec -pkeyopt ec_paramgen_curve:prime256v1" },
		{ "rsa", "rsa:2048" },
	};

	if (!mkdtemp(folder))
		exit(1);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		run("openssl req -x509 -newkey %s -nodes -days 3 -subj /CN=%s "
		    "-keyout %s/%s.key -out %s/%s.crt 2>/dev/null", t[i].kind,
		    t[i].name, folder, t[i].name, folder, t[i].name);
	run("openssl ec -in %s/ec.key -aes128 -passout pass:secret "
	    "-out %s/locked.key 2>/dev/null", folder, folder);
	run("cat %s/ec.crt %s/rsa.crt > %s/chain.crt", folder, folder, folder);
	run("head -c 300 %s/rsa.crt | cat %s/ec.crt - > %s/cut.crt", folder,
	    folder, folder);
}

static int open_server(struct tls_server **s, const char *cert,
		       const char *key, char why[TLS_WHY])
{
	struct file c = read_file(cert), k = read_file(key);
	struct tls_pem pem = { c.bytes, c.len, k.bytes, k.len };

	return tls_server_new(s, &pem, why);
}

static struct tls_server *server(const char *name)
{
	char cert[64], key[64], why[TLS_WHY];
	struct tls_server *s = NULL;

	snprintf(cert, sizeof(cert), "%s.crt", name);
	snprintf(key, sizeof(key), "%s.key", name);
	ck_assert_int_eq(open_server(&s, cert, key, why), 0);

	return s;
}

/* One s_client that connects to us. */
struct dialogue {
	int listener, fd, to, from;	/* its standard input and output */
	pid_t pid;
	char said[SAID_MAX];	/* by it */
	size_t said_len;
	struct tls_session *session;
	int handshake;
};

static void start_client(struct dialogue *d, int port, const char *options)
{
	int in[2], out[2];
	char command[512];

	snprintf(command, sizeof(command),
		 "exec openssl s_client -connect 127.0.0.1:%d %s 2>&1", port,
		 options);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	d->pid = fork();
	if (d->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_gt(d->pid, 0);
	close(in[0]);
	close(out[1]);
	d->to = in[1];
	d->from = out[0];
}

static void hear_client(struct dialogue *d)
{
	ssize_t n = read(d->from, d->said + d->said_len,
			 SAID_MAX - 1 - d->said_len);

	if (n > 0)
		d->said_len += (size_t)n;
	d->said[d->said_len] = '\0';
}

static void wait_socket(struct dialogue *d)
{
	struct pollfd p = { .fd = d->fd,
			    .events = tls_wants_write(d->session) ? POLLOUT
								  : POLLIN };

	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
}

static void open_dialogue(struct dialogue *d, struct tls_server *s,
			  const char *options)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	struct pollfd p;

	memset(d, 0, sizeof(*d));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	d->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(d->listener, (struct sockaddr *)&at,
			      sizeof(at)), 0);
	ck_assert_int_eq(listen(d->listener, 1), 0);
	getsockname(d->listener, (struct sockaddr *)&at, &len);
	start_client(d, ntohs(at.sin_port), options);
	p = (struct pollfd){ .fd = d->listener, .events = POLLIN };
	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	d->fd = accept4(d->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ck_assert_int_ge(d->fd, 0);
	ck_assert_int_eq(tls_session_new(&d->session, s, d->fd), 0);
	while ((d->handshake = tls_handshake(d->session)) == -EAGAIN)
		wait_socket(d);
}

static void close_dialogue(struct dialogue *d)
{
	struct pollfd p = { .fd = d->from, .events = POLLIN };
	size_t before;

	if (d->session && d->handshake == 0)
		ck_assert_int_eq(tls_close(d->session), 0);
	tls_session_free(d->session);
	close(d->fd);
	close(d->to);
	close(d->listener);
	do {
		before = d->said_len;
		if (poll(&p, 1, WAIT_MS) == 1)
			hear_client(d);
	} while (d->said_len != before);
	close(d->from);
	waitpid(d->pid, NULL, 0);
}

static size_t recv_all(struct dialogue *d, char *out, size_t len)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n = tls_recv(d->session, out + at, len - at);

		if (n == -EAGAIN) {
			wait_socket(d);
			continue;
		}
		if (n <= 0)
			break;
		at += (size_t)n;
	}

	return at;
}

static const struct {
	const char *options, *protocol, *says;	/* says: NULL: refused */
} clients[] = {
	{ "", "", "TLSv1.3" },
	{ "-tls1_3", "", "TLSv1.3" },
	{ "-tls1_2", "", "ECDHE-ECDSA-AES128-GCM-SHA256" },
	{ "-tls1_2", "", "Secure Renegotiation IS supported" },
	{ "-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305", "",
	  "CHACHA20-POLY1305" },
	{ "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384", "",
	  "AES256-GCM-SHA384" },
	{ "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256", "", NULL },
	{ "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA", "", NULL },
	{ "-tls1_2 -cipher ECDHE-ECDSA-AES256-CCM", "", NULL },
	{ "-tls1_1 -cipher DEFAULT@SECLEVEL=0", "", NULL },
	{ "-tls1 -cipher DEFAULT@SECLEVEL=0", "", NULL },
	{ "-curves X25519", "", "X25519" },
	{ "-curves P-256", "", "prime256v1" },
	{ "-curves P-384", "", NULL },
	{ "-alpn h2", "h2", "ALPN protocol: h2" },
	{ "-alpn http/1.1", "http/1.1", "ALPN protocol: http/1.1" },
	{ "-alpn http/1.1,h2", "h2", "ALPN protocol: h2" },
	{ "-alpn spdy/3,http/1.1", "http/1.1", "ALPN protocol: http/1.1" },
	{ "-alpn spdy/3", "", NULL },
	{ "-comp", "", "Compression: NONE" },
};

START_TEST(a_client_is_served_as_the_table_says)
{
	struct tls_server *s = server("ec");
	static struct dialogue d;

	open_dialogue(&d, s, clients[_i].options);
	if (clients[_i].says) {
		ck_assert_msg(d.handshake == 0, "%s: %s", clients[_i].options,
			      tls_last_error());
		ck_assert_str_eq(tls_protocol(d.session),
				 clients[_i].protocol);
	} else {
		ck_assert_int_lt(d.handshake, 0);
	}
	close_dialogue(&d);
	if (clients[_i].says)
		ck_assert_msg(strstr(d.said, clients[_i].says), "%s: %s",
			      clients[_i].options, d.said);
	tls_server_free(s);
}
END_TEST

START_TEST(bytes_go_both_ways)
{
	static char sent[300000], got[64];
	struct tls_server *s = server("rsa");
	static struct dialogue d;
	size_t at = 0;

	memset(sent, 'x', sizeof(sent));
	open_dialogue(&d, s, "-quiet -ign_eof");
	ck_assert_int_eq(d.handshake, 0);
	ck_assert_int_eq(tls_recv(d.session, got, sizeof(got)), -EAGAIN);
	ck_assert_int_eq(write(d.to, "hello", 5), 5);
	ck_assert_uint_eq(recv_all(&d, got, 5), 5);
	ck_assert_mem_eq(got, "hello", 5);
	/* More than the socket takes: part after part, each tried again
	 * with the same bytes at another address. */
	while (at < sizeof(sent)) {
		char *moved = malloc(sizeof(sent) - at);
		ssize_t n;

		memcpy(moved, sent + at, sizeof(sent) - at);
		n = tls_send(d.session, moved, sizeof(sent) - at);
		free(moved);
		ck_assert(n > 0 || n == -EAGAIN);
		at += n > 0 ? (size_t)n : 0;
		ck_assert_int_le(n, TLS_RECORD);
		hear_client(&d);
		if (d.said_len > SAID_MAX / 2)
			d.said_len = 0;
	}
	close_dialogue(&d);
	tls_server_free(s);
}
END_TEST

START_TEST(a_client_that_asks_to_begin_again_is_refused)
{
	struct tls_server *s = server("ec");
	static struct dialogue d;
	char got[8];

	open_dialogue(&d, s, "-tls1_2");
	ck_assert_int_eq(d.handshake, 0);
	ck_assert_int_eq(write(d.to, "R\n", 2), 2);
	/* It tells our refusal and ends, or stays without. */
	while (!strstr(d.said, "no renegotiation")) {
		struct pollfd p[2] = { { .fd = d.fd, .events = POLLIN },
				       { .fd = d.from, .events = POLLIN } };

		ck_assert_int_gt(poll(p, 2, WAIT_MS), 0);
		if (p[0].revents)
			ck_assert_int_le(tls_recv(d.session, got,
						  sizeof(got)), 0);
		hear_client(&d);
	}
	d.handshake = -1;	/* the client has given up */
	close_dialogue(&d);
	tls_server_free(s);
}
END_TEST

START_TEST(a_ticket_is_good_until_its_keys_are_renewed)
{
	struct tls_server *s = server("ec");
	static struct dialogue d;
	char options[128];

	snprintf(options, sizeof(options), "-tls1_2 -sess_out %s/ticket",
		 folder);
	open_dialogue(&d, s, options);
	close_dialogue(&d);
	ck_assert(strstr(d.said, "New, TLSv1.2"));
	snprintf(options, sizeof(options), "-tls1_2 -sess_in %s/ticket",
		 folder);
	open_dialogue(&d, s, options);
	close_dialogue(&d);
	ck_assert(strstr(d.said, "Reused, TLSv1.2"));
	ck_assert_int_eq(tls_server_rotate(s), 0);
	open_dialogue(&d, s, options);
	close_dialogue(&d);
	ck_assert(strstr(d.said, "New, TLSv1.2"));
	tls_server_free(s);
}
END_TEST

START_TEST(one_that_vanished_harms_no_other)
{
	struct tls_server *s = server("ec");
	static struct dialogue good, bad;
	int pair[2];
	struct tls_session *broken;
	char got[8];

	open_dialogue(&good, s, "-quiet -ign_eof");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				    pair), 0);
	ck_assert_int_eq(tls_session_new(&broken, s, pair[0]), 0);
	ck_assert_int_eq(write(pair[1], "GET / HTTP/1.1\r\n", 16), 16);
	ck_assert_int_eq(tls_handshake(broken), -EPROTO);
	ck_assert_str_eq(tls_last_error(), "http request");
	ck_assert_int_eq(tls_recv(good.session, got, sizeof(got)), -EAGAIN);
	ck_assert_int_eq(tls_send(good.session, "x", 1), 1);
	tls_session_free(broken);
	close(pair[0]);
	close(pair[1]);
	open_dialogue(&bad, s, "");
	kill(bad.pid, SIGKILL);
	(void)recv_all(&bad, got, 1);
	ck_assert_int_eq(tls_send(good.session, "y", 1), 1);
	bad.handshake = -1;
	close_dialogue(&bad);
	close_dialogue(&good);
	ck_assert(strstr(good.said, "xy"));
	tls_server_free(s);
}
END_TEST

START_TEST(an_end_in_the_handshake_is_told)
{
	struct tls_server *s = server("ec");
	struct tls_session *t;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				    pair), 0);
	ck_assert_int_eq(tls_session_new(&t, s, pair[0]), 0);
	ck_assert_int_eq(tls_handshake(t), -EAGAIN);
	close(pair[1]);
	ck_assert_int_eq(tls_handshake(t), -EPIPE);
	tls_session_free(t);
	close(pair[0]);
	tls_server_free(s);
}
END_TEST

static const struct {
	const char *cert, *key, *why;	/* why NULL: good */
} files[] = {
	{ "ec.crt", "ec.key", NULL },
	{ "rsa.crt", "rsa.key", NULL },
	{ "chain.crt", "ec.key", NULL },
	{ "ec.crt", "second.key", "the key does not belong" },
	{ "ec.crt", "rsa.key", "the key does not belong" },
	{ "ec.key", "ec.key", "no certificate that works" },
	{ "ec.crt", "ec.crt", "no private key" },
	{ "ec.crt", "locked.key", "without a passphrase" },
	{ "cut.crt", "ec.key", "chain is damaged" },
};

START_TEST(files_are_judged_as_the_table_says)
{
	struct tls_server *s = NULL;
	char why[TLS_WHY] = "";
	int err = open_server(&s, files[_i].cert, files[_i].key, why);

	if (!files[_i].why) {
		ck_assert_int_eq(err, 0);
		ck_assert(tls_server_expires(s) > 1700000000);
		tls_server_free(s);
		return;
	}
	ck_assert_int_eq(err, -EINVAL);
	ck_assert_ptr_null(s);
	ck_assert_msg(strstr(why, files[_i].why), "%s", why);
}
END_TEST

START_TEST(rubbish_is_no_certificate)
{
	static char rubbish[TLS_PEM_MAX + 1];
	struct tls_pem pem = { rubbish, 0, rubbish, 0 };
	struct tls_server *s = NULL;
	char why[TLS_WHY];

	ck_assert_int_eq(tls_server_new(&s, &pem, why), -EINVAL);
	pem.cert_len = pem.key_len = 1000;
	ck_assert_int_eq(tls_server_new(&s, &pem, why), -EINVAL);
	pem.cert_len = sizeof(rubbish);
	ck_assert_int_eq(tls_server_new(&s, &pem, why), -EINVAL);
	ck_assert_str_eq(why, "the file is too large");
}
END_TEST

START_TEST(a_renewed_certificate_is_for_those_who_come)
{
	struct file c = read_file("second.crt"), k = read_file("second.key");
	struct file wrong = read_file("rsa.key");
	struct tls_pem pem = { c.bytes, c.len, k.bytes, k.len };
	struct tls_pem bad = { c.bytes, c.len, wrong.bytes, wrong.len };
	struct tls_server *s = server("ec");
	static struct dialogue before, after;
	char why[TLS_WHY] = "", got[4];

	open_dialogue(&before, s, "-ign_eof");
	ck_assert_int_eq(tls_server_renew(s, &bad, why), -EINVAL);
	ck_assert(strstr(why, "does not belong"));
	open_dialogue(&after, s, "");
	close_dialogue(&after);
	ck_assert(strstr(after.said, "CN = ec"));
	ck_assert_int_eq(tls_server_renew(s, &pem, why), 0);
	open_dialogue(&after, s, "");
	close_dialogue(&after);
	ck_assert(strstr(after.said, "CN = second"));
	/* The one that was there goes on, also when the server is gone. */
	tls_server_free(s);
	ck_assert_int_eq(write(before.to, "more", 4), 4);
	ck_assert_uint_eq(recv_all(&before, got, 4), 4);
	ck_assert_int_eq(tls_send(before.session, "fine", 4), 4);
	close_dialogue(&before);
	ck_assert(strstr(before.said, "CN = ec"));
	ck_assert(strstr(before.said, "fine"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tls");
	TCase *t = tcase_create("tls");
	int failed;

	signal(SIGPIPE, SIG_IGN);
	make_files();
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_client_is_served_as_the_table_says, 0,
			    ARRAY_LEN(clients));
	tcase_add_test(t, bytes_go_both_ways);
	tcase_add_test(t, a_client_that_asks_to_begin_again_is_refused);
	tcase_add_test(t, a_ticket_is_good_until_its_keys_are_renewed);
	tcase_add_test(t, one_that_vanished_harms_no_other);
	tcase_add_test(t, an_end_in_the_handshake_is_told);
	tcase_add_loop_test(t, files_are_judged_as_the_table_says, 0,
			    ARRAY_LEN(files));
	tcase_add_test(t, rubbish_is_no_certificate);
	tcase_add_test(t, a_renewed_certificate_is_for_those_who_come);
	suite_add_tcase(s, t);
	failed = suite_run(s);
	run("rm -rf %s", folder);

	return failed;
}
