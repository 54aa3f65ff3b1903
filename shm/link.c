/* link.c - one layout for three processes, and both halves of mapping it */

#include "shm/link.h"

#include "shm/doorbell.h"
#include "shm/words.h"

#include <errno.h>
#include <unistd.h>

enum { PAGE = 4096 };

static size_t place(size_t *end, size_t bytes)
{
	size_t at = *end;

	*end = words_up(at + bytes, SHM_LINE);

	return at;
}

void link_layout(struct link_layout *out, unsigned kinds)
{
	size_t media = SHM_LINE, own = SHM_LINE;

	*out = (struct link_layout){ 0 };
	if (kinds & LINK_AUDIO) {
		out->audio_at = place(&media, ering_bytes(LINK_AUDIO_BYTES));
		out->audio_cursor_at = place(&own, SHM_LINE);
	}
	if (kinds & LINK_VIDEO) {
		out->video_at = place(&media, ering_bytes(LINK_VIDEO_BYTES));
		out->video_cursor_at = place(&own, SHM_LINE);
	}
	if (kinds & LINK_DATA) {
		out->data_cursor_at = place(&own, SHM_LINE);
		out->data_at = place(&own, dring_bytes(LINK_DATA_BYTES));
	}
	out->media_bytes = words_up(media, PAGE);
	out->private_bytes = words_up(own, PAGE);
}

static void *in(const struct region *r, size_t at)
{
	return (char *)r->base + at;
}

static bool is_of(const struct region *r, uint64_t generation)
{
	const struct region_head *head = r->base;

	return word_load(&head->generation) == generation;
}

int link_map_own(struct link_end *end, unsigned kinds, uint64_t generation,
		 int media_fd, int private_fd)
{
	struct link_layout l;
	int err;

	link_layout(&l, kinds);
	*end = (struct link_end){ .kinds = kinds, .generation = generation };
	if ((err = region_map_writer(&end->own_media, media_fd, REGION_MEDIA,
				     l.media_bytes)) ||
	    (err = region_map_writer(&end->own_private, private_fd,
				     REGION_PRIVATE, l.private_bytes)))
		goto fail;
	err = -EINVAL;
	if (!is_of(&end->own_media, generation) ||
	    !is_of(&end->own_private, generation))
		goto fail;
	if (l.audio_at)
		ering_init(&end->audio_out, in(&end->own_media, l.audio_at),
			   LINK_AUDIO_BYTES, generation);
	if (l.video_at)
		ering_init(&end->video_out, in(&end->own_media, l.video_at),
			   LINK_VIDEO_BYTES, generation);
	if (l.data_at)
		dring_init(&end->data_out, in(&end->own_private, l.data_at),
			   LINK_DATA_BYTES, NULL, generation);

	return 0;
fail:
	link_end_fini(end);

	return err;
}

static int open_readers(struct link_end *end, const struct link_layout *l)
{
	const struct region *media = &end->far_media;
	const struct region *own = &end->own_private;
	int err = 0;

	if (l->audio_at)
		err = ering_open(&end->audio_in, in(media, l->audio_at),
				 LINK_AUDIO_BYTES, in(own, l->audio_cursor_at),
				 true);
	if (err == 0 && l->video_at)
		err = ering_open(&end->video_in, in(media, l->video_at),
				 LINK_VIDEO_BYTES, in(own, l->video_cursor_at),
				 true);
	if (err == 0 && l->data_at)
		err = dring_open(&end->data_in,
				 in(&end->far_private, l->data_at),
				 LINK_DATA_BYTES, in(own, l->data_cursor_at));

	return err;
}

int link_map_far(struct link_end *end, int media_fd, int private_fd,
		 int ring_audio_fd, int ring_video_fd)
{
	const struct region *far = &end->far_private;
	struct link_layout l;
	int err;

	link_layout(&l, end->kinds);
	if (!end->own_media.base || end->far_media.base)
		return -EINVAL;
	if ((err = region_map_reader(&end->far_media, media_fd, REGION_MEDIA,
				     l.media_bytes)) ||
	    (err = region_map_reader(&end->far_private, private_fd,
				     REGION_PRIVATE, l.private_bytes)))
		goto fail;
	err = -EINVAL;
	if (!is_of(&end->far_media, end->generation) ||
	    !is_of(&end->far_private, end->generation))
		goto fail;
	err = open_readers(end, &l);
	if (err != 0)
		goto fail;
	if (l.audio_at)
		end->far_audio = in(far, l.audio_cursor_at);
	if (l.video_at)
		end->far_video = in(far, l.video_cursor_at);
	if (l.data_at)
		end->far_data = in(far, l.data_cursor_at);
	end->data_out.reader = end->far_data;
	end->ring_audio_fd = ring_audio_fd;
	end->ring_video_fd = ring_video_fd;

	return 0;
fail:
	region_unmap(&end->far_media);
	region_unmap(&end->far_private);

	return err;
}

void link_end_fini(struct link_end *end)
{
	region_unmap(&end->own_media);
	region_unmap(&end->own_private);
	region_unmap(&end->far_media);
	region_unmap(&end->far_private);
	if (end->ring_audio_fd > 0)
		close(end->ring_audio_fd);
	if (end->ring_video_fd > 0 && end->ring_video_fd != end->ring_audio_fd)
		close(end->ring_video_fd);
	*end = (struct link_end){ 0 };
}

static int send_frame(struct ering_writer *out, const struct ering_cursor *far,
		      int bell, const struct record *rec, const void *payload)
{
	int err;

	if (!far)
		return -ENOTCONN;
	err = ering_write(out, rec, payload);
	if (err == 0 && ering_must_ring(far))
		doorbell_ring(bell);

	return err;
}

int link_send_audio(struct link_end *end, const struct record *rec,
		    const void *payload)
{
	return send_frame(&end->audio_out, end->far_audio, end->ring_audio_fd,
			  rec, payload);
}

int link_send_video(struct link_end *end, const struct record *rec,
		    const void *payload)
{
	return send_frame(&end->video_out, end->far_video, end->ring_video_fd,
			  rec, payload);
}

int link_send_data(struct link_end *end, const struct record *rec,
		   const void *payload)
{
	int err;

	if (!end->far_data)
		return -ENOTCONN;
	err = dring_write(&end->data_out, rec, payload);
	if (err == 0 && dring_must_ring(end->far_data))
		doorbell_ring(end->ring_audio_fd);

	return err;
}

int link_recv_data(struct link_end *end, struct record *rec, void *payload,
		   size_t cap)
{
	int err;

	if (!end->far_data)
		return -ENOTCONN;
	err = dring_read(&end->data_in, rec, payload, cap);
	if ((err == 1 || err == -EMSGSIZE) && dring_writer_waits(&end->data_in))
		doorbell_ring(end->ring_audio_fd);

	return err;
}
