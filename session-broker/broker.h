/*
 * broker.h - the session-broker's objects and who calls whom
 *
 * The broker is soft state: all it knows it can learn again from the workers
 * that are alive (adopt.c). It creates all shared memory, never maps media,
 * and forwards SDP and candidates unread.
 *
 * Memory   A worker is owned by the broker's list, a peer by its tables.
 *          worker_free() and peer_free() unlink first.
 * Errors   Handlers return 0, or negative: the sender broke the contract
 *          and is killed.
 * Threads  One loop.
 */
#ifndef SESSION_BROKER_BROKER_H
#define SESSION_BROKER_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/loop.h"
#include "common/options.h"
#include "core/session/restart.h"
#include "port/bus.h"
#include "proto/wire.h"

enum {
	MEDIA_WORKERS_MAX = 256,	/* as common/options.c allows */
	PEER_BUCKETS = 4096,
	SESSION_BUCKETS = 1024,
	SESSION_PEERS = 64,	/* at most in one session */
	MEDIA_LINKS_MAX = 512,	/* of one media-worker (media-worker/lane.h) */
	PENDING_MAX = 66,	/* messages kept for a worker being forked */
	TEMPLATE_FORKS = 400,	/* before the template is executed anew */
};

/* A process that the broker has spawned, forked or adopted. */
struct worker {
	struct broker *b;
	struct worker *prev, *next;
	enum proc kind;
	enum phase phase;
	char name[48];		/* of its folder under <run>/w */
	uint64_t serial;	/* of this handle, never used again */
	uint64_t spawn;		/* number of this process */
	pid_t pid;		/* 0 while unknown */
	int status;		/* as waitpid gives it, once told */
	struct watch on_exit;	/* its pidfd */
	struct bus *bus;
	struct watch on_bus;
	struct watch on_fds;	/* the SEQPACKET connection */
	struct wire ctl, down;	/* rows without and with descriptors */
	struct timer deadline;	/* for hello, later for life signs */
	struct peer *peer;	/* ICE */
	uint64_t peer_id;	/* ICE: as its folder says */
	uint32_t index;		/* MEDIA */
	uint32_t forks;		/* TEMPLATE */
	uint32_t spent;		/* ICE: messages in the present second */
	struct mono second;
	bool leaving;		/* its end is wanted */
};

/* A message kept until the peer's worker can take it. */
enum peer_message { TO_DESCRIBE, TO_TRICKLE, TO_MAKE_OFFER };

struct pending {
	enum peer_message type;
	uint32_t kind, kinds;
	size_t len;
	uint8_t *blob;
};

/*
 * Peers that share one graph, on one media-worker. A peer without a wish has
 * one of its own, which nobody else can name.
 */
struct session {
	struct broker *b;
	struct session *next_name, *next_number;
	uint64_t number;	/* also what a media-worker knows it by */
	bool shared;		/* name was wished for */
	char name[MSG_NAME + 1];
	uint32_t media;		/* index of its media-worker */
	uint32_t peers;
};

enum link_state { LINK_NONE, LINK_MAPPING, LINK_UP, LINK_LOST };

struct peer {
	struct broker *b;
	struct peer *next_id, *next_call;
	uint64_t id, call;
	struct session *session;
	char name[MSG_NAME + 1];
	struct worker *ice;	/* NULL while none is alive */
	bool forking, answered;
	uint32_t port, state, retries;
	struct restart superseded;	/* when its connection was replaced */
	struct pending pending[PENDING_MAX];
	uint32_t pending_len;
	/* the link to its media-worker (link.c) */
	enum link_state link;
	uint64_t generation;
	uint32_t kinds;
	uint32_t kinds_in, kinds_out;	/* it sends, it receives */
	uint32_t codecs;	/* pictures it can receive */
	bool ice_mapped, media_mapped;
	bool kinds_late;	/* changed while MAPPING */
	bool moved;	/* adopted; its link serves another session */
	int regions[4];		/* while LINK_MAPPING, else -1 */
	struct timer link_by;
};

/* One kind of process that is restarted when it crashes. */
struct service {
	struct broker *b;
	enum proc kind;
	uint32_t index, core;	/* MEDIA: the core it is pinned to */
	struct worker *worker;	/* NULL while down */
	struct restart restart;
	struct timer again;
};

/* A link that an adopted media-worker said it holds. */
struct held {
	uint64_t peer, generation;
	uint32_t media;
};

struct broker {
	struct loop *loop;
	const struct options *opt;
	char run[72];
	char bin[256];		/* folder of the programs */
	struct worker *workers;
	uint64_t serials;	/* handles made since the start */
	struct service signaling, template, media[MEDIA_WORKERS_MAX];
	uint32_t media_count;
	struct peer *by_id[PEER_BUCKETS], *by_call[PEER_BUCKETS];
	uint32_t peers, connected, restarts;
	struct session *session_names[SESSION_BUCKETS];
	struct session *session_numbers[SESSION_BUCKETS];
	uint32_t sessions;
	uint64_t last_session;	/* number */
	uint64_t last_number;	/* of peers and spawns */
	uint8_t *ports;		/* 1: taken; one byte each of the range */
	uint32_t port_next;
	struct timer stats, adopted;
	bool adopting;		/* re-dialled workers may still say hello */
	struct held *held;
	size_t held_len;
	uint32_t routes;	/* of the pipeline: enum route or-ed */
	bool ready, stopping;
	int exit_code;
	int lock_fd;
	struct watch on_signal;
	struct mono stop_at;
	struct timer stop_by;
};

/* rundir.c - the run directory: <run>/{lock,ready,broker.pid,w/<worker>/} */
int rundir_open(struct broker *b) MUST_USE;
void rundir_close(struct broker *b);
int rundir_ready(struct broker *b) MUST_USE;
/* Makes <run>/w/<name> and two listeners in it; ctl_fd may be NULL. */
int rundir_listen(struct broker *b, const char *name, int *ctl_fd,
		  int *fds_fd) MUST_USE;
/* pid and start time, so that a later broker never signals a stranger. */
int rundir_note_pid(struct broker *b, const char *name, pid_t pid) MUST_USE;
/* The noted pid if that process is still the same, else 0. */
pid_t rundir_pid(struct broker *b, const char *name);
/* Which call a peer's worker serves, for a later broker. */
struct rundir_call {
	uint64_t call, session;
	uint32_t port, media, shared;
	char name[MSG_NAME + 1];
	char session_name[MSG_NAME + 1];
};
int rundir_note_call(struct broker *b, const char *name,
		     const struct rundir_call *call) MUST_USE;
int rundir_read_call(struct broker *b, const char *name,
		     struct rundir_call *out) MUST_USE;
void rundir_drop(struct broker *b, const char *name);
/* Calls each for every worker folder. */
void rundir_walk(struct broker *b,
		 void (*each)(struct broker *b, const char *name));

/* worker.c - handles */
int worker_new(struct worker **out, struct broker *b, enum proc kind,
	       const char *name) MUST_USE;
void worker_free(struct worker *w);
/* Dials both sockets. -ECONNREFUSED: nobody hears them. */
int worker_dial(struct worker *w) MUST_USE;
/* Learn of its end by pidfd. */
int worker_follow(struct worker *w, pid_t pid) MUST_USE;
void worker_kill(struct worker *w, int signal);
/* An ice-worker whose call is over: it has a moment for its goodbye. */
void worker_dismiss(struct worker *w, uint64_t peer, uint32_t why);
/* Ends it when what it was asked for is done. */
void worker_retire(struct worker *w);
/* It broke the contract: killed, its end is handled as a crash. */
void worker_broken(struct worker *w, const char *what);
/* Its end was noticed; frees w. */
void worker_ended(struct worker *w, int status);
/* A life sign came; the next is due within span_us (0: none expected). */
void worker_alive(struct worker *w, int64_t span_us);

/* spawn.c - start processes */
int service_start(struct service *s) MUST_USE;
void service_failed(struct service *s, int status);
/* Asks the template for a worker for this peer. */
int spawn_peer(struct peer *p) MUST_USE;
uint64_t next_number(struct broker *b);

/* adopt.c - after a crash of the broker: find what is alive */
void adopt_all(struct broker *b);
void adopt_settle(struct broker *b);
int adopt_held(struct broker *b, uint64_t peer, uint64_t generation,
	       uint32_t media) MUST_USE;
/* That media-worker died: what it said that it holds is gone. */
void adopt_forget(struct broker *b, uint32_t media);

/* dispatch.c */
int dispatch(struct worker *w, const struct wire_in *in) MUST_USE;

/* peer.c */
/* Drops what is kept for a worker that is replaced before it answered. */
void peer_forget_pending(struct peer *p);
struct peer_hello {
	uint64_t call;
	const char *name;
	size_t name_len;
	const char *session;
	size_t session_len;	/* 0: one of its own */
};
/* -EPROTO: such a name cannot be. -EUSERS: the session is full. */
int peer_new(struct peer **out, struct broker *b, const struct peer_hello *h)
	MUST_USE;
/* One that a broker before this one has noted. */
int peer_adopt(struct peer **out, struct broker *b,
	       const struct rundir_call *c) MUST_USE;
void peer_free(struct peer *p);
struct peer *peer_by_id(struct broker *b, uint64_t id);
struct peer *peer_by_call(struct broker *b, uint64_t call);
struct peer *peer_by_name(struct broker *b, const void *name, size_t len);
void peer_set_call(struct peer *p, uint64_t call);
void peer_set_id(struct peer *p, uint64_t id);
void peer_set_state(struct peer *p, uint32_t state);
/* Keeps or sends it. -ENOBUFS when too much is kept. */
int peer_deliver(struct peer *p, enum peer_message type, uint32_t kind,
		 uint32_t kinds, const void *blob, size_t len) MUST_USE;
/* The worker is ready: sends all that is kept (it stays kept). */
void peer_flush(struct peer *p);
/* The worker gave its description: nothing is kept any more. */
void peer_answered(struct peer *p);
/* Tells signaling why, ends its worker, frees p. */
void peer_end(struct peer *p, uint32_t why, const char *text);
int port_take(struct broker *b, uint32_t *port) MUST_USE;
void port_mark(struct broker *b, uint32_t port);
void port_give(struct broker *b, uint32_t port);
struct peer *peer_each(struct broker *b, struct peer *after);

/* session.c */
/* The session of that name, or a new one; len 0: one of its own. Counts the
 * peer. -EUSERS: SESSION_PEERS are in it. */
int session_join(struct session **out, struct broker *b, const char *name,
		 size_t len) MUST_USE;
/* One that a broker before this one has numbered. media: its worker. */
int session_rejoin(struct session **out, struct broker *b,
		   const struct rundir_call *c) MUST_USE;
/* The last peer's leaving ends it. */
void session_leave(struct session *s);
/* Room on its media-worker for one more; a session without a link yet may
 * move. -EUSERS: none. */
int session_place(struct session *s) MUST_USE;
/* What the next broker shall know of this peer. */
void session_note(struct rundir_call *out, const struct peer *p);
/* The name that was wished for, or "". */
const char *session_wish(const struct session *s);

/* link.c */
/* May end the call when there is no memory: p is gone then. */
void link_start(struct peer *p, uint32_t kinds);
/* What the peer sends and receives, as p says now. */
void link_tell_kinds(struct peer *p);
void link_lost(struct peer *p);
void link_mapped(struct peer *p, uint64_t generation, bool by_ice);
void link_drop(struct peer *p);
/* A media-worker is ready: all of its peers that have no link get one. */
void link_restore(struct broker *b, uint32_t index);
struct worker *media_of(const struct peer *p);
uint32_t media_least_loaded(struct broker *b);
bool media_is_full(struct broker *b, uint32_t index);

/* What signaling is told; nothing while it is away. */
struct wire *to_signaling(struct broker *b);
void tell_known(struct worker *signaling, const struct peer *p);
void tell_gone(struct peer *p, uint32_t why, bool ended, const char *text);

/* main.c */
void broker_stop(struct broker *b, int code);
void broker_check_ready(struct broker *b);

#define ROW_TO_BROKER(name)                                                   \
	int on_##name(struct worker *w, const struct msg_##name *m,           \
		      const void *blob, size_t len) MUST_USE;
#define ROW_TO_SIGNALING(name)
#define ROW_TO_TEMPLATE(name)
#define ROW_TO_ICE(name)
#define ROW_TO_MEDIA(name)
#define ROW(name, from, to, when, fds, blob) ROW_TO_##to(name)
MSG_TABLE(ROW)
#undef ROW

#endif
