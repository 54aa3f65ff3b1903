# Real SIGKILLs over sealed memory.
PROC_PROGS += ring_kill
ring_kill_SRC := $(sort $(SHM_LINK) $(SHM_FRAMES) common/clock.c)
# An in-line reader in Python (tests/proc/frame_reader.py).
PROC_PROGS += frame_ring_py
frame_ring_py_SRC := $(SHM_FRAMES) common/clock.c
