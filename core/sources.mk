# core/: pure modules. Each line names what one user links.
CORE_RTP := core/rtp/header.c core/rtp/depay.c core/rtp/depay_vp8.c \
	core/rtp/depay_vp9.c core/rtp/pack.c core/rtp/assembler.c \
	core/rtp/continuity.c core/rtp/nack.c core/rtp/recv.c core/rtp/send.c \
	core/rtp/history.c
CORE_RTCP := core/rtcp/rtcp.c core/rtcp/feedback.c core/rtcp/twcc.c
CORE_CC := core/cc/arrival.c core/cc/estimate.c core/cc/trend.c \
	core/cc/pacer.c

CORE_SCTP := core/sctp/dcep.c
CORE_HTTP := core/http/h1.c core/http/chunk.c
CORE_WS := core/ws/ws.c core/ws/utf8.c core/ws/digest.c core/ws/handshake.c
CORE_JITTER := core/media/jitter.c core/media/packets.c core/media/transit.c \
	core/media/opus_head.c
CORE_MEDIA := $(CORE_JITTER) core/media/stretch.c core/media/graph.c \
	core/media/session_route.c core/media/mix.c \
	core/media/picture_head.c
CORE_CANDIDATE := core/sdp/candidate.c core/sdp/addr.c core/sdp/scan.c
CORE_SDP := $(CORE_CANDIDATE) core/sdp/parse.c core/sdp/attr.c \
	core/sdp/match.c core/sdp/session.c core/sdp/answer.c \
	core/sdp/offer.c core/sdp/write.c core/sdp/frag.c
CORE_PIPELINE := core/pipeline/manifest.c core/pipeline/tree.c
