/*
 * h2.h - the server's side of one HTTP/2 connection (RFC 9113), no socket
 *
 * Bytes of the far end go in by h2_recv(), what we say comes out of
 * h2_poll(); requests come as calls of struct h2_events, answers are given
 * by h2_head(), h2_body(), h2_finish() or h2_reset().
 *
 * Units    struct mono; bytes.
 * Memory   A stream lives in its connection. It is the service's from
 *          `begin` until h2_finish(), h2_reset() or `gone`; after that the
 *          pointer is dead. Bytes and spans are borrowed during a call.
 * Errors   Negative errno. What the far end does wrong is answered here:
 *          a stream error by RST_STREAM, a connection error and misuse by
 *          GOAWAY, after which h2_is_done() becomes true once all is sent.
 * Order    Events come from inside h2_recv() and h2_poll() only, never from
 *          inside a call about a stream; `writable` and `gone` come when
 *          the library is at rest. Any function about streams may be called
 *          from an event. h2_recv(), h2_poll() and h2_free() may not.
 * Trust    The bytes are a stranger's. The limits below are counted here;
 *          no misuse allocates more than they say.
 */
#ifndef PORT_H2_H
#define PORT_H2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/mono.h"
#include "core/http/h1.h"

enum {
	H2_STREAMS_MAX = 100,	/* at the same time */
	H2_HEADERS_BYTES = 16384,	/* name + value + 32 of each field */
	H2_CONTINUATIONS_MAX = 8,	/* of one header block */
	H2_BLOCK_MORE = 4096,	/* a block as it comes may have so many more */
	H2_BLOCK_BYTES = H2_HEADERS_BYTES + H2_BLOCK_MORE,
	H2_WINDOW = 65535,	/* bytes of request body under way, a stream */
	H2_STREAM_QUEUE = 262144,	/* bytes of one answer, unsent */
	H2_QUEUE = 1048576,	/* of all answers of a connection */
	H2_OUTBOUND_MAX = 1024,	/* frames of ours that wait to be sent */
	H2_ACKS_MAX = 512,	/* PING and SETTINGS answers among them */
	H2_EMPTY_DATA_MAX = 100,	/* of one stream */
	H2_SETTINGS_MAX = 64,	/* entries of one frame */
	H2_RESETS_PER_S = 20,	/* streams taken back or refused */
	H2_RESETS_BURST = 5 * H2_RESETS_PER_S,
	H2_CONTROLS_PER_S = 200,	/* PING, SETTINGS, PRIORITY, unknown,
				   empty DATA */
	H2_CONTROLS_BURST = 2 * H2_CONTROLS_PER_S,
	H2_WINDOWS_PER_S = 2000,	/* WINDOW_UPDATE */
	H2_WINDOWS_BURST = 2 * H2_WINDOWS_PER_S,
	H2_PINGS = 2,		/* unanswered */
};

/* Spans of time, microseconds. */
#define H2_HEAD_US 5000000	/* until the first SETTINGS; a header block */
#define H2_PING_US 20000000	/* of silence; H2_PINGS unanswered end it */
#define H2_FIRST_US 10000000	/* until the first request: GOAWAY */
#define H2_IDLE_US 60000000	/* afterwards without a stream: GOAWAY */
#define H2_REST_US 1000000	/* of a request after its answer: reset */
#define H2_STALL_US 60000000	/* an answer that does not move: reset */

struct h2;
struct h2_stream;

struct h2_request {
	struct h1_span method, scheme, authority;
	struct h1_span path;	/* with the query; at NULL for CONNECT */
	const struct h1_header *headers;	/* no pseudo headers */
	unsigned headers_len;
	bool has_length;
	uint64_t length;
	bool ended;		/* no body; `end` follows all the same */
};

struct h2_events {
	void (*begin)(struct h2_stream *s, const struct h2_request *r,
		      struct mono now, void *arg);
	void (*body)(void *who, const void *bytes, size_t len,
		     struct mono now);
	void (*end)(void *who, struct mono now);
	/* Room again after -ENOBUFS. */
	void (*writable)(void *who, struct mono now);
	/* The stream is over before its answer was. lost: h2_end()'s. */
	void (*gone)(void *who, bool lost, struct mono now);
};

/* What may be set; the rest is as above. */
struct h2_caps {
	unsigned streams;	/* 1 to H2_STREAMS_MAX */
	int64_t head_us;	/* the first SETTINGS, a header block */
	int64_t ping_us;
	unsigned pings;		/* that may stay unanswered */
	unsigned headers_bytes;	/* to H2_HEADERS_BYTES */
	unsigned continuations;
	/* Bursts are 5, 2 and 2 times that. */
	unsigned resets_per_s, controls_per_s, windows_per_s;
	int64_t idle_us, stall_us;
};

#define H2_CAPS ((struct h2_caps){ \
	.streams = H2_STREAMS_MAX, .head_us = H2_HEAD_US, \
	.ping_us = H2_PING_US, .pings = H2_PINGS, \
	.headers_bytes = H2_HEADERS_BYTES, \
	.continuations = H2_CONTINUATIONS_MAX, \
	.resets_per_s = H2_RESETS_PER_S, \
	.controls_per_s = H2_CONTROLS_PER_S, \
	.windows_per_s = H2_WINDOWS_PER_S, \
	.idle_us = H2_IDLE_US, .stall_us = H2_STALL_US })

/* caps are copied; events and what they stand on outlive the connection.
 * -ENOMEM. */
int h2_new(struct h2 **out, const struct h2_caps *caps,
	   const struct h2_events *events, void *arg, struct mono now) MUST_USE;

/*
 * The connection is over: `gone` for every stream. lost: the far end went
 * without a word; a GOAWAY from it, or ours, makes it false.
 */
void h2_end(struct h2 *h, bool lost, struct mono now);

/* Calls nobody. NULL is fine. */
void h2_free(struct h2 *h);

/* Takes all bytes. -EPROTO: that was the end; poll, write, then close. */
int h2_recv(struct h2 *h, const void *bytes, size_t len, struct mono now)
	MUST_USE;

/* The next bytes to write, valid until the next call; their number, 0 when
 * there are none now, or -EPROTO. */
int h2_poll(struct h2 *h, const uint8_t **bytes, struct mono now) MUST_USE;

/* Time passed: once a second. -ETIMEDOUT: the far end is gone or never said
 * anything. */
int h2_tick(struct h2 *h, struct mono now) MUST_USE;

/* Requests that came are answered, new ones go elsewhere. Idempotent. */
void h2_farewell(struct h2 *h, struct mono now);

/* Nothing to hear or say any more: close when the last bytes are out. */
bool h2_is_done(const struct h2 *h);

/* Whether a GOAWAY was said by either side. */
bool h2_is_leaving(const struct h2 *h);

/* Streams that have not ended. */
unsigned h2_streams(const struct h2 *h);

/* Requests since the beginning. */
uint64_t h2_requests(const struct h2 *h);

/* Why we ended it, for the log; "" when we did not. */
const char *h2_why(const struct h2 *h);

/* Whether that was for what the far end did. */
bool h2_is_blamed(const struct h2 *h);

/* The `who` of this stream's events: first thing in `begin`. */
void h2_attach(struct h2_stream *s, void *who);

struct h2_head {
	unsigned status;
	const struct h1_header *headers;	/* any case */
	unsigned headers_len;
	bool has_length;
	uint64_t length;
	bool last;		/* END_STREAM; counts as h2_finish() */
};

/*
 * Headers of HTTP/1.1's connection are left out. -EALREADY: was given.
 * -EINVAL: a field that HTTP forbids. -EPIPE: `gone` is on its way.
 * -ENOMEM.
 */
int h2_head(struct h2_stream *s, const struct h2_head *head) MUST_USE;

/*
 * Copies, unless `lives` says that the bytes last as long as the process
 * (then outside the caps). -ENOBUFS: over a cap, nothing queued; `writable`
 * follows. -EPIPE: as above. -EINVAL: before the head. -ENOMEM.
 */
int h2_body(struct h2_stream *s, const void *bytes, size_t len, bool lives)
	MUST_USE;

/* The end, with trailers or none. -EINVAL: before the head, or a forbidden
 * field; -ENOMEM; the stream is reset then and the service's no more. */
int h2_finish(struct h2_stream *s, const struct h1_header *trailers,
	      unsigned len) MUST_USE;

/* RST_STREAM(INTERNAL_ERROR); the service's no more. */
void h2_reset(struct h2_stream *s);

/* Bytes of this answer that wait. */
size_t h2_queued(const struct h2_stream *s);

/*
 * off: no more credit for this request. What is under way, at most
 * H2_WINDOW bytes, still comes. Other streams go on.
 */
void h2_read(struct h2_stream *s, bool on);

#endif
