/*
 * msg.h - every message between two processes, one row each
 *
 * A row is the whole contract. The type numbers, the names in the log, the
 * checks at the gate, the dispatch of each process, the prototypes of
 * senders and handlers and docs/PROTOCOL.md are all made from it. To add a
 * message: a payload, a row, a handler (CONTRIBUTING.md).
 *
 * Payloads are fixed in size, hold no pointer and no hidden padding, and are
 * in host order: both ends are one build on one machine. A row may end in
 * one opaque blob of at most `blob` bytes, which the broker forwards unread.
 * Descriptors travel beside the payload, in the order its comment names.
 * Rows with descriptors go over the worker's `fds` socket, all others over
 * its `ctl` socket, where it has one (docs/processes.md).
 *
 * Units    Moments and spans in microseconds, sizes in bytes.
 * Trust    The receiver treats the sender as hostile; a worker that breaks
 *          the contract is killed, and leaves when the broker breaks it.
 */
#ifndef PROTO_MSG_H
#define PROTO_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum proc { BROKER, SIGNALING, TEMPLATE, ICE, MEDIA, PROCS };

/*
 * Phases of the worker's side of one channel; the broker keeps one per
 * worker. BOOT: nothing said yet. IDLE: ready, no call. JOIN: a call is being
 * set up. FLOW: a call is connected.
 */
enum phase {
	AT_BOOT = 1, AT_IDLE = 2, AT_JOIN = 4, AT_FLOW = 8,
	AT_HELLO = 3,		/* nng may dial again by itself */
	AT_CALL = 12, AT_READY = 14, AT_ANY = 15,
};

enum {
	MSG_NAME = 128,		/* bytes of a peer id, UTF-8, no NUL */
	MSG_NAMES = 256,	/* a peer id, then a session's (or nothing) */
	MSG_SDP = 32768,
	MSG_CANDIDATE = 512,	/* mid SP index SP candidate-line */
	MSG_LOG = 512,
	MSG_CONTROL = 16384,	/* JSON */
	MSG_FDS = 5,		/* descriptors of one message at most */
};

/* clang-format off */
#define MSG_TABLE(ROW) \
/*  name               from       to         when legal          fds blob */ \
ROW(signaling_hello,   SIGNALING, BROKER,    AT_HELLO,             0, 0) \
ROW(call_open,         SIGNALING, BROKER,    AT_READY,             0, MSG_NAMES) \
ROW(call_description,  SIGNALING, BROKER,    AT_READY,             0, MSG_SDP) \
ROW(call_candidate,    SIGNALING, BROKER,    AT_READY,             0, MSG_CANDIDATE) \
ROW(call_close,        SIGNALING, BROKER,    AT_READY,             0, 0) \
ROW(control_request,   SIGNALING, BROKER,    AT_READY,             0, MSG_CONTROL) \
ROW(signaling_log,     SIGNALING, BROKER,    AT_ANY,               0, MSG_LOG) \
ROW(signaling_start,   BROKER,    SIGNALING, AT_BOOT,              0, 0) \
ROW(signaling_tls,     BROKER,    SIGNALING, AT_READY,             2, 0) \
ROW(call_local,        BROKER,    SIGNALING, AT_READY,             0, MSG_SDP) \
ROW(call_trickle,      BROKER,    SIGNALING, AT_READY,             0, MSG_CANDIDATE) \
ROW(call_state,        BROKER,    SIGNALING, AT_READY,             0, 0) \
ROW(call_gone,         BROKER,    SIGNALING, AT_READY,             0, MSG_LOG) \
ROW(call_known,        BROKER,    SIGNALING, AT_READY,             0, MSG_NAMES) \
ROW(control_reply,     BROKER,    SIGNALING, AT_READY,             0, MSG_CONTROL) \
ROW(broker_stats,      BROKER,    SIGNALING, AT_READY,             0, 0) \
ROW(template_hello,    TEMPLATE,  BROKER,    AT_BOOT,              0, 0) \
ROW(template_forked,   TEMPLATE,  BROKER,    AT_IDLE,              0, 0) \
ROW(template_reaped,   TEMPLATE,  BROKER,    AT_IDLE,              0, 0) \
ROW(fork_peer,         BROKER,    TEMPLATE,  AT_IDLE,              2, MSG_NAME) \
ROW(ice_hello,         ICE,       BROKER,    AT_BOOT,              0, 0) \
ROW(peer_local,        ICE,       BROKER,    AT_CALL,              0, MSG_SDP) \
ROW(peer_trickle,      ICE,       BROKER,    AT_CALL,              0, MSG_CANDIDATE) \
ROW(peer_refused,      ICE,       BROKER,    AT_CALL,              0, MSG_LOG) \
ROW(peer_superseded,   ICE,       BROKER,    AT_CALL,              0, MSG_SDP) \
ROW(peer_state,        ICE,       BROKER,    AT_CALL,              0, 0) \
ROW(peer_kinds,        ICE,       BROKER,    AT_CALL,              0, 0) \
ROW(peer_gone,         ICE,       BROKER,    AT_ANY,               0, MSG_LOG) \
ROW(peer_stats,        ICE,       BROKER,    AT_CALL,              0, 0) \
ROW(ice_link_mapped,   ICE,       BROKER,    AT_CALL,              0, 0) \
ROW(ice_log,           ICE,       BROKER,    AT_ANY,               0, MSG_LOG) \
ROW(peer_description,  BROKER,    ICE,       AT_CALL,              0, MSG_SDP) \
ROW(peer_offer_wanted, BROKER,    ICE,       AT_CALL,              0, 0) \
ROW(peer_candidate,    BROKER,    ICE,       AT_CALL,              0, MSG_CANDIDATE) \
ROW(peer_close,        BROKER,    ICE,       AT_ANY,               0, 0) \
ROW(ice_link_own,      BROKER,    ICE,       AT_CALL,              2, 0) \
ROW(ice_link_far,      BROKER,    ICE,       AT_CALL,              5, 0) \
ROW(media_hello,       MEDIA,     BROKER,    AT_HELLO,             0, 0) \
ROW(media_holds,       MEDIA,     BROKER,    AT_IDLE,              0, 0) \
ROW(media_link_mapped, MEDIA,     BROKER,    AT_IDLE,              0, 0) \
ROW(media_link_broken, MEDIA,     BROKER,    AT_IDLE,              0, 0) \
ROW(media_frames_want, MEDIA,     BROKER,    AT_IDLE,              0, 0) \
ROW(media_stats,       MEDIA,     BROKER,    AT_IDLE,              0, 0) \
ROW(media_log,         MEDIA,     BROKER,    AT_ANY,               0, MSG_LOG) \
ROW(media_setup,       BROKER,    MEDIA,     AT_IDLE,              0, 0) \
ROW(media_peer_kinds,  BROKER,    MEDIA,     AT_IDLE,              0, 0) \
ROW(media_peer_close,  BROKER,    MEDIA,     AT_IDLE,              0, 0) \
ROW(media_quit,        BROKER,    MEDIA,     AT_ANY,               0, 0) \
ROW(media_link_own,    BROKER,    MEDIA,     AT_IDLE,              2, 0) \
ROW(media_link_far,    BROKER,    MEDIA,     AT_IDLE,              5, 0) \
ROW(media_frames,      BROKER,    MEDIA,     AT_IDLE,              1, 0)
/* clang-format on */

enum call_state {
	CALL_NEW, CALL_CONNECTING, CALL_CONNECTED, CALL_DISCONNECTED,
	CALL_FAILED, CALL_CLOSED, CALL_STATES
};

/* Why a call ended or was refused. */
enum call_why {
	WHY_CLOSED,		/* one side wished it */
	WHY_FULL,		/* WEBRTC_MAX_PEERS */
	WHY_BAD_SDP,		/* offer or answer refused; text says why */
	WHY_BAD_CANDIDATE,
	WHY_WRONG_STATE,	/* an answer without an offer, ... */
	WHY_TIMEOUT,		/* ICE or DTLS did not finish */
	WHY_LOST,		/* 30 s without an authenticated packet */
	WHY_CRASHED,		/* the peer's process died */
	WHY_PROTOCOL,		/* it broke the contract and was killed */
	WHY_RESOURCES,		/* no process, port or memory object free */
	WHYS
};

enum description_kind {
	DESCRIPTION_OFFER = 1,
	DESCRIPTION_ANSWER = 2,
	DESCRIPTION_WANTED = 3,	/* no SDP: the server shall make the offer */
};

enum control_error {
	CONTROL_OK,
	CONTROL_NO_CALL,	/* it has none, or it has ended */
	CONTROL_NOT_SUPPORTED,	/* by this pipeline */
	CONTROL_INVALID,	/* the request is not understood */
	CONTROL_BUSY,		/* again later */
	CONTROL_ERRORS
};

enum peer_networks { NETWORKS_ANY, NETWORKS_PUBLIC };

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"

/* abi is msg_abi(); the first message of every worker, also to a new broker */
struct msg_signaling_hello { uint32_t abi, pid; };
struct msg_signaling_start { uint32_t max_peers, zero; };
/* descriptors: the certificate, its key, PEM files opened for reading */
struct msg_signaling_tls { uint64_t zero; };

/* call: chosen by signaling, unique among its calls, never 0. Blob: peer id
 * (name_len bytes), then the session it wishes for, nothing: one of its own */
struct msg_call_open { uint64_t call; uint32_t name_len, zero; };
/* kind: enum description_kind; kinds: with DESCRIPTION_WANTED, the media to
 * offer (enum link_kinds or-ed). Blob: SDP */
struct msg_call_description { uint64_t call; uint32_t kind, kinds; };
/* Blob: "<mid> <m-line index> <candidate>", "-" for an absent mid or index;
 * an empty candidate is end-of-candidates */
struct msg_call_candidate { uint64_t call; };
struct msg_call_close { uint64_t call; uint32_t why, zero; };
struct msg_call_local { uint64_t call; uint32_t kind, zero; };
struct msg_call_trickle { uint64_t call; };
/* state: enum call_state */
struct msg_call_state { uint64_t call; uint32_t state, zero; };
/* why: enum call_why; ended: 1 the call is over, 0 only the last description
 * or candidate was refused. Blob: text for humans */
struct msg_call_gone { uint64_t call; uint32_t why, ended; };
/* To a signaling process that came back: a call that goes on. Blob as
 * call_open's */
struct msg_call_known { uint64_t call; uint32_t state, name_len; };
struct msg_broker_stats {
	uint32_t peers, connected, media_workers, restarts, sessions, zero;
};

/* A wish about the pipeline of a call, and its answer. request: a number of
 * signaling's choice. Blobs: JSON; a reply that is an error has a text for
 * humans. */
struct msg_control_request { uint64_t call, request; };
struct msg_control_reply { uint64_t request; uint32_t error, zero; };

struct msg_signaling_log { uint32_t level, zero; };
struct msg_ice_log { uint32_t level, zero; };
struct msg_media_log { uint32_t level, zero; };

struct msg_template_hello { uint32_t abi, pid; };
/*
 * descriptors: the new worker's listener, its escrow region. port: its UDP
 * port, or 0 for any. networks: enum peer_networks.
 * data: 0 rejects data channels. refuse: ports of our own listeners (0 none).
 * spawn: number of this process, to tell a crashed one from its successor.
 * offers: 1 it will make the first offer, so it is controlling in ICE.
 * Blob: peer id
 */
struct msg_fork_peer {
	uint64_t peer, spawn;
	uint32_t port, networks, data, offers;
	uint16_t refuse[4];
};
struct msg_template_forked {
	uint64_t peer, spawn; int32_t pid; uint32_t zero;
};
/* status: as waitpid gives it */
struct msg_template_reaped { uint64_t peer, spawn; int32_t pid, status; };

/* Also said to a new broker: all that this worker holds. generation, kinds: of
 * its link, 0 none; the rest as msg_peer_kinds */
struct msg_ice_hello {
	uint64_t peer, spawn, generation;
	uint32_t abi, state, kinds, kinds_in, kinds_out, codecs, port, zero;
};
struct msg_peer_description { uint64_t peer; uint32_t kind, zero; };
/* Make an offer: kinds wanted, enum link_kinds or-ed */
struct msg_peer_offer_wanted { uint64_t peer; uint32_t kinds, zero; };
struct msg_peer_candidate { uint64_t peer; };
struct msg_peer_close { uint64_t peer; uint32_t why, zero; };
struct msg_peer_local { uint64_t peer; uint32_t kind, zero; };
struct msg_peer_trickle { uint64_t peer; };
/* A description or candidate was refused; the call goes on as it was */
struct msg_peer_refused { uint64_t peer; uint32_t why, zero; };
/* The offer belongs to a new connection: give it (blob) to a new worker and
 * end this one */
struct msg_peer_superseded { uint64_t peer; };
struct msg_peer_state { uint64_t peer; uint32_t state, zero; };
/*
 * Negotiated now, enum link_kinds or-ed; the broker answers with a link that
 * has rings for kinds, where they are new. kinds_in: what the peer sends,
 * kinds_out: what it receives. codecs: pictures it can receive, bit n is
 * enum record_codec n.
 */
struct msg_peer_kinds {
	uint64_t peer; uint32_t kinds, kinds_in, kinds_out, codecs;
};
struct msg_peer_gone { uint64_t peer; uint32_t why, zero; };
/* every 5 s; totals since the start but for rtt_us, bitrate */
struct msg_peer_stats {
	uint64_t peer, packets_in, packets_out, bytes_in, bytes_out;
	uint64_t lost_in, lost_out, dropped;
	uint32_t rtt_us, bitrate_bps;
};

/* descriptors: own MEDIA region, own PRIVATE region (shm/link.h) */
struct msg_ice_link_own {
	uint64_t peer, generation; uint32_t kinds, zero;
};
struct msg_ice_link_mapped { uint64_t peer, generation; };
/* descriptors: far MEDIA, far PRIVATE, the bell this worker hears, the bells
 * it rings for audio and data, and for video */
struct msg_ice_link_far { uint64_t peer, generation; };
/* session: number of the graph that the peer's frames belong to; the rest as
 * msg_peer_kinds */
struct msg_media_link_own {
	uint64_t peer, generation, session;
	uint32_t kinds, kinds_in, kinds_out, codecs;
};
/* The peer sends and receives other kinds from now on; its link stays */
struct msg_media_peer_kinds {
	uint64_t peer, generation; uint32_t kinds_in, kinds_out, codecs, zero;
};
struct msg_media_link_mapped { uint64_t peer, generation; };
/* descriptors: far MEDIA, far PRIVATE, the bells this worker hears for audio
 * and data, and for video, the bell it rings */
struct msg_media_link_far { uint64_t peer, generation; };
/* why: WHY_PROTOCOL, what the ice-worker wrote cannot be; WHY_RESOURCES, the
 * media-worker has no room, memory or descriptors for it */
struct msg_media_link_broken { uint64_t peer, generation; uint32_t why, zero; };

struct msg_media_hello { uint32_t abi, pid, index, links; };
/* After media_hello, one a link */
struct msg_media_holds { uint64_t peer, generation; };
/*
 * The pipeline of the loopback: which kinds go from Input to Output (enum
 * link_kinds or-ed), the jitter buffer's upper bound.
 */
struct msg_media_setup { uint32_t routes, jitter_max_ms; };
/* Its links up to this generation */
struct msg_media_peer_close { uint64_t peer, generation; };
struct msg_media_quit { uint64_t zero; };
/* A frame ring for a picture of this size (or for PCM when width is 0) */
struct msg_media_frames_want {
	uint64_t peer, generation; uint32_t width, height, slots, slot_bytes;
};
/* descriptor: the FRAMES region */
struct msg_media_frames {
	uint64_t peer, generation; uint32_t width, height, slots, slot_bytes;
};
struct msg_media_stats {
	uint64_t audio_in, audio_out, video_in, video_out, concealed, late;
	uint64_t data_in, data_out;
};

#pragma GCC diagnostic pop

#define ROW(name, ...) MSG_##name,
enum msg_type { MSG_TABLE(ROW) MSG_COUNT };
#undef ROW

/* size: payload and blob together. seq: +1 with every message of a sender on
 * a channel, for whoever reads a trace. */
struct msg_head {
	uint32_t type, size, fds, seq;
};

enum { MSG_MAX = (int)sizeof(struct msg_head) + MSG_SDP + 256 };

/* The name of the row, or "?" for a type that has none. */
const char *msg_name(uint32_t type);

/* Bytes of the fixed payload; 0 for a type that has none. */
size_t msg_payload(uint32_t type);

/* Descriptors of the row; it goes over the fds socket if there are any. */
uint32_t msg_fds(uint32_t type);

/* A number that two different tables hardly share (FNV-1a over the rows). */
uint32_t msg_abi(void);

/*
 * The one gate, passed before a handler sees a byte. 0, or -EPROTO when the
 * row forbids the direction, the phase, the size or the descriptors.
 */
int msg_admit(const struct msg_head *head, enum proc from, enum proc to,
	      enum phase now) MUST_USE;

const char *call_state_name(uint32_t state);
const char *call_why_name(uint32_t why);

#endif
