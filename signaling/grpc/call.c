/*
 * call.c - one gRPC call: messages in, messages out, its end
 *
 * A call is over in two steps: `ended` when a status is known and nobody is
 * asked any more, `done` when that status has gone to the transport or the
 * transport has gone. The second waits while a large message is on its way.
 * It is freed when it is done and none of its functions is on the stack.
 */

#include "signaling/grpc/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "signaling/door.h"
#include "signaling/grpc/carry.h"
#include "signaling/grpc/services.h"
#include "signaling/member.h"

static void enter(struct grpc_call *c)
{
	c->busy++;
}

static void leave(struct grpc_call *c)
{
	if (--c->busy || !c->done)
		return;
	loop_untimer(&c->deadline);
	loop_untimer(&c->later);
	loop_untimer(&c->stuck);
	if (c->method && c->method->fini)
		c->method->fini(c, !c->lost, mono_now());
	grpc_frames_fini(&c->frames);
	text_fini(&c->head);
	text_fini(&c->tail);
	free(c->request);
	free(c->rest.at);
	free(c);
}

struct grpc_call *grpc_call_new(struct door *door, enum grpc_mode mode,
				struct mono now)
{
	struct grpc_call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->door = door;
	c->mode = mode;
	c->start = now;
	c->due = MONO_NEVER;
	c->frames.max = grpc_message_max;
	/* The setting can only ask for less than the codecs take. */
	if (door->limits->message_bytes < PB_MESSAGE_MAX)
		c->frames.max = door->limits->message_bytes;

	return c;
}

/* What the client is told when it is not a status of the service. */
static void finish(struct grpc_call *c)
{
	if (c->done || c->rest.at)
		return;
	c->done = true;
	if (c->x || c->has_talk)
		carry_end(c);
}

static void set_stuck(struct grpc_call *c);

/* Cut, where it is too long, between two characters. */
static void copy_why(char out[GRPC_TEXT_MAX], const char *why)
{
	size_t len = why ? strlen(why) : 0;

	if (len >= GRPC_TEXT_MAX) {
		len = GRPC_TEXT_MAX - 1;
		while (len && (why[len] & 0xc0) == 0x80)
			len--;
	}
	if (len)
		memcpy(out, why, len);
	out[len] = '\0';
}

/* From where the call is entered already. */
static void end(struct grpc_call *c, unsigned status, const char *why)
{
	if (c->ended)
		return;
	c->ended = true;
	c->status = status;
	copy_why(c->why, why);
	loop_untimer(&c->deadline);
	loop_untimer(&c->later);
	if (c->method)
		grpc_log(c, strrchr(c->method->path, '/') + 1, c->start,
			 status);
	finish(c);
	if (!c->done)
		set_stuck(c);
}

void grpc_end(struct grpc_call *c, unsigned status, const char *why)
{
	enter(c);
	end(c, status, why);
	leave(c);
}

static void on_stuck(struct mono now, void *arg)
{
	struct grpc_call *c = arg;

	(void)now;
	enter(c);
	metrics_add(c->door->world->metrics, M_SLOW_DROPPED);
	if (c->rest.at) {
		/* Half a message is out: no status can follow it. */
		free(c->rest.at);
		c->rest = (struct pb_bytes){ 0 };
		http_reset(c->x);
		c->x = NULL;
	}
	end(c, GRPC_RESOURCE_EXHAUSTED, "the answers are not read");
	c->done = true;
	leave(c);
}

static void set_stuck(struct grpc_call *c)
{
	if (c->is_stuck)
		return;
	c->is_stuck = true;
	loop_timer(c->door->loop, &c->stuck,
		   mono_add(mono_now(), GRPC_STUCK_US), on_stuck, c);
}

static void on_later(struct mono now, void *arg)
{
	struct grpc_call *c = arg;

	(void)now;
	grpc_end(c, c->later_status, c->later_why);
}

void grpc_end_later(struct grpc_call *c, unsigned status, const char *why)
{
	if (c->ended || c->later_status)
		return;
	c->later_status = status;
	copy_why(c->later_why, why);
	loop_timer(c->door->loop, &c->later, mono_at(0), on_later, c);
}

void grpc_log(struct grpc_call *c, const char *method, struct mono start,
	      unsigned status)
{
	struct metrics *m = c->door->world->metrics;

	metrics_add(m, M_CALL_GRPC);
	if (status != GRPC_OK)
		metrics_add(m, M_CALL_FAILED_GRPC);
	access_log("grpc", c->name, method, start, mono_now(),
		   status == GRPC_OK ? "ok" : grpc_status_name(status));
}

/* Out. */

struct h1_span grpc_metadata(const struct grpc_call *c, const char *name)
{
	return h1_find(c->headers, c->headers_len, name);
}

static void put_extra(struct text *t, const char *name, struct h1_span value)
{
	text_put(t, name, strlen(name) + 1);
	text_put(t, value.at, value.len);
	text_put(t, "", 1);
}

void grpc_header(struct grpc_call *c, const char *name, struct h1_span value)
{
	put_extra(&c->head, name, value);
}

void grpc_trailer(struct grpc_call *c, const char *name, struct h1_span value)
{
	put_extra(&c->tail, name, value);
}

int grpc_send(struct grpc_call *c, struct pb_bytes message)
{
	int err = c->ended ? -EPIPE : carry_head(c);

	grpc_frame_head(message.at, 0, message.len - GRPC_HEAD);
	if (!err)
		err = carry_frame(c, &message);
	if (err)
		free(message.at);
	if (err == -ENOBUFS || c->rest.at)
		set_stuck(c);

	return err;
}

/* In. */

static void on_deadline(struct mono now, void *arg)
{
	struct grpc_call *c = arg;
	char why[64] = "deadline exceeded";

	if (mono_before(now, c->due))
		snprintf(why, sizeof(why), "no request within %u s",
			 c->door->limits->announce_timeout_s);
	grpc_end(c, GRPC_DEADLINE_EXCEEDED, why);
}

int64_t grpc_patience_us(const struct grpc_call *c)
{
	return c->door->limits->announce_timeout_s * (int64_t)1000000;
}

static void set_deadline(struct grpc_call *c, struct mono due)
{
	loop_timer(c->door->loop, &c->deadline, due, on_deadline, c);
}

static bool read_timeout(struct grpc_call *c, struct mono now)
{
	struct h1_span v = grpc_metadata(c, "grpc-timeout");
	int64_t us;

	if (!v.at)
		return true;
	if (grpc_timeout(v, &us)) {
		end(c, GRPC_INVALID_ARGUMENT,
			 "grpc-timeout is not 1 to 8 digits and one of HMSmun");
		return false;
	}
	c->due = mono_add(now, us);

	return true;
}

static void unknown(struct grpc_call *c, struct h1_span path)
{
	char why[256];

	snprintf(why, sizeof(why), "unknown method %.*s",
		 (int)(path.len < 200 ? path.len : 200), path.at);
	end(c, GRPC_UNIMPLEMENTED, why);
	metrics_add(c->door->world->metrics, M_GRPC_BAD);
}

void grpc_call_begin(struct grpc_call *c, struct h1_span path,
		     const struct h1_header *headers, unsigned headers_len,
		     struct mono now)
{
	int64_t patience = grpc_patience_us(c);

	enter(c);
	c->headers = headers;
	c->headers_len = headers_len;
	c->method = grpc_method_find(path);
	if (!c->method) {
		unknown(c, path);
	} else if (read_timeout(c, now)) {
		set_deadline(c, c->method->streams_in
					? c->due
					: mono_min(c->due,
						   mono_add(now,
							    patience)));
		if (c->method->begin)
			c->method->begin(c, now);
		if (!c->ended && c->method->streams_out && carry_head(c))
			end(c, GRPC_UNAVAILABLE, "no room");
	}
	c->headers = NULL;
	c->headers_len = 0;
	leave(c);
}

/* The one message of a method that wants one. */
static void keep_request(struct grpc_call *c, const struct grpc_message *m)
{
	if (c->requests++) {
		end(c, GRPC_INTERNAL, "more than one request message");
		return;
	}
	c->request = malloc(m->len ? m->len : 1);
	if (!c->request) {
		end(c, GRPC_RESOURCE_EXHAUSTED, "no memory");
		return;
	}
	memcpy(c->request, m->bytes, m->len);
	c->request_len = m->len;
}

static void frame_error(struct grpc_call *c, int err)
{
	char why[80];

	metrics_add(c->door->world->metrics, M_GRPC_BAD);
	switch (err) {
	case -EMSGSIZE:
		snprintf(why, sizeof(why), "a message of over %zu bytes",
			 c->frames.max);
		end(c, GRPC_RESOURCE_EXHAUSTED, why);
		break;
	case -EOPNOTSUPP:
		end(c, GRPC_UNIMPLEMENTED,
			 "compressed messages are not read; "
			 "grpc-accept-encoding: identity");
		break;
	case -EBADMSG:
		end(c, GRPC_INTERNAL, "not a gRPC frame");
		break;
	default:
		end(c, GRPC_RESOURCE_EXHAUSTED, "no memory");
	}
}

static void take(struct grpc_call *c, const void *bytes, size_t len,
		 struct mono now)
{
	struct buf_in in = buf_in(bytes, len);
	struct grpc_message m;
	int ret = 1;

	while (!c->ended && ret > 0) {
		ret = grpc_frames_next(&c->frames, &in, &m);
		if (ret < 0)
			frame_error(c, ret);
		else if (ret > 0 && c->method->streams_in)
			c->method->message(c, m.bytes, m.len, now);
		else if (ret > 0)
			keep_request(c, &m);
	}
}

static void take_text(struct grpc_call *c, const void *bytes, size_t len,
		      struct mono now)
{
	uint8_t part[3 * 512];
	const char *at = bytes;

	while (len && !c->ended) {
		/* Room for a group that began before. */
		size_t step = len < 2040 ? len : 2040;
		int n = b64_read(&c->base64, at, step, part);

		if (n < 0) {
			metrics_add(c->door->world->metrics, M_GRPC_BAD);
			end(c, GRPC_INTERNAL, "not base64");
			return;
		}
		take(c, part, (size_t)n, now);
		at += step;
		len -= step;
	}
}

void grpc_call_bytes(struct grpc_call *c, const void *bytes, size_t len,
		     struct mono now)
{
	enter(c);
	if (!c->ended && !c->half_closed) {
		if (c->mode == GRPC_WEB_TEXT)
			take_text(c, bytes, len, now);
		else
			take(c, bytes, len, now);
	}
	leave(c);
}

static void give_request(struct grpc_call *c, struct mono now)
{
	set_deadline(c, c->due);
	if (c->requests == 0)
		end(c, GRPC_INTERNAL, "no request message");
	else
		c->method->message(c, c->request, c->request_len, now);
	free(c->request);
	c->request = NULL;
}

void grpc_call_half_close(struct grpc_call *c, struct mono now)
{
	enter(c);
	if (!c->ended && !c->half_closed) {
		c->half_closed = true;
		if (!grpc_frames_whole(&c->frames) ||
		    !b64_whole(&c->base64))
			end(c, GRPC_INTERNAL,
				 "the request ends inside a message");
		else if (c->method->streams_in)
			c->method->half_close(c, now);
		else
			give_request(c, now);
	}
	leave(c);
}

void grpc_call_writable(struct grpc_call *c, struct mono now)
{
	int ret = 1;

	enter(c);
	if (c->rest.at)
		ret = carry_rest(c);
	if (ret < 0)
		end(c, GRPC_INTERNAL, "the answer cannot be sent");
	if (ret > 0) {
		c->is_stuck = false;
		loop_untimer(&c->stuck);
		if (!c->ended && c->method->writable)
			c->method->writable(c, now);
		if (c->ended)
			finish(c);
	} else if (c->is_stuck) {
		/* It reads, if slowly. */
		loop_timer(c->door->loop, &c->stuck,
			   mono_add(now, GRPC_STUCK_US), on_stuck, c);
	}
	leave(c);
}

void grpc_call_gone(struct grpc_call *c, bool lost, struct mono now)
{
	(void)now;
	enter(c);
	c->x = NULL;
	c->has_talk = false;
	c->lost = lost;
	free(c->rest.at);
	c->rest = (struct pb_bytes){ 0 };
	end(c, GRPC_CANCELLED, "");
	c->done = true;
	leave(c);
}
