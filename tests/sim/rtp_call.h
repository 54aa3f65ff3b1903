/*
 * rtp_call.h - a picture sender and its receiver over two simulated links
 *
 * The sender makes coded pictures whose bytes follow from their number, so
 * that the receiver knows every picture it is given. All cores under test
 * stand in between: pack, send, pacer, estimate; recv, nack, assembler,
 * arrival; RTCP both ways.
 */
#ifndef TESTS_SIM_RTP_CALL_H
#define TESTS_SIM_RTP_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/cc/estimate.h"
#include "core/rtp/assembler.h"
#include "core/rtp/recv.h"
#include "core/rtp/send.h"
#include "tests/sim/net.h"

struct rtp_call;

struct rtp_call_cfg {
	uint64_t seed;
	struct net_cfg forth, back;	/* seeds are set from `seed` */
	enum rtp_codec codec;
	uint32_t bps;			/* of the source; 0: follow the
					   estimate */
	unsigned key_every;		/* pictures; 0 only when asked */
	bool feedback;			/* transport-wide */
	uint32_t hole_wait_us;
	uint32_t audio_bps;		/* sent beside, not repaired */
	uint16_t first_seq;
};

struct rtp_call_stats {
	unsigned sent, got;		/* pictures */
	unsigned torn, out_of_order;	/* must be 0 */
	unsigned undecodable;		/* given out without its reference */
	unsigned keys_asked, keys_sent;
	int64_t delay_max_us, delay_sum_us;	/* capture to given out */
	int64_t longest_gap_us;		/* between pictures given out */
	uint64_t told_wrong;		/* feedback that is not the truth */
	uint64_t told;			/* packets told of */
	double target_sum;		/* of the estimate, each ms */
	int64_t target_ms;
	uint32_t target;
	int64_t queue_max_us;		/* of the bottleneck */
};

struct rtp_call *rtp_call_new(const struct rtp_call_cfg *cfg);
void rtp_call_free(struct rtp_call *c);

/* Lets the call run for so many milliseconds. */
void rtp_call_run(struct rtp_call *c, int64_t ms);

/* Change the bottleneck of the way forth. */
void rtp_call_set_rate(struct rtp_call *c, int64_t bps);

/* Forget sums and extremes: what follows is judged alone. */
void rtp_call_reset_stats(struct rtp_call *c);

/* No new pictures: what is under way may arrive. */
void rtp_call_stop_source(struct rtp_call *c);

const struct rtp_call_stats *rtp_call_stats(struct rtp_call *c);
void rtp_call_get(struct rtp_call *c, struct rtp_send_stats *send,
		  struct rtp_recv_stats *recv, struct assembler_stats *asm_,
		  struct estimate_stats *est);

#endif
