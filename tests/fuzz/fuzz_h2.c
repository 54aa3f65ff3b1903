/*
 * fuzz_h2.c - an HTTP/2 session hears a client that may say anything
 *
 * First byte: what the service does. Second: bytes a read, and whether what
 * we say is taken. The rest follows the client's preface. Each stream must
 * be begun once, told of its end once, and never be heard of after the
 * service has let it go; every queue stays under its cap.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "port/h2.h"

enum { WHOS = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct who {
	struct h2_stream *stream;	/* NULL: not the service's */
	bool begun, ended;
};

static struct who whos[WHOS];
static unsigned whos_len;
static uint8_t mode;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void let_go(struct who *w)
{
	w->stream = NULL;
}

static void answer(struct who *w)
{
	static const char page[70000] = "a page that lives";
	const struct h1_header fields[] = {
		{ { "Content-Type", 12 }, { "text/plain", 10 } },
		{ { "Connection", 10 }, { "close", 5 } },
	};
	struct h2_head head = { .status = 200, .headers = fields,
				.headers_len = 2, .last = mode & 64 };
	struct h2_stream *s = w->stream;

	if (mode & 64) {
		if (h2_head(s, &head) == 0)
			let_go(w);
		return;
	}
	if (h2_head(s, &head) || h2_body(s, "hello", 5, false) ||
	    h2_body(s, page, sizeof(page), true))
		return;
	must(h2_queued(s) <= H2_STREAM_QUEUE + sizeof(page));
	let_go(w);
	(void)!h2_finish(s, fields, mode & 128 ? 1 : 0);
}

static void reset(struct who *w)
{
	struct h2_stream *s = w->stream;

	let_go(w);
	h2_reset(s);
}

static bool is_span(struct h1_span s)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < s.len; i++)
		sum = (uint8_t)(sum + (uint8_t)s.at[i]);

	return s.len <= H2_HEADERS_BYTES && (sum || true);
}

static void on_begin(struct h2_stream *s, const struct h2_request *r,
		     struct mono now, void *arg)
{
	struct who *w = &whos[whos_len++ % WHOS];

	(void)now;
	(void)arg;
	must(r->method.len > 0 && r->authority.len > 0);
	must(is_span(r->path) && is_span(r->scheme));
	for (unsigned i = 0; i < r->headers_len; i++) {
		must(is_span(r->headers[i].name));
		must(is_span(r->headers[i].value));
		must(r->headers[i].name.at[0] != ':');
	}
	*w = (struct who){ .stream = s, .begun = true };
	h2_attach(s, w);
	if ((mode & 7) == 0)
		answer(w);
	else if ((mode & 7) == 1)
		reset(w);
	else if (mode & 8)
		h2_read(s, false);
}

static void on_body(void *who, const void *bytes, size_t len,
		    struct mono now)
{
	struct who *w = who;
	struct h2_head head = { .status = 200 };

	(void)now;
	must(w->stream && !w->ended);
	if ((mode & 7) == 2) {
		(void)!h2_head(w->stream, &head);
		(void)!h2_body(w->stream, bytes, len, false);
		must(h2_queued(w->stream) <= H2_STREAM_QUEUE);
	} else if ((mode & 7) == 3) {
		reset(w);
	}
}

static void on_end(void *who, struct mono now)
{
	struct who *w = who;

	(void)now;
	must(w->stream && !w->ended);
	w->ended = true;
	if ((mode & 7) == 4)
		answer(w);
	else if (mode & 16)
		h2_read(w->stream, true);
}

static void on_writable(void *who, struct mono now)
{
	struct who *w = who;

	(void)now;
	must(w->stream != NULL);
	must(h2_queued(w->stream) <= H2_STREAM_QUEUE / 2);
}

static void on_gone(void *who, bool lost, struct mono now)
{
	struct who *w = who;

	(void)lost;
	(void)now;
	must(w->stream != NULL);
	let_go(w);
	/* What a service may do then: speak to others. */
	for (unsigned i = 0; (mode & 32) && i < whos_len && i < WHOS; i++)
		if (whos[i].stream) {
			reset(&whos[i]);
			return;
		}
}

static const struct h2_events events = {
	on_begin, on_body, on_end, on_writable, on_gone,
};

/* Frames of ours are whole and not too long. */
static void take(struct h2 *h, struct mono now)
{
	static uint8_t said[1 << 17];
	const uint8_t *bytes;
	size_t have = 0;
	int n;

	while ((n = h2_poll(h, &bytes, now)) > 0) {
		struct buf_in b;

		if (have + (size_t)n > sizeof(said))
			have = 0;	/* a frame begins with each piece */
		memcpy(said + have, bytes, (size_t)n);
		b = buf_in(said + have, (size_t)n);
		must(buf_get_be(&b, 3) <= 16384);
		have += (size_t)n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mono now = mono_at(1000000);
	const uint8_t *end = data + len;
	struct h2 *h;
	size_t step;
	bool takes;

	if (len < 2)
		return 0;
	mode = data[0];
	takes = data[1] & 1;
	step = (size_t)(data[1] >> 1) * 16 + 1;
	data += 2;
	whos_len = 0;
	memset(whos, 0, sizeof(whos));
	must(h2_new(&h, &H2_CAPS, &events, NULL, now) == 0);
	(void)!h2_recv(h, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24, now);
	while (data < end && whos_len < WHOS) {
		size_t n = (size_t)(end - data) < step ?
				   (size_t)(end - data) : step;

		now = mono_add(now, 10000);
		if (h2_recv(h, data, n, now) || h2_is_done(h))
			break;
		data += n;
		if (takes)
			take(h, now);
	}
	take(h, now);
	if (mode & 16)
		h2_farewell(h, now);
	for (int i = 0; i < 70; i++) {
		now = mono_add(now, 1000000);
		if (h2_tick(h, now))
			break;
		take(h, now);
	}
	must(h2_streams(h) <= H2_STREAMS_MAX + 1);
	h2_end(h, mode & 1, now);
	for (unsigned i = 0; i < whos_len && i < WHOS; i++)
		must(!whos[i].stream);
	h2_free(h);

	return 0;
}
