/* What two ends agree on, who they are, data, timing, life after fork */
#include "tests/unit/dtls_kit.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { TEXT = 4096 };

static const struct choice {
	enum srtp_profile client, server, want;
} choices[] = {
	{ 0, 0, SRTP_GCM },
	{ SRTP_CM_SHA1_80, 0, SRTP_CM_SHA1_80 },
	{ 0, SRTP_CM_SHA1_80, SRTP_CM_SHA1_80 },
	{ SRTP_GCM, 0, SRTP_GCM },
	{ SRTP_GCM, SRTP_CM_SHA1_80, 0 },
};

START_TEST(both_roles_agree_on_keys_and_profile)
{
	const struct choice *c = &choices[_i];
	struct pair *p = pair_new(c->client, c->server);

	settle(p);
	check_keys(p, c->want);
	ck_assert_uint_le(p->client.longest, DTLS_MTU);
	ck_assert_uint_le(p->server.longest, DTLS_MTU);
	/* hello, certificate and so on, finished: no cookie round trip */
	ck_assert_uint_le(p->client.sent + p->server.sent, 6);
	pair_free(p);
}
END_TEST

/* The exported keys protect packets from one end to the other. */
START_TEST(keys_fit_srtp)
{
	struct pair *p = pair_new(choices[_i].client, choices[_i].server);
	uint8_t packet[100] = { 0x80, 96, 0, 1 };
	struct srtp *out, *in;
	int n;

	settle(p);
	ck_assert_int_eq(srtp_evp.new(&out, choices[_i].want, SRTP_SEND,
				      p->client.keys.local), 0);
	ck_assert_int_eq(srtp_evp.new(&in, choices[_i].want, SRTP_RECV,
				      p->server.keys.remote), 0);
	n = srtp_evp.protect(out, packet, 60, sizeof(packet), 1);
	ck_assert_int_gt(n, 60);
	ck_assert_int_eq(srtp_evp.unprotect(in, packet, (size_t)n, 1), 60);
	srtp_evp.free(out);
	srtp_evp.free(in);
	pair_free(p);
}
END_TEST

/* ---- who the far end is ---- */

START_TEST(wrong_fingerprint_gets_neither_keys_nor_data)
{
	struct dtls_cfg cfg = { .role = DTLS_CLIENT, .identity = alice };
	enum dtls_role fooled = _i ? DTLS_SERVER : DTLS_CLIENT;
	struct pair *p = pair_new(0, 0);
	struct end *victim = _i ? &p->server : &p->client;

	/* The victim expects somebody else than it meets. */
	cfg.role = fooled;
	cfg.identity = _i ? bob : alice;
	cfg.fingerprints[0] = dtls_identity_fingerprint(cfg.identity);
	cfg.fingerprint_count = 1;
	dtls_free(victim->dtls);
	ck_assert_int_eq(dtls_new(&victim->dtls, &cfg, mono_now()), 0);
	settle(p);
	ck_assert_uint_eq(victim->connected, 0);
	ck_assert_uint_eq(victim->failed, 1);
	ck_assert_str_eq(victim->reason,
			 "certificate does not match the fingerprint");
	ck_assert_int_eq(dtls_send(victim->dtls, "x", 1, mono_now()),
			 -ENOTCONN);
	ck_assert_int_eq(dtls_due(victim->dtls, mono_now()).us, INT64_MAX);
	ck_assert_uint_eq(p->client.messages + p->server.messages, 0);
	ck_assert_uint_eq(p->server.connected, 0);
	pair_free(p);
}
END_TEST

START_TEST(one_of_several_fingerprints_is_enough)
{
	struct dtls_cfg cfg = { .role = DTLS_CLIENT, .identity = alice };
	char lower[DTLS_FINGERPRINT_TEXT];
	struct pair *p = pair_new(0, 0);

	snprintf(lower, sizeof(lower), "%s", dtls_identity_fingerprint(bob));
	for (char *c = lower; *c; c++)
		*c |= *c >= 'A' && *c <= 'Z' ? 0x20 : 0;
	cfg.fingerprints[0] = "sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:"
			      "DD:EE:FF:00:11:22:33";
	cfg.fingerprints[1] = dtls_identity_fingerprint(alice);
	cfg.fingerprints[2] = lower;
	cfg.fingerprint_count = 3;
	dtls_free(p->client.dtls);
	ck_assert_int_eq(dtls_new(&p->client.dtls, &cfg, mono_now()), 0);
	settle(p);
	check_keys(p, SRTP_GCM);
	pair_free(p);
}
END_TEST

static const char *const bad_fingerprints[] = {
	"",
	"sha-256",
	"sha-256 ",
	"sha-256 00",
	"sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33",
	"md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
	"sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE",
	"sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00",
	"sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:F",
	"sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:G0",
	"sha-256 00112233445566778899AABBCCDDEEFF"
	"00112233445566778899AABBCCDDEEFF",
	"sha-384 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
};

START_TEST(bad_fingerprints_are_refused)
{
	struct dtls_cfg cfg = { .role = DTLS_CLIENT, .identity = alice };
	struct dtls *d = NULL;

	cfg.fingerprints[0] = bad_fingerprints[_i];
	cfg.fingerprint_count = 1;
	ck_assert(!dtls_fingerprint_ok(bad_fingerprints[_i]));
	ck_assert_int_eq(dtls_new(&d, &cfg, mono_now()), -EINVAL);
	ck_assert_ptr_null(d);
	cfg.fingerprint_count = 0;
	ck_assert_int_eq(dtls_new(&d, &cfg, mono_now()), -EINVAL);
	ck_assert(dtls_fingerprint_ok(dtls_identity_fingerprint(alice)));
	ck_assert(!dtls_fingerprint_ok(NULL));
}
END_TEST

/* ---- timing ---- */

START_TEST(datagrams_before_the_server_exists_connect_at_once)
{
	struct pair *p = pair_new(0, 0);
	struct dtls_stats stats;

	dtls_free(p->server.dtls);
	/* Two flights wait: the hello and its repetition. */
	drain(&p->client);
	usleep(60000);
	dtls_tick(p->client.dtls, mono_now());
	drain(&p->client);
	ck_assert_uint_eq(p->client.count, 2);
	p->server.dtls = make(DTLS_SERVER, 0, 0);
	settle(p);
	check_keys(p, SRTP_GCM);
	dtls_stats(p->server.dtls, &stats);
	ck_assert_uint_eq(stats.timeouts, 0);
	dtls_stats(p->client.dtls, &stats);
	ck_assert_uint_eq(stats.timeouts, 1);
	pair_free(p);
}
END_TEST

START_TEST(the_first_retry_is_due_after_50_ms)
{
	struct pair *p = pair_new(0, 0);
	struct mono now = mono_now();

	drain(&p->client);
	ck_assert_int_le(mono_since(dtls_due(p->client.dtls, now), now),
			 50000);
	/* A server that has said nothing has only its deadline. */
	ck_assert_int_gt(mono_since(dtls_due(p->server.dtls, now), now),
			 DTLS_DEADLINE_US - 1000000);
	usleep(60000);
	now = mono_now();
	ck_assert_int_eq(dtls_due(p->client.dtls, now).us, now.us);
	dtls_tick(p->client.dtls, now);
	drain(&p->client);
	ck_assert_uint_eq(p->client.count, 2);
	pair_free(p);
}
END_TEST

START_TEST(a_silent_far_end_fails_at_the_deadline)
{
	struct pair *p = pair_new(0, 0);
	struct mono late = mono_add(mono_now(), DTLS_DEADLINE_US + 1000);

	dtls_tick(p->server.dtls, mono_add(late, -1000000));
	drain(&p->server);
	ck_assert_uint_eq(p->server.failed, 0);
	dtls_tick(p->server.dtls, late);
	drain(&p->server);
	ck_assert_uint_eq(p->server.failed, 1);
	ck_assert_str_eq(p->server.reason, "handshake timed out");
	/* Final: nothing wakes it, nothing comes out. */
	deliver(&p->client, &p->server);
	dtls_tick(p->server.dtls, mono_add(late, 1000000));
	drain(&p->server);
	ck_assert_uint_eq(p->server.failed, 1);
	ck_assert_uint_eq(p->server.sent, 0);
	pair_free(p);
}
END_TEST

/* ---- data ---- */

START_TEST(messages_of_every_size_arrive_whole)
{
	struct pair *p = pair_new(0, 0);
	uint8_t big[DTLS_SEND_MAX + 1] = { 0 };

	ck_assert_int_eq(dtls_send(p->client.dtls, "x", 1, mono_now()),
			 -ENOTCONN);
	settle(p);
	for (size_t len = 1; len <= DTLS_SEND_MAX; len += 13)
		echo(p, len);
	echo(p, DTLS_SEND_MAX);
	ck_assert_int_eq(dtls_send(p->client.dtls, big, sizeof(big),
				   mono_now()), -EMSGSIZE);
	ck_assert_int_eq(dtls_send(p->client.dtls, big, 0, mono_now()),
			 -EMSGSIZE);
	pair_free(p);
}
END_TEST

START_TEST(the_queue_is_bounded)
{
	uint8_t bytes[1000] = { 0 };
	struct pair *p = pair_new(0, 0);
	unsigned sent = 0;

	settle(p);
	while (!dtls_send(p->client.dtls, bytes, sizeof(bytes), mono_now()))
		ck_assert_uint_lt(++sent, 1000);
	ck_assert_int_eq(dtls_send(p->client.dtls, bytes, sizeof(bytes),
				   mono_now()), -ENOBUFS);
	ck_assert_uint_gt(sent, 200);
	deliver(&p->client, &p->server);
	ck_assert_uint_eq(p->server.messages, sent);
	echo(p, 77);
	pair_free(p);
}
END_TEST

/* A receiver that does not poll loses messages, not memory. */
START_TEST(unread_messages_are_dropped_when_the_queue_is_full)
{
	uint8_t bytes[1000] = { 0 };
	struct pair *p = pair_new(0, 0);
	struct dtls_stats stats;

	settle(p);
	for (unsigned i = 0; i < 400; i++) {
		ck_assert_int_eq(dtls_send(p->client.dtls, bytes,
					   sizeof(bytes), mono_now()), 0);
		drain(&p->client);
		dtls_recv(p->server.dtls, p->client.link[0].bytes,
			  p->client.link[0].len, mono_now());
		p->client.count = 0;
	}
	drain(&p->server);
	dtls_stats(p->server.dtls, &stats);
	ck_assert_uint_gt(stats.dropped_full, 0);
	ck_assert_uint_eq(stats.dropped_full + p->server.messages, 400);
	echo(p, 78);
	pair_free(p);
}
END_TEST

START_TEST(a_replayed_or_spoiled_record_is_not_delivered)
{
	struct pair *p = pair_new(0, 0);
	struct packet packet;

	settle(p);
	ck_assert_int_eq(dtls_send(p->client.dtls, "once", 4, mono_now()), 0);
	drain(&p->client);
	packet = p->client.link[0];
	packet.bytes[packet.len - 1] ^= 1;
	put(&p->client, packet.bytes, packet.len);
	packet.bytes[packet.len - 1] ^= 1;
	put(&p->client, packet.bytes, packet.len);
	deliver(&p->client, &p->server);
	ck_assert_uint_eq(p->server.messages, 1);
	echo(p, 20);
	pair_free(p);
}
END_TEST

START_TEST(close_notify_ends_both_sides)
{
	struct pair *p = pair_new(0, 0);

	settle(p);
	dtls_close(p->client.dtls, mono_now());
	dtls_close(p->client.dtls, mono_now());
	settle(p);
	ck_assert_uint_eq(p->server.closed, 1);
	ck_assert_uint_eq(p->client.closed, 0);
	ck_assert_int_eq(dtls_send(p->server.dtls, "x", 1, mono_now()),
			 -ENOTCONN);
	ck_assert_int_eq(dtls_send(p->client.dtls, "x", 1, mono_now()),
			 -ENOTCONN);
	ck_assert(!dtls_is_connected(p->server.dtls));
	ck_assert_int_eq(dtls_due(p->server.dtls, mono_now()).us, INT64_MAX);
	pair_free(p);
}
END_TEST

/* ---- after fork ---- */

/* A child that can open nothing makes its identity and shakes hands. */
static int sealed_child(int out)
{
	struct rlimit none = { 0, 0 };
	const char *text;
	struct pair *p;

	if (setrlimit(RLIMIT_NOFILE, &none))
		return 1;
	dtls_identity_free(alice);
	if (dtls_identity_new(&alice))
		return 2;
	p = pair_new(0, 0);
	settle(p);
	check_keys(p, SRTP_GCM);
	echo(p, 300);
	pair_free(p);
	text = dtls_identity_fingerprint(alice);

	return write(out, text, strlen(text) + 1) < 0;
}

START_TEST(forked_children_need_no_files_and_differ)
{
	char texts[4][TEXT];
	int fds[2], status;

	for (int i = 0; i < 4; i++) {
		pid_t pid;

		ck_assert_int_eq(pipe(fds), 0);
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			_exit(sealed_child(fds[1]));
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
		ck_assert_int_gt(read(fds[0], texts[i], TEXT), 90);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(texts[i], texts[j]);
		close(fds[0]);
		close(fds[1]);
	}
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, both_roles_agree_on_keys_and_profile, 0,
			    ARRAY_LEN(choices));
	tcase_add_loop_test(t, keys_fit_srtp, 0, 4);
	tcase_add_loop_test(t, wrong_fingerprint_gets_neither_keys_nor_data,
			    0, 2);
	tcase_add_test(t, one_of_several_fingerprints_is_enough);
	tcase_add_loop_test(t, bad_fingerprints_are_refused, 0,
			    ARRAY_LEN(bad_fingerprints));
	tcase_add_test(t, datagrams_before_the_server_exists_connect_at_once);
	tcase_add_test(t, the_first_retry_is_due_after_50_ms);
	tcase_add_test(t, a_silent_far_end_fails_at_the_deadline);
	tcase_add_test(t, messages_of_every_size_arrive_whole);
	tcase_add_test(t, the_queue_is_bounded);
	tcase_add_test(t, unread_messages_are_dropped_when_the_queue_is_full);
	tcase_add_test(t, a_replayed_or_spoiled_record_is_not_delivered);
	tcase_add_test(t, close_notify_ends_both_sides);
	tcase_add_test(t, forked_children_need_no_files_and_differ);
}

int main(void)
{
	return kit_run("dtls", add);
}
