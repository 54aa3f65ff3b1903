# A native test peer; who uses it links CLIENT_LIBS.
CLIENT_SRC := tests/client/stun.c tests/client/agent.c tests/client/rpc.c \
	tests/client/track.c tests/client/rtc_peer.c tests/client/rtc_media.c \
	$(COMMON_LOOP) $(CORE_HTTP) $(CORE_WS) $(CORE_SDP) $(CORE_RTP) \
	core/rtp/replay.c $(CORE_RTCP) core/cc/arrival.c $(CORE_SCTP) \
	$(PORT_JSON) $(PORT_OPUS) $(PORT_VPX) $(PORT_SCTP) $(PORT_DTLS) \
	$(PORT_SRTP)
CLIENT_LIBS := ssl jansson opus vpx usrsctp math thread

UNIT_TESTS += test_stun
test_stun_SRC := tests/client/stun.c core/ws/digest.c

PROC_PROGS += rtc_call
rtc_call_SRC := $(CLIENT_SRC)
rtc_call_LIBS := $(CLIENT_LIBS)
CLIENT_SERVER := tests/client/server.c
