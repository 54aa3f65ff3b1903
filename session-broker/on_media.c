/* on_media.c - what a media-worker says */

#include "session-broker/broker.h"

#include "common/log.h"
#include "shm/frame_ring.h"
#include "shm/region.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	LIFE_US = 20000000,
	PICTURE_MAX = 1920 * 1088,	/* pixels of a frame ring's slot */
	PCM_HZ = 48000,			/* sound stands in frames of 20 ms */
	PCM_SAMPLES = 960,
};

int on_media_hello(struct worker *w, const struct msg_media_hello *m,
		   const void *blob, size_t len)
{
	struct broker *b = w->b;

	(void)blob;
	(void)len;
	if (m->abi != msg_abi() || m->index != w->index)
		return -EPROTO;
	w->phase = AT_IDLE;
	worker_alive(w, LIFE_US);
	(void)send_media_setup(&w->ctl, &(struct msg_media_setup){
		b->routes, b->opt->jitter_buffer_ms }, NULL, 0, NULL);
	if (!b->adopting)
		link_restore(b, w->index);
	broker_check_ready(b);

	return 0;
}

int on_media_holds(struct worker *w, const struct msg_media_holds *m,
		   const void *blob, size_t len)
{
	(void)blob;
	(void)len;
	return adopt_held(w->b, m->peer, m->generation, w->index);
}

int on_media_link_mapped(struct worker *w,
			 const struct msg_media_link_mapped *m,
			 const void *blob, size_t len)
{
	struct peer *p = peer_by_id(w->b, m->peer);

	(void)blob;
	(void)len;
	if (p && media_of(p) == w)
		link_mapped(p, m->generation, false);

	return 0;
}

/* WHY_PROTOCOL: what the ice-worker wrote cannot be; that one is killed. */
int on_media_link_broken(struct worker *w,
			 const struct msg_media_link_broken *m,
			 const void *blob, size_t len)
{
	struct peer *p = peer_by_id(w->b, m->peer);

	(void)blob;
	(void)len;
	if (!p || media_of(p) != w || m->generation != p->generation || !p->ice)
		return 0;
	if (m->why == WHY_PROTOCOL)
		worker_broken(p->ice, "ring broken");
	else
		peer_end(p, WHY_RESOURCES,
			 "the media-worker has no room for the call");

	return 0;
}

/* Bytes of the region that the wish describes; 0 when it is out of range. */
static size_t frames_bytes(const struct msg_media_frames_want *m)
{
	struct frame_shape shape = { .slots = m->slots };
	struct frame_meta most = { 0 };

	if (m->width) {
		if ((uint64_t)m->width * m->height > PICTURE_MAX)
			return 0;
		shape.format = RM_FRAMES_I420;
		shape.width = most.width = m->width;
		shape.height = most.height = m->height;
	} else {
		shape.format = RM_FRAMES_PCM16;
		shape.rate = PCM_HZ;
		shape.samples = most.samples = PCM_SAMPLES;
		shape.channels = m->slot_bytes > PCM_SAMPLES * 2 + 63 ? 2 : 1;
	}

	return frame_bytes(&shape, &most) == m->slot_bytes ?
		       frame_ring_bytes(&shape) : 0;
}

int on_media_frames_want(struct worker *w,
			 const struct msg_media_frames_want *m,
			 const void *blob, size_t len)
{
	struct msg_media_frames answer;
	size_t bytes;
	int fd;

	(void)blob;
	(void)len;
	if (!(bytes = frames_bytes(m)))
		return -EPROTO;
	fd = region_create("rm-frames", REGION_FRAMES, bytes, m->generation,
			   m->peer);
	if (fd < 0) {
		log_fail(fd, "no frame ring");
		return 0;
	}
	memcpy(&answer, m, sizeof(answer));
	(void)send_media_frames(&w->down, &answer, NULL, 0, &fd);
	close(fd);

	return 0;
}

_Static_assert(sizeof(struct msg_media_frames) ==
	       sizeof(struct msg_media_frames_want),
	       "the answer repeats the question");

int on_media_stats(struct worker *w, const struct msg_media_stats *m,
		   const void *blob, size_t len)
{
	(void)blob;
	(void)len;
	worker_alive(w, LIFE_US);
	log_debug("media statistics",
		  "worker=%s audio_out=%llu video_out=%llu concealed=%llu",
		  w->name, (unsigned long long)m->audio_out,
		  (unsigned long long)m->video_out,
		  (unsigned long long)m->concealed);

	return 0;
}
