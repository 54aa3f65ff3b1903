# One process per peer, forked from a template.
ICE_WORKER := ice-worker/template.c ice-worker/birth.c ice-worker/peer.c \
	ice-worker/dispatch.c ice-worker/escrow.c ice-worker/transport.c \
	ice-worker/negotiate.c ice-worker/candidates.c ice-worker/trickle.c \
	ice-worker/links.c ice-worker/media_in.c ice-worker/media_out.c \
	ice-worker/rtcp_in.c ice-worker/rtcp_out.c ice-worker/data.c \
	ice-worker/channels.c ice-worker/reports.c

BINS += ice-worker
ice-worker_MAIN := ice-worker/main.c
ice-worker_SRC := $(ICE_WORKER) $(COMMON_LOOP) $(COMMON_LOG) \
	$(COMMON_CHANNEL) $(PROTO) $(SHM_LINK) $(CORE_RTP) $(CORE_RTCP) \
	$(CORE_CC) core/rtp/replay.c $(CORE_SDP) $(CORE_SCTP) $(PORT_ICE) $(PORT_SCTP) \
	$(PORT_SECCOMP) $(PORT_SRTP) $(PORT_DTLS)
ice-worker_LIBS := nice usrsctp ssl seccomp thread
