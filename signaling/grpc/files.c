/* files.c - the compiled .proto files, as protoc wrote them */

#include "signaling/grpc/files.h"

static const uint8_t signaling[] = {
#include <webrtc_signaling.desc.h>
};
static const uint8_t web[] = {
#include <webrtc_signaling_web.desc.h>
};
static const uint8_t health[] = {
#include <health.desc.h>
};
static const uint8_t reflection[] = {
#include <reflection_v1.desc.h>
};
static const uint8_t reflection_alpha[] = {
#include <reflection_v1alpha.desc.h>
};

static const struct {
	const uint8_t *at;
	size_t len;
} sets[GRPC_FILES] = {
	{ signaling, sizeof(signaling) },
	{ web, sizeof(web) },
	{ health, sizeof(health) },
	{ reflection, sizeof(reflection) },
	{ reflection_alpha, sizeof(reflection_alpha) },
};

struct descriptor grpc_file(unsigned n)
{
	return descriptor_first(sets[n].at, sets[n].len);
}
