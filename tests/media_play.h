/*
 * media_play.h - a test that plays broker and ice-worker to a media-worker
 *
 * Starts the real program with its two listeners, dials it, gives it links
 * of real rings and answers its wishes for frame rings.
 *
 * Errors   A step that fails ends the program with a line on stderr.
 * Threads  One.
 */
#ifndef TESTS_MEDIA_PLAY_H
#define TESTS_MEDIA_PLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/sp.h"
#include "proto/wire.h"
#include "shm/link.h"

struct play {
	char dir[64];
	pid_t pid;
	int listeners[2];	/* ctl, fds */
	int ctl, fds;		/* -1 when hung up */
	struct sp sp;
	struct wire to_ctl, to_fds;
	bool greeted;
	enum phase phase;
	unsigned hellos, holds, links_said;	/* of media_hello */
	unsigned mapped, broken, wants, logs;
	uint64_t mapped_generation, broken_peer, broken_generation;
	uint32_t broken_why;
	const char *alone;	/* --alone of the next process; NULL: none */
	unsigned files;		/* its RLIMIT_NOFILE; 0: as ours */
	bool keep_frames;	/* leave wishes for frame rings unanswered */
	struct msg_media_frames_want kept;	/* the last one left */
	struct msg_media_stats stats;
	bool loud;		/* print what it logs */
};

/* One link, seen from the ice-worker. */
struct play_link {
	uint64_t peer, generation;
	unsigned kinds;
	struct link_end end;
	int bell;
	int ice[2], media[2];	/* MEDIA, PRIVATE; until play_link_far() */
};

/* A new process, dialled, greeted, set up with all routes. */
void play_start(struct play *p, const char *path);

/* As a new broker would; waits for its hello. */
void play_dial(struct play *p);
void play_hang_up(struct play *p);

/* SIGKILL, and reaps. */
void play_kill(struct play *p);

/* media_quit; returns the exit status as waitpid gives it. */
int play_quit(struct play *p);

/* Forgets the rest: directory, listeners. */
void play_end(struct play *p);

void play_link(struct play *p, struct play_link *l, uint64_t peer,
	       uint64_t generation, unsigned kinds);

/* As m says: session, what the peer sends and receives. */
void play_link_as(struct play *p, struct play_link *l,
		  const struct msg_media_link_own *m);

/* Its two steps. The first waits for no answer; the second lays our side, if
 * sealed. */
void play_link_own(struct play *p, struct play_link *l, uint64_t peer,
		   uint64_t generation, unsigned kinds);
void play_link_far(struct play *p, struct play_link *l, bool sealed);

/* p NULL: the worker is not told. Fine after the first step, too. */
void play_unlink(struct play *p, struct play_link *l);
void play_close(struct play *p, uint64_t peer, uint64_t generation);

/* Takes messages for wait_ms at most, or until one was taken. */
void play_turn(struct play *p, int wait_ms);

/* Takes messages until the counter is no longer `from`. */
void play_wait(struct play *p, const unsigned *counter, unsigned from,
	       const char *what);

/* Answers the wish that was kept. */
void play_give_frames(struct play *p);

/* The program to test: beside this one, in ../../bin. */
const char *play_path(const char *self, char *room, size_t size);

__attribute__((noreturn, format(printf, 1, 2)))
void play_die(const char *fmt, ...);

#endif
