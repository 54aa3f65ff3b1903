PROC_PROGS += channel_churn
channel_churn_SRC := $(COMMON_CHANNEL) $(COMMON_LOOP) port/bus_nng.c
channel_churn_LIBS := nng thread

PROC_PROGS += kill_each
kill_each_SRC := $(CLIENT_SRC) $(CLIENT_SERVER)
kill_each_LIBS := $(CLIENT_LIBS)
