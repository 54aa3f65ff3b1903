/*
 * sound.h - a call's audio rings: up ring into audio.h, its packets down, and
 * the sum of the session's sound (mixdown.h) to those who listen
 *
 * While sound is played the ring is read at every tick and nobody rings for
 * it; before and after, the bell does.
 */
#ifndef MEDIA_WORKER_SOUND_H
#define MEDIA_WORKER_SOUND_H

#include "common/err.h"
#include "common/mono.h"
#include "media-worker/call.h"

/* Reads what came, at most some dozen records. 1: there is more. -EBADMSG. */
int sound_pump(struct call *c, struct mono now) MUST_USE;

/* One tick: reads, plays, sends. 0, or -EBADMSG. */
int sound_tick(struct call *c, struct mono now) MUST_USE;

/* One tick of a listener. 0, or -EBADMSG. */
int sound_mix(struct call *c, struct mono now) MUST_USE;

/* Wishes for the frame ring that the sound needs, unless that is done. */
void sound_ask_frames(struct call *c);

#endif
