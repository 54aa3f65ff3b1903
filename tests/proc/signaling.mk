# Plays the broker for tests of signaling alone.
PROC_PROGS += fake_broker
fake_broker_SRC := $(PROTO) common/sp.c
