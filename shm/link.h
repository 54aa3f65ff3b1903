/*
 * link.h - all shared memory between one ice-worker and its media-worker
 *
 * A link has two sides. Each side writes two regions: MEDIA (encoded rings,
 * which further readers of the same session may map) and PRIVATE (its
 * cursors and its data ring, which only the other side maps). Which rings
 * exist follows from `kinds`; both sides and the broker compute the same
 * layout. A replaced worker means a new link with generation + 1: nobody
 * writes into old memory.
 *
 *     ice-worker  --UP-->    media-worker    audio, video, data
 *     ice-worker  <--DOWN--  media-worker    audio, video, data
 *
 * Doorbells: the ice-worker hears one, its media-worker hears two (AUDIO for
 * audio and data, VIDEO for its second thread).
 */
#ifndef SHM_LINK_H
#define SHM_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "shm/dring.h"
#include "shm/ering.h"
#include "shm/region.h"

enum link_kinds { LINK_AUDIO = 1, LINK_VIDEO = 2, LINK_DATA = 4 };

enum {
	LINK_AUDIO_BYTES = 65536,	/* data of each ring */
	LINK_VIDEO_BYTES = 2097152,
	LINK_DATA_BYTES = 1048576,
};

struct link_layout {
	size_t media_bytes, private_bytes;	/* whole pages */
	size_t audio_at, video_at;		/* in MEDIA; 0: absent */
	size_t audio_cursor_at, video_cursor_at;	/* in PRIVATE */
	size_t data_cursor_at, data_at;		/* data_at 0: absent */
};

/* kinds is enum link_kinds or-ed, at least one. */
void link_layout(struct link_layout *out, unsigned kinds);

/* One side's end of a link, mapped. Plain data; zero it before use. */
struct link_end {
	unsigned kinds;
	uint64_t generation;
	struct region own_media, own_private;	/* this side writes */
	struct region far_media, far_private;	/* the other side writes */
	struct ering_writer audio_out, video_out;
	struct dring_writer data_out;
	struct ering_reader audio_in, video_in;
	struct dring_reader data_in;
	const struct ering_cursor *far_audio, *far_video;
	const struct dring_cursor *far_data;
	int ring_audio_fd;	/* rung after audio or data was written */
	int ring_video_fd;	/* rung after video was written; the ice side's
				   single bell is given in both */
};

/*
 * First half: map and lay out what this side writes. The caller keeps the
 * descriptors (and may close them afterwards).
 */
int link_map_own(struct link_end *end, unsigned kinds, uint64_t generation,
		 int media_fd, int private_fd) MUST_USE;

/*
 * Second half, after both sides are sealed: map what the other side writes
 * and open readers and cursors. Takes the two bell descriptors on success.
 */
int link_map_far(struct link_end *end, int media_fd, int private_fd,
		 int ring_audio_fd, int ring_video_fd) MUST_USE;

/* Unmaps, closes the bells (once when both are the same), zeroes the rest.
 * Fine on a zeroed end (bells 0 are not closed). */
void link_end_fini(struct link_end *end);

/* Write and ring where the far side sleeps. As ering_write/dring_write.
 * -ENOTCONN when that ring is absent or the second half is missing. */
int link_send_audio(struct link_end *end, const struct record *rec,
		    const void *payload) MUST_USE;
int link_send_video(struct link_end *end, const struct record *rec,
		    const void *payload) MUST_USE;
int link_send_data(struct link_end *end, const struct record *rec,
		   const void *payload) MUST_USE;

/* dring_read() of the data ring, and the writer is rung when it waits for the
 * room this made. -ENOTCONN as above. */
int link_recv_data(struct link_end *end, struct record *rec, void *payload,
		   size_t cap) MUST_USE;

#endif
