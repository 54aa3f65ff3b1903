FUZZERS += fuzz_rtp fuzz_depay fuzz_rtcp fuzz_twcc
fuzz_rtp_SRC := core/rtp/header.c
fuzz_depay_SRC := core/rtp/assembler.c core/rtp/continuity.c \
	core/rtp/depay.c core/rtp/depay_vp8.c core/rtp/depay_vp9.c
fuzz_rtcp_SRC := $(CORE_RTCP) core/rtp/send.c core/rtp/history.c \
	core/rtp/header.c core/rtp/recv.c core/rtp/nack.c
fuzz_twcc_SRC := $(CORE_CC) core/rtcp/twcc.c core/rtcp/rtcp.c
