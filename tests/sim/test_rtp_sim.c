/*
 * test_rtp_sim.c - ten minutes of picture call over bad links
 *
 * Repair must bring every picture where time allows, no picture may be torn
 * or given out without its reference, and feedback must tell the truth. A
 * failing row names itself and its seed.
 */

#include "tests/sim/rtp_call.h"
#include "tests/unit/suite.h"

#include <stdio.h>

enum { CALL_MS = 600000, DRAIN_MS = 3000 };

struct scenario {
	const char *what;
	uint64_t seed;
	enum rtp_codec codec;
	struct net_cfg forth, back;
	uint32_t hole_wait_us;
	double pictures;	/* at least this part of them */
	unsigned keys_asked;	/* at most */
	int delay_max_ms;
};

static const struct scenario table[] = {
	{ "clean", 1, RTP_VP9, { .delay_us = 30000 }, { .delay_us = 30000 },
	  200000, 1.0, 0, 70 },
	{ "loss 5 %, all repaired", 2, RTP_VP9,
	  { .delay_us = 30000, .jitter_us = 5000, .loss = 0.05 },
	  { .delay_us = 30000, .jitter_us = 5000, .loss = 0.05 },
	  900000, 1.0, 0, 700 },
	{ "loss 20 %, all repaired", 3, RTP_VP8,
	  { .delay_us = 20000, .jitter_us = 5000, .loss = 0.2 },
	  { .delay_us = 20000, .jitter_us = 5000, .loss = 0.2 },
	  900000, 1.0, 0, 900 },
	{ "loss 20 %, no time to repair twice", 4, RTP_VP9,
	  { .delay_us = 40000, .loss = 0.2 }, { .delay_us = 40000 },
	  110000, 0.3, 1500, 400 },
	{ "reordering 20 %", 5, RTP_VP8,
	  { .delay_us = 20000, .reorder = 0.2 }, { .delay_us = 20000 },
	  200000, 1.0, 0, 110 },
	{ "duplicates 30 %", 6, RTP_VP9,
	  { .delay_us = 20000, .duplicate = 0.3 }, { .delay_us = 20000 },
	  200000, 1.0, 0, 60 },
	{ "bursts of 10 packets", 7, RTP_VP8,
	  { .delay_us = 30000, .burst_begin = 0.004, .burst_end = 0.1 },
	  { .delay_us = 30000 }, 900000, 1.0, 0, 1500 },
	{ "all of it", 8, RTP_VP9,
	  { .delay_us = 30000, .jitter_us = 20000, .loss = 0.05,
	    .burst_begin = 0.002, .burst_end = 0.2, .reorder = 0.1,
	    .duplicate = 0.1 },
	  { .delay_us = 30000, .jitter_us = 20000, .loss = 0.05,
	    .reorder = 0.1, .duplicate = 0.1 },
	  900000, 0.999, 3, 1000 },
};

static struct rtp_call *start(const struct scenario *s)
{
	struct rtp_call_cfg cfg = {
		.seed = s->seed,
		.forth = s->forth,
		.back = s->back,
		.codec = s->codec,
		.bps = 600000,
		.feedback = true,
		.hole_wait_us = s->hole_wait_us,
		.audio_bps = 32000,
		.first_seq = 65000,
	};

	return rtp_call_new(&cfg);
}

static void print(const struct scenario *s, struct rtp_call *c)
{
	const struct rtp_call_stats *st = rtp_call_stats(c);
	struct assembler_stats as;
	struct rtp_send_stats ss;
	struct rtp_recv_stats rs;
	struct estimate_stats es;

	rtp_call_get(c, &ss, &rs, &as, &es);
	printf("%s: %u of %u pictures, %u keys asked, delay mean %.1f max "
	       "%.1f ms, %.1f %% lost, %.1f %% sent again\n", s->what, st->got,
	       st->sent, st->keys_asked,
	       (double)st->delay_sum_us / st->got / 1000,
	       (double)st->delay_max_us / 1000,
	       100.0 - 100.0 * (double)(rs.packets - ss.resent) /
			       (double)ss.packets,
	       100.0 * (double)ss.resent / (double)ss.packets);
}

START_TEST(ten_minutes)
{
	const struct scenario *s = &table[_i];
	struct rtp_call *c = start(s);
	const struct rtp_call_stats *st = rtp_call_stats(c);

	rtp_call_run(c, CALL_MS);
	rtp_call_stop_source(c);
	rtp_call_run(c, DRAIN_MS);
	print(s, c);
	ck_assert_msg(st->torn == 0, "%s (seed %d): %u torn", s->what,
		      (int)s->seed, st->torn);
	ck_assert_msg(st->out_of_order == 0 && st->undecodable == 0,
		      "%s (seed %d): %u out of order, %u undecodable", s->what,
		      (int)s->seed, st->out_of_order, st->undecodable);
	ck_assert_msg(st->got >= s->pictures * st->sent &&
		      st->got <= st->sent, "%s (seed %d): %u of %u", s->what,
		      (int)s->seed, st->got, st->sent);
	ck_assert_msg(st->keys_asked <= s->keys_asked,
		      "%s (seed %d): %u key pictures asked", s->what,
		      (int)s->seed, st->keys_asked);
	ck_assert_msg(st->delay_max_us <= s->delay_max_ms * 1000ll,
		      "%s (seed %d): delay %d us", s->what, (int)s->seed,
		      (int)st->delay_max_us);
	ck_assert_msg(st->told > 10000 && st->told_wrong == 0,
		      "%s (seed %d): feedback wrong %d of %d", s->what,
		      (int)s->seed, (int)st->told_wrong, (int)st->told);
	rtp_call_free(c);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_call)
{
	struct rtp_call_stats first;

	for (int i = 0; i < 2; i++) {
		struct rtp_call *c = start(&table[7]);
		const struct rtp_call_stats *st = rtp_call_stats(c);

		rtp_call_run(c, 30000);
		if (i == 0) {
			first = *st;
		} else {
			ck_assert_uint_eq(first.got, st->got);
			ck_assert_int_eq(first.delay_sum_us,
					 st->delay_sum_us);
			ck_assert_uint_eq(first.told, st->told);
		}
		rtp_call_free(c);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rtp_sim");
	TCase *c = tcase_create("calls");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, ten_minutes, 0, ARRAY_LEN(table));
	tcase_add_test(c, the_same_seed_gives_the_same_call);
	suite_add_tcase(s, c);

	return suite_run(s);
}
