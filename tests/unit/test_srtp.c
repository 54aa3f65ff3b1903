/*
 * Ours against the RFCs' vectors, and against libsrtp2: each packet that one
 * protects must open in the other.
 */
#include "port/srtp.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "tests/vectors/rfc3711.h"
#include "tests/vectors/rfc7714.h"

enum { ROOM = 1500, PAYLOAD_MAX = 1200 };

static const enum srtp_profile profiles[] = { SRTP_GCM, SRTP_CM_SHA1_80 };

static size_t unhex(const char *text, uint8_t *out)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned v;

		ck_assert_int_eq(sscanf(text + 2 * i, "%2x", &v), 1);
		out[i] = (uint8_t)v;
	}

	return n;
}

static void noise(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)random();
}

static struct srtp *make(const struct srtp_ops *ops, enum srtp_profile profile,
			 enum srtp_way way, unsigned seed)
{
	uint8_t master[SRTP_MASTER_MAX];
	struct srtp *s = NULL;

	for (size_t i = 0; i < sizeof(master); i++)
		master[i] = (uint8_t)(seed * 31 + i * 7 + 1);
	ck_assert_int_eq(ops->new(&s, profile, way, master), 0);

	return s;
}

/* shape: CSRCs in its low bits, 4: extension, 5: an empty extension */
static size_t build(uint8_t *p, unsigned shape, uint32_t ssrc, uint64_t index,
		    size_t payload)
{
	unsigned csrcs = shape & 3;
	size_t len = 12 + 4 * csrcs;

	noise(p, ROOM);
	p[0] = (uint8_t)(0x80 | csrcs);
	p[2] = (uint8_t)(index >> 8);
	p[3] = (uint8_t)index;
	for (int i = 0; i < 4; i++)
		p[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
	if (shape & 4) {
		p[0] |= 0x10;
		p[len] = 0xbe;
		p[len + 1] = 0xde;
		p[len + 2] = 0;
		p[len + 3] = shape & 8 ? 0 : 3;
		len += 4 + 4 * p[len + 3];
	}

	return len + payload;
}

START_TEST(rfc3711_b3_key_derivation)
{
	uint8_t master[30], want[32];
	struct srtp_session keys;

	ck_assert_uint_eq(unhex(RFC3711_B3_MASTER, master), 30);
	ck_assert_int_eq(srtp_derive(SRTP_CM_SHA1_80, master, &keys), 0);
	unhex(RFC3711_B3_KEY, want);
	ck_assert_mem_eq(keys.rtp.key, want, 16);
	unhex(RFC3711_B3_SALT, want);
	ck_assert_mem_eq(keys.rtp.salt, want, 14);
	unhex(RFC3711_B3_AUTH, want);
	ck_assert_mem_eq(keys.rtp.auth, want, 20);
}
END_TEST

START_TEST(rfc3711_b2_key_stream)
{
	size_t len = 12 + RFC3711_B2_BYTES;
	uint8_t *p = calloc(1, len + SRTP_GROW), want[48];
	struct srtp_session keys = { 0 };
	struct srtp *s;

	ck_assert_ptr_nonnull(p);
	unhex(RFC3711_B2_KEY, keys.rtp.key);
	unhex(RFC3711_B2_SALT, keys.rtp.salt);
	ck_assert_int_eq(srtp_evp_resume(&s, SRTP_CM_SHA1_80, SRTP_SEND, &keys),
			 0);
	p[0] = 0x80;
	ck_assert_int_eq(srtp_evp.protect(s, p, len, len + SRTP_GROW, 0),
			 (int)len + 10);
	unhex(RFC3711_B2_FIRST, want);
	ck_assert_mem_eq(p + 12, want, 48);
	unhex(RFC3711_B2_LAST, want);
	ck_assert_mem_eq(p + len - 48, want, 48);
	srtp_evp.free(s);
	free(p);
}
END_TEST

static struct srtp *rfc7714(enum srtp_way way)
{
	struct srtp_session keys = { 0 };
	struct srtp *s;

	unhex(RFC7714_KEY, keys.rtp.key);
	unhex(RFC7714_SALT, keys.rtp.salt);
	keys.rtcp = keys.rtp;
	ck_assert_int_eq(srtp_evp_resume(&s, SRTP_GCM, way, &keys), 0);

	return s;
}

START_TEST(rfc7714_16_rtp)
{
	struct srtp *out = rfc7714(SRTP_SEND), *in = rfc7714(SRTP_RECV);
	uint8_t p[ROOM], clear[ROOM], want[ROOM];
	size_t len = unhex(RFC7714_RTP, p), sealed = unhex(RFC7714_SRTP, want);

	memcpy(clear, p, len);
	ck_assert_int_eq(srtp_evp.protect(out, p, len, ROOM,
					  RFC7714_RTP_INDEX), (int)sealed);
	ck_assert_mem_eq(p, want, sealed);
	ck_assert_int_eq(srtp_evp.unprotect(in, p, sealed, RFC7714_RTP_INDEX),
			 (int)len);
	ck_assert_mem_eq(p, clear, len);
	srtp_evp.free(out);
	srtp_evp.free(in);
}
END_TEST

START_TEST(rfc7714_17_rtcp)
{
	struct srtp *out = rfc7714(SRTP_SEND), *in = rfc7714(SRTP_RECV);
	uint8_t p[ROOM], clear[ROOM], want[ROOM];
	size_t len = unhex(RFC7714_RTCP, p);
	size_t sealed = unhex(RFC7714_SRTCP, want);
	uint32_t index = 0;

	memcpy(clear, p, len);
	ck_assert_int_eq(srtp_evp.protect_rtcp(out, p, len, ROOM,
					       RFC7714_RTCP_INDEX),
			 (int)sealed);
	ck_assert_mem_eq(p, want, sealed);
	ck_assert_int_eq(srtp_evp.unprotect_rtcp(in, p, sealed, &index),
			 (int)len);
	ck_assert_mem_eq(p, clear, len);
	ck_assert_uint_eq(index, RFC7714_RTCP_INDEX);
	srtp_evp.free(out);
	srtp_evp.free(in);
}
END_TEST

/* The same with CM, where a clear packet can carry a tag that holds. */
START_TEST(authentic_rtcp_in_clear_is_refused)
{
	uint8_t p[ROOM] = { 0x80, 201, 0, 1, 1, 2, 3, 4, 0, 0, 0, 9 };
	uint8_t master[SRTP_MASTER_MAX] = { 5 }, tag[20];
	struct srtp_session keys;
	uint32_t index = 77;
	struct srtp *in;

	ck_assert_int_eq(srtp_derive(SRTP_CM_SHA1_80, master, &keys), 0);
	ck_assert_int_eq(srtp_evp.new(&in, SRTP_CM_SHA1_80, SRTP_RECV, master),
			 0);
	for (int encrypted = 0; encrypted <= 1; encrypted++) {
		p[8] = encrypted ? 0x80 : 0;
		ck_assert_ptr_nonnull(HMAC(EVP_sha1(), keys.rtcp.auth,
					   SRTP_AUTH, p, 12, tag, NULL));
		memcpy(p + 12, tag, 10);
		ck_assert_int_eq(srtp_evp.unprotect_rtcp(in, p, 22, &index),
				 encrypted ? 8 : -EBADMSG);
		ck_assert_uint_eq(index, encrypted ? 9 : 77);
	}
	srtp_evp.free(in);
}
END_TEST

START_TEST(rtcp_in_clear_is_refused)
{
	struct srtp *in = rfc7714(SRTP_RECV);
	uint32_t index = 77;
	uint8_t p[ROOM];
	size_t len = unhex(RFC7714_SRTCP_CLEAR, p);

	ck_assert_int_eq(srtp_evp.unprotect_rtcp(in, p, len, &index), -EBADMSG);
	ck_assert_uint_eq(index, 77);
	srtp_evp.free(in);
}
END_TEST

struct pair {
	const struct srtp_ops *out, *in;
	enum srtp_profile profile;
};

static struct pair pair_of(int i)
{
	static const struct srtp_ops *ops[2] = { &srtp_evp, &srtp_lib };

	return (struct pair){ ops[i & 1], ops[i >> 1 & 1], profiles[i >> 2] };
}

enum { PAIRS = 8 };

START_TEST(rtp_of_one_opens_in_the_other)
{
	struct pair pair = pair_of(_i);
	struct srtp *out = make(pair.out, pair.profile, SRTP_SEND, 3);
	struct srtp *in = make(pair.in, pair.profile, SRTP_RECV, 3);
	uint64_t index = 65000;
	uint8_t p[ROOM], clear[ROOM];

	srandom(11);
	for (size_t payload = 0; payload <= PAYLOAD_MAX; payload++) {
		for (uint32_t ssrc = 1; ssrc <= 3; ssrc++) {
			size_t len = build(p, (unsigned)payload, ssrc << 24,
					   index, payload);
			int n;

			memcpy(clear, p, len);
			n = pair.out->protect(out, p, len, ROOM, index);
			ck_assert_int_eq(n, (int)len + (pair.profile ==
						SRTP_GCM ? 16 : 10));
			if (payload > 16)
				ck_assert_mem_ne(p + len - payload,
						 clear + len - payload,
						 payload);
			n = pair.in->unprotect(in, p, (size_t)n, index);
			ck_assert_int_eq(n, (int)len);
			ck_assert_mem_eq(p, clear, len);
		}
		index += 1 + (uint64_t)random() % 3;
	}
	/* The roll-over counter moved on the way. */
	ck_assert_uint_gt(index, 65536 + 500);
	pair.out->free(out);
	pair.in->free(in);
}
END_TEST

START_TEST(roll_over_counter_is_the_callers)
{
	struct pair pair = pair_of(_i);
	struct srtp *out = make(pair.out, pair.profile, SRTP_SEND, 4);
	struct srtp *in = make(pair.in, pair.profile, SRTP_RECV, 4);
	uint8_t p[ROOM], clear[ROOM];

	/* A stream taken over at a high index, through two roll-overs. */
	for (uint64_t index = 0xa1b2c3d4ffffull; index < 0xa1b2c3d7ffffull;
	     index += 997) {
		size_t len = build(p, 5, 0xfeedbeef, index, 160);
		int n;

		memcpy(clear, p, len);
		n = pair.out->protect(out, p, len, ROOM, index);
		ck_assert_int_gt(n, (int)len);
		n = pair.in->unprotect(in, p, (size_t)n, index);
		ck_assert_int_eq(n, (int)len);
		ck_assert_mem_eq(p, clear, len);
	}
	pair.out->free(out);
	pair.in->free(in);
}
END_TEST

START_TEST(rtcp_of_one_opens_in_the_other)
{
	struct pair pair = pair_of(_i);
	struct srtp *out = make(pair.out, pair.profile, SRTP_SEND, 5);
	struct srtp *in = make(pair.in, pair.profile, SRTP_RECV, 5);
	uint8_t p[ROOM], clear[ROOM];
	uint32_t index = 0;

	srandom(12);
	for (size_t len = 8; len <= PAYLOAD_MAX; len += 4) {
		uint32_t found = 0;
		int n;

		noise(p, len);
		p[0] = 0x81;
		p[1] = 200;
		memset(p + 4, 0x55, 4);
		memcpy(clear, p, len);
		index++;
		n = pair.out->protect_rtcp(out, p, len, ROOM, index);
		ck_assert_int_eq(n, (int)len + (pair.profile == SRTP_GCM ?
						20 : 14));
		n = pair.in->unprotect_rtcp(in, p, (size_t)n, &found);
		ck_assert_int_eq(n, (int)len);
		ck_assert_uint_eq(found, index);
		ck_assert_mem_eq(p, clear, len);
	}
	pair.out->free(out);
	pair.in->free(in);
}
END_TEST

START_TEST(every_flipped_bit_and_every_cut_is_refused)
{
	enum srtp_profile profile = profiles[_i];
	struct srtp *out = make(&srtp_evp, profile, SRTP_SEND, 6);
	struct srtp *in = make(&srtp_evp, profile, SRTP_RECV, 6);
	uint8_t sealed[ROOM], *p;
	size_t len = build(sealed, 7, 9, 1234, 40);
	int n = srtp_evp.protect(out, sealed, len, ROOM, 1234);

	ck_assert_int_gt(n, 0);
	for (int bit = 0; bit < 8 * n; bit++) {
		int got;

		/* Exact allocation: the sanitizer sees an overread. */
		p = malloc((size_t)n);
		memcpy(p, sealed, (size_t)n);
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		got = srtp_evp.unprotect(in, p, (size_t)n, 1234);
		ck_assert_int_eq(got, bit / 8 == 2 || bit / 8 == 3 ?
					      -EINVAL : -EBADMSG);
		free(p);
	}
	for (int cut = 0; cut < n; cut++) {
		p = malloc((size_t)cut + !cut);
		memcpy(p, sealed, (size_t)cut);
		ck_assert_int_eq(srtp_evp.unprotect(in, p, (size_t)cut, 1234),
				 -EBADMSG);
		free(p);
	}
	/* After all that the honest packet still opens. */
	ck_assert_int_eq(srtp_evp.unprotect(in, sealed, (size_t)n, 1234),
			 (int)len);
	srtp_evp.free(out);
	srtp_evp.free(in);
}
END_TEST

START_TEST(every_flipped_bit_of_rtcp_is_refused)
{
	enum srtp_profile profile = profiles[_i];
	struct srtp *out = make(&srtp_evp, profile, SRTP_SEND, 6);
	struct srtp *in = make(&srtp_evp, profile, SRTP_RECV, 6);
	uint8_t sealed[ROOM] = { 0x80, 201, 0, 7 }, *p;
	uint32_t index = 99;
	int n = srtp_evp.protect_rtcp(out, sealed, 32, ROOM, 0x7fffffff);

	ck_assert_int_gt(n, 0);
	for (int bit = 0; bit < 8 * n; bit++) {
		p = malloc((size_t)n);
		memcpy(p, sealed, (size_t)n);
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_int_eq(srtp_evp.unprotect_rtcp(in, p, (size_t)n,
							 &index), -EBADMSG);
		free(p);
	}
	for (int cut = 0; cut < n; cut++) {
		p = malloc((size_t)cut + !cut);
		memcpy(p, sealed, (size_t)cut);
		ck_assert_int_eq(srtp_evp.unprotect_rtcp(in, p, (size_t)cut,
							 &index), -EBADMSG);
		free(p);
	}
	ck_assert_uint_eq(index, 99);
	ck_assert_int_eq(srtp_evp.unprotect_rtcp(in, sealed, (size_t)n,
						 &index), 32);
	ck_assert_uint_eq(index, 0x7fffffff);
	srtp_evp.free(out);
	srtp_evp.free(in);
}
END_TEST

START_TEST(wrong_roll_over_counter_is_refused)
{
	enum srtp_profile profile = profiles[_i];
	struct srtp *out = make(&srtp_evp, profile, SRTP_SEND, 8);
	struct srtp *in = make(&srtp_evp, profile, SRTP_RECV, 8);
	uint8_t p[ROOM];
	size_t len = build(p, 0, 9, 5, 100);
	int n = srtp_evp.protect(out, p, len, ROOM, 65536 + 5);

	ck_assert_int_eq(srtp_evp.unprotect(in, p, (size_t)n, 5), -EBADMSG);
	srtp_evp.free(out);
	srtp_evp.free(in);
}
END_TEST

START_TEST(bad_arguments_are_told)
{
	struct srtp *out = make(&srtp_evp, profiles[_i], SRTP_SEND, 1);
	struct srtp *in = make(&srtp_evp, profiles[_i], SRTP_RECV, 1);
	size_t tag = profiles[_i] == SRTP_GCM ? 16 : 10;
	uint8_t p[ROOM], master[SRTP_MASTER_MAX] = { 0 };
	size_t len = build(p, 0, 1, 7, 10);
	struct srtp *none = NULL;
	uint32_t index;

	ck_assert_int_eq(srtp_evp.new(&none, 2, SRTP_SEND, master), -EINVAL);
	ck_assert_int_eq(srtp_lib.new(&none, 8, SRTP_SEND, master), -EINVAL);
	ck_assert_ptr_null(none);
	ck_assert_uint_eq(srtp_master_bytes(2), 0);
	ck_assert_int_eq(srtp_evp.protect(out, p, len, len + tag - 1, 7),
			 -EMSGSIZE);
	ck_assert_int_eq(srtp_evp.protect_rtcp(out, p, len, len + tag + 3, 7),
			 -EMSGSIZE);
	ck_assert_int_eq(srtp_evp.protect(out, p, len, ROOM, 8), -EINVAL);
	ck_assert_int_eq(srtp_evp.protect(out, p, len, ROOM, 7 | 1ull << 48),
			 -EINVAL);
	ck_assert_int_eq(srtp_evp.protect_rtcp(out, p, len, ROOM, 1u << 31),
			 -EINVAL);
	ck_assert_int_eq(srtp_evp.protect(out, p, 11, ROOM, 7), -EINVAL);
	ck_assert_int_eq(srtp_evp.protect(in, p, len, ROOM, 7), -EINVAL);
	ck_assert_int_eq(srtp_evp.unprotect(out, p, len, 7), -EINVAL);
	ck_assert_int_eq(srtp_evp.unprotect_rtcp(out, p, len, &index), -EINVAL);
	/* An extension that would end behind the packet. */
	p[0] |= 0x10;
	p[14] = 0xff;
	ck_assert_int_eq(srtp_evp.protect(out, p, len, ROOM, 7), -EINVAL);
	srtp_evp.free(out);
	srtp_evp.free(in);
	srtp_evp.free(NULL);
	srtp_lib.free(NULL);
}
END_TEST

START_TEST(lib_says_what_it_cannot_do)
{
	struct srtp *out = make(&srtp_lib, SRTP_GCM, SRTP_SEND, 1);
	uint8_t p[ROOM];

	noise(p, 64);
	p[0] = 0x80;
	ck_assert_int_eq(srtp_lib.protect_rtcp(out, p, 64, ROOM, 9), -ENOTSUP);
	for (uint32_t ssrc = 100; ssrc < 100 + SRTP_LIB_SSRCS - 1; ssrc++) {
		size_t len = build(p, 0, ssrc, 1, 20);

		ck_assert_int_gt(srtp_lib.protect(out, p, len, ROOM, 1), 0);
	}
	ck_assert_int_eq(srtp_lib.protect(out, p, build(p, 0, 5, 1, 20), ROOM,
					  1), -ENOSPC);
	srtp_lib.free(out);
}
END_TEST

/* A context made in a forked child agrees with its parent's, byte for byte. */
START_TEST(a_context_of_a_forked_child_is_sound)
{
	enum srtp_profile profile = profiles[_i];
	struct srtp *in;
	uint8_t p[ROOM], clear[ROOM];
	size_t len;
	ssize_t n;
	pid_t pid;
	int fds[2];

	ck_assert_int_eq(srtp_warm(), 0);
	ck_assert_int_eq(pipe(fds), 0);
	len = build(p, 6, 77, 500, 333);
	memcpy(clear, p, len);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct srtp *out = make(&srtp_evp, profile, SRTP_SEND, 9);
		int got = srtp_evp.protect(out, p, len, ROOM, 500);

		_exit(got < 0 || write(fds[1], p, (size_t)got) != got);
	}
	ck_assert_int_eq(waitpid(pid, &(int){ 0 }, 0), pid);
	n = read(fds[0], p, sizeof(p));
	in = make(&srtp_evp, profile, SRTP_RECV, 9);
	ck_assert_int_eq(srtp_evp.unprotect(in, p, (size_t)n, 500), (int)len);
	ck_assert_mem_eq(p, clear, len);
	srtp_evp.free(in);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("srtp");
	TCase *t = tcase_create("srtp");
	int each = ARRAY_LEN(profiles);
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, rfc3711_b3_key_derivation);
	tcase_add_test(t, rfc3711_b2_key_stream);
	tcase_add_test(t, rfc7714_16_rtp);
	tcase_add_test(t, rfc7714_17_rtcp);
	tcase_add_test(t, rtcp_in_clear_is_refused);
	tcase_add_test(t, authentic_rtcp_in_clear_is_refused);
	tcase_add_loop_test(t, rtp_of_one_opens_in_the_other, 0, PAIRS);
	tcase_add_loop_test(t, roll_over_counter_is_the_callers, 0, PAIRS);
	tcase_add_loop_test(t, rtcp_of_one_opens_in_the_other, 0, PAIRS);
	tcase_add_loop_test(t, every_flipped_bit_and_every_cut_is_refused, 0,
			    each);
	tcase_add_loop_test(t, every_flipped_bit_of_rtcp_is_refused, 0, each);
	tcase_add_loop_test(t, wrong_roll_over_counter_is_refused, 0, each);
	tcase_add_loop_test(t, bad_arguments_are_told, 0, each);
	tcase_add_test(t, lib_says_what_it_cannot_do);
	tcase_add_loop_test(t, a_context_of_a_forked_child_is_sound, 0, each);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
