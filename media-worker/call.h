/*
 * call.h - one link of this worker, from mapping to its end
 *
 *     MAPPED    our half is mapped, the broker seals it
 *     FLOWING   both halves: sound and data run in the first thread, the
 *               picture in the second
 *     LEAVING   closed, the second thread still has it
 *
 * A newer link for a peer takes over sound (its codecs go on) and the data
 * that the far side had not read; the picture begins anew with a key frame.
 *
 * Memory   Owned by the worker's list. call_close() frees it, at once or
 *          when the video thread has let go.
 * Threads  The first thread owns the struct; of `end` the video thread uses
 *          the video rings only, between NOTE_OPEN and NOTE_CLOSED, and reads
 *          the role.
 */
#ifndef MEDIA_WORKER_CALL_H
#define MEDIA_WORKER_CALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/loop.h"
#include "core/media/session_route.h"
#include "media-worker/audio.h"
#include "media-worker/ear.h"
#include "media-worker/mixdown.h"
#include "media-worker/room.h"
#include "proto/msg.h"
#include "shm/link.h"
#include "shm/record.h"

struct worker;
struct video;

enum call_stage { CALL_MAPPED, CALL_FLOWING, CALL_LEAVING };

/* A data message that the far side has no room for yet. */
struct parcel {
	struct record rec;
	void *payload;		/* NULL: none waits */
	bool full;		/* it waits */
};

struct call {
	struct worker *w;
	struct call *next;
	enum call_stage stage;
	uint64_t peer, generation, session;
	_Atomic uint32_t role;	/* call_role() and call_codecs() */
	struct room *room;	/* while it flows */
	struct call *room_next;
	struct link_end end;
	int video_bell;		/* until the video thread has it; -1 */
	struct ear bell;	/* audio and data */
	struct timer tick, again, mix_tick;
	struct audio *audio;	/* while the peer sends sound */
	struct mixdown *mixdown;	/* while it listens */
	struct parcel parcel;
	uint32_t asked;		/* channels of the PCM ring wished for */
	struct msg_media_frames_want want;	/* the video thread's wish */
	bool wants;		/* it is open */
	struct mono wished;	/* when either was sent */
	uint32_t channels_open;	/* data channels */
	struct video *video;	/* the video thread's */
};

/* What the peer sends and receives (enum link_kinds and graph_kind agree). */
static inline struct route_role call_role(const struct call *c)
{
	uint32_t role = atomic_load_explicit(&c->role, memory_order_relaxed);

	return (struct route_role){ role & 7, role >> 8 & 7 };
}

/* Pictures it can receive; bit n is enum record_codec n. */
static inline uint32_t call_codecs(const struct call *c)
{
	return atomic_load_explicit(&c->role, memory_order_relaxed) >> 16;
}

/*
 * Our half. An unfinished link of the peer ends; one that flows goes on
 * until call_join(). -ESTALE: a newer one flows, -ENOSPC: links_max, or what
 * mapping says. fds stay the caller's.
 */
int call_open(struct worker *w, const struct msg_media_link_own *m,
	      const int *fds) MUST_USE;

/* The far half of a link that is MAPPED; older links of the peer end. When
 * it cannot be, the link is broken. Takes fds[2] to fds[4]; the others stay
 * the caller's. */
void call_join(struct call *c, const int *fds);

/* The link of this peer and generation at that stage; NULL. */
struct call *call_find(struct worker *w, uint64_t peer, uint64_t generation,
		       enum call_stage stage);

/* The peer sends and receives something else. */
int call_set_kinds(struct call *c, const struct msg_media_peer_kinds *m)
	MUST_USE;

/* The listener's tick, when there is one and it is not armed. */
void call_arm_mix(struct call *c);

/* The link of this peer that flows; NULL. */
struct call *call_of(struct worker *w, uint64_t peer);

void call_close(struct call *c);

/* Tells the broker and closes. -EBADMSG: the far side broke the rules; any
 * other error is this process's own trouble. */
void call_break(struct call *c, int err);

/* Tells the broker of a link that is not in the list. */
void call_deny(struct worker *w, uint64_t peer, uint64_t generation, int err);

/* The video thread has let go. */
void call_released(struct call *c);

/* The answer to a wish for a PCM ring; one of no use breaks the link. */
void call_take_pcm(struct call *c, const struct frame_shape *shape, int fd);

/* Says what is wished for again: to a new broker, or when no answer came. */
void call_wish_again(struct call *c, struct mono now);

/* Ends all, without the video thread (it has ended). */
void call_free_all(struct worker *w);

/* Reads what there is, also if no bell rang. */
void call_sweep(struct call *c, struct mono now);

#endif
