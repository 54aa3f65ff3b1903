/*
 * frames.h - the frame ring of one stream, made by the broker on request
 *
 * Decoded sound and pictures stand in a frame ring; the encoder reads them
 * there. The broker makes the memory: frames_wish() fills the question, the
 * answer's descriptor goes into frames_take().
 *
 * Memory   One mapping while a ring is held. Zero a struct before use.
 * Threads  That of the stream.
 */
#ifndef MEDIA_WORKER_FRAMES_H
#define MEDIA_WORKER_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/msg.h"
#include "shm/frame_ring.h"
#include "shm/region.h"

struct frames {
	struct region region;
	struct frame_writer writer;
};

/* The shape of a ring for pictures up to this size, or for 20 ms of PCM. */
struct frame_shape frames_picture(uint32_t width, uint32_t height);
struct frame_shape frames_pcm(uint32_t channels);

/* The question to the broker; peer and generation are the caller's. */
void frames_wish(struct msg_media_frames_want *out,
		 const struct frame_shape *shape);

/* The shape that an answer is for; false when it is none of ours. */
bool frames_answer(struct frame_shape *out, const struct msg_media_frames *m);

/*
 * Maps the region and lays the ring into it; the ring before is unmapped. The
 * descriptor stays the caller's. On failure the old ring stays.
 */
int frames_take(struct frames *f, const struct frame_shape *shape, int fd)
	MUST_USE;

/* Fine on a zeroed one. */
void frames_drop(struct frames *f);

/* Whether pictures of this size fit / the ring is for these channels. */
bool frames_fit_picture(const struct frames *f, uint32_t width,
			uint32_t height);
bool frames_fit_pcm(const struct frames *f, uint32_t channels);

#endif
