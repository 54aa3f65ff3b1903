# Real SIGKILLs over sealed memory.
PROC_PROGS += ring_kill
ring_kill_SRC := $(sort $(SHM_LINK) $(SHM_FRAMES) common/clock.c)
