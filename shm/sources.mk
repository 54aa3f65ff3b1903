# Shared memory. A program links SHM_LINK for the encoded and data rings of a
# link, SHM_FRAMES for frame rings, both for both (`$(sort ...)` drops twins).
SHM_LINK := shm/link.c shm/ering.c shm/dring.c shm/region.c shm/doorbell.c
SHM_FRAMES := shm/frame_ring.c shm/region.c shm/doorbell.c

CFLAGS_shm/ering.c := -Wconversion
CFLAGS_shm/dring.c := -Wconversion
CFLAGS_shm/link.c := -Wconversion
CFLAGS_shm/region.c := -Wconversion
CFLAGS_shm/doorbell.c := -Wconversion
CFLAGS_shm/frame_ring.c := -Wconversion
