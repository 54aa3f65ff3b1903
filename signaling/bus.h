/*
 * bus.h - the link to the broker: its messages in and out
 *
 * Wraps common/channel: says hello to each broker that dials, hands what it
 * says to `calls`. Log lines go this way too, and to stderr while it is
 * away.
 *
 * A frame that breaks the contract of proto/msg.h ends the connection. A
 * frame that keeps it but relays rubbish of a worker is dropped and counted.
 */
#ifndef SIGNALING_BUS_H
#define SIGNALING_BUS_H

#include "common/channel.h"
#include "proto/wire.h"
#include "signaling/calls.h"

enum { BUS_CTL_FD = 3, BUS_FDS_FD = 4 };

struct bus {
	struct channel *channel;
	struct wire wire;
	struct calls *calls;
	enum phase phase;
	bool ready;		/* the broker has answered our hello */
	struct mono away;	/* since when not; MONO_NEVER while ready */
	struct msg_signaling_start start;
	struct msg_broker_stats stats;
	bool stats_told;	/* by the broker that is there now */
	uint64_t dropped;	/* messages with contents nobody may have */
	struct mono drops_told;	/* not logged again before */
	int64_t (*wall_ms)(void);
	/* Answers to bus_control(); set it before the loop runs, or leave it.
	 * text: JSON, or with an error words for humans. */
	void (*on_control)(uint64_t request, enum control_error error,
			   const char *text, void *arg);
	void *control_arg;
	/* A renewed certificate and its key, open for reading; it takes them.
	 * Set it before the loop runs, or leave it. */
	void (*on_tls)(int cert_fd, int key_fd, void *arg);
	void *tls_arg;
	const int *fds;		/* of the frame that is being taken; NULL: no
				   longer ours to close */
};

/* calls may be set later, before the loop runs. */
int bus_open(struct bus *b, struct loop *loop, int64_t (*wall_ms)(void),
	     struct mono now) MUST_USE;
void bus_close(struct bus *b);

/* -ENOTCONN while the broker is away; else as channel_send(). */
int bus_call_open(struct bus *b, uint64_t call, const char *peer,
		  const char *session) MUST_USE;
int bus_call_want(struct bus *b, uint64_t call, unsigned kinds) MUST_USE;
int bus_call_describe(struct bus *b, uint64_t call,
		      enum description_kind kind, const char *sdp) MUST_USE;
int bus_call_trickle(struct bus *b, uint64_t call, const char *line) MUST_USE;
int bus_call_close(struct bus *b, uint64_t call) MUST_USE;

/* call: calls_number(). The answer comes by on_control; none when the broker
 * dies meanwhile. -EMSGSIZE: more than MSG_CONTROL. */
int bus_control(struct bus *b, uint64_t call, uint64_t request,
		const char *json) MUST_USE;

#endif
