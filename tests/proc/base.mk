PROC_PROGS += channel_churn
channel_churn_SRC := $(COMMON_CHANNEL) $(COMMON_LOOP) port/bus_nng.c
channel_churn_LIBS := nng thread
