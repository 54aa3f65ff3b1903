/*
 * h2.c - libnghttp2 behind h2.h
 *
 * The library parses, keeps the windows and writes frames. Around it:
 * h2_meter.c sees all bytes first, h2_fields.c keeps the header block that
 * is being read, h2_queue.c what an answer still has to say.
 *
 * A stream has two owners, the service (attached) and the library (until
 * closed); who leaves last frees it. What a service is told while the
 * library is in the middle of something (`gone`, `writable`) waits in the
 * list of news until the library has returned.
 */
#include "port/h2.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/h2_fields.h"
#include "port/h2_meter.h"
#include "port/h2_queue.h"

enum {
	CONNECTION_WINDOW = 1048576,
	SEND_HEADERS_MAX = H1_HEADERS_MAX,
	RESETS_KNOWN = 128,
	LEAVE_US = 1000000,	/* from the notice to the last word */
};

struct h2 {
	nghttp2_session *session;
	struct h2_caps caps;
	const struct h2_events *events;
	void *arg;
	struct mono now;	/* of the call that runs */
	struct h2_meter meter;
	struct h2_bucket resets;	/* that errors made us send */
	struct h2_fields fields;
	struct h2_stream *first;
	struct h2_stream *news, **news_end;
	size_t copied;		/* bytes in queues of all streams */
	unsigned open;
	uint64_t requests;
	const char *why;
	int32_t last_id;	/* the highest stream that came */
	/* The last streams that we reset: of those frames may be under way. */
	int32_t reset_ids[RESETS_KNOWN];
	unsigned resets_sent;
	struct mono heard, pinged, idle_since, leave_at;
	unsigned unanswered;
	bool started, failed, leaving;
	bool told;		/* a GOAWAY came */
	bool blamed;		/* `why` is the far end's doing */
	bool blocked;		/* some stream waits for room */
};

struct h2_stream {
	struct h2 *h;
	struct h2_stream *prev, *next, *next_news;
	void *who;
	int32_t id;
	bool attached;		/* a service has it */
	bool closed;		/* the library has not */
	bool in_news, is_gone;
	bool headed, finished, deferred, blocked, ours;
	bool ended;		/* the request is all here */
	bool reading;
	unsigned empty;		/* DATA frames */
	size_t unread;		/* bytes without credit while not reading */
	struct h2_queue queue;
	nghttp2_nv *trailers;
	size_t trailers_len;
	struct mono moved;
	struct mono over_at;	/* our END_STREAM; MONO_NEVER before */
};

/* The end of it, in our words. The first reason stays. */
static void quit(struct h2 *h, uint32_t code, const char *why)
{
	if (h->why[0])
		return;
	h->why = why;
	h->blamed = code != NGHTTP2_NO_ERROR && code != NGHTTP2_INTERNAL_ERROR;
	/* Out of memory: the connection is closed without a word. */
	if (nghttp2_session_terminate_session(h->session, code))
		h->failed = true;
}

/* News for services. */

static void tell_later(struct h2_stream *s)
{
	if (s->in_news)
		return;
	s->in_news = true;
	s->next_news = NULL;
	*s->h->news_end = s;
	s->h->news_end = &s->next_news;
}

/* Room for half a queue again: tell those who wait. */
static void room_made(struct h2 *h)
{
	if (!h->blocked || h->copied > H2_QUEUE / 2)
		return;
	h->blocked = false;
	for (struct h2_stream *s = h->first; s; s = s->next) {
		if (s->blocked && s->queue.copied <= H2_STREAM_QUEUE / 2)
			tell_later(s);
		else
			h->blocked |= s->blocked;
	}
}

static void drop_queue(struct h2_stream *s)
{
	s->blocked = false;
	s->h->copied -= s->queue.copied;
	h2_queue_clear(&s->queue);
	room_made(s->h);
}

static void stream_free(struct h2_stream *s)
{
	struct h2 *h = s->h;

	drop_queue(s);
	free(s->trailers);
	if (s->prev)
		s->prev->next = s->next;
	else
		h->first = s->next;
	if (s->next)
		s->next->prev = s->prev;
	free(s);
}

/* Free when nobody has it. */
static void stream_settle(struct h2_stream *s)
{
	if (!s->attached && s->closed && !s->in_news)
		stream_free(s);
}

static void detach(struct h2_stream *s)
{
	s->attached = false;
	stream_settle(s);
}

static void tell(struct h2_stream *s)
{
	const struct h2_events *e = s->h->events;
	void *who = s->who;

	if (s->attached && s->is_gone) {
		s->attached = false;
		e->gone(who, false, s->h->now);
	} else if (s->attached && s->blocked) {
		s->blocked = false;
		e->writable(who, s->h->now);
	}
}

/* Whether there were any. */
static bool tell_news(struct h2 *h)
{
	bool any = h->news != NULL;

	while (h->news) {
		struct h2_stream *s = h->news;

		h->news = s->next_news;
		if (!h->news)
			h->news_end = &h->news;
		/* Still in_news: keeps it while it is told. */
		tell(s);
		s->in_news = false;
		if (s->attached && s->is_gone)
			tell_later(s);
		stream_settle(s);
	}

	return any;
}

/* What the library says while it reads. */

/* Unsure when it was long ago. */
static bool may_be_under_way(const struct h2 *h, int32_t id)
{
	for (unsigned i = 0; i < RESETS_KNOWN && i < h->resets_sent; i++)
		if (h->reset_ids[i] == id)
			return true;

	return h->resets_sent > RESETS_KNOWN || h->leaving || h->why[0];
}

/* RFC 9113 5.1.1: HEADERS below the last stream, where none is open. The
 * library would say nothing. */
static bool is_below(struct h2 *h, int32_t id)
{
	if (id % 2 == 0)
		return false;
	if (id > h->last_id) {
		h->last_id = id;
		return false;
	}

	return !nghttp2_session_get_stream_user_data(h->session, id) &&
	       !may_be_under_way(h, id);
}

static int on_begin_frame(nghttp2_session *session,
			  const nghttp2_frame_hd *hd, void *user)
{
	struct h2 *h = user;

	(void)session;
	if (hd->type == NGHTTP2_PRIORITY && !hd->stream_id) {
		quit(h, NGHTTP2_PROTOCOL_ERROR, "PRIORITY of no stream");
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	if (hd->type == NGHTTP2_HEADERS && is_below(h, hd->stream_id)) {
		quit(h, NGHTTP2_PROTOCOL_ERROR, "a stream below the last");
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}

	return 0;
}

static int on_begin_headers(nghttp2_session *session,
			    const nghttp2_frame *frame, void *user)
{
	struct h2 *h = user;
	struct h2_stream *s;

	h2_fields_clear(&h->fields);
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	s->h = h;
	s->id = frame->hd.stream_id;
	s->moved = h->now;
	s->over_at = MONO_NEVER;
	s->reading = true;
	s->next = h->first;
	if (h->first)
		h->first->prev = s;
	h->first = s;
	h->open++;
	nghttp2_session_set_stream_user_data(session, s->id, s);

	return 0;
}

static int count_field(struct h2 *h, size_t name_len, size_t value_len)
{
	if (!h2_fields_count(&h->fields, name_len, value_len,
			     h->caps.headers_bytes))
		return 0;
	quit(h, NGHTTP2_ENHANCE_YOUR_CALM, "a header list too long");

	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
		     const uint8_t *name, size_t name_len,
		     const uint8_t *value, size_t value_len, uint8_t flags,
		     void *user)
{
	struct h2 *h = user;
	int err = count_field(h, name_len, value_len);

	(void)session;
	(void)flags;
	if (err || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return err;

	return h2_fields_add(&h->fields, name, name_len, value, value_len) ?
		       NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

static int on_invalid_header(nghttp2_session *session,
			     const nghttp2_frame *frame, const uint8_t *name,
			     size_t name_len, const uint8_t *value,
			     size_t value_len, uint8_t flags, void *user)
{
	int err = count_field(user, name_len, value_len);

	(void)session;
	(void)frame;
	(void)name;
	(void)value;
	(void)flags;

	return err ? err : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void reset_stream(struct h2_stream *s, uint32_t code)
{
	if (s->closed)
		return;
	s->ours = true;
	if (nghttp2_submit_rst_stream(s->h->session, NGHTTP2_FLAG_NONE, s->id,
				      code))
		s->h->failed = true;
}

/* RFC 9110 10.1.1: the client waits for it before it sends the body. */
static int say_continue(struct h2_stream *s, const struct h2_request *r)
{
	nghttp2_nv nv = {
		(uint8_t *)(uintptr_t)":status", (uint8_t *)(uintptr_t)"100",
		7, 3, NGHTTP2_NV_FLAG_NONE,
	};

	if (r->ended || !s->attached || s->headed || s->closed ||
	    !h1_has_token(r->headers, r->headers_len, "expect",
			  "100-continue"))
		return 0;

	return nghttp2_submit_headers(s->h->session, NGHTTP2_FLAG_NONE, s->id,
				      NULL, &nv, 1, NULL) < 0 ?
		       NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static void request_ended(struct h2_stream *s)
{
	s->ended = true;
	if (s->attached)
		s->h->events->end(s->who, s->h->now);
}

static int request_begun(struct h2_stream *s, bool ended)
{
	struct h2 *h = s->h;
	struct h2_request r;
	int err;

	if (h2_fields_request(&h->fields, &r)) {
		h2_fields_clear(&h->fields);
		return nghttp2_submit_rst_stream(h->session,
						 NGHTTP2_FLAG_NONE, s->id,
						 NGHTTP2_PROTOCOL_ERROR) ?
			       NGHTTP2_ERR_CALLBACK_FAILURE : 0;
	}
	r.ended = ended;
	h->requests++;
	s->attached = true;
	h->events->begin(s, &r, h->now, h->arg);
	err = say_continue(s, &r);
	h2_fields_clear(&h->fields);
	if (ended)
		request_ended(s);

	return err;
}

static int on_data_frame(struct h2 *h, struct h2_stream *s, bool empty,
			 bool ended)
{
	if (empty && !ended && ++s->empty > H2_EMPTY_DATA_MAX) {
		quit(h, NGHTTP2_ENHANCE_YOUR_CALM, "empty DATA frames");
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	if (ended)
		request_ended(s);

	return 0;
}

static int on_frame_recv(nghttp2_session *session,
			 const nghttp2_frame *frame, void *user)
{
	bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	struct h2 *h = user;
	struct h2_stream *s;

	if (frame->hd.type == NGHTTP2_SETTINGS)
		h->started = true;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		h->told = true;
	if (frame->hd.type != NGHTTP2_DATA &&
	    frame->hd.type != NGHTTP2_HEADERS)
		return 0;

	s = nghttp2_session_get_stream_user_data(session,
						 frame->hd.stream_id);
	if (!s)
		return 0;
	if (frame->hd.type == NGHTTP2_DATA)
		return on_data_frame(h, s,
				     frame->hd.length <= frame->data.padlen,
				     ended);
	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		return request_begun(s, ended);
	/* Trailers say nothing that a service of ours asks for. */
	if (ended)
		request_ended(s);

	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id,
		   const uint8_t *bytes, size_t len, void *user)
{
	struct h2_stream *s = nghttp2_session_get_stream_user_data(session,
								   id);
	struct h2 *h = user;

	(void)flags;
	/* One stream that is not read holds nobody else up. */
	if (nghttp2_session_consume_connection(session, len))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	/* An answered request gets no more credit. */
	if (!s || !s->attached)
		return 0;
	s->unread += len;
	h->events->body(s->who, bytes, len, h->now);
	if (!s->attached || !s->reading)
		return 0;
	len = s->unread;
	s->unread = 0;

	return nghttp2_session_consume_stream(session, id, len) ?
		       NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id,
			   uint32_t code, void *user)
{
	struct h2_stream *s = nghttp2_session_get_stream_user_data(session,
								   id);
	struct h2 *h = user;

	(void)code;
	if (!s)
		return 0;
	h->open--;
	if (!h->open)
		h->idle_since = h->now;
	s->closed = true;
	if (s->attached) {
		s->is_gone = true;
		tell_later(s);
	}
	stream_settle(s);

	return 0;
}

/* What the library says while it writes. */

static void on_reset_sent(struct h2 *h, const struct h2_stream *s,
			  int32_t id, uint32_t code)
{
	h->reset_ids[h->resets_sent++ % RESETS_KNOWN] = id;
	/* RFC 9113 6.9.2 wants no less when SETTINGS made the window too
	 * large, and lets us in other cases (5.4). */
	if (code == NGHTTP2_FLOW_CONTROL_ERROR)
		quit(h, code, "a window too large");
	if (code == NGHTTP2_NO_ERROR || (s && s->ours))
		return;
	if (!h2_bucket_take(&h->resets, h->caps.resets_per_s,
			    5.0 * h->caps.resets_per_s, h->now))
		quit(h, NGHTTP2_ENHANCE_YOUR_CALM, "too many stream errors");
}

static int on_frame_send(nghttp2_session *session,
			 const nghttp2_frame *frame, void *user)
{
	struct h2_stream *s = nghttp2_session_get_stream_user_data(
		session, frame->hd.stream_id);
	struct h2 *h = user;

	if (frame->hd.type == NGHTTP2_RST_STREAM)
		on_reset_sent(h, s, frame->hd.stream_id,
			      frame->rst_stream.error_code);
	if (frame->hd.type == NGHTTP2_GOAWAY &&
	    frame->goaway.error_code != NGHTTP2_NO_ERROR && !h->why[0]) {
		h->why = nghttp2_http2_strerror(frame->goaway.error_code);
		h->blamed = true;
	}
	if (s && (frame->hd.type == NGHTTP2_DATA ||
		  frame->hd.type == NGHTTP2_HEADERS) &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		s->over_at = h->now;

	return 0;
}

static bool over_cap(const struct h2_stream *s, size_t more)
{
	return s->queue.copied + more > H2_STREAM_QUEUE ||
	       s->h->copied + more > H2_QUEUE;
}

static ssize_t say_end(struct h2_stream *s, size_t len, uint32_t *flags)
{
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (!s->trailers_len)
		return (ssize_t)len;

	*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	if (nghttp2_submit_trailer(s->h->session, s->id, s->trailers,
				   s->trailers_len))
		return NGHTTP2_ERR_CALLBACK_FAILURE;

	return (ssize_t)len;
}

static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *buf,
		       size_t cap, uint32_t *flags,
		       nghttp2_data_source *source, void *user)
{
	struct h2_stream *s = source->ptr;
	size_t copied = s->queue.copied;
	struct h2 *h = user;
	size_t len;

	(void)session;
	(void)id;
	len = h2_queue_take(&s->queue, buf, cap);
	h->copied -= copied - s->queue.copied;
	s->moved = h->now;
	if (copied != s->queue.copied)
		room_made(h);
	if (!s->queue.bytes && s->finished)
		return say_end(s, len, flags);
	if (len)
		return (ssize_t)len;
	s->deferred = true;

	return NGHTTP2_ERR_DEFERRED;
}

/* A connection. */

static int callbacks_new(nghttp2_session_callbacks **out)
{
	nghttp2_session_callbacks *c;

	if (nghttp2_session_callbacks_new(&c))
		return -ENOMEM;
	nghttp2_session_callbacks_set_on_begin_frame_callback(
		c, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(
		c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(
		c, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c,
							     on_frame_recv);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(
		c, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(c,
							     on_frame_send);
	*out = c;

	return 0;
}

static int session_new(struct h2 *h)
{
	nghttp2_session_callbacks *c;
	nghttp2_option *o;
	int err;

	if (callbacks_new(&c))
		return -ENOMEM;
	if (nghttp2_option_new(&o)) {
		nghttp2_session_callbacks_del(c);
		return -ENOMEM;
	}
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_option_set_max_outbound_ack(o, H2_ACKS_MAX);
	nghttp2_option_set_max_settings(o, H2_SETTINGS_MAX);
	nghttp2_option_set_max_continuations(o, h->caps.continuations);
	nghttp2_option_set_no_closed_streams(o, 1);
	/* A second fence: ours is the first to be met. */
	nghttp2_option_set_stream_reset_rate_limit(
		o, 10ull * h->caps.resets_per_s, 2ull * h->caps.resets_per_s);
	err = nghttp2_session_server_new2(&h->session, c, h, o);
	nghttp2_option_del(o);
	nghttp2_session_callbacks_del(c);

	return err ? -ENOMEM : 0;
}

/* Extended CONNECT stays unsaid: a WebSocket comes by HTTP/1.1. */
static int say_settings(struct h2 *h)
{
	const nghttp2_settings_entry entries[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h->caps.streams },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
		  h->caps.headers_bytes },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	};

	if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, entries,
				    ARRAY_LEN(entries)) ||
	    nghttp2_session_set_local_window_size(h->session,
						  NGHTTP2_FLAG_NONE, 0,
						  CONNECTION_WINDOW))
		return -ENOMEM;

	return 0;
}

int h2_new(struct h2 **out, const struct h2_caps *caps,
	   const struct h2_events *events, void *arg, struct mono now)
{
	struct h2 *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->caps = *caps;
	h->events = events;
	h->arg = arg;
	h->now = h->heard = h->pinged = h->idle_since = now;
	h->leave_at = MONO_NEVER;
	h->resets.at = now;
	h->why = "";
	h->news_end = &h->news;
	h2_meter_init(&h->meter, &h->caps, now);
	if (session_new(h) || say_settings(h)) {
		h2_free(h);
		return -ENOMEM;
	}
	*out = h;

	return 0;
}

static struct h2_stream *first_attached(const struct h2 *h)
{
	struct h2_stream *s = h->first;

	while (s && !s->attached)
		s = s->next;

	return s;
}

void h2_end(struct h2 *h, bool lost, struct mono now)
{
	struct h2_stream *s;

	lost = lost && !h->told && !h->why[0];
	h->now = now;
	h->failed = true;
	/* From the front each time: what a service does may free others. */
	while ((s = first_attached(h))) {
		s->attached = false;
		h->events->gone(s->who, lost && !s->is_gone, now);
	}
}

void h2_free(struct h2 *h)
{
	if (!h)
		return;
	/* Before the streams: it may still look at their queues. */
	nghttp2_session_del(h->session);
	for (struct h2_stream *s = h->first, *next; s; s = next) {
		next = s->next;
		stream_free(s);
	}
	h2_fields_clear(&h->fields);
	free(h);
}

static void quit_for(struct h2 *h, int err)
{
	switch (err) {
	case NGHTTP2_ERR_FLOODED:
	case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
		quit(h, NGHTTP2_ENHANCE_YOUR_CALM, "a flood");
		break;
	case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
		quit(h, NGHTTP2_PROTOCOL_ERROR, "not the client's preface");
		break;
	default:
		quit(h, NGHTTP2_INTERNAL_ERROR, "out of memory");
	}
}

int h2_recv(struct h2 *h, const void *bytes, size_t len, struct mono now)
{
	const char *flood;
	ssize_t n;

	h->now = h->heard = now;
	h->unanswered = 0;
	if (h->failed || h2_is_done(h))
		return -EPROTO;
	flood = h2_meter_see(&h->meter, bytes, len, now);
	if (flood) {
		quit(h, h->meter.is_closed ? NGHTTP2_STREAM_CLOSED :
					     NGHTTP2_ENHANCE_YOUR_CALM,
		     flood);
		h->failed = true;
		return -EPROTO;
	}
	n = nghttp2_session_mem_recv(h->session, bytes, len);
	if (n < 0) {
		quit_for(h, (int)n);
		h->failed = true;
	} else if (nghttp2_session_get_outbound_queue_size(h->session) >
		   H2_OUTBOUND_MAX) {
		quit(h, NGHTTP2_ENHANCE_YOUR_CALM, "answers are not read");
		h->failed = true;
	}
	tell_news(h);

	return h->failed ? -EPROTO : 0;
}

int h2_poll(struct h2 *h, const uint8_t **bytes, struct mono now)
{
	ssize_t n;

	h->now = now;
	do {
		n = nghttp2_session_mem_send(h->session, bytes);
		if (n < 0) {
			h->failed = true;
			return -EPROTO;
		}
	} while (!n && tell_news(h));

	return (int)n;
}

static void sweep_stream(struct h2_stream *s, struct mono now)
{
	if (s->closed || s->ours)
		return;
	if (s->queue.bytes && mono_since(now, s->moved) > s->h->caps.stall_us)
		reset_stream(s, NGHTTP2_CANCEL);
	/* RFC 9113 8.1: the answer is complete, the rest is not wanted. Not
	 * at once: curl 7.88 takes that for an error when it reads both
	 * together. */
	else if (mono_since(now, s->over_at) >= H2_REST_US)
		reset_stream(s, NGHTTP2_NO_ERROR);
}

static int ping(struct h2 *h)
{
	if (mono_since(h->now, h->heard) < h->caps.ping_us ||
	    mono_since(h->now, h->pinged) < h->caps.ping_us)
		return 0;
	if (h->unanswered >= h->caps.pings)
		return -ETIMEDOUT;
	h->unanswered++;
	h->pinged = h->now;

	return nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL) ?
		       -ETIMEDOUT : 0;
}

static void leave(struct h2 *h)
{
	h->leave_at = MONO_NEVER;
	if (nghttp2_submit_goaway(
		    h->session, NGHTTP2_FLAG_NONE,
		    nghttp2_session_get_last_proc_stream_id(h->session),
		    NGHTTP2_NO_ERROR, NULL, 0))
		h->failed = true;
}

int h2_tick(struct h2 *h, struct mono now)
{
	h->now = now;
	if (h->failed)
		return 0;
	if (!h->started)
		return mono_since(now, h->idle_since) > h->caps.head_us ?
			       -ETIMEDOUT : 0;
	if (h->meter.block_since.us != MONO_NEVER.us &&
	    mono_since(now, h->meter.block_since) > h->caps.head_us)
		quit(h, NGHTTP2_ENHANCE_YOUR_CALM, "a slow header block");
	if (!h->open && !h->leaving &&
	    mono_since(now, h->idle_since) >
		    (h->requests ? h->caps.idle_us : H2_FIRST_US))
		quit(h, NGHTTP2_NO_ERROR, "idle");
	if (!mono_before(now, h->leave_at))
		leave(h);
	for (struct h2_stream *s = h->first; s; s = s->next)
		sweep_stream(s, now);

	return ping(h);
}

void h2_farewell(struct h2 *h, struct mono now)
{
	h->now = now;
	if (h->leaving || h->failed)
		return;
	h->leaving = true;
	if (!h->open) {
		quit(h, NGHTTP2_NO_ERROR, "leaving");
		return;
	}
	h->leave_at = mono_add(now, LEAVE_US);
	if (nghttp2_submit_shutdown_notice(h->session))
		h->failed = true;
}

bool h2_is_done(const struct h2 *h)
{
	return (h->failed || !nghttp2_session_want_read(h->session)) &&
	       !nghttp2_session_want_write(h->session);
}

bool h2_is_leaving(const struct h2 *h)
{
	return h->leaving || h->told || h->why[0];
}

unsigned h2_streams(const struct h2 *h)
{
	return h->open;
}

uint64_t h2_requests(const struct h2 *h)
{
	return h->requests;
}

const char *h2_why(const struct h2 *h)
{
	return h->why;
}

bool h2_is_blamed(const struct h2 *h)
{
	return h->blamed;
}

/* A stream. */

void h2_attach(struct h2_stream *s, void *who)
{
	s->who = who;
}

static nghttp2_nv nv_of(const char *name, size_t name_len, const char *value,
			size_t value_len)
{
	/* The library copies; its struct is older than const. */
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name,
			     (uint8_t *)(uintptr_t)value, name_len, value_len,
			     NGHTTP2_NV_FLAG_NONE };
}

/* Fields into nv, those of HTTP/1.1 left out; how many, or -EINVAL. */
static int fields_of(nghttp2_nv *nv, const struct h1_header *headers,
		     unsigned len)
{
	int count = 0;

	if (len > SEND_HEADERS_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < len; i++) {
		const struct h1_header *h = &headers[i];

		if (!h2_field_ok(h))
			return -EINVAL;
		if (!h2_field_is_of_connection(h))
			nv[count++] = nv_of(h->name.at, h->name.len,
					    h->value.at, h->value.len);
	}

	return count;
}

int h2_head(struct h2_stream *s, const struct h2_head *head)
{
	nghttp2_data_provider from = { { .ptr = s }, on_read };
	nghttp2_nv nv[SEND_HEADERS_MAX + 2];
	char status[12], length[24];
	size_t own = 1;
	int count;

	if (s->headed)
		return -EALREADY;
	if (head->status < 200 || head->status > 999)
		return -EINVAL;
	snprintf(status, sizeof(status), "%u", head->status);
	nv[0] = nv_of(":status", 7, status, 3);
	if (head->has_length) {
		int n = snprintf(length, sizeof(length), "%llu",
				 (unsigned long long)head->length);

		nv[own++] = nv_of("content-length", 14, length, (size_t)n);
	}
	count = fields_of(nv + own, head->headers, head->headers_len);
	if (count < 0)
		return count;
	if (s->closed || s->h->failed)
		return -EPIPE;

	if (nghttp2_submit_response(s->h->session, s->id, nv,
				    own + (size_t)count,
				    head->last ? NULL : &from))
		return -ENOMEM;
	s->headed = true;
	if (head->last) {
		s->finished = true;
		detach(s);
	}

	return 0;
}

static int resume(struct h2_stream *s)
{
	s->moved = s->h->now;
	if (!s->deferred)
		return 0;
	s->deferred = false;

	return nghttp2_session_resume_data(s->h->session, s->id) ? -ENOMEM : 0;
}

int h2_body(struct h2_stream *s, const void *bytes, size_t len, bool lives)
{
	size_t before = s->queue.copied;
	int err;

	if (!s->headed || s->finished)
		return -EINVAL;
	if (s->closed || s->h->failed)
		return -EPIPE;
	if (!lives && over_cap(s, len)) {
		s->blocked = s->h->blocked = true;
		return -ENOBUFS;
	}
	if (!s->queue.bytes)
		s->moved = s->h->now;
	err = h2_queue_put(&s->queue, bytes, len, lives);
	if (err)
		return err;
	s->h->copied += s->queue.copied - before;
	if (!s->deferred)
		return 0;

	return resume(s);
}

/* One block: the array, then the text that it points to. */
static int keep_trailers(struct h2_stream *s, const struct h1_header *headers,
			 unsigned len)
{
	nghttp2_nv nv[SEND_HEADERS_MAX];
	int count = fields_of(nv, headers, len);
	size_t text = 0;
	uint8_t *at;

	if (count <= 0)
		return count;
	for (int i = 0; i < count; i++)
		text += nv[i].namelen + nv[i].valuelen;
	s->trailers = malloc((size_t)count * sizeof(*nv) + text);
	if (!s->trailers)
		return -ENOMEM;
	at = (uint8_t *)(s->trailers + count);
	for (int i = 0; i < count; i++) {
		memcpy(at, nv[i].name, nv[i].namelen);
		nv[i].name = at;
		at += nv[i].namelen;
		if (nv[i].valuelen)
			memcpy(at, nv[i].value, nv[i].valuelen);
		nv[i].value = at;
		at += nv[i].valuelen;
		s->trailers[i] = nv[i];
	}
	s->trailers_len = (size_t)count;

	return 0;
}

int h2_finish(struct h2_stream *s, const struct h1_header *trailers,
	      unsigned len)
{
	int err = 0;

	if (!s->headed)
		err = -EINVAL;
	else if (!s->closed && !s->h->failed)
		err = keep_trailers(s, trailers, len);
	s->finished = true;
	if (!err && !s->closed && !s->h->failed)
		err = resume(s);
	if (err)
		reset_stream(s, NGHTTP2_INTERNAL_ERROR);
	detach(s);

	return err;
}

void h2_reset(struct h2_stream *s)
{
	s->finished = true;
	drop_queue(s);
	reset_stream(s, NGHTTP2_INTERNAL_ERROR);
	detach(s);
}

size_t h2_queued(const struct h2_stream *s)
{
	return s->queue.bytes;
}

void h2_read(struct h2_stream *s, bool on)
{
	size_t len = s->unread;

	s->reading = on;
	if (!on || !len || s->closed || s->h->failed)
		return;
	s->unread = 0;
	if (nghttp2_session_consume_stream(s->h->session, s->id, len))
		s->h->failed = true;
}
