/*
 * parse.h - an SDP session description as a struct
 *
 * A bounded, pure parser of what WebRTC peers say (RFC 8866, 8829, 8839,
 * 8843, 8285, 8841). Unknown lines and attributes are skipped; what is known
 * but malformed is an error. LF and CRLF line ends.
 *
 * Memory   All strings point into sdp->text, end in zero and are "" when
 *          absent. A struct sdp is about 100 KiB, so it belongs on the heap,
 *          and must not be copied or moved after sdp_parse().
 * Errors   -EINVAL malformed, -EMSGSIZE over a limit; struct sdp_error says
 *          the line and the reason. The struct is then zeroed.
 */
#ifndef CORE_SDP_PARSE_H
#define CORE_SDP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "core/sdp/candidate.h"

enum {
	SDP_TEXT = 32768,	/* bytes */
	SDP_LINES = 1024,
	SDP_LINE = 2048,	/* bytes without the line end */
	SDP_MEDIA = 16,		/* m-lines */
	SDP_PAYLOADS = 64,	/* of one m-line */
	SDP_FMTPS = 64,		/* of one m-line */
	SDP_PAYLOADS_ALL = 512,
	SDP_EXTMAPS_ALL = 256,
	SDP_SSRCS = 32,		/* of one m-line */
	SDP_SSRCS_ALL = 128,
	SDP_CANDIDATES = 64,	/* more are counted and dropped */
	SDP_FINGERPRINTS = 4,	/* of one m-line or of the session */
	SDP_GROUPS = 4,		/* BUNDLE groups */
	SDP_MID = 32,		/* characters */
	SDP_TOKEN = 31,		/* characters of protocol and formats */
	SDP_UFRAG = 256,
	SDP_PWD = 256,
	SDP_HASH = 64,		/* bytes of a SHA-512 */
};

/* The same numbers as enum link_kinds in shm/link.h. */
enum sdp_kind { SDP_OTHER = 0, SDP_AUDIO = 1, SDP_VIDEO = 2, SDP_DATA = 4 };

/* SEND and RECV or-ed, from the side of who wrote the description. */
enum sdp_direction {
	SDP_INACTIVE = 0, SDP_SENDONLY = 1, SDP_RECVONLY = 2, SDP_SENDRECV = 3
};

enum sdp_setup {
	SDP_SETUP_NONE, SDP_ACTPASS, SDP_ACTIVE, SDP_PASSIVE, SDP_HOLDCONN
};

enum sdp_feedback {
	SDP_NACK = 1, SDP_NACK_PLI = 2, SDP_CCM_FIR = 4, SDP_TRANSPORT_CC = 8,
	SDP_GOOG_REMB = 16,
};

enum sdp_hash { SDP_SHA256, SDP_SHA384, SDP_SHA512, SDP_HASH_OTHER };

struct sdp_fingerprint {
	enum sdp_hash hash;
	uint8_t len;		/* bytes: 32, 48, 64; 0 for SDP_HASH_OTHER */
	uint8_t bytes[SDP_HASH];
};

struct sdp_payload {
	uint8_t type;		/* 0..127 */
	uint8_t channels;	/* 1 when the rtpmap has none */
	uint8_t feedback;	/* enum sdp_feedback or-ed */
	uint32_t clock_hz;	/* 0 when there is no rtpmap */
	const char *codec;	/* as written; compare without case */
	const char *fmtp;
};

struct sdp_extmap {
	uint8_t id;		/* 1..255 but 15 */
	enum sdp_direction direction;	/* SENDRECV when not written */
	const char *uri;
};

struct sdp_ssrc {
	uint32_t ssrc;
	const char *cname, *msid;
};

struct sdp_media {
	enum sdp_kind kind;
	const char *name;	/* "audio", "video", "application", ... */
	const char *protocol, *format;	/* format: the first one */
	const char *mid, *msid;
	unsigned line;		/* of the m-line in the text, from 1 */
	uint16_t port;
	bool bundle_only, rtcp_mux, rtcp_rsize, end_of_candidates;
	bool extmap_allow_mixed, simulcast, trickle, ice_lite;
	int8_t group;		/* index of its BUNDLE group, -1 none */
	uint8_t rids;		/* a=rid lines */
	enum sdp_direction direction;
	enum sdp_setup setup;
	const char *ufrag, *pwd;	/* the session's unless given here */
	struct sdp_fingerprint fingerprints[SDP_FINGERPRINTS];
	uint8_t fingerprint_count;
	uint32_t max_bitrate_bps;	/* b=TIAS or b=AS, 0 none */
	uint16_t sctp_port;	/* 0 none */
	bool sctpmap;		/* the form before RFC 8841 */
	uint32_t max_message_size;	/* bytes; 65536 when not written */
	struct sdp_payload *payloads;	/* in the order of the m-line */
	struct sdp_extmap *extmaps;
	struct sdp_ssrc *ssrcs;
	struct candidate *candidates;
	uint16_t payload_count, extmap_count, ssrc_count, candidate_count;
	uint32_t fid_primary, fid_rtx;	/* first ssrc-group:FID, or 0 */
};

struct sdp_group {
	const char *mids;	/* "0 1 2", as written */
};

struct sdp {
	uint64_t origin_id, origin_version;
	const char *msid_semantic;
	struct sdp_group groups[SDP_GROUPS];
	unsigned group_count;
	struct sdp_media media[SDP_MEDIA];
	unsigned media_count;
	unsigned candidates_dropped;	/* over SDP_CANDIDATES or malformed */

	/* Storage of the above. */
	struct sdp_payload payloads[SDP_PAYLOADS_ALL];
	struct sdp_extmap extmaps[SDP_EXTMAPS_ALL];
	struct sdp_ssrc ssrcs[SDP_SSRCS_ALL];
	struct candidate candidates[SDP_CANDIDATES];
	unsigned payloads_used, extmaps_used, ssrcs_used, candidates_used;
	char text[SDP_TEXT + 1];
};

struct sdp_error {
	unsigned line;		/* from 1; 0 when no line is at fault */
	char text[160];		/* for people, one line */
};

/* Fills all of *sdp. err may be NULL. */
int sdp_parse(struct sdp *sdp, const char *text, size_t len,
	      struct sdp_error *err) MUST_USE;

/* The m-line with this mid, or NULL. */
const struct sdp_media *sdp_media_by_mid(const struct sdp *sdp,
					 const char *mid);

/*
 * The value of a parameter of a fmtp text ("a=1;b=2"), its length in *len;
 * NULL when absent. Names are compared without case.
 */
const char *sdp_fmtp_get(const char *fmtp, const char *name, size_t *len);

/* Whether a and b are the same but for ASCII case. */
bool sdp_token_is(const char *a, const char *b);

#endif
