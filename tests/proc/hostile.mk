# A hostile peer beside a healthy one (tests/hostile/run).
PROC_PROGS += hostile_peer
hostile_peer_SRC := tests/hostile/stage.c tests/hostile/spray.c \
	tests/hostile/media.c tests/hostile/reports.c tests/hostile/data.c \
	tests/hostile/words.c $(CORE_CC) $(CLIENT_SRC)
hostile_peer_SRC := $(sort $(hostile_peer_SRC))
hostile_peer_LIBS := $(CLIENT_LIBS)
