/*
 * video.h - the second thread: every picture of this worker
 *
 * Reads the up video rings, decodes, encodes, writes the down video rings.
 * A turn of a call decodes a few records and encodes one picture, then the
 * next call has its turn. When pictures are late all are decoded and only the
 * newest is encoded.
 *
 * A picture is encoded once for each codec that its receivers need: its own
 * peer, and the listeners of the session while this source is the one they
 * see (core/media/session_route.h). The lowest bit rate of them counts, and a
 * key frame that one asks for comes to all; who reads nothing has no say.
 *
 * Memory   Of a call it touches only end.video_in, end.video_out, end.far_video
 *          and the bell it was given, from NOTE_OPEN to NOTE_CLOSED; it reads
 *          peer, session and role.
 * Threads  video_start() makes the thread; it never logs and never talks to
 *          the broker.
 */
#ifndef MEDIA_WORKER_VIDEO_H
#define MEDIA_WORKER_VIDEO_H

#include "common/err.h"

struct worker;
struct video_thread;

int video_start(struct video_thread **out, struct worker *w) MUST_USE;

/* Asks the thread to end, waits for it and frees it. NULL is fine. */
void video_stop(struct video_thread *t);

#endif
