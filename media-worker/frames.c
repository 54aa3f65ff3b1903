/* frames.c - question, answer, mapping of a frame ring */

#include "media-worker/frames.h"

#include <errno.h>

enum { PAGE = 4096, PCM_HZ = 48000, PCM_SAMPLES = 960 };

struct frame_shape frames_picture(uint32_t width, uint32_t height)
{
	return (struct frame_shape){
		.format = RM_FRAMES_I420, .slots = FRAME_SLOTS,
		.width = width, .height = height,
	};
}

struct frame_shape frames_pcm(uint32_t channels)
{
	return (struct frame_shape){
		.format = RM_FRAMES_PCM16, .slots = FRAME_SLOTS,
		.rate = PCM_HZ, .channels = channels, .samples = PCM_SAMPLES,
	};
}

static uint32_t slot_bytes(const struct frame_shape *shape)
{
	struct frame_meta most = {
		.width = shape->width, .height = shape->height,
		.samples = shape->samples,
	};

	return (uint32_t)frame_bytes(shape, &most);
}

void frames_wish(struct msg_media_frames_want *out,
		 const struct frame_shape *shape)
{
	out->width = shape->width;
	out->height = shape->height;
	out->slots = shape->slots;
	out->slot_bytes = slot_bytes(shape);
}

bool frames_answer(struct frame_shape *out, const struct msg_media_frames *m)
{
	if (m->width) {
		*out = frames_picture(m->width, m->height);
	} else {
		*out = frames_pcm(1);
		if (m->slot_bytes != slot_bytes(out))
			*out = frames_pcm(2);
	}

	return frame_ring_bytes(out) && m->slots == out->slots &&
	       m->slot_bytes == slot_bytes(out);
}

int frames_take(struct frames *f, const struct frame_shape *shape, int fd)
{
	struct frames next = { 0 };
	int err = region_map_writer(&next.region, fd, REGION_FRAMES,
				    frame_ring_bytes(shape));

	if (!err)
		err = frame_ring_init(&next.writer, next.region.base, shape,
				      NULL);
	if (err) {
		region_unmap(&next.region);
		return err;
	}
	frames_drop(f);
	*f = next;

	return 0;
}

void frames_drop(struct frames *f)
{
	region_unmap(&f->region);
	*f = (struct frames){ 0 };
}

bool frames_fit_picture(const struct frames *f, uint32_t width,
			uint32_t height)
{
	const struct frame_shape *s = &f->writer.shape;

	return f->region.base && s->format == RM_FRAMES_I420 &&
	       width <= s->width && height <= s->height;
}

bool frames_fit_pcm(const struct frames *f, uint32_t channels)
{
	const struct frame_shape *s = &f->writer.shape;

	return f->region.base && s->format == RM_FRAMES_PCM16 &&
	       s->channels == channels;
}
