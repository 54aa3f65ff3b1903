# The raw shared area, the other side's cursor or page, is the input.
FUZZERS += fuzz_ering fuzz_dring fuzz_frame_ring
fuzz_ering_SRC := shm/ering.c
fuzz_dring_SRC := shm/dring.c
fuzz_frame_ring_SRC := shm/frame_ring.c
