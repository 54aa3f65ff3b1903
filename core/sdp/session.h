/*
 * session.h - what two peers have agreed: the result of offer and answer
 *
 * A struct sdp_session is one peer's side of one negotiation: filled by
 * sdp_answer() (answer.h) or by sdp_offer() and sdp_apply_answer() (offer.h),
 * written as text by sdp_session_write() (write.h). It holds no pointer, so
 * it is copied by assignment and outlives every text.
 *
 * One call carries at most one stream of each kind each way: one audio and
 * one video in, one audio and one video out, one data association. All run
 * over one BUNDLE transport with rtcp-mux.
 *
 * Threads  None; plain data.
 */
#ifndef CORE_SDP_SESSION_H
#define CORE_SDP_SESSION_H

#include "core/sdp/parse.h"

enum sdp_codec { SDP_CODEC_NONE, SDP_OPUS, SDP_VP9, SDP_VP8 };

enum {
	SDP_CODECS = 2,		/* agreed payload types of one m-line */
	SDP_REMOTE_SSRCS = 8,
	SDP_REASON = 96,
	SDP_MESSAGE_MAX = 262144,	/* bytes of a data message, both ways */
	SDP_SCTP_PORT = 5000,
};

struct sdp_line_codec {
	enum sdp_codec codec;
	uint8_t payload_type;
	uint8_t channels;
	uint8_t feedback;	/* enum sdp_feedback or-ed, both sides can */
	bool stereo;		/* Opus: the peer likes to receive stereo */
	bool fec;		/* Opus: the peer can use in-band FEC */
	bool profile_given;	/* VP9: profile-id stood in the fmtp */
	uint32_t clock_hz;
};

/* One m-line, in the order of the text. */
struct sdp_line {
	enum sdp_kind kind;
	bool accepted;
	bool bundled;		/* named in the answer's BUNDLE group */
	char reason[SDP_REASON];	/* why it is rejected, "" if accepted */
	char mid[SDP_MID + 1];	/* "" when the peer gave none */
	char name[SDP_TOKEN + 1], protocol[SDP_TOKEN + 1];
	char format[SDP_TOKEN + 1];
	enum sdp_direction direction;	/* ours: SENDONLY = only we send */
	bool sctpmap;
	uint8_t codec_count;	/* codecs[0] is what we send; receive all */
	struct sdp_line_codec codecs[SDP_CODECS];
	/* RTP header extension ids, 0: not agreed. 1..14 */
	uint8_t ext_mid, ext_transport_cc, ext_audio_level;
	bool rtcp_rsize, extmap_allow_mixed;
	uint32_t max_bitrate_bps;	/* the peer's b= line, 0 none */
	uint32_t remote_ssrcs[SDP_REMOTE_SSRCS];
	uint8_t remote_ssrc_count;
};

struct sdp_session {
	struct sdp_line lines[SDP_MEDIA];
	unsigned line_count, accepted_count;
	unsigned kinds;		/* enum sdp_kind of accepted lines, or-ed */
	/* Index of the m-line that carries it, -1 none. */
	int8_t audio_in, audio_out, video_in, video_out, data;
	int8_t transport;	/* the m-line whose transport all share, -1 */

	/* The peer's side of the transport; "" and 0 before its description. */
	char remote_ufrag[SDP_UFRAG + 1], remote_pwd[SDP_PWD + 1];
	struct sdp_fingerprint fingerprints[SDP_FINGERPRINTS];	/* one fits */
	uint8_t fingerprint_count;
	bool remote_lite, remote_trickle, remote_end_of_candidates;
	bool we_offer;		/* the last offer was ours */
	bool dtls_active;	/* we are the DTLS client */
	enum sdp_setup setup;	/* what our description says */
	uint16_t remote_sctp_port;
	uint32_t remote_max_message_size;	/* bytes; 0: no limit named */
};

/*
 * What this side brings. Strings and candidates are borrowed for the call.
 * Empty or NULL texts are an error but where stated.
 */
struct sdp_local {
	uint64_t session_id;	/* of the o= line, the same in all of a call */
	uint32_t version;	/* +1 with each description */
	const char *ufrag, *pwd;
	uint8_t fingerprint[32];	/* SHA-256 of our certificate */
	const char *cname, *stream;	/* msid stream; tracks are made of it */
	uint32_t audio_ssrc, video_ssrc;
	unsigned kinds;		/* enum sdp_kind or-ed that we accept */
	unsigned sends;		/* of those, what we have to send */
	bool want_active;	/* answer actpass with active, not passive */
	const struct candidate *candidates;
	unsigned candidate_count;
	bool gathering_done;	/* a=end-of-candidates */
};

/* No line, no transport, all indices -1. */
void sdp_session_init(struct sdp_session *s);

enum sdp_change {
	SDP_SAME_TRANSPORT,
	SDP_ICE_RESTART,	/* other ufrag and pwd: new ones from us, too */
	SDP_NEW_CONNECTION,	/* other certificate: another peer connection */
};

/* How the transport of a later description differs from what was agreed. */
enum sdp_change sdp_compare(const struct sdp_session *was,
			    const struct sdp *now);

/* Whether one of the agreed fingerprints is this one (SHA-256, -384, -512 of
 * the peer's certificate); constant time in the bytes. */
bool sdp_fingerprint_fits(const struct sdp_session *s, enum sdp_hash hash,
			  const uint8_t *bytes, size_t len);

/* The agreed codec with this payload type on any accepted m-line of the kind,
 * NULL if none. */
const struct sdp_line_codec *sdp_codec_by_type(const struct sdp_session *s,
					       enum sdp_kind kind,
					       uint8_t payload_type);

const char *sdp_codec_name(enum sdp_codec codec);
const char *sdp_kind_name(enum sdp_kind kind);
const char *sdp_direction_name(enum sdp_direction direction);

#endif
