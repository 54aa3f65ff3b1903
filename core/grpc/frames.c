/* frames.c - the five bytes before each message of gRPC */

#include "core/grpc/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 512 };

void grpc_frames_fini(struct grpc_frames *f)
{
	free(f->bytes);
	f->bytes = NULL;
	f->len = f->cap = 0;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int read_head(struct grpc_frames *f, struct buf_in *in)
{
	size_t part = least(GRPC_HEAD - f->head_len, buf_left(in));
	const uint8_t *p = buf_get(in, part);

	if (part)
		memcpy(f->head + f->head_len, p, part);
	f->head_len += (unsigned)part;
	/* A wrong flag is refused before its length has come. */
	if (f->head_len && f->head[0] == GRPC_FLAG_COMPRESSED)
		return -EOPNOTSUPP;
	if (f->head_len && f->head[0])
		return -EBADMSG;
	if (f->head_len < GRPC_HEAD)
		return 0;
	f->need = (size_t)f->head[1] << 24 | (size_t)f->head[2] << 16 |
		  (size_t)f->head[3] << 8 | f->head[4];

	return f->need > f->max ? -EMSGSIZE : 1;
}

/* Room for part bytes more. */
static int grow(struct grpc_frames *f, size_t part)
{
	size_t cap = f->cap ? f->cap : FIRST_CAP;
	uint8_t *bytes;

	while (cap < f->len + part)
		cap *= 2;
	cap = least(cap, f->need);
	if (cap <= f->cap)
		return 0;
	bytes = realloc(f->bytes, cap);
	if (!bytes)
		return -ENOMEM;
	f->bytes = bytes;
	f->cap = cap;

	return 0;
}

static int take_body(struct grpc_frames *f, struct buf_in *in,
		     struct grpc_message *out)
{
	size_t part = least(f->need - f->len, buf_left(in));
	const uint8_t *p = buf_get(in, part);
	static const uint8_t none;

	if (part == f->need) {	/* in one piece, or empty */
		*out = (struct grpc_message){ part ? p : &none, part };
		f->head_len = 0;
		return 1;
	}
	if (part && grow(f, part))
		return -ENOMEM;
	if (part)
		memcpy(f->bytes + f->len, p, part);
	f->len += part;
	if (f->len < f->need)
		return 0;
	*out = (struct grpc_message){ f->bytes, f->len };
	f->head_len = 0;

	return 1;
}

int grpc_frames_next(struct grpc_frames *f, struct buf_in *in,
		     struct grpc_message *out)
{
	int ret;

	if (f->failed)
		return f->failed;
	/* The last gathered message has been used. */
	if (f->head_len == 0 && f->bytes)
		grpc_frames_fini(f);
	if (f->head_len < GRPC_HEAD) {
		ret = read_head(f, in);
		if (ret <= 0) {
			f->failed = ret;
			return ret;
		}
	}
	ret = take_body(f, in, out);
	if (ret < 0)
		f->failed = ret;

	return ret;
}

bool grpc_frames_whole(const struct grpc_frames *f)
{
	return !f->failed && f->head_len == 0;
}

void grpc_frame_head(uint8_t out[GRPC_HEAD], unsigned flag, size_t len)
{
	out[0] = (uint8_t)flag;
	out[1] = (uint8_t)(len >> 24);
	out[2] = (uint8_t)(len >> 16);
	out[3] = (uint8_t)(len >> 8);
	out[4] = (uint8_t)len;
}
