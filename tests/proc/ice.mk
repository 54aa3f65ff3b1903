# Programs that play the broker of ice-workers.
HOUSE := tests/proc/house.c common/sp.c common/clock.c $(PROTO) $(SHM_LINK)

PROC_PROGS += lone_peer
lone_peer_SRC := $(HOUSE)

PROC_PROGS += fork500
fork500_SRC := $(HOUSE)

PROC_PROGS += ice_peers
ice_peers_SRC := $(HOUSE)
