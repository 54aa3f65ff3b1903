BENCHES += bench_srtp
bench_srtp_SRC := $(PORT_SRTP) $(PORT_SRTP_LIB)
bench_srtp_LIBS := ssl srtp2
BENCHES += bench_opus bench_vpx bench_added_delay
bench_opus_SRC := tests/media_kit.c $(MEDIA_STREAMS) $(MEDIA_FOREIGN) \
	common/clock.c $(SHM_FRAMES)
bench_opus_LIBS := opus vpx math
bench_vpx_SRC := $(bench_opus_SRC)
bench_vpx_LIBS := opus vpx math
bench_added_delay_SRC := $(MEDIA_PLAY) $(MEDIA_STREAMS) $(CORE_MEDIA)
bench_added_delay_LIBS := opus vpx math thread
BENCHES += bench_hop
bench_hop_SRC := shm/ering.c shm/doorbell.c
BENCHES += bench_setup
bench_setup_SRC := $(CLIENT_SRC) $(CLIENT_SERVER) $(PORT_ICE)
bench_setup_LIBS := nice $(CLIENT_LIBS)
BENCHES += bench_peers
bench_peers_SRC := $(CLIENT_SRC) $(CLIENT_SERVER)
bench_peers_LIBS := $(CLIENT_LIBS)
BENCHES += bench_rtp
bench_rtp_SRC := $(CORE_RTP) $(CORE_RTCP) $(CORE_CC)
BENCHES += bench_call_delay
bench_call_delay_SRC := $(CLIENT_SRC) $(CLIENT_SERVER)
bench_call_delay_LIBS := $(CLIENT_LIBS)
BENCHES += bench_relay
bench_relay_SRC := tests/client/server.c common/clock.c signaling/text.c \
	$(CORE_WS) $(CORE_HTTP) $(PORT_JSON)
bench_relay_LIBS := jansson
