UNIT_TESTS += test_rtp test_depay test_pack test_assembler test_nack \
	test_recv test_send test_rtcp test_twcc test_cc test_rtp_capture
test_rtp_SRC := core/rtp/header.c
test_depay_SRC := core/rtp/depay.c core/rtp/depay_vp8.c core/rtp/depay_vp9.c
test_pack_SRC := core/rtp/pack.c $(test_depay_SRC)
test_assembler_SRC := core/rtp/assembler.c core/rtp/continuity.c \
	$(test_pack_SRC)
test_rtp_capture_SRC := core/rtp/header.c core/rtp/assembler.c \
	core/rtp/continuity.c $(test_depay_SRC)
test_nack_SRC := core/rtp/nack.c
test_recv_SRC := core/rtp/recv.c core/rtp/nack.c core/rtcp/rtcp.c
test_send_SRC := core/rtp/send.c core/rtp/history.c core/rtp/header.c \
	core/rtcp/rtcp.c
test_rtcp_SRC := core/rtcp/rtcp.c core/rtcp/feedback.c
test_twcc_SRC := core/rtcp/twcc.c core/rtcp/rtcp.c core/cc/arrival.c
test_cc_SRC := core/cc/estimate.c core/cc/trend.c core/cc/pacer.c \
	core/rtcp/twcc.c core/rtcp/rtcp.c
