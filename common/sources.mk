# What a process needs of common/ for logs, time and its loop.
COMMON_LOOP := common/loop.c common/clock.c
COMMON_LOG := common/log.c
COMMON_CHANNEL := common/channel.c common/sp.c
# Settings (WEBRTC_* and flags); links COMMON_LOG too.
COMMON_OPTIONS := common/options.c
