/* h2_meter.c - frame heads only (RFC 9113 4.1), in pieces of any size */

#include "port/h2_meter.h"

#include <string.h>

#include "common/buf.h"
#include "port/h2.h"

enum {
	PREFACE = 24,
	HEAD = 9,
	DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, WINDOW_UPDATE = 8,
	CONTINUATION = 9,
	FLAG_END_STREAM = 1, FLAG_END_HEADERS = 4,
};

void h2_meter_init(struct h2_meter *m, const struct h2_caps *caps,
		   struct mono now)
{
	*m = (struct h2_meter){
		.caps = caps,
		.preface_left = PREFACE,
		.block_since = MONO_NEVER,
		.controls.at = now,
		.resets.at = now,
		.windows.at = now,
	};
}

bool h2_bucket_take(struct h2_bucket *b, double per_s, double burst,
		    struct mono now)
{
	b->level -= (double)mono_since(now, b->at) * per_s / 1e6;
	if (b->level < 0)
		b->level = 0;
	b->at = now;
	b->level += 1;

	return b->level <= burst;
}

static const char *see_block(struct h2_meter *m, uint8_t type, uint8_t flags,
			     struct mono now)
{
	if (type == HEADERS) {
		m->block_since = now;
		m->block_bytes = 0;
		m->continuations = 0;
	} else if (++m->continuations > m->caps->continuations) {
		return "too many CONTINUATION frames";
	}
	m->block_ends = flags & FLAG_END_HEADERS;
	m->block_bytes += m->frame_left;

	return m->block_bytes > m->caps->headers_bytes + H2_BLOCK_MORE ?
		       "a header block too long" : NULL;
}

/* Frames that ask for work and bring nothing. */
static bool is_control(const struct h2_meter *m, uint8_t type, uint8_t flags)
{
	if (type == DATA)
		return !m->frame_left && !(flags & FLAG_END_STREAM);

	return type != RST_STREAM && type != WINDOW_UPDATE;
}

static bool has_ended(const struct h2_meter *m, uint32_t id)
{
	for (uint32_t i = 0; i < H2_METER_ENDED && i < m->ended_len; i++)
		if (m->ended[i] == id)
			return true;

	return false;
}

/* Whether the client may say this on that stream. */
static bool see_stream(struct h2_meter *m, uint8_t type, uint8_t flags)
{
	struct buf_in b = buf_in(m->head + 5, 4);
	uint32_t id = buf_get_u32(&b) & 0x7fffffff;

	if (type == RST_STREAM ? has_ended(m, id) : type > HEADERS)
		return true;
	if (has_ended(m, id))
		return false;
	if (type == RST_STREAM || (flags & FLAG_END_STREAM))
		m->ended[m->ended_len++ % H2_METER_ENDED] = id;

	return true;
}

static const char *see_frame(struct h2_meter *m, struct mono now)
{
	uint8_t type = m->head[3], flags = m->head[4];
	const struct h2_caps *caps = m->caps;

	m->frame_left = (uint32_t)m->head[0] << 16 |
			(uint32_t)m->head[1] << 8 | m->head[2];
	/* In the middle of a block any other frame is wrong by itself. */
	m->is_closed = m->block_since.us == MONO_NEVER.us &&
		       !see_stream(m, type, flags);
	if (m->is_closed)
		return "a frame of a stream that it had ended";
	if (type == HEADERS || type == CONTINUATION)
		return see_block(m, type, flags, now);

	if (type == RST_STREAM &&
	    !h2_bucket_take(&m->resets, caps->resets_per_s,
			    5.0 * caps->resets_per_s, now))
		return "too many streams taken back";
	if (type == WINDOW_UPDATE &&
	    !h2_bucket_take(&m->windows, caps->windows_per_s,
			    2.0 * caps->windows_per_s, now))
		return "too many WINDOW_UPDATE frames";
	if (is_control(m, type, flags) &&
	    !h2_bucket_take(&m->controls, caps->controls_per_s,
			    2.0 * caps->controls_per_s, now))
		return "too many control frames";

	return NULL;
}

static void frame_ended(struct h2_meter *m)
{
	m->head_len = 0;
	if (m->block_ends) {
		m->block_ends = false;
		m->block_since = MONO_NEVER;
	}
}

/* Bytes of payload or preface to step over, at most len. */
static size_t skip(struct h2_meter *m, size_t len)
{
	size_t n = m->preface_left ? m->preface_left : m->frame_left;

	if (n > len)
		n = len;
	if (m->preface_left) {
		m->preface_left = (uint8_t)(m->preface_left - n);
		return n;
	}
	m->frame_left -= (uint32_t)n;
	if (!m->frame_left)
		frame_ended(m);

	return n;
}

const char *h2_meter_see(struct h2_meter *m, const uint8_t *bytes,
			 size_t len, struct mono now)
{
	const uint8_t *at = bytes, *end = bytes + len;
	const char *why;

	while (at < end) {
		if (m->preface_left || m->head_len == HEAD) {
			at += skip(m, (size_t)(end - at));
			continue;
		}
		m->head[m->head_len++] = *at++;
		if (m->head_len < HEAD)
			continue;
		if ((why = see_frame(m, now)))
			return why;
		if (!m->frame_left)
			frame_ended(m);
	}

	return NULL;
}
