/*
 * ws.c - WebSocket frames
 *
 * A frame's head is collected byte by byte into `head` until its own length
 * is known, then judged as a whole: every refusal happens before a byte of
 * the payload is stored. The payload goes unmasked into the message buffer,
 * which grows with what really came, never with what was promised.
 */

#include "core/ws/ws.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"

void ws_init(struct ws *w, enum ws_role role)
{
	*w = (struct ws){ .role = role, .max = WS_MESSAGE_MAX,
			  .max_fragments = WS_FRAGMENTS_MAX };
}

static void drop_text(struct ws *w)
{
	free(w->text);
	w->text = NULL;
	w->text_len = w->text_cap = 0;
}

void ws_fini(struct ws *w)
{
	drop_text(w);
}

static void fail(struct ws *w, struct ws_event *ev, uint16_t code,
		 const char *why)
{
	w->dead = true;
	drop_text(w);
	*ev = (struct ws_event){ WS_FAILED, NULL, 0, code, why };
}

static bool is_control(uint8_t opcode)
{
	return opcode & 8;
}

bool ws_code_ok(uint16_t code)
{
	if (code >= 3000 && code <= 4999)
		return true;

	return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
	       code != 1006;
}

/* Bytes of the head, as far as the bytes seen tell. */
static size_t head_bytes(const struct ws *w)
{
	size_t need = 2;

	if (w->head_len < 2)
		return need;
	if ((w->head[1] & 127) == 126)
		need += 2;
	else if ((w->head[1] & 127) == 127)
		need += 8;
	if (w->head[1] & 128)
		need += 4;

	return need;
}

static bool read_length(struct ws *w, uint64_t *out)
{
	unsigned small = w->head[1] & 127;
	unsigned bytes = small == 126 ? 2 : small == 127 ? 8 : 0;
	uint64_t len = 0;

	if (!bytes) {
		*out = small;
		return true;
	}
	for (unsigned i = 0; i < bytes; i++)
		len = len << 8 | w->head[2 + i];
	*out = len;

	/* The shortest form only, and the top bit is 0 (section 5.2). */
	return bytes == 2 ? len > 125 : len > 65535 && !(len >> 63);
}

/* What may be judged by the first two bytes; NULL when it is fine. */
static const char *judge_start(const struct ws *w, uint16_t *code)
{
	uint8_t op = w->head[0] & 15;
	bool masked = w->head[1] & 128, fin = w->head[0] & 128;

	*code = WS_CODE_PROTOCOL;
	if (w->head[0] & 0x70)
		return "reserved bits";
	if (masked != (w->role == WS_SERVER))
		return masked ? "masked" : "not masked";
	if (op > WS_OP_PONG || (op > WS_OP_BINARY && op < WS_OP_CLOSE))
		return "reserved opcode";
	if (is_control(op))
		return !fin ? "fragmented control frame"
		       : (w->head[1] & 127) > WS_CONTROL_MAX
			       ? "long control frame"
			       : NULL;
	if ((op == WS_OP_CONTINUE) != w->in_message)
		return w->in_message ? "message inside a message"
				     : "nothing to continue";
	if (op == WS_OP_BINARY && !w->binary) {
		*code = WS_CODE_BINARY;
		return "binary message";
	}

	return NULL;
}

/* The rest of the head is there; NULL when the frame may come. */
static const char *judge_frame(struct ws *w, uint16_t *code)
{
	uint64_t len;

	*code = WS_CODE_PROTOCOL;
	if (!read_length(w, &len))
		return "length not in its shortest form";
	w->fin = w->head[0] & 128;
	w->opcode = w->head[0] & 15;
	w->left = len;
	w->mask_at = 0;
	memset(w->mask, 0, sizeof(w->mask));
	if (w->head[1] & 128)
		memcpy(w->mask, w->head + w->head_len - 4, 4);
	if (is_control(w->opcode)) {
		w->control_len = 0;
		return NULL;
	}
	*code = WS_CODE_TOO_BIG;
	if (len > w->max - w->text_len)
		return "message too large";
	if (++w->fragments > w->max_fragments)
		return "too many fragments";
	if (w->opcode != WS_OP_CONTINUE)
		w->is_binary = w->opcode == WS_OP_BINARY;
	w->in_message = true;

	return NULL;
}

/* Takes bytes of the head; true when it is whole (or the frame failed). */
static bool take_head(struct ws *w, const uint8_t **at, const uint8_t *end,
		      struct ws_event *ev)
{
	const char *why = NULL;
	uint16_t code;

	while (*at < end && w->head_len < head_bytes(w)) {
		w->head[w->head_len++] = *(*at)++;
		if (w->head_len == 2 && (why = judge_start(w, &code)))
			break;
	}
	if (!why && w->head_len < head_bytes(w))
		return false;
	if (!why)
		why = judge_frame(w, &code);
	if (why) {
		fail(w, ev, code, why);
		return true;
	}
	w->head_len = 0;
	w->in_payload = true;

	return true;
}

static bool room_for(struct ws *w, size_t len)
{
	size_t cap = w->text_cap;
	uint8_t *bigger;

	if (w->text_len + len <= cap)
		return true;
	/* A frame that is all here gets exactly its size. */
	cap = cap ? cap * 2 : len;
	if (cap < w->text_len + len)
		cap = w->text_len + len;
	if (cap > w->max)
		cap = w->max;
	bigger = realloc(w->text, cap ? cap : 1);
	if (!bigger)
		return false;
	w->text = bigger;
	w->text_cap = cap;

	return true;
}

static void unmask(struct ws *w, uint8_t *out, const uint8_t *in, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = in[i] ^ w->mask[(w->mask_at + i) & 3];
	w->mask_at = (uint8_t)((w->mask_at + len) & 3);
}

static void take_payload(struct ws *w, const uint8_t **at, const uint8_t *end,
			 struct ws_event *ev)
{
	size_t len = (size_t)(end - *at);

	if (len > w->left)
		len = (size_t)w->left;
	if (is_control(w->opcode)) {
		unmask(w, w->control + w->control_len, *at, len);
		w->control_len = (uint8_t)(w->control_len + len);
	} else if (!room_for(w, len)) {
		fail(w, ev, WS_CODE_LATER, "no memory");
	} else if (len) {
		unmask(w, w->text + w->text_len, *at, len);
		if (!w->is_binary &&
		    !utf8_add(&w->utf8, w->text + w->text_len, len))
			fail(w, ev, WS_CODE_UTF8, "not UTF-8");
		w->text_len += len;
	}
	*at += len;
	w->left -= len;
}

static void end_close(struct ws *w, struct ws_event *ev)
{
	uint16_t code = WS_CODE_NONE;

	if (w->control_len == 1) {
		fail(w, ev, WS_CODE_PROTOCOL, "close code cut");
		return;
	}
	if (w->control_len) {
		code = (uint16_t)(w->control[0] << 8 | w->control[1]);
		if (!ws_code_ok(code)) {
			fail(w, ev, WS_CODE_PROTOCOL, "close code not allowed");
			return;
		}
		if (!utf8_ok(w->control + 2, w->control_len - 2U)) {
			fail(w, ev, WS_CODE_UTF8, "close text not UTF-8");
			return;
		}
	}
	w->dead = true;
	drop_text(w);
	*ev = (struct ws_event){ WS_CLOSE, w->control + 2,
				 w->control_len ? w->control_len - 2U : 0,
				 code, NULL };
}

static void end_message(struct ws *w, struct ws_event *ev)
{
	if (!w->fin)
		return;
	if (!utf8_is_whole(&w->utf8)) {
		fail(w, ev, WS_CODE_UTF8, "text ends inside a character");
		return;
	}
	w->in_message = false;
	w->fragments = 0;
	*ev = (struct ws_event){ w->is_binary ? WS_BINARY : WS_TEXT, w->text,
				 w->text_len, 0, NULL };
	/* The buffer stays until the next call, then begins anew. */
}

static void end_frame(struct ws *w, struct ws_event *ev)
{
	w->in_payload = false;
	if (w->opcode == WS_OP_CLOSE)
		end_close(w, ev);
	else if (is_control(w->opcode))
		*ev = (struct ws_event){ w->opcode == WS_OP_PING ? WS_PING
								 : WS_PONG,
					 w->control, w->control_len, 0, NULL };
	else
		end_message(w, ev);
}

size_t ws_recv(struct ws *w, const void *bytes, size_t len,
	       struct ws_event *ev)
{
	const uint8_t *start = bytes, *at = start, *end = start + len;

	*ev = (struct ws_event){ 0 };
	if (w->dead)
		return len;
	if (!w->in_message && w->text)
		drop_text(w);
	while (ev->kind == WS_NONE && (at < end || w->in_payload)) {
		if (!w->in_payload) {
			if (!take_head(w, &at, end, ev))
				break;
			continue;
		}
		if (w->left && at == end)
			break;
		take_payload(w, &at, end, ev);
		if (ev->kind == WS_NONE && w->left == 0)
			end_frame(w, ev);
	}

	return (size_t)(at - start);
}

size_t ws_write_head(uint8_t out[WS_HEAD_MAX], enum ws_opcode op, size_t len,
		     const uint8_t mask[4])
{
	size_t n = 2;

	out[0] = (uint8_t)(0x80 | op);
	if (len < 126) {
		out[1] = (uint8_t)len;
	} else {
		size_t bytes = len > 65535 ? 8 : 2;

		out[1] = bytes == 2 ? 126 : 127;
		for (size_t i = 0; i < bytes; i++)
			out[n++] = (uint8_t)((uint64_t)len >>
					     (8 * (bytes - 1 - i)));
	}
	if (mask) {
		out[1] |= 0x80;
		memcpy(out + n, mask, 4);
		n += 4;
	}

	return n;
}

void ws_mask(uint8_t *bytes, size_t len, const uint8_t mask[4])
{
	for (size_t i = 0; i < len; i++)
		bytes[i] ^= mask[i & 3];
}

size_t ws_write_close(uint8_t out[WS_CONTROL_MAX], uint16_t code,
		      const char *text)
{
	struct buf_out b = buf_out(out, WS_CONTROL_MAX);
	size_t len = strlen(text);

	if (len > WS_REASON_MAX)
		len = WS_REASON_MAX;
	/* Never cut a character in two. */
	while (len && len < strlen(text) && ((uint8_t)text[len] & 0xc0) == 0x80)
		len--;
	buf_put_u16(&b, code);
	buf_put(&b, text, len);

	return buf_len(&b);
}
