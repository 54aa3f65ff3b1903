# Tests of shared memory: each links exactly what it exercises.
UNIT_TESTS += test_region test_doorbell test_ering test_dring test_link

test_region_SRC := shm/region.c
test_doorbell_SRC := shm/doorbell.c
test_ering_SRC := shm/ering.c
test_dring_SRC := shm/dring.c shm/doorbell.c
test_link_SRC := $(SHM_LINK)

UNIT_TESTS += test_frame_ring
test_frame_ring_SRC := shm/frame_ring.c

# Compiles the rings into itself, with a crash point after every store.
UNIT_TESTS += test_crash
